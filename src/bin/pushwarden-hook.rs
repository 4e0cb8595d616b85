//! The pre-receive hook alone, built small and static by `hooks/build`.

use std::process::ExitCode;

/// musl's own allocator maps and unmaps memory for nearly every buffer of a small push, which costs
/// as much as to read the push.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    pushwarden::hook::main()
}
