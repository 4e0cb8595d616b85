//! The audit log's table.

use rusqlite::{Connection, Row, named_params};

use crate::incident::{AuditEntry, AuditEvent, AuditHash, AuditHead, ChainVerifier};
use crate::store::{Listing, Page};

use super::failure::Failure;
use super::list;
use super::value::Count;

/// Adds an event in its place after the head, and moves the head.
pub(super) fn append(tx: &Connection, event: AuditEvent) -> Result<AuditEntry, Failure> {
    let entry = head(tx)?.link(event);
    tx.prepare_cached(
        "INSERT INTO audit (seq, at, actor, action, subject, detail, prev_hash, hash)
         VALUES (:seq, :at, :actor, :action, :subject, :detail, :prev_hash, :hash)",
    )?
    .execute(named_params! {
        ":seq": Count(entry.seq),
        ":at": entry.event.at,
        ":actor": entry.event.actor,
        ":action": entry.event.action,
        ":subject": entry.event.subject,
        ":detail": entry.event.detail,
        ":prev_hash": entry.prev_hash,
        ":hash": entry.hash,
    })?;
    tx.prepare_cached("UPDATE audit_head SET seq = :seq, hash = :hash")?
        .execute(named_params! { ":seq": Count(entry.seq), ":hash": entry.hash })?;
    Ok(entry)
}

/// Lists entries from the first.
pub(super) fn list(tx: &Connection, page: &Page) -> Result<Listing<AuditEntry>, Failure> {
    let mut statement =
        tx.prepare_cached("SELECT * FROM audit WHERE seq > :after ORDER BY seq LIMIT :limit")?;
    let rows = statement.query_map(
        named_params! { ":after": list::after_ascending(page), ":limit": list::limit(page) },
        |row| Ok((row.get("seq")?, entry(row)?)),
    )?;
    Ok(list::cut(page, rows.collect::<Result<_, _>>()?))
}

/// Walks the chain; one entry is in memory at a time.
pub(super) fn verify(tx: &Connection) -> Result<AuditHead, Failure> {
    let mut verifier = ChainVerifier::after(AuditHead::EMPTY);
    let mut statement = tx.prepare("SELECT * FROM audit ORDER BY seq")?;
    for found in statement.query_map([], entry)? {
        verifier.check(&found?)?;
    }
    Ok(verifier.finish(head(tx)?)?)
}

fn head(tx: &Connection) -> Result<AuditHead, Failure> {
    let head = tx.prepare_cached("SELECT seq, hash FROM audit_head")?.query_row([], |row| {
        let (Count(seq), hash) = (row.get("seq")?, row.get::<_, AuditHash>("hash")?);
        Ok(AuditHead { seq, hash })
    })?;
    Ok(head)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    let Count(seq) = row.get("seq")?;
    Ok(AuditEntry {
        seq,
        event: AuditEvent {
            at: row.get("at")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            detail: row.get("detail")?,
        },
        prev_hash: row.get("prev_hash")?,
        hash: row.get("hash")?,
    })
}
