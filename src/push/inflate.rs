//! Inflated bytes as they come, through a window of fixed size.
//!
//! gix's decoders return whole objects; one of a gigabyte would then make a hook of a gigabyte.

use std::io::BufRead;

use gix::zlib::{Decompress, FlushDecompress, Status};

use super::sink::{ReadError, unreadable};

/// The window's length, in bytes. A small push is a handful of objects below it, and its pages are
/// touched once for all of them.
const WINDOW_BYTES: usize = 16 << 10;

/// Inflate state, kept from object to object: to set it up costs more than a small object does.
pub(super) struct Zlib {
    state: Decompress,
    window: Box<[u8]>,
}

impl Zlib {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(), window: vec![0; WINDOW_BYTES].into_boxed_slice() }
    }

    /// Begins a new zlib stream.
    pub(super) fn open<'a>(&'a mut self, input: &'a mut dyn BufRead) -> Inflating<'a> {
        self.state.reset();
        Inflating { zlib: self, input, start: 0, end: 0, is_done: false }
    }
}

/// A zlib stream being read.
pub(super) struct Inflating<'a> {
    zlib: &'a mut Zlib,
    input: &'a mut dyn BufRead,
    start: usize,
    end: usize,
    is_done: bool,
}

impl Inflating<'_> {
    /// Returns the next bytes; none at the end of the stream. [`consume`](Self::consume) moves on.
    pub(super) fn fill(&mut self) -> Result<&[u8], ReadError> {
        while self.start == self.end && !self.is_done {
            self.inflate()?;
        }
        self.zlib.window.get(self.start..self.end).ok_or_else(unreadable)
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Returns the next byte.
    pub(super) fn byte(&mut self) -> Result<u8, ReadError> {
        let byte = *self.fill()?.first().ok_or_else(unreadable)?;
        self.consume(1);
        Ok(byte)
    }

    /// Passes all that is left to `take`.
    pub(super) fn drain(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        loop {
            let bytes = self.fill()?;
            if bytes.is_empty() {
                return Ok(());
            }
            take(bytes)?;
            self.start = self.end;
        }
    }

    /// Inflates into the empty window. Input that ends before the stream does is damage.
    fn inflate(&mut self) -> Result<(), ReadError> {
        let input = self.input.fill_buf().map_err(|_| unreadable())?;
        let is_last = input.is_empty();
        let state = &mut self.zlib.state;
        let (read, written) = (state.total_in(), state.total_out());
        let status = state
            .decompress(input, &mut self.zlib.window, FlushDecompress::None)
            .map_err(|_| unreadable())?;
        let read = state.total_in() - read;
        let written = state.total_out() - written;
        self.input.consume(usize::try_from(read).map_err(|_| unreadable())?);
        self.start = 0;
        self.end = usize::try_from(written).map_err(|_| unreadable())?;
        self.is_done = status == Status::StreamEnd;
        if !self.is_done && written == 0 && (read == 0 || is_last) {
            return Err(unreadable());
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::*;

    pub(in crate::push) fn deflated(bytes: &[u8]) -> Vec<u8> {
        let level = gix::zlib::Compression::BEST_SPEED;
        let mut out = gix::zlib::stream::deflate::Write::new(Vec::new(), level);
        out.write_all(bytes).expect("memory");
        out.flush().expect("memory");
        out.into_inner()
    }

    fn inflated(mut input: &[u8], zlib: &mut Zlib) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        zlib.open(&mut input).drain(|more| {
            bytes.extend_from_slice(more);
            Ok(())
        })?;
        Ok(bytes)
    }

    #[test]
    fn streams_come_whole_whatever_their_size() {
        let mut zlib = Zlib::new();
        for size in [0, 1, WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1, 1 << 20] {
            let bytes: Vec<u8> = (0..size).map(|n| ((n * n) >> 7).to_le_bytes()[0]).collect();
            assert_eq!(inflated(&deflated(&bytes), &mut zlib).expect("whole"), bytes);
        }
    }

    #[test]
    fn what_is_cut_off_or_garbage_is_damage() {
        let mut zlib = Zlib::new();
        let whole = deflated(&vec![7; 100_000]);
        for length in [0, 1, 2, whole.len() / 2, whole.len() - 1] {
            assert!(inflated(&whole[..length], &mut zlib).is_err(), "{length} bytes");
        }
        assert!(inflated(b"no zlib stream at all", &mut zlib).is_err());
    }
}
