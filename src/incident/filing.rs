//! How a finding of a push becomes, or adds to, an incident and its ticket.
//!
//! | decision | no incident | incident open | dismissed |
//! |---|---|---|---|
//! | refuse | opens incident and ticket | adds; opens, re-opens or comments on the ticket | adds |
//! | report | opens incident | adds; re-opens a closed ticket if the occurrence is new | adds |
//! | ignore | nothing | adds | adds |
//!
//! Only a dismissal closes an incident so far. A state that something else closes will have to be
//! reopened by a refusal; `file_finding` is where that belongs.
//!
//! A ticket that a human closed too early stands open again when the secret is pushed again. A
//! push that brings nothing that the ticket does not already say adds no comment, or a developer
//! who retries would drown whoever works on it.

use crate::finding::Age;
use crate::identity::Owner;
use crate::policy::Action;

use super::{State, TicketState};

/// How the gate answered a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PushVerdict {
    /// Git was told to go on.
    Accepted,
    /// Git was told to refuse.
    Refused,
    /// There was no answer: the push could not be screened, and the hook's own policy applied.
    Failed,
}

impl PushVerdict {
    /// Returns the word that JSON and the store use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Accepted, Self::Refused, Self::Failed]
            .into_iter()
            .find(|verdict| verdict.as_str() == word)
    }
}

/// Who says what a push brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The daemon screened it.
    Daemon,
    /// A spool entry that the git account wrote while the daemon was away. It may open incidents;
    /// it never clears, closes, uses a grant or changes an owner.
    GitAccount,
}

impl Origin {
    /// Returns the word that JSON and the store use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::GitAccount => "git-account",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Daemon, Self::GitAccount].into_iter().find(|origin| origin.as_str() == word)
    }
}

/// How far a secret got, least first; an incident keeps the worst of its pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// Every push that carried it was refused: it was on the pusher's machine and in transit.
    Refused,
    /// It cannot be told: a push failed, or the parents of a refused one already held it.
    Unknown,
    /// The gate let it in. That is no proof that it landed: a chained hook or git itself may have
    /// refused after us.
    Accepted,
    /// Its object was reachable from the repository's own refs.
    Landed,
}

impl Exposure {
    /// Returns the word that JSON and the store use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Landed => "landed",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Refused, Self::Unknown, Self::Accepted, Self::Landed]
            .into_iter()
            .find(|exposure| exposure.as_str() == word)
    }

    /// Returns how far a secret got in one push, from the ages of its occurrences there.
    pub fn of(verdict: PushVerdict, ages: impl IntoIterator<Item = Age>) -> Self {
        let (mut reachable, mut new) = (false, false);
        for age in ages {
            reachable |= age == Age::OldReachable;
            new |= age == Age::New;
        }
        match verdict {
            _ if reachable => Self::Landed,
            PushVerdict::Accepted => Self::Accepted,
            PushVerdict::Refused if new => Self::Refused,
            PushVerdict::Refused | PushVerdict::Failed => Self::Unknown,
        }
    }
}

/// What [`file_finding`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct FilingInput<'a> {
    /// What policy decided.
    pub action: Action,
    /// The incident of this secret, where there is one.
    pub incident: Option<&'a State>,
    /// The incident's ticket, where there is one.
    pub ticket: Option<TicketState>,
    /// Whether an occurrence came with this push.
    pub any_new: bool,
    /// Whether an occurrence stands where the incident has none yet.
    pub any_unseen_place: bool,
}

/// What happens to the incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentStep {
    /// Nothing is kept.
    Skip,
    /// There is none yet: it opens.
    Open,
    /// Occurrences add up.
    Extend,
}

/// What happens to the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketStep {
    /// Nothing.
    Leave,
    /// There is none yet: it opens.
    Open,
    /// It was closed too early.
    Reopen,
    /// It learns about new places.
    Comment,
}

/// Decides what a finding does to its incident and ticket; see the table above.
pub fn file_finding(input: FilingInput<'_>) -> (IncidentStep, TicketStep) {
    let Some(state) = input.incident else {
        return match input.action {
            Action::Ignore => (IncidentStep::Skip, TicketStep::Leave),
            Action::Report => (IncidentStep::Open, TicketStep::Leave),
            Action::Refuse => (IncidentStep::Open, TicketStep::Open),
        };
    };
    if !state.is_open() || input.action == Action::Ignore {
        return (IncidentStep::Extend, TicketStep::Leave);
    }
    let refused = input.action == Action::Refuse;
    let ticket = match input.ticket {
        None if refused => TicketStep::Open,
        Some(TicketState::Closed) if refused || input.any_new => TicketStep::Reopen,
        Some(TicketState::Open | TicketState::Reopened) if input.any_unseen_place => {
            TicketStep::Comment
        }
        _ => TicketStep::Leave,
    };
    (IncidentStep::Extend, ticket)
}

/// Tells whether a later finding describes the secret better: its rule is surer. So a value that
/// a generic rule saw first is known by its own rule once that has seen it. (`C` is how sure a rule
/// is; this module knows no rules.)
pub fn replaces_finding<C: Ord>(now: &C, later: &C, origin: Origin) -> bool {
    origin == Origin::Daemon && later > now
}

/// Tells whether a later answer about the owner is the better one: from a source that is believed
/// more. At the same source the first answer stands, or an incident would wander from team to
/// team with every path that the secret is pushed to.
pub fn replaces_owner(now: &Owner, later: &Owner, origin: Origin) -> bool {
    origin == Origin::Daemon && later.source < now.source
}
