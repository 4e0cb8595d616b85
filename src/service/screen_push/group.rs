//! Hits with one fingerprint: one secret, before the decision.

use super::Gate;
use super::hit::Hit;
use super::occurrences::{self, JudgedPlace};
use super::places::Located;
use super::received::Received;
use crate::finding::{Age, Finding};
use crate::rule::Rule;
use crate::store::KnownSecret;
use crate::wire::Route;

/// One secret before the decision.
pub(super) struct Group<'a> {
    pub(super) finding: Finding,
    pub(super) known: Option<&'a KnownSecret>,
    pub(super) hits: Vec<&'a Hit>,
    pub(super) any_new: bool,
    /// Empty until it is certain that the finding is filed.
    pub(super) places: Vec<JudgedPlace>,
}

impl<'a> Group<'a> {
    /// Makes one finding of the hits with one fingerprint.
    pub(super) fn of(hits: Vec<&'a Hit>, received: &Received, located: &Located) -> Option<Self> {
        let surest = hits.iter().max_by_key(|hit| hit.finding.confidence)?;
        let mut finding = surest.finding.clone();
        let known = hits.iter().find_map(|hit| hit.known.as_ref());
        finding.known_as = known.map(|known| known.name.clone());
        let any_new = hits.iter().any(|hit| occurrences::is_new(hit, received, located));
        Some(Self { finding, known, hits, any_new, places: Vec::new() })
    }

    /// The path of the earliest new place, in git's bytes.
    pub(super) fn owned_path(&self) -> Option<&[u8]> {
        let new = self.places.iter().find(|place| place.occurrence.age == Age::New);
        let place = new.or(self.places.first())?;
        match &place.route {
            Some(Route::Entry(entry)) => Some(&entry.path),
            _ => None,
        }
    }
}

/// Finds the rule of a finding; a known secret without shape, or one whose rule is gone, has a
/// stand-in.
pub(super) fn rule_of(gate: &Gate, finding: &Finding) -> Rule {
    let found = gate.ruleset.find(finding.rule.as_str()).cloned();
    found.unwrap_or_else(|| Rule::known_secret(finding.rule.clone(), finding.severity))
}
