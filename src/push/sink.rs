//! Where a push's objects go, and the meter on the way there.
//!
//! A reader of objects opens one with [`Emitter::begin`], pushes its bytes as they come, and closes
//! it. The emitter checks the promised size, cuts long objects into pieces, keeps the limits, and
//! turns whatever goes wrong into an `Unscanned`.

use std::io;
use std::ops::Range;

use crate::wire::{
    LocateEnd, Object, ObjectKind, Oid, PIECE_BYTES_MAX, Place, Reach, Unscanned, UnscannedReason,
};

use super::limits::Limits;
use super::store::Captured;

/// Takes the objects of a push. An error ends the push's stream.
pub trait Sink {
    /// Takes a whole object of at most [`PIECE_BYTES_MAX`] bytes.
    fn object(&mut self, object: &Object, bytes: &[u8]) -> io::Result<()>;
    /// Takes the head of a longer object; pieces follow.
    fn start(&mut self, object: &Object) -> io::Result<()>;
    /// Takes the next piece, of at most [`PIECE_BYTES_MAX`] bytes.
    fn piece(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Hears that the object that was started cannot be read on.
    fn broken(&mut self, reason: UnscannedReason) -> io::Result<()>;
    /// Takes the parts of a blob, whole in `text`, that differ from the object that was taken as
    /// number `base`. It counts as an object that was taken.
    fn windows(
        &mut self,
        object: &Object,
        base: u32,
        text: &[u8],
        windows: &[Range<usize>],
    ) -> io::Result<()>;
    /// Says how far windows have to go; none where it takes none.
    fn reach(&self) -> Option<Reach>;
    /// Hears that something is not sent.
    fn unscanned(&mut self, unscanned: Unscanned) -> io::Result<()>;
    /// Asks which of some objects were scanned before and found clean: these need not be sent. For
    /// each, in order, the answer; who knows nothing knows none.
    fn known(&mut self, objects: &[Oid]) -> io::Result<Vec<bool>>;
    /// Tells whether the time for reading the push is up.
    fn is_late(&self) -> bool;
}

/// Takes the answers to a `Locate` as well.
pub trait Answers: Sink {
    /// Takes one place.
    fn place(&mut self, place: Place) -> io::Result<()>;
    /// Takes the last answer.
    fn end(&mut self, end: LocateEnd) -> io::Result<()>;
}

/// Why reading an object stops.
#[derive(Debug)]
pub(super) enum ReadError {
    /// This object is not readable; others are.
    Object(UnscannedReason),
    /// A limit of the whole push is reached.
    Push(UnscannedReason),
    /// The sink failed.
    Sink(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Sink(error)
    }
}

/// Shorthand for "this object is damaged".
pub(super) fn unreadable() -> ReadError {
    ReadError::Object(UnscannedReason::Unreadable)
}

/// Feeds a sink, object by object.
pub(super) struct Emitter<'a> {
    sink: &'a mut dyn Sink,
    current: Option<Open>,
    buffer: Vec<u8>,
    objects_left: u64,
    bytes_left: u64,
    captured: Option<Captured>,
    /// How many objects the sink took, each whole, started, or in windows.
    taken: u64,
}

/// An object that was begun.
struct Open {
    object: Object,
    received: u64,
    is_started: bool,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(sink: &'a mut dyn Sink, limits: &Limits) -> Self {
        Self {
            sink,
            current: None,
            buffer: Vec::new(),
            objects_left: limits.objects_max,
            bytes_left: limits.inflated_bytes_max,
            captured: None,
            taken: 0,
        }
    }

    /// Says how far windows have to go; none where the sink takes none.
    pub(super) fn reach(&self) -> Option<Reach> {
        self.sink.reach()
    }

    /// Returns the number of the object that the sink took last.
    pub(super) fn last_taken(&self) -> Option<u32> {
        u32::try_from(self.taken.checked_sub(1)?).ok()
    }

    /// Sends the windows of a blob whose bytes are `text`.
    pub(super) fn windows(
        &mut self,
        id: Oid,
        base: u32,
        text: &[u8],
        windows: &[Range<usize>],
    ) -> Result<(), ReadError> {
        let size = text.len() as u64;
        self.objects_left = take(self.objects_left, 1, UnscannedReason::ObjectCount)?;
        self.bytes_left = take(self.bytes_left, size, UnscannedReason::InflatedBytes)?;
        self.check_time()?;
        self.taken += 1;
        let object = Object { id, kind: ObjectKind::Blob, size };
        Ok(self.sink.windows(&object, base, text, windows)?)
    }

    /// From here on, keeps the commits, trees and tags that pass.
    pub(super) fn capture(&mut self) {
        self.captured = Some(Captured::default());
    }

    /// Returns what was kept, and keeps no more.
    pub(super) fn captured(&mut self) -> Captured {
        self.captured.take().unwrap_or_default()
    }

    pub(super) fn is_late(&self) -> bool {
        self.sink.is_late()
    }

    /// Asks which of some objects need not be sent: as many answers as objects.
    pub(super) fn known(&mut self, objects: &[Oid]) -> io::Result<Vec<bool>> {
        let mut known = self.sink.known(objects)?;
        known.resize(objects.len(), false);
        Ok(known)
    }

    /// Opens an object of `size` bytes.
    pub(super) fn begin(&mut self, id: Oid, kind: ObjectKind, size: u64) -> Result<(), ReadError> {
        let object = Object { id, kind, size };
        self.buffer.clear();
        // Once, and not byte by doubled byte.
        self.buffer.reserve(
            usize::try_from(size).map_or(PIECE_BYTES_MAX, |size| size.min(PIECE_BYTES_MAX)),
        );
        self.current = Some(Open { object, received: 0, is_started: false });
        self.objects_left = take(self.objects_left, 1, UnscannedReason::ObjectCount)?;
        self.check_time()
    }

    /// Passes on the object's next bytes; a short run is gathered first.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), ReadError> {
        let count = bytes.len() as u64;
        self.bytes_left = take(self.bytes_left, count, UnscannedReason::InflatedBytes)?;
        let open = self.current.as_mut().ok_or_else(unreadable)?;
        open.received += count;
        if open.received > open.object.size {
            return Err(unreadable());
        }
        while !bytes.is_empty() {
            let room = PIECE_BYTES_MAX - self.buffer.len();
            let (taken, rest) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(taken);
            bytes = rest;
            if self.buffer.len() == PIECE_BYTES_MAX && !self.is_whole() {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Closes the object. Fails if it is shorter than was promised.
    pub(super) fn finish(&mut self) -> Result<(), ReadError> {
        let open = self.current.as_ref().ok_or_else(unreadable)?;
        if open.received != open.object.size {
            return Err(unreadable());
        }
        if let Some(captured) = &mut self.captured {
            let is_whole = open.object.size <= PIECE_BYTES_MAX as u64;
            captured.offer(&open.object, is_whole.then_some(self.buffer.as_slice()));
        }
        if self.is_whole() {
            self.taken += 1;
            self.sink.object(&open.object, &self.buffer)?;
        } else {
            self.flush()?;
        }
        self.current = None;
        Ok(())
    }

    /// Sends a whole object that is in memory already.
    pub(super) fn object(
        &mut self,
        id: Oid,
        kind: ObjectKind,
        bytes: &[u8],
    ) -> Result<(), ReadError> {
        self.begin(id, kind, bytes.len() as u64)?;
        self.push(bytes)?;
        self.finish()
    }

    /// Reports that something is not sent.
    pub(super) fn unscanned(
        &mut self,
        object: Option<Oid>,
        reason: UnscannedReason,
    ) -> io::Result<()> {
        self.sink.unscanned(Unscanned { object, reason })
    }

    /// Turns the end of reading object `id` into what the sink shall hear of it.
    ///
    /// Returns the reason if the object could not be read, and an error if nothing more can be.
    pub(super) fn settle(
        &mut self,
        id: Oid,
        outcome: Result<(), ReadError>,
    ) -> Result<Option<UnscannedReason>, ReadError> {
        let reason = match &outcome {
            Ok(()) => return Ok(None),
            Err(ReadError::Sink(_)) => return outcome.map(|()| None),
            Err(ReadError::Object(reason) | ReadError::Push(reason)) => *reason,
        };
        match self.current.take() {
            Some(open) if open.is_started => self.sink.broken(reason)?,
            _ => self.unscanned(Some(id), reason)?,
        }
        match outcome {
            Err(ReadError::Push(reason)) => Err(ReadError::Push(reason)),
            _ => Ok(Some(reason)),
        }
    }

    fn check_time(&self) -> Result<(), ReadError> {
        if self.sink.is_late() {
            return Err(ReadError::Push(UnscannedReason::Deadline));
        }
        Ok(())
    }

    /// Tells whether the open object travels in one frame.
    fn is_whole(&self) -> bool {
        let size = self.current.as_ref().map_or(0, |open| open.object.size);
        size <= PIECE_BYTES_MAX as u64
    }

    fn flush(&mut self) -> Result<(), ReadError> {
        self.check_time()?;
        let open = self.current.as_mut().ok_or_else(unreadable)?;
        if !open.is_started {
            open.is_started = true;
            self.taken += 1;
            self.sink.start(&open.object)?;
        }
        if !self.buffer.is_empty() {
            self.sink.piece(&self.buffer)?;
        }
        self.buffer.clear();
        Ok(())
    }
}

fn take(left: u64, count: u64, reason: UnscannedReason) -> Result<u64, ReadError> {
    left.checked_sub(count).ok_or(ReadError::Push(reason))
}

/// Ends a stream: a limit of the push becomes its last word, a failure of the sink stays one.
///
/// Returns whether the stream went to its end.
pub(super) fn close(outcome: Result<(), ReadError>, emitter: &mut Emitter<'_>) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(ReadError::Sink(error)) => Err(error),
        Err(ReadError::Object(reason) | ReadError::Push(reason)) => {
            emitter.unscanned(None, reason)?;
            Ok(false)
        }
    }
}
