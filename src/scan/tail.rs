//! What must follow an anchor, as a small automaton: most anchors are followed by something else,
//! and a few steps of a table tell.
//!
//! ```text
//! token = "…      admitted: a regex looks
//! tokenizer.      refused at `i`, the sixth byte
//! ```
//!
//! It is the rest of the pattern, weakened so that its automaton is small: a repetition counts to
//! [`COUNT_MAX`] and no further, what looks around is left out, and the end is not waited for.

use std::rc::Rc;
use std::sync::OnceLock;

use regex_automata::Anchored;
use regex_automata::dfa::Automaton;
use regex_automata::dfa::dense::{Builder, Config, DFA};
use regex_automata::nfa::thompson::Compiler;
use regex_automata::util::start;
use regex_syntax::hir::{Hir, HirKind, Repetition};

use super::shape::Part;

/// The largest least count that is kept; below it upper counts of more than one are lifted.
const COUNT_MAX: u32 = 32;

/// A part of at least so many bytes ends the tail: what follows it is left to the regex.
const PART_BYTES_ENOUGH: usize = 16;

/// The largest automaton, in bytes; a tail that takes more admits everything.
const AUTOMATON_BYTES_MAX: usize = 128 << 10;

/// How far a tail looks, in bytes. A text that leads it on so long is admitted; without a limit, a
/// text of nothing but anchors would cost its square.
pub(super) const LOOK_BYTES_MAX: usize = 192;

/// Says whether a match may go on behind an anchor.
pub(super) struct Tail {
    demand: Hir,
    /// Built when first asked; `None` where it would be too large.
    automaton: OnceLock<Option<DFA<Vec<u32>>>>,
}

impl Tail {
    /// Demands what `parts`, of which the anchor is the first, demand.
    pub(super) fn of(parts: &[Rc<Part>]) -> Self {
        let enough = parts.iter().position(|part| part.least >= PART_BYTES_ENOUGH);
        let parts = enough.and_then(|last| parts.get(..=last)).unwrap_or(parts);
        let demand = Hir::concat(parts.iter().map(|part| weaken(&part.hir)).collect());
        Self { demand, automaton: OnceLock::new() }
    }

    /// Demands nothing.
    pub(super) fn open() -> Self {
        Self { demand: Hir::empty(), automaton: OnceLock::from(None) }
    }

    /// Names what is demanded: tails of one name are the same.
    pub(super) fn name(&self) -> String {
        self.demand.to_string()
    }

    /// Whether a match may go on at the beginning of `text`; true where the text ends too soon.
    pub(super) fn admits(&self, text: &[u8]) -> bool {
        match self.automaton.get_or_init(|| build(&self.demand)) {
            Some(automaton) => follow(automaton, text),
            None => true,
        }
    }
}

fn follow(automaton: &DFA<Vec<u32>>, text: &[u8]) -> bool {
    let start = start::Config::new().anchored(Anchored::Yes);
    let Ok(mut state) = automaton.start_state(&start) else { return true };
    for byte in text.iter().take(LOOK_BYTES_MAX) {
        state = automaton.next_state(state, *byte);
        if automaton.is_special_state(state) {
            return !automaton.is_dead_state(state);
        }
    }
    true
}

fn build(demand: &Hir) -> Option<DFA<Vec<u32>>> {
    let nfa = Compiler::new().build_from_hir(demand).ok()?;
    let config = Config::new()
        .start_kind(regex_automata::dfa::StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(Some(AUTOMATON_BYTES_MAX))
        .determinize_size_limit(Some(8 * AUTOMATON_BYTES_MAX));
    Builder::new().configure(config).build_from_nfa(&nfa).ok()
}

/// Demands less, in fewer states. The parser's nest limit bounds the recursion.
fn weaken(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
        HirKind::Capture(capture) => weaken(&capture.sub),
        HirKind::Concat(row) => Hir::concat(row.iter().map(weaken).collect()),
        HirKind::Alternation(choices) => Hir::alternation(choices.iter().map(weaken).collect()),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            min: repetition.min.min(COUNT_MAX),
            max: repetition.max.filter(|max| *max <= 1),
            greedy: repetition.greedy,
            sub: Box::new(weaken(&repetition.sub)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::pattern;
    use crate::scan::shape;

    #[test]
    fn what_cannot_go_on_is_refused() {
        #[track_caller]
        fn check(text: &str, want: bool) {
            let tree =
                pattern::tree(r#"(?i:token)[ \t]{0,8}=[ \t]{0,8}"([a-z0-9]{40})\b"#).unwrap();
            let [branch] = shape::branches(&tree, 1).try_into().unwrap();
            assert_eq!(Tail::of(&branch).admits(text.as_bytes()), want, "{text}");
        }
        check("Token = \"abcdefghijklmnopqrstuvwxyz0123456789", true);
        check("token = \"abcdefgh", true);
        check("token = \"abcdefgh\"", false);
        check("tokenizer", false);
        check("token", true);
        check(&format!("token{}", " ".repeat(LOOK_BYTES_MAX)), true);
    }

    #[test]
    fn a_tail_is_weaker_than_its_pattern() {
        #[track_caller]
        fn check(pattern: &str, want: &str) {
            let want = pattern::tree(want).unwrap();
            assert_eq!(weaken(&pattern::tree(pattern).unwrap()), want, "{pattern}");
        }
        check(r"^a{3}\b", "a{3,}");
        check("a?b{2,5}", "a?b{2,}");
    }
}
