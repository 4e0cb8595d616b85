//! Objects that a push newly reaches without bringing them.

use crate::push::Limits;
use crate::push::fixture::{Collected, Fixture, Received, Unpacked, run};
use crate::wire::Oid;

/// What streams beyond the quarantine.
#[track_caller]
fn beyond(received: &Received) -> Vec<Oid> {
    let brought: Vec<Oid> = received.listed_by_git().iter().map(|(id, _, _)| *id).collect();
    let collected: Collected = received.stream(&Limits::default());
    assert_eq!(collected.unscanned, []);
    let mut ids = collected.ids();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "an object streamed twice");
    ids.retain(|id| !brought.contains(id));
    ids
}

fn landed() -> Fixture {
    let fixture = Fixture::new();
    for version in 0..3 {
        fixture.write("a/b/file", format!("version {version}"));
        fixture.write("a/other", "the same");
        fixture.commit("a version");
    }
    fixture.land("HEAD:refs/heads/main");
    fixture
}

#[test]
fn an_ordinary_push_brings_all_it_reaches() {
    let fixture = landed();
    fixture.write("a/b/file", "another version");
    fixture.write("new/file", "new");
    fixture.commit("more");
    for unpacked in [Unpacked::Loose, Unpacked::Pack] {
        let received = fixture.receive(&[("refs/heads/main", "HEAD")], unpacked);
        assert_eq!(beyond(&received), []);
        let branch = fixture.receive(&[("refs/heads/new", "HEAD")], unpacked);
        assert_eq!(beyond(&branch), []);
    }
}

#[test]
fn a_branch_from_an_older_commit_does_too() {
    let fixture = landed();
    fixture.git(&["checkout", "-q", "-b", "old", "HEAD~2"]);
    fixture.write("x", "x");
    fixture.commit("on an old commit");
    assert_eq!(beyond(&fixture.receive(&[("refs/heads/old", "HEAD")], Unpacked::Loose)), []);
    assert_eq!(beyond(&fixture.receive(&[("refs/heads/it", "HEAD~1")], Unpacked::Loose)), []);
}

#[test]
fn moved_files_and_folders_are_explained() {
    let fixture = landed();
    fixture.git(&["mv", "a/b", "elsewhere"]);
    fixture.git(&["mv", "a/other", "other"]);
    fixture.commit("moved");
    assert_eq!(beyond(&fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Loose)), []);
}

#[test]
fn a_file_taken_back_from_history_streams_again() {
    let fixture = landed();
    let old = fixture.id("HEAD~2:a/b/file");
    fixture.git(&["checkout", "-q", "HEAD~2", "--", "a/b/file"]);
    fixture.write("z", "so that the tree is new");
    fixture.commit("back");
    let received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Loose);
    // its folders are as they were, too, and stream with what they hold
    let folders = ["HEAD:a", "HEAD:a/b", "HEAD:a/other"].map(|path| fixture.id(path));
    let want = [&folders[..], &[old]].concat();
    let got = beyond(&received);
    assert!(got.contains(&old), "{got:?}");
    assert!(got.iter().all(|id| want.contains(id)), "{got:?}");
}

#[test]
fn objects_left_in_the_store_stream_when_they_are_named() {
    let fixture = landed();
    let left =
        run(&fixture.server(), &["hash-object", "-w", "--stdin"], b"left from a refused push");
    let left = String::from_utf8(left).expect("an id");
    let left = Oid::from_hex(left.trim().as_bytes()).expect("an id");
    fixture.write("named", "left from a refused push");
    let commit = fixture.commit("names it");
    // the pack carries the commit and its tree, not the blob
    let list = format!("{commit}\n{}\n", fixture.id("HEAD^{tree}"));
    let pack = run(&fixture.client(), &["pack-objects", "-q", "--stdout"], list.as_bytes());
    let received = fixture.receive_pack(&[("refs/heads/main", commit)], &pack, Unpacked::Loose);
    assert_eq!(beyond(&received), [left]);
    let blob = fixture.received(
        vec![crate::wire::RefUpdate { new: left, ..received.updates[0].clone() }],
        &fixture.server().join("objects/none"),
    );
    assert_eq!(blob.stream(&Limits::default()).ids(), [left]);
}

#[test]
fn a_fork_that_shares_objects_streams_what_it_reaches() {
    let fixture = landed();
    let fork = fixture.server().with_file_name("fork.git");
    let source = fixture.server();
    run(&source, &["init", "-q", "--bare", fork.to_str().expect("text")], b"");
    let alternates = format!("{}\n", source.join("objects").display());
    std::fs::write(fork.join("objects/info/alternates"), alternates).expect("written");
    let mut received = fixture.receive(&[("refs/heads/main", "HEAD")], Unpacked::Loose);
    received.repository.git_dir.clone_from(&fork);
    received.repository.objects = fork.join("objects");
    received.repository.quarantine = Some(fork.join("objects/none"));
    received.updates[0].old = Oid::from_bytes(&[0; 20]).expect("20 bytes");
    let listed = run(&source, &["rev-list", "--objects", "--no-object-names", "main"], b"");
    let mut want: Vec<Oid> =
        listed.split(|&byte| byte == b'\n').filter_map(Oid::from_hex).collect();
    want.sort();
    let collected = received.stream(&Limits::default());
    assert_eq!(collected.unscanned, []);
    assert_eq!(collected.ids(), want);
    // what the client claims to be there does not count
    received.updates[0].old = fixture.id("HEAD");
    assert_eq!(received.stream(&Limits::default()).ids(), want);
}

#[test]
fn an_annotated_tag_of_old_history_brings_itself_alone() {
    let fixture = landed();
    fixture.git(&["tag", "-a", "-m", "a tag", "v1", "HEAD~1"]);
    let received = fixture.receive(&[("refs/tags/v1", "v1")], Unpacked::Loose);
    assert_eq!(received.stream(&Limits::default()).ids(), [fixture.id("v1")]);
}

#[test]
fn an_object_that_is_nowhere_is_named() {
    let fixture = landed();
    fixture.write("missing", "never sent");
    let commit = fixture.commit("names it");
    let missing = fixture.id("HEAD:missing");
    let list = format!("{commit}\n{}\n", fixture.id("HEAD^{tree}"));
    let pack = run(&fixture.client(), &["pack-objects", "-q", "--stdout"], list.as_bytes());
    let received = fixture.receive_pack(&[("refs/heads/main", commit)], &pack, Unpacked::Loose);
    let unscanned = received.stream(&Limits::default()).unscanned;
    assert_eq!(unscanned, [(Some(missing), crate::wire::UnscannedReason::Missing)]);
}
