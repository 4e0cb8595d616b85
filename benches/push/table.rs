//! Costs become tables.

use std::io::{self, Write};
use std::time::Duration;

use crate::ground::Variant;
use crate::meter::Cost;

/// All runs of one variant, in the order of rounds.
pub(crate) struct Column {
    pub(crate) variant: Variant,
    wall: Vec<f64>,
    cpu: Vec<f64>,
    daemon: Vec<f64>,
}

impl Column {
    pub(crate) fn new(variant: Variant) -> Self {
        Self { variant, wall: Vec::new(), cpu: Vec::new(), daemon: Vec::new() }
    }

    /// Adds a run, and what the daemon spent meanwhile.
    pub(crate) fn add(&mut self, cost: Cost, daemon: Duration) {
        self.wall.push(milliseconds(cost.wall));
        self.cpu.push(milliseconds(cost.cpu));
        // Without pushwarden the daemon's share is its idling, which is nobody's push.
        let is_ours = self.variant == Variant::Pushwarden;
        self.daemon.push(if is_ours { milliseconds(daemon) } else { 0.0 });
    }

    /// Returns, run by run, the processor time of hook and daemon together.
    fn all_cpu(&self) -> Vec<f64> {
        self.cpu.iter().zip(&self.daemon).map(|(cpu, daemon)| cpu + daemon).collect()
    }
}

/// Prints what the small push costs, in milliseconds.
pub(crate) fn small(out: &mut dyn Write, columns: &[Column]) -> io::Result<()> {
    let Some(base) = columns.first() else { return Ok(()) };
    writeln!(out, "\nsmall push: one commit, 3 files, +5 lines; {} rounds; ms", base.wall.len())?;
    writeln!(
        out,
        "{:<13}{:>7}{:>7} | added wall{:>7} | added cpu{:>7}{:>7} | daemon{:>7}{:>7} | sum{:>7}{:>7}",
        "", "wall", "cpu", "p99", "p99", "least", "p99", "least", "p99", "least"
    )?;
    for column in columns {
        let wall = difference(&column.wall, &base.wall);
        let cpu = difference(&column.cpu, &base.cpu);
        let all = difference(&column.all_cpu(), &base.cpu);
        writeln!(
            out,
            "{:<13}{:>7.2}{:>7.2} | {:>10.2}{:>7.2} | {:>9.2}{:>7.2}{:>7.2} | {:>6.2}{:>7.2}{:>7.2} \
             | {:>3.2}{:>7.2}{:>7.2}",
            column.variant.name(),
            quantile(&column.wall, 50),
            quantile(&column.cpu, 50),
            quantile(&wall, 50),
            quantile(&wall, 99),
            quantile(&cpu, 50),
            quantile(&cpu, 99),
            quantile(&column.cpu, 0) - quantile(&base.cpu, 0),
            quantile(&column.daemon, 50),
            quantile(&column.daemon, 99),
            quantile(&column.daemon, 0),
            quantile(&all, 50),
            quantile(&all, 99),
            quantile(&column.all_cpu(), 0) - quantile(&base.cpu, 0),
        )?;
    }
    writeln!(out, "wall, cpu, daemon, sum: medians. added: the paired difference to `no hook`.")?;
    writeln!(out, "cpu: receive-pack and all it starts; sum: with the daemon's. least: of the")?;
    writeln!(out, "least runs, which load disturbs the least.")?;
    beside(out, columns)
}

/// Prints, round by round, how far ours is above each hook that does nothing.
fn beside(out: &mut dyn Write, columns: &[Column]) -> io::Result<()> {
    let Some(ours) = columns.iter().find(|column| column.variant == Variant::Pushwarden) else {
        return Ok(());
    };
    let idle = [Variant::Shell, Variant::Static];
    for other in columns.iter().filter(|column| idle.contains(&column.variant)) {
        let hook = difference(&ours.cpu, &other.cpu);
        let all = difference(&ours.all_cpu(), &other.cpu);
        writeln!(
            out,
            "cpu above `{}`: hook {:.2} (p99 {:.2}), hook and daemon {:.2} (p99 {:.2})",
            other.variant.name(),
            quantile(&hook, 50),
            quantile(&hook, 99),
            quantile(&all, 50),
            quantile(&all, 99),
        )?;
    }
    Ok(())
}

/// Prints what the whole history costs, in seconds; `of` says what the daemon knew of it.
pub(crate) fn history(out: &mut dyn Write, of: &str, columns: &[Column]) -> io::Result<()> {
    let Some(base) = columns.first() else { return Ok(()) };
    let rounds = base.wall.len();
    writeln!(
        out,
        "\nwhole history into an empty repository, {of}; {rounds} rounds; seconds, medians"
    )?;
    writeln!(out, "{:<13}{:>9}{:>9}{:>9}{:>12}", "", "wall", "cpu", "daemon", "cpu ratio")?;
    for column in columns {
        writeln!(
            out,
            "{:<13}{:>9.3}{:>9.3}{:>9.3}{:>12.2}",
            column.variant.name(),
            quantile(&column.wall, 50) / 1e3,
            quantile(&column.cpu, 50) / 1e3,
            quantile(&column.daemon, 50) / 1e3,
            quantile(&column.all_cpu(), 50) / quantile(&base.cpu, 50),
        )?;
    }
    Ok(())
}

/// Prints peaks, in KiB.
pub(crate) fn memory(out: &mut dyn Write, peaks: &[(String, u64)]) -> io::Result<()> {
    writeln!(out, "\npeak memory, MiB")?;
    for (what, kibibytes) in peaks {
        let whole = kibibytes / 1024;
        writeln!(out, "{what:<46}{whole:>6}.{}", kibibytes % 1024 * 10 / 1024)?;
    }
    Ok(())
}

fn difference(with: &[f64], without: &[f64]) -> Vec<f64> {
    with.iter().zip(without).map(|(with, without)| with - without).collect()
}

/// Returns the value that `percent` of all values do not exceed.
fn quantile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
