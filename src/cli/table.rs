//! Lists for people: columns of text, as wide as their widest cell.

use std::io::{self, Write};

use serde_json::Value;

use crate::wire::escape;

/// The widest cell; longer ones are cut, and `show` prints them whole.
const CELL_CHARS_MAX: usize = 48;

/// One column: its heading, and where its cells come from.
pub struct Column {
    /// What stands above it.
    pub heading: &'static str,
    /// Takes the cell from an item's JSON.
    pub cell: fn(&Value) -> String,
}

/// Prints `items` under the headings of `columns`.
///
/// # Errors
/// If `out` is gone.
pub fn print(items: &[Value], columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    let headings = columns.iter().map(|column| column.heading.to_owned()).collect();
    let rows = items.iter().map(|item| columns.iter().map(|c| cut(&(c.cell)(item))).collect());
    let rows: Vec<Vec<String>> = std::iter::once(headings).chain(rows).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    rows.iter().try_for_each(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        writeln!(out, "{}", line.trim_end())
    })
}

/// Takes the text at a path of keys, `-` where nothing stands.
pub fn text(item: &Value, path: &[&str]) -> String {
    let found = path.iter().try_fold(item, |value, key| value.get(key));
    match found {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => printable(text),
        Some(other) => other.to_string(),
    }
}

/// Names the owner of an incident or ticket, and the queue where nobody owns it.
pub fn owner(item: &Value) -> String {
    let name = text(item, &["owner", "name"]);
    if is_unowned(item) { format!("{name} (unowned)") } else { name }
}

/// Names the owner, and which source says so.
pub fn owner_and_source(item: &Value) -> String {
    let source = text(item, &["owner", "source"]);
    if is_unowned(item) { owner(item) } else { format!("{} (by {source})", owner(item)) }
}

/// Whether an incident or ticket went to the default queue, as no source names an owner.
fn is_unowned(item: &Value) -> bool {
    text(item, &["owner", "source"]) == "default"
}

/// Keeps line ends, which texts of several lines have; nothing else may steer the terminal.
fn printable(text: &str) -> String {
    let lines = text.split('\n').map(|line| escape::line(line.as_bytes(), usize::MAX));
    lines.collect::<Vec<_>>().join("\n")
}

fn cut(cell: &str) -> String {
    // A cell is one line, whatever its text was.
    let cell = cell.replace('\n', r"\x0a");
    if cell.chars().count() <= CELL_CHARS_MAX {
        return cell;
    }
    cell.chars().take(CELL_CHARS_MAX - 3).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_line_up_and_long_cells_are_cut() {
        let items = [json!({"id": "INC-1", "n": 5}), json!({"id": "x".repeat(60), "n": null})];
        let columns = [
            Column { heading: "ID", cell: |item| text(item, &["id"]) },
            Column { heading: "N", cell: |item| text(item, &["n"]) },
        ];
        let mut out = Vec::new();
        print(&items, &columns, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        ID                                                N
        INC-1                                             5
        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...  -
        ");
    }
}
