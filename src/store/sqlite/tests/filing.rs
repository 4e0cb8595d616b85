//! How pushes become incidents and tickets.

use super::*;
use crate::incident::{DispositionKind, Exposure, TicketEventKind, TicketState};
use crate::store::SpoolNonce;
use crate::store::sqlite::occurrences::KEPT_MAX;

/// The domain's table: pushes of one secret one after the other, and what stands afterwards.
#[test]
fn pushes_of_one_secret_add_up_to_one_incident_and_at_most_one_ticket() {
    use Action::{Ignore, Refuse, Report};

    struct Want {
        leaked: bool,
        occurrences: u64,
        ticket: Option<(TicketState, &'static [TicketEventKind])>,
    }

    #[track_caller]
    fn check(case: &str, actions: &[Action], want: &Want) {
        let fixture = Fixture::new();
        for (number, action) in (1..).zip(actions) {
            let mut record = push(number, 1);
            record.findings[0] = finding(1, *action);
            fixture.push(&record);
        }
        let incidents =
            fixture.store.incidents(&IncidentFilter::default(), &Page::default()).unwrap();
        assert_eq!(incidents.items.len(), 1, "{case}");
        let incident = &incidents.items[0];
        assert_eq!(incident.state, "open", "{case}");
        assert_eq!(incident.leaked, want.leaked, "{case}");
        assert_eq!(incident.occurrences_total, want.occurrences, "{case}");
        let tickets = fixture.store.tickets(&TicketFilter::default(), &Page::default()).unwrap();
        let found = tickets.items.first().map(|ticket| {
            let kinds: Vec<_> = ticket.events.iter().map(|event| event.kind).collect();
            (ticket.state, kinds)
        });
        assert_eq!(found, want.ticket.map(|(state, kinds)| (state, kinds.to_vec())), "{case}");
        fixture.store.verify_audit().unwrap();
    }

    let opened: &[_] = &[TicketEventKind::Opened];
    let open = Some((TicketState::Open, opened));
    let want = |leaked, occurrences, ticket| Want { leaked, occurrences, ticket };
    check("a refusal", &[Refuse], &want(true, 1, open));
    check("a report", &[Report], &want(false, 1, None));
    check("a retry", &[Refuse, Refuse], &want(true, 2, open));
    check("a later refusal", &[Report, Refuse], &want(true, 2, open));
    check("a later report", &[Refuse, Report], &want(true, 2, open));
    check("an ignored one", &[Refuse, Ignore], &want(true, 2, open));
    check("reports only", &[Report, Ignore, Report], &want(false, 3, None));
}

#[test]
fn what_policy_ignores_opens_nothing() {
    let fixture = Fixture::new();
    let mut record = push(1, 1);
    record.findings[0].decision.action = Action::Ignore;
    assert_eq!(fixture.push(&record), []);
    let incidents = fixture.store.incidents(&IncidentFilter::default(), &Page::default()).unwrap();
    assert_eq!(incidents.items, []);
}

#[test]
fn a_push_says_where_each_finding_was_filed() {
    let fixture = Fixture::new();
    let first = fixture.push(&push(1, 1));
    assert!(first[0].newly_opened);
    assert!(first[0].ticket.unwrap().newly_opened);
    let mut record = push(2, 1);
    record.findings =
        vec![finding(2, Action::Refuse), finding(3, Action::Ignore), finding(1, Action::Refuse)];
    let filed = fixture.push(&record);
    let names: Vec<_> = filed.iter().map(|filed| filed.incident.to_string()).collect();
    assert_eq!(names, ["INC-2", "INC-1"]);
    assert_eq!(filed[1].fingerprint, fingerprint(1));
    assert!(!filed[1].newly_opened);
    let ticket = filed[1].ticket.unwrap();
    assert_eq!(ticket.id.to_string(), "TKT-1");
    assert!(!ticket.newly_opened && !ticket.reopened);
}

#[test]
fn people_places_and_repositories_meet_in_one_incident() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    for (number, name) in [(2, "bob"), (3, "bob")] {
        let mut record = push(number, 1);
        record.pusher = pusher(name);
        record.repository = format!("/srv/git/other-{number}.git");
        record.findings[0].occurrences = vec![occurrence(1), occurrence(2), occurrence(1)];
        fixture.push(&record);
    }
    let incident = fixture.incident(1);
    assert_eq!(incident.occurrences_total, 5, "a place counts once in a push");
    assert_eq!(incident.pushes_total, 3);
    let pushers: Vec<_> = incident
        .pushers
        .iter()
        .map(|view| (view.pusher.name.as_deref().unwrap(), view.pushes))
        .collect();
    assert_eq!(pushers, [("bob", 2), ("alice", 1)]);
    let ticket = fixture.ticket();
    let texts: Vec<_> = ticket.events.iter().map(|event| event.text.as_str()).collect();
    insta::assert_snapshot!(texts.join("\n"), @"

    Pushed again to /srv/git/other-2.git by bob, refused: 2 occurrences, first deploy/prod.env:1 in commit cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd.
    Pushed again to /srv/git/other-3.git by bob, refused: 2 occurrences, first deploy/prod.env:1 in commit cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd.
    ");
}

#[test]
fn a_retry_adds_no_comment_and_a_new_place_does() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    fixture.push(&push(2, 1));
    assert_eq!(fixture.ticket().events.len(), 1);
    let mut record = push(3, 1);
    record.findings[0].occurrences.push(occurrence(2));
    fixture.push(&record);
    assert_eq!(fixture.ticket().events.len(), 2);
}

#[test]
fn comments_end_and_are_counted_then() {
    let fixture = Fixture::new();
    for number in 0..TicketView::EVENTS_MAX + 5 {
        let mut record = push(1, 1);
        let mut nonce = [9; 16];
        nonce[..4].copy_from_slice(&number.to_be_bytes());
        record.id = PushId::from_nonce(nonce);
        record.findings[0].occurrences = vec![occurrence(u64::from(number))];
        fixture.push(&record);
    }
    let ticket = fixture.ticket();
    assert_eq!(ticket.events.len(), TicketView::EVENTS_MAX as usize);
    assert_eq!(ticket.comments_unwritten, 5);
    let closed = fixture.store.close_ticket(ticket.id, &reason("enough"), &admin(), at(9));
    let last = closed.unwrap().events.pop().unwrap();
    assert_eq!(last.kind, TicketEventKind::Closed, "closing is always kept");
}

#[test]
fn occurrences_of_a_push_are_capped_and_counted() {
    let fixture = Fixture::new();
    let mut record = push(1, 1);
    record.findings[0].occurrences = (1..=250).map(occurrence).collect();
    fixture.push(&record);
    let incident = fixture.incident(1);
    assert_eq!(incident.occurrences.len(), PushRecord::OCCURRENCES_MAX);
    assert_eq!(incident.occurrences_total, 250);
    let pushes = fixture.store.pushes(&PushFilter::default(), &Page::default()).unwrap();
    assert_eq!(pushes.items[0].findings[0].occurrences, 250);
}

#[test]
fn occurrences_of_an_incident_are_capped_and_counted() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let raw = fixture.raw();
    raw.execute(
        "UPDATE incident SET occurrences_total = ?1, occurrences_kept = ?1",
        [u32::try_from(KEPT_MAX).unwrap() - 1],
    )
    .unwrap();
    let mut record = push(2, 1);
    record.findings[0].occurrences = (1..=3).map(occurrence).collect();
    fixture.push(&record);
    let incident = fixture.incident(1);
    assert_eq!(incident.occurrences.len(), 2);
    assert_eq!(incident.occurrences_total, KEPT_MAX as u64 + 2);
}

#[test]
fn a_ticket_closed_too_early_stands_open_again_when_the_secret_comes_back() {
    #[track_caller]
    fn check(case: &str, action: Action, age: Age, want: TicketState) {
        let fixture = Fixture::new();
        fixture.push(&push(1, 1));
        let id = fixture.ticket().id;
        fixture.store.close_ticket(id, &reason("done, I think"), &admin(), at(2)).unwrap();
        assert_eq!(fixture.incident(1).state, "open", "{case}: closing a ticket closes nothing");
        let mut record = push(3, 1);
        record.findings[0] = finding(1, action);
        record.findings[0].occurrences[0].age = age;
        let filed = fixture.push(&record);
        assert_eq!(fixture.ticket().state, want, "{case}");
        assert_eq!(filed[0].ticket.unwrap().reopened, want == TicketState::Reopened, "{case}");
    }
    check("refused", Action::Refuse, Age::New, TicketState::Reopened);
    check("let through by a grant", Action::Report, Age::New, TicketState::Reopened);
    check("old content", Action::Report, Age::OldInParents, TicketState::Closed);
    check("dismissed by policy", Action::Ignore, Age::New, TicketState::Closed);
}

#[test]
fn a_reopened_ticket_says_why() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let id = fixture.ticket().id;
    fixture.store.close_ticket(id, &reason("done"), &admin(), at(2)).unwrap();
    fixture.push(&push(3, 1));
    let lines: Vec<_> = fixture
        .ticket()
        .events
        .iter()
        .map(|event| {
            format!("{} {} {}: {}", event.number, event.by, event.kind.as_str(), event.text)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    1 daemon opened: 
    2 admin:root closed: done
    3 daemon reopened: Closed too early. Pushed again to /srv/git/pay.git by alice, refused: 1 occurrence, first deploy/prod.env:1 in commit cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd.
    ");
}

#[test]
fn a_dismissed_incident_keeps_its_state_and_its_ticket_closed() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let why = reason("sample of the manual");
    fixture.store.dismiss(incident(1), DispositionKind::TestValue, &why, &admin(), at(2)).unwrap();
    // The daemon had decided before the dismissal was committed.
    let filed = fixture.push(&push(3, 1));
    assert_eq!(filed[0].state, "false-positive");
    assert_eq!(fixture.incident(1).occurrences_total, 2);
    assert_eq!(fixture.ticket().state, TicketState::Closed);
}

#[test]
fn exposure_is_the_worst_of_all_pushes() {
    #[track_caller]
    fn check(pushes: &[(PushVerdict, Age)], want: Exposure) {
        let fixture = Fixture::new();
        for (number, (verdict, age)) in (1..).zip(pushes) {
            let mut record = push(number, 1);
            record.verdict = *verdict;
            record.findings[0].occurrences[0].age = *age;
            fixture.push(&record);
        }
        assert_eq!(fixture.incident(1).exposure, want, "{pushes:?}");
    }
    use Age::{New, OldInParents, OldReachable};
    use PushVerdict::{Accepted, Failed, Refused};
    check(&[(Refused, New)], Exposure::Refused);
    check(&[(Refused, New), (Failed, New)], Exposure::Unknown);
    check(&[(Refused, OldInParents)], Exposure::Unknown);
    check(&[(Accepted, New), (Refused, New)], Exposure::Accepted);
    check(&[(Refused, OldReachable)], Exposure::Landed);
    check(&[(Accepted, OldReachable), (Refused, New)], Exposure::Landed);
}

#[test]
fn the_most_believed_owner_stays() {
    #[track_caller]
    fn check(first: OwnerSource, later: OwnerSource, origin: Origin, want: &str) {
        let fixture = Fixture::new();
        let mut record = push(1, 1);
        record.findings[0].owner = owner("first", first);
        fixture.push(&record);
        let mut record = push(2, 1);
        record.origin = origin;
        record.findings[0].owner = owner("later", later);
        let filed = fixture.push(&record);
        assert_eq!(filed[0].owner, want);
        assert_eq!(fixture.incident(1).owner.name, want);
    }
    use OwnerSource::{Codeowners, Default, Identity};
    check(Default, Identity, Origin::Daemon, "later");
    check(Identity, Default, Origin::Daemon, "first");
    check(Codeowners, Codeowners, Origin::Daemon, "first");
    check(Default, Identity, Origin::GitAccount, "first");
}

#[test]
fn an_incident_without_an_owner_says_so() {
    let fixture = Fixture::new();
    let mut record = push(1, 1);
    record.findings[0].owner = owner("security", OwnerSource::Default);
    fixture.push(&record);
    assert!(fixture.incident(1).unowned);
}

#[test]
fn a_surer_rule_names_the_secret() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let surer = |origin| {
        let mut record = push(if origin == Origin::Daemon { 3 } else { 2 }, 1);
        record.origin = origin;
        record.findings[0].finding.rule = RuleId::parse("cloud-key-exact").unwrap();
        record.findings[0].finding.confidence = Confidence::High;
        record
    };
    fixture.push(&surer(Origin::GitAccount));
    assert_eq!(fixture.incident(1).rule.as_str(), "cloud-key");
    fixture.push(&surer(Origin::Daemon));
    assert_eq!(fixture.incident(1).rule.as_str(), "cloud-key-exact");
}

#[test]
fn a_spool_entry_is_ingested_once() {
    let fixture = Fixture::new();
    let mut record = push(1, 1);
    record.origin = Origin::GitAccount;
    record.spool = Some(SpoolNonce(push_id(7)));
    fixture.push(&record);
    let rows = fixture.rows();
    let again = fixture.store.record_push(&record).unwrap_err();
    assert!(matches!(again, StoreError::AlreadyIngested { .. }), "{again}");
    // Under another push's name it is still the same entry.
    record.id = push_id(2);
    let again = fixture.store.record_push(&record).unwrap_err();
    assert!(matches!(again, StoreError::AlreadyIngested { .. }), "{again}");
    assert_eq!(fixture.rows(), rows);
}

#[test]
fn daemon_and_spool_may_tell_of_the_same_push_each_once() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let mut claim = push(1, 1);
    claim.origin = Origin::GitAccount;
    claim.verdict = PushVerdict::Accepted;
    claim.spool = Some(SpoolNonce(push_id(1)));
    fixture.push(&claim);
    assert_eq!(fixture.incident(1).exposure, Exposure::Accepted);
    let twice = fixture.store.record_push(&push(1, 1)).unwrap_err();
    assert!(matches!(twice, StoreError::Conflict { .. }), "{twice}");
}

#[test]
fn an_older_spool_entry_moves_first_seen_and_not_the_latest_decision() {
    let fixture = Fixture::new();
    fixture.push(&push(9, 1));
    let mut claim = push(2, 1);
    claim.origin = Origin::GitAccount;
    claim.spool = Some(SpoolNonce(push_id(2)));
    claim.findings[0].decision.reason = "screened locally".to_owned();
    fixture.push(&claim);
    let incident = fixture.incident(1);
    assert_eq!((incident.first_seen, incident.last_seen), (at(2), at(9)));
    assert_eq!(incident.decision.reason, "rule cloud-key");
}

#[test]
fn a_record_that_contradicts_itself_is_refused_whole() {
    let fixture = Fixture::new();
    let rows = fixture.rows();
    let mut record = push(1, 1);
    record.findings.push(finding(1, Action::Report));
    let error = fixture.store.record_push(&record).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    let mut record = push(1, 1);
    record.findings = vec![finding(1, Action::Refuse); PushRecord::FINDINGS_MAX + 1];
    let error = fixture.store.record_push(&record).unwrap_err();
    assert!(matches!(error, StoreError::Limit { .. }), "{error}");
    assert_eq!(fixture.rows(), rows);
}

#[test]
fn ref_names_and_messages_need_no_path_or_commit() {
    let fixture = Fixture::new();
    let mut record = push(1, 1);
    let bare = |container| Occurrence {
        container,
        object: String::new(),
        commit: None,
        subject: None,
        path: None,
        ..occurrence(1)
    };
    let places = [Container::RefName, Container::PushOption, Container::RefName];
    record.findings[0].occurrences = places.map(bare).to_vec();
    fixture.push(&record);
    let incident = fixture.incident(1);
    assert_eq!(incident.occurrences_total, 2);
    assert_eq!(incident.occurrences[0].object, None);
    fixture.push(&{
        let mut again = record.clone();
        again.id = push_id(2);
        again
    });
    assert_eq!(fixture.ticket().events.len(), 1, "the same places again");
}
