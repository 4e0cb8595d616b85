//! Replays what fuzzers found, and mutations of it.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::mutate::Mutator;
use super::{TARGETS, Target};
use crate::rule::{Ruleset, template};

/// The longest file of a corpus, in bytes: small ones say what they show.
const FILE_BYTES_MAX: u64 = 4 << 10;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the names in a directory, without their ends.
fn stems(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = package().join("tests/fuzz-corpus").join(target.name);
    let mut files: Vec<_> =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        assert!(fs::metadata(&path).unwrap().len() <= FILE_BYTES_MAX, "{} is long", path.display());
        (path.clone(), fs::read(path).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// Runs an input; where it fails, says which one it was.
#[track_caller]
fn run(target: &Target, name: &str, bytes: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.read)(bytes)));
    assert!(outcome.is_ok(), "{}: {name} fails: {:02x?}", target.name, bytes);
}

/// Texts that hold what rules find: they are made at run time, since no file here may.
fn findings() -> Vec<Vec<u8>> {
    let ruleset = Ruleset::shipped().unwrap();
    let examples = ruleset.rules().iter().flat_map(|rule| rule.examples.matching.iter().take(1));
    examples.map(|example| template::expand(example).unwrap()).collect()
}

fn check(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let corpus = corpus(target);
    for (path, bytes) in &corpus {
        run(target, &path.display().to_string(), bytes);
    }
    let mut corpus: Vec<Vec<u8>> = corpus.into_iter().map(|(_, bytes)| bytes).collect();
    if name == "engine" {
        corpus.extend(findings());
    }
    let mut mutator = Mutator::new(0x70_7573_6877_6172);
    for number in 0..target.inputs {
        run(target, &format!("mutation {number}"), &mutator.input(&corpus));
    }
}

#[test]
fn each_target_has_a_corpus_and_a_fuzzer() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(stems(&package().join("tests/fuzz-corpus")), names);
    assert_eq!(stems(&package().join("fuzz/fuzz_targets")), names);
    let manifest = fs::read_to_string(package().join("fuzz/Cargo.toml")).unwrap();
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name} is not built");
    }
}

/// One test for each target, so that they run side by side.
macro_rules! tests {
    ($($test:ident $name:literal;)+) => {
        $(#[test]
        fn $test() {
            check($name);
        })+

        #[test]
        fn each_target_is_run() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$($name),+]);
        }
    };
}

tests! {
    boxes "boxes";
    claim "claim";
    codeowners "codeowners";
    codes "codes";
    commit "commit";
    config_toml "config-toml";
    engine "engine";
    frame_from_daemon "frame-from-daemon";
    frame_to_daemon "frame-to-daemon";
    hook_settings "hook-settings";
    layers "layers";
    loose "loose";
    names "names";
    owners_toml "owners-toml";
    pack_entries "pack-entries";
    pack_files "pack-files";
    refs "refs";
    rule_toml "rule-toml";
    spool_accepted "spool-accepted";
    stdin "stdin";
    tree "tree";
    units "units";
}
