//! Strings of PDF: literal `(a \(b\) \101)` and hexadecimal `<4142>`.

use super::filter::{hex, pairs};
use crate::scan::layer::boxes::bytes::{from, up_to};

/// How long a string is believed to be: a stray parenthesis in a picture must not swallow the page.
const STRING_BYTES_MAX: usize = 4096;

/// Adds the strings that stand in `bytes`, one a line, those of one array on one line.
pub(super) fn add(bytes: &[u8], lines: &mut Vec<u8>) {
    let (mut at, mut is_array) = (0, false);
    while let Some(step) = from(bytes, at).iter().position(|byte| b"(<[]".contains(byte)) {
        at += step;
        let rest = from(bytes, at);
        let (string, len) = match rest.first() {
            Some(b'(') => literal(rest),
            Some(b'<') => hexadecimal(rest),
            bracket => {
                is_array = bracket == Some(&b'[');
                (vec![], 1)
            }
        };
        at += len;
        lines.extend(narrowed(string));
        if !is_array {
            end_line(lines);
        }
    }
    end_line(lines);
}

fn end_line(lines: &mut Vec<u8>) {
    if lines.last().is_some_and(|last| *last != b'\n') {
        lines.push(b'\n');
    }
}

/// Reads a string in parentheses, which nest. Returns how many bytes it takes as well.
fn literal(bytes: &[u8]) -> (Vec<u8>, usize) {
    let (mut string, mut depth, mut at) = (Vec::new(), 0_usize, 0);
    while let Some(&byte) = up_to(bytes, 0, STRING_BYTES_MAX).get(at) {
        let mut is_text = true;
        match byte {
            b'\\' => {
                let (escaped, len) = escape(from(bytes, at + 1));
                string.extend(escaped);
                at += len;
                is_text = false;
            }
            b'(' => {
                depth += 1;
                is_text = depth > 1;
            }
            b')' if depth == 1 => return (string, at + 1),
            b')' => depth -= 1,
            _ => {}
        }
        if is_text {
            string.push(byte);
        }
        at += 1;
    }
    (string, at)
}

/// Reads what follows a backslash: a letter for a control, up to three octal digits, a line's end
/// that counts for nothing, or a byte that stands for itself.
fn escape(bytes: &[u8]) -> (Option<u8>, usize) {
    let digits = up_to(bytes, 0, 3).iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    match bytes.first() {
        _ if digits > 0 => {
            let number = |sum: u8, digit: &u8| sum.wrapping_mul(8).wrapping_add(digit - b'0');
            (Some(up_to(bytes, 0, digits).iter().fold(0, number)), digits)
        }
        Some(b'n') => (Some(b'\n'), 1),
        Some(b'r') => (Some(b'\r'), 1),
        Some(b't') => (Some(b'\t'), 1),
        Some(b'b') => (Some(8), 1),
        Some(b'f') => (Some(12), 1),
        Some(b'\r') => (None, if bytes.get(1) == Some(&b'\n') { 2 } else { 1 }),
        Some(b'\n') => (None, 1),
        other => (other.copied(), 1),
    }
}

/// Reads a string of digits; two brackets begin a dictionary, anything else is none.
fn hexadecimal(bytes: &[u8]) -> (Vec<u8>, usize) {
    if bytes.get(1) == Some(&b'<') {
        return (vec![], 2);
    }
    let inside = up_to(from(bytes, 1), 0, STRING_BYTES_MAX);
    let Some(len) = memchr::memchr(b'>', inside) else { return (vec![], 1) };
    let digits = up_to(inside, 0, len).iter().filter(|byte| !byte.is_ascii_whitespace());
    let digits: Option<Vec<u8>> = digits.map(|&digit| hex(digit)).collect();
    digits.map_or((vec![], 1), |digits| (pairs(&digits), len + 2))
}

/// Returns a string of two bytes a letter as one of one byte, if no letter needs two.
fn narrowed(string: Vec<u8>) -> Vec<u8> {
    let wide = string.strip_prefix(b"\xfe\xff").unwrap_or(&string);
    let is_wide = wide.len() >= 2 && wide.chunks(2).all(|pair| matches!(pair, [0, _]));
    if is_wide { wide.iter().skip(1).step_by(2).copied().collect() } else { string }
}
