//! Where a box puts what it holds, and what it pays for it.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::Read;

use super::packing::{self, Input, Packing};
use super::{Label, Out, Part};
use crate::scan::layer::{Budget, LeftOut};

/// The bytes that are unpacked at a time: the budget is asked before each such step is kept.
const CHUNK_BYTES: usize = 8 << 10;

/// Takes parts out of a box on a budget.
pub(super) struct Tray<'t> {
    budget: &'t mut Budget,
    sink: &'t mut dyn FnMut(Out<'_>),
}

/// What came of unpacking a stream.
pub(super) struct Unpacked {
    /// The bytes of the input that were read.
    pub(super) used: usize,
    /// Why it ended before its end, if it did.
    pub(super) fault: Option<LeftOut>,
}

impl<'t> Tray<'t> {
    pub(super) fn new(budget: &'t mut Budget, sink: &'t mut dyn FnMut(Out<'_>)) -> Self {
        Self { budget, sink }
    }

    /// Takes work out of the budget, in bytes.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), LeftOut> {
        self.budget.spend(bytes)
    }

    /// Passes on a part that stands in the box as it is.
    pub(super) fn stored(&mut self, label: Label<'_>, bytes: &[u8]) -> Result<(), LeftOut> {
        let affordable = bytes.get(..self.affordable()).unwrap_or(bytes);
        self.emit(label, Cow::Borrowed(affordable))?;
        self.spend(bytes.len())
    }

    /// Passes on a part that was made from the box's bytes, without unpacking.
    pub(super) fn made(&mut self, label: Label<'_>, mut bytes: Vec<u8>) -> Result<(), LeftOut> {
        let spent = self.budget.clone();
        let result = self.spend(bytes.len());
        if result.is_err() {
            bytes.truncate(usize::try_from(spent.bytes()).unwrap_or(usize::MAX));
        }
        self.emit(label, Cow::Owned(bytes))?;
        result
    }

    /// Passes on a part whose bytes the budget has paid for.
    pub(super) fn emit(&mut self, label: Label<'_>, bytes: Cow<'_, [u8]>) -> Result<(), LeftOut> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.budget.part()?;
        (self.sink)(Out::Part(Part { label, bytes }));
        Ok(())
    }

    /// Unpacks `input`, passes on what comes out, and tells what did not. Returns the bytes read.
    pub(super) fn unpack(
        &mut self,
        label: Label<'_>,
        packing: Packing,
        input: &[u8],
    ) -> Result<usize, LeftOut> {
        let mut out = Vec::new();
        let Unpacked { used, fault } = self.pour(packing, input, &mut out);
        self.emit(label, Cow::Owned(out))?;
        fault.map_or(Ok(()), |why| self.tell(why, label))?;
        Ok(used)
    }

    /// Unpacks `input` onto `out`, which is paid for.
    pub(super) fn pour(&mut self, packing: Packing, input: &[u8], out: &mut Vec<u8>) -> Unpacked {
        let used = Cell::new(0);
        let poured = self.spend(packing.setup_bytes()).and_then(|()| {
            let mut decoder = packing
                .decoder(Input::new(input, &used))
                .map_err(|error| packing::fault(&error))?;
            self.drain(&mut *decoder, &used, out)
        });
        Unpacked { used: used.get(), fault: poured.err() }
    }

    /// Reads all that `decoder` gives, paying for what it gives or for what it `used`.
    pub(super) fn drain(
        &mut self,
        decoder: &mut dyn Read,
        used: &Cell<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), LeftOut> {
        let mut chunk = [0; CHUNK_BYTES];
        loop {
            let before = used.get();
            let read = decoder.read(&mut chunk);
            let given = *read.as_ref().unwrap_or(&0);
            self.spend(given.max(used.get() - before))?;
            out.extend_from_slice(chunk.get(..given).unwrap_or_default());
            if read.map_err(|error| packing::fault(&error))? == 0 {
                return Ok(());
            }
        }
    }

    /// Tells that `label` did not come out. What ends the box comes back as an error.
    pub(super) fn tell(&mut self, why: LeftOut, label: Label<'_>) -> Result<(), LeftOut> {
        if matches!(why, LeftOut::Bytes | LeftOut::Parts | LeftOut::Depth) {
            return Err(why);
        }
        self.budget.part()?;
        (self.sink)(Out::LeftOut { why, label });
        Ok(())
    }

    /// Tells why nothing more comes.
    pub(super) fn end(self, why: LeftOut, label: Label<'_>) {
        (self.sink)(Out::LeftOut { why, label });
    }

    fn affordable(&self) -> usize {
        usize::try_from(self.budget.bytes()).unwrap_or(usize::MAX)
    }
}
