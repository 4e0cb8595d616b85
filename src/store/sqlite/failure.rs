//! What `SQLite` reports, as what callers decide on.

use rusqlite::ErrorCode;

use crate::incident::{ChainBreak, GrantError, IllegalTransition, NotEntitled};
use crate::store::StoreError;

/// Why work inside a transaction stopped: the error of `SQLite`, which still lacks what was attempted,
/// or one of ours. Either rolls the transaction back.
#[derive(Debug)]
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl<E: Into<StoreError>> From<E> for Failure
where
    E: Ours,
{
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

/// Errors that are ours already. (A blanket `From` over `Into<StoreError>` would overlap.)
pub(super) trait Ours {}
impl Ours for StoreError {}
impl Ours for IllegalTransition {}
impl Ours for NotEntitled {}
impl Ours for GrantError {}
impl Ours for ChainBreak {}

impl Failure {
    /// Says what was attempted.
    pub(super) fn during(self, attempted: &'static str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sqlite(error) => from_sqlite(error, attempted),
        }
    }
}

/// Sorts an error of `SQLite` into the variants that callers decide on.
fn from_sqlite(error: rusqlite::Error, attempted: &'static str) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { attempted },
        Some(ErrorCode::DiskFull) => StoreError::Full { attempted },
        // A directory without write permission cannot hold the files beside the database.
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            StoreError::ReadOnly { attempted }
        }
        // Neither message nor constraint holds what was to be written.
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig) => {
            StoreError::Impossible { attempted, what: error.to_string() }
        }
        code if is_damage(code, &error) => {
            StoreError::Corrupt { attempted, what: error.to_string() }
        }
        _ => StoreError::Backend { attempted, source: Box::new(error) },
    }
}

/// Tells whether the file is damaged: by what `SQLite` says, or because a column holds what its
/// type does not, for nobody but us writes there.
fn is_damage(code: Option<ErrorCode>, error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    let by_code = matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
    let by_value = matches!(
        error,
        E::FromSqlConversionFailure(..) | E::IntegralValueOutOfRange(..) | E::InvalidColumnType(..)
    );
    by_code || by_value
}

/// Tells whether a statement broke a `UNIQUE` constraint.
pub(super) fn is_duplicate(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(error, _)
        if error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}
