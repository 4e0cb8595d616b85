//! Backslash escapes as C, JSON, JavaScript, Python, Rust and the shells write them.
//!
//! `\"` and `\n` stand in every second line of some programs and say nothing by themselves, so they
//! are a reason to look only where a token could hide behind them; near a reason all are decoded.

use super::{Code, Piece, count_while, from, hex_number, is_token, joined, number};

/// The token behind a `\n` or `\"` that makes it a reason to look, in bytes. `"\nusage"` is none.
const TOKEN_BYTES_MIN: usize = 12;

/// The bytes of a backslash and its object, which may be a backslash: the next escape begins no
/// sooner, even where the two are not decoded.
pub(super) const PAIR_BYTES: usize = 2;

/// Decodes what the backslash at `at` begins.
pub(super) fn at(text: &[u8], at: usize) -> Option<Piece> {
    let rest = from(text, at + 1);
    let tail = from(rest, 1);
    match rest.first()? {
        b'x' => hex(at, tail),
        b'u' | b'U' => unicode(at, rest),
        b'0'..=b'7' => octal(at, rest),
        b'n' => Some(plain(at, '\n', tail)),
        b'r' => Some(plain(at, '\r', tail)),
        b't' => Some(plain(at, '\t', tail)),
        b'\n' | b'\r' => joined::line(text, at),
        quote @ (b'"' | b'\'' | b'/' | b'\\') => Some(plain(at, char::from(*quote), tail)),
        _ => None,
    }
}

/// `\n` and its like, before `tail`.
fn plain(at: usize, char: char, tail: &[u8]) -> Piece {
    let token = count_while(tail, TOKEN_BYTES_MIN, is_token);
    let reason = token == TOKEN_BYTES_MIN || char == '\\' && tail.first() == Some(&b'"');
    Piece { reason, ..Piece::char(at..at + 2, Some(char), Code::Backslash) }
}

/// `\x41`, `\x{41}`.
fn hex(at: usize, tail: &[u8]) -> Option<Piece> {
    if let Some((len, char)) = braced(tail) {
        return Some(Piece::char(at..at + 2 + len, Some(char), Code::Backslash));
    }
    let byte = u8::try_from(hex_number(tail, 2)?).ok()?;
    Some(Piece::byte(at..at + 4, byte, Code::Backslash))
}

/// `\u0041`, `\u{41}`, `\U00000041`, and two `\u` that make one character. `rest` begins with the
/// `u`.
fn unicode(at: usize, rest: &[u8]) -> Option<Piece> {
    let tail = from(rest, 1);
    let piece = |len: usize, char| Some(Piece::char(at..at + len, Some(char), Code::Backslash));
    if let Some((len, char)) = braced(tail) {
        return piece(2 + len, char);
    }
    if rest.first() == Some(&b'U') {
        return piece(10, char::from_u32(hex_number(tail, 8)?)?);
    }
    let unit = hex_number(tail, 4)?;
    if let Some(char) = char::from_u32(unit) {
        return piece(6, char);
    }
    let low = from(tail, 4).strip_prefix(b"\\u").and_then(|tail| hex_number(tail, 4))?;
    let units = [u16::try_from(unit).ok()?, u16::try_from(low).ok()?];
    piece(12, char::decode_utf16(units).next()?.ok()?)
}

/// Reads `{41}`; returns its length and what it stands for.
fn braced(tail: &[u8]) -> Option<(usize, char)> {
    let digits = tail.strip_prefix(b"{")?;
    let count = count_while(digits, 6, |byte| byte.is_ascii_hexdigit());
    (digits.get(count) == Some(&b'}')).then_some(())?;
    Some((count + 2, char::from_u32(number(digits.get(..count)?, 16)?)?))
}

/// `\101`; a lone `\0` is no character to look at.
fn octal(at: usize, rest: &[u8]) -> Option<Piece> {
    let count = count_while(rest, 3, |byte| (b'0'..=b'7').contains(&byte));
    let byte = u8::try_from(number(rest.get(..count)?, 8)?).ok()?;
    let piece = Piece::byte(at..at + 1 + count, byte, Code::Backslash);
    Some(Piece { reason: count >= 2, ..piece })
}
