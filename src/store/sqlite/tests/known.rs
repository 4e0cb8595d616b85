//! The inventory, and leaked values as known secrets.

use super::*;
use crate::incident::{DispositionKind, KnownId};
use crate::store::{KnownMatch, NewKnownSecret, StandingQuery};

fn known(name: &str, secret: u8) -> NewKnownSecret {
    NewKnownSecret {
        name: name.to_owned(),
        identity: Some("database role pay".to_owned()),
        owner: Some("payments".to_owned()),
        key_id: None,
        fingerprint: fingerprint(secret),
        tag: u64::from(secret),
        length: 24,
    }
}

fn tags(fixture: &Fixture) -> Vec<u64> {
    let tags = fixture.store.known_tags().unwrap();
    assert!(tags.iter().all(|(_, length)| [24, 40].contains(length)), "{tags:?}");
    let mut tags: Vec<u64> = tags.into_iter().map(|(tag, _)| tag).collect();
    tags.sort_unstable();
    tags
}

#[test]
fn the_inventory_names_a_value() {
    let fixture = Fixture::new();
    fixture.store.add_known(&[known("payments/db", 5)], &admin(), at(1)).unwrap();
    let found = fixture.store.known_by_fingerprint(&[fingerprint(4), fingerprint(5)]).unwrap();
    assert_eq!(found[0], None);
    let Some(KnownMatch::Inventory(secret)) = &found[1] else {
        panic!("{found:?}");
    };
    assert_eq!((secret.name.as_str(), secret.added_by.as_str()), ("payments/db", "admin:root"));
    assert_eq!(fixture.store.known_by_name("payments/db").unwrap(), *secret);
    let query =
        StandingQuery { repository: REPOSITORY, repository_name: None, pusher: None, now: at(2) };
    let standing = fixture.store.standings(query, &[fingerprint(5)]).unwrap().remove(0);
    assert_eq!(standing.known.as_ref(), Some(secret));
}

#[test]
fn a_name_and_a_value_stand_once_and_a_batch_stands_whole_or_not_at_all() {
    #[track_caller]
    fn check(fixture: &Fixture, secret: NewKnownSecret, want: &str) {
        let batch = [known("fresh", 99), secret];
        let error = fixture.store.add_known(&batch, &admin(), at(2)).unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }));
        assert_eq!(error.to_string(), want);
        assert_eq!(fixture.store.known(&Page::default()).unwrap().items.len(), 1);
    }
    let fixture = Fixture::new();
    fixture.store.add_known(&[known("payments/db", 5)], &admin(), at(1)).unwrap();
    check(
        &fixture,
        known("payments/db", 6),
        "the inventory has a `payments/db` with another value; remove it first",
    );
    check(
        &fixture,
        known("payments/copy", 5),
        "`payments/copy` has the value that the inventory calls `payments/db`",
    );
}

#[test]
fn a_removed_secret_is_unknown() {
    let fixture = Fixture::new();
    let added = fixture.store.add_known(&[known("payments/db", 5)], &admin(), at(1)).unwrap();
    fixture.store.remove_known(added[0].id, &admin(), at(2)).unwrap();
    assert_eq!(fixture.store.known_by_fingerprint(&[fingerprint(5)]).unwrap(), [None]);
    assert!(tags(&fixture).is_empty());
    let gone = fixture.store.remove_known(added[0].id, &admin(), at(3)).unwrap_err();
    assert!(matches!(gone, StoreError::NotFound { .. }), "{gone}");
    let never = KnownId::from_number(77).unwrap();
    assert!(fixture.store.remove_known(never, &admin(), at(3)).is_err());
}

#[test]
fn a_leaked_value_is_a_known_secret_until_somebody_dismisses_it() {
    let fixture = Fixture::new();
    fixture.store.add_known(&[known("payments/db", 5)], &admin(), at(1)).unwrap();
    fixture.push(&push(1, 1));
    let mut reported = push(2, 2);
    reported.findings[0].decision.action = Action::Report;
    fixture.push(&reported);
    assert_eq!(tags(&fixture), [5, u64::MAX - 1], "what was only reported did not leak here");
    let leaked = |fixture: &Fixture| {
        fixture.store.known_by_fingerprint(&[fingerprint(1), fingerprint(2)]).unwrap()
    };
    let found = leaked(&fixture);
    assert!(matches!(&found[0], Some(KnownMatch::Leaked(one)) if one.incident == incident(1)));
    assert_eq!(found[1], None);
    let kind = DispositionKind::TestValue;
    fixture.store.dismiss(incident(1), kind, &reason("sample"), &admin(), at(3)).unwrap();
    assert_eq!(tags(&fixture), [5]);
    assert_eq!(leaked(&fixture), [None, None]);
    fixture.store.reopen(incident(1), &reason("no"), &admin(), at(4)).unwrap();
    assert_eq!(tags(&fixture), [5, u64::MAX - 1]);
}

#[test]
fn the_inventory_outranks_the_incident_and_names_it() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 5));
    assert_eq!(fixture.incident(1).known_as, None);
    fixture.store.add_known(&[known("payments/db", 5)], &admin(), at(2)).unwrap();
    let found = fixture.store.known_by_fingerprint(&[fingerprint(5)]).unwrap();
    assert!(matches!(found[0], Some(KnownMatch::Inventory(_))));
    assert_eq!(fixture.incident(1).known_as.as_deref(), Some("payments/db"));
}

#[test]
fn a_question_has_a_limit() {
    let fixture = Fixture::new();
    let many = vec![fingerprint(1); crate::store::FINGERPRINTS_MAX + 1];
    let error = fixture.store.known_by_fingerprint(&many).unwrap_err();
    assert!(matches!(error, StoreError::Limit { .. }), "{error}");
}

#[test]
fn only_administrators_change_the_inventory() {
    let fixture = Fixture::new();
    let error = fixture.store.add_known(&[known("x", 1)], &Actor::GitAccount, at(1)).unwrap_err();
    assert!(matches!(error, StoreError::NotEntitled(_)), "{error}");
}

#[test]
fn the_word_for_what_is_known_changes_with_it() {
    let fixture = Fixture::new();
    let mut last = fixture.store.known_epoch().unwrap();
    let mut check = |what: &str, want: bool| {
        let now = fixture.store.known_epoch().unwrap();
        assert_eq!(now != last, want, "{what}");
        last = now;
    };
    check("nothing happened", false);
    fixture.store.add_known(&[known("payments/db", 5)], &admin(), at(1)).unwrap();
    check("a value was added", true);
    fixture.store.remove_known(KnownId::from_number(1).unwrap(), &admin(), at(2)).unwrap();
    check("a value was removed", true);
    fixture.push(&push(1, 1));
    check("a value leaked", true);
    fixture.push(&push(2, 1));
    check("it leaked once more", false);
    let why = reason("no");
    let kind = DispositionKind::FalsePositive;
    fixture.store.dismiss(incident(1), kind, &why, &admin(), at(4)).unwrap();
    check("it was dismissed", true);
    fixture.store.reopen(incident(1), &why, &admin(), at(5)).unwrap();
    check("it counts again", true);
}
