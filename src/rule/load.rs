//! Rule files → rules, with every mistake of every file reported at once.
//!
//! ```text
//! text ──toml──► tables ──serde──► RawRule ──checks──► Rule
//!   └── syntax       └── shape         └── meaning: all go to one list of LoadError
//! ```

mod check;
mod names;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::Rule;
use super::error::{LoadError, Problem};
use super::raw::RawRule;
use check::Check;

pub(super) fn load(files: &[(String, String)]) -> Result<Vec<Rule>, Vec<LoadError>> {
    let mut loader = Loader::default();
    for (path, text) in files {
        let before = loader.errors.len();
        loader.file(&Source { path, text });
        let errors = loader.errors.get_mut(before..).unwrap_or_default();
        errors.sort_by_key(|error| (error.line, error.column));
    }
    if loader.errors.is_empty() { Ok(loader.rules) } else { Err(loader.errors) }
}

/// A rule file: its path as messages show it, and its text.
struct Source<'f> {
    path: &'f str,
    text: &'f str,
}

impl Source<'_> {
    fn error(&self, span: Range<usize>, rule: Option<String>, problem: Problem) -> LoadError {
        LoadError::new(self.path, self.text, span, rule, problem)
    }

    /// Places an error of the parser or of serde; `fallback` where it has no place of its own.
    fn form(
        &self,
        fallback: Range<usize>,
        rule: Option<String>,
        error: &toml::de::Error,
    ) -> LoadError {
        let problem = Problem::Form(error.message().replace('\n', ", "));
        self.error(error.span().unwrap_or(fallback), rule, problem)
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    /// Narrows a table's span to its first line, where what is missing is reported.
    fn first_line(&self, span: Range<usize>) -> Range<usize> {
        let line = self.text.get(span.clone()).and_then(|table| table.lines().next());
        span.start..span.start + line.map_or(0, str::len)
    }
}

#[derive(Default)]
struct Loader {
    rules: Vec<Rule>,
    errors: Vec<LoadError>,
    /// Where each id was first seen.
    taken: BTreeMap<String, String>,
}

impl Loader {
    fn file(&mut self, source: &Source<'_>) {
        let (document, syntax) = DeTable::parse_recoverable(source.text);
        if !syntax.is_empty() {
            let form = |error| source.form(0..0, None, &error);
            self.errors.extend(syntax.into_iter().map(form));
            return;
        }
        let mut provider = None;
        let mut tables = Vec::new();
        for (key, value) in document.into_inner() {
            match (key.get_ref().as_ref(), value.into_inner()) {
                ("provider", DeValue::String(name)) => provider = Some(name.into_owned()),
                ("rule", DeValue::Array(rules)) => tables.extend(rules),
                _ => self.errors.push(stray(source, &key)),
            }
        }
        for table in tables {
            self.rule(source, provider.as_deref(), table);
        }
    }

    fn rule(&mut self, source: &Source<'_>, provider: Option<&str>, table: Spanned<DeValue<'_>>) {
        let span = source.first_line(table.span());
        let id = id_of(&table);
        let raw = match RawRule::deserialize(ValueDeserializer::from(table)) {
            Ok(raw) => raw,
            Err(error) => return self.errors.push(source.form(span, id, &error)),
        };
        if let Some(id) = &raw.id {
            self.take(source, id);
        }
        let mut check = Check { source, span, id, errors: &mut self.errors };
        self.rules.extend(check.rule(raw, provider));
    }

    /// Notes where an id stands, or that it is taken.
    fn take(&mut self, source: &Source<'_>, id: &Spanned<String>) {
        let name = id.get_ref();
        if let Some(place) = self.taken.get(name) {
            let problem = Problem::Taken(place.clone());
            self.errors.push(source.error(id.span(), Some(name.clone()), problem));
        } else {
            let place = format!("{}:{}", source.path, source.line(id.span().start));
            self.taken.insert(name.clone(), place);
        }
    }
}

fn stray(source: &Source<'_>, key: &Spanned<DeString<'_>>) -> LoadError {
    let text = format!("`{}` is not `provider = \"…\"` or a list of `[[rule]]`", key.get_ref());
    source.error(key.span(), None, Problem::Form(text))
}

/// Reads the id ahead, so that even a rule of the wrong shape is named in its error.
fn id_of(table: &Spanned<DeValue<'_>>) -> Option<String> {
    let id = table.get_ref().as_table()?.get("id")?;
    id.get_ref().as_str().map(str::to_owned)
}
