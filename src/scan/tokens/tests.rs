use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn list(text: &[u8], body: Range<usize>) -> Vec<Range<usize>> {
    let mut list = Vec::new();
    tokens(text, body, &mut |token| list.push(token));
    list
}

#[track_caller]
fn check(text: &str, want: &[&str]) {
    let got: BTreeSet<&str> =
        list(text.as_bytes(), 0..text.len()).into_iter().map(|token| &text[token]).collect();
    assert_eq!(got, want.iter().copied().collect(), "{text}");
}

#[test]
fn values_are_cut_out_of_what_surrounds_them() {
    check("short", &[]);
    check("a longvalue b", &["longvalue"]);
    check("key='longvalue';", &["longvalue"]);
    check("key=longvalue;", &["key=longvalue;", "key=longvalue", "longvalue;", "longvalue"]);
    check("{\"key\":\"longvalue\"}", &["longvalue"]);
    check("f(longvalue)", &["f(longvalue)", "f(longvalue", "longvalue"]);
    check(
        "x=1&longkey1=longvalu",
        &["x=1&longkey1=longvalu", "1&longkey1=longvalu", "longkey1=longvalu", "longvalu"],
    );
    check("\"a pass phrase\"", &["a pass phrase"]);
    check("dGVzdHRlc3Q=", &["dGVzdHRlc3Q="]);
    check("k:dGVzdHRlc3Q=", &["k:dGVzdHRlc3Q=", "dGVzdHRlc3Q="]);
}

#[test]
fn userinfo_is_cut_in_two() {
    check(
        "s://longuser1:longpass1@h",
        &[
            "s://longuser1:longpass1@h",
            "//longuser1:longpass1@h",
            "//longuser1:longpass1",
            "longuser1",
            "longpass1",
        ],
    );
    check("longuser1:longpass1@h", &["longuser1:longpass1@h", "longpass1@h", "longpass1"]);
}

#[test]
fn what_the_tokeniser_would_find_is_known() {
    #[track_caller]
    fn check(value: &str, want: &Tokenisable) {
        assert_eq!(tokenisable(value.as_bytes()), *want, "{value}");
    }
    use Setting::{Assigned, Bare, Quoted};
    check("abcdefgh", &Tokenisable::Yes);
    check("abc+d.f-_~!*%41==", &Tokenisable::Yes);
    check("abc/defg", &Tokenisable::OnlyIn(vec![Bare, Quoted, Assigned]));
    check("abc:defg=", &Tokenisable::Yes);
    check("two words", &Tokenisable::OnlyIn(vec![Quoted]));
    check("two\nlines", &Tokenisable::OnlyIn(vec![]));
    check("shorter", &Tokenisable::TooShort);
    check(&"long".repeat(65), &Tokenisable::TooLong);
}

/// Every byte is in a bounded number of tokens, whatever the text.
#[test]
fn hostile_text_costs_a_bounded_number_of_tokens_a_byte() {
    #[track_caller]
    fn check(unit: &str) {
        let text = unit.repeat(100_000 / unit.len());
        let covered: usize =
            list(text.as_bytes(), 0..text.len()).iter().map(ExactSizeIterator::len).sum();
        assert!(covered <= 12 * text.len(), "{unit}: {covered}");
    }
    for unit in ["a", "=", ":", "\"", "'\"", "://", "a=b:c@", "a@:@:", ";", "=;:,", "abcdefgh=\n"] {
        check(unit);
    }
}

fn texts() -> impl Strategy<Value = Vec<u8>> {
    let unit = prop_oneof![
        6 => Just("abcdefgh"), 6 => Just("x"), 2 => Just("="), 2 => Just(":"), 2 => Just("://"),
        2 => Just("@"), 2 => Just(" "), 1 => Just("\n"), 1 => Just("\""), 1 => Just("'"),
        1 => Just(";"), 1 => Just("{"),
    ];
    proptest::collection::vec(unit, 0..300).prop_map(|units| units.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_range_is_reported_twice(text in texts()) {
        let all = list(&text, 0..text.len());
        prop_assert_eq!(all.iter().map(|t| (t.start, t.end)).collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn bodies_with_context_have_the_tokens_of_the_whole(text in texts(), cut in 0_usize..2000) {
        let cut = cut.min(text.len());
        let mut whole = list(&text, 0..text.len());
        let before = cut.saturating_sub(TOKEN_CONTEXT_BYTES + 1);
        let mut parts = list(&text[..text.len().min(cut + TOKEN_CONTEXT_BYTES + 1)], 0..cut);
        let tail = list(&text[before..], cut - before..text.len() - before);
        parts.extend(tail.into_iter().map(|token| token.start + before..token.end + before));
        whole.sort_by_key(|token| (token.start, token.end));
        parts.sort_by_key(|token| (token.start, token.end));
        prop_assert_eq!(whole, parts);
    }
}

/// What the vectors are held against: the runs of at least [`TOKEN_BYTES_MIN`] bytes.
fn runs_by_bytes(text: &[u8]) -> Vec<Range<usize>> {
    let is_blank = |byte: &u8| matches!(byte, 0..=b' ' | 0x7f | b'\'' | b'"' | b'`');
    let mut at = 0;
    let mut runs = Vec::new();
    for run in text.split(is_blank) {
        if run.len() >= TOKEN_BYTES_MIN {
            runs.push(at..at + run.len());
        }
        at += run.len() + 1;
    }
    runs
}

/// Runs of all lengths about a block's, and what parts them.
fn texts_of_runs() -> impl Strategy<Value = Vec<u8>> {
    let plain = proptest::collection::vec(b'a'..b'd', 0..150);
    let other = proptest::collection::vec(prop::sample::select(&b" \"\n=;\x00\x7f\xff"[..]), 0..5);
    let piece = prop_oneof![3 => plain, 2 => other];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_run_is_cut(text in texts_of_runs()) {
        let cut = list(&text, 0..text.len());
        for run in runs_by_bytes(&text).into_iter().filter(|run| run.len() <= TOKEN_BYTES_MAX) {
            prop_assert!(cut.contains(&run), "{:?}", run);
        }
    }

    #[test]
    fn wanted_lengths_leave_out_the_others_alone(
        text in texts_of_runs(),
        wanted in proptest::collection::vec(0_usize..300, 0..9),
    ) {
        let mut lengths = Lengths::NONE;
        for bytes in &wanted {
            lengths.add(*bytes);
        }
        let mut cut = Vec::new();
        tokens_of(&text, 0..text.len(), &lengths, &mut |token| cut.push(token));
        let mut want = list(&text, 0..text.len());
        want.retain(|token| wanted.contains(&token.len()));
        prop_assert_eq!(cut, want);
    }
}
