//! A daemon that starts at the first push, and one that stops in the middle of one.

use std::fs;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use pushwarden::wire::{FromDaemon, ToDaemon, VerdictKind};

use crate::forge::{Forge, PROGRAM, eventually};
use crate::limits::{push_socket, two_mebibytes, with_push_settings};
use crate::peer::{Attacker, between};
use crate::scene::{Scene, told_by_spool};
use crate::token;

#[test]
fn a_stop_finishes_what_is_under_way_and_takes_no_more() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let mut under_way = Attacker::connect(&push_socket(&forge));
    let nonce = under_way.begin();
    under_way.blob(1, b"nothing to see\n");
    forge.signal("TERM");
    eventually("no more pushes are taken", || UnixStream::connect(push_socket(&forge)).is_err());
    scene.is_refused_unscanned("the scanner cannot be reached");
    under_way.say(&ToDaemon::End { objects: 1 });
    match under_way.hear() {
        Some(FromDaemon::Verdict(verdict)) => {
            assert_eq!((verdict.nonce, verdict.kind), (nonce, VerdictKind::Accept));
        }
        other => panic!("{other:?}"),
    }
    drop(under_way);
    assert_eq!(forge.wait().0, Some(0));
}

#[test]
fn a_real_push_survives_the_stop_of_its_daemon() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let front = forge.path("front.sock");
    scene.repository.set("socket", front.to_str().unwrap());
    let daemon = forge.daemon_id().to_string();
    let stop = move || {
        assert!(Command::new("kill").args(["-s", "TERM", &daemon]).status().unwrap().success());
    };
    let _between = between(&front, &push_socket(&forge), 256 << 10, stop);
    let secret = forge.plant(token::github());
    let (said, _) = scene.push(&(two_mebibytes() + &secret));
    assert!(said.remote().starts_with("error: push refused - 1 credential"), "{said:?}");
    assert_eq!(forge.wait().0, Some(0));
    forge.serve();
    assert_eq!(forge.incidents().len(), 1);
}

#[test]
fn a_push_that_does_not_end_does_not_keep_the_daemon() {
    let forge = with_push_settings("deadline_ms = 1000\ndeadline_ms_per_20_mb = 0");
    let mut idle = Attacker::connect(&push_socket(&forge));
    idle.begin();
    forge.signal("TERM");
    assert!(matches!(idle.hear(), Some(FromDaemon::Failure(_))));
    drop(idle);
    assert_eq!(forge.wait().0, Some(0));
}

/// Returns a command that listens like systemd does, and starts `program` at the first caller.
fn activate(forge: &Forge, program: &[&str]) -> Command {
    for socket in ["i/run/push.sock", "i/run/admin/admin.sock"] {
        drop(fs::remove_file(forge.path(socket)));
    }
    let mut command = Command::new("systemd-socket-activate");
    command.arg("-l").arg(push_socket(forge));
    command.arg("-l").arg(forge.path("i/run/admin/admin.sock"));
    command.args(program);
    command
}

#[test]
fn the_first_push_starts_the_daemon_behind_systemds_socket() {
    let forge = Forge::stopped();
    let scene = Scene::new(&forge);
    let config = forge.config();
    let serve = [PROGRAM, "serve", "--config", config.to_str().unwrap()];
    let is_ready = forge.launch(activate(&forge, &serve));
    eventually("the socket is there", || forge.path("i/run/admin/admin.sock").exists());
    assert!(is_ready.try_recv().is_err(), "nobody has called yet");
    assert!(scene.push_clean().0.is_accepted());
    is_ready.recv_timeout(Duration::from_secs(1)).unwrap();
    assert_eq!(scene.push_credential().0.code, 1);
    assert_eq!(forge.incidents().len(), 1);
    forge.signal("TERM");
    assert_eq!(forge.wait().0, Some(0));
    assert!(push_socket(&forge).exists(), "systemd's socket is not the daemon's to remove");
}

#[test]
fn a_dead_daemon_behind_systemds_socket_is_away() {
    let forge = Forge::start();
    forge.stop();
    let scene = Scene::new(&forge);
    scene.repository.set("hello_timeout_ms", "200");
    drop(forge.launch(activate(&forge, &["sleep", "1000"])));
    eventually("the socket is there", || forge.path("i/run/admin/admin.sock").exists());
    scene.is_refused_unscanned("the scanner does not answer");
    scene.set_policy("accept");
    scene.is_accepted_unscanned("the scanner does not answer");
    scene.set_policy("scan-locally");
    scene.is_scanned_locally();
    forge.kill();
    forge.serve();
    eventually("the spool is taken in", || forge.spool().is_empty());
    assert_eq!(told_by_spool(&forge), 3);
}
