//! Strings that stand beside each other to be joined, and lines that go on in the next.
//!
//! ```text
//! "AK" + "IA"     'AK' . 'IA'     "AK" "IA"     "AK" & _⏎ "IA"     AK\⏎IA
//!   └─ this ─┘ is taken out, so that what is around it meets
//! ```
//!
//! Only where a token stands directly on both sides: `x + " " + y` and a shell's list of arguments
//! are left alone. Strings joined through variables, lists or functions are not found.

use super::{Code, Piece, before, count_while, from, is_token};

/// The shortest token that joining is worth, in bytes, both sides together: the words of prose and the
/// names of libraries and functions are shorter.
const TOKEN_BYTES_MIN: usize = 12;

/// The longest joint, in bytes: operators, a line break, indentation.
const JOINT_BYTES_MAX: usize = 160;

/// What joins two strings, besides nothing at all and without spaces: of Python, Java, JavaScript,
/// Perl, PHP, Lua, SQL, Haskell, Elixir, OCaml, Jinja, Visual Basic, and lines that go on.
const OPERATORS: &[&[u8]] =
    &[b"+", b".", b"..", b"||", b"++", b"<>", b"^", b"&", b"~", b"&_", b"+_", b"\\", b"+\\"];

/// The joint that begins with the quote at `open`. Lines that go on are found by the code that looks
/// at every backslash; see [`line()`].
pub(super) fn strings(text: &[u8], open: usize) -> Option<Piece> {
    before(text, open).filter(|byte| is_token(*byte) || *byte == b':')?;
    let quote = text.get(open)?;
    let rest = from(text, open + 1);
    let first = rest.first()?;
    // The common ends of a string: none of them can begin a joint.
    if is_token(*first) && !matches!(first, b'+' | b'.' | b'~')
        || matches!(first, b',' | b')' | b';')
    {
        return None;
    }
    let window = rest.get(..JOINT_BYTES_MAX.min(rest.len()))?;
    let close = memchr::memchr(*quote, window)?;
    let joint = window.get(..close)?;
    let end = open + close + 2;
    (is_joint(joint) && makes_a_token(text, open, end))
        .then(|| Piece::char(open..end, None, Code::Joined))
}

/// Whether what stands before `open` and behind `end` is a token where it meets.
fn makes_a_token(text: &[u8], open: usize, end: usize) -> bool {
    let is_part = |byte: &u8| is_token(*byte) && *byte != b'.' || matches!(byte, b':' | b'@');
    let ahead = text.get(open.saturating_sub(TOKEN_BYTES_MIN)..open).unwrap_or_default();
    let before = ahead.iter().rev().take_while(|byte| is_part(byte)).count();
    let behind = count_while(from(text, end), TOKEN_BYTES_MIN, |byte| is_part(&byte));
    before > 0 && behind > 0 && before + behind >= TOKEN_BYTES_MIN
}

/// Whether what stands between two strings joins them. A prefix such as Python's `f` may stand
/// before the second.
fn is_joint(joint: &[u8]) -> bool {
    let spaced = joint.trim_ascii_end().len() < joint.len();
    let joint = match joint {
        [rest @ .., b'f' | b'b' | b'r' | b'u' | b'L'] if !spaced => rest,
        other => other,
    };
    let words = || joint.iter().filter(|byte| !byte.is_ascii_whitespace());
    words().next().is_none() || OPERATORS.iter().any(|operator| words().eq(operator.iter()))
}

/// The line that ends with the backslash at `at` and goes on in the next.
pub(super) fn line(text: &[u8], at: usize) -> Option<Piece> {
    let len = match from(text, at + 1) {
        [b'\n', ..] => 2,
        [b'\r', b'\n', ..] => 3,
        _ => return None,
    };
    let next = from(text, at + len);
    let indent = count_while(next, JOINT_BYTES_MAX, |byte| matches!(byte, b' ' | b'\t'));
    let goes_on = next.get(indent).copied().is_some_and(is_token);
    let within = before(text, at).is_some_and(is_token) && goes_on;
    within.then(|| Piece::char(at..at + len + indent, None, Code::Joined))
}
