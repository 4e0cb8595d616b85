//! Percent-encoding (RFC 3986, section 2.1) and JavaScript's old `escape` (`%u0041`).
//!
//! Source code is full of `%02x` and `%5d`, which are formats: an escape that gives a control
//! character is no reason to look.

use super::{Code, Piece, from, hex_number, is_text};

/// Decodes what the sign at `at` begins.
pub(super) fn at(text: &[u8], at: usize) -> Option<Piece> {
    let rest = from(text, at + 1);
    if let [b'u', digits @ ..] = rest {
        let char = char::from_u32(hex_number(digits, 4)?)?;
        return Some(Piece::char(at..at + 6, Some(char), Code::Percent));
    }
    let byte = u8::try_from(hex_number(rest, 2)?).ok()?;
    if byte >= 0x80
        && !is_high(text, at + 3)
        && !at.checked_sub(3).is_some_and(|at| is_high(text, at))
    {
        // One byte of UTF-8 never stands alone: `%FEED%` is a variable of Windows.
        return None;
    }
    let reason = is_text(byte) || byte >= 0x80;
    Some(Piece { reason, ..Piece::byte(at..at + 3, byte, Code::Percent) })
}

/// Tells whether a byte beyond ASCII is escaped at `at`.
fn is_high(text: &[u8], at: usize) -> bool {
    let digits = from(text, at).strip_prefix(b"%");
    digits.and_then(|digits| hex_number(digits, 2)).is_some_and(|byte| byte >= 0x80)
}
