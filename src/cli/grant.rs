//! `pushwarden grant`: the way through the gate for one secret, bounded and audited.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::answer::{list, show_one};
use super::table::{Column, text};
use super::{CliError, ListArgs, ShowArgs, Terminal};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::http::client::Client;
use crate::wire::count;

/// Lets one secret through, for a while
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  pushwarden grant list")]
pub enum GrantCommand {
    /// Gives a grant: pushes of that secret to that repository pass
    #[command(after_help = "Example:\n  pushwarden grant create --incident INC-1 \
        --repo /srv/git/app.git --uses 1 --expires 2d --reason \"released fixture, CHG-7\"")]
    Create(CreateArgs),
    /// Lists grants, newest first
    #[command(after_help = "Example:\n  pushwarden grant list --format json")]
    List {
        /// Which page, and how to print it
        #[command(flatten)]
        list: ListArgs,
    },
    /// Takes a grant back
    #[command(
        after_help = "Example:\n  pushwarden grant revoke GRT-1 --reason \"no longer needed\""
    )]
    Revoke {
        /// The grant: GRT-1
        id: String,
        /// Why
        #[arg(long, default_value = "taken back")]
        reason: String,
        /// How to print it
        #[command(flatten)]
        show: ShowArgs,
    },
}

/// What the grant opens.
#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// The incident whose secret may pass: INC-1
    #[arg(long)]
    incident: String,
    /// Where: a repository's path or name, or a glob such as team/*.git
    #[arg(long, value_name = "REPO")]
    repo: String,
    /// Only for this pusher
    #[arg(long)]
    pusher: Option<String>,
    /// How many pushes may use it
    #[arg(long, value_name = "N", default_value_t = 1)]
    uses: u32,
    /// Until when: 30m, 12h, 7d, a date (2026-12-31) or a time (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    expires: String,
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
    Column { heading: "INCIDENT", cell: |item| text(item, &["incident"]) },
    Column { heading: "REPOSITORY", cell: |item| text(item, &["repository"]) },
    Column { heading: "USED", cell: |item| text(item, &["used"]) },
    Column { heading: "OF", cell: |item| text(item, &["uses"]) },
    Column { heading: "EXPIRES", cell: |item| text(item, &["expires_at"]) },
    Column { heading: "BY", cell: |item| text(item, &["created_by"]) },
];

/// Runs the command.
///
/// # Errors
/// If the daemon is away or says no, or an argument makes no sense.
pub fn run(
    command: &GrantCommand,
    client: &Client,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    let (grant, format) = match command {
        GrantCommand::List { list: args } => {
            return list(client, "/v1/grants", "grants", &[], args, COLUMNS, terminal);
        }
        GrantCommand::Create(args) => {
            let expires = when(&args.expires, SystemClock.now())?;
            let body = json!({
                "incident": args.incident, "repository": args.repo, "pusher": args.pusher,
                "uses": args.uses, "expires": expires, "reason": args.reason,
            });
            (client.post("/v1/grants", &body)?, args.show.format)
        }
        GrantCommand::Revoke { id, reason, show } => {
            let path = format!("/v1/grants/{}/revoke", super::percent_encode(id));
            (client.post(&path, &json!({"reason": reason}))?, show.format)
        }
    };
    show_one(&grant, format, print_text, terminal)
}

fn print_text(grant: &Value, out: &mut dyn Write) -> io::Result<()> {
    let field = |name| text(grant, &[name]);
    let (id, state, incident) = (field("id"), field("state"), field("incident"));
    let uses = grant.get("uses").and_then(Value::as_u64).unwrap_or_default();
    let (uses, repository) = (count(uses, "time"), field("repository"));
    let until = field("expires_at");
    writeln!(out, "{id} {state}: {incident} may pass {uses} to {repository} until {until}")
}

/// Reads a span from now, a date (its end, UTC) or a time.
fn when(text: &str, now: Timestamp) -> Result<Timestamp, CliError> {
    let span = text.len().checked_sub(1).and_then(|last| text.split_at_checked(last));
    let seconds = match span {
        Some((number, "m")) => number.parse::<u64>().ok().and_then(|n| n.checked_mul(60)),
        Some((number, "h")) => number.parse::<u64>().ok().and_then(|n| n.checked_mul(3_600)),
        Some((number, "d")) => number.parse::<u64>().ok().and_then(|n| n.checked_mul(86_400)),
        _ => None,
    };
    if let Some(seconds) = seconds {
        return Ok(now.after(std::time::Duration::from_secs(seconds)));
    }
    let time = Timestamp::parse(text).or_else(|_| Timestamp::parse(&format!("{text}T23:59:59Z")));
    time.map_err(|_| {
        CliError::usage(
            format!("`{text}` is no time"),
            "write 30m, 12h, 7d, 2026-12-31 or 2026-12-31T18:00:00Z",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_span_a_date_or_a_time() {
        #[track_caller]
        fn check(text: &str, want: &str) {
            let now = Timestamp::parse("2026-11-22T12:00:00Z").unwrap();
            let got = when(text, now).map(|time| time.to_string()).unwrap_or_default();
            assert_eq!(got, want, "{text}");
        }
        check("30m", "2026-11-22T12:30:00Z");
        check("12h", "2026-11-23T00:00:00Z");
        check("7d", "2026-11-29T12:00:00Z");
        check("2026-12-31", "2026-12-31T23:59:59Z");
        check("2026-12-31T18:00:00Z", "2026-12-31T18:00:00Z");
        check("tomorrow", "");
        check("d", "");
        check("", "");
        check("-3d", "");
    }
}
