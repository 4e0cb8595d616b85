//! What hooks leave while the daemon is away reaches it once, exactly once, and claims no more than
//! the git account may claim.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crypto_box::aead::OsRng;
use pushwarden::service::spool::Claim;
use serde_json::{Value, json};

use crate::forge::{Forge, eventually};
use crate::scene::{Scene, UNRECORDED, UNSCANNED, says};
use crate::token;

/// A forge whose daemon ran once and is away now, with a repository that does `policy` about it.
fn away(policy: &str) -> Forge {
    let forge = Forge::start();
    forge.stop();
    Scene::new(&forge).set_policy(policy);
    forge
}

fn entry(forge: &Forge, name: &str) -> PathBuf {
    forge.path("i/spool").join(name)
}

/// Starts the daemon, and waits until it has taken everything in.
fn take_in(forge: &Forge) {
    forge.serve();
    eventually("the spool is taken in", || {
        forge.spool().iter().all(|name| name.ends_with(".unreadable"))
    });
}

/// What is on record: pushes, incidents, tickets, unscanned items.
fn record(forge: &Forge) -> [Vec<Value>; 4] {
    let mut unscanned = forge.unscanned();
    // Whether it was scanned again by now is another test's affair.
    for item in &mut unscanned {
        for key in ["state", "settled_by", "settled_at", "settled_reason"] {
            item.as_object_mut().unwrap().remove(key);
        }
    }
    [forge.pushes(), forge.incidents(), forge.tickets(), unscanned]
}

/// Neither another start nor the same entry again changes what is on record.
#[track_caller]
fn happens_once(forge: &Forge, name: &str, content: &[u8]) {
    let first = record(forge);
    forge.stop();
    take_in(forge);
    assert_eq!(record(forge), first, "after another start");
    fs::write(entry(forge, name), content).unwrap();
    eventually("the copy is gone", || forge.spool().is_empty());
    assert_eq!(record(forge), first, "after the same entry again");
    forge.stop();
    fs::write(entry(forge, name), content).unwrap();
    take_in(forge);
    assert_eq!(record(forge), first, "after the same entry at the start");
    assert!(forge.stop().contains("was ingested before"));
    forge.serve();
    assert_eq!(forge.cli(["audit", "verify"]).code, 0);
}

#[test]
fn an_unscanned_push_is_on_record_once() {
    let forge = away("accept");
    let scene = Scene::again(&forge);
    let (said, commit) = scene.push_clean();
    assert!(said.is_accepted());
    let text = said.remote();
    let nonce = text.trim_end().rsplit(' ').next().unwrap();
    assert_eq!(
        text,
        format!(
            "warning: push accepted, but NOT scanned for credentials.\n  \
             The scan did not happen: the scanner cannot be reached.\n  \
             This is on record, and the security team will see it.\n  \
             Reference: {nonce}\n"
        )
    );
    let name = format!("{nonce}.accepted");
    assert_eq!(forge.spool(), std::slice::from_ref(&name));
    let content = fs::read(entry(&forge, &name)).unwrap();

    take_in(&forge);
    let [pushes, incidents, _, unscanned] = record(&forge);
    assert_eq!(pushes.len(), 1);
    let push = &pushes[0];
    assert_eq!(push["id"], nonce);
    assert_eq!(push["verdict"], "accepted");
    assert_eq!(push["origin"], "git-account");
    assert_eq!(push["repository"], scene.repository.path.to_str().unwrap());
    assert_eq!(push["reason"], "the daemon was away, and policy let the push in unscanned");
    assert_eq!(push["unscanned_total"], 1);
    assert!(incidents.is_empty());
    assert_eq!(unscanned.len(), 1);
    assert_eq!(unscanned[0]["reason"], "daemon-away");
    assert_eq!(unscanned[0]["object"], commit.as_str());
    assert_eq!(unscanned[0]["push"], nonce);
    happens_once(&forge, &name, &content);
}

#[test]
fn each_ref_of_an_unscanned_push_is_an_item_and_deletions_are_none() {
    let forge = away("accept");
    let scene = Scene::again(&forge);
    scene.work.commit("a", "1\n", "first");
    let said = scene.work.push(&["HEAD:refs/heads/a", "HEAD:refs/heads/b", "HEAD:refs/tags/t"]);
    assert!(said.is_accepted());
    assert!(scene.work.push(&[":refs/heads/a"]).is_accepted());
    assert_eq!(forge.spool().len(), 2);
    take_in(&forge);
    assert_eq!(forge.pushes().len(), 2);
    assert_eq!(forge.unscanned().len(), 3);
}

/// A push may only be let in if that is on disk.
#[track_caller]
fn cannot_record(forge: &Forge, policy: &str, why: &str) {
    let scene = Scene::again(forge);
    scene.set_policy(policy);
    let (said, _) = scene.push_clean();
    says(&said, UNSCANNED, why);
    assert!(!said.is_accepted());
}

/// A push with something in it is refused as such, whatever becomes of the record.
#[track_caller]
fn cannot_record_a_credential(forge: &Forge) {
    let scene = Scene::again(forge);
    scene.set_policy("scan-locally");
    let (said, _) = scene.push_credential();
    assert!(!said.is_accepted());
    says(&said, UNRECORDED, "(store)");
}

#[test]
fn what_cannot_be_recorded_is_not_let_in() {
    let forge = away("accept");
    let (spool, aside) = (forge.path("i/spool"), forge.path("aside"));
    let unrecorded = "the scanner cannot be reached, and that could not be recorded";
    fs::rename(&spool, &aside).unwrap();
    cannot_record(&forge, "accept", unrecorded);
    cannot_record_a_credential(&forge);
    fs::write(&spool, "a file").unwrap();
    cannot_record(&forge, "accept", unrecorded);
    cannot_record_a_credential(&forge);
    fs::remove_file(&spool).unwrap();
    fs::rename(&aside, &spool).unwrap();
    assert!(forge.spool().is_empty());
    take_in(&forge);
    assert!(forge.pushes().is_empty());
}

#[test]
fn a_clean_push_is_not_let_in_without_a_claim_either() {
    let forge = away("scan-locally");
    fs::remove_dir(forge.path("i/spool")).unwrap();
    let (said, _) = Scene::again(&forge).push_clean();
    assert!(!said.is_accepted());
    assert!(said.remote().contains("(store)"), "{said:?}");
    fs::create_dir(forge.path("i/spool")).unwrap();
}

#[test]
fn a_clean_push_that_was_scanned_locally_waits_for_the_inventory() {
    let forge = away("scan-locally");
    let (said, commit) = Scene::again(&forge).push_clean();
    assert!(said.is_accepted());
    assert_eq!(said.remote(), "");
    let name = forge.spool().remove(0);
    let content = fs::read(entry(&forge, &name)).unwrap();
    take_in(&forge);
    let [pushes, incidents, _, unscanned] = record(&forge);
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0]["verdict"], "accepted");
    assert_eq!(pushes[0]["origin"], "git-account");
    assert!(incidents.is_empty());
    assert_eq!(unscanned.len(), 1);
    assert_eq!(unscanned[0]["reason"], "inventory");
    assert_eq!(unscanned[0]["object"], commit.as_str());
    happens_once(&forge, &name, &content);
}

#[test]
fn a_credential_that_was_found_locally_becomes_one_incident() {
    let forge = away("scan-locally");
    let scene = Scene::again(&forge);
    let secret = forge.plant(token::github());
    let (said, commit) = scene.push(&format!("TOKEN={secret}\n"));
    let text = said.remote();
    assert!(text.starts_with("error: push refused - 1 credential in 1 commit."), "{text}");
    assert!(text.contains("file.env:1"), "{text}");
    let name = forge.spool().remove(0);
    let content = fs::read(entry(&forge, &name)).unwrap();
    let clear = |needle: &[u8]| memchr::memmem::find(&content, needle).is_some();
    assert!(!clear(secret.as_bytes()) && !clear(b"file.env") && !clear(b"r.git"));
    take_in(&forge);
    let [pushes, incidents, tickets, _] = record(&forge);
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0]["verdict"], "refused");
    assert_eq!(pushes[0]["origin"], "git-account");
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0]["state"], "open");
    assert_eq!(incidents[0]["rule"], "github-pat-classic");
    assert_eq!(incidents[0]["occurrences"][0]["commit"], commit.as_str());
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0]["incident"], incidents[0]["id"]);
    happens_once(&forge, &name, &content);

    // The daemon's own finding of the same secret is the same incident.
    assert_eq!(scene.push(&format!("AGAIN={secret}\n")).0.code, 1);
    assert_eq!(forge.incidents().len(), 1);
    assert_eq!(forge.pushes().len(), 2);
}

#[test]
fn what_is_no_claim_is_put_aside_and_the_rest_is_taken_in() {
    let forge = away("scan-locally");
    let (said, _) = Scene::again(&forge).push_credential();
    assert_eq!(said.code, 1);
    let genuine = fs::read(entry(&forge, &forge.spool()[0])).unwrap();
    let other = Forge::stopped();
    let foreign = seal(&other, &claim(&token::random(8)));
    let mut cut = genuine.clone();
    cut.truncate(genuine.len() / 2);
    let bad: [(&str, &[u8]); 6] = [
        ("00.claim", b"no claim at all"),
        ("01.claim", b""),
        ("02.claim", &foreign),
        ("03.claim", &cut),
        ("04.accepted", b"pushwarden-accepted 1\nand no frames"),
        ("05.accepted", b""),
    ];
    for (name, content) in bad {
        fs::write(entry(&forge, name), content).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", entry(&forge, "06.claim")).unwrap();
    fs::create_dir(entry(&forge, "07.accepted")).unwrap();
    fs::write(entry(&forge, "08.txt"), "somebody's notes").unwrap();
    fs::write(entry(&forge, "09.claim"), seal(&forge, &json!({"id": "nonsense"}))).unwrap();
    forge.serve();
    eventually("one incident stands", || forge.incidents().len() == 1);
    eventually("the rest is put aside", || {
        forge.spool().iter().all(|name| name.ends_with(".unreadable") || name == "08.txt")
    });
    assert_eq!(forge.spool().len(), 10);
    let unread = forge.unscanned();
    let names = unread.iter().map(|item| item["detail"].as_str().unwrap());
    let names: Vec<&str> = names.filter(|detail| detail.contains(".unreadable in ")).collect();
    assert_eq!(names.len(), 9, "each may stand for a push that was let in: {names:?}");
    for name in ["04.accepted.unreadable", "09.claim.unreadable"] {
        assert!(names.iter().any(|detail| detail.starts_with(name)), "{name}: {names:?}");
    }
    assert_eq!(forge.pushes().len(), 1 + 9);
    let doctor = forge.say("doctor");
    assert_ne!(doctor.code, 0);
    assert!(doctor.out.contains("put aside because they cannot be read: 9"), "{doctor:?}");
    let said = forge.stop();
    for name in ["00.claim", "02.claim", "03.claim", "04.accepted", "06.claim", "09.claim"] {
        let named = |line: &str| line.contains(name) && line.contains("was put aside");
        assert!(said.lines().any(named), "{name} is not named: {said}");
    }
}

#[test]
fn a_claim_that_cannot_be_stands_in_no_others_way() {
    let forge = away("scan-locally");
    assert_eq!(Scene::again(&forge).push_credential().0.code, 1);
    let mut twice = claim(&token::random(20));
    let found = twice["findings"][0].clone();
    twice["findings"].as_array_mut().unwrap().push(found);
    let place = |start: u64, end: u64| {
        json!({
            "container": "blob", "object": "", "commit": null, "subject": null, "path": null,
            "span": {"start": start, "end": end, "line": 1, "column": 1, "end_line": 1},
            "age": "new",
        })
    };
    let mut backwards = claim(&token::random(20));
    backwards["findings"][0]["occurrences"] = json!([place(9, 3)]);
    let mut endless = claim(&token::random(20));
    endless["findings"][0]["occurrences"] = json!([place(0, u64::MAX)]);
    let mut negative = claim(&token::random(20));
    negative["findings"][0]["occurrences"] = json!([place(u64::MAX, u64::MAX)]);
    for (place, claim) in [twice, backwards, endless, negative].iter().enumerate() {
        serde_json::from_value::<Claim>(claim.clone()).expect("the daemon understands it");
        // They come before the genuine one, whose name is a nonce in hex.
        fs::write(entry(&forge, &format!("!{place}.claim")), seal(&forge, claim)).unwrap();
    }
    take_in(&forge);
    assert!(forge.incidents().iter().any(|found| found["rule"] == "github-pat-classic"
        && found["occurrences"][0]["path"] == "file.env"));
    let aside = forge.spool();
    assert!(aside.contains(&"!0.claim.unreadable".to_owned()), "{aside:?}");
    assert!(aside.contains(&"!1.claim.unreadable".to_owned()), "{aside:?}");
}

#[test]
fn a_forged_owner_is_not_believed() {
    let forge = away("scan-locally");
    let mut forged = claim(&forge.plant(token::github()));
    forged["findings"][0]["owner"] =
        json!({"name": "nobody-cares", "source": "inventory", "confidence": "none", "chain": []});
    serde_json::from_value::<Claim>(forged.clone()).expect("the daemon understands it");
    fs::write(entry(&forge, "forged.claim"), seal(&forge, &forged)).unwrap();
    take_in(&forge);
    assert_eq!(forge.incidents()[0]["owner"]["name"], "security");
}

/// Returns a claim as a child of the hook writes it, with `value` let in.
fn claim(value: &str) -> Value {
    let nonce: String = (0..32).map(|_| token::random(1)).collect();
    let hex: String = nonce.bytes().map(|byte| format!("{:x}", byte % 16)).collect();
    json!({
        "id": hex, "at": "2026-11-01T12:00:00Z", "repository": "/srv/git/claimed.git",
        "repository_name": null, "server": "plain", "pusher": [null, "nobody", "none"],
        "is_refused": false, "reason": "all is well", "objects": 1, "bytes": 1, "duration_ms": 1,
        "findings": [{
            "rule": "github-pat-classic", "value": BASE64_STANDARD.encode(value),
            "confidence": "low", "severity": "low", "facts": {}, "action": "report",
            "reason": "nothing to see", "occurrences": [],
            "owner": {"name": "security", "source": "default", "confidence": "none",
                      "chain": []},
        }],
        "unscanned": [],
    })
}

/// Seals a claim to the daemon, as anybody can who reads its public key.
fn seal(forge: &Forge, claim: &Value) -> Vec<u8> {
    let key = forge.path("i/state/keys/spool.pub");
    let key = pushwarden::config::keys::read_public(&key).unwrap();
    crypto_box::PublicKey::from(key).seal(&mut OsRng, claim.to_string().as_bytes()).unwrap()
}

#[test]
fn a_forged_claim_closes_and_clears_nothing() {
    let forge = Forge::start();
    let scene = Scene::new(&forge);
    let secret = forge.plant(token::github());
    assert_eq!(scene.push(&format!("TOKEN={secret}\n")).0.code, 1);
    let before = forge.incidents().remove(0);
    let mut forged = claim(&secret);
    forged["findings"][0]["action"] = json!("ignore");
    serde_json::from_value::<Claim>(forged.clone()).expect("the daemon understands it");
    fs::write(entry(&forge, "forged.claim"), seal(&forge, &forged)).unwrap();
    eventually("the claim is taken in", || forge.spool().is_empty());
    let incidents = forge.incidents();
    assert_eq!(incidents.len(), 1);
    for key in ["id", "state", "rule", "severity", "confidence", "owner", "preview"] {
        assert_eq!(incidents[0][key], before[key], "{key}");
    }
    assert_eq!(forge.tickets()[0]["state"], "open");
    // The secret is refused still, and no grant came of it.
    assert_eq!(scene.push(&format!("AGAIN={secret}\n")).0.code, 1);
    let grants = forge.json(["grant", "list"]);
    assert_eq!(grants["grants"], json!([]));
    assert_eq!(forge.cli(["audit", "verify"]).code, 0);
}
