//! What was scanned and found clean is not scanned again, and nothing gets in that way that would
//! not get in without a ledger.

use std::fs;

use serde_json::json;

use crate::forge::{Forge, Repository, Said, Work, eventually};
use crate::{smuggle, token};

/// More objects than a hook sends without asking.
const FILES: usize = 1_100;

/// A repository of its own, and its first push: many files.
struct Many<'f> {
    forge: &'f Forge,
    work: Work<'f>,
}

impl<'f> Many<'f> {
    /// Commits many files, and `content` in one more, and pushes them.
    fn pushed(forge: &'f Forge, content: &str) -> Self {
        let many = Self::committed(forge, content);
        let said = many.work.push(&["HEAD:main"]);
        assert!(said.is_accepted(), "{said:?}");
        many
    }

    fn committed(forge: &'f Forge, content: &str) -> Self {
        let work = forge.repository("first.git").clone_as("work");
        for number in 0..FILES {
            work.write(&format!("dir/{number}"), format!("file {number}\n"));
        }
        work.commit("conf", content, "many files");
        Self { forge, work }
    }

    /// Pushes what is checked out into a new repository.
    fn push_to_new(&self, name: &str) -> (Said, Repository<'f>) {
        let repository = self.forge.repository(name);
        (self.push_to(&repository), repository)
    }

    fn push_to(&self, repository: &Repository<'_>) -> Said {
        let push = ["push", "-q", repository.path.to_str().unwrap(), "HEAD:main"];
        self.work.try_git(&push)
    }

    /// Pushes into another new repository, until something of it is known.
    #[track_caller]
    fn becomes_known(&self) {
        let before = known(self.forge).len();
        let mut number = 0;
        eventually("what was pushed is known", || {
            number += 1;
            let (said, _) = self.push_to_new(&format!("again-{number}.git"));
            assert!(said.is_accepted(), "{said:?}");
            known(self.forge).len() > before
        });
    }

    /// Pushes into a new repository, where nothing is known.
    #[track_caller]
    fn push_unknown(&self, name: &str) -> Said {
        let before = known(self.forge);
        let (said, _) = self.push_to_new(name);
        assert_eq!(known(self.forge), before);
        said
    }
}

/// Returns, for each push of which something was known, how many objects were.
fn known(forge: &Forge) -> Vec<usize> {
    let log = forge.daemon_log();
    let lines = log.lines().filter(|line| line.contains("known to be clean"));
    let count = |line: &str| {
        let (_, rest) = line.split_once("objects.known")?;
        let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().ok()
    };
    lines.map(|line| count(line).unwrap_or_else(|| panic!("no count in {line}"))).collect()
}

fn restart(forge: &Forge) {
    forge.stop();
    forge.serve();
}

#[test]
fn the_same_objects_in_another_repository_are_known() {
    let forge = Forge::start();
    let many = Many::pushed(&forge, "greeting\n");
    many.becomes_known();
    // All files and folders: the commit is sent.
    assert_eq!(known(&forge), [FILES + 3]);
    let (said, repository) = many.push_to_new("third.git");
    assert!(said.is_accepted(), "{said:?}");
    assert!(repository.git(&["fsck", "--full"]).code == 0);
}

#[test]
fn the_ledger_survives_a_restart() {
    let forge = Forge::start();
    let many = Many::pushed(&forge, "greeting\n");
    restart(&forge);
    many.becomes_known();
}

#[test]
fn what_is_new_among_known_objects_is_refused() {
    let forge = Forge::start();
    let many = Many::pushed(&forge, "greeting\n");
    many.becomes_known();
    let secret = forge.plant(token::github());
    many.work.commit("dir/7", format!("TOKEN={secret}\n"), "leak");
    let before = known(&forge).len();
    let (said, _) = many.push_to_new("leak.git");
    assert!(!said.is_accepted());
    assert!(said.remote().contains("dir/7"), "{said:?}");
    assert_eq!(known(&forge).len(), before + 1);
    // What was found is found again: only what is clean is known.
    let (said, _) = many.push_to_new("leak-again.git");
    assert!(!said.is_accepted());
    assert_eq!(forge.incidents().len(), 1);
}

#[test]
fn a_message_above_known_files_is_refused() {
    let forge = Forge::start();
    let many = Many::pushed(&forge, "greeting\n");
    many.becomes_known();
    let secret = forge.plant(token::github());
    many.work.git(&["commit", "-q", "--amend", "-m", &format!("use {secret}")]);
    assert!(!many.push_to_new("message.git").0.is_accepted());
    assert_eq!(known(&forge), [FILES + 3, FILES + 3]);
}

#[test]
fn what_no_ref_reaches_among_known_objects_is_refused() {
    let forge = Forge::start();
    let many = Many::pushed(&forge, "greeting\n");
    many.becomes_known();
    let secret = forge.plant(token::github());
    many.work.write("smuggled", format!("TOKEN={secret}\n"));
    let smuggled = many.work.git(&["hash-object", "-w", "smuggled"]);
    let listed = many.work.git(&["rev-list", "--objects", "--no-object-names", "HEAD"]);
    let objects: Vec<&str> = listed.lines().chain([smuggled.as_str()]).collect();
    let (old, new) = ("0".repeat(40), many.work.git(&["rev-parse", "HEAD"]));
    let repository = forge.repository("smuggled.git");
    let pack = smuggle::pack(&many.work, &objects);
    let said = smuggle::raw_push(&repository, &[[&old, &new, "refs/heads/main"]], &pack);
    assert!(!said.is_accepted(), "{said:?}");
    assert!(!repository.has(&smuggled));
    assert_eq!(known(&forge), [FILES + 3, FILES + 3]);
}

#[test]
fn an_inventory_that_grows_makes_everything_unknown() {
    let forge = Forge::start();
    let value = forge.plant(token::shapeless());
    let many = Many::pushed(&forge, &format!("it is {value} I think\n"));
    many.becomes_known();
    let added = forge.cli_with_input(["inventory", "add", "payments/db"], &format!("{value}\n"));
    assert_eq!(added.code, 0, "{added:?}");
    let said = many.push_unknown("later.git");
    assert!(!said.is_accepted());
    assert!(said.remote().contains("payments/db"), "{said:?}");
}

#[test]
fn a_value_that_leaks_elsewhere_is_found_in_what_was_clean() {
    let forge = Forge::start();
    let value = forge.plant(token::shapeless());
    let many = Many::pushed(&forge, &format!("it is {value} I think\n"));
    many.becomes_known();
    let other = forge.repository("other.git").clone_as("other");
    other.commit("app.env", format!("DB_PASSWORD=\"{value}\"\n"), "leak");
    assert!(!other.push(&["HEAD:main"]).is_accepted());
    assert_eq!(forge.incidents().len(), 1);
    let said = many.push_unknown("later.git");
    assert!(!said.is_accepted());
    assert_eq!(forge.incidents().len(), 1, "the same secret");
}

#[test]
fn a_dismissed_value_that_counts_again_is_found_in_what_was_clean() {
    let forge = Forge::start();
    let value = forge.plant(token::shapeless());
    let other = forge.repository("other.git").clone_as("other");
    other.commit("app.env", format!("DB_PASSWORD=\"{value}\"\n"), "leak");
    assert!(!other.push(&["HEAD:main"]).is_accepted());
    forge.configure("admin", "allow_self_approval = true");
    restart(&forge);
    let said = forge.say("incidents dismiss INC-1 --as false-positive --reason sample");
    assert_eq!(said.code, 0, "{said:?}");
    // The filter is built without the value.
    restart(&forge);
    let many = Many::pushed(&forge, &format!("it is {value} I think\n"));
    many.becomes_known();
    let said = forge.say("incidents reopen INC-1 --reason wrong");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!many.push_unknown("later.git").is_accepted());
}

#[test]
fn other_limits_make_everything_unknown() {
    let forge = Forge::start();
    let many = Many::pushed(&forge, "greeting\n");
    many.becomes_known();
    forge.configure("push", "layer_depth_max = 7");
    restart(&forge);
    assert!(many.push_unknown("other-limits.git").is_accepted());
}

#[test]
fn a_rule_that_is_added_makes_everything_unknown() {
    const RULE: &str = r#"provider = "The house"

[[rule]]
id = "house-token"
description = "House token"
identity = "house account"
reach = "Everything in the house."
keywords = ["HOUSE_"]
pattern = 'HOUSE_[A-Z]{12}'
confidence = "high"
severity = "high"
revoke = { how = "Change the lock.", url = "https://house.example/locks" }
replacement = "A key that opens for an hour."
references = ["https://house.example/tokens"]

[rule.examples]
match = ["HOUSE_{A-Z:12}", "x = HOUSE_{A-Z:12}"]
reject = ["HOUSE_{a-z:12}", "HOUSE_{A-Z:11}"]
"#;
    let forge = Forge::start();
    let many = Many::pushed(&forge, &format!("see {}_ABCDEFGHIJKL\n", "HOUSE"));
    many.becomes_known();
    fs::create_dir(forge.path("rules")).unwrap();
    fs::write(forge.path("rules/house.toml"), RULE).unwrap();
    let directories = json!([forge.path("rules")]);
    forge.configure("rules", &format!("directories = {directories}"));
    restart(&forge);
    let said = many.push_unknown("later.git");
    assert!(!said.is_accepted(), "{said:?}");
    assert!(said.remote().contains("House token"), "{said:?}");
}

#[test]
fn what_was_let_in_unscanned_is_not_known() {
    let forge = Forge::stopped();
    forge.configure("push", "push_bytes_max = 1048576");
    forge.configure("policy", "on_unscanned = \"accept\"");
    forge.serve();
    let secret = forge.plant(token::github());
    // Whatever the order of a pack, all of it is over the limit but for the first megabyte.
    let many = Many::committed(&forge, "greeting\n");
    for number in 0..40 {
        let filler = format!("{number} {}\n", "lorem ipsum dolor ".repeat(4_000));
        many.work.write(&format!("filler/{number}"), format!("{filler}TOKEN={secret}\n"));
    }
    many.work.commit("more", "more\n", "leak");
    many.work.push(&["HEAD:main"]);
    forge.stop();
    forge.configure("push", "push_bytes_max = 1073741824");
    forge.serve();
    let (said, _) = many.push_to_new("later.git");
    assert!(!said.is_accepted());
}

#[test]
fn what_was_scanned_while_the_daemon_was_away_is_not_known() {
    let forge = Forge::start();
    let many = Many::committed(&forge, "greeting\n");
    let first = Repository { forge: &forge, path: forge.path("first.git") };
    first.set("on_unavailable", "scan-locally");
    forge.stop();
    let said = many.work.push(&["HEAD:main"]);
    assert!(said.is_accepted(), "{said:?}");
    forge.serve();
    eventually("the spool is taken in", || forge.spool().is_empty());
    assert!(many.push_unknown("later.git").is_accepted());
}

#[test]
fn a_ledger_that_is_garbled_or_gone_lets_nothing_in() {
    let forge = Forge::start();
    let many = Many::pushed(&forge, "greeting\n");
    let secret = forge.plant(token::github());
    for (number, step) in [0, 1, 97, 4_096].into_iter().enumerate() {
        forge.stop();
        for file in fs::read_dir(forge.path("i/state/ledger")).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            if step == 0 {
                bytes.clear();
            } else {
                bytes.iter_mut().step_by(step).for_each(|byte| *byte ^= 0x5a);
            }
            fs::write(&path, bytes).unwrap();
        }
        forge.serve();
        let (said, _) = many.push_to_new(&format!("clean-{number}.git"));
        assert!(said.is_accepted(), "{said:?}");
        many.work.commit(&format!("leak-{number}"), format!("TOKEN={secret}\n"), "leak");
        let (said, _) = many.push_to_new(&format!("leak-{number}.git"));
        assert!(!said.is_accepted());
        many.work.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
}

#[test]
fn without_a_ledger_everything_is_scanned() {
    let forge = Forge::stopped();
    forge.configure("ledger", "rows_max = 0");
    forge.serve();
    let many = Many::pushed(&forge, "greeting\n");
    assert!(many.push_unknown("second.git").is_accepted());
    assert!(!forge.path("i/state/ledger").exists());
}

#[test]
fn a_fork_that_sends_nothing_is_known_and_what_is_new_in_its_network_is_not() {
    let forge = Forge::start();
    let many = Many::pushed(&forge, "greeting\n");
    let first = Repository { forge: &forge, path: forge.path("first.git") };
    let fork = |name: &str| {
        let fork = forge.repository(name);
        let store = format!("{}\n", first.path.join("objects").display());
        fs::write(fork.path.join("objects/info/alternates"), store).unwrap();
        fork
    };
    let mut number = 0;
    eventually("what the fork reaches is known", || {
        number += 1;
        assert!(many.push_to(&fork(&format!("fork-{number}.git"))).is_accepted());
        !known(&forge).is_empty()
    });
    // The files of the folder; what lies above them is too little to be asked about.
    assert_eq!(known(&forge), [FILES]);
    let secret = forge.plant(token::github());
    first.unguarded(|| {
        many.work.commit("dir/9", format!("TOKEN={secret}\n"), "leak");
        assert!(many.work.push(&["HEAD:refs/heads/leak"]).is_accepted());
    });
    let fork = fork("another-fork.git");
    let push = ["push", "--progress", fork.path.to_str().unwrap(), "HEAD:main"];
    let said = many.work.try_git(&push);
    assert!(said.err.contains("Total 0 "), "the client sends nothing: {said:?}");
    assert!(!said.is_accepted());
    assert!(said.remote().contains("dir/9"), "{said:?}");
}
