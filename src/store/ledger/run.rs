//! A run: a file of rows in order.
//!
//! ```text
//! file:   row row row … row │ row row … │ …        16 bytes each, big-endian, BLOCK_ROWS a block
//! memory: first of each block                      a look-up is one read of one block
//! ```

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::LedgerRow;

/// The bytes of a row.
const ROW_BYTES: usize = 16;

/// The rows of a block: one page of the file.
const BLOCK_ROWS: usize = 256;

/// How much is read or written at once where a whole run goes by, in bytes.
const STREAM_BYTES: usize = 64 << 10;

/// A file of rows in order, or of what a broken disk made of them.
pub(super) struct Run {
    pub(super) path: PathBuf,
    file: File,
    /// How many rows it has.
    pub(super) rows: u64,
    /// The first half of the first row of each block.
    heads: Vec<u64>,
}

impl Run {
    /// Opens a run. What follows its last whole row is passed over.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = File::open(&path)?;
        let rows = file.metadata()?.len() / ROW_BYTES as u64;
        let head = |block: u64| {
            let mut head = [0; ROW_BYTES / 2];
            file.read_exact_at(&mut head, block * (BLOCK_ROWS * ROW_BYTES) as u64)?;
            Ok(u64::from_be_bytes(head))
        };
        let heads = (0..rows.div_ceil(BLOCK_ROWS as u64)).map(head).collect::<io::Result<_>>()?;
        Ok(Self { path, file, rows, heads })
    }

    /// Writes a run of rows that come in order.
    pub(super) fn write(
        path: PathBuf,
        rows: &mut dyn Iterator<Item = io::Result<LedgerRow>>,
    ) -> io::Result<Self> {
        let unfinished = path.with_extension("unfinished");
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        let mut out = BufWriter::with_capacity(STREAM_BYTES, &file);
        let (mut count, mut heads) = (0, Vec::new());
        for row in rows {
            let row = row?;
            if count % BLOCK_ROWS as u64 == 0 {
                heads.push(row.first);
            }
            out.write_all(&row.first.to_be_bytes())?;
            out.write_all(&row.second.to_be_bytes())?;
            count += 1;
        }
        out.flush()?;
        drop(out);
        std::fs::rename(&unfinished, &path)?;
        Ok(Self { path, file, rows: count, heads })
    }

    /// Returns all rows, block by block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = io::Result<Vec<LedgerRow>>> + '_ {
        (0..self.rows.div_ceil(BLOCK_ROWS as u64)).map(|block| self.block(block))
    }

    /// Returns all rows.
    pub(super) fn all(&self) -> impl Iterator<Item = io::Result<LedgerRow>> + '_ {
        self.blocks().flat_map(|block| match block {
            Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    }

    /// Marks those of `rows` that the run holds, in `found`. Neighbours in order share a read.
    pub(super) fn find(&self, rows: &[LedgerRow], found: &mut [bool]) -> io::Result<()> {
        let mut last = None;
        for (row, found) in rows.iter().zip(found).filter(|(_, found)| !**found) {
            // Blocks that begin with the same half may hold it as well: a chance of none.
            let Some(block) = self.heads.partition_point(|&head| head <= row.first).checked_sub(1)
            else {
                continue;
            };
            if !matches!(&last, Some((at, _)) if *at == block) {
                last = Some((block, self.block(block as u64)?));
            }
            *found = last.as_ref().is_some_and(|(_, rows)| rows.binary_search(row).is_ok());
        }
        Ok(())
    }

    fn block(&self, block: u64) -> io::Result<Vec<LedgerRow>> {
        let start = block * BLOCK_ROWS as u64;
        let count = (self.rows - start).min(BLOCK_ROWS as u64);
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(0) * ROW_BYTES];
        self.file.read_exact_at(&mut bytes, start * ROW_BYTES as u64)?;
        let half = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_be_bytes);
        let row = |bytes: &[u8]| {
            let (first, second) = bytes.split_at(ROW_BYTES / 2);
            LedgerRow { first: half(first), second: half(second) }
        };
        Ok(bytes.chunks_exact(ROW_BYTES).map(row).collect())
    }
}

/// Merges two runs; what both hold stands once.
pub(super) fn merge(one: &Run, other: &Run, path: &Path) -> io::Result<Run> {
    let (mut left, mut right) = (one.all().peekable(), other.all().peekable());
    let mut merged = std::iter::from_fn(|| match (left.peek(), right.peek()) {
        (Some(Ok(a)), Some(Ok(b))) if a == b => {
            drop(left.next());
            right.next()
        }
        (Some(Ok(a)), Some(Ok(b))) if a > b => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    });
    Run::write(path.to_path_buf(), &mut merged)
}
