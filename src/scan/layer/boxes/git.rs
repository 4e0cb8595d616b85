//! What git writes, met as a file: bundles and objects.
//!
//! ```text
//! bundle   "# v2 git bundle\n" or v3, lines of capabilities, commits and refs, a blank line, a pack
//! object   "blob 12\0" and twelve bytes (a loose object is this in a zlib stream)
//! ```
//!
//! Their first lines are text, which is scanned where it stands; what follows is a part.
//!
//! Source: gitformat-bundle(5).

use memchr::memmem;

use super::Label;
use super::bytes::{from, until, up_to};
use super::tray::Tray;
use crate::scan::layer::LeftOut;

/// How long the first line of an object is at most: a kind, a blank and the digits of a length.
const OBJECT_HEAD_BYTES: usize = 32;

pub(super) fn is_bundle(bytes: &[u8]) -> bool {
    bytes.starts_with(b"# v2 git bundle\n") || bytes.starts_with(b"# v3 git bundle\n")
}

/// Passes on the pack.
pub(super) fn open_bundle(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let at = memmem::find(bytes, b"\n\n").ok_or(LeftOut::Damaged)? + 2;
    tray.stored(Label::new("pack", at), from(bytes, at))
}

pub(super) fn is_object(bytes: &[u8]) -> bool {
    object(bytes).is_some()
}

/// Passes on the content: a box in it begins behind the object's own first bytes.
pub(super) fn open_object(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let (kind, at) = object(bytes).ok_or(LeftOut::Damaged)?;
    tray.stored(Label::new(kind, at), from(bytes, at))
}

fn object(bytes: &[u8]) -> Option<(&'static str, usize)> {
    let kinds = ["blob", "commit", "tag", "tree"];
    let kind = kinds.into_iter().find(|kind| bytes.starts_with(kind.as_bytes()))?;
    let head = until(up_to(bytes, 0, OBJECT_HEAD_BYTES), 0);
    let digits = head.get(kind.len()..)?.strip_prefix(b" ")?;
    let size: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let at = head.len() + 1;
    (bytes.len().checked_sub(at)? == size).then_some((kind, at))
}
