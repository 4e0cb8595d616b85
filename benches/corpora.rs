//! How well the shipped rules tell secrets from other things, over labelled cases.
//!
//! ```text
//! cargo bench --bench corpora -- DIR [--misses N]      DIR/corpora/NAME.jsonl   the labels
//!                                                      DIR/cases/FILE           the files
//! ```
//!
//! A label is a JSON object a line: `file` (below `cases`), `label` (`secret` or `not_secret`),
//! `provider`, and where known `secret` or `secrets`. A label with `line_start` and `line_end` is
//! for these lines of a file that it shares with other labels; one without is for a file of its
//! own. A secret is hit by a finding whose text overlaps it; where the label names none, by any
//! finding there. A finding where `not_secret` stands, and no secret, is a false positive.
//!
//! The cases belong to other projects and are no part of this repository. Without them the program
//! says so and measures nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use pushwarden::policy::{Action, Policy};
use pushwarden::rule::Ruleset;
use pushwarden::scan::{Engine, Pieces};
use serde::Deserialize;

/// Kinds of labels that are no credentials: they are left out both ways.
const NOT_CREDENTIALS: [&str; 6] =
    ["UUID", "Nonce", "Salt", "AWS S3 Bucket", "Firebase Domain", "Tencent WeChat API App ID"];

/// The moment that tokens are judged at, in seconds since 1970: 2025, when the cases were collected.
const NOW_S: u64 = 1_750_000_000;

/// How many rules the list of offenders names.
const OFFENDERS: usize = 15;

/// The least share of the shorter text that overlaps, in percent, and the least bytes.
const OVERLAP_PERCENT: usize = 60;
const OVERLAP_BYTES_MIN: usize = 6;

/// The longest text that is looked for in another, in bytes.
const NEEDLE_BYTES_MAX: usize = 400;

fn main() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let Some(arguments) = Arguments::read() else {
        writeln!(out, "NOTHING WAS MEASURED: name the folder that holds corpora/ and cases/")?;
        return Ok(());
    };
    let ruleset = Ruleset::shipped().map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    writeln!(out, "{} rules\n", ruleset.rules().len())?;
    let engine = Engine::new(Arc::new(ruleset))?;
    let corpora = corpora(&arguments.folder)?;
    let cases = Cases { engine: &engine, folder: arguments.folder.join("cases") };
    let scored: Vec<(String, Score)> = corpora
        .into_iter()
        .map(|(name, labels)| Ok((name, cases.score(&labels)?)))
        .collect::<anyhow::Result<_>>()?;
    for level in [Level::Refuse, Level::Report] {
        print_table(&scored, level, &mut out)?;
        print_offenders(&scored, level, &mut out)?;
    }
    print_misses(&scored, arguments.misses, &mut out)?;
    Ok(())
}

struct Arguments {
    folder: PathBuf,
    misses: usize,
}

impl Arguments {
    /// Reads the command line; cargo adds `--bench`. `None` without a folder of cases.
    fn read() -> Option<Self> {
        let words: Vec<String> =
            std::env::args().skip(1).filter(|word| word != "--bench").collect();
        let at = words.iter().position(|word| word == "--misses");
        let misses = at.and_then(|at| words.get(at + 1)?.parse().ok()).unwrap_or(0);
        let folder = PathBuf::from(words.first()?);
        folder.join("corpora").is_dir().then_some(Self { folder, misses })
    }
}

/// A label as the corpora write it.
#[derive(Debug, Deserialize)]
struct Label {
    file: String,
    #[serde(rename = "label")]
    kind: String,
    provider: String,
    secret: Option<String>,
    #[serde(default)]
    secrets: Option<Vec<String>>,
    line_start: Option<u64>,
    line_end: Option<u64>,
}

impl Label {
    fn is_secret(&self) -> bool {
        self.kind == "secret"
    }

    /// The secrets that it names; none means any.
    fn wanted(&self) -> impl Iterator<Item = &str> {
        let more = self.secrets.iter().flatten();
        self.secret.iter().chain(more).map(String::as_str).filter(|secret| !secret.is_empty())
    }

    fn touches(&self, hit: &Hit) -> bool {
        self.line_end.is_none_or(|end| hit.line <= end)
            && self.line_start.is_none_or(|start| hit.line_end >= start)
    }

    fn is_hit_by(&self, hit: &Hit) -> bool {
        let mut wanted = self.wanted().peekable();
        self.touches(hit)
            && (wanted.peek().is_none() || wanted.any(|secret| overlap(secret, &hit.text)))
    }
}

/// Reads every corpus, in the order of their names.
fn corpora(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<Label>>> {
    let mut corpora = BTreeMap::new();
    for entry in fs::read_dir(folder.join("corpora"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        let labels: Result<_, _> = text.lines().map(serde_json::from_str).collect();
        corpora.insert(name, labels.with_context(|| format!("{}", path.display()))?);
    }
    Ok(corpora)
}

/// A finding in a case.
struct Hit {
    rule: String,
    refuses: bool,
    text: String,
    line: u64,
    line_end: u64,
}

/// What counts: what refuses a push, or everything that is reported.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Refuse,
    Report,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refused",
            Self::Report => "reported",
        }
    }

    fn counts(self, hit: &Hit) -> bool {
        self == Self::Report || hit.refuses
    }
}

#[derive(Default, Clone, Copy)]
struct Tally {
    hit: usize,
    missed: usize,
    false_positive: usize,
    negative: usize,
}

/// A corpus's score: its tallies, each rule's true and false positives, and what was missed.
#[derive(Default)]
struct Score {
    tallies: BTreeMap<Level, Tally>,
    rules: BTreeMap<(Level, String), (usize, usize)>,
    misses: Vec<String>,
}

struct Cases<'e> {
    engine: &'e Engine,
    folder: PathBuf,
}

impl Cases<'_> {
    fn score(&self, labels: &[Label]) -> anyhow::Result<Score> {
        let mut by_file = BTreeMap::<&str, Vec<&Label>>::new();
        for label in labels {
            by_file.entry(&label.file).or_default().push(label);
        }
        let mut score = Score::default();
        for (file, labels) in by_file {
            let hits = self.scan(&self.folder.join(file))?;
            for level in [Level::Refuse, Level::Report] {
                let hits: Vec<&Hit> = hits.iter().filter(|hit| level.counts(hit)).collect();
                score.file(level, &labels, &hits);
            }
        }
        Ok(score)
    }

    fn scan(&self, file: &Path) -> anyhow::Result<Vec<Hit>> {
        let bytes = fs::read(file).with_context(|| format!("{}", file.display()))?;
        let policy = Policy::default();
        let mut hits = Vec::new();
        let mut keep = |found: &pushwarden::scan::Found<'_>| {
            let (hit, span) = (&found.found, found.span);
            hits.push(Hit {
                rule: hit.rule.id.to_string(),
                refuses: policy.action_for(&hit.rule.id, hit.confidence) == Action::Refuse,
                text: String::from_utf8_lossy(hit.secret).into_owned(),
                line: span.line,
                line_end: span.end_line,
            });
        };
        let mut pieces = Pieces::new(self.engine, NOW_S);
        pieces.feed(&bytes, &mut |found| keep(&found));
        let effort = pieces.finish(&mut |found| keep(&found));
        anyhow::ensure!(effort.is_complete(), "{}: the scan gave up", file.display());
        Ok(hits)
    }
}

impl Score {
    /// Scores the labels of one file.
    fn file(&mut self, level: Level, labels: &[&Label], hits: &[&Hit]) {
        let core = |label: &&&Label| !NOT_CREDENTIALS.contains(&label.provider.as_str());
        let secrets = || labels.iter().filter(|label| label.is_secret());
        // A finding beside a label that is left out is not counted either.
        let spare = |hit: &Hit| {
            labels.iter().any(|label| (label.is_secret() || !core(&label)) && label.touches(hit))
        };
        for label in secrets().filter(core) {
            self.secret(level, label, hits.iter().filter(|hit| label.is_hit_by(hit)));
        }
        for label in labels.iter().filter(|label| label.kind == "not_secret").filter(core) {
            let wrong = hits.iter().filter(|hit| label.touches(hit) && !spare(hit));
            self.not_secret(level, wrong);
        }
    }

    fn secret<'h>(&mut self, level: Level, label: &Label, hits: impl Iterator<Item = &'h &'h Hit>) {
        let rules: Vec<&str> = distinct(hits);
        for rule in &rules {
            self.rules.entry((level, (*rule).to_owned())).or_default().0 += 1;
        }
        let tally = self.tallies.entry(level).or_default();
        if rules.is_empty() {
            tally.missed += 1;
            if level == Level::Report {
                let line = label.line_start.map(|line| format!(":{line}")).unwrap_or_default();
                self.misses.push(format!("{} {}{line}", label.provider, label.file));
            }
        } else {
            tally.hit += 1;
        }
    }

    fn not_secret<'h>(&mut self, level: Level, hits: impl Iterator<Item = &'h &'h Hit>) {
        let rules = distinct(hits);
        for rule in &rules {
            self.rules.entry((level, (*rule).to_owned())).or_default().1 += 1;
        }
        let tally = self.tallies.entry(level).or_default();
        tally.negative += 1;
        tally.false_positive += usize::from(!rules.is_empty());
    }
}

fn distinct<'h>(hits: impl Iterator<Item = &'h &'h Hit>) -> Vec<&'h str> {
    let mut rules: Vec<&str> = hits.map(|hit| hit.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// Says whether one text is in the other, or three fifths of the shorter one in one piece.
fn overlap(left: &str, right: &str) -> bool {
    let (left, right) = (squeeze(left), squeeze(right));
    let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
    if short.is_empty() {
        return false;
    }
    if contains(&long, &short) {
        return short.len() >= 4 || short == long;
    }
    let short = short.get(..NEEDLE_BYTES_MAX).unwrap_or(&short);
    let piece = (short.len() * OVERLAP_PERCENT / 100).max(OVERLAP_BYTES_MIN);
    short.windows(piece).any(|piece| contains(&long, piece))
}

fn contains(long: &[u8], short: &[u8]) -> bool {
    memchr::memmem::find(long, short).is_some()
}

/// Drops white space, line breaks as they are escaped, and the marks around a value.
fn squeeze(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    let text = text.replace("\\n", "");
    text.trim_matches(['\'', '"', '`', ',', ';']).as_bytes().to_vec()
}

fn print_table(scored: &[(String, Score)], level: Level, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", level.name())?;
    writeln!(
        out,
        "{:<24} {:>6} {:>6} {:>7}   {:>5} {:>6} {:>7}",
        "corpus", "found", "missed", "recall", "false", "of", "rate"
    )?;
    for (name, score) in scored {
        let tally = score.tallies.get(&level).copied().unwrap_or_default();
        let recall = share(tally.hit, tally.hit + tally.missed);
        let rate = share(tally.false_positive, tally.negative);
        writeln!(
            out,
            "{name:<24} {:>6} {:>6} {recall:>7}   {:>5} {:>6} {rate:>7}",
            tally.hit, tally.missed, tally.false_positive, tally.negative,
        )?;
    }
    writeln!(out)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn share(part: usize, whole: usize) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.3}", part as f64 / whole as f64) }
}

fn print_offenders(
    scored: &[(String, Score)],
    level: Level,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut rules = BTreeMap::<&str, (usize, usize)>::new();
    for ((at, rule), (right, wrong)) in scored.iter().flat_map(|(_, score)| &score.rules) {
        if *at == level {
            let sum = rules.entry(rule).or_default();
            *sum = (sum.0 + right, sum.1 + wrong);
        }
    }
    let mut worst: Vec<(&str, (usize, usize))> = rules.into_iter().collect();
    worst.sort_by_key(|(_, (_, wrong))| std::cmp::Reverse(*wrong));
    writeln!(out, "{:<36} {:>6} {:>6}", "rule", "right", "wrong")?;
    for (rule, (right, wrong)) in worst.iter().take(OFFENDERS).filter(|(_, (_, wrong))| *wrong > 0)
    {
        writeln!(out, "{rule:<36} {right:>6} {wrong:>6}")?;
    }
    writeln!(out)
}

fn print_misses(scored: &[(String, Score)], most: usize, out: &mut dyn Write) -> io::Result<()> {
    let misses = scored.iter().flat_map(|(_, score)| &score.misses);
    for miss in misses.take(most) {
        writeln!(out, "missed: {miss}")?;
    }
    Ok(())
}
