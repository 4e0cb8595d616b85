//! Triage over the admin socket: what stands, what may pass, what is refused again, and the log of
//! it all.

use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::forge::{Forge, PROGRAM, Repository, Said, Work, eventually, list};
use crate::scene::Scene;
use crate::token;

/// A repository with one clean commit.
fn seeded<'f>(forge: &'f Forge, name: &str) -> (Repository<'f>, Work<'f>) {
    let repository = forge.repository(name);
    let work = repository.clone_as(&format!("{name}.work"));
    work.commit("a.txt", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    (repository, work)
}

/// Commits a new secret and pushes it in vain; returns the incident.
fn leak(work: &Work<'_>, path: &str) -> String {
    let secret = work.forge.plant(token::github());
    work.commit(path, format!("TOKEN={secret}\n"), "add config");
    let said = work.push(&["HEAD:main"]);
    assert!(!said.is_accepted(), "{said:?}");
    work.forge.incidents()[0]["id"].as_str().unwrap().to_owned()
}

/// Runs a command that must fail with this code, and returns its error.
#[track_caller]
fn error(forge: &Forge, line: &str, code: i32) -> Value {
    let said = forge.say(&format!("{line} --format json"));
    assert_eq!(said.code, code, "{line}: {said:?}");
    let body: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let error = &body["error"];
    for field in ["code", "message", "remedy"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {body}");
    }
    error.clone()
}

/// The account of this test, which administers.
fn account(forge: &Forge) -> String {
    forge.run(Command::new("id").arg("-un")).out.trim().to_owned()
}

#[track_caller]
fn done(said: &Said) {
    assert_eq!(said.code, 0, "{said:?}");
}

/// Replaces what differs from run to run.
fn normal(text: &str, forge: &Forge) -> String {
    let mut settings = Vec::new();
    for (pattern, stand_in) in [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
        (r"\b[0-9a-f]{64}\b", "[fingerprint]"),
        (r"\b[0-9a-f]{12,40}\b", "[commit]"),
        (r"ghp_\*+[A-Za-z0-9]{2}", "ghp_[masked]"),
    ] {
        settings.push((regex::Regex::new(pattern).unwrap(), stand_in));
    }
    let text = text.replace(forge.path("").to_str().unwrap(), "/forge/");
    settings.iter().fold(text, |text, (pattern, with)| pattern.replace_all(&text, *with).into())
}

#[test]
fn incidents_are_listed_and_shown_as_scripts_rely_on() {
    let forge = Forge::start();
    assert_eq!(forge.json(["incidents", "list"]), json!({"incidents": [], "next": null}));
    let (_, work) = seeded(&forge, "r.git");
    let secret = forge.plant(token::github());
    let commit = work.commit("deploy/prod.env", format!("A=1\nTOKEN={secret}\n"), "add config");
    assert!(!work.push(&["HEAD:main"]).is_accepted());

    let listed = forge.json(["incidents", "list"]);
    assert_eq!(listed["next"], Value::Null);
    let incident = listed["incidents"][0].clone();
    assert_eq!(incident["state"], "open");
    assert_eq!(incident["rule"], "github-pat-classic");
    assert_eq!(incident["exposure"], "refused");
    assert_eq!(incident["owner"]["name"], "security");
    assert_eq!(incident["owner"]["source"], "default");
    assert_eq!(incident["owner"]["confidence"], "none");
    assert_eq!(incident["unowned"], true);
    assert!(!incident["owner"]["chain"].as_array().unwrap().is_empty());
    assert_eq!(incident["fingerprint"].as_str().unwrap().len(), 64);
    assert!(!incident["preview"].as_str().unwrap().contains(&secret[10..30]));
    let place = &incident["occurrences"][0];
    let line = [&place["path"], &place["line"], &place["column"], &place["commit"], &place["age"]];
    assert_eq!(json!(line), json!(["deploy/prod.env", 2, 7, commit, "new"]));
    assert_eq!(incident["tickets"][0]["state"], "open");
    for time in ["first_seen", "last_seen"] {
        let time = incident[time].as_str().unwrap();
        time.parse::<jiff::Timestamp>().unwrap();
        assert!(time.ends_with('Z'), "{time}");
    }
    assert_eq!(forge.json(["incidents", "show", "INC-1"]), incident, "one shape for both");

    let list = forge.say("incidents list");
    assert_snapshot!(normal(&list.out, &forge), @r"
    ID     STATE  SEVERITY  RULE                PREVIEW                   OWNER               EXPOSURE  LAST SEEN
    INC-1  open   critical  github-pat-classic  ghp_[masked]  security (unowned)  refused   [time]
    ");
    let show = forge.say("incidents show INC-1");
    assert_snapshot!(normal(&show.out, &forge), @r"
    INC-1  open  critical
      rule        github-pat-classic (confidence high)
      value       ghp_[masked]
      owner       security (unowned)
                  inventory: the inventory does not know this value
                  identity: no entry of /forge/i/owners.toml for its facts (the value tells none)
                  kind: no entry of /forge/i/owners.toml for kind github-pat-classic
                  path: no entry of /forge/i/owners.toml for path deploy/prod.env
                  codeowners: no CODEOWNERS in the default branch
                  repository: no entry of /forge/i/owners.toml for repository /forge/r.git
                  default: the default queue of /forge/i/owners.toml: security
      exposure    refused
      decision    refuse: confidence high
      first seen  [time]
      last seen   [time]
      ticket      TKT-1 open
      occurrences 1
        [commit]  deploy/prod.env:2  blob, new
    ");
}

#[test]
fn lists_come_in_pages_and_can_be_filtered() {
    let forge = Forge::start();
    let (_, work) = seeded(&forge, "r.git");
    for path in ["a.env", "b.env", "c.env"] {
        work.git(&["reset", "-q", "--hard", "origin/main"]);
        leak(&work, path);
    }
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut ask = vec!["incidents", "list", "--limit", "2"];
        ask.extend(after.as_deref().map(|cursor| ["--after", cursor]).into_iter().flatten());
        let page = forge.json(ask);
        let ids = list(&page, "incidents").into_iter().map(|item| item["id"].clone());
        seen.push(ids.collect::<Vec<_>>());
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(json!(seen), json!([["INC-3", "INC-2"], ["INC-1"]]));

    #[track_caller]
    fn check(forge: &Forge, filter: &str, want: usize) {
        let said = forge.say(&format!("incidents list --format json {filter}"));
        let page: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(list(&page, "incidents").len(), want, "{filter}");
    }
    check(&forge, "--state open", 3);
    check(&forge, "--state false-positive", 0);
    check(&forge, "--rule github-pat-classic", 3);
    check(&forge, "--rule aws-access-key-id", 0);
    check(&forge, "--unowned", 3);
    check(&forge, "--owner security", 3);
    check(&forge, "--owner payments", 0);
    check(&forge, &format!("--repository {}", forge.path("r.git").display()), 3);
    check(&forge, "--repository /srv/git/other.git", 0);
    assert_eq!(error(&forge, "incidents list --after nonsense", 2)["code"], "invalid");
    assert_eq!(error(&forge, "incidents list --state nonsense", 2)["code"], "invalid");
    assert_eq!(error(&forge, "tickets list --state nonsense", 2)["code"], "invalid");
    assert_eq!(error(&forge, "incidents list --limit 0", 2)["code"], "usage");
}

#[test]
fn what_is_dismissed_passes_and_what_is_reopened_does_not() {
    let forge = Forge::start();
    for (number, disposition) in ["false-positive", "test-value"].into_iter().enumerate() {
        let (repository, work) = seeded(&forge, &format!("{number}.git"));
        let incident = leak(&work, "a.env");
        let dismiss = format!("incidents dismiss {incident} --as {disposition} --reason fixture");
        let said = forge.say(&dismiss);
        done(&said);
        assert!(
            said.out.contains(&format!(
                "dismissed   as {disposition} by admin:{}: fixture",
                account(&forge)
            )),
            "{said:?}"
        );
        let shown = forge.json(["incidents", "show", &incident]);
        assert_eq!(shown["state"], "false-positive");
        assert_eq!(shown["disposition"]["as"], disposition);
        assert_eq!(shown["tickets"][0]["state"], "closed");
        assert!(work.push(&["HEAD:main"]).is_accepted());

        done(&forge.say(&format!("incidents reopen {incident} --reason real")));
        let shown = forge.json(["incidents", "show", &incident]);
        assert_eq!((&shown["state"], &shown["disposition"]), (&json!("reopened"), &Value::Null));
        work.git(&["checkout", "-q", "--orphan", "again"]);
        work.git(&["commit", "-q", "-m", "again"]);
        // The same blob is reachable from main by now, so only another file brings the value anew.
        let value = std::fs::read_to_string(work.path.join("a.env")).unwrap();
        work.commit("b.env", format!("# moved\n{value}"), "move it");
        assert!(!work.push(&["HEAD:again"]).is_accepted(), "{}", repository.path.display());
    }
}

#[test]
fn a_state_that_does_not_fit_is_a_conflict() {
    let forge = Forge::start();
    let (_, work) = seeded(&forge, "r.git");
    leak(&work, "a.env");
    assert_eq!(error(&forge, "incidents reopen INC-1 --reason x", 3)["code"], "conflict");
    done(&forge.say("incidents dismiss INC-1 --as test-value --reason fixture"));
    let again = "incidents dismiss INC-1 --as test-value --reason fixture";
    assert_eq!(error(&forge, again, 3)["code"], "conflict");
    done(&forge.say("incidents reopen INC-1 --reason real"));
    done(&forge.say("tickets close TKT-1 --reason deleted"));
    assert_eq!(error(&forge, "tickets close TKT-1 --reason deleted", 3)["code"], "conflict");
}

#[test]
fn who_pushed_a_secret_cannot_clear_it_alone() {
    let forge = Forge::stopped();
    forge.configure("admin", "allow_self_approval = false");
    forge.serve();
    for (number, variable) in ["REMOTE_USER", "GL_USER"].into_iter().enumerate() {
        let (_, work) = seeded(&forge, &format!("{number}.git"));
        let secret = forge.plant(token::github());
        work.commit("a.env", format!("TOKEN={secret}\n"), "add config");
        // The account that administers is the account of this test.
        let account = account(&forge);
        let environment = match variable {
            "GL_USER" => vec![("GL_USER", account.as_str()), ("GL_REPO", "team/app")],
            _ => vec![("REMOTE_USER", account.as_str())],
        };
        assert!(!work.push_as(&environment, &["HEAD:main"]).is_accepted());
        let incident = forge.incidents()[0].clone();
        assert_eq!(incident["pushers"][0]["name"], account.as_str(), "{incident}");
        let id = incident["id"].as_str().unwrap();
        for line in [
            format!("incidents dismiss {id} --as test-value --reason mine"),
            format!("grant create --incident {id} --repo app.git --expires 1h --reason mine"),
        ] {
            let error = error(&forge, &line, 3);
            assert_eq!(error["code"], "self-approval");
            assert!(error["remedy"].as_str().unwrap().contains("another administrator"));
        }
        assert!(!work.push(&["HEAD:main"]).is_accepted());
    }
    // Somebody else's secret may be cleared.
    let (_, work) = seeded(&forge, "other.git");
    let secret = forge.plant(token::github());
    work.commit("a.env", format!("TOKEN={secret}\n"), "add config");
    assert!(!work.push_as(&[("REMOTE_USER", "ana")], &["HEAD:main"]).is_accepted());
    done(&forge.say("incidents dismiss INC-3 --as test-value --reason fixture"));
    assert!(work.push(&["HEAD:main"]).is_accepted());
}

#[test]
fn tickets_are_listed_shown_and_closed() {
    let forge = Forge::start();
    let (_, work) = seeded(&forge, "r.git");
    leak(&work, "a.env");
    let page = forge.json(["tickets", "list"]);
    assert_eq!(page["next"], Value::Null);
    let ticket = &page["tickets"][0];
    assert_eq!((&ticket["id"], &ticket["state"]), (&json!("TKT-1"), &json!("open")));
    let body = ticket["body"].as_str().unwrap();
    for part in ["INC-1", "a.env", "security", "Revoke"] {
        assert!(body.to_lowercase().contains(&part.to_lowercase()), "{part} is not in:\n{body}");
    }
    assert_snapshot!(normal(&forge.say("tickets list").out, &forge), @r"
    ID     STATE  INCIDENT  SEVERITY  OWNER               TITLE
    TKT-1  open   INC-1     critical  security (unowned)  Revoke GitHub personal access token (classic)...
    ");

    done(&forge.say("tickets close TKT-1 --reason deleted"));
    let closed = forge.json(["tickets", "show", "TKT-1"]);
    assert_eq!(closed["state"], "closed");
    assert_eq!(closed["incident_state"], "open", "a ticket that a human closes closes nothing");
    assert_eq!(closed["events"][1]["text"], "deleted");
    assert!(!work.push(&["HEAD:main"]).is_accepted());
    assert_eq!(forge.tickets()[0]["state"], "reopened", "the same secret again");
    assert_eq!(forge.tickets().len(), 1);
    assert_eq!(list(&forge.json(["tickets", "list", "--state", "closed"]), "tickets").len(), 0);
    let shown = forge.say("tickets show TKT-1").out;
    assert!(shown.starts_with("TKT-1  reopened"), "{shown}");
    assert!(shown.contains("\nowner security (unowned)\n"), "{shown}");
}

#[test]
fn a_grant_lets_exactly_as_many_pushes_through() {
    let forge = Forge::start();
    let (repository, work) = seeded(&forge, "team/r.git");
    let incident = leak(&work, "a.env");
    let repo = repository.path.display().to_string();
    let made = forge.say(&format!(
        "grant create --incident {incident} --repo {repo} --uses 2 --expires 1h --reason CHG-7 --format json"
    ));
    done(&made);
    let made: Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!(
        (&made["state"], &made["uses"], &made["used"]),
        (&json!("active"), &json!(2), &json!(0))
    );

    // A push that is refused for something else uses nothing up.
    let other = forge.plant(token::github());
    work.commit("b.env", format!("OTHER={other}\n"), "another one");
    assert!(!work.push(&["HEAD:main"]).is_accepted());
    assert_eq!(grants(&forge), json!([["GRT-1", "active", 0]]));
    work.git(&["reset", "-q", "--hard", "HEAD~1"]);

    let value = std::fs::read_to_string(work.path.join("a.env")).unwrap();
    assert!(work.push(&["HEAD:one"]).is_accepted());
    assert_eq!(grants(&forge), json!([["GRT-1", "active", 1]]));
    work.commit("c.env", format!("# two\n{value}"), "two");
    assert!(work.push(&["HEAD:two"]).is_accepted());
    assert_eq!(grants(&forge), json!([["GRT-1", "used-up", 2]]));
    work.commit("d.env", format!("# three\n{value}"), "three");
    assert!(!work.push(&["HEAD:three"]).is_accepted());
    assert_eq!(forge.json(["incidents", "show", &incident])["exposure"], "accepted");
}

#[test]
fn a_grant_for_everywhere_or_nobody_is_refused() {
    let forge = Forge::start();
    let (_, work) = seeded(&forge, "r.git");
    let incident = leak(&work, "a.env");
    let create = ["grant", "create", "--incident", &incident, "--expires", "1h", "--reason", "x"];
    for scope in [
        &["--repo", ""][..],
        &["--repo", " "],
        &["--repo", "/"],
        &["--repo", "%"],
        &["--repo", "*"],
        &["--repo", "**/*.git"],
        &["--repo", "r.git", "--pusher", ""],
    ] {
        let said = forge.cli(create.iter().chain(scope));
        assert_eq!(said.code, 2, "{scope:?}: {said:?}");
        assert!(said.err.contains("remedy: "), "{said:?}");
    }
    let blank = [&create[..6], &["--repo", "r.git", "--reason", " "]].concat();
    assert_eq!(forge.cli(&blank).code, 2);
    assert_eq!(grants(&forge), json!([]));
    let made = forge.cli(create.iter().chain(&["--repo", "**/r.git"]));
    assert!(made.out.contains(" may pass 1 time to **/r.git until "), "{made:?}");
}

/// Id, state and uses of each grant.
fn grants(forge: &Forge) -> Value {
    let grants = list(&forge.json(["grant", "list"]), "grants");
    let brief = |grant: &Value| json!([grant["id"], grant["state"], grant["used"]]);
    grants.iter().map(brief).collect()
}

#[test]
fn a_grant_holds_where_and_for_whom_it_says() {
    let forge = Forge::start();
    let (_, work) = seeded(&forge, "r.git");
    let incident = leak(&work, "a.env");
    let path = forge.path("r.git").display().to_string();
    let glob = forge.path("*.git").display().to_string();

    let try_grant = |scope: &str, environment: &[(&str, &str)], passes: bool| {
        let expires = "--expires 1h --reason CHG-7";
        let made = forge.say(&format!("grant create --incident {incident} {scope} {expires}"));
        done(&made);
        let id = made.out.split_whitespace().next().unwrap().to_owned();
        let said = work.push_as(environment, &["HEAD:main"]);
        assert_eq!(said.is_accepted(), passes, "{scope} {environment:?}: {said:?}");
        if passes {
            // Put back what was there, so that the value is new again.
            work.git(&["push", "-q", "-f", "origin", "HEAD~1:main"]);
        } else {
            done(&forge.say(&format!("grant revoke {id} --reason mistaken")));
        }
    };
    let named = [("GL_REPO", "team/app"), ("GL_USER", "ana")];
    try_grant(&format!("--repo {path}"), &[], true);
    try_grant(&format!("--repo {glob}"), &[], true);
    try_grant("--repo team/app", &named, true);
    try_grant("--repo team/*", &named, true);
    try_grant("--repo other/*", &named, false);
    try_grant("--repo /srv/git/other.git", &[], false);
    try_grant("--repo team/app --pusher ana", &named, true);
    try_grant("--repo team/app --pusher bo", &named, false);
    // A name that nobody vouches for opens nothing.
    try_grant(
        &format!("--repo {path} --pusher ana"),
        &[("USER", "ana"), ("REMOTE_ADDR", "192.0.2.1")],
        false,
    );
    try_grant(&format!("--repo {path} --pusher ana"), &[("REMOTE_USER", "ana")], true);
}

#[test]
fn a_grant_ends_by_time_or_by_being_taken_back() {
    let forge = Forge::start();
    let (_, work) = seeded(&forge, "r.git");
    let incident = leak(&work, "a.env");
    let create = format!("grant create --incident {incident} --repo **/r.git --reason CHG-7");
    done(&forge.say(&format!("{create} --expires 1h")));
    let revoked = forge.say("grant revoke GRT-1 --reason mistaken --format json");
    done(&revoked);
    let revoked: Value = serde_json::from_str(&revoked.out).unwrap();
    assert_eq!(
        (&revoked["state"], &revoked["revoked_by"]),
        (&json!("revoked"), &json!(format!("admin:{}", account(&forge))))
    );
    assert!(!work.push(&["HEAD:main"]).is_accepted());

    done(&forge.say(&format!("{create} --expires 1h")));
    forge.stop();
    let earlier = r#"UPDATE "grant" SET expires_at = created_at + 1 WHERE id = 2"#;
    database(&forge).execute(earlier, []).unwrap();
    forge.serve();
    assert_eq!(grants(&forge), json!([["GRT-2", "expired", 0], ["GRT-1", "revoked", 0]]));
    assert!(!work.push(&["HEAD:main"]).is_accepted());
    assert_eq!(error(&forge, "grant revoke GRT-1", 3)["code"], "conflict");
    assert_eq!(error(&forge, &format!("{create} --expires 2020-01-01"), 2)["code"], "invalid");
    assert_eq!(error(&forge, &format!("{create} --expires 400d"), 2)["code"], "invalid");
    assert_eq!(error(&forge, &format!("{create} --expires 1h --uses 0"), 2)["code"], "invalid");
    assert_eq!(error(&forge, &format!("{create} --expires soon"), 2)["code"], "usage");
    assert_eq!(error(&forge, &format!("{create} --expires 99999999999d"), 2)["code"], "invalid");
    assert_eq!(error(&forge, &format!("{create} --expires 1h --uses 101"), 2)["code"], "invalid");
    assert_eq!(error(&forge, &format!("{create} --expires 1h --uses -1"), 2)["code"], "usage");
    let table = forge.say("grant list").out;
    assert!(table.starts_with("ID     STATE"), "{table}");
}

#[test]
fn what_was_done_long_ago_leaves_the_outbox_and_the_log_stays() {
    let forge = Forge::start();
    let (_, work) = seeded(&forge, "r.git");
    leak(&work, "a.env");
    let rows = |what: &str| -> u32 {
        let sql = format!("SELECT count(*) FROM outbox WHERE {what}");
        database(&forge).query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    eventually("the ticket is mirrored", || rows("state = 'done'") == 1);
    forge.stop();
    let long_ago = "UPDATE outbox SET not_before = not_before - 91 * 86400000000";
    database(&forge).execute(long_ago, []).unwrap();
    forge.serve();
    eventually("the old row is gone", || rows("1") == 0);
    done(&forge.say("audit verify"));
    assert_eq!(forge.tickets().len(), 1);
}

/// Opens the daemon's database behind its back.
fn database(forge: &Forge) -> rusqlite::Connection {
    let state = forge.path("i/state");
    let file = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
    let file = file.filter(|path| {
        path.extension().is_some_and(|end| end == "db" || end == "sqlite" || end == "sqlite3")
    });
    rusqlite::Connection::open(file.last().expect("a database")).unwrap()
}

#[test]
fn the_audit_log_tells_everything_and_notices_a_forgery() {
    let forge = Forge::start();
    let (_, work) = seeded(&forge, "r.git");
    leak(&work, "a.env");
    done(&forge.say("incidents dismiss INC-1 --as test-value --reason fixture"));
    let whole = forge.say("audit verify");
    done(&whole);
    assert!(whole.out.starts_with("whole: "), "{whole:?}");
    let entries: Vec<Value> = forge
        .say("audit export")
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let head = forge.json(["audit", "verify"]);
    assert_eq!(head["seq"], json!(entries.len()), "every entry is exported");
    assert_eq!(head["hash"], entries.last().unwrap()["hash"]);
    let dismissal = entries.iter().find(|entry| entry["action"] == "incident.dismissed");
    assert!(dismissal.is_some(), "{entries:#?}");

    forge.stop();
    let forged = database(&forge);
    let triggers: Vec<String> = forged
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(forged.execute("UPDATE audit SET actor = 'eve' WHERE seq = 2", []).is_err());
    for name in triggers {
        forged.execute(&format!("DROP TRIGGER {name}"), []).unwrap();
    }
    forged.execute("UPDATE audit SET actor = 'eve' WHERE seq = 2", []).unwrap();
    drop(forged);
    forge.serve();
    let broken = forge.say("audit verify");
    assert_eq!(broken.code, 1, "{broken:?}");
    assert!(broken.out.starts_with("broken: ") && broken.out.contains('2'), "{broken:?}");
    assert_eq!(error(&forge, "audit verify", 1)["code"], "chain");
}

#[test]
fn errors_have_a_code_a_message_and_a_remedy() {
    let forge = Forge::start();
    #[track_caller]
    fn check(forge: &Forge, line: &str, exit: i32, code: &str) {
        assert_eq!(error(forge, line, exit)["code"], code, "{line}");
    }
    check(&forge, "incidents show INC-99", 3, "not-found");
    check(&forge, "incidents show nonsense", 2, "invalid");
    check(&forge, "incidents show ../tickets", 2, "invalid");
    check(&forge, "tickets show TKT-99", 3, "not-found");
    check(&forge, "tickets show INC-1", 2, "invalid");
    check(&forge, "grant revoke GRT-99", 3, "not-found");
    check(&forge, "incidents dismiss INC-99 --as test-value --reason x", 3, "not-found");
    check(&forge, "incidents dismiss INC-99 --as real --reason x", 2, "invalid");
    check(
        &forge,
        "grant create --incident INC-99 --repo app.git --expires 1h --reason x",
        3,
        "not-found",
    );
    check(&forge, "incidents show", 2, "usage");
    check(&forge, "incidents dismiss INC-1 --as test-value", 2, "usage");
    check(&forge, "incidents list --limit many", 2, "usage");
    check(&forge, "nonsense", 2, "usage");
    let empty = forge.cli(["incidents", "dismiss", "INC-1", "--as", "test-value", "--reason", " "]);
    assert_eq!(empty.code, 2, "{empty:?}");

    let text = forge.say("incidents show INC-99");
    assert_eq!((text.code, text.out.as_str()), (3, ""));
    assert_snapshot!(text.err, @r"
    error: there is no incident INC-99
      remedy: list what there is
    ");
    forge.stop();
    check(&forge, "incidents list", 3, "daemon-away");
    check(&forge, "audit verify", 3, "daemon-away");
    let away = forge.say("incidents list");
    assert!(away.err.contains("remedy: start it: `pushwarden serve`"), "{away:?}");
}

#[test]
fn the_configuration_is_named_before_or_after_the_command() {
    let forge = Forge::start();
    let config = forge.config();
    let config = config.to_str().unwrap();
    for arguments in [
        vec!["--config", config, "incidents", "list"],
        vec!["incidents", "--config", config, "list"],
        vec!["incidents", "list", "--config", config],
    ] {
        done(&forge.bare_cli(arguments));
    }
    let missing = forge.path("missing.toml");
    for command in [
        "incidents list",
        "rules list",
        "scan /dev/null",
        "config check",
        "doctor",
        "serve",
        "hooks status /tmp",
        "owner explain --repo . --rule x",
        "audit verify",
    ] {
        let words = command.split(' ').chain(["--config", missing.to_str().unwrap()]);
        let said = forge.bare_cli(words);
        assert_eq!(said.code, 3, "{command}: {said:?}");
        assert!(format!("{}{}", said.out, said.err).contains("missing.toml"), "{said:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_success() {
    let forge = Forge::start();
    let mut command = Command::new("sh");
    let script = r#""$1" rules list --config "$2"; echo $? >"$3""#;
    let code = forge.path("code");
    command.args(["-c", script, "sh", PROGRAM]).arg(forge.config()).arg(&code);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(std::fs::read_to_string(code).unwrap(), "0\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_grant_for_a_name_where_repositories_have_none_is_refused_with_the_path() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    scene.push_credential();
    let grant = |repo: &str| {
        forge.cli([
            "grant",
            "create",
            "--incident",
            "INC-1",
            "--repo",
            repo,
            "--expires",
            "1d",
            "--reason",
            "a fixture",
        ])
    };
    let path = scene.repository.path.to_str().unwrap();
    let refused = grant("r.git");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("`r.git` would never match"), "{refused:?}");
    assert!(refused.err.contains(path), "{refused:?}");
    assert_eq!(grant(path).code, 0);
    assert_eq!(grant("/srv/git/other.git").code, 0, "a repository that it will be pushed to");
}

#[test]
fn a_source_without_answer_leaves_nothing_dangling() {
    let forge = Forge::start();
    Scene::new(&forge).push_credential();
    let said = forge.say("incidents show INC-1");
    assert!(said.out.contains("inventory"), "{said:?}");
    assert!(!said.out.lines().any(|line| line.ends_with(": -")), "{said:?}");
}
