//! What an attacker tried who knows how the gate works, and what got past it once.

use crate::forge::{Forge, eventually};
use crate::scene::Scene;
use crate::token;

/// A token where a fact about another credential is taken from: the user of an address.
fn as_user(token: &str) -> String {
    let password = token::shapeless();
    format!(
        "A=https://{token}:x-oauth-basic@git.example.org/a\nB=postgres://{token}:{password}@db/a\n"
    )
}

#[test]
fn a_token_as_the_user_of_an_address_is_shown_nowhere() {
    // The forge searches everything that was said and written for it.
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let (said, _) = scene.push(&as_user(&forge.plant(token::github())));
    assert!(!said.is_accepted(), "{said:?}");
    let incidents = forge.incidents();
    assert!(incidents.iter().any(|incident| incident["rule"] == "postgres-url"), "{incidents:#?}");
    for incident in &incidents {
        forge.json(["incidents", "show", incident["id"].as_str().unwrap()]);
    }
    for ticket in forge.tickets() {
        forge.json(["tickets", "show", ticket["id"].as_str().unwrap()]);
    }
}

#[test]
fn a_token_as_the_user_of_an_address_is_shown_nowhere_when_screened_locally() {
    let forge = crate::scene::served_before();
    let scene = Scene::new(&forge);
    scene.set_policy("scan-locally");
    let (said, _) = scene.push(&as_user(&forge.plant(token::github())));
    assert!(!said.is_accepted(), "{said:?}");
    forge.serve();
    eventually("the claim is taken in", || forge.spool().is_empty());
    assert!(!forge.incidents().is_empty());
}

#[test]
fn a_token_as_the_user_of_an_address_is_shown_by_no_scan() {
    let forge = Forge::stopped();
    let file = forge.path("a.env");
    std::fs::write(&file, as_user(&forge.plant(token::github()))).unwrap();
    let said =
        forge.bare_cli(["scan".as_ref(), file.as_os_str(), "--format".as_ref(), "jsonl".as_ref()]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("postgres-url"), "{said:?}");
}
