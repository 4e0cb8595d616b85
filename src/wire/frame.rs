//! How each message becomes a frame and back.

use std::io::{self, Write};

use super::VERSION;
use super::codec::{DecodeError, Decoder, Encoder, write_frame};
use super::message::{
    Begin, CommitPlace, Entry, Failure, FailureCode, FromDaemon, HashKind, Locate, LocateEnd,
    Nonce, OFFERED_MAX, Object, ObjectKind, Oid, OwnersFile, Place, Pusher, PusherSource, Reach,
    RefUpdate, Route, Server, ToDaemon, Topology, Trust, Unscanned, UnscannedReason, Verdict,
    VerdictKind, Want, Windows,
};

impl ToDaemon {
    /// Writes it as a frame.
    pub fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut out = Encoder::default();
        let kind = match self {
            Self::Begin(begin) => {
                begin.encode(&mut out);
                1
            }
            Self::RefUpdates(updates) => {
                out.list(updates, |out, update| update.encode(out));
                10
            }
            Self::PushOption(option) => return write_frame(stream, 11, option),
            Self::Object(object, bytes) => return Self::write_object(stream, object, bytes),
            Self::ObjectStart(object) => {
                object.encode(&mut out);
                3
            }
            Self::Piece(bytes) => return Self::write_piece(stream, bytes),
            Self::ObjectBroken(reason) => {
                out.u8(reason.byte());
                5
            }
            Self::Unscanned(unscanned) => {
                out.optional(unscanned.object, encode_oid);
                out.u8(unscanned.reason.byte());
                6
            }
            Self::Windows(windows) => {
                windows.encode(&mut out);
                13
            }
            Self::End { objects } => {
                out.u64(*objects);
                7
            }
            Self::Offer(objects) => {
                out.list(objects, |out, id| encode_oid(out, *id));
                12
            }
            Self::Place(place) => {
                place.encode(&mut out);
                8
            }
            Self::LocateEnd(end) => {
                end.encode(&mut out);
                9
            }
        };
        write_frame(stream, kind, &out.finish())
    }

    /// Writes an object's frame without a copy of its bytes.
    ///
    /// # Panics
    /// If `bytes` is longer than [`super::PIECE_BYTES_MAX`] by far: callers cut objects to it.
    pub fn write_object(stream: &mut impl Write, object: &Object, bytes: &[u8]) -> io::Result<()> {
        let mut head = Encoder::default();
        object.encode(&mut head);
        let head = head.finish();
        let length = u32::try_from(head.len() + bytes.len()).expect("pieces are short");
        let [a, b, c, d] = length.to_le_bytes();
        stream.write_all(&[2, a, b, c, d])?;
        stream.write_all(&head)?;
        stream.write_all(bytes)
    }

    /// Writes the frame of [`Windows`]: the parts of `text` that `windows` names.
    ///
    /// # Panics
    /// If they are longer than [`super::FRAME_BYTES_MAX`] together: callers keep far below it.
    pub fn write_windows(
        stream: &mut impl Write,
        object: &Object,
        base: u32,
        text: &[u8],
        windows: &[std::ops::Range<usize>],
    ) -> io::Result<()> {
        let mut out = Encoder::default();
        object.encode(&mut out);
        out.u32(base);
        out.list(windows, |out, window| {
            out.u64(window.start as u64);
            out.bytes(text.get(window.clone()).unwrap_or_default());
        });
        write_frame(stream, 13, &out.finish())
    }

    /// Writes a piece's frame without a copy of its bytes.
    pub fn write_piece(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        write_frame(stream, 4, bytes)
    }

    /// Reads the payload of a frame of type `kind`.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(payload);
        let message = match kind {
            1 => Self::Begin(Begin::decode(&mut from)?),
            2 => {
                let object = Object::decode(&mut from)?;
                let bytes = from.rest().to_vec();
                if u64::try_from(bytes.len()).ok() != Some(object.size) {
                    return Err(DecodeError::Range("object size"));
                }
                Self::Object(object, bytes)
            }
            3 => Self::ObjectStart(Object::decode(&mut from)?),
            4 => Self::Piece(from.rest().to_vec()),
            5 => Self::ObjectBroken(UnscannedReason::decode(&mut from)?),
            6 => Self::Unscanned(Unscanned {
                object: from.optional("object", decode_oid)?,
                reason: UnscannedReason::decode(&mut from)?,
            }),
            7 => Self::End { objects: from.u64("objects")? },
            8 => Self::Place(Place::decode(&mut from)?),
            9 => Self::LocateEnd(LocateEnd::decode(&mut from)?),
            10 => Self::RefUpdates(from.list("updates", RefUpdate::decode)?),
            11 => Self::PushOption(from.rest().to_vec()),
            12 => Self::Offer(bounded(from.list("offer", decode_oid)?, OFFERED_MAX, "offer")?),
            13 => Self::Windows(Windows::decode(&mut from)?),
            _ => return Err(DecodeError::UnknownType(kind)),
        };
        from.end()?;
        Ok(message)
    }
}

impl FromDaemon {
    /// Writes it as a frame.
    pub fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut out = Encoder::default();
        let kind = match self {
            Self::Hello { version, reach } => {
                out.u16(*version);
                out.optional(reach.as_ref(), |out, reach| reach.encode(out));
                101
            }
            Self::Known(known) => {
                out.list(known, |out, known| out.bool(*known));
                105
            }
            Self::Want(want) => {
                out.list(&want.objects, |out, number| out.u32(*number));
                106
            }
            Self::Locate(locate) => {
                out.list(&locate.objects, |out, id| encode_oid(out, *id));
                102
            }
            Self::Verdict(verdict) => {
                verdict.encode(&mut out);
                103
            }
            Self::Failure(failure) => {
                out.u8(failure.code.byte());
                out.bytes(failure.message.as_bytes());
                104
            }
        };
        write_frame(stream, kind, &out.finish())
    }

    /// Reads the payload of a frame of type `kind`.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(payload);
        let message = match kind {
            101 => Self::hello(&mut from)?,
            102 => {
                let objects = from.list("objects", decode_oid)?;
                let objects = bounded(objects, Locate::OBJECTS_MAX, "objects")?;
                Self::Locate(Locate { objects })
            }
            103 => Self::Verdict(Verdict::decode(&mut from)?),
            104 => Self::Failure(Failure {
                code: FailureCode::decode(&mut from)?,
                message: from.text("message")?,
            }),
            105 => {
                let known = from.list("known", |from| from.bool("known"))?;
                Self::Known(bounded(known, OFFERED_MAX, "known")?)
            }
            106 => {
                let objects = from.list("objects", |from| from.u32("object"))?;
                if objects.len() > Want::OBJECTS_MAX || !objects.is_sorted_by(|a, b| a < b) {
                    return Err(DecodeError::Range("objects"));
                }
                Self::Want(Want { objects })
            }
            _ => return Err(DecodeError::UnknownType(kind)),
        };
        from.end()?;
        Ok(message)
    }

    /// Reads a hello. Of one in another version no more than that is understood.
    fn hello(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let version = from.u16("version")?;
        if version != VERSION {
            from.rest();
            return Ok(Self::Hello { version, reach: None });
        }
        Ok(Self::Hello { version, reach: from.optional("reach", Reach::decode)? })
    }
}

impl Reach {
    fn encode(&self, out: &mut Encoder) {
        out.u32(self.bytes);
        out.u32(self.line_bytes);
        out.u32(self.head_bytes);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            bytes: from.u32("reach")?,
            line_bytes: from.u32("reach")?,
            head_bytes: from.u32("reach")?,
        })
    }
}

impl Windows {
    fn encode(&self, out: &mut Encoder) {
        self.object.encode(out);
        out.u32(self.base);
        out.list(&self.texts, |out, (offset, bytes)| {
            out.u64(*offset);
            out.bytes(bytes);
        });
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let windows = Self {
            object: Object::decode(from)?,
            base: from.u32("base")?,
            texts: from
                .list("windows", |from| Ok((from.u64("window")?, decode_vec(from, "window")?)))?,
        };
        if windows.object.kind == ObjectKind::Blob && windows.are_parts() {
            return Ok(windows);
        }
        Err(DecodeError::Range("windows"))
    }

    /// Whether they are in order, apart, and within the object.
    fn are_parts(&self) -> bool {
        let mut at = 0;
        self.texts.iter().all(|(offset, bytes)| {
            let end = offset.checked_add(bytes.len() as u64);
            let fits = *offset >= at && end.is_some_and(|end| end <= self.object.size);
            at = end.unwrap_or(u64::MAX);
            fits
        })
    }
}

/// Checks that a list is not longer than its limit.
fn bounded<T>(list: Vec<T>, max: usize, field: &'static str) -> Result<Vec<T>, DecodeError> {
    if list.len() <= max { Ok(list) } else { Err(DecodeError::Range(field)) }
}

fn encode_oid(out: &mut Encoder, id: Oid) {
    let bytes = id.as_bytes();
    // 20 or 32.
    out.u8(u8::try_from(bytes.len()).unwrap_or(0));
    out.raw(bytes);
}

fn decode_oid(from: &mut Decoder<'_>) -> Result<Oid, DecodeError> {
    let length = usize::from(from.u8("object id")?);
    let bytes = from.raw(length, "object id")?;
    Oid::from_bytes(bytes).ok_or(DecodeError::Range("object id"))
}

fn decode_vec(from: &mut Decoder<'_>, field: &'static str) -> Result<Vec<u8>, DecodeError> {
    from.bytes(field).map(<[u8]>::to_vec)
}

impl Object {
    fn encode(&self, out: &mut Encoder) {
        encode_oid(out, self.id);
        out.u8(self.kind.byte());
        out.u64(self.size);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: decode_oid(from)?,
            kind: ObjectKind::decode(from)?,
            size: from.u64("object size")?,
        })
    }
}

impl RefUpdate {
    /// Writes it as part of a payload; spool entries hold it as well.
    pub fn encode(&self, out: &mut Encoder) {
        encode_oid(out, self.old);
        encode_oid(out, self.new);
        out.bytes(&self.name);
    }

    /// Reads it from a payload.
    pub fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            old: decode_oid(from)?,
            new: decode_oid(from)?,
            name: decode_vec(from, "ref name")?,
        })
    }
}

impl Begin {
    /// Writes it as a payload; spool entries hold it as well.
    pub fn encode(&self, out: &mut Encoder) {
        out.raw(&self.nonce.0);
        out.bool(self.hash == HashKind::Sha256);
        out.bytes(&self.repository);
        out.optional(self.repository_name.as_ref(), |out, name| out.bytes(name.as_bytes()));
        out.u8(self.server.byte());
        out.optional(self.pusher.name.as_ref(), |out, name| out.bytes(name.as_bytes()));
        out.u8(self.pusher.source.byte());
        out.u8(self.pusher.trust.byte());
        out.bool(self.push_options_advertised);
        out.bool(self.dry_run);
        out.list(&self.environment, |out, (name, value)| {
            out.bytes(name.as_bytes());
            out.bytes(value);
        });
    }

    /// Reads a payload.
    pub fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            nonce: Nonce(from.nonce()?),
            hash: if from.bool("hash")? { HashKind::Sha256 } else { HashKind::Sha1 },
            repository: decode_vec(from, "repository")?,
            repository_name: from.optional("repository name", |f| f.text("repository name"))?,
            server: Server::decode(from)?,
            pusher: Pusher {
                name: from.optional("pusher", |f| f.text("pusher"))?,
                source: PusherSource::decode(from)?,
                trust: Trust::decode(from)?,
            },
            push_options_advertised: from.bool("push options")?,
            dry_run: from.bool("dry run")?,
            environment: from.list("environment", |f| {
                Ok((f.text("environment name")?, decode_vec(f, "environment value")?))
            })?,
        })
    }
}

impl CommitPlace {
    fn encode(&self, out: &mut Encoder) {
        encode_oid(out, self.id);
        out.u32(self.order);
        out.bytes(&self.subject);
        out.bytes(&self.ref_name);
        let topology = self.topology;
        let flags = [
            topology.is_tip,
            topology.is_root,
            topology.is_merge,
            topology.below_merge,
            topology.at_tip,
            topology.is_forced,
        ];
        for flag in flags {
            out.bool(flag);
        }
        out.u32(topology.commits_above);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: decode_oid(from)?,
            order: from.u32("order")?,
            subject: decode_vec(from, "subject")?,
            ref_name: decode_vec(from, "ref name")?,
            topology: Topology {
                is_tip: from.bool("is tip")?,
                is_root: from.bool("is root")?,
                is_merge: from.bool("is merge")?,
                below_merge: from.bool("below merge")?,
                at_tip: from.bool("at tip")?,
                is_forced: from.bool("is forced")?,
                commits_above: from.u32("commits above")?,
            },
        })
    }
}

impl Place {
    fn encode(&self, out: &mut Encoder) {
        encode_oid(out, self.object);
        match &self.route {
            Route::ReachableBefore => out.u8(1),
            Route::Entry(entry) => {
                out.u8(2);
                entry.commit.encode(out);
                out.bytes(&entry.path);
                out.list(&entry.parents, |out, parent| out.optional(*parent, encode_oid));
            }
            Route::Commit(commit) => {
                out.u8(3);
                commit.encode(out);
            }
            Route::Tag { ref_name } => {
                out.u8(4);
                out.bytes(ref_name);
            }
            Route::Ref { ref_name } => {
                out.u8(5);
                out.bytes(ref_name);
            }
            Route::Unreached => out.u8(6),
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let object = decode_oid(from)?;
        let route = match from.u8("route")? {
            1 => Route::ReachableBefore,
            2 => Route::Entry(Entry {
                commit: CommitPlace::decode(from)?,
                path: decode_vec(from, "path")?,
                parents: from.list("parents", |f| f.optional("parent", decode_oid))?,
            }),
            3 => Route::Commit(CommitPlace::decode(from)?),
            4 => Route::Tag { ref_name: decode_vec(from, "ref name")? },
            5 => Route::Ref { ref_name: decode_vec(from, "ref name")? },
            6 => Route::Unreached,
            _ => return Err(DecodeError::Range("route")),
        };
        Ok(Self { object, route })
    }
}

impl LocateEnd {
    fn encode(&self, out: &mut Encoder) {
        out.optional(self.owners.as_ref(), |out, owners| {
            out.bytes(owners.path.as_bytes());
            out.bytes(&owners.bytes);
        });
        out.bool(self.complete);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            owners: from.optional("owners", |f| {
                Ok(OwnersFile { path: f.text("owners path")?, bytes: decode_vec(f, "owners")? })
            })?,
            complete: from.bool("complete")?,
        })
    }
}

impl Verdict {
    fn encode(&self, out: &mut Encoder) {
        out.raw(&self.nonce.0);
        out.u64(self.objects);
        out.bool(self.kind == VerdictKind::Accept);
        out.bytes(self.text.as_bytes());
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            nonce: Nonce(from.nonce()?),
            objects: from.u64("objects")?,
            kind: if from.bool("verdict")? { VerdictKind::Accept } else { VerdictKind::Refuse },
            text: from.text("text")?,
        })
    }
}
