//! What a look for encoded text costs, and how much of a text comes out.
//!
//! ```text
//! cargo bench --bench layers -- [--corpus DIR]
//! ```
//!
//! The corpus is real source text, by default the sources of crates that cargo keeps. Most of it
//! holds no layer, and that is the case that has to be cheap; the last lines say how many bytes more
//! there are to scan.

#[path = "../common/corpus.rs"]
mod corpus;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use pushwarden::scan::layer::text::{BLOCKS, Escapes, Find, WIDE};
use pushwarden::scan::layer::{Limits, walk};

use corpus::Corpus;

/// How often each pass runs; the fastest counts.
const ROUNDS: usize = 5;

#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
fn main() -> anyhow::Result<()> {
    let Corpus { texts, bytes } = Corpus::of_arguments()?;
    println!("corpus: {} files, {bytes} bytes; best of {ROUNDS} rounds; one thread", texts.len());
    let newlines = |text: &[u8]| memchr::memchr_iter(b'\n', text).count();
    let base = fastest(&texts, newlines);
    let escapes = |text: &[u8]| Escapes::of(text).count();
    let all = |text: &[u8]| pieces(text, WIDE) + escapes(text) + pieces(text, BLOCKS);
    let passes: [(&str, Duration); 6] = [
        ("memchr, line breaks", base),
        ("wide characters", fastest(&texts, |text| pieces(text, WIDE))),
        ("escapes", fastest(&texts, escapes)),
        ("blocks", fastest(&texts, |text| pieces(text, BLOCKS))),
        ("all codes", fastest(&texts, all)),
        ("walk", fastest(&texts, |text| walk(text, Limits::default(), &mut |_| {}).len())),
    ];
    for (name, time) in passes {
        #[expect(clippy::cast_precision_loss, reason = "a corpus is far below 2^52 bytes")]
        let speed = bytes as f64 / 1e6 / time.as_secs_f64();
        let ratio = time.as_secs_f64() / base.as_secs_f64();
        println!("{name:<24}{speed:>10.0} MB/s{ratio:>8.1} x line breaks");
    }
    println!("\nbytes that come out, by their layers:");
    for (layers, out) in come_out(&texts) {
        println!("{layers:<60}{out:>10} {:>6.2} %", share(out, bytes));
    }
    Ok(())
}

/// Finds every piece of a family, each code by itself.
fn pieces(text: &[u8], family: &[Find]) -> usize {
    let count = |find: &Find| {
        let (mut at, mut count) = (0, 0);
        while let Some(piece) = find(text, at) {
            at = piece.source.end.max(at + 1);
            count += 1;
        }
        count
    };
    family.iter().map(count).sum()
}

fn fastest(texts: &[Vec<u8>], pass: impl Fn(&[u8]) -> usize) -> Duration {
    let round = |_| {
        let started = Instant::now();
        for text in texts {
            black_box(pass(black_box(text)));
        }
        started.elapsed()
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}

fn come_out(texts: &[Vec<u8>]) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for text in texts {
        walk(text, Limits::default(), &mut |view| {
            let layers = view.place(0..view.bytes().len()).layers;
            let names: Vec<String> = layers.iter().map(ToString::to_string).collect();
            *out.entry(names.join(" › ")).or_default() += view.bytes().len();
        });
    }
    out
}

fn share(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a corpus is far below 2^52 bytes")]
    let share = part as f64 * 100.0 / whole as f64;
    share
}
