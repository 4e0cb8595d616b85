//! The built-in queue: tickets and what happens to them.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::json;

use crate::clock::Timestamp;
use crate::incident::{
    Actor, AuditEvent, ExternalId, IncidentId, Reason, TicketDraft, TicketEvent, TicketEventKind,
    TicketId, TicketState,
};
use crate::secret::Fingerprint;
use crate::store::{
    Listing, OutboxPayload, Page, StoreError, TicketEventView, TicketFilter, TicketLink, TicketView,
};

use super::failure::Failure;
use super::value::Count;
use super::{audit, incidents, list, outbox};

/// Something that happens to a ticket.
pub(super) struct Happening<'a> {
    pub(super) ticket: TicketId,
    pub(super) kind: TicketEventKind,
    pub(super) text: String,
    pub(super) by: &'a Actor,
    pub(super) at: Timestamp,
}

/// Opens the ticket of an incident that has none.
pub(super) fn open(
    tx: &Connection,
    sinks: &[String],
    incident: IncidentId,
    draft: &TicketDraft,
    by: &Actor,
    at: Timestamp,
) -> Result<TicketId, Failure> {
    let (title, body) = draft.text_for(incident);
    let ticket = tx
        .prepare_cached(
            "INSERT INTO ticket (incident, state, title, body, opened_at, updated_at)
             VALUES (:incident, 'open', :title, :body, :at, :at) RETURNING id",
        )?
        .query_row(
            named_params! {
                ":incident": incident,
                ":title": title,
                ":body": body,
                ":at": at,
            },
            |row| row.get(0),
        )?;
    let opened = Happening { ticket, kind: TicketEventKind::Opened, text: String::new(), by, at };
    happen(tx, sinks, &opened)?;
    Ok(ticket)
}

/// Writes down what happens to a ticket, and that every sink must be told. A comment past
/// [`TicketView::EVENTS_MAX`] is only counted.
pub(super) fn happen(
    tx: &Connection,
    sinks: &[String],
    happening: &Happening<'_>,
) -> Result<(), Failure> {
    let event = describe(tx, happening)?;
    if happening.kind == TicketEventKind::Commented && event.number > TicketView::EVENTS_MAX {
        return count_comment(tx, happening);
    }
    insert_event(tx, &event)?;
    move_ticket(tx, &event)?;
    for sink in sinks {
        let (sink, event) = (sink.clone(), event.clone());
        outbox::insert(tx, &OutboxPayload::Ticket { sink, event }, happening.at)?;
    }
    if happening.kind == TicketEventKind::Commented {
        // The push that caused it is in the audit log already.
        return Ok(());
    }
    let action = format!("ticket.{}", happening.kind.as_str());
    let detail = match happening.kind {
        // The body stands in the ticket.
        TicketEventKind::Opened => json!({ "incident": event.incident }),
        _ => json!({ "incident": event.incident, "reason": happening.text }),
    };
    let audited = AuditEvent::new(happening.at, happening.by, &action, event.ticket, &detail);
    audit::append(tx, audited).map(drop)
}

/// Collects what a tracker needs to know.
fn describe(tx: &Connection, happening: &Happening<'_>) -> Result<TicketEvent, Failure> {
    let event = tx
        .prepare_cached(
            "SELECT ticket.title, ticket.body, ticket.events, incident.id, fingerprint, rule, severity, owner
             FROM ticket JOIN incident ON incident.id = ticket.incident
             WHERE ticket.id = :ticket",
        )?
        .query_row(named_params! { ":ticket": happening.ticket }, |row| {
            let fingerprint: Fingerprint = row.get("fingerprint")?;
            Ok(TicketEvent {
                ticket: happening.ticket,
                number: row.get::<_, u32>("events")?.saturating_add(1),
                kind: happening.kind,
                at: happening.at,
                by: happening.by.to_string(),
                incident: row.get("id")?,
                rule: row.get("rule")?,
                severity: row.get("severity")?,
                owner: row.get("owner")?,
                dedupe: dedupe(&fingerprint),
                title: row.get("title")?,
                body: row.get("body")?,
                text: happening.text.clone(),
            })
        })
        .optional()?;
    event.ok_or_else(|| not_found(happening.ticket).into())
}

/// Returns what trackers are searched for. Half a fingerprint is enough to be unique, and short
/// enough for every tracker's labels.
fn dedupe(fingerprint: &Fingerprint) -> String {
    let hex = fingerprint.to_string();
    format!("pushwarden-{}", hex.get(..32).unwrap_or(&hex))
}

fn insert_event(tx: &Connection, event: &TicketEvent) -> Result<(), Failure> {
    tx.prepare_cached(
        "INSERT INTO ticket_event (ticket, number, kind, at, by, text)
         VALUES (:ticket, :number, :kind, :at, :by, :text)",
    )?
    .execute(named_params! {
        ":ticket": event.ticket,
        ":number": event.number,
        ":kind": event.kind,
        ":at": event.at,
        ":by": event.by,
        ":text": event.text,
    })?;
    Ok(())
}

fn move_ticket(tx: &Connection, event: &TicketEvent) -> Result<(), Failure> {
    let state = match event.kind {
        TicketEventKind::Opened => Some(TicketState::Open),
        TicketEventKind::Commented => None,
        TicketEventKind::Reopened => Some(TicketState::Reopened),
        TicketEventKind::Closed => Some(TicketState::Closed),
    };
    tx.prepare_cached(
        "UPDATE ticket SET state = coalesce(:state, state), events = :number,
             updated_at = max(updated_at, :at)
         WHERE id = :ticket",
    )?
    .execute(named_params! {
        ":ticket": event.ticket,
        ":state": state,
        ":number": event.number,
        ":at": event.at,
    })?;
    Ok(())
}

fn count_comment(tx: &Connection, happening: &Happening<'_>) -> Result<(), Failure> {
    tx.prepare_cached(
        "UPDATE ticket SET comments_unwritten = comments_unwritten + 1,
             updated_at = max(updated_at, :at)
         WHERE id = :ticket",
    )?
    .execute(named_params! { ":ticket": happening.ticket, ":at": happening.at })?;
    Ok(())
}

/// Closes a ticket by hand.
pub(super) fn close(
    tx: &Connection,
    sinks: &[String],
    ticket: TicketId,
    reason: &Reason,
    by: &Actor,
    at: Timestamp,
) -> Result<TicketView, Failure> {
    by.entitled()?;
    if view(tx, ticket)?.state == TicketState::Closed {
        let what = format!("{ticket} is closed already");
        return Err(StoreError::Conflict { what }.into());
    }
    let closed =
        Happening { ticket, kind: TicketEventKind::Closed, text: reason.to_string(), by, at };
    happen(tx, sinks, &closed)?;
    view(tx, ticket)
}

/// Finds the ticket of an incident.
pub(super) fn of_incident(
    tx: &Connection,
    incident: IncidentId,
) -> Result<Option<(TicketId, TicketState)>, Failure> {
    let ticket = tx
        .prepare_cached("SELECT id, state FROM ticket WHERE incident = :incident")?
        .query_row(named_params! { ":incident": incident }, |row| {
            Ok((row.get("id")?, row.get("state")?))
        })
        .optional()?;
    Ok(ticket)
}

pub(super) fn list(
    tx: &Connection,
    filter: &TicketFilter,
    page: &Page,
) -> Result<Listing<TicketView>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT ticket.id FROM ticket JOIN incident ON incident.id = ticket.incident
         WHERE ticket.id < :before
           AND (:state IS NULL OR ticket.state = :state)
           AND (:owner IS NULL OR incident.owner = :owner)
         ORDER BY ticket.id DESC LIMIT :limit",
    )?;
    let ids = statement.query_map(
        named_params! {
            ":before": list::before(page),
            ":limit": list::limit(page),
            ":state": filter.state,
            ":owner": filter.owner,
        },
        |row| row.get::<_, TicketId>(0),
    )?;
    let mut rows = Vec::new();
    for id in ids {
        let id = id?;
        rows.push((id.number(), view(tx, id)?));
    }
    Ok(list::cut(page, rows))
}

pub(super) fn view(tx: &Connection, id: TicketId) -> Result<TicketView, Failure> {
    let ticket = tx
        .prepare_cached(
            "SELECT ticket.*, incident.state AS incident_state, rule, preview, severity,
                 owner, owner_source, owner_confidence, owner_chain
             FROM ticket JOIN incident ON incident.id = ticket.incident
             WHERE ticket.id = :id",
        )?
        .query_row(named_params! { ":id": id }, plain_view)
        .optional()?;
    let mut ticket = ticket.ok_or_else(|| not_found(id))?;
    ticket.events = events(tx, id)?;
    ticket.links = links(tx, id)?;
    Ok(ticket)
}

fn plain_view(row: &Row<'_>) -> rusqlite::Result<TicketView> {
    let Count(comments_unwritten) = row.get("comments_unwritten")?;
    Ok(TicketView {
        id: row.get("id")?,
        state: row.get("state")?,
        incident: row.get("incident")?,
        incident_state: row.get("incident_state")?,
        rule: row.get("rule")?,
        preview: row.get("preview")?,
        severity: row.get("severity")?,
        owner: incidents::owner(row)?,
        title: row.get("title")?,
        body: row.get("body")?,
        opened_at: row.get("opened_at")?,
        updated_at: row.get("updated_at")?,
        events: Vec::new(),
        links: Vec::new(),
        comments_unwritten,
    })
}

fn events(tx: &Connection, id: TicketId) -> Result<Vec<TicketEventView>, Failure> {
    let mut statement =
        tx.prepare_cached("SELECT * FROM ticket_event WHERE ticket = :id ORDER BY number")?;
    let rows = statement.query_map(named_params! { ":id": id }, |row| {
        Ok(TicketEventView {
            number: row.get("number")?,
            kind: row.get("kind")?,
            at: row.get("at")?,
            by: row.get("by")?,
            text: row.get("text")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn links(tx: &Connection, id: TicketId) -> Result<Vec<TicketLink>, Failure> {
    let mut statement =
        tx.prepare_cached("SELECT * FROM ticket_link WHERE ticket = :id ORDER BY sink")?;
    let rows = statement.query_map(named_params! { ":id": id }, |row| {
        Ok(TicketLink { sink: row.get("sink")?, external: row.get("external")? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn link(
    tx: &Connection,
    id: TicketId,
    sink: &str,
) -> Result<Option<ExternalId>, Failure> {
    let links = links(tx, id)?;
    let link = links.into_iter().find(|link| link.sink == sink);
    Ok(link.map(|link| link.external))
}

pub(super) fn set_link(
    tx: &Connection,
    id: TicketId,
    sink: &str,
    external: &ExternalId,
) -> Result<(), Failure> {
    view(tx, id)?;
    tx.prepare_cached(
        "INSERT INTO ticket_link (ticket, sink, external) VALUES (:id, :sink, :external)
         ON CONFLICT DO UPDATE SET external = :external",
    )?
    .execute(named_params! { ":id": id, ":sink": sink, ":external": external })?;
    Ok(())
}

fn not_found(id: TicketId) -> StoreError {
    StoreError::NotFound { what: format!("ticket {id}") }
}
