//! UTF-7 (RFC 2152): `+AEEASw-` is base64 of UTF-16 between plain ASCII.
//!
//! Only shifts that begin with an ASCII character are looked for: they begin with `+A` and a letter
//! from `C` to `H`. A long shift is also a run of base64, and found as such.

use base64::Engine as _;

use super::base64::LENIENT;
use super::{Code, Piece, count_while, from};
use crate::scan::layer::offsets::{Fit, Map};

/// The longest shift that is read, in characters. A writer shifts for what ASCII lacks.
const SHIFT_BYTES_MAX: usize = 4096;

/// Decodes the shift that the `+` at `at` begins.
pub(super) fn at(text: &[u8], at: usize) -> Option<Piece> {
    let shifted = from(text, at + 1);
    matches!(shifted, [b'A', b'C'..=b'H', ..]).then_some(())?;
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let count = count_while(shifted, SHIFT_BYTES_MAX, alphabet);
    let bytes = LENIENT.decode(shifted.get(..count)?).ok()?;
    let units =
        bytes.chunks_exact(2).map(|unit| unit.iter().fold(0, |n, b| n << 8 | u16::from(*b)));
    let decoded: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    // Every character of a true shift is one that was worth it: none is a control.
    let sound = !decoded.is_empty() && !decoded.chars().any(|char| char.is_ascii_control());
    let end = at + 1 + count + usize::from(shifted.get(count) == Some(&b'-'));
    let mut map = Map::default();
    map.push(at..end, decoded.len(), Fit::Whole);
    sound.then(|| Piece::block(at..end, decoded.into_bytes(), map, Code::Utf7))
}
