//! What a commit puts where, beside each of its parents.
//!
//! Both trees are read side by side; equal subtrees are skipped unread. Paths are walked on a stack
//! of our own. A tree of trees can name billions of paths in a few kilobytes, so a subtree that only
//! one side has is entered only if something wanted lies in it, which is worked out once for each
//! tree id; what is left is bounded by a limit on entries.
//!
//! Of an object's paths that have the same version in the parent a few are told. A merge tells all,
//! for they may differ in its other parents. More than can be told is said, never silence: a new
//! path must not hide behind many old ones.

use std::collections::{HashMap, HashSet};

use crate::wire::Oid;

use super::super::limits::Limits;
use super::super::obstacle::Obstacle;
use super::super::store::Store;
use super::super::tree::{EntryKind, Join, TreeEntries, TreeEntry};

/// The most paths that are taken from the comparison of a merge with one of its parents.
const MERGED_MAX: usize = 100_000;

/// A wanted object at a path where no parent has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Appearance {
    pub(super) path: Vec<u8>,
    pub(super) id: Oid,
    /// What each parent has there, or where an exact rename took it from.
    pub(super) parents: Vec<Option<Oid>>,
}

/// Compares trees.
pub(super) struct Changes<'c, 'r> {
    store: &'c Store<'r>,
    limits: &'c Limits,
    entries_left: u64,
    /// Whether there was more than could be told.
    is_cut: bool,
    /// For each tree that was looked into, whether something wanted lies in it. What is wanted only
    /// shrinks, so a "no" stays true and a "yes" costs time at worst.
    holds: HashMap<Oid, bool>,
}

/// One side beside the other: a path, and the trees there.
struct Pair {
    path: Vec<u8>,
    old: Option<Oid>,
    new: Option<Oid>,
}

/// Which of an object's paths are taken.
#[derive(Clone, Copy)]
enum Take {
    /// A few for each version in the parent.
    Distinct { repeats_max: usize, versions_max: usize },
    /// All.
    All,
}

/// The differences between a commit and one parent, as far as something wanted is concerned.
struct Difference {
    take: Take,
    /// What is new at a path, and what stood there.
    added: Vec<(Vec<u8>, Oid, Option<Oid>)>,
    /// What is gone from some path.
    deleted: HashSet<Oid>,
    /// For each object, how often it was added where the parent has each version.
    counts: HashMap<Oid, HashMap<Option<Oid>, usize>>,
    /// How many objects were added as often as counts where the parent has nothing.
    full: usize,
    /// Whether there was more than is taken.
    is_cut: bool,
}

impl<'c, 'r> Changes<'c, 'r> {
    pub(super) fn new(store: &'c Store<'r>, limits: &'c Limits) -> Self {
        Self {
            store,
            limits,
            entries_left: limits.entries_max,
            is_cut: false,
            holds: HashMap::new(),
        }
    }

    /// Tells whether some of what was asked for was more than could be told.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns what a commit with this tree brings that none of its parents has in that place.
    pub(super) fn of(
        &mut self,
        tree: Oid,
        parents: &[Option<Oid>],
        wanted: &HashSet<Oid>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Vec<Appearance>, Obstacle> {
        let take = match parents.len() {
            0 | 1 => Take::Distinct {
                repeats_max: self.limits.places_per_object_max,
                versions_max: self.limits.versions_per_object_max,
            },
            _ => Take::All,
        };
        let Some((&first, others)) = parents.split_first() else {
            let alone = self.difference(None, tree, take, wanted, is_late)?;
            return Ok(alone.appearances(|_| Vec::new()));
        };
        let first = self.difference(first, tree, take, wanted, is_late)?;
        let mut found = first.appearances(|version| vec![version]);
        for &parent in others {
            if found.is_empty() {
                break;
            }
            let difference = self.difference(parent, tree, take, wanted, is_late)?;
            found = difference.meet(found);
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn difference(
        &mut self,
        old: Option<Oid>,
        new: Oid,
        take: Take,
        wanted: &HashSet<Oid>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Difference, Obstacle> {
        let mut difference = Difference::new(take);
        if old == Some(new) {
            return Ok(difference);
        }
        if wanted.contains(&new) {
            difference.added.push((Vec::new(), new, old));
        }
        let mut pending = vec![Pair { path: Vec::new(), old, new: Some(new) }];
        let (mut old_tree, mut new_tree) = (Vec::new(), Vec::new());
        while let Some(pair) = pending.pop() {
            if pair.old.is_none() && difference.full == wanted.len() {
                continue;
            }
            old_tree.clear();
            new_tree.clear();
            if let Some(old) = pair.old {
                self.store.old_tree(old, &mut old_tree);
            }
            if let Some(new) = pair.new {
                self.store.tree(new, &mut new_tree)?;
            }
            for (old, new) in Join::new(&old_tree, &new_tree, self.store.hash()) {
                self.count(is_late)?;
                let what = |entry: TreeEntry<'_>| (entry.kind, entry.id);
                if old.map(what) == new.map(what) {
                    continue;
                }
                difference.take(&pair.path, old, new, wanted);
                if let Some(below) = self.below(&pair.path, old, new, wanted, is_late)? {
                    pending.push(below);
                }
            }
        }
        self.is_cut |= difference.is_cut;
        Ok(difference)
    }

    /// Returns the subtrees at an entry if they must be entered.
    fn below(
        &mut self,
        path: &[u8],
        old: Option<TreeEntry<'_>>,
        new: Option<TreeEntry<'_>>,
        wanted: &HashSet<Oid>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Option<Pair>, Obstacle> {
        let Some(entry) = new.or(old).filter(|entry| entry.kind == EntryKind::Tree) else {
            return Ok(None);
        };
        let is_one_sided = old.is_none() || new.is_none();
        if is_one_sided && !self.holds_wanted(entry.id, wanted, is_late)? {
            return Ok(None);
        }
        Ok(Some(Pair {
            path: entry.path_in(path),
            old: old.map(|entry| entry.id),
            new: new.map(|entry| entry.id),
        }))
    }

    /// Tells whether something wanted lies in a tree, and remembers it for each tree below.
    fn holds_wanted(
        &mut self,
        root: Oid,
        wanted: &HashSet<Oid>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<bool, Obstacle> {
        let mut content = Vec::new();
        let mut stack = vec![(root, false)];
        while let Some((tree, is_read)) = stack.pop() {
            if !is_read && self.holds.contains_key(&tree) {
                continue;
            }
            self.store.tree(tree, &mut content)?;
            let entries = TreeEntries::new(&content, self.store.hash());
            let mut holds = false;
            if !is_read {
                // Until its subtrees are known; in a hostile cycle, for good.
                self.holds.insert(tree, false);
                stack.push((tree, true));
            }
            for entry in entries {
                self.count(is_late)?;
                let is_tree = entry.kind == EntryKind::Tree;
                if is_read {
                    let below = is_tree && self.holds.get(&entry.id) == Some(&true);
                    holds |= below || wanted.contains(&entry.id);
                } else if is_tree {
                    stack.push((entry.id, false));
                }
            }
            if is_read {
                self.holds.insert(tree, holds);
            }
        }
        Ok(self.holds.get(&root) == Some(&true))
    }

    fn count(&mut self, is_late: &dyn Fn() -> bool) -> Result<(), Obstacle> {
        self.entries_left = self.entries_left.checked_sub(1).ok_or(Obstacle::TooMany)?;
        // The clock is cheap, not free: once for 256 entries.
        if self.entries_left.is_multiple_of(256) && is_late() {
            return Err(Obstacle::Late);
        }
        Ok(())
    }
}

impl Difference {
    fn new(take: Take) -> Self {
        let (added, deleted, counts) = (Vec::new(), HashSet::new(), HashMap::new());
        Self { take, added, deleted, counts, full: 0, is_cut: false }
    }

    fn take(
        &mut self,
        path: &[u8],
        old: Option<TreeEntry<'_>>,
        new: Option<TreeEntry<'_>>,
        wanted: &HashSet<Oid>,
    ) {
        // A submodule may have any id: none of the objects here is its version.
        let old = old.filter(|entry| entry.kind != EntryKind::Submodule);
        if let Some(entry) = new
            && entry.kind != EntryKind::Submodule
            && wanted.contains(&entry.id)
        {
            let version = old.map(|entry| entry.id);
            if self.is_taken(entry.id, version) {
                self.added.push((entry.path_in(path), entry.id, version));
            }
        } else if let (Some(entry), None) = (old, new)
            && wanted.contains(&entry.id)
        {
            self.deleted.insert(entry.id);
        }
    }

    /// Counts an object that was added where the parent has `version`. Returns whether its path is
    /// taken.
    fn is_taken(&mut self, id: Oid, version: Option<Oid>) -> bool {
        let Take::Distinct { repeats_max, versions_max } = self.take else {
            let is_room = self.added.len() < MERGED_MAX;
            self.is_cut |= !is_room;
            return is_room;
        };
        let versions = self.counts.entry(id).or_default();
        // Where the parent has nothing, it is new whatever else there is.
        if versions.len() >= versions_max && version.is_some() && !versions.contains_key(&version) {
            self.is_cut = true;
            return false;
        }
        let count = versions.entry(version).or_default();
        *count += 1;
        self.full += usize::from(*count == repeats_max && version.is_none());
        *count <= repeats_max
    }

    /// Returns what a parent has in place of an added object: what stood at the path, or the same
    /// object if it was taken away elsewhere.
    fn version(&self, id: Oid, at_path: Option<Oid>) -> Option<Oid> {
        at_path.or_else(|| self.deleted.get(&id).copied())
    }

    fn appearances(self, parents: impl Fn(Option<Oid>) -> Vec<Option<Oid>>) -> Vec<Appearance> {
        let appearance = |(path, id, at_path): &(Vec<u8>, Oid, Option<Oid>)| Appearance {
            path: path.clone(),
            id: *id,
            parents: parents(self.version(*id, *at_path)),
        };
        self.added.iter().map(appearance).collect()
    }

    /// Keeps what differs from this parent too, and adds its version.
    fn meet(&self, found: Vec<Appearance>) -> Vec<Appearance> {
        let at_paths: HashMap<&[u8], Option<Oid>> =
            self.added.iter().map(|(path, _, at_path)| (path.as_slice(), *at_path)).collect();
        let meet = |mut appearance: Appearance| {
            let at_path = *at_paths.get(appearance.path.as_slice())?;
            appearance.parents.push(self.version(appearance.id, at_path));
            Some(appearance)
        };
        found.into_iter().filter_map(meet).collect()
    }
}
