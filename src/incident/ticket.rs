//! Tickets as triage and trackers see them: states, and the events that every sink is told.

use std::fmt;

use crate::clock::Timestamp;
use crate::finding::Occurrence;

use super::{IncidentId, PushVerdict, TicketId};

/// Where a ticket of the built-in queue stands. It mirrors work, not truth: closing a ticket
/// closes no incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TicketState {
    /// Somebody must act.
    Open,
    /// It was closed, and the secret came again or the incident was reopened.
    Reopened,
    /// Somebody closed it, or its incident was dismissed.
    Closed,
}

impl TicketState {
    /// The words of all states, as [`TicketState::as_str`] returns them.
    pub const WORDS: [&'static str; 3] = ["open", "reopened", "closed"];

    /// Returns the word that JSON and the store use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Reopened => "reopened",
            Self::Closed => "closed",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Open, Self::Reopened, Self::Closed].into_iter().find(|state| state.as_str() == word)
    }
}

/// What a new ticket says. It is used only if the push opens one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketDraft {
    /// One line.
    pub title: String,
    /// What, where, whose, what it can reach, how to revoke it, what should replace it.
    pub body: String,
}

impl TicketDraft {
    /// What stands for the incident's id in a draft: a ticket is drafted before its incident has
    /// one. A name from the push that holds it becomes the id too, which does no harm.
    pub const INCIDENT: &'static str = "@INCIDENT@";

    /// Returns the title and body for the incident that the ticket is opened for.
    pub fn text_for(&self, incident: IncidentId) -> (String, String) {
        let id = incident.to_string();
        (self.title.replace(Self::INCIDENT, &id), self.body.replace(Self::INCIDENT, &id))
    }
}

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TicketEventKind {
    /// It was opened.
    Opened,
    /// Something was added.
    Commented,
    /// It was closed too early, and stands open again.
    Reopened,
    /// It was closed.
    Closed,
}

impl TicketEventKind {
    /// Returns the word that JSON and the store use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Commented => "commented",
            Self::Reopened => "reopened",
            Self::Closed => "closed",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Opened, Self::Commented, Self::Reopened, Self::Closed]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// One event of one ticket, with everything that a tracker needs to mirror it: it travels through
/// the outbox as JSON and is never looked up again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TicketEvent {
    /// The ticket.
    pub ticket: TicketId,
    /// Its place among the ticket's events, from 1. With the ticket it names the event, so that a
    /// sink told twice can tell.
    pub number: u32,
    /// What happened.
    pub kind: TicketEventKind,
    /// When.
    pub at: Timestamp,
    /// Who did it, as [`super::Actor`] displays.
    pub by: String,
    /// The incident that the ticket stands for.
    pub incident: IncidentId,
    /// The rule that found the secret.
    pub rule: String,
    /// How bad the leak is.
    pub severity: String,
    /// Who answers for the credential.
    pub owner: String,
    /// What trackers are searched for before a ticket is created there: never a secret, the same
    /// for every event of the ticket.
    pub dedupe: String,
    /// The ticket's title.
    pub title: String,
    /// The ticket's body: a tracker that has no ticket yet is given one, whatever the event.
    pub body: String,
    /// The comment, or the reason for closing and reopening; empty for `opened`.
    pub text: String,
}

/// What a tracker calls a ticket: `SEC-412`, a number, a URL.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ExternalId(pub String);

/// A secret that was pushed again, as a comment tells it.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The repository's path.
    pub repository: &'a str,
    /// Who pushed, where anything says so.
    pub pusher: Option<&'a str>,
    /// How the push was answered.
    pub verdict: PushVerdict,
    /// In how many places the secret stands.
    pub occurrences: usize,
    /// The first of them.
    pub first: Option<&'a Occurrence>,
}

impl fmt::Display for Sighting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pusher = self.pusher.unwrap_or("somebody unnamed");
        let verdict = self.verdict.as_str();
        write!(f, "Pushed again to {} by {pusher}, {verdict}: ", self.repository)?;
        match self.occurrences {
            1 => f.write_str("1 occurrence")?,
            many => write!(f, "{many} occurrences")?,
        }
        let Some(first) = self.first else {
            return f.write_str(".");
        };
        f.write_str(", first ")?;
        match &first.path {
            Some(path) => write!(f, "{path}:{}", first.span.line)?,
            None => write!(f, "in a {}", first.container)?,
        }
        match &first.commit {
            Some(commit) => write!(f, " in commit {commit}."),
            None => f.write_str("."),
        }
    }
}
