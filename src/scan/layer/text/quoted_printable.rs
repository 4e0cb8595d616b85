//! Quoted-printable (RFC 2045, section 6.7): `=41`, and a `=` at the end of a line that is not one.
//!
//! `=20` is also what `width=20` ends in, so an escape counts only near a mark of the code: `=3D`, a
//! soft line break within a token, two escapes in a row. Own code and no crate, because crates decode
//! a whole body and tell no places.

use super::{Code, Piece, before, from, hex_number, is_text, is_token};

/// Decodes what the `=` at `at` begins.
pub(super) fn at(text: &[u8], at: usize) -> Option<Piece> {
    let rest = from(text, at + 1);
    match rest {
        [b'\n', tail @ ..] => soft_break(text, at, 2, tail),
        [b'\r', b'\n', tail @ ..] => soft_break(text, at, 3, tail),
        _ => escape(text, at, rest),
    }
}

/// `=41`, in capitals as the RFC demands: `=ab` is what assignments end in.
fn escape(text: &[u8], at: usize, rest: &[u8]) -> Option<Piece> {
    let digits = rest.get(..2)?;
    let upper = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    let byte = u8::try_from(hex_number(digits.iter().all(upper).then_some(digits)?, 2)?).ok()?;
    let next = rest.get(2) == Some(&b'=') && hex_number(from(rest, 3), 2).is_some();
    let reason =
        next && is_text(byte) || digits == b"3D" || at >= 3 && text.get(at - 3) == Some(&b'=');
    Some(Piece { reason, ..Piece::byte(at..at + 3, byte, Code::QuotedPrintable) })
}

/// A line break that is none: something stands directly before and behind it.
fn soft_break(text: &[u8], at: usize, len: usize, tail: &[u8]) -> Option<Piece> {
    let within =
        before(text, at).is_some_and(is_token) && tail.first().copied().is_some_and(is_token);
    within.then(|| Piece::char(at..at + len, None, Code::QuotedPrintable))
}
