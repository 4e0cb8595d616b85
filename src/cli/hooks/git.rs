//! A repository, and git at work in it as its owner.
//!
//! Where root runs us, git runs as the repository's owner: what it reads (`~/.gitconfig` of that
//! account among it) and what it may do is then what happens in a real push, and nothing that the
//! repository's configuration names ever runs as root.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::refusal::Refusal;

/// The most output of git that is kept, in bytes: a verdict of some hundred lines.
const OUTPUT_BYTES_MAX: u64 = 64 << 10;

/// How long a command that only reads or writes locally may take.
pub(super) const LOCAL_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a running command is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Where programs are found when the environment does not say.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A repository, by its git directory.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    /// Absolute, without links.
    pub(super) git_dir: PathBuf,
    /// Whom it belongs to.
    pub(super) owner: Owner,
}

/// The account that a repository belongs to.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Its login name, or its number where it has none.
    pub(super) name: String,
    home: OsString,
}

/// What a command printed and how it ended; `None` when it took too long and was killed.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: Option<ExitStatus>,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl Ended {
    pub(super) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Returns the last line that says something, for a reason.
    pub(super) fn last_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let said = text.lines().rev().find(|line| !line.trim().is_empty());
        match (self.status, said) {
            (None, _) => "it took too long".to_owned(),
            (_, Some(line)) => line.trim().to_owned(),
            (Some(status), None) => status.to_string(),
        }
    }
}

impl Repository {
    /// Looks up who owns `git_dir`.
    pub(super) fn open(git_dir: PathBuf) -> Result<Self, Refusal> {
        let metadata = fs::metadata(&git_dir)
            .map_err(|source| Refusal::Unreadable { path: git_dir.clone(), source })?;
        Ok(Self { owner: Owner::new(metadata.uid(), metadata.gid()), git_dir })
    }

    /// Runs git on this repository and returns what it printed; a failure is a [`Refusal`].
    pub(super) fn git(&self, attempt: &'static str, args: &[&str]) -> Result<Vec<u8>, Refusal> {
        let mut command = self.owner.git();
        command.arg("--git-dir").arg(&self.git_dir).args(args);
        finish(attempt, command, b"")
    }

    /// Runs git on this repository and returns how it ended.
    pub(super) fn try_git(&self, attempt: &'static str, args: &[&str]) -> Result<Ended, Refusal> {
        let mut command = self.owner.git();
        command.arg("--git-dir").arg(&self.git_dir).args(args);
        run(command, b"", LOCAL_TIMEOUT).map_err(|error| not_run(attempt, &error))
    }
}

impl Owner {
    fn new(uid: u32, gid: u32) -> Self {
        let user = nix::unistd::User::from_uid(uid.into()).ok().flatten();
        let nowhere = || (uid.to_string(), OsString::from("/nonexistent"));
        let (name, home) = user.map_or_else(nowhere, |user| (user.name, user.dir.into()));
        Self { uid, gid, name, home }
    }

    /// Tells whether commands must change to this account: only root can, and need not to itself.
    pub(super) fn is_other(&self) -> bool {
        rustix::process::geteuid().is_root() && self.uid != 0
    }

    /// Starts a git command line that runs as this account with an environment of its own.
    pub(super) fn git(&self) -> Command {
        self.command("git")
    }

    /// Starts the command line of `program`, as this account.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path).env("HOME", &self.home);
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
        command.current_dir("/");
        if self.is_other() {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}

/// Runs `command` and returns its standard output; a failure is a [`Refusal`].
pub(super) fn finish(
    attempt: &'static str,
    command: Command,
    input: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let ended = run(command, input, LOCAL_TIMEOUT).map_err(|error| not_run(attempt, &error))?;
    if ended.is_success() {
        return Ok(ended.stdout);
    }
    let reason = ended.last_line();
    Err(Refusal::Git { attempt, reason })
}

pub(super) fn not_run(attempt: &'static str, error: &io::Error) -> Refusal {
    let reason = error.to_string();
    Refusal::Git { attempt, reason }
}

/// Runs `command` with `input`, which must fit a pipe (64 KiB), for at most `timeout`.
pub(super) fn run(mut command: Command, input: &[u8], timeout: Duration) -> io::Result<Ended> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: what git started ends with it, or its open pipes would hold us.
    let mut child = command.process_group(0).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that ends without reading says so by its exit status.
        drop(io::Write::write_all(&mut stdin, input));
    }
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status = wait(&mut child, Instant::now() + timeout)?;
    Ok(Ended {
        status,
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
    })
}

/// Reads on a thread of its own, so that a full pipe never stops the command.
fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            // What fails to be read is missing in a message, nothing else.
            drop(pipe.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut kept));
            drop(io::copy(&mut pipe, &mut io::sink()));
        }
        kept
    })
}

fn wait(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            let group = rustix::process::Pid::from_child(child);
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL)?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// Tells where `path` leads, for comparisons; a path that leads nowhere is itself.
pub(super) fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}
