//! Scans again what was let in unscanned, or without a look at known secrets.
//!
//! ```text
//! outbox row ──► OLD, NEW ──► hook::tell_landed ──socket pair──► screen_landed
//!                                └ reads the repository,           └ files findings
//!                                  names of refs at NEW too
//! ```
//!
//! It is the push told once more: the same walk, the same session, outside the push path. A row
//! holds no name of a ref, for a name can hold a secret: the repository has them. The repository must be readable for the daemon's account; where it is not, the item stays open and
//! its row says why.

use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::runtime::Handle;

use crate::hook::{self, Landed};
use crate::incident::{Actor, Reason, UnscannedId};
use crate::service::screen_push::{Gate, Outcome, screen_landed};
use crate::store::{Store, StoreError, UnscannedSettlement, UnscannedState};
use crate::wire::Oid;

/// How long one rescan may take: a whole history at most, and less than an outbox row is held.
const DEADLINE: Duration = Duration::from_mins(8);

/// A tip that was let in, as an item that was not scanned describes it.
pub struct Tip<'a> {
    /// The repository's path.
    pub repository: &'a str,
    /// The tip, in hex.
    pub new: Option<&'a str>,
    /// What the ref pointed at before, in hex.
    pub old: Option<&'a str>,
}

/// Why an item could not be scanned again.
#[derive(Debug, thiserror::Error)]
pub enum RescanError {
    /// It names no ref update.
    #[error("it names no tip that could be scanned again; scan the repository as a whole")]
    NoTip,
    /// The daemon's account cannot read the repository, or a tip is gone.
    #[error("cannot read {repository} again")]
    Repository {
        /// The repository.
        repository: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The session ended without a verdict.
    #[error("the scan did not come to its end: {0:?}")]
    Ended(Outcome),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RescanError {
    /// Tells whether trying again cannot help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NoTip)
    }
}

/// Scans again.
pub struct Rescanner {
    gate: Arc<Gate>,
    store: Arc<dyn Store>,
    runtime: Handle,
}

impl Rescanner {
    /// Scans through `gate`, on the runtime that this is called on.
    pub fn new(gate: Arc<Gate>, store: Arc<dyn Store>) -> Self {
        Self { gate, store, runtime: Handle::current() }
    }

    /// Scans what `tip` brought, files what is found, and settles the item. Blocks.
    ///
    /// # Errors
    /// If that is not possible now, or ever ([`RescanError::is_final`]).
    pub fn rescan(&self, item: UnscannedId, tip: &Tip<'_>) -> Result<(), RescanError> {
        let landed = tip.landed().ok_or(RescanError::NoTip)?;
        let found = match self.tell(tip.repository, landed)? {
            Outcome::Clean => "scanned again: nothing found",
            Outcome::Judged(_) => {
                "scanned again: what was found is filed, what was not scanned is listed"
            }
            ended => return Err(RescanError::Ended(ended)),
        };
        let found = Reason::parse(found).map_err(|_| RescanError::Ended(Outcome::Clean))?;
        let settlement =
            UnscannedSettlement { id: item, state: UnscannedState::Rescanned, reason: found };
        let settled =
            self.store.settle_unscanned(&settlement, &Actor::Daemon, self.gate.clock.now());
        match settled {
            // Somebody settled it meanwhile, or an attempt whose answer got lost.
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the push once more: the hook's part on a thread of its own, the daemon's part here.
    fn tell(&self, repository: &str, landed: Landed) -> Result<Outcome, RescanError> {
        let unreadable =
            |source| RescanError::Repository { repository: repository.to_owned(), source };
        let (ours, theirs) = StdStream::pair().map_err(unreadable)?;
        ours.set_nonblocking(true).map_err(unreadable)?;
        let path = repository.to_owned();
        let teller = std::thread::Builder::new().name("rescan".to_owned());
        let teller = teller
            .spawn(move || hook::tell_landed(Path::new(&path), landed, theirs, DEADLINE))
            .map_err(unreadable)?;
        let outcome = self.runtime.block_on(async {
            let stream = UnixStream::from_std(ours)?;
            Ok(Box::pin(screen_landed(&self.gate, stream, DEADLINE)).await)
        });
        let told = teller.join().unwrap_or_else(|_| Err(std::io::Error::other("the teller died")));
        told.map_err(unreadable)?;
        outcome.map_err(unreadable)
    }
}

impl Tip<'_> {
    /// Reads the ids back.
    fn landed(&self) -> Option<Landed> {
        let id = |hex: &str| Oid::from_hex(hex.as_bytes());
        Some(Landed { old: id(self.old?)?, new: id(self.new?)? })
    }
}
