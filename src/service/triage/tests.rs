use super::*;
use crate::clock::Noon;
use crate::finding::{Facts, Finding};
use crate::identity::{Owner, OwnerConfidence, OwnerSource};
use crate::incident::{Origin, PushId, PushVerdict, TicketDraft};
use crate::policy::{Action, Decision};
use crate::rule::{Confidence, RuleId, Severity};
use crate::secret::{FingerprintKey, Masking, Preview};
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{FindingRecord, PushRecord, PusherRecord};

struct Setup {
    _directory: tempfile::TempDir,
    triage: Triage,
}

impl Setup {
    /// A store in which `pushers`, one after the other, pushed one secret: incident INC-1.
    fn pushed_by(pushers: &[Option<&str>]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.db");
        let store = SqliteStore::open(&file, SqliteOptions::default()).unwrap();
        for (number, name) in (1..).zip(pushers) {
            store.record_push(&push(number, *name)).unwrap();
        }
        let store: Arc<dyn Store> = Arc::new(store);
        let triage = Triage { store, clock: Arc::new(Noon), allow_self_approval: false };
        Self { _directory: directory, triage }
    }

    /// Dismisses INC-1; returns its state, or the error.
    fn dismiss(&self, by: &Actor) -> Result<String, String> {
        let (kind, reason) = (DispositionKind::FalsePositive, reason());
        let dismissed = self.triage.dismiss(first(), kind, &reason, by);
        dismissed.map(|view| view.state).map_err(|error| error.to_string())
    }

    /// Gives a grant for INC-1; returns the repository, or the error.
    fn grant(&self, wish: GrantWish, by: &Actor) -> Result<String, String> {
        let given = self.triage.grant(wish, by);
        given.map(|grant| grant.repository.as_str().to_owned()).map_err(|error| error.to_string())
    }
}

fn first() -> IncidentId {
    IncidentId::from_number(1).unwrap()
}

fn reason() -> Reason {
    Reason::parse("a fixture").unwrap()
}

fn admin(name: &str) -> Actor {
    Actor::Admin(name.to_owned())
}

fn push(number: u8, name: Option<&str>) -> PushRecord {
    let finding = Finding {
        rule: RuleId::parse("some-rule").unwrap(),
        fingerprint: FingerprintKey::new([0; 32]).fingerprint(b"x"),
        preview: Preview::mask(b"x", Masking::Whole),
        confidence: Confidence::High,
        severity: Severity::High,
        facts: Facts::new(),
        known_as: None,
    };
    let owner = Owner {
        name: "security".to_owned(),
        source: OwnerSource::Default,
        confidence: OwnerConfidence::None,
        chain: Vec::new(),
    };
    let found = FindingRecord {
        finding,
        tag: 1,
        length: 1,
        decision: Decision { action: Action::Refuse, reason: "rule some-rule".to_owned() },
        occurrences: Vec::new(),
        owner,
        grant: None,
        ticket: TicketDraft { title: "Revoke it".to_owned(), body: "Now.".to_owned() },
    };
    PushRecord {
        id: PushId::from_nonce([number; 16]),
        at: Noon.now(),
        repository: "/srv/git/a.git".to_owned(),
        repository_name: None,
        server: "plain".to_owned(),
        pusher: PusherRecord {
            name: name.map(str::to_owned),
            source: "http".to_owned(),
            trust: "server".to_owned(),
        },
        verdict: PushVerdict::Refused,
        reason: "1 credential".to_owned(),
        objects: 1,
        bytes: 1,
        duration_ms: 1,
        origin: Origin::Daemon,
        findings: vec![found],
        unscanned: Vec::new(),
        spool: None,
    }
}

fn wish() -> GrantWish {
    GrantWish {
        incident: first(),
        repository: "/srv/git/a.git".to_owned(),
        pusher: None,
        uses: 1,
        expires_at: Noon.now().after(std::time::Duration::from_hours(1)),
        reason: reason(),
    }
}

#[test]
fn who_pushed_a_secret_cannot_clear_it_alone() {
    #[track_caller]
    fn check(pushers: &[Option<&str>], by: &Actor, is_refused: bool) {
        let own = format!("{by} pushed this secret and cannot clear it alone");
        let refused = |done: String| if is_refused { Err(own.clone()) } else { Ok(done) };
        let granted = Setup::pushed_by(pushers).grant(wish(), by);
        assert_eq!(granted, refused("/srv/git/a.git".to_owned()), "{pushers:?}");
        let dismissed = Setup::pushed_by(pushers).dismiss(by);
        assert_eq!(dismissed, refused("false-positive".to_owned()), "{pushers:?}");
    }
    check(&[Some("ana")], &admin("ana"), true);
    check(&[Some("Ana")], &admin("ana"), true);
    check(&[Some("bo"), Some("ana")], &admin("ana"), true);
    check(&[Some("ana"), Some("bo")], &admin("ana"), true);
    check(&[Some("ana")], &admin("bo"), false);
    check(&[Some("anabel")], &admin("ana"), false);
    check(&[None], &admin("ana"), false);
    check(&[Some("daemon")], &Actor::Daemon, false);
}

#[test]
fn an_installation_of_one_person_lets_that_person_clear() {
    let mut setup = Setup::pushed_by(&[Some("ana")]);
    setup.triage.allow_self_approval = true;
    assert_eq!(setup.grant(wish(), &admin("ana")), Ok("/srv/git/a.git".to_owned()));
    assert_eq!(setup.dismiss(&admin("ana")), Ok("false-positive".to_owned()));
}

#[test]
fn nobody_without_standing_clears_anything() {
    for by in [Actor::Pusher("bo".to_owned()), Actor::GitAccount] {
        let setup = Setup::pushed_by(&[Some("ana")]);
        assert!(setup.dismiss(&by).is_err(), "{by}");
        assert!(setup.grant(wish(), &by).is_err(), "{by}");
    }
}

#[test]
fn a_wish_that_makes_no_grant_is_told_apart() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut GrantWish), want: &str) {
        let setup = Setup::pushed_by(&[Some("ana")]);
        let mut wanted = wish();
        change(&mut wanted);
        let error = setup.grant(wanted, &admin("bo")).unwrap_err();
        assert!(error.contains(want), "{error}");
    }
    let none = IncidentId::from_number(99).unwrap();
    check(|wish| wish.incident = none, "there is no incident INC-99");
    check(|wish| wish.repository.clear(), "names no repository");
    check(|wish| wish.repository = "[".to_owned(), "names no repository");
    check(|wish| wish.repository = "*".to_owned(), "does not say which repository");
    check(|wish| wish.pusher = Some(String::new()), "needs that pusher's name");
    check(|wish| wish.uses = 0, "1 to 100 uses");
    check(|wish| wish.expires_at = Noon.now(), "would end before it begins");
}
