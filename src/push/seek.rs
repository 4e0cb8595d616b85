//! A few objects out of the packs that were there before, each read by itself.
//!
//! ```text
//! id ─► index (fan-out, ids, offset) ─► entry ─► its base ─► … ─► root
//!                                         └──── deltas applied ◄────┘
//! ```
//!
//! A small push needs its parent commit and the trees on the way to what it changed. gix checks
//! every offset of an index when it opens it, so its cost grows with the repository: 10 µs for each
//! thousand objects, before the first one is read. Here a look-up reads a few hundred bytes.
//!
//! Whatever is unusual is not found here, and gix looks again: an older index, a base in another
//! pack, damage, alternates that only a file names, more packs than are worth trying one by one.

mod index;

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use gix::odb::pack::data;
use gix::odb::pack::data::entry::Header;

use crate::wire::{HashKind, ObjectKind, Oid};

use super::content::{Content, Scratch};
use super::delta;
use super::id;
use super::inflate::Zlib;
use super::limits::Limits;
use super::sink::{ReadError, unreadable};

use index::Index;

/// The most packs that are tried one by one. A server that is kept in order has a few dozen.
const PACKS_MAX: usize = 64;

/// The most objects that are read this way. A walk that needs more is better off with gix, which
/// maps its packs: its start is a matter of a thousand reads.
const READS_MAX: usize = 1_000;

/// The longest delta chain that is followed here; git makes them of 50.
const CHAIN_MAX: usize = 256;

/// How much of a pack is read at a time, in bytes: most trees and commits fit.
const READ_BYTES: usize = 4 << 10;

/// The packs of one store.
pub(super) struct Packs {
    packs: Vec<Pack>,
    hash: HashKind,
    reads_left: usize,
    buffer: Box<[u8; READ_BYTES]>,
}

struct Pack {
    path: PathBuf,
    files: Files,
}

/// The files of a pack, opened when they are first asked.
enum Files {
    Closed,
    Open {
        index: Index,
        data: Option<File>,
    },
    /// They cannot be read here.
    Unfit,
}

impl Packs {
    /// Lists the packs below `objects`.
    pub(super) fn list(objects: &Path, hash: HashKind) -> Self {
        let entries = std::fs::read_dir(objects.join("pack")).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let indices = paths.filter(|path| path.extension().is_some_and(|end| end == "idx"));
        let pack = |path| Pack { path, files: Files::Closed };
        let packs: Vec<Pack> = indices.take(PACKS_MAX + 1).map(pack).collect();
        let reads_left = if packs.len() > PACKS_MAX { 0 } else { READS_MAX };
        Self { packs, hash, reads_left, buffer: Box::new([0; READ_BYTES]) }
    }

    /// Reads object `id` of at most `bytes_max` bytes into `content`. None says nothing: gix may
    /// find it.
    pub(super) fn read(
        &mut self,
        id: Oid,
        bytes_max: usize,
        zlib: &mut Zlib,
        content: &mut Vec<u8>,
    ) -> Option<ObjectKind> {
        self.reads_left = self.reads_left.checked_sub(1)?;
        let hash = self.hash;
        let packs = self.packs.iter_mut().enumerate();
        let found = { packs }.find_map(|(at, pack)| Some((at, pack.offset_of(id, hash)?)));
        let (at, offset) = found?;
        // A pack that holds some of what surrounds a push mostly holds all of it.
        self.packs.swap(0, at);
        let pack = self.packs.first_mut()?;
        let mut reader = Reader { hash: self.hash, bytes_max, buffer: &mut *self.buffer, zlib };
        let (kind, found) = reader.read(pack, offset).ok()?;
        content.clear();
        let take = |bytes: &[u8]| {
            content.extend_from_slice(bytes);
            Ok(())
        };
        found.copy(0, found.length(), unreadable, take).ok()?;
        Some(kind)
    }
}

impl Pack {
    fn offset_of(&mut self, id: Oid, hash: HashKind) -> Option<u64> {
        if let Files::Closed = self.files {
            let index = Index::open(&self.path, hash);
            self.files = index.map_or(Files::Unfit, |index| Files::Open { index, data: None });
        }
        match &self.files {
            Files::Open { index, .. } => index.offset_of(id).ok()?,
            Files::Closed | Files::Unfit => None,
        }
    }

    fn data(&mut self) -> io::Result<&File> {
        let Files::Open { data, .. } = &mut self.files else {
            return Err(io::ErrorKind::NotFound.into());
        };
        match data {
            Some(data) => Ok(data),
            None => Ok(data.insert(File::open(self.path.with_extension("pack"))?)),
        }
    }
}

/// Reads one object.
struct Reader<'r> {
    hash: HashKind,
    bytes_max: usize,
    buffer: &'r mut [u8; READ_BYTES],
    zlib: &'r mut Zlib,
}

impl Reader<'_> {
    fn read(&mut self, pack: &mut Pack, start: u64) -> Result<(ObjectKind, Content), ReadError> {
        let (kind, chain) = self.chain(pack, start)?;
        let file = pack.data().map_err(|_| unreadable())?;
        // A base and what is made of it are held at once.
        let limits = Limits {
            memory_bytes_max: 2 * self.bytes_max as u64,
            scratch_bytes_max: 0,
            ..Limits::default()
        };
        let mut scratch = Scratch::new(&limits);
        let mut content: Option<Content> = None;
        for entry in chain.iter().rev() {
            let next = self.resolve(file, entry, content.as_ref(), &mut scratch)?;
            if let Some(base) = content.replace(next) {
                scratch.release(base);
            }
        }
        content.map(|content| (kind, content)).ok_or_else(unreadable)
    }

    /// Returns the entries from the one at `start` to the root of its chain, and the root's kind.
    fn chain(
        &mut self,
        pack: &mut Pack,
        mut start: u64,
    ) -> Result<(ObjectKind, Vec<data::Entry>), ReadError> {
        let mut chain = Vec::new();
        while chain.len() < CHAIN_MAX {
            let entry = self.head(pack.data().map_err(|_| unreadable())?, start)?;
            let base = match entry.header {
                Header::OfsDelta { base_distance } => entry.checked_base_pack_offset(base_distance),
                Header::RefDelta { base_id } => pack.offset_of(id::from_gix(&base_id), self.hash),
                Header::Commit => return Ok((ObjectKind::Commit, with(chain, entry))),
                Header::Tree => return Ok((ObjectKind::Tree, with(chain, entry))),
                Header::Blob => return Ok((ObjectKind::Blob, with(chain, entry))),
                Header::Tag => return Ok((ObjectKind::Tag, with(chain, entry))),
            };
            chain.push(entry);
            start = base.ok_or_else(unreadable)?;
        }
        Err(unreadable())
    }

    fn head(&mut self, file: &File, start: u64) -> Result<data::Entry, ReadError> {
        let count = file.read_at(&mut *self.buffer, start).map_err(|_| unreadable())?;
        let bytes = self.buffer.get(..count).unwrap_or_default();
        data::Entry::from_bytes(bytes, start, id::hash_to_gix(self.hash)).map_err(|_| unreadable())
    }

    /// Inflates an entry and applies it to its base.
    fn resolve(
        &mut self,
        file: &File,
        entry: &data::Entry,
        base: Option<&Content>,
        scratch: &mut Scratch,
    ) -> Result<Content, ReadError> {
        let mut input = At { file, position: entry.data_offset, buffer: self.buffer, unread: 0..0 };
        let mut bytes = self.zlib.open(&mut input);
        let size = match base {
            None => entry.decompressed_size,
            Some(base) => {
                let (base_size, size) = delta::read_sizes(&mut bytes)?;
                if base_size != base.length() {
                    return Err(unreadable());
                }
                size
            }
        };
        if size > self.bytes_max as u64 {
            return Err(unreadable());
        }
        let mut content = scratch.reserve(size).ok_or_else(unreadable)?;
        let take = |more: &[u8]| content.push(more).map_err(|_| unreadable());
        match base {
            None => bytes.drain(take)?,
            Some(base) => delta::apply(base, &mut bytes, take)?,
        }
        if content.length() == size { Ok(content) } else { Err(unreadable()) }
    }
}

fn with(mut chain: Vec<data::Entry>, entry: data::Entry) -> Vec<data::Entry> {
    chain.push(entry);
    chain
}

/// A file from a position on, through a buffer that others use before and after.
struct At<'a> {
    file: &'a File,
    position: u64,
    buffer: &'a mut [u8; READ_BYTES],
    unread: std::ops::Range<usize>,
}

impl Read for At<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for At<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            let count = self.file.read_at(&mut *self.buffer, self.position)?;
            self.position += count as u64;
            self.unread = 0..count;
        }
        Ok(self.buffer.get(self.unread.clone()).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.unread.start = (self.unread.start + count).min(self.unread.end);
    }
}
