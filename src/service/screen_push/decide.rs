//! From hits and places to a decision on record.
//!
//! Hits with one fingerprint are one finding. Each gets its occurrences with their ages, its owner
//! and policy's decision; then everything goes to the recorder in one go, and only what it made
//! durable is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::group::{Group, rule_of};
use super::head::Head;
use super::hit::Hit;
use super::occurrences::{JudgedPlace, Placer};
use super::places::Located;
use super::received::Received;
use super::redact::Redactor;
use super::{Gate, Moment, Session, SessionError};
use crate::identity::Codeowners;
use crate::incident::PushVerdict;
use crate::policy::{Action, Context, Decision, OnUnscanned};
use crate::rule::Rule;
use crate::secret::Fingerprint;
use crate::service::recorder::RecordError;
use crate::store::{FiledFinding, FindingRecord, Standing, StandingQuery, StoreError};
use crate::wire::{Unscanned, UnscannedReason, VerdictKind};

/// How often a decision is made again because a grant was spent in between.
const DECISIONS_MAX: usize = 4;

/// What a push is answered with.
pub(super) struct Judgement {
    pub(super) kind: VerdictKind,
    pub(super) findings: Vec<JudgedFinding>,
    /// Secrets with the action of the findings that found no room among them.
    pub(super) unfiled: Unfiled,
    pub(super) unscanned: Vec<Unscanned>,
}

/// How many secrets of a push are over `findings_max`: they are counted, not filed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unfiled {
    /// Those that refuse the push.
    pub(super) refusing: usize,
    /// The others.
    pub(super) others: usize,
}

/// One secret with everything that its pusher is told.
pub(super) struct JudgedFinding {
    pub(super) record: FindingRecord,
    pub(super) rule: Rule,
    pub(super) reasons: Vec<&'static str>,
    pub(super) places: Vec<JudgedPlace>,
    pub(super) filed: Option<FiledFinding>,
}

/// Judges a push and makes the judgement durable.
pub(super) async fn judge(
    gate: &Arc<Gate>,
    session: &Session,
    received: &mut Received,
    located: Located,
) -> Result<Judgement, SessionError> {
    let head = Head::of(session, received);
    let (gate, received) = (Arc::clone(gate), std::mem::take(received));
    // The store blocks, and so does masking a thousand names.
    let judged = tokio::task::spawn_blocking(move || {
        let codeowners = located.owners.as_ref();
        let codeowners = codeowners.map(|file| Codeowners::parse(&file.path, &file.bytes));
        Draft::new(&gate, &head, &received, &located, codeowners.as_ref()).settle()
    });
    judged.await.map_err(|_| SessionError::WorkerLost)?.map_err(SessionError::Record)
}

/// Puts a push on record that ended without a verdict, with what was found until then.
pub(super) async fn record_failure(
    gate: &Arc<Gate>,
    session: &Session,
    received: Received,
    error: &SessionError,
) {
    let head = Head::of(session, &received);
    let reason = format!("{}: {error}", error.code());
    let gate = Arc::clone(gate);
    let recorded = tokio::task::spawn_blocking(move || {
        let located = Located::default();
        Draft::new(&gate, &head, &received, &located, None).record_failed(reason)
    });
    match recorded.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "a failed push could not be put on record");
        }
        Err(_) => tracing::error!("the record of a failed push died"),
    }
}

/// Which of more findings than are filed come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Refusing,
    /// Let in by a grant, which is used up where it is filed and only there.
    Granted,
    New,
    Old,
}

impl Rank {
    fn of(decision: &Decision, standing: &Standing, any_new: bool) -> Self {
        match (decision.action, any_new) {
            (Action::Refuse, _) => Self::Refusing,
            _ if spends(decision, standing) => Self::Granted,
            (_, true) => Self::New,
            (_, false) => Self::Old,
        }
    }

    /// Whether a push may not get in with one that is not filed.
    fn must_be_filed(self) -> bool {
        self <= Self::Granted
    }
}

/// A push whose findings are grouped and placed, before policy speaks.
pub(super) struct Draft<'a> {
    pub(super) gate: &'a Gate,
    pub(super) head: &'a Head,
    pub(super) received: &'a Received,
    pub(super) located: &'a Located,
    pub(super) redactor: Redactor<'a>,
    pub(super) codeowners: Option<&'a Codeowners>,
    pub(super) groups: Vec<Group<'a>>,
    pub(super) unfiled: Unfiled,
}

impl<'a> Draft<'a> {
    fn new(
        gate: &'a Gate,
        head: &'a Head,
        received: &'a Received,
        located: &'a Located,
        codeowners: Option<&'a Codeowners>,
    ) -> Self {
        let redactor = Redactor::new(gate, received);
        let mut by_fingerprint = BTreeMap::<Fingerprint, Vec<&Hit>>::new();
        for hit in received.hits.iter().filter(|hit| hit.canary.is_none()) {
            by_fingerprint.entry(hit.finding.fingerprint).or_default().push(hit);
        }
        let groups =
            by_fingerprint.into_values().filter_map(|hits| Group::of(hits, received, located));
        let mut groups: Vec<Group<'_>> = groups.collect();
        for group in &mut groups {
            redactor.facts(&mut group.finding.facts);
        }
        let unfiled = Unfiled::default();
        Self { gate, head, received, located, redactor, codeowners, groups, unfiled }
    }

    /// Decides, records, and decides again if a grant was spent in between.
    fn settle(mut self) -> Result<Judgement, RecordError> {
        let mut standings = self.standings()?;
        if self.groups.len() > self.gate.limits.findings_max {
            self.choose(&standings);
            standings = self.standings()?;
        }
        self.place();
        let mut tries = 0;
        loop {
            tries += 1;
            let (kind, findings) = self.decide(&standings);
            let mut reason = self.reason(kind, &findings);
            if self.head.moment == Moment::Landed {
                reason = format!("scanned after it landed: {reason}");
            }
            // What landed cannot be refused any more, whatever is found in it.
            let kind = match self.head.moment {
                Moment::Incoming => kind,
                Moment::Landed => VerdictKind::Accept,
            };
            let verdict = match kind {
                VerdictKind::Accept => PushVerdict::Accepted,
                VerdictKind::Refuse => PushVerdict::Refused,
            };
            let record = self.record(verdict, reason, findings);
            match self.gate.recorder.record(&record, &self.clear()) {
                Ok(filed) => return Ok(self.judgement(kind, record.findings, filed)),
                Err(RecordError::Store(StoreError::GrantSpent { .. })) if tries < DECISIONS_MAX => {
                    standings = self.standings()?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Keeps as many findings as are filed, and counts the others.
    fn choose(&mut self, standings: &[Standing]) {
        let groups = std::mem::take(&mut self.groups).into_iter();
        let mut ranked: Vec<((Rank, bool), Group<'_>)> = groups
            .zip(standings)
            .map(|(group, standing)| {
                let decision = self.decision(&group, standing);
                let rank = Rank::of(&decision, standing, group.any_new);
                // What has no incident yet comes first, so that push after push all get one.
                ((rank, standing.incident.is_some()), group)
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let findings_max = self.gate.limits.findings_max;
        let over = ranked.iter().skip(findings_max);
        let refusing = over.clone().filter(|((rank, _), _)| rank.must_be_filed()).count();
        self.unfiled = Unfiled { refusing, others: over.count() - refusing };
        self.groups = ranked.into_iter().take(findings_max).map(|(_, group)| group).collect();
    }

    /// Lists the places of the findings.
    fn place(&mut self) {
        let Self { located, received, redactor, .. } = &*self;
        let lister = Placer { located, received, redactor };
        let places: Vec<_> = self.groups.iter().map(|group| lister.all(&group.hits)).collect();
        for (group, places) in self.groups.iter_mut().zip(places) {
            group.places = places;
        }
    }

    fn record_failed(mut self, reason: String) -> Result<(), RecordError> {
        let decision = Decision {
            action: Action::Report,
            reason: "the push failed before its places were known".to_owned(),
        };
        let findings_max = self.gate.limits.findings_max;
        self.unfiled.refusing = self.groups.len().saturating_sub(findings_max);
        self.groups.truncate(findings_max);
        self.place();
        let findings = self.groups.iter().map(|group| self.finding(group, decision.clone(), None));
        let findings = findings.collect();
        let record = self.record(PushVerdict::Failed, reason, findings);
        self.gate.recorder.record(&record, &self.clear()).map(drop)
    }

    fn standings(&self) -> Result<Vec<Standing>, RecordError> {
        let repository = self.head.repository();
        let pusher = self.head.pusher(&self.redactor);
        let fingerprints: Vec<_> = self.groups.iter().map(|g| g.finding.fingerprint).collect();
        let query = StandingQuery {
            repository: &repository,
            repository_name: self.head.begin.repository_name.as_deref(),
            pusher: pusher.vouched_name(),
            now: self.gate.clock.now(),
        };
        self.gate.recorder.standings(query, &fingerprints)
    }

    fn decide(&self, standings: &[Standing]) -> (VerdictKind, Vec<FindingRecord>) {
        let mut findings: Vec<FindingRecord> = Vec::new();
        for (group, standing) in self.groups.iter().zip(standings) {
            let decision = self.decision(group, standing);
            let grant = standing.grant.filter(|_| spends(&decision, standing));
            findings.push(self.finding(group, decision, grant));
        }
        let refused = self.unfiled.refusing > 0
            || findings.iter().any(|finding| finding.decision.action == Action::Refuse);
        let blind = self.received.unscanned.iter().any(|item| self.refuses(item.reason));
        if refused || blind {
            // A push that does not get in uses no grant up.
            for finding in &mut findings {
                finding.grant = None;
            }
            return (VerdictKind::Refuse, findings);
        }
        (VerdictKind::Accept, findings)
    }

    fn refuses(&self, reason: UnscannedReason) -> bool {
        let policy = &self.gate.policy;
        let answer = if reason.is_unopened() { policy.on_unopened } else { policy.on_unscanned };
        answer == OnUnscanned::Refuse
    }

    fn decision(&self, group: &Group<'_>, standing: &Standing) -> Decision {
        let incident = standing.incident.map(|id| id.to_string());
        let dismissed = standing.disposition.as_ref().map(|disposition| {
            let incident = incident.as_deref().unwrap_or("the incident");
            format!("{incident} was dismissed as {}", disposition.kind.as_str())
        });
        let grant = standing.grant.map(|grant| grant.to_string());
        let context = Context {
            any_new: group.any_new,
            dismissed: dismissed.as_deref(),
            grant: grant.as_deref(),
            leaked_in: incident.as_deref().filter(|_| standing.leaked),
        };
        self.gate.policy.decide(&group.finding, &context)
    }

    fn judgement(
        &mut self,
        kind: VerdictKind,
        records: Vec<FindingRecord>,
        filed: Vec<FiledFinding>,
    ) -> Judgement {
        let mut filed: BTreeMap<Fingerprint, FiledFinding> =
            filed.into_iter().map(|filed| (filed.fingerprint, filed)).collect();
        let groups = std::mem::take(&mut self.groups);
        let findings = groups.into_iter().zip(records).map(|(group, record)| JudgedFinding {
            rule: rule_of(self.gate, &group.finding),
            reasons: group.hits.first().map(|hit| hit.reasons.clone()).unwrap_or_default(),
            places: group.places,
            filed: filed.remove(&record.finding.fingerprint),
            record,
        });
        let mut findings: Vec<JudgedFinding> = findings.collect();
        findings.sort_by_key(|judged| std::cmp::Reverse(judged.record.finding.severity));
        let unscanned = self.received.unscanned.clone();
        Judgement { kind, findings, unfiled: self.unfiled, unscanned }
    }
}

/// Whether the grant made the difference: only then it is used up.
fn spends(decision: &Decision, standing: &Standing) -> bool {
    standing.grant.is_some_and(|grant| decision.reason.starts_with(&grant.to_string()))
}
