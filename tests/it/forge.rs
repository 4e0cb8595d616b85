//! What a user has: an instance with its daemon, repositories with the hook, people who push.
//!
//! Every forge plants its secrets itself and, when it goes, searches every log, file, response and
//! message that it has seen for them: the canary test of the whole suite.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tempfile::TempDir;

/// The main program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_pushwarden");

/// How long anything may take before a test fails instead of waiting on.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A whole installation below one temporary directory.
pub struct Forge {
    directory: TempDir,
    daemon: RefCell<Option<Daemon>>,
    secrets: RefCell<Vec<String>>,
    /// Everything that any program printed.
    seen: RefCell<Vec<u8>>,
}

/// A running daemon and what it says on standard error.
struct Daemon {
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

/// What a program said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Forge {
    /// Makes an instance and starts its daemon.
    pub fn start() -> Self {
        let forge = Self::stopped();
        forge.serve();
        forge
    }

    /// Makes an instance whose daemon does not run.
    pub fn stopped() -> Self {
        let forge = Self {
            directory: TempDir::with_prefix("pw").unwrap(),
            daemon: RefCell::default(),
            secrets: RefCell::default(),
            seen: RefCell::default(),
        };
        let made = forge.run(Command::new(PROGRAM).arg("init").arg(forge.path("i")));
        assert_eq!(made.code, 0, "{made:?}");
        forge
    }

    /// Returns a path below the forge.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Returns the configuration file.
    pub fn config(&self) -> PathBuf {
        self.path("i/pushwarden.toml")
    }

    /// Adds `lines` to a section of the configuration: the section is written where it is missing.
    pub fn configure(&self, section: &str, lines: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        let head = format!("[{section}]");
        let changed = match text.split_once(&head) {
            Some((before, after)) => {
                let keys: Vec<&str> = lines
                    .lines()
                    .filter_map(|l| l.split_once('='))
                    .map(|(k, _)| k.trim())
                    .collect();
                let (own, rest) = after.find("\n[").map_or((after, ""), |at| after.split_at(at));
                let own: Vec<&str> = own
                    .lines()
                    .filter(|l| !keys.iter().any(|key| l.trim_start().starts_with(key)))
                    .collect();
                format!("{before}{head}\n{lines}\n{}{rest}", own.join("\n"))
            }
            None => format!("{text}\n{head}\n{lines}\n"),
        };
        fs::write(self.config(), changed).unwrap();
    }

    /// Starts the daemon and waits until it is ready.
    pub fn serve(&self) {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--config"]).arg(self.config());
        self.serve_by(command);
    }

    /// Starts the daemon by a command of the test's own and waits until it is ready.
    pub fn serve_by(&self, command: Command) {
        let is_ready = self.launch(command);
        let came_up = is_ready.recv_timeout(PATIENCE).is_ok();
        assert!(came_up, "the daemon did not start: {}", self.daemon_log());
    }

    /// Starts the daemon by a command of the test's own; it may take its time.
    pub fn launch(&self, mut command: Command) -> Receiver<()> {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (said, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        let (ready, is_ready) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
                if line.starts_with(b"ready") {
                    ready.send(()).ok();
                }
                let mut log = kept.lock().unwrap();
                log.extend_from_slice(&line);
                log.push(b'\n');
            }
        });
        *self.daemon.borrow_mut() = Some(Daemon { child, log, reader: Some(reader) });
        is_ready
    }

    /// Returns what the running daemon has said so far.
    pub fn daemon_log(&self) -> String {
        self.daemon.borrow().as_ref().expect("the daemon runs").said()
    }

    /// Returns the daemon's process id.
    pub fn daemon_id(&self) -> u32 {
        self.daemon.borrow().as_ref().expect("the daemon runs").child.id()
    }

    /// Sends the daemon a signal by its name: `TERM`, `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let id = self.daemon_id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Stops the daemon cleanly and returns what it said.
    pub fn stop(&self) -> String {
        self.signal("TERM");
        self.wait().1
    }

    /// Kills the daemon.
    pub fn kill(&self) {
        self.signal("KILL");
        self.wait();
    }

    /// Waits until the daemon has ended, and returns its exit code and what it said.
    pub fn wait(&self) -> (Option<i32>, String) {
        let mut daemon = self.daemon.borrow_mut().take().expect("the daemon runs");
        let code = daemon.child.wait().unwrap().code();
        daemon.reader.take().unwrap().join().unwrap();
        let said = daemon.said();
        self.seen.borrow_mut().extend_from_slice(said.as_bytes());
        (code, said)
    }

    /// Remembers a value that nothing but the pushed objects may hold.
    pub fn plant(&self, secret: impl Into<String>) -> String {
        let secret = secret.into();
        self.secrets.borrow_mut().push(secret.clone());
        secret
    }

    /// Makes a bare repository with the hook.
    pub fn repository(&self, name: &str) -> Repository<'_> {
        let repository = self.bare(name, &[]);
        self.install(&repository);
        repository
    }

    /// Makes a bare repository without the hook.
    pub fn bare(&self, name: &str, options: &[&str]) -> Repository<'_> {
        let path = self.path(name);
        let mut init = git();
        init.args(["init", "-q", "--bare", "-b", "main"]).args(options).arg(&path);
        assert_eq!(self.run(&mut init).code, 0);
        Repository { forge: self, path }
    }

    /// Installs the hook.
    pub fn install(&self, repository: &Repository<'_>) {
        let said = self.cli(["hooks".as_ref(), "install".as_ref(), repository.path.as_os_str()]);
        assert_eq!(said.code, 0, "{said:?}");
        // Tests run side by side on small machines: a daemon that is busy is not away.
        repository.set("hello_timeout_ms", "20000");
    }

    /// Runs the command line on this instance.
    pub fn cli<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Said {
        self.cli_with_input(arguments, "")
    }

    /// Runs the command line with something on its standard input.
    pub fn cli_with_input<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Said {
        let file = self.path("stdin");
        fs::write(&file, input).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(arguments).arg("--config").arg(self.config());
        command.stdin(fs::File::open(&file).unwrap());
        let said = self.run(&mut command);
        fs::remove_file(file).unwrap();
        said
    }

    /// Runs the command line with nothing but these arguments: no `--config` is added.
    pub fn bare_cli<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Said {
        self.run(Command::new(PROGRAM).args(arguments).stdin(Stdio::null()))
    }

    /// Runs a command of a line, cut at blanks.
    pub fn say(&self, line: &str) -> Said {
        self.cli(line.split_whitespace())
    }

    /// Runs the command line with `--format json` and reads its answer.
    pub fn json<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Value {
        let arguments = arguments.into_iter().chain(["--format", "json"]);
        let said = self.cli(arguments);
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }

    /// Returns all incidents.
    pub fn incidents(&self) -> Vec<Value> {
        list(&self.json(["incidents", "list"]), "incidents")
    }

    /// Returns all tickets.
    pub fn tickets(&self) -> Vec<Value> {
        list(&self.json(["tickets", "list"]), "tickets")
    }

    /// Returns the pushes on record, newest first.
    pub fn pushes(&self) -> Vec<Value> {
        list(&self.json(["pushes", "list"]), "pushes")
    }

    /// Returns what pushes brought and nobody scanned.
    pub fn unscanned(&self) -> Vec<Value> {
        list(&self.json(["pushes", "unscanned"]), "unscanned")
    }

    /// Returns the names of everything that lies in the spool.
    pub fn spool(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("i/spool")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// Starts the daemon where it must not start, and returns what it said.
    pub fn serve_in_vain(&self) -> Said {
        let mut command = Command::new("timeout");
        command.arg(PATIENCE.as_secs().to_string()).args([PROGRAM, "serve", "--config"]);
        self.run(command.arg(self.config()))
    }

    /// Runs a program to its end and remembers what it said.
    pub fn run(&self, command: &mut Command) -> Said {
        let output = command.output().unwrap();
        self.remember(&output);
        Said::of(&output)
    }

    fn remember(&self, output: &Output) {
        let mut seen = self.seen.borrow_mut();
        seen.extend_from_slice(&output.stdout);
        seen.extend_from_slice(&output.stderr);
    }

    /// Searches what the daemon wrote for a secret that other programs may have printed.
    #[track_caller]
    pub fn assert_not_written(&self, secret: &str) {
        let mut files = Vec::new();
        collect_files(&self.path("i"), &mut files);
        for (file, content) in files {
            for guise in guises(secret) {
                assert!(memchr::memmem::find(&content, &guise).is_none(), "it stands in {file}");
            }
        }
    }

    /// Searches everything that was said or written for the planted secrets.
    fn search_for_secrets(&self) {
        let secrets = self.secrets.borrow();
        let needles: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| guises(secret)).collect();
        let said = self.seen.borrow();
        let mut places = vec![("something that was said".to_owned(), said.clone())];
        collect_files(&self.path("i"), &mut places);
        for (place, content) in places {
            for needle in &needles {
                let found = memchr::memmem::find(&content, needle).is_some();
                assert!(!found, "a secret stands in {place}");
            }
        }
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        if self.daemon.borrow().is_some() && !std::thread::panicking() {
            self.stop();
        }
        if let Some(mut daemon) = self.daemon.borrow_mut().take() {
            eprintln!("the daemon said:\n{}", daemon.said());
            drop(daemon.child.kill());
            drop(daemon.child.wait());
        }
        if !std::thread::panicking() {
            self.search_for_secrets();
        }
    }
}

impl Daemon {
    fn said(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }
}

impl Said {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Whether git let the push in.
    pub fn is_accepted(&self) -> bool {
        self.code == 0
    }

    /// Returns what the server said, as the pusher reads it: without `remote: `, and without how far
    /// it was where the machine is slow.
    pub fn remote(&self) -> String {
        let lines = self.err.lines().filter_map(|line| line.strip_prefix("remote: "));
        let lines = lines.filter(|line| !line.starts_with("pushwarden: scanning "));
        lines.map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

/// A bare repository on the server.
pub struct Repository<'f> {
    pub forge: &'f Forge,
    pub path: PathBuf,
}

impl<'f> Repository<'f> {
    /// Clones it.
    pub fn clone_as(&self, name: &str) -> Work<'f> {
        let path = self.forge.path(name);
        let mut clone = git();
        clone.arg("clone").arg("-q").arg(&self.path).arg(&path);
        assert_eq!(self.forge.run(&mut clone).code, 0);
        Work { forge: self.forge, path }
    }

    /// Runs git in it.
    pub fn git(&self, arguments: &[&str]) -> Said {
        self.forge.run(git().arg("-C").arg(&self.path).args(arguments))
    }

    /// Whether it holds an object.
    pub fn has(&self, object: &str) -> bool {
        self.git(&["cat-file", "-e", object]).code == 0
    }

    /// Installs the hook anew before a hook of somebody else's, given as a shell script.
    pub fn chain(&self, script: &str) {
        let hook = self.path.join("hooks/pre-receive");
        let uninstall = ["hooks".as_ref(), "uninstall".as_ref(), self.path.as_os_str()];
        assert_eq!(self.forge.cli(uninstall).code, 0);
        fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        self.forge.install(self);
    }

    /// Does something while the repository has no hook.
    pub fn unguarded(&self, act: impl FnOnce()) {
        let (hook, aside) = (self.path.join("hooks/pre-receive"), self.path.join("hooks/aside"));
        fs::rename(&hook, &aside).unwrap();
        act();
        fs::rename(aside, hook).unwrap();
    }

    /// Changes a line of the hook's settings.
    pub fn set(&self, key: &str, value: &str) {
        let file = self.path.join("hooks/pre-receive.pushwarden");
        let text = fs::read_to_string(&file).unwrap();
        let kept = text.lines().filter(|line| !line.starts_with(&format!("{key} =")));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        fs::write(&file, format!("{kept}{key} = {value}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    }
}

/// A developer's clone.
pub struct Work<'f> {
    pub forge: &'f Forge,
    pub path: PathBuf,
}

impl Work<'_> {
    /// Runs git in it, which must succeed, and returns what it printed, trimmed.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        let said = self.try_git(arguments);
        assert_eq!(said.code, 0, "git {arguments:?}: {said:?}");
        said.out.trim_end().to_owned()
    }

    /// Runs git in it.
    pub fn try_git(&self, arguments: &[&str]) -> Said {
        self.forge.run(git().arg("-C").arg(&self.path).args(arguments))
    }

    /// Runs a shell script in it, with git as this suite sets it up.
    pub fn shell(&self, script: &str) -> Said {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(&self.path);
        isolate(&mut command);
        self.forge.run(&mut command)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a file and commits it; returns the commit.
    pub fn commit(&self, path: &str, content: impl AsRef<[u8]>, message: &str) -> String {
        self.write(path, content);
        self.git(&["add", "--all"]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Starts to push refspecs, and goes on.
    pub fn start_push(&self, refspecs: &[&str]) -> Pushing<'_> {
        let mut push = git();
        push.arg("-C").arg(&self.path).args(["push", "origin"]).args(refspecs);
        let child = push.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Pushing { forge: self.forge, child }
    }

    /// Pushes refspecs.
    pub fn push(&self, refspecs: &[&str]) -> Said {
        self.forge.run(git().arg("-C").arg(&self.path).args(["push", "origin"]).args(refspecs))
    }
}

/// A push under way.
pub struct Pushing<'f> {
    forge: &'f Forge,
    pub child: Child,
}

impl Pushing<'_> {
    /// Waits for its end.
    pub fn end(self) -> Said {
        let output = self.child.wait_with_output().unwrap();
        self.forge.remember(&output);
        Said::of(&output)
    }
}

impl Work<'_> {
    /// Pushes refspecs with more in the server's environment than usual: who the web server says
    /// that it is, for example.
    pub fn push_as(&self, environment: &[(&str, &str)], refspecs: &[&str]) -> Said {
        let mut push = git();
        push.arg("-C").arg(&self.path).args(["push", "origin"]).args(refspecs);
        self.forge.run(push.envs(environment.iter().copied()))
    }
}

/// Returns git with a configuration, home, locale, author and dates of its own.
pub fn git() -> Command {
    let mut command = Command::new("git");
    isolate(&mut command);
    command
}

/// Sets what makes git the same everywhere.
pub fn isolate(command: &mut Command) {
    for (name, value) in [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.org"),
        ("GIT_AUTHOR_DATE", "2026-11-01T12:00:00Z"),
        ("GIT_COMMITTER_DATE", "2026-11-01T12:00:00Z"),
    ] {
        command.env(name, value);
    }
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
}

/// Waits until `holds`, looking again and again.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns the items of a list.
pub fn list(page: &Value, plural: &str) -> Vec<Value> {
    page[plural].as_array().unwrap_or_else(|| panic!("no {plural} in {page}")).clone()
}

/// A secret as it could stand somewhere: plain, in hex, in base64 at each offset, URL-encoded.
fn guises(secret: &str) -> Vec<Vec<u8>> {
    let plain = secret.as_bytes().to_vec();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = secret
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let mut guises = vec![plain, hex.clone().into_bytes(), hex.to_uppercase().into_bytes()];
    guises.push(url.into_bytes());
    for offset in 0..3 {
        // What stands before shifts the groups of three; the edges mix with neighbours.
        let encoded = BASE64_STANDARD.encode([&b"xx"[..offset.min(2)], secret.as_bytes()].concat());
        let inner = encoded.get(4..encoded.len().saturating_sub(4)).unwrap_or_default();
        if inner.len() >= 8 {
            guises.push(inner.as_bytes().to_vec());
        }
    }
    guises
}

fn collect_files(directory: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            collect_files(&path, files);
        } else if kind.is_file() {
            let mut content = Vec::new();
            fs::File::open(&path).unwrap().read_to_end(&mut content).unwrap();
            files.push((path.display().to_string(), content));
        }
    }
}
