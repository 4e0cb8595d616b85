//! Grants: given, found, spent, taken back.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::json;

use crate::clock::Timestamp;
use crate::incident::{
    Actor, AuditEvent, Grant, GrantId, GrantRequest, GrantState, IncidentId, Origin, PushVerdict,
    Reason, RepositoryPattern,
};
use crate::store::{Listing, Page, PushRecord, StandingQuery, StoreError};

use super::failure::Failure;
use super::{audit, incidents, list};

/// The most active grants of one incident: each push of the secret looks at all of them.
const ACTIVE_MAX: u32 = 100;

pub(super) fn create(
    tx: &Connection,
    request: &GrantRequest,
    by: &Actor,
    at: Timestamp,
) -> Result<Grant, Failure> {
    by.entitled()?;
    Grant::check(request, at)?;
    let scope = &request.scope;
    incidents::view(tx, scope.incident)?;
    check_room(tx, scope.incident, at)?;
    let id = tx
        .prepare_cached(
            r#"INSERT INTO "grant" (incident, repository, pusher, uses, expires_at, reason,
                   created_by, created_at)
               VALUES (:incident, :repository, :pusher, :uses, :expires_at, :reason, :by, :at)
               RETURNING id"#,
        )?
        .query_row(
            named_params! {
                ":incident": scope.incident,
                ":repository": scope.repository.as_str(),
                ":pusher": scope.pusher,
                ":uses": request.uses,
                ":expires_at": request.expires_at,
                ":reason": request.reason.as_str(),
                ":by": by.to_string(),
                ":at": at,
            },
            |row| row.get(0),
        )?;
    let detail = json!({
        "incident": scope.incident,
        "repository": scope.repository,
        "pusher": scope.pusher,
        "uses": request.uses,
        "expires_at": request.expires_at,
        "reason": request.reason,
    });
    audit::append(tx, AuditEvent::new(at, by, "grant.created", id, &detail))?;
    view(tx, id, at)
}

fn check_room(tx: &Connection, incident: IncidentId, now: Timestamp) -> Result<(), Failure> {
    if active(tx, incident, now)?.len() < ACTIVE_MAX as usize {
        return Ok(());
    }
    let what = "active grants of one incident";
    let max = u64::from(ACTIVE_MAX);
    Err(StoreError::Limit { what, max }.into())
}

pub(super) fn revoke(
    tx: &Connection,
    id: GrantId,
    reason: &Reason,
    by: &Actor,
    at: Timestamp,
) -> Result<Grant, Failure> {
    by.entitled()?;
    let was = view(tx, id, at)?.state;
    if was == GrantState::Revoked {
        let what = format!("{id} is revoked already");
        return Err(StoreError::Conflict { what }.into());
    }
    tx.prepare_cached(r#"UPDATE "grant" SET revoked_by = :by, revoked_at = :at WHERE id = :id"#)?
        .execute(named_params! { ":id": id, ":by": by.to_string(), ":at": at })?;
    let detail = json!({ "from": was, "reason": reason });
    audit::append(tx, AuditEvent::new(at, by, "grant.revoked", id, &detail))?;
    view(tx, id, at)
}

/// Finds a grant that lets a push through: the one that ends first.
pub(super) fn find(
    tx: &Connection,
    incident: IncidentId,
    query: StandingQuery<'_>,
) -> Result<Option<GrantId>, Failure> {
    let covers = |grant: &Grant| {
        let scope = grant.scope();
        scope.covers(query.repository, query.repository_name, query.pusher)
    };
    let active = active(tx, incident, query.now)?;
    Ok(active.into_iter().find(covers).map(|grant| grant.id))
}

fn active(tx: &Connection, incident: IncidentId, now: Timestamp) -> Result<Vec<Grant>, Failure> {
    let mut statement = tx.prepare_cached(
        r#"SELECT * FROM "grant"
           WHERE incident = :incident AND revoked_at IS NULL AND used < uses AND expires_at > :now
           ORDER BY expires_at, id LIMIT :limit"#,
    )?;
    let rows = statement.query_map(
        named_params! { ":incident": incident, ":now": now, ":limit": ACTIVE_MAX },
        |row| grant(row, now),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Spends a use of the grant that a decision relied on. A push that was refused for something
/// else spends none, and a spool entry's claim to a grant counts for nothing.
pub(super) fn spend(
    tx: &Connection,
    record: &PushRecord,
    incident: IncidentId,
    id: GrantId,
) -> Result<(), Failure> {
    let spent = StoreError::GrantSpent { grant: id };
    let Some(grant) = read(tx, id, record.at)? else {
        return Err(spent.into());
    };
    let (name, pusher) = (record.repository_name.as_deref(), record.pusher.vouched_name());
    let holds = record.origin == Origin::Daemon
        && grant.incident == incident
        && grant.state == GrantState::Active
        && grant.scope().covers(&record.repository, name, pusher);
    if !holds {
        return Err(spent.into());
    }
    if record.verdict != PushVerdict::Accepted {
        return Ok(());
    }
    tx.prepare_cached(r#"UPDATE "grant" SET used = used + 1 WHERE id = :id"#)?
        .execute(named_params! { ":id": id })?;
    let by = pusher.map_or(Actor::Daemon, |name| Actor::Pusher(name.to_owned()));
    let detail = json!({
        "incident": incident,
        "push": record.id,
        "repository": record.repository,
        "left": grant.uses - grant.used - 1,
    });
    audit::append(tx, AuditEvent::new(record.at, &by, "grant.used", id, &detail))?;
    Ok(())
}

pub(super) fn list(
    tx: &Connection,
    page: &Page,
    now: Timestamp,
) -> Result<Listing<Grant>, Failure> {
    let mut statement = tx.prepare_cached(
        r#"SELECT * FROM "grant" WHERE id < :before ORDER BY id DESC LIMIT :limit"#,
    )?;
    let rows = statement.query_map(
        named_params! { ":before": list::before(page), ":limit": list::limit(page) },
        |row| Ok((row.get("id")?, grant(row, now)?)),
    )?;
    Ok(list::cut(page, rows.collect::<Result<_, _>>()?))
}

fn view(tx: &Connection, id: GrantId, now: Timestamp) -> Result<Grant, Failure> {
    let missing = || StoreError::NotFound { what: format!("grant {id}") };
    Ok(read(tx, id, now)?.ok_or_else(missing)?)
}

fn read(tx: &Connection, id: GrantId, now: Timestamp) -> Result<Option<Grant>, Failure> {
    let grant = tx
        .prepare_cached(r#"SELECT * FROM "grant" WHERE id = :id"#)?
        .query_row(named_params! { ":id": id }, |row| grant(row, now))
        .optional()?;
    Ok(grant)
}

fn grant(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<Grant> {
    let (allowed, spent) = (row.get("uses")?, row.get("used")?);
    let (revoked_at, expires_at) = (row.get("revoked_at")?, row.get("expires_at")?);
    Ok(Grant {
        id: row.get("id")?,
        state: Grant::state_at(revoked_at, (spent, allowed), expires_at, now),
        incident: row.get("incident")?,
        repository: row.get::<_, RepositoryPattern>("repository")?,
        pusher: row.get("pusher")?,
        uses: allowed,
        used: spent,
        expires_at,
        reason: row.get("reason")?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
        revoked_by: row.get("revoked_by")?,
        revoked_at,
    })
}
