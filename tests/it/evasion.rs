//! The table of `docs/evasion.md`: every way that is known to smuggle a credential past a scanner,
//! built with real git, pushed at a real server, caught or not.
//!
//! A technique says itself whether it is caught. A test pushes it, so that the word is true; another
//! compares the page with the techniques, so that the page is.

mod boxes;
mod encodings;
mod git;

use crate::forge::Said;
use crate::limits::with_push_settings;
use crate::scene::Scene;
use crate::token;

/// The scanners that the page compares with, in the order of [`Technique::peers`].
const PEERS: [&str; 5] = ["kingfisher", "betterleaks", "gitleaks", "trufflehog", "ggshield"];

/// One way to smuggle a credential.
struct Technique {
    name: &'static str,
    /// Whether it is caught.
    caught: bool,
    /// Which peers see it, `Y` or `-` each, by their defaults on a finished repository; empty where
    /// that was not measured.
    peers: &'static str,
    /// Pushes the credential that way.
    push: fn(&Scene<'_>, &str) -> Said,
}

/// Declares the techniques of a module: a table for the page, and a test for each.
macro_rules! techniques {
    ($($test:ident: $name:literal, $caught:ident, $peers:literal, $push:expr;)*) => {
        /// The techniques of this module.
        pub(super) const ALL: &[super::Technique] = &[$(super::Technique {
            name: $name,
            caught: super::$caught,
            peers: $peers,
            push: $push,
        }),*];

        /// Pushes each of them.
        mod pushed {
            $(#[test]
            fn $test() {
                super::super::check($name);
            })*
        }
    };
}
use techniques;

const CAUGHT: bool = true;
const MISSED: bool = false;

/// The parts of the page.
const PARTS: [(&str, &[Technique]); 3] =
    [("Git", git::ALL), ("Encodings", encodings::ALL), ("Containers", boxes::ALL)];

fn all() -> impl Iterator<Item = &'static Technique> {
    PARTS.iter().flat_map(|(_, techniques)| techniques.iter())
}

/// Pushes a fresh credential by the technique called `name`, and compares what happens with its word.
#[track_caller]
fn check(name: &str) {
    let technique = all().find(|technique| technique.name == name).unwrap();
    // What is asked is whether it is found, not how soon: a busy machine may take its time.
    let forge = with_push_settings("deadline_ms = 600000");
    let scene = Scene::new(&forge);
    scene.repository.set("deadline_ms", "600000");
    scene.work.commit("README", "hello\n", "first");
    assert!(scene.work.push(&["HEAD:main"]).is_accepted());
    // A ref's name is printed by git's own client, so that it cannot be a planted value.
    let secret = token::github();
    if !name.contains("branch name") {
        forge.plant(&secret);
    }
    let said = (technique.push)(&scene, &secret);
    if !technique.caught {
        assert!(said.is_accepted(), "it is caught after all: {said:?}");
        assert_eq!(forge.incidents().len(), 0, "it is seen after all");
        return;
    }
    assert!(said.remote().contains("error: push refused - 1 credential in "), "{said:?}");
    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    assert_eq!(incidents[0]["rule"], "github-pat-classic", "{incidents:#?}");
}

/// Commits a file to the clone and pushes it.
fn push_file(scene: &Scene<'_>, path: &str, content: impl AsRef<[u8]>) -> Said {
    scene.work.commit(path, content, "change");
    scene.work.push(&["HEAD:main"])
}

/// The line that most techniques hide.
fn line(secret: &str) -> String {
    format!("TOKEN={secret}\n")
}

/// Renders the page's tables.
fn tables() -> String {
    let mut page = String::new();
    for (part, techniques) in PARTS {
        let peers = PEERS.join(" | ");
        let head = format!("\n## {part}\n\n| technique | pushwarden | {peers} |\n");
        page += &head;
        page += "|---|---|---|---|---|---|---|\n";
        for technique in techniques {
            let verdict = if technique.caught { "caught" } else { "**missed**" };
            let peers: Vec<&str> = match technique.peers {
                "" => vec![""; PEERS.len()],
                peers => peers.split("").filter(|peer| !peer.is_empty()).collect(),
            };
            assert_eq!(peers.len(), PEERS.len(), "{}", technique.name);
            let peers = peers.join(" | ").replace('Y', "yes");
            let row = format!("| {} | {verdict} | {peers} |\n", technique.name);
            page += &row;
        }
    }
    page
}

#[test]
fn the_page_says_what_the_tests_saw() {
    let page = std::fs::read_to_string("docs/evasion.md").unwrap();
    let start = page.find("\n## Git\n").expect("the tables begin with Git");
    let end = page.find("\n## What is missed").expect("the misses are explained below the tables");
    assert_eq!(&page[start..end], tables(), "docs/evasion.md is not what the techniques say");
}

#[test]
fn at_least_36_of_the_38_known_techniques_are_caught() {
    let known = all().filter(|technique| !technique.peers.is_empty());
    let (caught, missed): (Vec<_>, Vec<_>) = known.partition(|technique| technique.caught);
    assert_eq!(caught.len() + missed.len(), 38);
    assert!(caught.len() >= 36, "{:?}", missed.iter().map(|t| t.name).collect::<Vec<_>>());
}
