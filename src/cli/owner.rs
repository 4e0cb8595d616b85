//! `pushwarden owner explain`: who would answer for a credential there, and why.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::format::Format;
use super::{CliError, DONE, Terminal, print_json};
use crate::app;
use crate::config::Config;
use crate::finding::Facts;
use crate::identity::{Codeowners, Question, explain, resolve};
use crate::push;

/// Tells who answers for what
#[derive(Debug, clap::Subcommand)]
pub enum OwnerCommand {
    /// Explains who would own a credential found at a path, and every source that was asked
    #[command(after_help = "Example:\n  pushwarden owner explain --repo /srv/git/app.git \
        --path deploy/prod.env --rule aws-access-key")]
    Explain(ExplainArgs),
}

/// What is asked about.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The repository; CODEOWNERS is read from its default branch
    #[arg(long, value_name = "REPO")]
    repo: PathBuf,
    /// The path of the file in it
    #[arg(long)]
    path: Option<String>,
    /// The rule that would find it
    #[arg(long)]
    rule: String,
    /// A fact of the credential, as name=value; may be repeated
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// If the owners file or the repository cannot be read.
pub fn run(
    command: &OwnerCommand,
    config: &Config,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    let OwnerCommand::Explain(args) = command;
    let owners = app::load_owners(config)
        .map_err(|error| CliError::failed("the owners file cannot be used", error, "mend it"))?;
    let facts = facts(&args.facts)?;
    let codeowners = codeowners(&args.repo)?;
    let repository = std::path::absolute(&args.repo).unwrap_or_else(|_| args.repo.clone());
    let question = Question {
        rule: &args.rule,
        facts: &facts,
        path: args.path.as_deref().map(str::as_bytes),
        repository: repository.as_os_str().as_bytes(),
        repository_name: None,
        known_as: None,
        known_owner: None,
    };
    let owner = resolve(&question, &owners, codeowners.as_ref());
    match args.format {
        Format::Json => print_json(&owner, terminal)?,
        Format::Text => write!(terminal.out, "{}", explain(&owner))?,
    }
    Ok(DONE)
}

fn facts(pairs: &[String]) -> Result<Facts, CliError> {
    let read = |pair: &String| {
        let split = pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        split.ok_or_else(|| {
            CliError::usage(format!("`{pair}` is no fact"), "write --fact account=123456789012")
        })
    };
    pairs.iter().map(read).collect()
}

/// Reads CODEOWNERS as a push would: from the default branch, whatever the work tree holds.
fn codeowners(repository: &Path) -> Result<Option<Codeowners>, CliError> {
    let file = push::owners_file(repository).map_err(|error| {
        let message = format!("cannot read the repository {}", repository.display());
        CliError::failed(message, error, "name a repository that this account can read")
    })?;
    Ok(file.map(|file| Codeowners::parse(&file.path, &file.bytes)))
}
