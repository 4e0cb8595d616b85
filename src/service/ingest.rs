//! Takes in what hooks left in the spool while the daemon was away.
//!
//! | file | what it says | what becomes of it |
//! |---|---|---|
//! | `NONCE.claim` | a local screening's findings, sealed | incidents, and what it could not check |
//! | `NONCE.accepted` | a push that policy let in unscanned | its tips, as not scanned |
//!
//! Ref names, paths and pushers' names were written without a look at known secrets, or at any: they
//! are masked here, before anything is kept of them.
//!
//! Each entry is recorded once, whatever happens in between: its nonce is unique in the store, and
//! its file goes only after the record is durable. What cannot be read is moved aside, and
//! stands on record as a push of which nothing else is known.

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::finding::Finding;
use crate::identity::{Owner, OwnerSource, Question, resolve};
use crate::incident::{Origin, PushId, PushVerdict, TicketDraft};
use crate::policy::{Action, Decision};
use crate::rule::Rule;
use crate::secret::{Preview, Secret};
use crate::service::inventory::Inventory;
use crate::service::screen_push::Gate;
use crate::service::spool::{CLAIM_SUFFIX, Claim, ClaimedFinding, SpoolError, read_bounded};
use crate::service::{ticket_text, unscanned};
use crate::store::{
    FindingRecord, PushRecord, PusherRecord, SpoolNonce, Store, StoreError, UnscannedItem,
};
use crate::wire::{self, Accepted, PusherSource, Server, Trust, UnscannedReason, escape};

/// Stands for the repository of a push whose entry could not be read.
const UNKNOWN: &str = "(unknown)";

/// How the name of an entry ends that could not be read.
pub const ASIDE_SUFFIX: &str = ".unreadable";

/// How the name of an accepted push ends.
const ACCEPTED_SUFFIX: &str = ".accepted";

/// What ingesting needs.
pub struct Intake {
    /// Where entries lie.
    pub directory: PathBuf,
    /// The most entries that one round takes.
    pub entries_max: usize,
    /// Where they go.
    pub store: Arc<dyn Store>,
    /// What claims are sealed to.
    pub spool_key: Secret<[u8; 32]>,
    /// Rules, owners and keys; what masks secrets in the names that entries bring.
    pub gate: Arc<Gate>,
    /// Known secrets, which learn what leaked.
    pub inventory: Arc<Inventory>,
}

/// Why an entry was not ingested.
#[derive(Debug, thiserror::Error)]
enum IngestError {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("`{}` is no record of an accepted push: {why}", path.display())]
    Accepted { path: PathBuf, why: String },
    #[error("`{}` names no push", .0.display())]
    Name(PathBuf),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes in every entry of the spool, by name; returns how many. A spool that cannot be listed is
/// logged and looked at again in the next round.
///
/// # Errors
/// If the store refuses: then the entries that are left stay.
pub fn ingest(intake: &Intake) -> Result<usize, StoreError> {
    let mut taken = 0;
    for path in entries(&intake.directory, intake.entries_max) {
        match ingest_one(intake, &path) {
            Ok(()) => taken += 1,
            // An entry that no store would take must not stand in the others' way.
            Err(IngestError::Store(error)) if !error.blames_the_caller() => return Err(error),
            Err(error) => put_aside(intake, &path, &error)?,
        }
    }
    Ok(taken)
}

fn entries(directory: &Path, entries_max: usize) -> Vec<PathBuf> {
    let told = |error: &io::Error| {
        let error: &dyn std::error::Error = error;
        tracing::error!(error, spool = %directory.display(), "the spool cannot be listed whole");
    };
    let listed = fs::read_dir(directory).inspect_err(told).into_iter().flatten();
    // What cannot be listed this time is not lost: the next round lists it again.
    let paths = listed.filter_map(|entry| entry.inspect_err(told).ok()).map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| is_entry(path)).take(entries_max).collect();
    paths.sort();
    paths
}

/// Tells whether a file is a whole entry, and not one that is being written or was put aside.
fn is_entry(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let ends = |suffix: &str| name.ends_with(suffix.as_bytes());
    !name.starts_with(b".") && (ends(CLAIM_SUFFIX) || ends(ACCEPTED_SUFFIX))
}

/// Records one entry, then removes its file. A crash in between records it again, which the store
/// answers with `AlreadyIngested`, and then the file goes.
fn ingest_one(intake: &Intake, path: &Path) -> Result<(), IngestError> {
    let is_claim = path.to_string_lossy().ends_with(CLAIM_SUFFIX);
    let record = if is_claim { claimed(intake, path)? } else { accepted(intake, path)? };
    let learning = intake.inventory.begin_learning();
    match intake.store.record_push(&record) {
        Ok(_) => {
            learning.end(record.findings.iter().map(|found| (found.tag, found.length)))?;
            tracing::info!(push.id = %record.id, "a spool entry was ingested");
        }
        Err(StoreError::AlreadyIngested { .. }) => {
            tracing::info!(push.id = %record.id, "a spool entry was ingested before");
        }
        Err(error) => return Err(error.into()),
    }
    if let Err(error) = fs::remove_file(path) {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, entry = %path.display(), "an ingested spool entry cannot be removed");
    }
    Ok(())
}

/// Puts an entry on record as unreadable, then moves it aside.
fn put_aside(intake: &Intake, path: &Path, error: &IngestError) -> Result<(), StoreError> {
    match intake.store.record_push(&unreadable(intake, path, error)) {
        // The record is the same for the same name: once is enough.
        Ok(_) | Err(StoreError::AlreadyIngested { .. }) => {}
        Err(refused) if refused.blames_the_caller() => {
            let refused: &dyn std::error::Error = &refused;
            tracing::error!(error = refused, "an unreadable spool entry has no record");
        }
        Err(error) => return Err(error),
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(ASIDE_SUFFIX);
    let moved = fs::rename(path, &aside);
    let error: &dyn std::error::Error = error;
    tracing::error!(
        error,
        entry = %path.display(),
        moved = moved.is_ok(),
        "a spool entry cannot be read and was put aside"
    );
    Ok(())
}

/// Writes down that a push may have been let in of which nothing else is known. Its id comes from
/// the entry's name, but is not the one in it: a whole entry of that push may still come.
fn unreadable(intake: &Intake, path: &Path, error: &IngestError) -> PushRecord {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let mut nonce = [0; 16];
    let hash = intake.gate.key.fingerprint(&[b"unreadable spool entry\0", name].concat());
    nonce.iter_mut().zip(hash.as_bytes()).for_each(|(byte, hashed)| *byte = *hashed);
    let id = PushId::from_nonce(nonce);
    let name = intake.gate.masked_line(name);
    PushRecord {
        spool: Some(SpoolNonce(id.clone())),
        id,
        at: intake.gate.clock.now(),
        repository: UNKNOWN.to_owned(),
        repository_name: None,
        server: Server::Plain.to_string(),
        pusher: PusherRecord {
            name: None,
            source: PusherSource::Nobody.to_string(),
            trust: Trust::None.to_string(),
        },
        verdict: PushVerdict::Failed,
        reason: "a spool entry cannot be read: it may stand for a push that was let in".to_owned(),
        objects: 0,
        bytes: 0,
        duration_ms: 0,
        origin: Origin::GitAccount,
        findings: Vec::new(),
        unscanned: vec![UnscannedItem {
            object: None,
            old: None,
            reason: UnscannedReason::DaemonAway.to_string(),
            detail: format!("{name}{ASIDE_SUFFIX} in the spool: {}", error.summary()),
            // Nobody knows what to scan.
            again: false,
        }],
    }
}

impl IngestError {
    /// Says what is wrong with an entry that is named beside it.
    fn summary(&self) -> &'static str {
        match self {
            Self::Spool(SpoolError::File { .. }) => "it is no plain file that can be read",
            Self::Spool(SpoolError::TooLong(_)) => "it is too long",
            Self::Spool(SpoolError::Sealed(_)) => "it is sealed to another key, or damaged",
            Self::Spool(_) | Self::Accepted { .. } => "what it holds makes no sense",
            Self::Name(_) => "it names no push",
            Self::Store(_) => "the store does not take it",
        }
    }
}

fn claimed(intake: &Intake, path: &Path) -> Result<PushRecord, IngestError> {
    let mut claim = Claim::open(path, &intake.spool_key)?;
    let id = PushId::parse(&claim.id).map_err(|_| IngestError::Name(path.to_owned()))?;
    intake.mask(&mut claim);
    let findings = claim.findings.iter().filter_map(|found| intake.finding(&claim, found));
    let findings = findings.take(PushRecord::FINDINGS_MAX).collect();
    let (name, source, trust) = claim.pusher;
    let unscanned = claim.unscanned.into_iter();
    let unscanned = unscanned
        .map(|item| unscanned::claimed(item.object, item.old, item.reason, item.detail))
        .collect();
    let verdict = if claim.is_refused { PushVerdict::Refused } else { PushVerdict::Accepted };
    Ok(PushRecord {
        spool: Some(SpoolNonce(id.clone())),
        id,
        at: claim.at,
        repository: claim.repository,
        repository_name: claim.repository_name,
        server: claim.server,
        pusher: PusherRecord { name, source, trust },
        verdict,
        reason: format!("screened locally: {}", claim.reason),
        objects: claim.objects,
        bytes: claim.bytes,
        duration_ms: claim.duration_ms,
        origin: Origin::GitAccount,
        findings,
        unscanned,
    })
}

impl Intake {
    fn masked(&self, text: &str) -> String {
        self.gate.masked_line(text.as_bytes())
    }

    /// Masks the names that a claim brings: its author knew no known secrets.
    fn mask(&self, claim: &mut Claim) {
        let occurrences = claim.findings.iter_mut().flat_map(|found| &mut found.occurrences);
        let names = occurrences.flat_map(|place| [&mut place.path, &mut place.subject]);
        let names = names.flatten().chain(&mut claim.pusher.0);
        let details = claim.unscanned.iter_mut().map(|item| &mut item.detail);
        names.chain(details).for_each(|text| *text = self.masked(text));
        let facts = claim.findings.iter_mut().flat_map(|found| found.facts.values_mut());
        facts.for_each(|fact| *fact = self.masked(fact));
    }

    /// Fingerprints a claimed value and files it; a value that does not decode is none.
    fn finding(&self, claim: &Claim, found: &ClaimedFinding) -> Option<FindingRecord> {
        let clear = found.clear()?;
        let rule = self.gate.ruleset.find(found.rule.as_str()).cloned();
        let rule = rule.unwrap_or_else(|| Rule::known_secret(found.rule.clone(), found.severity));
        let finding = Finding {
            rule: found.rule.clone(),
            fingerprint: self.gate.key.fingerprint(clear.expose()),
            preview: Preview::mask(clear.expose(), rule.masking),
            confidence: found.confidence,
            severity: found.severity,
            facts: found.facts.clone(),
            known_as: None,
        };
        let owner = self.owner(claim, found);
        let ticket = draft(claim, found, &rule, &finding, &owner);
        Some(FindingRecord {
            tag: self.inventory.tag(clear.expose()),
            length: u32::try_from(clear.expose().len()).unwrap_or(u32::MAX),
            decision: Decision { action: found.action, reason: found.reason.clone() },
            occurrences: found.occurrences.clone(),
            finding,
            owner,
            grant: None,
            ticket,
        })
    }

    /// Resolves the owner by `owners.toml`, which the child does not have; the child's own answer
    /// stands where it is the more believed and from CODEOWNERS, the one source that it can read.
    fn owner(&self, claim: &Claim, found: &ClaimedFinding) -> Owner {
        let path = found.occurrences.first().and_then(|place| place.path.as_deref());
        let question = Question {
            rule: found.rule.as_str(),
            facts: &found.facts,
            path: path.map(str::as_bytes),
            repository: claim.repository.as_bytes(),
            repository_name: claim.repository_name.as_deref(),
            known_as: None,
            known_owner: None,
        };
        let own = resolve(&question, &self.gate.owners, None);
        let claimed = &found.owner;
        let stands = claimed.source == OwnerSource::Codeowners && claimed.source < own.source;
        if stands { claimed.clone() } else { own }
    }
}

fn draft(
    claim: &Claim,
    found: &ClaimedFinding,
    rule: &Rule,
    finding: &Finding,
    owner: &Owner,
) -> TicketDraft {
    let pusher = claim.pusher.0.as_ref().map(|name| format!("{name} ({})", claim.pusher.1));
    let ticket = ticket_text::Ticket {
        incident: TicketDraft::INCIDENT,
        rule,
        preview: finding.preview.as_str(),
        facts: &finding.facts,
        known_as: None,
        repository: claim.repository_name.as_deref().unwrap_or(&claim.repository),
        pusher: pusher.as_deref(),
        occurrences: &found.occurrences,
        owner,
        is_refused: found.action == Action::Refuse,
    };
    TicketDraft { title: ticket_text::title(&ticket), body: ticket_text::body(&ticket) }
}

/// Reads the record of a push that was let in unscanned: each tip is an item that was not scanned.
fn accepted(intake: &Intake, path: &Path) -> Result<PushRecord, IngestError> {
    let bytes = read_bounded(path)?;
    let unreadable = |why: String| IngestError::Accepted { path: path.to_owned(), why };
    let entry = Accepted::read(&mut io::Cursor::new(bytes));
    let Accepted { begin, updates } = entry.map_err(|error| unreadable(error.to_string()))?;
    let line = |bytes: &[u8]| escape::line(bytes, 400);
    let unscanned = wire::tips(&updates).map(|update| {
        let detail = format!("{} from {}", intake.gate.masked_line(&update.name), update.old);
        unscanned::tip(update, UnscannedReason::DaemonAway, detail)
    });
    let id = PushId::from_nonce(begin.nonce.0);
    Ok(PushRecord {
        spool: Some(SpoolNonce(id.clone())),
        id,
        at: intake.gate.clock.now(),
        repository: line(&begin.repository),
        repository_name: begin.repository_name,
        server: begin.server.to_string(),
        pusher: PusherRecord {
            name: begin.pusher.name.map(|name| intake.masked(&name)),
            source: begin.pusher.source.to_string(),
            trust: begin.pusher.trust.to_string(),
        },
        verdict: PushVerdict::Accepted,
        reason: "the daemon was away, and policy let the push in unscanned".to_owned(),
        objects: 0,
        bytes: 0,
        duration_ms: 0,
        origin: Origin::GitAccount,
        findings: Vec::new(),
        unscanned: unscanned.take(PushRecord::UNSCANNED_MAX).collect(),
    })
}
