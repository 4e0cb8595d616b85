//! `owners.toml`: the administrator's own map from credentials to owners.
//!
//! ```toml
//! default = "security"
//!
//! [[owner]]
//! name = "payments-oncall"
//! kinds = ["stripe-*"]               # globs over rule ids
//! paths = ["services/pay/**"]        # globs over paths; `*` stops at `/`, `**` does not
//! repositories = ["payments/*"]      # globs over a repository's name and path
//! facts = { account = "1234" }       # what the value itself tells; a glob or the exact text
//! ```
//!
//! An entry needs at least one selector and matches when all that it has match. Where several
//! match, the most specific selector wins (facts, kinds, paths, repositories), then the entry that
//! stands first. Nothing here reads a file: the caller brings the text and the name for messages.

mod read;
#[cfg(test)]
mod tests;

pub use read::{OwnersError, OwnersProblem};

use std::collections::BTreeMap;
use std::path::Path;

use globset::GlobMatcher;

use super::{OwnerSource, Question};

/// The queue for credentials of nobody, where `owners.toml` names none.
pub const DEFAULT_QUEUE: &str = "security";

/// Who owns which credentials, as `owners.toml` says.
#[derive(Clone, Debug)]
pub struct Owners {
    file: String,
    default: String,
    default_is_named: bool,
    entries: Vec<Entry>,
}

impl Default for Owners {
    /// Nobody owns anything: every credential goes to [`DEFAULT_QUEUE`].
    fn default() -> Self {
        Self {
            file: "owners.toml".to_owned(),
            default: DEFAULT_QUEUE.to_owned(),
            default_is_named: false,
            entries: Vec::new(),
        }
    }
}

impl Owners {
    /// Reads the `text` of `file` (a name for messages). All that is wrong is told at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, OwnersError> {
        read::read(file, text)
    }

    /// Sets the queue for credentials that nobody owns, unless the file names one.
    #[must_use]
    pub fn or_default_queue(mut self, queue: &str) -> Self {
        if !self.default_is_named {
            queue.clone_into(&mut self.default);
        }
        self
    }

    /// Returns the queue for credentials that nobody owns.
    pub fn default_queue(&self) -> &str {
        &self.default
    }

    /// Returns every name that the file gives, in its order and once each, the default queue last.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let all = self.entries.iter().map(|entry| entry.name.as_str());
        for name in all.chain([self.default.as_str()]) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Returns the name that messages use for the file.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Returns the entries of `source` that match, in the file's order, with what matched.
    pub(super) fn answers<'a>(
        &'a self,
        source: OwnerSource,
        question: &'a Question<'_>,
    ) -> impl Iterator<Item = Answer<'a>> {
        let of_source = move |entry: &&Entry| entry.source() == source;
        self.entries.iter().filter(of_source).filter_map(|entry| {
            Some(Answer {
                name: &entry.name,
                evidence: format!("{}:{} ({})", self.file, entry.line, entry.matches(question)?),
            })
        })
    }
}

/// What one entry says.
pub(super) struct Answer<'a> {
    pub(super) name: &'a str,
    /// Where it stands and which of its selectors matched.
    pub(super) evidence: String,
}

/// One `[[owner]]` table.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    line: usize,
    kinds: Vec<GlobMatcher>,
    paths: Vec<GlobMatcher>,
    repositories: Vec<GlobMatcher>,
    facts: BTreeMap<String, GlobMatcher>,
}

impl Entry {
    /// Returns the source that the most specific selector stands for.
    fn source(&self) -> OwnerSource {
        if !self.facts.is_empty() {
            OwnerSource::Identity
        } else if !self.kinds.is_empty() {
            OwnerSource::Kind
        } else if !self.paths.is_empty() {
            OwnerSource::Path
        } else {
            OwnerSource::Repository
        }
    }

    /// Returns in words what matched, or `None` if one of the selectors did not.
    fn matches(&self, question: &Question<'_>) -> Option<String> {
        let mut words = Vec::new();
        for (name, glob) in &self.facts {
            let value = question.facts.get(name)?;
            glob.is_match(value).then_some(())?;
            words.push(format!("{name} = {}", glob.glob()));
        }
        let kind = [Path::new(question.rule)];
        let path: Vec<_> = question.path_as_path().into_iter().collect();
        let selectors: [(&str, &[GlobMatcher], &[&Path]); 3] = [
            ("kind", &self.kinds, &kind),
            ("path", &self.paths, &path),
            ("repository", &self.repositories, &question.repository_paths()),
        ];
        for (word, globs, candidates) in selectors {
            if !globs.is_empty() {
                let mut matching =
                    globs.iter().filter(|glob| candidates.iter().any(|path| glob.is_match(path)));
                words.push(format!("{word} {}", matching.next()?.glob()));
            }
        }
        Some(words.join(", "))
    }
}
