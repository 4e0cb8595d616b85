//! What can go wrong in a store, as variants that callers decide on.

use crate::incident::{ChainBreak, GrantError, GrantId, IllegalTransition, NotEntitled};

/// Why the store did not do what it was asked. Whatever it was, nothing of it was done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Others kept the store busy for longer than a caller waits. Trying again may help.
    #[error("the store was busy for too long while trying to {attempted}")]
    Busy {
        /// What was attempted.
        attempted: &'static str,
    },
    /// No room is left where the store writes.
    #[error("no room is left on the disk to {attempted}; free some space")]
    Full {
        /// What was attempted.
        attempted: &'static str,
    },
    /// The store can be read and not be written.
    #[error("the store cannot be written, so it could not {attempted}; check its owner and mount")]
    ReadOnly {
        /// What was attempted.
        attempted: &'static str,
    },
    /// What stands in the store cannot be.
    #[error("the store is damaged ({what}), found while trying to {attempted}; restore a backup")]
    Corrupt {
        /// What was attempted.
        attempted: &'static str,
        /// What is wrong.
        what: String,
    },
    /// The audit log is not as it was written.
    #[error(transparent)]
    Chain(#[from] ChainBreak),
    /// A newer pushwarden wrote this store.
    #[error("the store has schema {found}, this pushwarden knows up to {known}; install the newer")]
    Newer {
        /// The schema's version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// There is no such thing.
    #[error("there is no {what}")]
    NotFound {
        /// Which thing.
        what: String,
    },
    /// It contradicts what stands.
    #[error("{what}")]
    Conflict {
        /// What stands, and what to do.
        what: String,
    },
    /// This spool entry was ingested before.
    #[error("spool entry {nonce} was ingested before")]
    AlreadyIngested {
        /// Its nonce.
        nonce: String,
    },
    /// The grant that the decision relied on does not (or no longer) let this push through.
    /// Decide again without it.
    #[error("{grant} does not let this push through: spent, over, taken back, or for another push")]
    GrantSpent {
        /// The grant.
        grant: GrantId,
    },
    /// The incident's state does not allow it.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// Who wants it may not.
    #[error(transparent)]
    NotEntitled(#[from] NotEntitled),
    /// No such grant can be.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// More than a named limit allows.
    #[error("more than {max} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// What is to be recorded cannot be: it breaks a rule of the store.
    #[error("the store will not {attempted}: {what}")]
    Impossible {
        /// What was attempted.
        attempted: &'static str,
        /// Which rule.
        what: String,
    },
    /// Something else failed underneath.
    #[error("the store could not {attempted}")]
    Backend {
        /// What was attempted.
        attempted: &'static str,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Tells whether what the store was given is at fault, and not the store: trying again cannot
    /// help.
    #[must_use]
    pub fn blames_the_caller(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::AlreadyIngested { .. }
            | Self::GrantSpent { .. }
            | Self::Illegal(_)
            | Self::NotEntitled(_)
            | Self::Grant(_)
            | Self::Limit { .. }
            | Self::Impossible { .. } => true,
            Self::Busy { .. }
            | Self::Full { .. }
            | Self::ReadOnly { .. }
            | Self::Corrupt { .. }
            | Self::Chain(_)
            | Self::Newer { .. }
            | Self::Backend { .. } => false,
        }
    }
}
