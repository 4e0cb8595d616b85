//! The files below a path, one after the other.

use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The deepest folder that is entered. Links are not followed, so only a tree made to be deep
/// reaches it.
const DEPTH_MAX: usize = 256;

/// Takes a file's content, or the reason why it cannot be read.
pub(super) type Visit<'v> = dyn FnMut(&Path, Result<&mut dyn Read, &str>) -> io::Result<()> + 'v;

/// Visits what is at `path`: a file, a link's own text, a folder's files in the order of their
/// names, but for `.git`.
///
/// # Errors
/// What `visit` returns.
pub(super) fn walk(path: &Path, visit: &mut Visit<'_>) -> io::Result<()> {
    at_depth(path, 0, visit)
}

fn at_depth(path: &Path, depth: usize, visit: &mut Visit<'_>) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) => return visit(path, Err(&error.to_string())),
    };
    if kind.is_dir() && depth >= DEPTH_MAX {
        visit(path, Err("too deep"))
    } else if kind.is_dir() {
        folder(path, depth, visit)
    } else if kind.is_file() {
        match open(path) {
            Ok(mut file) => visit(path, Ok(&mut file)),
            Err(error) => visit(path, Err(&error.to_string())),
        }
    } else if kind.is_symlink() {
        // Git stores a link's target as content, so its text is scanned and not what it names.
        match fs::read_link(path) {
            Ok(target) => visit(path, Ok(&mut target.into_os_string().into_vec().as_slice())),
            Err(error) => visit(path, Err(&error.to_string())),
        }
    } else {
        visit(path, Err(not_a_file(kind)))
    }
}

fn folder(path: &Path, depth: usize, visit: &mut Visit<'_>) -> io::Result<()> {
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries: Vec<PathBuf> = match entries {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(error) => return visit(path, Err(&error.to_string())),
    };
    entries.sort();
    let entries = entries.iter().filter(|entry| entry.file_name().is_none_or(|n| n != ".git"));
    entries.into_iter().try_for_each(|entry| at_depth(entry, depth + 1, visit))
}

/// Says what stands where a file should: reading it could wait for ever, or never end.
fn not_a_file(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a pipe, not a file"
    } else if kind.is_socket() {
        "a socket, not a file"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device, not a file"
    } else {
        "neither a file nor a folder nor a link"
    }
}

/// Opens a file without ever waiting for it: some of the kernel's own (`/proc/kmsg`) call
/// themselves files and give nothing until something happens, and what was a file when it was
/// listed may be a pipe by now.
fn open(path: &Path) -> io::Result<File> {
    let no_wait = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(no_wait.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_a_pipe_since_it_was_listed_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (file, pipe, link) =
            (folder.path().join("file"), folder.path().join("pipe"), folder.path().join("link"));
        fs::write(&file, "x").unwrap();
        assert!(open(&file).is_ok());
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert_eq!(open(&pipe).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(open(&link).is_err(), "a link is not followed");
    }
}
