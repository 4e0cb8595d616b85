//! The schema: its golden copy, and the way from an old one to the newest.

use super::*;
use crate::store::sqlite::migrate::{STEPS, migrate};

#[test]
fn the_schema_is_as_reviewed() {
    let fixture = Fixture::new();
    let raw = fixture.raw();
    let mut statement = raw
        .prepare(
            "SELECT m.name || ': ' || group_concat(
                 c.name || ' ' || c.type || iif(c.\"notnull\", '', '?') || iif(c.pk, '*', ''), ', ')
             FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
             GROUP BY m.name ORDER BY m.name",
        )
        .unwrap();
    let tables = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let tables: Vec<_> = tables.collect::<Result<_, _>>().unwrap();
    insta::assert_snapshot!(tables.join("\n"), @"
    audit: seq INTEGER?*, at INTEGER, actor TEXT, action TEXT, subject TEXT, detail TEXT, prev_hash BLOB, hash BLOB
    audit_head: only INTEGER?*, seq INTEGER, hash BLOB
    grant: id INTEGER?*, incident INTEGER, repository TEXT, pusher TEXT?, uses INTEGER, used INTEGER, expires_at INTEGER, reason TEXT, created_by TEXT, created_at INTEGER, revoked_by TEXT?, revoked_at INTEGER?
    incident: id INTEGER?*, fingerprint BLOB, tag INTEGER, secret_bytes INTEGER, rule TEXT, confidence TEXT, severity TEXT, preview TEXT, facts TEXT, known_as TEXT?, owner TEXT, owner_source TEXT, owner_confidence TEXT, owner_chain TEXT, state TEXT, state_at INTEGER, disposition TEXT?, disposed_by TEXT?, disposed_reason TEXT?, exposure TEXT, leaked INTEGER, last_action TEXT, last_reason TEXT, occurrences_total INTEGER, occurrences_kept INTEGER, pushes_total INTEGER, first_seen INTEGER, last_seen INTEGER
    incident_push: incident INTEGER*, push INTEGER*, action TEXT, reason TEXT, occurrences INTEGER, grant_id INTEGER?
    known_epoch: only INTEGER?*, epoch BLOB
    known_secret: id INTEGER?*, name TEXT, identity TEXT?, owner TEXT?, key_id TEXT?, fingerprint BLOB, tag INTEGER, secret_bytes INTEGER, added_by TEXT, added_at INTEGER
    occurrence: id INTEGER?*, incident INTEGER, push INTEGER, container TEXT, object TEXT, commit_id TEXT?, subject TEXT?, path TEXT?, start INTEGER, stop INTEGER, line INTEGER, column INTEGER, end_line INTEGER, age TEXT, layers TEXT
    outbox: id INTEGER?*, kind TEXT, stream TEXT, dedupe_key TEXT, payload TEXT, state TEXT, attempts INTEGER, not_before INTEGER, lease_until INTEGER?, last_error TEXT?
    probe: only INTEGER?*, at INTEGER
    push: seq INTEGER?*, id TEXT, origin TEXT, spool_nonce TEXT?, at INTEGER, repository TEXT, repository_name TEXT?, server TEXT, pusher_name TEXT?, pusher_source TEXT, pusher_trust TEXT, verdict TEXT, reason TEXT, objects INTEGER, bytes INTEGER, duration_ms INTEGER, findings INTEGER, unscanned INTEGER
    ticket: id INTEGER?*, incident INTEGER, state TEXT, title TEXT, body TEXT, opened_at INTEGER, updated_at INTEGER, events INTEGER, comments_unwritten INTEGER
    ticket_event: ticket INTEGER*, number INTEGER*, kind TEXT, at INTEGER, by TEXT, text TEXT
    ticket_link: ticket INTEGER*, sink TEXT*, external TEXT
    unscanned: id INTEGER?*, push INTEGER, object TEXT?, reason TEXT, detail TEXT, state TEXT, settled_by TEXT?, settled_at INTEGER?, settled_reason TEXT?
    ");
}

#[test]
fn indexes_and_triggers_are_as_reviewed() {
    let fixture = Fixture::new();
    let raw = fixture.raw();
    let mut statement = raw
        .prepare(
            "SELECT type || ' ' || name FROM sqlite_schema
             WHERE type <> 'table' AND sql IS NOT NULL ORDER BY type, name",
        )
        .unwrap();
    let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let names: Vec<_> = names.collect::<Result<_, _>>().unwrap();
    insta::assert_snapshot!(names.join("\n"), @"
    index grant_incident
    index incident_owner
    index incident_push_push
    index incident_tag
    index occurrence_object
    index occurrence_place
    index outbox_due
    index outbox_stream
    index push_repository
    index unscanned_push
    trigger audit_forgets_nothing
    trigger audit_keeps_what_it_holds
    trigger incident_is_leaked
    trigger incident_leaks_or_is_dismissed
    trigger known_secret_is_added
    trigger known_secret_is_changed
    trigger known_secret_is_removed
    ");
}

#[test]
fn every_table_is_strict() {
    let fixture = Fixture::new();
    let loose: i64 = fixture
        .raw()
        .query_row(
            "SELECT count(*) FROM pragma_table_list
             WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND NOT strict",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(loose, 0);
}

#[test]
fn an_old_database_with_data_gets_the_newest_schema_and_keeps_its_data() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let incident_before = fixture.incident(1);
    let mut raw = fixture.raw();
    let next = "ALTER TABLE incident ADD COLUMN seen_by TEXT;
                UPDATE incident SET seen_by = owner;";
    let steps: Vec<_> = STEPS.iter().copied().chain([next]).collect();
    migrate(&mut raw, &steps).unwrap();
    let seen: String = raw.query_row("SELECT seen_by FROM incident", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, "payments");
    assert_eq!(fixture.incident(1), incident_before);
    migrate(&mut raw, &steps).unwrap();
}

#[test]
fn a_step_that_fails_leaves_the_old_schema_and_its_data() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let mut raw = fixture.raw();
    let half = "ALTER TABLE incident ADD COLUMN seen_by TEXT; UPDATE nothing SET x = 1;";
    let steps: Vec<_> = STEPS.iter().copied().chain([half]).collect();
    migrate(&mut raw, &steps).unwrap_err();
    let version: usize = raw
        .pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(version, STEPS.len());
    assert!(raw.prepare("SELECT seen_by FROM incident").is_err());
    drop(raw);
    assert_eq!(fixture.incident(1).state, "open");
}

#[test]
fn a_newer_database_is_left_alone() {
    let fixture = Fixture::new();
    fixture.raw().pragma_update(None, "user_version", 99).unwrap();
    let error = open(&fixture.path()).err().unwrap();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE album (title TEXT)").unwrap();
    let error = open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    let tables: i64 =
        other.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
    let mode: String = other.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete");
}

#[test]
fn opening_again_finds_everything() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let again = open(&fixture.path()).unwrap();
    assert_eq!(again.incident(incident(1)).unwrap(), fixture.incident(1));
}
