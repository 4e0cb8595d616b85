//! Where the outcome of a push goes before git hears it.
//!
//! Two recorders exist: the daemon's, which is the store, and the local screening's, which is a
//! sealed claim in the spool.

use std::sync::Arc;

use crate::secret::{Fingerprint, Secret};
use crate::service::inventory::Inventory;
use crate::store::{FiledFinding, PushRecord, Standing, StandingQuery, Store, StoreError};

/// Why an outcome could not be made durable.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The store refused.
    #[error("the store could not take the record")]
    Store(#[from] StoreError),
    /// The spool refused.
    #[error("the spool could not take the record")]
    Spool(#[from] crate::service::spool::SpoolError),
}

/// Makes the outcome of a push durable.
pub trait Recorder: Send + Sync {
    /// Tells for each fingerprint, in the same order, what is on record about it.
    ///
    /// # Errors
    /// If the record cannot be read.
    fn standings(
        &self,
        query: StandingQuery<'_>,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Standing>, RecordError>;

    /// Makes `push` durable; `clear` holds its findings' values in the same order, for a recorder
    /// that must seal them.
    ///
    /// # Errors
    /// If it is not durable.
    fn record(
        &self,
        push: &PushRecord,
        clear: &[Secret<Vec<u8>>],
    ) -> Result<Vec<FiledFinding>, RecordError>;

    /// Whether clean pushes are recorded too. The daemon's are not: a clean push costs no disk
    /// write.
    fn records_clean(&self) -> bool {
        false
    }
}

/// Records in the store, and makes the inventory know what leaked.
pub struct StoreRecorder {
    store: Arc<dyn Store>,
    inventory: Arc<Inventory>,
}

impl StoreRecorder {
    /// Records in `store`.
    pub fn new(store: Arc<dyn Store>, inventory: Arc<Inventory>) -> Self {
        Self { store, inventory }
    }
}

impl Recorder for StoreRecorder {
    fn standings(
        &self,
        query: StandingQuery<'_>,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Standing>, RecordError> {
        Ok(self.store.standings(query, fingerprints)?)
    }

    fn record(
        &self,
        push: &PushRecord,
        _clear: &[Secret<Vec<u8>>],
    ) -> Result<Vec<FiledFinding>, RecordError> {
        let learning = self.inventory.begin_learning();
        let filed = self.store.record_push(push)?;
        learning.end(push.findings.iter().map(|found| (found.tag, found.length)))?;
        Ok(filed)
    }
}
