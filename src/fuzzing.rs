//! Entry points for fuzzers: one for each reader of bytes that a pusher, a hook or a file brings.
//!
//! ```text
//! fuzz/fuzz_targets (libFuzzer) ─┐
//! tests: corpus, mutations of it ┴─► run("pack-entries", bytes) ─► nothing, or a panic
//! ```
//!
//! A target promises more than not to panic: limits are kept, what is written reads the same, how a
//! text is cut makes no difference. Built for tests and by the feature `fuzzing`, never for a user.

#[cfg(test)]
mod mutate;
#[cfg(test)]
mod tests;
mod text;
mod wire;

use crate::push::fuzzing as push;
use crate::scan::fuzzing as scan;

/// A reader under test.
pub struct Target {
    /// Its name: that of its corpus, `tests/fuzz-corpus/NAME`, and of its fuzzer.
    pub name: &'static str,
    read: fn(&[u8]),
    /// How many mutated inputs a test gives it: what takes a second or two without optimisation.
    #[cfg(test)]
    inputs: u32,
}

macro_rules! targets {
    ($($name:literal $read:path, $inputs:literal;)+) => {
        /// All readers.
        pub const TARGETS: &[Target] = &[$(Target {
            name: $name,
            read: $read,
            #[cfg(test)]
            inputs: $inputs,
        }),+];
    };
}

targets! {
    "boxes" scan::container, 3_000;
    "claim" wire::claim, 5_000;
    "codeowners" text::codeowners, 2_000;
    "codes" scan::codes, 3_000;
    "commit" push::commit, 20_000;
    "config-toml" text::config, 500;
    "engine" scan::scan, 500;
    "frame-from-daemon" wire::from_daemon, 20_000;
    "frame-to-daemon" wire::to_daemon, 20_000;
    "hook-settings" text::hook_settings, 2_000;
    "layers" scan::layers, 1_000;
    "loose" push::loose, 500;
    "names" wire::names, 10_000;
    "owners-toml" text::owners, 500;
    "pack-entries" push::pack_entries, 500;
    "pack-files" push::pack_files, 500;
    "refs" push::refs, 300;
    "rule-toml" text::rules, 100;
    "spool-accepted" wire::accepted, 10_000;
    "stdin" push::stdin, 10_000;
    "tree" push::tree, 10_000;
    "units" scan::units, 10_000;
}

/// Gives `bytes` to the reader called `name`.
///
/// # Panics
/// If the reader breaks a promise, or there is none of that name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("the target exists").read)(bytes);
}
