//! Reads settings out of a TOML table: each call names a key with its default and its limits, and
//! every refusal is collected with its place.
//!
//! ```text
//! text ──► DeTable (values with spans) ──► Section::integer("pushes_max", 1..=4096, 64) ──► 64
//!                                              └──► Problem, and the default, so that reading
//!                                                   goes on and finds the next one
//! ```
//!
//! Serde would stop at the first wrong type or unknown key; an operator who repairs a file wants
//! to hear of all of them. It also keeps a key, its default and its range on one line of code.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use super::problem::{Complaint, Problem};
use super::similar::nearest;

/// The longest path of a Unix socket, in bytes: `sun_path` has 108 with its closing NUL.
pub const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The most problems that are reported: a file with more is some other file.
const PROBLEMS_MAX: usize = 100;

/// The most entries of a list: accounts, directories, rules.
const LIST_MAX: usize = 1024;

/// A file while it is read: its text, where it lies, and what is wrong with it so far.
pub(super) struct Source<'a> {
    text: &'a str,
    directory: &'a Path,
    problems: RefCell<Vec<(usize, Problem)>>,
    left_out: Cell<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str, directory: &'a Path) -> Self {
        Self { text, directory, problems: RefCell::default(), left_out: Cell::default() }
    }

    pub(super) fn complain(&self, span: Range<usize>, complaint: Complaint) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < PROBLEMS_MAX {
            problems.push((span.start, Problem::at(self.text, span, complaint)));
        } else {
            self.left_out.set(self.left_out.get() + 1);
        }
    }

    /// Returns the problems in the order of the file, and how many more there are.
    pub(super) fn into_problems(self) -> (Vec<Problem>, usize) {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|(start, _)| *start);
        let problems = problems.into_iter().map(|(_, problem)| problem);
        (problems.collect(), self.left_out.get())
    }
}

/// One table of the file, or one that the file does not have: then all its settings are defaults.
pub(super) struct Section<'a> {
    source: &'a Source<'a>,
    /// `[push]`; empty for the top of the file.
    title: String,
    table: Option<&'a DeTable<'a>>,
    span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
    ended: Cell<bool>,
}

impl<'a> Section<'a> {
    pub(super) fn top(source: &'a Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self::new(source, String::new(), Some(table), 0..0)
    }

    fn new(
        source: &'a Source<'a>,
        title: String,
        table: Option<&'a DeTable<'a>>,
        span: Range<usize>,
    ) -> Self {
        Self { source, title, table, span, asked: RefCell::default(), ended: Cell::new(false) }
    }

    /// Opens the table `key`; a table that is not there is empty.
    pub(super) fn section(&self, key: &'static str) -> Self {
        let value = self.value(key);
        let table = value.and_then(|value| match value.get_ref() {
            DeValue::Table(table) => Some(table),
            other => {
                self.wrong_type(key, value.span(), other, "a table", &format!("write `[{key}]`"));
                None
            }
        });
        let span = value.map_or(0..0, Spanned::span);
        Self::new(self.source, format!("[{key}] "), table, span)
    }

    /// Opens each table of the array of tables `key`, such as `[[policy.rule]]`.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Self> {
        let parent = self.title.trim_matches(['[', ']', ' ']);
        let entry = format!("[[{parent}.{key}]] ");
        let tables = self.list(key).into_iter().filter_map(|value| {
            let span = value.span();
            match value.get_ref() {
                DeValue::Table(table) => {
                    Some(Self::new(self.source, entry.clone(), Some(table), span))
                }
                other => {
                    self.wrong_type(key, span, other, "tables", "write each as `[[…]]`");
                    None
                }
            }
        });
        tables.collect()
    }

    /// Tells whether the file sets `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Complains about the value of `key`, or about the whole section where it has none.
    pub(super) fn complain(&self, key: &str, what: impl Display, accepted: &str, remedy: &str) {
        let value = self.table.and_then(|table| table.get(key));
        let span = value.map_or_else(|| self.span.clone(), Spanned::span);
        self.complain_at(span, key, what, accepted, remedy);
    }

    fn complain_at(
        &self,
        span: Range<usize>,
        key: &str,
        what: impl Display,
        accepted: &str,
        remedy: &str,
    ) {
        let complaint = Complaint {
            what: format!("{}`{key}` {what}", self.title),
            accepted: accepted.to_owned(),
            remedy: remedy.to_owned(),
        };
        self.source.complain(span, complaint);
    }

    fn wrong_type(
        &self,
        key: &str,
        span: Range<usize>,
        value: &DeValue<'_>,
        wanted: &str,
        remedy: &str,
    ) {
        let what = format!("is of type {}", value.type_str());
        self.complain_at(span, key, what, wanted, remedy);
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key);
        self.table?.get(key)
    }

    fn list(&self, key: &'static str) -> Vec<&'a Spanned<DeValue<'a>>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        match value.get_ref() {
            DeValue::Array(array) => self.bounded(key, value.span(), array),
            other => {
                self.wrong_type(key, value.span(), other, "a list", "put it in brackets: […]");
                Vec::new()
            }
        }
    }

    fn bounded(
        &self,
        key: &str,
        span: Range<usize>,
        array: &'a DeArray<'a>,
    ) -> Vec<&'a Spanned<DeValue<'a>>> {
        if array.len() > LIST_MAX {
            let what = format!("has {} entries", array.len());
            let accepted = format!("at most {LIST_MAX} entries");
            self.complain_at(span, key, what, &accepted, "shorten the list");
        }
        array.iter().take(LIST_MAX).collect()
    }

    /// Reads a whole number within `range`.
    pub(super) fn integer(
        &self,
        key: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> u64 {
        let Some(value) = self.value(key) else {
            return default;
        };
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        let remedy = format!("write one of these, or remove the line for the default, {default}");
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(key, value.span(), value.get_ref(), &accepted, &remedy);
            return default;
        };
        if let Some(number) = integer(number).filter(|number| range.contains(number)) {
            return number;
        }
        let what = format!("= {number} is out of range");
        self.complain_at(value.span(), key, what, &accepted, &remedy);
        default
    }

    /// Reads a number of things that fits in memory.
    pub(super) fn count(
        &self,
        key: &'static str,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> usize {
        let range = u64::from(*range.start())..=u64::from(*range.end());
        let number = self.integer(key, range, u64::from(default));
        usize::try_from(number).unwrap_or(usize::MAX)
    }

    /// Reads a time in milliseconds.
    pub(super) fn millis(
        &self,
        key: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Duration {
        Duration::from_millis(self.integer(key, range, default))
    }

    /// Reads `true` or `false`.
    pub(super) fn flag(&self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.value(key) else {
            return default;
        };
        match value.get_ref() {
            DeValue::Boolean(flag) => *flag,
            other => {
                let remedy = format!("remove the line for the default, {default}");
                self.wrong_type(key, value.span(), other, "true or false", &remedy);
                default
            }
        }
    }

    /// Reads a text that is not empty.
    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some(text.to_string()),
            DeValue::String(_) => {
                let remedy = "write something, or remove the line";
                self.complain_at(value.span(), key, "is empty", "a text", remedy);
                None
            }
            other => {
                self.wrong_type(key, value.span(), other, "a text", "put it in quotes");
                None
            }
        }
    }

    /// Reads one of a few words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)], default: T) -> T {
        self.text(key).and_then(|text| self.find_word(key, &text, words)).unwrap_or(default)
    }

    /// Reads one of a few words that has no default.
    pub(super) fn required_word<T: Copy>(
        &self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        if !self.has(key) {
            let accepted = quoted(words.iter().map(|(word, _)| *word));
            self.asked.borrow_mut().push(key);
            self.complain(key, "is missing", &accepted, "add it to this table");
            return None;
        }
        self.find_word(key, &self.text(key)?, words)
    }

    fn find_word<T: Copy>(&self, key: &str, text: &str, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let accepted = quoted(words.iter().map(|(word, _)| *word));
            let what = format!("= \"{}\" is not known here", text.escape_debug());
            self.complain(key, what, &accepted, "write one of these");
        }
        found.map(|(_, value)| *value)
    }

    /// Reads a path; a relative one starts at the directory of the file.
    pub(super) fn path(&self, key: &'static str, default: impl AsRef<Path>) -> PathBuf {
        let text = self.text(key).filter(|text| self.no_nul(key, text));
        let path = text.map_or_else(|| default.as_ref().to_path_buf(), PathBuf::from);
        normalised(&self.source.directory.join(path))
    }

    /// Reads the path of a Unix socket.
    pub(super) fn socket(&self, key: &'static str, default: impl AsRef<Path>) -> PathBuf {
        let path = self.path(key, default);
        let length = path.as_os_str().len();
        if length > SOCKET_PATH_BYTES_MAX {
            let what = format!("is {length} bytes long with its directory");
            let accepted = format!("a path of at most {SOCKET_PATH_BYTES_MAX} bytes");
            let remedy = "the kernel takes no longer socket path: use a directory nearer to /";
            self.complain(key, what, &accepted, remedy);
        }
        path
    }

    /// Reads a list of paths.
    pub(super) fn paths(&self, key: &'static str) -> Vec<PathBuf> {
        let resolve = |text: String| normalised(&self.source.directory.join(text));
        self.texts(key).into_iter().map(resolve).collect()
    }

    fn texts(&self, key: &'static str) -> Vec<String> {
        let texts = self.list(key).into_iter().filter_map(|value| {
            let text = value.get_ref().as_str().filter(|text| !text.is_empty());
            if text.is_none() {
                let (span, other) = (value.span(), value.get_ref());
                self.wrong_type(key, span, other, "texts that are not empty", "quote each");
            }
            text.map(ToOwned::to_owned).filter(|text| self.no_nul(key, text))
        });
        texts.collect()
    }

    fn no_nul(&self, key: &str, text: &str) -> bool {
        let fine = !text.contains('\0');
        if !fine {
            self.complain(key, "holds a NUL byte", "a path", "remove the NUL");
        }
        fine
    }

    /// Reads a list whose entries `entry` understands; `None` from it is complained about.
    pub(super) fn entries<T>(
        &self,
        key: &'static str,
        accepted: &str,
        remedy: &str,
        entry: impl Fn(&DeValue<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        if !self.has(key) {
            self.asked.borrow_mut().push(key);
            return None;
        }
        let entries = self.list(key).into_iter().filter_map(|value| {
            let parsed = entry(value.get_ref());
            if parsed.is_none() {
                let what = "has an entry that is not accepted";
                self.complain_at(value.span(), key, what, accepted, remedy);
            }
            parsed
        });
        Some(entries.collect())
    }

    /// Closes the section: complains about each key that nobody asked for.
    pub(super) fn end(&self) {
        self.ended.set(true);
        let asked = self.asked.borrow();
        for (key, _) in self.table.into_iter().flatten() {
            let name = key.get_ref().as_ref();
            if !asked.contains(&name) {
                let what = "is not a setting here";
                let remedy = match nearest(name, &asked) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "remove it".to_owned(),
                };
                let accepted = asked.join(", ");
                self.complain_at(key.span(), name, what, &accepted, &remedy);
            }
        }
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        debug_assert!(
            self.ended.get() || std::thread::panicking(),
            "`end` was not called, so unknown keys of `{}` would pass",
            self.title
        );
    }
}

pub(super) fn integer(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn quoted<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let quoted: Vec<_> = words.map(|word| format!("\"{word}\"")).collect();
    quoted.join(", ")
}

/// Removes `.` components; `..` stays, for behind a symbolic link it means what the kernel says.
fn normalised(path: &Path) -> PathBuf {
    let kept = path.components().filter(|part| *part != Component::CurDir);
    kept.collect()
}
