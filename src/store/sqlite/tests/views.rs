//! Lists, filters, pages, and the JSON that people and scripts read.

use super::*;
use crate::incident::DispositionKind;
use crate::store::{Cursor, StandingQuery};

#[test]
fn an_incident_in_json() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let listing = fixture.store.incidents(&IncidentFilter::default(), &Page::default()).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&listing).unwrap(), @r#"
    {
      "incidents": [
        {
          "id": "INC-1",
          "state": "open",
          "rule": "cloud-key",
          "fingerprint": "0101010101010101010101010101010101010101010101010101010101010101",
          "preview": "ABCD****YZ",
          "confidence": "medium",
          "severity": "high",
          "facts": {
            "account": "123"
          },
          "known_as": null,
          "owner": {
            "name": "payments",
            "source": "path",
            "confidence": "medium",
            "chain": [
              {
                "source": "path",
                "evidence": "path deploy/** in owners.toml",
                "answer": "payments"
              }
            ]
          },
          "unowned": false,
          "exposure": "refused",
          "leaked": true,
          "decision": {
            "action": "refuse",
            "reason": "rule cloud-key"
          },
          "disposition": null,
          "occurrences": [
            {
              "push": "01010101010101010101010101010101",
              "at": "2026-11-22T12:01:00Z",
              "repository": "/srv/git/pay.git",
              "repository_name": "team/pay",
              "container": "blob",
              "object": "abababababababababababababababababababab",
              "commit": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
              "subject": "add configuration",
              "path": "deploy/prod.env",
              "line": 1,
              "column": 5,
              "end_line": 1,
              "start": 100,
              "end": 140,
              "layers": [
                "a.env",
                "base64"
              ],
              "age": "new"
            }
          ],
          "occurrences_total": 1,
          "pushers": [
            {
              "name": "alice",
              "source": "gitolite",
              "trust": "server",
              "pushes": 1
            }
          ],
          "pushes_total": 1,
          "tickets": [
            {
              "id": "TKT-1",
              "state": "open",
              "title": "Revoke the cloud key of account 123"
            }
          ],
          "first_seen": "2026-11-22T12:01:00Z",
          "last_seen": "2026-11-22T12:01:00Z"
        }
      ],
      "next": null
    }
    "#);
}

#[test]
fn a_dismissal_in_json() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let kind = DispositionKind::TestValue;
    let view =
        fixture.store.dismiss(incident(1), kind, &reason("sample"), &admin(), at(2)).unwrap();
    insta::assert_snapshot!(serde_json::to_string(&view.disposition).unwrap(), @r#"{"as":"test-value","by":"admin:root","reason":"sample","at":"2026-11-22T12:02:00Z"}"#);
}

#[test]
fn a_ticket_in_json() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let listing = fixture.store.tickets(&TicketFilter::default(), &Page::default()).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&listing).unwrap(), @r#"
    {
      "tickets": [
        {
          "id": "TKT-1",
          "state": "open",
          "incident": "INC-1",
          "incident_state": "open",
          "rule": "cloud-key",
          "preview": "ABCD****YZ",
          "severity": "high",
          "owner": {
            "name": "payments",
            "source": "path",
            "confidence": "medium",
            "chain": [
              {
                "source": "path",
                "evidence": "path deploy/** in owners.toml",
                "answer": "payments"
              }
            ]
          },
          "title": "Revoke the cloud key of account 123",
          "body": "Rotate it.",
          "opened_at": "2026-11-22T12:01:00Z",
          "updated_at": "2026-11-22T12:01:00Z",
          "events": [
            {
              "number": 1,
              "kind": "opened",
              "at": "2026-11-22T12:01:00Z",
              "by": "daemon",
              "text": ""
            }
          ],
          "links": [],
          "comments_unwritten": 0
        }
      ],
      "next": null
    }
    "#);
}

#[test]
fn a_push_in_json() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let listing = fixture.store.pushes(&PushFilter::default(), &Page::default()).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&listing).unwrap(), @r#"
    {
      "pushes": [
        {
          "id": "01010101010101010101010101010101",
          "at": "2026-11-22T12:01:00Z",
          "repository": "/srv/git/pay.git",
          "repository_name": "team/pay",
          "server": "plain",
          "pusher": {
            "name": "alice",
            "source": "gitolite",
            "trust": "server"
          },
          "verdict": "refused",
          "reason": "1 credential",
          "origin": "daemon",
          "objects": 3,
          "bytes": 1024,
          "duration_ms": 7,
          "findings": [
            {
              "incident": "INC-1",
              "action": "refuse",
              "reason": "rule cloud-key",
              "occurrences": 1,
              "grant": null
            }
          ],
          "findings_total": 1,
          "unscanned_total": 0
        }
      ],
      "next": null
    }
    "#);
}

#[test]
fn a_grant_in_json() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let grant = fixture.store.create_grant(&grant(1), &admin(), at(2)).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&grant).unwrap(), @r#"
    {
      "id": "GRT-1",
      "state": "active",
      "incident": "INC-1",
      "repository": "/srv/git/pay.git",
      "pusher": null,
      "uses": 2,
      "used": 0,
      "expires_at": "2026-11-23T12:00:00Z",
      "reason": "rotation is under way",
      "created_by": "admin:root",
      "created_at": "2026-11-22T12:02:00Z",
      "revoked_by": null,
      "revoked_at": null
    }
    "#);
}

#[test]
fn an_audit_entry_in_json() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let listing = fixture.store.audit(&Page::first(1)).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&listing).unwrap(), @r#"
    {
      "events": [
        {
          "seq": 1,
          "at": "2026-11-22T12:01:00Z",
          "actor": "daemon",
          "action": "push.refused",
          "subject": "01010101010101010101010101010101",
          "detail": "{\"findings\":1,\"pusher\":{\"name\":\"alice\",\"source\":\"gitolite\",\"trust\":\"server\"},\"reason\":\"1 credential\",\"repository\":\"/srv/git/pay.git\",\"unscanned\":0}",
          "prev_hash": "0000000000000000000000000000000000000000000000000000000000000000",
          "hash": "26de0dc25d834d5477b672222f5d64480ddb87591779effb882ec2e5018a753b"
        }
      ],
      "next": "1"
    }
    "#);
}

#[test]
fn incidents_are_found_by_what_they_are() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let mut other = push(2, 2);
    other.repository = "/srv/git/else.git".to_owned();
    other.repository_name = None;
    other.findings[0].finding.rule = RuleId::parse("chat-token").unwrap();
    other.findings[0].owner = owner("security", OwnerSource::Default);
    fixture.push(&other);
    let kind = DispositionKind::TestValue;
    fixture.store.dismiss(incident(1), kind, &reason("sample"), &admin(), at(2)).unwrap();

    let check = |filter: IncidentFilter, want: &[&str]| {
        let listed = fixture.store.incidents(&filter, &Page::default()).unwrap();
        let ids: Vec<_> = listed.items.iter().map(|item| item.id.to_string()).collect();
        assert_eq!(ids, want, "{filter:?}");
    };
    let all = IncidentFilter::default;
    let text = |text: &str| Some(text.to_owned());
    check(all(), &["INC-2", "INC-1"]);
    check(IncidentFilter { state: text("open"), ..all() }, &["INC-2"]);
    check(IncidentFilter { state: text("false-positive"), ..all() }, &["INC-1"]);
    check(IncidentFilter { repository: text(REPOSITORY), ..all() }, &["INC-1"]);
    check(IncidentFilter { repository: text("team/pay"), ..all() }, &["INC-1"]);
    check(IncidentFilter { owner: text("security"), ..all() }, &["INC-2"]);
    check(IncidentFilter { unowned: Some(true), ..all() }, &["INC-2"]);
    check(IncidentFilter { unowned: Some(false), ..all() }, &["INC-1"]);
    check(IncidentFilter { rule: text("chat-token"), ..all() }, &["INC-2"]);
    check(IncidentFilter { fingerprint: Some(fingerprint(1)), ..all() }, &["INC-1"]);
    let both = IncidentFilter { rule: text("chat-token"), state: text("reopened"), ..all() };
    check(both, &[]);
}

#[test]
fn tickets_and_pushes_are_found_by_what_they_are() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let mut accepted = push(2, 2);
    accepted.verdict = PushVerdict::Accepted;
    accepted.findings[0].owner = owner("security", OwnerSource::Default);
    fixture.push(&accepted);
    let filter =
        TicketFilter { state: Some("open".to_owned()), owner: Some("security".to_owned()) };
    assert_eq!(fixture.store.tickets(&filter, &Page::default()).unwrap().items.len(), 1);
    let filter = PushFilter {
        verdict: Some(PushVerdict::Accepted),
        repository: Some("team/pay".to_owned()),
        origin: Some(Origin::Daemon),
    };
    let pushes = fixture.store.pushes(&filter, &Page::default()).unwrap().items;
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0].id, push_id(2));
}

#[test]
fn pages_show_everything_once() {
    #[track_caller]
    fn check(fixture: &Fixture, limit: u32, want_pages: usize) {
        let mut page = Page::first(limit);
        let (mut ids, mut pages) = (Vec::new(), 0);
        loop {
            let listing = fixture.store.incidents(&IncidentFilter::default(), &page).unwrap();
            pages += 1;
            ids.extend(listing.items.iter().map(|item| item.id.number()));
            let Some(next) = listing.next else { break };
            page.after = Some(Cursor::parse(&next.to_string()).unwrap());
        }
        assert_eq!(ids, [7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(pages, want_pages);
    }
    let fixture = Fixture::new();
    for number in 1..=7 {
        fixture.push(&push(number, number));
    }
    check(&fixture, 1, 7);
    check(&fixture, 3, 3);
    check(&fixture, 7, 1);
    check(&fixture, u32::MAX, 1);
}

#[test]
fn a_cursor_is_what_the_store_gave_out() {
    for text in ["", "0", "-1", "next", "1e3"] {
        assert!(Cursor::parse(text).is_err(), "{text}");
    }
    assert!(serde_json::from_str::<Cursor>("\"12\"").is_ok());
}

#[test]
fn standings_come_in_the_order_of_the_question() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let mut reported = push(2, 2);
    reported.findings[0].decision.action = Action::Report;
    fixture.push(&reported);
    fixture.push(&push(3, 3));
    let kind = DispositionKind::TestValue;
    fixture.store.dismiss(incident(3), kind, &reason("sample"), &admin(), at(4)).unwrap();
    let query =
        StandingQuery { repository: REPOSITORY, repository_name: None, pusher: None, now: at(5) };
    let asked = [fingerprint(9), fingerprint(3), fingerprint(1), fingerprint(2)];
    let standings = fixture.store.standings(query, &asked).unwrap();
    let found: Vec<_> = standings
        .iter()
        .map(|one| (one.incident.map(IncidentId::number), one.leaked, one.disposition.is_some()))
        .collect();
    let want = [
        (None, false, false),
        (Some(3), false, true),
        (Some(1), true, false),
        (Some(2), false, false),
    ];
    assert_eq!(found, want);
}
