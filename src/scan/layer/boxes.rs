//! Boxes: containers and compressed streams, opened into their parts.
//!
//! ```text
//! bytes ──sniff──► Format ──open──► Out::Part     an entry, a stream, a text chunk, the names
//!                             └───► Out::LeftOut  encrypted, damaged, unknown method, over budget
//! ```
//!
//! A box is opened as its most generous reader would open it, since the pusher chooses which reader
//! that is: both directories of a zip, what follows the end of a gzip member, a tar's members after
//! its end mark, a PDF's streams whether or not its table names them. Whatever came out before an
//! error has been passed on before the error is told.
//!
//! Names, comments and extra fields come as parts of their own, one text a line, although their
//! bytes stand in the box as well: there they touch whatever the format puts next to them, and a
//! rule that wants a boundary on both sides of a token would not see one.
//!
//! A box is opened one layer deep: parts are handed to whoever walks the layers. Nothing recurses,
//! and work is bounded by the [`Budget`]: it is spent chunk by chunk, by what comes out or by what
//! went in, whichever is more, so that neither a bomb nor a box whose entries all point at the same
//! bytes costs more than its budget.

mod ar;
mod bytes;
mod class;
mod closed;
mod cpio;
mod gif;
mod git;
mod jpeg;
mod pack;
mod packing;
mod pdf;
mod png;
mod presence;
mod pyc;
mod riff;
mod sevenz;
mod sniff;
mod sqlite;
mod streams;
mod tar;
mod tray;
mod zip;

use std::borrow::Cow;

use super::{Budget, LeftOut};

pub use presence::{Presence, presence};
pub use sniff::sniff;

use tray::Tray;

/// A kind of box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Unix archive, and with it a Debian package.
    Ar,
    /// A bzip2 stream.
    Bzip2,
    /// A compiled class of Java: its constants.
    Class,
    /// A format that is known by its magic and not read here.
    Closed(&'static str),
    /// A cpio archive: old binary, portable ASCII, `newc` or `crc`.
    Cpio,
    /// A GIF: its comments.
    Gif,
    /// A git bundle: a few lines, then a pack.
    GitBundle,
    /// A git object as it is hashed: its kind, its size, NUL, its content.
    GitObject,
    /// A git pack: its objects, deltas resolved.
    GitPack,
    /// A gzip stream of one or more members.
    Gzip,
    /// A JPEG: its comments, EXIF, XMP.
    Jpeg,
    /// A frame of LZ4.
    Lz4,
    /// A stream of LZMA with a header of 13 bytes.
    Lzma,
    /// An lzip stream of one or more members.
    Lzip,
    /// A PDF: its streams and its strings.
    Pdf,
    /// A PNG: its texts, EXIF, XMP.
    Png,
    /// A compiled module of Python: its strings.
    Pyc,
    /// A RIFF file: the chunks of a WebP, WAV or AVI that are no media.
    Riff,
    /// A 7z archive.
    SevenZ,
    /// A database of `SQLite`: its rows.
    Sqlite,
    /// A tape archive: v7, ustar, pax or GNU.
    Tar,
    /// An xz stream.
    Xz,
    /// A zip archive: jar, war, apk, whl, docx, xlsx, pptx, odt and epub are zips too.
    Zip,
    /// A zlib stream.
    Zlib,
    /// A stream of Zstandard.
    Zstd,
}

impl Format {
    /// All of them. Fuzzed inputs name them by their places here.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) const ALL: [Self; 24] = [
        Self::Ar,
        Self::Bzip2,
        Self::Class,
        Self::Cpio,
        Self::Gif,
        Self::GitBundle,
        Self::GitObject,
        Self::GitPack,
        Self::Gzip,
        Self::Jpeg,
        Self::Lz4,
        Self::Lzma,
        Self::Lzip,
        Self::Pdf,
        Self::Png,
        Self::Pyc,
        Self::Riff,
        Self::SevenZ,
        Self::Sqlite,
        Self::Tar,
        Self::Xz,
        Self::Zip,
        Self::Zlib,
        Self::Zstd,
    ];

    /// Returns the name that a finding's layers show.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ar => "ar",
            Self::Bzip2 => "bzip2",
            Self::Class => "class",
            Self::Closed(name) => name,
            Self::Cpio => "cpio",
            Self::Gif => "gif",
            Self::GitBundle => "git-bundle",
            Self::GitObject => "git-object",
            Self::GitPack => "git-pack",
            Self::Gzip => "gzip",
            Self::Jpeg => "jpeg",
            Self::Lz4 => "lz4",
            Self::Lzma => "lzma",
            Self::Lzip => "lzip",
            Self::Pdf => "pdf",
            Self::Png => "png",
            Self::Pyc => "pyc",
            Self::Riff => "riff",
            Self::SevenZ => "7z",
            Self::Sqlite => "sqlite",
            Self::Tar => "tar",
            Self::Xz => "xz",
            Self::Zip => "zip",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        }
    }
}

/// What stands in a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Whose part it is.
    pub label: Label<'a>,
    /// Its bytes, never none. Owned if they were unpacked.
    pub bytes: Cow<'a, [u8]>,
}

/// Which part of a box is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// What it is to its format: `entry`, `names`, `stream`, `tEXt` …
    pub what: &'static str,
    /// The name that the box gives it: hostile bytes, often a path.
    pub name: Option<&'a [u8]>,
    /// Where in the box it begins, packed, in bytes.
    pub at: usize,
}

impl<'a> Label<'a> {
    fn new(what: &'static str, at: usize) -> Self {
        Self { what, name: None, at }
    }

    fn named(self, name: &'a [u8]) -> Self {
        Self { name: Some(name).filter(|name| !name.is_empty()), ..self }
    }
}

/// What an opened box gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out<'a> {
    /// A part.
    Part(Part<'a>),
    /// A part that did not come out, or not all of it.
    LeftOut {
        /// Why.
        why: LeftOut,
        /// Which.
        label: Label<'a>,
    },
}

/// Opens `bytes` as `format`, and passes what comes out on to `sink`.
///
/// After a [`LeftOut::Bytes`] or [`LeftOut::Parts`] nothing more comes: the budget is used up.
pub fn open(format: Format, bytes: &[u8], budget: &mut Budget, sink: &mut dyn FnMut(Out<'_>)) {
    let mut tray = Tray::new(budget, sink);
    let opened = match format {
        Format::Ar => ar::open(bytes, &mut tray),
        Format::Class => class::open(bytes, &mut tray),
        Format::Closed(_) => Err(LeftOut::Method),
        Format::Cpio => cpio::open(bytes, &mut tray),
        Format::Gif => gif::open(bytes, &mut tray),
        Format::GitBundle => git::open_bundle(bytes, &mut tray),
        Format::GitObject => git::open_object(bytes, &mut tray),
        Format::GitPack => pack::open(bytes, &mut tray),
        Format::Jpeg => jpeg::open(bytes, &mut tray),
        Format::Pdf => pdf::open(bytes, &mut tray),
        Format::Png => png::open(bytes, &mut tray),
        Format::Pyc => pyc::open(bytes, &mut tray),
        Format::Riff => riff::open(bytes, &mut tray),
        Format::SevenZ => sevenz::open(bytes, &mut tray),
        Format::Sqlite => sqlite::open(bytes, &mut tray),
        Format::Tar => tar::open(bytes, &mut tray),
        Format::Zip => zip::open(bytes, &mut tray),
        Format::Bzip2 => streams::open(&streams::BZIP2, bytes, &mut tray),
        Format::Gzip => streams::open(&streams::GZIP, bytes, &mut tray),
        Format::Lz4 => streams::open(&streams::LZ4, bytes, &mut tray),
        Format::Lzip => streams::open(&streams::LZIP, bytes, &mut tray),
        Format::Lzma => streams::open(&streams::LZMA, bytes, &mut tray),
        Format::Xz => streams::open(&streams::XZ, bytes, &mut tray),
        Format::Zlib => streams::open(&streams::ZLIB, bytes, &mut tray),
        Format::Zstd => streams::open(&streams::ZSTD, bytes, &mut tray),
    };
    if let Err(why) = opened {
        tray.end(why, Label::new("box", 0));
    }
}

#[cfg(test)]
mod tests;
