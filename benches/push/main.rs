//! What a push costs with pushwarden, beside the same push without it, in the same run.
//!
//! ```text
//! cargo bench --bench push -- [--repo PATH] [--rounds N] [--scratch DIR]
//! ```
//!
//! The server's side alone is measured: `git receive-pack DST < request`, with a request that was
//! made beforehand and a destination that is put back, by hard links, outside the timed part.
//! Variants take turns within a round, and what is reported is the difference within the round, so
//! that a busy machine disturbs all of them alike. CPU time is that of receive-pack and everything
//! it started, from the kernel's account; the daemon's is read from `/proc`.
//!
//! An empty static hook is among the variants where `rustup target add <arch>-unknown-linux-musl` was
//! run; ours is the static one of `hooks/build` where that was run.
//!
//! Without `--repo` it makes a repository of 2,000 commits and 5,000 files itself.

mod daemon;
mod ground;
mod meter;
mod synthetic;
mod table;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use daemon::Daemon;
use ground::{Ground, Variant};
use meter::Cost;
use table::Column;

/// Rounds of the small push unless `--rounds` says otherwise: p99 is then the worst but one or two.
const ROUNDS: usize = 200;

/// Rounds of the whole history: each takes as long as git does.
const HISTORY_ROUNDS: usize = 3;

/// What the command line says.
struct Options {
    repository: Option<PathBuf>,
    rounds: usize,
    scratch: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("--peak-of", command)) = arguments.split_first().map(|(a, b)| (a.as_str(), b)) {
        return meter::print_peak_of(command);
    }
    let options = Options::parse(arguments)?;
    let mut out = std::io::stdout().lock();
    let ground = Ground::prepare(&options.scratch, options.repository.as_deref())?;
    let daemon = Daemon::start(&ground)?;
    ground.install(&daemon)?;
    writeln!(out, "{}", ground.describe()?)?;
    if !ground.variants.contains(&Variant::Static) {
        writeln!(out, "no `empty static`: rustc has no musl target here")?;
    }
    let before = load()?;
    let small = small_pushes(&ground, &daemon, options.rounds)?;
    table::small(&mut out, &small)?;
    writeln!(out, "load: {before} before, {} after; 1, 5 and 15 minutes", load()?)?;
    // Once before: then the ledger knows all of it.
    ground.push_history(Variant::Pushwarden)?;
    table::history(&mut out, "known from an earlier push", &whole_history(&ground, &daemon)?)?;
    drop(daemon);
    let daemon = Daemon::without_ledger(&ground)?;
    table::history(&mut out, "nothing of it known", &whole_history(&ground, &daemon)?)?;
    table::memory(&mut out, &peaks(&ground, &daemon)?)?;
    writeln!(out, "\nreproduce: hooks/build && cargo bench --bench push -- {}", options.again())?;
    Ok(())
}

impl Options {
    fn parse(arguments: Vec<String>) -> anyhow::Result<Self> {
        let shared = PathBuf::from("/dev/shm");
        // On a disk the noise of fsync is ten times what any hook costs.
        let scratch = if shared.is_dir() { shared } else { std::env::temp_dir() };
        let mut options = Self { repository: None, rounds: ROUNDS, scratch };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} what?"));
            match argument.as_str() {
                "--bench" => {} // cargo adds it
                "--repo" => options.repository = Some(value()?.into()),
                "--rounds" => {
                    options.rounds = value()?.parse().context("--rounds takes a number")?;
                }
                "--scratch" => options.scratch = value()?.into(),
                _ => bail!("unknown argument {argument}: see the head of benches/push/main.rs"),
            }
        }
        anyhow::ensure!(options.rounds > 0, "--rounds takes a number above 0");
        Ok(options)
    }

    fn again(&self) -> String {
        let repository = self
            .repository
            .as_ref()
            .map_or_else(String::new, |path| format!("--repo {} ", path.display()));
        format!("{repository}--rounds {}", self.rounds)
    }
}

/// Measures the small push: each variant once in each round, and each round begins elsewhere.
fn small_pushes(ground: &Ground, daemon: &Daemon, rounds: usize) -> anyhow::Result<Vec<Column>> {
    for &variant in &ground.variants {
        // The first push of each variant warms caches, the daemon's too.
        ground.push_small(variant)?;
    }
    measure(&ground.variants, rounds, daemon, |variant| ground.push_small(variant))
}

/// Measures the push of everything into an empty repository.
fn whole_history(ground: &Ground, daemon: &Daemon) -> anyhow::Result<Vec<Column>> {
    measure(&ground.variants, HISTORY_ROUNDS, daemon, |variant| ground.push_history(variant))
}

fn measure(
    variants: &[Variant],
    rounds: usize,
    daemon: &Daemon,
    mut push: impl FnMut(Variant) -> anyhow::Result<Cost>,
) -> anyhow::Result<Vec<Column>> {
    let mut columns: Vec<Column> = variants.iter().copied().map(Column::new).collect();
    for round in 0..rounds {
        let variants = columns.len();
        for turn in 0..variants {
            let Some(column) = columns.get_mut((round + turn) % variants) else { continue };
            let before = daemon.cpu()?;
            let cost = push(column.variant)?;
            column.add(cost, daemon.cpu()?.saturating_sub(before));
        }
    }
    Ok(columns)
}

/// Returns how many threads wanted to run, on average of 1, 5 and 15 minutes: other work on the
/// machine makes every figure larger.
fn load() -> anyhow::Result<String> {
    let averages = std::fs::read_to_string("/proc/loadavg")?;
    Ok(averages.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

/// Measures the memory of the hook, alone on a quarantine, and of the daemon.
fn peaks(ground: &Ground, daemon: &Daemon) -> anyhow::Result<Vec<(String, u64)>> {
    Ok(vec![
        ("the meter itself (nothing below it is seen)".into(), ground.peak_of_nothing()?),
        ("hook, small push".into(), ground.peak_of_hook(false)?),
        ("hook, whole history".into(), ground.peak_of_hook(true)?),
        ("daemon, after all of the above".into(), daemon.peak_memory()?),
    ])
}
