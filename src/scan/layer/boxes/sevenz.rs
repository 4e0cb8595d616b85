//! 7z archives, by the crate `sevenz-rust2`.
//!
//! It reads the headers under a memory limit, knows the filters and the graph of coders, and hands
//! out what a lying header would hide; to write that anew would be a thousand lines. Its decoders are
//! pure Rust: Copy, LZMA, LZMA2, BCJ, Delta, Deflate, bzip2 and `PPMd`, without AES, so that an
//! encrypted archive is told as one.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use sevenz_rust2::{Archive, BlockDecoder, EncoderMethod, Error, Password};

use super::Label;
use super::packing::MEMORY_KIB_MAX;
use super::streams::add_line;
use super::tray::Tray;
use crate::scan::layer::LeftOut;

/// What a header may be long, and its decoder allocate: 7-Zip packs headers with a window of 1 MiB,
/// and a file that a packed header counts costs a byte there, next to nothing here in the box, and
/// some two hundred bytes of memory.
const HEADER_KIB_MAX: usize = 1536;

/// What a block costs besides its bytes: decoders are set up for it.
const BLOCK_BYTES: usize = 16 << 10;

/// What a decoder may allocate, as the crate wants it.
const LIMIT_KIB: usize = MEMORY_KIB_MAX as usize;

/// Passes on all names, and every entry: block by block, so that one that cannot be read does not
/// hide the next.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let used = Cell::new(0);
    let mut input = Counted { inner: Cursor::new(bytes), used: &used };
    let archive = Archive::read_with_memory_limit(&mut input, &Password::empty(), HEADER_KIB_MAX)
        .map_err(|error| why(&error))?;
    let mut names = Vec::new();
    for file in &archive.files {
        add_line(&mut names, file.name().as_bytes());
    }
    tray.made(Label::new("names", 0), names)?;
    for block in 0..archive.blocks.len() {
        tray.spend(BLOCK_BYTES)?;
        open_block(&archive, block, &mut input, tray)?;
    }
    Ok(())
}

fn open_block(
    archive: &Archive,
    block: usize,
    input: &mut Counted<'_>,
    tray: &mut Tray<'_>,
) -> Result<(), LeftOut> {
    let (password, used, mut end) = (Password::empty(), input.used, None);
    let decoder =
        BlockDecoder::new_with_memory_limit(1, LIMIT_KIB, block, archive, &password, input);
    let name = decoder.entries().first().map(|file| file.name().as_bytes().to_vec());
    let label = Label::new("entry", 0).named(name.as_deref().unwrap_or_default());
    let read = decoder.for_each_entries(&mut |file, data| {
        let opened = open_entry(file.name(), data, used, tray);
        Ok(opened.unwrap_or_else(|why| {
            end = Some(why);
            false
        }))
    });
    match (end, read) {
        (Some(why), _) => Err(why),
        (None, Ok(_)) => Ok(()),
        (None, Err(_)) if is_encrypted(archive, block) => tray.tell(LeftOut::Encrypted, label),
        (None, Err(error)) => tray.tell(why(&error), label),
    }
}

/// Passes on an entry. Returns whether the block can be read on: behind damage it cannot.
fn open_entry(
    name: &str,
    data: &mut dyn Read,
    used: &Cell<usize>,
    tray: &mut Tray<'_>,
) -> Result<bool, LeftOut> {
    let label = Label::new("entry", 0).named(name.as_bytes());
    let mut out = Vec::new();
    let fault = tray.drain(data, used, &mut out).err();
    tray.emit(label, Cow::Owned(out))?;
    fault.map_or(Ok(()), |why| tray.tell(why, label))?;
    Ok(fault.is_none())
}

fn is_encrypted(archive: &Archive, block: usize) -> bool {
    archive.blocks.get(block).is_some_and(|block| {
        let aes = EncoderMethod::ID_AES256_SHA256;
        block.coders.iter().any(|coder| coder.encoder_method_id() == aes)
    })
}

fn why(error: &Error) -> LeftOut {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => LeftOut::Encrypted,
        Error::UnsupportedCompressionMethod(name) if name.contains("AES") => LeftOut::Encrypted,
        Error::UnsupportedCompressionMethod(_)
        | Error::ExternalUnsupported
        | Error::MaxMemLimited { .. }
        | Error::UnsupportedVersion { .. }
        | Error::Unsupported(_) => LeftOut::Method,
        _ => LeftOut::Damaged,
    }
}

/// The archive's bytes, counted as they are read.
struct Counted<'a> {
    inner: Cursor<&'a [u8]>,
    used: &'a Cell<usize>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.used.set(self.used.get() + read);
        Ok(read)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
