//! Every rule against its own examples, in the company of all others.
//!
//! A rule must find something in each of its `match` examples although other rules look at the same
//! bytes, and nothing in its `reject` examples. What an example expands to is never shown.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{Engine, EngineError, Window};
use crate::rule::{Rule, RuleId, Ruleset, template};

/// A moment between the two kinds of tokens that `{@jwt}` makes, in seconds since 1970: 2025.
const NOW_S: u64 = 1_750_000_000;

/// What became of all examples.
#[derive(Debug, Default)]
pub struct Report {
    /// Rules that were checked.
    pub rules: usize,
    /// Examples that were scanned.
    pub examples: usize,
    /// Examples that did not do what they should.
    pub failures: Vec<Failure>,
}

/// An example that did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule whose example it is.
    pub rule: RuleId,
    /// The rule's file.
    pub file: String,
    /// The example as it is written, not expanded.
    pub example: String,
    /// What should have happened.
    pub expected: Expected,
    /// The rules that found something.
    pub got: BTreeSet<RuleId>,
}

/// What an example is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The rule finds a secret.
    Found,
    /// The rule finds none.
    Nothing,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.expected {
            Expected::Found => "should find a secret in",
            Expected::Nothing => "should find nothing in",
        };
        let Self { rule, file, example, .. } = self;
        write!(f, "{file}: rule `{rule}` {expected} `{}`; ", example.escape_debug())?;
        if self.got.is_empty() {
            return f.write_str("no rule found anything");
        }
        let got: Vec<&str> = self.got.iter().map(RuleId::as_str).collect();
        write!(f, "found by {}", got.join(", "))
    }
}

/// Scans every example of every rule.
pub fn run(ruleset: &Ruleset) -> Result<Report, EngineError> {
    let engine = Engine::new(Arc::new(ruleset.clone()))?;
    engine.compile_all()?;
    let mut report = Report { rules: ruleset.rules().len(), ..Report::default() };
    for rule in ruleset.rules() {
        for (examples, expected) in [
            (&rule.examples.matching, Expected::Found),
            (&rule.examples.rejected, Expected::Nothing),
        ] {
            report.examples += examples.len();
            let failures =
                examples.iter().filter_map(|example| run_one(&engine, rule, example, expected));
            report.failures.extend(failures);
        }
    }
    Ok(report)
}

fn run_one(engine: &Engine, rule: &Rule, example: &str, expected: Expected) -> Option<Failure> {
    let mut got = BTreeSet::new();
    // The loader saw to it that every example expands.
    let text = template::expand(example).unwrap_or_default();
    let effort = engine.scan(&Window::whole(&text).at(NOW_S), &mut |found| {
        got.insert(found.rule.id.clone());
    });
    let found = got.contains(&rule.id) || effort.gave_up > 0;
    (found != (expected == Expected::Found)).then(|| Failure {
        rule: rule.id.clone(),
        file: rule.file.clone(),
        example: example.to_owned(),
        expected,
        got,
    })
}
