//! How much anonymous memory processes take, sampled while they run.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// Watches a daemon and all hooks.
pub(crate) struct Watch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<(u64, u64)>,
}

impl Watch {
    pub(crate) fn start(daemon: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let (mut daemon_peak, mut hook_peak) = (0, 0);
            while !seen.load(Ordering::Relaxed) {
                daemon_peak = daemon_peak.max(anonymous(daemon).unwrap_or(0));
                hook_peak = hook_peak.max(hooks().filter_map(anonymous).max().unwrap_or(0));
                std::thread::sleep(INTERVAL);
            }
            (daemon_peak, hook_peak)
        });
        Self { is_over, thread }
    }

    /// Returns the peak of the daemon and that of the largest hook, in KiB.
    pub(crate) fn end(self) -> (u64, u64) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// Returns the anonymous memory of a process, in KiB.
pub(crate) fn anonymous(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Lists the hooks that run: git starts them by a relative name.
fn hooks() -> impl Iterator<Item = u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| {
        let command = fs::read(Path::new("/proc").join(id.to_string()).join("cmdline"));
        command.is_ok_and(|command| command.starts_with(b"hooks/pre-receive\0"))
    })
}
