//! The ledger: which objects were scanned whole and found clean, so that they need no second scan.
//!
//! ```text
//! scan ──clean──► Sheet::remember ──► waits in memory ──► writer thread ──► LedgerStore
//!                                        ▲ asked first         └──► filter
//! Sheet::is_clean ───────────────────────┴─no─► filter ──"maybe"──► LedgerStore: the exact answer
//!                                                 └ no: scan
//! ```
//!
//! Only what is clean has a row; no row means that the object is scanned. A row counts within its
//! *scope*: one account's hooks, one digest over rules, limits and the scanner's own code, one epoch
//! of known values. Each scope has a key of its own, and a row is a keyed function of the object's
//! id: what changed the scope, and whatever a damaged database holds, is no row at all.
//!
//! A row is written after the verdict and never in its way: where the queue is full, rows are
//! dropped, which costs a scan later. A Bloom answer alone never says that something is clean.

mod filter;
mod scope;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use siphasher::sip128::SipHasher24;

use crate::secret::FingerprintKey;
use crate::service::inventory::Inventory;
use crate::store::{KnownEpoch, LedgerRow, LedgerStore};
use crate::wire::Oid;

use filter::Filter;
pub use scope::Scanner;
use writer::Signal;

/// The most rows that wait to be written, 16 bytes each: a history of a million objects. More are
/// dropped.
const WAITING_ROWS_MAX: usize = 1 << 20;

/// The most large pushes whose rows wait to be written; each is asked one by one until then.
const RUNS_MAX: usize = 64;

/// The rows of pushes with fewer gather in one table until there are so many, or [`GATHER`] is over.
/// A small push then takes a few insertions, and wakes nobody.
///
/// [`GATHER`]: writer::GATHER
const GATHERED_MAX: usize = 8_192;

/// Objects that were found clean.
pub struct Ledger {
    shared: Arc<Shared>,
    key: Arc<FingerprintKey>,
    scanner: Scanner,
    inventory: Arc<Inventory>,
    writer: Option<JoinHandle<()>>,
}

/// What the writer's thread works on as well.
struct Shared {
    store: Arc<dyn LedgerStore>,
    index: RwLock<Index>,
    signal: Signal,
    /// The most rows that the store keeps.
    rows_max: u64,
}

/// What is asked before the store.
#[derive(Default)]
struct Index {
    /// Rows of small pushes that wait to be written.
    gathered: HashSet<LedgerRow>,
    /// Rows that are next to be written, each run sorted.
    runs: Vec<Arc<[LedgerRow]>>,
    /// How many rows are in the runs.
    waiting: usize,
    /// What may be in the store; none until it is built.
    filter: Option<Filter>,
}

/// What became of rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// They are the first that wait.
    First,
    /// They wait with others.
    More,
    /// They are a run of their own.
    Run,
    /// There was no room.
    No,
}

impl Index {
    fn waits(&self, row: LedgerRow) -> bool {
        self.gathered.contains(&row) || self.runs.iter().any(|run| run.binary_search(&row).is_ok())
    }

    fn may_hold(&self, row: LedgerRow) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.may_hold(row))
    }

    /// Takes rows in, which the writer then finds among the runs if they are many.
    fn take(&mut self, mut rows: Vec<LedgerRow>) -> Taken {
        if rows.len() + self.gathered.len() < GATHERED_MAX {
            let was_empty = self.gathered.is_empty() && self.runs.is_empty();
            self.gathered.extend(rows);
            return if was_empty { Taken::First } else { Taken::More };
        }
        rows.extend(&self.gathered);
        rows.sort_unstable();
        rows.dedup();
        if self.runs.len() >= RUNS_MAX || self.waiting + rows.len() > WAITING_ROWS_MAX {
            return Taken::No;
        }
        self.gathered.clear();
        self.waiting += rows.len();
        self.runs.push(rows.into());
        Taken::Run
    }

    /// Makes a run of what gathered.
    fn close(&mut self) {
        let mut rows: Vec<LedgerRow> = self.gathered.drain().collect();
        rows.sort_unstable();
        if !rows.is_empty() {
            self.waiting += rows.len();
            self.runs.push(rows.into());
        }
    }
}

impl Ledger {
    /// Opens the ledger, of at most `rows_max` rows, and starts its writer, which reads what stands
    /// in the store before it does anything else. Until then only new rows are known.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn open(
        store: Arc<dyn LedgerStore>,
        key: Arc<FingerprintKey>,
        inventory: Arc<Inventory>,
        scanner: Scanner,
        rows_max: u64,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            store,
            index: RwLock::default(),
            signal: Signal::default(),
            rows_max,
        });
        let writer = writer::start(Arc::clone(&shared))?;
        Ok(Self { shared, key, scanner, inventory, writer: Some(writer) })
    }

    /// Returns the rows that count for a push that hooks of `account` tell of, as things stand now.
    /// None while that is changing.
    pub fn sheet(&self, account: u32) -> Option<Sheet> {
        let epoch = self.inventory.epoch()?;
        let scope = self.scanner.scope(account, epoch);
        let hasher = SipHasher24::new_with_key(&self.key.ledger_key(&scope));
        let (shared, inventory) = (Arc::clone(&self.shared), Arc::clone(&self.inventory));
        Some(Sheet { shared, inventory, epoch, hasher })
    }
}

impl Drop for Ledger {
    /// Writes what waits.
    fn drop(&mut self) {
        self.shared.signal.stop();
        if let Some(writer) = self.writer.take() {
            // A writer that died has said so.
            drop(writer.join());
        }
    }
}

/// The rows of one scope: what one push may ask, and what it may add.
///
/// It is made before the push's first object is scanned. Where what is known changes before the last
/// one is, nothing is remembered.
#[derive(Clone)]
pub struct Sheet {
    shared: Arc<Shared>,
    inventory: Arc<Inventory>,
    epoch: KnownEpoch,
    hasher: SipHasher24,
}

impl Sheet {
    /// Returns the row that says that an object is clean.
    pub fn row(&self, object: Oid) -> LedgerRow {
        let (first, second) = self.hasher.hash(object.as_bytes()).as_u64();
        LedgerRow { first, second }
    }

    /// Tells whether an object was scanned whole in this scope and found clean. Asks memory first;
    /// the store only where the filter says "maybe". Blocks then.
    pub fn is_clean(&self, object: Oid) -> bool {
        self.are_clean(&[object]).first().is_some_and(|&clean| clean)
    }

    /// Asks for many objects at once.
    pub fn are_clean(&self, objects: &[Oid]) -> Vec<bool> {
        let rows: Vec<LedgerRow> = objects.iter().map(|&object| self.row(object)).collect();
        let index = self.shared.index.read().unwrap_or_else(PoisonError::into_inner);
        let mut clean: Vec<bool> = rows.iter().map(|&row| index.waits(row)).collect();
        let is_maybe = |&(at, row): &(usize, LedgerRow)| {
            !clean.get(at).copied().unwrap_or(true) && index.may_hold(row)
        };
        let mut maybes: Vec<(usize, LedgerRow)> =
            rows.iter().copied().enumerate().filter(is_maybe).collect();
        drop(index);
        // In the store's own order: neighbours share a read.
        maybes.sort_unstable_by_key(|&(_, row)| row);
        let asked: Vec<LedgerRow> = maybes.iter().map(|&(_, row)| row).collect();
        for (&(at, _), held) in maybes.iter().zip(self.shared.ask_store(&asked)) {
            if let Some(clean) = clean.get_mut(at) {
                *clean = held;
            }
        }
        clean
    }

    /// Adds rows, made by [`row`](Self::row) of objects that were scanned whole and are clean.
    /// Returns at once; where too many wait already, they are dropped.
    pub fn remember(&self, rows: Vec<LedgerRow>) {
        if rows.is_empty() || self.inventory.epoch() != Some(self.epoch) {
            return;
        }
        let count = rows.len();
        let taken = self.shared.index.write().unwrap_or_else(PoisonError::into_inner).take(rows);
        match taken {
            Taken::First => self.shared.signal.begin(),
            Taken::More => {}
            Taken::Run => self.shared.signal.hurry(),
            Taken::No => tracing::debug!(rows = count, "the ledger's queue is full: rows are lost"),
        }
    }
}

impl Shared {
    /// Asks the store. A ledger that cannot be read knows nothing.
    fn ask_store(&self, rows: &[LedgerRow]) -> Vec<bool> {
        if rows.is_empty() {
            return Vec::new();
        }
        self.store.holds(rows).unwrap_or_else(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the ledger cannot be read: objects are scanned again");
            Vec::new()
        })
    }
}
