//! From the arguments to repositories: each names one, or a folder that is searched.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::git::Repository;
use super::refusal::Refusal;

/// How deep below a named folder a repository may lie. GitLab's hashed storage needs 4.
const DEPTH_MAX: usize = 10;

/// The most directory entries that a search looks at: some minutes' work on a slow disk.
const ENTRIES_MAX: usize = 10_000_000;

/// What a search found, in the order of paths.
#[derive(Debug)]
pub(super) enum Found {
    /// A repository.
    Repository(Repository),
    /// A place that should have held one, or could not be searched: nothing is skipped in silence.
    Nothing(PathBuf, Refusal),
}

/// Finds the repositories that `arguments` name, each once.
pub(super) fn find(arguments: &[PathBuf]) -> Vec<Found> {
    let mut found: Vec<Found> = arguments.iter().flat_map(|path| find_one(path)).collect();
    found.sort_by(|a, b| path_of(a).cmp(path_of(b)));
    found.dedup_by(|a, b| path_of(a) == path_of(b));
    found
}

fn path_of(found: &Found) -> &Path {
    match found {
        Found::Repository(repository) => &repository.git_dir,
        Found::Nothing(path, _) => path,
    }
}

fn find_one(argument: &Path) -> Vec<Found> {
    // The argument itself may be a link: whoever runs this named it. Links below are not followed.
    let path = match argument.canonicalize() {
        Ok(path) => path,
        Err(source) => return vec![unreadable(argument, source)],
    };
    if is_repository(&path) {
        return vec![repository(path)];
    }
    match fs::symlink_metadata(path.join(".git")) {
        Ok(inner) if inner.is_dir() => vec![repository(path.join(".git"))],
        Ok(_) => vec![Found::Nothing(path, Refusal::Linked)],
        Err(_) => search(&path),
    }
}

fn repository(git_dir: PathBuf) -> Found {
    match Repository::open(git_dir.clone()) {
        Ok(repository) => Found::Repository(repository),
        Err(refusal) => Found::Nothing(git_dir, refusal),
    }
}

fn unreadable(path: &Path, source: io::Error) -> Found {
    let path = path.to_path_buf();
    Found::Nothing(path.clone(), Refusal::Unreadable { path, source })
}

/// Tells whether `path` has what git asks of a repository.
fn is_repository(path: &Path) -> bool {
    let directory = |name: &str| path.join(name).is_dir();
    path.join("HEAD").symlink_metadata().is_ok() && directory("objects") && directory("refs")
}

fn search(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    let mut waiting = VecDeque::from([(root.to_path_buf(), 0)]);
    let mut entries = 0;
    let (mut links, mut too_deep) = (Vec::new(), None);
    while let Some((folder, depth)) = waiting.pop_front() {
        let children = match children(&folder, &mut links) {
            Ok(children) => children,
            Err(source) => {
                found.push(unreadable(&folder, source));
                continue;
            }
        };
        entries += children.len();
        if entries > ENTRIES_MAX {
            found.push(Found::Nothing(folder, Refusal::SearchLimit("too many entries")));
            break;
        }
        for child in children {
            if is_repository(&child) {
                found.push(repository(child));
            } else if depth + 1 < DEPTH_MAX {
                waiting.push_back((child, depth + 1));
            } else {
                too_deep.get_or_insert(child);
            }
        }
    }
    found.extend(links.into_iter().filter_map(|link| leads_away(link, root)));
    found.extend(too_deep.map(|path| Found::Nothing(path, Refusal::SearchLimit("too deep"))));
    if found.is_empty() {
        let path = root.to_path_buf();
        found.push(Found::Nothing(path.clone(), Refusal::NoRepository { path }));
    }
    found
}

/// Lists the folders in `folder`, and gathers the links. A `.git` belongs to a work tree, which is named by itself.
fn children(folder: &Path, links: &mut Vec<PathBuf>) -> io::Result<Vec<PathBuf>> {
    let mut children = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && entry.file_name() != ".git" {
            children.push(entry.path());
        } else if kind.is_symlink() {
            links.push(entry.path());
        }
    }
    Ok(children)
}

/// Names a link to a folder outside of `root`, which the search does not come to.
fn leads_away(link: PathBuf, root: &Path) -> Option<Found> {
    let target = link.canonicalize().ok()?;
    let is_away = target.is_dir() && !target.starts_with(root);
    is_away.then_some(Found::Nothing(link, Refusal::LeadsAway { target }))
}
