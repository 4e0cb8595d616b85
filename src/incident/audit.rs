//! The audit log as a hash chain: each entry holds the hash of the one before it.
//!
//! ```text
//! h(n) = SHA-256( label ‖ h(n-1) ‖ seq ‖ at ‖ actor ‖ action ‖ subject ‖ detail )
//! ```
//!
//! Integers are big-endian and eight bytes; texts are preceded by their length in eight bytes, so
//! that no two lists of fields encode alike. `h(0)` is 32 zero bytes.
//!
//! An edit, a dropped entry and a swapped pair break the chain. Entries cut off at the end are
//! seen by the [`AuditHead`] that the store keeps elsewhere; who can rewrite both is seen only by
//! a head that was exported before. That is the limit of a log on one machine.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;

use super::Actor;

/// What separates our hashes from all others, and this encoding from later ones.
const LABEL: &[u8] = b"pushwarden audit v1\0";

/// The hash of an audit entry. Displays as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuditHash([u8; 32]);

impl AuditHash {
    /// What the first entry holds as the hash before it.
    pub const ZERO: Self = Self([0; 32]);

    /// Wraps a stored hash.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes, as stores keep them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditHash({self})")
    }
}

impl serde::Serialize for AuditHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Something that was done, before it has its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who, as [`Actor`] displays.
    pub actor: String,
    /// What, as `noun.verb`: `incident.dismissed`.
    pub action: String,
    /// On what: `INC-7`, a push id, a repository.
    pub subject: String,
    /// The rest as JSON, in the very bytes that are hashed and stored.
    pub detail: String,
}

impl AuditEvent {
    /// Describes an act of `by` on `subject`.
    pub fn new(
        at: Timestamp,
        by: &Actor,
        action: &str,
        subject: impl fmt::Display,
        detail: &serde_json::Value,
    ) -> Self {
        Self {
            at,
            actor: by.to_string(),
            action: action.to_owned(),
            subject: subject.to_string(),
            detail: detail.to_string(),
        }
    }
}

/// An audit event in its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// What was done.
    pub event: AuditEvent,
    /// The hash of the entry before it.
    pub prev_hash: AuditHash,
    /// Its own hash.
    pub hash: AuditHash,
}

impl serde::Serialize for AuditEntry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut entry = serializer.serialize_struct("AuditEntry", 8)?;
        entry.serialize_field("seq", &self.seq)?;
        entry.serialize_field("at", &self.event.at)?;
        entry.serialize_field("actor", &self.event.actor)?;
        entry.serialize_field("action", &self.event.action)?;
        entry.serialize_field("subject", &self.event.subject)?;
        // As text: whoever verifies an export needs the bytes that were hashed.
        entry.serialize_field("detail", &self.event.detail)?;
        entry.serialize_field("prev_hash", &self.prev_hash)?;
        entry.serialize_field("hash", &self.hash)?;
        entry.end()
    }
}

/// Where a chain ends: what the next entry is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AuditHead {
    /// The number of the last entry; 0 before the first.
    pub seq: u64,
    /// The hash of the last entry.
    pub hash: AuditHash,
}

impl AuditHead {
    /// The head of a chain without entries.
    pub const EMPTY: Self = Self { seq: 0, hash: AuditHash::ZERO };

    /// Returns `event` in the place after this head.
    pub fn link(self, event: AuditEvent) -> AuditEntry {
        let seq = self.seq + 1;
        AuditEntry { seq, hash: hash(self.hash, seq, &event), prev_hash: self.hash, event }
    }
}

impl AuditEntry {
    /// Returns the head of a chain that ends with this entry.
    pub fn head(&self) -> AuditHead {
        AuditHead { seq: self.seq, hash: self.hash }
    }
}

fn hash(prev: AuditHash, seq: u64, event: &AuditEvent) -> AuditHash {
    let mut digest = Sha256::new();
    digest.update(LABEL);
    digest.update(prev.0);
    digest.update(seq.to_be_bytes());
    digest.update(event.at.as_micros().to_be_bytes());
    for text in [&event.actor, &event.action, &event.subject, &event.detail] {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    }
    AuditHash(digest.finalize().into())
}

/// Where a chain is broken, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainBreak {
    /// An entry is missing before this one, or stands twice.
    #[error("audit entry {want} is missing; the next one that stands is {found}")]
    Gap {
        /// The number that should come.
        want: u64,
        /// The number that came.
        found: u64,
    },
    /// The entry does not follow from the one before it.
    #[error("audit entry {seq} does not follow from the one before it")]
    Unlinked {
        /// The first entry that does not.
        seq: u64,
    },
    /// The entry was changed after it was written.
    #[error("audit entry {seq} was changed after it was written")]
    Edited {
        /// The first entry that was.
        seq: u64,
    },
    /// Entries were cut off at the end, or the last was written by somebody else.
    #[error("the audit log ends with entry {found}; it should end with {want}")]
    Truncated {
        /// The last number that the kept head names.
        want: u64,
        /// The last number that stands.
        found: u64,
    },
}

impl ChainBreak {
    /// Returns the number of the first entry that is not as it was written.
    pub fn seq(self) -> u64 {
        match self {
            Self::Gap { want, .. } => want,
            Self::Unlinked { seq } | Self::Edited { seq } => seq,
            Self::Truncated { want, found } if want == found => found,
            Self::Truncated { want, found } => want.min(found) + 1,
        }
    }
}

/// Walks a chain entry by entry, so that a long log never has to be in memory whole.
#[derive(Clone, Copy, Debug)]
pub struct ChainVerifier {
    head: AuditHead,
}

impl ChainVerifier {
    /// Starts after `head`; [`AuditHead::EMPTY`] verifies from the first entry.
    pub fn after(head: AuditHead) -> Self {
        Self { head }
    }

    /// Checks the next entry.
    pub fn check(&mut self, entry: &AuditEntry) -> Result<(), ChainBreak> {
        let want = self.head.seq + 1;
        if entry.seq != want {
            return Err(ChainBreak::Gap { want, found: entry.seq });
        }
        if entry.prev_hash != self.head.hash {
            return Err(ChainBreak::Unlinked { seq: entry.seq });
        }
        if entry.hash != hash(self.head.hash, entry.seq, &entry.event) {
            return Err(ChainBreak::Edited { seq: entry.seq });
        }
        self.head = entry.head();
        Ok(())
    }

    /// Compares the end of the walk with the head that was kept elsewhere.
    pub fn finish(self, kept: AuditHead) -> Result<AuditHead, ChainBreak> {
        if self.head == kept {
            Ok(self.head)
        } else {
            Err(ChainBreak::Truncated { want: kept.seq, found: self.head.seq })
        }
    }
}
