//! Where objects come from: places, parents' versions, and how each commit stands.

use crate::push::fixture::{Collected, Fixture, Unpacked, run};
use crate::wire::{Entry, Oid, Route, Topology};

/// Writes a route the short way: commit subject, path, and the parents' versions by name.
fn short(route: &Route, names: &[(&str, Oid)]) -> String {
    let name = |id: &Option<Oid>| match id {
        None => "-".to_owned(),
        Some(id) => {
            let known = names.iter().find(|(_, known)| known == id);
            known.map_or(id.short(), |(name, _)| (*name).to_owned())
        }
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match route {
        Route::ReachableBefore => "old".to_owned(),
        Route::Entry(Entry { commit, path, parents }) => {
            let parents: Vec<_> = parents.iter().map(name).collect();
            format!("{}: {} [{}]", text(&commit.subject), text(path), parents.join(" "))
        }
        Route::Commit(commit) => format!("commit {}", text(&commit.subject)),
        Route::Tag { ref_name } => format!("tag {}", text(ref_name)),
        Route::Ref { ref_name } => format!("ref {}", text(ref_name)),
        Route::Unreached => "unreached".to_owned(),
    }
}

#[track_caller]
fn check(answers: &Collected, object: Oid, names: &[(&str, Oid)], want: &[&str]) {
    let routes: Vec<_> =
        answers.routes(object).into_iter().map(|route| short(route, names)).collect();
    assert_eq!(routes, want);
    assert!(answers.end.as_ref().expect("an end").complete);
}

fn topology(answers: &Collected, object: Oid) -> Topology {
    match answers.routes(object).first().expect("a place") {
        Route::Entry(entry) => entry.commit.topology,
        Route::Commit(commit) => commit.topology,
        route => panic!("no commit in {route:?}"),
    }
}

fn base() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("keep", "kept");
    fixture.write("dir/file", "first");
    fixture.commit("base");
    fixture.land("HEAD:refs/heads/main");
    fixture
}

const MAIN: &[(&str, &str)] = &[("refs/heads/main", "HEAD")];

#[test]
fn added_changed_removed_and_added_again() {
    let fixture = base();
    let first = fixture.id("HEAD:dir/file");
    fixture.write("dir/file", "second");
    fixture.write("added", "second");
    fixture.commit("one");
    let second = fixture.id("HEAD:added");
    fixture.write("dir/file", "third");
    fixture.git(&["rm", "-q", "added"]);
    fixture.commit("two");
    fixture.write("again/added", "second");
    fixture.commit("three");
    let third = fixture.id("HEAD:dir/file");
    let names = [("first", first), ("second", second), ("third", third)];
    for unpacked in [Unpacked::Loose, Unpacked::Pack] {
        let answers = fixture.receive(MAIN, unpacked).locate(&[second, third, first]);
        check(
            &answers,
            second,
            &names,
            &["one: added [-]", "one: dir/file [first]", "three: again/added [-]"],
        );
        check(&answers, third, &names, &["two: dir/file [second]"]);
        check(&answers, first, &names, &["old"]);
        let mut want = vec![first, second];
        want.sort();
        assert_eq!(answers.ids(), want, "the parents' versions");
    }
}

#[test]
fn commits_know_how_they_stand() {
    let fixture = base();
    fixture.write("a", "in the first, gone in the third");
    fixture.commit("one");
    let a = fixture.id("HEAD:a");
    fixture.write("b", "in the second, still there");
    fixture.commit("two");
    let b = fixture.id("HEAD:b");
    fixture.git(&["rm", "-q", "a"]);
    fixture.write("c", "at the tip");
    let tip = fixture.commit("three");
    let c = fixture.id("HEAD:c");
    let answers = fixture.receive(MAIN, Unpacked::Loose).locate(&[a, b, c, tip]);
    let stand = |commits_above, at_tip, is_tip| Topology {
        is_tip,
        at_tip,
        commits_above,
        ..Topology::default()
    };
    assert_eq!(topology(&answers, a), stand(2, false, false));
    assert_eq!(topology(&answers, b), stand(1, true, false));
    assert_eq!(topology(&answers, c), stand(0, true, true));
    assert_eq!(topology(&answers, tip), stand(0, true, true));
    let Route::Entry(Entry { commit, .. }) = answers.routes(b)[0] else { panic!("an entry") };
    assert_eq!(commit.ref_name, b"refs/heads/main");
    assert_eq!(commit.order, 1);
}

#[test]
fn first_pushes_have_roots() {
    let fixture = Fixture::new();
    fixture.write("dir/file", "content");
    fixture.commit("root");
    let file = fixture.id("HEAD:dir/file");
    fixture.write("more", "more");
    fixture.commit("more");
    let folder = fixture.id("HEAD:dir");
    let root = fixture.id("HEAD~1^{tree}");
    let answers = fixture.receive(MAIN, Unpacked::Pack).locate(&[file, folder, root]);
    check(&answers, file, &[], &["root: dir/file []"]);
    check(&answers, folder, &[], &["root: dir []"]);
    check(&answers, root, &[], &["root:  []"]);
    assert!(topology(&answers, file).is_root);
}

#[test]
fn exact_renames_carry_the_parents_version() {
    let fixture = base();
    fixture.write("one/file", "to be moved");
    fixture.commit("one");
    let moved = fixture.id("HEAD:one/file");
    fixture.git(&["mv", "one", "two"]);
    fixture.commit("two");
    fixture.write("copy", "to be moved");
    fixture.commit("three");
    let answers = fixture.receive(MAIN, Unpacked::Loose).locate(&[moved]);
    let want = ["one: one/file [-]", "two: two/file [moved]", "three: copy [-]"];
    check(&answers, moved, &[("moved", moved)], &want);
}

#[test]
fn merges_count_for_what_no_parent_has() {
    let fixture = base();
    let base = fixture.id("HEAD:dir/file");
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.write("side", "from the side");
    fixture.commit("side");
    let side = fixture.id("HEAD:side");
    fixture.git(&["checkout", "-q", "main"]);
    fixture.write("ours", "ours");
    fixture.commit("ours");
    fixture.git(&["merge", "-q", "--no-commit", "side"]);
    fixture.write("dir/file", "evil");
    fixture.write("evil", "evil");
    let merge = fixture.commit("merge");
    let evil = fixture.id("HEAD:evil");
    let answers = fixture.receive(MAIN, Unpacked::Loose).locate(&[side, evil, merge]);
    let names = [("base", base)];
    check(&answers, side, &names, &["side: side [-]"]);
    check(&answers, evil, &names, &["merge: dir/file [base base]", "merge: evil [- -]"]);
    assert!(topology(&answers, evil).is_merge && !topology(&answers, evil).below_merge);
    assert!(topology(&answers, side).below_merge && topology(&answers, side).at_tip);
}

#[test]
fn commits_tags_refs_and_what_nothing_reaches() {
    let fixture = base();
    let commit = fixture.commit("a subject\n\nand more");
    fixture.git(&["tag", "-a", "-m", "inner", "inner"]);
    fixture.git(&["tag", "-a", "-m", "outer", "outer", "inner"]);
    let blob = fixture.git_with(&["hash-object", "-w", "--stdin"], b"behind a ref");
    fixture.git(&["update-ref", "refs/tags/blob", &blob]);
    let blob = fixture.id("refs/tags/blob");
    let smuggled = fixture.git_with(&["hash-object", "-w", "--stdin"], b"behind nothing");
    let smuggled = Oid::from_hex(smuggled.as_bytes()).expect("an id");
    let (inner, outer) = (fixture.id("inner"), fixture.id("outer"));
    let objects = [commit, inner, outer, blob, smuggled];
    let list = objects.map(|id| format!("{id}\n")).concat();
    let pack = run(&fixture.client(), &["pack-objects", "-q", "--stdout"], list.as_bytes());
    let tips = [("refs/heads/main", commit), ("refs/tags/outer", outer), ("refs/tags/blob", blob)];
    let answers = fixture.receive_pack(&tips, &pack, Unpacked::Pack).locate(&objects);
    check(&answers, commit, &[], &["commit a subject"]);
    check(&answers, inner, &[], &["tag refs/tags/outer"]);
    check(&answers, outer, &[], &["tag refs/tags/outer"]);
    check(&answers, blob, &[], &["ref refs/tags/blob"]);
    check(&answers, smuggled, &[], &["unreached"]);
}

#[test]
fn commits_that_no_ref_reaches_still_name_places() {
    let fixture = base();
    fixture.write("hidden", "in a commit that no ref reaches");
    let hidden_commit = fixture.commit("hidden");
    let hidden = fixture.id("HEAD:hidden");
    let tree = fixture.id("HEAD^{tree}");
    fixture.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let tip = fixture.commit("plain");
    let list = format!("{hidden_commit}\n{hidden}\n{tree}\n{tip}\n");
    let pack = run(&fixture.client(), &["pack-objects", "-q", "--stdout"], list.as_bytes());
    let received = fixture.receive_pack(&[("refs/heads/main", tip)], &pack, Unpacked::Loose);
    let answers = received.locate(&[hidden]);
    check(&answers, hidden, &[], &["hidden: hidden [-]"]);
    let Route::Entry(Entry { commit, .. }) = answers.routes(hidden)[0] else { panic!("an entry") };
    assert_eq!(commit.ref_name, b"");
    assert!(!commit.topology.at_tip);
}

#[test]
fn only_own_refs_make_an_object_old() {
    let fixture = base();
    fixture.write("gone", "in the store, reached by no ref");
    fixture.commit("gone");
    let gone = fixture.id("HEAD:gone");
    fixture.land("HEAD:refs/heads/gone");
    fixture.land(":refs/heads/gone");
    fixture.write("kept-elsewhere", "reached by another branch");
    fixture.commit("other");
    let other = fixture.id("HEAD:kept-elsewhere");
    fixture.land("HEAD:refs/heads/other");
    run(&fixture.server(), &["pack-refs", "--all"], b"");
    fixture.git(&["reset", "-q", "--hard", "HEAD~2"]);
    fixture.write("gone", "in the store, reached by no ref");
    fixture.commit("again");
    let received = fixture.receive(MAIN, Unpacked::Loose);
    check(&received.locate(&[other]), other, &[], &["old"]);
    run(&fixture.server(), &["update-ref", "-d", "refs/heads/other"], b"");
    check(&received.locate(&[gone]), gone, &[], &["again: gone [-]"]);
}

#[test]
fn nothing_below_the_tips_is_old_where_shallow_commits_are_unknown() {
    let fixture = base();
    let below = fixture.id("HEAD:dir/file");
    fixture.write("dir/file", "at the tip");
    fixture.commit("tip");
    let tip = fixture.id("HEAD:dir/file");
    fixture.land("HEAD:refs/heads/main");
    fixture.write("back", "first");
    fixture.write("there", "at the tip");
    fixture.commit("again");
    let received = fixture.receive(MAIN, Unpacked::Loose);
    check(&received.locate(&[below]), below, &[], &["old"]);
    std::fs::write(fixture.server().join("shallow"), "no id\n").expect("written");
    let answers = received.locate(&[below, tip]);
    check(&answers, below, &[], &["again: back [-]"]);
    check(&answers, tip, &[], &["old"]);
}

#[test]
fn codeowners_come_from_the_default_branch_before_the_push() {
    let fixture = base();
    let owners = |fixture: &Fixture| {
        let answers = fixture.receive(MAIN, Unpacked::Loose).locate(&[]);
        let owners = answers.end.expect("an end").owners;
        owners.map(|owners| (owners.path, String::from_utf8(owners.bytes).expect("text")))
    };
    fixture.write("CODEOWNERS", "* @pushed");
    fixture.commit("owners");
    assert_eq!(owners(&fixture), None);
    fixture.land("HEAD:refs/heads/main");
    fixture.write(".github/CODEOWNERS", "* @newer");
    fixture.commit("more owners");
    assert_eq!(owners(&fixture), Some(("CODEOWNERS".to_owned(), "* @pushed".to_owned())));
    fixture.land("HEAD:refs/heads/main");
    fixture.commit("no change");
    assert_eq!(owners(&fixture), Some((".github/CODEOWNERS".to_owned(), "* @newer".to_owned())));
}

#[test]
fn a_tree_of_trees_ends_in_places_not_in_time() {
    let fixture = base();
    let blob = fixture.git_with(&["hash-object", "-w", "--stdin"], b"at every leaf");
    let mut entry = format!("100644 blob {blob}");
    for _ in 0..12 {
        let listing: Vec<_> = (0..10).map(|name| format!("{entry}\t{name}\n")).collect();
        let tree = fixture.git_with(&["mktree"], listing.concat().as_bytes());
        entry = format!("040000 tree {tree}");
    }
    let (_, tree) = entry.rsplit_once(' ').expect("an entry");
    let commit = fixture.git(&["commit-tree", "-p", "HEAD", "-m", "bomb", tree]);
    fixture.git(&["update-ref", "refs/heads/bomb", &commit]);
    let received = fixture.receive(&[("refs/heads/bomb", "bomb")], Unpacked::Loose);
    let blob = Oid::from_hex(blob.as_bytes()).expect("an id");
    let answers = received.locate(&[blob]);
    assert_eq!(answers.places.len(), 50);
}
