//! The quarantine: the same ids, kinds and bytes as git finds, and every damage named.

use std::fs;
use std::path::PathBuf;

use crate::push::fixture::{Collected, Fixture, Received, Unpacked, run};
use crate::push::{Limits, Push};
use crate::wire::UnscannedReason;

/// Text of `lines` lines that deflates badly enough to be worth a delta.
fn text(lines: usize, salt: usize) -> String {
    let line = |n| format!("line {n} {:x}\n", (n * 7919 + salt) * 104_729);
    (0..lines).map(line).collect::<Vec<_>>().concat()
}

/// A history whose versions of two files differ by a line each.
fn history(fixture: &Fixture, versions: usize) {
    let large = text(3000, 1);
    let mut lines: Vec<String> = large.lines().map(|line| format!("{line}\n")).collect();
    for version in 0..versions {
        lines[version * 20] = format!("version {version}\n");
        fixture.write("large.txt", lines.concat());
        fixture.write("dir/small.txt", text(20, version));
        fixture.commit(&format!("version {version}"));
    }
    fixture.git(&["tag", "-a", "-m", "a tag", "v1"]);
}

fn receive(fixture: &Fixture, unpacked: Unpacked) -> Received {
    fixture.receive(&[("refs/heads/main", "HEAD"), ("refs/tags/v1", "v1")], unpacked)
}

#[track_caller]
fn check(received: &Received, limits: &Limits) {
    let want = received.listed_by_git();
    assert!(!want.is_empty());
    let got = received.stream(limits).sorted();
    assert_eq!(got.len(), want.len());
    assert!(got == want, "ids, kinds or bytes differ");
}

/// Every object of the quarantine is either streamed as git has it, or reported.
#[track_caller]
fn accounted(received: &Received, limits: &Limits) -> Vec<UnscannedReason> {
    let want = received.listed_by_git();
    let collected = received.stream(limits);
    for object in &collected.objects {
        assert!(want.contains(object), "{} differs", object.0);
    }
    let ids = collected.ids();
    let reported = |id| collected.unscanned.iter().any(|(object, _)| *object == Some(id));
    let is_cut = collected.unscanned.iter().any(|(object, _)| object.is_none());
    for (id, _, _) in want {
        assert!(is_cut || ids.contains(&id) || reported(id), "{id} is missing in silence");
    }
    collected.unscanned.into_iter().map(|(_, reason)| reason).collect()
}

#[test]
fn loose_objects_stream_as_git_has_them() {
    let fixture = Fixture::new();
    history(&fixture, 3);
    fixture.write("empty", "");
    fixture.write("huge.bin", vec![7; 1_000_000]);
    fixture.commit("sizes");
    check(&receive(&fixture, Unpacked::Loose), &Limits::default());
}

#[test]
fn packed_objects_stream_as_git_has_them() {
    let fixture = Fixture::new();
    history(&fixture, 40);
    check(&receive(&fixture, Unpacked::Pack), &Limits::default());
}

#[test]
fn sha256_repositories_too() {
    let fixture = Fixture::with_format("sha256");
    history(&fixture, 5);
    check(&receive(&fixture, Unpacked::Pack), &Limits::default());
    check(&receive(&fixture, Unpacked::Loose), &Limits::default());
}

/// Packs the client's history with deltas as deep as git makes them.
fn deep(fixture: &Fixture, more: &[&str]) -> Received {
    let mut arguments =
        vec!["pack-objects", "-q", "--revs", "--stdout", "--depth=4095", "--window=10"];
    arguments.extend(more);
    let pack = run(&fixture.client(), &arguments, b"HEAD\n");
    fixture.receive_pack(&[("refs/heads/main", fixture.id("HEAD"))], &pack, Unpacked::Pack)
}

#[test]
fn deep_deltas_resolve_with_either_kind_of_base() {
    let fixture = Fixture::new();
    history(&fixture, 120);
    for more in [&["--delta-base-offset"][..], &[]] {
        check(&deep(&fixture, more), &Limits::default());
    }
}

#[test]
fn bases_spill_when_memory_is_short() {
    let fixture = Fixture::new();
    history(&fixture, 60);
    let received = deep(&fixture, &["--delta-base-offset"]);
    let tight = Limits { memory_bytes_max: 100_000, ..Limits::default() };
    check(&received, &tight);
    check(&received, &Limits { memory_bytes_max: 0, ..Limits::default() });
}

#[test]
fn limits_are_named_and_nothing_is_silent() {
    let fixture = Fixture::new();
    history(&fixture, 60);
    let received = deep(&fixture, &["--delta-base-offset"]);
    let scratch = Limits { memory_bytes_max: 0, scratch_bytes_max: 500, ..Limits::default() };
    assert!(accounted(&received, &scratch).contains(&UnscannedReason::Scratch));
    let depth = Limits { delta_depth_max: 3, ..Limits::default() };
    assert!(accounted(&received, &depth).contains(&UnscannedReason::DeltaDepth));
    let count = Limits { objects_max: 10, ..Limits::default() };
    assert_eq!(accounted(&received, &count).last(), Some(&UnscannedReason::ObjectCount));
    let bytes = Limits { inflated_bytes_max: 200_000, ..Limits::default() };
    assert_eq!(accounted(&received, &bytes).last(), Some(&UnscannedReason::InflatedBytes));
    let loose = receive(&fixture, Unpacked::Loose);
    assert_eq!(accounted(&loose, &count).last(), Some(&UnscannedReason::ObjectCount));
    assert_eq!(accounted(&loose, &bytes).last(), Some(&UnscannedReason::InflatedBytes));
}

#[test]
fn what_no_ref_reaches_streams_too() {
    let fixture = Fixture::new();
    history(&fixture, 1);
    let smuggled = fixture.git_with(&["hash-object", "-w", "--stdin"], b"not in any tree");
    let list = fixture.git(&["rev-parse", "HEAD"]) + "\n" + &smuggled + "\n";
    let pack = run(&fixture.client(), &["pack-objects", "-q", "--stdout"], list.as_bytes());
    let received =
        fixture.receive_pack(&[("refs/heads/main", fixture.id("HEAD"))], &pack, Unpacked::Pack);
    let found = received.stream(&Limits::default());
    assert!(found.objects.iter().any(|(_, _, bytes)| bytes == b"not in any tree"));
}

#[test]
fn thin_bases_stream_with_the_rest() {
    let fixture = Fixture::new();
    history(&fixture, 3);
    fixture.land("HEAD:refs/heads/main");
    let base = fixture.id("HEAD:large.txt");
    let old = fs::read_to_string(fixture.client().join("large.txt")).expect("text");
    fixture.write("large.txt", old + "one more line\n");
    fixture.commit("a line");
    let received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Pack);
    check(&received, &Limits::default());
    assert!(received.stream(&Limits::default()).ids().contains(&base));
}

#[test]
fn a_push_without_objects_streams_nothing() {
    let fixture = Fixture::new();
    history(&fixture, 1);
    fixture.land("HEAD:refs/heads/main");
    let mut received = fixture.receive(&[("refs/heads/copy", "HEAD")], Unpacked::Loose);
    assert_eq!(received.stream(&Limits::default()).sorted(), []);
    received.repository.quarantine = Some(PathBuf::from("/nonexistent"));
    assert_eq!(received.stream(&Limits::default()).sorted(), []);
    received.repository.quarantine = None;
    assert_eq!(received.stream(&Limits::default()).sorted(), []);
}

#[test]
fn a_push_streams_twice_the_same() {
    let fixture = Fixture::new();
    history(&fixture, 4);
    let received = receive(&fixture, Unpacked::Pack);
    let mut push = Push::new(&received.repository, &received.updates, Limits::default());
    let [first, second] = [(), ()].map(|()| {
        let mut stream = Collected::default();
        push.stream(&mut stream).expect("collecting cannot fail");
        stream.sorted()
    });
    assert!(first == second);
}

/// Returns the one file with this extension in the quarantine's pack folder.
fn pack_file(received: &Received, extension: &str) -> PathBuf {
    let entries = fs::read_dir(received.quarantine().join("pack")).expect("a directory");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    paths.find(|path| path.extension().is_some_and(|end| end == extension)).expect("a pack")
}

fn make_writable(path: &PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("own file");
}

#[test]
fn damage_anywhere_in_a_pack_is_named() {
    let fixture = Fixture::new();
    for version in 0..4 {
        fixture.write("file", text(30, 0) + &text(3, version));
        fixture.commit("a version");
    }
    let received = deep(&fixture, &[]);
    let want = received.listed_by_git();
    let path = pack_file(&received, "pack");
    make_writable(&path);
    let whole = fs::read(&path).expect("a pack");
    for at in (12..whole.len() - 20).step_by(5) {
        for bit in [0x80, 0x11] {
            let mut damaged = whole.clone();
            damaged[at] ^= bit;
            fs::write(&path, &damaged).expect("written");
            let collected = received.stream(&Limits::default());
            let seen = collected.ids();
            for (id, _, _) in &want {
                let reported = |(object, _): &(Option<_>, _)| object.is_none_or(|it| it == *id);
                let is_reported = collected.unscanned.iter().any(reported);
                assert!(seen.contains(id) || is_reported, "byte {at}: {id} is missing in silence");
            }
        }
    }
}

#[test]
fn packs_that_are_cut_or_have_no_index_are_named() {
    let fixture = Fixture::new();
    history(&fixture, 4);
    let received = deep(&fixture, &[]);
    let (pack, index) = (pack_file(&received, "pack"), pack_file(&received, "idx"));
    make_writable(&pack);
    let whole = fs::read(&pack).expect("a pack");
    for length in [0, 11, 12, 40, whole.len() / 2, whole.len() - 21] {
        fs::write(&pack, &whole[..length]).expect("written");
        assert!(!received.stream(&Limits::default()).unscanned.is_empty(), "{length} bytes");
    }
    fs::write(&pack, &whole).expect("written");
    fs::remove_file(index).expect("removed");
    let damage = received.stream(&Limits::default()).unscanned;
    assert!(damage.contains(&(None, UnscannedReason::Unreadable)));
}

#[test]
fn loose_objects_that_lie_about_their_size_are_named() {
    let fixture = Fixture::new();
    history(&fixture, 1);
    let received = receive(&fixture, Unpacked::Loose);
    let id = fixture.id("HEAD:dir/small.txt");
    let path = crate::push::loose::path_of(received.quarantine(), id);
    make_writable(&path);
    for content in
        [&b"blob 5\0four"[..], b"blob 3\0four", b"blob 99999999999\0x", b"blub 1\0x", b""]
    {
        fs::write(&path, crate::push::inflate::tests::deflated(content)).expect("written");
        let unscanned = received.stream(&Limits::default()).unscanned;
        assert!(unscanned.contains(&(Some(id), UnscannedReason::Unreadable)), "{content:?}");
    }
    fs::write(&path, b"garbage").expect("written");
    let unscanned = received.stream(&Limits::default()).unscanned;
    assert!(unscanned.contains(&(Some(id), UnscannedReason::Unreadable)));
}
