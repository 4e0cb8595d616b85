//! The daemon's state broken: while it runs nothing that holds a credential gets in, and what is
//! broken at the start is named.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::forge::{Forge, PROGRAM, Said, eventually};
use crate::scene::{Scene, UNRECORDED, says, served_before};

/// Serves from a small file system of its own, which goes with the daemon: `prepare` is shell that
/// runs in its mount namespace, with the state's directory as `$1`.
fn serve_on_small_disk(forge: &Forge, prepare: &str) -> Command {
    // The namespace is private, so nothing of it is left behind, whatever becomes of the test.
    let script = format!(
        "cp -a \"$1\" \"$2\" && mount -t tmpfs -o size=8m,mode=700 tmpfs \"$1\" && \
         cp -a \"$2/.\" \"$1\" && {prepare} && exec \"$3\" serve --config \"$4\""
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script, "sh"]);
    command.arg(forge.path("i/state")).arg(forge.path("copy"));
    command.arg(PROGRAM).arg(forge.config());
    command
}

/// Returns the state's directory as the daemon in its namespace sees it.
fn state_of_daemon(forge: &Forge) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", forge.daemon_id()));
    root.join(forge.path("i/state").strip_prefix("/").unwrap())
}

/// Writes until there is no room left.
fn fill(file: &Path) {
    let mut filler = fs::File::create(file).unwrap();
    for chunk in [1 << 20, 4096, 1] {
        while filler.write_all(&vec![b'x'; chunk]).is_ok() {}
    }
}

/// The daemon runs and its store takes nothing: what holds a credential is refused whatever the
/// policy, what is clean passes.
#[track_caller]
fn while_nothing_can_be_stored(scene: &Scene<'_>) {
    let forge = scene.work.forge;
    for policy in ["reject", "accept"] {
        scene.set_policy(policy);
        let (said, _) = scene.push_credential();
        says(&said, UNRECORDED, "the scanner gave up (store)");
        let (said, _) = scene.push_clean();
        assert!(said.is_accepted() && said.remote().is_empty(), "{said:?}");
    }
    assert!(forge.spool().is_empty());
    // A child's claim is as durable as the store would be.
    scene.set_policy("scan-locally");
    let (said, _) = scene.push_credential();
    assert!(said.remote().starts_with("error: push refused - 1 credential in 1"), "{said:?}");
    assert_eq!(forge.spool().len(), 1);
    assert!(scene.push_clean().0.is_accepted());
    assert!(forge.incidents().is_empty());
}

#[test]
fn a_full_disk_lets_no_credential_in() {
    let forge = served_before();
    let scene = Scene::new(&forge);
    forge.serve_by(serve_on_small_disk(&forge, "true"));
    let filler = state_of_daemon(&forge).join("filler");
    fill(&filler);
    while_nothing_can_be_stored(&scene);
    fs::remove_file(filler).unwrap();
    // What waited in the spool is taken in as soon as there is room.
    eventually("the spool is taken in", || forge.spool().is_empty());
    assert_eq!(forge.incidents().len(), 1);
    scene.set_policy("accept");
    assert!(scene.push_credential().0.remote().starts_with("error: push refused - 1 credential"));
    assert_eq!(forge.incidents().len(), 2);
}

#[test]
fn a_disk_that_takes_no_writes_lets_no_credential_in() {
    let forge = served_before();
    let scene = Scene::new(&forge);
    let mut command = Command::new("env");
    command.args(["--ignore-signal=XFSZ", PROGRAM, "serve", "--config"]).arg(forge.config());
    forge.serve_by(command);
    let limit = |soft: &str| {
        let daemon = forge.daemon_id().to_string();
        let mut limit = Command::new("prlimit");
        assert!(limit.args(["--pid", &daemon, soft]).status().unwrap().success());
    };
    limit("--fsize=0:");
    while_nothing_can_be_stored(&scene);
    limit("--fsize=unlimited:");
    eventually("the spool is taken in", || forge.spool().is_empty());
    assert_eq!(forge.incidents().len(), 1);
}

#[test]
fn a_database_that_another_program_holds_lets_no_credential_in() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    scene.set_policy("accept");
    let mut other = rusqlite::Connection::open(forge.path("i/state/pushwarden.db")).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let (said, _) = scene.push_credential();
    says(&said, UNRECORDED, "the scanner gave up (store)");
    assert!(scene.push_clean().0.is_accepted());
    drop(held);
    assert!(forge.spool().is_empty() && forge.incidents().is_empty());
}

/// The daemon must not start, and says why.
#[track_caller]
fn does_not_start(forge: &Forge, why: &[&str]) {
    cannot_serve(&forge.serve_in_vain(), why);
}

#[track_caller]
fn cannot_serve(said: &Said, why: &[&str]) {
    assert_eq!(said.code, 3, "{said:?}");
    assert!(!said.err.contains("ready"), "{said:?}");
    for part in why {
        assert!(said.err.contains(part), "`{part}` is not in: {}", said.err);
    }
}

#[test]
fn a_read_only_state_is_named_at_the_start() {
    let forge = served_before();
    let mut command = serve_on_small_disk(&forge, "mount -o remount,ro \"$1\"");
    cannot_serve(
        &forge.run(&mut command),
        &["the daemon cannot run", "the store cannot be written"],
    );
}

#[test]
fn a_full_disk_is_named_at_the_start() {
    let forge = Forge::stopped();
    let fill = "! cat /dev/zero > \"$1/filler\" 2> /dev/null";
    let mut command = serve_on_small_disk(&forge, fill);
    cannot_serve(
        &forge.run(&mut command),
        &["the daemon cannot run", "no room is left on the disk"],
    );
}

#[test]
fn a_damaged_database_is_named_at_the_start() {
    let forge = served_before();
    let database = forge.path("i/state/pushwarden.db");
    fs::write(&database, "this was a database once\n".repeat(400)).unwrap();
    does_not_start(&forge, &["cannot open the database", "pushwarden.db", "damaged"]);
    assert!(fs::read(&database).unwrap().starts_with(b"this was"), "it is left as it was");
    fs::remove_file(&database).unwrap();
    fs::create_dir(&database).unwrap();
    does_not_start(&forge, &["cannot open the database"]);
}

#[test]
fn another_programs_database_is_left_alone() {
    let forge = served_before();
    let database = forge.path("i/state/pushwarden.db");
    fs::remove_file(&database).unwrap();
    let other = rusqlite::Connection::open(&database).unwrap();
    other.execute_batch("CREATE TABLE birds (name TEXT)").unwrap();
    does_not_start(&forge, &["cannot open the database"]);
    other.execute_batch("INSERT INTO birds VALUES ('wren')").unwrap();
}

#[test]
fn a_configuration_that_makes_no_sense_is_named_with_its_place() {
    let forge = Forge::stopped();
    let good = fs::read_to_string(forge.config()).unwrap();
    fs::write(forge.config(), good.replace("[spool]", "[spool]\npoll_ms = \"soon\"")).unwrap();
    let line = good.lines().position(|line| line == "[spool]").unwrap() + 2;
    does_not_start(&forge, &[&format!("pushwarden.toml:{line}:11: ")]);
    fs::write(forge.config(), good + "[pusch]\n").unwrap();
    does_not_start(&forge, &["pusch", "push"]);
    fs::write(forge.config(), [0xff; 100]).unwrap();
    does_not_start(&forge, &["is no configuration"]);
    fs::remove_file(forge.config()).unwrap();
    does_not_start(&forge, &["cannot read the configuration"]);
}

#[test]
fn a_lost_key_is_named_at_the_start() {
    for key in ["fingerprint.key", "spool.key"] {
        let forge = served_before();
        fs::remove_file(forge.path("i/state/keys").join(key)).unwrap();
        does_not_start(&forge, &["cannot read the keys", key]);
        assert!(!forge.path("i/state/keys").join(key).exists(), "no new key takes its place");
    }
}

#[test]
fn rules_that_cannot_be_read_are_named_at_the_start() {
    let forge = Forge::stopped();
    forge.configure("rules", "directories = [\"own\"]");
    does_not_start(&forge, &["cannot list the rule directory", "own"]);
    fs::create_dir(forge.path("i/own")).unwrap();
    fs::write(forge.path("i/own/a.toml"), b"\xff\xfe").unwrap();
    does_not_start(&forge, &["cannot read", "a.toml"]);
    fs::write(forge.path("i/own/a.toml"), "[[rule]]\nid = 7\n").unwrap();
    does_not_start(&forge, &["a.toml:2:"]);
    fs::remove_file(forge.path("i/own/a.toml")).unwrap();
    fs::create_dir(forge.path("i/own/b.toml")).unwrap();
    does_not_start(&forge, &["b.toml"]);
}
