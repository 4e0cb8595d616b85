//! `pushwarden owner explain`: who would answer for a credential there, and why.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::format::Format;
use super::{CliError, DONE, Terminal, print_json};
use crate::app;
use crate::config::Config;
use crate::config::similar::nearest;
use crate::finding::Facts;
use crate::identity::{Codeowners, Question, explain, resolve};
use crate::push;
use crate::wire::escape;

/// What findings of the inventory's shapeless values name as their rule.
const KNOWN_SECRET_RULE: &str = "known-secret";

/// The most rules that are proposed for one that there is not.
const NEAR_MAX: usize = 5;

/// Tells who answers for what
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Example:\n  pushwarden owner explain --repo /srv/git/app.git --rule aws-access-key-id"
)]
pub enum OwnerCommand {
    /// Explains who would own a credential found at a path, and every source that was asked
    #[command(after_help = "Example:\n  pushwarden owner explain --repo /srv/git/app.git \
        --path deploy/prod.env --rule aws-access-key-id")]
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
    check_rule(&args.rule, config)?;
    let facts = facts(&args.facts)?;
    let codeowners = codeowners(&args.repo)?;
    let repository = std::fs::canonicalize(&args.repo).unwrap_or_else(|_| args.repo.clone());
    if !args.repo.is_absolute() {
        let shown = escape::line(repository.as_os_str().as_bytes(), usize::MAX);
        writeln!(terminal.err, "note: the repository is taken to be {shown}")?;
    }
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

/// Sees that there is such a rule: for any other the answer would be the default queue.
fn check_rule(id: &str, config: &Config) -> Result<(), CliError> {
    let ruleset = app::load_rules(config)
        .map_err(|error| CliError::failed("the rules cannot be used", error, "mend them"))?;
    if id == KNOWN_SECRET_RULE || ruleset.find(id).is_some() {
        return Ok(());
    }
    let ids: Vec<&str> = ruleset.rules().iter().map(|rule| rule.id.as_str()).collect();
    let begins_so = ids.iter().copied().filter(|known| !id.is_empty() && known.starts_with(id));
    let mut near: Vec<&str> = nearest(id, &ids).into_iter().chain(begins_so).collect();
    near.dedup();
    near.truncate(NEAR_MAX);
    let remedy = if near.is_empty() {
        "see `pushwarden rules list`".to_owned()
    } else {
        format!("did you mean {}? `pushwarden rules list` has all", near.join(", "))
    };
    Err(CliError::usage(format!("there is no rule `{id}`"), remedy))
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
