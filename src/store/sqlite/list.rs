//! Pages over tables: one row more than the page holds tells whether the list goes on.

use crate::store::{Cursor, Listing, Page};

/// Returns the row number below which a page of a newest-first list begins.
pub(super) fn before(page: &Page) -> i64 {
    page.after.map_or(i64::MAX, Cursor::row)
}

/// Returns the row number after which a page of an oldest-first list begins.
pub(super) fn after_ascending(page: &Page) -> i64 {
    page.after.map_or(0, Cursor::row)
}

/// Returns how many rows to read.
pub(super) fn limit(page: &Page) -> u32 {
    page.rows() + 1
}

/// Makes a page of what was read with [`limit`]: row numbers with their items.
pub(super) fn cut<T>(page: &Page, mut rows: Vec<(i64, T)>) -> Listing<T> {
    let size = usize::try_from(page.rows()).unwrap_or(usize::MAX);
    let goes_on = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| goes_on).map(|&(row, _)| Cursor::at(row));
    let items = rows.into_iter().map(|(_, item)| item).collect();
    Listing { items, next }
}
