//! Whether a text may hold any piece at all: a question whose answer is local.
//!
//! What a code decodes may depend on text far away: on where a wrapped row began, on which of two
//! overlapping pieces came first. The signs asked for here do not. Each is a pattern of at most
//! [`SIGN_BYTES_MAX`] bytes, or one that lies within a line, so that
//!
//! - a text of which some code makes a piece that is a reason to look has a sign, and
//! - a sign is a sign in any text that holds the same bytes with its line around them.
//!
//! The second is what allows to look only at the parts of a text that are not copied from one which
//! has no sign. Whether there really is a piece is for the codes to say.

use std::ops::Range;

use super::blocks::{self, ALPHABET, CORE, INDENT_BYTES_MAX, ROW_BYTES_MIN};
use super::numbers::{self, LIST, LIST_BYTES_MIN, NUMBERS_MIN, Radix};
use super::{Piece, base64, count_while, from, hex, runs, words};
use super::{backslash, html, joined, percent, quoted_printable};

/// The most bytes that a sign takes unless it lies within a line: eight numbers with what may stand
/// between them, a joint of two strings, a word and the string that it turns round.
pub const SIGN_BYTES_MAX: usize = 200;

/// The part of a row that is looked at to see whether a line holds nothing else, in bytes.
const NEXT_ROW_BYTES_MAX: usize = 100;

/// The longest way to write a byte that is counted, in bytes; a longer one is a sign by itself, or
/// eight numbers would have no length.
const NUMBER_BYTES_MAX: usize = 6;

/// What stands between two numbers that is so long, in bytes, that it is a sign by itself.
const GAP_BYTES: usize = 20;

/// Tells whether `text` has any sign of a code.
#[must_use]
pub fn signs(text: &[u8]) -> bool {
    let is_reason = |piece: Option<Piece>| piece.is_some_and(|piece| piece.reason);
    memchr::memchr(0, text).is_some()
        || each(b'\\', text, |at| is_reason(backslash::at(text, at)))
        || each(b'%', text, |at| is_reason(percent::at(text, at)))
        || each(b'&', text, |at| is_reason(html::at(text, at)))
        || each(b'=', text, |at| is_reason(quoted_printable::at(text, at)))
        || shifts(text)
        || memchr::memchr3_iter(b'"', b'\'', b'`', text)
            .any(|at| joined::strings(text, at).is_some())
        || rows(text)
        || wrapped(text)
        || lists(text)
        || words::find(text, 0).is_some()
}

fn each(mark: u8, text: &[u8], is: impl Fn(usize) -> bool) -> bool {
    memchr::memchr_iter(mark, text).any(is)
}

/// Whether a shift of UTF-7 may begin somewhere: how far it goes is not asked.
fn shifts(text: &[u8]) -> bool {
    let mut hits = memchr::memmem::find_iter(text, b"+A");
    hits.any(|hit| matches!(from(text, hit + 2), [b'C'..=b'H', ..]))
}

/// Whether a row says something by itself.
fn rows(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(core) = runs::next(text, at, &CORE, ROW_BYTES_MIN) {
        let row = blocks::whole(text, core, at);
        at = row.end;
        let is_piece = hex::read(text, &row).is_some()
            || base64::read(text, std::slice::from_ref(&row)).is_some();
        if is_piece {
            return true;
        }
    }
    false
}

/// Whether a row ends a line and the next line may go on with it, whatever they say together.
fn wrapped(text: &[u8]) -> bool {
    each(b'\n', text, |newline| {
        let line = text.get(..newline).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end = line.len().checked_sub(ROW_BYTES_MIN).and_then(|start| line.get(start..));
        end.is_some_and(|end| end.iter().rev().all(|byte| ALPHABET.has(*byte)))
            && is_row(from(text, newline + 1))
    })
}

/// Whether what follows is a line that may hold a row and nothing else.
fn is_row(text: &[u8]) -> bool {
    let row = from(text, count_while(text, INDENT_BYTES_MAX, blocks::is_mark));
    match count_while(row, NEXT_ROW_BYTES_MAX + 1, |byte| ALPHABET.has(byte)) {
        0 => false,
        length if length > NEXT_ROW_BYTES_MAX => true,
        length => row.get(length).is_none_or(|byte| blocks::ends_row(*byte)),
    }
}

fn lists(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(row) = runs::next(text, at, &LIST, LIST_BYTES_MIN) {
        at = row.end;
        if is_list(text, &row) {
            return true;
        }
    }
    false
}

/// Whether numbers that could be bytes are many, or stand where more may be out of sight.
fn is_list(text: &[u8], row: &Range<usize>) -> bool {
    let (mut decimal, mut hex) = (0, 0);
    // Where the last number ended, if what follows is not the first; and whether it is a byte.
    let mut last = (row.start == 0).then_some((0, false));
    for item in numbers::items(text, row) {
        let digits = text.get(item.clone()).unwrap_or_default();
        let count = |counted, radix| match numbers::byte(digits, radix) {
            Some(_) => counted + 1,
            None => 0,
        };
        (decimal, hex) = (count(decimal, Radix::Decimal), count(hex, Radix::Hex));
        let is_byte = decimal + hex > 0;
        let is_apart = last
            .is_some_and(|(end, was_byte)| item.start - end >= GAP_BYTES && (is_byte || was_byte));
        let is_long = is_byte && digits.len() > NUMBER_BYTES_MAX;
        if decimal.max(hex) >= NUMBERS_MIN || is_apart || is_long {
            return true;
        }
        last = Some((item.end, is_byte));
    }
    row.end == text.len()
        && last.is_some_and(|(end, is_byte)| is_byte && row.end - end >= GAP_BYTES)
}
