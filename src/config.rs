//! The configuration: one TOML file becomes one checked [`Config`].
//!
//! ```text
//! pushwarden.toml ──► Section (values with spans) ──► Config (typed, absolute paths, in range)
//!                          └──► ConfigErrors: every problem at once, with place and remedy
//! ```
//!
//! Every setting has a default, so an empty file configures a system installation; the commented
//! file `config/pushwarden.toml` lists them all, and a test holds it equal to this code. Relative
//! paths start at the directory of the file. Accounts and keys are looked up by who uses them,
//! not here: a file can be checked on another machine.
//!
//! Secrets never stand in the file: it names directories, [`keys`] reads them.

pub mod account;
pub mod instance;
pub mod keys;
mod problem;
mod read;
mod section;
mod settings;
pub(crate) mod similar;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub use account::{Account, AccountError};
pub use keys::{KeyError, KeyFiles, Keys};
pub use problem::{ConfigErrors, Problem};
pub use section::SOCKET_PATH_BYTES_MAX;
pub use settings::{
    Admin, Hook, KeysSection, Ledger, Log, LogFormat, LogLevel, Message, OnUnavailable,
    OnUnscanned, Owners, Policy, Push, RuleAction, Rules, Spool,
};

use problem::Complaint;
use section::{Section, Source};

/// Where a system installation has its configuration.
pub const DEFAULT_FILE: &str = "/etc/pushwarden/pushwarden.toml";

/// The longest configuration file, in bytes; one with a rule action for each of a thousand rules
/// has less than a tenth of it.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// The commented configuration that packages install as [`DEFAULT_FILE`].
pub const COMMENTED: &str = include_str!("../config/pushwarden.toml");

/// The commented example of a registry of owners.
pub const OWNERS_EXAMPLE: &str = include_str!("../config/owners.toml");

/// What the program runs by. Paths are absolute, numbers are within their ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file that it came from; for embedded defaults the file that it would be.
    pub file: PathBuf,
    /// Where the daemon keeps its database and what it derives; only it writes there.
    pub state_dir: PathBuf,
    /// `[push]`
    pub push: Push,
    /// `[admin]`
    pub admin: Admin,
    /// `[policy]`
    pub policy: Policy,
    /// `[rules]`
    pub rules: Rules,
    /// `[owners]`
    pub owners: Owners,
    /// `[keys]`
    pub keys: KeysSection,
    /// `[spool]`
    pub spool: Spool,
    /// `[ledger]`
    pub ledger: Ledger,
    /// `[hook]`
    pub hook: Hook,
    /// `[message]`
    pub message: Message,
    /// `[log]`
    pub log: Log,
}

impl Config {
    /// Reads and checks `path`; all problems are in the error.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let file = absolute(path)?;
        let text = read_text(&file)?;
        Self::parse(&text, &file)
    }

    /// Checks `text` as if it were the content of `file`, which must be an absolute path.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigErrors> {
        let directory = file.parent().unwrap_or(Path::new("/"));
        let source = Source::new(text, directory);
        let (table, syntax) = DeTable::parse_recoverable(text);
        for error in &syntax {
            let complaint = Complaint {
                what: format!("this is no TOML: {}", error.message()),
                remedy: "see https://toml.io for how values are written".to_owned(),
                ..Complaint::default()
            };
            source.complain(error.span().unwrap_or_default(), complaint);
        }
        let config = read::config(&Section::top(&source, table.get_ref()), file);
        let (problems, left_out) = source.into_problems();
        if problems.is_empty() {
            return Ok(config);
        }
        let file = file.to_path_buf();
        Err(ConfigErrors::Refused { file, problems, left_out })
    }

    /// Returns the defaults of a system installation: what an empty [`DEFAULT_FILE`] says.
    ///
    /// # Panics
    /// Never: a test holds that every setting has a default.
    pub fn system() -> Self {
        Self::parse("", Path::new(DEFAULT_FILE)).expect("every setting has a default")
    }

    /// Tells whether this is the installation that systemd runs, and not a self-contained instance.
    pub fn is_system(&self) -> bool {
        self.file == Path::new(DEFAULT_FILE)
    }

    /// Returns the file that the daemon writes for local scans: the rules in use.
    pub fn rules_snapshot(&self) -> PathBuf {
        self.state_dir.join("rules.snapshot")
    }

    /// Returns the key files of the directory, whatever systemd passes to this process.
    pub fn own_key_files(&self) -> KeyFiles {
        KeyFiles::new(self.keys.directory.clone(), None)
    }

    /// Returns the key files, or those that systemd passes to this process.
    pub fn key_files(&self) -> KeyFiles {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        KeyFiles::new(self.keys.directory.clone(), credentials)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, ConfigErrors> {
    std::path::absolute(path)
        .map_err(|source| ConfigErrors::Read { file: path.to_path_buf(), source })
}

fn read_text(file: &Path) -> Result<String, ConfigErrors> {
    let bytes = read_bytes(file)
        .map_err(|source| ConfigErrors::Read { file: file.to_path_buf(), source })?;
    let not_text = |reason| ConfigErrors::NotText { file: file.to_path_buf(), reason };
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(not_text("it is longer than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| not_text("it is not UTF-8"))
}

fn read_bytes(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limited = File::open(file)?.take(FILE_BYTES_MAX + 1);
    { limited }.read_to_end(&mut bytes)?;
    Ok(bytes)
}
