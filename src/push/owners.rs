//! CODEOWNERS, as it stood on the default branch before the push.
//!
//! A push must not choose who answers for it, so its own version of the file is never read.

use crate::wire::{ObjectKind, Oid, OwnersFile};

use super::commit::{Commit, tag_target};
use super::refs::Refs;
use super::store::Store;

/// Where forges look for the file, in our order of preference.
const PATHS: [&str; 4] =
    [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// The most tags between the default branch and its commit; a branch has none.
const TAG_DEPTH_MAX: usize = 8;

/// Reads the first file that is there and not over [`OwnersFile::BYTES_MAX`].
pub(super) fn read(store: &Store<'_>, refs: &Refs) -> Option<OwnersFile> {
    let tree = tree_of(refs.default_branch()?, store)?;
    PATHS.iter().find_map(|path| {
        let id = store.lookup(tree, path.as_bytes())?;
        let mut bytes = Vec::new();
        let kind = store.read(id, &mut bytes)?;
        let fits = kind == ObjectKind::Blob && bytes.len() <= OwnersFile::BYTES_MAX;
        fits.then(|| OwnersFile { path: (*path).to_owned(), bytes })
    })
}

fn tree_of(mut id: Oid, store: &Store<'_>) -> Option<Oid> {
    let mut content = Vec::new();
    for _ in 0..TAG_DEPTH_MAX {
        match store.read(id, &mut content)? {
            ObjectKind::Commit => return Commit::parse(&content).map(|commit| commit.tree),
            ObjectKind::Tag => id = tag_target(&content)?,
            ObjectKind::Tree | ObjectKind::Blob => return None,
        }
    }
    None
}
