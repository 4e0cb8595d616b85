//! What a record says of the push itself.

use super::received::Received;
use super::redact::Redactor;
use super::{Moment, Session};
use crate::store::PusherRecord;
use crate::wire::{Begin, Pusher, escape};

/// The longest repository path or pusher's name on record, in columns.
const NAME_COLUMNS_MAX: usize = 400;

/// What a record says of the push itself.
pub(super) struct Head {
    pub(super) begin: Begin,
    pub(super) objects: u64,
    pub(super) bytes: u64,
    pub(super) duration_ms: u64,
    pub(super) moment: Moment,
}

impl Head {
    pub(super) fn of(session: &Session, received: &Received) -> Self {
        let duration_ms = session.started.elapsed().as_millis();
        Self {
            begin: session.begin.clone(),
            objects: received.objects,
            bytes: received.bytes,
            duration_ms: u64::try_from(duration_ms).unwrap_or(u64::MAX),
            moment: session.moment,
        }
    }

    pub(super) fn repository(&self) -> String {
        escape::line(&self.begin.repository, NAME_COLUMNS_MAX)
    }

    pub(super) fn pusher(&self, redactor: &Redactor<'_>) -> PusherRecord {
        let Pusher { name, source, trust } = &self.begin.pusher;
        PusherRecord {
            name: name.as_ref().map(|name| redactor.line(name.as_bytes())),
            source: source.to_string(),
            trust: trust.to_string(),
        }
    }
}
