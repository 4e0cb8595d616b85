//! One push, told to a peer: its objects, the answers to its questions, and its verdict.
//!
//! Only a verdict that echoes the push's nonce and the number of objects counts. The end of the
//! stream, garbage and somebody else's verdict are no verdict at all.

use std::io;
use std::ops::Range;

use crate::push::{Answers, Push, Sink};
use crate::wire::{
    Begin, FromDaemon, Locate, LocateEnd, OFFERED_MAX, Object, Oid, Place, Reach, RefUpdate,
    ToDaemon, Unscanned, UnscannedReason, Verdict, write_ref_updates,
};

use super::connection::{Connection, ConnectionError};

/// The share of the time after which no more objects are read, in percent: the rest is for hits.
const STREAM_PERCENT: u32 = 75;

/// The share of the time after which no more places are sought, in percent.
const LOCATE_PERCENT: u32 = 90;

/// How often a peer may want objects whole: as often as it takes to want all.
const WANTS_MAX: usize = 80;

/// The most questions a peer may ask.
const QUESTIONS_MAX: usize = 64;

/// What is told of a push before its objects.
pub(super) struct Head<'h> {
    /// The push's head.
    pub(super) begin: &'h Begin,
    /// Its ref updates.
    pub(super) updates: &'h [RefUpdate],
    /// Its push options.
    pub(super) push_options: &'h [Vec<u8>],
    /// Whether more push options came than are told.
    pub(super) push_options_cut: bool,
}

/// Tells the push to a peer, and returns its verdict.
pub(super) fn run(
    head: &Head<'_>,
    push: &mut Push<'_>,
    connection: Connection<'_>,
) -> Result<Verdict, ConnectionError> {
    let mut client = Client { connection, objects: 0, time_percent: STREAM_PERCENT };
    client.send_head(head)?;
    push.stream(&mut client)?;
    let objects = client.objects;
    client.connection.send(&ToDaemon::End { objects })?;
    client.connection.flush()?;
    client.time_percent = LOCATE_PERCENT;
    let locate = match client.complete(push)? {
        FromDaemon::Locate(locate) => locate,
        answer => return check(verdict(answer)?, head.begin, objects),
    };
    let discussed = client.discuss(push, locate);
    let checked = discussed.and_then(|verdict| check(verdict, head.begin, objects));
    checked.map_err(|error| ConnectionError::AfterHits(Box::new(error)))
}

fn verdict(answer: FromDaemon) -> Result<Verdict, ConnectionError> {
    match answer {
        FromDaemon::Verdict(verdict) => Ok(verdict),
        FromDaemon::Failure(failure) => Err(ConnectionError::Failure(failure)),
        FromDaemon::Hello { .. } => Err(ConnectionError::Garbage("a second hello")),
        FromDaemon::Want(_) => Err(ConnectionError::Garbage("it wants objects out of turn")),
        FromDaemon::Locate(_) => Err(ConnectionError::Garbage("too many questions")),
        FromDaemon::Known(_) => Err(ConnectionError::Garbage("an answer to no offer")),
    }
}

fn check(verdict: Verdict, begin: &Begin, objects: u64) -> Result<Verdict, ConnectionError> {
    if verdict.nonce != begin.nonce {
        return Err(ConnectionError::Garbage("another push's verdict"));
    }
    if verdict.objects != objects {
        return Err(ConnectionError::Garbage("a verdict on other objects"));
    }
    Ok(verdict)
}

struct Client<'c> {
    connection: Connection<'c>,
    objects: u64,
    time_percent: u32,
}

impl Client<'_> {
    fn send_head(&mut self, head: &Head<'_>) -> io::Result<()> {
        self.connection.send(&ToDaemon::Begin(head.begin.clone()))?;
        self.connection.write(|out| write_ref_updates(head.updates, out))?;
        for option in head.push_options {
            self.connection.send(&ToDaemon::PushOption(option.clone()))?;
        }
        if head.push_options_cut {
            self.unscanned(Unscanned { object: None, reason: UnscannedReason::PushBytes })?;
        }
        Ok(())
    }

    /// Sends whole what the peer wants whole, and returns what it says then.
    fn complete(&mut self, push: &Push<'_>) -> Result<FromDaemon, ConnectionError> {
        for _ in 0..=WANTS_MAX {
            let want = match self.connection.receive()? {
                FromDaemon::Want(want) => want,
                answer => return Ok(answer),
            };
            let objects = self.objects;
            push.stream_wanted(&want.objects, self)?;
            // They were counted when their windows were sent.
            self.objects = objects;
            self.connection.send(&ToDaemon::End { objects })?;
            self.connection.flush()?;
        }
        Err(ConnectionError::Garbage("it wants too much"))
    }

    /// Answers the peer's questions about its hits, up to its verdict.
    fn discuss(
        &mut self,
        push: &mut Push<'_>,
        mut locate: Locate,
    ) -> Result<Verdict, ConnectionError> {
        for _ in 1..QUESTIONS_MAX {
            push.locate(&locate.objects, self)?;
            self.connection.flush()?;
            match self.connection.receive()? {
                FromDaemon::Locate(next) => locate = next,
                answer => return verdict(answer),
            }
        }
        Err(ConnectionError::Garbage("too many questions"))
    }

    /// Offers some objects, and waits for the answer: a peer that answered while we still write
    /// could fill the socket on both sides.
    fn offer(&mut self, objects: &[Oid]) -> Result<Vec<bool>, ConnectionError> {
        self.connection.send(&ToDaemon::Offer(objects.to_vec()))?;
        self.connection.flush()?;
        match self.connection.receive()? {
            FromDaemon::Known(known) if known.len() == objects.len() => Ok(known),
            FromDaemon::Failure(failure) => Err(ConnectionError::Failure(failure)),
            _ => Err(ConnectionError::Garbage("no answer to an offer")),
        }
    }

    fn count(&mut self) {
        self.objects += 1;
        self.connection.objects = self.objects;
    }
}

impl Sink for Client<'_> {
    fn object(&mut self, object: &Object, bytes: &[u8]) -> io::Result<()> {
        self.count();
        self.connection.write(|out| ToDaemon::write_object(out, object, bytes))
    }

    fn start(&mut self, object: &Object) -> io::Result<()> {
        self.count();
        self.connection.send(&ToDaemon::ObjectStart(object.clone()))
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.connection.write(|out| ToDaemon::write_piece(out, bytes))
    }

    fn broken(&mut self, reason: UnscannedReason) -> io::Result<()> {
        self.connection.send(&ToDaemon::ObjectBroken(reason))
    }

    fn windows(
        &mut self,
        object: &Object,
        base: u32,
        text: &[u8],
        windows: &[Range<usize>],
    ) -> io::Result<()> {
        self.count();
        let write = |out: &mut Vec<u8>| ToDaemon::write_windows(out, object, base, text, windows);
        self.connection.write(write)
    }

    fn reach(&self) -> Option<Reach> {
        self.connection.reach()
    }

    fn unscanned(&mut self, unscanned: Unscanned) -> io::Result<()> {
        self.connection.send(&ToDaemon::Unscanned(unscanned))
    }

    fn known(&mut self, objects: &[Oid]) -> io::Result<Vec<bool>> {
        let mut known = Vec::with_capacity(objects.len());
        for offered in objects.chunks(OFFERED_MAX) {
            known.extend(self.offer(offered)?);
        }
        Ok(known)
    }

    fn is_late(&self) -> bool {
        self.connection.is_past(self.time_percent)
    }
}

impl Answers for Client<'_> {
    fn place(&mut self, place: Place) -> io::Result<()> {
        self.connection.send(&ToDaemon::Place(place))
    }

    fn end(&mut self, end: LocateEnd) -> io::Result<()> {
        self.connection.send(&ToDaemon::LocateEnd(end))
    }
}
