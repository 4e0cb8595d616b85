//! `hooks/pre-receive.pushwarden`: what the hook must know, as `key = value` lines.
//!
//! The hook has no TOML parser, and the repository's owner cannot always read the daemon's
//! configuration: so each repository has its own copy of `[hook]`.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::refusal::Refusal;
use crate::config::Config;

const HEADER: &[u8] = b"# Written by `pushwarden hooks install`, which also updates it.\n\
                        # If others than its owner can write it, every push is refused.\n";

/// The programs that repositories are linked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// What git runs as the hook.
    pub hook: PathBuf,
    /// What the hook runs to scan locally.
    pub main: PathBuf,
}

impl Programs {
    /// Finds the small hook beside the running program; without it, the program is its own hook.
    pub fn of_this_process() -> io::Result<Self> {
        let main = std::env::current_exe()?;
        let sibling = main.with_file_name("pushwarden-hook");
        let hook = if sibling.is_file() { sibling } else { main.clone() };
        Ok(Self { hook, main })
    }
}

/// What goes into the file, apart from the chained hook.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    paths: [(&'static str, PathBuf); 5],
    words: [(&'static str, String); 4],
}

impl Settings {
    /// Takes the settings from the configuration; paths that the file cannot hold are refused.
    pub(super) fn new(config: &Config, programs: &Programs) -> Result<Self, Refusal> {
        let hook = &config.hook;
        let settings = Self {
            paths: [
                ("socket", config.push.socket.clone()),
                ("spool", config.spool.directory.clone()),
                ("program", programs.main.clone()),
                ("rules_snapshot", config.rules_snapshot()),
                ("public_key", config.own_key_files().public_key()),
            ],
            words: [
                ("deadline_ms", hook.deadline.as_millis().to_string()),
                ("deadline_ms_per_20_mb", hook.deadline_per_20_mb.as_millis().to_string()),
                ("hello_timeout_ms", hook.hello_timeout.as_millis().to_string()),
                ("on_unavailable", hook.on_unavailable.as_str().to_owned()),
            ],
        };
        settings.paths.iter().try_for_each(|(_, path)| check(path))?;
        Ok(settings)
    }

    /// Writes the file's content; `chained` is the name of the hook that runs after ours.
    pub(super) fn render(&self, chained: Option<&str>) -> Vec<u8> {
        let mut text = HEADER.to_vec();
        for (key, path) in &self.paths {
            write_line(&mut text, key, path.as_os_str().as_bytes());
        }
        for (key, word) in &self.words {
            write_line(&mut text, key, word.as_bytes());
        }
        if let Some(chained) = chained {
            write_line(&mut text, "chained", chained.as_bytes());
        }
        text
    }
}

/// The hook reads lines and trims what it reads.
fn check(path: &Path) -> Result<(), Refusal> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&b'\n') || bytes.trim_ascii() != bytes {
        return Err(Refusal::LineBreak(path.to_path_buf()));
    }
    Ok(())
}

fn write_line(text: &mut Vec<u8>, key: &str, value: &[u8]) {
    let _infallible = write!(text, "{key} = ");
    text.extend_from_slice(value);
    text.push(b'\n');
}
