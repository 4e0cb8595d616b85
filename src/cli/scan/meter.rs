//! Shows on a terminal how far a long scan is.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::wire::escape;

/// How often it is drawn.
const TICK: Duration = Duration::from_millis(200);

/// The most columns of the path that is being read.
const PATH_COLUMNS_MAX: usize = 48;

/// The bytes that were read, how fast, and where.
pub(super) struct Meter(ProgressBar);

impl Meter {
    /// Begins to show, where somebody looks.
    pub(super) fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {bytes}, {bytes_per_sec}  {msg}");
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(TICK);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())))
    }

    /// Counts bytes of the file at `path`.
    pub(super) fn read(&self, path: &Path, bytes: usize) {
        if !self.0.is_hidden() {
            let name = path.as_os_str().as_encoded_bytes();
            self.0.set_message(escape::line(name, PATH_COLUMNS_MAX));
            self.0.inc(bytes as u64);
        }
    }

    /// Prints something in its place.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// Ends.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
