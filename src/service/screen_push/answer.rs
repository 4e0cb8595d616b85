//! The verdict and the text that goes with it.

use std::collections::HashMap;

use super::decide::{JudgedFinding, Judgement};
use super::hit::Source;
use super::occurrences::JudgedPlace;
use super::received::Received;
use super::redact::Redactor;
use super::tags::Tags;
use super::{Gate, Session};
use crate::finding::{Age, Container};
use crate::policy::Action;
use crate::service::refusal::{self, Commit, Finding, Place, Reference, Refusal, Ticket};
use crate::wire::{CommitPlace, Entry, RefUpdate, Route, Unscanned, Verdict, VerdictKind};

/// Lets a clean push in.
pub(super) fn clean(session: &Session, objects: u64) -> Verdict {
    verdict(session, objects, VerdictKind::Accept, String::new())
}

/// Stops a canary.
pub(super) fn canary(session: &Session, objects: u64, id: &str) -> Verdict {
    verdict(session, objects, VerdictKind::Refuse, refusal::render_canary(id))
}

/// Says what was decided.
pub(super) fn judged(
    gate: &Gate,
    session: &Session,
    push: &Announced,
    judgement: &Judgement,
) -> Verdict {
    let text = match judgement.kind {
        VerdictKind::Refuse => {
            refusal::render(&refusal(gate, session, push, judgement, Action::Refuse))
        }
        VerdictKind::Accept => {
            let report = refusal(gate, session, push, judgement, Action::Report);
            let worth_a_word = !report.findings.is_empty() || !report.unscanned.is_empty();
            if worth_a_word { refusal::render_warning(&report) } else { String::new() }
        }
    };
    verdict(session, push.objects, judgement.kind, text)
}

/// What of a push its answer repeats; the rest is gone when the answer is made.
pub(super) struct Announced {
    pub(super) objects: u64,
    updates: Vec<RefUpdate>,
    /// Where each ref's update stands among them.
    by_name: HashMap<Vec<u8>, usize>,
    /// The first of them that make or move a ref, secrets in their names masked.
    shown: Vec<Reference>,
    tags: Tags,
}

/// The most refs of a push that its refusal is told of: more are never written out.
const REFS_SHOWN_MAX: usize = 16;

impl Announced {
    pub(super) fn of(gate: &Gate, received: &Received) -> Self {
        let updates = received.updates.clone();
        let names = updates.iter().enumerate();
        let by_name = names.map(|(at, update)| (update.name.clone(), at)).collect();
        let redactor = Redactor::new(gate, received);
        let shown = updates.iter().filter(|update| !update.new.is_null()).take(REFS_SHOWN_MAX);
        let tags = received.tags.clone();
        let shown =
            shown.map(|update| reference(update, &tags, &redactor.bytes(&update.name), false));
        let shown = shown.collect();
        Self { objects: received.objects, updates, by_name, shown, tags }
    }

    fn reference(&self, name: &[u8], shown: &[u8], is_forced: bool) -> Option<Reference> {
        let update = self.updates.get(*self.by_name.get(name)?)?;
        Some(reference(update, &self.tags, shown, is_forced))
    }
}

fn reference(update: &RefUpdate, tags: &Tags, shown: &[u8], is_forced: bool) -> Reference {
    let old = Some(update.old).filter(|old| !old.is_null());
    let (new, target) = (update.new, tags.follow(update.new));
    Reference { name: shown.to_vec(), old, new, target, is_forced }
}

fn verdict(session: &Session, objects: u64, kind: VerdictKind, text: String) -> Verdict {
    Verdict { nonce: session.begin.nonce, objects, kind, text }
}

/// Gathers what the pusher is told of the findings with `action`.
fn refusal(
    gate: &Gate,
    session: &Session,
    push: &Announced,
    judgement: &Judgement,
    action: Action,
) -> Refusal {
    let begin = &session.begin;
    let is_web =
        begin.environment.iter().any(|(name, value)| name == "GL_PROTOCOL" && value == b"web");
    let told = judgement.findings.iter().filter(|judged| {
        let new = judged.record.occurrences.iter().any(|place| place.age == Age::New);
        judged.record.decision.action == action && new
    });
    let unfiled = match action {
        Action::Refuse => judgement.unfiled.refusing,
        Action::Report | Action::Ignore => 0,
    };
    Refusal {
        updates: push.shown.clone(),
        unfiled,
        nonce: begin.nonce,
        server: begin.server,
        is_web,
        findings: told.map(|judged| finding(push, judged)).collect(),
        unscanned: unscanned(&judgement.unscanned),
        contact: gate.wording.contact.clone(),
        ticket_url: gate.wording.ticket_url.clone(),
    }
}

fn finding(push: &Announced, judged: &JudgedFinding) -> Finding {
    let JudgedFinding { record, rule, reasons, places, filed } = judged;
    let owner = &record.owner;
    let evidence = owner.chain.iter().find(|step| step.source == owner.source);
    let ticket = filed.as_ref().and_then(|filed| filed.ticket).map(|ticket| Ticket {
        id: ticket.id.to_string(),
        open_since: (!ticket.newly_opened).then(|| "an earlier push".to_owned()),
    });
    let reason =
        if reasons.is_empty() { record.decision.reason.clone() } else { reasons.join(", ") };
    Finding {
        rule: record.finding.rule.to_string(),
        confidence: record.finding.confidence,
        kind: rule.description.clone(),
        preview: record.finding.preview.to_string(),
        reason,
        known_as: record.finding.known_as.clone(),
        places: places.iter().map(|judged| place(push, judged)).collect(),
        owner: owner.name.clone(),
        owner_source: evidence.map(|step| step.evidence.clone()).unwrap_or_default(),
        ticket,
        incident: filed.as_ref().map(|filed| filed.incident.to_string()).unwrap_or_default(),
        revocation: rule.revocation.how.clone(),
        revocation_url: rule.revocation.url.clone(),
        replacement: rule.replacement.clone(),
    }
}

fn place(push: &Announced, judged: &JudgedPlace) -> Place {
    let occurrence = &judged.occurrence;
    let reference = match (&judged.route, judged.source) {
        (Some(Route::Entry(Entry { commit, .. }) | Route::Commit(commit)), _) => {
            push.reference(&commit.ref_name, &judged.reference, commit.topology.is_forced)
        }
        (Some(Route::Tag { ref_name } | Route::Ref { ref_name }), _) => {
            push.reference(ref_name, &judged.path, false)
        }
        (None, Source::Ref { update }) => push
            .updates
            .get(update)
            .and_then(|update| push.reference(&update.name, &judged.path, false)),
        _ => None,
    };
    let in_files = matches!(occurrence.container, Container::Blob | Container::TreeEntry);
    let is_path = in_files && matches!(judged.route, Some(Route::Entry(_)));
    Place {
        container: occurrence.container,
        is_new: occurrence.age == Age::New,
        object: judged.source.object(),
        commit: commit_of(judged).map(|commit| Commit {
            id: commit.id,
            order: commit.order,
            subject: judged.subject.clone(),
            topology: commit.topology,
        }),
        path: if is_path { judged.path.clone() } else { Vec::new() },
        line: occurrence.span.line,
        layers: occurrence.layers.clone(),
        in_header: judged.in_header,
        reference,
    }
}

fn commit_of(judged: &JudgedPlace) -> Option<&CommitPlace> {
    match judged.route.as_ref()? {
        Route::Entry(entry) => Some(&entry.commit),
        Route::Commit(commit) => Some(commit),
        _ => None,
    }
}

/// Counts what was not scanned by its reason.
fn unscanned(items: &[Unscanned]) -> Vec<refusal::Unscanned> {
    let mut counted: Vec<refusal::Unscanned> = Vec::new();
    for item in items {
        match counted.iter_mut().find(|counted| counted.reason == item.reason) {
            Some(counted) => counted.objects += 1,
            None => counted.push(refusal::Unscanned { reason: item.reason, objects: 1 }),
        }
    }
    counted
}
