//! Against real repositories and real git. The programs that are linked to are stand-ins: scripts
//! that answer as the hook would, for the daemon is not part of what is tested here.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::directory::{CHAINED, HOOK, SETTINGS};
use super::*;

/// What the daemon would say about the canary of these tests.
const STOPS: &str = "echo 'error: pushwarden canary c-1 stopped' >&2; exit 1";
const ACCEPTS: &str = "exit 0";

struct Forge {
    scratch: TempDir,
    config: Config,
    programs: Programs,
}

impl Forge {
    /// Makes a place for repositories, with a hook program that does what `script` says.
    fn new(script: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        // Other accounts must get to the program and the repositories.
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o755)).unwrap();
        let root = scratch.path().canonicalize().unwrap();
        fs::create_dir(root.join("bin")).unwrap();
        let programs =
            Programs { hook: root.join("bin/pushwarden-hook"), main: root.join("bin/pushwarden") };
        executable(&programs.hook, &format!("#!/bin/sh\ncat >/dev/null\n{script}\n"));
        let config = Config::instance(&root, 0).unwrap();
        Self { scratch, config, programs }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().canonicalize().unwrap().join(name)
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.init(name, &[])
    }

    fn init(&self, name: &str, args: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut init = Command::new("git");
        init.args(["init", "--quiet", "--bare", "--template="]).args(args).arg(&path);
        assert!(init.status().unwrap().success());
        fs::create_dir(path.join("hooks")).unwrap();
        path
    }

    fn run(&self, command: &HooksCommand) -> (u8, String) {
        let issue_canary = || Ok(Canary { id: "c-1".into(), value: "the-canary".into() });
        self.run_with(command, &issue_canary)
    }

    fn run_with(&self, command: &HooksCommand, issue_canary: &IssueCanary<'_>) -> (u8, String) {
        let context = Context { config: &self.config, programs: &self.programs, issue_canary };
        let mut out = Vec::new();
        let code = run(command, &context, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        (code, text.replace(&*self.path("").to_string_lossy(), "/forge/"))
    }

    fn install(&self, path: &Path) -> (u8, String) {
        self.run(&HooksCommand::Install(args(path)))
    }

    fn uninstall(&self, path: &Path) -> (u8, String) {
        self.run(&HooksCommand::Uninstall(args(path)))
    }

    fn status(&self, path: &Path) -> (u8, String) {
        self.run(&HooksCommand::Status(args(path)))
    }
}

fn args(path: &Path) -> RepositoryArgs {
    RepositoryArgs { repositories: vec![path.to_path_buf()], format: Format::Text }
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

fn git(repository: &Path, args: &[&str]) -> String {
    let output = Command::new("git").arg("--git-dir").arg(repository).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn hook(repository: &Path, name: &str) -> PathBuf {
    repository.join("hooks").join(name)
}

fn names(repository: &Path) -> Vec<String> {
    let entries = fs::read_dir(repository.join("hooks")).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_hook_is_a_link_with_settings_beside_it() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    assert_eq!(forge.install(&repository), (0, "installed     /forge/app.git\n".into()));
    assert_eq!(fs::read_link(hook(&repository, HOOK)).unwrap(), forge.programs.hook);
    let settings = hook(&repository, SETTINGS);
    assert_eq!(fs::metadata(&settings).unwrap().mode() & 0o777, 0o644);
    let text = fs::read_to_string(settings).unwrap();
    let text = text.replace(&*forge.path("").to_string_lossy(), "/forge/");
    assert_snapshot!(text, @r"
    # Written by `pushwarden hooks install`, which also updates it.
    # If others than its owner can write it, every push is refused.
    socket = /forge/run/push.sock
    spool = /forge/spool
    program = /forge/bin/pushwarden
    rules_snapshot = /forge/state/rules.snapshot
    public_key = /forge/state/keys/spool.pub
    deadline_ms = 20000
    deadline_ms_per_20_mb = 1000
    hello_timeout_ms = 500
    on_unavailable = reject
    ");
}

#[test]
fn installing_again_updates_and_leaves_nothing_else_behind() {
    let mut forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    executable(&hook(&repository, HOOK), "#!/bin/sh\n");
    forge.install(&repository);
    let before = names(&repository);
    assert_eq!(before, [HOOK, SETTINGS, CHAINED]);
    forge.config.hook.on_unavailable = crate::config::OnUnavailable::Accept;
    assert_eq!(forge.install(&repository).0, 0);
    assert_eq!(names(&repository), before);
    let text = fs::read_to_string(hook(&repository, SETTINGS)).unwrap();
    assert!(text.contains("on_unavailable = accept\n"), "{text}");
    assert!(text.ends_with("chained = pre-receive.pushwarden-chained\n"), "{text}");
}

#[test]
fn a_hook_that_was_there_comes_back_exactly() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    let place = hook(&repository, HOOK);
    executable(&place, "#!/bin/sh\n# \u{0}bytes\nexit 7\n");
    fs::set_permissions(&place, Permissions::from_mode(0o751)).unwrap();
    let before = (fs::read(&place).unwrap(), fs::metadata(&place).unwrap());
    forge.install(&repository);
    assert_eq!(fs::metadata(hook(&repository, CHAINED)).unwrap().mode(), before.1.mode());
    assert_eq!(forge.uninstall(&repository).0, 0);
    assert_eq!(names(&repository), [HOOK]);
    assert_eq!(fs::read(&place).unwrap(), before.0);
    let after = fs::metadata(&place).unwrap();
    assert_eq!((after.mode(), after.ino()), (before.1.mode(), before.1.ino()));
}

#[test]
fn a_link_that_was_the_hook_comes_back_as_a_link() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    symlink("../../shared-hook", hook(&repository, HOOK)).unwrap();
    forge.install(&repository);
    assert_eq!(fs::read_link(hook(&repository, CHAINED)).unwrap(), Path::new("../../shared-hook"));
    forge.uninstall(&repository);
    assert_eq!(fs::read_link(hook(&repository, HOOK)).unwrap(), Path::new("../../shared-hook"));
    assert_eq!(names(&repository), [HOOK]);
}

#[test]
fn a_hook_that_git_ignored_stays_ignored_and_is_named() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    fs::write(hook(&repository, HOOK), "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(hook(&repository, HOOK), Permissions::from_mode(0o644)).unwrap();
    let (code, text) = forge.install(&repository);
    assert_eq!(code, 0);
    assert_snapshot!(text, @r"
    installed     /forge/app.git
      note: the hook that was there is not executable: git did not run it, nor do we
      mend: chmod +x /forge/app.git/hooks/pre-receive.pushwarden-chained
    ");
    let settings = fs::read_to_string(hook(&repository, SETTINGS)).unwrap();
    assert!(!settings.contains("chained"), "{settings}");
    assert_eq!(forge.status(&repository).0, 0);
    forge.uninstall(&repository);
    assert_eq!(names(&repository), [HOOK]);
}

#[test]
fn an_installation_that_was_cut_short_is_finished_by_either_command() {
    for finish in [Forge::install, Forge::uninstall] {
        let forge = Forge::new(STOPS);
        let repository = forge.repository("app.git");
        executable(&hook(&repository, HOOK), "#!/bin/sh\n");
        fs::hard_link(hook(&repository, HOOK), hook(&repository, CHAINED)).unwrap();
        assert_eq!(finish(&forge, &repository).0, 0);
        forge.uninstall(&repository);
        assert_eq!(names(&repository), [HOOK]);
        assert_eq!(fs::read(hook(&repository, HOOK)).unwrap(), b"#!/bin/sh\n");
    }
}

#[test]
fn what_is_not_ours_is_not_touched() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    executable(&hook(&repository, HOOK), "#!/bin/sh\n");
    assert_eq!(forge.uninstall(&repository).0, 0);
    assert_eq!(names(&repository), [HOOK]);
    forge.install(&repository);
    fs::remove_file(hook(&repository, HOOK)).unwrap();
    executable(&hook(&repository, HOOK), "#!/bin/sh\n# a forge wrote this\n");
    for refused in [forge.uninstall(&repository), forge.install(&repository)] {
        assert_eq!(refused.0, 3, "{}", refused.1);
    }
    assert_snapshot!(forge.uninstall(&repository).1, @r"
    failed        /forge/app.git
      because: hooks/pre-receive is not pushwarden's: something replaced it, and it was not touched
      mend: leave the right hook in its place, then: rm /forge/app.git/hooks/pre-receive.pushwarden*
    ");
    assert_snapshot!(forge.install(&repository).1, @r"
    failed        /forge/app.git
      because: both hooks/pre-receive and hooks/pre-receive.pushwarden-chained are hooks of others
      mend: join the two into one hook, then remove /forge/app.git/hooks/pre-receive.pushwarden-chained
    ");
    assert_eq!(names(&repository), [HOOK, SETTINGS, CHAINED]);
}

#[test]
fn a_hooks_path_elsewhere_refuses_and_says_where_it_is_set() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    git(&repository, &["config", "core.hooksPath", "/dev/null"]);
    let (code, text) = forge.install(&repository);
    assert_eq!(code, 3);
    assert_snapshot!(text, @r"
    failed        /forge/app.git
      because: core.hooksPath is `/dev/null` in file:/forge/app.git/config: git does not run what is in hooks/
      mend: move its hooks into the repository's own hooks/, then: git config --file /forge/app.git/config --unset-all core.hooksPath
    ");
    assert_eq!(names(&repository), [""; 0]);
    let own = repository.join("hooks");
    git(&repository, &["config", "core.hooksPath", own.to_str().unwrap()]);
    assert_eq!(forge.install(&repository).0, 0);
    git(&repository, &["config", "core.hooksPath", ""]);
    let (code, text) = forge.status(&repository);
    assert_eq!((code, text.split_whitespace().next()), (1, Some("disabled")));
}

#[test]
fn a_hook_that_is_switched_off_by_name_is_warned_of() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    git(&repository, &["config", "hook.pre-receive.enabled", "false"]);
    let (code, text) = forge.install(&repository);
    assert_eq!(code, 0);
    assert_snapshot!(text, @r"
    installed     /forge/app.git
      note: hook.pre-receive.enabled is false in file:/forge/app.git/config
      mend: git config --file /forge/app.git/config --unset-all hook.pre-receive.enabled
    ");
}

#[test]
fn a_hooks_directory_that_is_a_link_is_refused() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    fs::rename(repository.join("hooks"), forge.path("shared")).unwrap();
    symlink(forge.path("shared"), repository.join("hooks")).unwrap();
    let (code, text) = forge.install(&repository);
    assert_eq!((code, fs::read_dir(forge.path("shared")).unwrap().count()), (3, 0));
    assert!(text.contains("cannot open its hooks directory"), "{text}");
}

#[test]
fn a_missing_hooks_directory_is_made() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    fs::remove_dir(repository.join("hooks")).unwrap();
    assert_eq!(forge.status(&repository).0, 1);
    assert_eq!(forge.install(&repository).0, 0);
    assert_eq!(forge.status(&repository).0, 0);
}

#[test]
fn a_program_that_cannot_run_is_not_linked_to() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    fs::set_permissions(&forge.programs.hook, Permissions::from_mode(0o644)).unwrap();
    let (code, text) = forge.install(&repository);
    assert_eq!(code, 3);
    assert!(text.contains("cannot run `/forge/bin/pushwarden-hook`"), "{text}");
    assert_eq!(names(&repository), [""; 0]);
}

#[test]
fn a_folder_is_searched_for_bare_repositories_and_links_are_not_followed() {
    let forge = Forge::new(STOPS);
    fs::create_dir_all(forge.path("srv/group/deep")).unwrap();
    fs::create_dir_all(forge.path("elsewhere")).unwrap();
    for name in ["srv/a.git", "srv/group/deep/b", "elsewhere/c.git"] {
        forge.repository(name);
    }
    symlink(forge.path("elsewhere"), forge.path("srv/link")).unwrap();
    let work_tree = forge.path("srv/tree");
    assert!(Command::new("git").arg("init").arg("-q").arg(&work_tree).status().unwrap().success());
    symlink(forge.path("srv/group"), forge.path("srv/inside")).unwrap();
    symlink(forge.path("srv/a.git/HEAD"), forge.path("srv/file")).unwrap();
    let (code, text) = forge.install(&forge.path("srv"));
    assert_eq!(code, 3, "what the link leads to is not guarded");
    assert_snapshot!(text, @r"
    installed     /forge/srv/a.git
    installed     /forge/srv/group/deep/b
    failed        /forge/srv/link
      because: it is a link to `/forge/elsewhere`, and links are not followed
      mend: name it as well: /forge/elsewhere
    ");
    let (_, text) = forge.install(&work_tree);
    assert_eq!(text, "installed     /forge/srv/tree/.git\n");
}

#[test]
fn a_place_without_repository_has_a_row_too() {
    let forge = Forge::new(STOPS);
    fs::create_dir(forge.path("empty")).unwrap();
    let command = HooksCommand::Install(RepositoryArgs {
        repositories: vec![forge.path("none"), forge.path("empty")],
        format: Format::Text,
    });
    let (code, text) = forge.run(&command);
    assert_eq!(code, 3);
    assert_snapshot!(text, @r"
    failed        /forge/empty
      because: there is no bare repository in it
      mend: make one: git init --bare /forge/empty/name.git
    failed        /forge/none
      because: cannot read `/forge/none`: No such file or directory (os error 2)
      mend: name a repository, and run this as root or as its owner
    ");
}

#[test]
fn a_guarded_repository_is_proven_and_nothing_lands_in_it() {
    for format in ["sha1", "sha256"] {
        let forge = Forge::new(STOPS);
        let repository = forge.init("app.git", &[&format!("--object-format={format}")]);
        forge.install(&repository);
        assert_eq!(forge.status(&repository), (0, "proven        /forge/app.git\n".into()));
        assert_eq!(git(&repository, &["for-each-ref"]), "");
    }
}

#[test]
fn a_repository_that_accepts_the_canary_fails_loudly_and_the_ref_is_gone() {
    let forge = Forge::new(ACCEPTS);
    let repository = forge.repository("app.git");
    forge.install(&repository);
    let (code, text) = forge.status(&repository);
    assert_eq!(code, 1);
    assert_snapshot!(text, @r"
    failed        /forge/app.git
      because: NOT GUARDED: the canary was accepted; its ref was deleted again
      mend: pushwarden hooks install /forge/app.git --config /forge/pushwarden.toml
    ");
    assert_eq!(git(&repository, &["for-each-ref"]), "");
}

#[test]
fn a_refusal_in_other_words_proves_nothing() {
    let forge = Forge::new("echo 'pushwarden canary c-2 stopped'; exit 1");
    let repository = forge.repository("app.git");
    forge.install(&repository);
    let (code, text) = forge.status(&repository);
    assert_eq!(code, 1);
    assert_snapshot!(text, @r"
    failed        /forge/app.git
      because: the push was refused, but not as a canary: pushwarden canary c-2 stopped
      mend: pushwarden doctor --config /forge/pushwarden.toml
    ");
}

#[test]
fn a_repository_without_the_hook_is_not_pushed_to() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    executable(&hook(&repository, HOOK), "#!/bin/sh\ntouch pushed\n");
    let (code, text) = forge.status(&repository);
    assert_eq!(code, 1);
    assert_snapshot!(text, @r"
    not-installed /forge/app.git
      because: it has no hook of pushwarden
      mend: pushwarden hooks install /forge/app.git --config /forge/pushwarden.toml
    ");
    assert!(!repository.join("pushed").exists());
}

/// Acts like the script that Gitea and Forgejo write: runs all there is, fails if any fails.
const DELEGATE: &str = "#!/bin/sh\ndata=$(cat); code=0\n\
    for hook in $(dirname $0)/pre-receive.d/*; do echo \"$data\" | $hook || code=1; done\nexit $code\n";

#[test]
fn a_hook_that_a_servers_own_hook_runs_is_proven() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    fs::create_dir(hook(&repository, "pre-receive.d")).unwrap();
    let link = hook(&repository, "pre-receive.d/pre-receive-pushwarden");
    symlink(&forge.programs.hook, &link).unwrap();
    let (code, text) = forge.status(&repository);
    assert_eq!(code, 1);
    assert_snapshot!(text, @r"
    disabled      /forge/app.git
      because: it is /forge/app.git/hooks/pre-receive.d/pre-receive-pushwarden, and no hooks/pre-receive runs it
      mend: let the server write its own hooks again
    ");
    executable(&hook(&repository, HOOK), DELEGATE);
    let (code, text) = forge.status(&repository);
    assert_snapshot!(text, @r"
    proven        /forge/app.git
      note: hooks/pre-receive runs it from /forge/app.git/hooks/pre-receive.d/pre-receive-pushwarden
    ");
    assert_eq!(code, 0);
    fs::rename(&link, link.with_extension("old~")).unwrap();
    assert!(forge.status(&repository).1.starts_with("not-installed "));
}

#[test]
fn a_hook_that_gitaly_runs_is_found_and_not_said_to_be_proven() {
    #[track_caller]
    fn check(place: &str) {
        let forge = Forge::new(ACCEPTS);
        let repository = forge.repository("app.git");
        let link = repository.join(place);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&forge.programs.hook, &link).unwrap();
        let (code, text) = forge.status(&repository);
        let first = "unproven      /forge/app.git\n  because: Gitaly runs it from /forge/app.git/";
        assert_eq!((code, text.starts_with(first)), (1, true), "{text}");
        assert!(text.contains("mend: push a credential through GitLab"), "{text}");
    }
    check("custom_hooks/pre-receive");
    check("custom_hooks/pre-receive.d/50-pushwarden");
}

#[test]
fn what_stands_wrong_is_told_with_the_command_that_mends_it() {
    #[track_caller]
    fn check(harm: impl Fn(&Forge, &Path)) -> String {
        let forge = Forge::new(STOPS);
        let repository = forge.repository("app.git");
        forge.install(&repository);
        harm(&forge, &repository);
        let (code, text) = forge.status(&repository);
        assert_eq!(code, 1, "{text}");
        let owner = git::Repository::open(repository).unwrap().owner;
        text.replace(&format!("the account {}", owner.name), "the account OWNER")
    }
    let writable = |_: &Forge, repository: &Path| {
        fs::set_permissions(hook(repository, SETTINGS), Permissions::from_mode(0o664)).unwrap();
    };
    assert_snapshot!(check(writable), @r"
    failed        /forge/app.git
      because: others can write its settings
      mend: chmod go-w /forge/app.git/hooks/pre-receive.pushwarden
    ");
    let unsettled =
        |_: &Forge, repository: &Path| fs::remove_file(hook(repository, SETTINGS)).unwrap();
    assert_snapshot!(check(unsettled), @r"
    failed        /forge/app.git
      because: its settings are missing
      mend: pushwarden hooks install /forge/app.git --config /forge/pushwarden.toml
    ");
    let dangling = |forge: &Forge, _: &Path| fs::remove_file(&forge.programs.hook).unwrap();
    assert_snapshot!(check(dangling), @r"
    disabled      /forge/app.git
      because: the account OWNER cannot run `/forge/bin/pushwarden-hook`
      mend: pushwarden hooks install /forge/app.git --config /forge/pushwarden.toml
    ");
    let copied = |forge: &Forge, repository: &Path| {
        fs::remove_file(hook(repository, HOOK)).unwrap();
        fs::copy(&forge.programs.hook, hook(repository, HOOK)).unwrap();
        fs::set_permissions(hook(repository, HOOK), Permissions::from_mode(0o644)).unwrap();
    };
    assert_snapshot!(check(copied), @r"
    disabled      /forge/app.git
      because: the hook is not executable
      mend: chmod +x /forge/app.git/hooks/pre-receive
    ");
}

#[test]
fn a_proven_repository_that_differs_from_the_configuration_is_remarked() {
    let mut forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    forge.install(&repository);
    forge.config.push.socket = "/run/other.sock".into();
    forge.programs.hook = forge.path("bin/elsewhere/pushwarden-hook");
    let (code, text) = forge.status(&repository);
    assert_eq!(code, 0);
    assert_snapshot!(text, @r"
    proven        /forge/app.git
      note: the hook is another program, /forge/bin/pushwarden-hook; its settings are not those of the configuration
      mend: pushwarden hooks install /forge/app.git --config /forge/pushwarden.toml
    ");
}

#[test]
fn without_the_daemon_nothing_is_proven_and_nothing_is_pushed() {
    let forge = Forge::new("touch pushed; exit 0");
    let repository = forge.repository("app.git");
    forge.install(&repository);
    let away = || {
        Err(CanaryError::Away {
            socket: "/run/admin.sock".into(),
            reason: "connection refused".into(),
        })
    };
    let command =
        HooksCommand::Status(RepositoryArgs { format: Format::Json, ..args(&repository) });
    let (code, text) = forge.run_with(&command, &away);
    assert_eq!(code, 1);
    assert_snapshot!(text, @r#"{"repositories":[{"id":"/forge/app.git","state":"daemon-away","reason":"the daemon does not answer at `/run/admin.sock`: connection refused","remedy":"pushwarden serve --config /forge/pushwarden.toml"}],"next":null}"#);
    assert!(!repository.join("pushed").exists());
}

#[test]
fn a_hook_that_hangs_ends_the_push_not_the_command() {
    let forge = Forge::new("sleep 600");
    let repository = forge.repository("app.git");
    forge.install(&repository);
    let canary = Canary { id: "c-1".into(), value: "the-canary".into() };
    let found = git::Repository::open(repository).unwrap();
    let timeout = std::time::Duration::from_millis(500);
    assert_eq!(canary::push(&found, &canary, timeout).unwrap(), canary::Outcome::TookTooLong);
}

/// Only root can act for other accounts; without root there is nothing to test.
#[test]
fn root_acts_as_the_owner_of_the_repository() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let (uid, gid) = (nobody.uid.as_raw(), nobody.gid.as_raw());
    let forge = Forge::new(&format!("test \"$(id -u)\" = {uid} || exit 0\n{STOPS}"));
    let repository = forge.repository("app.git");
    let given =
        Command::new("chown").arg("-R").arg(format!("{uid}:{gid}")).arg(&repository).status();
    assert!(given.unwrap().success());
    assert_eq!(forge.install(&repository), (0, "installed     /forge/app.git\n".into()));
    for name in [HOOK, SETTINGS] {
        let metadata = fs::symlink_metadata(hook(&repository, name)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (uid, gid), "{name}");
    }
    assert_eq!(forge.status(&repository), (0, "proven        /forge/app.git\n".into()));
    fs::set_permissions(forge.path("bin"), Permissions::from_mode(0o700)).unwrap();
    let (code, text) = forge.status(&repository);
    assert_eq!(code, 1);
    assert_snapshot!(text, @r"
    disabled      /forge/app.git
      because: the account nobody cannot run `/forge/bin/pushwarden-hook`
      mend: pushwarden hooks install /forge/app.git --config /forge/pushwarden.toml
    ");
}

#[test]
fn a_path_that_the_settings_cannot_hold_is_refused_before_anything_is_done() {
    for odd in ["/srv/two\nlines", "/srv/ends with a space "] {
        let mut forge = Forge::new(STOPS);
        let repository = forge.repository("app.git");
        forge.config.spool.directory = odd.into();
        let (code, text) = forge.install(&repository);
        assert_eq!(code, 3, "{text}");
        assert_eq!(names(&repository), [""; 0]);
    }
}

#[test]
fn folders_too_deep_to_be_searched_are_named() {
    let forge = Forge::new(STOPS);
    let deep = ["d"; 14].join("/");
    fs::create_dir_all(forge.path(&format!("srv/{deep}"))).unwrap();
    let (code, text) = forge.install(&forge.path("srv"));
    assert_eq!(code, 3);
    assert!(text.contains("the search stopped here: too deep"), "{text}");
}

#[test]
fn a_submodule_is_sent_to_its_repository() {
    let forge = Forge::new(STOPS);
    fs::create_dir(forge.path("module")).unwrap();
    fs::write(forge.path("module/.git"), "gitdir: ../x.git\n").unwrap();
    let (code, text) = forge.install(&forge.path("module"));
    assert_eq!(code, 3);
    assert!(text.contains("name the repository that it belongs to"), "{text}");
}

#[test]
fn a_repository_named_twice_has_one_row() {
    let forge = Forge::new(STOPS);
    let repository = forge.repository("app.git");
    let command = HooksCommand::Install(RepositoryArgs {
        repositories: vec![repository.clone(), forge.path(""), repository],
        format: Format::Text,
    });
    assert_eq!(forge.run(&command), (0, "installed     /forge/app.git\n".into()));
}
