//! The look at every byte: 64 bytes of text become four masks of 64 bits.
//!
//! ```text
//! text   t o k e n _ 4 2   =   "
//! run    1 1 1 1 1 1 1 1 0 0 0 0     bytes that tokens are made of
//! digit  0 0 0 0 0 0 1 1 0 0 0 0
//! joint  0 0 0 0 0 0 0 0 0 0 0 0     of a run, but no part of a word: `+` `-` `/` `~`
//! gram   1 0 0 0 0 0 0 0 0 0 0 0     one of the wanted grams may begin here
//! ```
//!
//! This folder is the only place with `unsafe`, and the reason is speed alone: AVX-512 sees 64 bytes
//! at once, AVX2 32, SSSE3 16, by the same table look-ups for each byte, one by its lower half and
//! one by its upper half. [`scalar`] says what they compute, and serves all other processors. All
//! give equal masks; nothing outside knows which one ran. No byte outside the text is ever read:
//! its end is copied to a padded block first.

#![allow(unsafe_code, reason = "vector loads and the call of a function for a detected processor")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod ssse3;
#[cfg(test)]
mod tests;

/// Bytes of text that one [`Masks`] tells of.
pub(super) const BLOCK_BYTES: usize = 64;

/// Blocks whose masks are made at once: enough to hide the call, few enough to stay near.
pub(super) const BLOCKS: usize = 32;

/// The longest gram, in bytes.
pub(super) const GRAM_BYTES: usize = 4;

/// A block and the bytes behind it in which a gram that begins in it may end.
const SEEN_BYTES: usize = BLOCK_BYTES + GRAM_BYTES - 1;

/// One bit for each byte of a block, the first byte lowest; bytes behind the text count as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    /// `[A-Za-z0-9_+/~-]`.
    pub(super) run: u64,
    /// `[0-9]`.
    pub(super) digit: u64,
    /// `[+/~-]`.
    pub(super) joint: u64,
    /// Where a gram may begin: never unset where one does.
    pub(super) gram: u64,
}

/// A table by the lower half of a byte and one by its upper half; a byte has the bits that are in
/// both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Halves {
    low: [u8; 16],
    high: [u8; 16],
}

/// The class bits of [`CLASSES`], placed so that one shift brings a bit to the sign of its byte.
const DIGIT: u8 = 0x80;
const JOINT: u8 = 0x40 | 0x20;

/// Any bit: of a run. [`DIGIT`], [`JOINT`]: of these; the others are letters and `_`.
const CLASSES: Halves = Halves {
    low: classes_low(),
    // '+' '-' '/' | digits | A–O a–o | P–Z _ | p–z and `~`
    high: [0, 0, 0x40, DIGIT, 1, 2, 1, 4 | 0x20, 0, 0, 0, 0, 0, 0, 0, 0],
};

#[expect(clippy::indexing_slicing, reason = "the compiler runs it, and `half` is under 16")]
const fn classes_low() -> [u8; 16] {
    let mut low = [0; 16];
    let mut half = 0;
    while half < 16 {
        let digit = if half <= 9 { DIGIT } else { 0 };
        let first_letters = if half >= 1 { 1 } else { 0 };
        let last_letters = if half <= 10 { 2 | 4 } else { 0 };
        let joints = match half {
            11 | 13 => 0x40, // + -
            14 => 0x20,      // ~
            15 => 0x40 | 2,  // / _
            _ => 0,
        };
        low[half] = digit | first_letters | last_letters | joints;
        half += 1;
    }
    low
}

/// Buckets of [`Grams`].
pub(super) const BUCKETS: u8 = 16;

/// Tables that hold them, eight buckets each.
const SETS: usize = BUCKETS as usize / 8;

/// Which grams are looked for: bytes that may stand at each place of one, in [`BUCKETS`] buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grams {
    /// By the place.
    places: [[Halves; SETS]; GRAM_BYTES],
}

impl Grams {
    /// Looks for nothing.
    pub(super) const NONE: Self =
        Self { places: [[Halves { low: [0; 16], high: [0; 16] }; SETS]; GRAM_BYTES] };

    /// Looks in `bucket` for grams that have one of the bytes of `sign` at each place, and behind its
    /// last anything.
    pub(super) fn allow(&mut self, bucket: u8, sign: &[&[u8]]) {
        for place in 0..GRAM_BYTES {
            let bytes = sign.get(place).copied();
            let is_in = |half: u8, of: fn(u8) -> u8| {
                bytes.is_none_or(|bytes| bytes.iter().any(|byte| of(*byte) == half))
            };
            for half in 0..16 {
                if is_in(half, |byte| byte & 15) {
                    self.allow_low(bucket, place, half);
                }
                if is_in(half, |byte| byte >> 4) {
                    self.allow_high(bucket, place, half);
                }
            }
        }
    }

    /// Adds to the lower halves that bytes at `place` of the grams of `bucket` may have.
    pub(super) fn allow_low(&mut self, bucket: u8, place: usize, half: u8) {
        set(self.halves(bucket, place).map(|halves| &mut halves.low), bucket, half);
    }

    /// Adds to the upper halves that bytes at `place` of the grams of `bucket` may have.
    pub(super) fn allow_high(&mut self, bucket: u8, place: usize, half: u8) {
        set(self.halves(bucket, place).map(|halves| &mut halves.high), bucket, half);
    }

    fn halves(&mut self, bucket: u8, place: usize) -> Option<&mut Halves> {
        self.places.get_mut(place)?.get_mut(usize::from(bucket / 8))
    }
}

fn set(table: Option<&mut [u8; 16]>, bucket: u8, half: u8) {
    debug_assert!(bucket < BUCKETS && half < 16, "bucket {bucket}, half {half}");
    if let Some(bits) = table.and_then(|table| table.get_mut(usize::from(half))) {
        *bits |= 1 << (bucket % 8);
    }
}

/// Two classes of bytes, to tell them in blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classes {
    halves: Halves,
    /// The bits of each.
    picks: [u8; 2],
}

impl Classes {
    /// Makes two classes of bytes that `kinds` gives a bit of the one and of the other. Rows of sixteen
    /// bytes that a class takes the same part of share a bit; there are eight, or it does not compile.
    #[expect(
        clippy::indexing_slicing,
        reason = "the compiler runs it, and all are under 16 or 256"
    )]
    pub(super) const fn of(kinds: &[u8; 256], of_kind: [u8; 2]) -> Self {
        let mut halves = Halves { low: [0; 16], high: [0; 16] };
        let (mut picks, mut bits, mut class) = ([0; 2], 0, 0);
        while class < picks.len() {
            let mut rows: [u16; 8] = [0; 8];
            let (first, mut row) = (bits, 0);
            while row < 16 {
                let members = members(kinds, row, of_kind[class]);
                let mut bit = first;
                while bit < bits && rows[bit] != members {
                    bit += 1;
                }
                if members != 0 {
                    if bit == bits {
                        (rows[bit], bits) = (members, bits + 1);
                    }
                    halves.high[row] |= 1 << bit;
                    picks[class] |= 1 << bit;
                    let mut half = 0;
                    while half < 16 {
                        halves.low[half] |= ((members >> half & 1) as u8) << bit;
                        half += 1;
                    }
                }
                row += 1;
            }
            class += 1;
        }
        Self { halves, picks }
    }

    /// Fills `masks` with those of both classes for as many blocks of `text`. Bytes behind the text
    /// count as zero.
    pub(super) fn at(&self, text: &[u8], masks: &mut [[u64; 2]]) {
        self.at_level(best(), text, masks);
    }

    /// Fills `rows` with where `MIN` bytes of the first class stand in a row, for as many blocks of
    /// `text`.
    pub(super) fn rows<const MIN: usize>(&self, text: &[u8], rows: &mut [u64; BLOCKS]) {
        enabled(best(), RowSearch::<MIN> { classes: self, text, rows });
    }

    fn at_level(&self, level: Level, text: &[u8], masks: &mut [[u64; 2]]) {
        match level {
            // SAFETY: `best` found that the processor has AVX-512 and what came before it.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::classes(self, text, masks) },
            // SAFETY: `best` found that the processor has AVX2 and the bit instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::classes(self, text, masks) },
            // SAFETY: `best` found that the processor has SSSE3.
            #[cfg(target_arch = "x86_64")]
            Level::Ssse3 => unsafe { ssse3::classes(self, text, masks) },
            Level::Scalar => scalar::classes(self, text, masks),
        }
    }
}

/// A search for rows of bytes.
struct RowSearch<'s, const MIN: usize> {
    classes: &'s Classes,
    text: &'s [u8],
    rows: &'s mut [u64; BLOCKS],
}

impl<const MIN: usize> Work for RowSearch<'_, MIN> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    fn run(self) {
        // The last one is only looked ahead at.
        let mut masks = [[0; 2]; BLOCKS + 1];
        let blocks = self.text.len().div_ceil(BLOCK_BYTES).min(BLOCKS);
        self.classes.at(self.text, masks.get_mut(..=blocks).unwrap_or_default());
        let pairs = masks.iter().zip(masks.iter().skip(1));
        for (to, ([block, _], [next, _])) in self.rows.iter_mut().zip(pairs) {
            *to = rows::<MIN>(*block, *next);
        }
    }
}

/// Where bits go on for `MIN`: each step doubles what is known, and the last one overlaps.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
#[expect(clippy::cast_possible_truncation, reason = "the upper half is another block's")]
fn rows<const MIN: usize>(block: u64, next: u64) -> u64 {
    const { assert!(MIN >= 1 && MIN <= BLOCK_BYTES) };
    let mut rows = u128::from(block) | u128::from(next) << BLOCK_BYTES;
    let mut known = 1;
    while known < MIN {
        let step = if known < MIN - known { known } else { MIN - known };
        rows &= rows >> step;
        known += step;
    }
    rows as u64
}

/// Which bytes of a row of sixteen have `kind`, a bit each.
#[expect(clippy::indexing_slicing, reason = "the compiler runs it, and a byte is under 256")]
const fn members(kinds: &[u8; 256], row: usize, kind: u8) -> u16 {
    let (mut members, mut half) = (0, 0);
    while half < 16 {
        if kinds[16 * row + half] & kind != 0 {
            members |= 1 << half;
        }
        half += 1;
    }
    members
}

/// What the processor can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    Scalar,
}

/// What is compiled once for each level. No closure: those are not inlined for sure.
pub(super) trait Work {
    /// Does it; to be inlined always.
    fn run(self);
}

/// Looks at bytes.
pub(super) struct Look {
    grams: Grams,
    level: Level,
}

impl Look {
    /// Looks for `grams` by the best means that this processor has.
    pub(super) fn new(grams: Grams) -> Self {
        Self { grams, level: best() }
    }

    /// Does `work`, compiled for what this processor has as far as it is inlined.
    pub(super) fn enabled(&self, work: impl Work) {
        enabled(self.level, work);
    }

    /// Fills `masks` with those of as many blocks of `text`.
    pub(super) fn at(&self, text: &[u8], masks: &mut [Masks]) {
        match self.level {
            // SAFETY: `best` found that the processor has AVX-512 and what came before it.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::look(&self.grams, text, masks) },
            // SAFETY: `best` found that the processor has AVX2 and the bit instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::look(&self.grams, text, masks) },
            // SAFETY: `best` found that the processor has SSSE3.
            #[cfg(target_arch = "x86_64")]
            Level::Ssse3 => unsafe { ssse3::look(&self.grams, text, masks) },
            Level::Scalar => scalar::look(&self.grams, text, masks),
        }
    }
}

fn enabled(level: Level, work: impl Work) {
    match level {
        // SAFETY: `best` found that the processor has AVX-512 and what came before it.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::enabled(work) },
        // SAFETY: `best` found that the processor has AVX2 and the bit instructions.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::enabled(work) },
        _ => work.run(),
    }
}

fn best() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        if avx512::is_detected() {
            return Level::Avx512;
        }
        if avx2::is_detected() {
            return Level::Avx2;
        }
        if std::arch::is_x86_feature_detected!("ssse3") {
            return Level::Ssse3;
        }
    }
    Level::Scalar
}

/// Lets `look` see each block of `text` that has a mask: where it stands, or, near the end, a copy
/// of it with zeros behind.
#[inline(always)]
#[expect(clippy::inline_always, reason = "in a function of its own it would not have the vectors")]
fn each_block<M>(text: &[u8], masks: &mut [M], mut look: impl FnMut(&[u8; SEEN_BYTES]) -> M) {
    let mut rest = text;
    for mask in masks {
        let end;
        let block = if let Some(block) = rest.first_chunk() {
            block
        } else {
            end = padded(rest);
            &end
        };
        *mask = look(block);
        rest = rest.get(BLOCK_BYTES..).unwrap_or_default();
    }
}

#[cold]
fn padded(rest: &[u8]) -> [u8; SEEN_BYTES] {
    let mut block = [0; SEEN_BYTES];
    for (to, from) in block.iter_mut().zip(rest) {
        *to = *from;
    }
    block
}
