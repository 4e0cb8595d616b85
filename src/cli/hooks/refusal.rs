//! Why a repository was left as it is, or is not protected, and what to do about it.

use std::io;
use std::path::PathBuf;

use super::super::shell::word;

/// Why something is not done, or not right, with one repository.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is nothing there, or nothing that can be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is a folder, but no repository in it.
    #[error("there is no bare repository in it")]
    NoRepository {
        /// The folder.
        path: PathBuf,
    },
    /// A `.git` file, as of linked work trees and submodules, points elsewhere.
    #[error("it is a linked work tree or submodule: its `.git` is a file")]
    Linked,
    /// A link leads out of the folder that is searched.
    #[error("it is a link to `{}`, and links are not followed", target.display())]
    LeadsAway {
        /// Where it leads.
        target: PathBuf,
    },
    /// A search came to its limit.
    #[error("the search stopped here: {0}")]
    SearchLimit(&'static str),
    /// `hooks` cannot be used as a directory.
    #[error("cannot open its hooks directory `{}`: {source}", path.display())]
    HooksDirectory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// git looks for hooks elsewhere.
    #[error("core.hooksPath is `{value}` in {origin}: git does not run what is in hooks/")]
    HooksPath {
        /// Its value.
        value: String,
        /// Where git found it, as git says it: `file:/etc/gitconfig`.
        origin: String,
    },
    /// git itself failed.
    #[error("git {attempt} failed: {reason}")]
    Git {
        /// The command.
        attempt: &'static str,
        /// What git said.
        reason: String,
    },
    /// Two hooks claim the place of the chained one.
    #[error("both hooks/pre-receive and hooks/pre-receive.pushwarden-chained are hooks of others")]
    TwoHooks {
        /// The hooks directory.
        hooks: PathBuf,
    },
    /// The hook was replaced by another one.
    #[error("hooks/pre-receive is not pushwarden's: {what}")]
    NotOurs {
        /// What it is instead.
        what: &'static str,
        /// The hooks directory.
        hooks: PathBuf,
    },
    /// The account that owns the repository cannot run the program.
    #[error("the account {account} cannot run `{}`", program.display())]
    NotExecutable {
        /// The program.
        program: PathBuf,
        /// The account.
        account: String,
    },
    /// A path cannot stand in the settings.
    #[error("a path of the configuration has a line break, or ends with a space: {0:?}")]
    LineBreak(PathBuf),
    /// A step failed; what is there was left as it was before it.
    #[error("cannot {attempt} in `{}`: {source}", hooks.display())]
    Step {
        /// What was attempted.
        attempt: &'static str,
        /// The hooks directory.
        hooks: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Refusal {
    /// Says what to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "name a repository, and run this as root or as its owner".into()
            }
            Self::NoRepository { path } => {
                format!("make one: git init --bare {}", word(path.join("name.git")))
            }
            Self::Linked => "name the repository that it belongs to".into(),
            Self::LeadsAway { target } => format!("name it as well: {}", word(target)),
            Self::SearchLimit(_) => "name the folders below it one by one".into(),
            Self::HooksDirectory { path, .. } => {
                let path = word(path);
                format!("make it a directory of the repository itself: ls -ld {path}")
            }
            Self::HooksPath { origin, .. } => {
                let unset = unset(origin, "core.hooksPath");
                format!("move its hooks into the repository's own hooks/, then: {unset}")
            }
            Self::Git { .. } => "run this as root or as the repository's owner".into(),
            Self::TwoHooks { hooks } => {
                let chained = word(hooks.join(super::directory::CHAINED));
                format!("join the two into one hook, then remove {chained}")
            }
            Self::NotOurs { hooks, .. } => {
                let hooks = word(hooks);
                format!(
                    "leave the right hook in its place, then: rm {hooks}/pre-receive.pushwarden*"
                )
            }
            Self::NotExecutable { .. } => {
                "install pushwarden where every account can reach it, such as /usr/local/bin".into()
            }
            Self::LineBreak(_) => "use a path without it".into(),
            Self::Step { .. } => {
                "run this as root or as the repository's owner, and look for a full disk".into()
            }
        }
    }
}

/// Writes the command that removes `key` from where git found it.
pub(super) fn unset(origin: &str, key: &str) -> String {
    match origin.strip_prefix("file:") {
        Some(file) => format!("git config --file {} --unset-all {key}", word(file)),
        None => format!("git config --unset-all {key}  # set by {origin}"),
    }
}
