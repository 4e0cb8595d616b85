//! What must happen outside: once for each sink, in order, until it happened or was given up.

use super::*;
use crate::incident::{ExternalId, TicketEventKind, TicketState};
use crate::store::{LeasedRow, OutboxPayload, OutboxState, Settlement};

const LEASE: Duration = Duration::from_mins(2);

fn lease(fixture: &Fixture, minutes: u64) -> Vec<LeasedRow> {
    fixture.store.outbox_lease(at(minutes), 100, LEASE).unwrap()
}

fn settle(fixture: &Fixture, row: &LeasedRow, settlement: &Settlement) {
    fixture.store.outbox_settle(row.lease, settlement).unwrap();
}

fn keys(rows: &[LeasedRow]) -> Vec<&str> {
    rows.iter().map(|row| row.dedupe_key.as_str()).collect()
}

#[test]
fn every_sink_is_told_of_every_ticket_event_in_order() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    fixture.store.close_ticket(fixture.ticket().id, &reason("done"), &admin(), at(2)).unwrap();
    let opened = lease(&fixture, 3);
    assert_eq!(keys(&opened), ["ticket:TKT-1:1:journal", "ticket:TKT-1:1:other"]);
    assert_eq!(lease(&fixture, 3), [], "closing waits for opening");
    settle(&fixture, &opened[0], &Settlement::Done);
    let closed = lease(&fixture, 3);
    assert_eq!(keys(&closed), ["ticket:TKT-1:2:journal"]);
    let OutboxPayload::Ticket { sink, event } = &closed[0].payload else {
        panic!("{closed:?}");
    };
    assert_eq!(sink, "journal");
    assert_eq!((event.kind, event.text.as_str()), (TicketEventKind::Closed, "done"));
}

#[test]
fn an_event_carries_all_that_a_tracker_needs() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let rows = lease(&fixture, 3);
    insta::assert_snapshot!(serde_json::to_string_pretty(&rows[0].payload).unwrap(), @r#"
    {
      "kind": "ticket",
      "sink": "journal",
      "event": {
        "ticket": "TKT-1",
        "number": 1,
        "kind": "opened",
        "at": "2026-11-22T12:01:00Z",
        "by": "daemon",
        "incident": "INC-1",
        "rule": "cloud-key",
        "severity": "high",
        "owner": "payments",
        "dedupe": "pushwarden-01010101010101010101010101010101",
        "title": "Revoke the cloud key of account 123",
        "body": "Rotate it.",
        "text": ""
      }
    }
    "#);
}

#[test]
fn a_row_is_held_until_the_lease_runs_out_and_a_late_worker_settles_nothing() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let first = lease(&fixture, 1);
    assert_eq!(lease(&fixture, 2), []);
    let second = lease(&fixture, 3);
    assert_eq!(keys(&second), keys(&first));
    assert_eq!((first[0].lease.attempt(), second[0].lease.attempt()), (1, 2));
    let late = fixture.store.outbox_settle(first[0].lease, &Settlement::Done).unwrap_err();
    assert!(matches!(late, StoreError::Conflict { .. }), "{late}");
    settle(&fixture, &second[0], &Settlement::Done);
    let twice = fixture.store.outbox_settle(second[0].lease, &Settlement::Done).unwrap_err();
    assert!(matches!(twice, StoreError::Conflict { .. }), "{twice}");
}

#[test]
fn a_retry_waits_for_its_time_and_the_dead_let_the_next_pass() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    fixture.store.close_ticket(fixture.ticket().id, &reason("done"), &admin(), at(1)).unwrap();
    let rows = lease(&fixture, 1);
    let retry =
        Settlement::Retry { not_before: at(10), error: "é".repeat(Settlement::ERROR_BYTES_MAX) };
    settle(&fixture, &rows[0], &retry);
    let dead = Settlement::Dead { error: "no such project".to_owned() };
    settle(&fixture, &rows[1], &dead);
    let next = lease(&fixture, 2);
    assert_eq!(keys(&next), ["ticket:TKT-1:2:other"]);
    let listed = fixture.store.outbox(Some(OutboxState::Dead), &Page::default()).unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(listed.items[0].last_error.as_deref(), Some("no such project"));
    let pending = fixture.store.outbox(Some(OutboxState::Pending), &Page::default()).unwrap();
    let error = pending.items.iter().find_map(|row| row.last_error.as_ref()).unwrap();
    assert_eq!(error.len(), Settlement::ERROR_BYTES_MAX);
    let again = lease(&fixture, 10);
    assert!(keys(&again).contains(&"ticket:TKT-1:1:journal"));
}

#[test]
fn a_worker_takes_no_more_than_it_asks_for() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    fixture.push(&push(2, 2));
    assert_eq!(fixture.store.outbox_lease(at(3), 3, LEASE).unwrap().len(), 3);
    assert_eq!(fixture.store.outbox_lease(at(3), 3, LEASE).unwrap().len(), 1);
}

#[test]
fn a_row_with_its_time_to_come_is_left_alone() {
    let fixture = Fixture::new();
    fixture.push(&push(5, 1));
    assert_eq!(lease(&fixture, 4), []);
    assert_eq!(lease(&fixture, 5).len(), 2);
}

#[test]
fn a_ticket_knows_what_it_is_called_elsewhere() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let id = fixture.ticket().id;
    assert_eq!(fixture.store.ticket_link(id, "other").unwrap(), None);
    for name in ["SEC-1", "SEC-2"] {
        fixture.store.link_ticket(id, "other", &ExternalId(name.to_owned())).unwrap();
    }
    let link = fixture.store.ticket_link(id, "other").unwrap();
    assert_eq!(link, Some(ExternalId("SEC-2".to_owned())));
    assert_eq!(fixture.ticket().links.len(), 1);
    assert_eq!(fixture.ticket().state, TicketState::Open);
}

#[test]
fn only_what_was_done_long_ago_is_removed() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    fixture.push(&push(2, 2));
    let rows = lease(&fixture, 3);
    settle(&fixture, &rows[0], &Settlement::Done);
    settle(&fixture, &rows[1], &Settlement::Dead { error: "no such project".to_owned() });
    settle(&fixture, &rows[2], &Settlement::Done);
    let left = || {
        let listed = fixture.store.outbox(None, &Page::default()).unwrap().items;
        listed.iter().map(|row| row.state.as_str()).collect::<Vec<_>>()
    };
    let audited = fixture.store.verify_audit().unwrap();
    assert_eq!(fixture.store.outbox_prune(at(1)).unwrap(), 0);
    assert_eq!(left(), ["leased", "done", "dead", "done"]);
    assert_eq!(fixture.store.outbox_prune(at(2)).unwrap(), 1);
    assert_eq!(left(), ["leased", "done", "dead"]);
    assert_eq!(fixture.store.outbox_prune(at(1_000)).unwrap(), 1);
    assert_eq!(left(), ["leased", "dead"], "what is not done is kept, however old");
    assert_eq!(fixture.store.verify_audit().unwrap(), audited);
}
