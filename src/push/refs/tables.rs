//! The refs of a repository that keeps them in tables (`extensions.refStorage = reftable`).
//!
//! gix reads refs that are files. git itself reads these, once for each push and only where there is
//! a `reftable` directory. It gets a bare environment: `GIT_DIR` names the repository outright, so
//! that none is searched for, and neither the pusher's settings nor the quarantine reach it.
//!
//! Whatever goes wrong makes the list empty: then nothing is old, which is the safe side.
//!
//! Source: git-for-each-ref(1); reftable and `--include-root-refs` both came with git 2.45.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::wire::Oid;

/// How long git may take. It lists some million refs in a second.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most that git may say, in bytes: five million refs.
const OUTPUT_BYTES_MAX: u64 = 512 << 20;

/// The refs in tables, listed when they are first asked for.
pub(super) struct Tables {
    git_dir: PathBuf,
    listed: OnceCell<Listed>,
}

/// What refs point at.
#[derive(Default)]
struct Listed {
    tips: HashSet<Oid>,
    head: Option<Oid>,
}

impl Tables {
    /// Finds the tables of the repository at `git_dir`, if that is how it keeps its refs.
    pub(super) fn of(git_dir: &Path) -> Option<Self> {
        let is_there = git_dir.join("reftable").is_dir();
        is_there.then(|| Self { git_dir: git_dir.to_path_buf(), listed: OnceCell::new() })
    }

    /// Returns the ids that all refs and `HEAD` point at.
    pub(super) fn tips(&self) -> Vec<Oid> {
        self.listed().tips.iter().copied().collect()
    }

    /// Returns what `HEAD` leads to.
    pub(super) fn head(&self) -> Option<Oid> {
        self.listed().head
    }

    fn listed(&self) -> &Listed {
        self.listed
            .get_or_init(|| ask(&self.git_dir, "--include-root-refs", read).unwrap_or_default())
    }

    /// Returns the names of the refs that point at `tip`, at most `names_max`.
    pub(super) fn names_of(&self, tip: Oid, names_max: usize) -> Vec<Vec<u8>> {
        let read = move |output| read_names(output, names_max);
        ask(&self.git_dir, &format!("--points-at={tip}"), read).unwrap_or_default()
    }
}

/// Asks git, and stops it when its time is up.
fn ask<T: Send + 'static>(
    git_dir: &Path,
    option: &str,
    read: impl FnOnce(ChildStdout) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let mut command = Command::new("git");
    command.args(["for-each-ref", option, "--format=%(objectname) %(refname)"]);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
        .env("GIT_DIR", git_dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_NO_LAZY_FETCH", "1")
        .current_dir(git_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut git = command.spawn()?;
    let output = git.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (done, listed) = mpsc::channel();
    // It ends with git, whose end of the pipe is closed by then.
    std::thread::spawn(move || done.send(read(output)));
    let listed = listed.recv_timeout(TIMEOUT);
    if !matches!(listed, Ok(Ok(_))) {
        drop(git.kill());
    }
    let status = git.wait()?;
    let listed = listed.map_err(|_| io::ErrorKind::TimedOut)??;
    if status.success() { Ok(listed) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn read_names(output: ChildStdout, names_max: usize) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    let mut output = BufReader::new(output.take(OUTPUT_BYTES_MAX));
    let mut line = Vec::new();
    while names.len() < names_max && output.read_until(b'\n', &mut line)? > 0 {
        let (_, name) = parse(&line).ok_or(io::ErrorKind::InvalidData)?;
        names.push(name.to_vec());
        line.clear();
    }
    Ok(names)
}

fn read(output: ChildStdout) -> io::Result<Listed> {
    let mut listed = Listed::default();
    let mut output = BufReader::new(output.take(OUTPUT_BYTES_MAX));
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        let (id, name) = parse(&line).ok_or(io::ErrorKind::InvalidData)?;
        if name == b"HEAD" {
            listed.head = Some(id);
        }
        // Of what lies beside, such as ORIG_HEAD, nobody can fetch anything.
        if name == b"HEAD" || name.starts_with(b"refs/") {
            listed.tips.insert(id);
        }
        line.clear();
    }
    Ok(listed)
}

/// Reads a line; one that is cut off by the limit has no end and is none.
fn parse(line: &[u8]) -> Option<(Oid, &[u8])> {
    let line = line.strip_suffix(b"\n")?;
    let space = line.iter().position(|&byte| byte == b' ')?;
    let (id, name) = line.split_at_checked(space)?;
    Some((Oid::from_hex(id)?, name.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_an_id_and_a_ref() {
        let id = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        let line = format!("{id} refs/heads/main\n");
        let (found, name) = parse(line.as_bytes()).expect("a line");
        assert_eq!((found.to_string().as_str(), name), (id, &b"refs/heads/main"[..]));
        for cut in 0..line.len() {
            assert_eq!(parse(&line.as_bytes()[..cut]), None);
        }
    }

    #[test]
    fn what_git_does_not_take_for_a_repository_has_no_refs() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(Tables::of(directory.path()).is_none());
        std::fs::create_dir(directory.path().join("reftable")).expect("a directory");
        let tables = Tables::of(directory.path()).expect("tables");
        assert_eq!(tables.tips(), []);
        assert_eq!(tables.head(), None);
    }
}
