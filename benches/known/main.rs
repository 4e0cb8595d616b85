//! What a look at every byte costs: known-secret look-ups, their false positives, and the engine.
//!
//! ```text
//! cargo bench --bench known -- [--corpus DIR]
//! ```
//!
//! The corpus is real source text, by default the sources of crates that cargo keeps. Each pass
//! runs several times over the same bytes in memory, in turn with a pass that only counts line
//! breaks (memchr): its ratio to that one is what two machines can compare.

#[path = "../common/corpus.rs"]
mod corpus;

use std::collections::HashSet;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pushwarden::clock::SystemClock;
use pushwarden::incident::Actor;
use pushwarden::rule::Ruleset;
use pushwarden::scan::{Engine, Window, tokens};
use pushwarden::secret::{FingerprintKey, Secret};
use pushwarden::service::inventory::{Inventory, NewSecret};
use pushwarden::store::sqlite::{SqliteOptions, SqliteStore};

use corpus::Corpus;

/// How often each pass runs; the fastest counts.
const ROUNDS: usize = 5;

/// How many values the inventory knows.
const INVENTORIES: [usize; 2] = [1_000, 100_000];

/// A pass over one text; what it returns keeps the compiler from leaving it out.
type Pass<'p> = Box<dyn Fn(&[u8]) -> usize + 'p>;

fn main() -> anyhow::Result<()> {
    let corpus = Corpus::of_arguments()?;
    let scratch = tempfile::tempdir()?;
    let inventories: Vec<Inventory> = INVENTORIES
        .iter()
        .map(|&count| inventory(scratch.path(), count))
        .collect::<Result<_, _>>()?;
    let ruleset =
        Ruleset::shipped().map_err(|errors| anyhow::anyhow!("{} errors", errors.len()))?;
    let engine = Engine::new(Arc::new(ruleset))?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "corpus: {} files, {} MB; {} rules; best of {ROUNDS} rounds; one thread",
        corpus.texts.len(),
        corpus.bytes / 1_000_000,
        engine.ruleset().rules().len()
    )?;
    let passes = passes(&engine, &inventories);
    report_speed(&mut out, &corpus, &passes)?;
    report_rates(&mut out, &corpus, &inventories)
}

fn passes<'p>(engine: &'p Engine, inventories: &'p [Inventory]) -> Vec<(String, Pass<'p>)> {
    let newlines: Pass<'p> = Box::new(|text| memchr::memchr_iter(b'\n', text).count());
    let cut: Pass<'p> = Box::new(|text| {
        let mut count = 0;
        tokens(text, 0..text.len(), &mut |_| count += 1);
        count
    });
    let scan: Pass<'p> = Box::new(|text| {
        let mut found = 0;
        let effort = engine.scan(&Window::whole(text), &mut |_| found += 1);
        found + usize::from(effort.is_complete())
    });
    let mut passes = vec![("memchr, line breaks".to_owned(), newlines), ("tokens".into(), cut)];
    for (inventory, count) in inventories.iter().zip(INVENTORIES) {
        let ask: Pass<'p> = Box::new(|text| inventory.maybes(text, 0..text.len()).len());
        passes.push((format!("tokens, tag, filter of {count}"), ask));
    }
    passes.push(("engine, all rules".into(), scan));
    passes
}

fn report_speed(
    out: &mut dyn Write,
    corpus: &Corpus,
    passes: &[(String, Pass<'_>)],
) -> anyhow::Result<()> {
    let mut best = vec![Duration::MAX; passes.len()];
    for _ in 0..ROUNDS {
        for ((_, pass), best) in passes.iter().zip(&mut best) {
            let started = Instant::now();
            for text in &corpus.texts {
                black_box(pass(black_box(text)));
            }
            *best = started.elapsed().min(*best);
        }
    }
    writeln!(out, "\n{:<30}{:>10}{:>12}{:>16}", "pass", "MB/s", "us per MB", "x line breaks")?;
    let base = best.first().map_or(1.0, Duration::as_secs_f64);
    for ((name, _), time) in passes.iter().zip(&best) {
        let seconds = time.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a corpus is far below 2^52 bytes")]
        let megabytes = corpus.bytes as f64 / 1e6;
        writeln!(
            out,
            "{name:<30}{:>10.0}{:>12.0}{:>16.1}",
            megabytes / seconds,
            seconds * 1e6 / megabytes,
            seconds / base
        )?;
    }
    Ok(())
}

/// Reports how many of the corpus's distinct tokens, none of which is known, each filter lets by.
fn report_rates(
    out: &mut dyn Write,
    corpus: &Corpus,
    inventories: &[Inventory],
) -> anyhow::Result<()> {
    let mut distinct = HashSet::new();
    for text in &corpus.texts {
        tokens(text, 0..text.len(), &mut |range| distinct.extend(text.get(range)));
    }
    writeln!(out, "\n{} distinct tokens, none known", distinct.len())?;
    for (inventory, count) in inventories.iter().zip(INVENTORIES) {
        let mut let_by = HashSet::new();
        for text in &corpus.texts {
            let maybes = inventory.maybes(text, 0..text.len());
            let_by.extend(maybes.into_iter().filter_map(|range| text.get(range)));
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
        let rate = let_by.len() as f64 / distinct.len() as f64;
        writeln!(out, "filter of {count} values: {} let by, {:.4} %", let_by.len(), rate * 100.0)?;
    }
    Ok(())
}

/// Makes an inventory of `count` values that stand in no source.
fn inventory(scratch: &Path, count: usize) -> anyhow::Result<Inventory> {
    let path = scratch.join(format!("{count}.db"));
    let store = SqliteStore::open(&path, SqliteOptions { sinks: Vec::new() })?;
    let key = Arc::new(FingerprintKey::new([7; 32]));
    let inventory = Inventory::open(key, Arc::new(store), Arc::new(SystemClock))?;
    let values = (0..count).map(|number| NewSecret {
        name: format!("bench/{number}"),
        identity: None,
        owner: None,
        key_id: None,
        value: Secret::new(value(number as u64)),
    });
    let added = inventory.add(values.collect(), &Actor::Daemon)?;
    anyhow::ensure!(added.refused.is_empty(), "{} values were refused", added.refused.len());
    Ok(inventory)
}

/// Makes a value without any known shape: a multiplication spreads the number over all digits. Values
/// have 20 to 43 bytes, as passwords and keys do.
fn value(number: u64) -> Vec<u8> {
    let digits = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let more = b"qVw8Kz3Rp6Tn1Yb5Xd9Hs2Lc".iter().take(usize::try_from(number % 24).unwrap_or(0));
    format!("vq{digits:016x}Zt").bytes().chain(more.copied()).collect()
}
