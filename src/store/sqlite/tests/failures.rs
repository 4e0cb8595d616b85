//! What goes wrong underneath arrives as what callers decide on, and leaves nothing half done.

use super::*;
use std::io::{Seek, SeekFrom, Write};

/// Sets a pragma on the store's own writer, where a file system would refuse.
fn on_writer(fixture: &Fixture, pragma: &str, value: i64) {
    let writer = fixture.store.writer.take(Duration::from_secs(1)).unwrap();
    writer.pragma_update(None, pragma, value).unwrap();
}

#[test]
fn a_full_disk_refuses_the_push_whole_and_is_forgotten_when_there_is_room() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    let rows = fixture.rows();
    on_writer(&fixture, "max_page_count", 1); // cut down to what there is
    let mut record = push(2, 2);
    record.findings[0].occurrences = (1..=100).map(occurrence).collect();
    record.findings[0].ticket.body = "x".repeat(64 << 10);
    let error = fixture.store.record_push(&record).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!(fixture.rows(), rows);
    on_writer(&fixture, "max_page_count", 1 << 20);
    fixture.push(&record);
    fixture.store.verify_audit().unwrap();
}

#[test]
fn a_store_that_cannot_be_written_says_so_and_can_still_be_read() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    on_writer(&fixture, "query_only", 1);
    let error = fixture.store.record_push(&push(2, 2)).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    let error = fixture.store.health(at(2)).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert_eq!(fixture.incident(1).state, "open");
    on_writer(&fixture, "query_only", 0);
    fixture.store.health(at(3)).unwrap();
}

#[test]
fn a_lock_that_another_program_keeps_is_busy_not_an_endless_wait() {
    let fixture = Fixture::new();
    {
        let writer = fixture.store.writer.take(Duration::from_secs(1)).unwrap();
        writer.busy_timeout(Duration::from_millis(1)).unwrap();
    }
    let raw = fixture.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = fixture.store.record_push(&push(1, 1)).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    // Readers do not wait for a writer.
    fixture.store.incidents(&IncidentFilter::default(), &Page::default()).unwrap();
    raw.execute_batch("ROLLBACK").unwrap();
    fixture.push(&push(1, 1));
}

#[test]
fn a_file_that_is_no_database_is_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    std::fs::write(&path, "not a database, though as long as one ".repeat(50)).unwrap();
    let error = open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn damaged_pages_are_corrupt_not_an_answer() {
    let fixture = Fixture::new();
    for number in 1..=20 {
        fixture.push(&push(number, number));
    }
    let path = fixture.path();
    let Fixture { directory, store } = fixture;
    drop(store); // the WAL is folded into the file
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(4_096)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(length).unwrap() - 4_096]).unwrap();
    drop(file);
    let error = match open(&path) {
        Ok(store) => store.record_push(&push(21, 1)).unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    drop(directory);
}

#[test]
fn a_column_with_a_foreign_value_is_corrupt() {
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    fixture.raw().execute_batch("UPDATE incident SET rule = 'NOT A RULE'").unwrap();
    let error = fixture.store.incident(incident(1)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn a_place_where_nothing_can_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = open(&directory.path().join("missing/state.db")).err().unwrap();
    assert!(matches!(error, StoreError::Backend { .. }), "{error}");
    // /proc takes no files, from root neither.
    let error = open(Path::new("/proc/self/fdinfo/state.db")).err().unwrap();
    assert!(!matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn the_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    fixture.push(&push(1, 1));
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let file = fixture.directory.path().join(name);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn threads_share_the_store() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            scope.spawn(move || {
                for number in 0..5_u8 {
                    // All threads push the same five secrets.
                    let mut record = push(number, number);
                    record.id = push_id(thread * 16 + number);
                    store.record_push(&record).unwrap();
                    store.incidents(&IncidentFilter::default(), &Page::default()).unwrap();
                }
            });
        }
    });
    let incidents = store.incidents(&IncidentFilter::default(), &Page::default()).unwrap();
    assert_eq!(incidents.items.len(), 5);
    assert!(incidents.items.iter().all(|incident| incident.pushes_total == 8));
    assert!(incidents.items.iter().all(|incident| incident.tickets.len() == 1));
    store.verify_audit().unwrap();
}
