//! Known secrets: the inventory, and what leaked here before.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::json;

use crate::clock::Timestamp;
use crate::incident::{Actor, AuditEvent, KnownId};
use crate::secret::Fingerprint;
use crate::store::{
    KNOWN_SECRETS_MAX, KnownEpoch, KnownMatch, KnownSecret, LeakedSecret, Listing, NewKnownSecret,
    Page, StoreError,
};

use super::failure::{Failure, is_duplicate};
use super::value::{Count, Json, Tag};
use super::{audit, list, standings};

pub(super) fn add(
    tx: &Connection,
    secrets: &[NewKnownSecret],
    by: &Actor,
    at: Timestamp,
) -> Result<Vec<KnownSecret>, Failure> {
    by.entitled()?;
    check_room(tx, secrets.len())?;
    let add_one = |secret| add_one(tx, secret, by, at);
    secrets.iter().map(add_one).collect()
}

fn check_room(tx: &Connection, more: usize) -> Result<(), Failure> {
    let Count(count) =
        tx.prepare_cached("SELECT count(*) FROM known_secret")?.query_row([], |row| row.get(0))?;
    if count.saturating_add(more as u64) <= KNOWN_SECRETS_MAX {
        return Ok(());
    }
    let what = "known secrets";
    let max = KNOWN_SECRETS_MAX;
    Err(StoreError::Limit { what, max }.into())
}

fn add_one(
    tx: &Connection,
    secret: &NewKnownSecret,
    by: &Actor,
    at: Timestamp,
) -> Result<KnownSecret, Failure> {
    let added = tx
        .prepare_cached(
            "INSERT INTO known_secret (name, identity, owner, key_id, fingerprint, tag,
                 secret_bytes, added_by, added_at)
             VALUES (:name, :identity, :owner, :key_id, :fingerprint, :tag, :length, :by, :at)
             RETURNING *",
        )?
        .query_row(
            named_params! {
                ":name": secret.name,
                ":identity": secret.identity,
                ":owner": secret.owner,
                ":key_id": secret.key_id,
                ":fingerprint": secret.fingerprint,
                ":tag": Tag(secret.tag),
                ":length": secret.length,
                ":by": by.to_string(),
                ":at": at,
            },
            known,
        );
    let added = match added {
        Err(error) if is_duplicate(&error) => return Err(duplicate(tx, secret)?.into()),
        added => added?,
    };
    let detail = json!({
        "name": secret.name,
        "identity": secret.identity,
        "owner": secret.owner,
        "key_id": secret.key_id,
    });
    audit::append(tx, AuditEvent::new(at, by, "inventory.added", added.id, &detail))?;
    Ok(added)
}

/// Says which of the two that must be unique is not.
fn duplicate(tx: &Connection, secret: &NewKnownSecret) -> Result<StoreError, Failure> {
    let what = match by_fingerprint(tx, &secret.fingerprint)? {
        Some(same) => {
            format!("`{}` has the value that the inventory calls `{}`", secret.name, same.name)
        }
        None => {
            format!("the inventory has a `{}` with another value; remove it first", secret.name)
        }
    };
    Ok(StoreError::Conflict { what })
}

pub(super) fn remove(
    tx: &Connection,
    id: KnownId,
    by: &Actor,
    at: Timestamp,
) -> Result<(), Failure> {
    by.entitled()?;
    let name: Option<String> = tx
        .prepare_cached("DELETE FROM known_secret WHERE id = :id RETURNING name")?
        .query_row(named_params! { ":id": id }, |row| row.get(0))
        .optional()?;
    let name = name.ok_or_else(|| not_found(&id.to_string()))?;
    let event = AuditEvent::new(at, by, "inventory.removed", id, &json!({ "name": name }));
    audit::append(tx, event).map(drop)
}

pub(super) fn list(tx: &Connection, page: &Page) -> Result<Listing<KnownSecret>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT * FROM known_secret WHERE id < :before ORDER BY id DESC LIMIT :limit",
    )?;
    let rows = statement.query_map(
        named_params! { ":before": list::before(page), ":limit": list::limit(page) },
        |row| Ok((row.get("id")?, known(row)?)),
    )?;
    Ok(list::cut(page, rows.collect::<Result<_, _>>()?))
}

pub(super) fn by_name(tx: &Connection, name: &str) -> Result<KnownSecret, Failure> {
    let found = tx
        .prepare_cached("SELECT * FROM known_secret WHERE name = :name")?
        .query_row(named_params! { ":name": name }, known)
        .optional()?;
    Ok(found.ok_or_else(|| not_found(name))?)
}

fn not_found(which: &str) -> StoreError {
    StoreError::NotFound { what: format!("known secret `{which}`") }
}

pub(super) fn by_fingerprint(
    tx: &Connection,
    fingerprint: &Fingerprint,
) -> Result<Option<KnownSecret>, Failure> {
    let found = tx
        .prepare_cached("SELECT * FROM known_secret WHERE fingerprint = :fingerprint")?
        .query_row(named_params! { ":fingerprint": fingerprint }, known)
        .optional()?;
    Ok(found)
}

/// Returns all tags and lengths; distinct, for a filter has no use for repetitions.
pub(super) fn tags(tx: &Connection) -> Result<Vec<(u64, u32)>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT tag, secret_bytes FROM known_secret
         UNION
         SELECT tag, secret_bytes FROM incident WHERE leaked = 1 AND state <> 'false-positive'
         LIMIT :limit",
    )?;
    let rows =
        statement.query_map(named_params! { ":limit": Count(KNOWN_SECRETS_MAX + 1) }, |row| {
            let Tag(tag) = row.get(0)?;
            Ok((tag, row.get(1)?))
        })?;
    let tags: Vec<(u64, u32)> = rows.collect::<Result<_, _>>()?;
    if tags.len() as u64 > KNOWN_SECRETS_MAX {
        let (what, max) = ("known secrets", KNOWN_SECRETS_MAX);
        return Err(StoreError::Limit { what, max }.into());
    }
    Ok(tags)
}

/// Returns the word for what is known.
pub(super) fn epoch(tx: &Connection) -> Result<KnownEpoch, Failure> {
    let epoch =
        tx.prepare_cached("SELECT epoch FROM known_epoch")?.query_row([], |row| row.get(0))?;
    Ok(KnownEpoch(epoch))
}

pub(super) fn matches(
    tx: &Connection,
    fingerprints: &[Fingerprint],
) -> Result<Vec<Option<KnownMatch>>, Failure> {
    standings::check_count(fingerprints)?;
    let one = |fingerprint| {
        Ok(match by_fingerprint(tx, fingerprint)? {
            Some(known) => Some(KnownMatch::Inventory(known)),
            None => leaked(tx, fingerprint)?.map(KnownMatch::Leaked),
        })
    };
    fingerprints.iter().map(one).collect()
}

fn leaked(tx: &Connection, fingerprint: &Fingerprint) -> Result<Option<LeakedSecret>, Failure> {
    let leaked = tx
        .prepare_cached(
            "SELECT * FROM incident
             WHERE fingerprint = :fingerprint AND leaked = 1 AND state <> 'false-positive'",
        )?
        .query_row(named_params! { ":fingerprint": fingerprint }, |row| {
            let Json(facts) = row.get("facts")?;
            Ok(LeakedSecret {
                incident: row.get("id")?,
                rule: row.get("rule")?,
                confidence: row.get("confidence")?,
                severity: row.get("severity")?,
                preview: row.get("preview")?,
                facts,
            })
        })
        .optional()?;
    Ok(leaked)
}

fn known(row: &Row<'_>) -> rusqlite::Result<KnownSecret> {
    Ok(KnownSecret {
        id: row.get("id")?,
        name: row.get("name")?,
        identity: row.get("identity")?,
        owner: row.get("owner")?,
        key_id: row.get("key_id")?,
        fingerprint: row.get("fingerprint")?,
        length: row.get("secret_bytes")?,
        added_by: row.get("added_by")?,
        added_at: row.get("added_at")?,
    })
}
