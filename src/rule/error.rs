//! What can be wrong with a rule file, where, and what to do about it.

use std::fmt;

use super::RuleIdError;
use super::pattern::PatternError;
use super::template::TemplateError;

/// One thing that is wrong in a rule file.
///
/// Displays as `path:line:column: rule `id`: what is wrong; what to do`.
#[derive(Debug)]
pub struct LoadError {
    /// The file, as it was named to the loader.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters, from 1.
    pub column: usize,
    /// The rule's id, as far as it could be read.
    pub rule: Option<String>,
    /// What is wrong.
    pub problem: Problem,
    source_line: String,
    width: usize,
}

/// What is wrong; its text ends with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file is no TOML, or has a key that rules do not have, or a value of the wrong type.
    #[error("{0}; see the other rule files for the form")]
    Form(String),
    /// A key is missing.
    #[error("`{0}` is missing; {1}")]
    Missing(&'static str, &'static str),
    /// The id is none.
    #[error(transparent)]
    Id(#[from] RuleIdError),
    /// Two rules have one id.
    #[error("the id is taken by a rule in {0}; give this one another")]
    Taken(String),
    /// There is no keyword.
    #[error("`keywords` is empty; name a literal that every match contains")]
    NoKeyword,
    /// A keyword is too short to be worth looking for.
    #[error("keyword `{0}` is under {min} bytes; name a longer literal", min = super::KEYWORD_BYTES_MIN)]
    ShortKeyword(String),
    /// The pattern does not compile.
    #[error("the pattern does not compile: {0}")]
    Pattern(#[source] PatternError),
    /// The pattern matches nothing at all, everywhere.
    #[error("the pattern matches the empty text; let it demand at least one byte")]
    EmptyMatch,
    /// The pattern's shortest match is over the span.
    #[error("the shortest match has {shortest} bytes, but `span_bytes_max` is {span}; raise it")]
    Span {
        /// Bytes of the shortest match.
        shortest: usize,
        /// The rule's `span_bytes_max`.
        span: usize,
    },
    /// A number is out of range.
    #[error("{value} is out of range; write a number from {min} to {max}")]
    Range {
        /// What was written.
        value: String,
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// The secret group does not exist.
    #[error("the pattern has {groups} groups, no group {wanted}; count its opening brackets")]
    SecretGroup {
        /// Groups of the pattern, without the whole match.
        groups: usize,
        /// What was asked for.
        wanted: usize,
    },
    /// A fact names a group that does not exist.
    #[error("the pattern has no group named `{0}`; write `(?P<{0}>…)` around the fact")]
    FactGroup(String),
    /// A name is not in the vocabulary.
    #[error("there is no {kind} `{name}`; known are {known}")]
    Unknown {
        /// Validator, decoder or generator.
        kind: &'static str,
        /// What was written.
        name: String,
        /// What could be written.
        known: String,
    },
    /// A validator is not written as a table of one key.
    #[error("a validator is a table of one key; write `{{ name = argument }}`")]
    ValidatorForm,
    /// A validator's argument has the wrong type.
    #[error("`{name}` does not take this; write `{name} = {want}`")]
    Argument {
        /// The validator.
        name: String,
        /// An example of what it takes.
        want: String,
    },
    /// There are too few examples.
    #[error("{have} `{list}` examples; write at least {min}", min = super::EXAMPLES_MIN)]
    FewExamples {
        /// `match` or `reject`.
        list: &'static str,
        /// How many there are.
        have: usize,
    },
    /// An example does not expand.
    #[error("the example does not expand: {0}")]
    Template(#[source] TemplateError),
}

impl LoadError {
    /// Places `problem` at the bytes `span` of `text`.
    pub(super) fn new(
        path: &str,
        text: &str,
        span: std::ops::Range<usize>,
        rule: Option<String>,
        problem: Problem,
    ) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let source_line = text.get(line_start..).and_then(|rest| rest.lines().next());
        let shown = text.get(span.clone()).and_then(|shown| shown.lines().next());
        Self {
            path: path.to_owned(),
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before.get(line_start..).map_or(0, |head| head.chars().count()) + 1,
            rule,
            problem,
            source_line: source_line.unwrap_or_default().to_owned(),
            width: shown.map_or(1, |shown| shown.chars().count().max(1)),
        }
    }

    /// Draws the line with a caret under what is wrong, for terminals:
    ///
    /// ```text
    /// 12 | keywords = ["ab"]
    ///    |             ^^^^
    /// ```
    pub fn excerpt(&self) -> String {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let indent = " ".repeat(self.column - 1);
        let carets = "^".repeat(self.width);
        format!("{number} | {}\n{gutter} | {indent}{carets}", self.source_line)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.path, self.line, self.column)?;
        if let Some(rule) = &self.rule {
            write!(f, "rule `{rule}`: ")?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        None
    }
}
