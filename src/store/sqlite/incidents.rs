//! Incidents as people see them.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::identity::{Owner, OwnerSource};
use crate::incident::{Disposition, IncidentId, State};
use crate::store::{
    DecisionView, IncidentFilter, IncidentView, Listing, Page, PusherRecord, PusherView,
    StoreError, TicketBrief,
};

use super::failure::Failure;
use super::value::{Count, Json};
use super::{list, occurrences};

/// Reads the state out of an incident's row.
pub(super) fn state(row: &Row<'_>) -> rusqlite::Result<State> {
    let word: String = row.get("state")?;
    let at = row.get("state_at")?;
    match word.as_str() {
        "open" => Ok(State::Open),
        "reopened" => Ok(State::Reopened { at }),
        // The table's checks allow nothing else, and make the columns read here not null.
        _ => Ok(State::FalsePositive(Disposition {
            kind: row.get("disposition")?,
            by: row.get("disposed_by")?,
            reason: row.get("disposed_reason")?,
            at,
        })),
    }
}

/// Reads the owner out of an incident's row.
pub(super) fn owner(row: &Row<'_>) -> rusqlite::Result<Owner> {
    let Json(chain) = row.get("owner_chain")?;
    Ok(Owner {
        name: row.get("owner")?,
        source: row.get("owner_source")?,
        confidence: row.get("owner_confidence")?,
        chain,
    })
}

pub(super) fn not_found(id: IncidentId) -> StoreError {
    StoreError::NotFound { what: format!("incident {id}") }
}

pub(super) fn list(
    tx: &Connection,
    filter: &IncidentFilter,
    page: &Page,
) -> Result<Listing<IncidentView>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT id FROM incident
         WHERE id < :before
           AND (:state IS NULL OR state = :state)
           AND (:owner IS NULL OR owner = :owner)
           AND (:rule IS NULL OR rule = :rule)
           AND (:fingerprint IS NULL OR fingerprint = :fingerprint)
           AND (:unowned IS NULL OR (owner_source = 'default') = :unowned)
           AND (:repository IS NULL OR EXISTS (
                SELECT 1 FROM incident_push JOIN push ON push.seq = incident_push.push
                WHERE incident_push.incident = incident.id
                  AND (push.repository = :repository OR push.repository_name = :repository)))
         ORDER BY id DESC LIMIT :limit",
    )?;
    let ids = statement.query_map(
        named_params! {
            ":before": list::before(page),
            ":limit": list::limit(page),
            ":state": filter.state,
            ":owner": filter.owner,
            ":rule": filter.rule,
            ":fingerprint": filter.fingerprint,
            ":unowned": filter.unowned,
            ":repository": filter.repository,
        },
        |row| row.get::<_, IncidentId>(0),
    )?;
    let mut rows = Vec::new();
    for id in ids {
        let id = id?;
        rows.push((id.number(), view(tx, id)?));
    }
    Ok(list::cut(page, rows))
}

pub(super) fn view(tx: &Connection, id: IncidentId) -> Result<IncidentView, Failure> {
    // The inventory may have learned the value's name after the incident was opened.
    let incident = tx
        .prepare_cached(
            "SELECT incident.*, coalesce(known_secret.name, incident.known_as) AS known_name
             FROM incident LEFT JOIN known_secret USING (fingerprint)
             WHERE incident.id = :id",
        )?
        .query_row(named_params! { ":id": id }, plain_view)
        .optional()?;
    let mut incident = incident.ok_or_else(|| not_found(id))?;
    incident.occurrences = occurrences::shown(tx, id)?;
    incident.pushers = pushers(tx, id)?;
    incident.tickets = tickets(tx, id)?;
    Ok(incident)
}

fn plain_view(row: &Row<'_>) -> rusqlite::Result<IncidentView> {
    let (state, owner) = (state(row)?, owner(row)?);
    let (Json(facts), Count(occurrences_total), Count(pushes_total)) =
        (row.get("facts")?, row.get("occurrences_total")?, row.get("pushes_total")?);
    Ok(IncidentView {
        id: row.get("id")?,
        state: state.as_str().to_owned(),
        rule: row.get("rule")?,
        fingerprint: row.get("fingerprint")?,
        preview: row.get("preview")?,
        confidence: row.get("confidence")?,
        severity: row.get("severity")?,
        facts,
        known_as: row.get("known_name")?,
        unowned: owner.source == OwnerSource::Default,
        owner,
        exposure: row.get("exposure")?,
        leaked: row.get("leaked")?,
        decision: DecisionView { action: row.get("last_action")?, reason: row.get("last_reason")? },
        disposition: state.disposition().cloned(),
        occurrences: Vec::new(),
        occurrences_total,
        pushers: Vec::new(),
        pushes_total,
        tickets: Vec::new(),
        first_seen: row.get("first_seen")?,
        last_seen: row.get("last_seen")?,
    })
}

fn pushers(tx: &Connection, id: IncidentId) -> Result<Vec<PusherView>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT pusher_name, pusher_source, pusher_trust, count(*) AS pushes
         FROM incident_push JOIN push ON push.seq = incident_push.push
         WHERE incident = :id
         GROUP BY pusher_name, pusher_source, pusher_trust
         ORDER BY max(push.seq) DESC LIMIT :limit",
    )?;
    let rows = statement.query_map(
        named_params! { ":id": id, ":limit": IncidentView::PUSHERS_MAX },
        |row| {
            let Count(pushes) = row.get("pushes")?;
            Ok(PusherView { pusher: pusher(row)?, pushes })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads the pusher out of a push's row.
pub(super) fn pusher(row: &Row<'_>) -> rusqlite::Result<PusherRecord> {
    Ok(PusherRecord {
        name: row.get("pusher_name")?,
        source: row.get("pusher_source")?,
        trust: row.get("pusher_trust")?,
    })
}

fn tickets(tx: &Connection, id: IncidentId) -> Result<Vec<TicketBrief>, Failure> {
    let mut statement =
        tx.prepare_cached("SELECT id, state, title FROM ticket WHERE incident = :id")?;
    let rows = statement.query_map(named_params! { ":id": id }, |row| {
        Ok(TicketBrief { id: row.get("id")?, state: row.get("state")?, title: row.get("title")? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
