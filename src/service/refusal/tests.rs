//! What pushers read, word by word; `commands` tries what it tells them to do.

mod commands;
mod fixture;

use fixture::{Blueprint, EARLIER, Spot, TIP, branch, oid};
use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

/// Renders a refusal for one secret at these places, less the lines that are always the same.
fn told(spots: impl IntoIterator<Item = Spot>) -> String {
    let text = render(&Blueprint::of(spots).refusal());
    let same = ["    why:", "    owner:", "    ticket:", "[1] "];
    let lines = text.lines().take_while(|line| !line.starts_with("hint: If it was"));
    let lines = lines.filter(|line| !same.iter().any(|start| line.starts_with(start)));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn tag(name: &str, old: Option<Oid>) -> Reference {
    Reference { name: format!("refs/tags/{name}").into_bytes(), old, ..branch("") }
}

#[test]
fn a_refusal_in_full() {
    let text = render(&Blueprint::default().refusal());
    assert_snapshot!(text, @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

    [1] Example access token  exam************9z
        9c9c9c9  deploy/prod.env:14  "add payment config"
        why: its checksum is right
        owner: payments-oncall (path deploy/** in owners.toml:4)
        ticket: TKT-12, opened just now

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Take it out of the file, then (for origin, say your remote):
      git commit --amend --no-edit -a
      git push origin HEAD:main

    hint: If it was ever used, rotate it: Delete the token under Settings,
          Access tokens.
      https://example.com/settings/tokens
      Better: let jobs sign in by OpenID Connect; their tokens live for
              minutes.
    hint: Not a secret? Ask #security on chat to run:
      pushwarden incidents dismiss INC-7 --as false-positive --reason ...
    ref 1f1f1f1f1f1f (rule example-access-token, confidence high)
    "#);
}

#[test]
fn an_earlier_commit_and_one_that_carries_it_on() {
    let later = Spot { is_new: false, ..Spot::at(0x9d, TIP) };
    assert_snapshot!(told([Spot::at(0x9c, EARLIER), later]), @r#"
    error: push refused - 1 credential in 2 commits. Nothing was stored.

        9c9c9c9  deploy/prod.env:14  "add payment config"
        9d9d9d9  deploy/prod.env:14  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Deleting it in a new commit is not enough. Take it out of the
          file, then (for origin, say your remote):
      git commit -a --fixup=9c9c9c9
      git -c sequence.editor=: rebase -i --autosquash 9c9c9c9~
      git push origin HEAD:main
    hint: If that stops in a conflict, squash: git rebase --abort; git reset
          --soft 9c9c9c9~; git commit -a.
    "#);
}

#[test]
fn the_root_commit() {
    let root = Topology { is_root: true, ..EARLIER };
    assert_snapshot!(told([Spot::at(0x9c, root)]), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  deploy/prod.env:14  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Deleting it in a new commit is not enough. Take it out of the
          file, then (for origin, say your remote):
      git commit -a --fixup=9c9c9c9
      git -c sequence.editor=: rebase -i --autosquash --root
      git push origin HEAD:main
    hint: If that stops in a conflict, squash: git rebase --abort; git
          update-ref -d HEAD; git commit -a.
    "#);
}

#[test]
fn below_a_merge() {
    let below = Topology { below_merge: true, ..EARLIER };
    assert_snapshot!(told([Spot::at(0x9c, below)]), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  deploy/prod.env:14  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Deleting it in a new commit is not enough. Take it out of the
          file, then (for origin, say your remote):
      git commit -a --fixup=9c9c9c9
      git -c sequence.editor=: rebase -i --autosquash -r 9c9c9c9~
      git push origin HEAD:main
    "#);
}

#[test]
fn added_and_removed_later() {
    let gone = Topology { at_tip: false, ..EARLIER };
    assert_snapshot!(told([Spot::at(0x9c, gone)]), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  deploy/prod.env:14  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Deleting it in a later commit is not enough: the earlier one would
          be stored, and anyone could fetch it. Make one commit of them (for
          origin, say your remote):
      git reset --soft 9c9c9c9~
      git commit -a
      git push origin HEAD:main
    "#);
}

#[test]
fn in_a_merge_commit() {
    let merge = Topology { is_merge: true, ..EARLIER };
    assert_snapshot!(told([Spot::at(0x9c, merge)]), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  deploy/prod.env:14  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Take it out of the file, then make one commit of all since (for
          origin, say your remote):
      git reset --soft aaaaaaa
      git commit -a
      git push origin HEAD:main
    "#);
}

#[test]
fn two_files_of_two_commits() {
    let other = Spot { path: b"b", ..Spot::at(0x9b, EARLIER) };
    assert_snapshot!(told([other, Spot::default()]), @r#"
    error: push refused - 1 credential in 2 commits. Nothing was stored.

        9b9b9b9  b:14  "add payment config"
        9c9c9c9  deploy/prod.env:14  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Deleting it in a new commit is not enough. Take it out of the
          file, then (for origin, say your remote):
      git commit --fixup=9b9b9b9 -- :/b
      git commit --fixup=9c9c9c9 -- :/deploy/prod.env
      git -c sequence.editor=: rebase -i --autosquash 9b9b9b9~
      git push origin HEAD:main
    "#);
}

fn message(topology: Topology) -> Spot {
    Spot { container: Container::Commit, path: b"", ..Spot::at(0x9c, topology) }
}

#[test]
fn the_message_of_the_tip() {
    assert_snapshot!(told([message(TIP)]), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  in the commit message  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Take it out of the message (your editor opens), then (for origin,
          say your remote):
      git commit --amend
      git push origin HEAD:main
    "#);
}

#[test]
fn an_earlier_message() {
    assert_snapshot!(told([message(EARLIER)]), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  in the commit message  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Take it out of the message; your editor opens with it (for origin,
          say your remote):
      git -c sequence.editor="sed -i.bak 1s/pick/r/" rebase -i 9c9c9c9~
      git push origin HEAD:main
    "#);
}

#[test]
fn a_message_below_a_merge() {
    assert_snapshot!(told([message(Topology { below_merge: true, ..EARLIER })]), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  in the commit message  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Take it out of the message; your editor opens with it (for origin,
          say your remote):
      git -c sequence.editor="sed -i.bak /9c9c9c9/s/pick/r/" \
        rebase -i -r 9c9c9c9~
      git push origin HEAD:main
    "#);
}

#[test]
fn a_file_name() {
    let name =
        Spot { container: Container::TreeEntry, path: b"keys/********.txt", ..Spot::default() };
    assert_snapshot!(told([name]), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  in the name of the file keys/********.txt  "add payment..."

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: In the top folder of your clone, rename the file, then (for
          origin, say your remote):
      git -C keys mv \
        "$(git ls-tree --name-only ccccccc | sed -n 14p)" new-name
      git commit --amend --no-edit
      git push origin HEAD:main
    "#);
}

#[test]
fn a_branch_name() {
    let reference = Some(Reference { old: None, ..branch("fix-********") });
    let spot = Spot { container: Container::RefName, commit: None, reference, ..Spot::default() };
    assert_snapshot!(told([spot]), @r#"
    error: push refused - 1 credential in a ref name. Nothing was stored.

        in the name of the branch fix-********

    hint: Push it under another name; then delete the old branch (git branch
          -D) (for origin, say your remote):
      git switch -c new-name bbbbbbb
      git push -u origin HEAD:refs/heads/new-name
    "#);
}

#[test]
fn a_tag_message_on_a_tag_that_exists() {
    let reference = Some(tag("v1", Some(oid(1))));
    let spot = Spot { container: Container::Tag, commit: None, reference, ..Spot::default() };
    assert_snapshot!(told([spot]), @r#"
    error: push refused - 1 credential in a tag. Nothing was stored.

        in the message of the tag v1

    hint: Make the tag anew; your editor opens with its message, take it out
          there (for origin, say your remote):
      git tag -f -a v1 "bbbbbbb^{}"
      git push --force origin refs/tags/v1
    "#);
}

#[test]
fn a_tag_name() {
    let reference = Some(tag("v1-********", None));
    let spot = Spot { container: Container::RefName, commit: None, reference, ..Spot::default() };
    assert_snapshot!(told([spot]), @"
    error: push refused - 1 credential in a ref name. Nothing was stored.

        in the name of the tag v1-********

    hint: Give the tag another name, and delete the old one (git tag -d)
          (for origin, say your remote):
      git tag new-name bbbbbbb
      git push origin new-name
    ");
}

#[test]
fn a_tag_of_a_blob() {
    let reference = Some(tag("key", None));
    let spot = Spot { commit: None, reference, ..Spot::default() };
    assert_snapshot!(told([spot]), @r#"
    error: push refused - 1 credential in an object. Nothing was stored.

        in what the tag key points to

    hint: Do not push that ref; it points at the secret itself:
      git tag -d key
    "#);
}

#[test]
fn a_note() {
    let reference = Some(Reference { name: b"refs/notes/commits".to_vec(), ..branch("") });
    let path = b"01/23456789012345678901234567890123456789";
    let spot = Spot { path, reference, ..Spot::default() };
    assert_snapshot!(told([spot]), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  in the note on 0123456  "add payment config"

    hint: Take it out of the note; then its history becomes one commit (for
          origin, say your remote):
      git notes --ref=commits edit 0123456789
      git update-ref refs/notes/commits \
        $(git commit-tree -m notes -p aaaaaaa refs/notes/commits:)
      git push origin refs/notes/commits
    "#);
}

#[test]
fn a_push_option() {
    let spot =
        Spot { container: Container::PushOption, commit: None, reference: None, ..Spot::default() };
    assert_snapshot!(told([spot]), @r#"
    error: push refused - 1 credential in a push option. Nothing was stored.

        in a push option

    hint: Push again without that push option (-o):
    "#);
}

#[test]
fn an_object_that_nothing_reaches() {
    let spot = Spot { commit: None, reference: None, ..Spot::default() };
    assert_snapshot!(told([spot]), @r#"
    error: push refused - 1 credential in an object. Nothing was stored.

        in a pushed object that no branch or tag points to (ccccccc)

    hint: Git does not send such objects by itself. Push from a fresh clone
          of your work, which leaves them behind (for origin, say your
          remote):
      git clone --no-local . ../fresh-clone && cd ../fresh-clone
      git remote set-url origin $(git -C "$OLDPWD" remote get-url origin)
      git push -u origin HEAD
    "#);
}

#[test]
fn a_new_branch_and_a_forced_one() {
    let new = Some(Reference { old: None, ..branch("topic") });
    let forced = Some(Reference { is_forced: true, ..branch("wip") });
    let spots = [new, forced].map(|reference| Spot { reference, ..Spot::default() });
    assert_snapshot!(told(spots), @r#"
    error: push refused - 1 credential in 1 commit. Nothing was stored.

        9c9c9c9  deploy/prod.env:14  "add payment config"

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Take it out of the file, then (for origin, say your remote):
      git commit --amend --no-edit -a
      git push -u origin HEAD:refs/heads/topic

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Take it out of the file, then:
      git commit --amend --no-edit -a
      git push --force-with-lease origin HEAD:wip
    "#);
}

#[test]
fn names_that_would_act_on_a_terminal() {
    let names: [&[u8]; 3] = [
        b"a\x1b[2Jb\r\nerror: all is well",
        "\u{202e}gpj.\u{200b}exe \u{9b}".as_bytes(),
        b"\xff\0\x7f",
    ];
    let mut refusal = Blueprint::of(names.map(|path| Spot { path, ..Spot::default() })).refusal();
    refusal.findings[0].places[0].commit.as_mut().unwrap().subject = b"x\x1b]0;t\x07".to_vec();
    let text = render(&refusal);
    let places: Vec<_> = text.lines().filter(|line| line.starts_with("    9c")).collect();
    assert_snapshot!(places.join("\n"), @r#"
    9c9c9c9  a\x1b[2Jb\x0d\x0aerror: all is well:14  "x\x1b]0;t\x07"
    9c9c9c9  \u{202e}gpj.\u{200b}exe \u{9b}:14  "add payment config"
    9c9c9c9  \xff\x00\x7f:14  "add payment config"
    "#);
}

#[test]
fn two_secrets_and_what_is_known_of_them() {
    let mut refusal = Blueprint::default().refusal();
    refusal.contact = None;
    refusal.ticket_url = Some("https://tracker.example.com/tickets/".to_owned());
    let mut other = Blueprint::of((0..5).map(|_| Spot::default())).finding();
    other.rule = "example-password".to_owned();
    other.known_as = Some("payments/db".to_owned());
    other.owner_source = String::new();
    other.ticket =
        Some(Ticket { id: "TKT-3".to_owned(), open_since: Some("2026-11-20".to_owned()) });
    other.incident = "INC-3".to_owned();
    refusal.findings.push(other);
    assert_snapshot!(render(&refusal), @r#"
    error: push refused - 2 credentials in 1 commit. Nothing was stored.

    [1] Example access token  exam************9z
        9c9c9c9  deploy/prod.env:14  "add payment config"
        why: its checksum is right
        owner: payments-oncall (path deploy/** in owners.toml:4)
        ticket: TKT-12, opened just now
                https://tracker.example.com/tickets/TKT-12

    [2] Example access token  exam************9z
        9c9c9c9  deploy/prod.env:14  "add payment config"
        known as: payments/db
        why: its checksum is right
        owner: payments-oncall (nobody else was found)
        ticket: TKT-3, open since 2026-11-20
                https://tracker.example.com/tickets/TKT-3

    hint: Go to where it is; if that fails, git switch --detach bbbbbbb:
      git switch $(git name-rev --name-only --refs="heads/*" bbbbbbb)
    hint: Take it out of the file, then (for origin, say your remote):
      git commit --amend --no-edit -a
      git push origin HEAD:main

    hint: If [1] was ever used, rotate it: Delete the token under Settings,
          Access tokens.
      https://example.com/settings/tokens
      Better: let jobs sign in by OpenID Connect; their tokens live for
              minutes.
    hint: If [2] was ever used, rotate it: Delete the token under Settings,
          Access tokens.
      https://example.com/settings/tokens
      Better: let jobs sign in by OpenID Connect; their tokens live for
              minutes.
    hint: Not a secret? Ask those who run this server to run:
      pushwarden incidents dismiss INC-7 --as false-positive --reason ...
      likewise for INC-3
    ref 1f1f1f1f1f1f (rule example-access-token, confidence high, 1 more)
    "#);
}

#[test]
fn what_was_not_scanned_refuses_without_a_word_of_rotation() {
    let mut refusal = Blueprint::default().refusal();
    refusal.findings.clear();
    refusal.unscanned = vec![
        Unscanned { reason: UnscannedReason::Unreadable, objects: 1 },
        Unscanned { reason: UnscannedReason::InflatedBytes, objects: 2 },
    ];
    assert_snapshot!(render(&refusal), @"
    error: push refused - 3 objects not scanned. Nothing was stored.

    hint: 1 object not scanned: they cannot be read.
      Run git fsck in your clone; a fresh clone with your commits often
      helps.

    hint: 2 objects not scanned: they are too large when unpacked.
      Push in smaller parts: git push origin COMMIT:refs/heads/BRANCH with
      an earlier commit first.
    hint: Questions? Ask #security on chat.
    ref 1f1f1f1f1f1f
    ");
}

#[test]
fn gitlab_gets_its_own_line() {
    let mut refusal = Blueprint::default().refusal();
    refusal.server = Server::Gitlab;
    let text = render(&refusal);
    let line = text.lines().find(|line| line.starts_with("GL-HOOK-ERR: "));
    assert_snapshot!(line.unwrap(), @"GL-HOOK-ERR: push refused, 1 credential in 1 commit, see TKT-12");
    refusal.is_web = true;
    assert_snapshot!(render(&refusal), @"GL-HOOK-ERR: push refused - 1 credential in 1 commit. Nothing was stored. Example access token exam************9z deploy/prod.env:14. Owner: payments-oncall, TKT-12. ref 1f1f1f1f1f1f (rule example-access-token, confidence high)");
}

#[test]
fn a_warning() {
    assert_snapshot!(render_warning(&Blueprint::default().refusal()), @"
    warning: push accepted - 1 credential in 1 commit, recorded.
      Example access token exam************9z
        deploy/prod.env:14
        owner: payments-oncall, TKT-12
    ref 1f1f1f1f1f1f (rule example-access-token, confidence high)
    ");
}

#[test]
fn a_canary() {
    assert_snapshot!(render_canary("7k2m"), @"error: push refused - pushwarden canary 7k2m stopped");
}

/// The longest texts, everywhere.
fn widest() -> Finding {
    let long = "a sentence that goes on and on ".repeat(20);
    let mut finding = Blueprint::of((0..9).map(|_| Spot::at(0x9c, EARLIER))).finding();
    for text in [
        &mut finding.kind,
        &mut finding.reason,
        &mut finding.owner,
        &mut finding.owner_source,
        &mut finding.revocation,
        &mut finding.replacement,
    ] {
        text.clone_from(&long);
    }
    finding.known_as = Some(long);
    finding.incident = "0198c0de-0000-7000-8000-000000000001".to_owned();
    finding
}

#[test]
fn one_secret_takes_at_most_25_lines_and_many_at_most_60() {
    #[track_caller]
    fn check(findings: usize, lines_max: usize) {
        let mut refusal = Blueprint::default().refusal();
        refusal.findings = vec![widest(); findings];
        refusal.contact = Some("the security team ".repeat(20));
        refusal.ticket_url = Some("https://tracker.example.com/tickets/".to_owned());
        refusal.server = Server::Gitlab;
        let text = render(&refusal);
        assert!(text.lines().count() <= lines_max, "{text}");
        assert_eq!(text.lines().last().map(|line| line.starts_with("ref ")), Some(true));
    }
    check(1, LINES_MAX_ONE);
    for findings in [2, 3, 8, 9, 100] {
        check(findings, LINES_MAX);
    }
}

#[track_caller]
fn assert_fit(text: &str) {
    for line in text.lines() {
        let is_url = line.trim().starts_with("https://");
        assert!(is_url || escape::columns(line) <= page::COLUMNS_MAX, "too wide: {line:?}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    assert!(text.ends_with('\n'));
}

prop_compose! {
    fn any_topology()(flags: [bool; 6]) -> Topology {
        let [is_tip, is_root, is_merge, below_merge, at_tip, is_forced] = flags;
        Topology { is_tip, is_root, is_merge, below_merge, at_tip, is_forced, commits_above: 1 }
    }
}

prop_compose! {
    fn any_place()(
        container in prop::sample::select(vec![
            Container::Blob, Container::Commit, Container::Tag,
            Container::TreeEntry, Container::RefName, Container::PushOption,
        ]),
        commit in prop::option::of((0_u8..4, any_topology(), any::<Vec<u8>>())),
        path: Vec<u8>,
        prefix in "refs/(heads|tags|notes|for)/",
        name in prop::option::of(any::<Vec<u8>>()),
        flags: [bool; 3],
    ) -> Place {
        let [is_new, is_old, is_forced] = flags;
        Place {
            container,
            is_new,
            object: Some(oid(1)),
            commit: commit.map(|(number, topology, subject)| Commit {
                id: oid(number), order: u32::from(number), subject, topology,
            }),
            path,
            line: 7,
            layers: Vec::new(),
            in_header: false,
            reference: name.map(|name| Reference {
                name: [prefix.as_bytes(), &name].concat(),
                old: is_old.then(|| oid(2)),
                new: oid(3),
                target: oid(3),
                is_forced,
            }),
        }
    }
}

proptest! {
    #[test]
    fn no_push_makes_a_page_too_wide_or_too_long(
        places in prop::collection::vec(prop::collection::vec(any_place(), 0..5), 0..4),
        kind: String,
        owner: String,
        contact: Option<String>,
    ) {
        let mut refusal = Blueprint::default().refusal();
        refusal.contact = contact;
        refusal.findings = places
            .into_iter()
            .map(|places| Finding {
                places,
                kind: kind.clone(),
                owner: owner.clone(),
                ..Blueprint::default().finding()
            })
            .collect();
        let text = render(&refusal);
        assert_fit(&text);
        prop_assert!(text.starts_with("error: push refused"));
        prop_assert!(text.lines().count() <= LINES_MAX);
        let warning = render_warning(&refusal);
        assert_fit(&warning);
        prop_assert!(warning.starts_with("warning: "));
    }
}
