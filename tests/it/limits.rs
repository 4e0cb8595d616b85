//! Every limit is a typed outcome that the pusher reads and triage sees; a hostile peer, a stop and
//! a huge push change nothing for the others.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::path::PathBuf;

use pushwarden::store::PushRecord;
use pushwarden::wire::{FRAME_BYTES_MAX, Failure, FailureCode, FromDaemon, ToDaemon};

use crate::forge::{Forge, Said, eventually};
use crate::peer::Attacker;
use crate::scene::Scene;
use crate::token;

pub fn push_socket(forge: &Forge) -> PathBuf {
    forge.path("i/run/push.sock")
}

/// Makes an instance with settings of its section `[push]`, and starts its daemon.
pub fn with_push_settings(lines: &str) -> Forge {
    let forge = Forge::stopped();
    forge.configure("push", lines);
    forge.serve();
    forge
}

/// Takes a place among the pushes that are screened, until dropped.
fn take_a_seat(forge: &Forge) -> Attacker {
    let mut seated = Attacker::connect(&push_socket(forge));
    seated.begin();
    let secret = forge.plant(token::github());
    seated.blob(1, format!("TOKEN={secret}\n").as_bytes());
    seated.say(&ToDaemon::End { objects: 1 });
    // A question is proof that it is being screened.
    assert!(matches!(seated.hear(), Some(FromDaemon::Locate(_))));
    seated
}

#[track_caller]
fn is_busy(forge: &Forge) {
    let scene = Scene::new(forge);
    scene.is_refused_unscanned("gave up (busy): every place is taken by other pushes");
    scene.set_policy("accept");
    scene.is_accepted_unscanned("the scanner gave up (busy)");
    scene.set_policy("scan-locally");
    scene.is_scanned_locally();
}

#[test]
fn a_push_that_finds_no_place_is_busy() {
    let forge = with_push_settings("pushes_max = 1\npushes_waiting_max = 0");
    let seated = take_a_seat(&forge);
    is_busy(&forge);
    eventually("the spool is taken in", || forge.spool().is_empty());
    let told = |verdict: &str, origin: &str| {
        let is = |push: &&serde_json::Value| push["verdict"] == verdict && push["origin"] == origin;
        forge.pushes().iter().filter(is).count()
    };
    assert_eq!(told("failed", "daemon"), 4);
    assert_eq!(told("accepted", "git-account"), 2);
    assert_eq!(told("refused", "git-account"), 1);
    assert!(forge.pushes().iter().any(|push| push["reason"].as_str().unwrap().starts_with("busy")));
    // The place is free again when its push is gone.
    drop(seated);
    eventually("the push that hung up is on record", || told("failed", "daemon") == 5);
    let scene = Scene::again(&forge);
    scene.set_policy("reject");
    assert!(scene.push_clean().0.is_accepted());
}

#[test]
fn a_push_waits_for_a_place_only_so_long() {
    let forge =
        with_push_settings("pushes_max = 1\npushes_waiting_max = 1\nwaiting_timeout_ms = 100");
    let _seated = take_a_seat(&forge);
    Scene::new(&forge).is_refused_unscanned("the scanner gave up (busy)");
}

#[test]
fn a_push_waits_for_its_turn() {
    let forge = with_push_settings("pushes_max = 1\nwaiting_timeout_ms = 30000");
    let scene = Scene::new(&forge);
    let seated = take_a_seat(&forge);
    scene.work.commit("a", "1\n", "first");
    let waiting = scene.work.start_push(&["HEAD:main"]);
    drop(seated);
    let said = waiting.end();
    assert!(said.is_accepted(), "{said:?}");
}

/// More than the least `push_bytes_max`.
pub fn two_mebibytes() -> String {
    "nothing to see on this line, nor on the next\n".repeat((2 << 20) / 45)
}

#[test]
fn a_push_of_too_many_bytes_is_refused_by_name() {
    let forge = with_push_settings("push_bytes_max = 1048576");
    let scene = Scene::new(&forge);
    let (said, _) = scene.push(&two_mebibytes());
    assert!(said.remote().starts_with("error: push refused - "), "{said:?}");
    assert!(said.remote().contains("the push has too many bytes"), "{said:?}");
    let pushes = forge.pushes();
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0]["verdict"], "refused");
    assert_eq!(forge.unscanned()[0]["reason"], "push-bytes");
}

#[test]
fn policy_may_let_a_push_of_too_many_bytes_in() {
    let forge = Forge::stopped();
    forge.configure("push", "push_bytes_max = 1048576");
    forge.configure("policy", "on_unscanned = \"accept\"");
    forge.serve();
    let scene = Scene::new(&forge);
    let (said, _) = scene.push(&two_mebibytes());
    assert!(said.is_accepted(), "{said:?}");
    assert!(said.remote().starts_with("warning: "), "{said:?}");
    assert_eq!(forge.pushes()[0]["verdict"], "accepted");
    assert_eq!(forge.unscanned()[0]["reason"], "push-bytes");
}

#[test]
fn a_credential_before_the_limit_refuses_whatever_policy_says_of_the_rest() {
    let forge = Forge::stopped();
    forge.configure("push", "push_bytes_max = 1048576");
    forge.configure("policy", "on_unscanned = \"accept\"");
    forge.serve();
    let scene = Scene::new(&forge);
    let secret = forge.plant(token::github());
    scene.work.commit("a.txt", two_mebibytes(), "too much");
    scene.repository.git(&["config", "receive.advertisePushOptions", "true"]);
    // Push options come before all objects, whose order is git's own.
    let said = scene.work.push(&["-o", &format!("token={secret}"), "HEAD:refs/heads/x"]);
    assert!(!said.is_accepted(), "{said:?}");
    assert!(said.remote().starts_with("error: push refused - 1 credential"), "{said:?}");
    assert_eq!(forge.incidents().len(), 1);
    assert_eq!(forge.pushes()[0]["verdict"], "refused");
    assert_eq!(forge.unscanned()[0]["reason"], "push-bytes");
}

fn many_secrets(forge: &Forge, count: usize) -> String {
    (0..count).map(|_| format!("TOKEN={}\n", forge.plant(token::github()))).collect()
}

#[test]
fn findings_beyond_the_limit_are_counted_and_named_by_the_next_push() {
    let forge = with_push_settings("findings_max = 3");
    let scene = Scene::new(&forge);
    let (said, _) = scene.push(&many_secrets(&forge, 5));
    assert!(said.remote().starts_with("error: push refused - 5 credentials"), "{said:?}");
    assert!(said.remote().contains("2 more credentials have no incident yet"), "{said:?}");
    assert_eq!(forge.incidents().len(), 3);
    let unscanned = &forge.unscanned()[0];
    assert_eq!(unscanned["reason"], "finding-count");
    assert_eq!(
        unscanned["detail"],
        "secrets that were scanned and not filed: 2 that refuse, 0 others"
    );

    let said = scene.work.push(&["HEAD:main"]);
    assert!(said.remote().starts_with("error: push refused - 5 credentials"), "{said:?}");
    assert_eq!(forge.incidents().len(), 5, "the next push files the others");
}

/// A file with `count` secrets landed before there was a hook; then somebody adds a line to it.
fn push_edit_of_old_secrets(forge: &Forge, count: usize) -> (Scene<'_>, Said) {
    let scene = Scene::new(forge);
    let old = many_secrets(forge, count);
    scene.work.commit("secrets", &old, "before the hook");
    scene.repository.unguarded(|| assert!(scene.work.push(&["HEAD:main"]).is_accepted()));
    scene.work.commit("secrets", format!("{old}an innocent line\n"), "edit");
    let said = scene.work.push(&["HEAD:main"]);
    (scene, said)
}

#[test]
fn more_old_secrets_than_are_filed_do_not_block() {
    let forge = with_push_settings("findings_max = 3");
    let (_, said) = push_edit_of_old_secrets(&forge, 10);
    assert!(said.is_accepted(), "{said:?}");
    assert_eq!(forge.incidents().len(), 3);
    assert_eq!(
        forge.unscanned()[0]["detail"],
        "secrets that were scanned and not filed: 0 that refuse, 7 others"
    );
}

#[test]
fn a_file_with_more_secrets_than_are_looked_at_has_a_way_out() {
    let forge = with_push_settings("hits_max = 1000");
    let (scene, said) = push_edit_of_old_secrets(&forge, 1_010);
    assert!(said.remote().contains("raise hits_max."), "{said:?}");

    forge.stop();
    forge.configure("push", "hits_max = 2000");
    forge.serve();
    let said = scene.work.push(&["HEAD:main"]);
    assert!(said.is_accepted(), "{said:?}");
}

#[test]
fn thousands_of_refs_that_name_one_object_are_located_once() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let secret = forge.plant(token::github());
    let padding = token::random(64) + "\n";
    scene.work.write("large", format!("TOKEN={secret}\n{}", padding.repeat(20_000)));
    let blob = scene.work.git(&["hash-object", "-w", "large"]);
    let tags: String = (0..3_000).map(|n| format!("create refs/tags/t{n} {blob}\n")).collect();
    scene.work.write("tags", tags);
    assert_eq!(scene.work.shell("git update-ref --stdin < tags").code, 0);
    let said = scene.work.push(&["refs/tags/*:refs/tags/*"]);
    // Read once for each ref, it would take four gigabytes and more than the deadline.
    assert!(said.remote().starts_with("error: push refused - 1 credential"), "{said:?}");
}

#[test]
fn the_most_findings_that_a_setting_allows_can_be_recorded() {
    let forge = Forge::stopped();
    forge.configure("push", &format!("findings_max = {}", PushRecord::FINDINGS_MAX + 1));
    assert_eq!(forge.serve_in_vain().code, 3);
    let most = format!("findings_max = {}\ndeadline_ms = 600000", PushRecord::FINDINGS_MAX);
    forge.configure("push", &most);
    forge.serve();
    let scene = Scene::new(&forge);
    scene.repository.set("deadline_ms", "600000");
    let (said, _) = scene.push(&many_secrets(&forge, 1_100));
    assert!(said.remote().contains("error: push refused - 1100 credentials"), "{said:?}");
    assert_eq!(forge.pushes()[0]["verdict"], "refused");
    assert_eq!(forge.pushes()[0]["findings_total"], 1_100);
}

#[test]
fn a_push_that_does_not_go_on_ends_at_its_deadline() {
    let forge = with_push_settings("deadline_ms = 1000\ndeadline_ms_per_20_mb = 0");
    let mut idle = Attacker::connect(&push_socket(&forge));
    let nonce = idle.begin();
    let secret = forge.plant(token::github());
    // Long enough not to wait in a batch for more.
    let padding = "nothing to see on this line\n".repeat(2_000);
    for id in 1..=8 {
        idle.blob(id, format!("TOKEN={secret}\n{padding}").as_bytes());
    }
    match idle.hear() {
        // So that no policy for unscanned pushes lets it in.
        Some(FromDaemon::Failure(Failure { code: FailureCode::Found, .. })) => {}
        other => panic!("{other:?}"),
    }
    let pushes = forge.pushes();
    assert_eq!(pushes[0]["id"], nonce.to_string());
    assert_eq!(pushes[0]["verdict"], "failed");
    assert!(pushes[0]["reason"].as_str().unwrap().starts_with("deadline: "), "{pushes:?}");
}

/// Sends bytes where a frame should be: a failure by name, and nothing for anybody else.
#[track_caller]
fn is_a_protocol_error(forge: &Forge, begin: bool, bytes: &[u8]) {
    let mut attacker = Attacker::connect(&push_socket(forge));
    if begin {
        attacker.begin();
    }
    attacker.0.write_all(bytes).unwrap();
    match attacker.hear() {
        Some(FromDaemon::Failure(Failure { code: FailureCode::Protocol, .. })) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn hostile_frames_end_their_own_push_alone() {
    let forge = Forge::start();
    let too_long = u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_le_bytes();
    let framed = |kind: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        [&[kind][..], &length, payload].concat()
    };
    let end = framed(7, &3_u64.to_le_bytes());
    for begin in [false, true] {
        is_a_protocol_error(&forge, begin, &[&[1][..], &too_long].concat());
        is_a_protocol_error(&forge, begin, &[7, 255, 255, 255, 255]);
        is_a_protocol_error(&forge, begin, &framed(250, b"what is this?"));
        is_a_protocol_error(&forge, begin, &framed(0, b""));
        is_a_protocol_error(&forge, begin, &framed(4, &[0xff; 100]));
    }
    // Out of turn: an end that miscounts, a second beginning, a piece of nothing.
    is_a_protocol_error(&forge, true, &end);
    is_a_protocol_error(&forge, false, &end);
    let mut twice = Attacker::connect(&push_socket(&forge));
    twice.begin();
    twice.begin();
    assert!(matches!(twice.hear(), Some(FromDaemon::Failure(_))));
    let mut piece = Attacker::connect(&push_socket(&forge));
    piece.begin();
    piece.say(&ToDaemon::Piece(b"of nothing".to_vec()));
    assert!(matches!(piece.hear(), Some(FromDaemon::Failure(_))));

    let scene = Scene::new(&forge);
    assert!(scene.push_clean().0.is_accepted());
    assert_eq!(scene.push_credential().0.code, 1);
    assert_eq!(forge.incidents().len(), 1);
    // Those that began are on record.
    let failed = |push: &&serde_json::Value| push["verdict"] == "failed";
    assert_eq!(forge.pushes().iter().filter(failed).count(), 8);
}

#[test]
fn what_is_no_push_is_turned_away() {
    let forge = Forge::start();
    for request in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v1/incidents HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /push HTTP/1.1\r\nHost: x\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let mut stranger = Attacker::silent(&push_socket(&forge));
        stranger.0.write_all(request.as_bytes()).unwrap();
        stranger.0.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stranger.0.read_to_string(&mut answer).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert!(Scene::new(&forge).push_clean().0.is_accepted());
}
