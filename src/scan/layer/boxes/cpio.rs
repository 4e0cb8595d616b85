//! cpio archives, in their four dialects.
//!
//! ```text
//! newc, crc   "070701" or "070702", 13 × 8 hex digits, name, pad to 4, bytes, pad to 4
//! odc         "070707", octal digits, name, bytes
//! old binary  0o070707 as 16 bits, 12 × 16 bits of either order, name, pad to 2, bytes, pad to 2
//! ```
//!
//! Source: cpio(5) of FreeBSD. What follows the trailer is opened too: an initramfs is several
//! archives in a row.

use super::Label;
use super::bytes::{array, from, number, size, slice, until, up_to};
use super::streams::add_line;
use super::tray::Tray;
use crate::scan::layer::LeftOut;

const TRAILER: &[u8] = b"TRAILER!!!";

/// What stands in front of a name.
struct Header {
    bytes: usize,
    name_bytes: usize,
    data_bytes: usize,
    /// What name and data are padded to, in bytes.
    step: usize,
}

pub(super) fn is(bytes: &[u8]) -> bool {
    header(bytes).is_some_and(|header| header.name_bytes > 0)
}

/// Passes on every member, their names, and what follows the last.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let (mut at, mut names, mut is_whole) = (0, Vec::new(), false);
    while let Some(header) = header(from(bytes, at)) {
        let name = until(up_to(bytes, at + header.bytes, header.name_bytes), 0);
        let data_at = (at + header.bytes).saturating_add(header.name_bytes);
        let data_at = data_at.saturating_add(padding(data_at - at, header.step));
        let data = up_to(bytes, data_at, header.data_bytes);
        is_whole = name == TRAILER;
        add_line(&mut names, name);
        tray.stored(Label::new("entry", data_at).named(name), data)?;
        if data.len() < header.data_bytes {
            is_whole = false;
            at = bytes.len();
            break;
        }
        at = data_at + data.len() + padding(data.len(), header.step);
        at += if is_whole { blank(from(bytes, at)) } else { 0 };
    }
    tray.made(Label::new("names", 0), names)?;
    tray.stored(Label::new("trailing", at), from(bytes, at))?;
    if is_whole { Ok(()) } else { Err(LeftOut::Damaged) }
}

fn header(bytes: &[u8]) -> Option<Header> {
    match slice(bytes, 0, 6)? {
        b"070701" | b"070702" => {
            let field = |index: usize| number(slice(bytes, 6 + 8 * index, 8)?, 16).map(size);
            Some(Header { bytes: 110, name_bytes: field(11)?, data_bytes: field(6)?, step: 4 })
        }
        b"070707" => {
            let field = |at, len| number(slice(bytes, at, len)?, 8).map(size);
            let (name_bytes, data_bytes) = (field(59, 6)?, field(65, 11)?);
            Some(Header { bytes: 76, name_bytes, data_bytes, step: 1 })
        }
        [0xc7, 0x71, ..] => binary(bytes, u16::from_le_bytes),
        [0x71, 0xc7, ..] => binary(bytes, u16::from_be_bytes),
        _ => None,
    }
}

/// Reads an old header. Two bytes are little of a magic, so the name has to end as it says.
fn binary(bytes: &[u8], word: fn([u8; 2]) -> u16) -> Option<Header> {
    let field = |index: usize| array(bytes, 2 * index).map(word).map(usize::from);
    let name_bytes = field(10)?;
    let data_bytes = field(11)? << 16 | field(12)?;
    let end = bytes.get(26 + name_bytes.checked_sub(1)?)?;
    (*end == 0).then_some(Header { bytes: 26, name_bytes, data_bytes, step: 2 })
}

fn padding(len: usize, step: usize) -> usize {
    (step - len % step) % step
}

/// Returns how many NULs an archive is filled up with.
fn blank(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| byte == 0).count()
}
