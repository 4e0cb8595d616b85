//! The command line as scripts and people use it: help, rules, scanning, the installation's health.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::forge::{Forge, PROGRAM, Said};
use crate::token;

/// What the design promises, with all subcommands.
const COMMANDS: &[&str] = &[
    "try",
    "init",
    "serve",
    "scan",
    "rules list",
    "rules show",
    "rules check",
    "rules test",
    "hooks install",
    "hooks uninstall",
    "hooks status",
    "incidents list",
    "incidents show",
    "incidents dismiss",
    "incidents reopen",
    "tickets list",
    "tickets show",
    "tickets close",
    "owner explain",
    "inventory add",
    "inventory import",
    "inventory list",
    "inventory remove",
    "grant create",
    "grant list",
    "grant revoke",
    "pushes list",
    "pushes unscanned",
    "audit verify",
    "audit export",
    "config check",
    "doctor",
    "hook",
];

fn help(words: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The subcommands that a help text lists.
fn subcommands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // A description goes on further to the right.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_help_with_an_example_and_all_are_there() {
    let mut found = Vec::new();
    for command in subcommands(&help(&[])) {
        let below = subcommands(&help(&[&command]));
        if below.is_empty() {
            found.push(command);
        } else {
            found.extend(below.iter().map(|name| format!("{command} {name}")));
        }
    }
    for command in COMMANDS {
        assert!(found.iter().any(|name| name == command), "{command} is missing: {found:?}");
    }
    for command in &found {
        let words: Vec<&str> = command.split(' ').collect();
        let text = help(&words);
        assert!(text.contains("Example"), "{command} has no example:\n{text}");
        assert!(text.contains("--config"), "{command} takes no --config");
    }
    assert!(help(&[]).contains("Exit codes: 0 done or clean, 1 found or refused"));
}

#[test]
fn the_rules_are_listed_shown_checked_and_tried() {
    let forge = Forge::stopped();
    let page = forge.json(["rules", "list"]);
    assert_eq!(page["next"], Value::Null);
    let rules = page["rules"].as_array().unwrap();
    assert!(rules.len() >= 80, "{}", rules.len());
    for rule in rules {
        for field in ["id", "description", "provider", "confidence", "severity"] {
            assert!(rule[field].is_string(), "{field}: {rule}");
        }
    }
    assert!(forge.say("rules list").out.starts_with("ID "));
    let shown = forge.json(["rules", "show", "github-pat-classic"]);
    assert_eq!(shown["id"], "github-pat-classic");
    assert!(forge.say("rules show github-pat-classic").out.contains("revoke"));
    assert_eq!(forge.say("rules show nonsense").code, 2);

    let checked = forge.json(["rules", "check"]);
    assert_eq!(checked["failures"], json!([]));
    assert_eq!(checked["checked"], rules.len());

    let text = format!("a\nTOKEN={}\n", forge.plant(token::github()));
    let found = forge.cli_with_input(["rules", "test", "--format", "json"], &text);
    let body: Value = serde_json::from_str(&found.out).unwrap();
    let hit = &body["matches"][0];
    let hit = json!([found.code, hit["rule"], hit["line"], hit["column"]]);
    assert_eq!(hit, json!([1, "github-pat-classic", 2, 7]));
    assert_eq!(forge.cli_with_input(["rules", "test"], "nothing here\n").code, 0);
}

/// An administrator's own rule.
const OWN_RULE: &str = r#"
[[rule]]
id = "acme-token"
description = "Acme token"
provider = "Acme"
identity = "Acme user"
keywords = ["acme_"]
pattern = '''\b(acme_[a-z0-9]{20})\b'''
confidence = "high"
severity = "high"
reach = "Everything of that user."
revoke = { how = "Delete it under Settings." }
replacement = "A login by certificate."

[rule.examples]
match = ["acme_{a-z0-9:20}", "key: acme_{a-z0-9:20}"]
reject = ["acme_short", "acme_{A-Z:20}"]
"#;

fn own_rules(forge: &Forge, text: &str) {
    let directory = forge.path("i/rules");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("own.toml"), text).unwrap();
    forge.configure("rules", "directories = [\"rules\"]");
}

#[test]
fn a_rule_of_ones_own_is_at_work_in_a_push() {
    let forge = Forge::stopped();
    own_rules(&forge, OWN_RULE);
    let checked = forge.say("rules check");
    assert_eq!(checked.code, 0, "{checked:?}");
    forge.serve();
    let work = forge.repository("r.git").clone_as("w");
    let secret = forge.plant(format!("{}_{}", "acme", token::random(20).to_lowercase()));
    work.commit("a.env", format!("T={secret}\n"), "leak");
    let said = work.push(&["HEAD:main"]);
    assert!(!said.is_accepted());
    assert!(said.remote().contains("Acme token"), "{said:?}");
    assert_eq!(forge.incidents()[0]["rule"], "acme-token");
}

#[test]
fn all_mistakes_in_a_rule_file_are_told_at_once() {
    let forge = Forge::stopped();
    let broken = OWN_RULE
        .replace("keywords = [\"acme_\"]", "keywords = []")
        .replace("{20})\\b", "{20}\\b")
        .replace("identity = \"Acme user\"\n", "");
    own_rules(&forge, &broken.replacen("{a-z0-9:20}", "{@dice}", 1));
    for command in ["rules check", "config check", "serve", "scan /dev/null"] {
        let said = forge.say(command);
        assert_eq!(said.code, 3, "{command}: {said:?}");
        let places = said.err.matches("own.toml:").count();
        assert!(places >= 4, "{command}: {said:?}");
    }
    let text = forge.say("rules check").err;
    assert_snapshot!(text.replace(forge.path("").to_str().unwrap(), "/forge/"), @r#"
    error: the rules cannot be used
      because: /forge/i/rules/own.toml:2:1: rule `acme-token`: `identity` is missing; say what the credential is an identity of
    2 | [[rule]]
      | ^^^^^^^^
    /forge/i/rules/own.toml:6:12: rule `acme-token`: `keywords` is empty; name a literal that every match contains
    6 | keywords = []
      |            ^^
    /forge/i/rules/own.toml:7:11: rule `acme-token`: the pattern does not compile: unclosed group; write it for the crate `regex`, without Unicode, look-around and back references
    7 | pattern = '''\b(acme_[a-z0-9]{20}\b'''
      |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    /forge/i/rules/own.toml:15:10: rule `acme-token`: the example does not expand: there is no generator `dice`; known are aws-key-id, base64, gcp-json, github, jwk, jwt, openssh, pem, pem-line, pgp, putty, random, uuid, words
    15 | match = ["acme_{@dice}", "key: acme_{a-z0-9:20}"]
       |          ^^^^^^^^^^^^^^
      remedy: mend them
    "#);
}

/// What each record of `scan --format jsonl` has.
const FIELDS: &[&str] = &[
    "rule",
    "kind",
    "action",
    "confidence",
    "severity",
    "path",
    "container",
    "layers",
    "line",
    "column",
    "end_line",
    "start",
    "end",
    "commit",
    "blob",
    "fingerprint",
    "preview",
    "facts",
];

fn scan(forge: &Forge, paths: &[&OsStr]) -> (i32, Vec<Value>) {
    let arguments = ["scan", "--format", "jsonl"].map(OsStr::new);
    let said = forge.cli(arguments.iter().chain(paths));
    let records: Vec<Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for record in &records {
        for field in FIELDS {
            assert!(record.get(field).is_some(), "{field} is missing: {record}");
        }
    }
    (said.code, records)
}

#[test]
fn a_scan_tells_each_finding_as_scripts_rely_on() {
    let forge = Forge::stopped();
    let root = forge.path("src");
    fs::create_dir_all(root.join("deep")).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    let secret = forge.plant(token::github());
    fs::write(root.join("clean.txt"), "hello\n").unwrap();
    fs::write(root.join(".git/config"), format!("T={secret}\n")).unwrap();
    fs::write(root.join("deep/a.env"), format!("A=1\n\nT={secret}\n")).unwrap();
    assert_eq!(scan(&forge, &[root.join("clean.txt").as_os_str()]), (0, Vec::new()));

    let (code, records) = scan(&forge, &[root.as_os_str()]);
    assert_eq!((code, records.len()), (1, 1), "{records:#?}");
    let record = &records[0];
    let path = root.join("deep/a.env");
    assert_eq!(record["path"], path.to_str().unwrap());
    assert_eq!((&record["kind"], &record["action"]), (&json!("finding"), &json!("refuse")));
    let place = ["line", "column", "end_line", "start", "end"].map(|field| &record[field]);
    assert_eq!(json!(place), json!([3, 3, 3, 7, 7 + secret.len()]));
    assert_eq!(record["container"], "blob");
    assert_eq!((&record["commit"], &record["blob"]), (&Value::Null, &Value::Null));
    assert!(record.get("path_base64").is_none());

    // Two places of one secret have one fingerprint, and a push gives it the same.
    fs::write(root.join("b.env"), format!("T={secret}\n")).unwrap();
    let (_, records) = scan(&forge, &[root.as_os_str()]);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["fingerprint"], records[1]["fingerprint"]);

    let text = forge.cli([OsStr::new("scan"), root.join("b.env").as_os_str()]);
    assert_eq!(text.code, 1);
    assert!(text.out.contains("b.env:1:3: github-pat-classic ghp_"), "{text:?}");
    let stdin =
        forge.cli_with_input(["scan", "-", "--format", "jsonl"], &format!("\nT={secret}\n"));
    let record: Value = serde_json::from_str(&stdin.out).unwrap();
    assert_eq!((stdin.code, &record["path"], &record["line"]), (1, &json!("-"), &json!(2)));
}

#[test]
fn a_scan_names_what_it_could_not_read_and_that_outranks_what_it_found() {
    let forge = Forge::stopped();
    let root = forge.path("src");
    fs::create_dir(&root).unwrap();
    let secret = forge.plant(token::github());
    fs::write(root.join("a.env"), format!("T={secret}\n")).unwrap();
    let made = Command::new("mkfifo").arg(root.join("pipe")).status().unwrap();
    assert!(made.success());
    let (code, records) = scan(&forge, &[root.as_os_str(), forge.path("missing").as_os_str()]);
    assert_eq!((code, records.len()), (3, 3), "{records:#?}");
    let unscanned: Vec<&Value> = records.iter().filter(|r| r["kind"] == "unscanned").collect();
    assert_eq!(unscanned.len(), 2);
    for record in unscanned {
        assert!(record["reason"].is_string() && record["rule"].is_null(), "{record}");
    }
    let text = forge.cli([OsStr::new("scan"), root.as_os_str()]);
    assert!(text.out.contains("pipe: not scanned: "), "{text:?}");
}

#[test]
fn a_scan_waits_for_nothing_that_is_no_file() {
    let forge = Forge::stopped();
    let root = forge.path("src");
    fs::create_dir(&root).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();

    #[track_caller]
    fn check(forge: &Forge, path: &Path, reasons: &[&str]) {
        let (code, records) = scan(forge, &[path.as_os_str()]);
        let said: Vec<&str> = records.iter().map(|r| r["reason"].as_str().unwrap()).collect();
        assert_eq!((code, said.as_slice()), (3, reasons), "{path:?}");
    }
    check(&forge, &root.join("pipe"), &["a pipe, not a file"]);
    check(&forge, &root.join("socket"), &["a socket, not a file"]);
    check(&forge, &root, &["a pipe, not a file", "a socket, not a file"]);
    check(&forge, Path::new("/dev/zero"), &["a device, not a file"]);
}

#[test]
fn a_link_is_scanned_as_its_text_and_a_strange_name_is_kept_whole() {
    let forge = Forge::stopped();
    let (root, outside) = (forge.path("src"), forge.path("outside"));
    fs::create_dir(&root).unwrap();
    let secret = forge.plant(token::github());
    fs::write(&outside, format!("T={}\n", forge.plant(token::github()))).unwrap();
    symlink(&outside, root.join("link")).unwrap();
    assert_eq!(scan(&forge, &[root.as_os_str()]).0, 0, "a link is not followed");
    symlink(format!("/tmp/{secret}"), root.join("named")).unwrap();
    let (code, records) = scan(&forge, &[root.as_os_str()]);
    assert_eq!((code, records.len()), (1, 1));
    assert_eq!((&records[0]["line"], &records[0]["column"]), (&json!(1), &json!(6)));

    fs::remove_file(root.join("named")).unwrap();
    let strange = root.join(OsStr::from_bytes(b"a\xff\x1b[31m.env"));
    fs::write(&strange, format!("T={secret}\n")).unwrap();
    let (_, records) = scan(&forge, &[root.as_os_str()]);
    let raw = BASE64_STANDARD.encode(strange.as_os_str().as_bytes());
    assert_eq!(records[0]["path_base64"], raw.as_str());
    let text = forge.cli([OsStr::new("scan"), root.as_os_str()]);
    assert!(!text.out.contains('\u{1b}'), "{text:?}");
}

#[test]
fn this_repository_holds_nothing_that_a_push_would_be_refused_for() {
    let forge = Forge::stopped();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path());
    let is_ours = |path: &PathBuf| !path.ends_with("target") && !path.ends_with(".git");
    let ours: Vec<PathBuf> = entries.filter(is_ours).collect();
    let (code, records) = scan(&forge, &ours.iter().map(|p| p.as_os_str()).collect::<Vec<_>>());
    let refused: Vec<String> = records
        .iter()
        // A test of encrypted PDF files looks like one; what is encrypted does not refuse a push.
        .filter(|record| record["action"] != "report" && record["reason"] != "encrypted")
        .map(|record| format!("{}:{} {}", record["path"], record["line"], record["rule"]))
        .collect();
    assert!(refused.is_empty(), "{code}: {refused:#?}");
}

#[test]
fn commands_that_need_no_daemon_need_no_configuration() {
    let forge = Forge::stopped();
    if Path::new("/etc/pushwarden/pushwarden.toml").exists() {
        return;
    }
    let clean = |arguments: &[&str]| {
        let said = forge.bare_cli(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
    };
    clean(&["rules", "list"]);
    clean(&["rules", "check"]);
    clean(&["scan", "/etc/hostname"]);
    clean(&["--version"]);
    let said = forge.bare_cli(["incidents", "list"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("/etc/pushwarden/pushwarden.toml"), "{said:?}");
}

#[test]
fn the_configuration_is_checked_whole() {
    let forge = Forge::stopped();
    let said = forge.say("config check");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(forge.json(["config", "check"])["state"], "valid");
    let text = fs::read_to_string(forge.config()).unwrap();
    fs::write(
        forge.config(),
        format!("{text}\n[hook]\ndeadlin_ms = 5\non_unavailable = \"pray\"\n"),
    )
    .unwrap();
    let said = forge.say("config check");
    assert_eq!(said.code, 3);
    assert_eq!(said.err.matches("pushwarden.toml:").count(), 2, "{said:?}");
    let json = forge.json(["config", "check"]);
    assert_eq!(json["error"]["code"], "config");
}

fn rows(said: &Said) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let word = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap();
    checks.iter().map(|check| (word(check, "id"), word(check, "state"))).collect()
}

#[test]
fn doctor_finds_nothing_or_says_what_mends_it() {
    let forge = Forge::start();
    let well = forge.say("doctor --format json");
    assert_eq!(well.code, 0, "{well:?}");
    assert!(rows(&well).iter().all(|(_, state)| state != "fail"), "{well:?}");

    forge.stop();
    let away = forge.say("doctor");
    assert_eq!(away.code, 1, "{away:?}");
    assert!(away.out.contains("FAIL"), "{away:?}");
    let keys = forge.path("i/state/keys/fingerprint.key");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    let open = forge.say("doctor --format json");
    assert_eq!(open.code, 1);
    assert!(rows(&open).contains(&("keys".to_owned(), "fail".to_owned())), "{open:?}");
    let report: Value = serde_json::from_str(&open.out).unwrap();
    for check in report["checks"].as_array().unwrap() {
        assert_eq!(check["remedy"].is_string(), check["state"] != "ok", "{check}");
    }
}

#[test]
fn an_instance_is_never_overwritten() {
    let forge = Forge::stopped();
    let before = fs::read(forge.config()).unwrap();
    let again = forge.bare_cli(["init".as_ref(), forge.path("i").as_os_str()]);
    assert_eq!(again.code, 3, "{again:?}");
    assert!(again.err.contains("holds an instance already"), "{again:?}");
    assert_eq!(fs::read(forge.config()).unwrap(), before);
}
