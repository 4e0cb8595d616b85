//! Where the bytes of one entry go while they inflate.

use gix::odb::pack::data;

use crate::wire::{ObjectKind, Oid};

use super::super::content::{Content, Scratch};
use super::super::delta;
use super::super::inflate::Zlib;
use super::super::sink::{Emitter, ReadError, unreadable};
use super::Pack;

/// Where an entry's bytes go: to the sink, into a base for others, or both.
pub(super) struct Target<'t, 'e> {
    emitter: Option<(&'t mut Emitter<'e>, Oid)>,
    pub(super) keep: bool,
}

impl<'t, 'e> Target<'t, 'e> {
    /// Keeps the content unless it goes to the sink; set `keep` for both.
    pub(super) fn new(emitter: Option<(&'t mut Emitter<'e>, Oid)>) -> Self {
        let keep = emitter.is_none();
        Self { emitter, keep }
    }

    /// Inflates `entry`, applies it to its base, and returns the content if it is kept and there is
    /// room for it.
    pub(super) fn fill(
        &mut self,
        pack: &Pack,
        entry: &data::Entry,
        kind: ObjectKind,
        base: Option<&Content>,
        zlib: &mut Zlib,
        scratch: &mut Scratch,
    ) -> Result<Option<Content>, ReadError> {
        let mut deflated = pack.deflated(entry.data_offset)?;
        let mut bytes = zlib.open(&mut deflated);
        let Some(base) = base else {
            let mut kept = self.begin(kind, entry.decompressed_size, scratch)?;
            let outcome = bytes.drain(|more| self.push(more, &mut kept));
            return self.finish(outcome, kept, scratch);
        };
        let (base_size, size) = delta::read_sizes(&mut bytes)?;
        if base_size != base.length() {
            return Err(unreadable());
        }
        let mut kept = self.begin(kind, size, scratch)?;
        let outcome = delta::apply(base, &mut bytes, |_| {}, |more| self.push(more, &mut kept));
        self.finish(outcome, kept, scratch)
    }

    fn begin(
        &mut self,
        kind: ObjectKind,
        size: u64,
        scratch: &mut Scratch,
    ) -> Result<Option<Content>, ReadError> {
        if let Some((emitter, id)) = &mut self.emitter {
            emitter.begin(*id, kind, size)?;
        }
        Ok(if self.keep { scratch.reserve(size) } else { None })
    }

    /// Passes bytes on. A content that cannot be kept is let go; its own object still streams.
    fn push(&mut self, bytes: &[u8], kept: &mut Option<Content>) -> Result<(), ReadError> {
        if let Some((emitter, _)) = &mut self.emitter {
            emitter.push(bytes)?;
        }
        if kept.as_mut().is_some_and(|content| content.push(bytes).is_err()) {
            *kept = None;
        }
        Ok(())
    }

    fn finish(
        &mut self,
        outcome: Result<(), ReadError>,
        kept: Option<Content>,
        scratch: &mut Scratch,
    ) -> Result<Option<Content>, ReadError> {
        let outcome = outcome.and_then(|()| match &mut self.emitter {
            Some((emitter, _)) => emitter.finish(),
            None => Ok(()),
        });
        match (outcome, kept) {
            (Ok(()), kept) => Ok(kept),
            (Err(error), kept) => {
                if let Some(content) = kept {
                    scratch.release(content);
                }
                Err(error)
            }
        }
    }
}
