use super::*;
use crate::rule::pattern;

fn parts(pattern: &str) -> Vec<Branch> {
    branches(&pattern::tree(pattern).unwrap(), 1)
}

#[test]
fn strings_are_listed_where_they_are_few() {
    #[track_caller]
    fn check(pattern: &str, want: Option<&[&str]>) {
        let got = strings(&pattern::tree(pattern).unwrap());
        let want = want.map(|want| want.iter().map(|s| s.as_bytes().to_vec()).collect());
        assert_eq!(got, want, "{pattern}");
    }
    check("(?i:Key)", Some(&["key"]));
    check("a(?:b|cd)?", Some(&["a", "ab", "acd"]));
    check(
        "[0-2]{1,2}",
        Some(&["0", "00", "01", "02", "1", "10", "11", "12", "2", "20", "21", "22"]),
    );
    check("[a-z]", None);
    check("[0-9]{3}", None);
    check("a+", None);
}

#[test]
fn anchors_hold_a_keyword_whatever_matches() {
    #[track_caller]
    fn check(pattern: &str, keywords: &[&str], want: Option<(&[&str], usize, Option<usize>)>) {
        let keywords: Vec<_> = keywords.iter().map(|k| k.as_bytes().to_vec()).collect();
        let anchors: Option<Vec<Anchor>> =
            parts(pattern).iter().map(|branch| anchor(branch, &keywords)).collect();
        let anchors = anchors.as_deref().map(|anchors| {
            let strings = |anchor: &Anchor| anchor.strings.clone();
            let mut strings =
                anchors.iter().flat_map(strings).map(|s| String::from_utf8(s).unwrap());
            let least = anchors.iter().map(|anchor| anchor.least).min().unwrap();
            let most = anchors.iter().map(|anchor| anchor.most).max().unwrap();
            (strings.by_ref().collect::<Vec<_>>(), least, most)
        });
        let got = anchors.as_ref().map(|(s, least, most)| (s.as_slice(), *least, *most));
        let want: Option<(Vec<String>, _, _)> =
            want.map(|(s, least, most)| (s.iter().map(ToString::to_string).collect(), least, most));
        assert_eq!(got, want.as_ref().map(|(s, l, m)| (s.as_slice(), *l, *m)), "{pattern}");
    }
    check(r"\b(sk_[a-z]{9})", &["sk_"], Some((&["sk_"], 0, Some(0))));
    check(r"(?:^|[^a-z])([sr]k_[a-z]{9})", &["sk_", "rk_"], Some((&["rk_", "sk_"], 0, Some(1))));
    check(r"(?i:[a-z]{0,9}token)", &["token"], Some((&["token"], 0, Some(9))));
    check("x*(token)", &["token"], Some((&["token"], 0, None)));
    check(
        "SK[0-3]{8}",
        &["sk0", "sk1", "sk2", "sk3"],
        Some((&["sk0", "sk1", "sk2", "sk3"], 0, Some(0))),
    );
    check("a[a-z]{9}|key=b", &["key="], None);
    check("api_?id", &["api_"], None);
}

#[test]
fn runs_are_measured_by_their_least() {
    #[track_caller]
    fn check(pattern: &str, keyword: &str, want: Option<(usize, bool, Option<usize>)>) {
        let [branch] = parts(pattern).try_into().unwrap();
        let anchor = anchor(&branch, &[keyword.as_bytes().to_vec()]).unwrap();
        let got = run(&branch, anchor.first, true);
        let got = got.map(|run| (run.least, run.digit, run.behind));
        assert_eq!(got, want, "{pattern}");
    }
    check(r"\b(gh_[A-Za-z0-9]{36})\b", "gh_", Some((39, true, Some(0))));
    check(r"[a-z]{4}gh_[0-9]{9}", "gh_", Some((16, true, Some(0))));
    check("name[ ]{0,3}=([a-z]{20,40})", "name", Some((20, true, Some(8))));
    check("name[ ]*=([a-z]{20,40})", "name", Some((20, true, None)));
    check("name=([a-z]{20}[.])", "name", Some((20, true, Some(5))));
    check("name=([a-z]{20}[.0])", "name", Some((20, false, Some(5))));
    check("[a-z]{20}=name(.)", "name", None);
}

#[test]
fn edges_begin_words() {
    #[track_caller]
    fn check(pattern: &str, want: bool) {
        let [branch] = parts(pattern).try_into().unwrap();
        assert_eq!(branch.first().is_some_and(|part| part.is_edge()), want, "{pattern}");
    }
    check(r"\ba", true);
    check("(?m)^a", true);
    check("(?:^|[^A-Za-z0-9_/-])a", true);
    check("(?:^|[^A-Za-z0-9])a", false);
    check("a", false);
}
