//! What a ticket says: enough to revoke the credential without asking anybody.
//!
//! ```text
//! what ─ where ─ whose ─ reach ─ how to revoke ─ what replaces it ─ what happened ─ what next
//! ```
//!
//! Plain text, for every tracker takes it. No secret beyond the preview. Names from the push are
//! escaped; paths and subjects of an [`Occurrence`] come escaped, and with secrets in them masked.

#[cfg(test)]
mod tests;

use crate::finding::{Age, Container, Facts, Occurrence};
use crate::identity::Owner;
use crate::rule::{Rule, Severity};
use crate::wire::escape;

/// The widest title, in columns: the shortest limit of the trackers that we know is 255 bytes.
pub const TITLE_COLUMNS_MAX: usize = 100;

/// The most places that a ticket lists; the incident has all.
const PLACES_MAX: usize = 20;

/// The widest name or value from outside, in columns.
const NAME_COLUMNS_MAX: usize = 200;

/// Everything that a ticket tells.
#[derive(Clone, Copy, Debug)]
pub struct Ticket<'a> {
    /// The incident's id.
    pub incident: &'a str,
    /// The rule that found it.
    pub rule: &'a Rule,
    /// The masked picture.
    pub preview: &'a str,
    /// What the value itself tells.
    pub facts: &'a Facts,
    /// The inventory's name for the value.
    pub known_as: Option<&'a str>,
    /// The repository, as people know it.
    pub repository: &'a str,
    /// Who pushed it, and who says so: "ada (gitolite)".
    pub pusher: Option<&'a str>,
    /// Where it stands, earliest first.
    pub occurrences: &'a [Occurrence],
    /// Who answers for it, and why.
    pub owner: &'a Owner,
    /// Whether the push was refused; otherwise it was let in and what it brought is stored.
    pub is_refused: bool,
}

/// Returns the ticket's title: one line of at most [`TITLE_COLUMNS_MAX`] columns.
pub fn title(ticket: &Ticket<'_>) -> String {
    let known = ticket.known_as.map_or_else(String::new, |name| format!(" ({name})"));
    let repository = ticket.repository;
    let text = format!("Revoke {}{known} leaked in {repository}", ticket.rule.description);
    escape::line(text.as_bytes(), TITLE_COLUMNS_MAX)
}

/// Returns the ticket's text: titled paragraphs, lines end in `\n`.
pub fn body(ticket: &Ticket<'_>) -> String {
    let sections = [
        ("What", what(ticket)),
        ("Where", places(ticket)),
        ("Whose", whose(ticket.owner)),
        ("What it can reach", reach(ticket)),
        ("How to revoke it", revocation(ticket.rule)),
        ("What replaces it", vec![ticket.rule.replacement.clone()]),
        ("What has happened", happened(ticket)),
        ("What next", next(ticket)),
    ];
    let text = |(title, lines): (&str, Vec<String>)| {
        let lines: Vec<_> = lines.iter().map(|line| shown(line)).collect();
        format!("{title}\n  {}\n", lines.join("\n  "))
    };
    sections.map(text).join("\n")
}

/// Rules and owners are the administrator's own words, yet one line must stay one line.
fn shown(line: &str) -> String {
    escape::line(line.as_bytes(), 1_000)
}

fn named(text: &str) -> String {
    escape::line(text.as_bytes(), NAME_COLUMNS_MAX)
}

fn what(ticket: &Ticket<'_>) -> Vec<String> {
    let rule = ticket.rule;
    let mut lines = vec![
        format!("{} of {}: {}", rule.description, rule.provider, ticket.preview),
        format!(
            "identity: {}; severity: {}; rule: {}",
            rule.identity,
            severity(rule.severity),
            rule.id
        ),
    ];
    lines.extend(ticket.known_as.map(|name| format!("the inventory knows it as {}", named(name))));
    lines
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn places(ticket: &Ticket<'_>) -> Vec<String> {
    let mut lines = vec![format!("repository {}", named(ticket.repository))];
    lines.extend(ticket.pusher.map(|pusher| format!("pushed by {}", named(pusher))));
    lines.extend(ticket.occurrences.iter().take(PLACES_MAX).map(place));
    if let Some(more) = ticket.occurrences.len().checked_sub(PLACES_MAX).filter(|more| *more > 0) {
        lines.push(format!("and {more} more: pushwarden incidents show {}", ticket.incident));
    }
    lines
}

fn place(occurrence: &Occurrence) -> String {
    let path = named(occurrence.path.as_deref().unwrap_or_default());
    let commit = occurrence.commit.as_deref().and_then(|commit| commit.get(..12));
    let at = commit.map_or_else(String::new, |commit| format!(", commit {commit}"));
    let age = if occurrence.age == Age::New { "" } else { " (old)" };
    let whole = match occurrence.container {
        Container::Blob if path.is_empty() => "an object that no ref reaches".to_owned(),
        Container::Blob => format!("{path}:{}", occurrence.span.line),
        Container::Commit if occurrence.in_header => "the commit's header (author...)".to_owned(),
        Container::Commit => "the commit message".to_owned(),
        Container::Tag if occurrence.in_header => {
            format!("the header (tagger...) of the tag {path}")
        }
        Container::Tag => format!("the message of the tag {path}"),
        Container::TreeEntry => format!("the name of the file {path}"),
        Container::RefName => format!("the name of the ref {path}"),
        Container::PushOption => "a push option".to_owned(),
    };
    let layers = occurrence.layers.iter().map(|layer| named(layer));
    let inside: String = layers.flat_map(|layer| [" > ".to_owned(), layer]).collect();
    format!("{whole}{inside}{at}{age}")
}

fn whose(owner: &Owner) -> Vec<String> {
    let (source, confidence) = (owner.source.words(), owner.confidence.words());
    let mut lines = vec![format!("{} (source: {source}, confidence: {confidence})", owner.name)];
    let decided = owner.chain.iter().find(|step| step.source == owner.source);
    lines.extend(decided.map(|step| format!("because: {}", step.evidence)));
    lines
}

fn reach(ticket: &Ticket<'_>) -> Vec<String> {
    let facts = ticket.facts.iter();
    let facts = facts.map(|(name, value)| format!("{}: {}", named(name), named(value)));
    std::iter::once(ticket.rule.reach.clone()).chain(facts).collect()
}

fn revocation(rule: &Rule) -> Vec<String> {
    let mut lines = vec![rule.revocation.how.clone()];
    lines.extend(rule.revocation.url.clone());
    lines
}

fn happened(ticket: &Ticket<'_>) -> Vec<String> {
    let lines: &[&str] = if ticket.is_refused {
        &[
            "The push that opened this was refused; the server stored nothing of it.",
            "The value was on the pusher's machine and passed through this server. Nobody has \
             revoked it yet.",
        ]
    } else {
        &[
            "The push that opened this was let in: who can read the repository can read the value.",
            "Nobody has revoked it yet.",
        ]
    };
    lines.iter().map(|&line| line.to_owned()).collect()
}

fn next(ticket: &Ticket<'_>) -> Vec<String> {
    let incident = ticket.incident;
    vec![
        "Revoke it as above, then see that it is dead: closing this ticket closes nothing."
            .to_owned(),
        format!("pushwarden incidents show {incident}"),
        format!("pushwarden incidents dismiss {incident} --as false-positive --reason ..."),
    ]
}
