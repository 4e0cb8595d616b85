//! A repository's `hooks/`, held by one descriptor.
//!
//! root works here in directories that belong to the git account, which might swap any of them for
//! a link while we look. So the directory is opened once, through no link at all, and everything
//! happens relative to that descriptor; files are made beside their place and moved into it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawMode, ResolveFlags, Stat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

/// The hook that git runs.
pub(super) const HOOK: &str = "pre-receive";
/// Its settings.
pub(super) const SETTINGS: &str = "pre-receive.pushwarden";
/// The hook that was there before, and runs after ours.
pub(super) const CHAINED: &str = "pre-receive.pushwarden-chained";
/// A file or link on its way into its place.
const NEW: &str = "pre-receive.pushwarden-new";

/// The longest settings file that is read, in bytes; six paths of 4 KiB fit.
const SETTINGS_BYTES_MAX: u64 = 64 << 10;

/// The open directory.
pub(super) struct HooksDirectory {
    fd: OwnedFd,
    path: PathBuf,
    /// Who owns the directory, when we are root and files must be given to them.
    give_to: Option<(Uid, Gid)>,
}

/// What stands at a place in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing.
    Absent,
    /// A symbolic link, with its target.
    Link(PathBuf),
    /// A file: its permission bits and identity.
    File { mode: u32, inode: u64 },
    /// A directory, FIFO or other thing that is no hook.
    Other,
}

impl Entry {
    /// Tells whether it is a link to one of our programs.
    pub(super) fn is_ours(&self) -> bool {
        let ours = ["pushwarden", "pushwarden-hook"];
        match self {
            Self::Link(target) => {
                target.file_name().is_some_and(|name| ours.iter().any(|our| name == *our))
            }
            _ => false,
        }
    }
}

impl HooksDirectory {
    /// Opens `hooks` in `git_dir`, an absolute path without links.
    pub(super) fn open(git_dir: &Path) -> io::Result<Self> {
        let path = git_dir.join("hooks");
        let fd = open_without_links(&path)?;
        let stat = rustix::fs::fstat(&fd)?;
        let root = rustix::process::geteuid().is_root();
        let give_to = root.then(|| (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid)));
        Ok(Self { fd, path, give_to })
    }

    /// Opens it, and makes it first where a repository has none, as with an empty template.
    pub(super) fn open_or_make(git_dir: &Path) -> io::Result<Self> {
        match Self::open(git_dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let parent = open_without_links(git_dir)?;
        let stat = rustix::fs::fstat(&parent)?;
        rustix::fs::mkdirat(&parent, "hooks", Mode::from_raw_mode(0o755))?;
        if rustix::process::geteuid().is_root() {
            let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
            rustix::fs::chownat(&parent, "hooks", Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Self::open(git_dir)
    }

    /// Returns its path, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells what stands at `name`.
    pub(super) fn entry(&self, name: &str) -> io::Result<Entry> {
        let stat = match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Entry::Absent),
            Err(error) => return Err(error.into()),
        };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => Entry::Link(self.target(name)?),
            FileType::RegularFile => file_entry(&stat),
            _ => Entry::Other,
        })
    }

    fn target(&self, name: &str) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.fd, name, Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Gives the hook its second name, so that it is never absent while ours takes its place.
    pub(super) fn keep_hook(&self) -> io::Result<()> {
        match rustix::fs::linkat(&self.fd, HOOK, &self.fd, CHAINED, AtFlags::empty()) {
            Ok(()) => Ok(()),
            // `fs.protected_hardlinks` keeps accounts other than root from linking files of
            // others, and some file systems have no links: then there is a moment without hook.
            Err(Errno::PERM | Errno::OPNOTSUPP) => self.rename(HOOK, CHAINED),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a link to `target` in the hook's place, in one step.
    pub(super) fn link_hook(&self, target: &Path) -> io::Result<()> {
        self.remove(NEW)?;
        rustix::fs::symlinkat(target, &self.fd, NEW)?;
        self.give(NEW)?;
        self.rename(NEW, HOOK)
    }

    /// Puts the chained hook back in the hook's place, in one step.
    pub(super) fn restore_hook(&self) -> io::Result<()> {
        self.rename(CHAINED, HOOK)
    }

    /// Writes the settings, in one step: mode 0644, whatever the umask.
    pub(super) fn write_settings(&self, text: &[u8]) -> io::Result<()> {
        self.remove(NEW)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let mut file = File::from(rustix::fs::openat(&self.fd, NEW, flags, mode)?);
        file.write_all(text)?;
        rustix::fs::fchmod(&file, mode)?;
        if let Some((uid, gid)) = self.give_to {
            rustix::fs::fchown(&file, Some(uid), Some(gid))?;
        }
        file.sync_all()?;
        self.rename(NEW, SETTINGS)
    }

    /// Reads the settings.
    pub(super) fn read_settings(&self) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&self.fd, SETTINGS, flags, Mode::empty())?);
        let mut text = Vec::new();
        file.take(SETTINGS_BYTES_MAX).read_to_end(&mut text)?;
        Ok(text)
    }

    /// Removes `name`, if it is there.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes what was done durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    fn give(&self, name: &str) -> io::Result<()> {
        match self.give_to {
            Some((uid, gid)) => {
                let flags = AtFlags::SYMLINK_NOFOLLOW;
                Ok(rustix::fs::chownat(&self.fd, name, Some(uid), Some(gid), flags)?)
            }
            None => Ok(()),
        }
    }
}

fn file_entry(stat: &Stat) -> Entry {
    Entry::File { mode: RawMode::from(stat.st_mode) & 0o7777, inode: stat.st_ino }
}

fn open_without_links(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (mode, resolve) = (Mode::empty(), ResolveFlags::NO_SYMLINKS);
    match rustix::fs::openat2(rustix::fs::CWD, path, flags, mode, resolve) {
        // Kernels before 5.6, and sandboxes that forbid what they do not know: there only the last
        // part of the path is safe from being swapped.
        Err(Errno::NOSYS | Errno::PERM) => Ok(rustix::fs::open(path, flags, mode)?),
        opened => Ok(opened?),
    }
}
