//! The ledger's rows, in a database of their own: a large push that is being written down must not
//! be in the way of a refusal, and what is damaged is thrown away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params};

use crate::store::{Generation, LedgerRow, LedgerStore, Result, StoreError};

use super::failure::Failure;
use super::pool::Pool;
use super::value::Count;
use super::{connect, create_private, from_io, run};

/// The tables.
const SCHEMA: &str = include_str!("schema/ledger.sql");

/// What `PRAGMA user_version` says of them. A file of another version is thrown away.
const VERSION: i64 = 1;

/// The most pages that each connection keeps, as `PRAGMA cache_size` has it: negative, in KiB.
const CACHE_KIB: i64 = -1_024;

/// The ledger's rows on one machine.
pub struct SqliteLedger {
    path: PathBuf,
    writer: Pool,
    reader: Pool,
}

impl SqliteLedger {
    /// Opens the database at `path`. One that is damaged, or that another version wrote, is thrown
    /// away and made anew.
    pub fn open(path: &Path) -> Result<Self> {
        const OPEN: &str = "open the ledger";
        create_private(path).map_err(|error| from_io(error, OPEN))?;
        let opened = Self::open_file(path).or_else(|_| {
            discard(path).map_err(|error| from_io(error, OPEN))?;
            create_private(path).map_err(|error| from_io(error, OPEN))?;
            Self::open_file(path).map_err(|failure| failure.during(OPEN))
        })?;
        Ok(opened)
    }

    fn open_file(path: &Path) -> std::result::Result<Self, Failure> {
        let writer = connect_ledger(path)?;
        prepare(&writer)?;
        writer.pragma_update(None, "journal_mode", "wal")?;
        let reader = connect_ledger(path)?;
        reader.pragma_update(None, "query_only", true)?;
        let (writer, reader) = (Pool::new(vec![writer]), Pool::new(vec![reader]));
        Ok(Self { path: path.to_path_buf(), writer, reader })
    }

    fn write(
        &self,
        attempted: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<(), Failure>,
    ) -> Result<()> {
        let outcome = run(&self.writer, TransactionBehavior::Immediate, attempted, work);
        self.discard_if_damaged(outcome)
    }

    fn read<T>(
        &self,
        attempted: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let outcome = run(&self.reader, TransactionBehavior::Deferred, attempted, work);
        self.discard_if_damaged(outcome)
    }

    /// Takes a damaged file away, so that the next start makes a new one.
    fn discard_if_damaged<T>(&self, outcome: Result<T>) -> Result<T> {
        if let Err(StoreError::Corrupt { .. }) = outcome {
            // What cannot be removed is found damaged again.
            drop(discard(&self.path));
        }
        outcome
    }
}

impl LedgerStore for SqliteLedger {
    fn remember(&self, rows: &[LedgerRow]) -> Result<()> {
        self.write("write to the ledger", |tx| {
            let young = young(tx)?;
            let sql = format!("INSERT OR REPLACE INTO clean_{young} (first, second) VALUES (?, ?)");
            let mut insert = tx.prepare_cached(&sql)?;
            for row in rows {
                insert.execute((row.first, row.second))?;
            }
            Ok(())
        })
    }

    fn holds(&self, rows: &[LedgerRow]) -> Result<Vec<bool>> {
        self.read("look into the ledger", |tx| {
            let sql = |table: i64| format!("SELECT second FROM clean_{table} WHERE first = ?");
            let mut select = [tx.prepare_cached(&sql(0))?, tx.prepare_cached(&sql(1))?];
            let mut holds = |row: &LedgerRow| -> std::result::Result<bool, Failure> {
                for select in &mut select {
                    let second = select.query_row([row.first], |found| found.get::<_, i64>(0));
                    if second.optional()? == Some(row.second) {
                        return Ok(true);
                    }
                }
                Ok(false)
            };
            rows.iter().map(&mut holds).collect()
        })
    }

    fn count(&self, generation: Generation) -> Result<u64> {
        self.read("count the rows of the ledger", |tx| {
            let table = table_of(tx, generation)?;
            let sql = format!("SELECT count(*) FROM clean_{table}");
            let Count(count) = tx.query_row(&sql, [], |row| row.get(0))?;
            Ok(count)
        })
    }

    fn visit(&self, generation: Generation, sink: &mut dyn FnMut(LedgerRow)) -> Result<()> {
        self.read("read the ledger", |tx| {
            let table = table_of(tx, generation)?;
            let mut select = tx.prepare(&format!("SELECT first, second FROM clean_{table}"))?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                sink(LedgerRow { first: row.get(0)?, second: row.get(1)? });
            }
            Ok(())
        })
    }

    fn grow_old(&self) -> Result<()> {
        self.write("forget the oldest rows of the ledger", |tx| {
            let old = 1 - young(tx)?;
            // Without a condition SQLite drops all pages at once.
            tx.execute(&format!("DELETE FROM clean_{old}"), [])?;
            tx.execute("UPDATE young SET clean = :old", named_params! { ":old": old })?;
            Ok(())
        })
    }
}

/// Returns which table takes new rows: 0 or 1.
fn young(tx: &Connection) -> std::result::Result<i64, Failure> {
    let young: i64 = tx.prepare_cached("SELECT clean FROM young")?.query_row([], |r| r.get(0))?;
    Ok(young.clamp(0, 1))
}

fn table_of(tx: &Connection, generation: Generation) -> std::result::Result<i64, Failure> {
    let young = young(tx)?;
    Ok(if generation == Generation::Young { young } else { 1 - young })
}

/// Syncs at checkpoints alone: what a power cut takes is scanned again.
fn connect_ledger(path: &Path) -> std::result::Result<Connection, Failure> {
    let connection = connect(path)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    Ok(connection)
}

/// Makes the tables in an empty file. Fails on any file that is not of this version.
fn prepare(connection: &Connection) -> std::result::Result<(), Failure> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        connection.execute_batch(&format!("BEGIN; {SCHEMA} COMMIT;"))?;
        connection.pragma_update(None, "user_version", VERSION)?;
    }
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found != VERSION {
        return Err(StoreError::Newer { found, known: VERSION }.into());
    }
    young(connection).map(drop)
}

/// Removes a database and the files beside it.
fn discard(path: &Path) -> io::Result<()> {
    for beside in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(beside);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
