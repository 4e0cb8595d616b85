//! How a rule's pattern compiles: over bytes, without Unicode, linear-time, bounded in memory.

use regex_automata::meta::{self, Regex};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Capture, Hir, HirKind, Repetition};

/// The largest compiled pattern, in bytes of its automaton. The largest shipped rule takes a tenth;
/// one of this size still compiles in about 20 ms.
pub const COMPILED_BYTES_MAX: usize = 4 << 20;

/// The memory, in bytes, in which one thread caches the states of one pattern. Enough for every
/// shipped rule's hot states, and small because rules × threads of them may live at once.
const CACHE_BYTES_MAX: usize = 512 << 10;

/// The largest upper count that a pattern keeps. `x{40,4000}` becomes `x{40,}`: an automaton counts
/// by having a state for each number, and the span of the rule bounds the match anyhow.
pub const COUNT_MAX: u32 = 512;

/// Why a pattern does not compile; the text ends with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// Its syntax is wrong, or it uses what a linear-time engine lacks.
    #[error(
        "{0}; write it for the crate `regex`, without Unicode, look-around and back references"
    )]
    Syntax(String),
    /// Its automaton is over [`COMPILED_BYTES_MAX`].
    #[error(
        "it compiles to more than {COMPILED_BYTES_MAX} bytes; write `+` and `*` for large counts"
    )]
    TooLarge,
    /// The automaton cannot be built for another reason.
    #[error("{0}; write it more simply")]
    Build(String),
}

/// Compiles `pattern` as the loader checks it and the engine runs it.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let limits = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .hybrid_cache_capacity(CACHE_BYTES_MAX);
    let hir = lift(parse(pattern)?);
    Regex::builder().configure(limits).build_from_hir(&hir).map_err(|error| {
        match error.size_limit() {
            Some(_) => PatternError::TooLarge,
            None => PatternError::Build(error.to_string()),
        }
    })
}

/// Returns the bytes of the pattern's shortest match, where the parser can tell.
pub(super) fn shortest(pattern: &str) -> Option<usize> {
    parse(pattern).ok()?.properties().minimum_len()
}

fn parse(pattern: &str) -> Result<Hir, PatternError> {
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).build();
    parser.parse(pattern).map_err(|error| {
        // The parser draws the pattern over several lines; the last one says what is wrong.
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        PatternError::Syntax(last.trim_start_matches("error: ").to_owned())
    })
}

/// Lifts upper counts over [`COUNT_MAX`]. The parser's nest limit bounds the recursion.
fn lift(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            max: repetition.max.filter(|max| *max <= COUNT_MAX.max(repetition.min)),
            sub: Box::new(lift(*repetition.sub)),
            ..repetition
        }),
        HirKind::Capture(capture) => {
            Hir::capture(Capture { sub: Box::new(lift(*capture.sub)), ..capture })
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(lift).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(lift).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_upper_counts_are_lifted_and_others_kept() {
        #[track_caller]
        fn check(pattern: &str, text: &str, want: usize) {
            let found = compile(pattern).unwrap().find(text.as_bytes());
            assert_eq!(found.map_or(0, |found| found.len()), want, "{pattern}");
        }
        let text = "a".repeat(3000);
        check("a{2,100}", &text, 100);
        check("(?:(a{2,1000}))", &text, 3000);
        check("a{1000}", &text, 1000);
        check("b|a{600,2000}?$", &text, 3000);
    }

    #[test]
    fn what_does_not_compile_is_said_in_a_line() {
        #[track_caller]
        fn check(pattern: &str, want: &str) {
            let error = compile(pattern).unwrap_err().to_string();
            assert_eq!(error.split(';').next(), Some(want));
        }
        check("a(", "unclosed group");
        check("(?=a)", "look-around, including look-ahead and look-behind, is not supported");
        check(r"(?:[a-z]{500}){500}{20}", "it compiles to more than 4194304 bytes");
    }
}
