//! Screens a push: from the hook's first frame to the verdict.
//!
//! ```text
//! Link ──► Intake ──► pool: unit::scan ──► hits?  none: accept, no disk, no network
//!                                            └──► Locate ──► places, parents' versions
//!                                                             └──► occurrences ──► decide
//!                                                   Recorder (durable) ◄── record ──┘
//!                                                       └──► refusal text ──► Verdict
//! ```
//!
//! It never opens the pushed-to repository: what it needs from there the hook sends. Whatever ends
//! a push without a verdict is an [`Outcome::Failed`] with a code, and stands on record.

mod age;
mod answer;
mod decide;
mod group;
mod head;
mod hit;
mod inside;
mod intake;
mod link;
mod long;
mod occurrences;
mod places;
mod received;
mod record;
mod redact;
mod report;
mod room;
mod seats;
mod signs;
mod tags;
mod unit;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::identity::Owners;
use crate::policy::Policy;
use crate::rule::Ruleset;
use crate::scan::{Engine, Pool};
use crate::secret::FingerprintKey;
use crate::service::inventory::Inventory;
use crate::service::ledger::{Ledger, Sheet};
use crate::service::recorder::Recorder;
use crate::store::LedgerRow;
use crate::wire::{Begin, Failure, FailureCode, FromDaemon, Reach, ToDaemon, VERSION, VerdictKind};

use intake::Intake;
use link::Link;
pub use link::LinkError;
use received::Received;
use room::Room;
use seats::{NoSeat, Seat, Seats};

/// How many bytes move the deadline on by a step: a large push may take its time as long as it
/// keeps coming. The hook's own rule is the same.
const BYTES_PER_STEP: u64 = 20 << 20;

/// The most ledger rows that are sorted where the runtime's other work waits: a fifth of a
/// millisecond.
const REMEMBERED_AT_ONCE: usize = 4_096;

/// What bounds the screening of pushes. Reaching any of them is an outcome that the pusher and
/// triage see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pushes screened at once.
    pub pushes_max: usize,
    /// Pushes that wait for a place.
    pub pushes_waiting_max: usize,
    /// How long a push waits for a place.
    pub waiting_timeout: Duration,
    /// Pushes to one repository that are screened at once.
    pub pushes_per_repository_max: usize,
    /// Pushes to one repository that wait for a place of its own.
    pub waiting_per_repository_max: usize,
    /// Pushes of one pusher, whose name the server vouches for, that are screened at once.
    pub pushes_per_pusher_max: usize,
    /// Pushes of one pusher that wait for a place of their own.
    pub waiting_per_pusher_max: usize,
    /// How long a push may take, plus one second for each 20 MiB.
    pub deadline: Duration,
    /// What each 20 MiB of a push adds to its deadline.
    pub deadline_per_20_mb: Duration,
    /// Bytes of objects that a push may bring.
    pub push_bytes_max: u64,
    /// Bytes of objects that were received and wait for their scan, over all pushes.
    pub in_flight_bytes_max: usize,
    /// Bytes that are kept of long objects while these arrive, over all pushes.
    pub gathered_bytes_max: usize,
    /// Distinct secrets of one push that are filed, each with its incident; the others are counted.
    pub findings_max: usize,
    /// Places of secrets that are looked at in one push, at most [`HITS_MAX`]; beyond them the push
    /// is unscanned.
    pub hits_max: usize,
    /// What may come out of one object: its encoded, packed and compressed content.
    pub layers: crate::scan::layer::Limits,
}

/// The most that [`Limits::hits_max`] may be: about half a kilobyte each.
pub const HITS_MAX: usize = crate::store::FINGERPRINTS_MAX;

/// What an administrator wants pushers to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// Where tickets can be read: a prefix that a ticket's id completes to a URL.
    pub ticket_url: Option<String>,
    /// Whom to ask.
    pub contact: Option<String>,
}

/// What a gate is made of.
pub struct GateParts {
    /// The rules.
    pub ruleset: Arc<Ruleset>,
    /// The engine that runs them.
    pub engine: Arc<Engine>,
    /// Known secrets; a local screening has none.
    pub inventory: Option<Arc<Inventory>>,
    /// What was found clean before; a local screening has none.
    pub ledger: Option<Arc<Ledger>>,
    /// The key of fingerprints.
    pub key: Arc<FingerprintKey>,
    /// What is done about findings.
    pub policy: Policy,
    /// Who owns what.
    pub owners: Owners,
    /// Where scanning happens.
    pub pool: Pool,
    /// What bounds it.
    pub limits: Limits,
    /// Where the outcome goes before git hears it.
    pub recorder: Arc<dyn Recorder>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What pushers read.
    pub wording: Wording,
}

/// Everything that screening a push needs, shared by all sessions.
pub struct Gate {
    parts: GateParts,
    seats: Seats,
    /// For what was received and waits for its scan: nobody holds any who waits for a hook.
    in_flight: Room,
    /// For long objects: held while they arrive.
    gathered: Room,
    /// How far windows have to go, as the rules have it.
    reach: Option<Reach>,
}

impl std::ops::Deref for Gate {
    type Target = GateParts;

    fn deref(&self) -> &GateParts {
        &self.parts
    }
}

impl Gate {
    /// Opens the gate.
    pub fn new(parts: GateParts) -> Self {
        let seats = Seats::new(&parts.limits);
        let in_flight = Room::new(parts.limits.in_flight_bytes_max);
        let gathered = Room::new(parts.limits.gathered_bytes_max);
        let reach = signs::reach(&parts.engine);
        Self { parts, seats, in_flight, gathered, reach }
    }

    /// Returns `text`, which somebody else wrote, with every secret in it masked, on one printable
    /// line: what may be kept of it.
    pub fn masked_line(&self, text: &[u8]) -> String {
        redact::Redactor::new(self, &Received::default()).line(text)
    }

    /// The time in seconds since 1970, by which tokens count as expired.
    fn now_s(&self) -> u64 {
        u64::try_from(self.clock.now().as_micros() / 1_000_000).unwrap_or(0)
    }
}

/// How a push ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was found and nothing was left unscanned.
    Clean,
    /// A verdict on record.
    Judged(VerdictKind),
    /// A canary proved the hook.
    Canary,
    /// No verdict.
    Failed(FailureCode),
}

/// Why a session ends without a verdict.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the push took longer than its deadline")]
    Deadline,
    #[error(transparent)]
    Seat(#[from] NoSeat),
    #[error("the hook speaks out of turn: {0}")]
    OutOfTurn(&'static str),
    #[error("a worker was lost")]
    WorkerLost,
    #[error("not everything of the push that landed could be scanned")]
    Incomplete,
    #[error("the record could not be made durable")]
    Record(#[source] crate::service::recorder::RecordError),
}

impl SessionError {
    fn code(&self) -> FailureCode {
        match self {
            Self::Link(_) | Self::OutOfTurn(_) => FailureCode::Protocol,
            Self::Deadline => FailureCode::Deadline,
            Self::Seat(no_seat) => no_seat.code(),
            Self::WorkerLost | Self::Incomplete => FailureCode::Internal,
            Self::Record(_) => FailureCode::Store,
        }
    }

    /// Whether the hook is still there to hear of it.
    fn hook_is_gone(&self) -> bool {
        matches!(self, Self::Link(LinkError::Gone(_) | LinkError::NoUpgrade))
    }
}

/// When a push must be done, as its bytes come in.
#[derive(Clone, Copy)]
struct Deadline {
    started: Instant,
    base: Duration,
    per_20_mb: Duration,
}

impl Deadline {
    fn at(self, bytes: u64) -> Instant {
        let steps = u32::try_from(bytes / BYTES_PER_STEP).unwrap_or(u32::MAX);
        self.started + self.base + self.per_20_mb.saturating_mul(steps)
    }
}

/// Whether git waits for the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The push comes in and can be refused.
    Incoming,
    /// It was let in earlier: what is found is filed, and the push stays accepted.
    Landed,
}

/// What is known of the push that a session screens, for its record.
struct Session {
    begin: Begin,
    started: Instant,
    moment: Moment,
    /// What the ledger knows, and is told, of this push's objects.
    sheet: Option<Sheet>,
}

/// Screens the push that comes in on `stream` from a hook of the Unix account `account`, and answers
/// it.
pub async fn screen_push<S>(gate: &Arc<Gate>, stream: S, account: u32) -> Outcome
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sheet = gate.ledger.as_ref().and_then(|ledger| ledger.sheet(account));
    screen(gate, stream, Moment::Incoming, gate.limits.deadline, sheet).await
}

/// Screens a push that was let in earlier without a scan, or without a whole one. What is found is
/// filed; it fails where nothing is found and not everything could be scanned this time either.
pub async fn screen_landed<S>(gate: &Arc<Gate>, stream: S, deadline: Duration) -> Outcome
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Files of a repository that nobody received just now: their ids are nobody's word.
    screen(gate, stream, Moment::Landed, deadline, None).await
}

async fn screen<S>(
    gate: &Arc<Gate>,
    stream: S,
    moment: Moment,
    base: Duration,
    sheet: Option<Sheet>,
) -> Outcome
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut link = Link::new(stream);
    let deadline =
        Deadline { started: Instant::now(), base, per_20_mb: gate.limits.deadline_per_20_mb };
    let begin = match open(gate, &mut link, deadline).await {
        Ok(begin) => begin,
        Err(error) => return fail(&mut link, &error, error.code()).await,
    };
    let session = Session { begin, started: deadline.started, moment, sheet };
    let mut received = Received::default();
    let taken_in = take_in(gate, &mut link, &session, &mut received, deadline).await;
    if received.known > 0 {
        tracing::info!(
            push.id = %session.begin.nonce,
            objects.known = received.known,
            objects.scanned = received.objects,
            "objects of a push are known to be clean"
        );
    }
    let clean = session.sheet.as_ref().map(|sheet| received.take_clean(sheet));
    let outcome = match taken_in {
        Ok(_seat) => answer(gate, &mut link, &session, &mut received, deadline).await,
        Err(error) => Err(error),
    };
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => give_up(gate, &mut link, &session, received, &error).await,
    };
    // Only now: the ledger is in no push's way.
    if let (Some(sheet), Some(clean)) = (session.sheet, clean) {
        remember(sheet, clean).await;
    }
    outcome
}

/// Tells the ledger which objects are clean. Sorting a million of them is no work for the runtime.
async fn remember(sheet: Sheet, clean: Vec<LedgerRow>) {
    if clean.len() <= REMEMBERED_AT_ONCE {
        return sheet.remember(clean);
    }
    if tokio::task::spawn_blocking(move || sheet.remember(clean)).await.is_err() {
        tracing::error!("the ledger's rows of a push were lost");
    }
}

/// Puts a push on record that ends without a verdict, and tells the hook.
async fn give_up<S>(
    gate: &Arc<Gate>,
    link: &mut Link<S>,
    session: &Session,
    received: Received,
    error: &SessionError,
) -> Outcome
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    tracing::warn!(
        push.id = %session.begin.nonce,
        failure.code = %error.code(),
        error = error as &dyn std::error::Error,
        "a push ended without a verdict"
    );
    // What was found must not be let in by a policy for what could not be scanned.
    let found = !received.hits.is_empty() && !matches!(error, SessionError::Record(_));
    let code = if found { FailureCode::Found } else { error.code() };
    let recorded = async {
        if session.moment == Moment::Incoming {
            decide::record_failure(gate, session, received, error).await;
        }
    };
    if matches!(error, SessionError::Record(_)) {
        // The hook need not wait while a store that failed fails again.
        let outcome = fail(link, error, code).await;
        recorded.await;
        return outcome;
    }
    recorded.await;
    fail(link, error, code).await
}

/// Takes the stream over from HTTP, says hello and reads the push's head.
async fn open<S>(gate: &Gate, link: &mut Link<S>, deadline: Deadline) -> Result<Begin, SessionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    link.upgrade().await?;
    link.say(&FromDaemon::Hello { version: VERSION, reach: gate.reach }).await?;
    match within(deadline.at(0), link.hear()).await? {
        ToDaemon::Begin(begin) => Ok(begin),
        _ => Err(SessionError::OutOfTurn("it does not begin with Begin")),
    }
}

/// Takes the push in, once there is a place for it; it keeps the place until it is answered.
async fn take_in<S>(
    gate: &Arc<Gate>,
    link: &mut Link<S>,
    session: &Session,
    received: &mut Received,
    deadline: Deadline,
) -> Result<Seat, SessionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let seat = gate.seats.take(&session.begin).await?;
    let intake = Intake::new(gate, received, gate.limits.hits_max).noting(session.sheet.clone());
    intake.take_in(link, deadline).await?;
    Ok(seat)
}

/// Judges the push, records it and answers.
async fn answer<S>(
    gate: &Arc<Gate>,
    link: &mut Link<S>,
    session: &Session,
    received: &mut Received,
    deadline: Deadline,
) -> Result<Outcome, SessionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if received.is_clean() && !gate.recorder.records_clean() {
        let verdict = answer::clean(session, received.objects);
        link.say(&FromDaemon::Verdict(verdict)).await?;
        return Ok(Outcome::Clean);
    }
    let is_whole = received.unscanned.iter().all(|item| item.reason.is_unopened());
    // What was found is filed at once, with what was not scanned as items of its own.
    if session.moment == Moment::Landed && !is_whole && received.hits.is_empty() {
        return Err(SessionError::Incomplete);
    }
    if let Some(id) = received.lone_canary(gate) {
        let verdict = answer::canary(session, received.objects, &id);
        link.say(&FromDaemon::Verdict(verdict)).await?;
        return Ok(Outcome::Canary);
    }
    let located = places::locate(gate, link, received, deadline).await?;
    let announced = answer::Announced::of(gate, received);
    let judgement = decide::judge(gate, session, received, located).await?;
    let verdict = answer::judged(gate, session, &announced, &judgement);
    let kind = verdict.kind;
    link.say(&FromDaemon::Verdict(verdict)).await?;
    Ok(Outcome::Judged(kind))
}

/// Tells the hook that there will be no verdict.
async fn fail<S>(link: &mut Link<S>, error: &SessionError, code: FailureCode) -> Outcome
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if !error.hook_is_gone() {
        let message = error.to_string();
        let failure = FromDaemon::Failure(Failure { code, message });
        if link.say(&failure).await.is_ok() {
            // The hook may be in the middle of a large write; it reads when that is done.
            drop(tokio::time::timeout(Duration::from_secs(5), link.drain()).await);
        }
    }
    Outcome::Failed(code)
}

/// Waits for the hook's next message until `deadline`.
async fn within<T>(
    deadline: Instant,
    message: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, SessionError> {
    let heard = tokio::time::timeout_at(deadline, message).await;
    Ok(heard.map_err(|_| SessionError::Deadline)??)
}
