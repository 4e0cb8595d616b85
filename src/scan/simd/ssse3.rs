//! 16 bytes at a time.

use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
    _mm_set1_epi8, _mm_setzero_si128, _mm_shuffle_epi8, _mm_slli_epi16, _mm_srli_epi16,
};

use super::{CLASSES, Classes, GRAM_BYTES, Grams, Halves, Masks, SEEN_BYTES, SETS, each_block};

/// Bytes of a vector.
const WIDTH: usize = 16;

#[derive(Clone, Copy)]
struct Tables {
    low: __m128i,
    high: __m128i,
}

/// Call it only where the processor has SSSE3.
#[target_feature(enable = "ssse3")]
pub(super) fn look(grams: &Grams, text: &[u8], masks: &mut [Masks]) {
    let classes = tables(&CLASSES);
    let [first, second, third, fourth] = &grams.places;
    let grams = [pair(first), pair(second), pair(third), pair(fourth)];
    each_block(text, masks, |block| {
        let quarters = [
            quarter::<0>(&classes, &grams, block),
            quarter::<WIDTH>(&classes, &grams, block),
            quarter::<{ 2 * WIDTH }>(&classes, &grams, block),
            quarter::<{ 3 * WIDTH }>(&classes, &grams, block),
        ];
        join(&quarters)
    });
}

/// Call it only where the processor has SSSE3.
#[target_feature(enable = "ssse3")]
pub(super) fn classes(classes: &Classes, text: &[u8], masks: &mut [[u64; 2]]) {
    let both = tables(&classes.halves);
    let picks = classes.picks.map(|pick| _mm_set1_epi8(pick.cast_signed()));
    each_block(text, masks, |block| {
        let quarters = [
            bits(both, load::<0>(block, 0)),
            bits(both, load::<WIDTH>(block, 0)),
            bits(both, load::<{ 2 * WIDTH }>(block, 0)),
            bits(both, load::<{ 3 * WIDTH }>(block, 0)),
        ];
        let mask = |pick, class| any(_mm_and_si128(class, pick));
        let join =
            |pick| quarters.iter().rev().fold(0, |all, class| all << WIDTH | mask(pick, *class));
        picks.map(join)
    });
}

#[inline]
#[target_feature(enable = "ssse3")]
fn tables(halves: &Halves) -> Tables {
    // SAFETY: both are arrays of 16 bytes, and the loads need no alignment.
    let (low, high) = unsafe {
        (_mm_loadu_si128(halves.low.as_ptr().cast()), _mm_loadu_si128(halves.high.as_ptr().cast()))
    };
    Tables { low, high }
}

#[inline]
#[target_feature(enable = "ssse3")]
fn pair(sets: &[Halves; SETS]) -> [Tables; SETS] {
    let [first, second] = sets;
    [tables(first), tables(second)]
}

/// Loads the vector at `AT` and `place`.
#[inline]
#[target_feature(enable = "ssse3")]
fn load<const AT: usize>(block: &[u8; SEEN_BYTES], place: usize) -> __m128i {
    const { assert!(AT + GRAM_BYTES - 1 + WIDTH <= SEEN_BYTES) };
    debug_assert!(place < GRAM_BYTES, "a place of a gram");
    let place = place.min(GRAM_BYTES - 1);
    // SAFETY: `place` is under GRAM_BYTES, so the vector ends within the block by the assertion
    // above; the load needs no alignment.
    unsafe { _mm_loadu_si128(block.as_ptr().add(AT + place).cast()) }
}

/// The bits of each byte by its two halves.
#[inline]
#[target_feature(enable = "ssse3")]
fn bits(tables: Tables, bytes: __m128i) -> __m128i {
    let halves = _mm_set1_epi8(15);
    let low = _mm_shuffle_epi8(tables.low, _mm_and_si128(bytes, halves));
    let high = _mm_and_si128(_mm_srli_epi16::<4>(bytes), halves);
    _mm_and_si128(low, _mm_shuffle_epi8(tables.high, high))
}

/// The sign of each byte.
#[inline]
#[target_feature(enable = "ssse3")]
fn signs(bytes: __m128i) -> u64 {
    u64::from(_mm_movemask_epi8(bytes).cast_unsigned())
}

/// Whether each byte has any bit.
#[inline]
#[target_feature(enable = "ssse3")]
fn any(bytes: __m128i) -> u64 {
    let none = signs(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
    !none & u64::from(u16::MAX)
}

#[inline]
#[target_feature(enable = "ssse3")]
fn quarter<const AT: usize>(
    classes: &Tables,
    grams: &[[Tables; SETS]; GRAM_BYTES],
    block: &[u8; SEEN_BYTES],
) -> Masks {
    let class = bits(*classes, load::<AT>(block, 0));
    let joint = _mm_or_si128(_mm_slli_epi16::<1>(class), _mm_slli_epi16::<2>(class));
    let mut sets = [_mm_set1_epi8(-1); SETS];
    for (place, tables) in grams.iter().enumerate() {
        let bytes = load::<AT>(block, place);
        for (set, tables) in sets.iter_mut().zip(tables) {
            *set = _mm_and_si128(*set, bits(*tables, bytes));
        }
    }
    let [first, second] = sets;
    let gram = any(_mm_or_si128(first, second));
    Masks { run: any(class), digit: signs(class), joint: signs(joint), gram }
}

fn join(quarters: &[Masks; 4]) -> Masks {
    let mut all = Masks::default();
    for quarter in quarters.iter().rev() {
        all.run = all.run << WIDTH | quarter.run;
        all.digit = all.digit << WIDTH | quarter.digit;
        all.joint = all.joint << WIDTH | quarter.joint;
        all.gram = all.gram << WIDTH | quarter.gram;
    }
    all
}
