//! The outbox: what must happen outside, written in the transaction that makes it necessary.
//!
//! ```text
//! pending ──lease──► leased ──done──► done
//!    ▲                 │ └───dead───► dead        (seen in triage, never silently dropped)
//!    └──────retry──────┘ a lease that runs out is leased again
//! ```
//!
//! Rows are performed at least once; the dedupe key lets the other side see a repetition. Rows of
//! one stream (one ticket at one sink) are leased one after the other, in their order.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::incident::{PushId, TicketEvent, UnscannedId};

use super::page::Listed;

/// What must happen outside.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OutboxPayload {
    /// A sink must be told what happened to a ticket.
    Ticket {
        /// The sink's configured name.
        sink: String,
        /// What happened.
        event: TicketEvent,
    },
    /// Something that was not scanned must be.
    Rescan {
        /// Which item.
        unscanned: UnscannedId,
        /// The push that brought it.
        push: PushId,
        /// The repository's path.
        repository: String,
        /// The object in hex, where it is one.
        object: Option<String>,
        /// For the new tip of a ref: its old one in hex.
        #[serde(default)]
        old: Option<String>,
        /// Why it was not scanned.
        reason: String,
    },
}

impl OutboxPayload {
    /// Returns the word by which rows of this kind are counted and listed.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ticket { .. } => "ticket",
            Self::Rescan { .. } => "rescan",
        }
    }

    /// Returns what names this very act, so that it is written once.
    pub fn dedupe_key(&self) -> String {
        match self {
            Self::Ticket { sink, event } => {
                format!("ticket:{}:{}:{sink}", event.ticket, event.number)
            }
            Self::Rescan { unscanned, .. } => format!("rescan:{unscanned}"),
        }
    }

    /// Returns what names the rows that must happen in order.
    pub fn stream(&self) -> String {
        match self {
            Self::Ticket { sink, event } => format!("ticket:{}:{sink}", event.ticket),
            Self::Rescan { unscanned, .. } => format!("rescan:{unscanned}"),
        }
    }
}

/// Who holds a row: its number, and the attempt that the lease was for. A worker whose lease ran
/// out and went to another holds an old attempt and can no longer settle the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub(super) row: i64,
    pub(super) attempt: u32,
}

impl Lease {
    /// Returns which attempt this is, from 1: what back-off grows with.
    pub fn attempt(self) -> u32 {
        self.attempt
    }
}

/// A row that a worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedRow {
    /// What settles it.
    pub lease: Lease,
    /// What must happen.
    pub payload: OutboxPayload,
    /// What names this very act.
    pub dedupe_key: String,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It happened.
    Done,
    /// It did not; it shall be tried again.
    Retry {
        /// Not before then.
        not_before: Timestamp,
        /// What went wrong; no secret, no response body. Cut to [`Settlement::ERROR_BYTES_MAX`].
        error: String,
    },
    /// It cannot happen.
    Dead {
        /// Why.
        error: String,
    },
}

impl Settlement {
    /// The longest error that is kept of an attempt, in bytes.
    pub const ERROR_BYTES_MAX: usize = 500;
}

/// The most rows that one call leases: a worker takes what it can do within the lease.
pub const LEASE_ROWS_MAX: u32 = 100;

/// How long a row may be held before another worker may take it.
pub const LEASE_TIME_MAX: Duration = Duration::from_hours(1);

/// The most rows that one call removes: the store's writer is held for as long, and a push may wait
/// for it.
pub const PRUNE_ROWS_MAX: u32 = 10_000;

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutboxState {
    /// It waits for its time.
    Pending,
    /// A worker has it.
    Leased,
    /// It happened.
    Done,
    /// It was given up.
    Dead,
}

impl OutboxState {
    /// Returns the word that JSON and the store use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Leased, Self::Done, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// A row as triage sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OutboxView {
    /// Its number.
    pub id: i64,
    /// Where it stands.
    pub state: OutboxState,
    /// What must happen: `ticket`, `rescan`.
    pub kind: String,
    /// What names this very act.
    pub dedupe_key: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before then.
    pub not_before: Timestamp,
    /// What went wrong last.
    pub last_error: Option<String>,
}

impl Listed for OutboxView {
    const PLURAL: &'static str = "outbox";
}
