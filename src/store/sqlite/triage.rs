//! What triage does to an incident: decided by [`State::apply`], carried out with its ticket and
//! audit event in one transaction.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::clock::Timestamp;
use crate::incident::{
    Actor, DispositionKind, Event, IncidentId, Reason, State, TicketEventKind, TicketState,
};
use crate::store::IncidentView;

use super::failure::Failure;
use super::tickets::{self, Happening};
use super::{audit, incidents};

pub(super) fn dismiss(
    tx: &Connection,
    sinks: &[String],
    id: IncidentId,
    (kind, reason): (DispositionKind, &Reason),
    by: &Actor,
    at: Timestamp,
) -> Result<IncidentView, Failure> {
    let event = Event::Dismiss { kind, reason: reason.clone(), pushed_it: pushed_it(tx, id, by)? };
    apply(tx, id, event, by, at)?;
    let text = format!("Dismissed as {}: {reason}", kind.as_str());
    move_ticket(tx, sinks, id, TicketEventKind::Closed, text, by, at)?;
    incidents::view(tx, id)
}

pub(super) fn reopen(
    tx: &Connection,
    sinks: &[String],
    id: IncidentId,
    reason: &Reason,
    by: &Actor,
    at: Timestamp,
) -> Result<IncidentView, Failure> {
    let event = Event::Reopen { reason: reason.clone() };
    apply(tx, id, event, by, at)?;
    let text = format!("The incident was reopened: {reason}");
    move_ticket(tx, sinks, id, TicketEventKind::Reopened, text, by, at)?;
    incidents::view(tx, id)
}

/// Tells whether who acts goes by the name of somebody who pushed the secret.
fn pushed_it(tx: &Connection, id: IncidentId, by: &Actor) -> Result<bool, Failure> {
    let pushed = tx
        .prepare_cached(
            "SELECT EXISTS (
                 SELECT 1 FROM incident_push JOIN push ON push.seq = incident_push.push
                 WHERE incident = :id AND pusher_name = :name)",
        )?
        .query_row(named_params! { ":id": id, ":name": by.name() }, |row| row.get(0))?;
    Ok(pushed)
}

fn apply(
    tx: &Connection,
    id: IncidentId,
    event: Event,
    by: &Actor,
    at: Timestamp,
) -> Result<(), Failure> {
    let state = tx
        .prepare_cached("SELECT * FROM incident WHERE id = :id")?
        .query_row(named_params! { ":id": id }, incidents::state)
        .optional()?
        .ok_or_else(|| incidents::not_found(id))?;
    let (state, event) = state.apply(id, event, by, at)?;
    store(tx, id, &state, at)?;
    audit::append(tx, event).map(drop)
}

fn store(tx: &Connection, id: IncidentId, state: &State, at: Timestamp) -> Result<(), Failure> {
    let disposition = state.disposition();
    tx.prepare_cached(
        "UPDATE incident SET state = :state, state_at = :at, disposition = :kind,
             disposed_by = :by, disposed_reason = :reason
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id,
        ":state": state.as_str(),
        ":at": at,
        ":kind": disposition.map(|said| said.kind),
        ":by": disposition.map(|said| &said.by),
        ":reason": disposition.map(|said| &said.reason),
    })?;
    Ok(())
}

/// The ticket follows its incident, if there is one that does not stand there already.
fn move_ticket(
    tx: &Connection,
    sinks: &[String],
    id: IncidentId,
    kind: TicketEventKind,
    text: String,
    by: &Actor,
    at: Timestamp,
) -> Result<(), Failure> {
    let Some((ticket, state)) = tickets::of_incident(tx, id)? else {
        return Ok(());
    };
    let is_closed = state == TicketState::Closed;
    if is_closed == (kind == TicketEventKind::Closed) {
        return Ok(());
    }
    let happening = Happening { ticket, kind, text, by, at };
    tickets::happen(tx, sinks, &happening)
}
