//! Names from the push as words of a command: quoted, masked, or given up.

use super::Reference;
use super::page::COLUMNS_MAX;
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

/// The widest path in a command.
const PATH_COLUMNS_MAX: usize = 64;

/// Returns a pathspec that holds in any folder of the working tree, or `None` where the path has
/// characters that mean something to git, or that cannot be shown.
pub(super) fn pathspec(path: &[u8]) -> Option<String> {
    let is_plain = !path.iter().any(|byte| b"*?[\\".contains(byte));
    let word = escape::shell(&[b":/", path].concat()).filter(|_| is_plain)?;
    (escape::columns(&word) <= PATH_COLUMNS_MAX).then_some(word)
}

/// Returns the command that renames a file in its folder.
///
/// The stars of a masked name are a glob for the shell: the command works and hides the secret. A
/// name of nothing but stars would mean every file beside it, so there the pusher fills it in.
pub(super) fn rename_of(path: &[u8], to: &str) -> String {
    let folder = path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let folder = masked(path.get(..folder).unwrap_or_default());
    let own = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let tells = own.iter().any(|&byte| byte != b'*');
    match (masked(path).filter(|_| tells), folder) {
        (Some(from), Some(folder)) if from.len() * 2 < COLUMNS_MAX && !folder.contains('*') => {
            format!("git mv {from} {folder}{to}")
        }
        _ => format!("git mv OLD-NAME {to}"),
    }
}

/// Returns a masked name as a bare word, its stars alive.
fn masked(name: &[u8]) -> Option<String> {
    let word: Vec<u8> = name.iter().map(|&byte| if byte == b'*' { b'_' } else { byte }).collect();
    let is_bare = word.is_empty() || escape::shell(&word).is_some_and(|w| w.as_bytes() == word);
    let is_option = name.starts_with(b"-");
    let text = String::from_utf8(name.to_vec()).ok()?;
    (is_bare && !is_option).then_some(text)
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
    } else if below(BRANCHES) && reference.old.is_some() {
        format!("git push{force}")
    } else if below(BRANCHES) {
        let branch = name(reference, BRANCHES).unwrap_or_else(|| "BRANCH".to_owned());
        format!("git push -u origin HEAD:{branch}")
    } else {
        let full = name(reference, b"").unwrap_or_else(|| "REF".to_owned());
        let from = if below(NOTES) { "" } else { "HEAD:" };
        format!("git push{force} origin {from}{full}")
    }
}

/// Returns a ref's name below `prefix` as a shell word, if it can be shown and is short enough.
pub(super) fn name(reference: &Reference, prefix: &[u8]) -> Option<String> {
    let word = escape::shell(reference.name.strip_prefix(prefix)?)?;
    (escape::columns(&word) <= NAME_COLUMNS_MAX && !word.starts_with('-')).then_some(word)
}
