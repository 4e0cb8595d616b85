//! Where to look for a rule: at the beginnings of words, near long runs, or everywhere.
//!
//! | place | what every match of the branch has | what it costs |
//! |---|---|---|
//! | [`Place::Word`] | an anchor that begins a word and a run of [`WORD_RUN_BYTES`] | a look-up where such words begin |
//! | [`Place::Near`] | a long run, or one with a digit, at or soon behind its anchor | a search of the text near such runs |
//! | [`Place::Anywhere`] | an anchor | a gram in the look at every byte |
//!
//! The first two cost the same for ten rules and a thousand. A rule whose keywords are not in all
//! of its matches is looked for by its keywords, as far around each as its span reaches.

use regex_syntax::hir::Hir;

use super::shape::{self, Anchor, Branch, ByteSet};
use super::tail::Tail;
use crate::rule::{Rule, Validator};

/// How long a run is at whose words tokens are looked up, in bytes.
pub(super) const WORD_RUN_BYTES: usize = 16;

/// How long a run is that draws a search although no digit is in it, in bytes.
pub(super) const LONG_RUN_BYTES: usize = 32;

/// How far before a run an anchor is searched for, in bytes; rules that need more are looked for
/// everywhere.
pub(super) const NEAR_BYTES_MAX: usize = 88;

/// The shortest string that is looked for by itself, in bytes.
const STRING_BYTES_MIN: usize = 3;

/// Where a rule's strings are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// At the beginning of words with a run of [`WORD_RUN_BYTES`] ahead.
    Word,
    /// Near a run of [`LONG_RUN_BYTES`], or of [`WORD_RUN_BYTES`] with a digit.
    Near,
    /// At every byte.
    Anywhere,
}

/// What is looked for, and where, on behalf of one branch of a rule.
pub(super) struct Want {
    pub(super) place: Place,
    /// How far before a run that draws a search the string begins, at most, in bytes.
    pub(super) back_bytes: usize,
    /// Strings one of which every match has, folded.
    pub(super) strings: Vec<Vec<u8>>,
    pub(super) tail: Tail,
    /// How far before such a string matches begin, at least and at most, in bytes.
    pub(super) least: usize,
    pub(super) most: usize,
}

/// Plans how to look for `rule`, whose pattern is parsed.
pub(super) fn plan(rule: &Rule, tree: &Hir) -> Vec<Want> {
    let keywords = folded(&rule.keywords);
    let wants = shape::branches(tree, rule.secret_group)
        .iter()
        .map(|branch| want(rule, branch, &keywords))
        .collect::<Option<Vec<Want>>>();
    wants.unwrap_or_else(|| vec![by_keyword(rule, keywords)])
}

/// Whether every match of the rule is sure to hold a keyword.
#[cfg(test)]
pub(super) fn is_anchored(rule: &Rule) -> bool {
    let keywords = folded(&rule.keywords);
    let tree = crate::rule::pattern::tree(&rule.pattern).expect("the loader parsed it");
    let branches = shape::branches(&tree, rule.secret_group);
    branches.iter().all(|branch| want(rule, branch, &keywords).is_some())
}

fn folded(keywords: &[String]) -> Vec<Vec<u8>> {
    keywords.iter().map(|keyword| keyword.to_ascii_lowercase().into_bytes()).collect()
}

fn by_keyword(rule: &Rule, keywords: Vec<Vec<u8>>) -> Want {
    Want {
        place: Place::Anywhere,
        back_bytes: 0,
        strings: keywords,
        tail: Tail::open(),
        least: 0,
        most: rule.span_bytes_max,
    }
}

fn want(rule: &Rule, branch: &Branch, keywords: &[Vec<u8>]) -> Option<Want> {
    let anchor = shape::anchor(branch, keywords)?;
    if anchor.strings.iter().any(|string| string.len() < STRING_BYTES_MIN) {
        return None;
    }
    let (place, back_bytes) = place(rule, branch, &anchor);
    Some(Want {
        place,
        back_bytes,
        tail: Tail::of(branch.get(anchor.first..)?),
        least: anchor.least.min(rule.span_bytes_max),
        // The anchor lies in the match, and no match is longer than the span.
        most: anchor.most.map_or(rule.span_bytes_max, |most| most.min(rule.span_bytes_max)),
        strings: anchor.strings,
    })
}

fn place(rule: &Rule, branch: &Branch, anchor: &Anchor) -> (Place, usize) {
    if begins_word(branch, anchor) && shape::run_ahead(branch, anchor.first) >= WORD_RUN_BYTES {
        return (Place::Word, 0);
    }
    let mixed = rule.validators.iter().any(demands_digit);
    let Some(run) = shape::run(branch, anchor.first, mixed) else {
        return (Place::Anywhere, 0);
    };
    let draws = run.least >= LONG_RUN_BYTES || run.least >= WORD_RUN_BYTES && run.digit;
    match run.behind.filter(|behind| draws && *behind <= NEAR_BYTES_MAX) {
        Some(behind) => (Place::Near, behind),
        None => (Place::Anywhere, 0),
    }
}

/// Whether every match begins its anchor at the beginning of a word.
fn begins_word(branch: &Branch, anchor: &Anchor) -> bool {
    let before = anchor.first.checked_sub(1).and_then(|place| branch.get(place));
    let is_word =
        |string: &Vec<u8>| string.first().is_some_and(|byte| ByteSet::WORD.contains(*byte));
    before.is_some_and(|part| part.is_edge()) && anchor.strings.iter().all(is_word)
}

/// Whether the validator refuses a secret without a digit.
fn demands_digit(validator: &Validator) -> bool {
    validator.name == "mixed"
}
