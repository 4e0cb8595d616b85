//! What a commit puts where, beside each of its parents.
//!
//! Both trees are read side by side; equal subtrees are skipped unread. Paths are walked on a stack
//! of our own. A tree of trees can name billions of paths in a few kilobytes, so a subtree that only
//! one side has is entered only if something wanted lies in it, which is worked out once for each
//! tree id; what is left is bounded by a limit on entries.

use std::collections::{HashMap, HashSet};

use crate::wire::Oid;

use super::super::history::OutOfTime;
use super::super::store::Store;
use super::super::tree::{EntryKind, Join, TreeEntries, TreeEntry};

/// The most paths of one object that are taken from one comparison. More than anybody is told; the
/// surplus covers paths that a merge's other parents have as well.
const APPEARANCES_MAX: usize = 1_000;

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
    entries_left: u64,
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

/// The differences between a commit and one parent, as far as something wanted is concerned.
#[derive(Default)]
struct Difference {
    /// What is new at a path, and what stood there.
    added: Vec<(Vec<u8>, Oid, Option<Oid>)>,
    /// What is gone from some path.
    deleted: HashSet<Oid>,
    /// How often each object was added.
    counts: HashMap<Oid, usize>,
    /// How many objects were added as often as counts.
    full: usize,
}

impl<'c, 'r> Changes<'c, 'r> {
    pub(super) fn new(store: &'c Store<'r>, entries_max: u64) -> Self {
        Self { store, entries_left: entries_max, holds: HashMap::new() }
    }

    /// Returns what a commit with this tree brings that none of its parents has in that place.
    pub(super) fn of(
        &mut self,
        tree: Oid,
        parents: &[Option<Oid>],
        wanted: &HashSet<Oid>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Vec<Appearance>, OutOfTime> {
        let Some((&first, others)) = parents.split_first() else {
            let alone = self.difference(None, tree, wanted, is_late)?;
            return Ok(alone.appearances(|_| Vec::new()));
        };
        let first = self.difference(first, tree, wanted, is_late)?;
        let mut found = first.appearances(|version| vec![version]);
        for &parent in others {
            if found.is_empty() {
                break;
            }
            let difference = self.difference(parent, tree, wanted, is_late)?;
            found = difference.meet(found);
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn difference(
        &mut self,
        old: Option<Oid>,
        new: Oid,
        wanted: &HashSet<Oid>,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Difference, OutOfTime> {
        let mut difference = Difference::default();
        if old == Some(new) {
            return Ok(difference);
        }
        if wanted.contains(&new) {
            difference.added.push((Vec::new(), new, old));
        }
        let mut pending = vec![Pair { path: Vec::new(), old, new: Some(new) }];
        let (mut old_tree, mut new_tree) = (Vec::new(), Vec::new());
        while let Some(pair) = pending.pop() {
            if difference.full == wanted.len() {
                break;
            }
            self.store.tree(pair.old, &mut old_tree);
            self.store.tree(pair.new, &mut new_tree);
            for (old, new) in Join::new(&old_tree, &new_tree, self.store.hash()) {
                self.count(is_late)?;
                if old.map(|entry| entry.id) == new.map(|entry| entry.id) {
                    continue;
                }
                difference.take(&pair.path, old, new, wanted);
                if let Some(below) = self.below(&pair.path, old, new, wanted, is_late)? {
                    pending.push(below);
                }
            }
        }
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
    ) -> Result<Option<Pair>, OutOfTime> {
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
    ) -> Result<bool, OutOfTime> {
        let mut content = Vec::new();
        let mut stack = vec![(root, false)];
        while let Some((tree, is_read)) = stack.pop() {
            if !is_read && self.holds.contains_key(&tree) {
                continue;
            }
            self.store.tree(Some(tree), &mut content);
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

    fn count(&mut self, is_late: &dyn Fn() -> bool) -> Result<(), OutOfTime> {
        self.entries_left = self.entries_left.checked_sub(1).ok_or(OutOfTime)?;
        // The clock is cheap, not free: once for 256 entries.
        if self.entries_left.is_multiple_of(256) && is_late() {
            return Err(OutOfTime);
        }
        Ok(())
    }
}

impl Difference {
    fn take(
        &mut self,
        path: &[u8],
        old: Option<TreeEntry<'_>>,
        new: Option<TreeEntry<'_>>,
        wanted: &HashSet<Oid>,
    ) {
        if let Some(entry) = new
            && entry.kind != EntryKind::Submodule
            && wanted.contains(&entry.id)
        {
            let count = self.counts.entry(entry.id).or_default();
            *count += 1;
            self.full += usize::from(*count == APPEARANCES_MAX);
            if *count <= APPEARANCES_MAX {
                let version = old.map(|entry| entry.id);
                self.added.push((entry.path_in(path), entry.id, version));
            }
        } else if let (Some(entry), None) = (old, new)
            && wanted.contains(&entry.id)
        {
            self.deleted.insert(entry.id);
        }
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
