//! Who pushes much, or slowly, takes nothing from the others.

use pushwarden::wire::{FromDaemon, Pusher, PusherSource, ToDaemon, Trust};

use crate::forge::{Forge, Said};
use crate::limits::{push_socket, with_push_settings};
use crate::peer::Attacker;
use crate::scene::{Scene, UNSCANNED, says};
use crate::token;

/// More than there is room for, of any kind.
const MANY: usize = 12;

/// Begins `MANY` pushes that stop in the middle of a blob of `size` bytes.
fn stall(forge: &Forge, size: u64) -> Vec<Attacker> {
    let stalled = (0..MANY).map(|_| {
        let mut slow = Attacker::connect(&push_socket(forge));
        slow.begin();
        slow.stall(1, size);
        slow
    });
    stalled.collect()
}

/// A push of small files and of one that comes in pieces goes through, and its credential is found.
#[track_caller]
fn small_pushes_are_screened(forge: &Forge) {
    let scene = Scene::new(forge);
    assert!(scene.push_clean().0.is_accepted());
    let secret = forge.plant(token::github());
    let (said, _) = scene.push(&format!("{}TOKEN={secret}\n", "a line\n".repeat(100_000)));
    assert!(said.remote().starts_with("error: push refused - 1 credential"), "{said:?}");
}

#[test]
fn pushes_that_stall_in_a_huge_object_hold_nobody_up() {
    let forge = Forge::start();
    let _stalled = stall(&forge, 1 << 30);
    small_pushes_are_screened(&forge);
    // Nor does a file that is itself put together to be looked into.
    let scene = Scene::again(&forge);
    let (said, _) = scene.push(&"a longer line of text\n".repeat(100_000));
    assert!(said.is_accepted(), "{said:?}");
}

#[test]
fn pushes_that_stall_in_an_object_of_usual_size_hold_nobody_up() {
    let forge = Forge::start();
    let _stalled = stall(&forge, 1 << 20);
    small_pushes_are_screened(&forge);
}

#[test]
fn pushes_that_stall_in_what_is_not_scanned_any_more_hold_no_room() {
    let forge = with_push_settings("push_bytes_max = 1048576");
    let mut stalled = stall(&forge, 1 << 30);
    let size = 16 << 20;
    let mut huge = Attacker::connect(&push_socket(&forge));
    huge.begin();
    huge.stall(2, size);
    // It is taken to its end although the others have not come to theirs.
    let line = b"the beginning, and nothing more\n";
    let mut left = size - 1_000 * line.len() as u64;
    while left > 0 {
        let piece = vec![b'x'; usize::try_from(left.min(60_000)).unwrap()];
        left -= piece.len() as u64;
        huge.say(&ToDaemon::Piece(piece));
    }
    huge.say(&ToDaemon::End { objects: 1 });
    assert!(matches!(huge.hear(), Some(FromDaemon::Verdict(_))));
    stalled.clear();
}

/// Takes a place as somebody, until dropped.
fn sit(forge: &Forge, repository: &str, name: &str) -> Attacker {
    let mut seated = Attacker::connect(&push_socket(forge));
    let source = PusherSource::RemoteUser;
    let name = Some(name.to_owned());
    seated.begin_as(repository, Pusher { name, source, trust: Trust::Server });
    let secret = forge.plant(token::github());
    seated.blob(1, format!("TOKEN={secret}\n").as_bytes());
    seated.say(&ToDaemon::End { objects: 1 });
    // A question is proof that it is being screened.
    assert!(matches!(seated.hear(), Some(FromDaemon::Locate(_))));
    seated
}

fn push_as(scene: &Scene<'_>, name: &str) -> Said {
    scene.work.commit("file", token::random(8), "change");
    scene.work.push_as(&[("REMOTE_USER", name)], &["HEAD:refs/heads/x", "--force"])
}

#[track_caller]
fn is_busy(said: &Said, why: &str) {
    says(said, UNSCANNED, &format!("the scanner gave up (busy): {why}"));
    assert!(!said.is_accepted());
}

#[test]
fn a_pusher_has_so_many_places_and_others_have_theirs() {
    let forge = with_push_settings("pushes_per_pusher_max = 2\nwaiting_per_pusher_max = 0");
    let scene = Scene::new(&forge);
    let seated = sit(&forge, "/srv/one.git", "ana");
    assert!(push_as(&scene, "ana").is_accepted());
    let _second = sit(&forge, "/srv/two.git", "ana");
    is_busy(&push_as(&scene, "ana"), "you have as many pushes at once as it takes of one;");
    assert!(push_as(&scene, "bo").is_accepted());
    assert!(scene.push_clean().0.is_accepted(), "nobody in particular is not counted");
    let busy = &forge.pushes()[0];
    assert_eq!(busy["verdict"], "failed");
    assert!(busy["reason"].as_str().unwrap().starts_with("busy: you have as many"), "{busy}");
    drop(seated);
    crate::forge::eventually("the place is free", || push_as(&scene, "ana").is_accepted());
}

#[test]
fn a_repository_has_so_many_places_and_others_have_theirs() {
    let forge = with_push_settings("pushes_per_repository_max = 1\nwaiting_per_repository_max = 0");
    let (scene, other) = (Scene::new(&forge), Scene::called(&forge, "other.git"));
    let path = scene.repository.path.canonicalize().unwrap();
    let _seated = sit(&forge, path.to_str().unwrap(), "ana");
    let why = "this repository has as many pushes at once as it takes of one;";
    is_busy(&push_as(&scene, "bo"), why);
    assert!(push_as(&other, "ana").is_accepted());
}
