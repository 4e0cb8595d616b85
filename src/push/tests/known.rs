//! What is known to be clean is not sent; everything else is, and is whole.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::push::Limits;
use crate::push::fixture::{Collected, Fixture, Received, Unpacked, run};
use crate::wire::{ObjectKind, Oid};

/// Limits under which everything is offered.
fn eager() -> Limits {
    Limits { offer_objects_min: 1, offer_outside_min: 1, ..Limits::default() }
}

/// A history of many deltas, pushed into an empty repository or upon its first version.
fn received(fixture: &Fixture, upon_first: bool) -> Received {
    let mut lines: Vec<String> = (0..400).map(|n| format!("line {n} {:x}\n", n * 7919)).collect();
    for version in 0..8 {
        lines[version * 40] = format!("version {version}\n");
        fixture.write("dir/file", lines.concat());
        fixture.write(&format!("dir/{version}"), format!("new in {version}"));
        fixture.commit("a version");
        if upon_first && version == 0 {
            fixture.land("HEAD:refs/heads/main");
        }
    }
    fixture.git(&["tag", "-a", "-m", "a tag", "v1"]);
    fixture.receive(&[("refs/heads/main", "HEAD"), ("refs/tags/v1", "v1")], Unpacked::Pack)
}

/// Whatever is known, the rest streams as git has it; commits and tags always do.
#[track_caller]
fn check(upon_first: bool, may_be_left_out: &[ObjectKind]) {
    let fixture = Fixture::new();
    let received = received(&fixture, upon_first);
    let all = received.listed_by_git();
    let subset = proptest::collection::vec(any::<bool>(), all.len());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(64));
    let outcome = runner.run(&subset, |is_known| {
        let known: HashSet<Oid> = all
            .iter()
            .zip(is_known)
            .filter(|(_, is_known)| *is_known)
            .map(|((id, _, _), _)| *id)
            .collect();
        let collected = Collected::knowing(known.clone());
        let streamed = received.stream_to(&eager(), collected).sorted();
        let left_out = |(id, kind, _): &&(Oid, ObjectKind, Vec<u8>)| {
            known.contains(id) && may_be_left_out.contains(kind)
        };
        let want: Vec<_> = all.iter().filter(|object| !left_out(object)).cloned().collect();
        prop_assert!(streamed == want, "{} of {}", streamed.len(), want.len());
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_first_push_leaves_out_known_files_and_folders() {
    check(false, &[ObjectKind::Blob, ObjectKind::Tree]);
}

#[test]
fn a_push_upon_history_leaves_out_known_files() {
    check(true, &[ObjectKind::Blob]);
}

#[test]
fn a_small_push_is_not_offered() {
    let fixture = Fixture::new();
    let received = received(&fixture, false);
    assert_eq!(received.stream(&Limits::default()).offered, []);
    let by_bytes = Limits { offer_bytes_min: 1, ..Limits::default() };
    assert!(!received.stream(&by_bytes).offered.is_empty());
}

#[test]
fn loose_objects_are_not_offered() {
    let fixture = Fixture::new();
    fixture.write("file", "content");
    fixture.commit("first");
    let received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Loose);
    assert_eq!(received.stream(&eager()).offered, []);
}

#[test]
fn what_lies_below_a_known_folder_outside_the_quarantine_is_sent_unless_it_is_known_too() {
    let fixture = Fixture::new();
    fixture.write("dir/deep/file", "content");
    fixture.write("dir/other", "more");
    fixture.commit("first");
    fixture.land("HEAD:refs/heads/main");
    run(&fixture.server(), &["update-ref", "-d", "refs/heads/main"], b"");
    let received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Loose);
    let [commit, root, dir, deep, file, other] =
        ["HEAD", "HEAD:", "HEAD:dir", "HEAD:dir/deep", "HEAD:dir/deep/file", "HEAD:dir/other"]
            .map(|name| fixture.id(name));
    let check = |known: &[Oid], want: &[Oid]| {
        let collected = Collected::knowing(known.iter().copied().collect());
        // The fixture's quarantine holds all objects: none of it is there here.
        let mut received =
            Received { repository: received.repository.clone(), updates: received.updates.clone() };
        received.repository.quarantine = Some(fixture.server().join("objects/none"));
        let mut got = received.stream_to(&eager(), collected).ids();
        let mut want = want.to_vec();
        got.sort();
        want.sort();
        assert_eq!(got, want);
    };
    check(&[], &[commit, root, dir, deep, file, other]);
    check(&[root, dir], &[commit, deep, file, other]);
    check(&[commit, root, dir, deep, other], &[file]);
    check(&[commit, root, dir, deep, file, other], &[]);
}
