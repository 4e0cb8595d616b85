//! Prints what the daemon answered: a page of a list, or one thing.

use std::io::{self, Write};

use serde_json::Value;

use super::format::Format;
use super::table::{self, Column};
use super::{CliError, DONE, ListArgs, Terminal, print_json, query};
use crate::http::client::Client;

/// Asks for a page of a list and prints it.
///
/// # Errors
/// If the daemon is away or says no.
pub(super) fn list(
    client: &Client,
    path: &str,
    plural: &str,
    filter: &[(&str, Option<&str>)],
    args: &ListArgs,
    columns: &[Column],
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    let limit = args.limit.to_string();
    let mut pairs = filter.to_vec();
    pairs.extend([("after", args.after.as_deref()), ("limit", Some(limit.as_str()))]);
    let page = client.get(&query(path, &pairs))?;
    if args.format == Format::Json {
        print_json(&page, terminal)?;
        return Ok(DONE);
    }
    table::print(items(Some(&page), plural), columns, terminal.out)?;
    if let Some(next) = page.get("next").filter(|next| !next.is_null()) {
        let next = next.as_str().map_or_else(|| next.to_string(), str::to_owned);
        writeln!(terminal.err, "more: --after {next}")?;
    }
    Ok(DONE)
}

/// Prints one thing: as it came, or as `print_text` writes it for people.
///
/// # Errors
/// If standard output is gone.
pub(super) fn show_one(
    value: &Value,
    format: Format,
    print_text: impl FnOnce(&Value, &mut dyn Write) -> io::Result<()>,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    match format {
        Format::Json => print_json(value, terminal)?,
        Format::Text => print_text(value, terminal.out)?,
    }
    Ok(DONE)
}

/// Returns the items of a list inside `value`.
pub(super) fn items<'a>(value: Option<&'a Value>, key: &str) -> &'a [Value] {
    let list = value.and_then(|value| value.get(key)).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}
