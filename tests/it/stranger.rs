//! Who may open a socket is the kernel's word: strangers are turned away, and get nothing by it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::forge::{Forge, PROGRAM, Said, eventually, isolate};
use crate::limits::with_push_settings;
use crate::scene::{Scene, UNSCANNED, says};

/// The account that tests take for a stranger: nobody's.
const STRANGER: &str = "65534";

/// Opens every directory on the way to a socket, as a careless administrator might.
fn open_up(forge: &Forge, below: &str) {
    let mut path = forge.path("");
    for part in Path::new(below) {
        path.push(part);
        let mode = if path.is_dir() { 0o711 } else { 0o666 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(forge.path(""), fs::Permissions::from_mode(0o711)).unwrap();
}

/// Returns a command that runs as the stranger.
fn as_stranger(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    let ids = ["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"];
    command.args(ids).arg(program);
    isolate(&mut command);
    command
}

/// Gives the repository and the clone to the stranger, with a hook that they can run.
fn hand_over(scene: &Scene<'_>) {
    let forge = scene.work.forge;
    let hook = scene.repository.path.join("hooks/pre-receive");
    fs::remove_file(&hook).unwrap();
    fs::copy(PROGRAM, &hook).unwrap();
    let mut chown = Command::new("chown");
    chown.args(["-R", &format!("{STRANGER}:{STRANGER}")]);
    chown.arg(&scene.repository.path).arg(&scene.work.path);
    assert_eq!(forge.run(&mut chown).code, 0);
}

fn push_as_stranger(scene: &Scene<'_>) -> Said {
    let mut push = as_stranger(Path::new("git"));
    push.arg("-C").arg(&scene.work.path).args(["push", "origin", "HEAD:main"]);
    scene.work.forge.run(&mut push)
}

#[test]
fn a_stranger_is_turned_away_from_the_push_socket() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    scene.work.commit("a", "1\n", "first");
    hand_over(&scene);
    open_up(&forge, "i/run/push.sock");
    says(&push_as_stranger(&scene), UNSCANNED, "the scanner went away during the scan");
    eventually("the log names the stranger", || {
        forge.daemon_log().contains("uid 65534 is not admitted to this socket")
    });
    // Nor can they help themselves by the policy for a daemon that is away: the spool is not theirs.
    scene.set_policy("accept");
    says(&push_as_stranger(&scene), UNSCANNED, "and that could not be recorded");
    assert!(forge.spool().is_empty());
}

#[test]
fn only_accounts_on_the_list_may_push_be_it_root() {
    let forge = with_push_settings("accounts = [65534]");
    let scene = Scene::new(&forge);
    scene.is_refused_unscanned("the scanner went away during the scan");
    hand_over(&scene);
    open_up(&forge, "i/run/push.sock");
    let said = push_as_stranger(&scene);
    assert!(said.is_accepted(), "{said:?}");
}

#[test]
fn a_stranger_is_turned_away_from_the_admin_socket() {
    let forge = Forge::start();
    let program = forge.path("pushwarden");
    fs::copy(PROGRAM, &program).unwrap();
    open_up(&forge, "i/run/admin/admin.sock");
    open_up(&forge, "i/pushwarden.toml");
    let list = |command: &mut Command| {
        forge.run(command.args(["incidents", "list", "--config"]).arg(forge.config()))
    };
    assert_eq!(list(&mut Command::new(&program)).code, 0);
    let said = list(&mut as_stranger(&program));
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(said.out, "");
    eventually("the log names the stranger", || {
        forge.daemon_log().contains("uid 65534 is not admitted to this socket")
    });
}
