//! Names from the push as words of a command: quoted, masked, or given up.

use super::Reference;
use super::page::COLUMNS_MAX;
use super::plan::Rename;
use crate::wire::escape;

/// Where notes live.
pub(super) const NOTES: &[u8] = b"refs/notes/";
/// Where tags live.
pub(super) const TAGS: &[u8] = b"refs/tags/";
/// Where branches live.
pub(super) const BRANCHES: &[u8] = b"refs/heads/";

/// What stands for a name that cannot be shown.
pub(super) const NEW_NAME: &str = "new-name";

/// A name is at most this wide in a command, for no word may be broken.
const NAME_COLUMNS_MAX: usize = 36;

/// A branch's name may be wider: it stands on a line of its own, after `HEAD:refs/heads/`.
const BRANCH_COLUMNS_MAX: usize = 52;

/// The widest folder in a command that renames a file.
const FOLDER_COLUMNS_MAX: usize = 58;

/// The widest path in a command.
const PATH_COLUMNS_MAX: usize = 64;

/// Returns a pathspec that holds in any folder of the working tree, or `None` where the path has
/// characters that mean something to git, or that cannot be shown.
pub(super) fn pathspec(path: &[u8]) -> Option<String> {
    let is_plain = !path.iter().any(|byte| b"*?[\\".contains(byte));
    let word = escape::shell(&[b":/", path].concat()).filter(|_| is_plain)?;
    (escape::columns(&word) <= PATH_COLUMNS_MAX).then_some(word)
}

/// Returns the command that gives a file or folder the name `to`, in one line or two; `folder` is
/// where it lies now.
///
/// The name cannot be shown, so git is asked for it: by the tree that lists it, and which of its
/// entries it is. Where the folder cannot be shown either, the pusher fills the name in.
pub(super) fn rename_of(rename: &Rename<'_>, folder: &[u8], to: &str) -> Vec<String> {
    let Some(tree) = rename.tree.filter(|_| folder.is_empty() || folder_of(folder).is_some())
    else {
        return vec![format!("git mv 'OLD-NAME' {to}")];
    };
    let from =
        format!("\"$(git ls-tree --name-only {} | sed -n {}p)\"", tree.short(), rename.entry);
    match folder_of(folder) {
        Some(folder) => vec![format!("git -C {folder} mv \\"), format!("  {from} {to}")],
        None => vec![format!("git mv {from} {to}")],
    }
}

/// Returns a folder as a word of a command, unless it is the top, or cannot be shown.
fn folder_of(folder: &[u8]) -> Option<String> {
    let word = escape::shell(folder).filter(|_| !folder.is_empty() && !folder.contains(&b'*'))?;
    (escape::columns(&word) <= FOLDER_COLUMNS_MAX).then_some(word)
}

/// Returns the command that pushes what is checked out to a ref, as its state on the server asks for,
/// in one line or two.
pub(super) fn push_of(reference: &Reference) -> Vec<String> {
    push_from("HEAD", reference)
}

/// Returns the command that pushes the commit `from` to a ref, in one line or two. A tag that is
/// called the same here is pushed as it is.
///
/// What a branch is called here nobody knows: its name on the server is told in full where git could
/// not guess what it is to be.
pub(super) fn push_from(from: &str, reference: &Reference) -> Vec<String> {
    let force = if reference.is_forced { " --force-with-lease" } else { "" };
    let below = |prefix: &[u8]| reference.name.starts_with(prefix);
    if below(TAGS) {
        // A tag that exists moves only by force, whatever it pointed at.
        let force = if reference.old.is_some() { " --force" } else { "" };
        let tag = name(reference, TAGS).unwrap_or_else(|| "TAG".to_owned());
        return vec![format!("git push{force} origin refs/tags/{tag}")];
    }
    if below(BRANCHES) {
        let is_head = from == "HEAD";
        let force = if reference.old.is_none() && is_head { " -u" } else { force };
        let full = if reference.old.is_none() || !is_head { "refs/heads/" } else { "" };
        let branch = name(reference, BRANCHES).unwrap_or_else(|| NEW_NAME.to_owned());
        return broken(&format!("git push{force} origin"), &format!("{from}:{full}{branch}"));
    }
    let full = name(reference, b"").unwrap_or_else(|| "REF".to_owned());
    let from = if below(NOTES) { String::new() } else { format!("{from}:") };
    broken(&format!("git push{force} origin"), &format!("{from}{full}"))
}

/// Returns a command and its last word, in two lines where one would be too wide.
fn broken(command: &str, word: &str) -> Vec<String> {
    let line = format!("{command} {word}");
    if escape::columns(&line) + 2 <= COLUMNS_MAX {
        return vec![line];
    }
    vec![format!("{command} \\"), format!("  {word}")]
}

/// Returns a ref's name below `prefix` as a shell word, if it can be shown and is short enough.
pub(super) fn name(reference: &Reference, prefix: &[u8]) -> Option<String> {
    let word = escape::shell(reference.name.strip_prefix(prefix)?)?;
    // Git allows no star in a name: it was masked.
    let is_masked = reference.name.contains(&b'*');
    let columns_max = if prefix == BRANCHES { BRANCH_COLUMNS_MAX } else { NAME_COLUMNS_MAX };
    (!is_masked && escape::columns(&word) <= columns_max && !word.starts_with('-')).then_some(word)
}
