//! Rows of bytes of one class: over a whole text by vectors ([`Rows`]), within a few bytes one by one
//! ([`next`]).

use std::ops::Range;

use crate::scan::sift::CHUNK_BYTES;
use crate::scan::simd::{BLOCK_BYTES, BLOCKS, Classes};

/// A class of bytes.
pub(super) struct Class {
    has: [u8; 256],
    wide: Classes,
}

impl Class {
    /// Makes the class of the bytes that `members` holds.
    pub(super) const fn of(members: &[u8]) -> Self {
        let mut has = [0; 256];
        let mut rest = members;
        while let [first, tail @ ..] = rest {
            #[expect(clippy::indexing_slicing, reason = "a byte is less than 256")]
            {
                has[*first as usize] = 1;
            }
            rest = tail;
        }
        Self { wide: Classes::of(&has, [1, 0]), has }
    }

    /// Whether `byte` is of the class.
    pub(super) fn has(&self, byte: u8) -> bool {
        self.has.get(usize::from(byte)).is_some_and(|has| *has == 1)
    }
}

/// The rows of a text that have at least `MIN` bytes of a class.
pub(super) struct Rows<'t, const MIN: usize> {
    text: &'t [u8],
    class: &'static Class,
    /// Where in the chunk at `chunk` as many bytes of the class stand in a row.
    begins: [u64; BLOCKS],
    chunk: usize,
    /// Where the next chunk begins.
    ahead: usize,
}

impl<'t, const MIN: usize> Rows<'t, MIN> {
    /// Begins at `start`.
    pub(super) fn new(text: &'t [u8], start: usize, class: &'static Class) -> Self {
        Self { text, class, begins: [0; BLOCKS], chunk: start, ahead: start }
    }

    /// Finds the next row that begins at or behind `from`, whole. `from` only ascends.
    pub(super) fn next(&mut self, from: usize) -> Option<Range<usize>> {
        loop {
            if let Some(at) = self.first(from) {
                let end = at + MIN;
                return Some(at..end + row(self.text.get(end..)?, self.class));
            }
            self.chunk = self.ahead.max(from);
            self.ahead = self.chunk + CHUNK_BYTES;
            let rest = self.text.get(self.chunk..).filter(|rest| !rest.is_empty())?;
            self.class.wide.rows::<MIN>(rest, &mut self.begins);
        }
    }

    /// Returns the first place of the chunk, from `from` on, where a row begins.
    fn first(&self, from: usize) -> Option<usize> {
        let skip = from.saturating_sub(self.chunk);
        let blocks = self.begins.iter().enumerate().skip(skip / BLOCK_BYTES);
        let mut wanted = u64::MAX << (skip % BLOCK_BYTES);
        for (number, begins) in blocks {
            let begins = begins & wanted;
            if begins != 0 {
                let place = number * BLOCK_BYTES + begins.trailing_zeros() as usize;
                return Some(self.chunk + place);
            }
            wanted = u64::MAX;
        }
        None
    }
}

/// Finds the next row of at least `min` bytes of `class` that begins at or behind `start`, whole. Such
/// a row has its last byte at `min - 1`, so that is looked at first: where it is of another class no
/// row begins before it.
pub(super) fn next(text: &[u8], start: usize, class: &Class, min: usize) -> Option<Range<usize>> {
    let mut at = start;
    loop {
        let window = text.get(at..at + min)?;
        match window.iter().rposition(|byte| !class.has(*byte)) {
            Some(bad) => at += bad + 1,
            None => return Some(at..at + min + row(text.get(at + min..)?, class)),
        }
    }
}

/// Counts the bytes of `class` that `text` begins with.
pub(super) fn row(text: &[u8], class: &Class) -> usize {
    text.iter().take_while(|byte| class.has(**byte)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    static DIGITS: Class = Class::of(b"0123456789");

    /// Lists rows as `next` gives them, each from the end of the one before.
    fn list(mut next: impl FnMut(usize) -> Option<Range<usize>>) -> Vec<Range<usize>> {
        let (mut rows, mut at) = (Vec::new(), 0);
        while let Some(row) = next(at) {
            at = row.end;
            rows.push(row);
        }
        rows
    }

    #[track_caller]
    fn check<const MIN: usize>(text: &str) {
        let (bytes, mut at, mut want) = (text.as_bytes(), 0, Vec::new());
        for run in text.split('a') {
            want.push(at..at + run.len());
            at += run.len() + 1;
        }
        want.retain(|row| row.len() >= MIN);
        let mut rows = Rows::<MIN>::new(bytes, 0, &DIGITS);
        assert_eq!(list(|at| rows.next(at)), want);
        assert_eq!(list(|at| next(bytes, at, &DIGITS, MIN)), want);
    }

    proptest! {
        #[test]
        fn every_row_is_found(text in "([0-9]{0,90}|[0-9a]{0,30}){0,60}") {
            check::<1>(&text);
            check::<12>(&text);
            check::<44>(&text);
            check::<64>(&text);
        }

        #[test]
        fn rows_are_found_from_anywhere(text in "([0-9]{0,90}|[0-9a]{0,30}){0,60}", from in 0_usize..900) {
            let bytes = text.as_bytes();
            let mut rows = Rows::<12>::new(bytes, from / 2, &DIGITS);
            prop_assert_eq!(rows.next(from), next(bytes, from, &DIGITS, 12));
        }
    }
}
