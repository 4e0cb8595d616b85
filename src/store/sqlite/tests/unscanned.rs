//! What nobody scanned.

use super::*;
use crate::incident::UnscannedId;
use crate::store::{
    OutboxPayload, UnscannedFilter, UnscannedItem, UnscannedSettlement, UnscannedState,
};

fn item(reason: &str) -> UnscannedItem {
    UnscannedItem {
        object: Some("ef".repeat(20)),
        old: None,
        reason: reason.to_owned(),
        detail: "over the limit".to_owned(),
        again: true,
    }
}

fn unscanned(number: u8, verdict: PushVerdict, items: usize) -> PushRecord {
    let mut record = push(number, 1);
    record.verdict = verdict;
    record.findings.clear();
    record.unscanned = vec![item("push-bytes"); items];
    record
}

#[test]
fn what_stayed_on_the_server_is_scanned_later_and_what_was_refused_is_gone() {
    #[track_caller]
    fn check(verdict: PushVerdict, want: usize) {
        let fixture = Fixture::new();
        fixture.push(&unscanned(1, verdict, 2));
        let listed =
            fixture.store.unscanned(&UnscannedFilter::default(), &Page::default()).unwrap();
        assert_eq!(listed.items.len(), 2);
        let rows = fixture.store.outbox_lease(at(2), 10, Duration::from_mins(1)).unwrap();
        assert_eq!(rows.len(), want, "{verdict:?}");
        assert!(rows.iter().all(|row| matches!(row.payload, OutboxPayload::Rescan { .. })));
    }
    check(PushVerdict::Accepted, 2);
    check(PushVerdict::Failed, 2);
    check(PushVerdict::Refused, 0);
}

#[test]
fn an_item_is_settled_once() {
    let fixture = Fixture::new();
    fixture.push(&unscanned(1, PushVerdict::Accepted, 1));
    let settlement = |state| UnscannedSettlement {
        id: UnscannedId::from_number(1).unwrap(),
        state,
        reason: reason("clean"),
    };
    let settle = |state, by: &Actor| fixture.store.settle_unscanned(&settlement(state), by, at(2));
    let by_git = settle(UnscannedState::Accepted, &Actor::GitAccount).unwrap_err();
    assert!(matches!(by_git, StoreError::NotEntitled(_)), "{by_git}");
    let to_open = settle(UnscannedState::Open, &admin()).unwrap_err();
    assert!(matches!(to_open, StoreError::Conflict { .. }), "{to_open}");
    let settled = settle(UnscannedState::Rescanned, &Actor::Daemon).unwrap();
    assert_eq!(settled.settled_by.as_deref(), Some("daemon"));
    let twice = settle(UnscannedState::Accepted, &admin()).unwrap_err();
    assert_eq!(twice.to_string(), "UNS-1 is rescanned and cannot become accepted");
}

#[test]
fn items_of_a_push_are_capped_and_counted() {
    let fixture = Fixture::new();
    fixture.push(&unscanned(1, PushVerdict::Refused, PushRecord::UNSCANNED_MAX + 7));
    let pushes = fixture.store.pushes(&PushFilter::default(), &Page::default()).unwrap();
    assert_eq!(pushes.items[0].unscanned_total, PushRecord::UNSCANNED_MAX as u64 + 7);
    assert_eq!(fixture.rows()["unscanned"], 1_000);
}

#[test]
fn items_are_found_by_state_repository_and_reason() {
    let fixture = Fixture::new();
    fixture.push(&unscanned(1, PushVerdict::Accepted, 1));
    let mut other = unscanned(2, PushVerdict::Accepted, 1);
    other.repository = "/srv/git/else.git".to_owned();
    other.repository_name = None;
    other.unscanned[0].reason = "deadline".to_owned();
    fixture.push(&other);
    let check = |filter: UnscannedFilter, want: &[&str]| {
        let listed = fixture.store.unscanned(&filter, &Page::default()).unwrap();
        let ids: Vec<_> = listed.items.iter().map(|item| item.id.to_string()).collect();
        assert_eq!(ids, want, "{filter:?}");
    };
    let filter = UnscannedFilter::default;
    check(filter(), &["UNS-2", "UNS-1"]);
    check(UnscannedFilter { state: Some(UnscannedState::Accepted), ..filter() }, &[]);
    check(UnscannedFilter { reason: Some("deadline".to_owned()), ..filter() }, &["UNS-2"]);
    check(UnscannedFilter { repository: Some("team/pay".to_owned()), ..filter() }, &["UNS-1"]);
}
