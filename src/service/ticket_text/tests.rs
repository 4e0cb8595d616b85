use insta::assert_snapshot;

use super::*;
use crate::finding::Span;
use crate::identity::{OwnerConfidence, OwnerSource, OwnerStep};
use crate::rule::{Confidence, Examples, Revocation, RuleId};
use crate::secret::Masking;

fn rule() -> Rule {
    Rule {
        id: RuleId::parse("example-token").unwrap(),
        description: "Example access token".to_owned(),
        provider: "Example".to_owned(),
        identity: "Example user".to_owned(),
        generic: false,
        keywords: Vec::new(),
        pattern: String::new(),
        secret_group: 0,
        span_bytes_max: 0,
        validators: Vec::new(),
        confidence: Confidence::High,
        severity: Severity::High,
        masking: Masking::Edges,
        facts: Vec::new(),
        reach: "Whatever the user may do.".to_owned(),
        revocation: Revocation {
            how: "Delete it under Settings, Access tokens.".to_owned(),
            url: Some("https://example.com/settings/tokens".to_owned()),
        },
        replacement: "OpenID Connect from the job; its tokens live for minutes.".to_owned(),
        references: Vec::new(),
        examples: Examples::default(),
        file: String::new(),
    }
}

fn occurrence(container: Container, path: Option<&str>) -> Occurrence {
    Occurrence {
        container,
        object: "ab".repeat(20),
        commit: Some("9c".repeat(20)),
        subject: None,
        path: path.map(str::to_owned),
        span: Span { start: 0, end: 1, line: 14, column: 1, end_line: 14 },
        in_header: false,
        layers: Vec::new(),
        age: Age::New,
    }
}

fn owner() -> Owner {
    let step = OwnerStep {
        source: OwnerSource::Path,
        evidence: "owners.toml:4 (path deploy/**)".to_owned(),
        answer: Some("payments-oncall".to_owned()),
    };
    Owner {
        name: "payments-oncall".to_owned(),
        source: OwnerSource::Path,
        confidence: OwnerConfidence::Medium,
        chain: vec![step],
    }
}

#[test]
fn a_ticket_in_full() {
    let (rule, owner) = (rule(), owner());
    let facts = [("account".to_owned(), "1234\u{1b}[31m".to_owned())].into();
    let tag = Occurrence { commit: None, ..occurrence(Container::Tag, Some("refs/tags/v1")) };
    let old = Occurrence { age: Age::OldReachable, ..occurrence(Container::Blob, Some("a\nb")) };
    let occurrences = [occurrence(Container::Blob, Some("deploy/prod.env")), tag, old];
    let ticket = Ticket {
        incident: "INC-7",
        rule: &rule,
        preview: "exam************9z",
        facts: &facts,
        known_as: Some("payments/db"),
        repository: "acme/web",
        pusher: Some("ada (gitolite)"),
        occurrences: &occurrences,
        owner: &owner,
        is_refused: true,
    };
    assert_snapshot!(title(&ticket), @"Revoke Example access token (payments/db) leaked in acme/web");
    assert_snapshot!(body(&ticket), @r"
    What
      Example access token of Example: exam************9z
      identity: Example user; severity: high; rule: example-token
      the inventory knows it as payments/db

    Where
      repository acme/web
      pushed by ada (gitolite)
      deploy/prod.env:14, commit 9c9c9c9c9c9c
      the message of the tag refs/tags/v1
      a\x0ab:14, commit 9c9c9c9c9c9c (old)

    Whose
      payments-oncall (source: path, confidence: medium)
      because: owners.toml:4 (path deploy/**)

    What it can reach
      Whatever the user may do.
      account: 1234\x1b[31m

    How to revoke it
      Delete it under Settings, Access tokens.
      https://example.com/settings/tokens

    What replaces it
      OpenID Connect from the job; its tokens live for minutes.

    What has happened
      The push that opened this was refused; the server stored nothing of it.
      The value was on the pusher's machine and passed through this server. Nobody has revoked it yet.

    What next
      Revoke it as above, then see that it is dead: closing this ticket closes nothing.
      pushwarden incidents show INC-7
      pushwarden incidents dismiss INC-7 --as false-positive --reason ...
    ");
}

#[test]
fn a_ticket_of_a_push_that_was_let_in_says_so_and_is_bounded() {
    let (rule, owner) = (rule(), owner());
    let facts = Facts::new();
    let occurrences = vec![occurrence(Container::PushOption, None); 1_000];
    let ticket = Ticket {
        incident: "INC-7",
        rule: &rule,
        preview: "********",
        facts: &facts,
        known_as: None,
        repository: &"r".repeat(500),
        pusher: None,
        occurrences: &occurrences,
        owner: &owner,
        is_refused: false,
    };
    let text = body(&ticket);
    assert!(text.contains("was let in"), "{text}");
    assert!(text.contains("and 980 more: pushwarden incidents show INC-7"), "{text}");
    assert!(text.lines().count() < 60, "{text}");
    assert_eq!(escape::columns(&title(&ticket)), TITLE_COLUMNS_MAX);
}

#[test]
fn a_place_is_named_as_what_it_is() {
    #[track_caller]
    fn check(container: Container, path: Option<&str>, in_header: bool, want: &str) {
        let at = Occurrence { in_header, commit: None, ..occurrence(container, path) };
        assert_eq!(place(&at), want);
    }
    check(Container::Blob, Some("a.env"), false, "a.env:14");
    check(Container::Blob, None, false, "an object that no ref reaches");
    check(Container::Commit, None, false, "the commit message");
    check(Container::Commit, None, true, "the commit's header (author...)");
    check(Container::Tag, Some("refs/tags/v1"), false, "the message of the tag refs/tags/v1");
    check(
        Container::Tag,
        Some("refs/tags/v1"),
        true,
        "the header (tagger...) of the tag refs/tags/v1",
    );
    check(Container::TreeEntry, Some("a.txt"), false, "the name of the file a.txt");
    check(Container::RefName, Some("refs/heads/a"), false, "the name of the ref refs/heads/a");
    check(Container::PushOption, None, false, "a push option");
}
