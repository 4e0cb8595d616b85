//! 64 bytes at a time.

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8, _mm512_shuffle_epi8, _mm512_srli_epi16,
    _mm512_test_epi8_mask,
};

use super::{
    CLASSES, Classes, GRAM_BYTES, Grams, Halves, JOINT, Masks, SEEN_BYTES, SETS, Work, each_block,
};

/// Bytes of a vector.
const WIDTH: usize = 64;

#[derive(Clone, Copy)]
struct Tables {
    low: __m512i,
    high: __m512i,
}

/// Whether the processor has vectors of 64 bytes, and the instructions on bits that came before.
pub(super) fn is_detected() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512bw") && super::avx2::is_detected()
}

/// Does `work` with what [`is_detected`] finds. Call it only where that does.
#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn enabled(work: impl Work) {
    work.run();
}

/// Call it only where the processor has what [`is_detected`] finds.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn look(grams: &Grams, text: &[u8], masks: &mut [Masks]) {
    let classes = tables(&CLASSES);
    let [first, second, third, fourth] = &grams.places;
    let grams = [pair(first), pair(second), pair(third), pair(fourth)];
    each_block(text, masks, |block| whole(&classes, &grams, block));
}

/// Call it only where the processor has what [`is_detected`] finds.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn classes(classes: &Classes, text: &[u8], masks: &mut [[u64; 2]]) {
    let both = tables(&classes.halves);
    let picks = classes.picks.map(|pick| _mm512_set1_epi8(pick.cast_signed()));
    each_block(text, masks, |block| {
        let class = bits(both, load(block, 0));
        picks.map(|pick| _mm512_test_epi8_mask(class, pick))
    });
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn tables(halves: &Halves) -> Tables {
    // SAFETY: both are arrays of 16 bytes, and the loads need no alignment.
    let (low, high) = unsafe {
        (_mm_loadu_si128(halves.low.as_ptr().cast()), _mm_loadu_si128(halves.high.as_ptr().cast()))
    };
    Tables { low: _mm512_broadcast_i32x4(low), high: _mm512_broadcast_i32x4(high) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn pair(sets: &[Halves; SETS]) -> [Tables; SETS] {
    let [first, second] = sets;
    [tables(first), tables(second)]
}

/// Loads the vector at `place`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(block: &[u8; SEEN_BYTES], place: usize) -> __m512i {
    const { assert!(GRAM_BYTES - 1 + WIDTH <= SEEN_BYTES) };
    debug_assert!(place < GRAM_BYTES, "a place of a gram");
    let place = place.min(GRAM_BYTES - 1);
    // SAFETY: `place` is under GRAM_BYTES, so the vector ends within the block by the assertion
    // above; the load needs no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().add(place).cast()) }
}

/// The bits of each byte by its two halves.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn bits(tables: Tables, bytes: __m512i) -> __m512i {
    let halves = _mm512_set1_epi8(15);
    let low = _mm512_shuffle_epi8(tables.low, _mm512_and_si512(bytes, halves));
    let high = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), halves);
    _mm512_and_si512(low, _mm512_shuffle_epi8(tables.high, high))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn whole(
    classes: &Tables,
    grams: &[[Tables; SETS]; GRAM_BYTES],
    block: &[u8; SEEN_BYTES],
) -> Masks {
    let class = bits(*classes, load(block, 0));
    let mut sets = [_mm512_set1_epi8(-1); SETS];
    for (place, tables) in grams.iter().enumerate() {
        let bytes = load(block, place);
        for (set, tables) in sets.iter_mut().zip(tables) {
            *set = _mm512_and_si512(*set, bits(*tables, bytes));
        }
    }
    let [first, second] = sets;
    let gram = _mm512_or_si512(first, second);
    Masks {
        run: _mm512_test_epi8_mask(class, class),
        digit: _mm512_movepi8_mask(class),
        joint: _mm512_test_epi8_mask(class, _mm512_set1_epi8(JOINT.cast_signed())),
        gram: _mm512_test_epi8_mask(gram, gram),
    }
}
