//! Which directories a push is about, as git's environment names them.
//!
//! | variable | meaning |
//! |---|---|
//! | `GIT_DIR` | the repository; relative to the working directory, usually `.` |
//! | `GIT_QUARANTINE_PATH`, `GIT_OBJECT_DIRECTORY` | what the push brings; absent when it only deletes |
//! | `GIT_ALTERNATE_OBJECT_DIRECTORIES` | the repository's own objects and other stores it reads |
//! | `GIT_SHALLOW_FILE` | commits whose parents the push does not bring |
//! | `GIT_PUSH_CERT` | the blob of a signed push's certificate, which git stores whatever comes of it |
//!
//! A push to a linked work tree is one to the repository that it belongs to: git names the work tree's
//! own directory, where `commondir` names the other.
//!
//! Source: git(1), git-receive-pack(1). The repository's configuration is not read at all: a hook
//! that obeyed it could be switched off by it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use crate::wire::{HashKind, Oid, RefUpdate};

/// The most alternate object directories. git follows five levels of them; more is no repository.
const ALTERNATES_MAX: usize = 256;

/// The directories of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The git directory, absolute.
    pub git_dir: PathBuf,
    /// The repository's own objects.
    pub objects: PathBuf,
    /// What the push brings.
    pub quarantine: Option<PathBuf>,
    /// Other stores that the repository reads from, except those that `objects/info/alternates`
    /// names.
    pub alternates: Vec<PathBuf>,
    /// Where the commits stand that have no parents here.
    pub shallow: PathBuf,
    /// The push's certificate: a blob that git has put among the repository's own objects.
    pub certificate: Option<Oid>,
    /// The hash function.
    pub hash: HashKind,
}

/// Why there is no repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepositoryError {
    /// `GIT_DIR` is not set: the hook was not started by git.
    NoGitDir,
    /// There are more than 256 alternates.
    TooManyAlternates,
}

impl fmt::Display for RepositoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGitDir => f.write_str("GIT_DIR is not set: was this started by git?"),
            Self::TooManyAlternates => {
                write!(f, "there are over {ALTERNATES_MAX} alternate object stores")
            }
        }
    }
}

impl std::error::Error for RepositoryError {}

impl Repository {
    /// Reads the variables through `variable`; relative paths count from `directory`.
    ///
    /// The hash function is that of the ids in `updates`: git writes them in the repository's own.
    pub fn from_environment(
        variable: &dyn Fn(&str) -> Option<OsString>,
        directory: &Path,
        updates: &[RefUpdate],
    ) -> Result<Self, RepositoryError> {
        let path = |name| variable(name).filter(|value| !value.is_empty());
        let absolute = |value: OsString| directory.join(value).components().collect::<PathBuf>();
        let git_dir = path("GIT_DIR").map(absolute).ok_or(RepositoryError::NoGitDir)?;
        let git_dir = common_dir(&git_dir).unwrap_or(git_dir);
        let objects = git_dir.join("objects");
        let quarantine = path("GIT_QUARANTINE_PATH").or_else(|| path("GIT_OBJECT_DIRECTORY"));
        let list = path("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
        let mut alternates: Vec<_> = split_alternates(&list).into_iter().map(absolute).collect();
        alternates.retain(|store| *store != objects);
        if alternates.len() > ALTERNATES_MAX {
            return Err(RepositoryError::TooManyAlternates);
        }
        let shallow = path("GIT_SHALLOW_FILE").map(absolute);
        let certificate = path("GIT_PUSH_CERT").and_then(|id| Oid::from_hex(id.as_bytes()));
        Ok(Self {
            quarantine: quarantine.map(absolute).filter(|path| *path != objects),
            shallow: shallow.unwrap_or_else(|| git_dir.join("shallow")),
            certificate: certificate.filter(|id| !id.is_null()),
            hash: hash_of(updates),
            git_dir,
            objects,
            alternates,
        })
    }
}

impl Repository {
    /// Looks at the repository at `path`, bare or with a work tree, outside of any push.
    ///
    /// # Errors
    /// If there is none.
    pub fn at(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let inner = path.join(".git");
        let git_dir = if inner.is_dir() { inner } else { path };
        let objects = git_dir.join("objects");
        if !objects.is_dir() || !git_dir.join("HEAD").is_file() {
            let what = format!("{} is no git repository", git_dir.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        Ok(Self {
            quarantine: None,
            alternates: Vec::new(),
            certificate: None,
            shallow: git_dir.join("shallow"),
            hash: configured_hash(&git_dir),
            git_dir,
            objects,
        })
    }
}

/// Returns the directory that all work trees of a repository share, where `git_dir` is that of a
/// linked one.
fn common_dir(git_dir: &Path) -> Option<PathBuf> {
    let text = std::fs::read(git_dir.join("commondir")).ok()?;
    let common = text.trim_ascii_end();
    (!common.is_empty()).then(|| tidy(&git_dir.join(OsStr::from_bytes(common))))
}

/// Takes `.` and `..` out of an absolute path.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(tidy.pop()),
            part => tidy.push(part),
        }
    }
    tidy
}

/// Tells the hash function by the one setting that names it, `extensions.objectFormat`: nothing
/// else of the configuration is looked at.
fn configured_hash(git_dir: &Path) -> HashKind {
    let config = std::fs::read_to_string(git_dir.join("config")).unwrap_or_default();
    let names_sha256 = |line: &str| {
        let line = line.trim().to_ascii_lowercase();
        let value = line.strip_prefix("objectformat").map(str::trim_start);
        let value = value.and_then(|rest| rest.strip_prefix('=')).map(str::trim);
        value == Some("sha256")
    };
    if config.lines().any(names_sha256) { HashKind::Sha256 } else { HashKind::Sha1 }
}

fn hash_of(updates: &[RefUpdate]) -> HashKind {
    match updates.first().map(|update| update.new.as_bytes().len()) {
        Some(32) => HashKind::Sha256,
        _ => HashKind::Sha1,
    }
}

/// Splits a list of directories at its colons. An entry that begins with a quote is quoted the C
/// way, and its colons are its own; a quote that does not close is an ordinary character.
fn split_alternates(list: &OsStr) -> Vec<OsString> {
    let mut rest = list.as_bytes();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (entry, length) = unquote(rest).unwrap_or_else(|| {
            let end = rest.iter().position(|&byte| byte == b':').unwrap_or(rest.len());
            (rest.get(..end).unwrap_or_default().to_vec(), end)
        });
        if !entry.is_empty() {
            entries.push(OsString::from_vec(entry));
        }
        rest = rest.get(length + 1..).unwrap_or_default();
    }
    entries
}

/// Undoes a C-quoted entry; returns it and the length of its quoted form.
fn unquote(quoted: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut bytes = quoted.strip_prefix(b"\"")?.iter().enumerate();
    let mut entry = Vec::new();
    while let Some((index, &byte)) = bytes.next() {
        match byte {
            b'"' => return Some((entry, index + 2)),
            b'\\' => {
                let (_, &escaped) = bytes.next()?;
                entry.push(match escaped {
                    b'0'..=b'3' => {
                        let digits = [escaped, *bytes.next()?.1, *bytes.next()?.1];
                        let digits = std::str::from_utf8(&digits).ok()?.to_owned();
                        u8::from_str_radix(&digits, 8).ok()?
                    }
                    _ => unescape(escaped)?,
                });
            }
            _ => entry.push(byte),
        }
    }
    None
}

fn unescape(letter: u8) -> Option<u8> {
    Some(match letter {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'"' | b'\\' => letter,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(variables: &[(&str, &str)]) -> Result<Repository, RepositoryError> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(found.1))
        };
        Repository::from_environment(&variable, Path::new("/srv/git/a.git"), &[])
    }

    #[track_caller]
    fn check(list: &[u8], want: &[&[u8]]) {
        let entries = split_alternates(OsStr::from_bytes(list));
        let entries: Vec<_> = entries.iter().map(|entry| entry.as_bytes()).collect();
        assert_eq!(entries, want);
    }

    #[test]
    fn git_dir_is_relative_to_the_working_directory() {
        let found = repository(&[
            ("GIT_DIR", "."),
            ("GIT_QUARANTINE_PATH", "/srv/git/a.git/./objects/tmp_objdir-incoming-x"),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "/srv/git/a.git/./objects:/srv/git/b.git/objects"),
        ])
        .expect("set");
        assert_eq!(found.git_dir, Path::new("/srv/git/a.git"));
        assert_eq!(found.objects, Path::new("/srv/git/a.git/objects"));
        let quarantine = Path::new("/srv/git/a.git/objects/tmp_objdir-incoming-x");
        assert_eq!(found.quarantine.as_deref(), Some(quarantine));
        assert_eq!(found.alternates, [Path::new("/srv/git/b.git/objects")]);
        assert_eq!(found.shallow, Path::new("/srv/git/a.git/shallow"));
    }

    #[test]
    fn a_push_that_only_deletes_has_no_quarantine() {
        assert_eq!(repository(&[("GIT_DIR", "/x")]).expect("set").quarantine, None);
        assert_eq!(repository(&[]), Err(RepositoryError::NoGitDir));
    }

    #[test]
    fn alternates_may_be_quoted() {
        check(b"/a:/b", &[b"/a", b"/b"]);
        check(b":/a::", &[b"/a"]);
        check(b"\"/a:b\":/c", &[b"/a:b", b"/c"]);
        check(b"\"/\\303\\244\\t\\\"\":/c", &[b"/\xc3\xa4\t\"", b"/c"]);
        check(b"\"/a:/b", &[b"\"/a", b"/b"]);
        check(b"\"/a\\", &[b"\"/a\\"]);
    }
}
