use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::clock::{Clock, Noon};
use crate::finding::{Age, Container, Facts, Occurrence, Span};
use crate::identity::{OwnerConfidence, Owners};
use crate::policy::Policy;
use crate::rule::{Confidence, RuleId, Ruleset, Severity};
use crate::scan::{Engine, Pool};
use crate::secret::FingerprintKey;
use crate::service::recorder::{Recorder as _, StoreRecorder};
use crate::service::screen_push::{GateParts, Limits, Wording};
use crate::service::spool::SpoolRecorder;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{IncidentFilter, IncidentView, Page, PushFilter, UnscannedFilter};
use crate::wire::{Begin, HashKind, Nonce, Oid, Pusher, PusherSource, RefUpdate, Server, Trust};

struct Setup {
    _directory: tempfile::TempDir,
    intake: Intake,
}

fn setup(owners: &str) -> Setup {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&file, SqliteOptions::default()).unwrap());
    let (key, clock) = (Arc::new(FingerprintKey::new([7; 32])), Arc::new(Noon));
    let inventory = Inventory::open(Arc::clone(&key), Arc::clone(&store), clock).unwrap();
    let inventory = Arc::new(inventory);
    let owners = Owners::parse("owners.toml", owners).unwrap().or_default_queue("security");
    let spool = directory.path().join("spool");
    fs::create_dir(&spool).unwrap();
    let intake = Intake {
        directory: spool,
        entries_max: 100,
        gate: gate(&store, &inventory, key, owners),
        store,
        spool_key: Secret::new([1; 32]),
        inventory,
    };
    Setup { _directory: directory, intake }
}

/// Bounds of a gate that no push passes here.
fn limits() -> Limits {
    let second = Duration::from_secs(1);
    Limits {
        pushes_max: 1,
        pushes_waiting_max: 1,
        waiting_timeout: second,
        pushes_per_repository_max: 1,
        waiting_per_repository_max: 1,
        pushes_per_pusher_max: 1,
        waiting_per_pusher_max: 1,
        deadline: second,
        deadline_per_20_mb: second,
        push_bytes_max: 1 << 20,
        in_flight_bytes_max: 1 << 20,
        gathered_bytes_max: 32 << 20,
        findings_max: 10,
        hits_max: 10,
        layers: crate::scan::layer::Limits::default(),
    }
}

fn gate(
    store: &Arc<dyn Store>,
    inventory: &Arc<Inventory>,
    key: Arc<FingerprintKey>,
    owners: Owners,
) -> Arc<Gate> {
    let ruleset = Arc::new(Ruleset::load(&[]).unwrap());
    Arc::new(Gate::new(GateParts {
        engine: Arc::new(Engine::new(Arc::clone(&ruleset)).unwrap()),
        ruleset,
        ledger: None,
        inventory: Some(Arc::clone(inventory)),
        key,
        policy: Policy::default(),
        owners,
        pool: Pool::start(1).unwrap(),
        limits: limits(),
        recorder: Arc::new(StoreRecorder::new(Arc::clone(store), Arc::clone(inventory))),
        clock: Arc::new(Noon),
        wording: Wording::default(),
    }))
}

impl Setup {
    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.intake.directory.join(name), bytes).unwrap();
    }

    /// Leaves a claim as a local screening does.
    fn claim(&self, push: &PushRecord) {
        let public_key = *crypto_box::SecretKey::from([1; 32]).public_key().as_bytes();
        let recorder = SpoolRecorder { directory: self.intake.directory.clone(), public_key };
        recorder.record(push, &[Secret::new(b"the value".to_vec())]).unwrap();
    }

    fn ingest(&self) -> usize {
        ingest(&self.intake).unwrap()
    }

    fn names(&self) -> BTreeSet<String> {
        let listed = fs::read_dir(&self.intake.directory).unwrap();
        listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The only incident.
    fn incident(&self) -> IncidentView {
        let listed = self.intake.store.incidents(&IncidentFilter::default(), &Page::default());
        let [incident] = <[_; 1]>::try_from(listed.unwrap().items).unwrap();
        incident
    }
}

fn push(number: u8) -> PushRecord {
    let at = Occurrence {
        container: Container::Blob,
        object: "ab".repeat(20),
        commit: Some("cd".repeat(20)),
        subject: None,
        path: Some("deploy/prod.env".to_owned()),
        span: Span { start: 0, end: 9, line: 1, column: 1, end_line: 1 },
        in_header: false,
        layers: Vec::new(),
        age: Age::New,
    };
    let found = FindingRecord {
        finding: Finding {
            rule: RuleId::parse("rule-that-is-gone").unwrap(),
            fingerprint: FingerprintKey::new([0; 32]).fingerprint(b"a key of the child's own"),
            preview: Preview::mask(b"the value", crate::secret::Masking::Whole),
            confidence: Confidence::High,
            severity: Severity::High,
            facts: Facts::new(),
            known_as: None,
        },
        tag: 0,
        length: 9,
        decision: Decision { action: Action::Refuse, reason: "confidence high".to_owned() },
        occurrences: vec![at],
        owner: owner("security", OwnerSource::Default),
        grant: None,
        ticket: TicketDraft { title: String::new(), body: String::new() },
    };
    PushRecord {
        id: PushId::from_nonce([number; 16]),
        at: Noon.now(),
        repository: "/srv/git/a.git".to_owned(),
        repository_name: None,
        server: "plain".to_owned(),
        pusher: PusherRecord {
            name: Some("ana".to_owned()),
            source: "http".to_owned(),
            trust: "server".to_owned(),
        },
        verdict: PushVerdict::Refused,
        reason: "1 credential".to_owned(),
        objects: 3,
        bytes: 9,
        duration_ms: 1,
        origin: Origin::Daemon,
        findings: vec![found],
        unscanned: Vec::new(),
        spool: None,
    }
}

fn owner(name: &str, source: OwnerSource) -> Owner {
    Owner { name: name.to_owned(), source, confidence: OwnerConfidence::Medium, chain: Vec::new() }
}

/// Writes the entry of a push that was let in, with a ref that came and one that went.
fn let_in(number: u8) -> Vec<u8> {
    let pusher = Pusher { name: None, source: PusherSource::Nobody, trust: Trust::None };
    let begin = Begin {
        nonce: Nonce([number; 16]),
        hash: HashKind::Sha1,
        repository: b"/srv/git/a\n.git".to_vec(),
        repository_name: None,
        server: Server::Plain,
        pusher,
        push_options_advertised: false,
        dry_run: false,
        environment: Vec::new(),
    };
    let id = |text: &str| Oid::from_hex(text.repeat(40).as_bytes()).unwrap();
    let update = |name: &str, old, new| RefUpdate { name: name.into(), old: id(old), new: id(new) };
    let updates = vec![update("refs/heads/a", "0", "1"), update("refs/heads/b", "2", "0")];
    let mut bytes = Vec::new();
    Accepted { begin, updates }.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn only_whole_entries_are_taken_and_no_more_than_allowed() {
    #[track_caller]
    fn check(names: &[&str], entries_max: usize, want: &[&str]) {
        let setup = setup("");
        for name in names {
            setup.write(name, b"");
        }
        let taken = entries(&setup.intake.directory, entries_max);
        let taken: Vec<_> = taken.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(taken, want);
    }
    check(&[], 9, &[]);
    check(&["b.claim", "a.accepted"], 9, &["a.accepted", "b.claim"]);
    check(&[".a.claim", ".b.claim.tmp", "c.claim.unreadable", "d", "claim"], 9, &[]);
    check(&["a.claim"], 0, &[]);
    assert_eq!(entries(Path::new("/nowhere/at/all"), 9), Vec::<PathBuf>::new());
}

#[test]
fn a_claim_opens_an_incident_under_the_daemons_own_key_and_once() {
    let setup = setup("");
    for round in 0..3 {
        setup.claim(&push(1));
        assert_eq!((setup.ingest(), setup.names()), (1, BTreeSet::new()), "round {round}");
    }
    let incident = setup.incident();
    let own = FingerprintKey::new([7; 32]).fingerprint(b"the value");
    assert_eq!((incident.fingerprint, incident.state.as_str()), (own, "open"));
    let pushes = setup.intake.store.pushes(&PushFilter::default(), &Page::default()).unwrap();
    assert_eq!(pushes.items.len(), 1);
    assert_eq!(pushes.items[0].origin, Origin::GitAccount, "whatever the claim says");
    assert_eq!(pushes.items[0].reason, "screened locally: 1 credential");
}

#[test]
fn codeowners_is_believed_of_a_claim_and_nothing_else() {
    #[track_caller]
    fn check(owners: &str, claimed: OwnerSource, want: &str) {
        let setup = setup(owners);
        let mut record = push(1);
        record.findings[0].owner = owner("the-claimed", claimed);
        setup.claim(&record);
        setup.ingest();
        assert_eq!(setup.incident().owner.name, want, "{claimed:?}");
    }
    let by_path = "[[owner]]\nname = \"payments\"\npaths = [\"deploy/**\"]\n";
    check("", OwnerSource::Codeowners, "the-claimed");
    check("", OwnerSource::Default, "security");
    check("", OwnerSource::Inventory, "security");
    check("", OwnerSource::Identity, "security");
    check(by_path, OwnerSource::Codeowners, "payments");
    check(by_path, OwnerSource::Inventory, "payments");
}

#[test]
fn a_push_that_was_let_in_is_not_scanned_at_each_tip_that_came() {
    let setup = setup("");
    setup.write("a.accepted", &let_in(2));
    assert_eq!((setup.ingest(), setup.names()), (1, BTreeSet::new()));
    let listed = setup.intake.store.unscanned(&UnscannedFilter::default(), &Page::default());
    let [item] = <[_; 1]>::try_from(listed.unwrap().items).unwrap();
    assert_eq!((item.reason.as_str(), item.object), ("daemon-away", Some("1".repeat(40))));
    assert_eq!(item.detail, format!("refs/heads/a from {}", "0".repeat(40)));
    let pushes = setup.intake.store.pushes(&PushFilter::default(), &Page::default()).unwrap();
    let push = &pushes.items[0];
    assert_eq!((push.verdict, push.origin), (PushVerdict::Accepted, Origin::GitAccount));
    assert_eq!(push.repository, r"/srv/git/a\x0a.git", "nothing of it steers a terminal");
}

#[test]
fn what_cannot_be_read_is_put_aside_and_stops_nobody() {
    let setup = setup("");
    setup.write("a.claim", b"sealed to nobody");
    setup.write("b.accepted", b"of another version");
    setup.write("c.accepted", &let_in(3)[..60]);
    fs::create_dir(setup.intake.directory.join("d.claim")).unwrap();
    setup.claim(&push(4));
    assert_eq!(setup.ingest(), 1);
    let aside = ["a.claim", "b.accepted", "c.accepted", "d.claim"];
    let aside = aside.map(|name| format!("{name}{ASIDE_SUFFIX}"));
    assert_eq!(setup.names(), BTreeSet::from(aside));
    assert_eq!(setup.ingest(), 0, "what was put aside is left alone");
    let filter = PushFilter { verdict: Some(PushVerdict::Failed), ..PushFilter::default() };
    let pushes = || setup.intake.store.pushes(&filter, &Page::default()).unwrap().items;
    assert_eq!(pushes().len(), 4, "each may stand for a push that was let in");
    assert_eq!(pushes()[0].repository, UNKNOWN);
    setup.write("a.claim", b"once more");
    setup.ingest();
    assert_eq!(pushes().len(), 4, "one name, one record");
    let listed = setup.intake.store.unscanned(&UnscannedFilter::default(), &Page::default());
    let details: BTreeSet<_> = listed.unwrap().items.into_iter().map(|item| item.detail).collect();
    let details: Vec<_> = details.iter().map(String::as_str).collect();
    insta::assert_snapshot!(details.join("\n"), @r"
    a.claim.unreadable in the spool: it is sealed to another key, or damaged
    b.accepted.unreadable in the spool: what it holds makes no sense
    c.accepted.unreadable in the spool: what it holds makes no sense
    d.claim.unreadable in the spool: it is no plain file that can be read
    ");
}
