//! `pushwarden tickets`: the built-in queue.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::answer::{items, list, show_one};
use super::table::{Column, owner, owner_and_source, text};
use super::{CliError, ListArgs, ShowArgs, Terminal};
use crate::http::client::Client;

/// Lists and shows revocation tickets
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  pushwarden tickets list --owner payments-oncall")]
pub enum TicketsCommand {
    /// Lists tickets, newest first
    #[command(after_help = "Example:\n  pushwarden tickets list --owner payments-oncall")]
    List {
        /// Only in this state: open, reopened, closed
        #[arg(long)]
        state: Option<String>,
        /// Only of this owner
        #[arg(long)]
        owner: Option<String>,
        /// Which page, and how to print it
        #[command(flatten)]
        list: ListArgs,
    },
    /// Shows a ticket: what to revoke, where, and what should replace it
    #[command(after_help = "Example:\n  pushwarden tickets show TKT-1")]
    Show {
        /// The ticket: TKT-1
        id: String,
        /// How to print it
        #[command(flatten)]
        show: ShowArgs,
    },
    /// Closes a ticket; its incident stays open until the credential is dead or dismissed
    #[command(after_help = "Example:\n  pushwarden tickets close TKT-1 --reason \"key deleted\"")]
    Close {
        /// The ticket: TKT-1
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// How to print it
        #[command(flatten)]
        show: ShowArgs,
    },
}

const COLUMNS: &[Column] = &[
    Column { heading: "ID", cell: |item| text(item, &["id"]) },
    Column { heading: "STATE", cell: |item| text(item, &["state"]) },
    Column { heading: "INCIDENT", cell: |item| text(item, &["incident"]) },
    Column { heading: "SEVERITY", cell: |item| text(item, &["severity"]) },
    Column { heading: "OWNER", cell: owner },
    Column { heading: "TITLE", cell: |item| text(item, &["title"]) },
];

/// Runs the command.
///
/// # Errors
/// If the daemon is away or says no.
pub fn run(
    command: &TicketsCommand,
    client: &Client,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    let path = |id: &str| format!("/v1/tickets/{}", super::percent_encode(id));
    match command {
        TicketsCommand::List { state, owner, list: args } => {
            let filter = [("state", state.as_deref()), ("owner", owner.as_deref())];
            list(client, "/v1/tickets", "tickets", &filter, args, COLUMNS, terminal)
        }
        TicketsCommand::Show { id, show } => {
            show_one(&client.get(&path(id))?, show.format, print_text, terminal)
        }
        TicketsCommand::Close { id, reason, show } => {
            let closed = client.post(&format!("{}/close", path(id)), &json!({"reason": reason}))?;
            show_one(&closed, show.format, print_text, terminal)
        }
    }
}

fn print_text(ticket: &Value, out: &mut dyn Write) -> io::Result<()> {
    let field = |path: &[&str]| text(ticket, path);
    writeln!(out, "{}  {}  {}", field(&["id"]), field(&["state"]), field(&["title"]))?;
    writeln!(out, "incident {} ({})", field(&["incident"]), field(&["incident_state"]))?;
    writeln!(out, "owner {}", owner_and_source(ticket))?;
    writeln!(out)?;
    writeln!(out, "{}", field(&["body"]).trim_end())?;
    writeln!(out)?;
    for event in items(Some(ticket), "events") {
        let (at, kind, by) = (text(event, &["at"]), text(event, &["kind"]), text(event, &["by"]));
        writeln!(out, "{at}  {kind} by {by}  {}", text(event, &["text"]))?;
    }
    Ok(())
}
