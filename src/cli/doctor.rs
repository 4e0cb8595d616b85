//! `pushwarden doctor`: what is wrong with this installation, and the command that mends it.
//!
//! ```text
//! configuration ──► accounts, keys, state, spool, sockets, disk, git, systemd ──► Check… ──► rows
//! ```
//!
//! It reads and asks, and changes nothing. Repositories are another matter: `pushwarden hooks
//! status` proves those, for it needs pushes to do so.

mod access;
mod files;
mod machine;
mod sockets;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::Path;

use super::format::Format;
use super::shell;
use crate::config::{Config, ConfigErrors};

/// Tells what is wrong with this installation, and the commands that mend it
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "Example:\n  sudo pushwarden doctor")]
pub struct DoctorArgs {
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Exit code: nothing but the configuration could be looked at.
const UNUSABLE: u8 = 3;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// It does not work, or is not safe.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was looked at: a stable name.
    pub id: &'static str,
    /// How it came out.
    pub state: Health,
    /// What was found.
    pub reason: String,
    /// The command that mends it.
    pub remedy: Option<String>,
}

impl Check {
    /// Says that all is well.
    pub fn ok(id: &'static str, found: impl Into<String>) -> Self {
        Self { id, state: Health::Ok, reason: found.into(), remedy: None }
    }

    /// Says that somebody should look.
    pub fn warn(id: &'static str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { id, state: Health::Warn, reason: reason.into(), remedy: Some(remedy.into()) }
    }

    /// Says that it does not work, or is not safe.
    pub fn fail(id: &'static str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: Health::Fail, ..Self::warn(id, reason, remedy) }
    }
}

/// Why the command itself failed.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The terminal or pipe is gone.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}

/// Looks at the installation of `file`, adds what `more` looks at, prints it all, and returns the
/// exit code: 1 where something fails, 3 where there is no configuration to start from.
pub fn run(
    args: &DoctorArgs,
    file: &Path,
    more: &dyn Fn(&Config) -> Vec<Check>,
    out: &mut dyn Write,
) -> Result<u8, DoctorError> {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(errors) => {
            write(&[refused(file, &errors)], args.format, out)?;
            return Ok(UNUSABLE);
        }
    };
    let mut checks = checks(&config);
    checks.extend(more(&config));
    write(&checks, args.format, out)?;
    let failed = checks.iter().any(|check| check.state == Health::Fail);
    Ok(u8::from(failed))
}

/// Looks at everything that the configuration names.
pub fn checks(config: &Config) -> Vec<Check> {
    let mut checks = vec![Check::ok("config", config.file.display().to_string())];
    checks.extend(machine::accounts(config));
    checks.push(files::keys(config));
    checks.push(files::public_key(config));
    checks.push(files::state(config));
    checks.push(files::spool(config));
    checks.push(files::spool_entries(config));
    checks.extend(files::rules(config));
    checks.push(sockets::push(config));
    checks.push(sockets::admin(config));
    checks.push(sockets::admin_closed(config));
    checks.extend(machine::disk(config));
    checks.push(machine::git());
    checks.extend(machine::systemd(config));
    checks
}

fn refused(file: &Path, errors: &ConfigErrors) -> Check {
    let mut reason = errors.to_string();
    let mut source = std::error::Error::source(errors);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    let remedy = match errors {
        ConfigErrors::Read { .. } => "pushwarden init DIR, or name a file with --config".to_owned(),
        _ => format!("edit it, then: pushwarden config check --config {}", shell::word(file)),
    };
    Check::fail("config", reason, remedy)
}

#[derive(serde::Serialize)]
struct Report<'a> {
    checks: &'a [Check],
    next: Option<String>,
}

fn write(checks: &[Check], format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, &Report { checks, next: None })?;
            writeln!(out)
        }
        Format::Text => checks.iter().try_for_each(|check| write_text(check, out)),
    }
}

fn write_text(check: &Check, out: &mut dyn Write) -> io::Result<()> {
    let state = match check.state {
        Health::Ok => "ok",
        Health::Warn => "warn",
        Health::Fail => "FAIL",
    };
    writeln!(out, "{state:<5} {:<14} {}", check.id, printable(&check.reason))?;
    match &check.remedy {
        Some(remedy) => writeln!(out, "  mend: {}", printable(remedy)),
        None => Ok(()),
    }
}

/// Reasons quote files and errors: line breaks stay, for those of the configuration have some.
fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "?")
}
