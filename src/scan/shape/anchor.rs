//! Strings and runs that no match of a branch is without.

use std::rc::Rc;

use super::{Branch, ByteSet, Part, product};

/// A row of parts which, whatever they match, holds a keyword.
#[derive(Clone, Debug)]
pub(in crate::scan) struct Anchor {
    /// All that the row can be, folded.
    pub(in crate::scan) strings: Vec<Vec<u8>>,
    /// The first of its parts.
    pub(in crate::scan) first: usize,
    /// How far into the match it begins, at least and at most, in bytes.
    pub(in crate::scan) least: usize,
    pub(in crate::scan) most: Option<usize>,
}

/// A run of [`ByteSet::RUN`] that every match holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scan) struct Run {
    /// Its least length, in bytes.
    pub(in crate::scan) least: usize,
    /// Whether a digit is in it.
    pub(in crate::scan) digit: bool,
    /// How far behind the beginning of the anchor it begins, at most, in bytes: 0 where the anchor
    /// is in it.
    pub(in crate::scan) behind: Option<usize>,
}

/// Finds the anchor of fewest strings, and of these the first: every branch of a rule has one, or the rule's
/// keywords are not what they should be. `keywords` are folded.
pub(in crate::scan) fn anchor(branch: &Branch, keywords: &[Vec<u8>]) -> Option<Anchor> {
    let holds = |string: &Vec<u8>| {
        keywords.iter().any(|keyword| string.windows(keyword.len()).any(|part| part == keyword))
    };
    // What may be absent would only multiply the strings.
    let present = |first: &usize| branch.get(*first).is_some_and(|part| part.least > 0);
    let from = |first: usize| {
        let mut strings = vec![Vec::new()];
        for part in branch.get(first..)? {
            strings = product(&strings, part.strings.as_ref()?)?;
            if strings.iter().all(holds) {
                let before = branch.get(..first)?;
                let least = before.iter().map(|part| part.least).sum();
                return Some(Anchor { strings, first, least, most: most(before) });
            }
        }
        None
    };
    (0..branch.len()).filter(present).filter_map(from).min_by_key(|anchor| anchor.strings.len())
}

/// The most that a row of parts matches, in bytes.
fn most(parts: &[Rc<Part>]) -> Option<usize> {
    parts.iter().map(|part| part.most).sum()
}

/// The least length of the run that begins with part `first`, in bytes.
pub(in crate::scan) fn run_ahead(branch: &Branch, first: usize) -> usize {
    let parts = branch.iter().skip(first);
    parts.take_while(|part| is_run(part)).map(|part| part.least).sum()
}

fn is_run(part: &Part) -> bool {
    part.bytes.is_within(&ByteSet::RUN)
}

/// Finds the longest run of a branch that begins with, holds, or follows the anchor whose first part
/// is `first`. `mixed` says that a secret without a digit is refused.
pub(in crate::scan) fn run(branch: &Branch, first: usize, mixed: bool) -> Option<Run> {
    let mut at = 0;
    let mut best: Option<Run> = None;
    while let Some(rest) = branch.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().take_while(|part| is_run(part)).count();
        let parts = rest.get(..length).unwrap_or_default();
        if length > 0 && at + length > first {
            let run = Run {
                least: parts.iter().map(|part| part.least).sum(),
                digit: parts.iter().any(|part| is_digits(part))
                    || mixed && holds_secret(branch, at, length),
                behind: if at <= first { Some(0) } else { most(branch.get(first..at)?) },
            };
            best = best.filter(|best| best.least >= run.least).or(Some(run));
        }
        at += length.max(1);
    }
    best
}

fn is_digits(part: &Part) -> bool {
    part.least > 0 && part.bytes.is_within(&ByteSet::DIGIT)
}

/// Whether all that may be a digit of the secret lies within the `length` parts from `at`.
fn holds_secret(branch: &Branch, at: usize, length: usize) -> bool {
    let is_inside = |place: usize| (at..at + length).contains(&place);
    let has_no_digit = |part: &Part| part.bytes.is_disjoint(&ByteSet::DIGIT);
    let mut secret = branch.iter().enumerate().filter(|(_, part)| part.secret).peekable();
    secret.peek().is_some() && secret.all(|(place, part)| is_inside(place) || has_no_digit(part))
}
