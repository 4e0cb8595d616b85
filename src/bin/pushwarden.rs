//! The main program: command line, daemon, and the hook where no other is installed.

use std::ffi::OsStr;
use std::process::ExitCode;

use pushwarden::{cli, hook};

fn main() -> ExitCode {
    if is_hook() {
        return hook::main();
    }
    let mut terminal =
        cli::Terminal { out: &mut std::io::stdout().lock(), err: &mut std::io::stderr() };
    ExitCode::from(cli::run(std::env::args_os(), &mut terminal))
}

/// Whether git started this as its hook, or somebody by `pushwarden hook`: decided before anything
/// heavy starts, for a push waits.
fn is_hook() -> bool {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let is_command = arguments.next().as_deref() == Some(OsStr::new("hook"));
    let wants_help = arguments.next().is_some_and(|next| next == "--help" || next == "-h");
    name.as_encoded_bytes().ends_with(b"pre-receive") || (is_command && !wants_help)
}
