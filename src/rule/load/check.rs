//! The checks of one rule: all of them, before any is acted on.

use std::ops::Range;

use toml::Spanned;

use super::Source;
use crate::rule::error::{LoadError, Problem};
use crate::rule::pattern::{self, Outline};
use crate::rule::raw::{RawExamples, RawRule};
use crate::rule::{EXAMPLES_MIN, Examples, KEYWORD_BYTES_MIN, Revocation, Rule, RuleId, template};
use crate::secret::Masking;

/// The longest span a rule may ask for, in bytes: the engine keeps twice this of a stream at hand.
const SPAN_BYTES_MAX: u32 = 64 << 10;

/// The span of rules that name none, in bytes.
const SPAN_BYTES_DEFAULT: usize = 512;

/// How ids of rules begin that are generic although they do not say so.
const GENERIC: &str = "generic-";

/// One rule under check.
pub(super) struct Check<'c> {
    pub(super) source: &'c Source<'c>,
    /// The table's first line.
    pub(super) span: Range<usize>,
    pub(super) id: Option<String>,
    pub(super) errors: &'c mut Vec<LoadError>,
}

impl Check<'_> {
    /// Turns what is written into a rule; `None` after any failure.
    pub(super) fn rule(&mut self, raw: RawRule, provider: Option<&str>) -> Option<Rule> {
        let before = self.errors.len();
        self.demand_keys(&raw, provider);
        let id = self.rule_id(raw.id.as_ref());
        self.keywords(raw.keywords.as_ref());
        let span_bytes_max = self.span_bytes_max(raw.span_bytes_max.as_ref());
        let outline = self.pattern(raw.pattern.as_ref(), span_bytes_max);
        let secret_group = self.secret_group(raw.secret_group.as_ref(), outline.as_ref());
        let validators = self.validators(&raw.validators);
        let facts = self.facts(raw.fact, outline.as_ref());
        let examples = self.examples(raw.examples.unwrap_or_default());
        if self.errors.len() > before {
            return None;
        }
        let (id, revoke) = (id?, raw.revoke?);
        Some(Rule {
            generic: raw.generic.unwrap_or_else(|| id.as_str().starts_with(GENERIC)),
            id,
            description: raw.description?,
            provider: raw.provider.or_else(|| provider.map(str::to_owned))?,
            identity: raw.identity?,
            keywords: raw.keywords?.into_inner().into_iter().map(Spanned::into_inner).collect(),
            pattern: raw.pattern?.into_inner(),
            secret_group,
            span_bytes_max,
            validators,
            confidence: raw.confidence?,
            severity: raw.severity?,
            masking: raw.masking.unwrap_or(Masking::Edges),
            facts,
            reach: raw.reach?,
            revocation: Revocation { how: revoke.how, url: revoke.url },
            replacement: raw.replacement?,
            references: raw.references,
            examples,
            file: self.source.path.to_owned(),
        })
    }

    pub(super) fn fail(&mut self, span: Range<usize>, problem: Problem) {
        self.errors.push(self.source.error(span, self.id.clone(), problem));
    }

    /// Reports every key that no rule can do without and this one does.
    fn demand_keys(&mut self, raw: &RawRule, provider: Option<&str>) {
        let issued = raw.provider.is_some() || provider.is_some();
        let keys = [
            (raw.id.is_some(), "id", "name the rule, such as `aws-access-key`"),
            (raw.description.is_some(), "description", "say what it is, as a developer reads it"),
            (issued, "provider", "say who issues it"),
            (raw.identity.is_some(), "identity", "say what the credential is an identity of"),
            (raw.keywords.is_some(), "keywords", "name a literal that every match contains"),
            (raw.pattern.is_some(), "pattern", "write a regular expression of the crate `regex`"),
            (raw.confidence.is_some(), "confidence", "write high, medium or low"),
            (raw.severity.is_some(), "severity", "write critical, high, medium or low"),
            (raw.reach.is_some(), "reach", "say what the holder can do"),
            (raw.revoke.is_some(), "revoke", "say how it is made worthless"),
            (raw.replacement.is_some(), "replacement", "name the short-lived mechanism to use"),
        ];
        for (_, key, remedy) in keys.into_iter().filter(|(there, ..)| !there) {
            self.fail(self.span.clone(), Problem::Missing(key, remedy));
        }
    }

    fn rule_id(&mut self, id: Option<&Spanned<String>>) -> Option<RuleId> {
        let id = id?;
        match RuleId::parse(id.get_ref()) {
            Ok(id) => Some(id),
            Err(error) => {
                self.fail(id.span(), error.into());
                None
            }
        }
    }

    fn keywords(&mut self, keywords: Option<&Spanned<Vec<Spanned<String>>>>) {
        let Some(keywords) = keywords else { return };
        if keywords.get_ref().is_empty() {
            self.fail(keywords.span(), Problem::NoKeyword);
        }
        for keyword in keywords.get_ref() {
            if keyword.get_ref().len() < KEYWORD_BYTES_MIN {
                self.fail(keyword.span(), Problem::ShortKeyword(keyword.get_ref().clone()));
            }
        }
    }

    fn span_bytes_max(&mut self, span: Option<&Spanned<usize>>) -> usize {
        let Some(span) = span else {
            return SPAN_BYTES_DEFAULT;
        };
        let bytes = *span.get_ref();
        if !(1..=SPAN_BYTES_MAX as usize).contains(&bytes) {
            self.range(span.span(), &bytes, (1.0, f64::from(SPAN_BYTES_MAX)));
        }
        bytes
    }

    pub(super) fn range(
        &mut self,
        span: Range<usize>,
        value: &dyn std::fmt::Display,
        (min, max): (f64, f64),
    ) {
        self.fail(span, Problem::Range { value: value.to_string(), min, max });
    }

    fn pattern(&mut self, pattern: Option<&Spanned<String>>, span: usize) -> Option<Outline> {
        let pattern = pattern?;
        let outline = match pattern::outline(pattern.get_ref()) {
            Ok(outline) => outline,
            Err(error) => {
                self.fail(pattern.span(), Problem::Pattern(error));
                return None;
            }
        };
        match outline.shortest {
            Some(0) => self.fail(pattern.span(), Problem::EmptyMatch),
            Some(shortest) if shortest > span => {
                self.fail(pattern.span(), Problem::Span { shortest, span });
            }
            _ => {}
        }
        Some(outline)
    }

    /// Without a wish it is the first group, or the whole match where there is none.
    fn secret_group(
        &mut self,
        wanted: Option<&Spanned<usize>>,
        outline: Option<&Outline>,
    ) -> usize {
        let Some(groups) = outline.map(Outline::groups) else {
            return 0;
        };
        let Some(wanted) = wanted else {
            return groups.min(1);
        };
        let group = *wanted.get_ref();
        if group > groups {
            self.fail(wanted.span(), Problem::SecretGroup { groups, wanted: group });
        }
        group
    }

    fn examples(&mut self, examples: RawExamples) -> Examples {
        Examples {
            matching: self.templates("match", examples.matching),
            rejected: self.templates("reject", examples.rejected),
        }
    }

    fn templates(&mut self, list: &'static str, templates: Vec<Spanned<String>>) -> Vec<String> {
        if templates.len() < EXAMPLES_MIN {
            let have = templates.len();
            self.fail(self.span.clone(), Problem::FewExamples { list, have });
        }
        for template in &templates {
            if let Err(error) = template::expand(template.get_ref()) {
                self.fail(template.span(), Problem::Template(error));
            }
        }
        templates.into_iter().map(Spanned::into_inner).collect()
    }
}
