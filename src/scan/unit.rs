//! What of each kind of Git object is scanned.
//!
//! | object | text | left out |
//! |---|---|---|
//! | blob | its bytes | nothing |
//! | commit | its bytes | matches that touch [`commit_ids`] |
//! | tag | its bytes | matches that touch [`tag_ids`] |
//! | tree | [`TreeNames`]: names of entries, one a line | modes and object ids |
//! | ref name, push option | its bytes | nothing |
//!
//! Commits and tags are scanned as they stand, so that offsets stay true; object ids are random hex
//! by nature and would look like secrets after words such as `token` in a parent's message, so
//! what touches one is no match. A secret that is known (the inventory's) is left out nowhere: of
//! commits that no ref reaches, Git does not ask whether their ids are any. Nothing else of a header is spared: author, encoding, signature
//! and headers that Git does not know are the pusher's own text.

use std::collections::HashSet;
use std::ops::Range;

/// Lists where Git itself puts object ids in the header of a commit: the first line's `tree`, the
/// `parent` lines right below it, and the `mergetag object` of a parent. Anywhere else the same
/// words are the pusher's own, and nobody checks what follows them.
///
/// An id is 40 or 64 hex digits and nothing more. `raw` may be the object's beginning alone; a
/// header line that is cut off is not listed.
pub fn commit_ids(raw: &[u8]) -> Vec<Range<usize>> {
    let mut lines = header_lines(raw);
    let Some(tree) = lines.next().and_then(|line| id_after(b"tree ", raw, line)) else {
        return Vec::new();
    };
    let mut ids = vec![tree];
    let mut next = lines.next();
    while let Some(parent) = next.clone().and_then(|line| id_after(b"parent ", raw, line)) {
        ids.push(parent);
        next = lines.next();
    }
    let parents: HashSet<&[u8]> = ids.iter().skip(1).filter_map(|id| raw.get(id.clone())).collect();
    let merged = next.into_iter().chain(lines);
    let merged = merged.filter_map(|line| id_after(b"mergetag object ", raw, line));
    let merged: Vec<_> =
        merged.filter(|id| raw.get(id.clone()).is_some_and(|id| parents.contains(id))).collect();
    ids.extend(merged);
    ids
}

/// Tells where Git itself puts the object id of a tag: in its first line, `object`. As
/// [`commit_ids`].
pub fn tag_ids(raw: &[u8]) -> Vec<Range<usize>> {
    let first = header_lines(raw).next();
    first.and_then(|line| id_after(b"object ", raw, line)).into_iter().collect()
}

/// Returns where each whole line of a header stands, without its end.
fn header_lines(raw: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    let lines = raw.split_inclusive(|byte| *byte == b'\n').map_while(move |line| {
        let start = at;
        at += line.len();
        line.ends_with(b"\n").then_some(start..at - 1)
    });
    lines.take_while(|line| !line.is_empty())
}

/// Returns where the id stands in a line of `key` and nothing but an id.
fn id_after(key: &[u8], raw: &[u8], line: Range<usize>) -> Option<Range<usize>> {
    let id = raw.get(line.clone())?.strip_prefix(key)?;
    let whole = matches!(id.len(), 40 | 64) && id.iter().all(u8::is_ascii_hexdigit);
    whole.then_some(line.end - id.len()..line.end)
}

/// The names of a tree's entries as one text, and which entry each byte of it belongs to.
#[derive(Debug, Default)]
pub struct TreeNames {
    text: Vec<u8>,
    /// Where each name begins.
    starts: Vec<usize>,
}

/// Why bytes are no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// An entry's mode is not octal digits and a space.
    #[error("entry {0} of the tree has no mode")]
    Mode(usize),
    /// An entry has no name, or one without an end.
    #[error("entry {0} of the tree has no name")]
    Name(usize),
    /// An entry ends within its object id.
    #[error("entry {0} of the tree ends within its object id")]
    Id(usize),
}

/// The most digits of a mode; Git itself writes five or six.
const MODE_DIGITS_MAX: usize = 7;

impl TreeNames {
    /// Reads a raw tree, entries of `mode SP name NUL id`, whose ids have `id_bytes` bytes: 20 for
    /// SHA-1, 32 for SHA-256.
    pub fn read(raw: &[u8], id_bytes: usize) -> Result<Self, TreeError> {
        let mut names = Self::default();
        let mut rest = raw;
        while !rest.is_empty() {
            let number = names.starts.len();
            let mode = rest.iter().take(MODE_DIGITS_MAX).take_while(|b| (b'0'..=b'7').contains(*b));
            let (_, tail) = rest.split_at_checked(mode.count()).ok_or(TreeError::Mode(number))?;
            let tail = tail.strip_prefix(b" ").ok_or(TreeError::Mode(number))?;
            if tail.len() + 1 == rest.len() {
                return Err(TreeError::Mode(number));
            }
            let end = memchr::memchr(0, tail).filter(|end| *end > 0);
            let (name, tail) = tail.split_at(end.ok_or(TreeError::Name(number))?);
            names.push(name);
            rest = tail.get(1 + id_bytes..).ok_or(TreeError::Id(number))?;
        }
        Ok(names)
    }

    fn push(&mut self, name: &[u8]) {
        if !self.starts.is_empty() {
            self.text.push(b'\n');
        }
        self.starts.push(self.text.len());
        self.text.extend_from_slice(name);
    }

    /// Returns the names joined by newlines: the text to scan.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Returns which entry, from 0, the byte at `offset` of the text belongs to. The newline after
    /// a name counts for it.
    pub fn entry(&self, offset: usize) -> Option<usize> {
        if offset >= self.text.len() {
            return None;
        }
        self.starts.partition_point(|start| *start <= offset).checked_sub(1)
    }

    /// Returns the name of an entry.
    pub fn name(&self, entry: usize) -> Option<&[u8]> {
        let start = *self.starts.get(entry)?;
        let end = self.starts.get(entry + 1).map_or(self.text.len(), |next| next - 1);
        self.text.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    const OTHER: &str = "89abcdef0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn check_ids(ids: fn(&[u8]) -> Vec<Range<usize>>, raw: &str, want: &[&str]) {
        let got: Vec<&str> = ids(raw.as_bytes()).into_iter().map(|id| &raw[id]).collect();
        assert_eq!(got, want, "{raw}");
    }

    #[test]
    fn ids_of_a_commit_are_listed_where_git_puts_them_and_nowhere_else() {
        let check = |raw: &str, want: &[&str]| check_ids(commit_ids, raw, want);
        check(&format!("tree {ID}\nparent {ID}\nauthor A\n\nparent {ID}\n"), &[ID, ID]);
        check(&format!("tree {ID}\nparent {ID}\nparent {OTHER}\n\n"), &[ID, ID, OTHER]);
        check(&format!("tree {ID}\nauthor A\nparent {ID}\ntree {ID}\n\n"), &[ID]);
        check(&format!("tree {ID}\ntree {ID}\nparent {ID}\n\n"), &[ID]);
        check(&format!("tree {ID}\nobject {ID}\n\n"), &[ID]);
        check(&format!("parent {ID}\ntree {ID}\n\n"), &[]);
        check(&format!("tree {ID}x\nparent {ID}\n\n"), &[]);
        check(&format!("tree {ID}\nparent short\nauthor {ID}\n"), &[ID]);
        check(&format!("object {ID}\ntype commit\n\n"), &[]);
        check(&format!("tree {ID}"), &[]);
        check("", &[]);
    }

    #[test]
    fn a_merged_tag_is_one_of_a_parent() {
        let head = format!("tree {ID}\nparent {ID}\nparent {OTHER}\nauthor A\n");
        let merged = |id: &str| format!("{head}mergetag object {id}\n type commit\n\n");
        check_ids(commit_ids, &merged(OTHER), &[ID, ID, OTHER, OTHER]);
        let foreign = OTHER.replace('8', "7");
        check_ids(commit_ids, &merged(&foreign), &[ID, ID, OTHER]);
        check_ids(commit_ids, &format!("tree {ID}\nmergetag object {ID}\n\n"), &[ID]);
    }

    #[test]
    fn the_id_of_a_tag_is_that_of_its_first_line() {
        let check = |raw: &str, want: &[&str]| check_ids(tag_ids, raw, want);
        check(&format!("object {ID}\ntype commit\ntag v1\nobject {ID}\n\nx"), &[ID]);
        check(&format!("type commit\nobject {ID}\n\n"), &[]);
        check(&format!("tree {ID}\n\n"), &[]);
    }

    #[test]
    fn names_of_a_tree_keep_their_entries() {
        let mut raw = Vec::new();
        for name in ["a", "b.env", "dir\nwith newline"] {
            raw.extend(format!("100644 {name}\0").into_bytes());
            raw.extend([7; 20]);
        }
        let names = TreeNames::read(&raw, 20).unwrap();
        assert_eq!(names.text(), b"a\nb.env\ndir\nwith newline");
        let entries: Vec<_> = [0, 1, 2, 8, 12, 23, 24].map(|at| names.entry(at)).to_vec();
        assert_eq!(entries, [Some(0), Some(0), Some(1), Some(2), Some(2), Some(2), None]);
        assert_eq!(names.name(1), Some(&b"b.env"[..]));
        assert_eq!(names.name(3), None);
        assert!(TreeNames::read(b"", 20).unwrap().text().is_empty());
    }

    #[test]
    fn what_is_no_tree_is_said() {
        #[track_caller]
        fn check(raw: &[u8], want: TreeError) {
            assert_eq!(TreeNames::read(raw, 20).unwrap_err(), want);
        }
        check(b"garbage", TreeError::Mode(0));
        check(b" a\0", TreeError::Mode(0));
        check(b"100644", TreeError::Mode(0));
        check(b"100644 \0aaaaaaaaaaaaaaaaaaaa", TreeError::Name(0));
        check(b"100644 name", TreeError::Name(0));
        check(b"100644 a\0short", TreeError::Id(0));
        check(&[&b"40000 d\0"[..], &[1; 20], b"9 x\0"].concat(), TreeError::Mode(1));
    }
}
