//! What was let in unscanned is scanned when the daemon is back.

use serde_json::Value;

use crate::forge::{Forge, Repository, Work, eventually, list};
use crate::token;

/// A repository whose hook does `on_unavailable`, with a clean commit, while the daemon is away.
fn without_daemon<'f>(forge: &'f Forge, on_unavailable: &str) -> (Repository<'f>, Work<'f>) {
    let repository = forge.repository("r.git");
    repository.set("on_unavailable", on_unavailable);
    let work = repository.clone_as("w");
    work.commit("a.txt", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    forge.stop();
    (repository, work)
}

fn unscanned(forge: &Forge) -> Vec<Value> {
    list(&forge.json(["pushes", "unscanned"]), "unscanned")
}

#[test]
fn a_credential_that_was_let_in_unscanned_gets_its_incident_when_the_daemon_is_back() {
    let forge = Forge::start();
    let (_repository, work) = without_daemon(&forge, "accept");
    let secret = forge.plant(token::github());
    let commit = work.commit("deploy/prod.env", format!("TOKEN={secret}\n"), "add config");
    assert!(work.push(&["HEAD:main"]).is_accepted());

    forge.serve();
    eventually("the push is scanned again", || {
        unscanned(&forge).iter().any(|item| item["state"] == "rescanned")
    });
    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0]["occurrences"][0]["path"], "deploy/prod.env");
    assert_eq!(incidents[0]["occurrences"][0]["commit"], commit.as_str());
    assert_ne!(incidents[0]["exposure"], "refused", "it got in");
    assert_eq!(forge.tickets().len(), 1);
}

#[test]
fn what_stood_before_stays_old() {
    let forge = Forge::start();
    let repository = forge.bare("r.git", &[]);
    let work = repository.clone_as("w");
    let secret = forge.plant(token::github());
    work.commit("old.env", format!("TOKEN={secret}\n"), "from before the hook");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    forge.install(&repository);
    repository.set("on_unavailable", "accept");
    forge.stop();
    work.commit("b.txt", "more\n", "clean");
    assert!(work.push(&["HEAD:main"]).is_accepted());

    forge.serve();
    eventually("the push is scanned again", || {
        unscanned(&forge).iter().any(|item| item["state"] == "rescanned")
    });
    assert!(forge.tickets().is_empty());
    for incident in forge.incidents() {
        assert_eq!(incident["leaked"], false, "{incident}");
        assert_eq!(incident["occurrences"][0]["age"], "old-reachable");
    }
}

#[test]
fn a_known_secret_that_a_local_scan_could_not_know_is_found_when_the_daemon_is_back() {
    let forge = Forge::start();
    let secret = forge.plant(token::shapeless());
    let added = forge.cli_with_input(["inventory", "add", "payments/db"], &secret);
    assert_eq!(added.code, 0, "{added:?}");
    let (_repository, work) = without_daemon(&forge, "scan-locally");
    work.commit("conf.txt", format!("address \"{secret}\"\n"), "add config");
    let said = work.push(&["HEAD:main"]);
    assert!(said.is_accepted(), "{said:?}");

    forge.serve();
    eventually("the push is scanned again", || {
        unscanned(&forge).iter().any(|item| item["state"] == "rescanned")
    });
    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0]["known_as"], "payments/db");
}

/// A secret in the name of a ref becomes an incident, and stands nowhere that the daemon writes.
#[track_caller]
fn check_ref_name(forge: &Forge, on_unavailable: &str, secret: &str) {
    let (_repository, work) = without_daemon(forge, on_unavailable);
    let said = work.push(&[&format!("HEAD:refs/heads/x={secret}")]);
    assert!(said.is_accepted(), "{}", said.remote());

    forge.serve();
    eventually("the push is scanned again", || {
        unscanned(forge).iter().any(|item| item["state"] == "rescanned")
    });
    let items = unscanned(forge);
    let detail = items[0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("refs/heads/x=******** from 0000"), "{items:?}");
    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0]["occurrences"][0]["container"], "ref-name");
    let said = [forge.say("pushes list"), forge.say("pushes unscanned"), forge.say("tickets list")];
    assert!(said.iter().all(|said| !said.out.contains(secret)));
    assert!(!forge.stop().contains(secret), "the log");
    assert!(forge.spool().is_empty());
    forge.assert_not_written(secret);
}

#[test]
fn a_credential_in_a_ref_name_that_was_let_in_is_found_and_kept_nowhere() {
    check_ref_name(&Forge::start(), "accept", &token::github());
}

#[test]
fn a_known_secret_in_a_ref_name_that_a_local_scan_could_not_know_is_kept_nowhere() {
    let forge = Forge::start();
    let secret = token::shapeless();
    let added = forge.cli_with_input(["inventory", "add", "payments/db"], &secret);
    assert_eq!(added.code, 0, "{added:?}");
    check_ref_name(&forge, "scan-locally", &secret);
}
