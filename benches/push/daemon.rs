//! The daemon under measurement, and what the kernel knows of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::ground::Ground;

/// A running daemon; it ends with this value.
pub(crate) struct Daemon {
    child: Child,
    program: PathBuf,
    config: PathBuf,
}

impl Daemon {
    /// Makes an instance and starts its daemon.
    pub(crate) fn start(ground: &Ground) -> anyhow::Result<Self> {
        let program = programs(ground)?;
        let instance = ground.path("instance");
        let made = Command::new(&program).arg("init").arg(&instance).output()?;
        anyhow::ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let config = instance.join("pushwarden.toml");
        Self::serve(program, config)
    }

    /// Starts another daemon of the same instance, when the first is gone.
    #[allow(dead_code, reason = "the bench `fair` does")]
    pub(crate) fn again(ground: &Ground) -> anyhow::Result<Self> {
        let config = ground.path("instance/pushwarden.toml");
        Self::serve(ground.path("bin/pushwarden"), config)
    }

    /// Starts another daemon of the same instance, to which every object is new.
    #[allow(dead_code, reason = "the bench `push` does")]
    pub(crate) fn without_ledger(ground: &Ground) -> anyhow::Result<Self> {
        let config = ground.path("instance/pushwarden.toml");
        let text = fs::read_to_string(&config)?;
        let (before, after) = text.split_once("[ledger]").unwrap_or((&text, ""));
        fs::write(&config, format!("{before}\n[ledger]\nrows_max = 0\n{after}"))?;
        Self::again(ground)
    }

    fn serve(program: PathBuf, config: PathBuf) -> anyhow::Result<Self> {
        let mut serve = Command::new(&program);
        serve.arg("serve").arg("--config").arg(&config);
        let mut child = serve.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let said = child.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(said).lines();
        let is_ready = lines.by_ref().map_while(Result::ok).any(|line| line.starts_with("ready"));
        anyhow::ensure!(is_ready, "the daemon did not start");
        // Its log must not fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Self { child, program, config })
    }

    /// Returns its process id.
    #[allow(dead_code, reason = "the bench `fair` asks")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Installs the hook in `repository`.
    pub(crate) fn install_hook(&self, repository: &Path) -> anyhow::Result<()> {
        let mut install = Command::new(&self.program);
        install.args(["hooks", "install"]).arg(repository).arg("--config").arg(&self.config);
        let said = install.output()?;
        anyhow::ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        Ok(())
    }

    /// Returns the processor time of all its threads so far, as the scheduler counts it: in
    /// nanoseconds, where `utime` has ticks of 10 ms.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(self.proc("task"))? {
            let account = fs::read_to_string(task?.path().join("schedstat"))?;
            let ran = account.split(' ').next().context("an empty schedstat")?;
            nanoseconds += ran.parse::<u64>().context("no number in schedstat")?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Returns its peak memory, in KiB.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = peak.and_then(|peak| peak.split_whitespace().next());
        number.context("no VmHWM")?.parse().context("VmHWM is no number")
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // There is nobody left to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Puts the programs side by side, as a package does: the static hook where `hooks/build` made one.
fn programs(ground: &Ground) -> anyhow::Result<PathBuf> {
    let directory = ground.path("bin");
    fs::create_dir(&directory)?;
    let (program, hook) = (directory.join("pushwarden"), directory.join("pushwarden-hook"));
    fs::copy(env!("CARGO_BIN_EXE_pushwarden"), &program)?;
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks/bin/pushwarden-hook");
    let built = if built.is_file() { built } else { env!("CARGO_BIN_EXE_pushwarden-hook").into() };
    fs::copy(built, hook)?;
    Ok(program)
}
