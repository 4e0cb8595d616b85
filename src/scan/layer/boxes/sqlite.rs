//! Databases of `SQLite`: the values of every row, each on a line of its own.
//!
//! ```text
//! page  [header 100] kind 1 │ … │ cells 2 │ … │ pointers │ … free … │ { payload bytes │ row │ payload }
//! payload  { kind of each value } │ values, one right behind the other
//! ```
//!
//! Nothing stands between two columns of text, and a long value is cut at the end of its page: so
//! the rows have to be read. All pages are, whether or not a tree leads to them, since a deleted
//! table leaves its pages behind. Numbers come out as nothing, long blobs as parts of their own.
//!
//! The crate rusqlite wants a file or trusts the bytes it is handed; this reads cells and no more.
//!
//! Source: <https://www.sqlite.org/fileformat2.html>, sections 1.3, 1.6 and 2.1.

use super::Label;
use super::bytes::{from, size, slice, u16_be, u32_be, up_to};
use super::tray::Tray;
use crate::scan::layer::LeftOut;

const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;

/// What a cell costs besides its payload.
const CELL_BYTES: usize = 16;

/// How many bytes of rows make a part: pages are too small, and parts are counted.
const ROWS_BYTES: usize = 1 << 20;

/// Above how many bytes a blob is a part of its own: below, it is an id or a digest, and a line.
const BLOB_BYTES: usize = 128;

const INDEX_INTERIOR: u8 = 2;
const INDEX_LEAF: u8 = 10;
const TABLE_LEAF: u8 = 13;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Passes on the texts of every row, and every blob.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let base = Base::read(bytes).ok_or(LeftOut::Damaged)?;
    let (mut lines, mut lines_at) = (Vec::new(), 0);
    for page_at in (0..bytes.len()).step_by(base.page_bytes) {
        let read = base.open_page(page_at, &mut lines, tray);
        if lines.len() > ROWS_BYTES || read.is_err() {
            tray.emit(Label::new("rows", lines_at), std::mem::take(&mut lines).into())?;
            lines_at = page_at;
        }
        read?;
    }
    tray.emit(Label::new("rows", lines_at), lines.into())?;
    if bytes.len().is_multiple_of(base.page_bytes) { Ok(()) } else { Err(LeftOut::Damaged) }
}

struct Base<'a> {
    bytes: &'a [u8],
    page_bytes: usize,
    /// What of a page may be used.
    usable_bytes: usize,
    /// A line's end in the encoding of the texts.
    line_end: &'static [u8],
}

impl<'a> Base<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let page_bytes = match u16_be(bytes, 16)? {
            1 => 1 << 16,
            bytes => usize::from(bytes),
        };
        let usable_bytes = page_bytes.checked_sub(usize::from(*bytes.get(20)?))?;
        let line_end = match u32_be(bytes, 56)? {
            2 => b"\n\0".as_slice(),
            3 => b"\0\n",
            _ => b"\n",
        };
        // The least that the format allows: below it the sizes of cells have no meaning.
        (page_bytes >= 512 && usable_bytes >= 480).then_some(Self {
            bytes,
            page_bytes,
            usable_bytes,
            line_end,
        })
    }

    fn open_page(
        &self,
        page_at: usize,
        lines: &mut Vec<u8>,
        tray: &mut Tray<'_>,
    ) -> Result<(), LeftOut> {
        let page = up_to(self.bytes, page_at, self.page_bytes);
        let head = if page_at == 0 { HEADER_BYTES } else { 0 };
        let (Some(&kind), Some(cells)) = (page.get(head), u16_be(page, head + 3)) else {
            return Ok(());
        };
        let pointers = match kind {
            TABLE_LEAF | INDEX_LEAF => head + 8,
            INDEX_INTERIOR => head + 12,
            _ => return Ok(()),
        };
        for index in 0..usize::from(cells) {
            let Some(cell) = u16_be(page, pointers + 2 * index) else { break };
            tray.spend(CELL_BYTES)?;
            let payload = self.payload(kind, from(page, usize::from(cell)), tray)?;
            self.add_row(&payload, page_at, lines, tray)?;
        }
        Ok(())
    }

    /// Returns the payload of a cell, pieces on other pages included. A cell that makes no sense has
    /// none: pages that are no part of a tree hold anything.
    fn payload(&self, kind: u8, cell: &[u8], tray: &mut Tray<'_>) -> Result<Vec<u8>, LeftOut> {
        let cell = if kind == INDEX_INTERIOR { from(cell, 4) } else { cell };
        let (len, mut at) = varint(cell);
        if kind == TABLE_LEAF {
            at += varint(from(cell, at)).1;
        }
        let len = size(len).min(self.bytes.len());
        let here = self.here(kind, len);
        let mut payload = up_to(cell, at, here).to_vec();
        tray.spend(payload.len())?;
        let mut next = u32_be(cell, at + here).filter(|_| here < len);
        while let Some(page) = next.map(size).filter(|&page| page > 0 && payload.len() < len) {
            let page =
                up_to(self.bytes, (page - 1).saturating_mul(self.page_bytes), self.usable_bytes);
            let piece = up_to(page, 4, len - payload.len());
            tray.spend(piece.len().max(CELL_BYTES))?;
            payload.extend_from_slice(piece);
            next = u32_be(page, 0).filter(|_| !piece.is_empty());
        }
        Ok(payload)
    }

    /// Returns how much of a payload stands in its cell, as the format reckons it.
    fn here(&self, kind: u8, len: usize) -> usize {
        let share = |part: usize| (self.usable_bytes - 12) * part / 255 - 23;
        let most = if kind == TABLE_LEAF { self.usable_bytes - 35 } else { share(64) };
        let least = share(32);
        if len <= most {
            return len;
        }
        let fitting = least + (len - least) % (self.usable_bytes - 4);
        if fitting <= most { fitting } else { least }
    }

    /// Adds the texts of a row, and passes on its blobs.
    fn add_row(
        &self,
        payload: &[u8],
        page_at: usize,
        lines: &mut Vec<u8>,
        tray: &mut Tray<'_>,
    ) -> Result<(), LeftOut> {
        let (head, mut at) = varint(payload);
        let (head, mut value_at) = (up_to(payload, 0, size(head)), size(head));
        while at < head.len() {
            let (kind, len) = varint(from(head, at));
            at += len;
            let value_len = value_bytes(kind);
            let value = slice(payload, value_at, value_len).unwrap_or_default();
            value_at = value_at.saturating_add(value_len);
            if kind >= 12 && kind % 2 == 0 && value_len > BLOB_BYTES {
                tray.stored(Label::new("blob", page_at), value)?;
            } else if kind >= 12 {
                tray.spend(value.len() + self.line_end.len())?;
                lines.extend_from_slice(value);
                lines.extend_from_slice(self.line_end);
            }
        }
        Ok(())
    }
}

/// Returns how many bytes a value of that kind has.
fn value_bytes(kind: u64) -> usize {
    match kind {
        1..=4 => size(kind),
        5 => 6,
        6 | 7 => 8,
        12.. => size((kind - 12) / 2),
        _ => 0,
    }
}

/// Reads a number of up to nine bytes, seven bits each but the last. Returns its length as well.
fn varint(bytes: &[u8]) -> (u64, usize) {
    let mut number = 0;
    for (index, &byte) in up_to(bytes, 0, 9).iter().enumerate() {
        if index == 8 {
            return (number << 8 | u64::from(byte), 9);
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return (number, index + 1);
        }
    }
    (0, bytes.len().max(1))
}
