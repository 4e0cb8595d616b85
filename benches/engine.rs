//! What the engine costs for each byte of real source text, and what its stages take.
//!
//! ```text
//! cargo bench --bench engine -- [DIR] [--rounds N] [--megabytes N] [--only NAME]
//! ```
//!
//! DIR holds source text, by default the sources of crates that cargo keeps. Everything runs on one
//! thread, over the same bytes in memory, in turn; the fastest round counts. Yardsticks run beside it:
//! a count of line breaks (memchr) for what memory gives; and, over the first bytes of the text only, as
//! they are slow, an Aho-Corasick automaton of all keywords and a set of all patterns, as `RegexSet`
//! has it. With `--only` just the passes whose names have NAME run.

use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use anyhow::{Context as _, bail};
use pushwarden::rule::{Argument, Rule, Ruleset, Validator, pattern};
use pushwarden::scan::{Engine, Stage, Window, tokens};
use regex_automata::{Input, PatternSet, meta};

/// The longest file that is read, in bytes: longer ones are data more often than source.
const FILE_BYTES_MAX: u64 = 512 << 10;

/// How files of source text end.
const ENDINGS: [&str; 18] = [
    "c", "cc", "cpp", "css", "go", "h", "html", "java", "js", "json", "md", "py", "rs", "sh",
    "toml", "ts", "txt", "yml",
];

/// The text that the automaton of keywords sees, in bytes.
const KEYWORDS_BYTES: usize = 4 << 20;

/// The text that the set of all patterns sees, in bytes: it is slower again.
const PATTERNS_BYTES: usize = 128 << 10;

/// Numbers of rules that the engine is measured with.
const RULES: [usize; 4] = [100, 300, 600, 1_200];

/// A pass over one text; what it returns keeps the compiler from leaving it out.
type Pass<'p> = Box<dyn Fn(&[u8]) -> usize + 'p>;

struct Options {
    directory: PathBuf,
    rounds: usize,
    bytes: usize,
    only: String,
}

fn main() -> anyhow::Result<()> {
    let options = options()?;
    let corpus = Corpus::read(&options.directory, options.bytes)?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} files, {} MB of {}; one thread, best of {} rounds",
        corpus.texts.len(),
        corpus.bytes / 1_000_000,
        options.directory.display(),
        options.rounds
    )?;
    let started = Instant::now();
    let ruleset = load(&[])?;
    let loaded = started.elapsed();
    let engine = Engine::new(Arc::new(ruleset))?;
    writeln!(
        out,
        "{} rules: loaded in {loaded:.1?}, ready after {:.1?}",
        engine.ruleset().rules().len(),
        started.elapsed()
    )?;
    let passes = passes(&engine)?;
    report(&mut out, &options, &corpus, passes)?;
    if !options.only.is_empty() {
        return Ok(());
    }
    report_findings(&mut out, &engine, &corpus)?;
    report_rules(&mut out, &options, &corpus)
}

fn passes(engine: &Engine) -> anyhow::Result<Vec<(String, usize, Pass<'_>)>> {
    let rules = engine.ruleset().rules();
    let keywords = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(rules.iter().flat_map(|rule| &rule.keywords))?;
    let patterns = patterns(rules)?;
    let named = |name: &str, bytes, pass| (name.to_owned(), bytes, pass);
    Ok(vec![
        named(
            "line breaks (memchr)",
            usize::MAX,
            Box::new(|text: &[u8]| memchr::memchr_iter(b'\n', text).count()) as Pass<'_>,
        ),
        named(
            "engine: look",
            usize::MAX,
            Box::new(|text: &[u8]| engine.rehearse(Stage::Look, text)),
        ),
        named(
            "engine: look, find",
            usize::MAX,
            Box::new(|text: &[u8]| engine.rehearse(Stage::Find, text)),
        ),
        named("engine: all", usize::MAX, Box::new(|text: &[u8]| scan(engine, text))),
        named(
            "tokens of known secrets",
            usize::MAX,
            Box::new(|text: &[u8]| {
                let mut count = 0;
                tokens(text, 0..text.len(), &mut |_| count += 1);
                count
            }),
        ),
        named(
            "keywords (Aho-Corasick)",
            KEYWORDS_BYTES,
            Box::new(move |text: &[u8]| keywords.find_overlapping_iter(text).count()),
        ),
        named(
            "patterns (RegexSet)",
            PATTERNS_BYTES,
            Box::new(move |text: &[u8]| {
                let mut found = PatternSet::new(patterns.pattern_len());
                patterns.which_overlapping_matches(&Input::new(text), &mut found);
                found.len()
            }),
        ),
    ])
}

/// One automaton of all patterns, which says of a text which of them match.
fn patterns(rules: &[Rule]) -> anyhow::Result<meta::Regex> {
    let trees = rules.iter().map(|rule| pattern::tree(&rule.pattern));
    let trees = trees.collect::<Result<Vec<_>, _>>()?;
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(None)
        .match_kind(regex_automata::MatchKind::All);
    Ok(meta::Regex::builder().configure(config).build_many_from_hir(&trees)?)
}

fn scan(engine: &Engine, text: &[u8]) -> usize {
    let mut found = 0;
    let effort = engine.scan(&Window::whole(text), &mut |_| found += 1);
    found + usize::from(!effort.is_complete())
}

/// Runs the passes in turn, and prints the fastest round of each.
fn report(
    out: &mut dyn Write,
    options: &Options,
    corpus: &Corpus,
    passes: Vec<(String, usize, Pass<'_>)>,
) -> anyhow::Result<()> {
    let passes: Vec<_> =
        passes.into_iter().filter(|(name, ..)| name.contains(&options.only)).collect();
    let mut best = vec![(Duration::MAX, 0, 0); passes.len()];
    for _ in 0..options.rounds {
        for ((_, bytes, pass), best) in passes.iter().zip(&mut best) {
            *best = run(corpus, *bytes, pass).min(*best);
        }
    }
    writeln!(
        out,
        "\n{:<28}{:>9}{:>11}{:>14}{:>12}",
        "pass", "MB/s", "us per MB", "x line breaks", "hits per MB"
    )?;
    let base = best.first().map_or(1.0, |best| pace(*best));
    for ((name, ..), best) in passes.iter().zip(best) {
        let (pace, hits) = (pace(best), float(best.2) * 1e6 / float(best.1));
        writeln!(
            out,
            "{name:<28}{:>9.0}{pace:>11.1}{:>14.1}{hits:>12.1}",
            1e6 / pace,
            pace / base
        )?;
    }
    Ok(())
}

/// Runs a pass over the corpus, or the first `bytes` of it: time, bytes, hits.
fn run(corpus: &Corpus, bytes: usize, pass: &Pass<'_>) -> (Duration, usize, usize) {
    let (mut seen, mut hits) = (0, 0);
    let started = Instant::now();
    for text in &corpus.texts {
        if seen >= bytes {
            break;
        }
        seen += text.len();
        hits += black_box(pass(black_box(text)));
    }
    (started.elapsed(), seen, hits)
}

/// Microseconds for each megabyte.
fn pace((time, bytes, _): (Duration, usize, usize)) -> f64 {
    time.as_secs_f64() * 1e12 / float(bytes)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}

/// Prints what regular expressions had to do, and which rules found most.
fn report_findings(out: &mut dyn Write, engine: &Engine, corpus: &Corpus) -> anyhow::Result<()> {
    let (mut searched, mut judged, mut found) = (0, 0, std::collections::BTreeMap::new());
    for text in &corpus.texts {
        let effort = engine.scan(&Window::whole(text), &mut |hit| {
            *found.entry(hit.rule.id.to_string()).or_insert(0_usize) += 1;
        });
        searched += effort.searched_bytes;
        judged += effort.judged;
    }
    let megabytes = float(corpus.bytes) / 1e6;
    let share = |count: u64| float(usize::try_from(count).unwrap_or(usize::MAX)) / megabytes;
    writeln!(
        out,
        "\nfor each MB: {:.0} bytes searched by regular expressions, {:.1} matches judged, {:.1} findings",
        share(searched),
        share(judged),
        float(found.values().sum()) / megabytes
    )?;
    let mut most: Vec<_> = found.into_iter().collect();
    most.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let most = most.iter().take(5).map(|(rule, count)| format!("{rule} {count}"));
    writeln!(out, "most found: {}", most.collect::<Vec<_>>().join(", "))?;
    Ok(())
}

/// Prints what more rules cost.
fn report_rules(out: &mut dyn Write, options: &Options, corpus: &Corpus) -> anyhow::Result<()> {
    let shipped = load(&[])?;
    writeln!(out, "\n{:<28}{:>9}{:>11}{:>14}", "rules", "MB/s", "us per MB", "ready after")?;
    let mut engines = Vec::new();
    for count in RULES {
        let files = synthetic(shipped.rules(), count);
        let started = Instant::now();
        let ruleset =
            Ruleset::load(&files).map_err(|errors| anyhow::anyhow!("{} errors", errors.len()))?;
        let rules = ruleset.rules().len();
        engines.push((rules, Engine::new(Arc::new(ruleset))?, started.elapsed()));
    }
    let mut best = vec![(Duration::MAX, 0, 0); engines.len()];
    for _ in 0..options.rounds {
        for ((_, engine, _), best) in engines.iter().zip(&mut best) {
            let pass: Pass<'_> = Box::new(|text| scan(engine, text));
            *best = run(corpus, usize::MAX, &pass).min(*best);
        }
    }
    for ((rules, _, ready), best) in engines.iter().zip(best) {
        let pace = pace(best);
        writeln!(out, "{rules:<28}{:>9.0}{pace:>11.1}{ready:>14.1?}", 1e6 / pace)?;
    }
    Ok(())
}

/// `count` rules: shipped ones, and copies of those with one keyword under another name.
fn synthetic(shipped: &[Rule], count: usize) -> Vec<(String, String)> {
    // Spread over all families, whatever the count.
    let kept = shipped.iter().enumerate().filter(|(number, _)| {
        count >= shipped.len()
            || (number + 1) * count / shipped.len() > number * count / shipped.len()
    });
    let kept = kept.map(|(_, rule)| toml(rule, rule.id.as_str(), &rule.keywords, &rule.pattern));
    let renamed =
        (1..26).flat_map(|turn| shipped.iter().filter_map(move |rule| rename(rule, turn)));
    kept.chain(renamed).take(count).map(|text| ("synthetic.toml".to_owned(), text)).collect()
}

fn rename(rule: &Rule, turn: u8) -> Option<String> {
    let [keyword] = rule.keywords.as_slice() else { return None };
    let turned: String = keyword.chars().map(|letter| turned(letter, turn)).collect();
    let plain = keyword.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let fits = plain && !rule.generic && turned != *keyword && rule.pattern.contains(keyword);
    let pattern = rule.pattern.replace(keyword, &turned);
    fits.then(|| toml(rule, &format!("turned-{turn}-{}", rule.id), &[turned], &pattern))
}

fn turned(letter: char, turn: u8) -> char {
    let base = if letter.is_ascii_lowercase() { b'a' } else { b'A' };
    match u8::try_from(letter) {
        Ok(byte) if byte.is_ascii_alphabetic() => char::from((byte - base + turn) % 26 + base),
        _ => letter,
    }
}

fn toml(rule: &Rule, id: &str, keywords: &[String], pattern: &str) -> String {
    let validators: Vec<String> = rule.validators.iter().map(validator).collect();
    format!(
        "[[rule]]\nid = '{id}'\ndescription = 'd'\nprovider = 'p'\nidentity = 'i'\nkeywords = {keywords:?}\n\
         pattern = '''{pattern}'''\nsecret_group = {}\nspan_bytes_max = {}\nvalidators = [{}]\n\
         confidence = '{}'\nseverity = 'high'\nreach = 'r'\nrevoke = {{ how = 'h' }}\n\
         replacement = 'r'\nexamples = {{ match = ['a', 'b'], reject = ['a', 'b'] }}\n",
        rule.secret_group,
        rule.span_bytes_max,
        validators.join(", "),
        rule.confidence.as_str()
    )
}

fn validator(validator: &Validator) -> String {
    let argument = match &validator.argument {
        None => "true".to_owned(),
        Some(Argument::Number(number)) => number.to_string(),
        Some(Argument::Text(text)) => format!("'{text}'"),
    };
    format!("{{ {} = {argument} }}", validator.name)
}

fn load(files: &[(String, String)]) -> anyhow::Result<Ruleset> {
    Ruleset::with_shipped(files).map_err(|errors| anyhow::anyhow!("{} errors", errors.len()))
}

/// Source text in memory.
struct Corpus {
    texts: Vec<Vec<u8>>,
    bytes: usize,
}

impl Corpus {
    fn read(directory: &Path, bytes_max: usize) -> anyhow::Result<Self> {
        let mut paths = Vec::new();
        list(directory, &mut paths)
            .with_context(|| format!("cannot list {}", directory.display()))?;
        // Neighbours are of one crate, and alike.
        paths.sort_by_key(|path| {
            path.file_name().map(|name| {
                name.as_encoded_bytes()
                    .iter()
                    .fold(17_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(*byte))
            })
        });
        let mut corpus = Self { texts: Vec::new(), bytes: 0 };
        for path in paths {
            if corpus.bytes >= bytes_max {
                break;
            }
            let text = fs::read(&path)?;
            corpus.bytes += text.len();
            corpus.texts.push(text);
        }
        if corpus.bytes == 0 {
            bail!("{} holds no source text; name a directory that does", directory.display());
        }
        Ok(corpus)
    }
}

/// Lists files of source text below `directory`; symbolic links are not followed.
fn list(directory: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() {
            list(&path, paths)?;
        } else if kind.is_file() && entry.metadata()?.len() <= FILE_BYTES_MAX {
            let ending = path.extension().and_then(|ending| ending.to_str());
            if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
                paths.push(path);
            }
        }
    }
    Ok(())
}

fn options() -> anyhow::Result<Options> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut options = Options {
        directory: home.unwrap_or_default().join("registry/src"),
        rounds: 7,
        bytes: 100_000_000,
        only: String::new(),
    };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--rounds" => options.rounds = value()?.parse()?,
            "--megabytes" => options.bytes = value()?.parse::<usize>()? * 1_000_000,
            "--only" => options.only = value()?,
            "--bench" => {}
            directory => options.directory = PathBuf::from(directory),
        }
    }
    Ok(options)
}
