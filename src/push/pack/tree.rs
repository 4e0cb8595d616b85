//! Which entries of a pack are deltas against which: 28 bytes for each.

use crate::wire::ObjectKind;

use super::super::sink::{ReadError, unreadable};

/// What the walk needs to know of an entry.
pub(super) struct Entry {
    pub(super) start: u64,
    /// Where the index has it.
    pub(super) number: u32,
    pub(super) parent: Parent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    /// None: the entry holds a whole object.
    Root(ObjectKind),
    /// The entry that this one is a delta against, by its rank in offset order.
    Base(u32),
    /// A base that the pack does not hold.
    Missing,
    /// The entry's head makes no sense.
    Damaged,
}

/// The entries, and for each the deltas against it.
pub(super) struct Tree {
    pub(super) entries: Vec<Entry>,
    child_ends: Vec<u32>,
    pub(super) children: Vec<u32>,
}

impl Tree {
    /// Groups the entries by their bases, in two passes over one table.
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let mut child_ends = vec![0_u32; entries.len() + 1];
        let bases = || entries.iter().map(|entry| entry.parent);
        for parent in bases() {
            if let Parent::Base(base) = parent
                && let Some(count) = child_ends.get_mut(base as usize + 1)
            {
                *count += 1;
            }
        }
        let mut total = 0;
        for count in &mut child_ends {
            total += *count;
            *count = total;
        }
        let mut children = vec![0; total as usize];
        let mut free = child_ends.clone();
        for (child, parent) in (0..).zip(bases()) {
            if let Parent::Base(base) = parent
                && let Some(slot) = free.get_mut(base as usize)
                && let Some(place) = children.get_mut(*slot as usize)
            {
                *place = child;
                *slot += 1;
            }
        }
        Self { entries, child_ends, children }
    }

    /// Returns the range of `entry`'s deltas in `children`.
    pub(super) fn children_of(&self, entry: u32) -> (u32, u32) {
        let end = |at: u32| self.child_ends.get(at as usize).copied().unwrap_or_default();
        (end(entry), end(entry + 1))
    }

    /// Returns the deltas against an entry.
    pub(super) fn below(&self, entry: u32) -> &[u32] {
        let (start, end) = self.children_of(entry);
        self.children.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(super) fn entry(&self, rank: u32) -> Result<&Entry, ReadError> {
        self.entries.get(rank as usize).ok_or_else(unreadable)
    }
}
