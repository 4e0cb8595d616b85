//! Strings by the bytes they begin with, or have in their middle: one look-up for any number of
//! strings.

use super::simd::GRAM_BYTES;

/// Bits of the first, small answer to "is there any?": a table of 8 KiB stays near the processor.
const FILTER_BITS: u32 = 16;

/// Bits of the number of a drawer: few enough to stay near, enough to hold little each.
const DRAWER_BITS: u32 = 11;

const FILTER_WORDS: usize = (1 << FILTER_BITS) / u64::BITS as usize;

/// Four bytes of text, case folded, as a number.
pub(super) type Word = u32;

/// A string that has a gram, and where in it the gram stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub(super) string: usize,
    pub(super) offset: usize,
    /// The first four bytes of the string, or three: few texts that share its gram share them.
    head: Word,
    mask: Word,
}

impl Link {
    pub(super) fn new(string: usize, text: &[u8], offset: usize) -> Self {
        let mask = if text.len() < GRAM_BYTES { Word::MAX >> 8 } else { Word::MAX };
        Self { string, offset, head: word_at(text, 0) & mask, mask }
    }

    /// Whether `text` may begin with the string.
    #[inline]
    pub(super) fn may_begin(&self, text: &[u8]) -> bool {
        word_at(text, 0) & self.mask == self.head
    }
}

/// Finds strings by a gram of theirs.
pub(super) struct Index {
    four: Table,
    three: Table,
}

impl Index {
    /// Builds the index of grams of three or four bytes, folded, and what has them.
    pub(super) fn new<'g>(grams: impl IntoIterator<Item = (&'g [u8], Link)>) -> Self {
        let (mut four, mut three) = (Vec::new(), Vec::new());
        for (gram, link) in grams {
            let word = word_at(gram, 0);
            if gram.len() < GRAM_BYTES {
                three.push((word & THREE, link));
            } else {
                four.push((word, link));
            }
        }
        Self { four: Table::new(four), three: Table::new(three) }
    }

    /// Calls `visit` for all that has the gram `word`, or the first three bytes of it.
    pub(super) fn open(&self, word: Word, mut visit: impl FnMut(Link)) {
        self.four.links_of(word).for_each(&mut visit);
        self.three.links_of(word & THREE).for_each(visit);
    }

    /// Whether anything may have the gram `word`. A no is sure.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    pub(super) fn may_have(&self, word: Word) -> bool {
        self.four.may_have(word) | self.three.may_have(word & THREE)
    }
}

/// The first three bytes of four.
const THREE: Word = Word::MAX >> 8;

/// What has grams of one length.
struct Table {
    filter: Box<[u64; FILTER_WORDS]>,
    /// Sorted by the drawer of the gram, and the gram.
    links: Vec<(Word, Link)>,
    /// Where each drawer begins, and the last one ends.
    drawers: Vec<usize>,
}

impl Table {
    fn new(mut links: Vec<(Word, Link)>) -> Self {
        links.sort_unstable_by_key(|(word, link)| (drawer(*word), *word, *link));
        links.dedup();
        let mut filter = Box::new([0; FILTER_WORDS]);
        for (word, _) in &links {
            if let Some(bits) = filter.get_mut(slot(*word) / 64) {
                *bits |= 1 << (slot(*word) % 64);
            }
        }
        let begin = |number| links.partition_point(|(word, _)| drawer(*word) < number);
        let drawers = (0..=1 << DRAWER_BITS).map(begin).collect();
        Self { filter, links, drawers }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    fn may_have(&self, word: Word) -> bool {
        self.filter.get(slot(word) / 64).is_some_and(|bits| bits >> (slot(word) % 64) & 1 == 1)
    }

    fn links_of(&self, word: Word) -> impl Iterator<Item = Link> {
        let edges = self.drawers.get(drawer(word)..).and_then(<[usize]>::first_chunk);
        let links = edges.and_then(|[begin, end]| self.links.get(*begin..*end));
        let links = links.unwrap_or_default().iter();
        links.filter(move |(other, _)| *other == word).map(|(_, link)| *link)
    }
}

/// The drawer of a gram: neighbours in the filter share one.
fn drawer(word: Word) -> usize {
    slot(word) >> (FILTER_BITS - DRAWER_BITS)
}

fn slot(word: Word) -> usize {
    (word.wrapping_mul(0x9E37_79B1) >> (u32::BITS - FILTER_BITS)) as usize
}

/// Reads the four bytes at `at`, folded; what lies behind the text is zero.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
pub(super) fn word_at(text: &[u8], at: usize) -> Word {
    let rest = text.get(at..).unwrap_or_default();
    if let Some(bytes) = rest.first_chunk() {
        return fold(u32::from_le_bytes(*bytes));
    }
    let byte = |place: usize| rest.get(place).copied().unwrap_or(0);
    fold(u32::from_le_bytes([byte(0), byte(1), byte(2), 0]))
}

/// Folds letters to lower case, and with them the six bytes between the cases: what it says is
/// checked by a comparison.
#[inline]
pub(super) fn fold(word: Word) -> Word {
    word | (word & 0x4040_4040) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_of_three_and_four_bytes_are_found_in_any_case() {
        #[track_caller]
        fn check(text: &str, want: &[usize]) {
            let strings: [&[u8]; 3] = [b"pwd", b"toke", b"pwd="];
            let link = |(number, string)| (string, Link::new(number, string, 0));
            let grams = strings.into_iter().enumerate().map(link);
            let mut found = Vec::new();
            Index::new(grams).open(word_at(text.as_bytes(), 0), |link| found.push(link.string));
            found.sort_unstable();
            assert_eq!(found, want, "{text}");
        }
        check("pwd", &[0]);
        check("pwdx", &[0]);
        check("PWD=", &[0, 2]);
        check("ToKens", &[1]);
        check("tok", &[]);
        check("", &[]);
    }
}
