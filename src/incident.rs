//! What became of a leaked secret: incidents, their states, tickets, grants and the audit chain.
//!
//! ```text
//! Finding + Decision ──► file_finding ──► what happens to incident and ticket   (filing)
//! triage's verb      ──► State::apply ──► next State + AuditEvent               (state)
//! AuditEvent         ──► chain::link  ──► AuditEntry, bound to the one before   (audit)
//! ```
//!
//! Everything here is a plain function over plain data. Nothing reads a clock, a file or a
//! database: [`crate::store`] keeps what these functions say, in one transaction.

mod actor;
mod audit;
mod filing;
mod grant;
mod id;
mod state;
#[cfg(test)]
mod tests;
mod ticket;

pub use actor::{Actor, NotEntitled, Reason, ReasonError};
pub use audit::{AuditEntry, AuditEvent, AuditHash, AuditHead, ChainBreak, ChainVerifier};
pub use filing::{
    Exposure, FilingInput, IncidentStep, Origin, PushVerdict, TicketStep, file_finding,
    replaces_finding, replaces_owner,
};
pub use grant::{Grant, GrantError, GrantRequest, GrantScope, GrantState, RepositoryPattern};
pub use id::{GrantId, IdError, IncidentId, KnownId, PushId, PushIdError, TicketId, UnscannedId};
pub use state::{Disposition, DispositionKind, Event, IllegalTransition, State};
pub use ticket::{ExternalId, Sighting, TicketDraft, TicketEvent, TicketEventKind, TicketState};
