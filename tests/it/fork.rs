//! Ways to make what lies in a fork's shared store reachable without sending it.

use std::fmt::Write as _;
use std::process::Stdio;

use crate::forge::{Forge, Repository, Said, Work, git};
use crate::smuggle::{pack, raw_push};
use crate::token;

/// A repository that shares the objects of another one, which holds a secret; and a clone of it
/// where the pusher has all objects too.
struct Fork<'f> {
    forge: &'f Forge,
    repository: Repository<'f>,
    work: Work<'f>,
    secret: String,
    /// The blob with the secret.
    blob: String,
}

impl<'f> Fork<'f> {
    fn of(forge: &'f Forge) -> Self {
        let secret = forge.plant(token::github());
        let source = forge.bare("source.git", &[]);
        let leaky = source.clone_as("leaky");
        leaky.commit("a.env", format!("TOKEN={secret}\n"), "leak");
        assert!(leaky.push(&["HEAD:main"]).is_accepted());
        let blob = leaky.git(&["rev-parse", "HEAD:a.env"]);

        let repository = forge.repository("fork.git");
        let store = format!("{}\n", source.path.join("objects").display());
        std::fs::write(repository.path.join("objects/info/alternates"), &store).unwrap();
        let work = repository.clone_as("w");
        work.commit("README", "hello\n", "first");
        assert!(work.push(&["HEAD:main"]).is_accepted());
        std::fs::write(work.path.join(".git/objects/info/alternates"), &store).unwrap();
        Self { forge, repository, work, secret, blob }
    }

    /// Writes an object as it is, however odd, here or into the shared store.
    fn object(&self, place: Place, kind: &str, bytes: &[u8]) -> String {
        let directory = match place {
            Place::Here => self.work.path.clone(),
            Place::Shared => self.forge.path("source.git"),
        };
        let file = self.forge.path("object");
        std::fs::write(&file, bytes).unwrap();
        let mut command = git();
        command.arg("-C").arg(directory);
        command.args(["hash-object", "--literally", "-w", "-t", kind, "--stdin"]);
        let said = self.forge.run(command.stdin(Stdio::from(std::fs::File::open(file).unwrap())));
        assert_eq!(said.code, 0, "{said:?}");
        said.out.trim().to_owned()
    }

    /// Writes a tree of entries: mode, name, id.
    fn tree(&self, place: Place, entries: &[(&str, &str, &str)]) -> String {
        self.object(place, "tree", &tree(entries))
    }

    /// Writes a commit.
    fn commit(&self, place: Place, tree: &str, parents: &[&str], message: &str) -> String {
        let parents: String = parents.iter().map(|id| format!("parent {id}\n")).collect();
        let person = "A <a@example.org> 1700000000 +0000";
        let text =
            format!("tree {tree}\n{parents}author {person}\ncommitter {person}\n\n{message}\n");
        self.object(place, "commit", text.as_bytes())
    }

    fn head(&self) -> String {
        self.work.git(&["rev-parse", "HEAD"])
    }

    /// Creates a ref at `tip` with nothing but `objects` in the pack.
    fn push(&self, name: &str, tip: &str, objects: &[&str]) -> Said {
        let pack = pack(&self.work, objects);
        raw_push(&self.repository, &[[&"0".repeat(40), tip, name]], &pack)
    }

    /// Whether somebody who clones the repository gets the secret.
    fn is_out(&self) -> bool {
        let listed = self.repository.git(&["rev-list", "--objects", "--all"]);
        listed.out.contains(&self.blob)
    }

    #[track_caller]
    fn assert_refused(&self, said: &Said, why: &str) {
        assert!(!said.is_accepted(), "{said:?}");
        assert!(said.remote().contains(why), "{said:?}");
        assert!(!self.is_out());
    }
}

const FOUND: &str = "error: push refused - 1 credential in ";

/// Where an object is written.
#[derive(Clone, Copy)]
enum Place {
    /// In the pusher's clone: it is sent.
    Here,
    /// In the shared store: it is not.
    Shared,
}

fn tree(entries: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        let digits = id.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
        bytes.extend(digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
    }
    bytes
}

#[test]
fn a_commit_that_names_a_file_of_the_shared_store() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let tree = fork.tree(Place::Here, &[("100644", "b.env", &fork.blob)]);
    let tip = fork.commit(Place::Here, &tree, &[&fork.head()], "take it");
    let said = fork.push("refs/heads/evil", &tip, &[&tip, &tree]);
    fork.assert_refused(&said, FOUND);
}

#[test]
fn a_commit_of_more_parents_than_are_followed() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let tree = fork.tree(Place::Here, &[("100644", "b.env", &fork.blob)]);
    let head = fork.head();
    let tip = fork.commit(Place::Here, &tree, &vec![head.as_str(); 4_097], "take it");
    let said = fork.push("refs/heads/evil", &tip, &[&tip, &tree]);
    fork.assert_refused(&said, "too many objects");
}

#[test]
fn a_commit_that_is_too_long_to_be_followed() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let tree = fork.tree(Place::Here, &[("100644", "b.env", &fork.blob)]);
    let message = "word after word\n".repeat((33 << 20) / 16);
    let tip = fork.commit(Place::Here, &tree, &[&fork.head()], &message);
    let said = fork.push("refs/heads/evil", &tip, &[&tip, &tree]);
    fork.assert_refused(&said, "commits or tags too large");
}

#[test]
fn a_folder_that_is_too_long_to_be_followed() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let readme = fork.work.git(&["rev-parse", "HEAD:README"]);
    let names: Vec<String> = (0..150_000).map(|n| format!("{n:07}{}", "-".repeat(200))).collect();
    let mut entries: Vec<_> =
        names.iter().map(|name| ("100644", name.as_str(), readme.as_str())).collect();
    entries.push(("100644", "z.env", &fork.blob));
    let tree = fork.tree(Place::Here, &entries);
    let tip = fork.commit(Place::Here, &tree, &[&fork.head()], "take it");
    let said = fork.push("refs/heads/evil", &tip, &[&tip, &tree]);
    fork.assert_refused(&said, "commits or tags too large");
}

#[test]
fn more_tags_in_the_shared_store_than_are_followed() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let (mut target, mut kind) = (fork.blob.clone(), "blob");
    for number in 0..65 {
        let text = format!(
            "object {target}\ntype {kind}\ntag t{number}\ntagger A <a@example.org> 1 +0000\n\nx\n"
        );
        target = fork.object(Place::Shared, "tag", text.as_bytes());
        kind = "tag";
    }
    let readme = fork.work.git(&["rev-parse", "HEAD:README"]);
    let said = fork.push("refs/tags/evil", &target, &[&readme]);
    fork.assert_refused(&said, "too many tags");
}

#[test]
fn a_mode_of_more_digits_than_a_number_holds() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let readme = fork.work.git(&["rev-parse", "HEAD:README"]);
    let long = "40000000000000100644";
    for (name, entries) in [
        ("before", &[(long, "a", readme.as_str()), ("100644", "b.env", &fork.blob)][..]),
        ("itself", &[(long, "b.env", fork.blob.as_str())]),
    ] {
        let tree = fork.tree(Place::Here, entries);
        let tip = fork.commit(Place::Here, &tree, &[&fork.head()], name);
        let said = fork.push(&format!("refs/heads/{name}"), &tip, &[&tip, &tree]);
        fork.assert_refused(&said, FOUND);
    }
}

/// First an entry that says nothing of what lies there, then one that makes it a file.
#[track_caller]
fn check_two_steps(first: (&str, &str), second: (&str, &str)) {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let inner = fork.tree(Place::Shared, &[("100644", "b.env", &fork.blob)]);
    let id = |mode: &str| if mode == "100644" { fork.blob.clone() } else { inner.clone() };
    let id = id(second.0);
    let tree = fork.tree(Place::Here, &[(first.0, first.1, &id)]);
    let harmless = fork.commit(Place::Here, &tree, &[&fork.head()], "one");
    let said = fork.push("refs/heads/one", &harmless, &[&harmless, &tree]);
    assert!(said.is_accepted(), "{said:?}");
    assert!(!fork.is_out());

    let tree = fork.tree(Place::Here, &[(second.0, second.1, &id)]);
    let tip = fork.commit(Place::Here, &tree, &[&harmless], "two");
    let said = fork.push("refs/heads/two", &tip, &[&tip, &tree]);
    fork.assert_refused(&said, FOUND);
}

#[test]
fn a_submodule_that_becomes_a_file() {
    check_two_steps(("160000", "x"), ("100644", "x"));
    check_two_steps(("160000", "x"), ("100644", "y"));
}

#[test]
fn a_submodule_that_becomes_a_folder() {
    check_two_steps(("160000", "x"), ("40000", "x"));
    check_two_steps(("160000", "x"), ("40000", "y"));
}

#[test]
fn a_file_that_was_a_folder_all_along() {
    check_two_steps(("100644", "x"), ("40000", "x"));
    check_two_steps(("100644", "x"), ("40000", "y"));
}

#[test]
fn a_submodule_is_no_version_of_a_file() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let tree = fork.tree(Place::Here, &[("160000", "x", &fork.blob)]);
    let first = fork.commit(Place::Here, &tree, &[&fork.head()], "one");
    assert!(fork.push("refs/heads/one", &first, &[&first, &tree]).is_accepted());

    // The same secret in a file of its own, where the submodule was whose id is that of the blob.
    let content = format!("# mine\nTOKEN={}\n", fork.secret);
    let blob = fork.object(Place::Here, "blob", content.as_bytes());
    let tree = fork.tree(Place::Here, &[("100644", "x", &blob)]);
    let tip = fork.commit(Place::Here, &tree, &[&first], "two");
    let said = fork.push("refs/heads/two", &tip, &[&tip, &tree, &blob]);
    fork.assert_refused(&said, FOUND);
}

#[test]
fn one_folder_as_a_file_and_as_a_folder() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let inner = fork.tree(Place::Shared, &[("100644", "b.env", &fork.blob)]);
    for entries in [["100644", "40000"], ["40000", "100644"]] {
        let tree = fork.tree(Place::Here, &[(entries[0], "a", &inner), (entries[1], "b", &inner)]);
        let tip = fork.commit(Place::Here, &tree, &[&fork.head()], "both");
        let said = fork.push("refs/heads/evil", &tip, &[&tip, &tree]);
        assert!(!said.is_accepted(), "{said:?}");
        assert!(!fork.is_out());
    }
}

#[test]
fn what_only_looks_odd_passes() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let readme = fork.work.git(&["rev-parse", "HEAD:README"]);
    let mut nowhere = String::new();
    write!(nowhere, "{:040}", 7).unwrap();
    let tree = fork.tree(
        Place::Here,
        &[("100664", "a", &readme), ("160000", "m", &nowhere), ("0100644", "z", &readme)],
    );
    let tip = fork.commit(Place::Here, &tree, &[&fork.head()], "odd");
    let said = fork.push("refs/heads/odd", &tip, &[&tip, &tree]);
    assert!(said.is_accepted(), "{said:?}");
}

#[test]
fn a_history_that_the_push_claims_to_be_cut_off() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    fork.repository.git(&["config", "receive.shallowUpdate", "true"]);
    let tree = fork.tree(Place::Shared, &[("100644", "b.env", &fork.blob)]);
    let below = fork.commit(Place::Shared, &tree, &[], "below");
    let tree = fork.work.git(&["rev-parse", "HEAD^{tree}"]);
    let tip = fork.commit(Place::Here, &tree, &[&below], "tip");
    let evil = format!("{tip}:refs/heads/evil");
    fork.work.write(".git/shallow", format!("{tip}\n"));
    // As long as git keeps to it that the history ends here, nothing of the rest gets out.
    assert!(fork.work.push(&[&evil]).is_accepted());
    assert!(!fork.is_out());
    std::fs::remove_file(fork.work.path.join(".git/shallow")).unwrap();
    assert!(fork.work.push(&[&format!("{tip}:refs/heads/again")]).is_accepted());
    assert!(!fork.is_out());

    assert!(fork.work.push(&[":refs/heads/evil", ":refs/heads/again"]).is_accepted());
    assert_eq!(fork.repository.git(&["prune", "--expire=never"]).code, 0);
    fork.assert_refused(&fork.work.push(&[&evil]), FOUND);
}

#[test]
fn tags_of_tags_of_a_folder_in_the_shared_store() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let inner = fork.tree(Place::Shared, &[("100644", "b.env", &fork.blob)]);
    let tree = fork.tree(Place::Shared, &[("40000", "a", &inner)]);
    let tag = |place, target: &str, kind: &str| {
        let text =
            format!("object {target}\ntype {kind}\ntag t\ntagger A <a@example.org> 1 +0000\n\nx\n");
        fork.object(place, "tag", text.as_bytes())
    };
    let first = tag(Place::Shared, &tree, "tree");
    let second = tag(Place::Here, &first, "tag");
    let readme = fork.work.git(&["rev-parse", "HEAD:README"]);
    fork.assert_refused(&fork.push("refs/tags/t2", &second, &[&second]), FOUND);
    fork.assert_refused(&fork.push("refs/tags/t1", &first, &[&readme]), FOUND);
    fork.assert_refused(&fork.push("refs/tags/tree", &tree, &[&readme]), FOUND);
    fork.assert_refused(&fork.push("refs/tags/blob", &fork.blob, &[&readme]), FOUND);
}

#[test]
fn entries_of_one_name_and_entries_out_of_order() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let readme = fork.work.git(&["rev-parse", "HEAD:README"]);
    for (name, entries) in [
        ("twice", [("100644", "README", readme.as_str()), ("100644", "README", &fork.blob)]),
        ("first", [("100644", "README", fork.blob.as_str()), ("100644", "README", &readme)]),
        ("order", [("100644", "z", readme.as_str()), ("100644", "README", &fork.blob)]),
    ] {
        let tree = fork.tree(Place::Here, &entries);
        let tip = fork.commit(Place::Here, &tree, &[&fork.head()], name);
        let said = fork.push(&format!("refs/heads/{name}"), &tip, &[&tip, &tree]);
        fork.assert_refused(&said, FOUND);
    }
}

#[test]
fn a_commit_below_a_tag_that_no_ref_names() {
    let forge = Forge::start();
    let fork = Fork::of(&forge);
    let tree = fork.tree(Place::Shared, &[("100644", "b.env", &fork.blob)]);
    let hidden = fork.commit(Place::Shared, &tree, &[], "hidden");
    let text =
        format!("object {hidden}\ntype commit\ntag t\ntagger A <a@example.org> 1 +0000\n\nx\n");
    let tag = fork.object(Place::Here, "tag", text.as_bytes());
    let said = fork.push("refs/heads/copy", &fork.head(), &[&tag]);
    fork.assert_refused(&said, FOUND);
}
