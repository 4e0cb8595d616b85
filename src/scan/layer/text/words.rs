//! Words of programs that say how the text beside them is written: calls by character codes, and what
//! turns a string round. One search for all of them, by SIMD where the processor has it.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, MatchKind};

use super::{Piece, char_codes, from, reversed};

static SEARCH: LazyLock<Search> = LazyLock::new(Search::new);

/// See [`super::Find`].
pub(super) fn find(text: &[u8], start: usize) -> Option<Piece> {
    // What turns a string round may stand before it.
    let mut at = start.saturating_sub(reversed::NEAR_BYTES);
    loop {
        let word = SEARCH.find(text, at)?;
        let (piece, end) = if !is_call(text.get(word.clone())?) {
            (reversed::read(text, &word, start), word.end)
        } else if word.start >= start {
            char_codes::read(text, word.start)
        } else {
            (None, word.end)
        };
        if piece.is_some() {
            return piece;
        }
        at = end.max(word.end);
    }
}

fn is_call(word: &[u8]) -> bool {
    char_codes::CALLS.iter().any(|call| call.as_bytes() == word)
}

/// A search for words.
enum Search {
    /// By SIMD: some five times faster than the automaton.
    Packed(packed::Searcher),
    /// By an automaton.
    Automaton(AhoCorasick),
    /// The words did not build, and there is no search.
    Nothing,
}

impl Search {
    fn new() -> Self {
        let words = || char_codes::CALLS.iter().chain(reversed::WORDS);
        let build = || AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words());
        match packed::Searcher::new(words()) {
            Some(packed) => Self::Packed(packed),
            None => build().map_or(Self::Nothing, Self::Automaton),
        }
    }

    /// Finds the next word at or behind `start`.
    fn find(&self, text: &[u8], start: usize) -> Option<Range<usize>> {
        let found = match self {
            Self::Packed(searcher) => searcher.find(from(text, start)),
            Self::Automaton(automaton) => automaton.find(from(text, start)),
            Self::Nothing => None,
        }?;
        Some(start + found.start()..start + found.end())
    }
}
