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
use super::plan::{LONG_RUN_BYTES, Place, Want};
use super::runs::{Carry, Runs};
use super::sift::{CHUNK_BYTES, Places};
use super::simd::{BLOCK_BYTES, BLOCKS, GRAM_BYTES, Look, Masks, Work};
use super::tail::{LOOK_BYTES_MAX, Tail};

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
    near_look: Look,
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

    /// Returns the most bytes that a start is named for: a string and the look of its tail, or a
    /// string and a run soon behind it, with the byte before.
    pub(super) fn sign_bytes(&self) -> usize {
        let longest = self.strings.iter().map(|sought| sought.text.len()).max().unwrap_or(0);
        1 + longest.max(LOOK_BYTES_MAX).max(self.back_bytes_max + LONG_RUN_BYTES)
    }

    /// Counts the places where a gram may begin, and nothing more.
    pub(super) fn look(&self, text: &[u8]) -> usize {
        let mut masks = [Masks::default(); BLOCKS];
        let mut places = 0;
        for part in text.chunks(CHUNK_BYTES) {
            self.look.at(part, &mut masks);
            places += masks.iter().map(|masks| masks.gram.count_ones() as usize).sum::<usize>();
        }
        places
    }

    /// Lists where matches may begin, in the order of rules and places, neighbours joined.
    pub(super) fn starts(&self, text: &[u8]) -> Vec<Starts> {
        let mut search = Search { finder: self, text, starts: Vec::new(), near: None };
        self.look.enabled(&mut search);
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

impl Work for &mut Search<'_> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    fn run(self) {
        let places = &mut Places::default();
        let mut masks = [Masks::default(); BLOCKS + 1];
        let (mut carry, mut at) = (Carry::default(), 0);
        while let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) {
            let blocks = rest.len().div_ceil(BLOCK_BYTES).min(BLOCKS);
            self.finder.look.at(rest, masks.get_mut(..=blocks).unwrap_or_default());
            places.fill(masks.iter().take(blocks).map(|masks| masks.gram));
            self.look_up_all(&self.finder.anywhere, at, places);
            self.runs(at, masks.get(..=blocks).unwrap_or_default(), &mut carry, places);
            at += CHUNK_BYTES;
        }
        self.search_near(places);
    }
}

impl Search<'_> {
    /// Looks up the words that begin long runs in a chunk at `at`, and searches near runs. The last
    /// of `masks` is only looked ahead at.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    fn runs(&mut self, at: usize, masks: &[Masks], carry: &mut Carry, places: &mut Places) {
        let runs = Runs::of(masks, carry);
        places.fill(runs.words.iter().copied());
        self.look_up_all(&self.finder.words, at, places);
        let draws = runs.draws.iter().enumerate();
        let drawing = draws.fold(0, |all, (block, draws)| all | u64::from(*draws != 0) << block);
        each_bit(drawing, |block| {
            let draws = runs.draws.get(block).copied().unwrap_or_default();
            self.draw(at + block * BLOCK_BYTES, draws, places);
        });
    }

    /// Looks up the strings of `index` at those of `places`, which count from `at`, that it lets by.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for what the caller's processor has")]
    fn look_up_all(&mut self, index: &Index, at: usize, places: &mut Places) {
        let rest = self.text.get(at..).unwrap_or_default();
        places.sift(rest, index);
        for offset in places.iter() {
            self.look_up(index, word_at(rest, offset), at + offset);
        }
    }

    fn look_up(&mut self, index: &Index, word: u32, at: usize) {
        index.open(word, |link| {
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

    /// Widens the text near runs by the bytes of a block that draw a search: where long runs go on,
    /// and digits of others.
    fn draw(&mut self, at: usize, draws: u64, places: &mut Places) {
        // A run that is not long begins within its length before a digit of it.
        let first = (at + draws.trailing_zeros() as usize).saturating_sub(LONG_RUN_BYTES);
        let from = first.saturating_sub(self.finder.back_bytes_max);
        let to = at + (u64::BITS - draws.leading_zeros()) as usize + LONG_RUN_BYTES;
        match &mut self.near {
            Some((_, end)) if from <= *end => *end = to,
            _ => {
                self.search_near(places);
                self.near = Some((from, to));
            }
        }
    }

    /// Looks for strings that begin in the text near runs.
    fn search_near(&mut self, places: &mut Places) {
        let Some((from, to)) = self.near.take() else { return };
        let (finder, to) = (self.finder, (to + self.finder.near_bytes_max).min(self.text.len()));
        let mut masks = [Masks::default(); BLOCKS];
        for at in (from..to).step_by(CHUNK_BYTES) {
            let blocks = (to - at).div_ceil(BLOCK_BYTES).min(BLOCKS);
            let masks = masks.get_mut(..blocks).unwrap_or_default();
            finder.near_look.at(self.text.get(at..).unwrap_or_default(), masks);
            places.fill(masks.iter().map(|masks| masks.gram));
            self.look_up_all(&finder.near, at, places);
        }
    }
}

/// Calls `visit` with the place of each bit.
#[inline]
fn each_bit(mut bits: u64, mut visit: impl FnMut(usize)) {
    while bits != 0 {
        visit(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
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
        let (look, anywhere) = by_grams(&of(Place::Anywhere));
        let near = of(Place::Near);
        let near_bytes_max = near.iter().map(|(_, text)| text.len()).max().unwrap_or(0);
        let (near_look, near) = by_grams(&near);
        let first = |(string, text): &(usize, &'_ [u8])| {
            let gram = text.get(..text.len().min(GRAM_BYTES))?;
            Some((gram.to_vec(), Link::new(*string, text, 0)))
        };
        let words: Vec<(Vec<u8>, Link)> = of(Place::Word).iter().filter_map(first).collect();
        Finder {
            look,
            anywhere,
            back_bytes_max: self.back_bytes_max,
            near_bytes_max,
            near_look,
            near,
            words: Index::new(words.iter().map(|(gram, link)| (gram.as_slice(), *link))),
            tails: self.tails,
            strings,
        }
    }
}

/// Chooses the grams that strings are looked for by.
fn by_grams(strings: &[(usize, &[u8])]) -> (Look, Index) {
    let texts: Vec<&[u8]> = strings.iter().map(|(_, text)| *text).collect();
    let chosen = grams::choose(&texts);
    let links = strings.iter().filter_map(|(string, text)| {
        let gram = grams::of(text).find(|gram| chosen.contains(gram.bytes))?;
        Some((gram.bytes, Link::new(*string, text, gram.offset)))
    });
    let index = Index::new(links);
    (Look::new(grams::pack(&chosen)), index)
}
