//! What to do beyond the commands: rotate, ask, push again later.

use super::page::{COLUMNS_MAX, Page, Weight};
use super::{Finding, Refusal, Unscanned};
use crate::wire::{UnscannedReason, count, escape};

/// The most kinds of credential whose revocation is told.
const KINDS_MAX: usize = 3;

/// The most tickets or incidents that one line names.
const IDS_MAX: usize = 5;

/// Names the secrets that found no room.
pub(super) fn others(page: &mut Page, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    let ids = ids(findings, |finding| {
        finding.ticket.as_ref().map_or(&finding.incident, |ticket| &ticket.id)
    });
    let text = format!("and {}: see {ids}", count(findings.len(), "more credential"));
    page.blank();
    page.text(Weight::Must, "", &text, 2);
}

/// Says that more secrets were found than were filed.
pub(super) fn unfiled(page: &mut Page, unfiled: usize) {
    let (noun, them) = match unfiled {
        0 => return,
        1 => ("credential has", "it"),
        _ => ("credentials have", "them"),
    };
    let text = format!("{unfiled} more {noun} no incident yet. The next push names {them}.");
    page.blank();
    page.text(Weight::Must, "hint: ", &text, 2);
}

fn ids<'a>(findings: &'a [Finding], id: impl Fn(&'a Finding) -> &'a String) -> String {
    let mut ids: Vec<&str> =
        findings.iter().take(IDS_MAX).map(|finding| id(finding).as_str()).collect();
    ids.dedup();
    let more = if findings.len() > IDS_MAX { " and others" } else { "" };
    format!("{}{more}", ids.join(", "))
}

/// Says what was not scanned, why, and what helps.
pub(super) fn unscanned(page: &mut Page, unscanned: &[Unscanned]) {
    for Unscanned { reason, objects } in unscanned {
        let (what, remedy) = words(*reason);
        let objects = count(*objects, "object");
        page.blank();
        page.text(Weight::Must, "hint: ", &format!("{objects} not scanned: {what}."), 2);
        page.text(Weight::Must, "  ", remedy, 3);
    }
}

/// Returns what happened, and what the pusher can do.
fn words(reason: UnscannedReason) -> (&'static str, &'static str) {
    const SMALLER: &str = "Push in smaller parts: git push origin COMMIT:refs/heads/BRANCH with an \
                           earlier commit first.";
    const AGAIN: &str = "Push again in a moment. If it stays so, ask those who run this server.";
    const CHECK: &str = "Run git fsck in your clone; a fresh clone with your commits often helps.";
    const UNPACKED: &str = "Push without that file, or with what is in it instead, unpacked.";
    match reason {
        UnscannedReason::Unreadable => ("they cannot be read", CHECK),
        UnscannedReason::Missing => ("they are missing on the server and in the push", CHECK),
        UnscannedReason::DeltaDepth => (
            "they are packed in too deep a chain of deltas",
            "Run git repack -a -d -f --depth=50, then push again.",
        ),
        UnscannedReason::InflatedBytes => ("they are too large when unpacked", SMALLER),
        UnscannedReason::ObjectCount => ("the push has too many objects", SMALLER),
        UnscannedReason::PushBytes => ("the push has too many bytes", SMALLER),
        UnscannedReason::FindingCount => (
            "too much of it looks like credentials",
            "Push in smaller parts. Where a single file holds so many, ask those who run this \
             server to raise hits_max.",
        ),
        UnscannedReason::Deadline => ("there was not enough time", SMALLER),
        UnscannedReason::Unlocated => ("there was not enough time to find their places", SMALLER),
        UnscannedReason::DaemonAway => ("the scanner is away", AGAIN),
        UnscannedReason::Inventory => ("known secrets could not be looked up", AGAIN),
        UnscannedReason::Exhausted => (
            "a text in it is made to exhaust the scanner",
            "Push without that file, or ask for help.",
        ),
        UnscannedReason::LayerDepth => ("too many archives lie inside each other", UNPACKED),
        UnscannedReason::LayerBytes => ("they are too large when unpacked", UNPACKED),
        UnscannedReason::LayerParts => ("too many files lie in an archive", UNPACKED),
        UnscannedReason::Encrypted => ("they are encrypted", UNPACKED),
        UnscannedReason::Damaged => ("they are damaged archives or pictures", UNPACKED),
        UnscannedReason::UnknownMethod => ("nobody here knows how they are packed", UNPACKED),
        UnscannedReason::ObjectBytes => (
            "they are folders, commits or tags too large to be followed",
            "Push without them: split the folder, or shorten the message.",
        ),
        UnscannedReason::TagDepth => (
            "too many tags point from one to the next",
            "Push a tag that points to the commit itself.",
        ),
        UnscannedReason::Scratch => ("the server is out of scratch space", AGAIN),
    }
}

/// Says how each kind of credential is revoked, and what to use instead.
pub(super) fn rotate(page: &mut Page, findings: &[Finding]) {
    let mut rules: Vec<&str> = Vec::new();
    for (at, finding) in findings.iter().enumerate() {
        if rules.len() == KINDS_MAX || rules.contains(&finding.rule.as_str()) {
            continue;
        }
        if rules.is_empty() {
            page.blank();
        }
        rules.push(&finding.rule);
        let which = if findings.len() == 1 { "it".to_owned() } else { format!("[{}]", at + 1) };
        let text = format!("If {which} was ever used, rotate it: {}", finding.revocation);
        page.text(Weight::Must, "hint: ", &text, 3);
        if let Some(url) = &finding.revocation_url {
            page.text(Weight::Useful, "  ", url, 1);
        }
        if !finding.replacement.is_empty() {
            page.text(Weight::Detail, "  Better: ", &finding.replacement, 2);
        }
    }
}

/// Says how to ask for a false alarm to be lifted.
pub(super) fn appeal(page: &mut Page, refusal: &Refusal) {
    let contact = refusal.contact.as_deref().unwrap_or("those who run this server");
    let Some(first) = refusal.findings.first() else {
        page.text(Weight::Useful, "hint: ", &format!("Questions? Ask {contact}."), 2);
        return;
    };
    if first.incident.is_empty() {
        // Screened without the daemon: the incident opens when it is back.
        let later = format!("Not a secret? Ask {contact}, naming the reference below.");
        page.text(Weight::Must, "hint: ", &later, 6);
        return;
    }
    page.text(Weight::Must, "hint: ", &format!("Not a secret? Ask {contact} to run:"), 2);
    page.lines(Weight::Must, dismiss(&first.incident));
    if refusal.findings.len() > 1 {
        let others = refusal.findings.get(1..).unwrap_or_default();
        let ids = ids(others, |finding| &finding.incident);
        page.text(Weight::Useful, "  ", &format!("likewise for {ids}"), 2);
    }
}

fn dismiss(incident: &str) -> Vec<String> {
    let incident = escape::line(incident.as_bytes(), 40);
    let start = format!("  pushwarden incidents dismiss {incident} --as false-positive");
    let whole = format!("{start} --reason ...");
    if escape::columns(&whole) <= COLUMNS_MAX {
        return vec![whole];
    }
    vec![format!("{start} \\"), "    --reason ...".to_owned()]
}
