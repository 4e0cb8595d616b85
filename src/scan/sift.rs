//! Bits to places, and places through a filter, without a branch for each.
//!
//! ```text
//! masks   0010…01 ──► places  2, 63, 70 … ──► filter ──► 70        the few that are looked up
//! ```
//!
//! A mask lets by what shares halves of bytes with a gram, some ten thousand places of a megabyte.
//! Whether the processor guesses right what comes of each would cost more than all else here, so
//! every place is written down, and the next one over it where the filter says no.

use super::literals::{Index, word_at};
use super::simd::{BLOCK_BYTES, BLOCKS};

/// Bytes of so many blocks.
pub(super) const CHUNK_BYTES: usize = BLOCKS * BLOCK_BYTES;

/// How many places of a block are written before asking whether there are more.
const AT_ONCE: usize = 2;

/// Places in a chunk.
pub(super) struct Places {
    offsets: [u16; CHUNK_BYTES + AT_ONCE],
    count: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self { offsets: [0; CHUNK_BYTES + AT_ONCE], count: 0 }
    }
}

impl Places {
    /// Replaces the places by those of the bits of each block's mask.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    pub(super) fn fill(&mut self, masks: impl Iterator<Item = u64>) {
        self.count = 0;
        for (block, mask) in masks.enumerate() {
            self.add(block, mask);
        }
    }

    /// Adds the places of the bits of the mask of block `block`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    fn add(&mut self, block: usize, mask: u64) {
        let (base, mut bits, mut at) = (block * BLOCK_BYTES, mask, self.count);
        loop {
            for _ in 0..AT_ONCE {
                self.put(at, base + bits.trailing_zeros() as usize);
                bits &= bits.wrapping_sub(1);
                at += 1;
            }
            if bits == 0 {
                break;
            }
        }
        self.count += mask.count_ones() as usize;
    }

    /// Keeps the places at which `index` may have the gram; `text` begins with the chunk.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    pub(super) fn sift(&mut self, text: &[u8], index: &Index) {
        let mut kept = 0;
        for at in 0..self.count {
            let offset = self.offsets.get(at).copied().unwrap_or_default();
            let word = word_at(text, usize::from(offset));
            self.put(kept, usize::from(offset));
            kept += usize::from(index.may_have(word));
        }
        self.count = kept;
    }

    /// Lists the places.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.offsets.iter().take(self.count).map(|offset| usize::from(*offset))
    }

    /// Returns the place numbered `number`.
    pub(super) fn nth(&self, number: usize) -> Option<usize> {
        self.offsets.get(..self.count)?.get(number).map(|offset| usize::from(*offset))
    }

    /// Writes a place; there are no more than a chunk has bytes, and those written at once too many.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    #[expect(clippy::cast_possible_truncation, reason = "a chunk is shorter than 2^16 bytes")]
    fn put(&mut self, at: usize, offset: usize) {
        const { assert!(CHUNK_BYTES + BLOCK_BYTES <= 1 << 16) };
        if let Some(place) = self.offsets.get_mut(at) {
            *place = offset as u16;
        }
    }
}
