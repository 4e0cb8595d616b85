//! Wiring, done once: a configuration becomes a running daemon, or a local screening.
//!
//! ```text
//! Config ──► keys, rules, owners, store ──► Gate ──► push socket
//!                                    └────► Admin ─► admin socket
//!                                    └────► Jobs ──► outbox, spool
//! ```

mod daemon;
mod local;
mod sockets;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::config::{self, Config};
use crate::identity::Owners;
use crate::policy::{Action, OnUnscanned, Policy};
use crate::rule::Ruleset;
use crate::scan::layer;
use crate::service::screen_push::{Limits, Wording};

pub use daemon::serve;
pub use local::{Snapshot, screen_locally};

/// The largest rule file, in bytes.
const RULE_FILE_BYTES_MAX: u64 = 4 << 20;

/// The most rule files of a directory.
const RULE_FILES_MAX: usize = 1_000;

/// The largest owners file, in bytes.
const OWNERS_BYTES_MAX: u64 = 4 << 20;

/// Loads the shipped rules and the administrator's own.
///
/// # Errors
/// All that is wrong with them, at once.
pub fn load_rules(config: &Config) -> anyhow::Result<Ruleset> {
    let files = own_rule_files(config)?;
    Ruleset::with_shipped(&files).map_err(|errors| {
        let all: Vec<String> =
            errors.iter().map(|error| format!("{error}\n{}", error.excerpt())).collect();
        anyhow::anyhow!("{}", all.join("\n"))
    })
}

/// Reads the administrator's own rule files: path and text, in the order of their names.
fn own_rule_files(config: &Config) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for directory in &config.rules.directories {
        let mut paths = list(directory)
            .with_context(|| format!("cannot list the rule directory {}", directory.display()))?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
        paths.sort();
        anyhow::ensure!(
            paths.len() <= RULE_FILES_MAX,
            "{} holds more than {RULE_FILES_MAX} rule files",
            directory.display()
        );
        for path in paths {
            let text = read_bounded(&path, RULE_FILE_BYTES_MAX)?;
            files.push((path.display().to_string(), text));
        }
    }
    Ok(files)
}

/// Lists a directory whole. An entry that cannot be read ends the listing: what comes after it is
/// unknown, and rules that are left out in silence let credentials through.
fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

/// Loads `owners.toml`; without one, everything goes to the default queue.
///
/// # Errors
/// All that is wrong with it, at once.
pub fn load_owners(config: &Config) -> anyhow::Result<Owners> {
    let file = &config.owners.file;
    let text = if file.exists() { read_bounded(file, OWNERS_BYTES_MAX)? } else { String::new() };
    let owners = Owners::parse(&file.display().to_string(), &text)?;
    Ok(owners.or_default_queue(&config.owners.default_queue))
}

fn read_bounded(path: &Path, bytes_max: u64) -> anyhow::Result<String> {
    let file =
        std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(file, bytes_max + 1), &mut text)
        .with_context(|| format!("cannot read {} as text", path.display()))?;
    anyhow::ensure!(
        text.len() as u64 <= bytes_max,
        "{} is longer than {bytes_max} bytes",
        path.display()
    );
    Ok(text)
}

fn policy(config: &Config) -> Policy {
    let answer = |answer| match answer {
        config::OnUnscanned::Refuse => OnUnscanned::Refuse,
        config::OnUnscanned::Accept => OnUnscanned::Accept,
    };
    let action = |action: &config::RuleAction| match action {
        config::RuleAction::Refuse => Action::Refuse,
        config::RuleAction::Report => Action::Report,
        config::RuleAction::Off => Action::Ignore,
    };
    let rules = config.policy.rules.iter();
    Policy {
        refuse_at: config.policy.refuse_at,
        on_unscanned: answer(config.policy.on_unscanned),
        on_unopened: answer(config.policy.on_unopened),
        actions: rules.map(|(rule, wanted)| (rule.clone(), action(wanted))).collect(),
    }
}

/// Returns the policy that scans outside a push report by.
#[must_use]
pub fn policy_of(config: &Config) -> Policy {
    policy(config)
}

fn limits(config: &Config) -> Limits {
    let push = &config.push;
    Limits {
        pushes_max: push.pushes_max,
        pushes_waiting_max: push.pushes_waiting_max,
        waiting_timeout: push.waiting_timeout,
        pushes_per_repository_max: push.pushes_per_repository_max,
        waiting_per_repository_max: push.waiting_per_repository_max,
        pushes_per_pusher_max: push.pushes_per_pusher_max,
        waiting_per_pusher_max: push.waiting_per_pusher_max,
        deadline: push.deadline,
        deadline_per_20_mb: push.deadline_per_20_mb,
        push_bytes_max: push.push_bytes_max,
        in_flight_bytes_max: usize::try_from(push.in_flight_bytes_max).unwrap_or(usize::MAX),
        gathered_bytes_max: usize::try_from(push.gathered_bytes_max).unwrap_or(usize::MAX),
        findings_max: push.findings_max,
        hits_max: push.hits_max,
        layers: layer::Limits {
            depth_max: push.layer_depth_max,
            bytes_max: push.layer_bytes_max,
            parts_max: push.layer_parts_max,
        },
    }
}

fn wording(config: &Config) -> Wording {
    Wording {
        ticket_url: config.message.ticket_url.clone(),
        contact: config.message.contact.clone(),
    }
}

fn workers(config: &Config) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    config.push.workers.unwrap_or(cores)
}
