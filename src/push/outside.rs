//! Objects that a push makes newly reachable though git did not have to receive them.
//!
//! They lie in the store already: in an alternate that forks share, or left over from a push that
//! was refused or deleted. None was scanned for this repository, so they stream like the rest.
//!
//! ```text
//! each new commit's tree, beside its parents' trees
//!   same id at the same path        ─► explained, with all below it
//!   in the quarantine               ─► streamed already; look below it
//!   otherwise                       ─► moved from elsewhere in a parent? explained
//!                                      else streamed, with all below it
//! ```
//!
//! Of many that are to be streamed, those are left out that are known to be clean: each by itself,
//! for the ledger does not say what of the objects below one is known.
//!
//! What is left over is streamed without proof that it is new: whether a hit is old is decided on
//! the hit, and a full walk of the history would cost every push that reverts a file. The common
//! small push reads its parent's changed trees and nothing else.
//!
//! A tree that no commit, tag or new tip reaches makes nothing reachable, so it is not followed;
//! its own bytes came with the quarantine.

use std::collections::{HashMap, HashSet};
use std::io;

use crate::wire::{ObjectKind, Oid, RefUpdate, UnscannedReason};

use super::commits::NewCommits;
use super::limits::Limits;
use super::refs::Refs;
use super::sink::{Emitter, ReadError, close};
use super::store::Store;
use super::tree::{Beside, EntryKind, TreeEntries, TreeEntry};

/// The most trees of old parents that are searched for moved files. Beyond it they are streamed
/// again, which costs time and nothing else.
const OLD_TREES_MAX: usize = 20_000;

/// The most bytes of parents' trees that are held beside one tree. A merge has as many parents as it
/// likes; those beyond explain nothing.
const BESIDE_BYTES_MAX: usize = 64 << 20;

/// Tells whether a push can reach nothing outside the quarantine.
pub(super) fn has_nothing(updates: &[RefUpdate], store: &Store<'_>) -> bool {
    let creates_only = updates.iter().all(|update| update.old.is_null());
    let deletes_only = updates.iter().all(|update| update.new.is_null());
    deletes_only && store.quarantine().is_empty() || creates_only && store.is_all_there_is()
}

/// Streams the objects, and returns the commits of the push.
pub(super) fn stream(
    updates: &[RefUpdate],
    store: &Store<'_>,
    refs: &mut Refs,
    emitter: &mut Emitter<'_>,
    limits: &Limits,
) -> io::Result<NewCommits> {
    let commits = NewCommits::discover(updates, store, refs, &|| emitter.is_late());
    let mut edges = Edges::new(store, refs);
    let outcome = edges.stream(&commits, emitter, limits);
    let outcome = match outcome {
        Ok(()) => commits.halted.map_or(Ok(()), |halt| Err(ReadError::Push(halt.reason()))),
        outcome => outcome,
    };
    close(outcome, emitter)?;
    Ok(commits)
}

/// The edges that lead out of the quarantine.
struct Edges<'e, 'r> {
    store: &'e Store<'r>,
    refs: &'e mut Refs,
    /// Trees whose entries were looked at.
    visited: HashSet<Oid>,
    /// Objects that nothing explains yet.
    unexplained: Vec<(ObjectKind, Oid)>,
    /// The trees of old parents.
    old_trees: Vec<Oid>,
    old_parents: HashMap<Oid, Option<Oid>>,
}

impl<'e, 'r> Edges<'e, 'r> {
    fn new(store: &'e Store<'r>, refs: &'e mut Refs) -> Self {
        Self {
            store,
            refs,
            visited: HashSet::new(),
            unexplained: Vec::new(),
            old_trees: Vec::new(),
            old_parents: HashMap::new(),
        }
    }

    fn stream(
        &mut self,
        commits: &NewCommits,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> Result<(), ReadError> {
        let known = known_of(&commits.outside, emitter, limits)?;
        for &id in commits.outside.iter().filter(|id| !known.contains(id)) {
            self.store.stream(id, emitter, limits)?;
        }
        for (&id, obstacle) in &commits.obstacles {
            emitter.unscanned(Some(id), obstacle.reason())?;
        }
        for new in &commits.list {
            let parents: Vec<Oid> = new
                .commit
                .parents
                .iter()
                .filter_map(|&parent| self.tree_of(parent, commits))
                .collect();
            self.explain(new.commit.tree, parents, emitter)?;
        }
        for &(kind, id) in commits.tips.iter().flatten() {
            match kind {
                ObjectKind::Commit | ObjectKind::Tag => {}
                ObjectKind::Tree => self.explain(id, Vec::new(), emitter)?,
                ObjectKind::Blob => self.meet(kind, id),
            }
        }
        self.drop_moved(emitter)?;
        self.stream_rest(emitter, limits)
    }

    /// Returns the tree of a parent, of the push or older.
    fn tree_of(&mut self, parent: Oid, commits: &NewCommits) -> Option<Oid> {
        if let Some((_, new)) = commits.get(parent) {
            return Some(new.commit.tree);
        }
        if let Some(&tree) = self.old_parents.get(&parent) {
            return tree;
        }
        // A parent that cannot be read explains nothing.
        let commit = self.store.commit(parent, &mut Vec::new()).unwrap_or_default();
        let tree = commit.map(|commit| commit.tree);
        self.old_parents.insert(parent, tree);
        self.old_trees.extend(tree);
        tree
    }

    /// Looks at a tree and what lies below it, beside the same places in its parents.
    fn explain(
        &mut self,
        tree: Oid,
        parents: Vec<Oid>,
        emitter: &mut Emitter<'_>,
    ) -> Result<(), ReadError> {
        let mut pending = vec![(tree, parents)];
        let mut content = Vec::new();
        while let Some((tree, parents)) = pending.pop() {
            if parents.contains(&tree) || !self.visited.insert(tree) {
                continue;
            }
            if emitter.is_late() {
                return Err(ReadError::Push(UnscannedReason::Deadline));
            }
            if !self.store.quarantine().contains(tree) {
                self.unexplained.push((ObjectKind::Tree, tree));
                self.visited.remove(&tree);
                continue;
            }
            self.open(tree, &mut content, emitter)?;
            self.explain_entries(&content, &parents, &mut pending);
        }
        Ok(())
    }

    /// Reads a tree of the push. One that cannot be followed to what lies below is reported.
    fn open(
        &self,
        tree: Oid,
        content: &mut Vec<u8>,
        emitter: &mut Emitter<'_>,
    ) -> Result<(), ReadError> {
        if let Err(obstacle) = self.store.tree(tree, content) {
            emitter.unscanned(Some(tree), obstacle.reason())?;
        }
        Ok(())
    }

    fn explain_entries(
        &mut self,
        tree: &[u8],
        parents: &[Oid],
        pending: &mut Vec<(Oid, Vec<Oid>)>,
    ) {
        let hash = self.store.hash();
        let mut bytes_left = BESIDE_BYTES_MAX;
        let read = |&parent: &Oid| {
            let mut content = Vec::new();
            self.store.old_tree(parent, &mut content);
            bytes_left = bytes_left.checked_sub(content.len())?;
            Some(content)
        };
        let contents: Vec<Vec<u8>> = parents.iter().map_while(read).collect();
        let mut beside: Vec<_> = contents.iter().map(|tree| Beside::new(tree, hash)).collect();
        for entry in TreeEntries::new(tree, hash) {
            let twins: Vec<TreeEntry<'_>> =
                beside.iter_mut().filter_map(|parent| parent.find(&entry)).collect();
            // A submodule may have any id and says nothing of what lies here.
            if twins.iter().any(|twin| twin.id == entry.id && twin.kind == entry.kind) {
                continue;
            }
            match entry.kind {
                EntryKind::Submodule => {}
                EntryKind::Blob => self.meet(ObjectKind::Blob, entry.id),
                EntryKind::Tree => {
                    pending.push((entry.id, twins.iter().map(|twin| twin.id).collect()));
                }
            }
        }
    }

    /// Takes note of a blob unless the quarantine has it.
    fn meet(&mut self, kind: ObjectKind, id: Oid) {
        if !self.store.quarantine().contains(id) {
            self.unexplained.push((kind, id));
        }
    }

    /// Drops what an old parent has at another path, or a ref names: moved files and folders.
    fn drop_moved(&mut self, emitter: &Emitter<'_>) -> Result<(), ReadError> {
        let mut wanted: HashSet<(ObjectKind, Oid)> = self.unexplained.iter().copied().collect();
        let refs = &mut *self.refs;
        wanted.retain(|&(_, id)| !refs.is_tip(id));
        let mut seen = HashSet::new();
        let mut pending = self.old_trees.clone();
        let mut content = Vec::new();
        while let Some(tree) = pending.pop() {
            if wanted.is_empty() || seen.len() == OLD_TREES_MAX {
                break;
            }
            if !seen.insert(tree) {
                continue;
            }
            if emitter.is_late() {
                return Err(ReadError::Push(UnscannedReason::Deadline));
            }
            wanted.remove(&(ObjectKind::Tree, tree));
            self.store.old_tree(tree, &mut content);
            for entry in TreeEntries::new(&content, self.store.hash()) {
                match entry.kind {
                    EntryKind::Tree => pending.push(entry.id),
                    EntryKind::Blob => drop(wanted.remove(&(ObjectKind::Blob, entry.id))),
                    EntryKind::Submodule => {}
                }
            }
        }
        self.unexplained.retain(|object| wanted.contains(object));
        Ok(())
    }

    /// Streams what nothing explains, and whatever lies below it outside the quarantine. What is known
    /// is not sent, but looked into: what lies below it may not be known.
    fn stream_rest(&mut self, emitter: &mut Emitter<'_>, limits: &Limits) -> Result<(), ReadError> {
        let (mut met, mut unreadable) = (HashSet::new(), HashSet::new());
        let mut content = Vec::new();
        while !self.unexplained.is_empty() {
            let wave = std::mem::take(&mut self.unexplained);
            let quarantine = self.store.quarantine();
            let ids = wave.iter().map(|&(_, id)| id);
            let new: Vec<Oid> =
                ids.filter(|&id| !quarantine.contains(id) && met.insert(id)).collect();
            let known = known_of(&new, emitter, limits)?;
            for &id in new.iter().filter(|id| !known.contains(id)) {
                if self.store.stream(id, emitter, limits)?.is_some() {
                    unreadable.insert(id);
                }
            }
            for (kind, id) in wave {
                if kind == ObjectKind::Tree && !unreadable.contains(&id) && self.visited.insert(id)
                {
                    self.open(id, &mut content, emitter)?;
                    self.meet_entries(&content);
                }
            }
        }
        Ok(())
    }

    /// Takes note of what lies in a tree that nothing explains.
    fn meet_entries(&mut self, tree: &[u8]) {
        for entry in TreeEntries::new(tree, self.store.hash()) {
            match entry.kind {
                EntryKind::Tree => self.unexplained.push((ObjectKind::Tree, entry.id)),
                EntryKind::Blob => self.meet(ObjectKind::Blob, entry.id),
                EntryKind::Submodule => {}
            }
        }
    }
}

/// Asks which of some objects need not be sent, where they are many: seeking them one by one takes
/// longer than the answer.
fn known_of(
    objects: &[Oid],
    emitter: &mut Emitter<'_>,
    limits: &Limits,
) -> io::Result<HashSet<Oid>> {
    if objects.len() < limits.offer_outside_min {
        return Ok(HashSet::new());
    }
    let known = emitter.known(objects)?;
    Ok(objects.iter().zip(known).filter(|(_, known)| *known).map(|(&id, _)| id).collect())
}
