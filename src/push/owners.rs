//! CODEOWNERS, as it stood on the default branch before the push.
//!
//! A push must not choose who answers for it, so its own version of the file is never read.

use crate::wire::{ObjectKind, Oid, OwnersFile};

use super::commit::{Commit, tag_target};
use super::obstacle::Obstacle;
use super::refs::Refs;
use super::store::Store;

/// Where forges look for the file, in our order of preference.
const PATHS: [&str; 4] =
    [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// The most tags between the default branch and its commit; a branch has none.
const TAG_DEPTH_MAX: usize = 8;

/// Reads the first file that is there and not over [`OwnersFile::BYTES_MAX`].
///
/// # Errors
/// If one may be there and cannot be read.
pub(super) fn read(store: &Store<'_>, refs: &Refs) -> Result<Option<OwnersFile>, Obstacle> {
    let Some(tip) = refs.default_branch() else {
        return Ok(None);
    };
    let Some(tree) = tree_of(tip, store)? else {
        return Ok(None);
    };
    for path in PATHS {
        let mut bytes = Vec::new();
        if let Some(id) = store.lookup(tree, path.as_bytes())?
            && store.read(id, &mut bytes)? == Some(ObjectKind::Blob)
            && bytes.len() <= OwnersFile::BYTES_MAX
        {
            return Ok(Some(OwnersFile { path: path.to_owned(), bytes }));
        }
    }
    Ok(None)
}

fn tree_of(mut id: Oid, store: &Store<'_>) -> Result<Option<Oid>, Obstacle> {
    let mut content = Vec::new();
    for _ in 0..TAG_DEPTH_MAX {
        match store.read(id, &mut content)? {
            Some(ObjectKind::Commit) => {
                return Commit::parse(&content, store.hash()).map(|commit| Some(commit.tree));
            }
            Some(ObjectKind::Tag) => id = tag_target(&content, store.hash())?,
            Some(ObjectKind::Tree | ObjectKind::Blob) | None => return Ok(None),
        }
    }
    Err(Obstacle::TagDepth)
}
