//! `pushwarden inventory`: values that the organisation knows, refused whatever their shape.

use std::io::{BufRead, Read, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::answer::{items, list, show_one};
use super::format::Format;
use super::table::{Column, text};
use super::{CliError, DONE, ListArgs, ShowArgs, Terminal, USAGE, print_json};
use crate::http::client::Client;
use crate::service::inventory::VALUE_BYTES_MAX;

/// Known secrets: teaches the gate values that have no shape of their own
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  pushwarden inventory list")]
pub enum InventoryCommand {
    /// Adds a value, read from standard input; only its keyed hash is kept
    #[command(after_help = "Example:\n  bao kv get -field=password kv/payments/db | \
        pushwarden inventory add payments/db --owner payments-oncall")]
    Add(AddArgs),
    /// Adds many, from JSON lines on standard input: name, value, and if known identity, owner and
    /// `key_id`
    ///
    /// Every line is read before the first value is sent: one that makes no sense is named by its
    /// number, and nothing is added. A value that cannot be a known secret is refused by its name
    /// and the others are added. What is known already stays as it is.
    #[command(after_help = "Example:\n  pushwarden inventory import < secrets.jsonl")]
    Import {
        /// How to print it
        #[command(flatten)]
        show: ShowArgs,
    },
    /// Lists the known secrets, newest first; never their values
    #[command(after_help = "Example:\n  pushwarden inventory list")]
    List {
        /// Which page, and how to print it
        #[command(flatten)]
        list: ListArgs,
    },
    /// Forgets a known secret
    #[command(after_help = "Example:\n  pushwarden inventory remove payments/db")]
    Remove {
        /// Its name
        name: String,
        /// How to print it
        #[command(flatten)]
        show: ShowArgs,
    },
}

/// What is known of the value.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// Its name, as people know it: payments/db
    #[arg(value_name = "NAME", required_unless_present = "name_option")]
    name: Option<String>,
    /// The same as NAME
    #[arg(long = "name", value_name = "NAME", conflicts_with = "name")]
    name_option: Option<String>,
    /// The identity it belongs to: "database role pay"
    #[arg(long)]
    identity: Option<String>,
    /// Who answers for it
    #[arg(long)]
    owner: Option<String>,
    /// The provider's name for the credential, which is no secret
    #[arg(long)]
    key_id: Option<String>,
    /// How to print it
    #[command(flatten)]
    show: ShowArgs,
}

/// The longest line of an import, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// How many values go to the daemon at once.
const BATCH: usize = 1_000;

/// The most values of one import: they are all in memory before the first is sent.
const IMPORT_MAX: usize = 100_000;

const COLUMNS: &[Column] = &[
    Column { heading: "ID", cell: |item| text(item, &["id"]) },
    Column { heading: "NAME", cell: |item| text(item, &["name"]) },
    Column { heading: "IDENTITY", cell: |item| text(item, &["identity"]) },
    Column { heading: "OWNER", cell: |item| text(item, &["owner"]) },
    Column { heading: "KEY ID", cell: |item| text(item, &["key_id"]) },
    Column { heading: "ADDED", cell: |item| text(item, &["added_at"]) },
];

/// Runs the command.
///
/// # Errors
/// If the daemon is away or says no.
pub fn run(
    command: &InventoryCommand,
    client: &Client,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    match command {
        InventoryCommand::Add(args) => add(args, client, terminal),
        InventoryCommand::Import { show } => import(show, client, terminal),
        InventoryCommand::List { list: args } => {
            list(client, "/v1/inventory", "secrets", &[], args, COLUMNS, terminal)
        }
        InventoryCommand::Remove { name, show } => {
            let removed = client.post("/v1/inventory/remove", &json!({"name": name}))?;
            let forgot = |removed: &Value, out: &mut dyn Write| {
                writeln!(out, "forgot {}", text(removed, &["name"]))
            };
            show_one(&removed, show.format, forgot, terminal)
        }
    }
}

fn add(args: &AddArgs, client: &Client, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    let mut value = Zeroizing::new(Vec::with_capacity(2 * VALUE_BYTES_MAX));
    let limit = 2 * VALUE_BYTES_MAX as u64;
    std::io::stdin().lock().take(limit).read_to_end(&mut value).map_err(unreadable)?;
    // `echo` and editors end a line that is no part of the value.
    let clear = value.strip_suffix(b"\n").unwrap_or(&value);
    let clear = clear.strip_suffix(b"\r").unwrap_or(clear);
    let name = args.name.as_deref().or(args.name_option.as_deref());
    let secret =
        entry(name, clear, args.identity.as_deref(), args.owner.as_deref(), args.key_id.as_deref());
    let answer = client.post("/v1/inventory", &json!({"secrets": [secret]}))?;
    report(&[answer], args.show.format, terminal)
}

fn entry(
    name: Option<&str>,
    clear: &[u8],
    identity: Option<&str>,
    owner: Option<&str>,
    key_id: Option<&str>,
) -> Value {
    let value = BASE64_STANDARD.encode(clear);
    json!({"name": name, "value": value, "identity": identity, "owner": owner, "key_id": key_id})
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    value: String,
    identity: Option<String>,
    owner: Option<String>,
    key_id: Option<String>,
}

fn import(show: &ShowArgs, client: &Client, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    let secrets = read_lines(&mut std::io::stdin().lock())?;
    let send = |batch| client.post("/v1/inventory", &json!({"secrets": batch}));
    let answers = secrets.chunks(BATCH).map(send).collect::<Result<Vec<_>, _>>()?;
    report(&answers, show.format, terminal)
}

fn read_lines(input: &mut impl BufRead) -> Result<Vec<Value>, CliError> {
    let mut secrets = Vec::new();
    for number in 1.. {
        let mut line = Zeroizing::new(Vec::new());
        let mut limited = input.by_ref().take(LINE_BYTES_MAX);
        if limited.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if secrets.len() >= IMPORT_MAX {
            let message = format!("standard input holds more than {IMPORT_MAX} secrets");
            return Err(CliError::usage(message, "import it in parts; nothing was added"));
        }
        secrets.push(read_line(&line, number)?);
    }
    Ok(secrets)
}

fn read_line(line: &[u8], number: u64) -> Result<Value, CliError> {
    // The parser's own words could repeat the value; the line's number is enough.
    let mut read: Line = serde_json::from_slice(line).map_err(|_| {
        CliError::usage(
            format!("standard input, line {number}: no JSON of a known secret; nothing was added"),
            r#"write {"name": "payments/db", "value": "…", "owner": "payments"} on one line"#,
        )
    })?;
    let value = Zeroizing::new(std::mem::take(&mut read.value));
    let Line { name, identity, owner, key_id, .. } = &read;
    let value = value.as_bytes();
    Ok(entry(Some(name), value, identity.as_deref(), owner.as_deref(), key_id.as_deref()))
}

fn report(answers: &[Value], format: Format, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    let all = |key| answers.iter().flat_map(move |answer| items(Some(answer), key)).collect();
    let (added, refused): (Vec<&Value>, Vec<&Value>) = (all("added"), all("refused"));
    let unchanged: Vec<&Value> = all("unchanged");
    match format {
        Format::Json => {
            let body = json!({"added": added, "unchanged": unchanged, "refused": refused});
            print_json(&body, terminal)?;
        }
        Format::Text => {
            for name in unchanged.iter().filter_map(|name| name.as_str()) {
                writeln!(terminal.out, "unchanged {name}")?;
            }
            for secret in &added {
                writeln!(terminal.out, "{} {}", text(secret, &["id"]), text(secret, &["name"]))?;
            }
            for secret in &refused {
                let (name, reason) = (text(secret, &["name"]), text(secret, &["reason"]));
                writeln!(terminal.err, "refused: {name}: {reason}")?;
            }
        }
    }
    Ok(if refused.is_empty() { DONE } else { USAGE })
}

fn unreadable(error: std::io::Error) -> CliError {
    CliError::failed("cannot read standard input", error, "pipe the value in")
}
