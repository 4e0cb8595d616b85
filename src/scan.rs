//! The engine: bytes in, matches out.
//!
//! ```text
//! text ──► simd ──► masks of 64 bytes ──► finder ──► starts of one rule ──► regex, linear-time
//!          every byte, no table of rules    strings, tails                     │
//!          sink ◄── overlap (one rule a secret) ◄── validators ◄── match ◄─────┘
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | `shape`, `plan` | what a pattern demands of every match, and where to look for it |
//! | `grams`, `literals` | which four bytes of a string to look for, and how to find strings by them |
//! | `simd` | bytes to masks: AVX-512, AVX2, SSSE3, any processor |
//! | `runs`, `sift` | masks to places that a filter lets by, without a branch for each |
//! | `tail` | what must follow a string, as a small automaton |
//! | `finder` | masks to stretches in which matches of a rule may begin |
//! | `pass`, `pieces` | how each rule walks its stretches, and how a text streams |
//! | `engine`, `validate`, `facts`, `overlap` | what a match says, and whose it is |
//!
//! What a further rule costs is a row in an index; the bytes are looked at once. Patterns compile
//! when a candidate first needs them.
//!
//! Everything here is pure and blocking: no I/O, no clock, no threads. What a match depends on
//! lies within two spans of its rule around it, so a text scanned in pieces gives exactly what the
//! whole text gives ([`Pieces`]), in memory that does not grow with the text.
//!
//! What the daemon calls:
//!
//! ```text
//! Engine::new(Arc<Ruleset>) -> Result<Engine, EngineError>          Engine: Send + Sync
//! engine.scan(&Window, &mut dyn FnMut(Match<'_>)) -> Effort         a text in memory
//! Pieces::new(&Engine or Arc<Engine>, now_s)                        a text that streams
//!     .feed(&[u8], sink) ; .finish(sink) -> Effort
//!     sink: &mut dyn FnMut(Found<'_>)                               Match + Span (u64, line, column)
//! Lines::new(&text).span(Range<usize>) -> Span                      offset → line, column
//! tokens_of(&[u8], Range<usize>, &Lengths, &mut dyn FnMut(Range<usize>))   known-secret look-up
//! tokenisable(&[u8]) -> Tokenisable                                 would `tokens` find this value?
//! unit::{commit_ids, tag_ids, TreeNames}                             what of an object is scanned
//! check::run(&Ruleset) -> Result<Report, EngineError>               every rule against its examples
//! ```
//!
//! It deliberately does not decode layers (base64, archives), keep secrets, or decide anything:
//! a match borrows the text, and becomes a fingerprint in the caller's hands.

pub mod check;
mod engine;
mod facts;
mod finder;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod grams;
mod insides;
pub mod layer;
mod lines;
mod literals;
mod overlap;
mod pass;
mod pieces;
mod plan;
mod pool;
mod runs;
mod shape;
mod sift;
mod simd;
mod tail;
mod token_pieces;
mod tokens;
pub mod unit;
mod validate;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use crate::finding::{Facts, Span};
use crate::rule::{Confidence, Rule, Severity};

pub use engine::{Engine, EngineError, Stage};
pub use insides::{GATHER_BYTES_MAX, Inside, Insides};
pub use lines::Lines;
pub use pass::Effort;
pub use pieces::Pieces;
pub use pool::{Pool, SMALL_PUSH_BYTES};
pub use token_pieces::{Spans, TokenPieces};
pub use tokens::{
    Lengths, Setting, TOKEN_BYTES_MAX, TOKEN_BYTES_MIN, TOKEN_CONTEXT_BYTES, Tokenisable,
    tokenisable, tokens, tokens_of,
};
pub use validate::is_common;

/// A text to scan, and the part of it that matches are wanted of.
#[derive(Clone, Debug)]
pub struct Window<'t> {
    /// All bytes at hand, context included.
    pub text: &'t [u8],
    /// Only matches whose secret begins in here are reported.
    pub body: Range<usize>,
    /// The time, in seconds since 1970, by which tokens count as expired; 0 where it is not known,
    /// and then none does.
    pub now_s: u64,
}

impl<'t> Window<'t> {
    /// Wants matches of the whole text.
    pub fn whole(text: &'t [u8]) -> Self {
        Self::part(text, 0..text.len())
    }

    /// Wants matches whose secret begins in `body`; the rest of the text is context.
    pub fn part(text: &'t [u8], body: Range<usize>) -> Self {
        Self { text, body, now_s: 0 }
    }

    /// Sets the time by which tokens count as expired.
    #[must_use]
    pub fn at(self, now_s: u64) -> Self {
        Self { now_s, ..self }
    }
}

/// One place where one rule found one secret. It borrows the text and lives as long as the call.
///
/// `Debug` shows where and by which rule, never what.
#[derive(Clone, PartialEq)]
pub struct Match<'t> {
    /// The rule that found it.
    pub rule: &'t Rule,
    /// The secret itself.
    pub secret: &'t [u8],
    /// Where the secret stands in the window's text.
    pub range: Range<usize>,
    /// What the match tells about the credential.
    pub facts: Facts,
    /// How sure the rule is, after its validators spoke: never above the rule's own.
    pub confidence: Confidence,
    /// How bad a leak is.
    pub severity: Severity,
    /// What the validators said, in their order.
    pub reasons: Vec<&'static str>,
}

impl fmt::Debug for Match<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Match({} at {:?}, {:?})", self.rule.id, self.range, self.confidence)
    }
}

/// A [`Match`] in a streamed text, with its place in the whole of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'t> {
    /// The match; its `range` counts from the start of the piece at hand and is of little use.
    pub found: Match<'t>,
    /// Where the secret stands in the whole text.
    pub span: Span,
}
