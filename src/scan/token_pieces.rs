//! Tokens of a text that streams, in memory that does not grow with it.

use std::ops::Range;

use super::lines::Place;
use super::tokens::TOKEN_CONTEXT_BYTES;
use crate::finding::Span;

/// What is looked at on either side of a token: it and what ends it.
const CONTEXT_BYTES: usize = TOKEN_CONTEXT_BYTES + 1;

/// Gets the stretch at hand, the part of it whose tokens are wanted, and where it stands in the
/// whole text.
type Visit<'v> = dyn FnMut(&[u8], Range<usize>, &Spans<'_>) + 'v;

/// Cuts a streamed text into tokens.
pub struct TokenPieces {
    buffer: Vec<u8>,
    /// Where the buffer begins.
    place: Place,
    /// Bytes of the buffer whose tokens are reported already.
    done: usize,
}

impl Default for TokenPieces {
    fn default() -> Self {
        Self { buffer: Vec::new(), place: Place::START, done: 0 }
    }
}

impl TokenPieces {
    /// Takes the next bytes. `visit` gets the stretch at hand, the part of it whose tokens are
    /// wanted, and [`Spans`] that tell where a token stands in the whole text.
    pub fn feed(&mut self, bytes: &[u8], visit: &mut Visit<'_>) {
        self.buffer.extend_from_slice(bytes);
        let until = self.buffer.len().saturating_sub(CONTEXT_BYTES);
        if until > self.done {
            self.visit(until, visit);
            self.forget();
        }
    }

    /// Ends the text.
    pub fn finish(mut self, visit: &mut Visit<'_>) {
        let until = self.buffer.len();
        self.visit(until, visit);
    }

    fn visit(&mut self, until: usize, visit: &mut Visit<'_>) {
        visit(&self.buffer, self.done..until, &Spans { text: &self.buffer, place: self.place });
        self.done = until;
    }

    fn forget(&mut self) {
        let forgotten = self.done.saturating_sub(CONTEXT_BYTES);
        let gone = self.buffer.get(..forgotten).unwrap_or_default();
        self.place = self.place.over(gone);
        self.buffer.drain(..forgotten);
        self.done -= forgotten;
    }
}

/// Tells where a token of the stretch at hand stands in the whole text.
pub struct Spans<'t> {
    text: &'t [u8],
    place: Place,
}

impl Spans<'_> {
    /// Describes the place of a token.
    pub fn span(&self, range: Range<usize>) -> Span {
        let before = self.text.get(..range.start).unwrap_or_default();
        self.place.over(before).span(self.text.get(range).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scan::{Lines, tokens};

    proptest! {
        #[test]
        fn tokens_of_pieces_are_those_of_the_whole(
            text in proptest::collection::vec(
                prop_oneof![Just(b' '), Just(b'='), Just(b'"'), Just(b'\n'), b'a'..=b'f'], 0..4000),
            cuts in proptest::collection::vec(1..900_usize, 1..9),
        ) {
            let mut whole = Vec::new();
            tokens(&text, 0..text.len(), &mut |range| whole.push(Lines::new(&text).span(range)));

            let mut pieced = Vec::new();
            let mut visit = |text: &[u8], body: Range<usize>, spans: &Spans<'_>| {
                tokens(text, body, &mut |range| pieced.push(spans.span(range)));
            };
            let mut pieces = TokenPieces::default();
            let (mut rest, mut cuts) = (text.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                pieces.feed(piece, &mut visit);
                rest = later;
            }
            pieces.finish(&mut visit);
            whole.sort();
            pieced.sort();
            prop_assert_eq!(pieced, whole);
        }
    }
}
