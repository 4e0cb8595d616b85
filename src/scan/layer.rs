//! Layers: what stands encoded, packed or compressed inside a text.
//!
//! ```text
//! blob ──► views of its text (UTF-16, base64, escapes …) ──► each a text again ─┐
//!      └─► parts of its box  (gzip, zip, tar, PDF …)      ──► each a text again ─┤
//!                 ▲                                                              │
//!                 └──────────────── one budget, breadth first ◄──────────────────┘
//! ```
//!
//! [`walk()`] drives all of it: it visits every text that lies in one, and says of each finding where in
//! the outermost text it stands and through which layers. [`text`] holds the codes, [`boxes`] the
//! containers, [`views`] decides how much of the surroundings a decoded text is shown with.
//!
//! A layer is pure: bytes in, bytes out, no I/O, no threads. Nothing here knows rules. One
//! [`Budget`] bounds everything that comes out of one object: depth, bytes and number of parts;
//! what it cuts off, and what cannot be opened, is told as a [`LeftOut`], never skipped in silence.

pub mod boxes;
pub mod offsets;
pub mod text;
pub mod views;
mod walk;

use std::fmt;

pub use walk::{Layer, Left, Part, Place, View, parts, walk};

/// The beginning of a text that tells which box it is, in bytes.
pub const HEAD_BYTES: usize = 1024;

/// What the list of a zip's entries ends with: a zip is found from there.
const ZIP_END: &[u8] = b"PK\x05\x06";

/// Tells whether anything may lie inside a text: if not, [`walk()`] visits nothing in it and leaves
/// nothing out.
///
/// With `is_head` it is the beginning of a text, of [`HEAD_BYTES`] or all of it, or what holds that;
/// else a part from elsewhere. The answer is local, as [`text::signs`] explains: what it depends on
/// lies within [`text::SIGN_BYTES_MAX`] bytes, within a line, or in the head.
#[must_use]
pub fn signs(text: &[u8], is_head: bool) -> bool {
    is_head && (boxes::sniff(text).next().is_some() || is_skippable(text))
        || memchr::memmem::find(text, ZIP_END).is_some()
        || text::signs(text)
}

/// Whether a text begins as a frame of Zstandard that may be longer than what is there.
fn is_skippable(text: &[u8]) -> bool {
    matches!(text, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// What may come out of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many layers may lie inside each other.
    pub depth_max: usize,
    /// Bytes that may come out, all layers and parts together.
    pub bytes_max: u64,
    /// Texts that may come out.
    pub parts_max: usize,
}

impl Default for Limits {
    /// Deep enough for a base64 in a notebook in a zip in a tar.gz; enough bytes for a large
    /// office document; few enough that one object cannot hold a worker for long.
    fn default() -> Self {
        Self { depth_max: 8, bytes_max: 128 << 20, parts_max: 100_000 }
    }
}

/// What is left of the [`Limits`].
#[derive(Clone, Debug)]
pub struct Budget {
    bytes: u64,
    parts: usize,
}

impl Budget {
    /// Begins an object.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { bytes: limits.bytes_max, parts: limits.parts_max }
    }

    /// Takes `bytes` out of the budget.
    ///
    /// # Errors
    /// If there are not as many left; then none are.
    pub fn spend(&mut self, bytes: usize) -> Result<(), LeftOut> {
        let left = self.bytes.checked_sub(bytes as u64);
        self.bytes = left.unwrap_or(0);
        left.map(drop).ok_or(LeftOut::Bytes)
    }

    /// Takes one part out of the budget.
    ///
    /// # Errors
    /// If none is left.
    pub fn part(&mut self) -> Result<(), LeftOut> {
        self.parts = self.parts.checked_sub(1).ok_or(LeftOut::Parts)?;
        Ok(())
    }

    /// Returns the bytes that are left: how far a decompressor may go.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Why something inside an object was not looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeftOut {
    /// More layers lie inside each other than [`Limits::depth_max`].
    Depth,
    /// More bytes come out than [`Limits::bytes_max`].
    Bytes,
    /// More texts come out than [`Limits::parts_max`].
    Parts,
    /// It is encrypted.
    Encrypted,
    /// It is damaged: what could be read of it was.
    Damaged,
    /// It is packed by a method that is not known here.
    Method,
}

impl LeftOut {
    /// Returns the name that records and JSON use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Depth => "layer-depth",
            Self::Bytes => "layer-bytes",
            Self::Parts => "layer-parts",
            Self::Encrypted => "encrypted",
            Self::Damaged => "damaged",
            Self::Method => "unknown-method",
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
