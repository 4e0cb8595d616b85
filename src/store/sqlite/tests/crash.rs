//! A push is on record whole or not at all.

use super::*;
use crate::store::UnscannedItem;

/// A push that touches every table: a granted secret, a refused one, an unscanned item.
fn wide(fixture: &Fixture) -> PushRecord {
    fixture.push(&push(1, 1));
    let id = fixture.store.create_grant(&grant(1), &admin(), at(2)).unwrap().id;
    let mut record = push(3, 1);
    record.verdict = PushVerdict::Accepted;
    record.findings[0].decision.action = Action::Report;
    record.findings[0].grant = Some(id);
    record.findings[0].occurrences = vec![occurrence(8)];
    record.findings[0].owner = owner("identity owner", OwnerSource::Identity);
    record.findings.push(finding(2, Action::Refuse));
    record.unscanned.push(UnscannedItem {
        object: None,
        old: None,
        reason: "inventory".to_owned(),
        detail: String::new(),
        again: true,
    });
    record
}

/// Fails the n-th row that is written to `table`, for every n until the push succeeds.
#[track_caller]
fn check(operation: &str, table: &str) {
    let fixture = Fixture::new();
    let record = wide(&fixture);
    let raw = fixture.raw();
    let before = fixture.rows();
    let incident = fixture.incident(1);
    let mut failures = 0;
    loop {
        raw.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS countdown (left INTEGER);
             DELETE FROM countdown; INSERT INTO countdown VALUES ({failures});
             DROP TRIGGER IF EXISTS fail;
             CREATE TRIGGER fail BEFORE {operation} ON \"{table}\"
             BEGIN
                 SELECT RAISE(ABORT, 'pulled') FROM countdown WHERE left = 0;
                 UPDATE countdown SET left = left - 1;
             END;"
        ))
        .unwrap();
        let Err(error) = fixture.store.record_push(&record) else {
            break;
        };
        assert!(matches!(error, StoreError::Impossible { .. }), "{error}");
        failures += 1;
        let mut rows = fixture.rows();
        rows.remove("countdown");
        assert_eq!(rows, before, "{operation} {table}, failure {failures}");
        assert_eq!(fixture.incident(1), incident, "{operation} {table}, failure {failures}");
        fixture.store.verify_audit().unwrap();
    }
    assert!(failures > 0, "the push never came to {operation} {table}");
    assert_eq!(fixture.rows()["push"], before["push"] + 1);
    fixture.store.verify_audit().unwrap();
}

#[test]
fn a_failure_at_any_statement_takes_the_whole_push_back() {
    let inserted = [
        "push",
        "incident",
        "incident_push",
        "occurrence",
        "ticket",
        "ticket_event",
        "outbox",
        "unscanned",
        "audit",
    ];
    for table in inserted {
        check("INSERT", table);
    }
    for table in ["incident", "ticket", "grant", "audit_head"] {
        check("UPDATE", table);
    }
}

#[test]
fn a_panic_in_the_middle_takes_the_whole_transaction_back() {
    let fixture = Fixture::new();
    let rows = fixture.rows();
    let work = std::panic::AssertUnwindSafe(|| {
        fixture.store.write("panic", |tx| {
            super::super::record::record(tx, &[], &push(1, 1))?;
            panic!("in the middle");
            #[expect(unreachable_code, reason = "gives the closure its type")]
            Ok(())
        })
    });
    assert!(std::panic::catch_unwind(work).is_err());
    assert_eq!(fixture.rows(), rows);
    fixture.push(&push(1, 1));
}

#[test]
fn what_was_recorded_is_there_when_the_process_died_without_closing() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    // A copy of the files as a power cut would leave them: the WAL is not folded in.
    let other = tempfile::tempdir().unwrap();
    for name in ["state.db", "state.db-wal"] {
        std::fs::copy(fixture.directory.path().join(name), other.path().join(name)).unwrap();
    }
    let revived = open(&other.path().join("state.db")).unwrap();
    assert_eq!(revived.incident(incident(1)).unwrap(), fixture.incident(1));
    revived.verify_audit().unwrap();
}
