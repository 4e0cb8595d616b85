//! A large history, made from a fixed seed, and its push into an empty repository.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;

use crate::daemon::Daemon;
use crate::ground::{self, Ground, Variant, git};
use crate::meter;
use crate::synthetic::Dice;
use crate::template;

/// What the lines of a file are made of.
const WORDS: [&str; 16] = [
    "let", "result", "match", "value", "return", "index", "fn", "config", "self", "buffer", "push",
    "Some", "None", "error", "state", "usize",
];

/// How many commits share a folder, so that trees stay short.
const COMMITS_PER_FOLDER: u32 = 50;

/// How a history is made up: each commit adds a folder of new files.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    commits: u32,
    files: u32,
    file_bytes: u32,
}

impl Shape {
    /// Few long files.
    pub(crate) fn of_bytes(megabytes: u32) -> Self {
        Self { commits: megabytes.div_ceil(4).max(1), files: 40, file_bytes: 100_000 }
    }

    /// Many short ones. A commit, three trees and its files come with each commit.
    pub(crate) fn of_objects(objects: u32) -> Self {
        Self { commits: objects.div_ceil(200).max(1), files: 196, file_bytes: 300 }
    }
}

/// A history to push.
pub(crate) struct Large {
    name: &'static str,
    request: PathBuf,
    described: String,
}

impl fmt::Display for Large {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.described)
    }
}

impl Large {
    /// Makes the history, what a client would send, and the empty repositories that it is sent to.
    pub(crate) fn make(
        ground: &Ground,
        name: &'static str,
        shape: Shape,
        daemon: &Daemon,
    ) -> anyhow::Result<Self> {
        for variant in [Variant::None, Variant::Pushwarden] {
            ground::init(&template(ground, name, variant))?;
        }
        let hooked = template(ground, name, Variant::Pushwarden);
        daemon.install_hook(&hooked)?;
        patient(&hooked)?;
        let source = ground.path(format!("{name}-source.git"));
        ground::init(&source)?;
        fill(&source, shape)?;
        let request = ground.path(format!("{name}.request"));
        let described = write_request(&source, &request)?;
        fs::remove_dir_all(source)?;
        Ok(Self { name, request, described })
    }

    /// Pushes it into an empty repository, the `number`th of those at the same time.
    pub(crate) fn push(
        &self,
        ground: &Ground,
        variant: Variant,
        number: usize,
    ) -> anyhow::Result<meter::Cost> {
        let destination = ground.path(format!("{}-{number}.git", self.name));
        if destination.exists() {
            fs::remove_dir_all(&destination)?;
        }
        ground::link_all(&template(ground, self.name, variant), &destination)?;
        let mut receive = ground::isolated();
        receive.arg("receive-pack").arg(&destination);
        let cost = meter::run(&mut receive, &self.request)?;
        fs::remove_dir_all(&destination)?;
        Ok(cost)
    }
}

/// Gives the hook more time than it has: eight pushes at once on two cores are no matter of time.
fn patient(repository: &std::path::Path) -> anyhow::Result<()> {
    let settings = repository.join("hooks/pre-receive.pushwarden");
    let text = fs::read_to_string(&settings)?;
    let mut lines: Vec<&str> = text.lines().collect();
    lines.retain(|line| !line.starts_with("deadline_ms ="));
    lines.push("deadline_ms = 3600000\n");
    Ok(fs::write(&settings, lines.join("\n"))?)
}

fn fill(path: &std::path::Path, shape: Shape) -> anyhow::Result<()> {
    let mut import = git(path);
    import.args(["-c", "core.compression=1", "fast-import", "--quiet", "--depth=0"]);
    let mut child = import.stdin(Stdio::piped()).spawn()?;
    let stream = child.stdin.take().context("no standard input")?;
    write(&mut BufWriter::new(stream), shape)?;
    anyhow::ensure!(child.wait()?.success(), "git fast-import failed");
    Ok(())
}

fn write(stream: &mut dyn Write, shape: Shape) -> std::io::Result<()> {
    let mut dice = Dice(0x51_7cc1_b727);
    for commit in 0..shape.commits {
        writeln!(stream, "commit refs/heads/main")?;
        writeln!(stream, "committer Ada <ada@example.org> {} +0000", 1_700_000_000 + commit)?;
        writeln!(stream, "data 7\nchange\n")?;
        for file in 0..shape.files {
            let text = text(shape.file_bytes, &mut dice);
            let folder = commit / COMMITS_PER_FOLDER;
            writeln!(stream, "M 100644 inline d{folder}/c{commit}/f{file}.rs")?;
            writeln!(stream, "data {}\n{text}", text.len())?;
        }
    }
    Ok(())
}

fn text(bytes: u32, dice: &mut Dice) -> String {
    let mut text = String::with_capacity(bytes as usize + 100);
    while text.len() < bytes as usize {
        for _ in 0..6 {
            let word = WORDS.get(dice.below(16) as usize).copied().unwrap_or_default();
            text.extend([word, "_", &dice.below(1_000).to_string(), " "]);
        }
        text.push('\n');
    }
    text
}

/// Writes what a client sends, and says how large it is.
fn write_request(source: &std::path::Path, request: &std::path::Path) -> anyhow::Result<String> {
    let tip = ground::said(git(source).args(["rev-parse", "main"]))?;
    let mut file = File::create(request)?;
    let line = format!("{} {tip} refs/heads/main\0report-status side-band-64k", "0".repeat(40));
    write!(file, "{:04x}{line}0000", line.len() + 4)?;
    let mut pack = git(source);
    pack.args(["pack-objects", "--all", "--stdout", "-q", "--window=0"]);
    let status = pack.stdin(Stdio::null()).stdout(file.try_clone()?).status()?;
    anyhow::ensure!(status.success(), "git pack-objects failed");
    let packed = ground::said(git(source).args(["count-objects", "-v"]))?;
    let objects = packed.lines().find_map(|line| line.strip_prefix("in-pack: ")).unwrap_or("?");
    Ok(format!("{objects} objects, {} MB sent", file.metadata()?.len() / 1_000_000))
}
