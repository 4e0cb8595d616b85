use std::ptr::NonNull;

use proptest::prelude::*;

use super::*;

/// The levels that this processor has.
fn levels() -> Vec<Level> {
    let mut levels = vec![Level::Scalar];
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("ssse3") {
            levels.push(Level::Ssse3);
        }
        if avx2::is_detected() {
            levels.push(Level::Avx2);
        }
        if avx512::is_detected() {
            levels.push(Level::Avx512);
        }
    }
    levels
}

fn masks(grams: &Grams, level: Level, text: &[u8]) -> Vec<Masks> {
    // One block more than the text has: behind it there is nothing.
    let mut masks = vec![Masks::default(); text.len() / BLOCK_BYTES + 2];
    Look { grams: grams.clone(), level }.at(text, &mut masks);
    masks
}

/// The grams, one to a bucket; a gram that is shorter than the longest ends in anything.
fn grams(wanted: &[&[u8]]) -> Grams {
    let mut grams = Grams::NONE;
    for (bucket, gram) in wanted.iter().enumerate() {
        let bucket = u8::try_from(5 * bucket % usize::from(BUCKETS)).unwrap();
        for place in 0..GRAM_BYTES {
            let (low, high) = match gram.get(place) {
                Some(byte) => (byte & 15..=byte & 15, byte >> 4..=byte >> 4),
                None => (0..=15, 0..=15),
            };
            low.for_each(|half| grams.allow_low(bucket, place, half));
            high.for_each(|half| grams.allow_high(bucket, place, half));
        }
    }
    grams
}

/// Pages of memory of which the last may not be touched.
struct Guarded {
    start: NonNull<u8>,
    bytes: usize,
}

const PAGE_BYTES: usize = 4096;

impl Guarded {
    fn new(pages: usize) -> Self {
        use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
        let bytes = pages * PAGE_BYTES;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the system chooses fresh memory, and the guard page belongs to it.
        let start = unsafe {
            let start =
                mmap_anonymous(std::ptr::null_mut(), bytes + PAGE_BYTES, access, MapFlags::PRIVATE)
                    .unwrap();
            mprotect(start.byte_add(bytes), PAGE_BYTES, MprotectFlags::empty()).unwrap();
            start
        };
        Self { start: NonNull::new(start.cast()).unwrap(), bytes }
    }

    /// Places `text` so that it ends where the guard begins.
    fn place(&mut self, text: &[u8]) -> &[u8] {
        assert!(text.len() <= self.bytes, "{} bytes are too many", text.len());
        // SAFETY: the memory is ours, readable and writable, and as long as `bytes` says.
        let all = unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) };
        let at = all.len() - text.len();
        all[at..].copy_from_slice(text);
        &all[at..]
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: nothing borrows the mapping any more, and it is as long as it was made.
        unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.bytes + PAGE_BYTES) }.unwrap();
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        (b' '..=b'~'),
        prop_oneof![Just(b'+'), Just(b'-'), Just(b'/'), Just(b'~'), Just(b'_')],
        prop_oneof![Just(b's'), Just(b'e'), Just(b'c'), Just(b'r'), Just(b'k')],
    ];
    proptest::collection::vec(byte, 0..300)
}

proptest! {
    #[test]
    fn all_levels_agree_at_every_alignment_and_length(text in bytes(), from in 0_usize..70) {
        let grams = grams(&[b"secr", b"key", b"\xffa\x80", b"0Q~", b"://", b"ecrk", b"~~~~", b"Key"]);
        let text = text.get(from..).unwrap_or_default();
        let want = masks(&grams, Level::Scalar, text);
        let mut guarded = Guarded::new(1);
        for level in levels() {
            prop_assert_eq!(&masks(&grams, level, text), &want, "{:?}", level);
            prop_assert_eq!(&masks(&grams, level, guarded.place(text)), &want, "{:?}", level);
        }
    }

    #[test]
    fn masks_say_what_they_mean(text in bytes()) {
        let grams = grams(&[b"secr", b"key"]);
        let masks = masks(&grams, best(), &text);
        let bit = |pick: fn(&Masks) -> u64, place: usize| {
            pick(&masks[place / BLOCK_BYTES]) >> (place % BLOCK_BYTES) & 1 == 1
        };
        for (place, byte) in text.iter().enumerate() {
            let joint = b"+-/~".contains(byte);
            prop_assert_eq!(bit(|m| m.joint, place), joint);
            prop_assert_eq!(bit(|m| m.digit, place), byte.is_ascii_digit());
            let word = byte.is_ascii_alphanumeric() || *byte == b'_';
            prop_assert_eq!(bit(|m| m.run, place), word || joint);
            let rest = &text[place..];
            if rest.starts_with(b"secr") || rest.starts_with(b"key") {
                prop_assert!(bit(|m| m.gram, place), "at {}", place);
            }
        }
        let behind = masks.iter().skip(text.len().div_ceil(BLOCK_BYTES));
        prop_assert!(behind.clone().all(|masks| *masks == Masks::default()));
    }
}

#[test]
fn every_length_up_to_the_guard_is_read_and_nothing_behind() {
    let grams = grams(&[b"aaaa"]);
    let text = [b'a'; 3 * BLOCK_BYTES];
    let mut guarded = Guarded::new(1);
    for length in 0..=text.len() {
        let text = guarded.place(&text[..length]);
        for level in levels() {
            let runs: u32 = masks(&grams, level, text).iter().map(|m| m.run.count_ones()).sum();
            assert_eq!(runs as usize, length, "{level:?}");
        }
    }
}

/// Every byte in every place, so that no table has a wrong cell.
#[test]
fn every_byte_is_classed_alike() {
    let grams = Grams::NONE;
    let text: Vec<u8> = (0..=u8::MAX).collect();
    let want = masks(&grams, Level::Scalar, &text);
    for level in levels() {
        assert_eq!(masks(&grams, level, &text), want, "{level:?}");
    }
}

/// Blanks and brackets, to try classes by.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0_u8;
    while byte < u8::MAX {
        kinds[byte as usize] = match byte {
            0..=b' ' | b'"' | 0x7f => 1,
            b'(' | b')' | b'[' | b']' | b'{' | b'}' => 2,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

const CLASSES_TRIED: Classes = Classes::of(&KINDS, [1, 2]);

proptest! {
    #[test]
    fn classes_agree_with_what_they_are_made_of(text in bytes()) {
        let blocks = text.len() / BLOCK_BYTES + 2;
        let mut want = vec![[0_u64; 2]; blocks];
        let padded = text.iter().chain(std::iter::repeat(&0)).take(blocks * BLOCK_BYTES);
        for (place, byte) in padded.enumerate() {
            for (class, kind) in [1, 2].into_iter().enumerate() {
                let is_in = KINDS[usize::from(*byte)] & kind != 0;
                want[place / BLOCK_BYTES][class] |= u64::from(is_in) << (place % BLOCK_BYTES);
            }
        }
        let mut guarded = Guarded::new(1);
        let text = guarded.place(&text);
        for level in levels() {
            let mut masks = vec![[0; 2]; blocks];
            CLASSES_TRIED.at_level(level, text, &mut masks);
            prop_assert_eq!(&masks, &want, "{:?}", level);
        }
    }
}
