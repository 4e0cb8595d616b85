//! The checks of names: validators with their arguments, groups and decoders of facts.

use std::ops::Range;

use toml::Spanned;

use super::check::Check;
use crate::rule::error::Problem;
use crate::rule::pattern::Outline;
use crate::rule::raw::RawFact;
use crate::rule::vocabulary::{self, Shape};
use crate::rule::{Argument, FactSource, Validator};

impl Check<'_> {
    pub(super) fn validators(&mut self, tables: &[Spanned<toml::Table>]) -> Vec<Validator> {
        tables.iter().filter_map(|table| self.validator(table)).collect()
    }

    fn validator(&mut self, table: &Spanned<toml::Table>) -> Option<Validator> {
        let mut entries = table.get_ref().iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else {
            self.fail(table.span(), Problem::ValidatorForm);
            return None;
        };
        let Some(shape) = vocabulary::validator(name) else {
            let known = vocabulary::VALIDATORS.iter().map(|(name, _)| *name);
            self.unknown(table.span(), "validator", name, known);
            return None;
        };
        let argument = match (shape, value) {
            (Shape::Nothing, toml::Value::Boolean(true)) => None,
            (Shape::OneOf(names), toml::Value::String(text)) => {
                if !names.contains(&text.as_str()) {
                    self.unknown(table.span(), "scheme", text, names.iter().copied());
                }
                Some(Argument::Text(text.clone()))
            }
            (shape, value) => {
                Some(Argument::Number(self.number(table.span(), name, shape, value)?))
            }
        };
        Some(Validator { name: name.clone(), argument })
    }

    /// Reads a validator's number and checks its range.
    fn number(
        &mut self,
        span: Range<usize>,
        name: &str,
        shape: Shape,
        value: &toml::Value,
    ) -> Option<f64> {
        let (number, (min, max)) = match (shape, value) {
            (Shape::Number(min, max), toml::Value::Float(number)) => (*number, (min, max)),
            (Shape::Number(min, max), toml::Value::Integer(number)) => (whole(*number), (min, max)),
            (Shape::Count(min, max), toml::Value::Integer(number)) => {
                (whole(*number), (f64::from(min), f64::from(max)))
            }
            _ => {
                let want = shape.example().to_owned();
                self.fail(span, Problem::Argument { name: name.to_owned(), want });
                return None;
            }
        };
        if !(min..=max).contains(&number) {
            self.range(span, value, (min, max));
        }
        Some(number)
    }

    fn unknown<'n>(
        &mut self,
        span: Range<usize>,
        kind: &'static str,
        name: &str,
        known: impl Iterator<Item = &'n str>,
    ) {
        let known = known.collect::<Vec<_>>().join(", ");
        self.fail(span, Problem::Unknown { kind, name: name.to_owned(), known });
    }

    /// Checks facts against the groups of the pattern, where that compiled.
    pub(super) fn facts(
        &mut self,
        facts: Vec<RawFact>,
        outline: Option<&Outline>,
    ) -> Vec<FactSource> {
        facts.into_iter().map(|fact| self.fact(fact, outline)).collect()
    }

    fn fact(&mut self, fact: RawFact, outline: Option<&Outline>) -> FactSource {
        let group = fact.group.get_ref();
        let exists = |outline: &Outline| outline.group(group).is_some();
        if !outline.is_none_or(exists) {
            self.fail(fact.group.span(), Problem::FactGroup(group.clone()));
        }
        if let Some(decoder) = &fact.decoder
            && !vocabulary::DECODERS.contains(&decoder.get_ref().as_str())
        {
            let known = vocabulary::DECODERS.iter().copied();
            self.unknown(decoder.span(), "decoder", decoder.get_ref(), known);
        }
        FactSource {
            name: fact.name,
            group: fact.group.into_inner(),
            decoder: fact.decoder.map(Spanned::into_inner),
        }
    }
}

/// Widens a whole number; those beyond 32 bits are out of every validator's range anyhow.
fn whole(number: i64) -> f64 {
    i32::try_from(number).map_or(f64::INFINITY, f64::from)
}
