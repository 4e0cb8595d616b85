//! `pushwarden incidents`: what was found, and what triage says of it.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::answer::{items, list, show_one};
use super::table::{Column, owner, owner_and_source, text};
use super::{CliError, ListArgs, ShowArgs, Terminal};
use crate::http::client::Client;

/// Lists incidents, shows them, and says that one is no leak
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  pushwarden incidents list --state open")]
pub enum IncidentsCommand {
    /// Lists incidents, newest first
    #[command(after_help = "Example:\n  pushwarden incidents list --state open --format json")]
    List(IncidentsListArgs),
    /// Shows an incident: where, whose, why
    #[command(after_help = "Example:\n  pushwarden incidents show INC-1")]
    Show {
        /// The incident: INC-1
        id: String,
        /// How to print it
        #[command(flatten)]
        show: ShowArgs,
    },
    /// Says that an incident is no leak: later pushes of the same value pass
    #[command(after_help = "Example:\n  pushwarden incidents dismiss INC-1 \
        --as test-value --reason \"fixture of the parser\"")]
    Dismiss(DismissArgs),
    /// Takes a dismissal back
    #[command(after_help = "Example:\n  pushwarden incidents reopen INC-1 --reason \"it is real\"")]
    Reopen {
        /// The incident: INC-1
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// How to print it
        #[command(flatten)]
        show: ShowArgs,
    },
}

/// Which incidents to list.
#[derive(Debug, clap::Args)]
pub struct IncidentsListArgs {
    /// Only in this state: open, reopened, false-positive
    #[arg(long)]
    state: Option<String>,
    /// Only of this repository (path or name)
    #[arg(long)]
    repository: Option<String>,
    /// Only of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Only found by this rule
    #[arg(long)]
    rule: Option<String>,
    /// Only those that nobody owns
    #[arg(long)]
    unowned: bool,
    /// Which page, and how to print it
    #[command(flatten)]
    list: ListArgs,
}

/// Which incident is no leak, and why.
#[derive(Debug, clap::Args)]
pub struct DismissArgs {
    /// The incident: INC-1
    id: String,
    /// As what: false-positive or test-value
    #[arg(long = "as", value_name = "DISPOSITION")]
    disposition: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// How to print it
    #[command(flatten)]
    show: ShowArgs,
}

const COLUMNS: &[Column] = &[
    Column { heading: "ID", cell: |item| text(item, &["id"]) },
    Column { heading: "STATE", cell: |item| text(item, &["state"]) },
    Column { heading: "SEVERITY", cell: |item| text(item, &["severity"]) },
    Column { heading: "RULE", cell: |item| text(item, &["rule"]) },
    Column { heading: "PREVIEW", cell: |item| text(item, &["preview"]) },
    Column { heading: "OWNER", cell: owner },
    Column { heading: "EXPOSURE", cell: |item| text(item, &["exposure"]) },
    Column { heading: "LAST SEEN", cell: |item| text(item, &["last_seen"]) },
];

/// Runs the command.
///
/// # Errors
/// If the daemon is away or says no.
pub fn run(
    command: &IncidentsCommand,
    client: &Client,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    match command {
        IncidentsCommand::List(args) => {
            let unowned = args.unowned.then_some("true");
            let filter = [
                ("state", args.state.as_deref()),
                ("repository", args.repository.as_deref()),
                ("owner", args.owner.as_deref()),
                ("rule", args.rule.as_deref()),
                ("unowned", unowned),
            ];
            list(client, "/v1/incidents", "incidents", &filter, &args.list, COLUMNS, terminal)
        }
        IncidentsCommand::Show { id, show } => {
            let incident = client.get(&format!("/v1/incidents/{}", super::percent_encode(id)))?;
            show_one(&incident, show.format, print_text, terminal)
        }
        IncidentsCommand::Dismiss(args) => {
            let body = json!({"as": args.disposition, "reason": args.reason});
            let path = format!("/v1/incidents/{}/dismiss", super::percent_encode(&args.id));
            show_one(&client.post(&path, &body)?, args.show.format, print_text, terminal)
        }
        IncidentsCommand::Reopen { id, reason, show } => {
            let path = format!("/v1/incidents/{}/reopen", super::percent_encode(id));
            show_one(
                &client.post(&path, &json!({"reason": reason}))?,
                show.format,
                print_text,
                terminal,
            )
        }
    }
}

fn print_text(incident: &Value, out: &mut dyn Write) -> io::Result<()> {
    let field = |path: &[&str]| text(incident, path);
    writeln!(out, "{}  {}  {}", field(&["id"]), field(&["state"]), field(&["severity"]))?;
    writeln!(out, "  rule        {} (confidence {})", field(&["rule"]), field(&["confidence"]))?;
    writeln!(out, "  value       {}", field(&["preview"]))?;
    if incident.get("known_as").is_some_and(Value::is_string) {
        writeln!(out, "  known as    {}", field(&["known_as"]))?;
    }
    writeln!(out, "  owner       {}", owner_and_source(incident))?;
    for step in items(incident.get("owner"), "chain") {
        let (source, evidence) = (text(step, &["source"]), text(step, &["evidence"]));
        let answer = step.get("answer").filter(|answer| answer.is_string());
        let answer = answer.map(|_| format!(": {}", text(step, &["answer"]))).unwrap_or_default();
        writeln!(out, "              {source}: {evidence}{answer}")?;
    }
    writeln!(out, "  exposure    {}", field(&["exposure"]))?;
    writeln!(
        out,
        "  decision    {}: {}",
        field(&["decision", "action"]),
        field(&["decision", "reason"])
    )?;
    if incident.get("disposition").is_some_and(Value::is_object) {
        let (kind, by) = (field(&["disposition", "as"]), field(&["disposition", "by"]));
        writeln!(out, "  dismissed   as {kind} by {by}: {}", field(&["disposition", "reason"]))?;
    }
    writeln!(out, "  first seen  {}", field(&["first_seen"]))?;
    writeln!(out, "  last seen   {}", field(&["last_seen"]))?;
    for ticket in items(Some(incident), "tickets") {
        writeln!(out, "  ticket      {} {}", text(ticket, &["id"]), text(ticket, &["state"]))?;
    }
    writeln!(out, "  occurrences {}", field(&["occurrences_total"]))?;
    for place in items(Some(incident), "occurrences") {
        let commit = text(place, &["commit"]).chars().take(12).collect::<String>();
        let (path, line) = (text(place, &["path"]), text(place, &["line"]));
        let (container, age) = (text(place, &["container"]), text(place, &["age"]));
        writeln!(out, "    {commit}  {path}:{line}  {container}, {age}")?;
    }
    Ok(())
}
