//! Where tickets are mirrored: one file for each tracker or channel.
//!
//! ```text
//! outbox row (TicketEvent) ──► mirror ──► find? ──► create | comment | close | reopen ──► sink
//! ```
//!
//! The built-in queue is not here: its tickets live in the store, so that a ticket stands in the
//! same transaction as its incident. A sink is told afterwards, at least once, event by event.
//! A sink never closes an incident, and what it calls its tickets is never believed to be more
//! than a name.

mod journal;
mod mirror;
#[cfg(test)]
mod tests;

use crate::incident::{ExternalId, TicketEvent};

pub use journal::Journal;
pub use mirror::mirror;

/// Why a sink did not take an event.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// It is away, slow or overloaded: try again later.
    #[error("ticket sink `{sink}` could not {attempted} now")]
    Unavailable {
        /// The sink's name.
        sink: String,
        /// What was attempted.
        attempted: &'static str,
        /// What it said.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// It will not take this, however often it is asked.
    #[error("ticket sink `{sink}` refused to {attempted}: {answer}")]
    Refused {
        /// The sink's name.
        sink: String,
        /// What was attempted.
        attempted: &'static str,
        /// What it said; never a response body as it came.
        answer: String,
    },
}

impl SinkError {
    /// Tells whether trying again can help.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// A tracker or channel that tickets are mirrored to.
///
/// Methods block and may be called again for an event that was taken before: an event is named by
/// its ticket and number. They hold nothing but what a [`TicketEvent`] says.
pub trait TicketSink: Send + Sync {
    /// Returns the name that configuration and outbox know it by.
    fn name(&self) -> &str;

    /// Looks for a ticket by its dedupe key; asked before every [`TicketSink::create`] whose
    /// outcome may be unknown.
    fn find(&self, dedupe: &str) -> Result<Option<ExternalId>, SinkError>;

    /// Creates a ticket and returns what it is called there.
    fn create(&self, event: &TicketEvent) -> Result<ExternalId, SinkError>;

    /// Adds the event's text to a ticket.
    fn comment(&self, ticket: &ExternalId, event: &TicketEvent) -> Result<(), SinkError>;

    /// Closes a ticket with the event's text as the reason.
    fn close(&self, ticket: &ExternalId, event: &TicketEvent) -> Result<(), SinkError>;

    /// Opens a closed ticket again with the event's text as the reason.
    fn reopen(&self, ticket: &ExternalId, event: &TicketEvent) -> Result<(), SinkError>;
}
