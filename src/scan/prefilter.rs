//! The first look at every byte: where do keywords of which rules stand?
//!
//! This is the one part that sees all bytes, so it is kept behind a small door: keywords in, hits
//! out, whatever searches. Today that is an Aho-Corasick automaton, ASCII-case-insensitive.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use crate::rule::Rule;

/// Places where keywords of one rule begin, neighbours within a span joined: `first..=last`.
///
/// Joining bounds memory on a text that repeats a keyword, and loses nothing: whatever lies
/// between two hits a span apart is searched anyhow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hits {
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Finds keywords.
pub(super) struct Prefilter {
    automaton: AhoCorasick,
    /// For each keyword of the automaton: the rules that have it.
    rules: Vec<Vec<usize>>,
    /// For each rule: the reach of its windows, in bytes.
    spans: Vec<usize>,
    keyword_bytes_max: usize,
}

impl Prefilter {
    /// Builds the automaton over the keywords of `rules`, which keep their places as numbers.
    pub(super) fn new(rules: &[Rule]) -> Result<Self, BuildError> {
        let mut keywords = std::collections::BTreeMap::<String, Vec<usize>>::new();
        for (number, rule) in rules.iter().enumerate() {
            for keyword in &rule.keywords {
                let holders = keywords.entry(keyword.to_ascii_lowercase()).or_default();
                if holders.last() != Some(&number) {
                    holders.push(number);
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard) // overlapping: `token` inside `mytokens` counts for both
            .kind(Some(AhoCorasickKind::DFA))
            .build(keywords.keys())?;
        Ok(Self {
            keyword_bytes_max: keywords.keys().map(String::len).max().unwrap_or(0),
            automaton,
            rules: keywords.into_values().collect(),
            spans: rules.iter().map(|rule| rule.span_bytes_max).collect(),
        })
    }

    /// Returns the longest keyword, in bytes.
    pub(super) fn keyword_bytes_max(&self) -> usize {
        self.keyword_bytes_max
    }

    /// Lists, for each rule by its number, where its keywords stand in `text`.
    pub(super) fn hits(&self, text: &[u8]) -> Vec<Vec<Hits>> {
        let mut hits = vec![Vec::new(); self.spans.len()];
        for hit in self.automaton.find_overlapping_iter(text) {
            let rules = self.rules.get(hit.pattern().as_usize());
            for rule in rules.into_iter().flatten() {
                if let (Some(hits), Some(span)) = (hits.get_mut(*rule), self.spans.get(*rule)) {
                    join(hits, hit.start(), *span);
                }
            }
        }
        hits
    }
}

/// Adds a hit. Hits come in the order of their ends, so a start may lie a little before the last.
fn join(hits: &mut Vec<Hits>, start: usize, span: usize) {
    match hits.last_mut() {
        Some(near) if start <= near.last.saturating_add(span) => {
            near.first = near.first.min(start);
            near.last = near.last.max(start);
        }
        _ => hits.push(Hits { first: start, last: start }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_within_a_span_join() {
        #[track_caller]
        fn check(starts: &[usize], want: &[(usize, usize)]) {
            let mut hits = Vec::new();
            for start in starts {
                join(&mut hits, *start, 10);
            }
            let got: Vec<_> = hits.iter().map(|hits| (hits.first, hits.last)).collect();
            assert_eq!(got, want);
        }
        check(&[5, 15, 26], &[(5, 15), (26, 26)]);
        check(&[5, 3, 30, 28], &[(3, 5), (28, 30)]);
    }
}
