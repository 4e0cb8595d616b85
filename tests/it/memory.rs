//! Memory is bounded, whatever the size of a push.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::forge::{Forge, Said};
use crate::limits::with_push_settings;
use crate::scene::Scene;
use crate::token;

/// The most memory of a process so far, in KiB.
fn peak_kib(process: &Path) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Finds the hook that runs in `repository`.
fn hook_of(repository: &Path) -> Option<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.map(|entry| entry.path()).find(|process| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        let program = command.split(|&byte| byte == 0).next().unwrap_or_default();
        program.ends_with(b"pre-receive")
            && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == repository)
    })
}

/// Lets huge files through git without git itself holding them in memory.
fn scene_for_huge(forge: &Forge) -> Scene<'_> {
    let scene = Scene::new(forge);
    scene.repository.set("deadline_ms", "600000");
    scene.repository.git(&["config", "core.bigFileThreshold", "1m"]);
    scene.work.git(&["config", "core.bigFileThreshold", "1m"]);
    scene.work.git(&["config", "core.compression", "1"]);
    scene
}

/// Pushes what lies in the clone, and returns what was said and the hook's peak in KiB.
fn push_and_watch(scene: &Scene<'_>) -> (Said, u64) {
    scene.work.git(&["add", "--all"]);
    scene.work.git(&["commit", "-q", "-m", "huge"]);
    let mut pushing = scene.work.start_push(&["HEAD:main"]);
    let (mut hook, mut hook_peak_kib) = (None, 0);
    while pushing.child.try_wait().unwrap().is_none() {
        hook = hook.or_else(|| hook_of(&scene.repository.path));
        let peak = hook.as_deref().and_then(peak_kib);
        hook_peak_kib = hook_peak_kib.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    (pushing.end(), hook_peak_kib)
}

#[track_caller]
fn memory_was_bounded(forge: &Forge, hook_peak_kib: u64) {
    let daemon = PathBuf::from(format!("/proc/{}", forge.daemon_id()));
    let daemon_peak_kib = peak_kib(&daemon).unwrap();
    assert!((1..64 << 10).contains(&hook_peak_kib), "{hook_peak_kib} KiB");
    assert!(daemon_peak_kib < 128 << 10, "{daemon_peak_kib} KiB");
}

/// Writes a text that zlib has some work with.
fn write_words(file: &mut fs::File, bytes: usize) {
    let (mut state, mut written) = (1_u32, 0);
    while written < bytes {
        let mut text = Vec::with_capacity(1 << 20);
        while text.len() < 1 << 20 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let word = ["red ", "green ", "blue\n", "yellow "][(state >> 30) as usize];
            text.extend_from_slice(word.as_bytes());
        }
        file.write_all(&text).unwrap();
        written += text.len();
    }
}

#[test]
fn a_huge_blob_makes_neither_hook_nor_daemon_huge() {
    let forge = with_push_settings("deadline_ms = 600000");
    let scene = scene_for_huge(&forge);
    let mut file = fs::File::create(scene.work.path.join("huge")).unwrap();
    write_words(&mut file, 300 << 20);
    let secret = forge.plant(token::github());
    file.write_all(format!("\nTOKEN={secret}\n").as_bytes()).unwrap();
    let (said, hook_peak_kib) = push_and_watch(&scene);
    assert!(said.remote().contains("error: push refused - 1 credential"), "{said:?}");
    memory_was_bounded(&forge, hook_peak_kib);
}

#[test]
fn gigabytes_of_zeros_are_no_gigabytes_of_memory() {
    let forge = with_push_settings("deadline_ms = 600000");
    let scene = scene_for_huge(&forge);
    let file = fs::File::create(scene.work.path.join("zeros")).unwrap();
    // Past what a signed number of 32 bits holds, where the build is fast enough for it.
    let length = if cfg!(debug_assertions) { 1 << 30 } else { (2 << 30) + 1 };
    file.set_len(length).unwrap();
    let (said, hook_peak_kib) = push_and_watch(&scene);
    assert!(said.is_accepted(), "{said:?}");
    memory_was_bounded(&forge, hook_peak_kib);
}
