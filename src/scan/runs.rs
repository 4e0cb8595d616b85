//! Runs of token bytes: where words begin long ones, and what draws a search of the text near.
//!
//! ```text
//! run     0111111111111111111110      bytes that tokens are made of
//! ahead   0111110000000000000000      a run goes on for so many bytes
//! words   0100000000000000000000      … and a word begins there
//! draws   0000000000011000000000      it is long, or a digit is in it
//! ```
//!
//! All blocks of a chunk take each step together, so that the compiler makes vectors of them.

use super::plan::{LONG_RUN_BYTES, WORD_RUN_BYTES};
use super::simd::{BLOCK_BYTES, BLOCKS, Masks};

/// A mask for each block of a chunk.
type Row = [u64; BLOCKS];

/// What the runs of a chunk ask for.
pub(super) struct Runs {
    /// Where a word begins from which a run goes on for [`WORD_RUN_BYTES`].
    pub(super) words: Row,
    /// Where a run goes on for [`LONG_RUN_BYTES`], and the digits of runs of [`WORD_RUN_BYTES`].
    pub(super) draws: Row,
}

/// What of the block before a chunk its masks depend on.
#[derive(Clone, Copy, Default)]
pub(super) struct Carry {
    /// The bytes of words, in the last place.
    word: u64,
    /// Where runs of [`WORD_RUN_BYTES`] went on from.
    ahead: u64,
}

impl Runs {
    /// Reads the masks of a chunk; the last of them is only looked ahead at.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    pub(super) fn of(masks: &[Masks], carry: &mut Carry) -> Self {
        const { assert!(WORD_RUN_BYTES == 16 && LONG_RUN_BYTES == 32) };
        let blocks = masks.len().saturating_sub(1);
        let (mut run, mut word, mut digit) = ([0; BLOCKS + 2], [0; BLOCKS + 1], [0; BLOCKS]);
        run.iter_mut().zip(masks).for_each(|(run, masks)| *run = masks.run);
        let words = word.iter_mut().skip(1).zip(masks);
        words.for_each(|(word, masks)| *word = masks.run & !masks.joint);
        digit.iter_mut().zip(masks).for_each(|(digit, masks)| *digit = masks.digit);

        let mut ahead = run;
        forward::<1>(&mut ahead);
        forward::<2>(&mut ahead);
        forward::<4>(&mut ahead);
        forward::<8>(&mut ahead);
        let mut long = ahead;
        forward::<16>(&mut long);

        // What was looked ahead at is yet to come, and not behind.
        let mut behind = [0; BLOCKS + 1];
        behind.iter_mut().skip(1).zip(ahead).take(blocks).for_each(|(to, ahead)| *to = ahead);
        (behind[0], word[0]) = (carry.ahead, carry.word);
        carry.ahead = behind.get(blocks).copied().unwrap_or_default();
        carry.word = word.get(blocks).copied().unwrap_or_default();
        backward::<1>(&mut behind);
        backward::<2>(&mut behind);
        backward::<4>(&mut behind);
        backward::<8>(&mut behind);

        let mut runs = Self { words: [0; BLOCKS], draws: [0; BLOCKS] };
        for (block, words) in runs.words.iter_mut().enumerate().take(blocks) {
            let at = |row: &[u64], block: usize| row.get(block).copied().unwrap_or_default();
            let before = at(&word, block) >> (BLOCK_BYTES - 1);
            let begins = at(&word, block + 1) & !(at(&word, block + 1) << 1 | before);
            *words = at(&ahead, block) & begins;
        }
        let rows = long.iter().zip(&digit).zip(behind.iter().skip(1));
        for (draws, ((long, digit), behind)) in runs.draws.iter_mut().zip(rows).take(blocks) {
            *draws = long | digit & behind;
        }
        runs
    }
}

/// Keeps the bits that are set `BY` places further too.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
fn forward<const BY: u32>(row: &mut [u64; BLOCKS + 2]) {
    let old = *row;
    for ((to, block), next) in row.iter_mut().zip(&old).zip(old.iter().skip(1)) {
        *to = block & (block >> BY | next << (u64::BITS - BY));
    }
}

/// Adds the bits that are set `BY` places before.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
fn backward<const BY: u32>(row: &mut [u64; BLOCKS + 1]) {
    let old = *row;
    for ((to, block), before) in row.iter_mut().skip(1).zip(old.iter().skip(1)).zip(&old) {
        *to = block | block << BY | before >> (u64::BITS - BY);
    }
    if let Some(first) = row.first_mut() {
        *first |= *first << BY;
    }
}
