//! The hook that stood here before: it runs after ours has accepted, as if git had started it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The exit code for a hook that a signal ended.
const SIGNALLED: u8 = 1;

/// The variable that a chained hook and all that it starts find set. A hook that finds it and would
/// chain again leads back to itself.
pub(super) const MARK: &str = "PUSHWARDEN_CHAINED";

/// Runs `program` with our arguments, environment and input, and returns its exit code.
pub(super) fn run(program: &Path, arguments: &[OsString], input: &[u8]) -> io::Result<u8> {
    let own = std::env::current_exe().and_then(std::fs::canonicalize);
    if own.is_ok_and(|own| std::fs::canonicalize(program).is_ok_and(|other| other == own)) {
        return Err(io::Error::other("it is pushwarden itself"));
    }
    if std::env::var_os(MARK).is_some() {
        return Err(io::Error::other("it was started by pushwarden and leads back to it"));
    }
    let mut command = Command::new(program);
    command.env(MARK, "1");
    if let Some((name, rest)) = arguments.split_first() {
        command.arg0(name).args(rest);
    }
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook may decide without reading.
        drop(stdin.write_all(input));
    }
    let status = child.wait()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(SIGNALLED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, input: &[u8], want: u8) {
        let arguments = ["hooks/pre-receive", "-c", script, "name", "one"].map(OsString::from);
        assert_eq!(run(Path::new("/bin/sh"), &arguments, input).expect("runs"), want);
    }

    #[test]
    fn input_arguments_and_exit_code_pass_through() {
        check("exit 0", b"", 0);
        check("exit 7", b"line\n", 7);
        check("read line && test \"$line\" = 'a b' && test \"$*\" = one", b"a b\n", 0);
        check("kill -9 $$", b"", SIGNALLED);
        check("exit 3", &vec![b'x'; 1 << 20], 3);
    }

    #[test]
    fn a_hook_that_is_not_there_is_an_error() {
        assert!(run(Path::new("/nonexistent/hook"), &[], b"").is_err());
        let own = std::env::current_exe().expect("a path");
        assert!(run(&own, &[], b"").is_err());
    }
}
