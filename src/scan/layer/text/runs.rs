//! Rows of bytes of one class, found without a look at most other bytes.
//!
//! A row of `min` bytes that begins at `at` has its last byte at `at + min - 1`, so that is looked at
//! first: where it is of another class no row begins before it. Ordinary code costs a look at every
//! fifth byte or so.

use std::ops::Range;

/// A class of bytes.
pub(super) struct Class([bool; 256]);

impl Class {
    /// Makes the class of the bytes that `members` holds.
    pub(super) const fn of(members: &[u8]) -> Self {
        let mut class = [false; 256];
        let mut rest = members;
        while let [first, tail @ ..] = rest {
            #[expect(clippy::indexing_slicing, reason = "a byte is less than 256")]
            {
                class[*first as usize] = true;
            }
            rest = tail;
        }
        Self(class)
    }

    /// Whether `byte` is of the class.
    pub(super) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

/// Finds the next row of at least `min` bytes of `class` that begins at or behind `start`, whole.
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

    const DIGITS: Class = Class::of(b"0123456789");

    proptest! {
        #[test]
        fn every_row_is_found(text in "[0-9a]{0,60}", min in 1_usize..6) {
            let bytes = text.as_bytes();
            let mut got = Vec::new();
            let mut at = 0;
            while let Some(row) = next(bytes, at, &DIGITS, min) {
                at = row.end;
                got.push(&text[row]);
            }
            let want: Vec<&str> = text.split('a').filter(|row| row.len() >= min).collect();
            prop_assert_eq!(got, want);
        }
    }
}
