//! Characters by their codes, one call each: `chr(65).chr(75)`, `CHAR(65)||CHAR(75)`,
//! `[char]65+[char]75`. Calls that take a list of codes are lists of numbers.

use std::ops::Range;

use super::{Code, Piece, count_while, from, number};
use crate::scan::layer::offsets::{Fit, Map};

/// What stands before a code, in the cases that are written.
pub(super) const CALLS: &[&str] =
    &["chr(", "Chr(", "CHR(", "chrw(", "ChrW(", "char(", "Char(", "CHAR(", "[char]", "[Char]"];

/// The fewest calls in a row: fewer are a line end or a quote.
const CALLS_MIN: usize = 6;

/// The most bytes between two calls.
const BETWEEN_BYTES_MAX: usize = 16;

/// The most digits of a code.
const DIGITS_MAX: usize = 7;

/// Decodes the calls that begin at `at`, where one of [`CALLS`] stands; returns where they end, too.
pub(super) fn read(text: &[u8], at: usize) -> (Option<Piece>, usize) {
    let (decoded, map, end) = calls(text, at);
    let enough = decoded.chars().count() >= CALLS_MIN;
    (enough.then(|| Piece::block(at..end, decoded.into_bytes(), map, Code::CharCodes)), end)
}

/// Reads the calls in a row from `at` on; returns what they say, its places, and where they end.
fn calls(text: &[u8], at: usize) -> (String, Map, usize) {
    let (mut decoded, mut map, mut end) = (String::new(), Map::default(), at);
    let mut next = Some(at);
    while let Some((call, char)) = next.and_then(|next| call(text, next)) {
        decoded.push(char);
        map.push(call.clone(), char.len_utf8(), Fit::Whole);
        end = call.end;
        let between = |byte: u8| byte.is_ascii_whitespace() || b"+.&|,_\\'\"".contains(&byte);
        next = Some(end + count_while(from(text, end), BETWEEN_BYTES_MAX, between));
    }
    (decoded, map, end)
}

/// Reads one call at `at`: where it stands, and its character.
fn call(text: &[u8], at: usize) -> Option<(Range<usize>, char)> {
    let rest = from(text, at);
    let name = CALLS.iter().find(|name| rest.starts_with(name.as_bytes()))?.len();
    let tail = from(rest, name);
    let (radix, skip) = if matches!(tail, [b'0', b'x' | b'X', ..]) { (16, 2) } else { (10, 0) };
    let digits = from(tail, skip);
    let count = count_while(digits, DIGITS_MAX, |byte| byte.is_ascii_hexdigit());
    let char = char::from_u32(number(digits.get(..count)?, radix)?)?;
    let close = usize::from(digits.get(count) == Some(&b')'));
    Some((at..at + name + skip + count + close, char))
}
