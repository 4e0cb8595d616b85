//! A pack's index, asked for a few ids and never read whole.
//!
//! ```text
//! \377tOc, version 2 | fan-out: 256 × 4 | ids | CRCs: 4 | offsets: 4 | long offsets: 8 | checksums
//! ```
//!
//! The fan-out names the ids that share a first byte; that run is halved until it fits a page.
//!
//! Source: gitformat-pack(5), "Version 2 pack-*.idx files".

use std::cmp::Ordering;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::wire::{HashKind, Oid};

use super::super::id;

/// What a version 2 index begins with.
const HEADER: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];

/// The length of header and fan-out, in bytes.
const HEAD_BYTES: usize = 8 + 256 * 4;

/// Where the ids begin.
const IDS_START: u64 = HEAD_BYTES as u64;

/// How many bytes of ids are read at once, and searched there.
const RUN_BYTES: usize = 4 << 10;

/// The bit that says that an offset stands among the long ones.
const IS_LONG: u32 = 1 << 31;

/// An open index.
pub(super) struct Index {
    file: File,
    objects: u64,
    id_length: u64,
}

impl Index {
    /// Opens the index at `path`. An older version, or one cut short, is an error.
    pub(super) fn open(path: &Path, hash: HashKind) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut head = [0; HEAD_BYTES];
        file.read_exact_at(&mut head, 0)?;
        let objects = head.last_chunk().map_or(0, |last| u32::from_be_bytes(*last));
        let index = Self { file, objects: objects.into(), id_length: id::length(hash) as u64 };
        let is_whole = index.long_offsets_start() <= index.file.metadata()?.len();
        if head.starts_with(&HEADER) && is_whole { Ok(index) } else { Err(damaged()) }
    }

    /// Returns where in the pack object `id` begins, if the pack holds it.
    pub(super) fn offset_of(&self, id: Oid) -> io::Result<Option<u64>> {
        self.rank_of(id)?.map(|rank| self.offset_at(rank)).transpose()
    }

    fn rank_of(&self, id: Oid) -> io::Result<Option<u64>> {
        let first = id.as_bytes().first().copied().unwrap_or_default();
        let (mut low, mut high) = self.run_of(first)?;
        let mut buffer = [0; RUN_BYTES];
        let fit = RUN_BYTES as u64 / self.id_length;
        while high.saturating_sub(low) > fit {
            let middle = low.midpoint(high);
            let found = self.ids(middle, 1, &mut buffer)?;
            match found.cmp(id.as_bytes()) {
                Ordering::Equal => return Ok(Some(middle)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        let ids = self.ids(low, high.saturating_sub(low), &mut buffer)?;
        let mut ids = ids.chunks_exact(id.as_bytes().len());
        Ok(ids.position(|other| other == id.as_bytes()).map(|at| low + at as u64))
    }

    /// Returns the ranks of the ids that begin with `first`.
    fn run_of(&self, first: u8) -> io::Result<(u64, u64)> {
        let entry = |byte: u8| self.number(8 + 4 * u64::from(byte)).map(u64::from);
        let low = first.checked_sub(1).map_or(Ok(0), entry)?;
        let high = entry(first)?;
        if low <= high && high <= self.objects { Ok((low, high)) } else { Err(damaged()) }
    }

    /// Reads `count` ids from `rank` on; they fit into the buffer.
    fn ids<'b>(&self, rank: u64, count: u64, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
        let length = usize::try_from(count * self.id_length).map_err(|_| damaged())?;
        let ids = buffer.get_mut(..length).ok_or_else(damaged)?;
        self.file.read_exact_at(ids, IDS_START + rank * self.id_length)?;
        Ok(ids)
    }

    fn offset_at(&self, rank: u64) -> io::Result<u64> {
        let offsets = IDS_START + self.objects * (self.id_length + 4);
        let offset = self.number(offsets + 4 * rank)?;
        if offset & IS_LONG == 0 {
            return Ok(offset.into());
        }
        let mut long = [0; 8];
        let start = self.long_offsets_start() + 8 * u64::from(offset ^ IS_LONG);
        self.file.read_exact_at(&mut long, start)?;
        Ok(u64::from_be_bytes(long))
    }

    fn long_offsets_start(&self) -> u64 {
        IDS_START + self.objects * (self.id_length + 4 + 4)
    }

    fn number(&self, start: u64) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(u32::from_be_bytes(bytes))
    }
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
