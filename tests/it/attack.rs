//! What an attacker tried who knows how the gate works, and what got past it once.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::forge::{Forge, Repository, Said, Work, eventually, git, isolate, list};
use crate::scene::{Scene, UNSCANNED, says, served_before};
use crate::token;

/// A token where a fact about another credential is taken from: the user of an address.
fn as_user(token: &str) -> String {
    let password = token::shapeless();
    format!(
        "A=https://{token}:x-oauth-basic@git.example.org/a\nB=postgres://{token}:{password}@db/a\n"
    )
}

#[test]
fn a_token_as_the_user_of_an_address_is_shown_nowhere() {
    // The forge searches everything that was said and written for it.
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let (said, _) = scene.push(&as_user(&forge.plant(token::github())));
    assert!(!said.is_accepted(), "{said:?}");
    let incidents = forge.incidents();
    assert!(incidents.iter().any(|incident| incident["rule"] == "postgres-url"), "{incidents:#?}");
    for incident in &incidents {
        forge.json(["incidents", "show", incident["id"].as_str().unwrap()]);
    }
    for ticket in forge.tickets() {
        forge.json(["tickets", "show", ticket["id"].as_str().unwrap()]);
    }
}

#[test]
fn a_token_as_the_user_of_an_address_is_shown_nowhere_when_screened_locally() {
    let forge = served_before();
    let scene = Scene::new(&forge);
    scene.set_policy("scan-locally");
    let (said, _) = scene.push(&as_user(&forge.plant(token::github())));
    assert!(!said.is_accepted(), "{said:?}");
    forge.serve();
    eventually("the claim is taken in", || forge.spool().is_empty());
    assert!(!forge.incidents().is_empty());
}

#[test]
fn a_token_as_the_user_of_an_address_is_shown_by_no_scan() {
    let forge = Forge::stopped();
    let file = forge.path("a.env");
    std::fs::write(&file, as_user(&forge.plant(token::github()))).unwrap();
    let said =
        forge.bare_cli(["scan".as_ref(), file.as_os_str(), "--format".as_ref(), "jsonl".as_ref()]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("postgres-url"), "{said:?}");
}

/// Speaks to `git receive-pack` as no git client would: the ref updates are anybody's claim.
fn claim(scene: &Scene<'_>, updates: &[(&str, &str, &str)], tips: &[&str]) -> Said {
    let packet = |bytes: &[u8]| [format!("{:04x}", bytes.len() + 4).as_bytes(), bytes].concat();
    let mut input = Vec::new();
    for (at, (old, new, name)) in updates.iter().enumerate() {
        let capabilities = if at == 0 { "\0 report-status" } else { "" };
        input.extend(packet(format!("{old} {new} {name}{capabilities}").as_bytes()));
    }
    input.extend(b"0000");
    let script =
        format!("echo {} | tr ' ' '\\n' | git pack-objects --stdout -q --revs", tips.join(" "));
    let mut pack = Command::new("sh");
    pack.args(["-c", &script]).current_dir(&scene.work.path);
    isolate(&mut pack);
    input.extend(pack.output().unwrap().stdout);
    let file = scene.work.forge.path("packets");
    std::fs::write(&file, input).unwrap();
    let mut receive = git();
    receive.arg("receive-pack").arg(&scene.repository.path);
    let said = scene.work.forge.run(receive.stdin(std::fs::File::open(&file).unwrap()));
    std::fs::remove_file(file).unwrap();
    said
}

/// Lets a push in while the daemon is away, and returns the paths where secrets are found later.
#[track_caller]
fn found_later(scene: &Scene<'_>, push: impl FnOnce()) -> Vec<String> {
    let forge = scene.work.forge;
    push();
    forge.serve();
    eventually("the spool is taken in", || forge.spool().is_empty());
    eventually("everything is scanned again", || {
        forge.unscanned().iter().all(|item| item["state"] == "rescanned")
    });
    let places = forge.incidents().into_iter();
    let places = places.flat_map(|incident| list(&incident, "occurrences"));
    places.map(|place| place["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn nothing_is_old_because_a_client_says_so() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let work = &scene.work;
    work.commit("README", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    scene.set_policy("accept");
    forge.stop();
    let secret = forge.plant(token::github());
    let leak = work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    let paths = found_later(&scene, || {
        // The ref cannot move, for it was not there; its objects stay all the same.
        let said = claim(&scene, &[(&leak, &leak, "refs/heads/decoy")], &[&leak]);
        assert!(said.out.contains("ng refs/heads/decoy"), "{said:?}");
    });
    assert!(scene.repository.has(&leak));
    assert_eq!(paths, ["a.env"]);
}

#[test]
fn a_tip_among_more_than_are_listed_is_not_let_in_unscanned() {
    let forge = served_before();
    let scene = Scene::new(&forge);
    let work = &scene.work;
    work.commit("README", "hello\n", "first");
    let script = "tree=$(git write-tree); for n in $(seq 1000); do \
                  echo create refs/heads/n$n $(git commit-tree -m $n $tree); done \
                  | git update-ref --stdin";
    assert_eq!(work.shell(script).code, 0);
    let secret = forge.plant(token::github());
    work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    for policy in ["accept", "scan-locally"] {
        scene.set_policy(policy);
        let said = work.push(&["refs/heads/n*:refs/heads/n*", "HEAD:refs/heads/z"]);
        assert!(!said.is_accepted(), "{}", said.remote());
        says(&said, UNSCANNED, "only 1000 refs may wait for it");
    }
    work.git(&["reset", "-q", "--hard", "HEAD~1"]);
    scene.set_policy("accept");
    let said = work.push(&["refs/heads/n*:refs/heads/n*"]);
    assert!(said.is_accepted(), "{}", said.remote());
}

#[test]
fn a_credential_beside_what_cannot_be_scanned_is_found_later() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let work = &scene.work;
    work.commit("README", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    scene.set_policy("accept");
    forge.stop();
    let secret = forge.plant(token::github());
    work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    // More parents than are followed.
    let parents = "for n in $(seq 4097); do git commit-tree -m $n HEAD^{tree}; done";
    let script = format!(
        "{{ echo tree $(git rev-parse HEAD^{{tree}}); {parents} | sed 's/^/parent /'; \
         printf 'author A <a@b> 1 +0000\\ncommitter A <a@b> 1 +0000\\n\\nmany\\n'; }} \
         | git hash-object -t commit -w --stdin"
    );
    let many = work.shell(&script);
    assert_eq!(many.code, 0, "{many:?}");
    let merge = work.git(&[
        "commit-tree",
        "-m",
        "both",
        "-p",
        "HEAD",
        "-p",
        many.out.trim(),
        "HEAD^{tree}",
    ]);
    let said = work.push(&[&format!("{merge}:refs/heads/both")]);
    assert!(said.is_accepted(), "{said:?}");
    forge.serve();
    eventually("it is found", || !forge.incidents().is_empty());
    let items = forge.unscanned();
    assert!(items.iter().any(|item| item["reason"] == "object-count"), "{items:#?}");
}

#[test]
fn the_certificate_of_a_signed_push_is_scanned() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let work = &scene.work;
    scene.repository.git(&["config", "receive.certNonceSeed", "seed"]);
    work.commit("README", "hello\n", "first");
    let signer = forge.path("signer");
    let script = "#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n\
                  echo -----BEGIN PGP SIGNATURE-----\n";
    std::fs::write(&signer, script).unwrap();
    std::fs::set_permissions(&signer, Permissions::from_mode(0o755)).unwrap();
    work.git(&["config", "gpg.program", signer.to_str().unwrap()]);
    let sign = |key: &str| {
        let key = format!("user.signingKey={key}");
        work.try_git(&["-c", &key, "push", "--signed", "origin", "HEAD:main"])
    };
    let said = sign(&forge.plant(token::github()));
    assert!(said.remote().starts_with("error: push refused - 1 credential"), "{said:?}");
    // Git has stored it by now, whatever the hook says.
    let incidents = forge.incidents();
    assert_eq!(incidents[0]["occurrences"][0]["container"], "blob", "{incidents:#?}");
    let said = sign("Ada");
    assert!(said.is_accepted(), "{said:?}");
}

#[test]
fn the_parents_of_a_commit_that_begins_a_shallow_history_are_no_ids_of_anything() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let work = &scene.work;
    scene.repository.git(&["config", "receive.shallowUpdate", "true"]);
    work.commit("README", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    let secret = forge.plant(token::hex(40));
    let said = forge.cli_with_input(["inventory", "add", "payments/key"], &secret);
    assert_eq!(said.code, 0, "{said:?}");
    let script = format!(
        "git cat-file commit HEAD | sed '/^tree/a parent {secret}' \
         | git hash-object -t commit -w --stdin --literally"
    );
    let commit = work.shell(&script).out.trim().to_owned();
    std::fs::write(work.path.join(".git/shallow"), format!("{commit}\n")).unwrap();
    let said = work.push(&[&format!("{commit}:refs/heads/shallow")]);
    assert!(said.remote().starts_with("error: push refused - 1 credential"), "{said:?}");
    assert_eq!(forge.incidents()[0]["known_as"], "payments/key");
}

#[test]
fn a_push_to_a_linked_work_tree_is_one_to_its_repository() {
    let forge = Forge::start();
    let secret = forge.plant(token::github());
    let main = forge.path("server");
    assert_eq!(forge.run(git().args(["init", "-q", "-b", "main"]).arg(&main)).code, 0);
    let server = Work { forge: &forge, path: main.clone() };
    server.commit("old.env", format!("TOKEN={secret}\none\n"), "before the hook");
    server.git(&["worktree", "add", "-q", "-b", "aside", "../linked"]);
    let said = forge.cli(["hooks".as_ref(), "install".as_ref(), main.as_os_str()]);
    assert_eq!(said.code, 0, "{said:?}");
    let linked = Repository { forge: &forge, path: forge.path("linked") };
    let work = linked.clone_as("w");
    let push = |content: &str| {
        work.commit("old.env", content, "edit");
        work.push(&["HEAD:refs/heads/new"])
    };
    let said = push(&format!("TOKEN={secret}\ntwo\n"));
    assert!(said.is_accepted(), "{said:?}");
    let said = push(&format!("TOKEN={}\n", forge.plant(token::github())));
    assert!(!said.is_accepted(), "{said:?}");
    let paths = forge.incidents().into_iter().flat_map(|incident| list(&incident, "occurrences"));
    let main = main.join(".git").display().to_string();
    assert!(paths.into_iter().all(|place| place["repository"] == main.as_str()));
}
