//! The audit chain in its table.

use super::*;
use crate::incident::{AuditEvent, ChainBreak};

fn tampered(sql: &str) -> StoreError {
    let fixture = Fixture::new();
    for number in 1..=3 {
        fixture.push(&push(number, number));
    }
    fixture.store.verify_audit().unwrap();
    let raw = fixture.raw();
    raw.execute_batch(
        "DROP TRIGGER audit_keeps_what_it_holds; DROP TRIGGER audit_forgets_nothing;",
    )
    .unwrap();
    raw.execute_batch(sql).unwrap();
    fixture.store.verify_audit().unwrap_err()
}

#[test]
fn tampering_is_found_and_the_first_entry_named() {
    #[track_caller]
    fn check(sql: &str, seq: u64, want: &str) {
        let StoreError::Chain(found) = tampered(sql) else {
            panic!("no chain break");
        };
        assert_eq!((found.seq(), found.to_string().as_str()), (seq, want), "{sql}");
    }
    let edited = "audit entry 4 was changed after it was written";
    check("UPDATE audit SET actor = 'admin:nobody' WHERE seq = 4", 4, edited);
    check("UPDATE audit SET detail = detail || ' ' WHERE seq = 4", 4, edited);
    check("UPDATE audit SET at = at + 1 WHERE seq = 4", 4, edited);
    check("UPDATE audit SET hash = zeroblob(32) WHERE seq = 4", 4, edited);
    check(
        "DELETE FROM audit WHERE seq = 4",
        4,
        "audit entry 4 is missing; the next one that stands is 5",
    );
    check(
        "DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = seq - 1 WHERE seq > 4",
        4,
        "audit entry 4 does not follow from the one before it",
    );
    check(
        "DELETE FROM audit WHERE seq > 7",
        8,
        "the audit log ends with entry 7; it should end with 9",
    );
    check(
        "UPDATE audit_head SET seq = 8",
        9,
        "the audit log ends with entry 9; it should end with 8",
    );
}

#[test]
fn the_table_itself_refuses_edits() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let raw = fixture.raw();
    for sql in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        let error = raw.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains("audit events are never"), "{error}");
    }
}

#[test]
fn an_empty_log_is_whole() {
    let fixture = Fixture::new();
    assert_eq!(fixture.store.verify_audit().unwrap().seq, 0);
}

#[test]
fn other_acts_are_appended_and_pages_read_from_the_beginning() {
    let fixture = Fixture::new();
    for number in 1..=5 {
        let detail = serde_json::json!({ "n": number });
        let event = AuditEvent::new(at(number), &admin(), "config.loaded", "rules", &detail);
        assert_eq!(fixture.store.append_audit(event).unwrap().seq, number);
    }
    let mut page = Page::first(2);
    let mut seqs = Vec::new();
    loop {
        let listing = fixture.store.audit(&page).unwrap();
        seqs.extend(listing.items.iter().map(|entry| entry.seq));
        let Some(next) = listing.next else { break };
        page.after = Some(next);
    }
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    let head = fixture.store.verify_audit().unwrap();
    assert_eq!(head.seq, 5);
}

#[test]
fn every_act_leaves_its_event() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let id = fixture.store.create_grant(&grant(1), &admin(), at(2)).unwrap().id;
    let mut through = push(3, 1);
    through.verdict = PushVerdict::Accepted;
    through.findings[0].decision.action = Action::Report;
    through.findings[0].grant = Some(id);
    fixture.push(&through);
    fixture.store.revoke_grant(id, &reason("over"), &admin(), at(4)).unwrap();
    fixture.store.close_ticket(fixture.ticket().id, &reason("done"), &admin(), at(5)).unwrap();
    let log = fixture.store.audit(&Page::default()).unwrap().items;
    let lines: Vec<_> = log
        .iter()
        .map(|entry| {
            let event = &entry.event;
            format!("{} {} {} {}", entry.seq, event.actor, event.action, event.subject)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    1 daemon push.refused 01010101010101010101010101010101
    2 daemon incident.opened INC-1
    3 daemon ticket.opened TKT-1
    4 admin:root grant.created GRT-1
    5 daemon push.accepted 03030303030303030303030303030303
    6 pusher:alice grant.used GRT-1
    7 daemon incident.extended INC-1
    8 admin:root grant.revoked GRT-1
    9 admin:root ticket.closed TKT-1
    ");
}

#[test]
fn a_chain_break_is_data() {
    let StoreError::Chain(found) = tampered("DELETE FROM audit WHERE seq = 9") else {
        panic!("no chain break");
    };
    assert_eq!(found, ChainBreak::Truncated { want: 9, found: 8 });
}
