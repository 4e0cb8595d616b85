//! Names for the things that triage talks about: `INC-7`, `TKT-7`, `GRT-2`, `KNS-12`, `UNS-3`.
//!
//! Each kind is a type of its own, so that no two can be swapped by accident.

use std::fmt;

/// Why a text is not an id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id here; write it as {prefix}-7 or 7")]
pub struct IdError {
    text: String,
    prefix: &'static str,
}

/// Numbered ids: a prefix for people, a positive number for the store.
macro_rules! numbered_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        ///
        /// Displays with its prefix; parses with or without it. The number is at least 1 and
        /// fits an `i64`, the integers that databases have.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// What stands before the number.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a number that a store gave out; `None` below 1.
            pub fn from_number(number: i64) -> Option<Self> {
                (number >= 1).then_some(Self(number))
            }

            /// Returns the number, as stores keep it.
            pub fn number(self) -> i64 {
                self.0
            }

            /// Reads the id with its prefix, in either case, or the bare number.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                parse_number(text, Self::PREFIX)
                    .map(Self)
                    .ok_or_else(|| IdError { text: text.to_owned(), prefix: Self::PREFIX })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}-{}", Self::PREFIX, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

numbered_id! {
    /// The name of an incident, `INC-7`: one for each distinct secret.
    IncidentId, "INC"
}
numbered_id! {
    /// The name of a ticket in the built-in queue, `TKT-7`.
    TicketId, "TKT"
}
numbered_id! {
    /// The name of a grant, `GRT-7`.
    GrantId, "GRT"
}
numbered_id! {
    /// The name of a known secret in the inventory, `KNS-7`.
    KnownId, "KNS"
}
numbered_id! {
    /// The name of something that a push brought and nobody scanned, `UNS-7`.
    UnscannedId, "UNS"
}

fn parse_number(text: &str, prefix: &str) -> Option<i64> {
    let digits = match text.split_once('-') {
        Some((word, digits)) if word.eq_ignore_ascii_case(prefix) => digits,
        Some(_) => return None,
        None => text,
    };
    // `i64::from_str` takes a sign; an id has none.
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| digits.parse().ok()).flatten()?;
    (number >= 1).then_some(number)
}

/// The name of a push: its nonce as 32 lower-case hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct PushId(String);

/// Why a text is not a [`PushId`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a push id; it has 32 lower-case hex digits")]
pub struct PushIdError(String);

impl PushId {
    /// How many hex digits an id has.
    pub const DIGITS: usize = 32;

    /// Reads 32 lower-case hex digits.
    pub fn parse(text: &str) -> Result<Self, PushIdError> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == Self::DIGITS && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PushIdError(text.chars().take(Self::DIGITS * 2).collect()))
        }
    }

    /// Writes the 16 bytes of a nonce as an id.
    pub fn from_nonce(nonce: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(nonce)))
    }

    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PushId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PushId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for PushId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_with_and_without_its_prefix() {
        #[track_caller]
        fn check(text: &str, want: Option<i64>) {
            assert_eq!(IncidentId::parse(text).ok().map(IncidentId::number), want);
        }
        check("INC-7", Some(7));
        check("inc-7", Some(7));
        check("7", Some(7));
        check("007", Some(7));
        check("9223372036854775807", Some(i64::MAX));
        check("9223372036854775808", None);
        check("TKT-7", None);
        check("INC-", None);
        check("INC-0", None);
        check("INC--1", None);
        check("-1", None);
        check("+1", None);
        check("", None);
        check("INC-7 ", None);
        check("INC-٧", None);
    }

    #[test]
    fn a_wrong_id_says_how_to_write_one() {
        let error = GrantId::parse("INC-7").unwrap_err().to_string();
        assert_eq!(error, "`INC-7` is not an id here; write it as GRT-7 or 7");
    }

    #[test]
    fn an_id_travels_through_json_as_text() {
        let id = TicketId::parse("3").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"TKT-3\"");
        assert_eq!(serde_json::from_str::<TicketId>("\"TKT-3\"").unwrap(), id);
        assert!(serde_json::from_str::<TicketId>("\"INC-3\"").is_err());
    }

    #[test]
    fn a_push_is_named_by_its_nonce() {
        let mut nonce = [0; 16];
        nonce[15] = 0xab;
        let id = PushId::from_nonce(nonce);
        assert_eq!(id.as_str(), "000000000000000000000000000000ab");
        assert_eq!(PushId::parse(id.as_str()).unwrap(), id);
        assert!(PushId::parse("AB").is_err());
        assert!(PushId::parse(&"g".repeat(32)).is_err());
    }
}
