//! A repository made up from a fixed seed, for machines without a real one at hand.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;

use crate::ground::git;

/// How many commits it has.
const COMMITS: u32 = 2_000;

/// How many files its tip holds.
const FILES: u32 = 5_000;

/// How many files a later commit changes.
const FILES_PER_COMMIT: u32 = 4;

/// How many lines a file has.
const LINES: u32 = 80;

/// What its lines are made of: code has few words and repeats them.
const WORDS: [&str; 24] = [
    "let", "result", "match", "value", "return", "index", "fn", "config", "self", "buffer", "push",
    "Some", "None", "error", "if", "else", "token", "state", "&mut", "usize", "Vec", "iter()",
    "=>", "key:",
];

/// Fills the bare repository at `path`.
pub(crate) fn fill(path: &Path) -> anyhow::Result<()> {
    let mut import = git(path);
    import.args(["fast-import", "--quiet"]).stdin(Stdio::piped());
    let mut child = import.spawn()?;
    let stream = child.stdin.take().context("no standard input")?;
    write(&mut std::io::BufWriter::new(stream))?;
    anyhow::ensure!(child.wait()?.success(), "git fast-import failed");
    Ok(())
}

fn write(stream: &mut dyn Write) -> std::io::Result<()> {
    let mut dice = Dice(0x9e37_79b9);
    for commit in 0..COMMITS {
        let time = 1_700_000_000 + commit * 600;
        writeln!(stream, "commit refs/heads/main")?;
        writeln!(stream, "committer Ada <ada@example.org> {time} +0000")?;
        writeln!(stream, "data 7\nchange\n")?;
        let files: Vec<u32> = if commit == 0 {
            (0..FILES).collect()
        } else {
            (0..FILES_PER_COMMIT).map(|_| dice.below(FILES)).collect()
        };
        for file in files {
            let text = text(file, &mut dice);
            writeln!(stream, "M 100644 inline src/part{:02}/file{file:04}.rs", file % 50)?;
            writeln!(stream, "data {}\n{text}", text.len())?;
        }
    }
    Ok(())
}

/// Makes a file: most lines are its own from version to version, so that deltas are worth it.
fn text(file: u32, dice: &mut Dice) -> String {
    let mut own = Dice(u64::from(file) + 1);
    let mut text = String::new();
    for _ in 0..LINES {
        let source = if dice.below(20) == 0 { &mut *dice } else { &mut own };
        for _ in 0..6 {
            let word = WORDS.get(source.below(24) as usize).copied().unwrap_or_default();
            text.extend([word, "_", &source.below(100).to_string(), " "]);
        }
        text.push('\n');
    }
    text
}

/// A small generator of numbers that look random (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 16) % u64::from(bound)).unwrap_or(0)
    }
}
