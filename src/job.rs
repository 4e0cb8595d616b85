//! The outbox at work: what must happen outside the push path happens here.
//!
//! ```text
//! wake (a commit, a timer) ──► lease rows ──► perform ──► done
//!                                                 ├─────► retry, later each time
//!                                                 └─────► dead, seen in triage
//! ```
//!
//! The same loop takes in the spool. Nothing here is in anybody's way: pushes are answered before.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Timestamp};
use crate::incident::TicketEvent;
use crate::service::ingest::{Intake, ingest};
use crate::service::rescan::{Rescanner, Tip};
use crate::store::{LeasedRow, OutboxPayload, PRUNE_ROWS_MAX, Settlement, Store, StoreError};
use crate::ticket::{TicketSink, mirror};

/// Rows taken at once.
const ROWS: u32 = 20;

/// How long a row may be held; longer than any attempt takes.
const LEASE: Duration = Duration::from_mins(10);

/// The most attempts before a row is given up, visibly: with the back-off below about two days.
const ATTEMPTS_MAX: u32 = 20;

/// The longest pause between two attempts.
const BACK_OFF_MAX: Duration = Duration::from_hours(4);

/// How long a row that is done is kept: long enough to be found by whoever asks what a tracker was
/// told about a credential that lived for a quarter.
const DONE_KEPT: Duration = Duration::from_hours(90 * 24);

/// How often rows that are done are looked through.
const PRUNE_EVERY: Duration = Duration::from_hours(24);

/// What the jobs work with.
pub struct Jobs {
    /// Where the outbox is.
    pub store: Arc<dyn Store>,
    /// Where tickets are mirrored.
    pub sinks: Vec<Box<dyn TicketSink>>,
    /// What takes in the spool.
    pub intake: Intake,
    /// What scans again what was not scanned.
    pub rescanner: Rescanner,
    /// How often the spool is looked at.
    pub poll: Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Works until `stop` is cancelled.
pub async fn run(jobs: Jobs, stop: CancellationToken) {
    let jobs = Arc::new(jobs);
    let mut prune_at = jobs.clock.now();
    loop {
        let (round, poll, now) = (Arc::clone(&jobs), jobs.poll, jobs.clock.now());
        let done = tokio::task::spawn_blocking(move || {
            round.round();
            if now >= prune_at {
                round.prune(now);
            }
        });
        if now >= prune_at {
            prune_at = now.after(PRUNE_EVERY);
        }
        let done = done.await;
        if done.is_err() {
            tracing::error!("a round of jobs died; the next one goes on");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(poll) => {}
        }
    }
}

/// Logs what did not happen: once for each attempt, and louder where it was the last.
fn log(row: &LeasedRow, settlement: &Settlement) {
    let (key, attempt) = (row.dedupe_key.as_str(), row.lease.attempt());
    match settlement {
        Settlement::Done => tracing::debug!(outbox.key = key, attempt, "an outbox row is done"),
        Settlement::Retry { error, .. } => {
            tracing::warn!(outbox.key = key, attempt, error, "an outbox row is tried again later");
        }
        Settlement::Dead { error } => {
            tracing::error!(outbox.key = key, attempt, error, "an outbox row is given up");
        }
    }
}

impl Jobs {
    /// Takes in the spool, then performs what is due.
    fn round(&self) {
        if let Err(error) = ingest(&self.intake) {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the spool waits for the store");
        }
        if let Err(error) = self.perform_due() {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the outbox waits for the store");
        }
    }

    /// Removes what was done long ago.
    fn prune(&self, now: Timestamp) {
        let removed = loop {
            match self.store.outbox_prune(now.before(DONE_KEPT)) {
                Ok(PRUNE_ROWS_MAX) => {}
                ended => break ended,
            }
        };
        if let Err(error) = removed {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "old rows of the outbox could not be removed");
        }
    }

    fn perform_due(&self) -> Result<(), StoreError> {
        loop {
            let rows = self.store.outbox_lease(self.clock.now(), ROWS, LEASE)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let settlement = self.perform(&row);
                log(&row, &settlement);
                self.store.outbox_settle(row.lease, &settlement)?;
            }
        }
    }

    fn perform(&self, row: &LeasedRow) -> Settlement {
        match &row.payload {
            OutboxPayload::Ticket { sink, event } => self.tell(row, sink, event),
            OutboxPayload::Rescan { unscanned, repository, object, old, .. } => {
                let tip = Tip { repository, new: object.as_deref(), old: old.as_deref() };
                match self.rescanner.rescan(*unscanned, &tip) {
                    Ok(()) => Settlement::Done,
                    Err(error) if error.is_final() => Settlement::Dead { error: error.to_string() },
                    Err(error) => self.later(row, error.to_string()),
                }
            }
        }
    }

    /// Tells a sink about a ticket's event.
    fn tell(&self, row: &LeasedRow, name: &str, event: &TicketEvent) -> Settlement {
        let Some(sink) = self.sinks.iter().find(|sink| sink.name() == name) else {
            let error = format!("no ticket sink is called {name}: it was configured once");
            return Settlement::Dead { error };
        };
        let known = match self.store.ticket_link(event.ticket, name) {
            Ok(known) => known,
            Err(error) => return self.later(row, error.to_string()),
        };
        match mirror(sink.as_ref(), event, known) {
            Ok(external) => match self.store.link_ticket(event.ticket, name, &external) {
                Ok(()) => Settlement::Done,
                Err(error) => self.later(row, error.to_string()),
            },
            Err(error) if error.is_final() => Settlement::Dead { error: error.to_string() },
            Err(error) => self.later(row, error.to_string()),
        }
    }

    /// Puts a row off: 10 seconds first, twice as long each time.
    fn later(&self, row: &LeasedRow, error: String) -> Settlement {
        let attempt = row.lease.attempt();
        if attempt >= ATTEMPTS_MAX {
            return Settlement::Dead { error };
        }
        let pause = Duration::from_secs(10).saturating_mul(1 << attempt.min(12));
        let not_before = self.clock.now().after(pause.min(BACK_OFF_MAX));
        Settlement::Retry { not_before, error }
    }
}
