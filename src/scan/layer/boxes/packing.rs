//! The ways to pack a stream of bytes, each behind one `Read`.
//!
//! flate2 runs on zlib-rs, which gix brings along already; the others are pure Rust too, so that a
//! hostile stream meets no C: bzip2 on libbz2-rs-sys, lzma-rust2 (whose window grows with what comes
//! out, not with what the header claims), ruzstd and `lz4_flex`.

mod zstd;

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use lzma_rust2::{LzipReader, LzmaReader, XzReader};

use super::bytes::u32_le;
use crate::scan::layer::LeftOut;

/// How far back a decoder may look, in bytes. `xz -9` wants as much, `zstd -19` an eighth of it;
/// formats let a stream of a few bytes ask for 4 GiB.
pub(super) const WINDOW_BYTES_MAX: u32 = 64 << 20;

/// The same for Zstandard: `zstd --long` wants 128 MiB. They are reserved, but touched only as far as
/// something comes out.
const ZSTD_WINDOW_BYTES_MAX: u64 = 128 << 20;

/// What decoders may allocate: the window and, in KiB as lzma-rust2 counts, their tables.
pub(super) const MEMORY_KIB_MAX: u32 = (WINDOW_BYTES_MAX >> 10) + 1024;

/// A way to pack one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Bzip2,
    Deflate,
    Gzip,
    Lz4,
    /// With the header of a `.lzma` file.
    Lzma,
    /// Without any header: its properties, its window and, if known, its length stand elsewhere.
    LzmaRaw {
        properties: u8,
        window_bytes: u32,
        unpacked_bytes: u64,
    },
    Lzip,
    Xz,
    Zlib,
    Zstd,
}

impl Packing {
    /// Returns what it costs to set a decoder up, counted as bytes that come out: a box of a million
    /// empty members costs little to write, and its decoders' tables a lot to clear.
    pub(super) fn setup_bytes(self) -> usize {
        match self {
            Self::Deflate | Self::Gzip | Self::Zlib => 512,
            _ => 16 << 10,
        }
    }

    /// Returns a reader of what `input` holds.
    pub(super) fn decoder(self, input: Input<'_>) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Bzip2 => Box::new(BzDecoder::new(input)),
            Self::Deflate => Box::new(DeflateDecoder::new(input)),
            Self::Gzip => Box::new(GzDecoder::new(input)),
            Self::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(input)),
            Self::Lzma => {
                check_window(u32_le(input.rest, 1).unwrap_or_default())?;
                Box::new(LzmaReader::new_mem_limit(input, MEMORY_KIB_MAX, None)?)
            }
            Self::LzmaRaw { properties, window_bytes, unpacked_bytes } => {
                check_window(window_bytes)?;
                let size = unpacked_bytes;
                Box::new(LzmaReader::new_with_props(input, size, properties, window_bytes, None)?)
            }
            Self::Lzip => Box::new(LzipReader::new(input)),
            Self::Xz => Box::new(XzReader::new_mem_limit(input, false, MEMORY_KIB_MAX)),
            Self::Zlib => Box::new(ZlibDecoder::new(input)),
            Self::Zstd => Box::new(zstd::Frame::new(input)?),
        })
    }
}

fn check_window(bytes: u32) -> io::Result<()> {
    if bytes > WINDOW_BYTES_MAX { Err(io::ErrorKind::OutOfMemory.into()) } else { Ok(()) }
}

/// Returns why a decoder gave up. A window beyond ours is a way of packing that we do not know:
/// unlike an empty budget it ends this stream alone, not what stands beside it.
pub(super) fn fault(error: &io::Error) -> LeftOut {
    match error.kind() {
        io::ErrorKind::OutOfMemory | io::ErrorKind::Unsupported => LeftOut::Method,
        _ => LeftOut::Damaged,
    }
}

/// Packed bytes, counted as they are read.
pub(super) struct Input<'a> {
    rest: &'a [u8],
    used: &'a Cell<usize>,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8], used: &'a Cell<usize>) -> Self {
        Self { rest: bytes, used }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.rest.read(buffer)?;
        self.used.set(self.used.get() + read);
        Ok(read)
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.rest)
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.rest.len());
        self.rest.consume(count);
        self.used.set(self.used.get() + count);
    }
}
