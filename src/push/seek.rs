//! A few objects out of the packs that were there before, each read by itself.
//!
//! ```text
//! id ─► index (fan-out, ids, offset) ─► entry ─► its base ─► … ─► root
//!                                         └──── deltas applied ◄────┘
//! ```
//!
//! A small push needs its parent commit and the trees on the way to what it changed. gix checks
//! every offset of an index when it opens it, so its cost grows with the repository: seven
//! instructions for each object, and a page for each thousand, before the first one is read. Here a
//! look-up reads some kilobytes, whatever the repository's size.
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

/// How much of a pack is read at a time, in bytes. git writes the deltas of a chain side by side, so
/// that one read mostly brings all of them.
const READ_BYTES: usize = 16 << 10;

/// What a read begins at a multiple of, in bytes: bases may lie before what is made of them.
const ALIGN_BYTES: u64 = 8 << 10;

/// The longest head of an entry: kind and size in 10 bytes, then an id or a distance.
const HEAD_BYTES_MAX: usize = 10 + 32;

/// The packs of one store.
pub(super) struct Packs {
    all: Vec<Pack>,
    hash: HashKind,
    reads_left: usize,
    buffer: Vec<u8>,
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
        let all: Vec<Pack> = indices.take(PACKS_MAX + 1).map(pack).collect();
        let reads_left = if all.len() > PACKS_MAX { 0 } else { READS_MAX };
        Self { all, hash, reads_left, buffer: Vec::new() }
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
        let mut packs = self.all.iter_mut().enumerate();
        let (at, offset) = packs.find_map(|(at, pack)| Some((at, pack.offset_of(id, hash)?)))?;
        // A pack that holds some of what surrounds a push mostly holds all of it.
        self.all.swap(0, at);
        let pack = self.all.first_mut()?;
        let window = Window { start: 0, length: 0, buffer: &mut self.buffer };
        let mut reader = Reader { hash, bytes_max, window, zlib };
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
    window: Window<'r>,
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
        let bytes = self.window.at(file, start, HEAD_BYTES_MAX).map_err(|_| unreadable())?;
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
        let window = &mut self.window;
        let mut input = At { file, window, position: entry.data_offset };
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
            Some(base) => delta::apply(base, &mut bytes, |_| {}, take)?,
        }
        if content.length() == size { Ok(content) } else { Err(unreadable()) }
    }
}

fn with(mut chain: Vec<data::Entry>, entry: data::Entry) -> Vec<data::Entry> {
    chain.push(entry);
    chain
}

/// The stretch of a pack that was read last.
struct Window<'b> {
    start: u64,
    length: usize,
    buffer: &'b mut Vec<u8>,
}

impl Window<'_> {
    /// Returns bytes from `position` on: at least `wanted`, unless the file ends before.
    fn at(&mut self, file: &File, position: u64, wanted: usize) -> io::Result<&[u8]> {
        if self.rest(position).is_none_or(|rest| rest.len() < wanted) {
            self.buffer.resize(READ_BYTES, 0);
            self.start = position - position % ALIGN_BYTES;
            self.length = file.read_at(self.buffer, self.start)?;
        }
        Ok(self.rest(position).unwrap_or_default())
    }

    fn rest(&self, position: u64) -> Option<&[u8]> {
        let skipped = usize::try_from(position.checked_sub(self.start)?).ok()?;
        self.buffer.get(skipped..self.length)
    }
}

/// A pack from a position on.
struct At<'a, 'b> {
    file: &'a File,
    window: &'a mut Window<'b>,
    position: u64,
}

impl Read for At<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for At<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.window.at(self.file, self.position, 1)
    }

    fn consume(&mut self, count: usize) {
        self.position += count as u64;
    }
}
