//! Where servers that own `hooks/pre-receive` let others add a hook.
//!
//! | server | place | who runs it |
//! |---|---|---|
//! | Gitea, Forgejo, Soft Serve | `hooks/pre-receive.d/*` of each repository | their `hooks/pre-receive` |
//! | GitLab | `custom_hooks/pre-receive`, `custom_hooks/pre-receive.d/*` | Gitaly, not git |
//! | GitLab | `pre-receive.d/*` of one folder for the whole node | Gitaly, not git |

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// GitLab's folder for all repositories of a node (`custom_hooks_dir`), as Omnibus sets it.
const NODE: &str = "/var/opt/gitlab/gitaly/custom_hooks/pre-receive.d";

/// The most files of such a folder that are looked at; somebody put each there by hand.
const FILES_MAX: usize = 1_000;

/// A hook of ours that another program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delegate {
    /// The server's own `hooks/pre-receive` runs it: a push to the repository's path shows it.
    Hook(PathBuf),
    /// Gitaly runs it: only a push through GitLab shows it.
    Gitaly(PathBuf),
}

/// Looks for a hook of ours where a server would run it for this repository.
pub(super) fn find(git_dir: &Path) -> io::Result<Option<Delegate>> {
    if let Some(hook) = ours_in(&git_dir.join("hooks/pre-receive.d"))? {
        return Ok(Some(Delegate::Hook(hook)));
    }
    let custom = git_dir.join("custom_hooks");
    let single = custom.join("pre-receive");
    if is_ours(&single) {
        return Ok(Some(Delegate::Gitaly(single)));
    }
    let mut hook = ours_in(&custom.join("pre-receive.d"))?;
    if hook.is_none() && is_gitalys(git_dir) {
        hook = ours_in(Path::new(NODE))?;
    }
    Ok(hook.map(Delegate::Gitaly))
}

/// Tells whether Gitaly keeps this repository: the folder for all of a node is no other's affair.
fn is_gitalys(git_dir: &Path) -> bool {
    let is_storage = |name: &OsStr| name == "@hashed" || name == "@snippets" || name == "@groups";
    git_dir.components().any(|part| is_storage(part.as_os_str()))
}

/// Returns the first link to one of our programs, by name; `None` where there is no such folder.
fn ours_in(folder: &Path) -> io::Result<Option<PathBuf>> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let paths = listed.take(FILES_MAX).map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths.into_iter().find(|path| is_ours(path)))
}

/// Tells whether a file is a link to one of our programs. The servers pass over names that end in
/// `~`, and so must we.
fn is_ours(path: &Path) -> bool {
    let is_backup = path.as_os_str().as_encoded_bytes().ends_with(b"~");
    let target = fs::read_link(path).ok();
    let target = target.as_deref().and_then(Path::file_name);
    !is_backup && target.is_some_and(|name| name == "pushwarden" || name == "pushwarden-hook")
}
