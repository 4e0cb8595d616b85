//! `pushwarden scan`: files, folders or standard input, with the engine that screens pushes.

mod meter;
mod record;
mod tree;

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use self::meter::Meter;
use super::{CliError, DONE, FAILED, FOUND, Terminal};
use crate::app;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::finding::Span;
use crate::policy::Policy;
use crate::scan::layer::{self, Layer, Limits, Part};
use crate::scan::{Engine, Found, Inside, Insides, Match, Pieces, Window};
use crate::secret::{Fingerprint, FingerprintKey};
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
    let (format, meter) = (args.format, Meter::new());
    let mut scan = Scan { engine: &engine, key, policy, now_s, format, meter, outcome: DONE };
    for path in &args.paths {
        if path.as_os_str() == "-" {
            scan.stream(path, &mut io::stdin().lock(), terminal.out)?;
        } else {
            tree::walk(path, &mut |path, input| scan.file(path, input, terminal.out))?;
        }
    }
    scan.meter.finish();
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
    meter: Meter,
    /// The exit code so far: not scanned outranks found.
    outcome: u8,
}

impl Scan<'_> {
    /// Scans a file, unless it cannot be read.
    fn file(
        &mut self,
        path: &Path,
        input: Result<&mut dyn Read, &str>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match input {
            Ok(input) => self.stream(path, input, out),
            Err(reason) => self.unscanned(path, reason, out),
        }
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
                    self.meter.read(path, bytes.len());
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
            let names: Vec<_> = layers.iter().map(|l| l.label(|name| self.show(name))).collect();
            let mut facts = hit.facts.clone();
            facts.retain(|_, fact| self.show(fact.as_bytes()).is_some());
            let tools = (&self.key, &self.policy);
            report.records.push(record::found(path, (hit, facts), (span, &names), tools));
        }
    }

    /// Shows the name of a part, unless a secret stands in it.
    fn show(&self, name: &[u8]) -> Option<String> {
        let mut is_secret = false;
        let effort = self.engine.scan(&Window::whole(name), &mut |_| is_secret = true);
        (!is_secret && effort.is_complete()).then(|| escape::line(name, 200))
    }

    fn unscanned(&mut self, path: &Path, reason: &str, out: &mut dyn Write) -> io::Result<()> {
        self.outcome = FAILED;
        self.print(&record::unscanned(path, reason), out)
    }

    fn print(&self, record: &Value, out: &mut dyn Write) -> io::Result<()> {
        self.meter.suspend(|| record::print(record, self.format, out))
    }
}
