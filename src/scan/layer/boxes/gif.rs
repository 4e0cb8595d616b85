//! What a GIF says beside its pixels: comments, plain text and application data.
//!
//! They are cut into blocks of at most 255 bytes, each behind its length: a token across two of them
//! is seen in the joined text alone.
//!
//! Source: `GIF89a` Specification, sections 15–27.

use super::Label;
use super::bytes::{from, slice};
use super::tray::Tray;
use crate::scan::layer::LeftOut;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a")
}

/// Passes on every extension, and what follows the image.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let flags = *bytes.get(10).ok_or(LeftOut::Damaged)?;
    let mut at = 13 + table_bytes(flags);
    loop {
        match bytes.get(at).ok_or(LeftOut::Damaged)? {
            0x3b => return tray.stored(Label::new("trailing", at + 1), from(bytes, at + 1)),
            0x21 => {
                let (text, end) = blocks(bytes, at + 2);
                tray.made(Label::new("extension", at), text)?;
                at = end;
            }
            0x2c => {
                let flags = *bytes.get(at + 9).ok_or(LeftOut::Damaged)?;
                at = skip_blocks(bytes, at + 11 + table_bytes(flags));
            }
            _ => return Err(LeftOut::Damaged),
        }
    }
}

fn table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Joins the blocks from `at` on. Returns where they end as well.
fn blocks(bytes: &[u8], mut at: usize) -> (Vec<u8>, usize) {
    let mut text = Vec::new();
    while let Some(block) = block(bytes, at) {
        text.extend_from_slice(block);
        at += 1 + block.len();
    }
    (text, at + 1)
}

fn skip_blocks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = block(bytes, at) {
        at += 1 + block.len();
    }
    at + 1
}

fn block(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let len = usize::from(*bytes.get(at)?);
    slice(bytes, at + 1, len).filter(|block| !block.is_empty())
}
