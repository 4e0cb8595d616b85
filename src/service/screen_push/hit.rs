//! What a search finds: one secret at one place.

use super::Gate;
use crate::finding::{Container, Facts, Finding, Span};
use crate::rule::{Confidence, RuleId, Severity};
use crate::scan::Match;
use crate::scan::layer::Layer;
use crate::secret::{Fingerprint, Masking, Preview, Secret};
use crate::service::inventory::Known;
use crate::store::{KnownMatch, KnownSecret};
use crate::wire::{Object, ObjectKind, Oid};

/// The rule that findings of shapeless known secrets name.
const KNOWN_SECRET_RULE: &str = "known-secret";

/// Where a hit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Source {
    /// In an object.
    Object {
        /// The object.
        id: Oid,
        /// What it is.
        container: Container,
    },
    /// In the name of a ref, by its place among the ref updates.
    Ref {
        /// Which one.
        update: usize,
    },
    /// In a push option, by its place among them.
    PushOption {
        /// Which one.
        option: usize,
    },
}

impl Source {
    /// The object, where it is one.
    pub(super) fn object(self) -> Option<Oid> {
        match self {
            Self::Object { id, .. } => Some(id),
            Self::Ref { .. } | Self::PushOption { .. } => None,
        }
    }

    /// The kind of container.
    pub(super) fn container(self) -> Container {
        match self {
            Self::Object { container, .. } => container,
            Self::Ref { .. } => Container::RefName,
            Self::PushOption { .. } => Container::PushOption,
        }
    }

    /// Names an object.
    pub(super) fn of(object: &Object) -> Self {
        let container = match object.kind {
            ObjectKind::Blob => Container::Blob,
            ObjectKind::Tree => Container::TreeEntry,
            ObjectKind::Commit => Container::Commit,
            ObjectKind::Tag => Container::Tag,
        };
        Self::Object { id: object.id, container }
    }
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) source: Source,
    pub(super) span: Span,
    /// The layers that lie around it, outermost first.
    pub(super) layers: Vec<Layer>,
}

/// An object id in the header of a commit or tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderId {
    /// Of a commit's tree, or of what a tag points at.
    Content,
    /// Of a commit's parent.
    Parent,
}

/// One secret at one place.
pub(super) struct Hit {
    pub(super) spot: Spot,
    pub(super) finding: Finding,
    /// The value's short tag and length, by which the inventory knows it again.
    pub(super) tag: u64,
    pub(super) length: u32,
    /// The value; it lives until the push is answered.
    pub(super) clear: Secret<Vec<u8>>,
    /// The name of the tree's entry, for hits in names.
    pub(super) entry: Option<Vec<u8>>,
    /// Whether it stands in the header of a commit or tag: its author, say.
    pub(super) in_header: bool,
    /// The object id that Git itself put into a header and that it touches.
    pub(super) touches: Option<HeaderId>,
    /// Whether the value is known, from the inventory or because it leaked before.
    pub(super) is_known: bool,
    /// Why the rule believes it.
    pub(super) reasons: Vec<&'static str>,
    /// The canary that it is.
    pub(super) canary: Option<String>,
    /// The inventory's entry, where it has one.
    pub(super) known: Option<KnownSecret>,
    /// Further places of the same secret in the same object, which are counted and not kept.
    pub(super) more: usize,
}

impl Hit {
    /// What tells two hits apart.
    pub(super) fn place(&self) -> (Source, Span, Fingerprint, &[Layer]) {
        let Spot { source, span, ref layers } = self.spot;
        (source, span, self.finding.fingerprint, layers)
    }

    /// Builds the hit of a rule.
    pub(super) fn of_rule(gate: &Gate, spot: Spot, found: &Match<'_>) -> Self {
        let finding = Finding {
            rule: found.rule.id.clone(),
            fingerprint: gate.key.fingerprint(found.secret),
            preview: Preview::mask(found.secret, found.rule.masking),
            confidence: found.confidence,
            severity: found.severity,
            facts: found.facts.clone(),
            known_as: None,
        };
        Self { reasons: found.reasons.clone(), ..Self::new(gate, spot, found.secret, finding) }
    }

    /// Builds the hit of a known secret that no rule sees.
    pub(super) fn of_known(gate: &Gate, spot: Spot, value: &[u8], known: Known) -> Self {
        let finding = shapeless(gate.key.fingerprint(value), value, &known);
        let mut hit = Self::new(gate, spot, value, finding);
        hit.know(known);
        hit
    }

    fn new(gate: &Gate, spot: Spot, clear: &[u8], finding: Finding) -> Self {
        Self {
            spot,
            finding,
            tag: gate.inventory.as_ref().map_or(0, |inventory| inventory.tag(clear)),
            length: u32::try_from(clear.len()).unwrap_or(u32::MAX),
            clear: Secret::new(clear.to_vec()),
            entry: None,
            in_header: false,
            touches: None,
            is_known: false,
            reasons: Vec::new(),
            canary: None,
            known: None,
            more: 0,
        }
    }

    /// Adds what is known of the value.
    pub(super) fn know(&mut self, known: Known) {
        self.is_known = true;
        match known {
            Known::Canary(id) => self.canary = Some(id),
            Known::Secret(found) => {
                if let KnownMatch::Inventory(secret) = *found {
                    self.finding.known_as = Some(secret.name.clone());
                    self.known = Some(secret);
                }
            }
        }
    }
}

/// Describes a known secret that no rule sees.
fn shapeless(fingerprint: Fingerprint, value: &[u8], known: &Known) -> Finding {
    if let Known::Secret(found) = known
        && let KnownMatch::Leaked(leaked) = &**found
    {
        return Finding {
            rule: leaked.rule.clone(),
            fingerprint,
            preview: leaked.preview.clone(),
            confidence: leaked.confidence,
            severity: leaked.severity,
            facts: leaked.facts.clone(),
            known_as: None,
        };
    }
    Finding {
        rule: RuleId::parse(KNOWN_SECRET_RULE).expect("the constant is a rule id"),
        fingerprint,
        preview: Preview::mask(value, Masking::Whole),
        confidence: Confidence::High,
        severity: Severity::High,
        facts: Facts::new(),
        known_as: None,
    }
}
