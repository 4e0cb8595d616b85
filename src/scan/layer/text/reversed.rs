//! Text from right to left, where the code beside it turns it round: `"…"[::-1]`, `strrev("…")`.
//!
//! All text backwards would be all text once more, for nothing that anybody writes; a string that
//! stands quoted near the word costs next to nothing.

use std::ops::Range;

use super::runs::{self, Class};
use super::{Code, Piece, before};
use crate::scan::layer::offsets::{Fit, Map};

/// What turns a string round in Python, PHP, Java, JavaScript, Ruby, Go, Rust, and a shell.
pub(super) const WORDS: &[&str] =
    &["[::-1]", "strrev", "reverse(", "Reverse(", ".reverse", "reversed(", ".rev()", "| rev"];

/// How near to the word the string stands, in bytes.
pub(super) const NEAR_BYTES: usize = 160;

/// The shortest string, in bytes.
const STRING_BYTES_MIN: usize = 16;

static TOKEN: Class =
    Class::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=.:@");

/// Decodes what stands near `word`, which is one of [`WORDS`], but not before `start`.
pub(super) fn read(text: &[u8], word: &Range<usize>, start: usize) -> Option<Piece> {
    let near = word.start.saturating_sub(NEAR_BYTES).max(start);
    quoted(text, near..word.end.saturating_add(NEAR_BYTES).min(text.len()))
}

/// Turns the first quoted token within `near` round.
fn quoted(text: &[u8], near: Range<usize>) -> Option<Piece> {
    let text = text.get(..near.end)?;
    let mut at = near.start;
    loop {
        let row = runs::next(text, at, &TOKEN, STRING_BYTES_MIN)?;
        at = row.end;
        let is_quote = |byte: u8| matches!(byte, b'"' | b'\'' | b'`');
        let opens = before(text, row.start).is_some_and(is_quote);
        if opens && text.get(row.end).copied().is_some_and(is_quote) {
            let bytes: Vec<u8> = text.get(row.clone())?.iter().rev().copied().collect();
            let mut map = Map::default();
            map.push(row.clone(), bytes.len(), Fit::Whole);
            return Some(Piece::block(row, bytes, map, Code::Reversed));
        }
    }
}
