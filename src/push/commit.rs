//! The few fields of commits and tags that tell how objects hang together.

use crate::wire::{CommitPlace, HashKind, Oid};

use super::id;
use super::obstacle::Obstacle;

/// The most parents that are followed. git's own octopus merges have a few dozen.
const PARENTS_MAX: usize = 4_096;

/// The edges of a commit, and its age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) tree: Oid,
    pub(super) parents: Vec<Oid>,
    /// When it was committed, in seconds since 1970; what cannot be read counts as then.
    pub(super) time: u64,
}

impl Commit {
    /// Reads a commit object of a repository whose ids are made by `hash`.
    ///
    /// # Errors
    /// If it names no tree or a parent that is no id there: git would not walk it either. If it has
    /// more parents than are followed: git would.
    pub(super) fn parse(bytes: &[u8], hash: HashKind) -> Result<Self, Obstacle> {
        let mut lines = bytes.split(|&byte| byte == b'\n').peekable();
        let tree = lines.next().and_then(|line| line.strip_prefix(b"tree "));
        let tree = id_of(tree, hash)?;
        let mut parents = Vec::new();
        while let Some(parent) = lines.peek().and_then(|line| line.strip_prefix(b"parent ")) {
            if parents.len() == PARENTS_MAX {
                return Err(Obstacle::TooMany);
            }
            parents.push(id_of(Some(parent), hash)?);
            lines.next();
        }
        let committer = lines
            .take_while(|line| !line.is_empty())
            .find_map(|line| line.strip_prefix(b"committer "));
        let time = committer.and_then(time_of).unwrap_or_default();
        Ok(Self { tree, parents, time })
    }
}

/// Returns the first line of a commit's message, cut to what is passed on.
pub(super) fn subject(bytes: &[u8]) -> Vec<u8> {
    let body = bytes.windows(2).position(|pair| pair == b"\n\n");
    let body = body.and_then(|at| bytes.get(at + 2..)).unwrap_or_default();
    let line = body.split(|&byte| byte == b'\n').find(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    line.get(..CommitPlace::SUBJECT_BYTES_MAX).unwrap_or(line).to_vec()
}

/// Returns what a tag object points at, in a repository whose ids are made by `hash`.
pub(super) fn tag_target(bytes: &[u8], hash: HashKind) -> Result<Oid, Obstacle> {
    let line = bytes.split(|&byte| byte == b'\n').next();
    id_of(line.and_then(|line| line.strip_prefix(b"object ")), hash)
}

/// Reads an id. One of another hash function names nothing here, and no store may be asked for it.
fn id_of(hex: Option<&[u8]>, hash: HashKind) -> Result<Oid, Obstacle> {
    let id = hex.and_then(Oid::from_hex).filter(|id| id.as_bytes().len() == id::length(hash));
    id.ok_or(Obstacle::Damaged)
}

/// Reads the time of `Name <mail> 1700000000 +0100`.
fn time_of(person: &[u8]) -> Option<u64> {
    let time = person.rsplit(|&byte| byte == b' ').nth(1)?;
    std::str::from_utf8(time).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn parse(bytes: &[u8]) -> Result<Commit, Obstacle> {
        Commit::parse(bytes, HashKind::Sha1)
    }

    fn commit(parents: usize, rest: &str) -> Vec<u8> {
        let parents = format!("parent {TREE}\n").repeat(parents);
        format!("tree {TREE}\n{parents}author A <a@b> 1 +0000\n{rest}").into_bytes()
    }

    #[test]
    fn edges_and_time_are_read() {
        let bytes = commit(2, "committer C <c@d> 1700000000 -0330\n\nSubject\n\nBody\n");
        let parsed = parse(&bytes).expect("a commit");
        assert_eq!(parsed.parents.len(), 2);
        assert_eq!(parsed.time, 1_700_000_000);
        assert_eq!(subject(&bytes), b"Subject");
    }

    #[test]
    fn odd_commits_keep_their_edges() {
        let bytes = commit(1, "committer C <c@d> -5 +0000\n");
        assert_eq!(parse(&bytes).expect("a commit").time, 0);
        assert_eq!(subject(&bytes), b"");
        assert_eq!(parse(b"author A <a@b> 1 +0000\n"), Err(Obstacle::Damaged));
        assert_eq!(parse(b""), Err(Obstacle::Damaged));
    }

    #[test]
    fn more_parents_than_are_followed_are_no_fewer_parents() {
        let most = parse(&commit(PARENTS_MAX, "")).expect("a commit");
        assert_eq!(most.parents.len(), PARENTS_MAX);
        assert_eq!(parse(&commit(PARENTS_MAX + 1, "")), Err(Obstacle::TooMany));
    }

    #[test]
    fn long_subjects_are_cut() {
        let bytes = commit(0, &format!("committer C <c@d> 1 +0000\n\n{}", "s".repeat(999)));
        assert_eq!(subject(&bytes).len(), CommitPlace::SUBJECT_BYTES_MAX);
    }

    #[test]
    fn tags_name_their_target() {
        let tag = format!("object {TREE}\ntype tree\ntag v1\n");
        assert_eq!(tag_target(tag.as_bytes(), HashKind::Sha1).ok(), Oid::from_hex(TREE.as_bytes()));
        assert_eq!(tag_target(b"type tree\n", HashKind::Sha1), Err(Obstacle::Damaged));
    }

    #[test]
    fn an_id_of_another_hash_names_nothing() {
        let long = "0123456789abcdef".repeat(4);
        let commit = format!("tree {TREE}\nparent {long}\nauthor A <a@b> 1 +0000\n");
        assert_eq!(parse(commit.as_bytes()), Err(Obstacle::Damaged));
        assert_eq!(parse(format!("tree {long}\n").as_bytes()), Err(Obstacle::Damaged));
        let tag = format!("object {long}\n");
        assert_eq!(tag_target(tag.as_bytes(), HashKind::Sha1), Err(Obstacle::Damaged));
        assert!(tag_target(tag.as_bytes(), HashKind::Sha256).is_ok());
    }
}
