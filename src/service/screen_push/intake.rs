//! Takes the push in: frames become units of work, units become hits.
//!
//! Small objects travel to the pool in batches; a long object is scanned piece by piece, one piece
//! at a time, in order. Room for its bytes goes with every batch and comes back when it is scanned,
//! so that memory is bounded by `in_flight_bytes_max` and a fast hook waits. A long object holds room
//! of its own for as long as it arrives (`gathered_bytes_max`): whoever is slow, or brings gigabytes,
//! keeps others of its kind waiting and nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::hit::{Hit, Source};
use super::link::Link;
use super::long::{self, LongObject};
use super::received::Received;
use super::report::Report;
use super::room::{Held, Lane};
use super::signs::{self, Signs};
use super::{Deadline, Gate, SessionError, unit, within};
use crate::service::ledger::Sheet;
use crate::wire::{
    FromDaemon, Object, Oid, RefUpdate, ToDaemon, Unscanned, UnscannedReason, Want, Windows,
};

/// Objects are handed to the pool when this many bytes of them are there: enough to be worth a
/// thread's wake-up, little enough to keep two workers busy on a small push.
const BATCH_BYTES: usize = 256 << 10;

/// Objects are handed to the pool when this many are there, however short they are.
const BATCH_OBJECTS_MAX: usize = 512;

/// An object of at most this many bytes goes with a batch, although it comes in pieces. Until it is
/// whole its push keeps it without asking for room, so that a push with a file of usual size waits
/// for no other: times `pushes_max`, that is all the memory it may come to.
const BATCHED_BYTES_MAX: u64 = 1 << 20;

/// How much of all bytes in flight one push may hold: a large push leaves room for small ones.
const SHARE_OF_ONE_PUSH: usize = 4;

/// The most ref updates of one push. git's own servers see a few thousand in mirrors.
const REF_UPDATES_MAX: usize = 100_000;

/// The most push options of one push.
const PUSH_OPTIONS_MAX: usize = 1_000;

/// How long a push that failed waits for what is being scanned of it: a batch takes milliseconds,
/// also on a busy machine.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool job's promise to report: a job that dies reports that it is lost.
pub(super) struct Promise(Option<mpsc::UnboundedSender<Option<Report>>>);

impl Promise {
    fn keep(mut self, report: Report) {
        if let Some(sender) = self.0.take() {
            // Nobody listens any more when the session has ended: then nobody needs it.
            drop(sender.send(Some(report)));
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            drop(sender.send(None));
        }
    }
}

/// What the pool looks at.
enum Unit {
    /// An object, whole, and its number among the push's.
    Whole(u32, Object, Vec<u8>),
    /// The windows of one, and its number.
    Windows(u32, Windows),
}

impl Unit {
    fn scan(&self, gate: &Gate, sheet: Option<&Sheet>, report: &mut Report) {
        let (number, has_sign) = match self {
            Self::Whole(number, object, bytes) => {
                let remarks = report.remarks;
                let has_sign = unit::scan_object(gate, object, bytes, report);
                let is_whole = bytes.len() as u64 == object.size;
                if let Some(sheet) = sheet.filter(|_| is_whole && report.remarks == remarks) {
                    report.clean.push(sheet.row(object.id));
                }
                (number, has_sign || !is_whole)
            }
            Self::Windows(number, windows) => (number, signs::show_in(gate, windows)),
        };
        if has_sign {
            report.signs.push(*number);
        }
    }
}

/// Objects that the hook was asked for.
struct Wanted {
    /// How many are to come.
    left: usize,
    /// Whether the hook said of anything that it does not send it.
    is_cut: bool,
}

impl Wanted {
    /// Counts one that came.
    fn count(&mut self) -> Result<(), SessionError> {
        let left = self.left.checked_sub(1);
        self.left = left.ok_or(SessionError::OutOfTurn("an object that was not wanted"))?;
        Ok(())
    }
}

/// Turns a push's frames into units for the pool.
pub(super) struct Intake<'a> {
    gate: &'a Arc<Gate>,
    received: &'a mut Received,
    hits_max: usize,
    batch: Vec<Unit>,
    batch_bytes: usize,
    own_share: Lane,
    reports: mpsc::UnboundedReceiver<Option<Report>>,
    reporter: mpsc::UnboundedSender<Option<Report>>,
    outstanding: usize,
    signs: Signs,
    /// What was wanted whole and is to come.
    wanted: Option<Wanted>,
    /// Tells queued jobs that nobody waits for them any more.
    is_abandoned: Arc<AtomicBool>,
    /// Where clean objects are noted.
    sheet: Option<Sheet>,
}

impl Drop for Intake<'_> {
    fn drop(&mut self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }
}

impl<'a> Intake<'a> {
    /// Takes a push in, and keeps at most `hits_max` hits of it at a time.
    pub(super) fn new(gate: &'a Arc<Gate>, received: &'a mut Received, hits_max: usize) -> Self {
        let (reporter, reports) = mpsc::unbounded_channel();
        Self {
            gate,
            received,
            hits_max,
            batch: Vec::new(),
            batch_bytes: 0,
            own_share: Lane::new(gate.limits.in_flight_bytes_max / SHARE_OF_ONE_PUSH),
            reports,
            reporter,
            outstanding: 0,
            signs: Signs::default(),
            wanted: None,
            is_abandoned: Arc::default(),
            sheet: None,
        }
    }

    /// From here on, notes which objects are clean.
    pub(super) fn noting(mut self, sheet: Option<Sheet>) -> Self {
        self.sheet = sheet;
        self
    }

    /// Takes everything in up to the hook's End, and waits until it is scanned. Where that fails,
    /// what came until then is scanned as far as it can be.
    pub(super) async fn take_in<S>(
        mut self,
        link: &mut Link<S>,
        deadline: Deadline,
    ) -> Result<(), SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let outcome = self.receive(link, deadline).await;
        if outcome.is_err() {
            self.abandon().await;
        }
        outcome
    }

    async fn receive<S>(
        &mut self,
        link: &mut Link<S>,
        deadline: Deadline,
    ) -> Result<(), SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            match within(deadline.at(self.received.bytes), link.hear()).await? {
                ToDaemon::RefUpdates(updates) => self.ref_updates(updates)?,
                ToDaemon::PushOption(option) => self.push_option(option)?,
                ToDaemon::Offer(objects) => self.offer(objects, link).await?,
                ToDaemon::Windows(windows) => self.windows(windows, deadline).await?,
                ToDaemon::End { objects } => break self.check_count(objects)?,
                message => self.object_message(message, link, deadline).await?,
            }
        }
        self.complete(link, deadline).await?;
        self.settle(deadline).await
    }

    fn check_count(&self, objects: u64) -> Result<(), SessionError> {
        let is_right = objects == self.received.objects;
        is_right.then_some(()).ok_or(SessionError::OutOfTurn("the object count is wrong"))
    }

    /// Asks for the objects whose windows do not tell that nothing is in them, and takes them in.
    async fn complete<S>(
        &mut self,
        link: &mut Link<S>,
        deadline: Deadline,
    ) -> Result<(), SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.drain(deadline).await?;
        let mut wanted = 0;
        loop {
            let objects = self.signs.decide(Want::OBJECTS_MAX, &mut |row| self.received.know(row));
            if objects.is_empty() {
                if self.signs.windowed() > 0 {
                    let windowed = self.signs.windowed();
                    tracing::debug!(windowed, wanted, "objects came as windows");
                }
                return Ok(());
            }
            wanted += objects.len();
            self.wanted = Some(Wanted { left: objects.len(), is_cut: false });
            link.say(&FromDaemon::Want(Want { objects })).await?;
            loop {
                match within(deadline.at(self.received.bytes), link.hear()).await? {
                    ToDaemon::End { objects } => break self.check_count(objects)?,
                    message => self.object_message(message, link, deadline).await?,
                }
            }
            if self.wanted.take().is_some_and(|wanted| wanted.left > 0 && !wanted.is_cut) {
                return Err(SessionError::OutOfTurn("an object that was wanted did not come"));
            }
        }
    }

    /// Takes the windows of an object in.
    async fn windows(&mut self, windows: Windows, deadline: Deadline) -> Result<(), SessionError> {
        let number = self.number()?;
        if !self.admit(windows.object.size)? {
            return Ok(());
        }
        let row = self.sheet.as_ref().map(|sheet| sheet.row(windows.object.id));
        if !self.signs.link(number, windows.base, row) {
            return Err(SessionError::OutOfTurn("a base comes after what is made of it"));
        }
        let bytes = windows.texts.iter().map(|(_, text)| text.len()).sum();
        self.add_to_batch(Unit::Windows(number, windows), bytes, deadline).await
    }

    /// Returns the number of the object that comes next.
    fn number(&self) -> Result<u32, SessionError> {
        let number = u32::try_from(self.received.objects);
        number.map_err(|_| SessionError::OutOfTurn("too many objects"))
    }

    /// Takes in a frame that brings an object, or the word that there is none.
    pub(super) async fn object_message<S>(
        &mut self,
        message: ToDaemon,
        link: &mut Link<S>,
        deadline: Deadline,
    ) -> Result<(), SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match message {
            ToDaemon::Object(object, bytes) => {
                let number = self.number()?;
                if self.admit(object.size)? {
                    let length = bytes.len();
                    let unit = Unit::Whole(number, object, bytes);
                    self.add_to_batch(unit, length, deadline).await?;
                }
                Ok(())
            }
            ToDaemon::ObjectStart(object) => self.long_object(object, link, deadline).await,
            ToDaemon::Unscanned(unscanned) => {
                if let Some(wanted) = &mut self.wanted {
                    wanted.is_cut = true;
                }
                self.received.leave_out(unscanned);
                Ok(())
            }
            _ => Err(SessionError::OutOfTurn("a frame that has no place here")),
        }
    }

    fn ref_updates(&mut self, updates: Vec<RefUpdate>) -> Result<(), SessionError> {
        if self.received.updates.len() + updates.len() > REF_UPDATES_MAX {
            return Err(SessionError::OutOfTurn("too many ref updates"));
        }
        for (at, update) in updates.iter().enumerate() {
            // A deletion takes the name away: refusing it would keep the secret in place.
            if !update.new.is_null() {
                let source = Source::Ref { update: self.received.updates.len() + at };
                self.scan_name(source, &update.name);
            }
        }
        self.received.updates.extend(updates);
        Ok(())
    }

    /// Says which of some objects the hook need not send. Only the hook's own objects are asked about
    /// so: whether parents' versions hold a secret is a matter of their bytes.
    async fn offer<S>(&mut self, objects: Vec<Oid>, link: &mut Link<S>) -> Result<(), SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let known = match self.sheet.clone() {
            None => vec![false; objects.len()],
            Some(sheet) => {
                let known = tokio::task::spawn_blocking(move || sheet.are_clean(&objects)).await;
                known.map_err(|_| SessionError::WorkerLost)?
            }
        };
        let count = known.iter().filter(|known| **known).count();
        self.received.known += count as u64;
        link.say(&FromDaemon::Known(known)).await?;
        Ok(())
    }

    fn push_option(&mut self, option: Vec<u8>) -> Result<(), SessionError> {
        if self.received.push_options.len() >= PUSH_OPTIONS_MAX {
            return Err(SessionError::OutOfTurn("too many push options"));
        }
        let source = Source::PushOption { option: self.received.push_options.len() };
        self.scan_name(source, &option);
        self.received.push_options.push(option);
        Ok(())
    }

    /// Names are short and few: they are scanned where they are read.
    fn scan_name(&mut self, source: Source, name: &[u8]) {
        let mut report = Report::default();
        unit::scan_text(self.gate, source, name, &mut report);
        self.received.add(report, self.hits_max);
    }

    async fn add_to_batch(
        &mut self,
        unit: Unit,
        bytes: usize,
        deadline: Deadline,
    ) -> Result<(), SessionError> {
        if let Unit::Whole(_, object, bytes) = &unit {
            self.received.tags.learn(object, bytes);
        }
        self.batch_bytes += bytes;
        self.batch.push(unit);
        if self.batch_bytes >= BATCH_BYTES || self.batch.len() >= BATCH_OBJECTS_MAX {
            self.flush(deadline).await?;
        }
        Ok(())
    }

    /// Counts an object of `size` bytes in, unless its windows were. Returns whether it is still to
    /// be scanned.
    fn admit(&mut self, size: u64) -> Result<bool, SessionError> {
        self.collect_ready()?;
        if let Some(wanted) = &mut self.wanted {
            wanted.count()?;
            return Ok(true);
        }
        self.received.objects += 1;
        self.received.bytes = self.received.bytes.saturating_add(size);
        let over_size = self.received.bytes > self.gate.limits.push_bytes_max;
        if over_size && !self.received.over_size {
            self.received.over_size = true;
            let reason = UnscannedReason::PushBytes;
            self.received.leave_out(Unscanned { object: None, reason });
        }
        Ok(!over_size)
    }

    /// Hands the batch to the pool.
    async fn flush(&mut self, deadline: Deadline) -> Result<(), SessionError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let held = self.hold(self.batch_bytes, deadline).await?;
        let is_abandoned = Arc::clone(&self.is_abandoned);
        self.submit_batch(held, move || is_abandoned.load(Ordering::Relaxed));
        Ok(())
    }

    /// Queues the batch with the permits it holds. Its turn come, it is not scanned if `is_off`.
    fn submit_batch(
        &mut self,
        held: impl Send + 'static,
        is_off: impl Fn() -> bool + Send + 'static,
    ) {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let (gate, promise, sheet) = (Arc::clone(self.gate), self.promise(), self.sheet.clone());
        self.gate.pool.submit(self.received.bytes, move || {
            let mut report = Report::default();
            if !is_off() {
                for unit in &batch {
                    unit.scan(&gate, sheet.as_ref(), &mut report);
                }
            }
            drop((batch, held));
            promise.keep(report);
        });
    }

    /// Ends early: jobs that run are waited for, queued ones are not begun, and what lies in the
    /// batch is scanned. A credential in what came counts, whatever ended the push.
    async fn abandon(&mut self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
        if !self.batch.is_empty() {
            self.submit_batch((), || false);
        }
        let until = Instant::now() + ABANDON_TIMEOUT;
        while self.outstanding > 0 {
            let Ok(Some(report)) = tokio::time::timeout_at(until, self.reports.recv()).await else {
                return;
            };
            // A worker that was lost is one more reason for a failure that has one already.
            drop(self.collect(report));
        }
    }

    /// Takes the pieces of an object that is too long for one frame.
    async fn long_object<S>(
        &mut self,
        object: Object,
        link: &mut Link<S>,
        deadline: Deadline,
    ) -> Result<(), SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let number = self.number()?;
        let is_scanned = self.admit(object.size)?;
        if is_scanned && object.size > BATCHED_BYTES_MAX {
            let has_sign = self.stream(object, link, deadline).await?;
            if has_sign {
                self.signs.add(number);
            }
            return Ok(());
        }
        let (mut left, mut bytes) = (object.size, Vec::new());
        while let Some(piece) = self.piece(&object, &mut left, link, deadline).await? {
            if is_scanned {
                bytes.extend_from_slice(&piece);
            }
        }
        if is_scanned {
            let length = bytes.len();
            self.add_to_batch(Unit::Whole(number, object, bytes), length, deadline).await?;
        }
        Ok(())
    }

    /// Scans a long object while it arrives, each part before the next is handed over. Returns whether
    /// it has any sign.
    async fn stream<S>(
        &mut self,
        object: Object,
        link: &mut Link<S>,
        deadline: Deadline,
    ) -> Result<bool, SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // All at once: somebody who held a part and waited for more could wait for another who does.
        let held = self.gate.gathered.hold(self.received.bytes, long::held_bytes(&object));
        let held = self.in_time(deadline, held).await?;
        let mut long = LongObject::new(self.gate, &object);
        let (mut left, mut chunk) = (object.size, Vec::new());
        while let Some(piece) = self.piece(&object, &mut left, link, deadline).await? {
            chunk.extend_from_slice(&piece);
            if chunk.len() >= BATCH_BYTES {
                let piece = std::mem::take(&mut chunk);
                long = self.scan_part(move |gate, report| long.fed(gate, &piece, report)).await?;
            }
        }
        let is_cut = left > 0;
        let row = self.sheet.as_ref().filter(|_| !is_cut);
        let row = row.map(|sheet| sheet.row(object.id));
        let last = move |gate: &Gate, report: &mut Report| {
            let seen = long.fed(gate, &chunk, report).finish(gate, report);
            report.clean.extend(row.filter(|_| seen.is_clean));
            drop(held);
            seen.has_sign || is_cut
        };
        self.scan_part(last).await
    }

    /// Waits for the next piece of an object of which `left` bytes are to come. None at its end,
    /// which comes early where the hook cannot read it on.
    async fn piece<S>(
        &mut self,
        object: &Object,
        left: &mut u64,
        link: &mut Link<S>,
        deadline: Deadline,
    ) -> Result<Option<Vec<u8>>, SessionError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if *left == 0 {
            return Ok(None);
        }
        match within(deadline.at(self.received.bytes), link.hear()).await? {
            ToDaemon::Piece(piece) if !piece.is_empty() => {
                let rest = left.checked_sub(piece.len() as u64);
                *left =
                    rest.ok_or(SessionError::OutOfTurn("an object is longer than announced"))?;
                Ok(Some(piece))
            }
            ToDaemon::ObjectBroken(reason) => {
                self.received.leave_out(Unscanned { object: Some(object.id), reason });
                Ok(None)
            }
            _ => Err(SessionError::OutOfTurn("an object ends too early")),
        }
    }

    /// Does a part of a long object's scan on the pool, and takes in what it finds.
    async fn scan_part<T: Send + 'static>(
        &mut self,
        part: impl FnOnce(&Gate, &mut Report) -> T + Send + 'static,
    ) -> Result<T, SessionError> {
        let gate = Arc::clone(self.gate);
        let (done, outcome) = tokio::sync::oneshot::channel();
        self.gate.pool.submit(self.received.bytes, move || {
            let mut report = Report::default();
            let state = part(&gate, &mut report);
            // The session that asked may have ended: then nobody needs the state.
            drop(done.send((state, report)));
        });
        let (state, report) = outcome.await.map_err(|_| SessionError::WorkerLost)?;
        self.received.add(report, self.hits_max);
        Ok(state)
    }

    /// Waits for room for `bytes`, of this push's share and of everybody's.
    async fn hold(&self, bytes: usize, deadline: Deadline) -> Result<[Held; 2], SessionError> {
        let own = self.in_time(deadline, self.own_share.hold(bytes)).await?;
        let shared = self.gate.in_flight.hold(self.received.bytes, bytes);
        Ok([own, self.in_time(deadline, shared).await?])
    }

    /// Waits for room until the deadline.
    async fn in_time(
        &self,
        deadline: Deadline,
        held: impl Future<Output = Option<Held>>,
    ) -> Result<Held, SessionError> {
        let until = deadline.at(self.received.bytes);
        let held = tokio::time::timeout_at(until, held).await;
        held.map_err(|_| SessionError::Deadline)?.ok_or(SessionError::WorkerLost)
    }

    /// Takes the hits out that are there so far.
    pub(super) fn take_hits(&mut self) -> Vec<Hit> {
        self.received.take_hits()
    }

    fn promise(&mut self) -> Promise {
        self.outstanding += 1;
        Promise(Some(self.reporter.clone()))
    }

    /// Takes the reports that are there, so that they do not pile up.
    fn collect_ready(&mut self) -> Result<(), SessionError> {
        while let Ok(report) = self.reports.try_recv() {
            self.collect(report)?;
        }
        Ok(())
    }

    fn collect(&mut self, report: Option<Report>) -> Result<(), SessionError> {
        self.outstanding -= 1;
        let mut report = report.ok_or(SessionError::WorkerLost)?;
        report.signs.drain(..).for_each(|number| self.signs.add(number));
        self.received.add(report, self.hits_max);
        Ok(())
    }

    /// Waits until everything that was taken in is scanned.
    async fn drain(&mut self, deadline: Deadline) -> Result<(), SessionError> {
        self.flush(deadline).await?;
        while self.outstanding > 0 {
            let until = deadline.at(self.received.bytes);
            let report = tokio::time::timeout_at(until, self.reports.recv()).await;
            self.collect(report.map_err(|_| SessionError::Deadline)?.flatten())?;
        }
        Ok(())
    }

    /// Waits until everything that was taken in is scanned, and makes the hits of it ready.
    pub(super) async fn settle(&mut self, deadline: Deadline) -> Result<(), SessionError> {
        self.drain(deadline).await?;
        self.received.merge_resent();
        self.received.drop_unread(&self.gate.ruleset);
        if self.received.hits_dropped > 0 {
            let reason = UnscannedReason::FindingCount;
            self.received.leave_out(Unscanned { object: None, reason });
        }
        Ok(())
    }
}
