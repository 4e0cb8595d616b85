//! Keys, state, spool, rules: what lies on disk.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::super::shell::word;
use super::Check;
use super::access::{PASS, Person, READ, WRITE};
use crate::config::{Account, Config, KeyError, keys};
use crate::service::ingest::ASIDE_SUFFIX;

/// How long an entry may lie in the spool before somebody should look. The daemon takes entries
/// in within seconds while it runs.
const ENTRY_AGE_MAX: Duration = Duration::from_hours(1);

pub(super) fn keys(config: &Config) -> Check {
    let files = config.key_files();
    match files.read() {
        Ok(_) => Check::ok("keys", config.keys.directory.display().to_string()),
        Err(_) if files.is_empty() => {
            let reason = format!("there are no keys in {}", config.keys.directory.display());
            Check::fail("keys", reason, "the daemon makes them when it first starts")
        }
        Err(error) => Check::fail("keys", with_cause(&error), key_remedy(&error)),
    }
}

fn key_remedy(error: &KeyError) -> String {
    match error {
        KeyError::Exposed { path, .. } => format!("chmod 600 {}", word(path)),
        KeyError::Foreign { path, ours, .. } => format!("chown {ours} {}", word(path)),
        KeyError::Shape { path } => format!("restore {} from a backup", word(path)),
        KeyError::Read { .. } | KeyError::Make { .. } => {
            "run this as root, or restore the key from a backup".to_owned()
        }
    }
}

pub(super) fn public_key(config: &Config) -> Check {
    let id = "public-key";
    let path = config.key_files().public_key();
    let (directory, file) = (word(&config.keys.directory), word(&path));
    if let Err(error) = keys::read_public(&path) {
        let remedy = "the daemon makes it when it starts; it takes the secret one for that";
        return Check::fail(id, with_cause(&error), remedy);
    }
    // A secret key that cannot be read has a check of its own.
    if let Ok(false) = config.key_files().is_pair() {
        let reason = format!("{} does not belong to the secret key", path.display());
        return Check::fail(id, reason, format!("rm {file}, and restart the daemon"));
    }
    match blocked(config, &path, READ) {
        None => Check::ok(id, path.display().to_string()),
        Some(account) => {
            let reason = format!("{account} cannot read {}", path.display());
            Check::fail(id, reason, format!("chmod a+x {directory} && chmod a+r {file}"))
        }
    }
}

pub(super) fn state(config: &Config) -> Check {
    let path = &config.state_dir;
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return missing("state", config, path, &error),
    };
    // Passing through is fine: hooks read the public key and the rule snapshot below.
    if metadata.mode() & 0o066 != 0 {
        let reason = format!("others can look into or change {}", path.display());
        return Check::fail("state", reason, format!("chmod go-rw {}", word(path)));
    }
    if rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_err() {
        let reason = format!("this account cannot write to {}", path.display());
        let remedy = "run this as root or as the daemon's account";
        return Check::warn("state", reason, remedy);
    }
    Check::ok("state", path.display().to_string())
}

pub(super) fn spool(config: &Config) -> Check {
    let path = &config.spool.directory;
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return missing("spool", config, path, &error),
    };
    if metadata.mode() & 0o006 != 0 {
        let reason = format!("every account can reach {}", path.display());
        return Check::fail("spool", reason, format!("chmod o-rw {}", word(path)));
    }
    // Reading, too: a hook syncs the directory before it lets a push in.
    match blocked(config, path, READ | WRITE | PASS) {
        None => Check::ok("spool", path.display().to_string()),
        Some(account) => {
            let reason = format!("{account} cannot write to {}", path.display());
            let (account, path) = (word(&account), word(path));
            let remedy = format!("chgrp {account} {path} && chmod 3770 {path}");
            Check::fail("spool", reason, remedy)
        }
    }
}

pub(super) fn spool_entries(config: &Config) -> Check {
    let id = "spool-entries";
    let path = &config.spool.directory;
    let Counted { waiting, old, aside } = match count_entries(path, config.spool.entries_max) {
        Ok(counted) => counted,
        Err(error) => {
            let reason = format!("cannot list {}: {error}", path.display());
            return Check::warn(id, reason, "run this as root or as the daemon's account");
        }
    };
    let remedy = "see why the daemon does not take them in: journalctl -u pushwarden";
    if waiting + aside >= config.spool.entries_max {
        let reason = format!("entries that wait: {waiting} or more");
        return Check::fail(id, reason, remedy);
    }
    if old > 0 {
        let reason = format!("entries that wait for more than an hour: {old} of {waiting}");
        return Check::warn(id, reason, remedy);
    }
    if aside > 0 {
        let reason = format!(
            "entries put aside because they cannot be read: {aside}; each may stand for a push \
             that was let in"
        );
        let entries = format!("{}/*{ASIDE_SUFFIX}", word(path));
        let remedy =
            format!("see `pushwarden pushes unscanned`, scan what was pushed, then: rm {entries}");
        return Check::fail(id, reason, remedy);
    }
    Check::ok(id, format!("{waiting} wait"))
}

/// What lies in the spool.
#[derive(Default)]
struct Counted {
    /// Entries that wait for the daemon.
    waiting: usize,
    /// Those of them that have waited for long.
    old: usize,
    /// Entries that the daemon could not read.
    aside: usize,
}

/// Counts the entries; looks at no more than `entries_max`.
fn count_entries(path: &Path, entries_max: usize) -> io::Result<Counted> {
    let mut counted = Counted::default();
    for entry in fs::read_dir(path)?.take(entries_max) {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().ends_with(ASIDE_SUFFIX.as_bytes()) {
            counted.aside += 1;
            continue;
        }
        let Ok(metadata) = entry.metadata() else {
            continue; // The daemon took it in while we looked.
        };
        counted.waiting += 1;
        let age = metadata.modified()?.elapsed().unwrap_or_default();
        counted.old += usize::from(age > ENTRY_AGE_MAX);
    }
    Ok(counted)
}

pub(super) fn rules(config: &Config) -> Vec<Check> {
    let check = |path: &Path| match fs::read_dir(path) {
        Ok(_) => Check::ok("rules", path.display().to_string()),
        Err(error) => missing("rules", config, path, &error),
    };
    config.rules.directories.iter().map(|path| check(path)).collect()
}

/// Returns the first account that may push and may not do `wanted` with `path`.
pub(super) fn blocked(config: &Config, path: &Path, wanted: u32) -> Option<String> {
    let may = |account: &&Account| match Person::find(account) {
        Ok(person) => person.may(path, wanted).unwrap_or(false),
        // An account that does not exist has a check of its own.
        Err(_) => true,
    };
    let account = config.push.accounts.iter().find(|account| !may(account))?;
    Some(account.to_string())
}

/// Tells whether the account `uid` may push.
pub(super) fn may_push(config: &Config, uid: u32) -> bool {
    let accounts = config.push.accounts.iter();
    accounts.filter_map(|account| account.uid().ok()).any(|pusher| pusher == uid)
}

fn missing(id: &'static str, config: &Config, path: &Path, error: &io::Error) -> Check {
    let reason = format!("cannot read {}: {error}", path.display());
    let remedy = if config.is_system() && id != "rules" {
        "systemd-tmpfiles --create pushwarden.conf".to_owned()
    } else {
        format!("mkdir -m 700 {}", word(path))
    };
    Check::fail(id, reason, remedy)
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
