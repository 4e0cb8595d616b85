//! Offset → line and column, in bytes, counting `\n` alone.

use std::ops::Range;

use crate::finding::Span;

/// Tells lines and columns of offsets in one text. Offsets in ascending order cost one pass over
/// the text in all; a step back starts over.
pub struct Lines<'t> {
    text: &'t [u8],
    at: Place,
}

/// Where one stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Its line, from 1.
    pub(super) line: u64,
    /// Where its line begins.
    pub(super) line_start: u64,
}

impl Place {
    pub(super) const START: Self = Self { offset: 0, line: 1, line_start: 0 };

    /// Steps over `bytes`.
    pub(super) fn over(mut self, bytes: &[u8]) -> Self {
        for newline in memchr::memchr_iter(b'\n', bytes) {
            self.line += 1;
            self.line_start = self.offset + newline as u64 + 1;
        }
        self.offset += bytes.len() as u64;
        self
    }

    /// Describes a secret that begins here and whose bytes are `secret`.
    pub(super) fn span(self, secret: &[u8]) -> Span {
        let inside = secret.split_last().map_or(&[][..], |(_, inside)| inside);
        Span {
            start: self.offset,
            end: self.offset + secret.len() as u64,
            line: self.line,
            column: self.offset - self.line_start + 1,
            end_line: self.over(inside).line,
        }
    }
}

impl<'t> Lines<'t> {
    /// Begins at the start of `text`.
    pub fn new(text: &'t [u8]) -> Self {
        Self { text, at: Place::START }
    }

    /// Describes the place of a secret. A range that leaves the text is cut to it.
    pub fn span(&mut self, range: Range<usize>) -> Span {
        let start = range.start.min(self.text.len());
        let end = range.end.clamp(start, self.text.len());
        if (start as u64) < self.at.offset {
            self.at = Place::START;
        }
        let from = usize::try_from(self.at.offset).unwrap_or(0);
        self.at = self.at.over(self.text.get(from..start).unwrap_or_default());
        self.at.span(self.text.get(start..end).unwrap_or_default())
    }
}
