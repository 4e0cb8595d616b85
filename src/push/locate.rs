//! Where objects with hits come from.
//!
//! ```text
//! asked for ─► reached by own refs before?        ─► ReachableBefore
//!           └► each commit of the push, ancestors first, beside each parent
//!                puts it at a path                ─► Entry, with the parents' versions
//!              is itself a commit, tag or tip     ─► Commit, Tag, Ref
//!              none of these                      ─► Unreached
//! then: the parents' versions as objects, CODEOWNERS, the end
//! ```
//!
//! A commit that no tip reaches still names places, with an empty ref: its content stays fetchable
//! by id. For a merge, only what differs from *every* parent counts: the rest came from a parent.

mod changes;
mod parents;

use std::collections::{HashMap, HashSet};
use std::io;

use crate::wire::{
    CommitPlace, Entry, LocateEnd, ObjectKind, Oid, Place, RefUpdate, Route, Topology,
};

use super::commit::{subject, tag_target};
use super::commits::{NewCommit, NewCommits};
use super::history;
use super::limits::Limits;
use super::owners;
use super::refs::Refs;
use super::sink::Answers;
use super::store::Store;
use super::tree::{EntryKind, TreeEntries};

use changes::{Appearance, Changes};

/// The most parents' versions that are told or held to tell places apart: about 80 bytes each.
const SLOTS_MAX: usize = 1_000_000;

/// The most tags that are followed from one to the next.
const TAG_DEPTH_MAX: usize = 64;

/// Answers for all of `objects`, then sends the parents' versions and the end.
pub(super) fn answer(
    objects: &[Oid],
    updates: &[RefUpdate],
    store: &Store<'_>,
    refs: &mut Refs,
    commits: &NewCommits,
    limits: &Limits,
    sink: &mut dyn Answers,
) -> io::Result<()> {
    let mut search = Search {
        updates,
        store,
        commits,
        limits,
        wanted: objects.iter().copied().collect(),
        places: HashMap::new(),
        named: HashMap::new(),
        versions: Vec::new(),
        sent: HashMap::new(),
        slots_left: SLOTS_MAX,
        is_complete: commits.is_complete(),
    };
    search.old(refs, sink)?;
    search.named(sink)?;
    search.entries(sink)?;
    search.rest(objects, sink)?;
    let versions = std::mem::take(&mut search.versions);
    let complete = parents::stream(versions, store, limits, sink)? && search.is_complete;
    // Who answers for a file that cannot be read is settled as if there were none.
    let owners = owners::read(store, refs).unwrap_or_default();
    sink.end(LocateEnd { owners, complete })
}

/// The places in commits that were sent of an object.
#[derive(Default)]
struct Sent {
    places: usize,
    /// Whether one is new whatever the object holds: then the others change nothing.
    is_new: bool,
    /// Which versions the parents had there.
    versions: HashSet<Vec<Option<Oid>>>,
}

struct Search<'s, 'r> {
    updates: &'s [RefUpdate],
    store: &'s Store<'r>,
    commits: &'s NewCommits,
    limits: &'s Limits,
    /// What more places are sought for.
    wanted: HashSet<Oid>,
    /// How many places each object has.
    places: HashMap<Oid, usize>,
    /// How many refs lead to each object that a ref names, and to each tree below.
    named: HashMap<Oid, usize>,
    /// What stood in the parents, in the order of the places.
    versions: Vec<Oid>,
    /// What was sent of places in commits.
    sent: HashMap<Oid, Sent>,
    /// How many more versions may be held in `sent`.
    slots_left: usize,
    is_complete: bool,
}

impl Search<'_, '_> {
    /// Answers for what own refs reached before. Only what lies outside the quarantine can be.
    fn old(&mut self, refs: &mut Refs, sink: &mut dyn Answers) -> io::Result<()> {
        let store = self.store;
        let candidates = self.wanted.iter().copied().filter(|&id| store.is_outside(id)).collect();
        let reached = history::reached(candidates, store, refs, &|| sink.is_late());
        self.is_complete &= reached.is_complete;
        for object in reached.found {
            self.wanted.remove(&object);
            self.places.insert(object, 1);
            sink.place(Place { object, route: Route::ReachableBefore })?;
        }
        Ok(())
    }

    /// Answers for what refs and tags name, and for commits.
    fn named(&mut self, sink: &mut dyn Answers) -> io::Result<()> {
        for update in self.updates.iter().filter(|update| !update.new.is_null()) {
            self.named_by(update.new, &update.name, sink)?;
        }
        for &tag in &self.store.captured().tags {
            if self.wanted.contains(&tag) && !self.places.contains_key(&tag) {
                self.place(tag, Route::Tag { ref_name: Vec::new() }, sink)?;
            }
        }
        let wanted: Vec<Oid> = self.wanted.iter().copied().collect();
        for id in wanted {
            if let Some((rank, new)) = self.commits.get(id) {
                let at_tip = new.update.is_some();
                let place = self.commit_place(rank, new, at_tip);
                self.place(id, Route::Commit(place), sink)?;
            }
        }
        Ok(())
    }

    fn named_by(&mut self, tip: Oid, name: &[u8], sink: &mut dyn Answers) -> io::Result<()> {
        let mut content = Vec::new();
        let mut id = tip;
        for _ in 0..TAG_DEPTH_MAX {
            if !self.is_named_anew(id) {
                return Ok(());
            }
            let kind = match self.store.read(id, &mut content) {
                Ok(kind) => kind,
                Err(_) => self.store.kind(id).filter(|&kind| kind != ObjectKind::Tag),
            };
            match kind {
                Some(ObjectKind::Tag) => {
                    self.place(id, Route::Tag { ref_name: name.to_vec() }, sink)?;
                    match tag_target(&content, self.store.hash()) {
                        Ok(target) => id = target,
                        Err(_) => break,
                    }
                }
                Some(ObjectKind::Commit) => return Ok(()),
                Some(ObjectKind::Tree) => return self.named_tree(id, name, sink),
                Some(ObjectKind::Blob) | None => {
                    return self.place(id, Route::Ref { ref_name: name.to_vec() }, sink);
                }
            }
        }
        // Tags that cannot be followed to their end.
        self.is_complete = false;
        Ok(())
    }

    /// Counts a ref that leads to `id`. Returns whether it can name places yet: more of them than an
    /// object may have change nothing, and thousands of refs may lead to the same objects.
    fn is_named_anew(&mut self, id: Oid) -> bool {
        let count = self.named.entry(id).or_default();
        *count += 1;
        *count <= self.limits.places_per_object_max
    }

    /// Answers for a tree that a ref points at without a commit, and for all below it.
    fn named_tree(&mut self, root: Oid, name: &[u8], sink: &mut dyn Answers) -> io::Result<()> {
        let mut seen = HashSet::new();
        let mut pending = vec![root];
        let mut content = Vec::new();
        while let Some(tree) = pending.pop() {
            // The root was counted by its ref.
            if !seen.insert(tree) || (tree != root && !self.is_named_anew(tree)) {
                continue;
            }
            if sink.is_late() {
                self.is_complete = false;
                return Ok(());
            }
            self.place(tree, Route::Ref { ref_name: name.to_vec() }, sink)?;
            self.is_complete &= self.store.tree(tree, &mut content).is_ok();
            for entry in TreeEntries::new(&content, self.store.hash()) {
                match entry.kind {
                    EntryKind::Tree => pending.push(entry.id),
                    EntryKind::Blob if seen.insert(entry.id) => {
                        self.place(entry.id, Route::Ref { ref_name: name.to_vec() }, sink)?;
                    }
                    EntryKind::Blob | EntryKind::Submodule => {}
                }
            }
        }
        Ok(())
    }

    /// Answers with the paths at which the push's commits put things.
    fn entries(&mut self, sink: &mut dyn Answers) -> io::Result<()> {
        let mut changes = Changes::new(self.store, self.limits);
        // No tree holds a commit or a tag.
        self.wanted.retain(|id| self.commits.get(*id).is_none());
        for tag in &self.store.captured().tags {
            self.wanted.remove(tag);
        }
        for (rank, new) in self.commits.list.iter().enumerate() {
            if self.wanted.is_empty() {
                return Ok(());
            }
            let trees: Vec<Option<Oid>> =
                new.commit.parents.iter().map(|&parent| self.tree_of(parent)).collect();
            let found = changes.of(new.commit.tree, &trees, &self.wanted, &|| sink.is_late());
            let Ok(found) = found else {
                self.is_complete = false;
                return Ok(());
            };
            for appearance in found {
                self.entry(rank, new, appearance, sink)?;
            }
        }
        self.is_complete &= !changes.is_cut();
        Ok(())
    }

    /// Sends a place unless it says nothing that was not said: what is old is told from an object
    /// and the parents' versions of it, so that of places that have these in common a few suffice,
    /// and of others each counts. More than can be told apart make the answer incomplete.
    fn entry(
        &mut self,
        rank: usize,
        new: &NewCommit,
        appearance: Appearance,
        sink: &mut dyn Answers,
    ) -> io::Result<()> {
        let Appearance { path, id, parents } = appearance;
        let sent = self.sent.entry(id).or_default();
        let is_repeat = sent.is_new || sent.versions.contains(&parents);
        if is_repeat && sent.places >= self.limits.places_per_object_max {
            if sent.is_new {
                self.wanted.remove(&id);
            }
            return Ok(());
        }
        sent.is_new |= parents.is_empty() || parents.contains(&None);
        let slots_left = self.slots_left.checked_sub(1 + parents.len());
        let is_room =
            sent.is_new || sent.versions.len() < self.limits.versions_per_object_max || is_repeat;
        let Some(slots_left) = slots_left.filter(|_| is_room) else {
            self.is_complete = false;
            return Ok(());
        };
        self.slots_left = slots_left;
        sent.versions.insert(parents.clone());
        self.versions.extend(parents.iter().flatten());
        sent.places += 1;
        *self.places.entry(id).or_default() += 1;
        let commit = self.commit_place(rank, new, self.is_at_tip(new, &path, id));
        sink.place(Place { object: id, route: Route::Entry(Entry { commit, path, parents }) })
    }

    /// Says of what is left that no ref reaches it, unless the search was cut short.
    fn rest(&mut self, objects: &[Oid], sink: &mut dyn Answers) -> io::Result<()> {
        for &object in objects {
            if self.is_complete && !self.places.contains_key(&object) {
                self.place(object, Route::Unreached, sink)?;
            }
        }
        Ok(())
    }

    /// Sends a place if the object was asked for and has not enough of them. Each is new, so that
    /// those beyond change nothing.
    fn place(&mut self, object: Oid, route: Route, sink: &mut dyn Answers) -> io::Result<()> {
        if !self.wanted.contains(&object) {
            return Ok(());
        }
        let count = self.places.entry(object).or_default();
        *count += 1;
        if *count >= self.limits.places_per_object_max {
            self.wanted.remove(&object);
        }
        sink.place(Place { object, route })
    }

    fn tree_of(&self, parent: Oid) -> Option<Oid> {
        if let Some((_, new)) = self.commits.get(parent) {
            return Some(new.commit.tree);
        }
        // Beside a parent that cannot be read, everything is new.
        let commit = self.store.commit(parent, &mut Vec::new()).unwrap_or_default();
        commit.map(|commit| commit.tree)
    }

    fn commit_place(&self, rank: usize, new: &NewCommit, at_tip: bool) -> CommitPlace {
        let mut content = Vec::new();
        if self.store.read(new.id, &mut content).is_err() {
            content.clear();
        }
        let update = new.update.and_then(|update| self.updates.get(update));
        CommitPlace {
            id: new.id,
            order: u32::try_from(rank).unwrap_or(u32::MAX),
            subject: subject(&content),
            ref_name: update.map(|update| update.name.clone()).unwrap_or_default(),
            topology: Topology { at_tip, ..new.topology },
        }
    }

    /// Tells whether the tip that brings the commit still has the object at the path.
    fn is_at_tip(&self, new: &NewCommit, path: &[u8], id: Oid) -> bool {
        let tip = new.update.and_then(|update| self.commits.tips.get(update).copied().flatten());
        let Some((rank, tip)) = tip.and_then(|(_, tip)| self.commits.get(tip)) else {
            return false;
        };
        let is_itself = self.commits.ranks.get(&new.id) == Some(&rank);
        is_itself || self.store.lookup(tip.commit.tree, path) == Ok(Some(id))
    }
}
