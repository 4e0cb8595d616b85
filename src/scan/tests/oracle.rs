//! The engine as it would be without care for speed: an automaton of all keywords, and the regex of
//! each rule over everything in its span's reach of a keyword. What the engine finds is held
//! against what it finds.

use aho_corasick::{AhoCorasick, MatchKind};

use super::super::engine::Engine;
use super::super::finder::Starts;
use super::super::pass::{Pass, Stretch};

/// Finds keywords.
pub(super) struct Oracle<'e> {
    engine: &'e Engine,
    automaton: AhoCorasick,
    /// For each keyword of the automaton, its rule and the rule's span.
    holders: Vec<(usize, usize)>,
}

impl<'e> Oracle<'e> {
    pub(super) fn new(engine: &'e Engine) -> Self {
        let rules = engine.ruleset().rules();
        let keywords = || rules.iter().flat_map(|rule| &rule.keywords);
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(keywords())
            .unwrap();
        let holder = |(number, rule): (usize, &crate::rule::Rule)| {
            let holder = (number, rule.span_bytes_max);
            std::iter::repeat_n(holder, rule.keywords.len())
        };
        Self { engine, automaton, holders: rules.iter().enumerate().flat_map(holder).collect() }
    }

    /// Lists, by rule and place, the stretches before keywords in which matches may begin.
    pub(super) fn starts(&self, text: &[u8]) -> Vec<Starts> {
        let near = |hit: aho_corasick::Match| {
            let (rule, span) = self.holders[hit.pattern().as_usize()];
            Starts { rule, from: hit.start().saturating_sub(span), to: hit.start() }
        };
        super::super::finder::joined(self.automaton.find_overlapping_iter(text).map(near).collect())
    }

    /// Scans a whole text; reports the rule's id and where the secret stands.
    pub(super) fn scan(&self, text: &[u8]) -> Vec<(String, u64, u64)> {
        let mut found = Vec::new();
        let stretch = Stretch { text, base: 0, last: true };
        Pass::new(0).run_from(self.engine, &self.starts(text), stretch, &mut |candidate| {
            let id = self.engine.ruleset().rules()[candidate.rule].id.to_string();
            found.push((id, candidate.start, candidate.end));
        });
        found
    }
}
