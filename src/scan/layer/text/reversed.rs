//! Text from right to left, where the code beside it turns it round: `"…"[::-1]`, `strrev("…")`.
//!
//! All text backwards would be all text once more, for nothing that anybody writes; a string that
//! stands quoted near the word costs next to nothing.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::runs::{self, Class};
use super::{Code, Piece, before};
use crate::scan::layer::offsets::{Fit, Map};

/// What turns a string round in Python, PHP, Java, JavaScript, Ruby, Go, Rust, and a shell.
const WORDS: &[&str] =
    &["[::-1]", "strrev", "reverse(", "Reverse(", ".reverse", "reversed(", ".rev()", "| rev"];

/// How near to the word the string stands, in bytes.
const NEAR_BYTES: usize = 160;

/// The shortest string, in bytes.
const STRING_BYTES_MIN: usize = 16;

const TOKEN: Class =
    Class::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=.:@");

/// Leftmost, because this kind searches by SIMD where it has few patterns.
static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(WORDS).ok());

/// See [`super::Find`].
pub(super) fn find(text: &[u8], start: usize) -> Option<Piece> {
    let search = SEARCH.as_ref()?;
    let from = start.saturating_sub(NEAR_BYTES);
    search.find_iter(super::from(text, from)).find_map(|hit| {
        let near = (from + hit.start()).saturating_sub(NEAR_BYTES).max(start);
        let end = from.saturating_add(hit.end() + NEAR_BYTES).min(text.len());
        quoted(text, near..end)
    })
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
