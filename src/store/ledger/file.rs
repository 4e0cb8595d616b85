//! The ledger's rows in a directory: runs, the newest of which are merged until each is a good deal
//! smaller than the one before.
//!
//! ```text
//! remember ──► new run ──► merged with the run before, while that is not twice as large
//!                 └──► over rows_max in all: the oldest run goes
//! ```
//!
//! A row is written a few times in its life, in order, and never sought; a database with an index
//! takes ten times as long for the same. Nothing is synced: what a power cut takes, or makes of a
//! file, is scanned again.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::run::{Run, merge};
use super::{LedgerRow, LedgerStore};

/// How the files of runs end.
const SUFFIX: &str = "run";

/// The most runs that are read at start: sizes double, so that there are never many.
const RUNS_MAX: usize = 1_000;

/// The ledger's rows on one machine. One daemon works on a directory at a time.
pub struct FileLedger {
    directory: PathBuf,
    rows_max: u64,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    /// Oldest first.
    runs: Vec<Arc<Run>>,
    /// The number of the next.
    next: u64,
}

impl FileLedger {
    /// Opens the ledger in `directory`, which is made (mode 0700) where it is missing. Runs that
    /// cannot be read are thrown away.
    ///
    /// # Errors
    /// If the directory cannot be made or listed.
    pub fn open(directory: &Path, rows_max: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut numbers = Vec::new();
        for entry in fs::read_dir(directory)?.take(RUNS_MAX) {
            let path = entry?.path();
            let is_run = path.extension().is_some_and(|end| end == SUFFIX);
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            match number.filter(|_| is_run) {
                Some(number) => numbers.push((number, path)),
                // Left over from a writer that was killed.
                None => drop(fs::remove_file(path)),
            }
        }
        numbers.sort();
        let next = numbers.last().map_or(0, |(number, _)| number + 1);
        let runs = numbers.into_iter().filter_map(|(_, path)| {
            let opened = Run::open(path.clone());
            opened.inspect_err(|_| drop(fs::remove_file(path))).ok()
        });
        let state = RwLock::new(State { runs: runs.map(Arc::new).collect(), next });
        Ok(Self { directory: directory.to_path_buf(), rows_max, state })
    }

    fn runs(&self) -> Vec<Arc<Run>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).runs.clone()
    }

    fn next_path(&self) -> PathBuf {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.next += 1;
        self.directory.join(format!("{:012}.{SUFFIX}", state.next))
    }

    /// Puts `run` in the place of the newest `replaced` runs.
    fn put(&self, run: Run, replaced: usize) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let kept = state.runs.len().saturating_sub(replaced);
        for old in state.runs.split_off(kept) {
            // What cannot be removed is there twice at the next start.
            drop(fs::remove_file(&old.path));
        }
        state.runs.push(Arc::new(run));
    }

    /// Merges the newest runs until each is less than half as large as the one before.
    fn merge(&self) -> io::Result<()> {
        while let [.., older, newer] = self.runs().as_slice()
            && newer.rows * 2 > older.rows
            && newer.rows + older.rows <= self.rows_max / 2
        {
            self.put(merge(older, newer, &self.next_path())?, 2);
        }
        Ok(())
    }

    /// Lets the oldest runs go while there are too many rows.
    fn forget(&self) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut is_any = false;
        while state.runs.len() > 1 && count(&state.runs) > self.rows_max {
            let oldest = state.runs.remove(0);
            drop(fs::remove_file(&oldest.path));
            is_any = true;
        }
        is_any
    }
}

fn count(runs: &[Arc<Run>]) -> u64 {
    runs.iter().map(|run| run.rows).sum()
}

impl LedgerStore for FileLedger {
    fn visit(&self, sink: &mut dyn FnMut(LedgerRow)) -> io::Result<()> {
        for run in self.runs() {
            for block in run.blocks() {
                block?.into_iter().for_each(&mut *sink);
            }
        }
        Ok(())
    }

    fn count(&self) -> u64 {
        count(&self.runs())
    }

    fn remember(&self, rows: &[LedgerRow]) -> io::Result<bool> {
        let mut is_any = false;
        let most = usize::try_from(self.rows_max / 2).unwrap_or(usize::MAX).max(1);
        for rows in rows.chunks(most) {
            let run = Run::write(self.next_path(), &mut rows.iter().copied().map(Ok))?;
            self.put(run, 0);
            self.merge()?;
            is_any |= self.forget();
        }
        Ok(is_any)
    }

    fn holds(&self, rows: &[LedgerRow]) -> io::Result<Vec<bool>> {
        let mut found = vec![false; rows.len()];
        self.runs().iter().try_for_each(|run| run.find(rows, &mut found))?;
        Ok(found)
    }
}
