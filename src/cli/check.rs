//! `pushwarden config check`: everything that is wrong with the configuration, at once.

use std::path::Path;

use super::format::Format;
use super::{CliError, DONE, Terminal, load, print_json};
use crate::app;

/// Checks the configuration
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  pushwarden config check")]
pub enum ConfigCommand {
    /// Checks the configuration, the rules and the owners it names, and says all that is wrong
    #[command(after_help = "Example:\n  pushwarden config check --config ./pushwarden.toml")]
    Check {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Runs the command.
///
/// # Errors
/// If anything is wrong.
pub fn run(
    command: &ConfigCommand,
    named: Option<&Path>,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    let ConfigCommand::Check { format } = command;
    let config = load(named)?;
    let wrong = |error| CliError::failed("the configuration cannot be used", error, "mend it");
    let ruleset = app::load_rules(&config).map_err(wrong)?;
    app::load_owners(&config).map_err(wrong)?;
    match format {
        Format::Json => {
            let file = config.file.display().to_string();
            print_json(&serde_json::json!({"file": file, "state": "valid"}), terminal)?;
        }
        Format::Text => {
            let rules = ruleset.rules().len();
            writeln!(terminal.out, "{}: valid, {rules} rules", config.file.display())?;
        }
    }
    Ok(DONE)
}
