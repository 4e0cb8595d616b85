//! A push into its tables: everything of it, in the caller's transaction.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, named_params};
use serde_json::json;

use crate::incident::{Actor, AuditEvent, Origin};
use crate::store::{FiledFinding, PushRecord, StoreError};

use super::failure::Failure;
use super::filing::Filing;
use super::value::Count;
use super::{audit, unscanned};

/// Writes a push down; see [`crate::store::Store::record_push`].
pub(super) fn record(
    tx: &Connection,
    sinks: &[String],
    record: &PushRecord,
) -> Result<Vec<FiledFinding>, Failure> {
    check(record)?;
    check_first_time(tx, record)?;
    let push = insert(tx, record)?;
    audit::append(tx, event(record))?;
    let filing = Filing { tx, sinks, record, push };
    let mut filed = Vec::with_capacity(record.findings.len());
    for found in &record.findings {
        filed.extend(filing.file(found)?);
    }
    unscanned::insert(tx, record, push)?;
    Ok(filed)
}

/// Returns who answers for what the record says.
pub(super) fn teller(record: &PushRecord) -> Actor {
    match record.origin {
        Origin::Daemon => Actor::Daemon,
        Origin::GitAccount => Actor::GitAccount,
    }
}

fn check(record: &PushRecord) -> Result<(), StoreError> {
    if record.findings.len() > PushRecord::FINDINGS_MAX {
        return Err(StoreError::Limit {
            what: "findings in one push",
            max: PushRecord::FINDINGS_MAX as u64,
        });
    }
    let fingerprints = record.findings.iter().map(|found| found.finding.fingerprint);
    if fingerprints.collect::<BTreeSet<_>>().len() < record.findings.len() {
        let what = format!("push {} lists one secret as two findings", record.id);
        return Err(StoreError::Conflict { what });
    }
    Ok(())
}

fn check_first_time(tx: &Connection, record: &PushRecord) -> Result<(), Failure> {
    let spool = record.spool.as_ref().map(|nonce| &nonce.0);
    let known = tx
        .prepare_cached(
            "SELECT id FROM push
             WHERE (id = :id AND origin = :origin) OR spool_nonce = :spool",
        )?
        .query_row(
            named_params! { ":id": record.id, ":origin": record.origin, ":spool": spool },
            |row| row.get::<_, String>(0),
        )
        .optional()?;
    match (known, spool) {
        (None, _) => Ok(()),
        (Some(_), Some(nonce)) => {
            let nonce = nonce.to_string();
            Err(StoreError::AlreadyIngested { nonce }.into())
        }
        (Some(id), None) => {
            let what = format!("push {id} is on record already");
            Err(StoreError::Conflict { what }.into())
        }
    }
}

fn insert(tx: &Connection, record: &PushRecord) -> Result<i64, Failure> {
    let push = tx
        .prepare_cached(
            "INSERT INTO push (id, origin, spool_nonce, at, repository, repository_name, server,
                 pusher_name, pusher_source, pusher_trust, verdict, reason, objects, bytes,
                 duration_ms, findings, unscanned)
             VALUES (:id, :origin, :spool, :at, :repository, :repository_name, :server,
                 :pusher_name, :pusher_source, :pusher_trust, :verdict, :reason, :objects, :bytes,
                 :duration_ms, :findings, :unscanned)
             RETURNING seq",
        )?
        .query_row(
            named_params! {
                ":id": record.id,
                ":origin": record.origin,
                ":spool": record.spool.as_ref().map(|nonce| &nonce.0),
                ":at": record.at,
                ":repository": record.repository,
                ":repository_name": record.repository_name,
                ":server": record.server,
                ":pusher_name": record.pusher.name,
                ":pusher_source": record.pusher.source,
                ":pusher_trust": record.pusher.trust,
                ":verdict": record.verdict,
                ":reason": record.reason,
                ":objects": Count(record.objects),
                ":bytes": Count(record.bytes),
                ":duration_ms": Count(record.duration_ms),
                ":findings": Count::of(record.findings.len()),
                ":unscanned": Count::of(record.unscanned.len()),
            },
            |row| row.get(0),
        )?;
    Ok(push)
}

fn event(record: &PushRecord) -> AuditEvent {
    let action = format!("push.{}", record.verdict.as_str());
    let detail = json!({
        "repository": record.repository,
        "pusher": record.pusher,
        "reason": record.reason,
        "findings": record.findings.len(),
        "unscanned": record.unscanned.len(),
    });
    AuditEvent::new(record.at, &teller(record), &action, &record.id, &detail)
}
