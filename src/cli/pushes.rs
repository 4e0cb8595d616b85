//! `pushwarden pushes`: pushes that were not clean, and what was not scanned.

use super::answer::list;
use super::table::{Column, text};
use super::{CliError, ListArgs, Terminal};
use crate::http::client::Client;

/// Lists pushes that were refused, let in with findings, or not screened
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  pushwarden pushes unscanned")]
pub enum PushesCommand {
    /// Lists pushes that were not clean, newest first
    #[command(after_help = "Example:\n  pushwarden pushes list --repository /srv/git/app.git")]
    List {
        /// Only of this repository (path or name)
        #[arg(long)]
        repository: Option<String>,
        /// Which page, and how to print it
        #[command(flatten)]
        list: ListArgs,
    },
    /// Lists what pushes brought and nobody scanned, with the reason
    #[command(after_help = "Example:\n  pushwarden pushes unscanned --format json")]
    Unscanned {
        /// Only of this repository (path or name)
        #[arg(long)]
        repository: Option<String>,
        /// Which page, and how to print it
        #[command(flatten)]
        list: ListArgs,
    },
}

const PUSHES: &[Column] = &[
    Column { heading: "AT", cell: |item| text(item, &["at"]) },
    Column { heading: "VERDICT", cell: |item| text(item, &["verdict"]) },
    Column { heading: "REPOSITORY", cell: |item| text(item, &["repository"]) },
    Column { heading: "PUSHER", cell: |item| text(item, &["pusher", "name"]) },
    Column { heading: "FINDINGS", cell: |item| text(item, &["findings_total"]) },
    Column { heading: "UNSCANNED", cell: |item| text(item, &["unscanned_total"]) },
    Column { heading: "MS", cell: |item| text(item, &["duration_ms"]) },
    Column { heading: "REASON", cell: |item| text(item, &["reason"]) },
];

const UNSCANNED: &[Column] = &[
    Column { heading: "ID", cell: |item| text(item, &["id"]) },
    Column { heading: "STATE", cell: |item| text(item, &["state"]) },
    Column { heading: "REASON", cell: |item| text(item, &["reason"]) },
    Column { heading: "REPOSITORY", cell: |item| text(item, &["repository"]) },
    Column { heading: "OBJECT", cell: |item| text(item, &["object"]) },
    Column { heading: "DETAIL", cell: |item| text(item, &["detail"]) },
];

/// Runs the command.
///
/// # Errors
/// If the daemon is away or says no.
pub fn run(
    command: &PushesCommand,
    client: &Client,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    match command {
        PushesCommand::List { repository, list: args } => {
            let filter = [("repository", repository.as_deref())];
            list(client, "/v1/pushes", "pushes", &filter, args, PUSHES, terminal)
        }
        PushesCommand::Unscanned { repository, list: args } => {
            let filter = [("repository", repository.as_deref())];
            list(client, "/v1/unscanned", "unscanned", &filter, args, UNSCANNED, terminal)
        }
    }
}
