use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::SystemTime;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::super::init;
use super::*;
use crate::config::Account;

fn instance() -> (TempDir, Config) {
    let scratch = tempfile::tempdir().unwrap();
    let config = init::create(&scratch.path().join("pw")).unwrap();
    (scratch, config)
}

/// The rows as text, without what differs from machine to machine.
fn doctor(file: &Path, scratch: &TempDir) -> (u8, String) {
    let mut out = Vec::new();
    let code = run(&DoctorArgs::default(), file, &|_| Vec::new(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    (code, text.replace(scratch.path().to_str().unwrap(), "/scratch"))
}

#[track_caller]
fn found(config: &Config, id: &str) -> Check {
    let checks = checks(config);
    checks.into_iter().find(|check| check.id == id).expect("there is such a check")
}

/// Answers as a daemon does, to the first that asks.
fn answer_once(listener: UnixListener) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        (&stream).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    })
}

#[test]
fn a_fresh_instance_lacks_only_its_daemon() {
    let (scratch, config) = instance();
    let (code, text) = doctor(&config.file, &scratch);
    assert_eq!(code, 1);
    let rows: Vec<_> =
        text.lines().filter(|line| !line.contains("disk-") && !line.contains(" git ")).collect();
    assert_snapshot!(rows.join("\n"), @r"
    ok    config         /scratch/pw/pushwarden.toml
    ok    accounts       all exist
    ok    keys           /scratch/pw/state/keys
    ok    public-key     /scratch/pw/state/keys/spool.pub
    ok    state          /scratch/pw/state
    ok    spool          /scratch/pw/spool
    ok    spool-entries  0 wait
    FAIL  push-socket    nobody answers at /scratch/pw/run/push.sock: No such file or directory (os error 2)
      mend: pushwarden serve --config /scratch/pw/pushwarden.toml
    FAIL  admin-socket   nobody answers at /scratch/pw/run/admin/admin.sock: No such file or directory (os error 2)
      mend: pushwarden serve --config /scratch/pw/pushwarden.toml
    ok    admin-closed   /scratch/pw/run/admin
    ");
}

#[test]
fn a_daemon_that_answers_is_well_and_one_that_is_silent_is_not() {
    let (_scratch, config) = instance();
    let push = answer_once(UnixListener::bind(&config.push.socket).unwrap());
    assert_eq!(sockets::push(&config).state, Health::Ok);
    push.join().unwrap();
    let silent = UnixListener::bind(&config.admin.socket).unwrap();
    let check = sockets::admin(&config);
    assert!(check.reason.ends_with("is open, and nobody says hello"), "{check:?}");
    drop(silent);
}

#[test]
fn a_configuration_that_is_refused_is_the_only_row_and_tells_all() {
    let (scratch, config) = instance();
    fs::write(&config.file, "[push]\npushes_max = 0\nnothing = 1\n").unwrap();
    let (code, text) = doctor(&config.file, &scratch);
    assert_eq!(code, 3);
    assert_snapshot!(text, @r"
    FAIL  config         /scratch/pw/pushwarden.toml:2:14: [push] `pushes_max` = 0 is out of range
      2 | pushes_max = 0
        |              ^
      accepted: a whole number from 1 to 4096
      remedy: write one of these, or remove the line for the default, 64

    /scratch/pw/pushwarden.toml:3:1: [push] `nothing` is not a setting here
      3 | nothing = 1
        | ^^^^^^^
      accepted: socket, accounts, pushes_max, pushes_waiting_max, waiting_timeout_ms, pushes_per_repository_max, waiting_per_repository_max, pushes_per_pusher_max, waiting_per_pusher_max, deadline_ms, deadline_ms_per_20_mb, push_bytes_max, in_flight_bytes_max, gathered_bytes_max, findings_max, layer_depth_max, layer_bytes_max, layer_parts_max, hits_max, workers
      remedy: remove it
      mend: edit it, then: pushwarden config check --config /scratch/pw/pushwarden.toml
    ");
    fs::remove_file(&config.file).unwrap();
    let (code, text) = doctor(&config.file, &scratch);
    assert_eq!(code, 3);
    assert_snapshot!(text, @r"
    FAIL  config         cannot read the configuration `/scratch/pw/pushwarden.toml`: No such file or directory (os error 2)
      mend: pushwarden init DIR, or name a file with --config
    ");
}

#[test]
fn harm_is_named_with_the_command_that_mends_it() {
    #[track_caller]
    fn check(id: &str, harm: impl Fn(&mut Config)) -> String {
        let (scratch, mut config) = instance();
        harm(&mut config);
        let check = found(&config, id);
        assert_ne!(check.state, Health::Ok, "{check:?}");
        let text = format!("{} | {}", check.reason, check.remedy.unwrap());
        let uid = format!("user id {}", rustix::process::geteuid().as_raw());
        let text = text.replace(&uid, "user id UID");
        text.replace(scratch.path().to_str().unwrap(), "/scratch")
    }
    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let exposed = |config: &mut Config| mode(&config.keys.directory.join("spool.key"), 0o644);
    assert_snapshot!(check("keys", exposed), @"the key `/scratch/pw/state/keys/spool.key` has mode 0644: others can reach it; run `chmod 600 /scratch/pw/state/keys/spool.key`, and consider it known to them | chmod 600 /scratch/pw/state/keys/spool.key");
    let lost = |config: &mut Config| fs::remove_dir_all(&config.keys.directory).unwrap();
    assert_snapshot!(check("keys", lost), @"there are no keys in /scratch/pw/state/keys | the daemon makes them when it first starts");
    assert_snapshot!(check("state", |config| mode(&config.state_dir, 0o755)), @"others can look into or change /scratch/pw/state | chmod go-rw /scratch/pw/state");
    assert_snapshot!(check("spool", |config| mode(&config.spool.directory, 0o777)), @"every account can reach /scratch/pw/spool | chmod o-rw /scratch/pw/spool");
    let forgotten = |config: &mut Config| {
        let entry = File::create(config.spool.directory.join("entry")).unwrap();
        entry.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    assert_snapshot!(check("spool-entries", forgotten), @"entries that wait for more than an hour: 1 of 1 | see why the daemon does not take them in: journalctl -u pushwarden");
    let full = |config: &mut Config| {
        config.spool.entries_max = 1;
        File::create(config.spool.directory.join("entry")).unwrap();
    };
    assert_snapshot!(check("spool-entries", full), @"entries that wait: 1 or more | see why the daemon does not take them in: journalctl -u pushwarden");
    let aside = |config: &mut Config| {
        for name in ["a.claim.unreadable", "b.accepted.unreadable"] {
            File::create(config.spool.directory.join(name)).unwrap();
        }
    };
    assert_snapshot!(check("spool-entries", aside), @"entries put aside because they cannot be read: 2; each may stand for a push that was let in | see `pushwarden pushes unscanned`, scan what was pushed, then: rm /scratch/pw/spool/*.unreadable");
    let unknown =
        |config: &mut Config| config.push.accounts = vec![Account::Name("no-such".into())];
    assert_snapshot!(check("accounts", unknown), @"there is no account `no-such` on this machine; create it, or name another in the configuration | useradd --system, or change `accounts` of [push]");
    assert_snapshot!(check("accounts", |config| config.admin.allow_self_approval = false), @"user id UID may push and administer | name different accounts in [push] and [admin]");
    assert_snapshot!(check("rules", |config| config.rules.directories = vec!["/none".into()]), @"cannot read /none: No such file or directory (os error 2) | mkdir -m 700 /none");
}

#[test]
fn an_account_that_pushes_must_reach_what_it_needs_and_no_more() {
    let (scratch, mut config) = instance();
    config.push.accounts = vec![Account::Name("daemon".into())];
    // The instance is closed to others, so they can push nothing.
    assert_eq!(found(&config, "spool").state, Health::Fail);
    assert_eq!(found(&config, "public-key").state, Health::Fail);
    assert_eq!(found(&config, "admin-closed").state, Health::Ok);
    for open in [scratch.path(), config.file.parent().unwrap(), &config.state_dir] {
        fs::set_permissions(open, Permissions::from_mode(0o711)).unwrap();
    }
    assert_eq!(found(&config, "public-key").state, Health::Ok);
    for open in ["run", "run/admin"] {
        let open = config.file.with_file_name(open);
        fs::set_permissions(open, Permissions::from_mode(0o711)).unwrap();
    }
    assert_eq!(found(&config, "admin-closed").state, Health::Fail);
}

#[test]
fn checks_of_others_are_added() {
    let (_scratch, config) = instance();
    let more = |_: &Config| vec![Check::warn("more", "looked", "look again")];
    let args = DoctorArgs { format: Format::Json };
    let mut out = Vec::new();
    run(&args, &config.file, &more, &mut out).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let last = report["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(last["id"], "more");
    assert_eq!(last["state"], "warn");
    assert_eq!(last["remedy"], "look again");
    assert!(report["next"].is_null());
}
