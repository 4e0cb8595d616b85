//! `pushwarden rules`: what is looked for, and whether each rule finds its own examples.

use serde_json::{Value, json};

use super::format::Format;
use super::table::{self, Column, text};
use super::{CliError, DONE, FOUND, Terminal, print_json};
use crate::app;
use crate::config::Config;
use crate::rule::{Rule, Ruleset};
use crate::scan::{Engine, Window, check};
use crate::wire::count;

/// Lists, shows and checks the rules
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  pushwarden rules list")]
pub enum RulesCommand {
    /// Lists the rules in use
    #[command(after_help = "Example:\n  pushwarden rules list --format json")]
    List {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Shows a rule
    #[command(after_help = "Example:\n  pushwarden rules show github-pat-classic")]
    Show {
        /// The rule's id
        id: String,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Runs every rule against the examples that it must and must not find
    #[command(after_help = "Example:\n  pushwarden rules check")]
    Check {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Tells which rules find something in a text on standard input
    #[command(after_help = "Example:\n  pushwarden rules test < deploy.env")]
    Test {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// The longest text that `rules test` reads, in bytes; `scan -` takes any length.
const TEXT_BYTES_MAX: u64 = 16 << 20;

const COLUMNS: &[Column] = &[
    Column { heading: "ID", cell: |item| text(item, &["id"]) },
    Column { heading: "PROVIDER", cell: |item| text(item, &["provider"]) },
    Column { heading: "CONFIDENCE", cell: |item| text(item, &["confidence"]) },
    Column { heading: "SEVERITY", cell: |item| text(item, &["severity"]) },
    Column { heading: "DESCRIPTION", cell: |item| text(item, &["description"]) },
];

/// Runs the command.
///
/// # Errors
/// If the rules cannot be loaded.
pub fn run(
    command: &RulesCommand,
    config: &Config,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    let ruleset = app::load_rules(config)
        .map_err(|error| CliError::failed("the rules cannot be used", error, "mend them"))?;
    match command {
        RulesCommand::List { format } => list(&ruleset, *format, terminal),
        RulesCommand::Show { id, format } => show(&ruleset, id, *format, terminal),
        RulesCommand::Check { format } => run_examples(&ruleset, *format, terminal),
        RulesCommand::Test { format } => test(ruleset, *format, terminal),
    }
}

fn describe(rule: &Rule) -> Value {
    json!({
        "id": rule.id, "description": rule.description, "provider": rule.provider,
        "identity": rule.identity, "keywords": rule.keywords, "pattern": rule.pattern,
        "confidence": rule.confidence, "severity": rule.severity,
        "validators": rule.validators.iter().map(|v| &v.name).collect::<Vec<_>>(),
        "facts": rule.facts.iter().map(|fact| &fact.name).collect::<Vec<_>>(),
        "reach": rule.reach, "revoke": {"how": rule.revocation.how, "url": rule.revocation.url},
        "replacement": rule.replacement, "references": rule.references, "file": rule.file,
    })
}

fn list(ruleset: &Ruleset, format: Format, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    let rules: Vec<Value> = ruleset.rules().iter().map(describe).collect();
    match format {
        Format::Json => print_json(&json!({"rules": rules, "next": null}), terminal)?,
        Format::Text => table::print(&rules, COLUMNS, terminal.out)?,
    }
    Ok(DONE)
}

fn show(
    ruleset: &Ruleset,
    id: &str,
    format: Format,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    let rule = ruleset.find(id).ok_or_else(|| {
        CliError::usage(format!("there is no rule `{id}`"), "see `pushwarden rules list`")
    })?;
    if format == Format::Json {
        print_json(&describe(rule), terminal)?;
        return Ok(DONE);
    }
    let out = &mut *terminal.out;
    writeln!(out, "{}: {} ({})", rule.id, rule.description, rule.provider)?;
    writeln!(out, "  identity     {}", rule.identity)?;
    writeln!(out, "  confidence   {}", rule.confidence.as_str())?;
    writeln!(out, "  severity     {}", rule.severity.as_str())?;
    writeln!(out, "  keywords     {}", rule.keywords.join(" "))?;
    writeln!(out, "  pattern      {}", rule.pattern)?;
    writeln!(out, "  reach        {}", rule.reach)?;
    writeln!(out, "  revoke       {}", rule.revocation.how)?;
    if let Some(url) = &rule.revocation.url {
        writeln!(out, "               {url}")?;
    }
    writeln!(out, "  replacement  {}", rule.replacement)?;
    for reference in &rule.references {
        writeln!(out, "  reference    {reference}")?;
    }
    writeln!(out, "  file         {}", rule.file)?;
    Ok(DONE)
}

fn run_examples(
    ruleset: &Ruleset,
    format: Format,
    terminal: &mut Terminal<'_>,
) -> Result<u8, CliError> {
    let report = check::run(ruleset)
        .map_err(|error| CliError::failed("the rules make no engine", error, "mend the rule"))?;
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    match format {
        Format::Json => {
            let (rules, examples) = (report.rules, report.examples);
            let body = json!({"checked": rules, "examples": examples, "failures": failures});
            print_json(&body, terminal)?;
        }
        Format::Text => {
            for failure in &failures {
                writeln!(terminal.out, "{failure}")?;
            }
            let (rules, examples) =
                (count(report.rules, "rule"), count(report.examples, "example"));
            writeln!(terminal.out, "{rules}, {examples}, {} failed", failures.len())?;
        }
    }
    Ok(if failures.is_empty() { DONE } else { FOUND })
}

fn test(ruleset: Ruleset, format: Format, terminal: &mut Terminal<'_>) -> Result<u8, CliError> {
    let mut input = Vec::new();
    let stdin = std::io::stdin().lock();
    std::io::Read::read_to_end(&mut std::io::Read::take(stdin, TEXT_BYTES_MAX), &mut input)
        .map_err(|error| CliError::failed("cannot read standard input", error, "pipe a text in"))?;
    let engine = Engine::new(std::sync::Arc::new(ruleset))
        .map_err(|error| CliError::failed("the rules make no engine", error, "mend the rule"))?;
    let mut lines = crate::scan::Lines::new(&input);
    let mut found = Vec::new();
    let effort = engine.scan(&Window::whole(&input), &mut |hit| {
        let span = lines.span(hit.range.clone());
        found.push(json!({
            "rule": hit.rule.id, "line": span.line, "column": span.column,
            "confidence": hit.confidence, "reasons": hit.reasons,
        }));
    });
    if !effort.is_complete() {
        writeln!(terminal.err, "part of the text was not scanned: it exhausts a rule")?;
        return Ok(super::FAILED);
    }
    let none = found.is_empty();
    match format {
        Format::Json => print_json(&json!({"matches": found}), terminal)?,
        Format::Text => {
            let columns: &[Column] = &[
                Column { heading: "RULE", cell: |item| text(item, &["rule"]) },
                Column { heading: "LINE", cell: |item| text(item, &["line"]) },
                Column { heading: "COLUMN", cell: |item| text(item, &["column"]) },
                Column { heading: "CONFIDENCE", cell: |item| text(item, &["confidence"]) },
                Column { heading: "BECAUSE", cell: |item| text(item, &["reasons"]) },
            ];
            table::print(&found, columns, terminal.out)?;
        }
    }
    Ok(if none { DONE } else { FOUND })
}
