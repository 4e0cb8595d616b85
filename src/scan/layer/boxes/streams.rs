//! Compressed streams: one text each, however many members it was packed in.

use std::borrow::Cow;

use super::Label;
use super::bytes::{array, from, slice, u32_le, until};
use super::packing::Packing;
use super::tray::Tray;
use crate::scan::layer::LeftOut;

/// Below how many bytes a stream whose magic is two bytes is rather taken for no stream at all, if
/// it breaks off: any text may begin with `x^`.
const DOUBTFUL_BYTES: usize = 64;

/// How a format of one stream is told and read.
pub(super) struct Kind {
    packing: Packing,
    /// Whether another member begins here.
    begins: fn(&[u8]) -> bool,
    is_doubtful: bool,
}

pub(super) const BZIP2: Kind =
    Kind { packing: Packing::Bzip2, begins: is_bzip2, is_doubtful: false };
pub(super) const GZIP: Kind = Kind { packing: Packing::Gzip, begins: is_gzip, is_doubtful: false };
pub(super) const LZ4: Kind = Kind { packing: Packing::Lz4, begins: is_lz4, is_doubtful: false };
pub(super) const LZMA: Kind = Kind { packing: Packing::Lzma, begins: |_| false, is_doubtful: true };
pub(super) const LZIP: Kind = Kind { packing: Packing::Lzip, begins: is_lzip, is_doubtful: false };
pub(super) const XZ: Kind = Kind { packing: Packing::Xz, begins: is_xz, is_doubtful: false };
pub(super) const ZLIB: Kind = Kind { packing: Packing::Zlib, begins: |_| false, is_doubtful: true };
pub(super) const ZSTD: Kind = Kind { packing: Packing::Zstd, begins: is_zstd, is_doubtful: false };

/// Passes on what all members hold, joined as their tools join them, and what follows the last.
pub(super) fn open(kind: &Kind, bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let (mut at, mut out, mut names) = (0, Vec::new(), Vec::new());
    let fault = loop {
        let member = from(bytes, at);
        if let Some(skipped) = skippable(member) {
            at += skipped;
        } else if at == 0 || (kind.begins)(member) {
            add_names(kind, member, &mut names);
            let unpacked = tray.pour(kind.packing, member, &mut out);
            at += unpacked.used;
            if unpacked.fault.is_some() || unpacked.used == 0 {
                break unpacked.fault;
            }
        } else {
            break None;
        }
        at += padding(from(bytes, at));
    };
    let is_none = kind.is_doubtful && fault == Some(LeftOut::Damaged) && out.len() < DOUBTFUL_BYTES;
    let label = Label::new("stream", 0);
    tray.emit(label, Cow::Owned(out))?;
    tray.made(Label::new("names", 0), names)?;
    match fault {
        Some(why) if !is_none => tray.tell(why, label),
        Some(_) => Ok(()),
        None => tray.stored(Label::new("trailing", at), from(bytes, at)),
    }
}

/// Adds the name, the comment and the extra field of a gzip member. Source: RFC 1952, section 2.3.
fn add_names(kind: &Kind, member: &[u8], names: &mut Vec<u8>) {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let (Packing::Gzip, Some(&flags)) = (kind.packing, member.get(3)) else { return };
    let mut at = 10;
    if flags & EXTRA != 0 {
        let len = array(member, at).map_or(0, u16::from_le_bytes);
        at += 2;
        add_line(names, slice(member, at, usize::from(len)).unwrap_or_default());
        at += usize::from(len);
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            let text = until(from(member, at), 0);
            add_line(names, text);
            at += text.len() + 1;
        }
    }
}

/// Adds a text that stands on a line of its own.
pub(super) fn add_line(lines: &mut Vec<u8>, text: &[u8]) {
    if !text.is_empty() {
        lines.extend_from_slice(text);
        lines.push(b'\n');
    }
}

/// Returns the length of a frame that Zstandard and LZ4 decoders step over. Its bytes are plain.
fn skippable(bytes: &[u8]) -> Option<usize> {
    let magic = u32_le(bytes, 0)?;
    let len = usize::try_from(u32_le(bytes, 4)?).ok()?.checked_add(8)?;
    (magic & 0xffff_fff0 == 0x184d_2a50 && len <= bytes.len()).then_some(len)
}

/// Returns how many NULs the bytes begin with: tapes and xz pad streams with them.
fn padding(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| byte == 0).count()
}

pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

/// Two bytes: the method with its window, and a check that makes them a multiple of 31.
pub(super) fn is_zlib(bytes: &[u8]) -> bool {
    const DICTIONARY: u16 = 0x20;
    array(bytes, 0).map(u16::from_be_bytes).is_some_and(|head| {
        let (method, window) = (head >> 8 & 15, head >> 12);
        method == 8 && window <= 7 && head % 31 == 0 && head & DICTIONARY == 0
    })
}

pub(super) fn is_bzip2(bytes: &[u8]) -> bool {
    const BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
    const END: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
    let block = array(bytes, 4);
    bytes.starts_with(b"BZh") && (block == Some(BLOCK) || block == Some(END))
}

pub(super) fn is_xz(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xfd7zXZ\0")
}

/// A header without a magic: the usual properties, a window that xz itself could have written and
/// a length that is unknown or below 256 GiB, as `xz --format=lzma` tells them too.
pub(super) fn is_lzma(bytes: &[u8]) -> bool {
    let window = u32_le(bytes, 1).unwrap_or(1);
    let length = array(bytes, 5).map_or(0, u64::from_le_bytes);
    let is_usual =
        window.is_power_of_two() || (window / 3).is_power_of_two() && window.is_multiple_of(3);
    bytes.first() == Some(&0x5d)
        && (is_usual || window == u32::MAX)
        && window >= 1 << 12
        && (length == u64::MAX || length < 1 << 38)
}

pub(super) fn is_lzip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"LZIP\x01")
}

pub(super) fn is_zstd(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || skippable(bytes).is_some()
}

pub(super) fn is_lz4(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x04, 0x22, 0x4d, 0x18]) || bytes.starts_with(&[0x02, 0x21, 0x4c, 0x18])
}
