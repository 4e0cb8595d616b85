//! CODEOWNERS, in the dialects of GitHub and GitLab, as hostile bytes.
//!
//! ```text
//! bytes ──► lines ──► sections of entries (pattern, owners, line) ──► find(path) ──► Match…
//!             └─────► problems (line, what): the line is skipped by name
//! ```
//!
//! | | GitHub | GitLab |
//! |---|---|---|
//! | which entry counts | the last that matches | the last that matches, in each section |
//! | sections | none | `[Name][2] @default`, `^[Optional]`; merged by name, case ignored |
//! | `docs` | that file, or all below that folder | a file of that name |
//! | `docs/a` | anchored at the root | at any depth |
//! | `[ab]` | not supported | one of these characters |
//! | `!pattern` | not supported | takes matching paths out of the section |
//! | an entry without owner | clears ownership | has the section's default owners |
//! | `#` after owners | begins a comment | is a word like any other |
//!
//! Who may write to the default branch may write this file, so nothing in it is trusted beyond
//! naming owners of paths: sizes, counts and the work of matching are bounded, and what is out of
//! bounds is a [`Problem`] or an error, never a panic. Roles (`@@developers`) are kept as written.

mod glob;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use glob::Pattern;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// GitHub, Gitea and Forgejo.
    Github,
    /// GitLab.
    Gitlab,
}

/// A CODEOWNERS file.
#[derive(Clone, Debug)]
pub struct Codeowners {
    file: String,
    dialect: Dialect,
    sections: Vec<Section>,
    problems: Vec<Problem>,
}

/// A line that was skipped, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Entries that are looked through together; GitHub's files are one section without a name.
#[derive(Clone, Debug, Default)]
struct Section {
    /// For display.
    name: Option<String>,
    optional: bool,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    line: usize,
    pattern: Pattern,
    excludes: bool,
    owners: Arc<[String]>,
}

/// What one section says about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The line of the entry, from 1.
    pub line: usize,
    /// The section's name, escaped for display; `None` outside sections.
    pub section: Option<&'a str>,
    /// Whether the section's owners are only asked, not required.
    pub optional: bool,
    /// The owners in the file's order; none where the entry clears ownership.
    pub owners: &'a [String],
}

/// Matching a path takes more steps than [`Codeowners::STEPS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its patterns take too long on this path (over {} steps)", Codeowners::STEPS_MAX)]
pub struct TooCostly;

impl Codeowners {
    /// The longest file that is read, in bytes; the rest is a problem. What the hook sends is
    /// shorter.
    pub const FILE_BYTES_MAX: usize = 1 << 20;
    /// The most entries that are kept. The largest public files have some thousands.
    pub const ENTRIES_MAX: usize = 20_000;
    /// The most sections that are kept.
    pub const SECTIONS_MAX: usize = 1_000;
    /// The longest line that is read, in bytes: a path of the longest length that Linux takes, and
    /// owners.
    pub const LINE_BYTES_MAX: usize = 8 << 10;
    /// The most owners of one line.
    pub const OWNERS_MAX: usize = 100;
    /// The longest owner, in bytes.
    pub const OWNER_BYTES_MAX: usize = 255;
    /// The most problems that are kept: enough to mend a file by.
    pub const PROBLEMS_MAX: usize = 100;
    /// The most steps of [`Codeowners::find`]: some tens of milliseconds. Ordinary files of some
    /// thousand lines take a few hundred thousand.
    pub const STEPS_MAX: u64 = 20_000_000;

    /// Reads the `bytes` of the file at `path`, which also tells the dialect: `.gitlab/` and
    /// `.github/` name it, elsewhere a section header makes it GitLab's.
    pub fn parse(path: &str, bytes: &[u8]) -> Self {
        read::read(path, bytes)
    }

    /// Returns the file's path in the repository.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns how the file was read.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the lines that were skipped, in order; at most [`Codeowners::PROBLEMS_MAX`].
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Finds what each section says about `path` (git's bytes, from the root, without leading `/`),
    /// in the order of sections. Sections that say nothing are left out.
    pub fn find(&self, path: &[u8]) -> Result<Vec<Match<'_>>, TooCostly> {
        let path: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
        let mut steps = Self::STEPS_MAX;
        let mut matches = Vec::new();
        for section in &self.sections {
            matches.extend(section.find(&path, &mut steps)?);
        }
        Ok(matches)
    }
}

impl Section {
    fn find(&self, path: &[&[u8]], steps: &mut u64) -> Result<Option<Match<'_>>, TooCostly> {
        let exclusions = self.entries.iter().filter(|entry| entry.excludes);
        if last(exclusions, path, steps)?.is_some() {
            return Ok(None);
        }
        let entries = self.entries.iter().filter(|entry| !entry.excludes);
        let found = last(entries, path, steps)?;
        Ok(found.map(|entry| Match {
            line: entry.line,
            section: self.name.as_deref(),
            optional: self.optional,
            owners: &entry.owners,
        }))
    }
}

fn last<'a>(
    entries: impl DoubleEndedIterator<Item = &'a Entry>,
    path: &[&[u8]],
    steps: &mut u64,
) -> Result<Option<&'a Entry>, TooCostly> {
    for entry in entries.rev() {
        if entry.pattern.matches(path, steps)? {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}
