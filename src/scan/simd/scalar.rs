//! One byte at a time: what the masks mean, and what every processor can do.

use super::{
    BLOCK_BYTES, CLASSES, Classes, DIGIT, Grams, Halves, JOINT, Masks, SEEN_BYTES, SETS, each_block,
};

pub(super) fn look(grams: &Grams, text: &[u8], masks: &mut [Masks]) {
    each_block(text, masks, |block| of_block(grams, block));
}

pub(super) fn classes(classes: &Classes, text: &[u8], masks: &mut [[u64; 2]]) {
    each_block(text, masks, |block| {
        let mut masks = [0; 2];
        for (place, byte) in block.iter().take(BLOCK_BYTES).enumerate() {
            let class = classes.halves.bits(*byte);
            for (mask, pick) in masks.iter_mut().zip(classes.picks) {
                *mask |= u64::from(class & pick != 0) << place;
            }
        }
        masks
    });
}

fn of_block(grams: &Grams, block: &[u8; SEEN_BYTES]) -> Masks {
    let mut masks = Masks::default();
    for (place, window) in block.windows(grams.places.len()).take(BLOCK_BYTES).enumerate() {
        let bit = 1_u64 << place;
        let class = window.first().map_or(0, |byte| CLASSES.bits(*byte));
        masks.run |= if class == 0 { 0 } else { bit };
        masks.digit |= if class & DIGIT == 0 { 0 } else { bit };
        masks.joint |= if class & JOINT == 0 { 0 } else { bit };
        let buckets = grams.places.iter().zip(window).map(|(sets, byte)| buckets(sets, *byte));
        masks.gram |= if buckets.fold(u16::MAX, |all, bits| all & bits) == 0 { 0 } else { bit };
    }
    masks
}

/// The buckets in which a byte may stand at a place.
fn buckets(sets: &[Halves; SETS], byte: u8) -> u16 {
    sets.iter().rev().fold(0, |buckets, halves| buckets << 8 | u16::from(halves.bits(byte)))
}

impl Halves {
    fn bits(&self, byte: u8) -> u8 {
        let of = |table: &[u8; 16], half: u8| table.get(usize::from(half)).copied().unwrap_or(0);
        of(&self.low, byte & 15) & of(&self.high, byte >> 4)
    }
}
