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

/// A branch's or tag's name is at most this wide in a command, for no command may be broken.
const NAME_COLUMNS_MAX: usize = 36;

/// The widest folder in a command that renames a file.
const FOLDER_COLUMNS_MAX: usize = 14;

/// The widest path in a command.
const PATH_COLUMNS_MAX: usize = 64;

/// Returns a pathspec that holds in any folder of the working tree, or `None` where the path has
/// characters that mean something to git, or that cannot be shown.
pub(super) fn pathspec(path: &[u8]) -> Option<String> {
    let is_plain = !path.iter().any(|byte| b"*?[\\".contains(byte));
    let word = escape::shell(&[b":/", path].concat()).filter(|_| is_plain)?;
    (escape::columns(&word) <= PATH_COLUMNS_MAX).then_some(word)
}

/// Returns the command that renames a file in its folder, in one line or two.
///
/// The name cannot be shown, so git is asked for it: by the tree that lists it, and which of its
/// entries it is. Where a folder above cannot be shown either, the pusher fills the name in.
pub(super) fn rename_of(rename: &Rename<'_>, to: &str) -> Vec<String> {
    let folder = rename.path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let folder = folder_of(rename.path.get(..folder).unwrap_or_default());
    let (Some(folder), Some(tree)) = (folder, rename.tree) else {
        return vec![format!("git mv 'OLD-NAME' {to}")];
    };
    let (tree, entry) = (tree.short(), rename.entry);
    let from = format!("\"{folder}$(git ls-tree --name-only {tree} | sed -n {entry}p)\"");
    let (from, to) = (format!("git mv {from}"), format!("{folder}{to}"));
    if from.len() + to.len() + 3 <= COLUMNS_MAX {
        return vec![format!("{from} {to}")];
    }
    vec![format!("{from} \\"), format!("  {to}")]
}

/// Returns a folder that needs no quotes and leaves room for a command.
fn folder_of(folder: &[u8]) -> Option<String> {
    let is_bare =
        folder.is_empty() || escape::shell(folder).is_some_and(|word| word.as_bytes() == folder);
    let fits = folder.len() <= FOLDER_COLUMNS_MAX && !folder.starts_with(b"-");
    String::from_utf8(folder.to_vec()).ok().filter(|_| is_bare && fits)
}

/// Returns the command that pushes a ref, as its state on the server asks for.
pub(super) fn push_of(reference: &Reference) -> String {
    let force = if reference.is_forced { " --force-with-lease" } else { "" };
    let below = |prefix: &[u8]| reference.name.starts_with(prefix);
    if below(TAGS) {
        // A tag that exists moves only by force, whatever it pointed at.
        let force = if reference.old.is_some() { " --force" } else { "" };
        let tag = name(reference, TAGS).unwrap_or_else(|| "TAG".to_owned());
        format!("git push{force} origin refs/tags/{tag}")
    } else if below(BRANCHES) {
        let force = if reference.old.is_some() { force } else { " -u" };
        let branch = name(reference, BRANCHES).unwrap_or_else(|| NEW_NAME.to_owned());
        format!("git push{force} origin {branch}")
    } else {
        let full = name(reference, b"").unwrap_or_else(|| "REF".to_owned());
        let from = if below(NOTES) { "" } else { "HEAD:" };
        format!("git push{force} origin {from}{full}")
    }
}

/// Returns a ref's name below `prefix` as a shell word, if it can be shown and is short enough.
pub(super) fn name(reference: &Reference, prefix: &[u8]) -> Option<String> {
    let word = escape::shell(reference.name.strip_prefix(prefix)?)?;
    // Git allows no star in a name: it was masked.
    let is_masked = reference.name.contains(&b'*');
    (!is_masked && escape::columns(&word) <= NAME_COLUMNS_MAX && !word.starts_with('-'))
        .then_some(word)
}
