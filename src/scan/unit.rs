//! What of each kind of Git object is scanned.
//!
//! | object | text | left out |
//! |---|---|---|
//! | blob | its bytes | nothing |
//! | commit, tag | its bytes | matches that touch [`header_ids`] |
//! | tree | [`TreeNames`]: names of entries, one a line | modes and object ids |
//! | ref name, push option | its bytes | nothing |
//!
//! Commits and tags are scanned as they stand, so that offsets stay true; object ids are random hex
//! by nature and would look like secrets after words such as `token` in a parent's message, so
//! what touches one is no match. Nothing else of a header is spared: author, encoding, signature
//! and headers that Git does not know are the pusher's own text.

use std::ops::Range;

/// Lists where object ids stand in the header of a commit or tag: the values of `tree`, `parent`
/// and `object`, and of the first line of `mergetag`, where they are 40 or 64 hex digits and
/// nothing more.
///
/// `raw` may be the object's beginning alone. A header line that is cut off is not listed.
pub fn header_ids(raw: &[u8]) -> Vec<Range<usize>> {
    let mut ids = Vec::new();
    let mut at = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = line.strip_suffix(b"\n").filter(|text| !text.is_empty()) else {
            break;
        };
        if let Some(id) = id_of(text) {
            let end = at + text.len();
            ids.push(end - id.len()..end);
        }
        at += line.len();
    }
    ids
}

fn id_of(line: &[u8]) -> Option<&[u8]> {
    let keys: [&[u8]; 4] = [b"tree ", b"parent ", b"object ", b"mergetag object "];
    let id = keys.iter().find_map(|key| line.strip_prefix(*key))?;
    let whole = matches!(id.len(), 40 | 64) && id.iter().all(u8::is_ascii_hexdigit);
    whole.then_some(id)
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

    #[test]
    fn ids_of_a_header_are_listed_and_nothing_else() {
        #[track_caller]
        fn check(raw: &str, want: &[&str]) {
            let ids = header_ids(raw.as_bytes());
            let got: Vec<&str> = ids.into_iter().map(|id| &raw[id]).collect();
            assert_eq!(got, want);
        }
        check(&format!("tree {ID}\nparent {ID}\nauthor A\n\nparent {ID}\n"), &[ID, ID]);
        check(&format!("object {ID}\ntype commit\ntag v1\n\nx"), &[ID]);
        check(&format!("tree {ID}\nmergetag object {ID}\n type commit\n\n"), &[ID, ID]);
        check(&format!("tree {ID}x\nparent short\nauthor {ID}\n"), &[]);
        check(&format!("tree {ID}"), &[]);
        check("", &[]);
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
