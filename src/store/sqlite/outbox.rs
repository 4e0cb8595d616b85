//! The outbox's table.

use std::time::Duration;

use rusqlite::{Connection, Row, named_params};

use crate::clock::Timestamp;
use crate::store::{
    LEASE_ROWS_MAX, LEASE_TIME_MAX, Lease, LeasedRow, Listing, OutboxPayload, OutboxState,
    OutboxView, PRUNE_ROWS_MAX, Page, Settlement, StoreError,
};

use super::failure::Failure;
use super::list;
use super::value::Json;

/// Adds what must happen; what stands there under the same dedupe key already is left alone.
pub(super) fn insert(
    tx: &Connection,
    payload: &OutboxPayload,
    at: Timestamp,
) -> Result<(), Failure> {
    tx.prepare_cached(
        "INSERT INTO outbox (kind, stream, dedupe_key, payload, state, not_before)
         VALUES (:kind, :stream, :dedupe_key, :payload, 'pending', :at)
         ON CONFLICT (dedupe_key) DO NOTHING",
    )?
    .execute(named_params! {
        ":kind": payload.kind(),
        ":stream": payload.stream(),
        ":dedupe_key": payload.dedupe_key(),
        ":payload": Json(payload),
        ":at": at,
    })?;
    Ok(())
}

/// Takes rows whose time has come: of each stream at most the first that is not settled.
pub(super) fn lease(
    tx: &Connection,
    now: Timestamp,
    rows: u32,
    time: Duration,
) -> Result<Vec<LeasedRow>, Failure> {
    let mut statement = tx.prepare_cached(
        "UPDATE outbox SET state = 'leased', attempts = attempts + 1, lease_until = :until
         WHERE id IN (
             SELECT id FROM outbox AS due
             WHERE (state = 'pending' AND not_before <= :now
                 OR state = 'leased' AND lease_until <= :now)
               AND NOT EXISTS (
                   SELECT 1 FROM outbox AS earlier
                   WHERE earlier.stream = due.stream AND earlier.id < due.id
                     AND earlier.state IN ('pending', 'leased'))
             ORDER BY id LIMIT :rows)
         RETURNING *",
    )?;
    let leased = statement.query_map(
        named_params! {
            ":now": now,
            ":until": now.after(time.min(LEASE_TIME_MAX)),
            ":rows": rows.min(LEASE_ROWS_MAX),
        },
        leased,
    )?;
    let mut leased: Vec<LeasedRow> = leased.collect::<Result<_, _>>()?;
    // RETURNING promises no order.
    leased.sort_by_key(|row| row.lease.row);
    Ok(leased)
}

fn leased(row: &Row<'_>) -> rusqlite::Result<LeasedRow> {
    let Json(payload) = row.get("payload")?;
    Ok(LeasedRow {
        lease: Lease { row: row.get("id")?, attempt: row.get("attempts")? },
        payload,
        dedupe_key: row.get("dedupe_key")?,
    })
}

/// Says how an attempt ended, if the lease is still that attempt's.
pub(super) fn settle(
    tx: &Connection,
    lease: Lease,
    settlement: &Settlement,
) -> Result<(), Failure> {
    let (state, not_before, error) = match settlement {
        Settlement::Done => (OutboxState::Done, None, None),
        Settlement::Retry { not_before, error } => {
            (OutboxState::Pending, Some(not_before), Some(error))
        }
        Settlement::Dead { error } => (OutboxState::Dead, None, Some(error)),
    };
    let settled = tx
        .prepare_cached(
            "UPDATE outbox SET state = :state, lease_until = NULL, last_error = :error,
                 not_before = coalesce(:not_before, not_before)
             WHERE id = :id AND attempts = :attempt AND state = 'leased'",
        )?
        .execute(named_params! {
            ":id": lease.row,
            ":attempt": lease.attempt,
            ":state": state,
            ":not_before": not_before,
            ":error": error.map(|error| cut(error)),
        })?;
    if settled == 1 {
        return Ok(());
    }
    let what = format!("outbox row {} went to another worker", lease.row);
    Err(StoreError::Conflict { what }.into())
}

fn cut(error: &str) -> &str {
    let end = error.floor_char_boundary(Settlement::ERROR_BYTES_MAX);
    error.get(..end).unwrap_or_default()
}

/// Removes what is done and was due before `before`, [`PRUNE_ROWS_MAX`] rows at most. No act comes twice for it: a dedupe key holds
/// the number of a ticket's event or of an unscanned item, which are never given again.
pub(super) fn prune(tx: &Connection, before: Timestamp) -> Result<u32, Failure> {
    let mut statement = tx.prepare_cached(
        "DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE state = 'done' AND not_before < :before LIMIT :rows)",
    )?;
    let removed =
        statement.execute(named_params! { ":before": before, ":rows": PRUNE_ROWS_MAX })?;
    Ok(u32::try_from(removed).unwrap_or(PRUNE_ROWS_MAX))
}

pub(super) fn list(
    tx: &Connection,
    state: Option<OutboxState>,
    page: &Page,
) -> Result<Listing<OutboxView>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT * FROM outbox WHERE id < :before AND (:state IS NULL OR state = :state)
         ORDER BY id DESC LIMIT :limit",
    )?;
    let rows = statement.query_map(
        named_params! {
            ":before": list::before(page),
            ":limit": list::limit(page),
            ":state": state,
        },
        |row| Ok((row.get("id")?, view(row)?)),
    )?;
    Ok(list::cut(page, rows.collect::<Result<_, _>>()?))
}

fn view(row: &Row<'_>) -> rusqlite::Result<OutboxView> {
    Ok(OutboxView {
        id: row.get("id")?,
        state: row.get("state")?,
        kind: row.get("kind")?,
        dedupe_key: row.get("dedupe_key")?,
        attempts: row.get("attempts")?,
        not_before: row.get("not_before")?,
        last_error: row.get("last_error")?,
    })
}
