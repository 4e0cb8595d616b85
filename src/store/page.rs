//! Lists that end: pages, cursors, and the JSON shape of a list.

use std::fmt;
use std::num::NonZeroU32;

use serde::ser::SerializeMap;

/// Where a list goes on: opaque text that the store gave out in [`Listing::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(i64);

/// Why a text is not a [`Cursor`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a cursor; take it from `next` of the page before")]
pub struct CursorError(String);

impl Cursor {
    /// Reads a cursor back.
    pub fn parse(text: &str) -> Result<Self, CursorError> {
        match text.parse() {
            Ok(row) if row >= 1 => Ok(Self(row)),
            _ => Err(CursorError(text.chars().take(40).collect())),
        }
    }

    /// Names the row after which the list goes on.
    pub(super) fn at(row: i64) -> Self {
        Self(row)
    }

    pub(super) fn row(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl serde::Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it begins; `None` is the top of the list.
    pub after: Option<Cursor>,
    /// The most items on it; more than [`Page::LIMIT_MAX`] is that.
    pub limit: NonZeroU32,
}

impl Page {
    /// The most items of a page: what a terminal or a web page can bear, and what one read holds
    /// in memory.
    pub const LIMIT_MAX: u32 = 1_000;

    /// The size of a page that nobody chose.
    pub const LIMIT_DEFAULT: u32 = 100;

    /// Returns the first page of `limit` items; 0 is 1.
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit: NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN) }
    }

    pub(super) fn rows(&self) -> u32 {
        self.limit.get().min(Self::LIMIT_MAX)
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(Self::LIMIT_DEFAULT)
    }
}

/// Something that lists hold: it knows the key under which JSON lists it.
pub trait Listed {
    /// The plural noun: `incidents`.
    const PLURAL: &'static str;
}

/// A page of items and where the list goes on. Serializes as `{"incidents": […], "next": null}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    /// The items; newest first, but for the audit log, which reads from its beginning.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl<T: Listed + serde::Serialize> serde::Serialize for Listing<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(T::PLURAL, &self.items)?;
        map.serialize_entry("next", &self.next)?;
        map.end()
    }
}
