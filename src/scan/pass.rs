//! One pass of all rules over a text, as much of it as is at hand.
//!
//! Each rule that may find something walks the text by itself. It stands at a place before which it
//! is done, jumps to the next of its [`Starts`], and looks for the leftmost match that begins within
//! a span:
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
use super::finder::Starts;
use super::overlap::Overlap;
use regex_automata::Anchored;

/// How often within one span a rule may meet a match that is longer than the span and has no
/// shorter form. Each costs a search of one byte's progress; after so many, the rule skips the
/// rest of the span and says so in [`Effort::gave_up`].
const OVERRUNS_MAX: u32 = 16;

/// How many starts are tried one by one; a search for the leftmost match pays for more.
const STARTS_ONE_BY_ONE: usize = 2;

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
    /// Stretches in which a match might have begun. Without any the text holds no match of any
    /// rule, nor of what its patterns match before validators speak.
    pub stretches: u64,
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
    /// By the rule's number; empty until a rule takes a step.
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
pub(super) struct Stretch<'t> {
    pub(super) text: &'t [u8],
    /// Where it begins in the whole text.
    pub(super) base: u64,
    /// Whether the whole text ends with it.
    pub(super) last: bool,
}

impl Stretch<'_> {
    fn end(&self) -> u64 {
        self.base + self.text.len() as u64
    }
}

impl Pass {
    pub(super) fn new(now_s: u64) -> Self {
        Self { walks: Vec::new(), overlap: Overlap::default(), effort: Effort::default(), now_s }
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
        self.run_from(engine, &engine.finder().starts(text), stretch, settled)
    }

    /// Does the same where `starts`, in the order of rules and places, are known.
    pub(super) fn run_from(
        &mut self,
        engine: &Engine,
        starts: &[Starts],
        stretch: Stretch<'_>,
        settled: &mut dyn FnMut(Candidate),
    ) -> u64 {
        let mut open = stretch.end().saturating_sub(engine.unseen_bytes() as u64);
        self.effort.stretches += starts.len() as u64;
        if !starts.is_empty() {
            self.walks.resize(engine.compiled().len(), Walk::default());
        }
        for starts in starts.chunk_by(|a, b| a.rule == b.rule) {
            open = open.min(self.walk(engine, starts, stretch));
        }
        if stretch.last {
            open = u64::MAX;
        }
        self.overlap.settle(open, settled);
        // One byte more, for look-behind such as `\b`.
        self.overlap.begin().map_or(open, |begin| begin.min(open)).saturating_sub(1)
    }

    /// Lets a rule walk as far as the text allows; returns the first place where it may yet find
    /// something that it has seen the start of.
    fn walk(&mut self, engine: &Engine, starts: &[Starts], stretch: Stretch<'_>) -> u64 {
        let number = starts.first().map_or(0, |starts| starts.rule);
        let Some((rule, walk)) = engine.compiled().get(number).zip(self.walks.get_mut(number))
        else {
            return u64::MAX;
        };
        if rule.regex().is_none() {
            self.effort.gave_up += 1;
            return u64::MAX;
        }
        let mut steps = Steps { rule, walk, effort: &mut self.effort, stretch };
        for starts in starts {
            while let Some(at) = steps.next_place(*starts) {
                if !steps.sees_enough(at) {
                    return steps.walk.at;
                }
                if let Some(place) = steps.step(at, *starts) {
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
        u64::MAX
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
    /// Moves to the first of `starts` that is not done; `None` when all are.
    fn next_place(&mut self, starts: Starts) -> Option<usize> {
        let at = usize::try_from(self.walk.at.saturating_sub(self.stretch.base)).ok()?;
        let at = at.max(starts.from);
        self.move_to(at);
        (at <= starts.to).then_some(at)
    }

    fn move_to(&mut self, at: usize) {
        self.walk.at = self.walk.at.max(self.stretch.base + at as u64);
    }

    fn sees_enough(&self, at: usize) -> bool {
        self.stretch.last || at + 2 * self.rule.span < self.stretch.text.len()
    }

    /// Searches from `at`, moves on, and returns the place of a match.
    fn step(&mut self, at: usize, starts: Starts) -> Option<std::ops::Range<usize>> {
        let found = if starts.to - at < STARTS_ONE_BY_ONE {
            self.try_one(at)
        } else {
            self.try_leftmost(at, starts)
        }?;
        self.move_to(found.end.max(found.start + 1));
        self.effort.judged += 1;
        Some(found)
    }

    /// Looks for a match that begins at `at`.
    fn try_one(&mut self, at: usize) -> Option<std::ops::Range<usize>> {
        let found = self.search(at..at + self.rule.span, Anchored::Yes);
        if found.is_none() {
            self.move_to(at + 1);
        }
        found
    }

    /// Looks for the leftmost match from `at` on.
    fn try_leftmost(&mut self, at: usize, starts: Starts) -> Option<std::ops::Range<usize>> {
        let span = self.rule.span;
        let last = (at + span).min(starts.to);
        let found = self.search(at..last + span + 1, Anchored::No);
        let Some(found) = found.filter(|found| found.start <= last) else {
            self.move_to(last + 1);
            return None;
        };
        if found.len() <= span {
            return Some(found);
        }
        let (start, end) = (found.start, found.start + span);
        let shorter = self.search(start..end, Anchored::Yes);
        if shorter.is_none() {
            self.overrun(start);
        }
        shorter
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
