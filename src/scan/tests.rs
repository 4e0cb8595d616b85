use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::rule::{Ruleset, pattern};

mod equal;
mod oracle;

/// A rule of a test: id, keyword, pattern, span, confidence.
type Row<'r> = (&'r str, &'r str, &'r str, usize, &'r str);

/// Rules whose matches are bounded by their patterns.
const BOUNDED: &[Row<'_>] = &[
    ("key", "key_", r"\bkey_([a-z0-9]{4,8})\b", 64, "high"),
    ("key-any", "key", r"key([=_][a-z0-9_]{3,9})", 20, "medium"),
    ("generic-key", "key", r"(?i)key ?[=_] ?([a-z0-9_]{2,12})", 32, "high"),
    ("block", "begin", r"begin[^:]{0,20}:end", 40, "medium"),
    ("line", "id ", r"(?m)^id ([a-z]{1,6})$", 16, "low"),
    ("short", "=ab", r"[a-z]{0,2}=ab", 5, "low"),
];

/// Rules that only the span bounds.
const UNBOUNDED: &[Row<'_>] = &[
    ("greedy", "key", r"key=\S+", 24, "high"),
    ("lazy", "begin", r"begin[^x]*?:end", 32, "medium"),
    ("edge", "key_", r"\bkey_[a-z0-9_]+\b", 16, "high"),
    ("any", "id ", r"id (?s:.)*ab", 20, "low"),
];

fn ruleset(rows: &[Row<'_>]) -> Ruleset {
    let file = |(id, keyword, pattern, span, confidence): &Row<'_>| {
        let text = format!(
            "[[rule]]\nid = '{id}'\ndescription = 'd'\nprovider = 'p'\nidentity = 'i'\n\
             keywords = ['{keyword}']\npattern = '''{pattern}'''\nspan_bytes_max = {span}\n\
             confidence = '{confidence}'\nseverity = 'high'\nreach = 'r'\nrevoke = {{ how = 'h' }}\n\
             replacement = 'r'\nexamples = {{ match = ['a', 'b'], reject = ['a', 'b'] }}\n"
        );
        (format!("{id}.toml"), text)
    };
    let files: Vec<_> = rows.iter().map(file).collect();
    Ruleset::load(&files).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

fn engine(rows: &[Row<'_>]) -> Engine {
    Engine::new(Arc::new(ruleset(rows))).unwrap()
}

/// What a scan of a whole text reports.
fn whole(engine: &Engine, text: &[u8]) -> Vec<(String, Span)> {
    let mut lines = Lines::new(text);
    let mut found = Vec::new();
    let _effort = engine.scan(&Window::whole(text), &mut |m| {
        assert_eq!(m.secret, &text[m.range.clone()]);
        found.push((m.rule.id.to_string(), lines.span(m.range)));
    });
    found
}

/// What a scan of pieces of the given sizes, in turn, reports.
fn pieces(engine: &Engine, text: &[u8], sizes: &[usize], gather: usize) -> Vec<(String, Span)> {
    let mut pieces = Pieces::gathering(engine, 0, gather);
    let mut found = Vec::new();
    let mut sink = |f: Found<'_>| {
        let place = usize::try_from(f.span.start).unwrap();
        assert_eq!(f.found.secret, &text[place..place + f.found.secret.len()]);
        found.push((f.found.rule.id.to_string(), f.span));
    };
    let mut rest = text;
    for size in sizes.iter().cycle() {
        let (now, later) = rest.split_at((*size).min(rest.len()));
        pieces.feed(now, &mut sink);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    let _effort = pieces.finish(&mut sink);
    found
}

/// The reference: every pattern over the whole text, no keywords; then the best first, and what
/// overlaps it falls.
fn naive(rules: &Ruleset, text: &[u8]) -> Vec<(String, Range<usize>)> {
    let mut all = Vec::new();
    for rule in rules.rules() {
        let regex = pattern::compile(&rule.pattern).unwrap();
        for groups in regex.captures_iter(text) {
            all.push((rule, groups.get_group(rule.secret_group).unwrap().range()));
        }
    }
    all.sort_by_key(|(rule, secret)| {
        let rank = (rule.generic, std::cmp::Reverse(rule.confidence));
        (rank, std::cmp::Reverse(secret.len()), rule.id.clone(), secret.start)
    });
    let mut kept: Vec<(String, Range<usize>)> = Vec::new();
    for (rule, secret) in all {
        if kept.iter().all(|(_, other)| other.end <= secret.start || secret.end <= other.start) {
            kept.push((rule.id.to_string(), secret));
        }
    }
    kept.sort_by_key(|(_, secret)| secret.start);
    kept
}

/// Texts made of what the rules look for, and of what almost is.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let unit = prop_oneof![
        3 => Just("key_"), 3 => Just("key"), 2 => Just("KEY "), 3 => Just("="), 2 => Just("_"),
        4 => Just("abcd"), 4 => Just("a1"), 2 => Just("begin"), 2 => Just(":end"), 1 => Just("x"),
        2 => Just("id "), 3 => Just("\n"), 2 => Just(" "), 1 => Just("\u{e9}"), 1 => Just("key_abcd12"),
        1 => Just("                                        "),
    ];
    proptest::collection::vec(unit, 0..120).prop_map(|units| units.concat().into_bytes())
}

proptest! {
    #[test]
    fn pieces_of_any_size_find_what_the_whole_finds(
        text in texts(),
        sizes in proptest::collection::vec(1_usize..90, 1..6),
        gather in 1_usize..200,
    ) {
        for rows in [BOUNDED, UNBOUNDED] {
            let engine = engine(rows);
            prop_assert_eq!(whole(&engine, &text), pieces(&engine, &text, &sizes, gather));
        }
    }

    #[test]
    fn the_prefilter_drops_nothing_that_a_full_search_finds(text in texts()) {
        let engine = engine(BOUNDED);
        let found: Vec<_> = whole(&engine, &text)
            .into_iter()
            .map(|(rule, s)| (rule, usize::try_from(s.start).unwrap()..usize::try_from(s.end).unwrap()))
            .collect();
        prop_assert_eq!(found, naive(&ruleset(BOUNDED), &text));
    }

    #[test]
    fn the_order_of_rules_does_not_show(text in texts()) {
        let reversed: Vec<Row<'_>> = BOUNDED.iter().rev().copied().collect();
        prop_assert_eq!(whole(&engine(BOUNDED), &text), whole(&engine(&reversed), &text));
    }

    #[test]
    fn bodies_with_context_find_what_the_whole_finds(text in texts(), cut in 0_usize..800) {
        let engine = engine(BOUNDED);
        let cut = cut.min(text.len());
        let mut parts = Vec::new();
        for body in [0..cut, cut..text.len()] {
            let window = Window::part(&text, body);
            let _effort = engine.scan(&window, &mut |m| parts.push(m.range));
        }
        let starts: Vec<_> = parts.iter().map(|range| range.start as u64).collect();
        let want: Vec<_> = whole(&engine, &text).iter().map(|(_, span)| span.start).collect();
        prop_assert_eq!(starts, want);
    }

    #[test]
    fn lines_and_columns_agree_with_counting(text in texts(), start in 0_usize..900, len in 1_usize..40) {
        let start = start.min(text.len());
        let end = (start + len).min(text.len());
        let before = &text[..start];
        let count = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').count() as u64 - 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() as u64 + 1;
        let last = &text[..end.saturating_sub(1).max(start)];
        let want = Span {
            start: start as u64,
            end: end as u64,
            line: count(before) + 1,
            column,
            end_line: count(last) + 1,
        };
        let mut lines = Lines::new(&text);
        let _warm = lines.span(text.len() / 2..text.len());
        prop_assert_eq!(lines.span(start..end), want);
    }
}

#[test]
fn equal_secrets_are_reported_wherever_they_stand() {
    let found = whole(&engine(BOUNDED), b"key_abcd1 key_abcd1\nkey_abcd1");
    let places: Vec<_> = found.iter().map(|(rule, s)| (rule.as_str(), s.line, s.column)).collect();
    assert_eq!(places, [("key", 1, 5), ("key", 1, 15), ("key", 2, 5)]);
}

#[test]
fn a_generic_rule_stands_back_where_a_specific_one_matched() {
    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let found = whole(&engine(BOUNDED), text.as_bytes());
        let rules: Vec<&str> = found.iter().map(|(rule, _)| rule.as_str()).collect();
        assert_eq!(rules, want);
    }
    check("key_abcd1", &["key"]);
    check("key_abcd_", &["key-any"]);
    check("KEY = abcd", &["generic-key"]);
}

#[test]
fn a_match_shows_nothing_of_its_secret() {
    let engine = engine(BOUNDED);
    let mut shown = String::new();
    let _effort = engine.scan(&Window::whole(b"key_abcd1"), &mut |m| {
        shown = format!("{m:?}");
    });
    assert_eq!(shown, "Match(key at 4..9, High)");
}

/// Texts made to exhaust: the bytes searched stay within a factor of the text's, for each rule.
#[test]
fn hostile_text_costs_linear_work() {
    const BYTES: usize = 600 << 10;
    /// Two spans a span of progress is the rule's own bound; a match may be searched again.
    const SEARCHES_PER_BYTE: usize = 4;
    let hostile = engine(&[BOUNDED, &UNBOUNDED[..1]].concat());
    for unit in
        ["a", "=", "\"", "key", "key_", "key=", "begin", "begin:", "id ", "key_abcd1 ", "=ab"]
    {
        let text = unit.repeat(BYTES / unit.len());
        let mut pieces = Pieces::new(&hostile, 0);
        pieces.feed(text.as_bytes(), &mut |_| {});
        let effort = pieces.finish(&mut |_| {});
        let rules = hostile.ruleset().rules().len();
        let bound = (SEARCHES_PER_BYTE * rules * text.len()) as u64;
        assert!(effort.searched_bytes <= bound, "{unit}: {effort:?}");
        assert_eq!(effort.gave_up, 0, "{unit}");
    }
}

/// A text whose every match is longer than the span: the rule gives up, and says so.
#[test]
fn a_rule_that_a_text_exhausts_gives_up_by_name() {
    let engine = engine(&[("edge", "a-a", r"\b[a-z-]+:", 128, "high")]);
    let text = format!("{}:", "a-".repeat(150)).repeat(200);
    let effort = engine.scan(&Window::whole(text.as_bytes()), &mut |_| {});
    assert!(effort.gave_up > 0, "{effort:?}");
    assert!(effort.searched_bytes < 60 * text.len() as u64, "{effort:?} of {}", text.len());
}

/// Two rules whose matches overlap each other all along the text: a chain longer than any limit.
#[test]
fn an_endless_chain_of_overlaps_is_settled_the_same_in_pieces() {
    let engine = engine(&[
        ("chain-a", "abc", "abcdefghab", 64, "high"),
        ("chain-b", "efg", "efghabcdefghab", 64, "high"),
    ]);
    let text = "abcdefgh".repeat(30_000);
    let found = whole(&engine, text.as_bytes());
    assert!(found.len() > text.len() / 32, "{}", found.len());
    let apart = found.windows(2).all(|pair| pair[0].1.end <= pair[1].1.start);
    assert!(apart, "secrets overlap");
    assert_eq!(pieces(&engine, text.as_bytes(), &[4096], 50_000), found);
}

#[test]
fn what_a_stream_holds_is_bounded() {
    const GATHER: usize = 10_000;
    let engine = engine(&[
        ("chain-a", "abc", "abcdefghab", 64, "high"),
        ("chain-b", "efg", "efghabcdefghab", 64, "high"),
        ("wide", "abc", "abc[a-h]+x", 4096, "low"),
    ]);
    let chain = usize::try_from(overlap::CHAIN_BYTES_MAX).unwrap();
    let bound = GATHER + chain + 2 * engine.context_bytes();
    let mut pieces = Pieces::gathering(&engine, 0, GATHER);
    for _ in 0..100 {
        pieces.feed("abcdefgh".repeat(500).as_bytes(), &mut |_| {});
        assert!(pieces.held_bytes() <= bound, "{} > {bound}", pieces.held_bytes());
    }
    let _effort = pieces.finish(&mut |_| {});
}

#[test]
fn the_engine_can_be_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Engine>();
    check::<Pieces<Arc<Engine>>>();
}

/// What a match says beside its place.
#[test]
fn facts_and_reasons_come_with_the_match() {
    let text = "[[rule]]\nid = 'session'\ndescription = 'd'\nprovider = 'p'\nidentity = 'i'\n\
        keywords = ['eyJ']\npattern = '(?P<token>eyJ[A-Za-z0-9_-]+\\.(?P<claims>[A-Za-z0-9_-]+)\\.[A-Za-z0-9_-]+)'\n\
        span_bytes_max = 2048\nvalidators = [{ jwt = true }, { not_placeholder = true }]\n\
        confidence = 'high'\nseverity = 'high'\nreach = 'r'\nrevoke = { how = 'h' }\nreplacement = 'r'\n\
        fact = [{ name = 'issuer', group = 'token', decoder = 'jwt-issuer' },\n\
        { name = 'expires', group = 'claims', decoder = 'jwt-expires' }]\n\
        examples = { match = ['{@jwt}', ' {@jwt}'], reject = ['a', 'b'] }\n";
    let rules = Ruleset::load(&[("a.toml".to_owned(), text.to_owned())]).unwrap();
    let engine = Engine::new(Arc::new(rules)).unwrap();
    let token = crate::rule::template::expand("{@jwt expired}").unwrap();
    let judge = |now_s| {
        let mut seen = None;
        let _effort = engine.scan(&Window::whole(&token).at(now_s), &mut |m| {
            seen = Some((m.confidence, m.reasons, m.facts));
        });
        seen.unwrap()
    };
    let (confidence, reasons, facts) = judge(0);
    assert_eq!(confidence, Confidence::High);
    assert_eq!(reasons, ["header and claims decode", "it is no placeholder"]);
    let facts: Vec<_> = facts.iter().map(|(name, fact)| (name.as_str(), fact.as_str())).collect();
    assert_eq!(facts, [("expires", "1000000000"), ("issuer", "https://login.example.org")]);
    let (confidence, reasons, _) = judge(1_750_000_000);
    assert_eq!(confidence, Confidence::Low);
    assert_eq!(reasons, ["the token has expired", "it is no placeholder"]);
}

#[test]
fn the_check_of_examples_says_what_failed_and_nothing_of_the_example() {
    let mut rows = BOUNDED.to_vec();
    rows.truncate(1);
    let report = check::run(&ruleset(&rows)).unwrap();
    assert_eq!((report.rules, report.examples, report.failures.len()), (1, 4, 2));
    assert_eq!(
        report.failures[0].to_string(),
        "key.toml: rule `key` should find a secret in `a`; no rule found anything"
    );
}

mod shipped {
    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_the_engine_fail(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            units in proptest::collection::vec(0_usize..8, 0..20),
        ) {
            let parts: [&[u8]; 8] = [
                b"ghp_", b"-----BEGIN RSA PRIVATE KEY-----", b"-----END RSA PRIVATE KEY-----",
                b"secret = \"", b"\"\n", b"AAAAB3NzaC1yc2E", b"\\n", &bytes,
            ];
            let text = units.iter().flat_map(|unit| parts[*unit]).copied().collect::<Vec<u8>>();
            let engine = ENGINE.get_or_init(shipped);
            prop_assert_eq!(whole(engine, &text), pieces(engine, &text, &[100], 1));
            tokens(&text, 0..text.len(), &mut |_| {});
        }
    }

    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();

    fn shipped() -> Engine {
        Engine::new(Arc::new(Ruleset::shipped().unwrap())).unwrap()
    }

    #[test]
    fn every_example_of_every_shipped_rule_does_what_it_should() {
        let report = check::run(&Ruleset::shipped().unwrap()).unwrap();
        let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
    }

    #[test]
    fn a_token_across_any_cut_is_found() {
        let engine = ENGINE.get_or_init(shipped);
        let text = crate::rule::template::expand("a\n b={@github ghp_}\n{@pem rsa}\n").unwrap();
        let want = whole(engine, &text);
        let rules: Vec<&str> = want.iter().map(|(rule, _)| rule.as_str()).collect();
        assert_eq!(rules, ["github-pat-classic", "private-key-pem"]);
        for size in [1, 7, 64, 700] {
            assert_eq!(pieces(engine, &text, &[size], 1), want, "{size}");
        }
    }
}
