//! One program run, and what it cost.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From start to exit.
    pub(crate) wall: Duration,
    /// User and system time of the program and all that it waited for.
    pub(crate) cpu: Duration,
}

/// Runs `command` on the file `input`; it must succeed.
pub(crate) fn run(command: &mut Command, input: &Path) -> anyhow::Result<Cost> {
    let input = File::open(input).with_context(|| format!("cannot open {}", input.display()))?;
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    let before = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let started = Instant::now();
    let output = command.output()?;
    let wall = started.elapsed();
    let after = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let is_refused =
        said.contains("ng refs/") || said.contains("unpack ") && !said.contains("unpack ok");
    anyhow::ensure!(
        output.status.success() && !is_refused,
        "{command:?} failed: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Cost { wall, cpu: cpu(&after).saturating_sub(cpu(&before)) })
}

fn cpu(usage: &Usage) -> Duration {
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(microseconds.unsigned_abs())
}

/// Returns the peak memory of `command`, in KiB.
///
/// The kernel accounts it for all children together, so a copy of this program runs it alone.
pub(crate) fn peak_of(command: &Command, input: &Path) -> anyhow::Result<u64> {
    let mut meter = Command::new(std::env::current_exe()?);
    meter.arg("--peak-of").arg(command.get_program()).args(command.get_args());
    meter.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.get_current_dir().map(|directory| meter.current_dir(directory));
    let output = meter.stdin(File::open(input)?).stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "{command:?} failed");
    String::from_utf8_lossy(&output.stdout).trim().parse().context("the meter printed no number")
}

/// Runs `command` and prints its peak memory in KiB: this program's other face.
pub(crate) fn print_peak_of(command: &[String]) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("no program to run")?;
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "{program} failed");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    writeln!(std::io::stdout(), "{}", usage.max_rss())?;
    Ok(())
}
