//! The thread that writes rows down, and keeps the filter.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::store::LedgerRow;

use super::filter::Filter;
use super::{Index, Shared};

/// How long the rows of small pushes gather before they are written. What is lost when the daemon is
/// killed is scanned again.
pub(super) const GATHER: Duration = Duration::from_secs(30);

/// How many rows go into the filter at a time, while pushes that ask have to wait: some 10 ms.
const FILTERED_AT_ONCE: usize = 1 << 16;

/// The room of a filter for each row that is there when it is built.
const GROWTH: u64 = 4;

/// Tells the writer that rows wait.
#[derive(Default)]
pub(super) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Rows gather.
    has_begun: bool,
    /// Rows are to be written now.
    is_urgent: bool,
    is_stopping: bool,
}

impl Signal {
    /// Rows begin to gather.
    pub(super) fn begin(&self) {
        self.change(|state| state.has_begun = true);
    }

    /// There are rows that are to be written now.
    pub(super) fn hurry(&self) {
        self.change(|state| state.is_urgent = true);
    }

    /// Everything is to be written, and nothing comes any more.
    pub(super) fn stop(&self) {
        self.change(|state| state.is_stopping = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Waits until there is something to write. Returns whether the writer goes on after it.
    fn wait(&self) -> bool {
        let is_now = |state: &State| state.is_urgent || state.is_stopping;
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_while(state, |state| !is_now(state) && !state.has_begun);
        let state = waited.unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, GATHER, |state| !is_now(state));
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (state.has_begun, state.is_urgent) = (false, false);
        !state.is_stopping
    }
}

/// Starts the writer.
pub(super) fn start(shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("ledger".to_owned()).spawn(move || {
        if let Err(error) = shared.load() {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the ledger cannot be read: what is new is not written either");
        }
        while shared.signal.wait() {
            shared.write_waiting();
        }
        shared.write_waiting();
    })
}

impl Shared {
    /// Builds the filter from what is in the store. Without one nothing is asked or written.
    fn load(&self) -> io::Result<()> {
        let rows = self.store.count();
        let room = rows.saturating_mul(GROWTH).min(self.rows_max);
        let mut filter = Filter::with_room(room.max(rows));
        self.store.visit(&mut |row| filter.add(row))?;
        self.index_mut().filter = Some(filter);
        Ok(())
    }

    /// Writes what waits. What cannot be written is lost: it is scanned again.
    fn write_waiting(&self) {
        let mut index = self.index_mut();
        index.close();
        let (runs, is_loaded) = (index.runs.clone(), index.filter.is_some());
        drop(index);
        for run in runs {
            if is_loaded && let Err(error) = self.write(&run) {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the ledger cannot be written: objects are scanned again");
            }
            let mut index = self.index_mut();
            index.waiting = index.waiting.saturating_sub(run.len());
            index.runs.remove(0);
        }
    }

    /// Writes rows, and makes the filter know them.
    fn write(&self, rows: &[LedgerRow]) -> io::Result<()> {
        let has_forgotten = self.store.remember(rows)?;
        let mut is_full = false;
        for rows in rows.chunks(FILTERED_AT_ONCE) {
            if let Some(filter) = &mut self.index_mut().filter {
                for &row in rows {
                    filter.add(row);
                }
                is_full = filter.is_full();
            }
        }
        if has_forgotten || is_full { self.load() } else { Ok(()) }
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
