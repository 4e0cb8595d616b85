//! From what was found to what is done about it.
//!
//! Policy is a plain function of a finding and its context: no I/O, no clock of its own. The order
//! of its questions is the order of [`Policy::decide`]'s lines, and each answer says which line
//! gave it.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::rule::{Confidence, RuleId};

/// What happens to a push because of a finding.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The rule is off, or the incident was dismissed: nothing happens.
    Ignore,
    /// Triage sees it, the push goes on.
    Report,
    /// The push is refused.
    Refuse,
}

impl Action {
    /// Returns the word for it in records and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Report => "report",
            Self::Refuse => "refuse",
        }
    }
}

/// An action and the reason that the record keeps.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Decision {
    /// What happens.
    pub action: Action,
    /// Why, naming the policy line, grant, disposition or rule that decided.
    pub reason: String,
}

impl Decision {
    fn new(action: Action, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into() }
    }
}

/// What happens to a push of which something could not be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnscanned {
    /// It is refused.
    Refuse,
    /// It is let in, and what was not scanned stands in triage.
    Accept,
}

/// The administrator's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The confidence from which a finding refuses.
    pub refuse_at: Confidence,
    /// What happens when something could not be scanned.
    pub on_unscanned: OnUnscanned,
    /// What happens when a file keeps its inside closed: encrypted, damaged, of an unknown method.
    pub on_unopened: OnUnscanned,
    /// Actions by rule, which outrank `refuse_at`.
    pub actions: BTreeMap<RuleId, Action>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            refuse_at: Confidence::High,
            on_unscanned: OnUnscanned::Refuse,
            // Password-protected archives and broken test files are everyday content.
            on_unopened: OnUnscanned::Accept,
            actions: BTreeMap::new(),
        }
    }
}

/// What is known of a finding beside the finding.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// Whether any of its occurrences came with this push.
    pub any_new: bool,
    /// The incident that was dismissed, and as what: "INC-3 was dismissed as false-positive".
    pub dismissed: Option<&'a str>,
    /// The grant that lets it pass here.
    pub grant: Option<&'a str>,
    /// The incident in which it is known to be leaked.
    pub leaked_in: Option<&'a str>,
}

impl Policy {
    /// Decides what a finding does to its push.
    pub fn decide(&self, finding: &Finding, context: &Context<'_>) -> Decision {
        let configured = self.actions.get(&finding.rule).copied();
        if configured == Some(Action::Ignore) {
            return Decision::new(Action::Ignore, format!("rule {} is off", finding.rule));
        }
        if let Some(dismissed) = context.dismissed {
            return Decision::new(Action::Ignore, dismissed);
        }
        if !context.any_new {
            return Decision::new(Action::Report, "old content does not block");
        }
        if let Some(grant) = context.grant {
            return Decision::new(Action::Report, format!("{grant} lets it pass"));
        }
        if let Some(name) = &finding.known_as {
            return Decision::new(Action::Refuse, format!("known secret {name}"));
        }
        if let Some(incident) = context.leaked_in {
            return Decision::new(Action::Refuse, format!("known to be leaked: {incident}"));
        }
        match configured {
            Some(action) => Decision::new(action, format!("policy for rule {}", finding.rule)),
            None => self.decide_by_confidence(finding),
        }
    }

    /// Returns what the policy alone would do with a new finding of `confidence` by `rule`: what
    /// scans outside a push report as their action.
    pub fn action_for(&self, rule: &RuleId, confidence: Confidence) -> Action {
        let by_confidence =
            if confidence >= self.refuse_at { Action::Refuse } else { Action::Report };
        self.actions.get(rule).copied().unwrap_or(by_confidence)
    }

    fn decide_by_confidence(&self, finding: &Finding) -> Decision {
        let action = self.action_for(&finding.rule, finding.confidence);
        Decision::new(action, format!("confidence {}", finding.confidence.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Severity;
    use crate::secret::{FingerprintKey, Masking, Preview};

    fn finding(confidence: Confidence) -> Finding {
        Finding {
            rule: RuleId::parse("some-rule").unwrap(),
            fingerprint: FingerprintKey::new([0; 32]).fingerprint(b"x"),
            preview: Preview::mask(b"x", Masking::Whole),
            confidence,
            severity: Severity::High,
            facts: crate::finding::Facts::new(),
            known_as: None,
        }
    }

    const NEW: Context<'static> =
        Context { any_new: true, dismissed: None, grant: None, leaked_in: None };

    #[track_caller]
    fn check(finding: &Finding, context: &Context<'_>, action: Action, reason: &str) {
        let decision = Policy::default().decide(finding, context);
        assert_eq!((decision.action, decision.reason.as_str()), (action, reason));
    }

    #[test]
    fn each_question_has_its_rank() {
        let (high, low) = (finding(Confidence::High), finding(Confidence::Low));
        let known = Finding { known_as: Some("pay/db".to_owned()), ..finding(Confidence::Low) };
        let leaked = Context { leaked_in: Some("INC-1"), ..NEW };
        let granted = Context { grant: Some("GRT-1"), ..leaked };
        let dismissed = Context { dismissed: Some("INC-1 was dismissed"), ..granted };

        check(&high, &NEW, Action::Refuse, "confidence high");
        check(&low, &NEW, Action::Report, "confidence low");
        check(&low, &leaked, Action::Refuse, "known to be leaked: INC-1");
        check(&known, &NEW, Action::Refuse, "known secret pay/db");
        check(&high, &Context::default(), Action::Report, "old content does not block");
        check(&known, &granted, Action::Report, "GRT-1 lets it pass");
        check(&known, &dismissed, Action::Ignore, "INC-1 was dismissed");
    }

    #[test]
    fn an_action_by_rule_outranks_confidence() {
        let rule = RuleId::parse("some-rule").unwrap();
        let with = |action| Policy {
            actions: BTreeMap::from([(rule.clone(), action)]),
            ..Policy::default()
        };
        let decide = |action, confidence| with(action).decide(&finding(confidence), &NEW).action;
        assert_eq!(decide(Action::Report, Confidence::High), Action::Report);
        assert_eq!(decide(Action::Refuse, Confidence::Low), Action::Refuse);
        assert_eq!(decide(Action::Ignore, Confidence::High), Action::Ignore);
    }
}
