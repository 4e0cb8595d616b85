//! Which four bytes of a string to look for, and in which bucket.
//!
//! The rarer the gram the fewer false alarms, and the fewer grams the sharper the buckets: strings
//! that share a gram are covered by one. How rare a byte is in source text is guessed from its place
//! in [`COMMON`]; a wrong guess costs time and no finding.

use std::collections::{BTreeMap, BTreeSet};

use super::simd::{GRAM_BYTES, Grams};

/// The buckets of [`Grams`].
const BUCKETS: u8 = 8;

/// Bytes of source text, folded, the most common first.
const COMMON: &[u8] = b" etrnaoisclduptmfg_.h\nb,()v;:yx0k1w=*\"2>/-&'{}3845<67z9jq![]#|@\\$+%?~^`";

/// What a further gram costs by filling the buckets, as a chance of a false alarm at a byte.
const COST_OF_GRAM: f64 = 1e-4;

/// A gram of a string: its bytes, folded, and where in the string it stands.
pub(super) struct Gram<'s> {
    pub(super) bytes: &'s [u8],
    pub(super) offset: usize,
}

/// The shortest gram, in bytes: there are strings that have no more.
const GRAM_BYTES_MIN: usize = 3;

/// Lists the grams of a string.
pub(super) fn of(string: &[u8]) -> impl Iterator<Item = Gram<'_>> {
    (GRAM_BYTES_MIN..=GRAM_BYTES).rev().flat_map(|length| {
        string.windows(length).enumerate().map(|(offset, bytes)| Gram { bytes, offset })
    })
}

/// Chooses the rarest gram of a string.
pub(super) fn rarest(string: &[u8]) -> Option<Gram<'_>> {
    of(string).min_by(|a, b| chance(a.bytes).total_cmp(&chance(b.bytes)))
}

/// Chooses grams such that each of `strings` has one, as few and as rare as it goes.
pub(super) fn choose(strings: &[&[u8]]) -> BTreeSet<Vec<u8>> {
    let mut chosen = BTreeSet::new();
    let mut open: Vec<&[u8]> = strings.to_vec();
    // Where a string has but one, others may share it.
    let single = |string: &&&[u8]| string.len() == GRAM_BYTES_MIN;
    let first: Vec<Vec<u8>> = open.iter().filter(single).map(|string| string.to_vec()).collect();
    let mut wanted = first.into_iter();
    while let Some(gram) = wanted.next().or_else(|| best(&open)) {
        open.retain(|string| !of(string).any(|other| other.bytes == gram));
        chosen.insert(gram);
    }
    chosen
}

/// The gram that costs least for each of the strings that have it.
fn best(open: &[&[u8]]) -> Option<Vec<u8>> {
    let mut count = BTreeMap::<&[u8], u32>::new();
    for string in open {
        let grams: BTreeSet<&[u8]> = string.windows(GRAM_BYTES).collect();
        for gram in grams {
            *count.entry(gram).or_default() += 1;
        }
    }
    let price = |gram: &[u8], count: u32| (chance(gram) + COST_OF_GRAM) / f64::from(count);
    count
        .into_iter()
        .min_by(|a, b| price(a.0, a.1).total_cmp(&price(b.0, b.1)))
        .map(|(gram, _)| gram.to_vec())
}

/// How likely the gram stands at a byte of source text, by guess.
fn chance(gram: &[u8]) -> f64 {
    let by_bytes: f64 = gram.iter().map(|byte| chance_of(*byte)).product();
    if FREQUENT.contains(&gram) { by_bytes.max(CHANCE_OF_FREQUENT) } else { by_bytes }
}

/// Parts of words that source text is full of.
const FREQUENT: &[&[u8]] = &[
    b"acce", b"assi", b"atio", b"auth", b"cces", b"cess", b"chin", b"conf", b"dent", b"enti",
    b"fide", b"hine", b"http", b"iden", b"inte", b"kind", b"logi", b"mach", b"ment", b"oken",
    b"part", b"pass", b"priv", b"ring", b"sess", b"ssio", b"stat", b"stor", b"tion", b"toke",
    b"tps:", b"ttps", b"type", b"ver.", b"word",
];

/// The chance of such a part: one in some thousand bytes.
const CHANCE_OF_FREQUENT: f64 = 1e-4;

#[expect(clippy::cast_precision_loss, reason = "places of a short list")]
fn chance_of(byte: u8) -> f64 {
    let place = COMMON.iter().position(|other| *other == byte).unwrap_or(2 * COMMON.len());
    1.0 / (12.0 + (place * place) as f64 / 2.0)
}

/// How often grams are packed anew, each time with all others in place.
const PACK_ROUNDS: usize = 8;

/// Packs grams into buckets, so that the bytes of each stay few.
pub(super) fn pack(grams: &BTreeSet<Vec<u8>>) -> Grams {
    let mut buckets: Vec<BTreeSet<&[u8]>> = vec![BTreeSet::new(); usize::from(BUCKETS)];
    for _ in 0..PACK_ROUNDS {
        for gram in grams {
            let gram = gram.as_slice();
            for members in &mut buckets {
                members.remove(gram);
            }
            let grown = |members: &BTreeSet<&[u8]>| {
                let bucket = Bucket::of(members);
                bucket.with(gram).chance() - bucket.chance()
            };
            if let Some(cheapest) = buckets.iter_mut().min_by(|a, b| grown(a).total_cmp(&grown(b)))
            {
                cheapest.insert(gram);
            }
        }
    }
    let mut packed = Grams::NONE;
    for (number, members) in (0..BUCKETS).zip(&buckets) {
        Bucket::of(members).fill(number, &mut packed);
    }
    packed
}

/// Which halves of bytes stand at each place of a bucket's grams, a bit each.
#[derive(Clone, Copy, Default)]
struct Bucket {
    places: [(u16, u16); GRAM_BYTES],
}

impl Bucket {
    fn of(members: &BTreeSet<&[u8]>) -> Self {
        members.iter().fold(Self::default(), |bucket, gram| bucket.with(gram))
    }

    fn with(&self, gram: &[u8]) -> Self {
        let mut bucket = *self;
        for (place, (low, high)) in bucket.places.iter_mut().enumerate() {
            let Some(byte) = gram.get(place) else {
                (*low, *high) = (u16::MAX, u16::MAX);
                continue;
            };
            for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                *low |= 1 << (byte & 15);
                *high |= 1 << (byte >> 4);
            }
        }
        bucket
    }

    /// How likely a byte of source text begins what the bucket lets by.
    fn chance(&self) -> f64 {
        let of_place = |&(low, high): &(u16, u16)| -> f64 {
            if low == u16::MAX && high == u16::MAX {
                return 1.0;
            }
            let is_in =
                |byte: &&u8| low >> (**byte & 15) & 1 == 1 && high >> (**byte >> 4) & 1 == 1;
            COMMON.iter().filter(is_in).map(|byte| chance_of(*byte)).sum()
        };
        self.places.iter().map(of_place).product()
    }

    fn fill(&self, number: u8, grams: &mut Grams) {
        for (place, (low, high)) in self.places.iter().enumerate() {
            for half in 0..16_u8 {
                if low >> half & 1 == 1 {
                    grams.allow_low(number, place, half);
                }
                if high >> half & 1 == 1 {
                    grams.allow_high(number, place, half);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_that_share_a_gram_are_covered_by_one() {
        let chosen = choose(&[b"client_secret", b"secret", b"pwd", b"://"]);
        assert_eq!(chosen.len(), 3, "{chosen:?}");
        assert!(chosen.contains(&b"pwd"[..]) && chosen.contains(&b"://"[..]));
    }

    #[test]
    fn the_rarest_gram_is_chosen() {
        assert_eq!(rarest(b"access_jq#z").unwrap().bytes, b"jq#z");
        assert_eq!(rarest(b"pwd").unwrap().bytes, b"pwd");
    }
}
