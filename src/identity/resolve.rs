//! Asks every source of owners in order of belief and keeps what each said.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::codeowners::{Codeowners, Match};
use super::owners::{Answer, Owners};
use super::{Owner, OwnerConfidence, OwnerSource, OwnerStep};
use crate::wire::escape;

/// The widest path in an evidence sentence, in columns: enough to know it by, short enough to read.
const PATH_COLUMNS_MAX: usize = 120;

/// The most further answers of one source that its evidence names: enough to see a conflict.
const OTHERS_MAX: usize = 3;

/// Whose is this credential?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The id of the rule that found it.
    pub rule: &'a str,
    /// What the value itself tells: `account`, `key_id`, `host`, …
    pub facts: &'a BTreeMap<String, String>,
    /// Where it stands, in git's bytes: the earliest new occurrence in a file; `None` where it
    /// stands in no file.
    pub path: Option<&'a [u8]>,
    /// The repository's absolute path on the server.
    pub repository: &'a [u8],
    /// What the server software calls the repository, where it says so: `payments/api`.
    pub repository_name: Option<&'a str>,
    /// The inventory's name for this very value: `payments/db`.
    pub known_as: Option<&'a str>,
    /// The owner that the inventory names.
    pub known_owner: Option<&'a str>,
}

impl<'a> Question<'a> {
    pub(super) fn path_as_path(&self) -> Option<&'a Path> {
        self.path.map(as_path)
    }

    /// Returns what repository globs are held against: name and path, with `.git` and without.
    pub(super) fn repository_paths(&self) -> Vec<&'a Path> {
        let name = self.repository_name.map(str::as_bytes);
        let both = name.into_iter().chain([self.repository]);
        both.flat_map(|bytes| [Some(bytes), bytes.strip_suffix(b".git")])
            .flatten()
            .map(as_path)
            .collect()
    }
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Chooses the owner: inventory, then facts, kinds and paths of `owners.toml`, then CODEOWNERS,
/// then repositories of `owners.toml`, then the default queue with [`OwnerConfidence::None`],
/// which is what "unowned" means.
///
/// `codeowners` is that of the repository's default branch as it stood before the push, never the
/// push's own. The chain of the answer holds every source, those without an answer too, so that
/// sources that disagree are seen.
pub fn resolve(question: &Question<'_>, owners: &Owners, codeowners: Option<&Codeowners>) -> Owner {
    let chain = vec![
        inventory(question),
        declared(OwnerSource::Identity, question, owners),
        declared(OwnerSource::Kind, question, owners),
        declared(OwnerSource::Path, question, owners),
        in_codeowners(question, codeowners),
        declared(OwnerSource::Repository, question, owners),
    ];
    let chosen = chain.iter().find_map(|step| step.answer.clone().map(|name| (name, step.source)));
    let (name, source) =
        chosen.unwrap_or_else(|| (owners.default_queue().to_owned(), OwnerSource::Default));
    let mut chain = chain;
    chain.push(default_queue(owners));
    Owner { name, source, confidence: confidence(source), chain }
}

fn confidence(source: OwnerSource) -> OwnerConfidence {
    match source {
        OwnerSource::Inventory | OwnerSource::Identity => OwnerConfidence::High,
        OwnerSource::Kind | OwnerSource::Path | OwnerSource::Codeowners => OwnerConfidence::Medium,
        OwnerSource::Repository => OwnerConfidence::Low,
        OwnerSource::Default => OwnerConfidence::None,
    }
}

fn inventory(question: &Question<'_>) -> OwnerStep {
    let known_as = question.known_as.map(shown);
    let evidence = match (known_as, question.known_owner) {
        (Some(name), Some(_)) => format!("the inventory knows this value as {name}"),
        (None, Some(_)) => "the inventory knows this value".to_owned(),
        (Some(name), None) => format!("the inventory knows this value as {name}, without owner"),
        (None, None) => "the inventory does not know this value".to_owned(),
    };
    let answer = question.known_owner.map(str::to_owned);
    OwnerStep { source: OwnerSource::Inventory, evidence, answer }
}

fn declared(source: OwnerSource, question: &Question<'_>, owners: &Owners) -> OwnerStep {
    let mut answers = owners.answers(source, question);
    let Some(first) = answers.next() else {
        let asked = asked(source, question);
        let evidence = format!("no entry of {} for {asked}", owners.file());
        return OwnerStep { source, evidence, answer: None };
    };
    let others = answers
        .take(OTHERS_MAX)
        .map(|Answer { name, evidence }| format!("; also {name} at {evidence}"));
    let evidence = std::iter::once(first.evidence).chain(others).collect();
    OwnerStep { source, evidence, answer: Some(first.name.to_owned()) }
}

/// Says in words what a source of `owners.toml` was asked about.
fn asked(source: OwnerSource, question: &Question<'_>) -> String {
    match source {
        OwnerSource::Identity if question.facts.is_empty() => {
            "its facts (the value tells none)".to_owned()
        }
        OwnerSource::Identity => {
            let facts = question.facts.iter();
            let facts: Vec<_> =
                facts.map(|(name, value)| shown(&format!("{name} = {value}"))).collect();
            facts.join(", ")
        }
        OwnerSource::Kind => format!("kind {}", question.rule),
        OwnerSource::Path => match question.path {
            Some(path) => format!("path {}", escape::line(path, PATH_COLUMNS_MAX)),
            None => "its path (it stands in no file)".to_owned(),
        },
        _ => {
            let name = question.repository_name.map_or(question.repository, str::as_bytes);
            format!("repository {}", escape::line(name, PATH_COLUMNS_MAX))
        }
    }
}

fn in_codeowners(question: &Question<'_>, codeowners: Option<&Codeowners>) -> OwnerStep {
    let (evidence, answer) = match (codeowners, question.path) {
        (None, _) => ("no CODEOWNERS in the default branch".to_owned(), None),
        (Some(file), None) => (format!("{}: the secret stands in no file", file.file()), None),
        (Some(file), Some(path)) => ask_codeowners(file, path),
    };
    OwnerStep { source: OwnerSource::Codeowners, evidence, answer }
}

fn ask_codeowners(file: &Codeowners, path: &[u8]) -> (String, Option<String>) {
    let name = file.file();
    let shown = escape::line(path, PATH_COLUMNS_MAX);
    let matches = match file.find(path) {
        Ok(matches) => matches,
        Err(error) => return (format!("{name}: {error}"), None),
    };
    if let Some((chosen, owner)) = choose(&matches) {
        let section = chosen.section.map_or_else(String::new, |name| format!(" [{name}]"));
        let others = others(&matches, chosen);
        let line = chosen.line;
        return (format!("path {shown} in {name}:{line}{section}{others}"), Some(owner.clone()));
    }
    let evidence = match matches.first() {
        Some(cleared) => format!("path {shown} in {name}:{}, which names no owner", cleared.line),
        None => format!("no line of {name} matches path {shown}"),
    };
    (evidence, None)
}

/// Owners whose approval is required come before those of optional sections; the first owner of a
/// line is the one who answers.
fn choose<'a>(matches: &'a [Match<'a>]) -> Option<(&'a Match<'a>, &'a String)> {
    let owned = |found: &'a Match<'a>| found.owners.first().map(|owner| (found, owner));
    let required = matches.iter().filter(|found| !found.optional).find_map(owned);
    required.or_else(|| matches.iter().find_map(owned))
}

fn others(matches: &[Match<'_>], chosen: &Match<'_>) -> String {
    let beside = chosen.owners.iter().skip(1);
    let elsewhere = matches.iter().filter(|found| found.line != chosen.line);
    let others = beside.chain(elsewhere.flat_map(|found| found.owners));
    let others: Vec<_> = others.take(OTHERS_MAX).map(String::as_str).collect();
    if others.is_empty() {
        return String::new();
    }
    format!("; also {}", others.join(", "))
}

fn default_queue(owners: &Owners) -> OwnerStep {
    OwnerStep {
        source: OwnerSource::Default,
        evidence: format!("the default queue of {}", owners.file()),
        answer: Some(owners.default_queue().to_owned()),
    }
}

fn shown(text: &str) -> String {
    escape::line(text.as_bytes(), PATH_COLUMNS_MAX)
}

#[cfg(test)]
mod tests;
