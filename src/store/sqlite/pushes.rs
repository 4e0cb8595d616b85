//! Pushes as people see them.

use rusqlite::{Connection, Row, named_params};

use crate::store::{Listing, Page, PushFilter, PushFindingView, PushView};

use super::failure::Failure;
use super::value::Count;
use super::{incidents, list};

pub(super) fn list(
    tx: &Connection,
    filter: &PushFilter,
    page: &Page,
) -> Result<Listing<PushView>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT * FROM push
         WHERE seq < :before
           AND (:verdict IS NULL OR verdict = :verdict)
           AND (:origin IS NULL OR origin = :origin)
           AND (:repository IS NULL OR repository = :repository OR repository_name = :repository)
         ORDER BY seq DESC LIMIT :limit",
    )?;
    let found = statement.query_map(
        named_params! {
            ":before": list::before(page),
            ":limit": list::limit(page),
            ":verdict": filter.verdict,
            ":origin": filter.origin,
            ":repository": filter.repository,
        },
        |row| Ok((row.get("seq")?, view(row)?)),
    )?;
    let mut rows = Vec::new();
    for row in found {
        let (seq, mut push) = row?;
        push.findings = findings(tx, seq)?;
        rows.push((seq, push));
    }
    Ok(list::cut(page, rows))
}

fn view(row: &Row<'_>) -> rusqlite::Result<PushView> {
    let count = |column: &str| row.get::<_, Count>(column).map(|Count(number)| number);
    Ok(PushView {
        id: row.get("id")?,
        at: row.get("at")?,
        repository: row.get("repository")?,
        repository_name: row.get("repository_name")?,
        server: row.get("server")?,
        pusher: incidents::pusher(row)?,
        verdict: row.get("verdict")?,
        reason: row.get("reason")?,
        origin: row.get("origin")?,
        objects: count("objects")?,
        bytes: count("bytes")?,
        duration_ms: count("duration_ms")?,
        findings: Vec::new(),
        findings_total: count("findings")?,
        unscanned_total: count("unscanned")?,
    })
}

fn findings(tx: &Connection, push: i64) -> Result<Vec<PushFindingView>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT * FROM incident_push WHERE push = :push ORDER BY incident LIMIT :limit",
    )?;
    let rows = statement.query_map(
        named_params! { ":push": push, ":limit": PushView::FINDINGS_MAX },
        |row| {
            let Count(occurrences) = row.get("occurrences")?;
            Ok(PushFindingView {
                incident: row.get("incident")?,
                action: row.get("action")?,
                reason: row.get("reason")?,
                occurrences,
                grant: row.get("grant_id")?,
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
