//! Tree objects: their entries, and two trees side by side.
//!
//! ```text
//! entry = mode (octal) SP name NUL id       sorted by name, trees as if it ended in "/"
//! ```

use std::cmp::Ordering;
use std::iter::Peekable;

use gix::objs::tree::name_order;

use crate::wire::{HashKind, Oid};

use super::id;

/// What an entry is, by its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A subtree.
    Tree,
    /// A file or a symbolic link.
    Blob,
    /// A commit of another repository; its object is not here.
    Submodule,
}

/// One entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TreeEntry<'a> {
    pub(super) kind: EntryKind,
    pub(super) name: &'a [u8],
    pub(super) id: Oid,
}

/// The entries of a tree. They end where the bytes make no sense: git sees no further either. Trees
/// that come from the store have been [checked](is_whole).
#[derive(Clone)]
pub(super) struct TreeEntries<'a> {
    rest: &'a [u8],
    id_length: usize,
}

impl<'a> TreeEntries<'a> {
    pub(super) fn new(tree: &'a [u8], hash: HashKind) -> Self {
        Self { rest: tree, id_length: id::length(hash) }
    }

    fn parse(&self) -> Option<(TreeEntry<'a>, &'a [u8])> {
        let space = self.rest.iter().position(|&byte| byte == b' ')?;
        let (mode, rest) = self.rest.split_at_checked(space)?;
        let rest = rest.strip_prefix(b" ")?;
        let end = rest.iter().position(|&byte| byte == 0)?;
        let (name, rest) = rest.split_at_checked(end)?;
        let (id, rest) = rest.strip_prefix(b"\0")?.split_at_checked(self.id_length)?;
        let (kind, id) = (kind_of(mode)?, Oid::from_bytes(id)?);
        Some((TreeEntry { kind, name, id }, rest))
    }
}

impl<'a> Iterator for TreeEntries<'a> {
    type Item = TreeEntry<'a>;

    fn next(&mut self) -> Option<TreeEntry<'a>> {
        let parsed = self.parse();
        self.rest = parsed.map_or(&[], |(_, rest)| rest);
        parsed.map(|(entry, _)| entry)
    }
}

/// Tells whether a tree is made of entries to its last byte.
pub(super) fn is_whole(tree: &[u8], hash: HashKind) -> bool {
    let mut entries = TreeEntries::new(tree, hash);
    while let Some((_, rest)) = entries.parse() {
        entries.rest = rest;
    }
    entries.rest.is_empty()
}

/// Reads a mode as git does: digits that no number holds fall off at its upper end, and what is
/// neither folder, file nor link is taken for a submodule.
fn kind_of(mode: &[u8]) -> Option<EntryKind> {
    if mode.is_empty() || !mode.iter().all(|digit| matches!(digit, b'0'..=b'7')) {
        return None;
    }
    let mode = mode.iter().fold(0_u32, |mode, digit| mode << 3 | u32::from(digit & 7));
    Some(match mode & 0o170_000 {
        0o040_000 => EntryKind::Tree,
        0o100_000 | 0o120_000 => EntryKind::Blob,
        _ => EntryKind::Submodule,
    })
}

impl TreeEntry<'_> {
    fn order(&self, other: &TreeEntry<'_>) -> Ordering {
        let is_tree = |entry: &TreeEntry<'_>| entry.kind == EntryKind::Tree;
        name_order(self.name, is_tree(self), other.name, is_tree(other))
    }

    /// Returns the path of this entry in the tree at `path`.
    pub(super) fn path_in(&self, path: &[u8]) -> Vec<u8> {
        if path.is_empty() {
            return self.name.to_vec();
        }
        [path, b"/", self.name].concat()
    }
}

/// A tree read in step with another one's entries.
pub(super) struct Beside<'a>(Peekable<TreeEntries<'a>>);

impl<'a> Beside<'a> {
    pub(super) fn new(tree: &'a [u8], hash: HashKind) -> Self {
        Self(TreeEntries::new(tree, hash).peekable())
    }

    /// Returns the entry of the same name and sort, and moves past all before it.
    ///
    /// Trees that are not sorted may hide it, which makes an entry look new: the safe side.
    pub(super) fn find(&mut self, entry: &TreeEntry<'_>) -> Option<TreeEntry<'a>> {
        while self.0.next_if(|other| other.order(entry) == Ordering::Less).is_some() {}
        self.0.next_if(|other| other.order(entry) == Ordering::Equal)
    }
}

/// Two trees side by side: pairs of entries that have the same name and sort.
pub(super) struct Join<'a> {
    old: Peekable<TreeEntries<'a>>,
    new: Peekable<TreeEntries<'a>>,
}

impl<'a> Join<'a> {
    pub(super) fn new(old: &'a [u8], new: &'a [u8], hash: HashKind) -> Self {
        Self {
            old: TreeEntries::new(old, hash).peekable(),
            new: TreeEntries::new(new, hash).peekable(),
        }
    }
}

impl<'a> Iterator for Join<'a> {
    type Item = (Option<TreeEntry<'a>>, Option<TreeEntry<'a>>);

    fn next(&mut self) -> Option<Self::Item> {
        let order = match (self.old.peek(), self.new.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.order(new),
        };
        Some(match order {
            Ordering::Less => (self.old.next(), None),
            Ordering::Equal => (self.old.next(), self.new.next()),
            Ordering::Greater => (None, self.new.next()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::EntryKind::{Blob, Submodule, Tree};
    use super::*;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let entry = |&(mode, name, id): &(&str, &str, u8)| {
            [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &[id; 20]].concat()
        };
        entries.iter().flat_map(entry).collect()
    }

    #[track_caller]
    fn check(old: &[(&str, &str, u8)], new: &[(&str, &str, u8)], want: &[(&str, &str)]) {
        let (old, new) = (tree(old), tree(new));
        let name = |entry: Option<TreeEntry<'_>>| {
            entry.map_or(String::new(), |entry| String::from_utf8_lossy(entry.name).into_owned())
        };
        let pairs: Vec<_> = Join::new(&old, &new, HashKind::Sha1)
            .map(|(old, new)| (name(old), name(new)))
            .collect();
        let pairs: Vec<_> = pairs.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
        assert_eq!(pairs, want);
    }

    #[test]
    fn entries_have_mode_name_and_id() {
        let bytes = tree(&[
            ("100644", "a b", 1),
            ("120000", "l", 2),
            ("160000", "m", 3),
            ("40000", "t", 4),
        ]);
        let kinds: Vec<_> =
            TreeEntries::new(&bytes, HashKind::Sha1).map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Blob, Blob, Submodule, Tree]);
        let cut = TreeEntries::new(&bytes[..bytes.len() - 1], HashKind::Sha1);
        assert_eq!(cut.count(), 3);
    }

    #[test]
    fn trees_join_by_name_and_sort() {
        let file = |name, id| ("100644", name, id);
        let tree = |name, id| ("40000", name, id);
        check(&[file("a", 1)], &[file("a", 2), file("b", 3)], &[("a", "a"), ("", "b")]);
        check(&[file("a", 1), tree("a", 1)], &[tree("a", 2)], &[("a", ""), ("a", "a")]);
        // "a.b" sorts before the tree "a", which sorts as "a/"
        check(
            &[file("a.b", 1), tree("a", 1)],
            &[file("a.b", 1), tree("a", 1), file("a0", 1)],
            &[("a.b", "a.b"), ("a", "a"), ("", "a0")],
        );
        check(&[], &[], &[]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_some_entries(bytes: Vec<u8>) {
            let entries = TreeEntries::new(&bytes, HashKind::Sha1).count();
            proptest::prop_assert!(entries * 23 <= bytes.len());
        }
    }
}
