//! The single lines: verdict, GitLab's summary, support reference.

use std::collections::BTreeSet;

use super::page::{COLUMNS_MAX, clip};
use super::report::location;
use super::{Finding, Place, Refusal};
use crate::finding::Container;
use crate::rule::Confidence;
use crate::wire::{count, escape};

/// GitLab shows its users the lines that begin so.
const GITLAB: &str = "GL-HOOK-ERR: ";

/// GitLab's web interface shows one line; longer ones are no longer read.
const WEB_COLUMNS_MAX: usize = 400;

/// How many hex digits of the nonce name a push.
const REFERENCE_DIGITS: usize = 12;

/// Returns the first line of a refusal, which says it all.
pub(super) fn headline(refusal: &Refusal) -> String {
    let verdict = format!("error: push refused - {}", what(refusal));
    let long = format!("{verdict}. Nothing was stored.");
    if long.len() <= COLUMNS_MAX { long } else { format!("{verdict}, nothing stored.") }
}

/// Returns the first line of a warning.
pub(super) fn warning(refusal: &Refusal) -> String {
    format!("warning: push accepted - {}, recorded.", what(refusal))
}

fn what(refusal: &Refusal) -> String {
    if refusal.findings.is_empty() {
        let objects: u64 = refusal.unscanned.iter().map(|unscanned| unscanned.objects).sum();
        return format!("{} not scanned", count(objects, "object"));
    }
    let findings = refusal.findings.len() + refusal.unfiled;
    format!("{} in {}", count(findings, "credential"), wherein(refusal))
}

fn wherein(refusal: &Refusal) -> String {
    let places = || refusal.findings.iter().flat_map(|finding| &finding.places);
    let commits: BTreeSet<_> =
        places().filter_map(|place| place.commit.as_ref()).map(|c| c.id).collect();
    if !commits.is_empty() {
        return count(commits.len(), "commit");
    }
    let mut all = places();
    match (all.next(), all.next()) {
        (None, _) => "this push".to_owned(),
        (Some(place), None) => thing(place).to_owned(),
        _ => count(places().count(), "place"),
    }
}

fn thing(place: &Place) -> &'static str {
    match place.container {
        Container::Tag => "a tag",
        Container::RefName => "a ref name",
        Container::PushOption => "a push option",
        Container::Blob | Container::Commit | Container::TreeEntry => "an object",
    }
}

/// Returns the last line, by which support finds the push.
pub(super) fn reference(refusal: &Refusal) -> String {
    let nonce = refusal.nonce.to_string();
    let short = nonce.get(..REFERENCE_DIGITS).unwrap_or(&nonce);
    let Some(first) = refusal.findings.first() else {
        return format!("ref {short}");
    };
    let confidence = match first.confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    };
    let more = match refusal.findings.len() {
        1 => String::new(),
        findings => format!(", {} more", findings - 1),
    };
    let rule = escape::line(first.rule.as_bytes(), 30);
    format!("ref {short} (rule {rule}, confidence {confidence}{more})")
}

/// Returns the line that GitLab picks out for its interface.
pub(super) fn gitlab(refusal: &Refusal) -> String {
    let see = refusal.findings.first().map(seen_in);
    let see = see.map_or_else(String::new, |ticket| format!(", see {ticket}"));
    clip(&format!("{GITLAB}push refused, {}{see}", what(refusal)), COLUMNS_MAX)
}

/// Returns everything in one line, for the interface that shows no more.
pub(super) fn gitlab_web(refusal: &Refusal) -> String {
    let verdict = format!("{GITLAB}push refused - {}. Nothing was stored.", what(refusal));
    let finding = refusal.findings.first().map_or_else(String::new, in_a_line);
    let reference = reference(refusal);
    format!("{} {reference}\n", clip(&format!("{verdict}{finding}"), WEB_COLUMNS_MAX))
}

fn in_a_line(finding: &Finding) -> String {
    let (kind, preview) = (clip(&finding.kind, 60), clip(&finding.preview, 24));
    let place = finding.places.first().map_or_else(String::new, |place| location(place, 80));
    format!(" {kind} {preview} {place}. Owner: {}, {}.", finding.owner, seen_in(finding))
}

fn seen_in(finding: &Finding) -> &str {
    finding.ticket.as_ref().map_or(finding.incident.as_str(), |ticket| &ticket.id)
}

/// Returns a finding in three lines.
pub(super) fn brief(finding: &Finding) -> Vec<String> {
    let place = finding.places.first().map_or_else(String::new, |place| location(place, 66));
    let first = format!("  {} {}", clip(&finding.kind, 40), clip(&finding.preview, 24));
    let second = format!("    {place}");
    let third = clip(&format!("owner: {}, {}", finding.owner, seen_in(finding)), 66);
    vec![first, second, format!("    {third}")]
}
