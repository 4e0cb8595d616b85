//! Deltas of blobs: what they add is sent, and not what they copy.

use std::ops::Range;

use gix::odb::pack::data;

use crate::wire::{Oid, PIECE_BYTES_MAX, Reach};

use super::super::content::Content;
use super::super::delta;
use super::super::inflate::Inflating;
use super::super::sink::{ReadError, unreadable};
use super::super::windows::{Seams, windows};
use super::walk::Walk;

/// The longest blob that is sent as windows, in bytes. Of a longer one the daemon does not hold the
/// whole either, and cannot tell that nothing lies inside.
const BLOB_BYTES_MAX: u64 = 16 << 20;

/// The share of a blob beyond which windows are not worth it, in percent.
const SHARE_MAX: usize = 50;

/// An entry that was sent as windows.
#[derive(Clone, Copy)]
pub(super) struct Windowed {
    /// Which object it was to the sink.
    pub(super) number: u32,
    /// Its rank in offset order.
    pub(super) rank: u32,
}

/// A blob that was read and sent.
pub(super) struct Sent {
    pub(super) content: Content,
    /// Whether not all of it was sent.
    pub(super) in_windows: bool,
}

impl Walk<'_, '_> {
    /// Applies the delta of a blob in memory and sends its windows, or all of it where they are too
    /// much. Returns none, and has sent nothing, if it is too long for that.
    pub(super) fn read_windows(
        &mut self,
        head: &data::Entry,
        id: Oid,
        base: &Content,
        number: u32,
        reach: &Reach,
    ) -> Result<Option<Sent>, ReadError> {
        let mut deflated = self.pack.deflated(head.data_offset)?;
        let mut bytes = self.zlib.open(&mut deflated);
        let (base_size, size) = delta::read_sizes(&mut bytes)?;
        if base_size != base.length() {
            return Err(unreadable());
        }
        if size > BLOB_BYTES_MAX {
            return Ok(None);
        }
        let Some(mut content) = self.scratch.reserve(size) else { return Ok(None) };
        if content.bytes().is_none() {
            self.scratch.release(content);
            return Ok(None);
        }
        let sent = apply(base, &mut bytes, &mut content)
            .and_then(|seams| self.send(id, &content, size, number, seams, reach));
        match sent {
            Ok(in_windows) => Ok(Some(Sent { content, in_windows })),
            Err(error) => {
                self.scratch.release(content);
                Err(error)
            }
        }
    }

    /// Sends a blob; returns whether in windows.
    fn send(
        &mut self,
        id: Oid,
        content: &Content,
        size: u64,
        base: u32,
        seams: Option<Vec<Range<usize>>>,
        reach: &Reach,
    ) -> Result<bool, ReadError> {
        let text = content.bytes().filter(|text| text.len() as u64 == size);
        let text = text.ok_or_else(unreadable)?;
        let bytes_max = PIECE_BYTES_MAX.min(text.len() / 100 * SHARE_MAX);
        let parts = seams.and_then(|seams| windows(text, &seams, reach, bytes_max));
        match &parts {
            Some(parts) => self.emitter.windows(id, base, text, parts)?,
            None => self.emitter.object(id, crate::wire::ObjectKind::Blob, text)?,
        }
        Ok(parts.is_some())
    }
}

/// Applies a delta; returns its seams.
fn apply(
    base: &Content,
    delta: &mut Inflating<'_>,
    content: &mut Content,
) -> Result<Option<Vec<Range<usize>>>, ReadError> {
    let mut seams = Seams::new(base.length());
    let push = |bytes: &[u8]| content.push(bytes).map_err(|_| unreadable());
    delta::apply(base, delta, |step| seams.note(step), push)?;
    Ok(seams.finish())
}
