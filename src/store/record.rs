//! What the use cases hand to the store: pushes with their findings, questions, filters.

use crate::clock::Timestamp;
use crate::finding::{Finding, Occurrence};
use crate::identity::Owner;
use crate::incident::{GrantId, Origin, PushId, PushVerdict, Reason, TicketDraft, UnscannedId};
use crate::policy::Decision;
use crate::secret::Fingerprint;

/// Who pushed, as the record keeps it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PusherRecord {
    /// The name, as its source wrote it, escaped for display.
    pub name: Option<String>,
    /// Who says so.
    pub source: String,
    /// How far that is believed: the words of the push protocol, `none` to `signed`.
    pub trust: String,
}

impl PusherRecord {
    /// Returns the name if anybody vouches for it. Only such a name meets a grant's pusher.
    pub fn vouched_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.trust != "none")
    }
}

/// The name of a spool entry, unique: what makes ingesting it happen exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpoolNonce(pub PushId);

/// What a push brought and what became of it. Clean pushes leave no record.
#[derive(Clone, Debug, PartialEq)]
pub struct PushRecord {
    /// Its nonce. The daemon and a spool entry may both record the same push, each once.
    pub id: PushId,
    /// When the verdict was made.
    pub at: Timestamp,
    /// The git directory's absolute path, escaped for display.
    pub repository: String,
    /// What the server software calls the repository.
    pub repository_name: Option<String>,
    /// The server software: `plain`, `gitolite`, …
    pub server: String,
    /// Who pushed.
    pub pusher: PusherRecord,
    /// How it was answered.
    pub verdict: PushVerdict,
    /// Why, in words.
    pub reason: String,
    /// How many objects came.
    pub objects: u64,
    /// How many bytes of content were streamed.
    pub bytes: u64,
    /// How long screening took.
    pub duration_ms: u64,
    /// Who says all this.
    pub origin: Origin,
    /// One for each distinct secret; at most [`PushRecord::FINDINGS_MAX`].
    pub findings: Vec<FindingRecord>,
    /// What was not scanned.
    pub unscanned: Vec<UnscannedItem>,
    /// The spool entry that this comes from.
    pub spool: Option<SpoolNonce>,
}

impl PushRecord {
    /// The most findings of one push that are filed. More is a typed error: the daemon counts its
    /// findings against a lower limit and names the rest `unscanned(finding-count)`.
    pub const FINDINGS_MAX: usize = 10_000;

    /// The most occurrences that are kept of one secret in one push; the rest is counted. A
    /// generated file can hold a secret on every line; nobody reads past the first screens.
    pub const OCCURRENCES_MAX: usize = 100;

    /// The most items of one push that are listed as not scanned; the rest is counted. No fewer than
    /// the tips of a push that is let in and scanned later.
    pub const UNSCANNED_MAX: usize = 1_000;
}

/// One secret in one push.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingRecord {
    /// What was found.
    pub finding: Finding,
    /// The value's short `SipHash` tag, so that a leaked value is a known secret from now on.
    pub tag: u64,
    /// The value's length, in bytes.
    pub length: u32,
    /// What policy decided.
    pub decision: Decision,
    /// Where it stands; the earliest commit first.
    pub occurrences: Vec<Occurrence>,
    /// Who answers for it.
    pub owner: Owner,
    /// The grant that the decision relied on; one of its uses is spent.
    pub grant: Option<GrantId>,
    /// What the ticket says, should one be opened.
    pub ticket: TicketDraft,
}

/// Something of a push that was not scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnscannedItem {
    /// The object in hex, where it is one.
    pub object: Option<String>,
    /// For the new tip of a ref: its old one in hex, from where a rescan starts.
    pub old: Option<String>,
    /// Why, as one of the protocol's words.
    pub reason: String,
    /// More, in words, for people: every name in it is masked.
    pub detail: String,
    /// Whether a scan later may get further.
    pub again: bool,
}

/// Under what circumstances [`super::Store::standings`] is asked.
#[derive(Clone, Copy, Debug)]
pub struct StandingQuery<'a> {
    /// The git directory's absolute path, escaped as in [`PushRecord::repository`].
    pub repository: &'a str,
    /// What the server software calls the repository.
    pub repository_name: Option<&'a str>,
    /// The pusher's name, if anybody vouches for it ([`PusherRecord::vouched_name`]).
    pub pusher: Option<&'a str>,
    /// The time at which grants must be active.
    pub now: Timestamp,
}

/// What an inventory keeps of a secret; never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKnownSecret {
    /// What people call it; unique: `payments/db`.
    pub name: String,
    /// The identity it belongs to.
    pub identity: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The provider's name for the credential, which is no secret.
    pub key_id: Option<String>,
    /// The value's keyed hash; unique.
    pub fingerprint: Fingerprint,
    /// The value's short `SipHash` tag.
    pub tag: u64,
    /// The value's length, in bytes.
    pub length: u32,
}

/// Which incidents to list; what is `None` filters nothing, what is given must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// In this state: `open`, `reopened`, `false-positive`.
    pub state: Option<String>,
    /// With an occurrence in this repository (path or name).
    pub repository: Option<String>,
    /// Of this owner.
    pub owner: Option<String>,
    /// Found by this rule.
    pub rule: Option<String>,
    /// Of this secret.
    pub fingerprint: Option<Fingerprint>,
    /// With (`true`) or without (`false`) an owner.
    pub unowned: Option<bool>,
}

/// Which tickets to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// In this state: `open`, `reopened`, `closed`.
    pub state: Option<String>,
    /// Of this owner.
    pub owner: Option<String>,
}

/// Which pushes to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushFilter {
    /// Answered so.
    pub verdict: Option<PushVerdict>,
    /// To this repository (path or name).
    pub repository: Option<String>,
    /// Told by.
    pub origin: Option<Origin>,
}

/// What became of something that was not scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnscannedState {
    /// Nobody has looked at it.
    Open,
    /// It was scanned later.
    Rescanned,
    /// Somebody took the risk.
    Accepted,
}

impl UnscannedState {
    /// Returns the word that JSON and the store use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Rescanned => "rescanned",
            Self::Accepted => "accepted",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Open, Self::Rescanned, Self::Accepted]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// Which unscanned items to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnscannedFilter {
    /// In this state.
    pub state: Option<UnscannedState>,
    /// Of this repository (path or name).
    pub repository: Option<String>,
    /// For this reason.
    pub reason: Option<String>,
}

/// How an unscanned item is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnscannedSettlement {
    /// Which one.
    pub id: UnscannedId,
    /// How: `rescanned` or `accepted`.
    pub state: UnscannedState,
    /// Why, or what the later scan found.
    pub reason: Reason,
}
