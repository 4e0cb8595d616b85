//! What a push brought and nobody scanned.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::json;

use crate::clock::Timestamp;
use crate::incident::{Actor, AuditEvent, PushVerdict, UnscannedId};
use crate::store::{
    Listing, OutboxPayload, Page, PushRecord, StoreError, UnscannedFilter, UnscannedItem,
    UnscannedSettlement, UnscannedState, UnscannedView,
};

use super::failure::Failure;
use super::{audit, list, outbox};

/// Lists what a push brought unscanned; the push counts what is over the limit. What stayed on
/// the server shall be scanned later; what was refused is gone with the quarantine.
pub(super) fn insert(tx: &Connection, record: &PushRecord, push: i64) -> Result<(), Failure> {
    for item in record.unscanned.iter().take(PushRecord::UNSCANNED_MAX) {
        let id = insert_one(tx, item, push)?;
        if item.again && record.verdict != PushVerdict::Refused {
            outbox::insert(tx, &rescan(id, record, item), record.at)?;
        }
    }
    Ok(())
}

fn insert_one(tx: &Connection, item: &UnscannedItem, push: i64) -> Result<UnscannedId, Failure> {
    let id = tx
        .prepare_cached(
            "INSERT INTO unscanned (push, object, reason, detail, state)
             VALUES (:push, :object, :reason, :detail, 'open') RETURNING id",
        )?
        .query_row(
            named_params! {
                ":push": push,
                ":object": item.object,
                ":reason": item.reason,
                ":detail": item.detail,
            },
            |row| row.get(0),
        )?;
    Ok(id)
}

fn rescan(id: UnscannedId, record: &PushRecord, item: &UnscannedItem) -> OutboxPayload {
    OutboxPayload::Rescan {
        unscanned: id,
        push: record.id.clone(),
        repository: record.repository.clone(),
        object: item.object.clone(),
        old: item.old.clone(),
        reason: item.reason.clone(),
    }
}

pub(super) fn settle(
    tx: &Connection,
    settlement: &UnscannedSettlement,
    by: &Actor,
    at: Timestamp,
) -> Result<UnscannedView, Failure> {
    by.entitled()?;
    let UnscannedSettlement { id, state, reason } = settlement;
    let was = view(tx, *id)?.state;
    if was != UnscannedState::Open || *state == UnscannedState::Open {
        let what = format!("{id} is {} and cannot become {}", was.as_str(), state.as_str());
        return Err(StoreError::Conflict { what }.into());
    }
    tx.prepare_cached(
        "UPDATE unscanned SET state = :state, settled_by = :by, settled_at = :at,
             settled_reason = :reason
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id,
        ":state": state,
        ":by": by.to_string(),
        ":at": at,
        ":reason": reason.as_str(),
    })?;
    let action = format!("unscanned.{}", state.as_str());
    let event = AuditEvent::new(at, by, &action, id, &json!({ "reason": reason }));
    audit::append(tx, event)?;
    view(tx, *id)
}

pub(super) fn list(
    tx: &Connection,
    filter: &UnscannedFilter,
    page: &Page,
) -> Result<Listing<UnscannedView>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT unscanned.*, push.id AS push_id, at, repository, repository_name
         FROM unscanned JOIN push ON push.seq = unscanned.push
         WHERE unscanned.id < :before
           AND (:state IS NULL OR state = :state)
           AND (:reason IS NULL OR unscanned.reason = :reason)
           AND (:repository IS NULL OR repository = :repository OR repository_name = :repository)
         ORDER BY unscanned.id DESC LIMIT :limit",
    )?;
    let rows = statement.query_map(
        named_params! {
            ":before": list::before(page),
            ":limit": list::limit(page),
            ":state": filter.state,
            ":reason": filter.reason,
            ":repository": filter.repository,
        },
        |row| Ok((row.get("id")?, item(row)?)),
    )?;
    Ok(list::cut(page, rows.collect::<Result<_, _>>()?))
}

fn view(tx: &Connection, id: UnscannedId) -> Result<UnscannedView, Failure> {
    let found = tx
        .prepare_cached(
            "SELECT unscanned.*, push.id AS push_id, at, repository, repository_name
             FROM unscanned JOIN push ON push.seq = unscanned.push
             WHERE unscanned.id = :id",
        )?
        .query_row(named_params! { ":id": id }, item)
        .optional()?;
    let missing = || StoreError::NotFound { what: format!("unscanned item {id}") };
    Ok(found.ok_or_else(missing)?)
}

fn item(row: &Row<'_>) -> rusqlite::Result<UnscannedView> {
    Ok(UnscannedView {
        id: row.get("id")?,
        state: row.get("state")?,
        push: row.get("push_id")?,
        at: row.get("at")?,
        repository: row.get("repository")?,
        repository_name: row.get("repository_name")?,
        object: row.get("object")?,
        reason: row.get("reason")?,
        detail: row.get("detail")?,
        settled_by: row.get("settled_by")?,
        settled_at: row.get("settled_at")?,
        settled_reason: row.get("settled_reason")?,
    })
}
