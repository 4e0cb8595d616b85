//! Hex digits in a row (RFC 4648, section 8), also over lines as `xxd -p` writes them.

use std::ops::Range;

use super::runs::{self, Class};
use super::{Code, Piece, blocks, is_worth_a_look, number};
use crate::scan::layer::offsets::{Fit, Map};

/// The shortest row, in digits: object ids, hashes and colours are no text anyhow.
const DIGITS_MIN: usize = 20;

static DIGITS: Class = Class::of(b"0123456789abcdefABCDEF");

/// Decodes the hex digits in a row of the base64 alphabet; there may be something before them, such
/// as `0x` or `token_`.
pub(super) fn read(text: &[u8], row: &Range<usize>) -> Option<Piece> {
    let line = text.get(..row.end)?;
    let mut at = row.start;
    loop {
        let digits = runs::next(line, at, &DIGITS, DIGITS_MIN)?;
        at = digits.end;
        let lines = if at == row.end { blocks::lines(text, digits, &DIGITS) } else { vec![digits] };
        if let Some(piece) = decode(text, &lines) {
            return Some(piece);
        }
    }
}

fn decode(text: &[u8], lines: &[Range<usize>]) -> Option<Piece> {
    let (mut bytes, mut map) = (Vec::new(), Map::default());
    let mut end = 0;
    for line in lines {
        let pairs = line.len() / 2;
        end = line.start + 2 * pairs;
        let pair = |pair: &[u8]| u8::try_from(number(pair, 16)?).ok();
        bytes.extend(text.get(line.start..end)?.chunks_exact(2).filter_map(pair));
        map.push(line.start..end, pairs, Fit::Even);
    }
    let start = lines.first()?.start;
    is_worth_a_look(&bytes).then(|| Piece::block(start..end, bytes, map, Code::Hex))
}
