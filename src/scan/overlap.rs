//! One secret, one rule: who reports where several rules matched the same bytes.
//!
//! A specific rule goes before a generic one, then higher confidence, then a rule that proves the
//! value by checksum or structure, then the longer secret, then the rule's place in the order of ids.
//! The best takes its bytes, what overlaps it falls, and so on with the rest; the order in which
//! rules ran does not show.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::engine::Candidate;

/// The longest chain of overlapping candidates that is settled as one, in bytes. A chain could be
/// as long as the text; this bounds how much of a stream waits for its end.
pub(super) const CHAIN_BYTES_MAX: u64 = 64 << 10;

/// Candidates that wait until nothing can overlap them any more.
#[derive(Default)]
pub(super) struct Overlap {
    waiting: Vec<Candidate>,
    /// End of the last secret that was settled on.
    settled_to: u64,
}

impl Overlap {
    pub(super) fn extend(&mut self, candidates: impl IntoIterator<Item = Candidate>) {
        self.waiting.extend(candidates);
    }

    /// Returns where the first waiting candidate begins.
    pub(super) fn begin(&self) -> Option<u64> {
        self.waiting.first().map(|candidate| candidate.start)
    }

    /// Settles every chain that nothing beginning at `open` or later can change.
    pub(super) fn settle(&mut self, open: u64, settled: &mut dyn FnMut(Candidate)) {
        self.waiting.sort_by_key(|candidate| (candidate.start, candidate.end, candidate.rule));
        let mut done = 0;
        while let Some((length, end)) = self.waiting.get(done..).and_then(|rest| chain(rest, open))
        {
            debug_assert!(end > 0, "a chain holds secrets of at least a byte");
            done += length;
            let from = done - length;
            for winner in winners(self.waiting.get(from..done).unwrap_or_default(), self.settled_to)
            {
                self.settled_to = self.settled_to.max(winner.end);
                settled(winner);
            }
        }
        self.waiting.drain(..done);
    }
}

/// Measures the chain that `sorted` begins with: its candidates and its end. `None` while it is
/// open.
fn chain(sorted: &[Candidate], open: u64) -> Option<(usize, u64)> {
    let first = sorted.first()?;
    let cut = first.start.saturating_add(CHAIN_BYTES_MAX);
    let mut end = first.end;
    let mut length = 1;
    for next in sorted.iter().skip(1).take_while(|next| next.start < cut) {
        if next.start >= end {
            break;
        }
        end = end.max(next.end);
        length += 1;
    }
    (end.min(cut) <= open).then_some((length, end))
}

/// Picks who reports, in the order of places; what begins before `from` is taken already.
fn winners(chain: &[Candidate], from: u64) -> Vec<Candidate> {
    let mut ranked: Vec<&Candidate> =
        chain.iter().filter(|candidate| candidate.start >= from).collect();
    ranked.sort_by_key(|candidate| {
        let length = candidate.end - candidate.start;
        (
            candidate.generic,
            Reverse(candidate.confidence),
            Reverse(candidate.proved),
            Reverse(length),
            candidate.rule,
            candidate.start,
        )
    });
    let mut taken = BTreeMap::<u64, &Candidate>::new();
    for candidate in ranked {
        let before = taken.range(..candidate.end).next_back();
        if before.is_none_or(|(_, other)| other.end <= candidate.start) {
            taken.insert(candidate.start, candidate);
        }
    }
    taken.into_values().cloned().collect()
}
