//! A rule file as it is written, before anything is checked: every value keeps its place.

use serde::Deserialize;
use toml::Spanned;

use super::{Confidence, Severity};
use crate::secret::Masking;

/// One `[[rule]]` table. What a rule cannot do without is optional here too, so that the loader
/// can name all that is missing at once, with remedies.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) id: Option<Spanned<String>>,
    pub(super) description: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) identity: Option<String>,
    pub(super) keywords: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) pattern: Option<Spanned<String>>,
    pub(super) secret_group: Option<Spanned<usize>>,
    pub(super) span_bytes_max: Option<Spanned<usize>>,
    #[serde(default)]
    pub(super) validators: Vec<Spanned<toml::Table>>,
    pub(super) generic: Option<bool>,
    pub(super) confidence: Option<Confidence>,
    pub(super) severity: Option<Severity>,
    pub(super) masking: Option<Masking>,
    pub(super) reach: Option<String>,
    pub(super) revoke: Option<RawRevoke>,
    pub(super) replacement: Option<String>,
    #[serde(default)]
    pub(super) references: Vec<String>,
    #[serde(default)]
    pub(super) fact: Vec<RawFact>,
    pub(super) examples: Option<RawExamples>,
}

/// The `revoke` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRevoke {
    pub(super) how: String,
    pub(super) url: Option<String>,
}

/// One `[[rule.fact]]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFact {
    pub(super) name: String,
    pub(super) group: Spanned<String>,
    pub(super) decoder: Option<Spanned<String>>,
}

/// The `[rule.examples]` table.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExamples {
    #[serde(default, rename = "match")]
    pub(super) matching: Vec<Spanned<String>>,
    #[serde(default, rename = "reject")]
    pub(super) rejected: Vec<Spanned<String>>,
}
