//! The daemon away, slow, killed, or talking garbage: what the pusher reads, whether the push lands,
//! and what is on record afterwards.

use std::process::Command;

use pushwarden::wire::{Failure, FailureCode, FromDaemon, Nonce, VERSION, Verdict, VerdictKind};

use crate::forge::{Forge, Said, eventually};
use crate::peer::{Liar, Listening, between};
use crate::scene::{LET_IN, Scene, UNSCANNED, says, served_before, told_by_spool};
use crate::token;

#[test]
fn a_daemon_that_was_never_started() {
    let forge = Forge::stopped();
    let scene = Scene::new(&forge);
    let why = "the scanner cannot be reached";
    scene.set_policy("reject");
    scene.is_refused_unscanned(why);
    scene.set_policy("accept");
    scene.is_accepted_unscanned(why);
    // No daemon has left its rules yet: there is nothing to scan with.
    scene.set_policy("scan-locally");
    scene.is_refused_unscanned("the scanner cannot be reached, and locally the scanner went away");
    forge.serve();
    eventually("the spool is taken in", || forge.spool().is_empty());
    assert_eq!(told_by_spool(&forge), 1);
}

#[test]
fn a_daemon_that_was_stopped_cleanly() {
    let forge = served_before();
    Scene::new(&forge).under_each_policy("the scanner cannot be reached");
    forge.serve();
    eventually("the spool is taken in", || forge.spool().is_empty());
    // Accepted, clean and refused; what was rejected nobody could record.
    assert_eq!(told_by_spool(&forge), 3);
    // What was let in is scanned late.
    eventually("both credentials are known", || forge.incidents().len() == 2);
}

#[test]
fn a_daemon_that_accepts_and_says_nothing() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    scene.repository.set("hello_timeout_ms", "200");
    forge.signal("STOP");
    scene.under_each_policy("the scanner does not answer");
    forge.signal("CONT");
    eventually("the spool is taken in", || forge.spool().is_empty());
    // The hooks had hung up when it woke: what it knows it knows from the spool.
    assert_eq!(told_by_spool(&forge), 3);
    eventually("both credentials are known", || forge.incidents().len() == 2);
    scene.repository.set("hello_timeout_ms", "20000");
    scene.set_policy("reject");
    assert_eq!(scene.push_credential().0.code, 1);
    assert_eq!(forge.incidents().len(), 3);
}

/// Lets a push meet a daemon that gets `signal` when 256 KiB of it have passed.
fn struck_by<'f>(forge: &'f Forge, signal: &'static str) -> (Scene<'f>, Listening) {
    let scene = Scene::new(forge);
    let front = forge.path("front.sock");
    scene.repository.set("socket", front.to_str().unwrap());
    let daemon = forge.daemon_id().to_string();
    let strike = move || {
        assert!(Command::new("kill").args(["-s", signal, &daemon]).status().unwrap().success());
    };
    let between = between(&front, &forge.path("i/run/push.sock"), 256 << 10, strike);
    (scene, between)
}

/// Returns a text too long for any socket's buffer.
fn long_text(end: &str) -> String {
    let line = "nothing to see on this line, nor on the next\n";
    line.repeat((8 << 20) / line.len()) + end
}

#[track_caller]
fn killed_mid_push(policy: &str, content: &str, check: impl FnOnce(&Said)) -> Forge {
    let forge = Forge::start();
    let (scene, between) = struck_by(&forge, "KILL");
    scene.set_policy(policy);
    let (said, _) = scene.push(content);
    check(&said);
    drop(between);
    forge.kill();
    forge
}

#[test]
fn a_daemon_killed_in_the_middle_of_a_push() {
    let why = "the scanner went away during the scan";
    let forge = killed_mid_push("reject", &long_text(""), |said| {
        says(said, UNSCANNED, why);
    });
    forge.serve();
    assert!(forge.pushes().is_empty());

    let forge = killed_mid_push("accept", &long_text(""), |said| {
        says(said, LET_IN, why);
    });
    assert_eq!(forge.spool().len(), 1);
    forge.serve();
    eventually("the spool is taken in", || forge.spool().is_empty());
    assert_eq!(told_by_spool(&forge), 1);
}

#[test]
fn a_child_takes_over_from_a_daemon_killed_in_the_middle_of_a_push() {
    let forge = killed_mid_push("scan-locally", &long_text(""), |said| {
        assert!(said.is_accepted(), "{said:?}");
    });
    assert_eq!(forge.spool().len(), 1);

    let secret = token::github();
    let forge = killed_mid_push("scan-locally", &long_text(&secret), |said| {
        assert!(said.remote().starts_with("error: push refused - 1 credential"), "{said:?}");
    });
    forge.plant(secret);
    forge.serve();
    eventually("the spool is taken in", || forge.spool().is_empty());
    assert_eq!(forge.incidents().len(), 1);
}

#[test]
fn a_daemon_that_stops_reading_runs_into_the_deadline() {
    let forge = Forge::start();
    let (scene, between) = struck_by(&forge, "STOP");
    scene.repository.set("deadline_ms", "1000");
    scene.set_policy("accept");
    let (said, _) = scene.push(&long_text(""));
    says(&said, LET_IN, "the scan took too long");
    forge.signal("CONT");
    drop(between);
    eventually("the spool is taken in", || forge.spool().is_empty());
    let verdicts = || -> Vec<_> { forge.pushes().iter().map(|p| p["verdict"].clone()).collect() };
    eventually("the daemon has its own record", || verdicts().len() == 2);
    assert!(verdicts().contains(&"failed".into()) && verdicts().contains(&"accepted".into()));
}

/// A daemon that plays `part` with every hook: no policy takes that for a verdict.
#[track_caller]
fn garbage(forge: &Forge, why: &str, mut part: impl FnMut(&mut Liar) + Send + 'static) {
    let scene = Scene::called(forge, &token::random(8));
    let socket = forge.path(token::random(8));
    scene.repository.set("socket", socket.to_str().unwrap());
    let _liar = Listening::at(&socket, move |hook| part(&mut Liar::new(hook)));
    scene.under_each_policy(why);
}

#[test]
fn garbage_on_the_socket_is_no_verdict() {
    let forge = served_before();
    let makes_no_sense = |what: &str| format!("the scanner's answer makes no sense ({what})");
    garbage(&forge, &makes_no_sense("no upgrade"), |liar| {
        liar.write(b"220 mail.example.org ESMTP\r\n\r\n");
        liar.hear_rest();
    });
    garbage(&forge, &makes_no_sense("no upgrade"), |liar| {
        liar.write(&vec![b'x'; 64 << 10]);
        liar.hear_rest();
    });
    garbage(&forge, "the scanner went away during the scan", |liar| {
        liar.hello();
    });
    garbage(&forge, "the scanner went away during the scan", |liar| {
        liar.hello();
        liar.hear_push();
    });
    garbage(&forge, "hook and scanner differ in version", |liar| {
        liar.upgrade();
        liar.say(&FromDaemon::Hello { version: VERSION + 1, reach: None });
        liar.hear_rest();
    });
    forge.serve();
    eventually("the spool is taken in", || forge.spool().is_empty());
    assert_eq!(told_by_spool(&forge), 5 * 3);
    eventually("every credential is known", || forge.incidents().len() == 5 * 2);
}

#[test]
fn a_verdict_on_something_else_is_no_verdict() {
    let forge = served_before();
    let makes_no_sense = |what: &str| format!("the scanner's answer makes no sense ({what})");
    garbage(&forge, &makes_no_sense("another push's verdict"), |liar| {
        liar.hello();
        let (_, objects) = liar.hear_push();
        liar.accept(Nonce([7; 16]), objects);
    });
    garbage(&forge, &makes_no_sense("a verdict on other objects"), |liar| {
        liar.hello();
        let (nonce, objects) = liar.hear_push();
        liar.accept(nonce, objects - 1);
    });
    garbage(&forge, &makes_no_sense("a frame that does not decode"), |liar| {
        liar.hello();
        let (nonce, objects) = liar.hear_push();
        let mut frame = Vec::new();
        let kind = VerdictKind::Accept;
        let verdict = Verdict { nonce, objects, kind, text: String::new() };
        FromDaemon::Verdict(verdict).write(&mut frame).unwrap();
        frame[0] = 250;
        liar.write(&frame);
        liar.hear_rest();
    });
    garbage(&forge, "the scanner gave up (busy)", |liar| {
        liar.hello();
        liar.hear_push();
        let code = FailureCode::Busy;
        liar.say(&FromDaemon::Failure(Failure { code, message: "full".to_owned() }));
    });
}

#[test]
fn a_verdict_cut_short_is_no_verdict() {
    let forge = served_before();
    garbage(&forge, "the scanner went away during the scan", |liar| {
        liar.hello();
        let (nonce, objects) = liar.hear_push();
        let mut frame = Vec::new();
        let kind = VerdictKind::Accept;
        let verdict = Verdict { nonce, objects, kind, text: "welcome\n".to_owned() };
        FromDaemon::Verdict(verdict).write(&mut frame).unwrap();
        liar.write(&frame[..frame.len() - 1]);
    });
}
