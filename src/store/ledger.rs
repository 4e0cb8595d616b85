//! What is kept of objects that were scanned and found clean: the seam between the ledger and where
//! its rows lie.
//!
//! It is no part of the record: whoever deletes it loses time and nothing else.

mod file;
mod run;
#[cfg(test)]
mod tests;

use std::io;

pub use file::FileLedger;

/// The name of an object that was found clean: 128 bits of a keyed function of its id, made by the
/// service. What a damaged file holds is no such name, except by a chance of one in 2^100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerRow {
    /// The first half, by which rows are found.
    pub first: u64,
    /// The second half.
    pub second: u64,
}

/// Which values were known when a text was compared with them: a random word that the store draws
/// anew, in the same transaction, whenever that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KnownEpoch(pub [u8; 16]);

/// Keeps the rows of the ledger. All methods block; an error costs time and nothing else.
pub trait LedgerStore: Send + Sync {
    /// Calls `sink` with every row, some perhaps twice.
    ///
    /// # Errors
    /// If the rows cannot be read.
    fn visit(&self, sink: &mut dyn FnMut(LedgerRow)) -> io::Result<()>;

    /// Returns how many rows there are; what is there twice counts twice.
    fn count(&self) -> u64;

    /// Adds rows, which are in order and distinct. Returns whether older ones had to go.
    ///
    /// # Errors
    /// If they cannot be written.
    fn remember(&self, rows: &[LedgerRow]) -> io::Result<bool>;

    /// Tells for each row, in order, whether it is there. Quickest where the rows are in order.
    ///
    /// # Errors
    /// If the rows cannot be read.
    fn holds(&self, rows: &[LedgerRow]) -> io::Result<Vec<bool>>;
}
