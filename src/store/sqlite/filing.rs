//! A finding of a push into its incident, occurrences and ticket.
//!
//! What happens is decided by [`file_finding`]; here it is only carried out.

use rusqlite::{Connection, OptionalExtension, named_params};
use serde_json::json;

use crate::finding::Age;
use crate::identity::Owner;
use crate::incident::{
    AuditEvent, Exposure, FilingInput, IncidentId, IncidentStep, Sighting, State, TicketEventKind,
    TicketId, TicketState, TicketStep, file_finding, replaces_finding, replaces_owner,
};
use crate::policy::Action;
use crate::rule::Confidence;
use crate::store::{FiledFinding, FindingRecord, PushRecord, TicketRef};

use super::failure::Failure;
use super::occurrences::{self, Places};
use super::tickets::{self, Happening};
use super::value::{Count, Json, Tag};
use super::{audit, grants, incidents, record};

/// The transaction of one push.
pub(super) struct Filing<'a> {
    pub(super) tx: &'a Connection,
    pub(super) sinks: &'a [String],
    pub(super) record: &'a PushRecord,
    pub(super) push: i64,
}

/// The incident of a secret as it stands before the push.
struct Standing {
    id: IncidentId,
    state: State,
    ticket: Option<(TicketId, TicketState)>,
    owner: Owner,
    exposure: Exposure,
    confidence: Confidence,
}

impl Filing<'_> {
    /// Files one finding; `None` if nothing of it is kept.
    pub(super) fn file(&self, found: &FindingRecord) -> Result<Option<FiledFinding>, Failure> {
        let standing = standing(self.tx, found)?;
        let incident = standing.as_ref().map(|standing| standing.id);
        let places = occurrences::places(self.tx, incident, self.record, found)?;
        let (incident_step, ticket_step) = file_finding(FilingInput {
            action: found.decision.action,
            incident: standing.as_ref().map(|standing| &standing.state),
            ticket: standing.as_ref().and_then(|standing| standing.ticket).map(|(_, state)| state),
            any_new: found.occurrences.iter().any(|occurrence| occurrence.age == Age::New),
            any_unseen_place: places.any_unseen,
        });
        if incident_step == IncidentStep::Skip {
            return Ok(None);
        }
        let filed = match standing {
            Some(standing) => self.extend(standing, found)?,
            None => self.open(found)?,
        };
        self.join_push(filed.id, found, &places)?;
        self.tell(&filed, found, incident_step, &places)?;
        let ticket = self.step(&filed, found, ticket_step, &places)?;
        Ok(Some(FiledFinding {
            fingerprint: found.finding.fingerprint,
            incident: filed.id,
            newly_opened: incident_step == IncidentStep::Open,
            state: filed.state.as_str().to_owned(),
            owner: filed.owner.name,
            ticket,
        }))
    }

    fn open(&self, found: &FindingRecord) -> Result<Standing, Failure> {
        let (finding, owner) = (&found.finding, &found.owner);
        let exposure = self.exposure(found);
        let id = self
            .tx
            .prepare_cached(
                "INSERT INTO incident (fingerprint, tag, secret_bytes, rule, confidence, severity,
                     preview, facts, known_as, owner, owner_source, owner_confidence, owner_chain,
                     state, state_at, exposure, leaked, last_action, last_reason, first_seen,
                     last_seen)
                 VALUES (:fingerprint, :tag, :secret_bytes, :rule, :confidence, :severity,
                     :preview, :facts, :known_as, :owner, :owner_source, :owner_confidence,
                     :owner_chain, 'open', :at, :exposure, :leaked, :action, :reason, :at, :at)
                 RETURNING id",
            )?
            .query_row(
                named_params! {
                    ":fingerprint": finding.fingerprint,
                    ":tag": Tag(found.tag),
                    ":secret_bytes": found.length,
                    ":rule": finding.rule,
                    ":confidence": finding.confidence,
                    ":severity": finding.severity,
                    ":preview": finding.preview,
                    ":facts": Json(&finding.facts),
                    ":known_as": finding.known_as,
                    ":owner": owner.name,
                    ":owner_source": owner.source,
                    ":owner_confidence": owner.confidence,
                    ":owner_chain": Json(&owner.chain),
                    ":exposure": exposure,
                    ":leaked": found.decision.action == Action::Refuse,
                    ":action": found.decision.action,
                    ":reason": found.decision.reason,
                    ":at": self.record.at,
                },
                |row| row.get(0),
            )?;
        Ok(Standing {
            id,
            state: State::Open,
            ticket: None,
            owner: owner.clone(),
            exposure,
            confidence: finding.confidence,
        })
    }

    fn extend(&self, mut standing: Standing, found: &FindingRecord) -> Result<Standing, Failure> {
        standing.exposure = standing.exposure.max(self.exposure(found));
        // A spool entry may be older than what stands, so times are compared, not replaced.
        self.tx
            .prepare_cached(
                "UPDATE incident SET
                     exposure = :exposure,
                     leaked = leaked OR :refused,
                     known_as = coalesce(:known_as, known_as),
                     last_action = iif(:at >= last_seen, :action, last_action),
                     last_reason = iif(:at >= last_seen, :reason, last_reason),
                     first_seen = min(first_seen, :at),
                     last_seen = max(last_seen, :at)
                 WHERE id = :id",
            )?
            .execute(named_params! {
                ":id": standing.id,
                ":exposure": standing.exposure,
                ":refused": found.decision.action == Action::Refuse,
                ":known_as": found.finding.known_as,
                ":action": found.decision.action,
                ":reason": found.decision.reason,
                ":at": self.record.at,
            })?;
        if replaces_finding(&standing.confidence, &found.finding.confidence, self.record.origin) {
            self.replace_finding(standing.id, found)?;
        }
        if replaces_owner(&standing.owner, &found.owner, self.record.origin) {
            self.replace_owner(standing.id, &standing.owner, &found.owner)?;
            standing.owner = found.owner.clone();
        }
        Ok(standing)
    }

    fn exposure(&self, found: &FindingRecord) -> Exposure {
        let ages = found.occurrences.iter().map(|occurrence| occurrence.age);
        Exposure::of(self.record.verdict, ages)
    }

    fn replace_finding(&self, id: IncidentId, found: &FindingRecord) -> Result<(), Failure> {
        let finding = &found.finding;
        self.tx
            .prepare_cached(
                "UPDATE incident SET rule = :rule, confidence = :confidence, severity = :severity,
                     preview = :preview, facts = :facts
                 WHERE id = :id",
            )?
            .execute(named_params! {
                ":id": id,
                ":rule": finding.rule,
                ":confidence": finding.confidence,
                ":severity": finding.severity,
                ":preview": finding.preview,
                ":facts": Json(&finding.facts),
            })?;
        let detail = json!({ "rule": finding.rule, "push": self.record.id });
        self.audit("incident.reclassified", id, &detail)
    }

    fn replace_owner(&self, id: IncidentId, was: &Owner, owner: &Owner) -> Result<(), Failure> {
        self.tx
            .prepare_cached(
                "UPDATE incident SET owner = :owner, owner_source = :source,
                     owner_confidence = :confidence, owner_chain = :chain
                 WHERE id = :id",
            )?
            .execute(named_params! {
                ":id": id,
                ":owner": owner.name,
                ":source": owner.source,
                ":confidence": owner.confidence,
                ":chain": Json(&owner.chain),
            })?;
        let detail = json!({
            "from": was.name,
            "to": owner.name,
            "source": owner.source,
            "push": self.record.id,
        });
        self.audit("incident.owner-changed", id, &detail)
    }

    /// Writes down that this push brought the secret, where, and by which grant it went through.
    fn join_push(
        &self,
        id: IncidentId,
        found: &FindingRecord,
        places: &Places<'_>,
    ) -> Result<(), Failure> {
        if let Some(grant) = found.grant {
            grants::spend(self.tx, self.record, id, grant)?;
        }
        self.tx
            .prepare_cached(
                "INSERT INTO incident_push (incident, push, action, reason, occurrences, grant_id)
                 VALUES (:incident, :push, :action, :reason, :occurrences, :grant)",
            )?
            .execute(named_params! {
                ":incident": id,
                ":push": self.push,
                ":action": found.decision.action,
                ":reason": found.decision.reason,
                ":occurrences": Count::of(places.total),
                ":grant": found.grant,
            })?;
        occurrences::insert(self.tx, id, self.push, places)
    }

    fn tell(
        &self,
        filed: &Standing,
        found: &FindingRecord,
        step: IncidentStep,
        places: &Places<'_>,
    ) -> Result<(), Failure> {
        let action = match step {
            IncidentStep::Open => "incident.opened",
            IncidentStep::Skip | IncidentStep::Extend => "incident.extended",
        };
        let detail = json!({
            "push": self.record.id,
            "rule": found.finding.rule,
            "action": found.decision.action,
            "reason": found.decision.reason,
            "occurrences": places.total,
            "owner": filed.owner.name,
            "owner_source": filed.owner.source,
            "exposure": filed.exposure,
            "grant": found.grant,
        });
        self.audit(action, filed.id, &detail)
    }

    /// Carries out what happens to the ticket, and returns it as it stands afterwards.
    fn step(
        &self,
        filed: &Standing,
        found: &FindingRecord,
        step: TicketStep,
        places: &Places<'_>,
    ) -> Result<Option<TicketRef>, Failure> {
        let (by, at) = (record::teller(self.record), self.record.at);
        let again = Sighting {
            repository: &self.record.repository,
            pusher: self.record.pusher.name.as_deref(),
            verdict: self.record.verdict,
            occurrences: places.total,
            first: found.occurrences.first(),
        };
        let happen = |kind, text| {
            let Some((ticket, _)) = filed.ticket else {
                return Ok(());
            };
            let happening = Happening { ticket, kind, text, by: &by, at };
            tickets::happen(self.tx, self.sinks, &happening)
        };
        let opened = match step {
            TicketStep::Leave => None,
            TicketStep::Open => {
                Some(tickets::open(self.tx, self.sinks, filed.id, &found.ticket, &by, at)?)
            }
            TicketStep::Reopen => {
                happen(TicketEventKind::Reopened, format!("Closed too early. {again}"))?;
                None
            }
            TicketStep::Comment => {
                happen(TicketEventKind::Commented, again.to_string())?;
                None
            }
        };
        let stands = opened.or(filed.ticket.map(|(ticket, _)| ticket));
        Ok(stands.map(|id| TicketRef {
            id,
            newly_opened: opened.is_some(),
            reopened: step == TicketStep::Reopen,
        }))
    }

    fn audit(
        &self,
        action: &str,
        id: IncidentId,
        detail: &serde_json::Value,
    ) -> Result<(), Failure> {
        let by = record::teller(self.record);
        let event = AuditEvent::new(self.record.at, &by, action, id, detail);
        audit::append(self.tx, event).map(drop)
    }
}

fn standing(tx: &Connection, found: &FindingRecord) -> Result<Option<Standing>, Failure> {
    let standing = tx
        .prepare_cached(
            "SELECT incident.*, ticket.id AS ticket, ticket.state AS ticket_state
             FROM incident LEFT JOIN ticket ON ticket.incident = incident.id
             WHERE fingerprint = :fingerprint",
        )?
        .query_row(named_params! { ":fingerprint": found.finding.fingerprint }, |row| {
            let ticket: Option<TicketId> = row.get("ticket")?;
            let ticket_state: Option<TicketState> = row.get("ticket_state")?;
            Ok(Standing {
                id: row.get("id")?,
                state: incidents::state(row)?,
                ticket: ticket.zip(ticket_state),
                owner: incidents::owner(row)?,
                exposure: row.get("exposure")?,
                confidence: row.get("confidence")?,
            })
        })
        .optional()?;
    Ok(standing)
}
