//! How a rule's pattern compiles: over bytes, without Unicode, linear-time, bounded in memory.

use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson;
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

/// Compiles `pattern` as the engine runs it. What [`outline`] let by compiles.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let limits = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .hybrid_cache_capacity(CACHE_BYTES_MAX);
    let hir = tree(pattern)?;
    Regex::builder().configure(limits).build_from_hir(&hir).map_err(|error| {
        match error.size_limit() {
            Some(_) => PatternError::TooLarge,
            None => PatternError::Build(error.to_string()),
        }
    })
}

/// What a pattern is without running it.
pub struct Outline {
    /// The bytes of its shortest match, where the parser can tell.
    pub shortest: Option<usize>,
    /// Its groups' names, by their numbers; the first is the whole match.
    names: Vec<Option<String>>,
}

impl Outline {
    /// Outlines a parsed pattern.
    pub fn of(tree: &Hir) -> Self {
        let mut names = vec![None];
        gather(tree, &mut names);
        Self { shortest: tree.properties().minimum_len(), names }
    }

    /// Returns how many groups it has beside the whole match.
    pub fn groups(&self) -> usize {
        self.names.len().saturating_sub(1)
    }

    /// Finds the number of a named group.
    pub fn group(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.as_deref() == Some(name))
    }
}

/// Gathers the names of groups. The parser's nest limit bounds the recursion.
fn gather(hir: &Hir, names: &mut Vec<Option<String>>) {
    if let HirKind::Capture(capture) = hir.kind() {
        names.push(capture.name.as_deref().map(str::to_owned));
    }
    hir.kind().subs().iter().for_each(|sub| gather(sub, names));
}

/// Checks that `pattern` compiles, in both directions in which it is run, and outlines it. This
/// takes a small part of the time that [`compile`] takes.
pub fn outline(pattern: &str) -> Result<Outline, PatternError> {
    let tree = tree(pattern)?;
    for reverse in [false, true] {
        let captures =
            if reverse { thompson::WhichCaptures::None } else { thompson::WhichCaptures::All };
        let config = thompson::Config::new()
            .utf8(false)
            .reverse(reverse)
            .which_captures(captures)
            .nfa_size_limit(Some(COMPILED_BYTES_MAX));
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(&tree);
        nfa.map_err(|error| match error.size_limit() {
            Some(_) => PatternError::TooLarge,
            None => PatternError::Build(error.to_string()),
        })?;
    }
    Ok(Outline::of(&tree))
}

/// Parses `pattern` as [`compile`] does.
pub fn tree(pattern: &str) -> Result<Hir, PatternError> {
    parse(pattern).map(lift)
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
            for error in [compile(pattern).err(), outline(pattern).err()] {
                let error = error.map(|error| error.to_string()).unwrap_or_default();
                assert_eq!(error.split(';').next(), Some(want));
            }
        }
        check("a(", "unclosed group");
        check("(?=a)", "look-around, including look-ahead and look-behind, is not supported");
        check(r"(?:[a-z]{500}){500}{20}", "it compiles to more than 4194304 bytes");
    }

    #[test]
    fn groups_are_numbered_as_the_regex_does() {
        let pattern = "(a)(?:(?P<b>x(c))|(?P<d>y))";
        let (outline, regex) = (outline(pattern).unwrap(), compile(pattern).unwrap());
        assert_eq!(outline.groups() + 1, regex.captures_len());
        for name in ["b", "d", "e"] {
            let index = regex.group_info().to_index(regex_automata::PatternID::ZERO, name);
            assert_eq!(outline.group(name), index, "{name}");
        }
    }
}
