//! The filter before the store. It saves look-ups and decides nothing.

use bloomfilter::Bloom;

use crate::store::LedgerRow;

/// The share of rows that it wrongly takes for its own: each costs a look-up.
const FALSE_POSITIVE_RATE: f64 = 0.01;

/// The least rows that it has room for: 80 KB.
const CAPACITY_MIN: u64 = 1 << 16;

/// The filter's own hash seed. Public: rows are keyed already.
const SEED: &[u8; 32] = b"pushwarden ledger filter v1\0\0\0\0\0";

/// A filter that knows when it is full.
pub(super) struct Filter {
    bloom: Bloom<LedgerRow>,
    capacity: u64,
    /// How many rows were added.
    count: u64,
}

impl Filter {
    /// Makes an empty filter with room for at least `rows`.
    pub(super) fn with_room(rows: u64) -> Self {
        let capacity = rows.max(CAPACITY_MIN);
        let items = usize::try_from(capacity).unwrap_or(usize::MAX);
        let bloom = Bloom::new_for_fp_rate_with_seed(items, FALSE_POSITIVE_RATE, SEED)
            .expect("a positive capacity and rate make a filter");
        Self { bloom, capacity, count: 0 }
    }

    pub(super) fn add(&mut self, row: LedgerRow) {
        self.bloom.set(&row);
        self.count += 1;
    }

    /// Tells whether more rows would make it say "maybe" too often.
    pub(super) fn is_full(&self) -> bool {
        self.count >= self.capacity
    }

    pub(super) fn may_hold(&self, row: LedgerRow) -> bool {
        self.bloom.check(&row)
    }
}
