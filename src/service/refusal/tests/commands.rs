//! Applies the printed commands, literally and in order, to real repositories.
//!
//! Only a person's part is played: `sed` takes the secret out of the file that the text names, and
//! git's editor is one that takes it out of messages. Afterwards no object that the pushed refs
//! reach may hold the secret, nor may a ref's or file's name, and the push must go through.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::super::*;
use super::fixture::Blueprint;

/// Stands for a credential.
const MARKER: &str = "TOPSECRET";

/// How the caller masks it in names.
const MASKED: &str = "********";

/// A clone with one clean commit that is pushed, and a server that takes everything.
struct Clone {
    root: tempfile::TempDir,
}

impl Clone {
    fn new() -> Self {
        let clone = Self { root: tempfile::tempdir().unwrap() };
        std::fs::write(
            clone.root.path().join("editor"),
            format!("#!/bin/sh\nsed -i.bak s/{MARKER}/gone/g \"$1\"\necho written >> \"$1\"\n"),
        )
        .unwrap();
        clone.sh("chmod +x editor; git init -q --bare -b main server; git init -q -b main work");
        clone.run("git remote add origin ../server");
        clone
    }

    /// A clone whose first commit is on the server.
    fn with_base() -> Self {
        let clone = Self::new();
        clone.run("printf 'base\\n\\n\\n\\n' > a; git add a; git commit -qm base");
        clone.run("git push -qu origin main");
        clone
    }

    fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Runs a script in the working tree; it must succeed.
    #[track_caller]
    fn run(&self, script: &str) -> String {
        self.checked(script, &self.work())
    }

    #[track_caller]
    fn sh(&self, script: &str) -> String {
        self.checked(script, self.root.path())
    }

    #[track_caller]
    fn checked(&self, script: &str, folder: &Path) -> String {
        let out = self.shell(script, folder);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let errors = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{script}\n{text}{errors}");
        text
    }

    fn shell(&self, script: &str, folder: &Path) -> Output {
        Command::new("sh")
            .args(["-ec", script])
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.com")
            .env("GIT_EDITOR", self.root.path().join("editor"))
            .output()
            .unwrap()
    }

    fn id(&self, revision: &str) -> Oid {
        let hex = self.run(&format!("git rev-parse {revision}"));
        Oid::from_hex(hex.trim().as_bytes()).unwrap()
    }

    fn exists(&self, revision: &str) -> bool {
        let script = format!("git rev-parse -q --verify {revision}");
        self.shell(&script, &self.work()).status.success()
    }

    fn reference(&self, name: &str) -> Reference {
        let old = format!("refs/remotes/origin/{}", name.trim_start_matches("refs/heads/"));
        Reference {
            name: name.replace(MARKER, MASKED).into_bytes(),
            old: self.exists(&old).then(|| self.id(&old)),
            new: self.id(name),
            target: self.id(&format!("{name}^{{}}")),
            is_forced: false,
        }
    }

    /// Describes a place on `main` as the daemon would, from what git says.
    fn place(&self, container: Container, revision: &str, path: &str) -> Place {
        self.place_on("refs/heads/main", container, revision, path)
    }

    fn place_on(&self, name: &str, container: Container, revision: &str, path: &str) -> Place {
        let id = self.id(revision);
        let lines = |script: String| self.run(&script).lines().count();
        let parents = |id: &str| lines(format!("git rev-parse {id}^@"));
        let above = self.run(&format!("git rev-list {id}..{name}"));
        let blob = |at: &str| format!("{at}:{path}");
        let (here, there) = (blob(&id.to_string()), blob(name));
        let at_tip = path.is_empty()
            || (self.exists(&there)
                && self
                    .run(&format!("git rev-parse {here} {there}"))
                    .lines()
                    .collect::<std::collections::BTreeSet<_>>()
                    .len()
                    == 1);
        let (object, line) = match container {
            Container::TreeEntry => self.entry(id, path),
            _ => (id, 1),
        };
        Place {
            layers: Vec::new(),
            container,
            is_new: true,
            object: Some(object),
            commit: Some(Commit {
                id,
                order: u32::try_from(lines(format!("git rev-list {id}"))).unwrap(),
                subject: self
                    .run(&format!("git log -1 --format=%s {id}"))
                    .trim()
                    .replace(MARKER, MASKED)
                    .into_bytes(),
                topology: Topology {
                    is_tip: above.is_empty(),
                    is_root: parents(&id.to_string()) == 0,
                    is_merge: parents(&id.to_string()) > 1,
                    below_merge: above.lines().any(|commit| parents(commit) > 1),
                    at_tip,
                    is_forced: false,
                    commits_above: u32::try_from(above.lines().count()).unwrap(),
                },
            }),
            path: path.replace(MARKER, MASKED).into_bytes(),
            line,
            in_header: false,
            reference: Some(self.reference(name)),
        }
    }

    /// Returns the tree that lists a path in a commit, and as which of its entries.
    fn entry(&self, commit: Oid, path: &str) -> (Oid, u64) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let tree = self.id(&format!("{commit}:{folder}"));
        let names = self.run(&format!("git ls-tree --name-only {tree}"));
        let at = names.lines().position(|entry| entry == name).unwrap();
        (tree, at as u64 + 1)
    }

    /// Plays the developer: takes the secret out of the files, pastes the commands, and looks at
    /// what the server has then.
    #[track_caller]
    fn mend(&self, places: Vec<Place>) -> Vec<String> {
        self.mend_all(vec![places])
    }

    #[track_caller]
    fn mend_all(&self, findings: Vec<Vec<Place>>) -> Vec<String> {
        let mut refusal = Blueprint::default().refusal();
        refusal.findings = findings
            .into_iter()
            .map(|places| Finding { places, ..Blueprint::default().finding() })
            .collect();
        let commands = pasted(&render(&refusal));
        self.run(&format!("git grep -lz {MARKER} | xargs -0r sed -i.bak s/{MARKER}/gone/g"));
        self.run(&commands.join("\n"));
        self.assert_clean();
        commands
    }

    #[track_caller]
    fn assert_clean(&self) {
        let refs = self.sh("git -C server for-each-ref");
        assert!(!refs.is_empty(), "nothing was pushed");
        assert!(!refs.contains(MARKER), "{refs}");
        let objects = self.sh("git -C server rev-list --objects --all | cut -d' ' -f1 | \
             while read id; do git -C server cat-file -p $id; done");
        assert!(!objects.contains(MARKER), "{objects}");
    }
}

/// Returns the lines that a developer pastes: those that begin with two spaces and `git`, and what
/// a backslash continues.
fn pasted(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let Some(command) = line.strip_prefix("  ") else {
            continue;
        };
        if goes_on || command.starts_with("git ") {
            goes_on = command.ends_with('\\');
            commands.push(command.to_owned());
        }
    }
    commands
}

const BLOB: Container = Container::Blob;

#[test]
fn the_tip() {
    let clone = Clone::with_base();
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf"));
    let commands = clone.mend(vec![clone.place(BLOB, "main", "conf")]);
    assert_eq!(commands[1..], ["git commit --amend --no-edit -a", "git push origin HEAD:main"]);
}

#[test]
fn the_tip_of_a_new_branch() {
    let clone = Clone::with_base();
    clone.run("git switch -qc topic/x");
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf"));
    let commands = clone.mend(vec![clone.place_on("refs/heads/topic/x", BLOB, "HEAD", "conf")]);
    assert_eq!(
        commands[1..],
        ["git commit --amend --no-edit -a", "git push -u origin HEAD:refs/heads/topic/x"]
    );
}

#[test]
fn an_earlier_commit() {
    let clone = Clone::with_base();
    clone.run("echo more >> a; git commit -qam before");
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf"));
    clone.run("echo more >> a; git commit -qam after");
    clone.mend(vec![clone.place(BLOB, "main~1", "conf")]);
    assert_eq!(clone.run("git log --format=%s").lines().count(), 4);
}

#[test]
fn an_earlier_commit_whose_file_went_on() {
    let clone = Clone::with_base();
    clone.run(&format!(
        "printf '{MARKER}\\n\\n\\n\\n\\nx\\n' > conf; git add conf; git commit -qm conf"
    ));
    clone.run("echo more >> conf; git commit -qam more");
    let mut later = clone.place(BLOB, "main", "conf");
    later.is_new = false;
    clone.mend(vec![clone.place(BLOB, "main~1", "conf"), later]);
    assert_eq!(clone.run("git log --format=%s").lines().count(), 3);
}

#[test]
fn several_files_in_several_commits() {
    let clone = Clone::with_base();
    let long = "services/payments/configuration/production/settings.yml";
    clone.run(&format!("echo {MARKER} > one; git add one; git commit -qm one"));
    clone.run(&format!(
        "mkdir -p {}; echo {MARKER} > {long}; git add .; git commit -qm two",
        Path::new(long).parent().unwrap().display()
    ));
    let findings =
        vec![vec![clone.place(BLOB, "main~1", "one")], vec![clone.place(BLOB, "main", long)]];
    clone.mend_all(findings);
    assert_eq!(clone.run("git log --format=%s"), "two\none\nbase\n");
}

#[test]
fn the_same_file_in_several_commits_is_squashed() {
    let clone = Clone::with_base();
    clone.run(&format!("echo {MARKER}1 > one; git add one; git commit -qm one"));
    clone.run(&format!("echo {MARKER}2 >> one; git commit -qam two"));
    let commands = clone.mend_all(vec![
        vec![clone.place(BLOB, "main~1", "one"), clone.place(BLOB, "main", "one")],
        vec![clone.place(BLOB, "main", "one")],
    ]);
    assert!(commands.contains(&"git commit -a".to_owned()), "{commands:?}");
}

#[test]
fn the_root_commit() {
    let clone = Clone::new();
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf"));
    clone.run("echo b > b; git add b; git commit -qm b");
    let commands = clone.mend(vec![clone.place(BLOB, "main~1", "conf")]);
    assert!(commands.iter().any(|command| command.ends_with("--root")), "{commands:?}");
    assert_eq!(clone.run("git log --format=%s"), "b\nconf\n");
}

#[test]
fn the_root_commit_as_tip() {
    let clone = Clone::new();
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf"));
    clone.mend(vec![clone.place(BLOB, "main", "conf")]);
}

/// A topic whose first commit is of this content and message, merged into a `main` that went on
/// and is on the server.
fn below_a_merge(content: &str, message: &str) -> Clone {
    let clone = Clone::with_base();
    clone.run(&format!(
        "git switch -qc topic; echo {content} > conf; git add conf; git commit -qm '{message}'"
    ));
    clone.run("echo c > c; git add c; git commit -qm c");
    clone.run("git switch -q main; echo b > b; git add b; git commit -qm b; git push -q");
    clone.run("git merge -q --no-ff -m merged topic; git branch -qD topic");
    clone
}

#[test]
fn below_a_merge_both_lines_stay() {
    let clone = below_a_merge(MARKER, "conf");
    let commands = clone.mend(vec![clone.place(BLOB, "main^2~1", "conf")]);
    assert!(commands.iter().any(|command| command.contains(" -r ")), "{commands:?}");
    assert_eq!(clone.run("git rev-list --merges --count HEAD"), "1\n");
}

#[test]
fn a_message_below_a_merge() {
    let clone = below_a_merge("clean", MARKER);
    clone.mend(vec![clone.place(Container::Commit, "main^2~1", "")]);
    assert_eq!(clone.run("git rev-list --merges --count HEAD"), "1\n");
}

#[test]
fn message_and_file_below_a_merge_are_squashed() {
    let clone = below_a_merge(MARKER, MARKER);
    let places =
        vec![clone.place(Container::Commit, "main^2~1", ""), clone.place(BLOB, "main^2~1", "conf")];
    clone.mend(places);
}

#[test]
fn the_content_of_a_merge_commit() {
    let clone = Clone::with_base();
    clone.run("git switch -qc side; echo s > s; git add s; git commit -qm side");
    clone.run("git switch -q main; echo t > t; git add t; git commit -qm t");
    clone.run("git merge -q --no-ff --no-commit side");
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm evil"));
    clone.run("echo u > u; git add u; git commit -qm u");
    clone.mend(vec![clone.place(BLOB, "main~1", "conf")]);
}

#[test]
fn the_tip_is_a_merge() {
    let clone = Clone::with_base();
    clone.run("git switch -qc side; echo s > s; git add s; git commit -qm side");
    clone.run("git switch -q main; git merge -q --no-ff --no-commit side");
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm evil"));
    clone.mend(vec![clone.place(BLOB, "main", "conf")]);
}

#[test]
fn added_and_removed_later() {
    let clone = Clone::with_base();
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf"));
    clone.run("echo clean > conf; git commit -qam clean");
    clone.mend(vec![clone.place(BLOB, "main~1", "conf")]);
    assert_eq!(clone.run("cat conf"), "clean\n");
}

#[test]
fn added_in_the_root_and_removed_later() {
    let clone = Clone::new();
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf"));
    clone.run("git rm -q conf; echo b > b; git add b; git commit -qm clean");
    clone.mend(vec![clone.place(BLOB, "main~1", "conf")]);
}

#[test]
fn the_message_of_the_tip() {
    let clone = Clone::with_base();
    clone.run(&format!("echo b > b; git add b; git commit -qm 'use {MARKER}'"));
    let commands = clone.mend(vec![clone.place(Container::Commit, "main", "")]);
    assert_eq!(commands[1..], ["git commit --amend", "git push origin HEAD:main"]);
}

#[test]
fn earlier_messages() {
    let clone = Clone::with_base();
    for file in ["b", "c", "d"] {
        clone.run(&format!("echo 1 > {file}; git add {file}; git commit -qm '{file} {MARKER}'"));
    }
    let place = |revision| vec![clone.place(Container::Commit, revision, "")];
    let places = vec![place("main~2"), place("main~1"), place("main")];
    clone.mend_all(places);
}

#[test]
fn one_earlier_message_opens_one_editor() {
    let clone = Clone::with_base();
    clone.run(&format!("echo 1 > b; git add b; git commit -qm 'b {MARKER}'"));
    clone.run("echo 1 > c; git add c; git commit -qm c");
    clone.mend(vec![clone.place(Container::Commit, "main~1", "")]);
    assert_eq!(clone.run("git log --format=%B | grep -c written"), "1\n");
}

#[test]
fn message_and_file_of_one_earlier_commit() {
    let clone = Clone::with_base();
    clone.run(&format!("echo {MARKER} > b; git add b; git commit -qm 'b {MARKER}'"));
    clone.run("echo 1 > c; git add c; git commit -qm c");
    let message = clone.place(Container::Commit, "main~1", "");
    clone.mend(vec![message, clone.place(BLOB, "main~1", "b")]);
}

#[test]
fn file_names() {
    let clone = Clone::with_base();
    clone.run(&format!("mkdir keys; echo k > keys/{MARKER}.txt; git add .; git commit -qm k"));
    let name = format!("keys/{MARKER}.txt");
    let commands = clone.mend(vec![clone.place(Container::TreeEntry, "main", &name)]);
    assert!(commands.contains(&"git -C keys mv \\".to_owned()), "{commands:?}");
}

#[test]
fn an_earlier_file_name() {
    let clone = Clone::with_base();
    clone.run(&format!("echo k > {MARKER}.txt; git add .; git commit -qm k"));
    clone.run("echo 1 > c; git add c; git commit -qm c");
    let name = format!("{MARKER}.txt");
    clone.mend(vec![clone.place(Container::TreeEntry, "main~1", &name)]);
    assert_eq!(clone.run("git log --format=%s"), "c\nk\nbase\n");
}

#[test]
fn a_branch_name() {
    let clone = Clone::with_base();
    clone.run(&format!("git switch -qc fix-{MARKER}; echo 1 > c; git add c; git commit -qm c"));
    let mut place =
        clone.place_on(&format!("refs/heads/fix-{MARKER}"), Container::RefName, "HEAD", "");
    place.commit = None;
    let commands = clone.mend(vec![place]);
    assert_eq!(commands.last().unwrap(), "git push -u origin HEAD:refs/heads/new-name");
}

fn tag(clone: &Clone, name: &str, container: Container) -> Place {
    let place = clone.place_on(&format!("refs/tags/{name}"), container, name, "");
    Place { commit: None, ..place }
}

#[test]
fn a_tag_message() {
    let clone = Clone::with_base();
    clone.run(&format!("git tag -am 'release {MARKER}' v1"));
    clone.mend(vec![tag(&clone, "v1", Container::Tag)]);
    assert_eq!(clone.sh("git -C server cat-file -t v1"), "tag\n");
    assert_eq!(clone.run("git rev-parse 'v1^{commit}'"), clone.run("git rev-parse main"));
}

#[test]
fn a_tag_name() {
    let clone = Clone::with_base();
    clone.run(&format!("git tag v1-{MARKER}"));
    clone.mend(vec![tag(&clone, &format!("v1-{MARKER}"), Container::RefName)]);
    assert_eq!(clone.sh("git -C server tag"), "new-name\n");
}

#[test]
fn the_name_of_an_annotated_tag_stands_in_it_too() {
    let clone = Clone::with_base();
    clone.run(&format!("git tag v0; git tag -am 'release {MARKER}' {MARKER}"));
    clone.mend(vec![tag(&clone, MARKER, Container::Tag), tag(&clone, MARKER, Container::RefName)]);
    assert_eq!(clone.sh("git -C server cat-file -t new-name"), "tag\n");
    assert!(clone.run("git tag").contains("v0"), "no other tag is touched");
}

#[test]
fn a_tag_that_brings_commits() {
    let clone = Clone::with_base();
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf; git tag v1"));
    clone.mend(vec![clone.place_on("refs/tags/v1", BLOB, "v1", "conf")]);
    assert_eq!(clone.sh("git -C server tag"), "v1\n");
}

#[test]
fn a_note() {
    let clone = Clone::with_base();
    clone.run(&format!("git notes add -m 'see {MARKER}'"));
    let path = clone.run("git ls-tree -r --name-only refs/notes/commits");
    let notes = "refs/notes/commits";
    clone.mend(vec![clone.place_on(notes, BLOB, notes, path.trim())]);
    assert!(clone.run("git notes show").contains("see gone"));
}

#[test]
fn a_note_that_was_taken_out_later() {
    let clone = Clone::with_base();
    clone.run(&format!("git notes add -m 'see {MARKER}'"));
    let path = clone.run("git ls-tree -r --name-only refs/notes/commits");
    clone.run("git notes add -fm clean");
    let notes = "refs/notes/commits";
    clone.mend(vec![clone.place_on(notes, BLOB, "refs/notes/commits^", path.trim())]);
    assert_eq!(clone.run("git notes show"), "clean\n");
}

#[test]
fn two_branches_and_a_tag() {
    let clone = Clone::with_base();
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf"));
    clone.run(&format!(
        "git switch -qc dev origin/main; echo {MARKER} > d; git add d; git commit -qm d"
    ));
    clone.run("git push -q origin origin/main:refs/heads/dev; git branch -qu origin/dev");
    clone.run(&format!("git tag -am 'release {MARKER}' v1 origin/main"));
    let places = vec![
        clone.place_on("refs/heads/dev", BLOB, "dev", "d"),
        clone.place(BLOB, "main", "conf"),
        tag(&clone, "v1", Container::Tag),
    ];
    let mut refusal = Blueprint::default().refusal();
    refusal.findings[0].places = places;
    let commands = pasted(&render(&refusal));
    // Two branches are two working trees to clean: the developer's part is played in between.
    let clean = format!("git grep -lz {MARKER} | xargs -0r sed -i.bak s/{MARKER}/gone/g\n");
    let commands = commands
        .iter()
        .map(|c| format!("{c}\n{}", if c.starts_with("git switch") { &clean } else { "" }));
    clone.run(&commands.collect::<String>());
    clone.assert_clean();
    assert_eq!(clone.sh("git -C server rev-list --all --count"), "3\n");
}

#[test]
fn an_object_that_nothing_reaches() {
    let clone = Clone::with_base();
    clone.run(&format!(
        "echo {MARKER} | git hash-object -w --stdin; echo b > b; git add b; git commit -qm b"
    ));
    let place = clone.place(BLOB, "main", "b");
    let commands = clone.mend(vec![Place { commit: None, reference: None, ..place }]);
    assert!(commands.iter().any(|command| command.contains("fresh-clone")), "{commands:?}");
}

#[test]
fn a_forced_push_stays_forced() {
    let clone = Clone::with_base();
    clone.run("echo b > b; git add b; git commit -qm b; git push -q; git reset -q --hard HEAD^");
    clone.run(&format!("echo {MARKER} > conf; git add conf; git commit -qm conf"));
    let mut place = clone.place(BLOB, "main", "conf");
    place.reference.as_mut().unwrap().is_forced = true;
    let commands = clone.mend(vec![place]);
    assert_eq!(commands.last().unwrap(), "git push --force-with-lease origin HEAD:main");
}
