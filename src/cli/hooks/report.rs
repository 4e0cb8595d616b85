//! What became of each repository, for people and for scripts.

use std::io::{self, Write};
use std::path::Path;

use super::super::format::Format;
use super::super::shell;
use super::refusal::Refusal;

/// What a repository is, or became.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The hook stands.
    Installed,
    /// The hook was removed, or was not there.
    Uninstalled,
    /// A canary was pushed and refused.
    Proven,
    /// The hook stands where a server runs it that only a push through it could show.
    Unproven,
    /// It has no hook of ours.
    NotInstalled,
    /// The hook stands, and git does not run it.
    Disabled,
    /// The daemon could not be asked for a canary.
    DaemonAway,
    /// It is not protected, or it could not be changed.
    Failed,
}

impl State {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Uninstalled => "uninstalled",
            Self::Proven => "proven",
            Self::Unproven => "unproven",
            Self::NotInstalled => "not-installed",
            Self::Disabled => "disabled",
            Self::DaemonAway => "daemon-away",
            Self::Failed => "failed",
        }
    }

    /// Tells whether nothing need be done.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Installed | Self::Uninstalled | Self::Proven)
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// The repository's path.
    pub id: String,
    /// What it is, or became.
    pub state: State,
    /// Why, or what is worth knowing although all is well.
    pub reason: Option<String>,
    /// The command that mends it.
    pub remedy: Option<String>,
}

impl Row {
    /// Makes a row without remarks.
    pub(super) fn plain(path: &Path, state: State) -> Self {
        Self { id: super::name(path), state, reason: None, remedy: None }
    }

    /// Adds a remark; several are joined.
    #[must_use]
    pub(super) fn because(mut self, reason: &str, remedy: &str) -> Self {
        let join = |old: Option<String>, new: &str| match old {
            Some(old) if old == new => Some(old),
            Some(old) => Some(format!("{old}; {new}")),
            None => Some(new.to_owned()),
        };
        self.reason = join(self.reason, reason);
        self.remedy = join(self.remedy, remedy);
        self
    }

    pub(super) fn refused(path: &Path, state: State, refusal: &Refusal) -> Self {
        Self::plain(path, state).because(&refusal.to_string(), &refusal.remedy())
    }
}

#[derive(serde::Serialize)]
struct Report<'a> {
    repositories: &'a [Row],
    /// All rows are in one answer; the key is there for the common shape of lists.
    next: Option<String>,
}

/// Writes all rows.
pub(super) fn write(rows: &[Row], format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => {
            let report = Report { repositories: rows, next: None };
            serde_json::to_writer(&mut *out, &report)?;
            writeln!(out)
        }
        Format::Text => rows.iter().try_for_each(|row| write_text(row, out)),
    }
}

fn write_text(row: &Row, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{:<13} {}", row.state.as_str(), shell::word(&row.id))?;
    let label = if row.state.is_well() { "note" } else { "because" };
    for (label, text) in [(label, &row.reason), ("mend", &row.remedy)] {
        if let Some(text) = text {
            writeln!(out, "  {label}: {}", printable(text))?;
        }
    }
    Ok(())
}

/// Reasons quote paths and output of other hooks: nothing of it may steer a terminal.
fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control(), "?")
}
