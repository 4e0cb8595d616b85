//! The store's rules, against a real database in a scratch directory.

mod audit;
mod crash;
mod failures;
mod filing;
mod grants;
mod known;
mod outbox;
mod schema;
mod triage;
mod unscanned;
mod views;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::clock::Timestamp;
use crate::finding::{Age, Container, Finding, Occurrence, Span};
use crate::identity::{Owner, OwnerConfidence, OwnerSource, OwnerStep};
use crate::incident::{
    Actor, GrantRequest, GrantScope, IncidentId, Origin, PushId, PushVerdict, Reason,
    RepositoryPattern, TicketDraft,
};
use crate::policy::{Action, Decision};
use crate::rule::{Confidence, RuleId, Severity};
use crate::secret::{Fingerprint, Preview};
use crate::store::{
    FiledFinding, FindingRecord, IncidentFilter, IncidentView, Page, PushFilter, PushRecord,
    PusherRecord, Store, StoreError, TicketFilter, TicketView,
};

use super::{SqliteOptions, SqliteStore};

const REPOSITORY: &str = "/srv/git/pay.git";

/// A store in a scratch directory.
struct Fixture {
    directory: TempDir,
    store: SqliteStore,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = open(&directory.path().join("state.db")).unwrap();
        Self { directory, store }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("state.db")
    }

    /// Opens the file a second time, past the store, as an intruder or a test would.
    fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    #[track_caller]
    fn push(&self, record: &PushRecord) -> Vec<FiledFinding> {
        self.store.record_push(record).unwrap()
    }

    #[track_caller]
    fn incident(&self, number: i64) -> IncidentView {
        self.store.incident(incident(number)).unwrap()
    }

    #[track_caller]
    fn ticket(&self) -> TicketView {
        let tickets = self.store.tickets(&TicketFilter::default(), &Page::default()).unwrap();
        assert_eq!(tickets.items.len(), 1, "one ticket for one secret");
        tickets.items.into_iter().next().unwrap()
    }

    /// Counts the rows of every table, as proof that nothing changed.
    fn rows(&self) -> BTreeMap<String, i64> {
        let raw = self.raw();
        let mut tables = raw
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let count = |table: rusqlite::Result<String>| {
            let table = table.unwrap();
            let sql = format!("SELECT count(*) FROM \"{table}\"");
            let count = raw.query_row(&sql, [], |row| row.get(0)).unwrap();
            (table, count)
        };
        tables.map(count).collect()
    }
}

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    let options = SqliteOptions { sinks: vec!["journal".to_owned(), "other".to_owned()] };
    SqliteStore::open(path, options)
}

fn incident(number: i64) -> IncidentId {
    IncidentId::from_number(number).unwrap()
}

/// Returns a time so many minutes after the tests' own beginning of time.
fn at(minutes: u64) -> Timestamp {
    let start = Timestamp::parse("2026-11-22T12:00:00Z").unwrap();
    start.after(Duration::from_mins(minutes))
}

fn admin() -> Actor {
    Actor::Admin("root".to_owned())
}

fn reason(text: &str) -> Reason {
    Reason::parse(text).unwrap()
}

fn fingerprint(secret: u8) -> Fingerprint {
    Fingerprint::from_bytes([secret; 32])
}

fn push_id(number: u8) -> PushId {
    PushId::from_nonce([number; 16])
}

/// A refused push of one secret, by alice; tests change what they are about.
fn push(number: u8, secret: u8) -> PushRecord {
    PushRecord {
        id: push_id(number),
        at: at(u64::from(number)),
        repository: REPOSITORY.to_owned(),
        repository_name: Some("team/pay".to_owned()),
        server: "plain".to_owned(),
        pusher: pusher("alice"),
        verdict: PushVerdict::Refused,
        reason: "1 credential".to_owned(),
        objects: 3,
        bytes: 1_024,
        duration_ms: 7,
        origin: Origin::Daemon,
        findings: vec![finding(secret, Action::Refuse)],
        unscanned: Vec::new(),
        spool: None,
    }
}

fn pusher(name: &str) -> PusherRecord {
    PusherRecord {
        name: Some(name.to_owned()),
        source: "gitolite".to_owned(),
        trust: "server".to_owned(),
    }
}

fn finding(secret: u8, action: Action) -> FindingRecord {
    FindingRecord {
        finding: Finding {
            rule: RuleId::parse("cloud-key").unwrap(),
            fingerprint: fingerprint(secret),
            preview: Preview::from_stored("ABCD****YZ".to_owned()),
            confidence: Confidence::Medium,
            severity: Severity::High,
            facts: BTreeMap::from([("account".to_owned(), "123".to_owned())]),
            known_as: None,
        },
        tag: u64::MAX - u64::from(secret),
        length: 40,
        decision: Decision { action, reason: "rule cloud-key".to_owned() },
        occurrences: vec![occurrence(1)],
        owner: owner("payments", OwnerSource::Path),
        grant: None,
        ticket: TicketDraft {
            title: "Revoke the cloud key of account 123".to_owned(),
            body: "Rotate it.".to_owned(),
        },
    }
}

fn owner(name: &str, source: OwnerSource) -> Owner {
    Owner {
        name: name.to_owned(),
        source,
        confidence: OwnerConfidence::Medium,
        chain: vec![OwnerStep {
            source,
            evidence: "path deploy/** in owners.toml".to_owned(),
            answer: Some(name.to_owned()),
        }],
    }
}

/// An occurrence on its own line of a file that came with the push.
fn occurrence(line: u64) -> Occurrence {
    Occurrence {
        container: Container::Blob,
        object: "ab".repeat(20),
        commit: Some("cd".repeat(20)),
        subject: Some("add configuration".to_owned()),
        path: Some("deploy/prod.env".to_owned()),
        span: Span { start: line * 100, end: line * 100 + 40, line, column: 5, end_line: line },
        in_header: false,
        layers: vec!["a.env".to_owned(), "base64".to_owned()],
        age: Age::New,
    }
}

/// A grant of two uses for alice's repository, for a day.
fn grant(number: i64) -> GrantRequest {
    GrantRequest {
        scope: GrantScope {
            incident: incident(number),
            repository: RepositoryPattern::parse(REPOSITORY).unwrap(),
            pusher: None,
        },
        uses: 2,
        expires_at: at(24 * 60),
        reason: reason("rotation is under way"),
    }
}
