//! From TOML to [`Owners`]: every key, type and glob checked, every problem with its place.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use globset::{GlobBuilder, GlobMatcher};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Owners};

/// Everything that is wrong with an `owners.toml`; displays as one line for each problem.
#[derive(Debug, thiserror::Error)]
pub struct OwnersError {
    problems: Vec<OwnersProblem>,
}

/// One thing that is wrong with an `owners.toml`, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnersProblem {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong, and the remedy.
    pub message: String,
}

impl OwnersError {
    /// Returns what is wrong, in the file's order.
    pub fn problems(&self) -> &[OwnersProblem] {
        &self.problems
    }
}

impl fmt::Display for OwnersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.problems.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for OwnersProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message } = self;
        write!(f, "{file}:{line}:{column}: {message}")
    }
}

type Value<'a> = Spanned<DeValue<'a>>;

/// Reads the `text` of `file`.
pub(super) fn read(file: &str, text: &str) -> Result<Owners, OwnersError> {
    let (table, syntax) = DeTable::parse_recoverable(text);
    let mut reader = Reader { file, text, problems: Vec::new() };
    if syntax.is_empty() {
        let owners = reader.owners(table.get_ref());
        return reader.finish().map(|()| owners);
    }
    // What was recovered around a syntax error is a guess: its other problems may be none.
    for error in syntax {
        reader.refuse(&error.span().unwrap_or_default(), error.message());
    }
    reader.finish().map(|()| Owners::default())
}

/// Turns the TOML tables into [`Owners`] and collects problems on the way.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<OwnersProblem>,
}

impl Reader<'_> {
    fn finish(mut self) -> Result<(), OwnersError> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        match self.problems {
            problems if problems.is_empty() => Ok(()),
            problems => Err(OwnersError { problems }),
        }
    }

    fn refuse(&mut self, span: &Range<usize>, message: impl Into<String>) {
        let (line, column) = place(self.text, span.start);
        self.problems.push(OwnersProblem {
            file: self.file.to_owned(),
            line,
            column,
            message: message.into(),
        });
    }

    fn owners(&mut self, table: &DeTable<'_>) -> Owners {
        let mut owners = Owners { file: self.file.to_owned(), ..Owners::default() };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "default" => {
                    owners.default = self.name(value).unwrap_or_default();
                    owners.default_is_named = true;
                }
                "owner" => owners.entries = self.entries(value),
                other => self.refuse(
                    &key.span(),
                    format!("key `{other}` is unknown; the file has `default` and `[[owner]]`"),
                ),
            }
        }
        owners
    }

    fn entries(&mut self, value: &Value<'_>) -> Vec<Entry> {
        let Some(tables) = value.get_ref().as_array() else {
            self.refuse(&value.span(), "`owner` is no list of tables; write `[[owner]]`");
            return Vec::new();
        };
        tables.iter().filter_map(|table| self.entry(table)).collect()
    }

    fn entry(&mut self, value: &Value<'_>) -> Option<Entry> {
        let Some(table) = value.get_ref().as_table() else {
            self.refuse(&value.span(), "an owner is a table; write `[[owner]]`");
            return None;
        };
        let mut entry = Entry {
            name: String::new(),
            line: place(self.text, value.span().start).0,
            kinds: Vec::new(),
            paths: Vec::new(),
            repositories: Vec::new(),
            facts: BTreeMap::new(),
        };
        let mut is_named = false;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "name" => {
                    is_named = true;
                    entry.name = self.name(value).unwrap_or_default();
                }
                "kinds" => entry.kinds = self.globs(value),
                "paths" => entry.paths = self.globs(value),
                "repositories" => entry.repositories = self.globs(value),
                "facts" => entry.facts = self.facts(value),
                other => self.refuse(&key.span(), unknown_selector(other)),
            }
        }
        if !is_named {
            self.refuse(&value.span(), "this owner has no name; add `name = \"team\"`");
        }
        if table.keys().all(|key| key.get_ref() == "name") {
            self.refuse(
                &value.span(),
                "this owner would match everything; add `kinds`, `paths`, `repositories` or \
                 `facts`, or make it the `default`",
            );
        }
        Some(entry)
    }

    fn name(&mut self, value: &Value<'_>) -> Option<String> {
        let name = self.text(value)?;
        let is_plain = !name.trim().is_empty() && !name.contains(char::is_control);
        if !is_plain {
            self.refuse(
                &value.span(),
                "this name is blank or holds control characters; write a \
                team, a person or a queue",
            );
        }
        is_plain.then_some(name)
    }

    fn text(&mut self, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            let kind = value.get_ref().type_str();
            self.refuse(&value.span(), format!("this is of type {kind}; write a string in quotes"));
        }
        text
    }

    fn globs(&mut self, value: &Value<'_>) -> Vec<GlobMatcher> {
        let Some(list) = value.get_ref().as_array() else {
            self.refuse(&value.span(), "this is no list; write `[\"pattern\"]`");
            return Vec::new();
        };
        if list.is_empty() {
            self.refuse(&value.span(), "an empty list matches nothing; remove the key");
        }
        list.iter().filter_map(|item| self.glob(item, true)).collect()
    }

    fn glob(&mut self, value: &Value<'_>, is_path: bool) -> Option<GlobMatcher> {
        let text = self.text(value)?;
        let built = GlobBuilder::new(&text).literal_separator(is_path).build();
        match built {
            Ok(glob) => Some(glob.compile_matcher()),
            Err(error) => {
                let reason = error.kind();
                self.refuse(
                    &value.span(),
                    format!(
                        "`{text}` is no glob: {reason}; write \
                    `*` (within a folder), `**` (any depth), `?`, `[ab]`, `{{a,b}}`"
                    ),
                );
                None
            }
        }
    }

    fn facts(&mut self, value: &Value<'_>) -> BTreeMap<String, GlobMatcher> {
        let Some(table) = value.get_ref().as_table() else {
            self.refuse(&value.span(), "`facts` is a table; write `{ account = \"1234\" }`");
            return BTreeMap::new();
        };
        if table.is_empty() {
            self.refuse(&value.span(), "empty `facts` match everything; remove the key");
        }
        let fact = |(key, value): (&Spanned<_>, &Value<'_>)| {
            let name: &std::borrow::Cow<'_, str> = key.get_ref();
            Some((name.clone().into_owned(), self.glob(value, false)?))
        };
        table.iter().filter_map(fact).collect()
    }
}

fn unknown_selector(key: &str) -> String {
    format!(
        "key `{key}` is unknown; an owner has `name`, `kinds`, `paths`, `repositories` and `facts`"
    )
}

/// Returns line and column (in bytes), from 1, of a byte offset.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before.len() - line_start + 1)
}
