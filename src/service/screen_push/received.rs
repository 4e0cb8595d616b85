//! What came of a push: its head, what was found in it, and what was left out.

use std::collections::HashSet;

use super::Gate;
use super::hit::{Hit, Source};
use super::report::{Kept, Report, keep};
use super::tags::Tags;
use crate::finding::Span;
use crate::rule::Ruleset;
use crate::scan::layer::Layer;
use crate::service::ledger::Sheet;
use crate::store::LedgerRow;
use crate::wire::{Oid, RefUpdate, Unscanned};

/// The most things a push may leave unscanned before they are only counted.
const UNSCANNED_LISTED_MAX: usize = 1_000;

/// The most rows that one push adds to the ledger, 16 bytes each: as many as wait there to be
/// written.
const CLEAN_MAX: usize = 1 << 20;

/// How many decoded secrets before the end of a generic one are looked at to see whether it is the
/// same, encoded.
const READ_NEAR: usize = 4;

/// What came of a push.
#[derive(Default)]
pub(super) struct Received {
    pub(super) updates: Vec<RefUpdate>,
    pub(super) push_options: Vec<Vec<u8>>,
    /// What its annotated tags point at.
    pub(super) tags: Tags,
    /// Objects that the hook sent.
    pub(super) objects: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Objects that the hook did not send because they are known to be clean.
    pub(super) known: u64,
    /// What was found, in no particular order.
    pub(super) hits: Vec<Hit>,
    kept: Kept,
    /// Hits beyond the limit, which are counted and no more.
    pub(super) hits_dropped: u64,
    /// Whether the push is over `push_bytes_max`: what comes after is counted, not scanned.
    pub(super) over_size: bool,
    /// What was not scanned.
    pub(super) unscanned: Vec<Unscanned>,
    /// What was not scanned beyond the list's limit.
    pub(super) unscanned_dropped: u64,
    /// Ledger rows of the objects that were scanned whole and are clean.
    clean: Vec<LedgerRow>,
}

impl Received {
    /// Whether nothing was found and nothing was left out.
    pub(super) fn is_clean(&self) -> bool {
        self.hits.is_empty() && self.unscanned.is_empty()
    }

    /// Returns the id of the canary if canaries are all that this push brings, and uses it up.
    pub(super) fn lone_canary(&self, gate: &Gate) -> Option<String> {
        let first = self.hits.first()?.canary.clone()?;
        let lone = self.unscanned.is_empty()
            && self.hits.iter().all(|hit| hit.canary.as_deref() == Some(first.as_str()));
        let spent = lone && gate.inventory.as_ref().is_some_and(|known| known.spend_canary(&first));
        spent.then_some(first)
    }

    /// The distinct objects that hold hits.
    pub(super) fn objects_with_hits(&self) -> Vec<Oid> {
        let objects = self.hits.iter().filter_map(|hit| hit.spot.source.object());
        let mut objects: Vec<Oid> = objects.collect();
        objects.sort_unstable();
        objects.dedup();
        objects
    }

    /// Merges the hits of objects that came twice, as loose and packed copies may.
    pub(super) fn merge_resent(&mut self) {
        self.hits.sort_by(|one, other| one.place().cmp(&other.place()));
        self.hits.dedup_by(|one, other| one.place() == other.place());
    }

    /// Drops what a generic rule made of an encoded value that was read: one credential is one
    /// finding, and what it is called when read is what can be revoked.
    pub(super) fn drop_unread(&mut self, ruleset: &Ruleset) {
        let is_code = |layer: &Layer| matches!(layer, Layer::Code(_));
        let read = self.hits.iter().filter(|hit| !hit.spot.layers.is_empty());
        let read = read.filter(|hit| hit.spot.layers.iter().all(is_code));
        // In order, as the hits are.
        let read: Vec<(Source, Span)> = read.map(|hit| (hit.spot.source, hit.spot.span)).collect();
        self.hits.retain(|hit| {
            let (source, span) = (hit.spot.source, hit.spot.span);
            let behind = read.partition_point(|&(at, read)| (at, read.start) < (source, span.end));
            let near = read.get(behind.saturating_sub(READ_NEAR)..behind).unwrap_or_default();
            let is_read = near.iter().any(|&(at, read)| at == source && read.end > span.start);
            let is_generic = || ruleset.find(hit.finding.rule.as_str()).is_some_and(|r| r.generic);
            !(hit.spot.layers.is_empty() && is_read && is_generic())
        });
    }

    /// Notes something that was not scanned.
    pub(super) fn leave_out(&mut self, unscanned: Unscanned) {
        if self.unscanned.len() < UNSCANNED_LISTED_MAX {
            self.unscanned.push(unscanned);
        } else {
            self.unscanned_dropped += 1;
        }
    }

    /// Takes out what the ledger may know of a push: the objects that were scanned whole and are
    /// clean, in whatever copy they came.
    pub(super) fn take_clean(&mut self, sheet: &Sheet) -> Vec<LedgerRow> {
        let doubtful = self.hits.iter().filter_map(|hit| hit.spot.source.object());
        let doubtful = doubtful.chain(self.unscanned.iter().filter_map(|item| item.object));
        let doubtful: HashSet<LedgerRow> = doubtful.map(|object| sheet.row(object)).collect();
        let mut clean = std::mem::take(&mut self.clean);
        clean.retain(|row| !doubtful.contains(row));
        clean
    }

    /// Notes that an object is clean.
    pub(super) fn know(&mut self, row: LedgerRow) {
        if self.clean.len() < CLEAN_MAX {
            self.clean.push(row);
        }
    }

    pub(super) fn take_hits(&mut self) -> Vec<Hit> {
        self.kept.clear();
        std::mem::take(&mut self.hits)
    }

    pub(super) fn add(&mut self, report: Report, hits_max: usize) {
        report.unscanned.into_iter().for_each(|unscanned| self.leave_out(unscanned));
        report.clean.into_iter().for_each(|row| self.know(row));
        self.hits_dropped += report.hits_dropped;
        for hit in report.hits {
            if keep(&mut self.hits, &mut self.kept, hit, hits_max).is_some() {
                self.hits_dropped += 1;
            }
        }
    }
}
