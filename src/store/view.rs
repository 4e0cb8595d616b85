//! What the store hands out, in the very JSON shape that the command line prints.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::finding::{Age, Container};
use crate::identity::Owner;
use crate::incident::{
    Disposition, Exposure, ExternalId, Grant, GrantId, IncidentId, KnownId, Origin, PushId,
    PushVerdict, TicketEventKind, TicketId, TicketState, UnscannedId,
};
use crate::policy::Action;
use crate::rule::{Confidence, RuleId, Severity};
use crate::secret::{Fingerprint, Preview};

use super::page::Listed;
use super::record::{PusherRecord, UnscannedState};

/// What became of a ticket in a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TicketRef {
    /// The ticket.
    pub id: TicketId,
    /// Whether this push opened it.
    pub newly_opened: bool,
    /// Whether this push opened it again.
    pub reopened: bool,
}

/// Where a finding was filed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FiledFinding {
    /// The secret.
    pub fingerprint: Fingerprint,
    /// Its incident.
    pub incident: IncidentId,
    /// Whether this push opened it.
    pub newly_opened: bool,
    /// Where the incident stands: `open`, `reopened`, `false-positive`.
    pub state: String,
    /// The incident's owner, which an earlier push may have settled.
    pub owner: String,
    /// The incident's ticket, where it has one.
    pub ticket: Option<TicketRef>,
}

/// What the store knows about a secret before policy decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its incident.
    pub incident: Option<IncidentId>,
    /// Why the incident is none, where somebody said so.
    pub disposition: Option<Disposition>,
    /// Whether an occurrence was ever decided `refuse` and nobody dismissed the incident.
    pub leaked: bool,
    /// A grant that lets this push through; the one that ends first.
    pub grant: Option<GrantId>,
    /// The inventory's entry for this value.
    pub known: Option<KnownSecret>,
}

/// A secret of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KnownSecret {
    /// Its id.
    pub id: KnownId,
    /// What people call it.
    pub name: String,
    /// The identity it belongs to.
    pub identity: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The provider's name for the credential.
    pub key_id: Option<String>,
    /// The value's keyed hash.
    pub fingerprint: Fingerprint,
    /// The value's length, in bytes.
    pub length: u32,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
}

/// What confirms a Bloom filter's "maybe".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownMatch {
    /// The inventory holds the value.
    Inventory(KnownSecret),
    /// The value leaked here before.
    Leaked(LeakedSecret),
}

/// A value that leaked before, with what a new finding of it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeakedSecret {
    /// Its incident.
    pub incident: IncidentId,
    /// The rule that found it first.
    pub rule: RuleId,
    /// How sure that rule was.
    pub confidence: Confidence,
    /// How bad the leak is.
    pub severity: Severity,
    /// Its masked picture.
    pub preview: Preview,
    /// What the value tells.
    pub facts: BTreeMap<String, String>,
}

/// One place of one secret in one push.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OccurrenceView {
    /// The push that brought it.
    pub push: PushId,
    /// When.
    pub at: Timestamp,
    /// The repository's path.
    pub repository: String,
    /// What the server calls the repository.
    pub repository_name: Option<String>,
    /// What holds it.
    pub container: Container,
    /// The object in hex; `None` for ref names and push options.
    pub object: Option<String>,
    /// The commit that brings it.
    pub commit: Option<String>,
    /// The first line of its message.
    pub subject: Option<String>,
    /// The path.
    pub path: Option<String>,
    /// Line of the first byte, from 1.
    pub line: u64,
    /// Column of the first byte, in bytes, from 1.
    pub column: u64,
    /// Line of the last byte.
    pub end_line: u64,
    /// Offset of the first byte in the object.
    pub start: u64,
    /// Offset after the last byte.
    pub end: u64,
    /// The layers in which it stands, outermost first.
    pub layers: Vec<String>,
    /// Whether it came with the push.
    pub age: Age,
}

/// Somebody who pushed the secret, and how often.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PusherView {
    /// Who.
    #[serde(flatten)]
    pub pusher: PusherRecord,
    /// How many pushes with the secret.
    pub pushes: u64,
}

/// An incident's ticket in brief.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TicketBrief {
    /// Its id.
    pub id: TicketId,
    /// Where it stands.
    pub state: TicketState,
    /// One line.
    pub title: String,
}

/// What policy decided about the secret in the latest push.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DecisionView {
    /// What happened.
    pub action: Action,
    /// Why.
    pub reason: String,
}

/// An incident, as `incidents list` and `incidents show` print it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct IncidentView {
    /// Its id.
    pub id: IncidentId,
    /// Where it stands: `open`, `reopened`, `false-positive`.
    pub state: String,
    /// The rule that found it first.
    pub rule: RuleId,
    /// The secret's keyed hash.
    pub fingerprint: Fingerprint,
    /// The secret's masked picture.
    pub preview: Preview,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// How bad the leak is.
    pub severity: Severity,
    /// What the value tells.
    pub facts: BTreeMap<String, String>,
    /// The inventory's name for it.
    pub known_as: Option<String>,
    /// Who answers for it, and why.
    pub owner: Owner,
    /// Whether nobody was found and the default queue has it.
    pub unowned: bool,
    /// How far it got.
    pub exposure: Exposure,
    /// Whether an occurrence was ever decided `refuse`.
    pub leaked: bool,
    /// The latest decision.
    pub decision: DecisionView,
    /// Why it is no leak, where somebody said so.
    pub disposition: Option<Disposition>,
    /// Where it stands, newest push first; at most [`IncidentView::OCCURRENCES_MAX`].
    pub occurrences: Vec<OccurrenceView>,
    /// How many occurrences there were, with those that are not shown or were only counted.
    pub occurrences_total: u64,
    /// Who pushed it, latest first; at most [`IncidentView::PUSHERS_MAX`].
    pub pushers: Vec<PusherView>,
    /// How many pushes brought it.
    pub pushes_total: u64,
    /// Its tickets.
    pub tickets: Vec<TicketBrief>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
}

impl IncidentView {
    /// The most occurrences that a view shows.
    pub const OCCURRENCES_MAX: u32 = 200;

    /// The most pushers that a view shows.
    pub const PUSHERS_MAX: u32 = 50;
}

impl Listed for IncidentView {
    const PLURAL: &'static str = "incidents";
}

/// One line of a ticket's history.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TicketEventView {
    /// Its number, from 1.
    pub number: u32,
    /// What happened.
    pub kind: TicketEventKind,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// The comment or reason; empty for `opened`.
    pub text: String,
}

/// What a ticket is called in another tracker.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TicketLink {
    /// The sink's configured name.
    pub sink: String,
    /// The name there.
    pub external: ExternalId,
}

/// A ticket of the built-in queue.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TicketView {
    /// Its id.
    pub id: TicketId,
    /// Where it stands.
    pub state: TicketState,
    /// What it stands for.
    pub incident: IncidentId,
    /// Where that stands: a closed ticket of an open incident was closed too early.
    pub incident_state: String,
    /// The rule that found the secret.
    pub rule: RuleId,
    /// The secret's masked picture.
    pub preview: Preview,
    /// How bad the leak is.
    pub severity: Severity,
    /// Who answers for it, and why.
    pub owner: Owner,
    /// One line.
    pub title: String,
    /// What to do.
    pub body: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When something last happened to it.
    pub updated_at: Timestamp,
    /// What happened to it, in order.
    pub events: Vec<TicketEventView>,
    /// What it is called elsewhere.
    pub links: Vec<TicketLink>,
    /// How many comments were not kept because of [`TicketView::EVENTS_MAX`].
    pub comments_unwritten: u64,
}

impl TicketView {
    /// The most events of a ticket, but for closing and reopening, which are always kept: past
    /// this many comments nobody reads another.
    pub const EVENTS_MAX: u32 = 200;
}

impl Listed for TicketView {
    const PLURAL: &'static str = "tickets";
}

impl Listed for Grant {
    const PLURAL: &'static str = "grants";
}

impl Listed for KnownSecret {
    const PLURAL: &'static str = "secrets";
}

/// One secret of a recorded push.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PushFindingView {
    /// Its incident.
    pub incident: IncidentId,
    /// What happened.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// In how many places it stood.
    pub occurrences: u64,
    /// The grant that the decision relied on; spent only if the push was accepted.
    pub grant: Option<GrantId>,
}

/// A push that was not clean.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PushView {
    /// Its nonce.
    pub id: PushId,
    /// When it was answered.
    pub at: Timestamp,
    /// The repository's path.
    pub repository: String,
    /// What the server calls the repository.
    pub repository_name: Option<String>,
    /// The server software.
    pub server: String,
    /// Who pushed.
    pub pusher: PusherRecord,
    /// How it was answered.
    pub verdict: PushVerdict,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub origin: Origin,
    /// How many objects came.
    pub objects: u64,
    /// How many bytes were streamed.
    pub bytes: u64,
    /// How long screening took.
    pub duration_ms: u64,
    /// The secrets in it; at most [`PushView::FINDINGS_MAX`].
    pub findings: Vec<PushFindingView>,
    /// How many secrets there were.
    pub findings_total: u64,
    /// How many items were not scanned.
    pub unscanned_total: u64,
}

impl PushView {
    /// The most findings that a view shows; the rest is counted, and stands with its incidents.
    pub const FINDINGS_MAX: u32 = 200;
}

impl Listed for PushView {
    const PLURAL: &'static str = "pushes";
}

/// Something that a push brought and nobody scanned.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct UnscannedView {
    /// Its id.
    pub id: UnscannedId,
    /// What became of it.
    pub state: UnscannedState,
    /// The push.
    pub push: PushId,
    /// When.
    pub at: Timestamp,
    /// The repository's path.
    pub repository: String,
    /// What the server calls the repository.
    pub repository_name: Option<String>,
    /// The object in hex, where it is one.
    pub object: Option<String>,
    /// Why, as one of the protocol's words.
    pub reason: String,
    /// More, in words.
    pub detail: String,
    /// Who settled it.
    pub settled_by: Option<String>,
    /// When.
    pub settled_at: Option<Timestamp>,
    /// Why, or what the later scan found.
    pub settled_reason: Option<String>,
}

impl Listed for UnscannedView {
    const PLURAL: &'static str = "unscanned";
}

impl Listed for crate::incident::AuditEntry {
    const PLURAL: &'static str = "events";
}
