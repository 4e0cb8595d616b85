//! Where pushes happen: templates of the destination, requests, and the way back to the start.
//!
//! ```text
//! scratch/source.git                          the repository, and the commit to push
//! scratch/none.git, sh.git, …                 the repository alone, one for each variant
//! scratch/none-empty.git, …                   the same, without any objects
//! scratch/small.request, history.request      what a client would send
//! scratch/dst.git                             a copy by hard links, made anew for each push
//! ```

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::meter::{self, Cost};
use crate::synthetic;

/// How many files the small commit changes, and how many lines it adds to each.
const CHANGES: [&str; 3] = ["// one\n// two\n", "// three\n// four\n", "// five\n"];

/// Files that the small commit changes are between these lengths, in bytes.
const CHANGED_BYTES: std::ops::Range<usize> = 500..50_000;

/// What git runs before it takes a push in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Nothing.
    None,
    /// An empty shell script.
    Shell,
    /// An empty Rust program, linked with musl: the least that a program in Rust can cost.
    Static,
    /// Our hook.
    Pushwarden,
}

impl Variant {
    const ALL: [Self; 4] = [Self::None, Self::Shell, Self::Static, Self::Pushwarden];

    /// Returns what the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "no hook",
            Self::Shell => "empty sh",
            Self::Static => "empty static",
            Self::Pushwarden => "pushwarden",
        }
    }

    fn stem(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Shell => "sh",
            Self::Static => "static",
            Self::Pushwarden => "pushwarden",
        }
    }
}

/// The scratch directory and what lies in it.
pub(crate) struct Ground {
    scratch: TempDir,
    /// What can be measured here; the first is what the others are compared with.
    pub(crate) variants: Vec<Variant>,
    old: String,
    new: String,
}

impl Ground {
    /// Makes templates and requests from `repository`, or from a synthetic one.
    pub(crate) fn prepare(below: &Path, repository: Option<&Path>) -> anyhow::Result<Self> {
        let scratch = TempDir::with_prefix_in("pushwarden-bench", below)?;
        let variants = Variant::ALL.to_vec();
        let mut ground = Self { scratch, variants, old: String::new(), new: String::new() };
        if !ground.build_empty()? {
            ground.variants.retain(|&variant| variant != Variant::Static);
        }
        // A repository of its own: in a destination that held the small commit already, git would
        // find each of its objects there and write none.
        let source = ground.path("source.git");
        init(&source)?;
        match repository {
            Some(repository) => fetch(&source, repository)?,
            None => synthetic::fill(&source)?,
        }
        said(git(&source).args(["repack", "-adq"]))?;
        ground.old = said(git(&source).args(["rev-parse", "main"]))?;
        for variant in ground.variants.clone() {
            link_all(&source, &ground.path(format!("{}.git", variant.stem())))?;
            init(&ground.path(format!("{}-empty.git", variant.stem())))?;
        }
        ground.new = ground.commit(&source)?;
        ground.write_requests()?;
        Ok(ground)
    }

    /// Puts the hooks into their templates.
    pub(crate) fn install(&self, daemon: &Daemon) -> anyhow::Result<()> {
        fs::write(self.path("sh-hook"), "#!/bin/sh\n")?;
        fs::set_permissions(self.path("sh-hook"), fs::Permissions::from_mode(0o755))?;
        for variant in &self.variants {
            for end in ["", "-empty"] {
                let repository = self.path(format!("{}{end}.git", variant.stem()));
                let hook = match variant {
                    Variant::None => continue,
                    Variant::Pushwarden => {
                        daemon.install_hook(&repository)?;
                        continue;
                    }
                    Variant::Shell | Variant::Static => format!("{}-hook", variant.stem()),
                };
                fs::copy(self.path(hook), repository.join("hooks/pre-receive"))?;
            }
        }
        Ok(())
    }

    /// Builds the empty static hook; false where this machine has no target for it.
    fn build_empty(&self) -> anyhow::Result<bool> {
        let source = self.path("empty.rs");
        fs::write(&source, "fn main() {}\n")?;
        let mut rustc = Command::new("rustc");
        rustc.args(["-O", "-C", "panic=abort", "-C", "relocation-model=static"]);
        rustc.args(["--target", &format!("{}-unknown-linux-musl", std::env::consts::ARCH), "-o"]);
        let built = rustc.arg(self.path("static-hook")).arg(source).output();
        Ok(built.is_ok_and(|built| built.status.success()))
    }

    /// Returns a path below the scratch directory.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.scratch.path().join(below)
    }

    /// Says what is pushed and through which hook.
    pub(crate) fn describe(&self) -> anyhow::Result<String> {
        let size = said(git(&self.path("sh.git")).args(["count-objects", "-v"]))?;
        let count = |key: &str| {
            let line = size.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or("?").to_owned()
        };
        let hook = self.path("pushwarden.git/hooks/pre-receive");
        Ok(format!(
            "repository: {} objects, {} KiB; {}; hook: {} bytes; scratch: {}",
            count("in-pack: "),
            count("size-pack: "),
            said(Command::new("git").arg("--version"))?,
            fs::metadata(hook)?.len(),
            self.scratch.path().display(),
        ))
    }

    /// Pushes the small commit.
    pub(crate) fn push_small(&self, variant: Variant) -> anyhow::Result<Cost> {
        self.push(&format!("{}.git", variant.stem()), "small.request")
    }

    /// Pushes the whole history into an empty repository.
    pub(crate) fn push_history(&self, variant: Variant) -> anyhow::Result<Cost> {
        self.push(&format!("{}-empty.git", variant.stem()), "history.request")
    }

    /// Returns the peak memory of a program that does nothing, in KiB: the least that is seen.
    pub(crate) fn peak_of_nothing(&self) -> anyhow::Result<u64> {
        meter::peak_of(&Command::new("true"), &self.path("small.request"))
    }

    /// Returns the peak memory of the hook alone, in KiB, on a quarantine as git makes it.
    pub(crate) fn peak_of_hook(&self, history: bool) -> anyhow::Result<u64> {
        let (template, pack, old) = if history {
            ("pushwarden-empty.git", "history.pack", "0".repeat(self.old.len()))
        } else {
            ("pushwarden.git", "small.pack", self.old.clone())
        };
        let destination = self.reset(template)?;
        let (objects, quarantine) =
            (destination.join("objects"), destination.join("objects/incoming"));
        fs::create_dir(&quarantine)?;
        let mut take_in = git(&destination);
        take_in.env("GIT_OBJECT_DIRECTORY", &quarantine);
        take_in.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects);
        if history {
            take_in.args(["index-pack", "--stdin"]);
        } else {
            take_in.args(["unpack-objects", "-q"]);
        }
        meter::run(&mut take_in, &self.path(pack))?;
        let input = self.path("hook.stdin");
        let new = if history { &self.old } else { &self.new };
        fs::write(&input, format!("{old} {new} refs/heads/main\n"))?;
        let mut hook = Command::new(destination.join("hooks/pre-receive"));
        hook.current_dir(&destination).env("GIT_DIR", ".");
        hook.env("GIT_QUARANTINE_PATH", &quarantine).env("GIT_OBJECT_DIRECTORY", &quarantine);
        hook.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects);
        meter::peak_of(&hook, &input)
    }

    fn push(&self, template: &str, request: &str) -> anyhow::Result<Cost> {
        let destination = self.reset(template)?;
        let mut receive = isolated();
        receive.arg("receive-pack").arg(&destination);
        meter::run(&mut receive, &self.path(request))
    }

    /// Makes the destination anew.
    fn reset(&self, template: &str) -> anyhow::Result<PathBuf> {
        let destination = self.path("dst.git");
        if destination.exists() {
            fs::remove_dir_all(&destination)?;
        }
        link_all(&self.path(template), &destination)?;
        Ok(destination)
    }

    /// Makes the small commit on top of main, which stays where it is.
    fn commit(&self, source: &Path) -> anyhow::Result<String> {
        let index = self.path("index");
        let with_index = || {
            let mut command = git(source);
            command.env("GIT_INDEX_FILE", &index);
            command
        };
        said(with_index().args(["read-tree", "main"]))?;
        let mut changes = CHANGES.iter();
        for line in said(with_index().args(["ls-files", "-s"]))?.lines().rev() {
            let Some((entry, path)) =
                line.split_once('\t').filter(|(e, _)| e.starts_with("100644"))
            else {
                continue;
            };
            let Some(mut text) = file(source, entry)? else { continue };
            let Some(change) = changes.next() else { break };
            text.extend_from_slice(change.as_bytes());
            let id = fed(git(source).args(["hash-object", "-w", "--stdin"]), &text)?;
            let info = format!("100644,{},{path}", String::from_utf8(id)?.trim());
            said(with_index().args(["update-index", "--cacheinfo", &info]))?;
        }
        anyhow::ensure!(changes.next().is_none(), "the repository has too few text files");
        let tree = said(with_index().arg("write-tree"))?;
        said(git(source).args(["commit-tree", &tree, "-p", "main", "-m", "a small change"]))
    }

    fn write_requests(&self) -> anyhow::Result<()> {
        let (old, new) = (&self.old, &self.new);
        let null = "0".repeat(old.len());
        self.write_request("small", old, new, &format!("{new}\n^{old}\n"))?;
        self.write_request("history", &null, old, &format!("{old}\n"))
    }

    /// Writes what a client sends: the command in a packet, a flush, the pack.
    fn write_request(&self, name: &str, old: &str, new: &str, revs: &str) -> anyhow::Result<()> {
        let mut pack = git(&self.path("source.git"));
        pack.args(["pack-objects", "--revs", "--thin", "--delta-base-offset", "--stdout", "-q"]);
        let pack = fed(&mut pack, revs.as_bytes())?;
        let line = format!("{old} {new} refs/heads/main\0report-status side-band-64k");
        let mut request = format!("{:04x}{line}0000", line.len() + 4).into_bytes();
        request.extend_from_slice(&pack);
        fs::write(self.path(format!("{name}.pack")), pack)?;
        fs::write(self.path(format!("{name}.request")), request)?;
        Ok(())
    }
}

/// Returns the content of an entry of the index if it is a text of middling length.
fn file(source: &Path, entry: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let id = entry.split(' ').nth(1).context("an index entry without an id")?;
    let text = fed(git(source).args(["cat-file", "blob", id]), b"")?;
    let is_fit = CHANGED_BYTES.contains(&text.len()) && text.ends_with(b"\n") && !text.contains(&0);
    Ok(is_fit.then_some(text))
}

pub(crate) fn init(path: &Path) -> anyhow::Result<()> {
    let mut init = isolated();
    said(init.args(["init", "-q", "--bare", "-b", "main", "--template="]).arg(path))?;
    // Else a push now and then starts a housekeeper that outlives it.
    said(git(path).args(["config", "receive.autogc", "false"]))?;
    fs::create_dir_all(path.join("hooks"))?;
    Ok(())
}

/// Fetches the tip of `repository` and its history, nothing else.
fn fetch(destination: &Path, repository: &Path) -> anyhow::Result<()> {
    let repository = fs::canonicalize(repository)?;
    let url = format!("file://{}", repository.display());
    said(git(destination).args(["fetch", "-q", "--no-tags", &url, "HEAD:refs/heads/main"]))?;
    Ok(())
}

/// Returns git for the repository at `path`.
pub(crate) fn git(path: &Path) -> Command {
    let mut command = isolated();
    command.arg("-C").arg(path);
    command
}

/// Returns git without anybody's configuration, author and dates fixed.
pub(crate) fn isolated() -> Command {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ada");
        command.env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        command.env(format!("GIT_{who}_DATE"), "2026-11-01T12:00:00Z");
    }
    command
}

/// Runs `command` and returns what it printed, trimmed.
pub(crate) fn said(command: &mut Command) -> anyhow::Result<String> {
    Ok(String::from_utf8(fed(command, b"")?)?.trim_end().to_owned())
}

/// Runs `command` on `input` and returns what it printed.
fn fed(command: &mut Command, input: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("no standard input")?.write_all(input)?;
    let mut printed = Vec::new();
    child.stdout.take().context("no standard output")?.read_to_end(&mut printed)?;
    anyhow::ensure!(child.wait()?.success(), "{command:?} failed");
    Ok(printed)
}

/// Copies a directory; its files are hard links, its links are copied as links.
pub(crate) fn link_all(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_all(&entry.path(), &target)?;
        } else {
            fs::hard_link(entry.path(), target)?;
        }
    }
    Ok(())
}
