//! What is kept of objects that were scanned and found clean: the seam between the ledger and a
//! database of its own.
//!
//! It is no part of the record: whoever deletes it loses time and nothing else.

use super::Result;

/// The name of an object that was found clean: 128 bits of a keyed function of its id, made by the
/// service. What a damaged database holds is no such name, except by a chance of one in 2^100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerRow {
    /// The first half, by which rows are found.
    pub first: i64,
    /// The second half.
    pub second: i64,
}

/// Which values were known when a text was compared with them: a random word that the store draws
/// anew, in the same transaction, whenever that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KnownEpoch(pub [u8; 16]);

/// Rows come into the younger generation; when that is full, the older one is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// The one that rows come into.
    Young,
    /// The one before.
    Old,
}

/// Keeps the rows of the ledger. All methods block.
pub trait LedgerStore: Send + Sync {
    /// Adds rows to the younger generation.
    fn remember(&self, rows: &[LedgerRow]) -> Result<()>;

    /// Tells for each row, in order, whether a generation holds it.
    fn holds(&self, rows: &[LedgerRow]) -> Result<Vec<bool>>;

    /// Returns how many rows a generation has.
    fn count(&self, generation: Generation) -> Result<u64>;

    /// Calls `sink` with each row of a generation, in no order.
    fn visit(&self, generation: Generation, sink: &mut dyn FnMut(LedgerRow)) -> Result<()>;

    /// Forgets the older generation, and makes the younger one the older.
    fn grow_old(&self) -> Result<()>;
}
