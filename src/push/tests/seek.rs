//! Objects sought in packs, held against git's own reading.

use std::path::PathBuf;

use crate::push::fixture::{Fixture, run};
use crate::push::id;
use crate::push::inflate::Zlib;
use crate::push::seek::Packs;
use crate::wire::{HashKind, ObjectKind, Oid};

const BYTES_MAX: usize = 1 << 20;

/// A server whose packs hold deltas of every kind of object that git deltifies.
fn packed(format: &str, arguments: &[&str]) -> Fixture {
    let fixture = Fixture::with_format(format);
    for version in 0..8 {
        for file in 0..5 {
            let lines = (0..200).map(|line| format!("line {line} of {file}\n"));
            let mut text: String = lines.collect();
            text.insert_str(version * 5, &format!("version {version}\n"));
            fixture.write(&format!("folder/{file}/file"), text);
        }
        fixture.commit(&format!("version {version}"));
    }
    fixture.git(&["tag", "-a", "-m", "a tag", "v1"]);
    fixture.land("HEAD:refs/heads/main");
    fixture.land("v1:refs/tags/v1");
    run(&fixture.server(), &[arguments, &["-adfq"]].concat(), b"");
    fixture
}

fn objects(fixture: &Fixture) -> Vec<(Oid, ObjectKind, u64)> {
    let listing = ["cat-file", "--batch-all-objects", "--batch-check"];
    let text = String::from_utf8(run(&fixture.server(), &listing, b"")).expect("text");
    let object = |line: &str| {
        let mut words = line.split(' ');
        let id = Oid::from_hex(words.next()?.as_bytes())?;
        let kind = words.next()?;
        let kind = *ObjectKind::ALL.iter().find(|known| known.as_str() == kind)?;
        Some((id, kind, words.next()?.parse().ok()?))
    };
    text.lines().map(|line| object(line).expect("an object")).collect()
}

#[track_caller]
fn check(fixture: &Fixture, hash: HashKind) {
    let mut packs = Packs::list(&fixture.server().join("objects"), hash);
    let (mut zlib, mut content) = (Zlib::new(), Vec::new());
    let objects = objects(fixture);
    assert!(objects.len() > 50, "{} objects", objects.len());
    for (object, kind, size) in objects {
        let found = packs.read(object, BYTES_MAX, &mut zlib, &mut content);
        assert_eq!((found, content.len() as u64), (Some(kind), size), "{object}");
        let digest = gix::objs::compute_hash(id::hash_to_gix(hash), kind_of(kind), &content);
        assert_eq!(digest.expect("no collision"), id::to_gix(object));
    }
}

fn kind_of(kind: ObjectKind) -> gix::objs::Kind {
    gix::objs::Kind::from_bytes(kind.as_str().as_bytes()).expect("git's name")
}

#[test]
fn every_object_reads_as_git_wrote_it() {
    check(&packed("sha1", &["repack", "--depth=50"]), HashKind::Sha1);
    check(&packed("sha256", &["repack"]), HashKind::Sha256);
    check(&packed("sha1", &["-c", "repack.useDeltaBaseOffset=false", "repack"]), HashKind::Sha1);
    let fixture = packed("sha1", &["repack"]);
    let directory = fixture.server().join("objects/pack");
    let entries = std::fs::read_dir(&directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_pack = |path: &PathBuf| path.extension().is_some_and(|end| end == "pack");
    let pack = paths.into_iter().find(is_pack).expect("a pack");
    let pack = pack.to_str().expect("plain");
    // All offsets but the first go by way of the table of long ones, which else is for packs over 2 GiB.
    run(&directory, &["index-pack", "--index-version=2,20", pack], b"");
    check(&fixture, HashKind::Sha1);
}

#[test]
fn what_is_not_there_or_not_readable_is_left_to_others() {
    let fixture = packed("sha1", &["repack"]);
    let objects = fixture.server().join("objects");
    let tip = fixture.id("HEAD");
    let read = |id: Oid, bytes_max: usize| {
        let mut packs = Packs::list(&objects, HashKind::Sha1);
        packs.read(id, bytes_max, &mut Zlib::new(), &mut Vec::new())
    };
    assert_eq!(read(tip, BYTES_MAX), Some(ObjectKind::Commit));
    assert_eq!(read(tip, 10), None);
    for byte in [0, 1, 0x7f, 0xff] {
        assert_eq!(read(Oid::from_bytes(&[byte; 20]).expect("20 bytes"), BYTES_MAX), None);
    }
    let entries = std::fs::read_dir(objects.join("pack")).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    for path in paths.filter(|path| path.extension().is_some_and(|end| end == "idx")) {
        let whole = std::fs::read(&path).expect("an index");
        std::fs::remove_file(&path).expect("own file");
        for length in [0, 7, 1031, 1032, whole.len() / 2] {
            std::fs::write(&path, &whole[..length]).expect("own file");
            assert_eq!(read(tip, BYTES_MAX), None, "{length} bytes");
        }
        // Offsets that lead anywhere, and a fan-out that goes up and down.
        for from in [8, 1032, 1032 + whole.len() / 2] {
            let mut garbage = whole.clone();
            garbage[from..].iter_mut().for_each(|byte| *byte ^= 0x5a);
            std::fs::write(&path, garbage).expect("own file");
            assert_eq!(read(tip, BYTES_MAX), None, "garbage from {from} on");
        }
    }
}
