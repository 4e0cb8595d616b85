//! The settings, section by section, as the rest of the program sees them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::account::Account;
use crate::rule::{Confidence, RuleId};

/// `[push]`: the socket that hooks speak to, and what one push and all together may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The socket, unless systemd passes one.
    pub socket: PathBuf,
    /// Whose processes may push.
    pub accounts: Vec<Account>,
    /// Pushes that are screened at the same time.
    pub pushes_max: usize,
    /// Pushes that wait for their turn; the next one is refused as busy.
    pub pushes_waiting_max: usize,
    /// How long a push waits for its turn before it is refused as busy.
    pub waiting_timeout: Duration,
    /// Pushes to one repository that are screened at the same time.
    pub pushes_per_repository_max: usize,
    /// Pushes to one repository that wait for their turn; the next one is refused as busy.
    pub waiting_per_repository_max: usize,
    /// Pushes of one pusher that are screened at the same time, where the server names pushers.
    pub pushes_per_pusher_max: usize,
    /// Pushes of one pusher that wait for their turn; the next one is refused as busy.
    pub waiting_per_pusher_max: usize,
    /// How long a push may take in all, once it has its turn.
    pub deadline: Duration,
    /// What is added to `deadline` for each 20 MB that arrived, as the hook adds it to its own.
    pub deadline_per_20_mb: Duration,
    /// The most bytes of objects that one push may stream; beyond, it is *unscanned*.
    pub push_bytes_max: u64,
    /// The most bytes of all pushes together that were received and are not yet scanned.
    pub in_flight_bytes_max: u64,
    /// The most bytes of all pushes together that are kept of long objects while they arrive.
    pub gathered_bytes_max: u64,
    /// The most distinct secrets of one push that are filed; the others are counted.
    pub findings_max: usize,
    /// The most places of secrets that are looked at in one push; beyond, it is *unscanned*.
    pub hits_max: usize,
    /// How many layers of one object may lie inside each other; deeper ones are *unscanned*.
    pub layer_depth_max: usize,
    /// Bytes that may come out of the layers of one object; beyond, it is *unscanned*.
    pub layer_bytes_max: u64,
    /// Texts that may come out of the layers of one object; beyond, it is *unscanned*.
    pub layer_parts_max: usize,
    /// Threads that scan; `None` is one for each core.
    pub workers: Option<usize>,
}

/// `[admin]`: the socket of the command line, and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The socket, unless systemd passes one.
    pub socket: PathBuf,
    /// Who may administer, beside the account that the daemon runs as.
    pub accounts: Vec<Account>,
    /// Whether one account may both ask for and approve a way out; for one-person instances.
    pub allow_self_approval: bool,
}

/// `[policy]`: what refuses a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The least confidence that refuses.
    pub refuse_at: Confidence,
    /// What happens to a push of which something could not be scanned.
    pub on_unscanned: OnUnscanned,
    /// What happens to a push with a file that cannot be opened: encrypted, damaged, packed by a
    /// method that is not known.
    pub on_unopened: OnUnscanned,
    /// Rules that act otherwise than `refuse_at` says.
    pub rules: BTreeMap<RuleId, RuleAction>,
}

/// What happens to a push of which something could not be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnscanned {
    /// It is refused.
    Refuse,
    /// It is accepted, and the gap is on record.
    Accept,
}

/// What a finding of one rule does to a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// Refuses it, whatever the confidence.
    Refuse,
    /// Is recorded, and lets it pass.
    Report,
    /// Nothing: the rule does not run.
    Off,
}

/// `[rules]`: rules beside those that ship with the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Directories of rule files (`*.toml`), in order.
    pub directories: Vec<PathBuf>,
}

/// `[owners]`: who answers for a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owners {
    /// The registry of owners; a file that is not there is an empty registry.
    pub file: PathBuf,
    /// The queue of what has no owner.
    pub default_queue: String,
}

/// `[keys]`: where the key files lie; see [`super::KeyFiles`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysSection {
    /// The directory.
    pub directory: PathBuf,
}

/// `[spool]`: where hooks leave what they did while the daemon was away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spool {
    /// The directory; the push accounts write there.
    pub directory: PathBuf,
    /// How often the daemon looks.
    pub poll: Duration,
    /// The most entries that the daemon takes in at one look; as many that wait are a failure.
    pub entries_max: usize,
}

/// `[ledger]`: which objects were scanned and found clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// The most objects that it knows; the oldest are forgotten first; 0 is no ledger.
    pub rows_max: u64,
}

/// `[hook]`: what `pushwarden hooks install` writes beside each hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// How long a hook waits for its verdict.
    pub deadline: Duration,
    /// What it adds for each 20 MB that it sends.
    pub deadline_per_20_mb: Duration,
    /// How long it waits for the daemon's hello before it takes the daemon for dead.
    pub hello_timeout: Duration,
    /// What it does then.
    pub on_unavailable: OnUnavailable,
}

/// What a hook does with a push when the daemon is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnavailable {
    /// Refuses it.
    Reject,
    /// Accepts it unscanned, with an entry in the spool.
    Accept,
    /// Scans it by a child process, with an entry in the spool.
    ScanLocally,
}

impl OnUnavailable {
    /// Returns the word for it in configuration and hook settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Accept => "accept",
            Self::ScanLocally => "scan-locally",
        }
    }
}

/// `[message]`: what a refusal tells beside the facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What stands before a ticket's id to make it a link.
    pub ticket_url: Option<String>,
    /// A line that says whom to ask.
    pub contact: Option<String>,
}

/// `[log]`: what the daemon writes to its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// In which form.
    pub format: LogFormat,
    /// From which level on.
    pub level: LogLevel,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object in each line.
    Json,
    /// Lines for people.
    Text,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Someone must act.
    Error,
    /// Degraded, but went on.
    Warn,
    /// One line for each push, job and transition.
    Info,
    /// Steps.
    Debug,
    /// Everything.
    Trace,
}
