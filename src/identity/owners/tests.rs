use insta::assert_snapshot;

use super::*;

#[track_caller]
fn refused(text: &str) -> String {
    Owners::parse("owners.toml", text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_sends_everything_to_the_default_queue() {
    let owners = Owners::parse("owners.toml", "").unwrap();
    assert_eq!(owners.default_queue(), DEFAULT_QUEUE);
    assert_eq!(owners.names(), [DEFAULT_QUEUE]);
}

#[test]
fn names_come_once_and_the_default_last() {
    let text = r#"
        default = "triage"
        [[owner]]
        name = "b"
        kinds = ["x-*"]
        [[owner]]
        name = "a"
        paths = ["**/a"]
        [[owner]]
        name = "b"
        repositories = ["b/*"]
    "#;
    let owners = Owners::parse("owners.toml", text).unwrap();
    assert_eq!(owners.names(), ["b", "a", "triage"]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place_and_remedy() {
    let text = r#"default = 7
colour = "red"

[[owner]]
name = "everything"

[[owner]]
kinds = []
team = "x"

[[owner]]
name = " "
paths = ["a[", 3]
repositories = "b/*"
facts = {}
"#;
    assert_snapshot!(refused(text), @r#"
    owners.toml:1:11: this is of type integer; write a string in quotes
    owners.toml:2:1: key `colour` is unknown; the file has `default` and `[[owner]]`
    owners.toml:4:1: this owner would match everything; add `kinds`, `paths`, `repositories` or `facts`, or make it the `default`
    owners.toml:7:1: this owner has no name; add `name = "team"`
    owners.toml:8:9: an empty list matches nothing; remove the key
    owners.toml:9:1: key `team` is unknown; an owner has `name`, `kinds`, `paths`, `repositories` and `facts`
    owners.toml:12:8: this name is blank or holds control characters; write a team, a person or a queue
    owners.toml:13:10: `a[` is no glob: unclosed character class; missing ']'; write `*` (within a folder), `**` (any depth), `?`, `[ab]`, `{a,b}`
    owners.toml:13:16: this is of type integer; write a string in quotes
    owners.toml:14:16: this is no list; write `["pattern"]`
    owners.toml:15:9: empty `facts` match everything; remove the key
    "#);
}

#[test]
fn syntax_errors_are_told_alone() {
    assert_snapshot!(refused("default = \"a\n[[owner]\nname = 1\n"), @r#"
    owners.toml:1:13: invalid basic string, expected `"`
    owners.toml:2:9: unclosed array table, expected `]`
    "#);
    assert_snapshot!(refused("owner = 3"), @"owners.toml:1:9: `owner` is no list of tables; write `[[owner]]`");
    assert_snapshot!(refused("owner = [3]"), @"owners.toml:1:10: an owner is a table; write `[[owner]]`");
}

#[test]
fn problems_can_be_read_one_by_one() {
    let error = Owners::parse("o.toml", "a = 1\nb = 2").unwrap_err();
    let places: Vec<_> = error.problems().iter().map(|p| (p.line, p.column)).collect();
    assert_eq!(places, [(1, 1), (2, 1)]);
}
