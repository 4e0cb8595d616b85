//! Who answers for a credential: by the administrator's map, by CODEOWNERS, by nobody.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::forge::{Forge, Repository, Work};
use crate::token;

/// A running forge with this `owners.toml`.
fn owned_by(owners: &str) -> Forge {
    let forge = Forge::stopped();
    fs::write(forge.path("i/owners.toml"), owners).unwrap();
    forge.serve();
    forge
}

/// A repository whose default branch holds these files.
fn holding<'f>(forge: &'f Forge, name: &str, files: &[(&str, &str)]) -> (Repository<'f>, Work<'f>) {
    let repository = forge.repository(name);
    let work = repository.clone_as(&format!("{name}.work"));
    for (path, text) in files {
        work.write(path, text);
    }
    work.commit("a.txt", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    (repository, work)
}

/// Pushes a new secret at `path` in vain; returns its incident.
fn leak(work: &Work<'_>, path: &str, line: impl FnOnce(&str) -> String) -> Value {
    let secret = work.forge.plant(token::github());
    work.commit(path, line(&secret), "add config");
    let said = work.push(&["HEAD:main"]);
    assert!(!said.is_accepted(), "{said:?}");
    work.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let incident = work.forge.incidents()[0].clone();
    let owner = incident["owner"]["name"].as_str().unwrap();
    assert!(said.remote().contains(owner), "the pusher is told: {said:?}");
    incident
}

fn assignment(secret: &str) -> String {
    format!("TOKEN={secret}\n")
}

#[track_caller]
fn check(incident: &Value, name: &str, source: &str, confidence: &str) {
    let owner = &incident["owner"];
    let got = ["name", "source", "confidence"].map(|field| owner[field].as_str().unwrap());
    assert_eq!(got, [name, source, confidence], "{owner:#}");
    assert_eq!(incident["unowned"], source == "default");
}

#[test]
fn the_administrators_map_goes_by_kind_path_and_repository() {
    let forge = owned_by(
        r#"
default = "secops"
[[owner]]
name = "platform"
kinds = ["github-*"]
repositories = ["**/kind.git"]
[[owner]]
name = "deployers"
paths = ["deploy/**"]
[[owner]]
name = "payments"
repositories = ["**/pay.git"]
"#,
    );
    let (_, work) = holding(&forge, "kind.git", &[]);
    check(&leak(&work, "deploy/a.env", assignment), "platform", "kind", "medium");
    let (_, work) = holding(&forge, "pay.git", &[]);
    check(&leak(&work, "deploy/a.env", assignment), "deployers", "path", "medium");
    check(&leak(&work, "a.env", assignment), "payments", "repository", "low");
    let (_, work) = holding(&forge, "other.git", &[]);
    check(&leak(&work, "a.env", assignment), "secops", "default", "none");
}

#[test]
fn what_the_credential_tells_outranks_everything_in_the_map() {
    let forge = owned_by(
        r#"
[[owner]]
name = "platform"
kinds = ["*"]
[[owner]]
name = "payments-dba"
facts = { host = "pay.example.org" }
"#,
    );
    let (_, work) = holding(&forge, "r.git", &[]);
    let password = forge.plant(token::random(20));
    let uri = format!("url = \"postgres://pay:{password}@pay.example.org:5432/pay\"\n");
    work.commit("db.toml", uri, "add config");
    assert!(!work.push(&["HEAD:main"]).is_accepted());
    let incident = &forge.incidents()[0];
    assert_eq!(incident["facts"]["host"], "pay.example.org", "{incident:#}");
    check(incident, "payments-dba", "identity", "high");
}

#[test]
fn codeowners_of_the_default_branch_names_the_owner() {
    let forge = Forge::start();
    let github = [(".github/CODEOWNERS", "* @org/all\n/deploy/ @org/deployers @ana\n")];
    let (_, work) = holding(&forge, "hub.git", &github);
    check(&leak(&work, "deploy/a.env", assignment), "@org/deployers", "codeowners", "medium");
    check(&leak(&work, "src/a.env", assignment), "@org/all", "codeowners", "medium");

    let gitlab =
        [(".gitlab/CODEOWNERS", "[Deployment] @org/deployment\ndeploy/\n\n^[Rest]\n*.md @docs\n")];
    let (_, work) = holding(&forge, "lab.git", &gitlab);
    check(&leak(&work, "deploy/a.env", assignment), "@org/deployment", "codeowners", "medium");
    check(&leak(&work, "src/a.env", assignment), "security", "default", "none");
}

#[test]
fn a_push_has_no_say_in_who_owns_what_it_brings() {
    let forge = Forge::start();
    let (_, work) = holding(&forge, "r.git", &[("CODEOWNERS", "* @org/all\n")]);
    work.commit("CODEOWNERS", "* @mallory\n", "mine now");
    check(&leak(&work, "a.env", assignment), "@org/all", "codeowners", "medium");
    // Nor on another branch than the default one.
    assert!(work.push(&["HEAD:refs/heads/topic"]).is_accepted());
    check(&leak(&work, "a.env", assignment), "@org/all", "codeowners", "medium");
    // Once it stands on the default branch, it holds.
    assert!(work.push(&["HEAD:main"]).is_accepted());
    check(&leak(&work, "a.env", assignment), "@mallory", "codeowners", "medium");
    // The first push to an empty repository brings its own file, which nobody has agreed to.
    let empty = forge.repository("empty.git").clone_as("empty.work");
    empty.write("CODEOWNERS", "* @mallory\n");
    let secret = forge.plant(token::github());
    empty.commit("a.env", assignment(&secret), "first");
    assert!(!empty.push(&["HEAD:main"]).is_accepted());
    check(&forge.incidents()[0], "security", "default", "none");
}

#[test]
fn what_nobody_owns_goes_to_the_default_queue_and_says_so() {
    let forge = Forge::start();
    let (_, work) = holding(&forge, "r.git", &[]);
    let incident = leak(&work, "a.env", assignment);
    check(&incident, "security", "default", "none");
    let unowned = forge.json(["incidents", "list", "--unowned"]);
    assert_eq!(unowned["incidents"][0]["id"], incident["id"]);
    let body = forge.tickets()[0]["body"].as_str().unwrap().to_owned();
    assert!(body.contains("unowned"), "{body}");
}

#[test]
fn explain_prints_the_answer_and_every_source_that_was_asked() {
    let forge = owned_by("[[owner]]\nname = \"platform\"\nkinds = [\"aws-*\"]\n");
    let codeowners = [("CODEOWNERS", "# who\n/deploy/ @org/deployers\n")];
    let (repository, _) = holding(&forge, "r.git", &codeowners);
    let repo = repository.path.to_str().unwrap();
    let explain = |rule: &str| {
        ["owner", "explain", "--repo", repo, "--path", "deploy/a.env", "--rule", rule]
            .map(str::to_owned)
    };
    let said = forge.cli(explain("github-pat-classic"));
    assert_eq!(said.code, 0, "{said:?}");
    let text = said.out.replace(forge.path("").to_str().unwrap(), "/forge/");
    assert_snapshot!(text, @r"
    owner       @org/deployers
    source      CODEOWNERS
    confidence  medium

    asked, most believed first:
       inventory      -                    the inventory does not know this value
       identity       -                    no entry of /forge/i/owners.toml for its facts (the value tells none)
       kind           -                    no entry of /forge/i/owners.toml for kind github-pat-classic
       path           -                    no entry of /forge/i/owners.toml for path deploy/a.env
    -> CODEOWNERS     @org/deployers       path deploy/a.env in CODEOWNERS:2
       repository     -                    no entry of /forge/i/owners.toml for repository /forge/r.git
       default queue  security             the default queue of /forge/i/owners.toml
    ");
    let arguments = explain("aws-access-key-id");
    let owner = forge.json(arguments.iter().map(String::as_str));
    assert_eq!(owner["name"], "platform");
    assert_eq!(owner["chain"].as_array().unwrap().len(), 7, "{owner:#}");

    // The answer of a push is the same.
    let no_repository =
        forge.cli(["owner", "explain", "--repo", "/nonexistent", "--rule", "github-pat-classic"]);
    assert_eq!(no_repository.code, 3, "{no_repository:?}");
    let no_fact = forge.cli([
        "owner",
        "explain",
        "--repo",
        repo,
        "--rule",
        "github-pat-classic",
        "--fact",
        "host",
    ]);
    assert_eq!(no_fact.code, 2, "{no_fact:?}");
}

#[test]
fn a_broken_map_is_told_with_its_place() {
    let forge = Forge::stopped();
    fs::write(
        forge.path("i/owners.toml"),
        "[[owner]]\nname = \"a\"\n\n[[owner]]\nnmae = \"b\"\npaths = [\"x[\"]\n",
    )
    .unwrap();
    let said = forge.cli(["config", "check"]);
    assert_eq!((said.code, said.out.as_str()), (3, ""));
    assert_snapshot!(said.err.replace(forge.path("").to_str().unwrap(), "/forge/"), @r#"
    error: the configuration cannot be used
      because: /forge/i/owners.toml:1:1: this owner would match everything; add `kinds`, `paths`, `repositories` or `facts`, or make it the `default`
    /forge/i/owners.toml:4:1: this owner has no name; add `name = "team"`
    /forge/i/owners.toml:5:1: key `nmae` is unknown; an owner has `name`, `kinds`, `paths`, `repositories` and `facts`
    /forge/i/owners.toml:6:10: `x[` is no glob: unclosed character class; missing ']'; write `*` (within a folder), `**` (any depth), `?`, `[ab]`, `{a,b}`
      remedy: mend it
    "#);
    let serve = forge.cli(["serve"]);
    assert_eq!(serve.code, 3, "the daemon does not start without it: {serve:?}");
    let doctor = forge.cli(["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.contains("FAIL  owners"), "{doctor:?}");
}
