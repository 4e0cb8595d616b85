//! Whether a small push feels a large one, and what memory large ones take.
//!
//! ```text
//! cargo bench --bench fair -- [--rounds N] [--megabytes N] [--objects N] [--scratch DIR]
//! ```
//!
//! A small push is measured on an idle server, then while somebody pushes a large history through
//! the same hook and daemon, again and again, then while the same is pushed without a hook: what git
//! itself takes from its neighbours is not ours to give back. All in one run; compare the ratios.
//!
//! Memory is anonymous memory (`RssAnon`), sampled while pushes run; a pack that is mapped is the
//! page cache's. All repositories are made here, from a fixed seed.

mod large;
mod watch;

#[allow(dead_code, reason = "the bench `push` uses the rest")]
#[path = "../push/daemon.rs"]
mod daemon;
#[allow(dead_code, reason = "the bench `push` uses the rest")]
#[path = "../push/ground.rs"]
mod ground;
#[allow(dead_code, reason = "the bench `push` uses the rest")]
#[path = "../push/meter.rs"]
mod meter;
#[path = "../push/synthetic.rs"]
mod synthetic;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};

use daemon::Daemon;
use ground::{Ground, Variant};
use large::{Large, Shape};
use watch::Watch;

/// Small pushes of each kind: p99 is then the worst but one or two.
const ROUNDS: usize = 200;

/// How long the content of the large history is, in MB.
const MEGABYTES: u32 = 1_000;

/// How many objects the history of many has.
const OBJECTS: u32 = 400_000;

/// How many large pushes are made at once to see what memory they take together.
const AT_ONCE: usize = 8;

/// What the command line says.
struct Options {
    rounds: usize,
    megabytes: u32,
    objects: u32,
    scratch: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut out = std::io::stdout().lock();
    let ground = Ground::prepare(&options.scratch, None)?;
    let daemon = Daemon::start(&ground)?;
    ground.install(&daemon)?;
    let idle = watch::anonymous(daemon.id()).context("the daemon is gone")?;
    writeln!(out, "{}", ground.describe()?)?;
    let bytes = Large::make(&ground, "bytes", Shape::of_bytes(options.megabytes), &daemon)?;
    writeln!(out, "the large push: {bytes}")?;
    fairness(&mut out, &ground, &bytes, options.rounds)?;

    writeln!(
        out,
        "\n| anonymous memory at its peak, MiB | daemon | largest hook |\n|---|---|---|"
    )?;
    writeln!(out, "| idle, all rules | {:.1} | |", mib(idle))?;
    let many = Large::make(&ground, "objects", Shape::of_objects(options.objects), &daemon)?;
    drop(daemon);
    for (name, large, at_once) in [
        (format!("one push of {} objects", options.objects), &many, 1),
        (format!("one push of {} MB", options.megabytes), &bytes, 1),
        (format!("{AT_ONCE} pushes of {} MB at once", options.megabytes), &bytes, AT_ONCE),
        (format!("{AT_ONCE} pushes of {} objects at once", options.objects), &many, AT_ONCE),
    ] {
        // A daemon of its own each: what one leaves behind is not the next one's.
        let daemon = Daemon::again(&ground)?;
        let watch = Watch::start(daemon.id());
        push_at_once(&ground, large, at_once)?;
        let (daemon_peak, hook_peak) = watch.end();
        writeln!(out, "| {name} | {:.1} | {:.1} |", mib(daemon_peak), mib(hook_peak))?;
    }
    Ok(())
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let shared = PathBuf::from("/dev/shm");
        let scratch = if shared.is_dir() { shared } else { std::env::temp_dir() };
        let (rounds, megabytes, objects) = (ROUNDS, MEGABYTES, OBJECTS);
        let mut options = Self { rounds, megabytes, objects, scratch };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} what?"));
            match argument.as_str() {
                "--bench" => {} // cargo adds it
                "--rounds" => options.rounds = value()?.parse().context("--rounds: a number")?,
                "--megabytes" => {
                    options.megabytes = value()?.parse().context("--megabytes: a number")?;
                }
                "--objects" => options.objects = value()?.parse().context("--objects: a number")?,
                "--scratch" => options.scratch = value()?.into(),
                _ => bail!("unknown argument {argument}: see the head of benches/fair/main.rs"),
            }
        }
        anyhow::ensure!(options.rounds > 0, "--rounds takes a number above 0");
        Ok(options)
    }
}

/// Measures small pushes alone and beside a large one, and prints how they compare.
fn fairness(
    out: &mut dyn Write,
    ground: &Ground,
    large: &Large,
    rounds: usize,
) -> anyhow::Result<()> {
    for _ in 0..10 {
        ground.push_small(Variant::Pushwarden)?;
    }
    let idle = small_pushes(ground, rounds)?;
    let beside_ours = beside(ground, large, Variant::Pushwarden, rounds)?;
    let beside_git = beside(ground, large, Variant::None, rounds)?;
    writeln!(
        out,
        "\n| small push, {rounds} rounds | median ms | p99 ms | median / idle | p99 / idle |"
    )?;
    writeln!(out, "|---|---|---|---|---|")?;
    for (name, walls) in [
        ("idle", &idle),
        ("during the large push", &beside_ours),
        ("during the same push without a hook", &beside_git),
    ] {
        let (median, p99) = (quantile(walls, 50), quantile(walls, 99));
        let of_median = median.as_secs_f64() / quantile(&idle, 50).as_secs_f64();
        let of_p99 = p99.as_secs_f64() / quantile(&idle, 99).as_secs_f64();
        let (median, p99) = (median.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3);
        writeln!(out, "| {name} | {median:.2} | {p99:.2} | {of_median:.2} | {of_p99:.2} |")?;
    }
    Ok(())
}

/// Returns how long each of some small pushes took, in order of length.
fn small_pushes(ground: &Ground, rounds: usize) -> anyhow::Result<Vec<Duration>> {
    let walls = (0..rounds).map(|_| Ok(ground.push_small(Variant::Pushwarden)?.wall));
    let mut walls = walls.collect::<anyhow::Result<Vec<Duration>>>()?;
    walls.sort_unstable();
    Ok(walls)
}

/// Measures small pushes while the large one is pushed over and over.
fn beside(
    ground: &Ground,
    large: &Large,
    variant: Variant,
    rounds: usize,
) -> anyhow::Result<Vec<Duration>> {
    let is_enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let pushing = scope.spawn(|| {
            while !is_enough.load(Ordering::Relaxed) {
                large.push(ground, variant, 0)?;
            }
            Ok(())
        });
        let walls = small_pushes(ground, rounds);
        is_enough.store(true, Ordering::Relaxed);
        let pushed: anyhow::Result<()> = pushing.join().map_err(|_| anyhow::anyhow!("it died"))?;
        pushed?;
        walls
    })
}

/// Pushes the same history into several repositories at the same time.
fn push_at_once(ground: &Ground, large: &Large, times: usize) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let pushes: Vec<_> = (0..times)
            .map(|number| scope.spawn(move || large.push(ground, Variant::Pushwarden, number)))
            .collect();
        pushes.into_iter().try_for_each(|push| {
            push.join().map_err(|_| anyhow::anyhow!("a push died"))??;
            Ok(())
        })
    })
}

/// Returns the value that `percent` of the sorted values do not exceed.
fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}

/// Where the hook of a large push is installed, and where it is not.
fn template(ground: &Ground, name: &str, variant: Variant) -> PathBuf {
    let end = if variant == Variant::None { "bare" } else { "hook" };
    ground.path(Path::new(&format!("{name}-{end}.git")))
}
