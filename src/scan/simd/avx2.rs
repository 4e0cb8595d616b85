//! 32 bytes at a time.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16,
};

use super::{
    CLASSES, Classes, GRAM_BYTES, Grams, Halves, Masks, SEEN_BYTES, SETS, Work, each_block,
};

/// Bytes of a vector.
const WIDTH: usize = 32;

#[derive(Clone, Copy)]
struct Tables {
    low: __m256i,
    high: __m256i,
}

/// Whether the processor has AVX2, and the instructions on bits that came with it.
pub(super) fn is_detected() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt")
}

/// Does `work` with what [`is_detected`] finds. Call it only where that does.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn enabled(work: impl Work) {
    work.run();
}

/// Call it only where the processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn look(grams: &Grams, text: &[u8], masks: &mut [Masks]) {
    let classes = tables(&CLASSES);
    let [first, second, third, fourth] = &grams.places;
    let grams = [pair(first), pair(second), pair(third), pair(fourth)];
    each_block(text, masks, |block| {
        let first = half::<0>(&classes, &grams, block);
        let second = half::<WIDTH>(&classes, &grams, block);
        join(first, second)
    });
}

/// Call it only where the processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn classes(classes: &Classes, text: &[u8], masks: &mut [[u64; 2]]) {
    let both = tables(&classes.halves);
    let picks = classes.picks.map(|pick| _mm256_set1_epi8(pick.cast_signed()));
    each_block(text, masks, |block| {
        let first = bits(both, load::<0>(block, 0));
        let second = bits(both, load::<WIDTH>(block, 0));
        let mask = |pick, class| any(_mm256_and_si256(class, pick));
        picks.map(|pick| mask(pick, first) | mask(pick, second) << WIDTH)
    });
}

#[inline]
#[target_feature(enable = "avx2")]
fn tables(halves: &Halves) -> Tables {
    // SAFETY: both are arrays of 16 bytes, and the loads need no alignment.
    let (low, high) = unsafe {
        (_mm_loadu_si128(halves.low.as_ptr().cast()), _mm_loadu_si128(halves.high.as_ptr().cast()))
    };
    Tables { low: _mm256_broadcastsi128_si256(low), high: _mm256_broadcastsi128_si256(high) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn pair(sets: &[Halves; SETS]) -> [Tables; SETS] {
    let [first, second] = sets;
    [tables(first), tables(second)]
}

/// Loads the vector at `AT` and `place`.
#[inline]
#[target_feature(enable = "avx2")]
fn load<const AT: usize>(block: &[u8; SEEN_BYTES], place: usize) -> __m256i {
    const { assert!(AT + GRAM_BYTES - 1 + WIDTH <= SEEN_BYTES) };
    debug_assert!(place < GRAM_BYTES, "a place of a gram");
    let place = place.min(GRAM_BYTES - 1);
    // SAFETY: `place` is under GRAM_BYTES, so the vector ends within the block by the assertion
    // above; the load needs no alignment.
    unsafe { _mm256_loadu_si256(block.as_ptr().add(AT + place).cast()) }
}

/// The bits of each byte by its two halves.
#[inline]
#[target_feature(enable = "avx2")]
fn bits(tables: Tables, bytes: __m256i) -> __m256i {
    let halves = _mm256_set1_epi8(15);
    let low = _mm256_shuffle_epi8(tables.low, _mm256_and_si256(bytes, halves));
    let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), halves);
    _mm256_and_si256(low, _mm256_shuffle_epi8(tables.high, high))
}

/// The sign of each byte.
#[inline]
#[target_feature(enable = "avx2")]
fn signs(bytes: __m256i) -> u64 {
    u64::from(_mm256_movemask_epi8(bytes).cast_unsigned())
}

/// Whether each byte has any bit.
#[inline]
#[target_feature(enable = "avx2")]
fn any(bytes: __m256i) -> u64 {
    let none = signs(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256()));
    !none & u64::from(u32::MAX)
}

#[inline]
#[target_feature(enable = "avx2")]
fn half<const AT: usize>(
    classes: &Tables,
    grams: &[[Tables; SETS]; GRAM_BYTES],
    block: &[u8; SEEN_BYTES],
) -> Masks {
    let class = bits(*classes, load::<AT>(block, 0));
    let joint = _mm256_or_si256(_mm256_slli_epi16::<1>(class), _mm256_slli_epi16::<2>(class));
    let mut sets = [_mm256_set1_epi8(-1); SETS];
    for (place, tables) in grams.iter().enumerate() {
        let bytes = load::<AT>(block, place);
        for (set, tables) in sets.iter_mut().zip(tables) {
            *set = _mm256_and_si256(*set, bits(*tables, bytes));
        }
    }
    let [first, second] = sets;
    let gram = any(_mm256_or_si256(first, second));
    Masks { run: any(class), digit: signs(class), joint: signs(joint), gram }
}

fn join(first: Masks, second: Masks) -> Masks {
    Masks {
        run: first.run | second.run << WIDTH,
        digit: first.digit | second.digit << WIDTH,
        joint: first.joint | second.joint << WIDTH,
        gram: first.gram | second.gram << WIDTH,
    }
}
