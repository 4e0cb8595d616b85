//! The engine against the oracle: the same rules find the same secrets at the same places.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;

use super::oracle::Oracle;
use super::*;
use crate::rule::template;
use crate::scan::plan;

/// The most of a file that is compared, in bytes: the oracle is slow.
const FILE_BYTES_MAX: usize = 256 << 10;

/// The most that is read of each corpus, in bytes, without optimisation.
const CORPUS_BYTES_MAX: usize = 3 << 20;

fn shipped() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(Arc::new(Ruleset::shipped().unwrap())).unwrap())
}

fn oracle() -> &'static Oracle<'static> {
    static ORACLE: OnceLock<Oracle<'static>> = OnceLock::new();
    ORACLE.get_or_init(|| Oracle::new(shipped()))
}

fn finds(text: &[u8]) -> Vec<(String, u64, u64)> {
    let spans = whole(shipped(), text).into_iter();
    spans.map(|(rule, span)| (rule, span.start, span.end)).collect()
}

/// What the shipped rules speak of: their examples, expanded, and their keywords.
fn pieces_of_rules() -> &'static [Vec<u8>] {
    static PIECES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    PIECES.get_or_init(|| {
        let of_rule = |rule: &Rule| {
            let examples = rule.examples.matching.iter().chain(&rule.examples.rejected);
            let examples = examples.map(|example| template::expand(example).unwrap());
            let keywords = rule.keywords.iter().map(|keyword| keyword.clone().into_bytes());
            examples.chain(keywords).collect::<Vec<_>>()
        };
        shipped().ruleset().rules().iter().flat_map(of_rule).collect()
    })
}

/// Examples, whole, cut at either end, or in another case, between what stands around tokens.
fn texts_of_rules() -> impl Strategy<Value = Vec<u8>> {
    let piece = (0..pieces_of_rules().len(), 0..4_u8, any::<prop::sample::Index>());
    let piece = piece.prop_map(|(number, how, cut)| {
        let piece = &pieces_of_rules()[number];
        let cut = cut.index(piece.len() + 1);
        match how {
            0 => piece[cut..].to_vec(),
            1 => piece[..cut].to_vec(),
            2 if piece.len() < 2000 => piece.to_ascii_uppercase(),
            _ => piece.clone(),
        }
    });
    let glue = prop::sample::select(
        &[
            "",
            " ",
            "\n",
            "-",
            "_",
            "/",
            "+",
            ".",
            "=",
            ": ",
            " = \"",
            "\"",
            "a",
            "7",
            "x9",
            "~",
            "\r\n",
            "\u{e9}",
            "----------------",
            "0123456789abcdef0123456789abcdef",
            "some_longer_name_here",
        ][..],
    );
    let junk = proptest::collection::vec(any::<u8>(), 0..12);
    let unit = prop_oneof![
        5 => piece,
        5 => glue.prop_map(|glue| glue.as_bytes().to_vec()),
        1 => junk,
    ];
    proptest::collection::vec(unit, 0..16).prop_map(|units| units.concat())
}

proptest! {
    #[test]
    fn texts_made_of_what_rules_speak_of_are_judged_alike(text in texts_of_rules()) {
        prop_assert_eq!(finds(&text), oracle().scan(&text));
    }

    #[test]
    fn cut_at_any_place_they_are_judged_alike(
        text in texts_of_rules(),
        cut in any::<prop::sample::Index>(),
        gather in 1_usize..600,
    ) {
        let cut = cut.index(text.len() + 1).max(1);
        let found = pieces(shipped(), &text, &[cut, text.len().max(1)], gather);
        prop_assert_eq!(found, whole(shipped(), &text));
    }

    /// Where tests make rules whose keywords are no part of every match.
    #[test]
    fn rules_without_an_anchor_are_judged_alike(text in super::texts()) {
        let engine = engine(&[
            ("loose", "key", r"[a-z]{2,9}=[a-z0-9]{2,9}", 30, "high"),
            ("loose-too", "begin", r"(?:id|begin) ?[a-z0-9]{1,4}", 12, "low"),
        ]);
        let found: Vec<_> = whole(&engine, &text)
            .into_iter()
            .map(|(rule, span)| (rule, span.start, span.end))
            .collect();
        prop_assert_eq!(found, Oracle::new(&engine).scan(&text));
    }
}

/// The keywords of a rule are in all that it matches, so that an anchor can stand for them.
#[test]
fn every_match_of_a_shipped_rule_holds_a_keyword() {
    let rules = Ruleset::shipped().unwrap();
    let loose = rules.rules().iter().filter(|rule| !plan::is_anchored(rule));
    let loose: Vec<&str> = loose.map(|rule| rule.id.as_str()).collect();
    assert!(loose.is_empty(), "matches without a keyword: {loose:#?}");
}

/// Each example at each place of a block, so that no boundary between blocks hides one.
#[test]
fn examples_are_found_wherever_they_stand() {
    for rule in shipped().ruleset().rules() {
        let example = template::expand(&rule.examples.matching[0]).unwrap();
        for shift in (0..70).step_by(3) {
            let text = [vec![b'\n'; shift], example.clone(), b"\n".to_vec()].concat();
            let (found, want) = (finds(&text), oracle().scan(&text));
            assert_eq!(found, want, "{} after {shift} bytes", rule.id);
        }
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "what was not compared must be seen")]
fn real_files_are_judged_alike() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut findings = 0;
    for (folder, is_ours) in
        [("src", true), ("tests", true), ("config", true), ("target/corpus", false)]
    {
        let folder = root.join(folder);
        if !is_ours && !folder.exists() {
            eprintln!(
                "NOT COMPARED: {} is absent; put files there to compare more",
                folder.display()
            );
            continue;
        }
        let mut left = CORPUS_BYTES_MAX;
        for file in files(&folder) {
            let text = std::fs::read(&file).unwrap();
            let text = &text[..text.len().min(FILE_BYTES_MAX).min(left)];
            left -= text.len();
            let found = finds(text);
            findings += found.len();
            assert_eq!(found, oracle().scan(text), "{}", file.display());
        }
    }
    eprintln!("{findings} findings were compared");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                pending.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}
