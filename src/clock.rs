//! Time as a parameter: the only module that reads the machine's clock.
//!
//! Everything that needs the time of day takes a [`Clock`], so that tests set it.

use std::fmt;
use std::time::Duration;

/// A point in time, UTC, with the precision of microseconds.
///
/// Displays and parses as RFC 3339 (`2026-11-22T15:04:05.123456Z`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// Why a text is not a [`Timestamp`].
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a time; write it as 2026-11-22T15:04:05Z (RFC 3339)")]
pub struct TimestampError {
    text: String,
    source: jiff::Error,
}

impl Timestamp {
    /// Reads an RFC 3339 time.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let parsed = text.parse::<jiff::Timestamp>();
        parsed.map(Self).map_err(|source| TimestampError { text: text.to_owned(), source })
    }

    /// Makes a time from microseconds since 1970-01-01T00:00:00Z; times out of range are clamped.
    pub fn from_micros(micros: i64) -> Self {
        Self(jiff::Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }))
    }

    /// Returns microseconds since 1970-01-01T00:00:00Z, as stores keep it.
    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Returns this time moved on by `span`; the end of time is where it stops.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.as_micros().saturating_add(micros))
    }

    /// Returns the time `span` earlier; the beginning of time is where it stops.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.as_micros().saturating_sub(micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the time now.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Micros, so that what is stored and what is held in memory are equal.
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

/// A clock that stands still at noon, for tests.
#[cfg(test)]
pub(crate) struct Noon;

#[cfg(test)]
impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-11-22T12:00:00Z").unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_text_and_micros() {
        let time = Timestamp::parse("2026-11-22T15:04:05.123456Z").unwrap();
        assert_eq!(time.to_string(), "2026-11-22T15:04:05.123456Z");
        assert_eq!(Timestamp::from_micros(time.as_micros()), time);
        assert_eq!(time.after(Duration::from_mins(1)).to_string(), "2026-11-22T15:05:05.123456Z");
    }

    #[test]
    fn the_end_of_time_is_a_stop_not_a_panic() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(end.after(Duration::MAX), end);
    }

    #[test]
    fn a_text_that_is_no_time_says_how_to_write_one() {
        let error = Timestamp::parse("tomorrow").unwrap_err().to_string();
        assert_eq!(error, "`tomorrow` is not a time; write it as 2026-11-22T15:04:05Z (RFC 3339)");
    }
}
