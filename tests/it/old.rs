//! Old content does not block: what the server held before the push, and what only looks so.

use serde_json::Value;

use crate::forge::{Forge, Repository, Said, Work};
use crate::token;

/// Where the old secret stands.
const FILE: &str = "app/config.env";

/// A server that took a secret in before it had the hook, and a developer's clone.
struct Leaked<'f> {
    repository: Repository<'f>,
    work: Work<'f>,
    secret: String,
}

impl<'f> Leaked<'f> {
    /// The secret is on line 2 of [`FILE`] on `main`, at the tip of two commits.
    fn on(forge: &'f Forge) -> Self {
        let repository = forge.repository("r.git");
        let work = repository.clone_as("w");
        let secret = forge.plant(token::github());
        work.commit("README", "hello\n", "first");
        let leaked = Self { repository, work, secret };
        leaked.work.commit(FILE, leaked.file("tail"), "configure");
        leaked.repository.unguarded(|| {
            assert!(leaked.work.push(&["HEAD:main"]).is_accepted());
        });
        leaked
    }

    /// The file with the secret, and a last line that differs.
    fn file(&self, tail: &str) -> String {
        format!("# settings\nTOKEN={}\nMODE=fast\n{tail}\n", self.secret)
    }

    fn push(&self) -> Said {
        self.work.push(&["HEAD:main"])
    }
}

/// Returns the ages of an incident's occurrences, newest push first.
fn ages(incident: &Value) -> Vec<&str> {
    let occurrences = incident["occurrences"].as_array().unwrap();
    occurrences.iter().map(|place| place["age"].as_str().unwrap()).collect()
}

/// The push went in and nobody has to do anything about it.
#[track_caller]
fn assert_passes(said: &Said) {
    assert!(said.is_accepted(), "{said:?}");
    assert!(!said.remote().contains("refused"), "{said:?}");
}

/// The push was stopped for one credential, and stands on record as new.
#[track_caller]
fn assert_refused(forge: &Forge, said: &Said) -> Value {
    assert!(!said.is_accepted(), "{said:?}");
    assert!(said.remote().starts_with("error: push refused - 1 credential in "), "{said:?}");
    let mut incidents = forge.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    assert_eq!(forge.tickets().len(), 1);
    let incident = incidents.remove(0);
    assert!(ages(&incident).contains(&"new"), "{incident:#}");
    incident
}

#[test]
fn an_edit_beside_an_old_secret_passes_and_is_on_record() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    leaked.work.commit(FILE, leaked.file("another tail"), "tune");
    assert_passes(&leaked.push());

    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1, "what was leaked before is known now");
    assert_eq!(ages(&incidents[0]), ["old-in-parents"]);
    assert_eq!(incidents[0]["decision"]["action"], "report");
    assert_eq!(incidents[0]["exposure"], "accepted");
    assert_eq!(incidents[0]["leaked"], false);
    assert_eq!(incidents[0]["occurrences"][0]["path"], FILE);
    assert_eq!(incidents[0]["occurrences"][0]["line"], 2);
}

#[test]
fn a_secret_that_moves_within_its_file_stays_old() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    let moved = format!("MODE=slow\n\n\nTOKEN={}\n", leaked.secret);
    leaked.work.commit(FILE, moved, "reorder");
    assert_passes(&leaked.push());
    assert_eq!(ages(&forge.incidents()[0]), ["old-in-parents"]);
}

#[test]
fn several_commits_upon_an_old_secret_pass() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    for tail in ["one", "two", "three"] {
        leaked.work.commit(FILE, leaked.file(tail), tail);
    }
    assert_passes(&leaked.push());
}

#[test]
fn a_second_copy_in_the_same_file_is_new() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    let twice = leaked.file(&format!("AGAIN={}", leaked.secret));
    leaked.work.commit(FILE, twice, "again");
    assert_refused(&forge, &leaked.push());
}

#[test]
fn a_changed_copy_in_another_file_is_new() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    leaked.work.commit("copy.env", leaked.file("changed"), "copy");
    let incident = assert_refused(&forge, &leaked.push());
    assert_eq!(incident["occurrences"][0]["path"], "copy.env");
}

#[test]
fn an_exact_copy_is_the_very_object_that_was_there() {
    // Nothing can be fetched that could not be fetched before: the object was reachable.
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    leaked.work.commit("copy.env", leaked.file("tail"), "copy");
    assert_passes(&leaked.push());
}

#[test]
fn an_exact_rename_is_followed() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    leaked.work.git(&["mv", FILE, "renamed.env"]);
    leaked.work.git(&["commit", "-q", "-m", "rename"]);
    assert_passes(&leaked.push());
}

#[test]
fn a_rename_and_then_an_edit_pass() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    leaked.work.git(&["mv", FILE, "renamed.env"]);
    leaked.work.git(&["commit", "-q", "-m", "rename"]);
    leaked.work.commit("renamed.env", leaked.file("edited"), "edit");
    assert_passes(&leaked.push());
}

#[test]
fn a_rename_with_an_edit_in_one_commit_is_a_new_file() {
    // Git keeps no renames. To guess them from likeness would let whoever pushes choose what is old.
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    leaked.work.git(&["mv", FILE, "renamed.env"]);
    leaked.work.commit("renamed.env", leaked.file("edited"), "rename and edit");
    assert_refused(&forge, &leaked.push());
}

#[test]
fn a_renamed_folder_passes() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    leaked.work.git(&["mv", "app", "service"]);
    leaked.work.git(&["commit", "-q", "-m", "rename"]);
    assert_passes(&leaked.push());
}

#[test]
fn what_is_added_and_removed_in_one_push_is_refused() {
    let forge = Forge::start();
    let work = forge.repository("r.git").clone_as("w");
    work.commit("README", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    let secret = forge.plant(token::github());
    let leak = work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    work.commit("a.env", "TOKEN=\n", "oops");
    let said = work.push(&["HEAD:main"]);
    let incident = assert_refused(&forge, &said);
    assert_eq!(incident["occurrences"][0]["commit"], leak.as_str());
}

#[test]
fn a_merge_of_a_branch_that_the_server_has_passes() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    let work = &leaked.work;
    work.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    work.commit("side.txt", "side\n", "side");
    assert!(work.push(&["HEAD:side"]).is_accepted());
    work.git(&["merge", "-q", "--no-edit", "main"]);
    // The file comes in whole, from a commit that `main` reaches.
    assert_passes(&work.push(&["HEAD:side"]));
}

#[test]
fn a_merge_of_two_edits_beside_an_old_secret_passes() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    let work = &leaked.work;
    work.git(&["checkout", "-q", "-b", "side"]);
    work.commit(FILE, leaked.file("tail of side"), "tail");
    work.git(&["checkout", "-q", "main"]);
    let head = leaked.file("tail").replace("# settings", "# all settings\n\n\n");
    work.commit(FILE, head, "head");
    work.git(&["merge", "-q", "--no-edit", "-X", "ours", "side"]);
    assert_passes(&leaked.push());
    assert!(ages(&forge.incidents()[0]).iter().all(|age| *age == "old-in-parents"));
}

#[test]
fn a_merge_that_brings_it_into_the_other_side_s_version_is_new() {
    // Old is what *every* parent's version holds: a leak does not spread from branch to branch.
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    let work = &leaked.work;
    work.git(&["checkout", "-q", "-b", "clean"]);
    work.commit(FILE, leaked.file("tail").replace(&leaked.secret, ""), "take it out");
    assert_passes(&work.push(&["HEAD:clean"]));
    work.git(&["checkout", "-q", "main"]);
    work.commit(FILE, leaked.file("new tail"), "tail");
    assert_passes(&leaked.push());
    work.git(&["checkout", "-q", "clean"]);
    work.git(&["merge", "-q", "--no-commit", "-s", "ours", "main"]);
    work.commit(FILE, leaked.file("merged tail"), "merge");
    assert_refused(&forge, &work.push(&["HEAD:clean"]));
}

#[test]
fn a_secret_that_only_the_merge_itself_brings_is_refused() {
    let forge = Forge::start();
    let work = forked(&forge, 1);
    let secret = forge.plant(token::github());
    work.git(&["merge", "-q", "--no-commit", "--no-ff", "side1"]);
    let merge = work.commit("evil.env", format!("TOKEN={secret}\n"), "merge");
    let incident = assert_refused(&forge, &work.push(&["HEAD:main"]));
    assert_eq!(incident["occurrences"][0]["commit"], merge.as_str());
    assert_eq!(incident["occurrences_total"], 1);
}

#[test]
fn a_merge_of_many_branches_passes_and_an_evil_one_is_refused() {
    let forge = Forge::start();
    let work = forked(&forge, 4);
    let sides = ["side1", "side2", "side3", "side4"];
    work.git(&[&["merge", "-q", "--no-edit"][..], &sides].concat());
    let parents = work.git(&["rev-list", "--parents", "-1", "HEAD"]);
    assert_eq!(parents.split(' ').count(), 6, "an octopus has many arms");
    assert_passes(&work.push(&["HEAD:main"]));

    let secret = forge.plant(token::github());
    work.write("evil.env", format!("TOKEN={secret}\n"));
    work.git(&["add", "--all"]);
    work.git(&["commit", "-q", "--amend", "--no-edit"]);
    assert_refused(&forge, &work.push(&["+HEAD:main"]));
}

/// A repository whose `main` and side branches all stand on the server.
fn forked(forge: &Forge, sides: usize) -> Work<'_> {
    let work = forge.repository("r.git").clone_as("w");
    work.commit("README", "hello\n", "first");
    for side in 1..=sides {
        work.git(&["checkout", "-q", "-b", &format!("side{side}"), "main"]);
        work.commit(&format!("{side}.txt"), "side\n", "side");
    }
    work.git(&["checkout", "-q", "main"]);
    work.commit("main.txt", "main\n", "main");
    assert!(work.push(&["--all"]).is_accepted());
    work
}

#[test]
fn going_back_to_content_that_is_in_the_history_passes() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    let work = &leaked.work;
    let leak = work.git(&["rev-parse", "HEAD"]);
    work.commit(FILE, "MODE=fast\n", "take it out");
    assert_passes(&leaked.push());
    // By a new commit that brings the old file back.
    work.git(&["revert", "--no-edit", "HEAD"]);
    assert_passes(&leaked.push());
    // By moving the branch back.
    assert_passes(&work.push(&[&format!("+{leak}:main")]));
    // By another branch, and a tag, at the old commit.
    assert_passes(&work.push(&[&format!("{leak}:refs/heads/old")]));
    assert_passes(&work.push(&[&format!("{leak}:refs/tags/old")]));
}

#[test]
fn what_only_a_fork_network_holds_is_not_old_here() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    let fork = forge.repository("fork.git");
    let store = leaked.repository.path.join("objects");
    std::fs::write(fork.path.join("objects/info/alternates"), format!("{}\n", store.display()))
        .unwrap();
    leaked.work.git(&["remote", "add", "fork", fork.path.to_str().unwrap()]);
    let said = leaked.work.try_git(&["push", "--progress", "fork", "main"]);
    assert!(said.err.contains("Total 0 "), "the client sends nothing: {said:?}");
    let incident = assert_refused(&forge, &said);
    assert_eq!(incident["occurrences"][0]["path"], FILE);
    assert_eq!(incident["occurrences"][0]["repository"], fork.path.to_str().unwrap());
}

#[test]
fn what_lies_in_the_store_without_a_ref_is_not_old() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = repository.clone_as("w");
    work.commit("README", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    let secret = forge.plant(token::github());
    let leak = work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    repository.unguarded(|| {
        assert!(work.push(&["HEAD:refs/heads/gone"]).is_accepted());
        assert!(work.push(&[":refs/heads/gone"]).is_accepted());
    });
    assert!(repository.has(&leak), "the deleted branch left its objects behind");
    let said = work.push(&["HEAD:main"]);
    let incident = assert_refused(&forge, &said);
    assert_eq!(incident["occurrences"][0]["commit"], leak.as_str());
}

/// A large file with an old secret is edited: the pack holds a delta, and git completes it with the
/// base, which then lies in the quarantine as if it were new.
#[track_caller]
fn check_thin_pack(unpack_limit: &str, more_files: usize) {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = repository.clone_as("w");
    let secret = forge.plant(token::github());
    let filler: String = (0..4_000).map(|line| format!("{line} {}\n", token::random(8))).collect();
    work.commit("big.txt", format!("TOKEN={secret}\n{filler}"), "big");
    repository.unguarded(|| assert!(work.push(&["HEAD:main"]).is_accepted()));

    repository.git(&["config", "receive.unpackLimit", unpack_limit]);
    for file in 0..more_files {
        work.write(&format!("more/{file}.txt"), format!("{file}\n"));
    }
    work.commit("big.txt", format!("TOKEN={secret}\n{filler}one more line\n"), "edit");
    let said = work.try_git(&["push", "--thin", "--progress", "origin", "HEAD:main"]);
    assert_passes(&said);
    assert!(said.err.contains("(delta 1)"), "a thin pack: {said:?}");
    assert!(ages(&forge.incidents()[0]).iter().all(|age| age.starts_with("old")));
    assert!(forge.tickets().is_empty(), "a ticket is opened where a push is refused");
}

#[test]
fn the_base_of_a_thin_pack_is_old() {
    check_thin_pack("1", 0);
}

#[test]
fn the_base_of_a_large_thin_pack_is_old() {
    check_thin_pack("100", 120);
}

#[test]
fn the_base_of_an_unpacked_thin_pack_is_old() {
    check_thin_pack("1000", 0);
}

#[test]
fn a_secret_in_a_second_repository_joins_its_incident() {
    let forge = Forge::start();
    let secret = forge.plant(token::github());
    for name in ["one", "two"] {
        let work = forge.repository(&format!("{name}.git")).clone_as(name);
        work.commit(&format!("{name}.env"), format!("TOKEN={secret}\n"), name);
        assert_refused(&forge, &work.push(&["HEAD:main"]));
    }
    let incident = &forge.incidents()[0];
    assert_eq!(incident["occurrences_total"], 2);
    assert_eq!(incident["pushes_total"], 2);
    let paths = incident["occurrences"].as_array().unwrap().iter().map(|place| &place["path"]);
    assert_eq!(paths.collect::<Vec<_>>(), ["two.env", "one.env"]);
}

#[test]
fn an_old_secret_that_is_pushed_elsewhere_is_refused_there() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    leaked.work.commit(FILE, leaked.file("edited"), "edit");
    assert_passes(&leaked.push());
    let other = forge.repository("other.git").clone_as("other");
    other.commit("new.env", format!("TOKEN={}\n", leaked.secret), "reuse");
    assert_refused(&forge, &other.push(&["HEAD:main"]));
}

#[test]
fn the_same_push_again_opens_a_closed_ticket_again() {
    let forge = Forge::start();
    let work = forge.repository("r.git").clone_as("w");
    let secret = forge.plant(token::github());
    work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    assert_refused(&forge, &work.push(&["HEAD:main"]));

    let ticket = forge.tickets()[0]["id"].as_str().unwrap().to_owned();
    let closed = forge.cli(["tickets", "close", &ticket, "--reason", "rotated, they say"]);
    assert_eq!(closed.code, 0, "{closed:?}");
    assert_eq!(forge.tickets()[0]["state"], "closed");

    let said = work.push(&["HEAD:main"]);
    let incident = assert_refused(&forge, &said);
    assert!(said.remote().contains(&ticket), "{said:?}");
    assert_eq!(incident["pushes_total"], 2);
    assert_eq!(forge.tickets()[0]["state"], "reopened");
}

#[test]
fn what_another_repository_has_is_not_old_here() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    let second = forge.repository("second.git");
    leaked.work.git(&["remote", "set-url", "origin", second.path.to_str().unwrap()]);
    assert_refused(&forge, &leaked.push());
}

/// Many files that hold the same old secret become one and the same file, which is old in each; then
/// `more` puts it where it was not.
#[track_caller]
fn check_behind_many(files: usize, more: impl FnOnce(&Work<'_>, &str)) {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = repository.clone_as("w");
    let secret = forge.plant(token::github());
    for file in 0..files {
        work.write(&format!("{file:04}.env"), format!("TOKEN={secret}\nfile = {file}\n"));
    }
    work.commit("README", "hello\n", "first");
    repository.unguarded(|| assert!(work.push(&["HEAD:main"]).is_accepted()));
    let same = format!("TOKEN={secret}\nall the same\n");
    for file in 0..files {
        work.write(&format!("{file:04}.env"), &same);
    }
    work.git(&["add", "--all"]);
    more(&work, &same);
    work.git(&["commit", "-q", "--allow-empty", "-m", "and more"]);
    let incident = assert_refused(&forge, &work.push(&["HEAD:main"]));
    assert!(ages(&incident).contains(&"old-in-parents"), "{incident:#}");
    assert!(incident.to_string().contains("zz.env"), "{incident:#}");
}

#[test]
fn a_new_file_behind_many_old_ones_is_new() {
    check_behind_many(61, |work, same| {
        work.commit("zz.env", same, "with them");
    });
    check_behind_many(61, |work, same| {
        work.git(&["commit", "-q", "-m", "all the same"]);
        work.commit("zz.env", same, "after them");
    });
}

#[test]
fn many_files_that_become_the_same_old_file_pass() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    leaked.work.git(&["checkout", "-q", "--orphan", "many"]);
    for file in 0..61 {
        leaked.work.write(&format!("{file}.env"), leaked.file(&format!("{file}")));
    }
    leaked.work.commit("README", "hello\n", "many");
    leaked.repository.unguarded(|| assert!(leaked.work.push(&["HEAD:many"]).is_accepted()));
    for file in 0..61 {
        leaked.work.write(&format!("{file}.env"), leaked.file("the same"));
    }
    leaked.work.commit("README", "hello again\n", "same");
    assert_passes(&leaked.work.push(&["HEAD:many"]));
}

#[test]
fn a_new_file_behind_many_changes_of_one_is_new() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    for change in 0..55 {
        leaked.work.commit(FILE, leaked.file(&format!("change {change}")), "change");
        leaked.work.commit(FILE, leaked.file("the same"), "and back");
    }
    let said = leaked.push();
    assert_passes(&said);
    for change in 0..55 {
        leaked.work.commit(FILE, leaked.file("changed"), &format!("change {change}"));
        leaked.work.commit(FILE, leaked.file("the other"), "and back");
    }
    leaked.work.commit("zz.env", leaked.file("the other"), "one more place");
    let said = leaked.push();
    assert!(!said.is_accepted(), "{said:?}");
    assert!(said.remote().contains("zz.env"), "{said:?}");
}

#[test]
fn a_new_file_of_a_merge_behind_many_old_ones_is_new() {
    let forge = Forge::start();
    let leaked = Leaked::on(&forge);
    let work = &leaked.work;
    for file in 0..1_100 {
        work.write(&format!("{file:04}.env"), leaked.file(&format!("{file}")));
    }
    work.commit("README", "many\n", "many");
    work.git(&["checkout", "-q", "-b", "side"]);
    work.commit("side.txt", "side\n", "side");
    work.git(&["checkout", "-q", "main"]);
    work.commit("main.txt", "main\n", "main");
    leaked.repository.unguarded(|| assert!(work.push(&["--all"]).is_accepted()));
    work.git(&["merge", "-q", "--no-commit", "--no-ff", "side"]);
    for file in 0..1_100 {
        work.write(&format!("{file:04}.env"), leaked.file("the same"));
    }
    work.commit("zz.env", leaked.file("the same"), "merge");
    let said = leaked.push();
    assert!(!said.is_accepted(), "{said:?}");
}

#[test]
fn refs_in_tables_make_old_what_they_reach() {
    let forge = Forge::start();
    let secret = forge.plant(token::github());
    let repository = forge.bare("r.git", &["--ref-format=reftable"]);
    let work = repository.clone_as("w");
    let file = |tail: &str| format!("TOKEN={secret}\n{tail}\n");
    work.write("CODEOWNERS", "* @ada\n");
    work.commit(FILE, file("one"), "before the hook");
    work.git(&["tag", "-a", "-m", "tagged", "v1"]);
    assert!(work.push(&["HEAD:main", "v1"]).is_accepted());
    forge.install(&repository);

    assert_passes(&work.push(&["HEAD:refs/heads/same"]));
    work.commit(FILE, file("two"), "edit");
    assert_passes(&work.push(&["HEAD:main"]));
    assert_eq!(ages(&forge.incidents()[0]), ["old-in-parents"]);
    work.commit("copy.env", file("three"), "copy");
    let incident = assert_refused(&forge, &work.push(&["HEAD:main"]));
    assert!(incident["owner"].to_string().contains("ada"), "{incident:#}");
}

#[test]
fn refs_in_tables_make_nothing_old_that_they_do_not_reach() {
    let forge = Forge::start();
    let secret = forge.plant(token::github());
    let repository = forge.bare("r.git", &["--ref-format=reftable"]);
    let work = repository.clone_as("w");
    work.commit("README", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    assert!(work.push(&["HEAD:gone"]).is_accepted());
    assert!(work.push(&[":gone"]).is_accepted());
    forge.install(&repository);
    assert_refused(&forge, &work.push(&["HEAD:main"]));
}
