//! `pushwarden audit`: the hash chain of everything that was decided and done.

use std::io::Write;

use serde_json::Value;

use super::answer::{items, show_one};
use super::table::text;
use super::{CliError, DONE, FOUND, Terminal, print_json, query};
use crate::cli::format::Format;
use crate::http::client::{Client, ClientError};
use crate::wire::count;

/// Verifies and exports the audit log
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  pushwarden audit verify")]
pub enum AuditCommand {
    /// Walks the whole hash chain; exit code 1 names the first entry that was changed
    #[command(after_help = "Example:\n  pushwarden audit verify")]
    Verify {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Prints every entry as JSON, one a line, oldest first
    #[command(after_help = "Example:\n  pushwarden audit export > audit.jsonl")]
    Export,
}

/// Runs the command.
///
/// # Errors
/// If the daemon is away or says no.
pub fn run(
    command: &AuditCommand,
    client: &Client,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    match command {
        AuditCommand::Verify { format } => verify(*format, client, terminal),
        AuditCommand::Export => export(client, terminal),
    }
}

fn verify(format: Format, client: &Client, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    let head = match client.get("/v1/audit/verify") {
        Ok(head) => head,
        Err(ClientError::Refused(detail)) if detail.code == "chain" => {
            match format {
                Format::Json => print_json(&serde_json::json!({"error": detail}), terminal)?,
                Format::Text => writeln!(terminal.out, "broken: {}", detail.message)?,
            }
            return Ok(FOUND);
        }
        Err(error) => return Err(error.into()),
    };
    let whole = |head: &Value, out: &mut dyn Write| {
        let entries = head.get("seq").and_then(Value::as_u64).unwrap_or_default();
        writeln!(out, "whole: {}, head {}", count(entries, "entry"), text(head, &["hash"]))
    };
    show_one(&head, format, whole, terminal)
}

fn export(client: &Client, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    let mut after: Option<String> = None;
    loop {
        let page = client
            .get(&query("/v1/audit", &[("after", after.as_deref()), ("limit", Some("1000"))]))?;
        for entry in items(Some(&page), "events") {
            print_json(entry, terminal)?;
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = Some(next.to_owned()),
            None => return Ok(DONE),
        }
    }
}
