//! The store on one machine: `SQLite` in WAL mode.
//!
//! ```text
//! changes ──► one writer, BEGIN IMMEDIATE … COMMIT, synchronous=FULL ──► database + WAL
//! reads   ──► a few readers, each a snapshot, never behind the writer ──┘
//! ```
//!
//! One file holds one table's statements; what the tables mean stands in `schema/`. What happens
//! is decided in [`crate::incident`]; here it is only carried out.

mod audit;
mod failure;
mod filing;
mod grants;
mod incidents;
mod known;
mod list;
mod migrate;
mod occurrences;
mod outbox;
mod pool;
mod pushes;
mod record;
mod standings;
#[cfg(test)]
mod tests;
mod tickets;
mod triage;
mod unscanned;
mod value;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, named_params};

use crate::clock::Timestamp;
use crate::incident::{
    Actor, AuditEntry, AuditEvent, AuditHead, DispositionKind, ExternalId, Grant, GrantId,
    GrantRequest, IncidentId, KnownId, Reason, TicketId,
};
use crate::secret::Fingerprint;

use super::{
    FiledFinding, IncidentFilter, IncidentView, KnownEpoch, KnownMatch, KnownSecret, Lease,
    LeasedRow, Listing, NewKnownSecret, OutboxState, OutboxView, Page, PushFilter, PushRecord,
    PushView, Result, Settlement, Standing, StandingQuery, Store, StoreError, TicketFilter,
    TicketView, UnscannedFilter, UnscannedSettlement, UnscannedView,
};

use failure::Failure;
use pool::Pool;

/// How long a caller waits for a connection, and `SQLite` for a lock that another program holds
/// (a backup, an administrator's shell). A push waits less than its deadline for it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many reads run at once. More would only share the same two or four cores.
const READERS: usize = 4;

/// The size to which the WAL is cut back after a large transaction, in bytes.
const WAL_BYTES_KEPT: i64 = 64 << 20;

/// How a store is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The configured names of the ticket sinks; each is told of every ticket event.
    pub sinks: Vec<String>,
}

/// The store on one machine.
pub struct SqliteStore {
    writer: Pool,
    readers: Pool,
    sinks: Vec<String>,
}

impl SqliteStore {
    /// Opens the database at `path`, which is made (mode 0600) or brought to the newest schema
    /// first. Its directory must exist and be writable.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self> {
        const OPEN: &str = "open the database";
        create_private(path).map_err(|error| from_io(error, OPEN))?;
        let open = || {
            let mut writer = connect(path)?;
            migrate::migrate(&mut writer, migrate::STEPS)?;
            // After the check that the file is ours: the mode stays with the file.
            writer.pragma_update(None, "journal_mode", "wal")?;
            let readers = (0..READERS).map(|_| connect_reader(path));
            let readers = readers.collect::<std::result::Result<_, Failure>>()?;
            Ok((writer, readers))
        };
        let (writer, readers) = open().map_err(|failure: Failure| failure.during(OPEN))?;
        Ok(Self {
            writer: Pool::new(vec![writer]),
            readers: Pool::new(readers),
            sinks: options.sinks,
        })
    }

    /// Runs `work` in a transaction that changes something: all of it happens, or nothing.
    fn write<T>(
        &self,
        attempted: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        run(&self.writer, TransactionBehavior::Immediate, attempted, work)
    }

    /// Runs `work` on a snapshot.
    fn read<T>(
        &self,
        attempted: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        run(&self.readers, TransactionBehavior::Deferred, attempted, work)
    }
}

fn run<T>(
    pool: &Pool,
    behavior: TransactionBehavior,
    attempted: &'static str,
    work: impl FnOnce(&Connection) -> std::result::Result<T, Failure>,
) -> Result<T> {
    let held = pool.take(BUSY_TIMEOUT);
    let mut connection = held.ok_or(StoreError::Busy { attempted })?;
    let run = || {
        // Dropped without commit, a transaction rolls back.
        let transaction = connection.transaction_with_behavior(behavior)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    };
    run().map_err(|failure: Failure| failure.during(attempted))
}

/// `SQLite` gives the files beside the database the database's own mode.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map(drop)
}

fn from_io(error: io::Error, attempted: &'static str) -> StoreError {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            StoreError::ReadOnly { attempted }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { attempted },
        _ => StoreError::Backend { attempted, source: Box::new(error) },
    }
}

fn connect(path: &Path) -> std::result::Result<Connection, Failure> {
    // No SQLITE_OPEN_URI: a path is a path, whatever it begins with.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // FULL: the WAL is on the disk before a commit returns, and so before git hears the answer.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    Ok(connection)
}

fn connect_reader(path: &Path) -> std::result::Result<Connection, Failure> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

impl Store for SqliteStore {
    fn record_push(&self, record: &PushRecord) -> Result<Vec<FiledFinding>> {
        self.write("record a push", |tx| record::record(tx, &self.sinks, record))
    }

    fn standings(
        &self,
        query: StandingQuery<'_>,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Standing>> {
        let work = |tx: &Connection| standings::standings(tx, query, fingerprints);
        self.read("look secrets up", work)
    }

    fn incidents(&self, filter: &IncidentFilter, page: &Page) -> Result<Listing<IncidentView>> {
        self.read("list incidents", |tx| incidents::list(tx, filter, page))
    }

    fn incident(&self, id: IncidentId) -> Result<IncidentView> {
        self.read("read an incident", |tx| incidents::view(tx, id))
    }

    fn dismiss(
        &self,
        id: IncidentId,
        kind: DispositionKind,
        reason: &Reason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<IncidentView> {
        self.write("dismiss an incident", |tx| {
            triage::dismiss(tx, &self.sinks, id, (kind, reason), by, at)
        })
    }

    fn reopen(
        &self,
        id: IncidentId,
        reason: &Reason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<IncidentView> {
        self.write("reopen an incident", |tx| triage::reopen(tx, &self.sinks, id, reason, by, at))
    }

    fn tickets(&self, filter: &TicketFilter, page: &Page) -> Result<Listing<TicketView>> {
        self.read("list tickets", |tx| tickets::list(tx, filter, page))
    }

    fn ticket(&self, id: TicketId) -> Result<TicketView> {
        self.read("read a ticket", |tx| tickets::view(tx, id))
    }

    fn close_ticket(
        &self,
        id: TicketId,
        reason: &Reason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<TicketView> {
        self.write("close a ticket", |tx| tickets::close(tx, &self.sinks, id, reason, by, at))
    }

    fn ticket_link(&self, id: TicketId, sink: &str) -> Result<Option<ExternalId>> {
        self.read("read a ticket's link", |tx| tickets::link(tx, id, sink))
    }

    fn link_ticket(&self, id: TicketId, sink: &str, external: &ExternalId) -> Result<()> {
        self.write("link a ticket", |tx| tickets::set_link(tx, id, sink, external))
    }

    fn grants(&self, page: &Page, now: Timestamp) -> Result<Listing<Grant>> {
        self.read("list grants", |tx| grants::list(tx, page, now))
    }

    fn create_grant(&self, request: &GrantRequest, by: &Actor, at: Timestamp) -> Result<Grant> {
        self.write("create a grant", |tx| grants::create(tx, request, by, at))
    }

    fn revoke_grant(
        &self,
        id: GrantId,
        reason: &Reason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<Grant> {
        self.write("revoke a grant", |tx| grants::revoke(tx, id, reason, by, at))
    }

    fn add_known(
        &self,
        secrets: &[NewKnownSecret],
        by: &Actor,
        at: Timestamp,
    ) -> Result<Vec<KnownSecret>> {
        self.write("add to the inventory", |tx| known::add(tx, secrets, by, at))
    }

    fn remove_known(&self, id: KnownId, by: &Actor, at: Timestamp) -> Result<()> {
        self.write("remove from the inventory", |tx| known::remove(tx, id, by, at))
    }

    fn known(&self, page: &Page) -> Result<Listing<KnownSecret>> {
        self.read("list the inventory", |tx| known::list(tx, page))
    }

    fn known_by_name(&self, name: &str) -> Result<KnownSecret> {
        self.read("read the inventory", |tx| known::by_name(tx, name))
    }

    fn known_tags(&self) -> Result<Vec<(u64, u32)>> {
        self.read("read the tags of known secrets", known::tags)
    }

    fn known_by_fingerprint(
        &self,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Option<KnownMatch>>> {
        self.read("look known secrets up", |tx| known::matches(tx, fingerprints))
    }

    fn known_epoch(&self) -> Result<KnownEpoch> {
        self.read("read what is known", known::epoch)
    }

    fn pushes(&self, filter: &PushFilter, page: &Page) -> Result<Listing<PushView>> {
        self.read("list pushes", |tx| pushes::list(tx, filter, page))
    }

    fn unscanned(&self, filter: &UnscannedFilter, page: &Page) -> Result<Listing<UnscannedView>> {
        self.read("list what was not scanned", |tx| unscanned::list(tx, filter, page))
    }

    fn settle_unscanned(
        &self,
        settlement: &UnscannedSettlement,
        by: &Actor,
        at: Timestamp,
    ) -> Result<UnscannedView> {
        self.write("settle an unscanned item", |tx| unscanned::settle(tx, settlement, by, at))
    }

    fn outbox_lease(&self, now: Timestamp, rows: u32, lease: Duration) -> Result<Vec<LeasedRow>> {
        self.write("lease outbox rows", |tx| outbox::lease(tx, now, rows, lease))
    }

    fn outbox_settle(&self, lease: Lease, settlement: &Settlement) -> Result<()> {
        self.write("settle an outbox row", |tx| outbox::settle(tx, lease, settlement))
    }

    fn outbox_prune(&self, before: Timestamp) -> Result<u32> {
        self.write("prune the outbox", |tx| outbox::prune(tx, before))
    }

    fn outbox(&self, state: Option<OutboxState>, page: &Page) -> Result<Listing<OutboxView>> {
        self.read("list the outbox", |tx| outbox::list(tx, state, page))
    }

    fn append_audit(&self, event: AuditEvent) -> Result<AuditEntry> {
        self.write("write to the audit log", |tx| audit::append(tx, event))
    }

    fn audit(&self, page: &Page) -> Result<Listing<AuditEntry>> {
        self.read("read the audit log", |tx| audit::list(tx, page))
    }

    fn verify_audit(&self) -> Result<AuditHead> {
        self.read("verify the audit log", audit::verify)
    }

    fn health(&self, now: Timestamp) -> Result<()> {
        self.write("prove that it can write", |tx| {
            tx.prepare_cached(
                "INSERT INTO probe (only, at) VALUES (1, :at) ON CONFLICT DO UPDATE SET at = :at",
            )?
            .execute(named_params! { ":at": now })?;
            Ok(())
        })
    }
}
