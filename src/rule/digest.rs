//! The digest of a ruleset: two rulesets with the same digest find the same.

use sha2::{Digest, Sha256};

use super::{Argument, Rule};

/// Stands in the digest for the engine itself, so that a new release scans afresh: validators and
/// decoders are code, and their changes are not in the rules' text.
const ENGINE: &str = concat!("pushwarden rules ", env!("CARGO_PKG_VERSION"));

pub(super) fn of(rules: &[Rule]) -> [u8; 32] {
    let mut hash = Sha256::new();
    text(&mut hash, ENGINE);
    number(&mut hash, rules.len());
    for rule in rules {
        add(&mut hash, rule);
    }
    hash.finalize().into()
}

fn add(hash: &mut Sha256, rule: &Rule) {
    text(hash, rule.id.as_str());
    list(hash, rule.keywords.iter());
    text(hash, &rule.pattern);
    number(hash, rule.secret_group);
    number(hash, rule.span_bytes_max);
    number(hash, rule.validators.len());
    for validator in &rule.validators {
        text(hash, &validator.name);
        text(hash, &argument(validator.argument.as_ref()));
    }
    text(
        hash,
        &format!("{} {:?} {:?} {:?}", rule.generic, rule.confidence, rule.severity, rule.masking),
    );
    number(hash, rule.facts.len());
    for fact in &rule.facts {
        list(hash, [&fact.name, &fact.group].into_iter());
        list(hash, fact.decoder.iter());
    }
}

fn argument(argument: Option<&Argument>) -> String {
    match argument {
        None => String::new(),
        Some(Argument::Number(number)) => format!("number {number}"),
        Some(Argument::Text(text)) => format!("text {text}"),
    }
}

fn list<'s>(hash: &mut Sha256, items: impl ExactSizeIterator<Item = &'s String>) {
    number(hash, items.len());
    items.for_each(|item| text(hash, item));
}

/// Adds the length first: no two lists of texts then feed the hash the same bytes.
fn text(hash: &mut Sha256, text: &str) {
    number(hash, text.len());
    hash.update(text.as_bytes());
}

fn number(hash: &mut Sha256, number: usize) {
    hash.update((number as u64).to_le_bytes());
}
