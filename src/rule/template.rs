//! Examples as templates, so that the repository itself holds no token-shaped text.
//!
//! ```text
//! "token: {@github ghp_}"  ──parse──► [literal, generator] ──expand──► bytes, always the same
//! ```
//!
//! `{CLASS:N}` stands for N characters of a class written as in a regex bracket; `{@name args}` for
//! a generator's text; `{{` and `}}` for braces. The dice are seeded by the template's own text: it
//! expands to the same bytes in every run, and no two templates share their "secrets".

mod armour;
mod der;
mod dice;
mod generate;
mod key;

use dice::Dice;

/// The most characters that one `{CLASS:N}` or `{@… N}` may ask for.
pub const CHARS_MAX: usize = 65_536;

/// Why a template does not expand.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `{` has no `}`.
    #[error("a `{{` has no `}}`; write `{{{{` for the character itself")]
    Open,
    /// A `}` has no `{`.
    #[error("a `}}` has no `{{`; write `}}}}` for the character itself")]
    Close,
    /// A class has no count, or an unusable one.
    #[error("`{0}` has no count from 1 to {CHARS_MAX}; write `{{CLASS:N}}`")]
    Count(String),
    /// A class is empty, runs backwards, or leaves ASCII.
    #[error("`{0}` is no class; write it as in a bracket, such as `A-Za-z0-9_-`")]
    Class(String),
    /// There is no such generator.
    #[error("there is no generator `{0}`; known are {known}", known = super::vocabulary::GENERATORS.join(", "))]
    Generator(String),
    /// A generator does not take this argument.
    #[error("generator `{name}` does not take `{argument}`; it takes {takes}")]
    Argument {
        /// The generator.
        name: String,
        /// What was written.
        argument: String,
        /// What could be written.
        takes: &'static str,
    },
}

/// Expands a template.
pub fn expand(template: &str) -> Result<Vec<u8>, TemplateError> {
    expand_seeded(template, template.as_bytes())
}

/// Expands a template by dice with a seed of the caller's, for a text that was never seen before.
pub fn expand_seeded(template: &str, seed: &[u8]) -> Result<Vec<u8>, TemplateError> {
    let mut dice = Dice::seeded(seed);
    let mut text = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (literal, tail) = rest.split_at(at);
        text.extend_from_slice(literal.as_bytes());
        rest = brace(tail, &mut dice, &mut text)?;
    }
    text.extend_from_slice(rest.as_bytes());
    Ok(text)
}

/// Expands what `tail` begins with, a brace, and returns what follows.
fn brace<'t>(tail: &'t str, dice: &mut Dice, text: &mut Vec<u8>) -> Result<&'t str, TemplateError> {
    for (doubled, single) in [("{{", b'{'), ("}}", b'}')] {
        if let Some(rest) = tail.strip_prefix(doubled) {
            text.push(single);
            return Ok(rest);
        }
    }
    let inside = tail.strip_prefix('{').ok_or(TemplateError::Close)?;
    let (inside, rest) = inside.split_once('}').ok_or(TemplateError::Open)?;
    match inside.strip_prefix('@') {
        Some(call) => text.extend(generate::call(call, dice)?),
        None => draw(inside, dice, text)?,
    }
    Ok(rest)
}

/// Expands `CLASS:N`.
fn draw(inside: &str, dice: &mut Dice, text: &mut Vec<u8>) -> Result<(), TemplateError> {
    let (class, count) =
        inside.rsplit_once(':').ok_or_else(|| TemplateError::Count(inside.to_owned()))?;
    let count = count_of(count).ok_or_else(|| TemplateError::Count(inside.to_owned()))?;
    let class = members(class).ok_or_else(|| TemplateError::Class(class.to_owned()))?;
    text.extend((0..count).map(|_| dice.pick(&class)));
    Ok(())
}

fn count_of(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| (1..=CHARS_MAX).contains(count))
}

/// Lists the members of a class; `None` where it is none.
fn members(class: &str) -> Option<Vec<u8>> {
    let mut members = Vec::new();
    let mut rest = class.as_bytes();
    loop {
        match rest {
            [] => break,
            [from, b'-', to, tail @ ..] if from <= to => {
                members.extend(*from..=*to);
                rest = tail;
            }
            [_, b'-', _, ..] => return None,
            [one, tail @ ..] => {
                members.push(*one);
                rest = tail;
            }
        }
    }
    (!members.is_empty() && members.is_ascii()).then_some(members)
}

#[cfg(test)]
mod tests;
