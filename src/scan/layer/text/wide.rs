//! Characters of two or four bytes, and NULs among those of one.
//!
//! ```text
//! NUL ──► A\0B\0  \0A\0B  A\0\0\0B\0\0\0  \0\0\0A\0\0\0B ──► six characters of ASCII in a row?
//!    └──► A\0\0B\0\0, AK\0IA\0                          ──► ten short rows between NULs?
//! ```
//!
//! No byte-order mark and no whole file is asked for: a stretch in the middle of a program is found by
//! its NULs, which no text of one byte a character has. Own code and no crate, because crates decode
//! a whole text of a known encoding and tell no places.

use std::ops::Range;

use super::{Code, Piece, before, count_while, from, is_text};
use crate::scan::layer::offsets::{Fit, Map};

/// How wide characters are, and in which order their bytes stand.
#[derive(Clone, Copy)]
struct Shape {
    bytes: usize,
    little_endian: bool,
}

/// The wider first: four bytes also look like two and a NUL.
const SHAPES: [Shape; 4] = [
    Shape { bytes: 4, little_endian: true },
    Shape { bytes: 4, little_endian: false },
    Shape { bytes: 2, little_endian: true },
    Shape { bytes: 2, little_endian: false },
];

/// The characters of ASCII in a row that make a stretch wide.
const ASCII_MIN: usize = 6;

/// The most other characters between two of ASCII. A text in another script is left where it is long:
/// what rules look for is ASCII.
const OTHERS_MAX: usize = 16;

/// The rows between NULs that make a stretch padded.
const ROWS_MIN: usize = 10;

/// The longest such row: four bytes in a row are how strings stand in a binary's table.
const ROW_BYTES_MAX: usize = 3;

/// The most NULs between two rows.
const NULS_MAX: usize = 8;

/// See [`super::Find`].
pub(super) fn find(text: &[u8], start: usize) -> Option<Piece> {
    let mut at = start;
    loop {
        let nuls = nuls(text, at)?;
        at = nuls.end;
        let wide = SHAPES.into_iter().find_map(|shape| wide(text, shape, &nuls, start));
        if let Some(piece) = wide.or_else(|| padded(text, &nuls, start)) {
            return Some(piece);
        }
    }
}

/// Finds the next row of NULs.
fn nuls(text: &[u8], at: usize) -> Option<Range<usize>> {
    let first = at + memchr::memchr(0, from(text, at))?;
    let rest = from(text, first);
    // Zeros may be many: they are skipped in steps, and the last step byte by byte.
    let steps = rest.chunks_exact(64).take_while(|step| step.iter().all(|byte| *byte == 0)).count();
    let tail = from(rest, 64 * steps);
    let last = tail.iter().position(|byte| *byte != 0).unwrap_or(tail.len());
    Some(first..first + 64 * steps + last)
}

/// Decodes the stretch of wide characters whose first NULs are `nuls`.
fn wide(text: &[u8], shape: Shape, nuls: &Range<usize>, start: usize) -> Option<Piece> {
    let first = if shape.little_endian {
        nuls.start.checked_sub(1)?
    } else {
        nuls.end.checked_sub(shape.bytes - 1)?
    };
    let units = || from(text, first).chunks_exact(shape.bytes).map(|unit| shape.read(unit));
    let ascii = units().take(ASCII_MIN).take_while(|unit| is_ascii(*unit)).count();
    (first >= start && ascii == ASCII_MIN).then_some(())?;
    let (mut count, mut others) = (0, 0);
    for (number, unit) in units().enumerate() {
        others += 1;
        if is_ascii(unit) {
            (count, others) = (number + 1, 0);
        }
        if unit == 0 || others > OTHERS_MAX {
            break;
        }
    }
    let end = first + shape.bytes * count;
    Some(shape.decode(text.get(first..end)?, first))
}

fn is_ascii(unit: u32) -> bool {
    u8::try_from(unit).is_ok_and(is_text)
}

impl Shape {
    fn read(self, unit: &[u8]) -> u32 {
        let join = |number: u32, byte: &u8| number << 8 | u32::from(*byte);
        if self.little_endian { unit.iter().rev().fold(0, join) } else { unit.iter().fold(0, join) }
    }

    /// Decodes all of `bytes`, which stand at `at`.
    fn decode(self, bytes: &[u8], at: usize) -> Piece {
        let units = bytes.chunks_exact(self.bytes).map(|unit| self.read(unit));
        let (mut decoded, mut map, mut place) = (String::new(), Map::default(), at);
        let mut push = |char: char, width: usize| {
            decoded.push(char);
            map.push(place..place + width, char.len_utf8(), Fit::Even);
            place += width;
        };
        if self.bytes == 4 {
            for unit in units {
                push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 4);
            }
        } else {
            for char in char::decode_utf16(units.map(|unit| u16::try_from(unit).unwrap_or(0))) {
                let char = char.unwrap_or(char::REPLACEMENT_CHARACTER);
                push(char, 2 * char.len_utf16());
            }
        }
        let code = if self.bytes == 4 { Code::Utf32 } else { Code::Utf16 };
        Piece::block(at..at + bytes.len(), decoded.into_bytes(), map, code)
    }
}

/// Takes the NULs out of a stretch of short rows of text between them.
fn padded(text: &[u8], nuls: &Range<usize>, start: usize) -> Option<Piece> {
    let back = (1..=ROW_BYTES_MAX).take_while(|back| {
        let at = nuls.start.checked_sub(back - 1).filter(|at| *at > start);
        at.and_then(|at| before(text, at)).is_some_and(is_text)
    });
    let first = nuls.start - back.count();
    let (mut bytes, mut map, mut at, mut rows) = (Vec::new(), Map::default(), first, 0);
    let mut end = first;
    loop {
        let row = count_while(from(text, at), ROW_BYTES_MAX + 1, is_text);
        if row == 0 || row > ROW_BYTES_MAX {
            break;
        }
        rows += 1;
        end = at + row;
        bytes.extend(text.get(at..end)?);
        let nuls = count_while(from(text, end), NULS_MAX + 1, |byte| byte == 0);
        let next = if nuls > NULS_MAX { end } else { end + nuls };
        // A lone character takes its NULs along, so that many of them are one segment.
        map.push(at..if row == 1 { next } else { end }, row, Fit::Even);
        if next == end {
            break;
        }
        at = next;
    }
    (rows >= ROWS_MIN).then(|| Piece::block(first..end, bytes, map, Code::NulPadded))
}
