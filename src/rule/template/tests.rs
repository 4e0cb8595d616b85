use super::*;

#[track_caller]
fn text(template: &str) -> String {
    String::from_utf8(expand(template).unwrap()).unwrap()
}

#[test]
fn literals_stay_and_doubled_braces_are_one() {
    assert_eq!(text("a {{b}} c"), "a {b} c");
    assert_eq!(text(""), "");
}

#[test]
fn classes_draw_their_members_alone() {
    let drawn = text("x{A-C_-:200}y");
    assert_eq!(drawn.len(), 202);
    let inner = drawn.trim_start_matches('x').trim_end_matches('y');
    assert!(inner.chars().all(|c| "ABC_-".contains(c)), "{inner}");
    assert!("ABC_-".chars().all(|c| inner.contains(c)), "{inner}");
}

#[test]
fn the_same_template_expands_the_same_and_another_differently() {
    assert_eq!(text("{a-z:20}"), text("{a-z:20}"));
    assert_ne!(text("{a-z:20}"), text(" {a-z:20}").trim_start());
}

#[test]
fn what_is_wrong_is_said() {
    #[track_caller]
    fn check(template: &str, want: &str) {
        assert_eq!(expand(template).unwrap_err().to_string(), want);
    }
    check("{a-z:3", "a `{` has no `}`; write `{{` for the character itself");
    check("a}", "a `}` has no `{`; write `}}` for the character itself");
    check("{a-z}", "`a-z` has no count from 1 to 65536; write `{CLASS:N}`");
    check("{a-z:0}", "`a-z:0` has no count from 1 to 65536; write `{CLASS:N}`");
    check("{z-a:3}", "`z-a` is no class; write it as in a bracket, such as `A-Za-z0-9_-`");
    check(
        "{@pem pig}",
        "generator `pem` does not take `pig`; it takes rsa, ec, pkcs8, encrypted or dsa",
    );
    assert!(expand("{@nothing}").unwrap_err().to_string().contains("known are aws-key-id, base64"));
}

#[test]
fn every_generator_of_the_vocabulary_expands() {
    for name in crate::rule::vocabulary::GENERATORS {
        let argument = match *name {
            "pem" | "pem-line" => " rsa",
            "base64" | "random" | "words" => " 20",
            _ => "",
        };
        assert!(text(&format!("{{@{name}{argument}}}")).len() >= 8, "{name}");
    }
}

#[test]
fn random_is_mixed_and_never_repeats_early() {
    let drawn = text("{@random 30}");
    let distinct: std::collections::BTreeSet<char> = drawn.chars().collect();
    assert_eq!(distinct.len(), 30, "{drawn}");
    assert!(drawn.chars().any(|c| c.is_ascii_digit()));
}
