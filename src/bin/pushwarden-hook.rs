//! The pre-receive hook alone, built small and static by `hooks/build`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pushwarden::hook::main()
}
