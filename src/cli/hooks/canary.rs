//! The proof that a repository is guarded: a push that must be refused.
//!
//! ```text
//! daemon ──► Canary (value, used once) ──► throw-away repository ──► git push ──► Outcome
//! ```
//!
//! A file test proves little: git skips a hook that it cannot run, `core.hooksPath` leads away, a
//! forge rewrites the file. So a commit that holds the canary is pushed, by git itself and as the
//! repository's owner, and only the daemon's word on this very canary counts.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::git::{Ended, Owner, Repository, finish, not_run, run};
use super::refusal::Refusal;

/// What the daemon prints when it refuses a canary begins with this, then its id.
pub const VERDICT_START: &str = "pushwarden canary";

/// A value that the daemon issued, and refuses once without opening an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// What the verdict names; no secret.
    pub id: String,
    /// What is pushed.
    pub value: String,
}

/// Why there is no canary.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// Nobody answers at the admin socket.
    #[error("the daemon does not answer at `{socket}`: {reason}")]
    Away {
        /// The admin socket.
        socket: String,
        /// Why.
        reason: String,
    },
    /// The daemon answers, and issues none.
    #[error("the daemon issues no canary: {0}")]
    Refused(String),
}

/// Asks the daemon for a canary.
pub type IssueCanary<'a> = dyn Fn() -> Result<Canary, CanaryError> + 'a;

/// Returns what the daemon says when it refuses the canary `id`, and nothing else says.
pub fn verdict_text(id: &str) -> String {
    format!("{VERDICT_START} {id} stopped")
}

/// What became of the push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The daemon refused it, and named the canary.
    Stopped,
    /// Something refused it, and said this.
    RefusedOtherwise(String),
    /// It took too long.
    TookTooLong,
    /// It landed: the repository is open. `Ok` when the ref could be deleted again.
    Accepted(Result<(), String>),
}

/// Pushes `canary` to `repository`, for at most `timeout`.
pub(super) fn push(
    repository: &Repository,
    canary: &Canary,
    timeout: Duration,
) -> Result<Outcome, Refusal> {
    let scratch = Scratch::new(repository)?;
    let commit = scratch.commit(&canary.value)?;
    let name = format!("refs/heads/pushwarden-canary-{}", random_name()?);
    let ended = scratch.push(repository, &format!("{commit}:{name}"), timeout)?;
    let verdict = verdict_text(&canary.id);
    let said = String::from_utf8_lossy(&ended.stderr);
    Ok(match ended.status {
        Some(status) if status.success() => Outcome::Accepted(delete(repository, &name)),
        Some(_) if said.contains(&verdict) => Outcome::Stopped,
        Some(_) => Outcome::RefusedOtherwise(first_words(&ended)),
        None => {
            // Whether it landed is not known; a ref that is not there cannot be deleted.
            drop(delete(repository, &name));
            Outcome::TookTooLong
        }
    })
}

fn delete(repository: &Repository, name: &str) -> Result<(), String> {
    let deleted = repository.git("update-ref", &["update-ref", "-d", name]);
    deleted.map(drop).map_err(|refusal| refusal.to_string())
}

/// Returns what the other side said first, or what git said where it said nothing.
fn first_words(ended: &Ended) -> String {
    let text = String::from_utf8_lossy(&ended.stderr);
    let remote = text.lines().find_map(|line| line.strip_prefix("remote:"));
    remote.map_or_else(|| ended.last_line(), |line| line.trim().to_owned())
}

/// A repository that lives as long as one push.
struct Scratch {
    directory: TempDir,
    owner: Owner,
}

impl Scratch {
    fn new(repository: &Repository) -> Result<Self, Refusal> {
        let format = object_format(repository)?;
        let made = tempfile::Builder::new().prefix("pushwarden-canary-").tempdir();
        let directory = made.map_err(|error| not_run("init", &error))?;
        let owner = repository.owner.clone();
        if owner.is_other() {
            let given = chown(directory.path(), Some(owner.uid), Some(owner.gid));
            given.map_err(|error| not_run("init", &error))?;
        }
        let scratch = Self { directory, owner };
        let mut init = scratch.isolated();
        init.args(["init", "--quiet", "--bare", "--template="]);
        init.arg(format!("--object-format={format}")).arg(scratch.path());
        finish("init", init, b"")?;
        Ok(scratch)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Starts a git command line that reads no configuration of anyone.
    fn isolated(&self) -> Command {
        let mut command = self.owner.git();
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        command
    }

    fn object(&self, attempt: &'static str, args: &[&str], input: &str) -> Result<String, Refusal> {
        let mut command = self.isolated();
        command.arg("--git-dir").arg(self.path()).args(args);
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "pushwarden");
            command.env(format!("GIT_{who}_EMAIL"), "pushwarden@localhost");
        }
        let output = finish(attempt, command, input.as_bytes())?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    /// Makes a commit with one file that holds `value`, and returns its id.
    fn commit(&self, value: &str) -> Result<String, Refusal> {
        let content = format!("{value}\n");
        let blob = self.object("hash-object", &["hash-object", "-w", "--stdin"], &content)?;
        let entry = format!("100644 blob {blob}\tpushwarden-canary\n");
        let tree = self.object("mktree", &["mktree"], &entry)?;
        let message = "A canary of pushwarden: this push must be refused\n";
        self.object("commit-tree", &["commit-tree", &tree], message)
    }

    /// Pushes with the owner's own configuration, for that is what receives pushes there too.
    fn push(&self, to: &Repository, refspec: &str, timeout: Duration) -> Result<Ended, Refusal> {
        // Settings of ours reach the pushing side alone: git keeps them from the receiving one.
        let settings = ["push.gpgSign=false", "push.pushOption=", "push.followTags=false"];
        let mut command = self.owner.git();
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        command.arg("--git-dir").arg(self.path());
        command.args(["push", "--no-verify", "--no-progress", "--recurse-submodules=no"]);
        command.arg(&to.git_dir).arg(refspec);
        run(command, b"", timeout).map_err(|error| not_run("push", &error))
    }
}

fn object_format(repository: &Repository) -> Result<String, Refusal> {
    let output = repository.git("rev-parse", &["rev-parse", "--show-object-format"])?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

/// Draws a name that no ref has.
fn random_name() -> Result<String, Refusal> {
    let mut bytes = [0; 8];
    let drawn = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    drawn.map_err(|error| not_run("push", &error.into()))?;
    Ok(format!("{:016x}", u64::from_le_bytes(bytes)))
}
