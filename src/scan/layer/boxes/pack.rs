//! Git packs met as a file, or inside a bundle: every object, deltas resolved.
//!
//! ```text
//! "PACK" version 4 │ count 4 │ { kind and size │ [base] │ zlib } … │ checksum
//!
//! entries ──inflate──► whole objects ──► Out::Part
//!                           │ deltas on them, and deltas on those, breadth first
//!                           └──► results ──► Out::Part
//! ```
//!
//! The pack of a push has its own reader, in a ring that this one must not reach, made for packs that
//! do not fit into memory; gix-pack wants files and an index. A pack inside a blob is bytes at hand,
//! and the budget bounds what its entries come to, so they are simply kept until they have been used.
//! The count in the header is not believed: entries are read as long as there are any.
//!
//! A delta whose base is not in the pack gives the text it inserts, and is told as damaged.
//!
//! Source: gitformat-pack(5).

mod delta;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use gix::ObjectId;
use gix::objs::Kind;
use sha2::{Digest, Sha256};

use super::Label;
use super::bytes::{from, slice, u32_be};
use super::packing::Packing;
use super::tray::Tray;
use crate::scan::layer::LeftOut;

const HEADER_BYTES: usize = 12;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PACK") && matches!(u32_be(bytes, 4), Some(2 | 3))
}

/// Passes on every object.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let hash = hash(bytes);
    let mut entries = Vec::new();
    let read = read(bytes, hash, &mut entries, tray);
    resolve(entries, hash, tray)?;
    read
}

/// What an entry's bytes are.
enum Content {
    Object(Kind),
    Delta(Base),
}

/// Where the base of a delta is.
enum Base {
    /// At this place in the pack.
    At(usize),
    Id(ObjectId),
}

struct Entry {
    at: usize,
    content: Content,
    bytes: Vec<u8>,
}

/// Inflates the entries one after the other; where the next begins only inflating tells.
fn read(
    bytes: &[u8],
    hash: gix::hash::Kind,
    entries: &mut Vec<Entry>,
    tray: &mut Tray<'_>,
) -> Result<(), LeftOut> {
    let mut at = HEADER_BYTES;
    while bytes.len() > at + hash.len_in_bytes() {
        let (content, head_bytes) = head(bytes, at, hash).ok_or(LeftOut::Damaged)?;
        let mut inflated = Vec::new();
        let zlib = from(bytes, at + head_bytes);
        let unpacked = tray.pour(Packing::Zlib, zlib, &mut inflated);
        entries.push(Entry { at, content, bytes: inflated });
        unpacked.fault.map_or(Ok(()), Err)?;
        at += head_bytes + unpacked.used;
    }
    Ok(())
}

/// Reads what stands before an entry's zlib stream. Returns its length as well.
fn head(bytes: &[u8], at: usize, hash: gix::hash::Kind) -> Option<(Content, usize)> {
    let first = *bytes.get(at)?;
    let more = from(bytes, at).iter().take_while(|&&byte| byte & 0x80 != 0).count();
    let len = more + 1;
    let base_at = at + len;
    Some(match first >> 4 & 7 {
        1 => (Content::Object(Kind::Commit), len),
        2 => (Content::Object(Kind::Tree), len),
        3 => (Content::Object(Kind::Blob), len),
        4 => (Content::Object(Kind::Tag), len),
        6 => {
            let (back, back_bytes) = offset(from(bytes, base_at))?;
            (Content::Delta(Base::At(at.checked_sub(back)?)), len + back_bytes)
        }
        7 => {
            let id = slice(bytes, base_at, hash.len_in_bytes())?;
            (Content::Delta(Base::Id(ObjectId::try_from(id).ok()?)), len + id.len())
        }
        _ => return None,
    })
}

/// Reads how far back a base is: seven bits a byte, highest first, each step one more than it says.
fn offset(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut back = 0_usize;
    for (index, byte) in bytes.iter().enumerate() {
        back = back.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some((back, index + 1));
        }
        back = back.checked_add(1)?;
    }
    None
}

/// Deltas that wait for their base.
#[derive(Default)]
struct Waiting {
    at: HashMap<usize, Vec<Entry>>,
    id: HashMap<ObjectId, Vec<Entry>>,
}

impl Waiting {
    fn add(&mut self, base: &Base, delta: Entry) {
        match base {
            Base::At(at) => self.at.entry(*at).or_default().push(delta),
            Base::Id(id) => self.id.entry(*id).or_default().push(delta),
        }
    }

    /// Returns the deltas on an object. Its id is reckoned only if any delta asks for ids.
    fn on(&mut self, object: &Object, hash: gix::hash::Kind) -> Vec<Entry> {
        let mut deltas = self.at.remove(&object.at).unwrap_or_default();
        if !self.id.is_empty() {
            let id = gix::objs::compute_hash(hash, object.kind, &object.bytes);
            deltas.extend(id.ok().and_then(|id| self.id.remove(&id)).unwrap_or_default());
        }
        deltas
    }

    fn into_all(self) -> impl Iterator<Item = Entry> {
        self.at.into_values().chain(self.id.into_values()).flatten()
    }
}

struct Object {
    at: usize,
    kind: Kind,
    bytes: Vec<u8>,
}

/// Passes on all objects, those that are deltas after their bases.
fn resolve(entries: Vec<Entry>, hash: gix::hash::Kind, tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let (mut objects, mut waiting) = (VecDeque::new(), Waiting::default());
    for Entry { at, content, bytes } in entries {
        match content {
            Content::Object(kind) => objects.push_back(Object { at, kind, bytes }),
            Content::Delta(ref base) => {
                let base = match base {
                    Base::At(at) => Base::At(*at),
                    Base::Id(id) => Base::Id(*id),
                };
                waiting.add(&base, Entry { at, content, bytes });
            }
        }
    }
    while let Some(object) = objects.pop_front() {
        tray.emit(label(object.kind, object.at), Cow::Borrowed(&object.bytes))?;
        for delta in waiting.on(&object, hash) {
            let mut bytes = Vec::new();
            let applied = delta::apply(&object.bytes, &delta.bytes, &mut bytes, tray);
            applied.or_else(|why| tray.tell(why, label(object.kind, delta.at)))?;
            objects.push_back(Object { at: delta.at, kind: object.kind, bytes });
        }
    }
    for delta in waiting.into_all() {
        let label = Label::new("delta", delta.at);
        tray.made(label, delta::inserted(&delta.bytes))?;
        tray.tell(LeftOut::Damaged, label)?;
    }
    Ok(())
}

fn label(kind: Kind, at: usize) -> Label<'static> {
    let what = match kind {
        Kind::Blob => "blob",
        Kind::Commit => "commit",
        Kind::Tag => "tag",
        Kind::Tree => "tree",
    };
    Label::new(what, at)
}

/// Tells by its last bytes what the pack is hashed with: nothing else says.
fn hash(bytes: &[u8]) -> gix::hash::Kind {
    let is_sha256 = bytes
        .split_last_chunk::<32>()
        .is_some_and(|(body, last)| Sha256::digest(body).as_slice() == last);
    if is_sha256 { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 }
}
