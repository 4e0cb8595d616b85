//! What keeps a walk from looking into an object.
//!
//! An object that is not there is no obstacle: reads say `None` of it. Every caller has to say what
//! an obstacle means to it, and only one of three things is safe: what is new goes unscanned by
//! name, what may be old is not, and a search that must be whole is incomplete.

use crate::wire::UnscannedReason;

use super::sink::ReadError;

/// Why an object that may be there was not looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It cannot be read, or makes no sense.
    Damaged,
    /// It is longer than what is read whole.
    TooLong,
    /// A walk met more objects, or a commit has more parents, than are followed.
    TooMany,
    /// More tags point from one to the next than are followed.
    TagDepth,
    /// Time is up.
    Late,
}

impl Obstacle {
    /// Returns what the push's record says of it.
    pub(super) fn reason(self) -> UnscannedReason {
        match self {
            Self::Damaged => UnscannedReason::Unreadable,
            Self::TooLong => UnscannedReason::ObjectBytes,
            Self::TooMany => UnscannedReason::ObjectCount,
            Self::TagDepth => UnscannedReason::TagDepth,
            Self::Late => UnscannedReason::Deadline,
        }
    }
}

/// For reads into memory: no sink can fail there.
impl From<ReadError> for Obstacle {
    fn from(_: ReadError) -> Self {
        Self::Damaged
    }
}
