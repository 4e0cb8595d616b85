//! The engine: rules made ready to run.

use std::sync::{Arc, OnceLock};

use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};

use super::facts::{self, Decode};
use super::finder::Finder;
use super::pass::{Effort, Pass};
use super::plan;
use super::validate::{self, Check, Evidence, Opinion};
use super::{Match, Window};
use crate::finding::Facts;
use crate::rule::pattern::{self, Outline, PatternError};
use crate::rule::{Confidence, Rule, RuleId, Ruleset};

/// Why a ruleset does not run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A pattern does not compile.
    #[error("cannot compile the pattern of rule `{rule}`")]
    Pattern {
        /// The rule.
        rule: RuleId,
        /// Why.
        source: PatternError,
    },
    /// A validator or decoder has no function behind its name.
    #[error("rule `{rule}` uses `{name}`, which this engine does not have")]
    Unknown {
        /// The rule.
        rule: RuleId,
        /// The validator or decoder.
        name: String,
    },
}

/// Scans texts by a ruleset. Share it between threads: scratch memory belongs to each call.
pub struct Engine {
    ruleset: Arc<Ruleset>,
    compiled: Vec<Compiled>,
    finder: Finder,
    span_bytes_max: usize,
    keyword_bytes_max: usize,
}

/// The stages of a scan that can run without the later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The look at every byte; hands on places where a gram may begin.
    Look,
    /// The look, and what finds stretches for regular expressions; hands on the stretches.
    Find,
}

/// A rule's moving parts.
pub(super) struct Compiled {
    pattern: String,
    /// Compiled when a candidate first needs it, as few of many rules ever do.
    regex: OnceLock<Option<Regex>>,
    pub(super) span: usize,
    secret_group: usize,
    checks: Vec<Check>,
    proves: bool,
    facts: Vec<Fact>,
}

struct Fact {
    name: String,
    group: usize,
    decode: Decode,
}

/// What a rule found before other rules had their say.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The rule's number.
    pub(super) rule: usize,
    /// Where the secret begins and ends, counted from the start of the whole text.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) confidence: Confidence,
    pub(super) generic: bool,
    /// Whether the rule checks the value itself, by a checksum or its structure.
    pub(super) proved: bool,
    facts: Facts,
    reasons: Vec<&'static str>,
}

impl Engine {
    /// Makes `ruleset` ready to run. Patterns compile when they are first needed; the loader has
    /// checked that they do, and [`Engine::compile_all`] does it at once.
    pub fn new(ruleset: Arc<Ruleset>) -> Result<Self, EngineError> {
        let mut compiled = Vec::with_capacity(ruleset.rules().len());
        let mut plans = Vec::with_capacity(ruleset.rules().len());
        for rule in ruleset.rules() {
            let tree = pattern::tree(&rule.pattern)
                .map_err(|source| EngineError::Pattern { rule: rule.id.clone(), source })?;
            compiled.push(prepare(rule, &Outline::of(&tree))?);
            plans.push(plan::plan(rule, &tree));
        }
        let keywords = ruleset.rules().iter().flat_map(|rule| &rule.keywords);
        Ok(Self {
            finder: Finder::new(plans),
            span_bytes_max: compiled.iter().map(|rule| rule.span).max().unwrap_or(0),
            keyword_bytes_max: keywords.map(String::len).max().unwrap_or(0),
            compiled,
            ruleset,
        })
    }

    /// Compiles every pattern now.
    pub fn compile_all(&self) -> Result<(), EngineError> {
        for (rule, compiled) in self.ruleset.rules().iter().zip(&self.compiled) {
            if compiled.regex().is_none() {
                let source =
                    pattern::compile(&rule.pattern).err().unwrap_or(PatternError::TooLarge);
                return Err(EngineError::Pattern { rule: rule.id.clone(), source });
            }
        }
        Ok(())
    }

    /// Returns the rules that it scans by.
    pub fn ruleset(&self) -> &Ruleset {
        &self.ruleset
    }

    /// Returns the longest span of any rule, in bytes: what a window needs as context on each side
    /// is twice this and the longest keyword.
    pub fn span_bytes_max(&self) -> usize {
        self.span_bytes_max
    }

    /// Returns the bytes of context on each side of a body in which no match of it can hide.
    pub fn context_bytes(&self) -> usize {
        2 * self.span_bytes_max + self.keyword_bytes_max + 2
    }

    /// Reports every secret that begins in the window's body, in the order of their places.
    ///
    /// The work is linear in the text, whatever the text; the returned [`Effort`] says how much it
    /// was, and whether a rule had to give a stretch up.
    pub fn scan(&self, window: &Window<'_>, sink: &mut dyn FnMut(Match<'_>)) -> Effort {
        let mut pass = Pass::new(window.now_s);
        pass.run(self, window.text, 0, true, &mut |candidate| {
            if let Some(found) = self.present(window.text, 0, candidate)
                && window.body.contains(&found.range.start)
            {
                sink(found);
            }
        });
        pass.effort()
    }

    /// Tells whether a scan of `text` would run any regular expression.
    ///
    /// What decides it lies within [`Engine::sign_bytes`]: where a match begins in a text, this is
    /// true of every text that holds as many bytes on both sides of that place.
    pub fn may_match(&self, text: &[u8]) -> bool {
        !self.finder.starts(text).is_empty()
    }

    /// Returns how far, in bytes, what shows that a match may begin goes at most.
    pub fn sign_bytes(&self) -> usize {
        self.finder.sign_bytes()
    }

    /// Runs the first stages of a scan alone, and counts what they hand on: how long each takes
    /// is what a profile cannot tell of code that is inlined.
    pub fn rehearse(&self, stage: Stage, text: &[u8]) -> usize {
        match stage {
            Stage::Look => self.finder.look(text),
            Stage::Find => self.finder.starts(text).len(),
        }
    }

    pub(super) fn compiled(&self) -> &[Compiled] {
        &self.compiled
    }

    pub(super) fn finder(&self) -> &Finder {
        &self.finder
    }

    /// Returns how many bytes at the end of a text that goes on are not decided: a match may begin
    /// there that is not seen whole, or whose keyword is not.
    pub(super) fn unseen_bytes(&self) -> usize {
        self.span_bytes_max + self.keyword_bytes_max + 1
    }

    /// Turns a candidate into a match of `text`, which begins at `base` of the whole.
    pub(super) fn present<'t>(
        &'t self,
        text: &'t [u8],
        base: u64,
        candidate: Candidate,
    ) -> Option<Match<'t>> {
        let rule = self.ruleset.rules().get(candidate.rule)?;
        let start = usize::try_from(candidate.start.checked_sub(base)?).ok()?;
        let end = usize::try_from(candidate.end.checked_sub(base)?).ok()?;
        Some(Match {
            rule,
            secret: text.get(start..end)?,
            range: start..end,
            facts: candidate.facts,
            confidence: candidate.confidence,
            severity: rule.severity,
            reasons: candidate.reasons,
        })
    }

    /// Lets the validators of rule `number` judge what its pattern matched at `place` of `text`.
    pub(super) fn judge(
        &self,
        number: usize,
        text: &[u8],
        base: u64,
        place: std::ops::Range<usize>,
        now_s: u64,
    ) -> Option<Candidate> {
        let (rule, compiled) = (self.ruleset.rules().get(number)?, self.compiled.get(number)?);
        let groups = compiled.groups(text, place.clone())?;
        let secret = groups.get_group(compiled.secret_group);
        let secret = secret.map_or(place.clone(), |span| span.range());
        let evidence = Evidence {
            secret: text.get(secret.clone()).filter(|secret| !secret.is_empty())?,
            matched: text.get(place)?,
            now_s,
        };
        let (confidence, reasons) = compiled.ask(rule.confidence, &evidence)?;
        Some(Candidate {
            rule: number,
            start: base + secret.start as u64,
            end: base + secret.end as u64,
            confidence,
            generic: rule.generic,
            proved: compiled.proves,
            facts: compiled.facts(text, &groups),
            reasons,
        })
    }
}

impl Compiled {
    /// Returns the compiled pattern; `None` where it does not compile, and then the rule gives
    /// everything up.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| pattern::compile(&self.pattern).ok()).as_ref()
    }

    /// Finds the leftmost match in `place`; look-around sees the text around it.
    pub(super) fn find(
        &self,
        text: &[u8],
        place: std::ops::Range<usize>,
        anchored: Anchored,
    ) -> Option<std::ops::Range<usize>> {
        let input = Input::new(text).span(place).anchored(anchored);
        self.regex()?.find(input).map(|found| found.range())
    }

    /// Finds the groups of a match whose place is known.
    fn groups(&self, text: &[u8], place: std::ops::Range<usize>) -> Option<Captures> {
        let regex = self.regex()?;
        let mut groups = regex.create_captures();
        if self.secret_group > 0 || !self.facts.is_empty() {
            let input = Input::new(text).span(place).anchored(Anchored::Yes);
            regex.captures(input, &mut groups);
        }
        Some(groups)
    }

    /// Asks the validators in their order; the first that refuses ends it.
    fn ask(
        &self,
        mut confidence: Confidence,
        evidence: &Evidence<'_>,
    ) -> Option<(Confidence, Vec<&'static str>)> {
        let mut reasons = Vec::with_capacity(self.checks.len());
        for check in &self.checks {
            match check.ask(evidence) {
                Opinion::Pass(reason) => reasons.push(reason),
                Opinion::Doubt(reason) => {
                    reasons.push(reason);
                    confidence = Confidence::Low;
                }
                Opinion::Refuse => return None,
            }
        }
        Some((confidence, reasons))
    }

    fn facts(&self, text: &[u8], groups: &Captures) -> Facts {
        let fact = |fact: &Fact| {
            let bytes = text.get(groups.get_group(fact.group)?.range())?;
            Some((fact.name.clone(), (fact.decode)(bytes)?))
        };
        self.facts.iter().filter_map(fact).collect()
    }
}

fn prepare(rule: &Rule, outline: &Outline) -> Result<Compiled, EngineError> {
    let unknown =
        |name: &str| EngineError::Unknown { rule: rule.id.clone(), name: name.to_owned() };
    let mut checks = Vec::with_capacity(rule.validators.len());
    for validator in &rule.validators {
        let check = validate::check(validator).ok_or_else(|| unknown(&validator.name))?;
        checks.push(check);
    }
    let mut facts = Vec::with_capacity(rule.facts.len());
    for fact in &rule.facts {
        let decoder = fact.decoder.as_deref();
        let decode = facts::decoder(decoder).ok_or_else(|| unknown(decoder.unwrap_or_default()))?;
        let group = outline.group(&fact.group).ok_or_else(|| unknown(&fact.group))?;
        facts.push(Fact { name: fact.name.clone(), group, decode });
    }
    Ok(Compiled {
        pattern: rule.pattern.clone(),
        regex: OnceLock::new(),
        span: rule.span_bytes_max,
        secret_group: rule.secret_group,
        checks,
        proves: rule.validators.iter().any(validate::proves),
        facts,
    })
}
