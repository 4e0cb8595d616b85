//! The states of an incident and the ways between them.
//!
//! ```text
//! Open ──dismiss──► FalsePositive ──reopen──► Reopened
//!                        ▲                        │
//!                        └────────dismiss─────────┘
//! ```
//!
//! A state exists here from the day that something leads to it: containment, revocation and
//! accepted risk come with the code that does them.

use serde_json::json;

use crate::clock::Timestamp;

use super::{Actor, AuditEvent, IncidentId, NotEntitled, Reason};

/// What somebody entitled said an incident really is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DispositionKind {
    /// It is no credential at all.
    FalsePositive,
    /// It is a credential of nothing: a documentation sample, a value of a test.
    TestValue,
}

impl DispositionKind {
    /// Returns the word that commands, JSON and the store use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FalsePositive => "false-positive",
            Self::TestValue => "test-value",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::FalsePositive, Self::TestValue].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Why an incident is none, who said so, and when.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Disposition {
    /// What it is instead.
    #[serde(rename = "as")]
    pub kind: DispositionKind,
    /// Who said so, as [`Actor`] displays.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Where an incident stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Somebody must act.
    Open,
    /// Somebody must act, and somebody once thought otherwise.
    Reopened {
        /// Since when.
        at: Timestamp,
    },
    /// It is no leak.
    FalsePositive(Disposition),
}

/// What happens to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody entitled says that it is no leak.
    Dismiss {
        /// What it is instead.
        kind: DispositionKind,
        /// Why.
        reason: Reason,
        /// Whether who says so goes by the name of somebody who pushed the secret. That is no
        /// hindrance on the admin socket, but the audit log marks it.
        pushed_it: bool,
    },
    /// Somebody takes that back.
    Reopen {
        /// Why.
        reason: Reason,
    },
}

/// Why an event cannot happen to an incident.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalTransition {
    /// It does not lead anywhere from the state that the incident is in.
    #[error("{incident} is `{from}` and cannot be {event}; {remedy}")]
    State {
        /// The incident.
        incident: IncidentId,
        /// Where it stands.
        from: &'static str,
        /// What was wanted: `dismissed` or `reopened`.
        event: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Who wants it may not.
    #[error(transparent)]
    NotEntitled(#[from] NotEntitled),
}

impl State {
    /// The words of all states, as [`State::as_str`] returns them.
    pub const WORDS: [&'static str; 3] = ["open", "reopened", "false-positive"];

    /// Returns the word for this state in records and JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Reopened { .. } => "reopened",
            Self::FalsePositive(_) => "false-positive",
        }
    }

    /// Tells whether somebody must still act.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open | Self::Reopened { .. })
    }

    /// Returns why the incident is none, where somebody said so.
    pub fn disposition(&self) -> Option<&Disposition> {
        match self {
            Self::FalsePositive(disposition) => Some(disposition),
            Self::Open | Self::Reopened { .. } => None,
        }
    }

    /// Returns the next state and the audit event to store with it, in one transaction.
    pub fn apply(
        self,
        incident: IncidentId,
        event: Event,
        by: &Actor,
        at: Timestamp,
    ) -> Result<(Self, AuditEvent), IllegalTransition> {
        by.entitled()?;
        let from = self.as_str();
        let audit = |action: &str, detail: serde_json::Value| {
            AuditEvent::new(at, by, action, incident, &detail)
        };
        match (self, event) {
            (Self::Open | Self::Reopened { .. }, Event::Dismiss { kind, reason, pushed_it }) => {
                let detail = json!({
                    "from": from,
                    "as": kind,
                    "reason": reason,
                    "pushed_it": pushed_it,
                });
                let disposition = Disposition {
                    kind,
                    by: by.to_string(),
                    reason: reason.as_str().to_owned(),
                    at,
                };
                let audit = audit("incident.dismissed", detail);
                Ok((Self::FalsePositive(disposition), audit))
            }
            (Self::FalsePositive(was), Event::Reopen { reason }) => {
                let detail = json!({ "from": from, "was": was, "reason": reason });
                Ok((Self::Reopened { at }, audit("incident.reopened", detail)))
            }
            (Self::FalsePositive(_), Event::Dismiss { .. }) => Err(IllegalTransition::State {
                incident,
                from,
                event: "dismissed",
                remedy: "it already is; reopen it first to give another reason",
            }),
            (Self::Open | Self::Reopened { .. }, Event::Reopen { .. }) => {
                Err(IllegalTransition::State {
                    incident,
                    from,
                    event: "reopened",
                    remedy: "it is open as it stands",
                })
            }
        }
    }
}
