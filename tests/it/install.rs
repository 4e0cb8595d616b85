//! The hook in real repositories: put in, proven by the daemon, taken out again.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::forge::{Forge, PROGRAM, Repository, Said, Work};
use crate::token;

/// The small hook.
const HOOK_PROGRAM: &str = env!("CARGO_BIN_EXE_pushwarden-hook");

fn hooks(forge: &Forge, verb: &str, path: &Path) -> Said {
    forge.cli(["hooks".as_ref(), verb.as_ref(), path.as_os_str()])
}

/// The rows of `hooks status`, and the exit code.
fn status(forge: &Forge, path: &Path) -> (i32, Vec<Value>) {
    let path = path.to_str().unwrap();
    let said = forge.cli(["hooks", "status", path, "--format", "json"]);
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(report["next"], Value::Null);
    (said.code, report["repositories"].as_array().unwrap().clone())
}

fn hook_of(repository: &Repository<'_>) -> PathBuf {
    repository.path.join("hooks/pre-receive")
}

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

fn work_of<'f>(repository: &Repository<'f>) -> Work<'f> {
    let work = repository.clone_as(&format!("work-{}", token::random(6)));
    work.commit("a.txt", token::random(8), "first");
    work
}

/// Pushes something clean and something leaked: the hook is at work.
#[track_caller]
fn assert_guarded(work: &Work<'_>) {
    work.commit("clean.txt", token::random(4), "clean");
    let clean = work.push(&["HEAD:main"]);
    assert!(clean.is_accepted(), "{clean:?}");
    let secret = work.forge.plant(token::github());
    work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    let leaked = work.push(&["HEAD:main"]);
    assert!(!leaked.is_accepted(), "{leaked:?}");
    assert!(leaked.remote().starts_with("error: push refused"), "{leaked:?}");
    work.git(&["reset", "-q", "--hard", "HEAD~1"]);
}

#[test]
fn the_hook_is_a_link_and_works_and_installing_again_changes_nothing() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    assert_eq!(fs::read_link(hook_of(&repository)).unwrap(), Path::new(HOOK_PROGRAM));
    assert_guarded(&work_of(&repository));
    let settings = repository.path.join("hooks/pre-receive.pushwarden");
    // The forge gives the hook more patience than an installation does.
    assert_eq!(hooks(&forge, "install", &repository.path).code, 0);
    let before = fs::read(&settings).unwrap();
    let again = hooks(&forge, "install", &repository.path);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(fs::read(&settings).unwrap(), before);
    assert_guarded(&work_of(&repository));
    let (code, rows) = status(&forge, &repository.path);
    assert_eq!((code, &rows[0]["state"]), (0, &json!("proven")), "{rows:#?}");
    assert_eq!(rows[0]["reason"], Value::Null);
}

#[test]
fn a_whole_root_is_installed_proven_and_uninstalled() {
    let forge = Forge::start();
    let names = ["root/a.git", "root/team/b.git", "root/team/deep/c.git"];
    let repositories = names.map(|name| forge.bare(name, &[]));
    let root = forge.path("root");
    let installed = hooks(&forge, "install", &root);
    assert_eq!(installed.code, 0, "{installed:?}");
    let (code, rows) = status(&forge, &root);
    assert_eq!((code, rows.len()), (0, names.len()), "{rows:#?}");
    assert!(rows.iter().all(|row| row["state"] == "proven"), "{rows:#?}");
    for repository in &repositories {
        let refs = repository.git(&["for-each-ref"]);
        assert_eq!(refs.out, "", "no canary is left");
    }
    assert_eq!(hooks(&forge, "uninstall", &root).code, 0);
    let (code, rows) = status(&forge, &root);
    assert_eq!(code, 1);
    assert!(rows.iter().all(|row| row["state"] == "not-installed"), "{rows:#?}");
    assert!(rows.iter().all(|row| row["remedy"].as_str().unwrap().contains("hooks install")));
    assert!(forge.incidents().is_empty() && forge.tickets().is_empty());
}

#[test]
fn a_hook_that_was_there_runs_after_ours_with_the_same_input() {
    let forge = Forge::start();
    let repository = forge.bare("r.git", &[]);
    let hook = hook_of(&repository);
    let heard = forge.path("heard");
    let text = format!(
        "#!/bin/sh\ncat >'{}'\ntest ! -e '{}' || {{ echo 'the old hook says no'; exit 1; }}\n",
        heard.display(),
        forge.path("refuse").display()
    );
    script(&hook, &text);
    fs::set_permissions(&hook, Permissions::from_mode(0o751)).unwrap();
    forge.install(&repository);
    forge.install(&repository);

    let work = work_of(&repository);
    let head = work.git(&["rev-parse", "HEAD"]);
    let zero = "0".repeat(40);
    assert!(work.push(&["HEAD:main", "HEAD:refs/heads/two"]).is_accepted());
    let want = format!("{zero} {head} refs/heads/main\n{zero} {head} refs/heads/two\n");
    assert_eq!(fs::read_to_string(&heard).unwrap(), want);

    // Ours refuses first: the other does not run at all.
    fs::remove_file(&heard).unwrap();
    assert_guarded_first(&work, &heard);
    let (code, rows) = status(&forge, &repository.path);
    assert_eq!((code, &rows[0]["state"]), (0, &json!("proven")), "{rows:#?}");

    fs::write(forge.path("refuse"), "").unwrap();
    work.commit("b.txt", "clean\n", "clean");
    let refused = work.push(&["HEAD:main"]);
    assert!(!refused.is_accepted());
    assert!(refused.remote().contains("the old hook says no"), "{refused:?}");

    assert_eq!(hooks(&forge, "uninstall", &repository.path).code, 0);
    assert_eq!(fs::read_to_string(&hook).unwrap(), text);
    assert_eq!(fs::metadata(&hook).unwrap().permissions().mode() & 0o7777, 0o751);
    let left =
        fs::read_dir(hook.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().contains("pushwarden")));
}

#[track_caller]
fn assert_guarded_first(work: &Work<'_>, heard: &Path) {
    let secret = work.forge.plant(token::github());
    work.commit("a.env", format!("TOKEN={secret}\n"), "leak");
    assert!(!work.push(&["HEAD:main"]).is_accepted());
    assert!(!heard.exists(), "the chained hook ran although the push was refused");
    work.git(&["reset", "-q", "--hard", "HEAD~1"]);
}

#[test]
fn a_hooks_path_elsewhere_is_refused() {
    let forge = Forge::start();
    let repository = forge.bare("r.git", &[]);
    let elsewhere = forge.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    repository.git(&["config", "core.hooksPath", elsewhere.to_str().unwrap()]);
    let refused = hooks(&forge, "install", &repository.path);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.out.contains("core.hooksPath"), "{refused:?}");
    let (code, rows) = status(&forge, &repository.path);
    assert_eq!((code, &rows[0]["state"]), (1, &json!("not-installed")), "{rows:#?}");
    let remedy = rows[0]["remedy"].as_str().unwrap();
    assert!(
        remedy.contains("--unset-all core.hooksPath; then: pushwarden hooks install"),
        "{remedy}"
    );
    assert!(!hook_of(&repository).exists());
    // Set after the installation, it switches the hook off: no push is needed to know.
    repository.git(&["config", "--unset", "core.hooksPath"]);
    forge.install(&repository);
    repository.git(&["config", "core.hooksPath", elsewhere.to_str().unwrap()]);
    let (code, rows) = status(&forge, &repository.path);
    assert_eq!((code, &rows[0]["state"]), (1, &json!("disabled")), "{rows:#?}");
}

#[test]
fn status_tells_each_way_in_which_a_repository_is_open() {
    let forge = Forge::start();
    #[track_caller]
    fn check(forge: &Forge, harm: impl Fn(&Repository<'_>), state: &str, reason: &str) {
        let repository = forge.repository(&format!("{}.git", token::random(8)));
        harm(&repository);
        let (code, rows) = status(forge, &repository.path);
        assert_eq!((code, &rows[0]["state"]), (1, &json!(state)), "{rows:#?}");
        assert!(rows[0]["reason"].as_str().unwrap().contains(reason), "{rows:#?}");
        assert!(rows[0]["remedy"].is_string(), "{rows:#?}");
        assert_eq!(repository.git(&["for-each-ref"]).out, "", "no canary is left");
    }
    let settings = |r: &Repository<'_>| r.path.join("hooks/pre-receive.pushwarden");
    let remove = |r: &Repository<'_>| fs::remove_file(hook_of(r)).unwrap();
    check(&forge, remove, "not-installed", "no hook");
    check(
        &forge,
        |r| {
            remove(r);
            script(&hook_of(r), "#!/bin/sh\nexit 0\n");
        },
        "failed",
        "NOT GUARDED: the canary was accepted; its ref was deleted again",
    );
    check(
        &forge,
        |r| {
            remove(r);
            script(&hook_of(r), "#!/bin/sh\necho no; exit 1\n");
        },
        "failed",
        "not as a canary",
    );
    check(
        &forge,
        |r| {
            remove(r);
            fs::write(hook_of(r), "#!/bin/sh\nexit 0\n").unwrap();
        },
        "disabled",
        "not executable",
    );
    check(
        &forge,
        |r| fs::set_permissions(settings(r), Permissions::from_mode(0o664)).unwrap(),
        "failed",
        "others can write",
    );
    check(&forge, |r| fs::remove_file(settings(r)).unwrap(), "failed", "missing");
    // The program is gone: git skips such a hook without a word.
    check(
        &forge,
        |r| {
            remove(r);
            symlink("/nonexistent/pushwarden-hook", hook_of(r)).unwrap();
        },
        "disabled",
        "/nonexistent/pushwarden-hook",
    );
    assert!(forge.incidents().is_empty() && forge.tickets().is_empty());

    let repository = forge.repository("away.git");
    forge.stop();
    let (code, rows) = status(&forge, &repository.path);
    assert_eq!((code, &rows[0]["state"]), (1, &json!("daemon-away")), "{rows:#?}");
    assert!(rows[0]["remedy"].as_str().unwrap().starts_with("pushwarden serve"), "{rows:#?}");
    let text = hooks(&forge, "status", &repository.path);
    assert!(text.out.starts_with("daemon-away "), "{text:?}");
}

/// Asks the daemon for a canary, as `hooks status` does.
fn canary(forge: &Forge) -> String {
    let mut socket = UnixStream::connect(forge.path("i/run/admin/admin.sock")).unwrap();
    let request = "POST /v1/canaries HTTP/1.1\r\nhost: pushwarden\r\nconnection: close\r\n\
                   content-type: application/json\r\ncontent-length: 4\r\n\r\nnull";
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let canary: Value = serde_json::from_str(body).unwrap();
    canary["value"].as_str().unwrap().to_owned()
}

#[test]
fn a_canary_is_refused_once_and_leaves_nothing() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = work_of(&repository);
    assert!(work.push(&["HEAD:main"]).is_accepted());
    let value = canary(&forge);
    work.commit("canary", format!("{value}\n"), "canary");
    let refused = work.push(&["HEAD:main"]);
    assert!(!refused.is_accepted());
    assert!(refused.remote().contains("pushwarden canary"), "{refused:?}");
    let again = work.push(&["HEAD:main"]);
    assert!(again.is_accepted(), "it is spent: {again:?}");
    assert!(forge.incidents().is_empty() && forge.tickets().is_empty());
    let never_issued = format!("{}{}", &value[..value.len() - 8], "0badcafe");
    work.commit("canary", format!("{never_issued}\n"), "made up");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    // A canary covers nobody: a secret beside it is refused and recorded as ever.
    let (value, secret) = (canary(&forge), forge.plant(token::github()));
    work.commit("both", format!("{value}\nTOKEN={secret}\n"), "both");
    assert!(!work.push(&["HEAD:main"]).is_accepted());
    assert!(!work.push(&["HEAD:main"]).is_accepted());
    assert_eq!(forge.incidents().len(), 1);
}

/// The push is refused because of the hook's settings, for the reason `why`.
#[track_caller]
fn assert_not_set_up(repository: &Repository<'_>, why: &str) {
    let said = work_of(repository).push(&["HEAD:main"]);
    assert!(!said.is_accepted(), "{said:?}");
    let text = said.remote();
    assert!(text.starts_with("error: push refused - the hook's settings are wrong."), "{text}");
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains(why), "`{why}` is not in: {text}");
}

#[test]
fn settings_that_cannot_be_followed_refuse_for_they_may_hide_a_chained_hook() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    repository.chain("echo chained; exit 1");
    let settings = repository.path.join("hooks/pre-receive.pushwarden");
    let text = fs::read_to_string(&settings).unwrap();
    fs::set_permissions(&settings, Permissions::from_mode(0o664)).unwrap();
    assert_not_set_up(&repository, "run `chmod go-w");
    fs::set_permissions(&settings, Permissions::from_mode(0o644)).unwrap();
    fs::write(&settings, text.replace("chained =", "chaned =")).unwrap();
    assert_not_set_up(&repository, "`chaned` is unknown");
    fs::remove_file(&settings).unwrap();
    assert_not_set_up(&repository, "run `pushwarden hooks install` for this repository");
    fs::write(&settings, text).unwrap();
    let said = work_of(&repository).push(&["HEAD:main"]);
    assert!(!said.is_accepted() && said.remote().contains("chained"), "{said:?}");
}

#[test]
fn a_hook_linked_by_hand_without_settings_has_the_defaults() {
    let forge = Forge::start();
    let repository = forge.bare("r.git", &[]);
    symlink(HOOK_PROGRAM, hook_of(&repository)).unwrap();
    let said = work_of(&repository).push(&["HEAD:main"]);
    assert!(!said.is_accepted(), "no daemon of the system is there: {said:?}");
    assert!(said.remote().contains("it could not be scanned"), "{said:?}");
}

#[test]
fn every_name_of_the_program_is_the_same_hook() {
    let forge = Forge::start();
    #[track_caller]
    fn check(forge: &Forge, name: &str, place: impl Fn(&Path, &Path)) {
        let repository = forge.repository(name);
        let hook = hook_of(&repository);
        fs::remove_file(&hook).unwrap();
        place(&hook, &repository.path.join("hooks/pre-receive.pushwarden"));
        assert_guarded(&work_of(&repository));
    }
    check(&forge, "small.git", |hook, _| symlink(HOOK_PROGRAM, hook).unwrap());
    check(&forge, "main.git", |hook, _| symlink(PROGRAM, hook).unwrap());
    check(&forge, "copy.git", |hook, _| {
        fs::copy(HOOK_PROGRAM, hook).unwrap();
    });
    check(&forge, "subcommand.git", |hook, settings| {
        // Servers that start hooks from a place of their own name the settings.
        let moved = settings.with_file_name("settings");
        fs::rename(settings, &moved).unwrap();
        script(hook, &format!("#!/bin/sh\nexec '{PROGRAM}' hook '{}'\n", moved.display()));
    });
}

#[test]
fn a_configuration_that_is_named_from_elsewhere_is_the_same() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    fs::create_dir(forge.path("elsewhere")).unwrap();
    let mut command = Command::new(PROGRAM);
    command.current_dir(forge.path("elsewhere")).args(["hooks", "install"]);
    let said = forge.run(command.arg(&repository.path).args(["--config", "../i/pushwarden.toml"]));
    assert_eq!(said.code, 0, "{said:?}");
    let (code, rows) = status(&forge, &repository.path);
    assert_eq!((code, &rows[0]["reason"]), (0, &Value::Null), "{rows:#?}");
}
