//! `pushwarden hooks`: puts the hook into repositories, takes it out, and proves that it works.
//!
//! ```text
//! REPO… ──► find ──► Repository ──► install / uninstall ──► hooks/ (through one descriptor)
//!                        │
//!                        └──► status: inspect, then a canary push that must be refused
//! ```
//!
//! `hooks/pre-receive` becomes a link to the program, never a shell script around it, and beside it
//! stand the settings (`pre-receive.pushwarden`) and a hook that was there before
//! (`pre-receive.pushwarden-chained`). One repository that cannot be done does not stop the others:
//! each has a row in the report, with the command that mends it.
//!
//! `core.hooksPath` is never set: for all repositories at once it would switch off their other
//! hooks, among them gitolite's access control.

mod canary;
mod delegate;
mod directory;
mod find;
mod git;
mod inspect;
mod install;
mod refusal;
mod report;
mod settings;
mod status;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use super::format::Format;
use crate::config::Config;

pub use canary::{Canary, CanaryError, IssueCanary, VERDICT_START, verdict_text};
pub use refusal::Refusal;
pub use report::{Row, State};
pub use settings::Programs;

use find::Found;

/// Installs, removes and proves the hook of repositories
#[derive(Clone, Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  pushwarden hooks status /srv/git")]
pub enum HooksCommand {
    /// Installs the hook; one that is there already is kept and runs after it
    #[command(after_help = "Example:\n  pushwarden hooks install /srv/git")]
    Install(RepositoryArgs),
    /// Removes the hook, and puts back the one that was there before
    #[command(after_help = "Example:\n  pushwarden hooks uninstall /srv/git/app.git")]
    Uninstall(RepositoryArgs),
    /// Proves each repository by a push of a canary, which must be refused
    #[command(after_help = "Example:\n  pushwarden hooks status /srv/git --format json")]
    Status(RepositoryArgs),
}

/// Which repositories, and how to print what became of them.
#[derive(Clone, Debug, clap::Args)]
pub struct RepositoryArgs {
    /// Repositories, and folders that are searched for bare repositories
    #[arg(required = true, value_name = "REPO")]
    pub repositories: Vec<PathBuf>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Why the command itself failed; what is wrong with a repository is in its row.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// The program cannot tell where it lies, so it cannot be linked to.
    #[error("cannot find this program's own file")]
    Program(#[source] io::Error),
    /// The terminal or pipe is gone.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}

/// What the commands work with.
pub struct Context<'a> {
    /// The settings; `[hook]` goes into each repository.
    pub config: &'a Config,
    /// The programs that are linked to.
    pub programs: &'a Programs,
    /// Asks the daemon for a canary, over the admin socket.
    pub issue_canary: &'a IssueCanary<'a>,
}

/// Runs the command; returns the exit code: 1 where `status` could not prove a repository, 3 where
/// a repository could not be changed.
pub fn run(
    command: &HooksCommand,
    context: &Context<'_>,
    out: &mut dyn Write,
) -> Result<u8, HooksError> {
    let (args, failed, act): (_, u8, Act) = match command {
        HooksCommand::Install(args) => (args, 3, install::install),
        HooksCommand::Uninstall(args) => (args, 3, install::uninstall),
        HooksCommand::Status(args) => (args, 1, status::status),
    };
    let found = find::find(&args.repositories);
    let progress = progress(&found);
    let rows: Vec<Row> = found.iter().map(|found| row(found, context, act, &progress)).collect();
    progress.finish_and_clear();
    report::write(&rows, args.format, out)?;
    let well = rows.iter().all(|row| row.state.is_well());
    Ok(if well { 0 } else { failed })
}

/// What a command does to one repository.
type Act = fn(&git::Repository, &Context<'_>) -> Row;

fn row(found: &Found, context: &Context<'_>, act: Act, progress: &ProgressBar) -> Row {
    let row = match found {
        Found::Repository(repository) => act(repository, context),
        Found::Nothing(path, refusal) => Row::refused(path, State::Failed, refusal),
    };
    progress.inc(1);
    row
}

/// Shows progress on a terminal, where there is enough to do that somebody would wonder.
fn progress(found: &[Found]) -> ProgressBar {
    const REPOSITORIES_MIN: usize = 8;
    if found.len() < REPOSITORIES_MIN || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(found.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} repositories, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Names `path` in messages and as the id of its row.
fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
