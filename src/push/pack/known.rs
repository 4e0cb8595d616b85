//! Which entries of a pack are known to be clean, and which of those need not even be inflated.
//!
//! ```text
//! root (clean)            inflated, for its delta; not sent
//! ├─ delta                inflated and sent
//! └─ delta (clean)        idle: neither it nor what is below it
//!    └─ delta (clean)     idle
//! ```

use std::io;

use crate::wire::{ObjectKind, Oid};

use super::super::sink::Emitter;
use super::Pack;
use super::tree::{Parent, Tree};

/// How many ids are in memory while they are offered: what fits one question.
const OFFERED_AT_ONCE: usize = crate::wire::OFFERED_MAX;

/// What is known of each entry, by its rank.
#[derive(Default)]
pub(super) struct Known {
    /// Those that need not be sent; empty where nobody was asked.
    clean: Vec<bool>,
    /// Those that need to be inflated, for themselves or for what is below them.
    wanted: Vec<bool>,
}

impl Known {
    /// Asks about all entries of `kinds`. An entry that no root leads to is of no kind.
    pub(super) fn ask(
        pack: &Pack,
        tree: &Tree,
        kinds: &[ObjectKind],
        emitter: &mut Emitter<'_>,
    ) -> io::Result<Self> {
        let mut known = Self {
            clean: vec![false; tree.entries.len()],
            wanted: vec![false; tree.entries.len()],
        };
        let asked = ranks_of(tree, kinds);
        for ranks in asked.chunks(OFFERED_AT_ONCE) {
            let entries = ranks.iter().filter_map(|&rank| tree.entries.get(rank as usize));
            let objects: Vec<Oid> = entries.map(|entry| pack.oid(entry)).collect();
            for (&rank, is_clean) in ranks.iter().zip(emitter.known(&objects)?) {
                if let Some(clean) = known.clean.get_mut(rank as usize) {
                    *clean = is_clean;
                }
            }
        }
        known.want(tree);
        Ok(known)
    }

    /// Knows all but the entries of `ranks`, which alone are to be sent.
    pub(super) fn all_but(ranks: &[u32], tree: &Tree) -> Self {
        let mut known =
            Self { clean: vec![true; tree.entries.len()], wanted: vec![false; tree.entries.len()] };
        for &rank in ranks {
            if let Some(clean) = known.clean.get_mut(rank as usize) {
                *clean = false;
            }
        }
        known.want(tree);
        known
    }

    /// Marks what is to be sent, and its bases.
    fn want(&mut self, tree: &Tree) {
        for (rank, is_clean) in (0..).zip(&self.clean) {
            let mut next = (!is_clean).then_some(rank);
            while let Some(rank) = next {
                let wanted = self.wanted.get_mut(rank as usize);
                let is_first = wanted.is_some_and(|wanted| !std::mem::replace(wanted, true));
                let parent = tree.entries.get(rank as usize).map(|entry| entry.parent);
                next = match parent {
                    Some(Parent::Base(base)) if is_first => Some(base),
                    _ => None,
                };
            }
        }
    }

    /// Tells whether an entry need not be sent.
    pub(super) fn is_clean(&self, rank: u32) -> bool {
        self.clean.get(rank as usize).is_some_and(|&clean| clean)
    }

    /// Tells whether neither an entry nor anything below it need be sent.
    pub(super) fn is_idle(&self, rank: u32) -> bool {
        self.wanted.get(rank as usize).is_some_and(|&wanted| !wanted)
    }
}

/// Lists the entries of `kinds`: the kind of a delta is that of its root.
fn ranks_of(tree: &Tree, kinds: &[ObjectKind]) -> Vec<u32> {
    let mut ranks = Vec::new();
    for (rank, entry) in (0..).zip(&tree.entries) {
        if matches!(entry.parent, Parent::Root(kind) if kinds.contains(&kind)) {
            let first = ranks.len();
            ranks.push(rank);
            let mut next = first;
            while let Some(&rank) = ranks.get(next) {
                ranks.extend_from_slice(tree.below(rank));
                next += 1;
            }
        }
    }
    ranks
}
