//! The pre-receive hook: reads what git says, tells the daemon, and answers with an exit code.
//!
//! ```text
//! git ─stdin, environment─► main ─► Push ─► client ◄──► daemon
//!                            │                └─away─► on_unavailable: refuse | record | child
//!                            └─accepted─► chained hook ─► exit code
//! ```
//!
//! Exit 0 means an explicit verdict that echoes this push, or a policy that says so by name and a
//! record of it on disk. Everything else refuses. A pusher who hangs up changes nothing: the runtime
//! ignores SIGPIPE, and errors in talking to them are dropped.
//!
//! Deliberately absent: an async runtime, an argument parser, logging, and any decision about
//! content.

mod chained;
mod client;
mod connection;
mod environment;
mod fallback;
mod message;
mod settings;
#[cfg(test)]
mod tests;

pub use settings::{OnUnavailable, Problem, Settings};

use std::ffi::OsString;
use std::fmt::Display;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::push::{self, Limits, Push, Repository, stdin};
use crate::wire::{
    self, Begin, Nonce, Oid, REF_UPDATES_MAX, RefUpdate, TIPS_MAX, Verdict, VerdictKind,
};

use client::Head;
use connection::{Connection, ConnectionError, Timing};
use environment::Environment;
use fallback::LocalScanner;
use message::Asked;

/// How long a local scanner may take to say hello: it has to load its rules first.
const LOCAL_HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// The daemon's share of the time where a local scanner waits behind it, in percent.
const DAEMON_PERCENT: u32 = 50;

/// Runs the hook as the program that was started: `hooks/pre-receive`, or `pushwarden hook [FILE]`.
///
/// Returns what git shall hear: 0 lets the push in.
pub fn main() -> ExitCode {
    let started = Instant::now();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut input = Vec::new();
    let mut stderr = io::stderr();
    let limit = stdin::INPUT_BYTES_MAX as u64 + 1;
    let is_read = io::stdin().lock().take(limit).read_to_end(&mut input).is_ok();
    let updates = match stdin::parse(&input) {
        Ok(updates) if is_read => updates,
        Ok(_) => return refuse(&mut stderr, &message::not_understood(&"stdin failed")),
        Err(error) => return refuse(&mut stderr, &message::not_understood(&error)),
    };
    let settings = match settings(&arguments) {
        Ok(settings) => settings,
        Err(problems) => return refuse(&mut stderr, &message::not_set_up(&problems)),
    };
    let hook = Hook { started, settings: &settings, updates: &updates };
    match hook.run(&mut stderr) {
        Decision::Refused => ExitCode::FAILURE,
        Decision::Accepted => match &settings.chained {
            Some(program) => chain(program, hook_arguments(&arguments), &input, &mut stderr),
            None => ExitCode::SUCCESS,
        },
    }
}

/// What a push that was let in earlier did to one ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed {
    /// What the ref pointed at before; null where there was none.
    pub old: Oid,
    /// What it pointed at then.
    pub new: Oid,
}

impl Landed {
    /// Returns a ref update for each ref that points there now, or one without a name worth
    /// mentioning where all have moved on: later pushes told their names.
    fn updates(self, repository: &Repository) -> Vec<RefUpdate> {
        let mut names = push::ref_names(repository, self.new, REF_UPDATES_MAX);
        if names.is_empty() {
            names.push(MOVED_REF.to_vec());
        }
        let update = |name| RefUpdate { old: self.old, new: self.new, name };
        names.into_iter().map(update).collect()
    }
}

/// What stands for the name of a ref that is gone or points elsewhere by now.
const MOVED_REF: &[u8] = b"refs/moved";

/// Tells a peer about a push that was let in earlier, as the hook would have told it then; returns
/// its verdict, which git does not hear any more.
///
/// # Errors
/// If the repository cannot be read or the peer gives no verdict within `deadline`.
pub fn tell_landed(
    repository: &Path,
    landed: Landed,
    stream: UnixStream,
    deadline: Duration,
) -> io::Result<Verdict> {
    let repository = Repository::at(repository)?;
    let begin = begin(&repository, &Environment::read(&|_: &str| None));
    let updates = landed.updates(&repository);
    let head =
        Head { begin: &begin, updates: &updates, push_options: &[], push_options_cut: false };
    let timing = Timing {
        started: Instant::now(),
        deadline,
        per_20_mb: Duration::from_secs(1),
        hello_timeout: deadline,
    };
    let mut push = Push::landed(&repository, &updates, Limits::default());
    let mut quiet = io::sink();
    let connection = Connection::new(stream, timing, &mut quiet);
    client::run(&head, &mut push, connection).map_err(io::Error::other)
}

/// Whether git may take the push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Accepted,
    Refused,
}

/// One run of the hook.
struct Hook<'h> {
    started: Instant,
    settings: &'h Settings,
    updates: &'h [RefUpdate],
}

impl Hook<'_> {
    fn run(&self, talk: &mut dyn Write) -> Decision {
        // All at once: each look-up in the process's own list goes through all of it.
        let variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        };
        let directory = std::env::current_dir().unwrap_or_default();
        let repository = Repository::from_environment(&variable, &directory, self.updates);
        let repository = match repository {
            Ok(repository) => repository,
            Err(error) => {
                say(talk, &message::not_understood(&error));
                return Decision::Refused;
            }
        };
        let environment = Environment::read(&variable);
        let begin = begin(&repository, &environment);
        let head = Head {
            begin: &begin,
            updates: self.updates,
            push_options: &environment.push_options,
            push_options_cut: environment.push_options_cut,
        };
        // First of all: the daemon prepares itself while the push is being read.
        let daemon = connection::connect(&self.settings.socket, self.settings.hello_timeout);
        let mut push = Push::new(&repository, self.updates, Limits::default());
        self.decide(&head, &mut push, daemon, talk)
    }

    /// Asks the daemon, then whatever policy puts in its place.
    fn decide(
        &self,
        head: &Head<'_>,
        push: &mut Push<'_>,
        daemon: Result<UnixStream, ConnectionError>,
        talk: &mut dyn Write,
    ) -> Decision {
        let timing = self.timing(self.daemon_time(), self.settings.hello_timeout);
        let verdict = daemon.and_then(|stream| {
            client::run(head, push, Connection::new(stream, timing, &mut *talk))
        });
        match verdict {
            Ok(verdict) => tell(&verdict, talk),
            Err(error) => self.without_daemon(&error, head, push, talk),
        }
    }

    fn without_daemon(
        &self,
        error: &ConnectionError,
        head: &Head<'_>,
        push: &mut Push<'_>,
        talk: &mut dyn Write,
    ) -> Decision {
        let policy = self.settings.on_unavailable;
        if policy != OnUnavailable::Reject && wire::tips(self.updates).count() > TIPS_MAX {
            let reason = format!("{error}, and only {TIPS_MAX} refs may wait for it");
            say(talk, &self.no_verdict(error, &reason, head.begin.nonce));
            return Decision::Refused;
        }
        // What is scanned later is scanned from what stood before, so that must be true.
        let updates = push.believed();
        let head = &Head { updates: &updates, ..*head };
        match policy {
            // What was found is no matter of a policy for what could not be scanned.
            OnUnavailable::Accept if !error.follows_hits() => self.accept(error, head, talk),
            OnUnavailable::Reject | OnUnavailable::Accept => {
                say(talk, &self.no_verdict(error, error, head.begin.nonce));
                Decision::Refused
            }
            OnUnavailable::ScanLocally => match self.scan_locally(head, push, talk) {
                Ok(verdict) => tell(&verdict, talk),
                Err(local) => {
                    let reason = format!("{error}, and locally {local}");
                    let which = if local.follows_hits() { &local } else { error };
                    say(talk, &self.no_verdict(which, &reason, head.begin.nonce));
                    Decision::Refused
                }
            },
        }
    }

    /// Lets the push in unscanned, if that can be put on record.
    fn accept(&self, error: &ConnectionError, head: &Head<'_>, talk: &mut dyn Write) -> Decision {
        let nonce = head.begin.nonce;
        if fallback::record_accepted(&self.settings.spool, head.begin, head.updates).is_err() {
            say(talk, &message::not_recorded(self.asked(), error, nonce));
            return Decision::Refused;
        }
        say(talk, &message::accepted_unscanned(error, nonce));
        Decision::Accepted
    }

    fn scan_locally(
        &self,
        head: &Head<'_>,
        push: &mut Push<'_>,
        talk: &mut dyn Write,
    ) -> Result<Verdict, ConnectionError> {
        let (scanner, stream) =
            LocalScanner::start(self.settings).map_err(ConnectionError::Connect)?;
        let timing = self.timing(self.settings.deadline, LOCAL_HELLO_TIMEOUT);
        let verdict = client::run(head, push, Connection::new(stream, timing, talk));
        scanner.finish();
        verdict
    }

    /// Says that there is no verdict, for `reason`, and whether something was found all the same.
    fn no_verdict(&self, error: &ConnectionError, reason: &dyn Display, nonce: Nonce) -> String {
        if error.follows_hits() {
            message::not_on_record(self.asked(), reason, nonce)
        } else {
            message::not_scanned(self.asked(), reason, nonce)
        }
    }

    fn asked(&self) -> Asked {
        Asked::of(self.updates)
    }

    /// Returns the time for the daemon; where a local scanner waits behind it, some is left for it.
    fn daemon_time(&self) -> Duration {
        match self.settings.on_unavailable {
            OnUnavailable::ScanLocally => self.settings.deadline * DAEMON_PERCENT / 100,
            OnUnavailable::Reject | OnUnavailable::Accept => self.settings.deadline,
        }
    }

    fn timing(&self, deadline: Duration, hello_timeout: Duration) -> Timing {
        let per_20_mb = self.settings.deadline_per_20_mb;
        Timing { started: self.started, deadline, per_20_mb, hello_timeout }
    }
}

fn begin(repository: &Repository, environment: &Environment) -> Begin {
    Begin {
        nonce: nonce(),
        hash: repository.hash,
        repository: repository.git_dir.as_os_str().as_bytes().to_vec(),
        repository_name: environment.repository_name.clone(),
        server: environment.server,
        pusher: environment.pusher.clone(),
        push_options_advertised: environment.push_options_advertised,
        dry_run: environment.dry_run,
        environment: environment.allowed.clone(),
    }
}

/// Returns 16 bytes that no other push has: a keyed hash under the random keys that the standard
/// library takes from the system, which works without `/dev` in a chroot.
fn nonce() -> Nonce {
    let keys = RandomState::new();
    let half = |which: u64| {
        let mut hasher = keys.build_hasher();
        hasher.write_u64(which);
        hasher.write_u32(std::process::id());
        hasher.finish().to_le_bytes()
    };
    let mut bytes = [0; 16];
    let halves = half(0).into_iter().chain(half(1));
    bytes.iter_mut().zip(halves).for_each(|(byte, random)| *byte = random);
    Nonce(bytes)
}

/// Passes a verdict on to the pusher.
fn tell(verdict: &Verdict, talk: &mut dyn Write) -> Decision {
    say(talk, &verdict.text);
    match verdict.kind {
        VerdictKind::Accept => Decision::Accepted,
        VerdictKind::Refuse => Decision::Refused,
    }
}

/// Writes to the pusher, in one piece. One who hung up is not an error.
fn say(talk: &mut dyn Write, text: &str) {
    drop(talk.write_all(text.as_bytes()));
}

fn refuse(talk: &mut dyn Write, text: &str) -> ExitCode {
    say(talk, text);
    ExitCode::FAILURE
}

/// Returns what git gave the hook; `pushwarden hook FILE` was given by somebody else.
fn hook_arguments(arguments: &[OsString]) -> &[OsString] {
    if is_command(arguments) { &[] } else { arguments }
}

fn is_command(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|argument| argument == "hook")
}

fn chain(program: &Path, arguments: &[OsString], input: &[u8], talk: &mut dyn Write) -> ExitCode {
    match chained::run(program, arguments, input) {
        Ok(code) => ExitCode::from(code),
        Err(error) => refuse(talk, &message::not_chained(&error)),
    }
}

/// Reads the settings: beside the hook, or where `pushwarden hook FILE` says.
fn settings(arguments: &[OsString]) -> Result<Settings, Vec<Problem>> {
    match arguments.get(2).filter(|_| is_command(arguments)) {
        Some(file) => Settings::load_named(Path::new(file)),
        None => Settings::load(&settings_path(arguments)),
    }
}

/// Returns where the settings are if nobody names them.
fn settings_path(arguments: &[OsString]) -> PathBuf {
    let program = arguments.first().map_or(Path::new(""), Path::new);
    let is_hook = program.file_name().is_some_and(|name| {
        let name = name.as_bytes();
        !is_command(arguments) && name.windows(11).any(|part| part == b"pre-receive")
    });
    if is_hook {
        let mut path = program.as_os_str().to_owned();
        path.push(".pushwarden");
        return PathBuf::from(path);
    }
    let git_dir = std::env::var_os("GIT_DIR").unwrap_or_else(|| ".".into());
    Path::new(&git_dir).join("hooks/pre-receive.pushwarden")
}
