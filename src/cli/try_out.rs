//! `pushwarden try`: the whole product in a scratch directory, with real git and the real daemon.
//!
//! Every step is checked: where something did not happen, the command says so and fails.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::answer::items;
use super::table::text;
use super::{CliError, DONE, Terminal, shell};
use crate::rule::template;

/// Shows the whole product at work in a scratch directory
///
/// Makes an instance, starts its daemon, creates a repository with the hook, pushes a clean commit
/// and one with a credential that is made up on the spot, and shows what everybody sees.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pushwarden try\n  \
    pushwarden try --keep ~/pushwarden-try --serve")]
pub struct TryArgs {
    /// Leaves everything in this directory, ready to be used; it must not exist yet
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Keeps the daemon up until Ctrl-C, and says how to push to it by hand
    #[arg(long)]
    serve: bool,
}

/// Who owns what in the repository that is tried: read from its default branch, as on a server.
const CODEOWNERS: &str = "/deploy/  @payments-oncall\n";

/// The credential's shape; its random part is new in every run.
const CREDENTIAL: &str = "{@github ghp_}";

/// Runs the command.
///
/// # Errors
/// If any of what it shows did not happen.
pub fn run(args: &TryArgs, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    show(args, terminal).map_err(|error| {
        let remedy = "git 2.30 or newer must be installed; `pushwarden try --keep DIR` leaves all \
            files for a look";
        CliError::failed("the trial failed", error, remedy)
    })?;
    Ok(DONE)
}

fn show(args: &TryArgs, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
    let scratch = Scratch::make(args.keep.as_deref())?;
    let out = &mut *terminal.out;
    let trial = Trial::prepare(&scratch, out)?;
    trial.push_clean(out)?;
    trial.push_credential(out)?;
    trial.show_incident(out)?;
    if args.serve {
        trial.serve_on(out)?;
    } else {
        trial.say_next(args.keep.is_some(), out)?;
    }
    Ok(())
}

/// Where everything lies: a temporary directory, or one that stays.
enum Scratch {
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

impl Scratch {
    fn make(keep: Option<&Path>) -> anyhow::Result<Self> {
        let Some(directory) = keep else {
            let temporary = tempfile::TempDir::with_prefix("pushwarden-try-");
            return Ok(Self::Temporary(temporary.context("cannot make a scratch directory")?));
        };
        std::fs::create_dir(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(Self::Kept(directory.canonicalize()?))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Kept(directory) => directory,
        }
    }
}

/// A running instance with a repository and a clone.
struct Trial {
    program: PathBuf,
    config: PathBuf,
    repository: PathBuf,
    clone: PathBuf,
    daemon: Daemon,
}

/// The daemon; it goes with the trial.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.0);
        if rustix::process::kill_process(id, rustix::process::Signal::TERM).is_err() {
            // It is gone already: there is nothing to stop.
            return;
        }
        drop(self.0.wait());
    }
}

impl Trial {
    fn prepare(scratch: &Scratch, out: &mut dyn Write) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let root = scratch.path();
        let (instance, repository) = (root.join("instance"), root.join("shop.git"));
        let (config, clone) = (instance.join("pushwarden.toml"), root.join("shop"));
        heading(out, 1, "An instance of its own: keys, state, sockets")?;
        succeed(Command::new(&program).arg("init").arg(&instance))?;
        writeln!(out, "  {}", config.display())?;
        heading(out, 2, "Its daemon")?;
        let daemon = Daemon::start(&program, &config)?;
        writeln!(out, "  pushwarden serve --config {}", shell::word(&config))?;
        heading(out, 3, "A repository with the hook")?;
        succeed(git().args(["init", "-q", "--bare", "-b", "main"]).arg(&repository))?;
        succeed(git().args(["clone", "-q"]).args([&repository, &clone]))?;
        let trial = Self { program, config, repository, clone, daemon };
        let repository = trial.repository.as_os_str();
        succeed(&mut trial.pushwarden(["hooks".as_ref(), "install".as_ref(), repository]))?;
        let proof = trial.pushwarden(["hooks".as_ref(), "status".as_ref(), repository]);
        let proof = succeed(&mut { proof })?;
        writeln!(out, "  hooks status: {}", said(&proof.stdout).trim())?;
        Ok(trial)
    }

    fn push_clean(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        heading(out, 4, "A clean push is accepted")?;
        self.commit("CODEOWNERS", CODEOWNERS, "owners of this repository")?;
        let pushed = self.push()?;
        ensure!(pushed.status.success(), "the clean push was refused: {}", said(&pushed.stderr));
        quote(out, &said(&pushed.stderr))?;
        Ok(())
    }

    fn push_credential(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        heading(out, 5, "A push with a credential is refused; this is what the developer sees")?;
        let credential = fresh_credential()?;
        let line = format!("GITHUB_TOKEN={credential}\n");
        self.commit("deploy/prod.env", &line, "configure the deployment")?;
        let pushed = self.push()?;
        let text = said(&pushed.stderr);
        ensure!(!pushed.status.success(), "the push with a credential was accepted");
        ensure!(text.contains("error: push refused"), "it was refused otherwise: {text}");
        ensure!(!text.contains(&credential), "the refusal shows the credential");
        quote(out, &text)
    }

    fn show_incident(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let listed = self.json(["incidents", "list"])?;
        let [incident] = items(Some(&listed), "incidents") else {
            anyhow::bail!("there should be one incident: {listed}");
        };
        heading(out, 6, "The incident, its owner, and why this owner")?;
        let owner = text(incident, &["owner", "name"]);
        ensure!(owner == "@payments-oncall", "the owner should be @payments-oncall, not {owner}");
        let id = text(incident, &["id"]);
        quote(out, &said(&succeed(&mut self.pushwarden(["incidents", "show", &id]))?.stdout))?;
        heading(out, 7, "The revocation ticket")?;
        let tickets = items(Some(incident), "tickets");
        let ticket = tickets.first().map(|ticket| text(ticket, &["id"]));
        let ticket = ticket.context("the incident has no ticket")?;
        quote(out, &said(&succeed(&mut self.pushwarden(["tickets", "show", &ticket]))?.stdout))
    }

    fn say_next(&self, is_kept: bool, out: &mut dyn Write) -> anyhow::Result<()> {
        heading(out, 8, "Next")?;
        if is_kept {
            let config = shell::word(&self.config);
            writeln!(out, "  pushwarden serve --config {config}")?;
            writeln!(out, "  cd {} && git push", shell::word(&self.clone))?;
            writeln!(out, "  pushwarden incidents list --config {config}")?;
        } else {
            writeln!(out, "  pushwarden try --keep DIR --serve   the same, to push to by hand")?;
        }
        writeln!(out, "  pushwarden init ~/pushwarden         an instance of your own")?;
        writeln!(out, "  pushwarden scan .                    scan files with the same rules")?;
        writeln!(out, "  pushwarden --help                    everything else")?;
        Ok(())
    }

    /// Keeps the daemon up until it ends, which Ctrl-C sees to.
    fn serve_on(mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        heading(out, 8, "The daemon is up until Ctrl-C; push to it by hand")?;
        let config = shell::word(&self.config);
        writeln!(out, "  cd {}", shell::word(&self.clone))?;
        writeln!(out, "  git push                                    refused again")?;
        writeln!(out, "  git commit --amend ... && git push          as the refusal says")?;
        writeln!(out, "  pushwarden incidents list --config {config}")?;
        writeln!(out, "  pushwarden incidents dismiss INC-1 --as test-value \\")?;
        writeln!(out, "      --reason \"made up by try\" --config {config}")?;
        out.flush()?;
        self.daemon.0.wait().context("cannot wait for the daemon")?;
        Ok(())
    }

    fn commit(&self, path: &str, content: &str, message: &str) -> anyhow::Result<()> {
        let file = self.clone.join(path);
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(&file, content)?;
        succeed(git().arg("-C").arg(&self.clone).args(["add", "--all"]))?;
        succeed(git().arg("-C").arg(&self.clone).args(["commit", "-q", "-m", message])).map(drop)
    }

    fn push(&self) -> anyhow::Result<Output> {
        let mut push = git();
        push.arg("-C").arg(&self.clone).args(["push", "origin", "HEAD:main"]);
        push.output().context("cannot run git")
    }

    fn pushwarden<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--config").arg(&self.config);
        command
    }

    fn json<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Value> {
        let arguments = arguments.into_iter().chain(["--format", "json"]);
        Ok(serde_json::from_slice(&succeed(&mut self.pushwarden(arguments))?.stdout)?)
    }
}

impl Daemon {
    /// Starts the daemon and waits for its word that it is ready.
    fn start(program: &Path, config: &Path) -> anyhow::Result<Self> {
        let mut serve = Command::new(program);
        serve.arg("serve").arg("--config").arg(config).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = serve.spawn().context("cannot start the daemon")?;
        let log = child.stderr.take().context("the daemon has no standard error")?;
        let mut log = BufReader::new(log).lines();
        let daemon = Self(child);
        let mut heard = Vec::new();
        for line in log.by_ref() {
            let line = line?;
            if line.starts_with("ready") {
                // What it logs from now on is read and dropped, so that it never blocks.
                std::thread::spawn(move || log.for_each(drop));
                return Ok(daemon);
            }
            heard.push(line);
        }
        anyhow::bail!("the daemon did not start:\n{}", heard.join("\n"))
    }
}

/// Makes up a credential that nobody has seen before.
fn fresh_credential() -> anyhow::Result<String> {
    let mut seed = [0; 32];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    Ok(String::from_utf8(template::expand_seeded(CREDENTIAL, &seed)?)?)
}

/// Returns git without the settings of whoever runs this.
fn git() -> Command {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for (name, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.org")] {
        command.env(format!("GIT_AUTHOR_{name}"), value);
        command.env(format!("GIT_COMMITTER_{name}"), value);
    }
    command
}

fn succeed(command: &mut Command) -> anyhow::Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    ensure!(output.status.success(), "{name} failed: {}", said(&output.stderr));
    Ok(output)
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn heading(out: &mut dyn Write, number: u32, title: &str) -> anyhow::Result<()> {
    Ok(writeln!(out, "\n{number}. {title}\n")?)
}

/// Prints what a program said, set in a little.
fn quote(out: &mut dyn Write, text: &str) -> anyhow::Result<()> {
    for line in text.lines() {
        writeln!(out, "  {}", line.trim_end())?;
    }
    Ok(())
}
