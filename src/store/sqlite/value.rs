//! How core types stand in columns. A column that holds something else is damage, and says so.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Deserialize;
use serde::de::value::{Error as WordError, StrDeserializer};

use crate::clock::Timestamp;
use crate::finding::{Age, Container};
use crate::identity::{OwnerConfidence, OwnerSource};
use crate::incident::{
    AuditHash, DispositionKind, Exposure, ExternalId, GrantId, IncidentId, KnownId, Origin, PushId,
    PushVerdict, RepositoryPattern, TicketEventKind, TicketId, TicketState, UnscannedId,
};
use crate::policy::Action;
use crate::rule::{Confidence, RuleId, Severity};
use crate::secret::{Fingerprint, Preview};
use crate::store::{OutboxState, UnscannedState};

fn damaged(what: String) -> FromSqlError {
    FromSqlError::Other(what.into())
}

/// Types that a column holds as a number of their own.
macro_rules! numbers {
    ($($name:ty),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.number().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let number = value.as_i64()?;
                Self::from_number(number).ok_or(FromSqlError::OutOfRange(number))
            }
        }
    )+};
}

numbers!(IncidentId, TicketId, GrantId, KnownId, UnscannedId);

/// Types that a column holds as 32 bytes.
macro_rules! hashes {
    ($($name:ty),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <[u8; 32]>::column_result(value).map(Self::from_bytes)
            }
        }
    )+};
}

hashes!(Fingerprint, AuditHash);

/// Enums with their own words.
macro_rules! words {
    ($($name:ty),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let word = value.as_str()?;
                Self::parse(word)
                    .ok_or_else(|| damaged(format!("`{word}` is no {}", stringify!($name))))
            }
        }
    )+};
}

words!(
    DispositionKind,
    Exposure,
    Origin,
    OutboxState,
    PushVerdict,
    TicketEventKind,
    TicketState,
    UnscannedState
);

/// Enums whose words are those of their JSON.
macro_rules! json_words {
    ($($name:ty),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                match serde_json::to_value(self) {
                    Ok(serde_json::Value::String(word)) => Ok(word.into()),
                    _ => Err(rusqlite::Error::ToSqlConversionFailure("not a word".into())),
                }
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let words = StrDeserializer::<WordError>::new(value.as_str()?);
                Self::deserialize(words).map_err(|error| damaged(error.to_string()))
            }
        }
    )+};
}

json_words!(Action, Age, Confidence, Container, OwnerConfidence, OwnerSource, Severity);

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_micros().into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_micros)
    }
}

impl ToSql for PushId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for PushId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).map_err(|error| damaged(error.to_string()))
    }
}

impl ToSql for RuleId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for RuleId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).map_err(|error| damaged(error.to_string()))
    }
}

impl FromSql for RepositoryPattern {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).map_err(|error| damaged(error.to_string()))
    }
}

impl ToSql for Preview {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for Preview {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(|text| Self::from_stored(text.to_owned()))
    }
}

impl ToSql for ExternalId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_str().into())
    }
}

impl FromSql for ExternalId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(|text| Self(text.to_owned()))
    }
}

/// A count: a column has no place for the upper half of `u64`, where no count ever comes.
#[derive(Clone, Copy)]
pub(super) struct Count(pub(super) u64);

impl Count {
    pub(super) fn of(length: usize) -> Self {
        Self(u64::try_from(length).unwrap_or(u64::MAX))
    }
}

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// A tag: all 64 bits count, so they stand as they are in a signed column.
#[derive(Clone, Copy)]
pub(super) struct Tag(pub(super) u64);

impl ToSql for Tag {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.cast_signed().into())
    }
}

impl FromSql for Tag {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(|bits| Self(bits.cast_unsigned()))
    }
}

/// Something that a column holds as JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: serde::Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        serde_json::to_string(&self.0)
            .map(ToSqlOutput::from)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl<T: serde::de::DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|error| damaged(error.to_string()))
    }
}
