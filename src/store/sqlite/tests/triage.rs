//! What triage does to incidents and tickets.

use super::*;
use crate::incident::{DispositionKind, IllegalTransition, TicketId, TicketState};

#[test]
fn a_dismissal_closes_incident_and_ticket_and_reopening_opens_both() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let (kind, why) = (DispositionKind::FalsePositive, reason("a build number"));
    let view = fixture.store.dismiss(incident(1), kind, &why, &admin(), at(2)).unwrap();
    assert_eq!(view.state, "false-positive");
    let said = view.disposition.unwrap();
    assert_eq!((said.by.as_str(), said.at), ("admin:root", at(2)));
    assert_eq!(fixture.ticket().state, TicketState::Closed);

    let view = fixture.store.reopen(incident(1), &reason("it is live"), &admin(), at(3)).unwrap();
    assert_eq!((view.state.as_str(), view.disposition), ("reopened", None));
    assert_eq!(fixture.ticket().state, TicketState::Reopened);

    fixture.store.dismiss(incident(1), kind, &why, &admin(), at(4)).unwrap();
    assert_eq!(fixture.ticket().state, TicketState::Closed);
    fixture.store.verify_audit().unwrap();
}

#[test]
fn an_incident_without_a_ticket_is_dismissed_too() {
    let fixture = Fixture::new();
    let mut record = push(1, 1);
    record.findings[0].decision.action = Action::Report;
    fixture.push(&record);
    let kind = DispositionKind::TestValue;
    fixture.store.dismiss(incident(1), kind, &reason("sample"), &admin(), at(2)).unwrap();
    let view = fixture.store.reopen(incident(1), &reason("no"), &admin(), at(3)).unwrap();
    assert_eq!(view.tickets, []);
}

#[test]
fn verbs_that_lead_nowhere_change_nothing() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let store = &fixture.store;
    let (kind, why) = (DispositionKind::TestValue, reason("x"));
    let ticket = fixture.ticket().id;
    let rows = fixture.rows();
    let check = |case: &str, error: StoreError, want: &str| {
        assert_eq!(error.to_string(), want, "{case}");
        assert_eq!(fixture.rows(), rows, "{case}");
    };
    check(
        "reopening what is open",
        store.reopen(incident(1), &why, &admin(), at(2)).unwrap_err(),
        "INC-1 is `open` and cannot be reopened; it is open as it stands",
    );
    check(
        "an incident that is none",
        store.dismiss(incident(9), kind, &why, &admin(), at(2)).unwrap_err(),
        "there is no incident INC-9",
    );
    check(
        "a ticket that is none",
        store.close_ticket(TicketId::from_number(9).unwrap(), &why, &admin(), at(2)).unwrap_err(),
        "there is no ticket TKT-9",
    );
    let by = Actor::Pusher("alice".to_owned());
    check(
        "a pusher who dismisses",
        store.dismiss(incident(1), kind, &why, &by, at(2)).unwrap_err(),
        "`pusher:alice` may not decide this; ask an administrator",
    );
    check(
        "the git account that closes",
        store.close_ticket(ticket, &why, &Actor::GitAccount, at(2)).unwrap_err(),
        "`git-account` may not decide this; ask an administrator",
    );
}

#[test]
fn what_is_done_is_not_done_twice() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let (kind, why) = (DispositionKind::TestValue, reason("x"));
    let ticket = fixture.ticket().id;
    fixture.store.close_ticket(ticket, &why, &admin(), at(2)).unwrap();
    let twice = fixture.store.close_ticket(ticket, &why, &admin(), at(3)).unwrap_err();
    assert!(matches!(twice, StoreError::Conflict { .. }), "{twice}");
    fixture.store.dismiss(incident(1), kind, &why, &admin(), at(4)).unwrap();
    let twice = fixture.store.dismiss(incident(1), kind, &why, &admin(), at(5)).unwrap_err();
    let state = matches!(twice, StoreError::Illegal(IllegalTransition::State { .. }));
    assert!(state, "{twice}");
}

#[test]
fn the_audit_log_marks_who_dismisses_what_they_pushed() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let by = Actor::Admin("alice".to_owned());
    let kind = DispositionKind::TestValue;
    fixture.store.dismiss(incident(1), kind, &reason("mine"), &by, at(2)).unwrap();
    let log = fixture.store.audit(&Page::default()).unwrap().items;
    let entry = log.iter().find(|entry| entry.event.action == "incident.dismissed").unwrap();
    assert!(entry.event.detail.contains(r#""pushed_it":true"#), "{}", entry.event.detail);
}
