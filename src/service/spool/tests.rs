use std::os::unix::fs::symlink;

use super::*;

/// A claim with nothing in it.
const EMPTY: &str = r#"{
    "id": "00112233445566778899aabbccddeeff", "at": "2026-11-22T12:00:00Z",
    "repository": "/srv/git/a.git", "repository_name": null, "server": "git",
    "pusher": [null, "none", "none"], "is_refused": true, "reason": "a finding",
    "objects": 3, "bytes": 100, "duration_ms": 5, "findings": [], "unscanned": []
}"#;

fn key(byte: u8) -> Secret<[u8; 32]> {
    Secret::new([byte; 32])
}

/// Leaves `clear` in a spool, sealed to `to`, and opens it with key 1.
fn opened(clear: &[u8], to: u8) -> Result<Claim, SpoolError> {
    let directory = tempfile::tempdir().unwrap();
    let sealed = SecretKey::from([to; 32]).public_key().seal(&mut OsRng, clear).unwrap();
    write_durably(directory.path(), "a.claim", &sealed).unwrap();
    Claim::open(&directory.path().join("a.claim"), &key(1))
}

#[test]
fn a_claim_opens_with_the_key_that_it_is_sealed_to_and_no_other() {
    let claim = opened(EMPTY.as_bytes(), 1).unwrap();
    assert_eq!((claim.objects, claim.is_refused), (3, true));
    assert!(matches!(opened(EMPTY.as_bytes(), 2), Err(SpoolError::Sealed(_))));
    assert!(matches!(opened(b"", 1), Err(SpoolError::Garbage { .. })));
    let no_object = EMPTY.replace("\"objects\": 3,", "");
    assert!(matches!(opened(no_object.as_bytes(), 1), Err(SpoolError::Garbage { .. })));
}

#[test]
fn what_is_no_claim_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.claim");
    let open = || Claim::open(&path, &key(1)).map(drop);
    assert!(matches!(open(), Err(SpoolError::File { attempted: "read", .. })));

    fs::write(&path, b"not sealed").unwrap();
    assert!(matches!(open(), Err(SpoolError::Sealed(_))));

    File::create(&path).unwrap().set_len(CLAIM_BYTES_MAX + 1).unwrap();
    assert!(matches!(open(), Err(SpoolError::TooLong(_))));

    fs::remove_file(&path).unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, b"of somebody else").unwrap();
    symlink(&secret, &path).unwrap();
    assert!(matches!(open(), Err(SpoolError::File { .. })), "a link is not followed");

    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    assert!(matches!(open(), Err(SpoolError::File { .. })), "a pipe is not waited for");
}

#[test]
fn an_entry_appears_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    write_durably(path, "a.claim", b"first").unwrap();
    let names = || fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(names(), ["a.claim"]);
    fs::create_dir(path.join("b.claim")).unwrap();
    assert!(write_durably(path, "b.claim", b"second").is_err());
    assert_eq!(names().len(), 2, "nothing unfinished is left");
    assert!(write_durably(&path.join("missing"), "c.claim", b"third").is_err());
}
