//! Compiled Java: the texts of a class's constants, each on a line of its own.
//!
//! ```text
//! CA FE BA BE │ version 4 │ count 2 │ { tag 1 │ as long as the tag says, a text: length 2 │ bytes } …
//! ```
//!
//! The length in front of a text is a letter where the text is 65 to 122 bytes long: then no rule that
//! wants a boundary there finds a token.
//!
//! Source: The Java Virtual Machine Specification, section 4.4.

use super::Label;
use super::bytes::{slice, u16_be};
use super::streams::add_line;
use super::tray::Tray;
use crate::scan::layer::LeftOut;

const POOL_AT: usize = 10;
const TEXT: u8 = 1;

/// Versions of classes begin at 45; a universal binary of macOS has the same magic, and a small count
/// of processors where a class has its version.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xca, 0xfe, 0xba, 0xbe])
        && u16_be(bytes, 6).is_some_and(|major| major >= 45)
}

/// Passes on the texts.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let count = u16_be(bytes, 8).ok_or(LeftOut::Damaged)?;
    let (mut at, mut slot, mut lines) = (POOL_AT, 1, Vec::new());
    while slot < count {
        let Some(len) = constant_bytes(bytes, at) else { break };
        if bytes.get(at) == Some(&TEXT) {
            add_line(&mut lines, slice(bytes, at + 3, len - 3).unwrap_or_default());
        }
        // Numbers of eight bytes take two slots.
        slot += if matches!(bytes.get(at), Some(5 | 6)) { 2 } else { 1 };
        at += len;
    }
    tray.made(Label::new("constants", 0), lines)?;
    if slot < count { Err(LeftOut::Damaged) } else { Ok(()) }
}

/// Returns the length of the constant at `at`, tag included.
fn constant_bytes(bytes: &[u8], at: usize) -> Option<usize> {
    Some(match bytes.get(at)? {
        1 => 3 + usize::from(u16_be(bytes, at + 1)?),
        5 | 6 => 9,
        3 | 4 | 9..=12 | 17 | 18 => 5,
        15 => 4,
        7 | 8 | 16 | 19 | 20 => 3,
        _ => return None,
    })
}
