//! The places of a secret: made distinct, capped, counted.

use std::collections::BTreeSet;

use rusqlite::types::Type;
use rusqlite::{Connection, Row, named_params};

use crate::finding::Occurrence;
use crate::incident::IncidentId;
use crate::store::{FindingRecord, IncidentView, OccurrenceView, PushRecord};

use super::failure::Failure;
use super::value::Count;

/// The most occurrences that are kept of one incident, whatever the number of pushes: somebody who
/// pushes in a loop must not fill the disk. What comes after is counted.
pub(super) const KEPT_MAX: usize = 10_000;

/// Where a secret stands in one push.
pub(super) struct Places<'a> {
    /// Distinct occurrences that are kept.
    pub(super) kept: Vec<&'a Occurrence>,
    /// How many distinct occurrences there are.
    pub(super) total: usize,
    /// Whether a kept one stands where the incident has none yet.
    pub(super) any_unseen: bool,
}

/// Sorts out what to keep of a finding's occurrences.
pub(super) fn places<'a>(
    tx: &Connection,
    incident: Option<IncidentId>,
    record: &PushRecord,
    found: &'a FindingRecord,
) -> Result<Places<'a>, Failure> {
    let mut kept = distinct(&found.occurrences);
    let total = kept.len();
    kept.truncate(room(tx, incident)?.min(PushRecord::OCCURRENCES_MAX));
    let mut any_unseen = incident.is_none();
    for occurrence in &kept {
        let Some(incident) = incident.filter(|_| !any_unseen) else {
            break;
        };
        any_unseen = !is_seen(tx, incident, &record.repository, occurrence)?;
    }
    Ok(Places { kept, total, any_unseen })
}

fn distinct(occurrences: &[Occurrence]) -> Vec<&Occurrence> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for at in occurrences {
        let (start, end) = (at.span.start, at.span.end);
        if seen.insert((at.container, &at.object, &at.commit, &at.path, &at.layers, start, end)) {
            kept.push(at);
        }
    }
    kept
}

fn room(tx: &Connection, incident: Option<IncidentId>) -> Result<usize, Failure> {
    let Some(incident) = incident else {
        return Ok(KEPT_MAX);
    };
    let kept: u32 = tx
        .prepare_cached("SELECT occurrences_kept FROM incident WHERE id = :id")?
        .query_row(named_params! { ":id": incident }, |row| row.get(0))?;
    Ok(KEPT_MAX.saturating_sub(kept as usize))
}

fn is_seen(
    tx: &Connection,
    incident: IncidentId,
    repository: &str,
    occurrence: &Occurrence,
) -> Result<bool, Failure> {
    let seen = tx
        .prepare_cached(
            "SELECT EXISTS (
                 SELECT 1 FROM occurrence JOIN push ON push.seq = occurrence.push
                 WHERE incident = :incident AND object = :object AND container = :container
                   AND commit_id IS :commit AND path IS :path AND start = :start AND stop = :stop
                   AND repository = :repository)",
        )?
        .query_row(
            named_params! {
                ":incident": incident,
                ":object": occurrence.object,
                ":container": occurrence.container,
                ":commit": occurrence.commit,
                ":path": occurrence.path,
                ":start": Count(occurrence.span.start),
                ":stop": Count(occurrence.span.end),
                ":repository": repository,
            },
            |row| row.get(0),
        )?;
    Ok(seen)
}

/// Keeps what is to be kept, and counts all.
pub(super) fn insert(
    tx: &Connection,
    incident: IncidentId,
    push: i64,
    places: &Places<'_>,
) -> Result<(), Failure> {
    for occurrence in &places.kept {
        insert_one(tx, incident, push, occurrence)?;
    }
    tx.prepare_cached(
        "UPDATE incident SET occurrences_total = occurrences_total + :total,
             occurrences_kept = occurrences_kept + :kept, pushes_total = pushes_total + 1
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": incident,
        ":total": Count::of(places.total),
        ":kept": Count::of(places.kept.len()),
    })?;
    Ok(())
}

fn insert_one(
    tx: &Connection,
    incident: IncidentId,
    push: i64,
    occurrence: &Occurrence,
) -> Result<(), Failure> {
    tx.prepare_cached(
        r#"INSERT INTO occurrence (incident, push, container, object, commit_id, subject, path,
               start, stop, line, "column", end_line, layers, age)
           VALUES (:incident, :push, :container, :object, :commit, :subject, :path,
               :start, :stop, :line, :column, :end_line, :layers, :age)"#,
    )?
    .execute(named_params! {
        ":incident": incident,
        ":push": push,
        ":container": occurrence.container,
        ":object": occurrence.object,
        ":commit": occurrence.commit,
        ":subject": occurrence.subject,
        ":path": occurrence.path,
        ":start": Count(occurrence.span.start),
        ":stop": Count(occurrence.span.end),
        ":line": Count(occurrence.span.line),
        ":column": Count(occurrence.span.column),
        ":end_line": Count(occurrence.span.end_line),
        ":layers": serde_json::Value::from(occurrence.layers.as_slice()).to_string(),
        ":age": occurrence.age,
    })?;
    Ok(())
}

/// Returns what an incident's view shows: the newest push first, its earliest commit first.
pub(super) fn shown(tx: &Connection, incident: IncidentId) -> Result<Vec<OccurrenceView>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT occurrence.*, push.id AS push_id, push.at, repository, repository_name
         FROM occurrence JOIN push ON push.seq = occurrence.push
         WHERE incident = :incident
         ORDER BY occurrence.push DESC, occurrence.id LIMIT :limit",
    )?;
    let rows = statement.query_map(
        named_params! { ":incident": incident, ":limit": IncidentView::OCCURRENCES_MAX },
        view,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn view(row: &Row<'_>) -> rusqlite::Result<OccurrenceView> {
    let count = |column: &str| row.get::<_, Count>(column).map(|Count(number)| number);
    Ok(OccurrenceView {
        push: row.get("push_id")?,
        at: row.get("at")?,
        repository: row.get("repository")?,
        repository_name: row.get("repository_name")?,
        container: row.get("container")?,
        object: Some(row.get("object")?).filter(|hex: &String| !hex.is_empty()),
        commit: row.get("commit_id")?,
        subject: row.get("subject")?,
        path: row.get("path")?,
        line: count("line")?,
        column: count("column")?,
        end_line: count("end_line")?,
        start: count("start")?,
        end: count("stop")?,
        layers: layers(row)?,
        age: row.get("age")?,
    })
}

fn layers(row: &Row<'_>) -> rusqlite::Result<Vec<String>> {
    let text: String = row.get("layers")?;
    let unreadable =
        |error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error));
    serde_json::from_str(&text).map_err(unreadable)
}
