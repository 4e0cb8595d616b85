//! Rows of letters and digits that are base64 or hex of something.
//!
//! ```text
//! text ──rows of the alphabet──► one line, or the lines that go on with it ──hex?──base64?──► piece
//! ```
//!
//! What they decode to decides: an identifier, a path and a random key are in the alphabet too, but
//! give no text.

use std::ops::Range;

use super::runs::{self, Class, Rows};
use super::{Piece, base64, count_while, from, hex};

/// The shortest row that is tried, in bytes: nine bytes of base64. Shorter secrets stand in the clear
/// far more often than encoded, and identifiers of eight letters are everywhere.
pub(super) const ROW_BYTES_MIN: usize = 12;

/// What rows are found by. Of base64 of ASCII only every fourth character can be of the other four,
/// and those are what parts the words of paths and names.
pub(super) static CORE: Class =
    Class::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

/// The most bytes before the row in a line that goes on: indentation, a comment's mark, a quote's.
pub(super) const INDENT_BYTES_MAX: usize = 64;

/// Both alphabets of base64 (RFC 4648, sections 4 and 5), and so the digits of hex.
pub(super) static ALPHABET: Class =
    Class::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_");

/// See [`super::Find`].
pub(super) fn find(text: &[u8], start: usize) -> Option<Piece> {
    let (mut at, mut rows) = (start, Rows::<ROW_BYTES_MIN>::new(text, start, &CORE));
    loop {
        let core = rows.next(at)?;
        let row = whole(text, core, at);
        at = row.end;
        if let Some(piece) = hex::read(text, &row) {
            return Some(piece);
        }
        // Most rows end in the middle of a line: no list of one is made for them.
        let (one, more);
        let lines = if matches!(text.get(row.end), Some(b'\n' | b'\r')) {
            more = lines(text, row, &ALPHABET);
            more.as_slice()
        } else {
            one = [row];
            &one
        };
        at = lines.last().map_or(at, |line| line.end);
        if let Some(piece) = base64::read(text, lines) {
            return Some(piece);
        }
    }
}

/// Returns the row of the alphabet around `core`, back to `start` at most.
pub(super) fn whole(text: &[u8], core: Range<usize>, start: usize) -> Range<usize> {
    let ahead = text.get(start..core.start).unwrap_or_default().iter().rev();
    let back = ahead.take_while(|byte| ALPHABET.has(**byte)).count();
    core.start - back..core.end + runs::row(from(text, core.end), &ALPHABET)
}

/// Lists the rows that belong to what begins with `first`: those of the lines behind it that hold
/// nothing else and are as long, up to the first that is shorter.
pub(super) fn lines(text: &[u8], first: Range<usize>, class: &Class) -> Vec<Range<usize>> {
    let mut lines = vec![first];
    while let [.., last] = lines.as_slice()
        && let Some(next) = next_line(text, last, class)
    {
        // The first line may begin behind a name, and so be shorter than the others.
        let before = lines.len().checked_sub(2).and_then(|before| lines.get(before));
        if before.is_some() && next.len() > last.len()
            || before.is_some_and(|before| last.len() < before.len() && lines.len() > 2)
        {
            break;
        }
        lines.push(next);
    }
    lines
}

/// Returns the row of the line behind `last`, where that line holds nothing else of note.
fn next_line(text: &[u8], last: &Range<usize>, class: &Class) -> Option<Range<usize>> {
    let rest = from(text, last.end);
    let line_end = match rest {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => return None,
    };
    let start = last.end + line_end + count_while(from(rest, line_end), INDENT_BYTES_MAX, is_mark);
    let end = start + runs::row(from(text, start), class);
    (end > start && text.get(end).is_none_or(|byte| ends_row(*byte))).then_some(start..end)
}

/// Whether a byte may stand before the row in a line that goes on.
pub(super) fn is_mark(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'#' | b'*' | b'>' | b';' | b'|')
}

/// Whether a byte may stand behind it: `name: value` is no line of base64, and neither are words.
pub(super) fn ends_row(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'=' | b'"' | b'\'' | b'`' | b'<' | b')')
}
