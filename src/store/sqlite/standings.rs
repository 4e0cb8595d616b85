//! What is known about secrets before policy decides.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::secret::Fingerprint;
use crate::store::{FINGERPRINTS_MAX, Standing, StandingQuery, StoreError};

use super::failure::Failure;
use super::{grants, incidents, known};

pub(super) fn standings(
    tx: &Connection,
    query: StandingQuery<'_>,
    fingerprints: &[Fingerprint],
) -> Result<Vec<Standing>, Failure> {
    check_count(fingerprints)?;
    let one = |fingerprint| standing(tx, query, fingerprint);
    fingerprints.iter().map(one).collect()
}

pub(super) fn check_count(fingerprints: &[Fingerprint]) -> Result<(), StoreError> {
    if fingerprints.len() > FINGERPRINTS_MAX {
        return Err(StoreError::Limit {
            what: "fingerprints in one question",
            max: FINGERPRINTS_MAX as u64,
        });
    }
    Ok(())
}

fn standing(
    tx: &Connection,
    query: StandingQuery<'_>,
    fingerprint: &Fingerprint,
) -> Result<Standing, Failure> {
    let known = known::by_fingerprint(tx, fingerprint)?;
    let incident = tx
        .prepare_cached("SELECT * FROM incident WHERE fingerprint = :fingerprint")?
        .query_row(named_params! { ":fingerprint": fingerprint }, |row| {
            let state = incidents::state(row)?;
            Ok((row.get("id")?, row.get::<_, bool>("leaked")?, state))
        })
        .optional()?;
    let Some((id, leaked, state)) = incident else {
        let known_only = Standing { known, ..Standing::default() };
        return Ok(known_only);
    };
    Ok(Standing {
        incident: Some(id),
        disposition: state.disposition().cloned(),
        leaked: leaked && state.is_open(),
        grant: grants::find(tx, id, query)?,
        known,
    })
}
