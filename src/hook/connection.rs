//! The stream to a daemon, or to a child that stands in for it, under one deadline.
//!
//! Messages gather in a buffer: a small push is one write, and one read of hello and verdict. What
//! is longer waits for the peer's hello before its second write, briefly, because a socket that
//! systemd holds accepts even when the daemon is dead. Connecting has the same limit: where the
//! backlog is full, connect(2) waits as long as the socket may wait to send, which the standard
//! library cannot set before it connects.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use crate::wire::{
    DecodeError, FRAME_BYTES_MAX, Failure, FailureCode, FromDaemon, PIECE_BYTES_MAX, Reach,
    ToDaemon, UPGRADE_REQUEST, VERSION, count, escape, read_frame,
};

/// How many bytes gather before they are written. With one more piece they stay below a socket's
/// default buffer, so that the first write never waits for a daemon that is not there.
const FLUSH_BYTES: usize = 64 << 10;

/// The room that the buffer is given at once: what gathers, one more piece, and its frame. Pages
/// that nothing is written to cost nothing; a buffer that grows is copied each time.
const BUFFER_BYTES: usize = FLUSH_BYTES + PIECE_BYTES_MAX + (1 << 10);

/// The longest answer to the upgrade request, in bytes.
const UPGRADE_BYTES_MAX: usize = 4 << 10;

/// How much is read at a time, in bytes: hello and a clean verdict fit.
const READ_BYTES: usize = 4 << 10;

/// The unit in which sent bytes extend the deadline.
const BYTES_PER_EXTENSION: u64 = 20_000_000;

/// How long a failure is waited for once the peer has stopped reading.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(100);

/// When a push that still runs says so.
const PROGRESS_AFTER: Duration = Duration::from_secs(3);

/// The shortest wait that a socket can be given.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// The longest account of what the scanner is busy with, in columns: two lines.
const BUSY_COLUMNS_MAX: usize = 140;

/// Why the peer gives no verdict.
#[derive(Debug)]
pub(super) enum ConnectionError {
    /// Nobody listens.
    Connect(io::Error),
    /// It did not say hello in time.
    NoHello,
    /// The deadline came first.
    Deadline,
    /// It went away.
    Closed(io::Error),
    /// It speaks another version.
    Version(u16),
    /// It says something that makes no sense here.
    Garbage(&'static str),
    /// It says that there will be no verdict.
    Failure(Failure),
    /// It asked where hits come from, and then gave no verdict.
    AfterHits(Box<ConnectionError>),
}

impl ConnectionError {
    /// Tells whether the peer found something before it failed: then the push is not unscanned, and
    /// a policy for unscanned pushes has no say. What a clean push costs is no record, so a record
    /// that could not be made means hits, too.
    pub(super) fn follows_hits(&self) -> bool {
        match self {
            Self::AfterHits(_) => true,
            Self::Failure(failure) => {
                matches!(failure.code, FailureCode::Store | FailureCode::Found)
            }
            _ => false,
        }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(_) => f.write_str("the scanner cannot be reached"),
            Self::NoHello => f.write_str("the scanner does not answer"),
            Self::Deadline => f.write_str("the scan took too long"),
            Self::Closed(_) => f.write_str("the scanner went away during the scan"),
            Self::Version(theirs) => {
                write!(f, "hook and scanner differ in version ({VERSION} and {theirs})")
            }
            Self::Garbage(what) => write!(f, "the scanner's answer makes no sense ({what})"),
            // Whoever pushes too much at once can do something about it.
            Self::Failure(Failure { code: code @ FailureCode::Busy, message }) => {
                let why = escape::line(message.as_bytes(), BUSY_COLUMNS_MAX);
                write!(f, "the scanner gave up ({code}): {why}")
            }
            Self::Failure(failure) => write!(f, "the scanner gave up ({})", failure.code),
            Self::AfterHits(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(error) | Self::Closed(error) => Some(error),
            Self::AfterHits(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for ConnectionError {
    fn from(_: DecodeError) -> Self {
        Self::Garbage("a frame that does not decode")
    }
}

impl From<ConnectionError> for io::Error {
    /// Lets it pass through a sink.
    fn from(error: ConnectionError) -> Self {
        Self::other(error)
    }
}

impl From<io::Error> for ConnectionError {
    /// Takes it out again.
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Closed)
    }
}

/// The time that a push may take with one peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// When the hook started.
    pub(super) started: Instant,
    /// How long after that the deadline is, before what is sent adds to it.
    pub(super) deadline: Duration,
    /// What every 20 MB add.
    pub(super) per_20_mb: Duration,
    /// How long the peer may take to say hello.
    pub(super) hello_timeout: Duration,
}

/// Connects to a socket, within `timeout`.
pub(super) fn connect(socket: &Path, timeout: Duration) -> Result<UnixStream, ConnectionError> {
    let failed = |error: rustix::io::Errno| match error {
        // What a full backlog comes to when the time is up.
        rustix::io::Errno::AGAIN => ConnectionError::NoHello,
        error => ConnectionError::Connect(error.into()),
    };
    let address = SocketAddrUnix::new(socket).map_err(failed)?;
    let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
    let stream = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None);
    let stream = stream.map_err(failed)?;
    sockopt::set_socket_timeout(&stream, sockopt::Timeout::Send, Some(timeout)).map_err(failed)?;
    rustix::net::connect(&stream, &address).map_err(failed)?;
    Ok(stream.into())
}

/// A conversation with a peer.
pub(super) struct Connection<'t> {
    stream: UnixStream,
    timing: Timing,
    talk: &'t mut dyn Write,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    sent: u64,
    is_greeted: bool,
    /// What windows the peer takes, as its hello says.
    reach: Option<Reach>,
    has_reported: bool,
    /// How many objects were sent, for the progress line.
    pub(super) objects: u64,
}

impl<'t> Connection<'t> {
    /// Begins with the upgrade request. Progress is reported to `talk`.
    pub(super) fn new(stream: UnixStream, timing: Timing, talk: &'t mut dyn Write) -> Self {
        let mut outgoing = Vec::with_capacity(BUFFER_BYTES);
        outgoing.extend_from_slice(UPGRADE_REQUEST.as_bytes());
        Self {
            stream,
            timing,
            talk,
            outgoing,
            incoming: Vec::new(),
            sent: 0,
            is_greeted: false,
            reach: None,
            has_reported: false,
            objects: 0,
        }
    }

    /// Tells whether more than `percent` of the time are over.
    pub(super) fn is_past(&self, percent: u32) -> bool {
        Instant::now() >= self.timing.started + self.allowed() * percent / 100
    }

    /// Says what windows the peer takes; none until its hello was read, which a small push is too
    /// short for.
    pub(super) fn reach(&self) -> Option<Reach> {
        self.reach
    }

    /// Gathers a message.
    pub(super) fn send(&mut self, message: &ToDaemon) -> io::Result<()> {
        self.write(|out| message.write(out))
    }

    /// Gathers what `write` writes, and sends the buffer when it is full.
    pub(super) fn write(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        write(&mut self.outgoing)?;
        if self.outgoing.len() >= FLUSH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes all that has gathered. The second time, and from then on, the peer has said hello.
    pub(super) fn flush(&mut self) -> Result<(), ConnectionError> {
        if self.sent > 0 {
            self.meet()?;
        }
        let outgoing = std::mem::take(&mut self.outgoing);
        let written = self.write_all(&outgoing);
        self.outgoing = outgoing;
        self.outgoing.clear();
        written.map_err(|error| self.last_words(error))
    }

    /// Reads the next message.
    pub(super) fn receive(&mut self) -> Result<FromDaemon, ConnectionError> {
        self.meet()?;
        self.receive_until(None)
    }

    /// Waits for the peer's hello, once.
    fn meet(&mut self) -> Result<(), ConnectionError> {
        if !self.is_greeted {
            self.await_hello()?;
            self.is_greeted = true;
        }
        Ok(())
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), ConnectionError> {
        let hello_by = Instant::now() + self.timing.hello_timeout;
        while !bytes.is_empty() {
            let wait = self.wait(if self.is_greeted { None } else { Some(hello_by) })?;
            self.stream.set_write_timeout(Some(wait)).map_err(ConnectionError::Closed)?;
            match self.stream.write(bytes) {
                Ok(count) => {
                    self.sent += count as u64;
                    bytes = bytes.get(count..).unwrap_or_default();
                }
                Err(error) if is_wait(&error) => self.report(),
                Err(error) => return Err(ConnectionError::Closed(error)),
            }
        }
        self.report();
        Ok(())
    }

    /// Reads `101 Switching Protocols` and the hello.
    fn await_hello(&mut self) -> Result<(), ConnectionError> {
        let until = Some(Instant::now() + self.timing.hello_timeout);
        let garbage = ConnectionError::Garbage("no upgrade");
        let end = loop {
            if let Some(end) = self.incoming.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if self.incoming.len() > UPGRADE_BYTES_MAX {
                return Err(garbage);
            }
            self.read_more(until)?;
        };
        if !self.incoming.starts_with(b"HTTP/1.1 101") {
            return Err(garbage);
        }
        self.incoming.drain(..end);
        match self.receive_until(until)? {
            FromDaemon::Hello { version: VERSION, reach } => {
                self.reach = reach;
                Ok(())
            }
            FromDaemon::Hello { version, .. } => Err(ConnectionError::Version(version)),
            FromDaemon::Failure(failure) => Err(ConnectionError::Failure(failure)),
            _ => Err(ConnectionError::Garbage("no hello")),
        }
    }

    fn receive_until(&mut self, until: Option<Instant>) -> Result<FromDaemon, ConnectionError> {
        loop {
            if let Some(length) = self.frame_length()? {
                let mut payload = Vec::new();
                let kind = read_frame(&mut self.incoming.as_slice(), &mut payload)
                    .map_err(|_| ConnectionError::Garbage("a frame that cannot be read"))?;
                self.incoming.drain(..length);
                return Ok(FromDaemon::decode(kind, &payload)?);
            }
            self.read_more(until)?;
        }
    }

    /// Returns the length of the next frame if it is there whole.
    fn frame_length(&self) -> Result<Option<usize>, ConnectionError> {
        let Some(&[_, a, b, c, d]) = self.incoming.first_chunk::<5>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(ConnectionError::Garbage("a frame over the limit"));
        }
        let length = length + 5;
        Ok((self.incoming.len() >= length).then_some(length))
    }

    /// Reads some bytes. A limit of `until` is the hello's, none the push's deadline.
    fn read_more(&mut self, until: Option<Instant>) -> Result<(), ConnectionError> {
        let mut buffer = [0; READ_BYTES];
        loop {
            let wait = self.wait(until)?;
            self.stream.set_read_timeout(Some(wait)).map_err(ConnectionError::Closed)?;
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    return Err(ConnectionError::Closed(io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(count) => {
                    self.incoming.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if is_wait(&error) => self.report(),
                Err(error) => return Err(ConnectionError::Closed(error)),
            }
        }
    }

    /// Returns how long to wait now: until the deadline, `until`, or the next report.
    fn wait(&self, until: Option<Instant>) -> Result<Duration, ConnectionError> {
        let now = Instant::now();
        let deadline = self.timing.started + self.allowed();
        if now >= deadline {
            return Err(ConnectionError::Deadline);
        }
        if until.is_some_and(|until| now >= until) {
            return Err(ConnectionError::NoHello);
        }
        let mut end = until.map_or(deadline, |until| until.min(deadline));
        let report_at = self.timing.started + PROGRESS_AFTER;
        if !self.has_reported && report_at > now {
            end = end.min(report_at);
        }
        Ok(end.saturating_duration_since(now).max(WAIT_MIN))
    }

    /// Returns the time allowed for what was sent so far.
    fn allowed(&self) -> Duration {
        let extensions = u32::try_from(self.sent / BYTES_PER_EXTENSION).unwrap_or(u32::MAX);
        let more = self.timing.per_20_mb.saturating_mul(extensions);
        // A day, so that no arithmetic on it can overflow.
        self.timing.deadline.saturating_add(more).min(Duration::from_hours(24))
    }

    /// Says once that the push still runs.
    fn report(&mut self) {
        if !self.has_reported && self.timing.started.elapsed() >= PROGRESS_AFTER {
            self.has_reported = true;
            let objects = count(self.objects, "object");
            // A client that is gone must not end the scan.
            drop(writeln!(self.talk, "pushwarden: scanning {objects}..."));
        }
    }

    /// Asks a peer that has stopped reading for its reason.
    fn last_words(&mut self, error: ConnectionError) -> ConnectionError {
        if !matches!(error, ConnectionError::Closed(_)) {
            return error;
        }
        let until = Some(Instant::now() + LAST_WORDS_TIMEOUT);
        if self.meet().is_err() {
            return error;
        }
        match self.receive_until(until) {
            Ok(FromDaemon::Failure(failure)) => ConnectionError::Failure(failure),
            _ => error,
        }
    }
}

/// Tells whether a read or write only ran out of its wait.
fn is_wait(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
