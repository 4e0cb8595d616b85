//! Rules as data: what a credential looks like, and everything people need to know about it.
//!
//! ```text
//! config/rules/*.toml ──► load ──► Ruleset (checked, ordered by id) ──► scan::Engine
//!                           └──► LoadError (file, line, column, rule, remedy; all at once)
//! ```
//!
//! Nothing here scans: a [`Rule`] is plain data, [`crate::scan`] is the engine. What the two must
//! agree on (which validators, decoders and generators exist, how a pattern compiles) stands in
//! [`vocabulary`] and [`pattern`].

mod digest;
mod error;
mod load;
pub mod pattern;
mod raw;
mod shipped;
pub mod template;
pub mod vocabulary;

use std::fmt;

pub use error::{LoadError, Problem};

use crate::secret::Masking;

/// The shortest keyword, in bytes: shorter ones stand in every other line of any text.
const KEYWORD_BYTES_MIN: usize = 3;

/// The fewest examples of each kind.
const EXAMPLES_MIN: usize = 2;

/// The name of a rule: lower-case words joined by `-`, at most [`RuleId::BYTES_MAX`] bytes.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct RuleId(String);

/// Why a text is not a [`RuleId`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a rule id; write lower-case words joined by `-`, such as `aws-access-key`")]
pub struct RuleIdError(String);

impl RuleId {
    /// The longest id, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, RuleIdError> {
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.len() <= Self::BYTES_MAX && text.split('-').all(word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RuleIdError(text.to_owned()))
        }
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<RuleId> for String {
    fn from(id: RuleId) -> Self {
        id.0
    }
}

impl TryFrom<String> for RuleId {
    type Error = RuleIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How sure a rule is that what it matched is a credential.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A guess: never refuses a push by default.
    Low,
    /// Likely: reported by default.
    Medium,
    /// As good as certain: refuses by default.
    High,
}

impl Confidence {
    /// Returns the word for it in records and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// How bad it is when the credential is in the wrong hands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Read access to little.
    Low,
    /// Access to one service.
    Medium,
    /// Write access, or access to data of others.
    High,
    /// Administration, production, money.
    Critical,
}

impl Severity {
    /// Returns the word for it in records and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A check that a match must pass, beyond its shape: the name of one of the engine's validators
/// with its parameter, such as `entropy = 3.5` or `checksum = "github"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Validator {
    /// The validator's name in the engine's registry.
    pub name: String,
    /// Its parameter; validators that take none have `None`.
    pub argument: Option<Argument>,
}

/// The parameter of a [`Validator`].
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A number, such as bits of entropy for each character.
    Number(f64),
    /// A name, such as that of a checksum scheme.
    Text(String),
}

/// A fact that a match tells about its credential, such as the account it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactSource {
    /// What the fact is called in findings, tickets and `owners.toml`: `account`, `key_id`, `host`.
    pub name: String,
    /// The named group of the pattern that holds it.
    pub group: String,
    /// How the group's text becomes the fact; `None` takes it as it is. The name of one of the
    /// engine's decoders, such as `aws-account`.
    pub decoder: Option<String>,
}

/// How a credential of this kind is made worthless at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What to do, in one or two sentences.
    pub how: String,
    /// Where to do it, or where it is documented.
    pub url: Option<String>,
}

/// What a rule must and must not find; templates that [`crate::rule`] expands from a fixed seed,
/// so that the repository itself holds no token-shaped text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// Texts in which the rule must find at least one secret.
    pub matching: Vec<String>,
    /// Texts in which it must find none.
    pub rejected: Vec<String>,
}

/// One kind of credential.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its unique name.
    pub id: RuleId,
    /// What it is, in plain words, as a developer reads it: "GitHub personal access token".
    pub description: String,
    /// Who issues it: "GitHub".
    pub provider: String,
    /// What the credential is an identity of: "GitHub user", "AWS IAM user", "database role".
    pub identity: String,
    /// Literals one of which every match contains; compared without regard to ASCII case.
    pub keywords: Vec<String>,
    /// A regular expression over bytes (crate `regex`, `(?-u)`), linear-time.
    pub pattern: String,
    /// The group that holds the secret; 0 is the whole match.
    pub secret_group: usize,
    /// The longest match, in bytes: the window around a keyword that the pattern meets.
    pub span_bytes_max: usize,
    /// Checks that a match must pass, in order.
    pub validators: Vec<Validator>,
    /// Whether it knows a credential only by its surroundings, such as a name and an assignment.
    /// Where another rule found something, it stands back. By default the rules whose ids begin
    /// with `generic-`.
    pub generic: bool,
    /// How sure a match is.
    pub confidence: Confidence,
    /// How bad a leak is.
    pub severity: Severity,
    /// How much of the value may be shown.
    pub masking: Masking,
    /// What a match tells about its credential.
    pub facts: Vec<FactSource>,
    /// What the credential can reach, as far as its kind tells.
    pub reach: String,
    /// How to make it worthless.
    pub revocation: Revocation,
    /// The short-lived mechanism that should replace it.
    pub replacement: String,
    /// Where its format is documented.
    pub references: Vec<String>,
    /// What it must and must not find.
    pub examples: Examples,
    /// The file that it came from, for messages.
    pub file: String,
}

impl Rule {
    /// Returns the stand-in for values that are known to be secret and have no rule of their own:
    /// a value of the inventory, or one whose rule is gone. It finds nothing by itself.
    pub fn known_secret(id: RuleId, severity: Severity) -> Self {
        Self {
            id,
            description: "Known secret".to_owned(),
            generic: true,
            provider: "this organisation".to_owned(),
            identity: "what the inventory says".to_owned(),
            keywords: Vec::new(),
            pattern: String::new(),
            secret_group: 0,
            span_bytes_max: 0,
            validators: Vec::new(),
            confidence: Confidence::High,
            severity,
            masking: Masking::Whole,
            facts: Vec::new(),
            reach: "Whatever the identity that the inventory names may reach.".to_owned(),
            revocation: Revocation {
                how: "Rotate the value where it is issued and update the secret manager's copy."
                    .to_owned(),
                url: None,
            },
            replacement: "A lease from the secret manager, fetched at run time and short-lived."
                .to_owned(),
            references: Vec::new(),
            examples: Examples::default(),
            file: String::new(),
        }
    }
}

/// Rules in use: unique by id and in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ruleset {
    rules: Vec<Rule>,
}

impl Ruleset {
    /// Loads rule files, given as the path that messages show and the text.
    ///
    /// # Errors
    /// Everything that is wrong in any of the files, in the order of the files and their lines.
    pub fn load(files: &[(String, String)]) -> Result<Self, Vec<LoadError>> {
        load::load(files).map(Self::from_rules)
    }

    /// Loads the rules that the program ships.
    ///
    /// # Errors
    /// None in a released program: a test loads them.
    pub fn shipped() -> Result<Self, Vec<LoadError>> {
        Self::load(&shipped::files())
    }

    /// Loads the shipped rules and `files` beside them, as [`Ruleset::load`] does.
    pub fn with_shipped(files: &[(String, String)]) -> Result<Self, Vec<LoadError>> {
        let mut all = shipped::files();
        all.extend_from_slice(files);
        Self::load(&all)
    }

    /// Returns the SHA-256 of everything in the rules that can change what a scan finds or says.
    /// Content scanned under one digest need not be scanned again under the same.
    pub fn digest(&self) -> [u8; 32] {
        digest::of(&self.rules)
    }

    fn from_rules(mut rules: Vec<Rule>) -> Self {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        Self { rules }
    }

    /// Returns the rules in the order of their ids.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Finds a rule by its id.
    pub fn find(&self, id: &str) -> Option<&Rule> {
        let place = self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok()?;
        self.rules.get(place)
    }
}
