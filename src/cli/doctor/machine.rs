//! Accounts, disk, git, systemd: what the machine brings.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::shell::word;
use super::Check;
use crate::config::{Account, Config};

/// Below this much free disk, in bytes, somebody should look.
const FREE_BYTES_WARN: u64 = 1 << 30;
/// Below this much, the database's log and the spool may not fit the next busy hour.
const FREE_BYTES_FAIL: u64 = 64 << 20;

/// The oldest git that pushes were tried with.
const GIT_TRIED: (u32, u32) = (2, 39);

/// Where systemd looks for units, in its order.
const UNIT_DIRECTORIES: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

const UNITS: [&str; 3] =
    ["pushwarden.service", "pushwarden-push.socket", "pushwarden-admin.socket"];

pub(super) fn accounts(config: &Config) -> Vec<Check> {
    let named = [("push", &config.push.accounts), ("admin", &config.admin.accounts)];
    let unknown = named.iter().flat_map(|(section, accounts)| {
        let errors = accounts.iter().filter_map(|account| account.uid().err());
        errors.map(move |error| {
            let remedy = format!("useradd --system, or change `accounts` of [{section}]");
            Check::fail("accounts", error.to_string(), remedy)
        })
    });
    let mut checks: Vec<Check> = unknown.collect();
    if checks.is_empty() {
        checks.push(shared_accounts(config));
    }
    checks
}

/// An account that may both push and administer decides about its own pushes.
fn shared_accounts(config: &Config) -> Check {
    let uids = |accounts: &[Account]| -> BTreeSet<u32> {
        accounts.iter().filter_map(|account| account.uid().ok()).collect()
    };
    let both = &uids(&config.push.accounts) & &uids(&config.admin.accounts);
    match both.first() {
        Some(uid) if !config.admin.allow_self_approval => {
            let reason = format!("user id {uid} may push and administer");
            Check::warn("accounts", reason, "name different accounts in [push] and [admin]")
        }
        _ => Check::ok("accounts", "all exist"),
    }
}

pub(super) fn disk(config: &Config) -> Vec<Check> {
    let places = [("disk-state", &config.state_dir), ("disk-spool", &config.spool.directory)];
    places.into_iter().filter_map(|(id, path)| free(id, path)).collect()
}

/// Looks at free space; a place that is not there has a check of its own.
fn free(id: &'static str, path: &Path) -> Option<Check> {
    let stat = rustix::fs::statvfs(path).ok()?;
    let bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
    let found = format!("{} MiB free at {}", bytes >> 20, path.display());
    let remedy = format!("make room: df -h {}", word(path));
    let full = stat.f_files > 0 && stat.f_favail == 0;
    Some(if full {
        Check::fail(id, format!("no inode is free at {}", path.display()), remedy)
    } else if bytes < FREE_BYTES_FAIL {
        Check::fail(id, found, remedy)
    } else if bytes < FREE_BYTES_WARN {
        Check::warn(id, found, remedy)
    } else {
        Check::ok(id, found)
    })
}

pub(super) fn git() -> Check {
    let remedy = "apt install git";
    let output = match Command::new("git").arg("--version").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(error) => return Check::fail("git", format!("cannot run git: {error}"), remedy),
    };
    match version(&output) {
        Some(version) if version >= GIT_TRIED => Check::ok("git", output),
        Some(_) => {
            let reason = format!("{output} is older than what pushwarden was tried with");
            Check::warn("git", reason, remedy)
        }
        None => Check::warn("git", format!("unknown version: {output}"), remedy),
    }
}

/// Reads `git version 2.39.5 (Apple Git-154)`.
fn version(output: &str) -> Option<(u32, u32)> {
    let mut numbers = output.strip_prefix("git version ")?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}

/// Looks for the units; a self-contained instance needs none.
pub(super) fn systemd(config: &Config) -> Option<Check> {
    if !config.is_system() {
        return None;
    }
    let missing: Vec<&str> = UNITS.into_iter().filter(|unit| unit_file(unit).is_none()).collect();
    Some(if missing.is_empty() {
        Check::ok("systemd", "the units are there")
    } else {
        let remedy = "install them as systemd/README.md says, then: systemctl daemon-reload";
        Check::warn("systemd", format!("missing: {}", missing.join(", ")), remedy)
    })
}

fn unit_file(unit: &str) -> Option<PathBuf> {
    let places = UNIT_DIRECTORIES.iter().map(|directory| Path::new(directory).join(unit));
    places.into_iter().find(|path| fs::metadata(path).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_git_are_read() {
        #[track_caller]
        fn check(output: &str, want: Option<(u32, u32)>) {
            assert_eq!(version(output), want);
        }
        check("git version 2.39.5", Some((2, 39)));
        check("git version 2.55.0.dirty", Some((2, 55)));
        check("git version 2.39.5 (Apple Git-154)", Some((2, 39)));
        check("git version two", None);
        check("", None);
        assert!(GIT_TRIED < (10, 0));
    }
}
