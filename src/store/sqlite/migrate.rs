//! From whatever schema a file has to the newest: `PRAGMA user_version` counts the steps taken.

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

use super::failure::Failure;

/// The steps, oldest first. A step that was released is never edited; a new one is added.
pub(super) const STEPS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
];

/// What `PRAGMA application_id` of our files says.
pub(super) const APPLICATION_ID: i64 = 0x5057_5244;

/// Takes the steps that are missing, all in one transaction: a failing one leaves the file as it
/// was.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), Failure> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    if version(connection)? == known {
        // The usual start needs no write lock.
        return check_ours(connection);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: two programs may start at once.
    let found = version(&transaction)?;
    if found > known {
        return Err(StoreError::Newer { found, known }.into());
    }
    check_ours(&transaction)?;
    let taken = usize::try_from(found).unwrap_or(0);
    for step in steps.iter().skip(taken) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

/// Refuses a database that is somebody else's: one with tables and without our mark.
fn check_ours(connection: &Connection) -> Result<(), Failure> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id == APPLICATION_ID || tables == 0 {
        return Ok(());
    }
    let what = "the file is a database of another program; name another path".to_owned();
    Err(StoreError::Conflict { what }.into())
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
