//! The main job: a clean push passes, a push with a credential is refused and leaves a ticket.

use crate::forge::Forge;
use crate::token;

#[test]
fn a_clean_push_passes_and_leaves_nothing() {
    let forge = Forge::start();
    let work = forge.repository("r.git").clone_as("w");
    work.commit("a.txt", "hello\n", "first");
    let said = work.push(&["HEAD:main"]);
    assert!(said.is_accepted(), "{said:?}");
    assert_eq!(said.remote(), "");
    assert!(forge.incidents().is_empty());
}

#[test]
fn a_leaked_credential_is_refused_and_a_ticket_stands() {
    let forge = Forge::start();
    let repository = forge.repository("r.git");
    let work = repository.clone_as("w");
    work.commit("a.txt", "hello\n", "first");
    assert!(work.push(&["HEAD:main"]).is_accepted());

    let secret = forge.plant(token::github());
    let commit = work.commit("deploy/prod.env", format!("TOKEN={secret}\n"), "add config");
    let said = work.push(&["HEAD:main"]);
    assert!(!said.is_accepted());
    assert!(
        said.remote().starts_with("error: push refused - 1 credential in 1 commit."),
        "{said:?}"
    );
    assert!(!repository.has(&commit), "nothing of a refused push is stored");

    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1);
    let incident = &incidents[0];
    assert_eq!(incident["state"], "open");
    assert_eq!(incident["rule"], "github-pat-classic");
    assert_eq!(incident["exposure"], "refused");
    assert_eq!(incident["occurrences"][0]["path"], "deploy/prod.env");
    assert_eq!(incident["occurrences"][0]["line"], 1);
    assert_eq!(incident["occurrences"][0]["commit"], commit.as_str());
    let tickets = forge.tickets();
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0]["incident"], incident["id"]);
    assert_eq!(incident["tickets"][0]["id"], tickets[0]["id"]);
}

#[test]
fn a_file_full_of_one_old_secret_can_still_be_edited() {
    let forge = Forge::start();
    let repository = forge.bare("r.git", &[]);
    let work = repository.clone_as("w");
    let old = forge.plant(token::github());
    let lines = format!("TOKEN={old}\n").repeat(3_000);
    work.commit("old.env", &lines, "from before the hook");
    assert!(work.push(&["HEAD:main"]).is_accepted());
    forge.install(&repository);

    work.commit("old.env", format!("# hi\n{lines}"), "a comment");
    let said = work.push(&["HEAD:main"]);
    assert!(said.is_accepted(), "{said:?}");

    let new = forge.plant(token::github());
    work.commit("old.env", format!("# hi\n{lines}TOKEN={new}\n"), "a new secret at the end");
    let said = work.push(&["HEAD:main"]);
    assert!(said.remote().starts_with("error: push refused - 1 credential"), "{said:?}");

    work.git(&["reset", "-q", "--hard", "HEAD~1"]);
    work.commit("old.env", format!("# hi\n{lines}TOKEN={old}\n"), "one more copy");
    assert!(!work.push(&["HEAD:main"]).is_accepted());
}
