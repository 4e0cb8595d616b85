//! The first look at every byte: where may matches of which rules begin?
//!
//! ```text
//! text ──► masks of 64 bytes ──┬─ gram ─────────────► strings ──┐
//!          (simd)              ├─ words of runs ─► strings ─────┼─► tail ──► starts of one rule
//!                              └─ long runs ─► text near ─► strings ┘
//! ```
//!
//! It may say too much and never too little: each match of a rule, if it is no longer than the
//! rule's span and the keywords of the rule are what they should be, begins within some [`Starts`].
//! What decides whether one is named lies within the match, or in the byte before it, so that a
//! text cut into pieces names the same.

use std::collections::BTreeMap;

use super::grams;
use super::literals::{Index, Link, word_at};
use super::plan::{LONG_RUN_BYTES, Place, WORD_RUN_BYTES, Want};
use super::simd::{BLOCK_BYTES, GRAM_BYTES, Look, Masks};
use super::tail::Tail;

/// Blocks whose masks are made at once: enough to hide the call, few enough to stay near.
const BLOCKS: usize = 32;

/// How many places [`Index::probe`] looks at.
const PROBED_BYTES: usize = 8;

/// Where matches of a rule may begin: `from..=to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Starts {
    /// The rule's number.
    pub(super) rule: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Finds where matches may begin.
pub(super) struct Finder {
    look: Look,
    anywhere: Index,
    near: Index,
    words: Index,
    strings: Vec<Sought>,
    tails: Vec<Tail>,
    /// How far before runs strings are sought, in bytes.
    back_bytes_max: usize,
    /// The longest string that is sought near runs, in bytes.
    near_bytes_max: usize,
}

/// A string that is sought in one kind of place.
struct Sought {
    text: Vec<u8>,
    uses: Vec<Use>,
}

/// What it means for a rule that a string was found and its tail admits the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    tail: usize,
    rule: usize,
    /// How far before the string the match begins, at least and at most.
    least: usize,
    most: usize,
}

impl Finder {
    /// Prepares to look for what each rule wants; rules are known by their places.
    pub(super) fn new(plans: Vec<Vec<Want>>) -> Self {
        let mut gathered = Gathered::default();
        for (number, wants) in plans.into_iter().enumerate() {
            for want in wants {
                gathered.add(number, want);
            }
        }
        gathered.finish()
    }

    /// Counts the places where a gram may begin, and nothing more.
    pub(super) fn look(&self, text: &[u8]) -> usize {
        let mut masks = [Masks::default(); BLOCKS];
        let mut places = 0;
        for part in text.chunks(BLOCKS * BLOCK_BYTES) {
            self.look.at(part, &mut masks);
            places += masks.iter().map(|masks| masks.gram.count_ones() as usize).sum::<usize>();
        }
        places
    }

    /// Lists where matches may begin, in the order of rules and places, neighbours joined.
    pub(super) fn starts(&self, text: &[u8]) -> Vec<Starts> {
        let mut search = Search { finder: self, text, starts: Vec::new(), near: None };
        search.run();
        joined(search.starts)
    }
}

/// Sorts, and joins what overlaps or touches.
pub(super) fn joined(mut starts: Vec<Starts>) -> Vec<Starts> {
    starts.sort_unstable();
    starts.dedup_by(|next, kept| {
        let joins = next.rule == kept.rule && next.from <= kept.to.saturating_add(1);
        if joins {
            kept.to = kept.to.max(next.to);
        }
        joins
    });
    starts
}

/// One text's search.
struct Search<'s> {
    finder: &'s Finder,
    text: &'s [u8],
    starts: Vec<Starts>,
    /// Text near runs that is yet to be searched: `from..to`.
    near: Option<(usize, usize)>,
}

/// What of the block before a block's masks depend on.
#[derive(Clone, Copy, Default)]
struct Carry {
    /// Whether its last byte is of a word.
    word: bool,
    /// Where runs of [`WORD_RUN_BYTES`] went on from.
    runs: u64,
}

impl Search<'_> {
    fn run(&mut self) {
        let mut masks = [Masks::default(); BLOCKS + 1];
        let mut carry = Carry::default();
        let mut at = 0;
        while let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) {
            let blocks = rest.len().div_ceil(BLOCK_BYTES).min(BLOCKS);
            // The last one is only looked ahead at, and seen again as the first of the next round.
            let seen = masks.get_mut(..=blocks).unwrap_or_default();
            self.finder.look.at(rest, seen);
            let mut pairs = masks.iter().zip(masks.iter().skip(1)).take(blocks);
            pairs.by_ref().for_each(|(block, next)| {
                self.block(at, block, next, &mut carry);
                at += BLOCK_BYTES;
            });
        }
        self.search_near();
    }

    #[inline]
    fn block(&mut self, at: usize, block: &Masks, next: &Masks, carry: &mut Carry) {
        each_bit(block.gram, |bit| self.gram(at + bit));
        let (ahead, long) = runs(block.run, next.run);
        let words = block.run & !block.joint;
        if ahead | carry.runs != 0 {
            let begins = words & !(words << 1 | u64::from(carry.word));
            each_bit(ahead & begins, |bit| self.word(at + bit));
            let digits = block.digit & behind(carry.runs, ahead);
            if long | digits != 0 {
                self.draw(at, long, digits);
            }
        }
        *carry = Carry { word: words >> (BLOCK_BYTES - 1) == 1, runs: ahead };
    }

    fn gram(&mut self, at: usize) {
        self.look_up(&self.finder.anywhere, word_at(self.text, at), at);
    }

    fn word(&mut self, at: usize) {
        self.look_up(&self.finder.words, word_at(self.text, at), at);
    }

    #[inline]
    fn look_up(&mut self, index: &Index, word: u32, at: usize) {
        index.each(word, |link| {
            let place = at.checked_sub(link.offset);
            let rest = place.and_then(|place| self.text.get(place..));
            if let Some((at, rest)) = place.zip(rest).filter(|(_, rest)| link.may_begin(rest)) {
                self.check(link.string, at, rest);
            }
        });
    }

    /// Compares a string with the text from `at` on, and asks its tails.
    fn check(&mut self, string: usize, at: usize, rest: &[u8]) {
        let Some(sought) = self.finder.strings.get(string) else { return };
        let found = rest.get(..sought.text.len());
        if !found.is_some_and(|found| found.eq_ignore_ascii_case(&sought.text)) {
            return;
        }
        let mut asked = None;
        for used in &sought.uses {
            let admits = match asked {
                Some((tail, admits)) if tail == used.tail => admits,
                _ => self.finder.tails.get(used.tail).is_none_or(|tail| tail.admits(rest)),
            };
            asked = Some((used.tail, admits));
            if admits && at >= used.least {
                let (from, to) = (at.saturating_sub(used.most), at - used.least);
                self.starts.push(Starts { rule: used.rule, from, to });
            }
        }
    }

    /// Widens the text near runs by the runs of a block: where long ones go on, and where digits
    /// of others stand.
    fn draw(&mut self, at: usize, long: u64, digits: u64) {
        // A run that is not long begins within its length before a digit of it.
        let of_digits = (at + digits.trailing_zeros() as usize).saturating_sub(LONG_RUN_BYTES);
        let first = of_digits.min(at + long.trailing_zeros() as usize);
        let from = first.saturating_sub(self.finder.back_bytes_max);
        let last = (u64::BITS - 1 - (long | digits).leading_zeros()) as usize;
        let to = at + last + LONG_RUN_BYTES;
        match &mut self.near {
            Some((_, end)) if from <= *end => *end = to,
            _ => {
                self.search_near();
                self.near = Some((from, to));
            }
        }
    }

    /// Looks for strings that begin in the text near runs.
    fn search_near(&mut self) {
        let Some((from, to)) = self.near.take() else { return };
        let finder = self.finder;
        let to = (to + finder.near_bytes_max).min(self.text.len());
        for at in (from..to).step_by(PROBED_BYTES) {
            let rest = self.text.get(at..).unwrap_or_default();
            let bytes =
                rest.first_chunk().map_or_else(|| last_bytes(rest), |b| u128::from_le_bytes(*b));
            each_bit(u64::from(finder.near.probe(bytes)), |bit| {
                self.look_up(&finder.near, word_at(self.text, at + bit), at + bit);
            });
        }
    }
}

/// The bytes of a text that ends, and zeros behind.
#[cold]
fn last_bytes(rest: &[u8]) -> u128 {
    rest.iter().take(16).rev().fold(0, |bytes, byte| bytes << 8 | u128::from(*byte))
}

/// Calls `visit` with the place of each bit.
#[inline]
fn each_bit(mut bits: u64, mut visit: impl FnMut(usize)) {
    while bits != 0 {
        visit(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// Where a run goes on for [`WORD_RUN_BYTES`], and where for [`LONG_RUN_BYTES`].
#[inline]
fn runs(block: u64, next: u64) -> (u64, u64) {
    const { assert!(WORD_RUN_BYTES == 16 && LONG_RUN_BYTES == 32) };
    let two = u128::from(block) | u128::from(next) << 64;
    let two = two & two >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    let words = eight & eight >> 8;
    let long = words & words >> 16;
    (low(words), low(long))
}

/// The bytes of the runs of [`WORD_RUN_BYTES`] that go on from `ahead`, or from `before` in the
/// block before.
#[inline]
fn behind(before: u64, ahead: u64) -> u64 {
    let one = u128::from(before) | u128::from(ahead) << 64;
    let two = one | one << 1;
    let four = two | two << 2;
    let eight = four | four << 4;
    low((eight | eight << 8) >> 64)
}

#[expect(clippy::cast_possible_truncation, reason = "the upper half is another block's")]
fn low(bits: u128) -> u64 {
    bits as u64
}

/// What all rules want, gathered by place and string.
#[derive(Default)]
struct Gathered {
    strings: BTreeMap<(Place, Vec<u8>), Vec<Use>>,
    tails: Vec<Tail>,
    tail_names: BTreeMap<String, usize>,
    back_bytes_max: usize,
}

impl Gathered {
    fn add(&mut self, rule: usize, want: Want) {
        let Want { place, back_bytes, strings, tail, least, most } = want;
        self.back_bytes_max = self.back_bytes_max.max(back_bytes);
        let name = tail.name();
        let tail = *self.tail_names.entry(name).or_insert_with(|| {
            self.tails.push(tail);
            self.tails.len() - 1
        });
        for string in strings {
            self.strings.entry((place, string)).or_default().push(Use { tail, rule, least, most });
        }
    }

    fn finish(self) -> Finder {
        let mut strings = Vec::with_capacity(self.strings.len());
        let mut by_place = BTreeMap::<Place, Vec<usize>>::new();
        for ((place, text), mut uses) in self.strings {
            uses.sort_unstable();
            uses.dedup();
            by_place.entry(place).or_default().push(strings.len());
            strings.push(Sought { text, uses });
        }
        let of = |place| {
            let numbers = by_place.get(&place).map(Vec::as_slice).unwrap_or_default();
            let sought = |number: &usize| Some((*number, strings.get(*number)?.text.as_slice()));
            numbers.iter().filter_map(sought).collect::<Vec<_>>()
        };
        let (look, anywhere) = anywhere(&of(Place::Anywhere));
        let near = of(Place::Near);
        let finder_near = Index::new(near.iter().filter_map(|(string, text)| {
            let gram = grams::rarest(text)?;
            Some((gram.bytes, Link::new(*string, text, gram.offset)))
        }));
        let first = |(string, text): &(usize, &'_ [u8])| {
            let gram = text.get(..text.len().min(GRAM_BYTES))?;
            Some((gram.to_vec(), Link::new(*string, text, 0)))
        };
        let words: Vec<(Vec<u8>, Link)> = of(Place::Word).iter().filter_map(first).collect();
        Finder {
            look,
            anywhere,
            back_bytes_max: self.back_bytes_max,
            near_bytes_max: near.iter().map(|(_, text)| text.len()).max().unwrap_or(0),
            near: finder_near,
            words: Index::new(words.iter().map(|(gram, link)| (gram.as_slice(), *link))),
            tails: self.tails,
            strings,
        }
    }
}

/// Chooses the grams that are looked for at every byte.
fn anywhere(strings: &[(usize, &[u8])]) -> (Look, Index) {
    let texts: Vec<&[u8]> = strings.iter().map(|(_, text)| *text).collect();
    let chosen = grams::choose(&texts);
    let links = strings.iter().filter_map(|(string, text)| {
        let gram = grams::of(text).find(|gram| chosen.contains(gram.bytes))?;
        Some((gram.bytes, Link::new(*string, text, gram.offset)))
    });
    let index = Index::new(links);
    (Look::new(grams::pack(&chosen)), index)
}
