//! Compiled Python: the strings of a module, each on a line of its own.
//!
//! ```text
//! magic 2 "\r\n" │ flags 4 │ 8 bytes │ { type 1 [│ length 1 or 4 │ bytes] } …
//! ```
//!
//! The length in front of a string and the type behind it may both be letters, and then no rule that
//! wants boundaries finds a token there. Objects are read one after the other and never as a tree:
//! what is no string is stepped over byte by byte, until a length fits again.
//!
//! Source: `CPython`'s `Python/marshal.c`.

use super::Label;
use super::bytes::{array, size, slice, u32_le};
use super::streams::add_line;
use super::tray::Tray;
use crate::scan::layer::LeftOut;

const HEADER_BYTES: usize = 16;

/// The bit that says that other objects refer to this one.
const IS_SHARED: u8 = 0x80;

pub(super) fn is(bytes: &[u8]) -> bool {
    array(bytes, 2) == Some(*b"\r\n") && u32_le(bytes, 4).is_some_and(|flags| flags <= 3)
}

/// Passes on the strings.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let (mut at, mut lines) = (HEADER_BYTES, Vec::new());
    while let Some(kind) = bytes.get(at) {
        let (head, len) = match kind & !IS_SHARED {
            b'z' | b'Z' => (2, bytes.get(at + 1).map(|&len| usize::from(len))),
            b's' | b't' | b'u' | b'a' | b'A' => (5, u32_le(bytes, at + 1).map(size)),
            _ => (1, None),
        };
        let text = len.and_then(|len| slice(bytes, at + head, len));
        add_line(&mut lines, text.unwrap_or_default());
        at += text.map_or(1, |text| head + text.len());
    }
    tray.made(Label::new("strings", 0), lines)
}
