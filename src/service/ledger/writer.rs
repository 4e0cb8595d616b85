//! The thread that writes rows down, and keeps the filters.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::store::{Generation, LedgerRow, StoreError};

use super::Shared;
use super::filter::{Filter, Filters};

/// How long the rows of a push wait for those of others: a transaction costs more than its rows.
const GATHER: Duration = Duration::from_millis(500);

/// How many rows go into the store in one transaction, and into the filter while pushes that ask have
/// to wait: some 10 ms.
const WRITTEN_AT_ONCE: usize = 1 << 16;

/// By how much a filter grows that is full.
const GROWTH: u64 = 4;

/// Wakes the writer, or stops it.
#[derive(Default)]
pub(super) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    has_work: bool,
    is_stopping: bool,
}

impl Signal {
    pub(super) fn wake(&self) {
        self.change(|state| state.has_work = true);
    }

    pub(super) fn stop(&self) {
        self.change(|state| state.is_stopping = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Waits for rows, and a while for more. Returns whether the writer goes on after these.
    fn wait(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = |state: &mut State| !state.has_work && !state.is_stopping;
        let state = self.changed.wait_while(state, is_idle);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let gathers = |state: &mut State| !state.is_stopping;
        let gathered = self.changed.wait_timeout_while(state, GATHER, gathers);
        let (mut state, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        state.has_work = false;
        !state.is_stopping
    }
}

/// Starts the writer.
pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("ledger".to_owned()).spawn(move || {
        shared.load();
        while shared.signal.wait() {
            shared.write_waiting();
        }
        shared.write_waiting();
    })
}

impl Shared {
    /// Builds the filters from what stands in the store.
    fn load(&self) {
        let built = || -> Result<Filters, StoreError> {
            let (young, old) = (self.filter(Generation::Young)?, self.filter(Generation::Old)?);
            Ok(Filters { young, old })
        };
        match built() {
            Ok(filters) => self.index_mut().filters = Some(filters),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the ledger cannot be read: it starts anew next time");
            }
        }
    }

    /// Builds the filter of a generation, with room to grow.
    fn filter(&self, generation: Generation) -> Result<Filter, StoreError> {
        let count = self.store.count(generation)?;
        let room = match generation {
            Generation::Young => count.saturating_mul(GROWTH).min(self.generation_max),
            Generation::Old => count,
        };
        let mut filter = Filter::with_room(room.max(count));
        self.store.visit(generation, &mut |row| filter.add(row))?;
        Ok(filter)
    }

    /// Writes what waits. What cannot be written is dropped: it is scanned again.
    fn write_waiting(&self) {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let (runs, is_loaded) = (index.runs.clone(), index.filters.is_some());
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

    fn write(&self, rows: &[LedgerRow]) -> Result<(), StoreError> {
        for rows in rows.chunks(WRITTEN_AT_ONCE) {
            self.store.remember(rows)?;
            self.filter_in(rows)?;
        }
        Ok(())
    }

    /// Makes the filter know rows that the store has taken; makes room where there is none left.
    fn filter_in(&self, rows: &[LedgerRow]) -> Result<(), StoreError> {
        let mut is_full = false;
        if let Some(filters) = &mut self.index_mut().filters {
            rows.iter().for_each(|&row| filters.young.add(row));
            is_full = filters.young.is_full(self.generation_max);
        }
        if is_full { self.make_room() } else { Ok(()) }
    }

    /// Begins a new generation where the younger one is full, else gives it a larger filter.
    fn make_room(&self) -> Result<(), StoreError> {
        let larger = self.filter(Generation::Young)?;
        if larger.count < self.generation_max {
            if let Some(filters) = &mut self.index_mut().filters {
                filters.young = larger;
            }
            return Ok(());
        }
        self.store.grow_old()?;
        if let Some(filters) = &mut self.index_mut().filters {
            filters.young = larger;
            filters.grow_old();
        }
        Ok(())
    }

    fn index_mut(&self) -> std::sync::RwLockWriteGuard<'_, super::Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
