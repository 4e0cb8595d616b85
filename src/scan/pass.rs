//! One pass of all rules over a text, as much of it as is at hand.
//!
//! Each rule walks the text by itself. It stands at a place before which it is done, jumps to where
//! the next keyword comes into reach, and looks for the leftmost match that begins within a span:
//!
//! ```text
//!          at          at+span        at+2·span
//! ─────────┼──────────────┼───────────────┼────────
//!          └ starts that count ┘          │
//!          └────── text that the regex sees ┘
//! ```
//!
//! By definition a match is never longer than the span of its rule, so what begins up to `at+span`
//! is decided by the text up to `at+2·span` and one byte of context. That makes every step a
//! function of the place and of text within reach: where a stream was cut into pieces cannot show
//! in the result, and the work is at most twice the text for each rule.

use super::engine::{Candidate, Compiled, Engine};
use super::overlap::Overlap;
use super::prefilter::Hits;
use regex_automata::Anchored;

/// How often within one span a rule may meet a match that is longer than the span and has no
/// shorter form. Each costs a search of one byte's progress; after so many, the rule skips the
/// rest of the span and says so in [`Effort::gave_up`].
const OVERRUNS_MAX: u32 = 16;

/// What a scan cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a scan that gave a stretch up did not scan everything"]
pub struct Effort {
    /// Bytes that regular expressions were given to search, each search counted.
    pub searched_bytes: u64,
    /// Matches of regular expressions that validators judged.
    pub judged: u64,
    /// Stretches, a rule's span each, that a rule gave up: the text was made to exhaust it. The
    /// text counts as not fully scanned.
    pub gave_up: u64,
}

impl Effort {
    /// Tells whether every rule saw all of the text.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self.gave_up == 0
    }
}

/// The state of a pass between two stretches of text.
pub(super) struct Pass {
    walks: Vec<Walk>,
    overlap: Overlap,
    effort: Effort,
    now_s: u64,
}

/// One rule's walk; places count from the start of the whole text.
#[derive(Clone, Copy, Default)]
struct Walk {
    /// No match begins before it any more.
    at: u64,
    overrun_from: u64,
    overruns: u32,
}

/// The text at hand.
#[derive(Clone, Copy)]
struct Stretch<'t> {
    text: &'t [u8],
    /// Where it begins in the whole text.
    base: u64,
    /// Whether the whole text ends with it.
    last: bool,
}

impl Pass {
    pub(super) fn new(engine: &Engine, now_s: u64) -> Self {
        Self {
            walks: vec![Walk::default(); engine.compiled().len()],
            overlap: Overlap::default(),
            effort: Effort::default(),
            now_s,
        }
    }

    pub(super) fn effort(&self) -> Effort {
        self.effort
    }

    /// Scans `text`, which begins at `base` of the whole, and settles what is settled.
    ///
    /// Returns the place from which on the text must be at hand in the next call.
    pub(super) fn run(
        &mut self,
        engine: &Engine,
        text: &[u8],
        base: u64,
        last: bool,
        settled: &mut dyn FnMut(Candidate),
    ) -> u64 {
        let stretch = Stretch { text, base, last };
        let mut open = u64::MAX;
        for (number, hits) in engine.prefilter().hits(text).iter().enumerate() {
            open = open.min(self.walk(engine, number, hits, stretch));
        }
        if last {
            open = u64::MAX;
        }
        self.overlap.settle(open, settled);
        // One byte more, for look-behind such as `\b`.
        self.overlap.begin().map_or(open, |begin| begin.min(open)).saturating_sub(1)
    }

    /// Lets rule `number` walk as far as the text allows; returns the first place where it may yet
    /// find something.
    fn walk(&mut self, engine: &Engine, number: usize, hits: &[Hits], stretch: Stretch<'_>) -> u64 {
        let Some((rule, walk)) = engine.compiled().get(number).zip(self.walks.get_mut(number))
        else {
            return u64::MAX;
        };
        let mut steps = Steps { rule, walk, effort: &mut self.effort, stretch };
        for hits in hits {
            while let Some(at) = steps.next_place(*hits) {
                if !steps.sees_enough(at) {
                    return steps.walk.at;
                }
                if let Some(place) = steps.step(at, *hits) {
                    self.overlap.extend(engine.judge(
                        number,
                        stretch.text,
                        stretch.base,
                        place,
                        self.now_s,
                    ));
                }
            }
        }
        // A keyword may yet begin in the last bytes, and a match a span before its end.
        let unseen = rule.span + engine.prefilter().keyword_bytes_max();
        let end = stretch.base + stretch.text.len() as u64;
        steps.walk.at.max(end.saturating_sub(unseen as u64))
    }
}

/// The steps of one rule over one stretch; places are offsets in the stretch.
struct Steps<'w> {
    rule: &'w Compiled,
    walk: &'w mut Walk,
    effort: &'w mut Effort,
    stretch: Stretch<'w>,
}

impl Steps<'_> {
    /// Moves to the first place from which one of `hits` is in reach; `None` when all are behind.
    fn next_place(&mut self, hits: Hits) -> Option<usize> {
        let at = usize::try_from(self.walk.at.saturating_sub(self.stretch.base)).ok()?;
        let at = at.max(hits.first.saturating_sub(self.rule.span));
        self.move_to(at);
        (at <= hits.last).then_some(at)
    }

    fn move_to(&mut self, at: usize) {
        self.walk.at = self.walk.at.max(self.stretch.base + at as u64);
    }

    fn sees_enough(&self, at: usize) -> bool {
        self.stretch.last || at + 2 * self.rule.span < self.stretch.text.len()
    }

    /// Searches from `at`, moves on, and returns the place of a match.
    fn step(&mut self, at: usize, hits: Hits) -> Option<std::ops::Range<usize>> {
        let span = self.rule.span;
        let limit = (at + 2 * span).min(hits.last + 1 + span);
        let found = self.search(at..limit, Anchored::No);
        let Some(found) = found.filter(|found| found.start <= (at + span).min(hits.last)) else {
            self.move_to(at + span + 1);
            return None;
        };
        let found = if found.len() <= span {
            found
        } else {
            let (start, end) = (found.start, found.start + span);
            let Some(shorter) = self.search(start..end, Anchored::Yes) else {
                self.overrun(start);
                return None;
            };
            shorter
        };
        self.move_to(found.end.max(found.start + 1));
        self.effort.judged += 1;
        Some(found)
    }

    fn search(
        &mut self,
        place: std::ops::Range<usize>,
        anchored: Anchored,
    ) -> Option<std::ops::Range<usize>> {
        let place = place.start..place.end.min(self.stretch.text.len());
        self.effort.searched_bytes += place.len() as u64;
        self.rule.find(self.stretch.text, place, anchored)
    }

    /// Steps behind a start whose only match is longer than the span.
    fn overrun(&mut self, start: usize) {
        let place = self.stretch.base + start as u64;
        if place > self.walk.overrun_from + self.rule.span as u64 {
            self.walk.overrun_from = place;
            self.walk.overruns = 0;
        }
        self.walk.overruns += 1;
        if self.walk.overruns <= OVERRUNS_MAX {
            self.move_to(start + 1);
        } else {
            self.effort.gave_up += 1;
            self.move_to(start + 1 + self.rule.span);
        }
    }
}
