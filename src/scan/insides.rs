//! The texts that lie inside a text that streams.
//!
//! ```text
//! feed ──► buffer, up to GATHER_BYTES_MAX ──► layer::walk ──► Inside: bytes, and where they stand
//!             └ longer: stretch by stretch, with an overlap; a box that is longer is left out
//! ```
//!
//! The text itself is not among them: [`super::Pieces`] scans it as it streams.

use std::ops::Range;

use super::layer::{self, Layer, LeftOut, Limits, View};
use super::lines::Place;
use crate::finding::Span;

/// The longest text that is taken apart as one, in bytes. In a longer one encoded stretches are
/// found all the same, but a box is only read as far as it reaches.
pub const GATHER_BYTES_MAX: usize = 16 << 20;

/// How much of a stretch is looked at again with the next, in bytes: an encoded secret that is cut
/// by the end of one is whole in the other.
const OVERLAP_BYTES: usize = 64 << 10;

/// Gets each text that lies inside.
pub(super) type Visit<'v> = dyn FnMut(&Inside<'_>) + 'v;

/// Takes a streamed text apart.
pub struct Insides {
    limits: Limits,
    buffer: Vec<u8>,
    /// Where the buffer begins.
    place: Place,
    /// Bytes of the buffer that were looked at already.
    seen: usize,
    left: Vec<LeftOut>,
}

/// A text that lies inside another.
pub struct Inside<'i> {
    view: &'i View<'i>,
    outer: &'i [u8],
    place: Place,
}

impl Insides {
    /// Begins a text.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: Vec::new(), place: Place::START, seen: 0, left: Vec::new() }
    }

    /// Takes a text apart that is all there, and says what was left out, each reason once.
    #[must_use]
    pub fn of(text: &[u8], limits: Limits, visit: &mut Visit<'_>) -> Vec<LeftOut> {
        if text.len() > GATHER_BYTES_MAX {
            let mut insides = Self::new(limits);
            insides.feed(text, visit);
            return insides.finish(visit);
        }
        let place = Place::START;
        let left = layer::walk(text, limits, &mut |view| {
            visit(&Inside { view, outer: text, place });
        });
        distinct(left.into_iter().map(|left| left.reason).collect())
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8], visit: &mut Visit<'_>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = GATHER_BYTES_MAX.saturating_sub(self.buffer.len()).max(1);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.buffer.extend_from_slice(now);
            rest = later;
            if self.buffer.len() >= GATHER_BYTES_MAX && !rest.is_empty() {
                self.look(visit);
                self.forget();
            }
        }
    }

    /// Tells whether anything may lie in the text, all of which was fed. Of a text that was taken
    /// apart stretch by stretch it is not told.
    #[must_use]
    pub fn may_hold_any(&self) -> bool {
        self.seen > 0 || self.place != Place::START || layer::signs(&self.buffer, true)
    }

    /// Ends the text, and says what was left out, each reason once.
    #[must_use]
    pub fn finish(mut self, visit: &mut Visit<'_>) -> Vec<LeftOut> {
        if self.buffer.len() > self.seen {
            self.look(visit);
        }
        distinct(self.left)
    }

    fn look(&mut self, visit: &mut Visit<'_>) {
        let (outer, place) = (self.buffer.as_slice(), self.place);
        let left = layer::walk(outer, self.limits, &mut |view| {
            visit(&Inside { view, outer, place });
        });
        self.left.extend(left.into_iter().map(|left| left.reason));
        self.seen = self.buffer.len();
    }

    /// Keeps the overlap alone. What a box says of itself is about all of it, which is not there.
    fn forget(&mut self) {
        if self.place == Place::START && layer::boxes::sniff(&self.buffer).next().is_some() {
            self.left.push(LeftOut::Bytes);
        }
        let done = self.buffer.len().saturating_sub(OVERLAP_BYTES);
        self.place = self.place.over(self.buffer.get(..done).unwrap_or_default());
        self.buffer.drain(..done);
        self.seen -= done;
    }
}

fn distinct(mut left: Vec<LeftOut>) -> Vec<LeftOut> {
    left.sort_unstable();
    left.dedup();
    left
}

impl<'i> Inside<'i> {
    /// Returns the text.
    #[must_use]
    pub fn bytes(&self) -> &'i [u8] {
        self.view.bytes()
    }

    /// Says where `range` of it stands in the outermost text, and in which layers.
    #[must_use]
    pub fn place(&self, range: Range<usize>) -> (Span, Vec<Layer>) {
        let place = self.view.place(range);
        let before = self.outer.get(..place.source.start).unwrap_or_default();
        let bytes = self.outer.get(place.source).unwrap_or_default();
        (self.place.over(before).span(bytes), place.layers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a text in pieces; returns where `wanted` stands inside, each place once.
    fn find(text: &[u8], wanted: &str) -> Vec<(Span, Vec<Layer>)> {
        let mut found = Vec::new();
        let mut visit = |inside: &Inside<'_>| {
            for at in memchr::memmem::find_iter(inside.bytes(), wanted) {
                found.push(inside.place(at..at + wanted.len()));
            }
        };
        let mut insides = Insides::new(Limits::default());
        text.chunks(1 << 20).for_each(|piece| insides.feed(piece, &mut visit));
        assert!(insides.finish(&mut visit).is_empty());
        found.sort_by_key(|(span, _)| *span);
        found.dedup();
        found
    }

    #[test]
    fn an_encoded_secret_is_found_wherever_a_long_text_is_cut() {
        let line = "a line of plain text\n";
        let lines = GATHER_BYTES_MAX / line.len();
        for before in [10, lines - 1, lines, lines + 1, 2 * lines] {
            let text = format!("{}%68idden%2Dvalue\n{line}", line.repeat(before));
            let found = find(text.as_bytes(), "hidden-value");
            assert_eq!(found.len(), 1, "{before}: {found:?}");
            let (span, layers) = &found[0];
            assert_eq!(span.line, before as u64 + 1);
            assert_eq!(span.column, 1);
            assert_eq!(span.start, (before * line.len()) as u64);
            assert_eq!(layers.len(), 1);
        }
    }
}
