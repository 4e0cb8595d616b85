//! Logs: `tracing` to standard error, as JSON for machines or as text for people.
//!
//! Standard error is systemd's journal or a terminal; files and their rotation are left to those.
//! What may be logged is a matter of each call: never matched bytes, tokens or request bodies, and
//! names that come from a push only escaped.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::{LogFormat, LogLevel};

/// Sends this process's logs to standard error, from `level` on.
///
/// Only the first call of a process has an effect: tests and `try` may call it again.
pub fn init(format: LogFormat, level: LogLevel) {
    let builder = tracing_subscriber::fmt()
        .with_max_level(filter(level))
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE);
    let set = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => {
            builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
        }
    };
    // A subscriber that is set already stays: its owner knows better than we do.
    drop(set);
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_call_is_no_error() {
        init(LogFormat::Json, LogLevel::Error);
        init(LogFormat::Text, LogLevel::Trace);
        assert!(tracing::enabled!(tracing::Level::ERROR));
        assert!(!tracing::enabled!(tracing::Level::WARN));
    }
}
