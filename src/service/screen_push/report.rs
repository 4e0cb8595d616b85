//! What the search of one unit brought: its hits, each place once, and what was left out.

use std::collections::HashMap;
use std::ops::Range;

use super::hit::{HeaderId, Hit, Source, Spot};
use crate::scan::layer::parts;
use crate::scan::unit::{TreeNames, commit_ids, tag_ids};
use crate::secret::Fingerprint;
use crate::store::LedgerRow;
use crate::wire::{ObjectKind, Unscanned, UnscannedReason};

/// The longest head of a commit or tag in which object ids are looked for, in bytes.
pub(super) const HEADER_BYTES_MAX: usize = 64 << 10;

/// The most places of one secret in one object that are kept; the rest is counted. Nobody reads
/// past the first screen, and whether an occurrence is old is a matter of their number alone.
const PLACES_KEPT_MAX: usize = 20;

/// Adds `hit` to `hits`: counted where enough places of its secret in its object are kept. Returns
/// it where it is neither, because `hits_max` are kept.
pub(super) fn keep(hits: &mut Vec<Hit>, kept: &mut Kept, hit: Hit, hits_max: usize) -> Option<Hit> {
    let places = kept.entry((hit.spot.source, hit.finding.fingerprint)).or_default();
    if places.len() >= PLACES_KEPT_MAX {
        if let Some(first) = places.first().and_then(|&first| hits.get_mut(first)) {
            first.more += 1 + hit.more;
        }
        return None;
    }
    if hits.len() >= hits_max {
        return Some(hit);
    }
    places.push(hits.len());
    hits.push(hit);
    None
}

/// For each secret in each object: which hits are its places.
pub(super) type Kept = HashMap<(Source, Fingerprint), Vec<usize>>;

/// What came of a unit.
#[derive(Default)]
pub(super) struct Report {
    pub(super) hits: Vec<Hit>,
    kept: Kept,
    pub(super) hits_dropped: u64,
    pub(super) unscanned: Vec<Unscanned>,
    /// Ledger rows of the objects that were scanned whole and are clean.
    pub(super) clean: Vec<LedgerRow>,
    /// How often something was found or left out, kept or not: a clean object adds nothing to it.
    pub(super) remarks: u64,
    /// Numbers of objects that have a sign.
    pub(super) signs: Vec<u32>,
}

impl Report {
    /// Adds a hit; beyond [`super::HITS_MAX`], which no push keeps more of, it is counted.
    pub(super) fn add(&mut self, hit: Hit) {
        self.remarks += 1;
        if keep(&mut self.hits, &mut self.kept, hit, super::HITS_MAX).is_some() {
            self.hits_dropped += 1;
        }
    }

    /// Returns the hit at a place where something was found.
    pub(super) fn at(&mut self, spot: &Spot, fingerprint: Fingerprint) -> Option<&mut Hit> {
        self.remarks += 1;
        let places = self.kept.get(&(spot.source, fingerprint))?;
        let is_there = |hit: &Hit| {
            let there = &hit.spot;
            there.span == spot.span && parts(&there.layers).eq(parts(&spot.layers))
        };
        let at = *places.iter().find(|&&at| self.hits.get(at).is_some_and(is_there))?;
        self.hits.get_mut(at)
    }

    /// Adds a hit unless it stands there already: texts inside repeat what stands around them.
    pub(super) fn add_once(&mut self, hit: Hit) {
        if self.at(&hit.spot, hit.finding.fingerprint).is_none() {
            self.add(hit);
        }
    }

    pub(super) fn leave_out(&mut self, source: Source, reason: UnscannedReason) {
        self.remarks += 1;
        self.unscanned.push(Unscanned { object: source.object(), reason });
    }

    /// Gives the hits of trees the names of their entries.
    pub(super) fn name_entries(&mut self, first: usize, names: &TreeNames) {
        for hit in self.hits.iter_mut().skip(first) {
            let at = usize::try_from(hit.spot.span.start).ok().and_then(|at| names.entry(at));
            hit.entry = at.and_then(|entry| names.name(entry)).map(<[u8]>::to_vec);
        }
    }

    /// Marks the hits from `first` on that stand in the header, and drops those that a rule makes of
    /// an object id there. Known secrets stay: they are in wait of who reaches the object.
    pub(super) fn read_header(&mut self, first: usize, kind: ObjectKind, head: &[u8]) {
        let end = memchr::memmem::find(head, b"\n\n").unwrap_or(head.len());
        let head_read = head.get(..HEADER_BYTES_MAX).unwrap_or(head);
        let ids = if kind == ObjectKind::Tag { tag_ids(head_read) } else { commit_ids(head_read) };
        for hit in self.hits.iter_mut().skip(first) {
            hit.in_header = hit.spot.span.start < end as u64;
            let span = hit.spot.span;
            let overlaps =
                |id: &Range<usize>| span.start < id.end as u64 && (id.start as u64) < span.end;
            hit.touches = ids.iter().position(overlaps).map(|at| match at {
                0 => HeaderId::Content,
                _ => HeaderId::Parent,
            });
        }
        let mut at = 0;
        self.hits.retain(|hit| {
            at += 1;
            at <= first || hit.touches.is_none() || hit.is_known
        });
        if self.hits.len() < at {
            self.index();
        }
    }

    /// Says again which hits are whose places, after some were dropped.
    fn index(&mut self) {
        self.kept.clear();
        for (at, hit) in self.hits.iter().enumerate() {
            let places = self.kept.entry((hit.spot.source, hit.finding.fingerprint)).or_default();
            places.push(at);
        }
    }
}
