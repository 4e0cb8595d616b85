//! What is kept, and how it is asked for: the seam between the use cases and a database.
//!
//! ```text
//! service ──PushRecord──► Store::record_push ──► one transaction: push, incidents, occurrences,
//!                                                owners, tickets, grant uses, unscanned items,
//!                                                outbox rows, audit events
//! triage  ──verb──────► Store::dismiss, …    ──► one transaction: state, ticket, outbox, audit
//! job     ──lease─────► Store::outbox_lease  ──► what must happen outside
//! ```
//!
//! Every method blocks: call it off the async runtime. When a method that changes something
//! returns `Ok`, the change survives a power cut; when it returns an error, nothing was changed.
//!
//! A store holds no clear text and has no door through which one could come in: what it takes are
//! fingerprints, tags, lengths and masked previews.

mod error;
mod ledger;
mod outbox;
mod page;
mod record;
pub mod sqlite;
mod view;

use std::time::Duration;

use crate::clock::Timestamp;
use crate::incident::{
    Actor, AuditEntry, AuditEvent, AuditHead, DispositionKind, ExternalId, Grant, GrantId,
    GrantRequest, IncidentId, KnownId, Reason, TicketId,
};
use crate::secret::Fingerprint;

pub use error::StoreError;
pub use ledger::{FileLedger, KnownEpoch, LedgerRow, LedgerStore};
pub use outbox::{
    LEASE_ROWS_MAX, LEASE_TIME_MAX, Lease, LeasedRow, OutboxPayload, OutboxState, OutboxView,
    PRUNE_ROWS_MAX, Settlement,
};
pub use page::{Cursor, CursorError, Listed, Listing, Page};
pub use record::{
    FindingRecord, IncidentFilter, NewKnownSecret, PushFilter, PushRecord, PusherRecord,
    SpoolNonce, StandingQuery, TicketFilter, UnscannedFilter, UnscannedItem, UnscannedSettlement,
    UnscannedState,
};
pub use view::{
    DecisionView, FiledFinding, IncidentView, KnownMatch, KnownSecret, LeakedSecret,
    OccurrenceView, PushFindingView, PushView, PusherView, Standing, TicketBrief, TicketEventView,
    TicketLink, TicketRef, TicketView, UnscannedView,
};

/// The most fingerprints in one question.
///
/// More than a push files: which of its secrets are filed depends on how they stand.
pub const FINGERPRINTS_MAX: usize = 100_000;

/// The most secrets in an inventory, with those that leaked: 80 MB of tags at start.
pub const KNOWN_SECRETS_MAX: u64 = 10_000_000;

/// A result of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What is kept, and how it is asked for. All methods block.
pub trait Store: Send + Sync {
    /// Writes down what a push brought, in one transaction. Returns where each finding was filed,
    /// in the order of the record; a finding that policy ignores and that has no incident is
    /// filed nowhere and left out.
    ///
    /// Errors that callers decide on: [`StoreError::GrantSpent`] (decide again without the
    /// grant), [`StoreError::AlreadyIngested`] (the spool entry can go), [`StoreError::Full`] and
    /// [`StoreError::ReadOnly`] (refuse or follow `on_unavailable`).
    fn record_push(&self, record: &PushRecord) -> Result<Vec<FiledFinding>>;

    /// Returns what is known about each secret, in the order of `fingerprints` (at most
    /// [`FINGERPRINTS_MAX`]).
    fn standings(
        &self,
        query: StandingQuery<'_>,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Standing>>;

    /// Lists incidents, newest first.
    fn incidents(&self, filter: &IncidentFilter, page: &Page) -> Result<Listing<IncidentView>>;

    /// Returns one incident.
    fn incident(&self, id: IncidentId) -> Result<IncidentView>;

    /// Closes an incident that is no leak, and its ticket with it.
    fn dismiss(
        &self,
        id: IncidentId,
        kind: DispositionKind,
        reason: &Reason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<IncidentView>;

    /// Takes a dismissal back; the ticket stands open again.
    fn reopen(
        &self,
        id: IncidentId,
        reason: &Reason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<IncidentView>;

    /// Lists tickets, newest first.
    fn tickets(&self, filter: &TicketFilter, page: &Page) -> Result<Listing<TicketView>>;

    /// Returns one ticket.
    fn ticket(&self, id: TicketId) -> Result<TicketView>;

    /// Closes a ticket, and nothing else: its incident stays as it is.
    fn close_ticket(
        &self,
        id: TicketId,
        reason: &Reason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<TicketView>;

    /// Returns what the ticket is called at a sink, where that is known.
    fn ticket_link(&self, id: TicketId, sink: &str) -> Result<Option<ExternalId>>;

    /// Keeps what the ticket is called at a sink; the latest answer stands.
    fn link_ticket(&self, id: TicketId, sink: &str, external: &ExternalId) -> Result<()>;

    /// Lists grants, newest first, each as it stands at `now`.
    fn grants(&self, page: &Page, now: Timestamp) -> Result<Listing<Grant>>;

    /// Makes a grant.
    fn create_grant(&self, request: &GrantRequest, by: &Actor, at: Timestamp) -> Result<Grant>;

    /// Takes a grant back. One that is spent or over can be taken back too, but only once.
    fn revoke_grant(
        &self,
        id: GrantId,
        reason: &Reason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<Grant>;

    /// Adds secrets to the inventory, all or none. A name or value that it holds already is a
    /// [`StoreError::Conflict`] that names it.
    fn add_known(
        &self,
        secrets: &[NewKnownSecret],
        by: &Actor,
        at: Timestamp,
    ) -> Result<Vec<KnownSecret>>;

    /// Removes a secret from the inventory.
    fn remove_known(&self, id: KnownId, by: &Actor, at: Timestamp) -> Result<()>;

    /// Lists the inventory, newest first.
    fn known(&self, page: &Page) -> Result<Listing<KnownSecret>>;

    /// Returns one secret of the inventory by its name.
    fn known_by_name(&self, name: &str) -> Result<KnownSecret>;

    /// Returns the tags of all values that must not be pushed, and their lengths in bytes: the
    /// inventory's, and those of leaked secrets whose incident nobody dismissed. Distinct, in no order.
    fn known_tags(&self) -> Result<Vec<(u64, u32)>>;

    /// Tells for each fingerprint, in order, whether its value is a known secret. The inventory's
    /// answer outranks that of an incident.
    fn known_by_fingerprint(&self, fingerprints: &[Fingerprint])
    -> Result<Vec<Option<KnownMatch>>>;

    /// Returns the word for what is known now; see [`KnownEpoch`].
    fn known_epoch(&self) -> Result<KnownEpoch>;

    /// Lists pushes that were not clean, newest first.
    fn pushes(&self, filter: &PushFilter, page: &Page) -> Result<Listing<PushView>>;

    /// Lists what was not scanned, newest first.
    fn unscanned(&self, filter: &UnscannedFilter, page: &Page) -> Result<Listing<UnscannedView>>;

    /// Settles something that was not scanned. Only an open item can be settled.
    fn settle_unscanned(
        &self,
        settlement: &UnscannedSettlement,
        by: &Actor,
        at: Timestamp,
    ) -> Result<UnscannedView>;

    /// Takes up to `rows` (at most [`LEASE_ROWS_MAX`]) rows of the outbox whose time has come, and
    /// holds them for `lease` (at most [`LEASE_TIME_MAX`]).
    fn outbox_lease(&self, now: Timestamp, rows: u32, lease: Duration) -> Result<Vec<LeasedRow>>;

    /// Says how an attempt ended. [`StoreError::Conflict`] if the lease went to another.
    fn outbox_settle(&self, lease: Lease, settlement: &Settlement) -> Result<()>;

    /// Removes rows that are done and were due before `before`, at most [`PRUNE_ROWS_MAX`]; returns
    /// how many. Rows that were
    /// given up stay for triage; what the audit log says of any row stays.
    fn outbox_prune(&self, before: Timestamp) -> Result<u32>;

    /// Lists the outbox, newest first, in one state or in all.
    fn outbox(&self, state: Option<OutboxState>, page: &Page) -> Result<Listing<OutboxView>>;

    /// Adds an act that changes nothing else in the store to the audit log.
    fn append_audit(&self, event: AuditEvent) -> Result<AuditEntry>;

    /// Reads the audit log from its beginning.
    fn audit(&self, page: &Page) -> Result<Listing<AuditEntry>>;

    /// Walks the whole chain and returns its head; [`StoreError::Chain`] names the first entry
    /// that is not as it was written.
    fn verify_audit(&self) -> Result<AuditHead>;

    /// Proves with a write that the store can be written.
    fn health(&self, now: Timestamp) -> Result<()>;
}
