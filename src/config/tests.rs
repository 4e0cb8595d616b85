use insta::assert_snapshot;

use super::*;

#[track_caller]
fn refused(text: &str) -> String {
    let error = Config::parse(text, Path::new("/etc/pushwarden/pushwarden.toml"));
    error.expect_err("the text is wrong").to_string()
}

/// The commented file with each setting (`#key = value`) in force; prose begins with `# `.
fn uncommented() -> String {
    let uncomment = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    let lines: Vec<_> = COMMENTED.lines().map(uncomment).collect();
    lines.join("\n")
}

#[test]
fn an_empty_file_is_a_system_installation() {
    let config = Config::system();
    assert_eq!(config.push.socket, Path::new("/run/pushwarden/push.sock"));
    assert_eq!(config.keys.directory, Path::new("/var/lib/pushwarden/keys"));
    assert_eq!(config.owners.file, Path::new("/etc/pushwarden/owners.toml"));
    assert_eq!(config.push.accounts, [Account::Name("git".into())]);
    assert_eq!(config.push.workers, None);
    assert_eq!(config.hook.on_unavailable, OnUnavailable::Reject);
}

#[test]
fn the_commented_file_changes_nothing() {
    let config = Config::parse(COMMENTED, Path::new(DEFAULT_FILE)).unwrap();
    assert_eq!(config, Config::system());
}

#[test]
fn the_commented_file_tells_the_true_defaults() {
    let examples = ["[[policy.rule]]", "id = ", "action = ", "ticket_url = ", "contact = "];
    let text = uncommented();
    let defaults =
        text.lines().filter(|line| !examples.iter().any(|start| line.starts_with(start)));
    let defaults: Vec<_> = defaults.collect();
    let config = Config::parse(&defaults.join("\n"), Path::new(DEFAULT_FILE)).unwrap();
    assert_eq!(config, Config::system());
}

#[test]
fn the_commented_file_lists_every_setting() {
    let mut config = Config::parse(&uncommented(), Path::new(DEFAULT_FILE)).unwrap();
    assert_eq!(config.policy.rules.len(), 1);
    assert!(config.message.ticket_url.is_some() && config.message.contact.is_some());
    config.policy.rules.clear();
    config.message = Message::default();
    assert_eq!(config, Config::system());
    // What an unknown key says is accepted is what is read: all of it must stand in the file.
    for section in [
        "push", "admin", "policy", "rules", "owners", "keys", "spool", "ledger", "hook", "message",
        "log",
    ] {
        for key in accepted(section) {
            let written = COMMENTED.lines().any(|line| {
                line.trim_start_matches(['#', '['])
                    .strip_prefix(&key)
                    .is_some_and(|rest| rest.starts_with(" ="))
            });
            assert!(written || key == "rule", "[{section}] {key} is not in config/pushwarden.toml");
        }
    }
}

fn accepted(section: &str) -> Vec<String> {
    let text = format!("[{section}]\nno-such-key = 1\n");
    let error = Config::parse(&text, Path::new(DEFAULT_FILE)).unwrap_err();
    let list = error.problems()[0].accepted.clone();
    list.split(", ").map(ToOwned::to_owned).collect()
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = "state_dir = 7\n\
                [push]\n\
                \tpushes_max = 0\n\
                pushes_maxx = 9\n\
                accounts = [\"git\", 3.5]\n\
                [policy]\n\
                refuse_at = \"sure\"\n\
                [[policy.rule]]\n\
                id = \"Bad Id\"\n\
                [hook]\n\
                deadline_ms = \"20s\"\n\
                [telemetry]\n\
                level = \"info\"\n";
    assert_snapshot!(refused(text), @r#"
    /etc/pushwarden/pushwarden.toml:1:13: `state_dir` is of type integer
      1 | state_dir = 7
        |             ^
      accepted: a text
      remedy: put it in quotes

    /etc/pushwarden/pushwarden.toml:3:15: [push] `pushes_max` = 0 is out of range
      3 | 	pushes_max = 0
        | 	             ^
      accepted: a whole number from 1 to 4096
      remedy: write one of these, or remove the line for the default, 64

    /etc/pushwarden/pushwarden.toml:4:1: [push] `pushes_maxx` is not a setting here
      4 | pushes_maxx = 9
        | ^^^^^^^^^^^
      accepted: socket, accounts, pushes_max, pushes_waiting_max, waiting_timeout_ms, pushes_per_repository_max, waiting_per_repository_max, pushes_per_pusher_max, waiting_per_pusher_max, deadline_ms, deadline_ms_per_20_mb, push_bytes_max, in_flight_bytes_max, gathered_bytes_max, findings_max, layer_depth_max, layer_bytes_max, layer_parts_max, hits_max, workers
      remedy: did you mean `pushes_max`?

    /etc/pushwarden/pushwarden.toml:5:20: [push] `accounts` has an entry that is not accepted
      5 | accounts = ["git", 3.5]
        |                    ^^^
      accepted: names of Unix accounts, such as "git", and user ids, such as 998
      remedy: name an account of this machine; `getent passwd` lists them

    /etc/pushwarden/pushwarden.toml:7:13: [policy] `refuse_at` = "sure" is not known here
      7 | refuse_at = "sure"
        |             ^^^^^^
      accepted: "high", "medium", "low"
      remedy: write one of these

    /etc/pushwarden/pushwarden.toml:8:1: [[policy.rule]] `action` is missing
      8 | [[policy.rule]]
        | ^^^^^^^^^^^^^^^
      accepted: "refuse", "report", "off"
      remedy: add it to this table

    /etc/pushwarden/pushwarden.toml:9:6: [[policy.rule]] `id` is not a rule id
      9 | id = "Bad Id"
        |      ^^^^^^^^
      accepted: a rule's id
      remedy: `pushwarden rules list` prints them

    /etc/pushwarden/pushwarden.toml:11:15: [hook] `deadline_ms` is of type string
      11 | deadline_ms = "20s"
         |               ^^^^^
      accepted: a whole number from 1000 to 3600000
      remedy: write one of these, or remove the line for the default, 20000

    /etc/pushwarden/pushwarden.toml:12:2: `telemetry` is not a setting here
      12 | [telemetry]
         |  ^^^^^^^^^
      accepted: state_dir, push, admin, policy, rules, owners, keys, spool, ledger, hook, message, log
      remedy: remove it
    "#);
}

#[test]
fn a_file_that_is_something_else_is_cut_short() {
    let lines: Vec<_> = (0..150).map(|n| format!("key-{n} = 1")).collect();
    let text = refused(&lines.join("\n"));
    assert_eq!(text.matches("is not a setting here").count(), 100);
    assert!(text.ends_with("pushwarden.toml: and 50 more"), "{text}");
}

#[test]
fn text_that_is_no_toml_says_where() {
    assert_snapshot!(refused("[push]\nsocket = \"/run/push.sock\npushes_max = 3\n[admin\n"), @r#"
    /etc/pushwarden/pushwarden.toml:2:25: this is no TOML: invalid basic string, expected `"`
      2 | socket = "/run/push.sock
        |                         ^
      remedy: see https://toml.io for how values are written

    /etc/pushwarden/pushwarden.toml:4:7: this is no TOML: unclosed table, expected `]`
      4 | [admin
        |       ^
      remedy: see https://toml.io for how values are written
    "#);
}

#[test]
fn settings_that_do_not_fit_together_are_refused() {
    let text = "[push]\nsocket = \"a.sock\"\n[admin]\nsocket = \"./a.sock\"\n\
                [hook]\nhello_timeout_ms = 2000\ndeadline_ms = 1000\n\
                [message]\nticket_url = \"ftp://x\"\ncontact = \"ask \\u001b[31m us\"\n";
    assert_snapshot!(refused(text), @r#"
    /etc/pushwarden/pushwarden.toml:3:1: `admin` has the socket of `push`
      3 | [admin]
        | ^^^^^^^
      accepted: two different paths
      remedy: give each its own, the admin socket in a directory closed to push accounts

    /etc/pushwarden/pushwarden.toml:6:20: [hook] `hello_timeout_ms` is longer than the deadline
      6 | hello_timeout_ms = 2000
        |                    ^^^^
      accepted: less than `deadline_ms`
      remedy: lower it, or raise `deadline_ms`

    /etc/pushwarden/pushwarden.toml:9:14: [message] `ticket_url` is no web address
      9 | ticket_url = "ftp://x"
        |              ^^^^^^^^^
      accepted: a URL that a ticket's id can follow
      remedy: begin it with https://

    /etc/pushwarden/pushwarden.toml:10:11: [message] `contact` does not fit one line
      10 | contact = "ask \u001b[31m us"
         |           ^^^^^^^^^^^^^^^^^^^
      accepted: one line of at most 60 characters
      remedy: shorten it
    "#);
}

#[test]
fn a_rule_stands_once_and_whole() {
    let text = "[[policy.rule]]\nid = \"a\"\naction = \"off\"\n\
                [[policy.rule]]\nid = \"a\"\naction = \"report\"\n\
                [[policy.rule]]\nid = \"b\"\n\
                [[policy.rule]]\naction = \"off\"\n";
    assert_snapshot!(refused(text), @r#"
    /etc/pushwarden/pushwarden.toml:5:6: [[policy.rule]] `id` stands twice
      5 | id = "a"
        |      ^^^
      accepted: each rule once
      remedy: keep one of them

    /etc/pushwarden/pushwarden.toml:7:1: [[policy.rule]] `action` is missing
      7 | [[policy.rule]]
        | ^^^^^^^^^^^^^^^
      accepted: "refuse", "report", "off"
      remedy: add it to this table

    /etc/pushwarden/pushwarden.toml:9:1: [[policy.rule]] `id` is missing
      9 | [[policy.rule]]
        | ^^^^^^^^^^^^^^^
      accepted: a rule's id
      remedy: `pushwarden rules list` prints them
    "#);
}

#[test]
fn a_socket_path_that_the_kernel_would_not_take_is_refused() {
    let socket = format!("/run/{}/push.sock", "x".repeat(100));
    assert_snapshot!(refused(&format!("[push]\nsocket = \"{socket}\"\n")), @r#"
    /etc/pushwarden/pushwarden.toml:2:10: [push] `socket` is 115 bytes long with its directory
      2 | socket = "/run/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/push.sock"
        |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      accepted: a path of at most 107 bytes
      remedy: the kernel takes no longer socket path: use a directory nearer to /
    "#);
}

#[test]
fn paths_start_at_the_directory_of_the_file() {
    let text = "state_dir = \"./state\"\n[rules]\ndirectories = [\"rules\", \"/opt/rules\"]\n";
    let config = Config::parse(text, Path::new("/srv/pw/pushwarden.toml")).unwrap();
    assert_eq!(config.state_dir, Path::new("/srv/pw/state"));
    assert_eq!(config.keys.directory, Path::new("/srv/pw/state/keys"));
    let directories = ["/srv/pw/rules", "/opt/rules"].map(PathBuf::from);
    assert_eq!(config.rules.directories, directories);
}

#[test]
fn an_instance_is_one_directory_for_one_account() {
    let config = Config::instance(Path::new("/srv/pw"), 1000).unwrap();
    assert_eq!(config.file, Path::new("/srv/pw/pushwarden.toml"));
    for path in [
        &config.push.socket,
        &config.admin.socket,
        &config.state_dir,
        &config.spool.directory,
        &config.keys.directory,
        &config.owners.file,
    ] {
        assert!(path.starts_with("/srv/pw"), "{}", path.display());
    }
    assert_eq!(config.push.accounts, [Account::Uid(1000)]);
    assert_eq!(config.admin.accounts, [Account::Uid(1000)]);
    assert!(config.admin.allow_self_approval);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let missing = scratch.path().join("none.toml");
    let error = Config::load(&missing).unwrap_err();
    assert!(matches!(&error, ConfigErrors::Read { file, .. } if *file == missing), "{error}");
    std::fs::write(&missing, b"\xff\xfe").unwrap();
    assert!(matches!(Config::load(&missing), Err(ConfigErrors::NotText { .. })));
    std::fs::write(&missing, vec![b'#'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]).unwrap();
    assert!(matches!(Config::load(&missing), Err(ConfigErrors::NotText { .. })));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in "[\\[\\]a-z_=\"'#\\n\\t0-9{}.é,-]{0,200}") {
        let result = Config::parse(&text, Path::new(DEFAULT_FILE));
        if let Err(error) = result {
            proptest::prop_assert!(!error.problems().is_empty());
            proptest::prop_assert!(!error.to_string().is_empty());
        }
    }
}
