use super::*;
use crate::rule::Ruleset;

/// A rule without fault; tests break it.
const GOOD: &str = r#"provider = "Acme"

[[rule]]
id = "acme-token"
description = "Acme token"
identity = "Acme user"
keywords = ["acme_"]
pattern = '''\b(acme_(?P<user>[a-z]{2})[0-9]{8})\b'''
validators = [{ entropy = 2 }, { length = 15 }, { not_placeholder = true }]
confidence = "high"
severity = "low"
reach = "Everything."
revoke = { how = "Delete it." }
replacement = "None."

[[rule.fact]]
name = "user"
group = "user"

[rule.examples]
match = ["acme_ab{0-9:8}", "x=acme_cd{0-9:8}"]
reject = ["acme_", "acme_ab{a-z:8}"]
"#;

fn load_one(text: &str) -> Result<Ruleset, Vec<LoadError>> {
    Ruleset::load(&[("a.toml".to_owned(), text.to_owned())])
}

/// Changes the good rule and returns what the loader says of it.
fn complaints(changes: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let errors = load_one(&text).map_or_else(|errors| errors, |_| Vec::new());
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_good_file_loads() {
    let rules = load_one(GOOD).unwrap();
    let rule = rules.find("acme-token").unwrap();
    assert_eq!((rule.provider.as_str(), rule.secret_group, rule.span_bytes_max), ("Acme", 1, 512));
    assert_eq!((rule.generic, rule.file.as_str()), (false, "a.toml"));
    assert_eq!(rule.validators.len(), 3);
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place_and_remedy() {
    insta::assert_snapshot!(
        complaints(&[
            ("[\"acme_\"]", "[\"ac\", \"acme_\"]"),
            ("identity = \"Acme user\"\n", ""),
            ("{ entropy = 2 }", "{ entropie = 2 }"),
            ("{ length = 15 }", "{ length = 0 }, { hex = 1 }, { checksum = \"x\" }, {}"),
            ("group = \"user\"", "group = \"host\"\ndecoder = \"rot13\""),
            ("\"acme_\", \"acme_ab{a-z:8}\"", "\"acme_{a-z:8\""),
        ]),
        @r#"
    a.toml:3:1: rule `acme-token`: `identity` is missing; say what the credential is an identity of
    a.toml:3:1: rule `acme-token`: 1 `reject` examples; write at least 2
    a.toml:6:13: rule `acme-token`: keyword `ac` is under 3 bytes; name a longer literal
    a.toml:8:15: rule `acme-token`: there is no validator `entropie`; known are aws_key_id, base64, base64_json, checksum, entropy, hex, jwt, length, live, mixed, not_placeholder, not_public, not_word, pem, uri_password
    a.toml:8:33: rule `acme-token`: 0 is out of range; write a number from 1 to 65536
    a.toml:8:49: rule `acme-token`: `hex` does not take this; write `hex = true`
    a.toml:8:62: rule `acme-token`: there is no scheme `x`; known are github
    a.toml:8:82: rule `acme-token`: a validator is a table of one key; write `{ name = argument }`
    a.toml:17:9: rule `acme-token`: the pattern has no group named `host`; write `(?P<host>…)` around the fact
    a.toml:18:11: rule `acme-token`: there is no decoder `rot13`; known are aws-account, base64, jwt-expires, jwt-issuer, jwt-subject, lower, percent
    a.toml:22:11: rule `acme-token`: the example does not expand: a `{` has no `}`; write `{{` for the character itself
    "#
    );
}

#[test]
fn patterns_are_checked() {
    let pattern = r"\b(acme_(?P<user>[a-z]{2})[0-9]{8})\b";
    insta::assert_snapshot!(complaints(&[(pattern, "acme_(?=x)")]), @r#"
    a.toml:8:11: rule `acme-token`: the pattern does not compile: look-around, including look-ahead and look-behind, is not supported; write it for the crate `regex`, without Unicode, look-around and back references
    "#);
    insta::assert_snapshot!(complaints(&[(pattern, "(?P<user>a)*")]), @r#"
    a.toml:8:11: rule `acme-token`: the pattern matches the empty text; let it demand at least one byte
    "#);
    insta::assert_snapshot!(
        complaints(&[("keywords", "secret_group = 3\nspan_bytes_max = 9\nkeywords")]),
        @r#"
    a.toml:7:16: rule `acme-token`: the pattern has 2 groups, no group 3; count its opening brackets
    a.toml:10:11: rule `acme-token`: the shortest match has 15 bytes, but `span_bytes_max` is 9; raise it
    "#
    );
    insta::assert_snapshot!(complaints(&[("keywords", "span_bytes_max = 70000\nkeywords")]), @r#"
    a.toml:7:18: rule `acme-token`: 70000 is out of range; write a number from 1 to 65536
    "#);
}

#[test]
fn what_is_no_rule_file_is_said() {
    insta::assert_snapshot!(complaints(&[("keywords = [", "keywords = ")]), @r#"
    a.toml:7:19: unexpected key or value, expected newline, `#`; see the other rule files for the form
    "#);
    insta::assert_snapshot!(complaints(&[("reach =", "raech =")]), @r#"
    a.toml:12:1: rule `acme-token`: unknown field `raech`, expected one of `id`, `description`, `provider`, `identity`, `keywords`, `pattern`, `secret_group`, `span_bytes_max`, `validators`, `generic`, `confidence`, `severity`, `masking`, `reach`, `revoke`, `replacement`, `references`, `fact`, `examples`; see the other rule files for the form
    "#);
    insta::assert_snapshot!(complaints(&[("provider =", "proivder =")]), @r#"
    a.toml:1:1: `proivder` is not `provider = "…"` or a list of `[[rule]]`; see the other rule files for the form
    a.toml:3:1: rule `acme-token`: `provider` is missing; say who issues it
    "#);
    insta::assert_snapshot!(complaints(&[("\"acme-token\"", "\"Acme Token\"")]), @r#"
    a.toml:4:6: rule `Acme Token`: `Acme Token` is not a rule id; write lower-case words joined by `-`, such as `aws-access-key`
    "#);
}

#[test]
fn ids_are_unique_over_all_files() {
    let files = [("a.toml", GOOD), ("b.toml", GOOD)];
    let errors = Ruleset::load(&files.map(|(path, text)| (path.to_owned(), text.to_owned())));
    insta::assert_snapshot!(errors.unwrap_err()[0], @r#"
    b.toml:4:6: rule `acme-token`: the id is taken by a rule in a.toml:4; give this one another
    "#);
}

#[test]
fn the_excerpt_points_at_the_mistake() {
    let errors = load_one(&GOOD.replace("[\"acme_\"]", "[\"ac\"]")).unwrap_err();
    insta::assert_snapshot!(errors[0].excerpt(), @r#"
    7 | keywords = ["ac"]
      |             ^^^^
    "#);
}

#[test]
fn the_digest_tells_what_a_scan_depends_on() {
    let digest = |text: &str| load_one(text).unwrap().digest();
    assert_eq!(digest(GOOD), digest(&GOOD.replace("Everything.", "Nothing.")));
    for (from, to) in
        [("[0-9]{8}", "[0-9]{8,9}"), ("entropy = 2", "entropy = 3"), ("\"high\"", "\"low\"")]
    {
        assert_ne!(digest(GOOD), digest(&GOOD.replace(from, to)), "{to}");
    }
}
