//! Grants: given, found, spent, taken back.

use super::*;
use crate::incident::{GrantError, GrantId, GrantState};
use crate::store::StandingQuery;

fn query(pusher: Option<&str>, minutes: u64) -> StandingQuery<'_> {
    StandingQuery {
        repository: REPOSITORY,
        repository_name: Some("team/pay"),
        pusher,
        now: at(minutes),
    }
}

fn granted(fixture: &Fixture, query: StandingQuery<'_>) -> Option<GrantId> {
    fixture.store.standings(query, &[fingerprint(1)]).unwrap()[0].grant
}

/// A push that a grant lets through.
fn through(number: u8, grant: GrantId) -> PushRecord {
    let mut record = push(number, 1);
    record.verdict = PushVerdict::Accepted;
    record.findings[0].decision.action = Action::Report;
    record.findings[0].grant = Some(grant);
    record
}

#[test]
fn a_grant_lets_so_many_pushes_through_and_no_more() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let id = fixture.store.create_grant(&grant(1), &admin(), at(2)).unwrap().id;
    assert_eq!(granted(&fixture, query(None, 3)), Some(id));
    fixture.push(&through(3, id));
    fixture.push(&through(4, id));
    assert_eq!(granted(&fixture, query(None, 5)), None);
    let rows = fixture.rows();
    let spent = fixture.store.record_push(&through(5, id)).unwrap_err();
    assert!(matches!(spent, StoreError::GrantSpent { grant } if grant == id), "{spent}");
    assert_eq!(fixture.rows(), rows, "the whole push is left out");
    let grants = fixture.store.grants(&Page::default(), at(5)).unwrap();
    assert_eq!((grants.items[0].state, grants.items[0].used), (GrantState::UsedUp, 2));
}

#[test]
fn a_grant_opens_its_repository_to_its_pusher_only() {
    #[track_caller]
    fn check(pattern: &str, only: Option<&str>, pusher: Option<&str>, want: bool) {
        let fixture = Fixture::new();
        fixture.push(&push(1, 1));
        let mut request = grant(1);
        request.scope.repository = RepositoryPattern::parse(pattern).unwrap();
        request.scope.pusher = only.map(str::to_owned);
        fixture.store.create_grant(&request, &admin(), at(2)).unwrap();
        let found = granted(&fixture, query(pusher, 3)).is_some();
        assert_eq!(found, want, "{pattern} {only:?} {pusher:?}");
    }
    check(REPOSITORY, None, None, true);
    check("team/pay", None, None, true);
    check("team/*", None, None, true);
    check("/srv/git/**", None, None, true);
    check("/srv/*", None, None, false);
    check("team/other", None, None, false);
    check("team/*", Some("alice"), Some("alice"), true);
    check("team/*", Some("alice"), Some("bob"), false);
    check("team/*", Some("alice"), None, false);
}

#[test]
fn a_grant_that_does_not_hold_stops_the_push() {
    #[track_caller]
    fn check(case: &str, change: impl FnOnce(&Fixture, &mut PushRecord, GrantId)) {
        let fixture = Fixture::new();
        fixture.push(&push(1, 1));
        fixture.push(&push(2, 2));
        let mut request = grant(1);
        request.scope.pusher = Some("alice".to_owned());
        let id = fixture.store.create_grant(&request, &admin(), at(2)).unwrap().id;
        let mut record = through(5, id);
        change(&fixture, &mut record, id);
        let error = fixture.store.record_push(&record).unwrap_err();
        assert!(matches!(error, StoreError::GrantSpent { .. }), "{case}: {error}");
    }
    check("another secret", |_, record, _| {
        record.findings[0].finding.fingerprint = fingerprint(2);
    });
    check("a secret without incident", |_, record, _| {
        record.findings[0].finding.fingerprint = fingerprint(3);
    });
    check("another repository", |_, record, _| {
        record.repository = "/srv/git/else.git".to_owned();
    });
    check("another pusher", |_, record, _| {
        record.pusher = pusher("bob");
    });
    check("a name that nobody vouches for", |_, record, _| {
        record.pusher.trust = "none".to_owned();
    });
    check("too late", |_, record, _| record.at = at(24 * 60));
    check("taken back", |fixture, _, id| {
        fixture.store.revoke_grant(id, &reason("no"), &admin(), at(3)).unwrap();
    });
    check("claimed by the git account", |_, record, _| {
        record.origin = Origin::GitAccount;
    });
    check("never given", |_, record, _| {
        record.findings[0].grant = GrantId::from_number(99);
    });
}

#[test]
fn a_push_refused_for_something_else_spends_no_use() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let id = fixture.store.create_grant(&grant(1), &admin(), at(2)).unwrap().id;
    let mut record = through(3, id);
    record.verdict = PushVerdict::Refused;
    record.findings.push(finding(2, Action::Refuse));
    fixture.push(&record);
    let grants = fixture.store.grants(&Page::default(), at(5)).unwrap();
    assert_eq!((grants.items[0].state, grants.items[0].used), (GrantState::Active, 0));
}

#[test]
fn of_several_grants_the_one_that_ends_first_is_taken() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    fixture.store.create_grant(&grant(1), &admin(), at(2)).unwrap();
    let mut shorter = grant(1);
    shorter.expires_at = at(60);
    let id = fixture.store.create_grant(&shorter, &admin(), at(2)).unwrap().id;
    assert_eq!(granted(&fixture, query(None, 3)), Some(id));
    assert_ne!(granted(&fixture, query(None, 60)), Some(id), "its time is over");
}

#[test]
fn a_grant_that_cannot_be_is_refused() {
    #[track_caller]
    fn check(
        change: impl FnOnce(&mut GrantRequest),
        by: &Actor,
        want: impl Fn(&StoreError) -> bool,
    ) {
        let fixture = Fixture::new();
        fixture.push(&push(1, 1));
        let mut request = grant(1);
        change(&mut request);
        let error = fixture.store.create_grant(&request, by, at(2)).unwrap_err();
        assert!(want(&error), "{error}");
    }
    let not_found = |error: &StoreError| matches!(error, StoreError::NotFound { .. });
    let invalid = |error: &StoreError| matches!(error, StoreError::Grant(GrantError::Uses { .. }));
    let forbidden = |error: &StoreError| matches!(error, StoreError::NotEntitled(_));
    check(|request| request.scope.incident = incident(9), &admin(), not_found);
    check(|request| request.uses = 0, &admin(), invalid);
    check(|_| {}, &Actor::Pusher("alice".to_owned()), forbidden);
    check(|_| {}, &Actor::GitAccount, forbidden);
}

#[test]
fn active_grants_of_one_incident_are_limited() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    for _ in 0..100 {
        fixture.store.create_grant(&grant(1), &admin(), at(2)).unwrap();
    }
    let error = fixture.store.create_grant(&grant(1), &admin(), at(2)).unwrap_err();
    assert!(matches!(error, StoreError::Limit { max: 100, .. }), "{error}");
    // Those that ended make room.
    let mut later = grant(1);
    later.expires_at = at(48 * 60);
    fixture.store.create_grant(&later, &admin(), at(24 * 60)).unwrap();
}

#[test]
fn a_grant_is_taken_back_once() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let id = fixture.store.create_grant(&grant(1), &admin(), at(2)).unwrap().id;
    let revoked = fixture.store.revoke_grant(id, &reason("no"), &admin(), at(3)).unwrap();
    assert_eq!(revoked.state, GrantState::Revoked);
    assert_eq!(granted(&fixture, query(None, 3)), None);
    let twice = fixture.store.revoke_grant(id, &reason("no"), &admin(), at(4)).unwrap_err();
    assert!(matches!(twice, StoreError::Conflict { .. }), "{twice}");
}
