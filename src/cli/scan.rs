//! `pushwarden scan`: files, folders or standard input, with the engine that screens pushes.

use std::collections::HashSet;
use std::fs::{self, File, FileType};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::fs::OFlags;
use serde_json::{Value, json};

use super::{CliError, DONE, FAILED, FOUND, Terminal, print_json};
use crate::app;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::finding::{Container, Span};
use crate::policy::{Action, Policy};
use crate::scan::layer::{self, Layer, Limits, Part};
use crate::scan::{Engine, Found, Inside, Insides, Match, Pieces, Window};
use crate::secret::{Fingerprint, FingerprintKey, Preview};
use crate::wire::escape;

/// Scans files, folders or standard input (`-`) for credentials
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pushwarden scan src deploy --format jsonl\n  \
    git show HEAD:deploy.env | pushwarden scan -\n\n\
    Exit codes: 0 nothing found, 1 found, 3 something was not scanned")]
pub struct ScanArgs {
    /// Files and folders, or `-` for standard input; folders whole but for `.git`, links not
    /// followed
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: ScanFormat,
}

/// The form of the findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ScanFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON record a line.
    Jsonl,
}

/// What came of a file.
#[derive(Default)]
struct FileReport {
    records: Vec<Value>,
    /// What is among them: place, secret, and the parts of boxes around it.
    seen: HashSet<(Span, Fingerprint, Vec<Part>)>,
    is_exhausted: bool,
}

/// How much of a file is read at once.
const READ_BYTES: usize = 256 << 10;

/// The deepest folder that is entered. Links are not followed, so only a tree made to be deep
/// reaches it.
const DEPTH_MAX: usize = 256;

/// Runs the command.
///
/// # Errors
/// If the rules cannot be loaded or standard output is gone.
pub fn run(args: &ScanArgs, config: &Config, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    let unfit = |error| CliError::failed("the rules cannot be used", error, "mend them");
    let ruleset = Arc::new(app::load_rules(config).map_err(unfit)?);
    let engine = Engine::new(ruleset)
        .map_err(|error| CliError::failed("the rules make no engine", error, "mend the rule"))?;
    let now_s = u64::try_from(SystemClock.now().as_micros() / 1_000_000).unwrap_or(0);
    let (key, policy) = (key(config)?, app::policy_of(config));
    let mut scan = Scan { engine: &engine, key, policy, now_s, format: args.format, outcome: DONE };
    for path in &args.paths {
        if path.as_os_str() == "-" {
            scan.stream(path, &mut io::stdin().lock(), terminal.out)?;
        } else {
            scan.path(path, 0, terminal.out)?;
        }
    }
    Ok(scan.outcome)
}

/// The server's fingerprint key where this account can read it, so that fingerprints meet; else a
/// key for this run.
fn key(config: &Config) -> Result<FingerprintKey, CliError> {
    if let Ok(keys) = config.key_files().read() {
        return Ok(keys.fingerprint);
    }
    let mut key = [0; 32];
    rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| CliError::failed("no random bytes", error, "try again"))?;
    Ok(FingerprintKey::new(key))
}

struct Scan<'e> {
    engine: &'e Engine,
    key: FingerprintKey,
    policy: Policy,
    now_s: u64,
    format: ScanFormat,
    /// The exit code so far: not scanned outranks found.
    outcome: u8,
}

impl Scan<'_> {
    fn path(&mut self, path: &Path, depth: usize, out: &mut dyn Write) -> io::Result<()> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.unscanned(path, &error.to_string(), out),
        };
        let kind = metadata.file_type();
        if kind.is_dir() && depth >= DEPTH_MAX {
            self.unscanned(path, "too deep", out)
        } else if kind.is_dir() {
            self.directory(path, depth, out)
        } else if kind.is_file() {
            match open(path) {
                Ok(mut file) => self.stream(path, &mut file, out),
                Err(error) => self.unscanned(path, &error.to_string(), out),
            }
        } else if kind.is_symlink() {
            // Git stores a link's target as content, so its text is scanned and not what it names.
            match fs::read_link(path) {
                Ok(target) => self.stream(path, &mut target.as_os_str().as_bytes(), out),
                Err(error) => self.unscanned(path, &error.to_string(), out),
            }
        } else {
            self.unscanned(path, not_a_file(kind), out)
        }
    }

    fn directory(&mut self, path: &Path, depth: usize, out: &mut dyn Write) -> io::Result<()> {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries: Vec<PathBuf> = match entries {
            Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
            Err(error) => return self.unscanned(path, &error.to_string(), out),
        };
        entries.sort();
        for entry in entries {
            if entry.file_name().is_none_or(|name| name != ".git") {
                self.path(&entry, depth + 1, out)?;
            }
        }
        Ok(())
    }

    fn stream(&mut self, path: &Path, input: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
        let mut report = FileReport::default();
        let mut pieces = Pieces::new(self.engine, self.now_s);
        let mut insides = Insides::new(Limits::default());
        let mut buffer = vec![0; READ_BYTES];
        let failure = loop {
            match input.read(&mut buffer) {
                Ok(0) => break None,
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    pieces.feed(bytes, &mut |found| self.outer(path, &found, &mut report));
                    insides.feed(bytes, &mut |inside| self.inner(path, inside, &mut report));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        let effort = pieces.finish(&mut |found| self.outer(path, &found, &mut report));
        let left = insides.finish(&mut |inside| self.inner(path, inside, &mut report));
        for record in &report.records {
            self.print(record, out)?;
        }
        if !report.records.is_empty() && self.outcome == DONE {
            self.outcome = FOUND;
        }
        if !effort.is_complete() || report.is_exhausted {
            self.unscanned(path, "exhausted", out)?;
        }
        for left in left {
            self.unscanned(path, left.as_str(), out)?;
        }
        failure.map_or(Ok(()), |error| self.unscanned(path, &error.to_string(), out))
    }

    fn outer(&self, path: &Path, found: &Found<'_>, report: &mut FileReport) {
        self.add(path, &found.found, (found.span, Vec::new()), report);
    }

    fn inner(&self, path: &Path, inside: &Inside<'_>, report: &mut FileReport) {
        let effort = self.engine.scan(&Window::whole(inside.bytes()).at(self.now_s), &mut |hit| {
            let place = inside.place(hit.range.clone());
            self.add(path, &hit, place, report);
        });
        report.is_exhausted |= !effort.is_complete();
    }

    /// Adds a finding, unless it stands there already: texts inside repeat what is around them.
    fn add(
        &self,
        path: &Path,
        hit: &Match<'_>,
        (span, layers): (Span, Vec<Layer>),
        report: &mut FileReport,
    ) {
        let parts: Vec<Part> = layer::parts(&layers).cloned().collect();
        if report.seen.insert((span, self.key.fingerprint(hit.secret), parts)) {
            report.records.push(self.record(path, hit, span, &layers));
        }
    }

    /// Shows the name of a part, unless a secret stands in it.
    fn show(&self, name: &[u8]) -> Option<String> {
        let mut is_secret = false;
        let effort = self.engine.scan(&Window::whole(name), &mut |_| is_secret = true);
        (!is_secret && effort.is_complete()).then(|| escape::line(name, 200))
    }

    /// Builds a finding's record; the value itself is in no field of it.
    fn record(&self, path: &Path, hit: &Match<'_>, span: Span, layers: &[Layer]) -> Value {
        let layers: Vec<String> =
            layers.iter().map(|layer| layer.label(|name| self.show(name))).collect();
        let action = self.policy.action_for(&hit.rule.id, hit.confidence);
        let mut record = json!({
            "rule": hit.rule.id, "kind": "finding",
            "action": if action == Action::Refuse { "refuse" } else { "report" },
            "confidence": hit.confidence, "severity": hit.severity,
            "path": path.to_string_lossy(), "container": Container::Blob, "layers": layers,
            "line": span.line, "column": span.column, "end_line": span.end_line,
            "start": span.start, "end": span.end, "commit": null, "blob": null,
            "fingerprint": self.key.fingerprint(hit.secret),
            "preview": Preview::mask(hit.secret, hit.rule.masking),
            "facts": hit.facts,
        });
        add_raw_path(&mut record, path);
        record
    }

    fn unscanned(&mut self, path: &Path, reason: &str, out: &mut dyn Write) -> io::Result<()> {
        self.outcome = FAILED;
        let mut record = json!({
            "rule": null, "kind": "unscanned", "reason": reason, "action": null,
            "confidence": null, "severity": null, "path": path.to_string_lossy(),
            "container": Container::Blob, "layers": [], "line": null, "column": null,
            "end_line": null, "start": null, "end": null, "commit": null, "blob": null,
            "fingerprint": null, "preview": null, "facts": {},
        });
        add_raw_path(&mut record, path);
        self.print(&record, out)
    }

    fn print(&self, record: &Value, out: &mut dyn Write) -> io::Result<()> {
        if self.format == ScanFormat::Jsonl {
            let mut terminal = Terminal { out, err: &mut io::sink() };
            return print_json(record, &mut terminal);
        }
        let field = |name| super::table::text(record, &[name]);
        let path = escape::line(field("path").as_bytes(), 200);
        if field("kind") == "unscanned" {
            return writeln!(out, "{path}: not scanned: {}", field("reason"));
        }
        let layers = record["layers"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let inside: String = layers.flat_map(|layer| [" > ", layer]).collect();
        writeln!(
            out,
            "{path}:{}:{}{inside}: {} {} ({}, confidence {})",
            field("line"),
            field("column"),
            field("rule"),
            field("preview"),
            field("action"),
            field("confidence"),
        )
    }
}

/// Says what stands where a file should: reading it could wait for ever, or never end.
fn not_a_file(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a pipe, not a file"
    } else if kind.is_socket() {
        "a socket, not a file"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device, not a file"
    } else {
        "neither a file nor a folder nor a link"
    }
}

/// Opens a file without ever waiting for it: some of the kernel's own (`/proc/kmsg`) call
/// themselves files and give nothing until something happens, and what was a file when it was
/// listed may be a pipe by now.
fn open(path: &Path) -> io::Result<File> {
    let no_wait = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(no_wait.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Adds the bytes of a path that is not UTF-8.
fn add_raw_path(record: &mut Value, path: &Path) {
    if path.to_str().is_none()
        && let Some(fields) = record.as_object_mut()
    {
        let raw = BASE64_STANDARD.encode(path.as_os_str().as_bytes());
        fields.insert("path_base64".to_owned(), Value::String(raw));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_a_pipe_since_it_was_listed_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (file, pipe, link) =
            (folder.path().join("file"), folder.path().join("pipe"), folder.path().join("link"));
        fs::write(&file, "x").unwrap();
        assert!(open(&file).is_ok());
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert_eq!(open(&pipe).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(open(&link).is_err(), "a link is not followed");
    }
}
