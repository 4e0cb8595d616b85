//! Scanning a text that streams, in memory that does not grow with it.

use std::borrow::Borrow;

use super::engine::Engine;
use super::lines::Place;
use super::pass::{Effort, Pass};
use super::{Found, Match};

/// How much of a stream is gathered before it is scanned, in bytes. Large against the context that
/// is looked at twice, small against memory: a worker holds this, [`Engine::context_bytes`], and
/// one chain of overlapping candidates, which has a limit of its own.
const GATHER_BYTES: usize = 1 << 20;

/// Scans one text, fed in pieces of any size, as if it were scanned whole.
///
/// `E` is `&Engine`, or `Arc<Engine>` where a text outlives a call.
pub struct Pieces<E> {
    engine: E,
    pass: Pass,
    /// The stretch at hand.
    buffer: Vec<u8>,
    /// Where it begins.
    place: Place,
    /// Bytes of it that no scan has seen yet.
    fresh_bytes: usize,
    gather_bytes: usize,
}

impl<E: Borrow<Engine>> Pieces<E> {
    /// Begins a text; `now_s` as in [`super::Window`].
    pub fn new(engine: E, now_s: u64) -> Self {
        Self::gathering(engine, now_s, GATHER_BYTES)
    }

    /// Begins a text that is scanned whenever `gather_bytes` came together.
    pub(super) fn gathering(engine: E, now_s: u64, gather_bytes: usize) -> Self {
        Self {
            engine,
            pass: Pass::new(now_s),
            buffer: Vec::new(),
            place: Place::START,
            fresh_bytes: 0,
            gather_bytes,
        }
    }

    /// Takes the next bytes, and reports what is certain so far, in the order of places.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Found<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.gather_bytes.saturating_sub(self.fresh_bytes).max(1);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.buffer.extend_from_slice(now);
            self.fresh_bytes += now.len();
            rest = later;
            if self.fresh_bytes >= self.gather_bytes {
                self.scan(false, sink);
                self.fresh_bytes = 0;
            }
        }
    }

    /// Returns how much of the text is held, in bytes: never more than what is gathered, the context
    /// of the engine, and one chain of overlapping candidates.
    pub fn held_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Ends the text, reports the rest, and says what the whole text cost.
    pub fn finish(mut self, sink: &mut dyn FnMut(Found<'_>)) -> Effort {
        self.scan(true, sink);
        self.pass.effort()
    }

    fn scan(&mut self, last: bool, sink: &mut dyn FnMut(Found<'_>)) {
        let engine: &Engine = self.engine.borrow();
        let (text, base) = (&self.buffer, self.place.offset);
        let mut place = self.place;
        let keep = self.pass.run(engine, text, base, last, &mut |candidate| {
            if let Some(found) = engine.present(text, base, candidate) {
                place = step(place, base, text, &found);
                sink(Found { span: place.span(found.secret), found });
            }
        });
        let done = usize::try_from(keep.saturating_sub(base)).unwrap_or(usize::MAX);
        let done = done.min(text.len());
        self.place = self.place.over(text.get(..done).unwrap_or_default());
        self.buffer.drain(..done);
    }
}

/// Steps on to where `found` begins.
fn step(place: Place, base: u64, text: &[u8], found: &Match<'_>) -> Place {
    let from = usize::try_from(place.offset - base).unwrap_or(0);
    place.over(text.get(from..found.range.start).unwrap_or_default())
}
