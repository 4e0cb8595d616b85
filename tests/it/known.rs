//! Known secrets: values without a shape, refused wherever they stand, named and owned.

use std::process::Command;

use serde_json::{Value, json};

use crate::forge::{Forge, PROGRAM, Said, Work, list};
use crate::token;

/// Adds a value of no known shape.
fn add(forge: &Forge, name: &str, more: &[&str]) -> String {
    let value = forge.plant(token::shapeless());
    let arguments = ["inventory", "add", name].into_iter().chain(more.iter().copied());
    let said = forge.cli_with_input(arguments, &format!("{value}\n"));
    assert_eq!(said.code, 0, "{said:?}");
    value
}

/// Pushes a file on a branch of its own.
fn push_file(work: &Work<'_>, content: &str) -> Said {
    work.git(&["checkout", "-q", "--detach"]);
    work.git(&["reset", "-q", "--hard", "origin/main"]);
    work.commit("conf/app.txt", content, "configure");
    work.push(&[&format!("HEAD:refs/heads/{}", token::random(12))])
}

fn seeded(forge: &Forge) -> Work<'_> {
    let work = forge.repository("r.git").clone_as("w");
    work.commit("a.txt", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    work.git(&["fetch", "-q"]);
    work
}

#[test]
fn a_shapeless_value_is_refused_wherever_it_stands() {
    let forge = Forge::start();
    let work = seeded(&forge);
    let value = add(
        &forge,
        "payments/db",
        &["--owner", "payments-oncall", "--identity", "database role pay", "--key-id", "k-7"],
    );
    for text in [
        format!("greeting = \"{value}\"\n"),
        format!("let greeting = '{value}';\n"),
        format!("x={value}\n"),
        format!("x: {value}\n"),
        format!("see foo://bar:{value}@db.example.org/x for more\n"),
        format!("it is {value} I think\n"),
        value.clone(),
    ] {
        let said = push_file(&work, &text);
        assert!(!said.is_accepted(), "{}", text.replace(&value, "VALUE"));
        let remote = said.remote();
        assert!(remote.contains("payments/db"), "{remote}");
        assert!(remote.contains("payments-oncall"), "{remote}");
    }
    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1, "one secret, however it stands");
    let incident = &incidents[0];
    assert_eq!(incident["known_as"], "payments/db");
    assert_eq!(incident["owner"]["name"], "payments-oncall");
    assert_eq!(incident["owner"]["source"], "inventory");
    assert_eq!(incident["owner"]["confidence"], "high");
    assert_eq!(incident["unowned"], false);
    let ticket = &forge.tickets()[0];
    assert!(ticket["title"].as_str().unwrap().contains("payments/db"), "{ticket}");
    assert!(push_file(&work, &format!("x = \"{}\"\n", token::shapeless())).is_accepted());
}

#[test]
fn what_is_known_is_listed_without_its_value_and_can_be_forgotten() {
    let forge = Forge::start();
    let work = seeded(&forge);
    let value = add(&forge, "payments/db", &["--owner", "payments"]);
    let page = forge.json(["inventory", "list"]);
    assert_eq!(page["next"], Value::Null);
    let secret = &page["secrets"][0];
    assert_eq!(secret["name"], "payments/db");
    assert_eq!(secret["length"], value.len());
    assert!(secret.get("value").is_none());
    assert!(forge.say("inventory list").out.contains("payments/db"));

    let removed = forge.say("inventory remove payments/db");
    assert_eq!((removed.code, removed.out.as_str()), (0, "forgot payments/db\n"));
    assert!(push_file(&work, &format!("x = \"{value}\"\n")).is_accepted());
    let gone = forge.say("inventory remove payments/db --format json");
    assert_eq!(gone.code, 3);
    assert!(gone.out.contains("not-found"), "{gone:?}");
}

#[test]
fn the_inventory_survives_a_restart() {
    let forge = Forge::start();
    let work = seeded(&forge);
    let value = add(&forge, "payments/db", &[]);
    forge.stop();
    forge.serve();
    assert!(!push_file(&work, &format!("x = \"{value}\"\n")).is_accepted());
    forge.kill();
    forge.serve();
    assert!(!push_file(&work, &format!("y = \"{value}\"\n")).is_accepted());
}

#[test]
fn a_value_that_would_harm_or_not_help_is_refused_by_name() {
    #[track_caller]
    fn check(forge: &Forge, value: &str, why: &str) {
        let said = forge.cli_with_input(["inventory", "add", "payments/db"], value);
        assert_eq!(said.code, 2, "{value}: {said:?}");
        assert!(said.err.starts_with("refused: payments/db: "), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
        assert_eq!(said.out, "");
    }
    let forge = Forge::start();
    check(&forge, "k7-q", "at least 8");
    check(&forge, "", "at least 8");
    check(&forge, &token::random(257), "at most 256");
    check(&forge, &token::random(4096), "at most 256");
    check(&forge, "password", "common");
    check(&forge, "changeme", "common");
    check(&forge, "userName2", "common");
    check(&forge, &format!("{} {}", token::random(9), token::random(9)), "would not be found");
    check(&forge, &format!("{}'{}", token::random(9), token::random(9)), "would not be found");
    let said = forge.cli_with_input(["inventory", "add", "a\tb"], &token::shapeless());
    assert_eq!(said.code, 2, "{said:?}");
    let json = ["inventory", "add", "payments/db", "--format", "json"];
    let said = forge.cli_with_input(json, "short");
    let body: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &body["refused"][0]["name"]), (2, &json!("payments/db")));
    assert_eq!(list(&forge.json(["inventory", "list"]), "secrets").len(), 0);
}

#[test]
fn a_name_stands_for_one_value_and_a_value_has_one_name() {
    let forge = Forge::start();
    let value = add(&forge, "payments/db", &[]);
    let again = forge.cli_with_input(["inventory", "add", "payments/db"], &value);
    assert_eq!((again.code, again.out.as_str()), (0, "unchanged payments/db\n"));
    let other = forge.plant(token::shapeless());
    let other = forge.cli_with_input(["inventory", "add", "payments/db"], &other);
    assert_eq!(other.code, 2, "{other:?}");
    assert!(other.err.contains("remove that first"), "{other:?}");
    let renamed = forge.cli_with_input(["inventory", "add", "billing/db"], &value);
    assert_eq!(renamed.code, 2);
    assert!(renamed.err.contains("knows this value as `payments/db`"), "{renamed:?}");
}

#[test]
fn an_import_adds_what_it_can_and_names_what_it_cannot() {
    let forge = Forge::start();
    let work = seeded(&forge);
    let [first, second, third] = std::array::from_fn(|_| forge.plant(token::shapeless()));
    let import = |lines: &[Value], more: &str| {
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        forge.cli_with_input(["inventory", "import", "--format", "json"], &format!("{lines}{more}"))
    };
    let lines = [
        json!({"name": "a", "value": first, "owner": "team-a", "identity": "role a", "key_id": "1"}),
        json!({"name": "b", "value": second}),
    ];
    // A line that makes no sense: its number, and nothing is added.
    for bad in
        ["{\"name\": \"c\"\n", "nonsense\n", "{\"name\": \"c\", \"value\": \"x\", \"v\": 1}\n"]
    {
        let said = import(&lines, bad);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.out.contains("line 3") && said.out.contains("nothing was added"), "{said:?}");
    }
    assert_eq!(list(&forge.json(["inventory", "list"]), "secrets").len(), 0);

    let mut lines = lines.to_vec();
    lines.push(json!({"name": "weak", "value": "password"}));
    lines.push(json!({"name": "c", "value": third}));
    lines.push(json!({"name": "c", "value": token::shapeless()}));
    let said = import(&lines, "\n");
    let body: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.code, 2, "{said:?}");
    let names = |key: &str| {
        let names = body[key].as_array().unwrap().iter().map(|secret| secret["name"].clone());
        names.collect::<Value>()
    };
    assert_eq!((names("added"), names("refused")), (json!(["a", "b", "c"]), json!(["weak", "c"])));
    for value in [&first, &second, &third] {
        assert!(!push_file(&work, &format!("x = \"{value}\"\n")).is_accepted());
    }
    let again = import(&lines[..2], "");
    let body: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((again.code, &body["unchanged"]), (0, &json!(["a", "b"])), "it may run every night");
    assert_eq!(list(&forge.json(["inventory", "list"]), "secrets").len(), 3);
}

#[test]
fn a_value_is_never_taken_from_the_arguments() {
    let forge = Forge::stopped();
    let help = forge.run(Command::new(PROGRAM).args(["inventory", "add", "--help"]));
    assert!(!help.out.contains("--value"), "{help:?}");
    let said = forge.cli(["inventory", "add", "payments/db", "--value", "x"]);
    assert_eq!(said.code, 2);
}

/// Forty hex digits that are no object's id, in the inventory.
fn known_hex(forge: &Forge) -> String {
    let value = token::hex(40);
    let said = forge.cli_with_input(["inventory", "add", "payments/key"], &value);
    assert_eq!(said.code, 0, "{said:?}");
    forge.plant(value)
}

#[test]
fn a_known_value_is_found_behind_words_that_git_writes_before_ids() {
    for header in ["object", "tree", "parent", "mergetag object"] {
        let forge = Forge::start();
        let value = known_hex(&forge);
        let repository = forge.repository("r.git");
        let work = repository.clone_as("w");
        work.commit("a.txt", "a\n", "clean");
        let script = format!(
            "git cat-file commit HEAD | sed '/^committer/a {header} {value}' | \
             git hash-object -t commit -w --stdin --literally"
        );
        let commit = work.shell(&script).out.trim().to_owned();
        let said = work.push(&[&format!("{commit}:refs/heads/custom")]);
        assert!(said.remote().starts_with("error: push refused - 1 credential"), "{said:?}");
    }
}

#[test]
fn an_id_that_somebody_pushed_as_a_password_closes_no_branch() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = repository.clone_as("w");
    let tip = work.commit("a.txt", "a\n", "clean");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    let said = forge.cli_with_input(["inventory", "add", "trap"], &tip);
    assert_eq!(said.code, 0, "{said:?}");
    work.commit("b.txt", "b\n", "go on");
    let said = work.push(&["HEAD:main"]);
    assert!(said.is_accepted(), "{said:?}");
    work.commit("c.txt", format!("key = {tip}\n"), "a copy is none of git's");
    assert!(!work.push(&["HEAD:main"]).is_accepted());
}
