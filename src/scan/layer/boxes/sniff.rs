//! Which boxes some bytes are.

use memchr::memmem;

use super::bytes::{array, from};
use super::{
    Format, ar, class, closed, cpio, gif, git, pack, pdf, png, pyc, riff, sqlite, streams, tar, zip,
};

/// Returns the formats that `bytes` are to be opened as, likeliest first: often none, at times two,
/// since a zip is found from its end and may have anything before it, such as a program that
/// unpacks it, or a box of another kind.
///
/// It looks at the first kilobyte and, for a zip, at the last 64.
pub fn sniff(bytes: &[u8]) -> impl Iterator<Item = Format> + use<> {
    let head = by_head(bytes);
    let tail = (head != Some(Format::Zip) && zip::is_at_end(bytes)).then_some(Format::Zip);
    head.into_iter().chain(tail)
}

fn by_head(bytes: &[u8]) -> Option<Format> {
    by_magic(bytes).or_else(|| by_shape(bytes))
}

/// Tells by bytes that nothing but the format begins with.
fn by_magic(bytes: &[u8]) -> Option<Format> {
    Some(match array::<4>(bytes, 0)? {
        [b'P', b'K', 3, 4] | [b'P', b'K', 5 | 7 | 8, _] => Format::Zip,
        [0x1f, 0x8b, 8, _] => Format::Gzip,
        [b'B', b'Z', b'h', _] if streams::is_bzip2(bytes) => Format::Bzip2,
        [0xfd, b'7', b'z', b'X'] if streams::is_xz(bytes) => Format::Xz,
        [b'7', b'z', 0xbc, 0xaf] => Format::SevenZ,
        [b'L', b'Z', b'I', b'P'] if streams::is_lzip(bytes) => Format::Lzip,
        [b'!', b'<', b'a', b'r'] if ar::is(bytes) => Format::Ar,
        [b'#', b' ', b'v', _] if git::is_bundle(bytes) => Format::GitBundle,
        [0x89, b'P', b'N', b'G'] if png::is(bytes) => Format::Png,
        [0xff, 0xd8, 0xff, _] => Format::Jpeg,
        [b'G', b'I', b'F', b'8'] if gif::is(bytes) => Format::Gif,
        [b'R', b'I', b'F', b'F'] if riff::is(bytes) => Format::Riff,
        [b'S', b'Q', b'L', b'i'] if sqlite::is(bytes) => Format::Sqlite,
        [0xca, 0xfe, 0xba, 0xbe] if class::is(bytes) => Format::Class,
        [_, _, b'\r', b'\n'] if pyc::is(bytes) => Format::Pyc,
        [b'P', b'A', b'C', b'K'] if pack::is(bytes) => Format::GitPack,
        _ if streams::is_zstd(bytes) => Format::Zstd,
        _ if streams::is_lz4(bytes) => Format::Lz4,
        _ if cpio::is(bytes) => Format::Cpio,
        _ => return closed::name(bytes).map(Format::Closed),
    })
}

/// Tells by what has to be looked at more closely.
fn by_shape(bytes: &[u8]) -> Option<Format> {
    if tar::is(bytes) {
        Some(Format::Tar)
    } else if pdf::is(bytes) {
        Some(Format::Pdf)
    } else if git::is_object(bytes) {
        Some(Format::GitObject)
    } else if streams::is_lzma(bytes) {
        Some(Format::Lzma)
    } else {
        streams::is_zlib(bytes).then_some(Format::Zlib)
    }
}

/// Returns the last place of `needle` in the last `within` bytes.
pub(super) fn last_within(bytes: &[u8], needle: &[u8], within: usize) -> Option<usize> {
    let start = bytes.len().saturating_sub(within);
    memmem::find_iter(from(bytes, start), needle).last().map(|at| start + at)
}
