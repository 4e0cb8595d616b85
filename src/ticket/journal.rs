//! The sink `journal`: one structured log line for each ticket event, for whatever reads logs.

use crate::incident::{ExternalId, TicketEvent};

use super::{SinkError, TicketSink};

/// Writes each ticket event to the log, at level `info`.
///
/// The body is left out: it is long, and stands in the ticket. Titles and comments hold names
/// that came with a push, escaped when they were written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Journal;

impl Journal {
    /// The name that configuration knows it by.
    pub const NAME: &'static str = "journal";

    fn write(event: &TicketEvent, comment: &str) {
        tracing::info!(
            ticket.id = %event.ticket,
            ticket.event = event.number,
            ticket.kind = event.kind.as_str(),
            ticket.at = %event.at,
            ticket.by = event.by,
            ticket.title = event.title,
            ticket.comment = comment,
            incident.id = %event.incident,
            incident.owner = event.owner,
            incident.severity = event.severity,
            rule.id = event.rule,
            "a ticket changed"
        );
    }
}

impl TicketSink for Journal {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn find(&self, _dedupe: &str) -> Result<Option<ExternalId>, SinkError> {
        // A log is not searched: who reads it drops a repeated ticket.id and ticket.event.
        Ok(None)
    }

    fn create(&self, event: &TicketEvent) -> Result<ExternalId, SinkError> {
        Self::write(event, "");
        Ok(ExternalId(event.ticket.to_string()))
    }

    fn comment(&self, _ticket: &ExternalId, event: &TicketEvent) -> Result<(), SinkError> {
        Self::write(event, &event.text);
        Ok(())
    }

    fn close(&self, _ticket: &ExternalId, event: &TicketEvent) -> Result<(), SinkError> {
        Self::write(event, &event.text);
        Ok(())
    }

    fn reopen(&self, _ticket: &ExternalId, event: &TicketEvent) -> Result<(), SinkError> {
        Self::write(event, &event.text);
        Ok(())
    }
}
