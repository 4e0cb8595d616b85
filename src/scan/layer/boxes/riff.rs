//! Chunks of a RIFF file: WebP above all, WAV and AVI with it.
//!
//! ```text
//! "RIFF" length 4 "WEBP"  { kind 4 │ length 4 │ bytes │ pad to 2 } …  [whatever follows]
//! ```
//!
//! The kind of the next chunk is four letters right behind the last text. Lists are stepped into,
//! pictures, sound and film stepped over.
//!
//! Source: RFC 9649, section 2.3.

use super::Label;
use super::bytes::{from, size, slice, u32_le};
use super::tray::Tray;
use crate::scan::layer::LeftOut;

const HEAD_BYTES: usize = 12;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && matches!(slice(bytes, 8, 4), Some(b"WEBP" | b"WAVE" | b"AVI "))
}

/// Passes on every chunk that may hold text, and what follows the file.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let end = size(u32_le(bytes, 4).ok_or(LeftOut::Damaged)?).saturating_add(8);
    let mut at = HEAD_BYTES;
    while let (Some(kind), Some(len)) = (slice(bytes, at, 4), u32_le(bytes, at + 4)) {
        if at >= end {
            break;
        }
        if kind == b"LIST" {
            at += HEAD_BYTES;
            continue;
        }
        let data = slice(bytes, at + 8, size(len)).ok_or(LeftOut::Damaged)?;
        if !is_media(kind) {
            tray.stored(Label::new("chunk", at), data)?;
        }
        at += 8 + data.len().next_multiple_of(2);
    }
    tray.stored(Label::new("trailing", at), from(bytes, at))
}

fn is_media(kind: &[u8]) -> bool {
    matches!(kind, b"VP8 " | b"VP8L" | b"ALPH" | b"ANMF" | b"data" | b"idx1")
        || kind.ends_with(b"dc")
        || kind.ends_with(b"wb")
}
