//! From hits and places to a decision on record.
//!
//! Hits with one fingerprint are one finding. Each gets its occurrences with their ages, its owner
//! and policy's decision; then everything goes to the recorder in one go, and only what it made
//! durable is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::intake::Received;
use super::occurrences::{self, JudgedPlace, Placer};
use super::places::Located;
use super::redact::Redactor;
use super::unit::Hit;
use super::{Gate, Moment, Session, SessionError};
use crate::finding::{Age, Finding, Occurrence};
use crate::identity::{Codeowners, Owner, Question, resolve};
use crate::incident::{Origin, PushId, PushVerdict, TicketDraft};
use crate::policy::{Action, Context, Decision, OnUnscanned};
use crate::rule::Rule;
use crate::secret::{Fingerprint, Secret};
use crate::service::recorder::RecordError;
use crate::service::ticket_text;
use crate::store::{
    FiledFinding, FindingRecord, KnownSecret, PushRecord, PusherRecord, Standing, StandingQuery,
    StoreError, UnscannedItem,
};
use crate::wire::{Begin, Pusher, Route, Unscanned, UnscannedReason, VerdictKind, escape};

/// How often a decision is made again because a grant was spent in between.
const DECISIONS_MAX: usize = 4;

/// The longest repository path or pusher's name on record, in columns.
const NAME_COLUMNS_MAX: usize = 400;

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

/// What a record says of the push itself.
struct Head {
    begin: Begin,
    objects: u64,
    bytes: u64,
    duration_ms: u64,
    moment: Moment,
}

impl Head {
    fn of(session: &Session, received: &Received) -> Self {
        let duration_ms = session.started.elapsed().as_millis();
        Self {
            begin: session.begin.clone(),
            objects: received.objects,
            bytes: received.bytes,
            duration_ms: u64::try_from(duration_ms).unwrap_or(u64::MAX),
            moment: session.moment,
        }
    }

    fn repository(&self) -> String {
        escape::line(&self.begin.repository, NAME_COLUMNS_MAX)
    }

    fn pusher(&self, redactor: &Redactor<'_>) -> PusherRecord {
        let Pusher { name, source, trust } = &self.begin.pusher;
        PusherRecord {
            name: name.as_ref().map(|name| redactor.line(name.as_bytes())),
            source: source.to_string(),
            trust: trust.to_string(),
        }
    }
}

/// One secret before the decision.
struct Group<'a> {
    finding: Finding,
    known: Option<&'a KnownSecret>,
    hits: Vec<&'a Hit>,
    any_new: bool,
    /// Empty until it is certain that the finding is filed.
    places: Vec<JudgedPlace>,
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

impl Group<'_> {
    /// The path of the earliest new place, in git's bytes.
    fn owned_path(&self) -> Option<&[u8]> {
        let new = self.places.iter().find(|place| place.occurrence.age == Age::New);
        let place = new.or(self.places.first())?;
        match &place.route {
            Some(Route::Entry(entry)) => Some(&entry.path),
            _ => None,
        }
    }
}

/// A push whose findings are grouped and placed, before policy speaks.
struct Draft<'a> {
    gate: &'a Gate,
    head: &'a Head,
    received: &'a Received,
    located: &'a Located,
    redactor: Redactor<'a>,
    codeowners: Option<&'a Codeowners>,
    groups: Vec<Group<'a>>,
    unfiled: Unfiled,
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
        let groups = by_fingerprint.into_values().filter_map(|hits| group(hits, received, located));
        let groups = groups.collect();
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
        let blind = !self.received.unscanned.is_empty()
            && self.gate.policy.on_unscanned == OnUnscanned::Refuse;
        if refused || blind {
            // A push that does not get in uses no grant up.
            for finding in &mut findings {
                finding.grant = None;
            }
            return (VerdictKind::Refuse, findings);
        }
        (VerdictKind::Accept, findings)
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

    fn finding(
        &self,
        group: &Group<'_>,
        decision: Decision,
        grant: Option<crate::incident::GrantId>,
    ) -> FindingRecord {
        let owner = self.owner(group);
        let occurrences: Vec<Occurrence> =
            group.places.iter().map(|place| place.occurrence.clone()).collect();
        let ticket = self.ticket(group, &owner, &occurrences, decision.action);
        let first = group.hits.first();
        FindingRecord {
            finding: group.finding.clone(),
            tag: first.map_or(0, |hit| hit.tag),
            length: first.map_or(0, |hit| hit.length),
            decision,
            occurrences,
            owner,
            grant,
            ticket,
        }
    }

    fn owner(&self, group: &Group<'_>) -> Owner {
        let question = Question {
            rule: group.finding.rule.as_str(),
            facts: &group.finding.facts,
            path: group.owned_path(),
            repository: &self.head.begin.repository,
            repository_name: self.head.begin.repository_name.as_deref(),
            known_as: group.known.map(|known| known.name.as_str()),
            known_owner: group.known.and_then(|known| known.owner.as_deref()),
        };
        resolve(&question, &self.gate.owners, self.codeowners)
    }

    fn ticket(
        &self,
        group: &Group<'_>,
        owner: &Owner,
        occurrences: &[Occurrence],
        action: Action,
    ) -> TicketDraft {
        let repository = self.head.repository();
        let pusher = self.head.pusher(&self.redactor);
        let pusher = pusher.name.map(|name| format!("{name} ({})", pusher.source));
        let rule = rule_of(self.gate, &group.finding);
        let ticket = ticket_text::Ticket {
            incident: TicketDraft::INCIDENT,
            rule: &rule,
            preview: group.finding.preview.as_str(),
            facts: &group.finding.facts,
            known_as: group.finding.known_as.as_deref(),
            repository: self.head.begin.repository_name.as_deref().unwrap_or(&repository),
            pusher: pusher.as_deref(),
            occurrences,
            owner,
            is_refused: action == Action::Refuse,
        };
        TicketDraft { title: ticket_text::title(&ticket), body: ticket_text::body(&ticket) }
    }

    fn record(
        &self,
        verdict: PushVerdict,
        reason: String,
        findings: Vec<FindingRecord>,
    ) -> PushRecord {
        let mut unscanned: Vec<UnscannedItem> =
            self.received.unscanned.iter().map(unscanned_item).collect();
        unscanned.extend(self.unfiled.item());
        if self.gate.inventory.is_none() {
            unscanned.extend(self.tips_without_inventory());
        }
        PushRecord {
            id: PushId::from_nonce(self.head.begin.nonce.0),
            at: self.gate.clock.now(),
            repository: self.head.repository(),
            repository_name: self.head.begin.repository_name.clone(),
            server: self.head.begin.server.to_string(),
            pusher: self.head.pusher(&self.redactor),
            verdict,
            reason,
            objects: self.head.objects,
            bytes: self.head.bytes,
            duration_ms: self.head.duration_ms,
            origin: Origin::Daemon,
            findings,
            unscanned,
            spool: None,
        }
    }

    /// Names the tips whose known secrets could not be looked up.
    fn tips_without_inventory(&self) -> Vec<UnscannedItem> {
        let tips = self.received.updates.iter().filter(|update| !update.new.is_null());
        let items = tips.map(|update| UnscannedItem {
            object: Some(update.new.to_string()),
            reason: UnscannedReason::Inventory.to_string(),
            detail: format!("{} from {}", self.redactor.line(&update.name), update.old),
        });
        items.take(PushRecord::UNSCANNED_MAX).collect()
    }

    /// Copies the values out for a recorder that must seal them, in the order of the findings.
    fn clear(&self) -> Vec<Secret<Vec<u8>>> {
        let values = self.groups.iter().filter_map(|group| group.hits.first());
        values.map(|hit| Secret::new(hit.clear.expose().clone())).collect()
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

    /// Says in words why the push was answered as it was.
    fn reason(&self, kind: VerdictKind, findings: &[FindingRecord]) -> String {
        let refused = findings.iter().filter(|f| f.decision.action == Action::Refuse).count();
        let refused = refused + self.unfiled.refusing;
        let unscanned = self.received.unscanned.len();
        match (kind, refused, unscanned) {
            (VerdictKind::Refuse, 0, left_out) => format!("items not scanned: {left_out}"),
            (VerdictKind::Refuse, found, 0) => format!("credentials: {found}"),
            (VerdictKind::Refuse, found, left_out) => {
                format!("credentials: {found}, items not scanned: {left_out}")
            }
            (VerdictKind::Accept, _, 0) => {
                format!("findings that do not refuse: {}", findings.len() + self.unfiled.others)
            }
            (VerdictKind::Accept, _, left_out) => {
                format!("items not scanned, let in by policy: {left_out}")
            }
        }
    }
}

impl Unfiled {
    /// Puts the count on record.
    fn item(self) -> Option<UnscannedItem> {
        (self != Self::default()).then(|| UnscannedItem {
            object: None,
            reason: UnscannedReason::FindingCount.to_string(),
            detail: format!(
                "secrets that were scanned and not filed: {} that refuse, {} others",
                self.refusing, self.others
            ),
        })
    }
}

/// Whether the grant made the difference: only then it is used up.
fn spends(decision: &Decision, standing: &Standing) -> bool {
    standing.grant.is_some_and(|grant| decision.reason.starts_with(&grant.to_string()))
}

fn unscanned_item(unscanned: &Unscanned) -> UnscannedItem {
    UnscannedItem {
        object: unscanned.object.map(|object| object.to_string()),
        reason: unscanned.reason.to_string(),
        detail: String::new(),
    }
}

/// Makes one finding of the hits with one fingerprint.
fn group<'a>(hits: Vec<&'a Hit>, received: &Received, located: &Located) -> Option<Group<'a>> {
    let surest = hits.iter().max_by_key(|hit| hit.finding.confidence)?;
    let mut finding = surest.finding.clone();
    let known = hits.iter().find_map(|hit| hit.known.as_ref());
    finding.known_as = known.map(|known| known.name.clone());
    let any_new = hits.iter().any(|hit| occurrences::is_new(hit, received, located));
    Some(Group { finding, known, hits, any_new, places: Vec::new() })
}

/// Finds the rule of a finding; a known secret without shape, or one whose rule is gone, has a
/// stand-in.
fn rule_of(gate: &Gate, finding: &Finding) -> Rule {
    let found = gate.ruleset.find(finding.rule.as_str()).cloned();
    found.unwrap_or_else(|| Rule::known_secret(finding.rule.clone(), finding.severity))
}
