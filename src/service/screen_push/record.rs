//! What is written down of a push that was judged, or that failed.

use super::decide::{Draft, Unfiled};
use super::group::{Group, rule_of};
use crate::finding::Occurrence;
use crate::identity::{Owner, Question, resolve};
use crate::incident::{GrantId, Origin, PushId, PushVerdict, TicketDraft};
use crate::policy::{Action, Decision};
use crate::secret::Secret;
use crate::service::{ticket_text, unscanned};
use crate::store::{FindingRecord, PushRecord, UnscannedItem};
use crate::wire::{self, Unscanned, UnscannedReason, VerdictKind};

// Each tip that is let in and scanned later has an item by which that is done.
const _: () = assert!(wire::TIPS_MAX <= PushRecord::UNSCANNED_MAX);

impl Draft<'_> {
    pub(super) fn finding(
        &self,
        group: &Group<'_>,
        decision: Decision,
        grant: Option<GrantId>,
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

    /// Asks who answers for a finding. The evidence names the path, so secrets in it are masked.
    fn owner(&self, group: &Group<'_>) -> Owner {
        let path = group.owned_path().map(|path| self.redactor.bytes(path));
        let question = Question {
            rule: group.finding.rule.as_str(),
            facts: &group.finding.facts,
            path: path.as_deref(),
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

    pub(super) fn record(
        &self,
        verdict: PushVerdict,
        reason: String,
        findings: Vec<FindingRecord>,
    ) -> PushRecord {
        // First: where there is more than is listed, a push must not hide what is scanned later.
        let mut unscanned = match self.gate.inventory {
            None => self.tips_without_inventory(),
            Some(_) => Vec::new(),
        };
        unscanned.extend(self.received.unscanned.iter().map(|item| self.unscanned_item(item)));
        unscanned.extend(self.unfiled.item());
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

    /// Describes what was not scanned. The id of a missing object may be a secret itself: a commit
    /// that no ref reaches can name any forty hex digits as its tree.
    fn unscanned_item(&self, unscanned: &Unscanned) -> UnscannedItem {
        let mut item = unscanned::item(unscanned.object, unscanned.reason, String::new());
        item.object = item.object.map(|id| self.redactor.line(id.as_bytes()));
        item
    }

    /// Names the tips whose known secrets could not be looked up.
    fn tips_without_inventory(&self) -> Vec<UnscannedItem> {
        let items = wire::tips(&self.received.updates).map(|update| {
            let detail = format!("{} from {}", self.redactor.line(&update.name), update.old);
            unscanned::tip(update, UnscannedReason::Inventory, detail)
        });
        items.take(PushRecord::UNSCANNED_MAX).collect()
    }

    /// Copies the values out for a recorder that must seal them, in the order of the findings.
    pub(super) fn clear(&self) -> Vec<Secret<Vec<u8>>> {
        let values = self.groups.iter().filter_map(|group| group.hits.first());
        values.map(|hit| Secret::new(hit.clear.expose().clone())).collect()
    }

    /// Says in words why the push was answered as it was.
    pub(super) fn reason(&self, kind: VerdictKind, findings: &[FindingRecord]) -> String {
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
        let Self { refusing, others } = self;
        let detail = format!(
            "secrets that were scanned and not filed: {refusing} that refuse, {others} others"
        );
        let is_any = self != Self::default();
        is_any.then(|| unscanned::item(None, UnscannedReason::FindingCount, detail))
    }
}
