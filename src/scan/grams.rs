//! Which four bytes of a string to look for, and in which bucket.
//!
//! The rarer the gram the fewer false alarms, and the fewer grams the sharper the buckets: strings
//! that share a gram are covered by one. How rare a byte is in source text is guessed from its place
//! in [`COMMON`]; a wrong guess costs time and no finding.

use std::collections::{BTreeMap, BTreeSet};

use super::simd::{BUCKETS, GRAM_BYTES, Grams};

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
    let is_in = |row: &[u8]| row.as_chunks::<GRAM_BYTES>().0.iter().any(|other| other == gram);
    let counted = FREQUENT.iter().find(|(_, row)| is_in(row)).map(|(chance, _)| *chance);
    counted.unwrap_or(by_bytes)
}

/// Parts of words that source text is full of, by how often they stand there: counted in 12 MB of C, Rust,
/// Python and their documentation. What bytes alone tell would make them far too rare.
const FREQUENT: &[(f64, &[u8])] = &[
    (400e-6, b""),
    (150e-6, b"----consonsttiontype"),
    (50e-6, b"ableatiocharcodectiodatafileflaghttpionslassnodeopenptioringsionstatstritrin"),
];

/// How likely each byte stands in source text, letters in lower case.
static CHANCES: [f64; 256] = chances();

#[expect(clippy::indexing_slicing, reason = "a byte is under 256; const code has no get")]
const fn chances() -> [f64; 256] {
    let mut chances = [chance_at(2 * COMMON.len()); 256];
    let (mut rest, mut place) = (COMMON, 0);
    while let [byte, tail @ ..] = rest {
        chances[*byte as usize] = chance_at(place);
        (rest, place) = (tail, place + 1);
    }
    chances
}

#[expect(clippy::cast_precision_loss, reason = "places of a short list")]
const fn chance_at(place: usize) -> f64 {
    1.0 / (12.0 + (place * place) as f64 / 2.0)
}

fn chance_of(byte: u8) -> f64 {
    CHANCES.get(usize::from(byte)).copied().unwrap_or_default()
}

/// How often grams are packed anew, each time with all others in place.
const PACK_ROUNDS: usize = 4;

/// Packs grams into buckets, so that the bytes of each stay few.
pub(super) fn pack(grams: &BTreeSet<Vec<u8>>) -> Grams {
    let mut buckets = vec![Filled::default(); usize::from(BUCKETS)];
    for round in 0..PACK_ROUNDS {
        for gram in grams {
            if round > 0 {
                for bucket in &mut buckets {
                    bucket.remove(gram);
                }
            }
            let grown = |bucket: &Filled<'_>| bucket.bytes.with(gram).chance() - bucket.chance;
            let cheapest = buckets.iter_mut().map(|bucket| (grown(bucket), bucket));
            if let Some((_, bucket)) = cheapest.min_by(|a, b| a.0.total_cmp(&b.0)) {
                bucket.insert(gram);
            }
        }
    }
    let mut packed = Grams::NONE;
    for (number, bucket) in (0..BUCKETS).zip(&buckets) {
        bucket.bytes.fill(number, &mut packed);
    }
    packed
}

/// A bucket and what is in it.
#[derive(Clone, Default)]
struct Filled<'g> {
    members: Vec<&'g [u8]>,
    bytes: Bucket,
    chance: f64,
}

impl<'g> Filled<'g> {
    fn insert(&mut self, gram: &'g [u8]) {
        self.members.push(gram);
        self.bytes = self.bytes.with(gram);
        self.chance = self.bytes.chance();
    }

    fn remove(&mut self, gram: &[u8]) {
        if let Some(at) = self.members.iter().position(|member| *member == gram) {
            self.members.swap_remove(at);
            self.bytes =
                self.members.iter().fold(Bucket::default(), |bytes, member| bytes.with(member));
            self.chance = self.bytes.chance();
        }
    }
}

/// Which halves of bytes stand at each place of a bucket's grams, a bit each.
#[derive(Clone, Copy, Default)]
struct Bucket {
    places: [(u16, u16); GRAM_BYTES],
}

impl Bucket {
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
        let chosen = choose(&[b"access_jq#z", b"pwd"]);
        assert_eq!(chosen, BTreeSet::from([b"jq#z".to_vec(), b"pwd".to_vec()]));
    }
}
