//! Checks that a match must pass beyond its shape, by name.

mod aws;
mod checksum;
mod encoding;
mod entropy;
mod jwt;
mod live;
mod pem;
mod placeholder;
mod public;
mod words;

use crate::rule::{Argument, Validator};

pub(super) use aws::account as aws_account;

/// What a validator may look at.
#[derive(Clone, Copy)]
pub(super) struct Evidence<'t> {
    /// The secret.
    pub(super) secret: &'t [u8],
    /// Everything that the pattern matched.
    pub(super) matched: &'t [u8],
    /// The time, in seconds since 1970; 0 where it is not known.
    pub(super) now_s: u64,
}

/// What a validator says. Reasons are fixed words, so that no secret can slip into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opinion {
    /// It is what the rule says.
    Pass(&'static str),
    /// It may be: the confidence falls to low.
    Doubt(&'static str),
    /// It is not.
    Refuse,
}

impl Opinion {
    fn pass_if(holds: bool, reason: &'static str) -> Self {
        if holds { Self::Pass(reason) } else { Self::Refuse }
    }
}

/// Says whether a value is one that innocent texts hold too: a placeholder, a word, a name, a path.
pub fn is_common(value: &[u8]) -> bool {
    let stem = value.trim_ascii_end();
    let letters =
        stem.iter().rposition(|byte| !byte.is_ascii_digit() && !byte.is_ascii_punctuation());
    // `password1234!` is as common as the word that it ends.
    let stem = letters.and_then(|last| stem.get(..=last)).unwrap_or_default();
    placeholder::is_placeholder(value) || words::is_name(value) || words::is_name(stem)
}

type Test = fn(&Evidence<'_>, &Argument) -> Opinion;

/// A validator with its argument.
pub(super) struct Check {
    test: Test,
    argument: Argument,
}

impl Check {
    pub(super) fn ask(&self, evidence: &Evidence<'_>) -> Opinion {
        (self.test)(evidence, &self.argument)
    }
}

const TESTS: &[(&str, Test)] = &[
    ("aws_key_id", |evidence, _| aws::key_id(evidence.secret)),
    ("base64", |evidence, argument| encoding::base64(evidence.secret, count(argument))),
    ("base64_json", |evidence, _| encoding::base64_json(evidence.secret)),
    ("checksum", |evidence, argument| checksum::check(evidence.secret, argument)),
    ("entropy", |evidence, argument| entropy::at_least(evidence.secret, number(argument))),
    ("hex", |evidence, _| encoding::hex(evidence.secret)),
    ("jwt", |evidence, _| jwt::check(evidence.secret, evidence.now_s)),
    ("length", |evidence, argument| {
        Opinion::pass_if(evidence.secret.len() == count(argument), "the length is right")
    }),
    ("live", |evidence, _| live::check(evidence.secret)),
    ("mixed", |evidence, _| encoding::mixed(evidence.secret)),
    ("not_placeholder", |evidence, _| placeholder::refuse(evidence.secret)),
    ("not_public", |evidence, _| public::not_public(evidence)),
    ("not_word", |evidence, _| words::refuse(evidence.secret)),
    ("pem", |evidence, _| pem::check(evidence.matched)),
    ("uri_password", |evidence, _| placeholder::uri_password(evidence.secret)),
];

/// The validators that only a value of the right kind passes, chance aside.
const PROOFS: &[&str] = &["aws_key_id", "base64_json", "checksum", "jwt", "pem"];

/// Says whether passing the validator proves the value to be of its kind.
pub(super) fn proves(validator: &Validator) -> bool {
    PROOFS.contains(&validator.name.as_str())
}

/// Makes a rule's validator ready; `None` where there is none of its name.
pub(super) fn check(validator: &Validator) -> Option<Check> {
    let (_, test) = TESTS.iter().find(|(name, _)| *name == validator.name)?;
    let argument = validator.argument.clone().unwrap_or(Argument::Number(0.0));
    Some(Check { test: *test, argument })
}

fn number(argument: &Argument) -> f64 {
    match argument {
        Argument::Number(number) => *number,
        Argument::Text(_) => 0.0,
    }
}

/// Reads a count; the loader let only whole numbers up to 65,536 through.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
fn count(argument: &Argument) -> usize {
    number(argument) as usize
}

#[cfg(test)]
mod tests;
