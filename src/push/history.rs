//! What this repository's own refs reached before the push.
//!
//! Walks are lazy and newest first: what a push builds on is nearly always found within a few
//! commits, and only an object that no ref reaches costs the whole history. An object in the store,
//! in an alternate or behind the client's claimed old id is not old by that.

use std::collections::{BinaryHeap, HashSet};

use crate::wire::{ObjectKind, Oid};

use super::commit::{Commit, tag_target};
use super::obstacle::Obstacle;
use super::refs::Refs;
use super::store::Store;
use super::tree::{EntryKind, TreeEntries};

/// The most objects that are remembered: about 50 bytes each.
const SEEN_MAX: usize = 16_000_000;

/// The commits that own refs reach, walked as far as has been asked.
#[derive(Default)]
pub(super) struct Ancestry {
    seen: HashSet<Oid>,
    queue: BinaryHeap<(u64, Oid, Oid)>,
    is_started: bool,
    content: Vec<u8>,
    /// Trees and blobs that refs point at without a commit.
    others: Vec<(ObjectKind, Oid)>,
}

impl Ancestry {
    /// Tells whether an own ref reaches commit `id`.
    pub(super) fn contains(
        &mut self,
        id: Oid,
        store: &Store<'_>,
        refs: &mut Refs,
        is_late: &dyn Fn() -> bool,
    ) -> Result<bool, Obstacle> {
        self.start(store, refs, is_late)?;
        while !self.seen.contains(&id) {
            if self.next(store, is_late)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn start(
        &mut self,
        store: &Store<'_>,
        refs: &mut Refs,
        is_late: &dyn Fn() -> bool,
    ) -> Result<(), Obstacle> {
        if self.is_started {
            return Ok(());
        }
        self.is_started = true;
        for &tip in refs.all() {
            if is_late() {
                return Err(Obstacle::Late);
            }
            self.add(tip, store);
        }
        Ok(())
    }

    /// Moves on by one commit. Returns it and its tree.
    fn next(
        &mut self,
        store: &Store<'_>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Option<(Oid, Oid)>, Obstacle> {
        if is_late() {
            return Err(Obstacle::Late);
        }
        if self.seen.len() > SEEN_MAX {
            return Err(Obstacle::TooMany);
        }
        let Some((_, id, tree)) = self.queue.pop() else {
            return Ok(None);
        };
        let commit = store.old_commit(id, &mut self.content);
        for parent in commit.into_iter().flat_map(|commit| commit.parents) {
            self.add(parent, store);
        }
        Ok(Some((id, tree)))
    }

    /// Queues an object that a ref or commit names, and what tags lead to.
    fn add(&mut self, mut id: Oid, store: &Store<'_>) {
        while self.seen.insert(id) {
            match store.read(id, &mut self.content) {
                Ok(Some(ObjectKind::Commit)) => {
                    if let Ok(Commit { tree, time, .. }) =
                        Commit::parse(&self.content, store.hash())
                    {
                        self.queue.push((time, id, tree));
                    }
                    return;
                }
                Ok(Some(ObjectKind::Tag)) => match tag_target(&self.content, store.hash()) {
                    Ok(target) => id = target,
                    Err(_) => return,
                },
                Ok(Some(kind)) => {
                    self.others.push((kind, id));
                    return;
                }
                // What is missing or damaged makes nothing old.
                Ok(None) | Err(_) => return,
            }
        }
    }
}

/// Which of some objects own refs reach.
pub(super) struct Reached {
    /// Those that are reached.
    pub(super) found: HashSet<Oid>,
    /// Whether the walk came to its end; otherwise others may be reached too.
    pub(super) is_complete: bool,
}

/// Walks the refs' history, trees and all, until each of `wanted` is found.
pub(super) fn reached(
    wanted: HashSet<Oid>,
    store: &Store<'_>,
    refs: &mut Refs,
    is_late: &dyn Fn() -> bool,
) -> Reached {
    let mut search =
        Search { wanted, found: HashSet::new(), trees: HashSet::new(), content: Vec::new() };
    let outcome = search.run(store, refs, is_late);
    Reached { found: search.found, is_complete: outcome.is_ok() }
}

struct Search {
    wanted: HashSet<Oid>,
    found: HashSet<Oid>,
    trees: HashSet<Oid>,
    content: Vec<u8>,
}

impl Search {
    fn run(
        &mut self,
        store: &Store<'_>,
        refs: &mut Refs,
        is_late: &dyn Fn() -> bool,
    ) -> Result<(), Obstacle> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        let mut ancestry = Ancestry::default();
        ancestry.start(store, refs, is_late)?;
        // What refs and tags name directly was seen by now.
        let named: Vec<_> =
            self.wanted.iter().copied().filter(|id| ancestry.seen.contains(id)).collect();
        for id in named {
            self.meet(id);
        }
        for (kind, id) in std::mem::take(&mut ancestry.others) {
            if kind == ObjectKind::Tree {
                self.tree(id, store, is_late)?;
            }
        }
        while !self.wanted.is_empty() {
            let Some((commit, tree)) = ancestry.next(store, is_late)? else {
                break;
            };
            self.meet(commit);
            self.tree(tree, store, is_late)?;
        }
        Ok(())
    }

    fn meet(&mut self, id: Oid) {
        if self.wanted.remove(&id) {
            self.found.insert(id);
        }
    }

    fn tree(
        &mut self,
        root: Oid,
        store: &Store<'_>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<(), Obstacle> {
        let mut pending = vec![root];
        while let Some(id) = pending.pop() {
            if self.wanted.is_empty() || !self.trees.insert(id) {
                continue;
            }
            if is_late() {
                return Err(Obstacle::Late);
            }
            if self.trees.len() > SEEN_MAX {
                return Err(Obstacle::TooMany);
            }
            self.meet(id);
            let mut content = std::mem::take(&mut self.content);
            store.old_tree(id, &mut content);
            for entry in TreeEntries::new(&content, store.hash()) {
                match entry.kind {
                    EntryKind::Tree => pending.push(entry.id),
                    EntryKind::Blob => self.meet(entry.id),
                    EntryKind::Submodule => {}
                }
            }
            self.content = content;
        }
        Ok(())
    }
}
