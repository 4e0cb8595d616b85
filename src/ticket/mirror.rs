//! One event to one sink: which of the sink's verbs, on which of its tickets.

use crate::incident::{ExternalId, TicketEvent, TicketEventKind};

use super::{SinkError, TicketSink};

/// Tells `sink` about `event` and returns what the sink calls the ticket.
///
/// `known` is what the store kept from an earlier event. Without it the sink is searched before
/// anything is created, so that an answer that got lost leaves no second ticket. A ticket that
/// the sink has lost, or never had, is created, whatever the event was.
pub fn mirror(
    sink: &dyn TicketSink,
    event: &TicketEvent,
    known: Option<ExternalId>,
) -> Result<ExternalId, SinkError> {
    let ticket = match known {
        Some(ticket) => Some(ticket),
        None => sink.find(&event.dedupe)?,
    };
    let Some(ticket) = ticket else {
        let created = sink.create(event)?;
        match event.kind {
            TicketEventKind::Opened => {}
            TicketEventKind::Commented | TicketEventKind::Reopened => {
                sink.comment(&created, event)?;
            }
            TicketEventKind::Closed => sink.close(&created, event)?,
        }
        return Ok(created);
    };
    match event.kind {
        // The answer to an earlier attempt got lost: it stands already.
        TicketEventKind::Opened => {}
        TicketEventKind::Commented => sink.comment(&ticket, event)?,
        TicketEventKind::Reopened => sink.reopen(&ticket, event)?,
        TicketEventKind::Closed => sink.close(&ticket, event)?,
    }
    Ok(ticket)
}
