//! Masks secrets in the names that a refusal, a ticket and a record show.
//!
//! A path, a commit's subject or a ref name is the pusher's text and may hold the very secret that
//! was found, whole or cut off. Every such text passes here before it is kept or shown.

use std::cell::RefCell;
use std::collections::HashMap;

use super::Gate;
use super::intake::Received;
use super::unit::{self, Report, Source};
use crate::wire::escape;

/// The longest name that is kept, in columns.
const NAME_COLUMNS_MAX: usize = 400;

/// What stands where a secret stood.
const MASK: &[u8] = b"********";

/// A part of a secret of this length or more is masked at the end of a text that was cut off.
const PART_BYTES_MIN: usize = 4;

/// Masks what this push brought.
pub(super) struct Redactor<'a> {
    gate: &'a Gate,
    values: Vec<&'a [u8]>,
    /// Names that were masked before: a push of a thousand hits has few names.
    known: RefCell<HashMap<Vec<u8>, Vec<u8>>>,
}

impl<'a> Redactor<'a> {
    pub(super) fn new(gate: &'a Gate, received: &'a Received) -> Self {
        let values = received.hits.iter().map(|hit| hit.clear.expose().as_slice());
        let mut values: Vec<&[u8]> = values.filter(|value| !value.is_empty()).collect();
        // Longest first: a value that is part of another must not break the other's match.
        values.sort_unstable_by_key(|value| (std::cmp::Reverse(value.len()), *value));
        values.dedup();
        Self { gate, values, known: RefCell::default() }
    }

    /// Returns `name` with every secret in it masked, on one printable line.
    pub(super) fn line(&self, name: &[u8]) -> String {
        escape::line(&self.bytes(name), NAME_COLUMNS_MAX)
    }

    /// Returns `name` with every secret in it masked.
    pub(super) fn bytes(&self, name: &[u8]) -> Vec<u8> {
        if name.is_empty() {
            return Vec::new();
        }
        if let Some(masked) = self.known.borrow().get(name) {
            return masked.clone();
        }
        let masked = self.mask(name);
        self.known.borrow_mut().insert(name.to_vec(), masked.clone());
        masked
    }

    fn mask(&self, name: &[u8]) -> Vec<u8> {
        let mut masked = name.to_vec();
        for value in &self.values {
            masked = replace_all(&masked, value);
            masked = cut_part(masked, value);
        }
        self.mask_hits(masked)
    }

    /// Masks what the rules find in the name by itself.
    fn mask_hits(&self, name: Vec<u8>) -> Vec<u8> {
        let mut report = Report::default();
        unit::scan_text(self.gate, Source::PushOption { option: 0 }, &name, &mut report);
        let values = report.hits.iter().map(|hit| hit.clear.expose());
        values.fold(name, |name, value| replace_all(&name, value))
    }
}

fn replace_all(text: &[u8], value: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, value) {
        let (before, found) = rest.split_at(at);
        masked.extend_from_slice(before);
        masked.extend_from_slice(MASK);
        rest = found.get(value.len()..).unwrap_or_default();
    }
    masked.extend_from_slice(rest);
    masked
}

/// Masks the beginning of `value` at the end of a text that was cut off inside it.
fn cut_part(mut text: Vec<u8>, value: &[u8]) -> Vec<u8> {
    let longest = value.len().min(text.len());
    let part = (PART_BYTES_MIN..=longest)
        .rev()
        .find(|&length| value.get(..length).is_some_and(|part| text.ends_with(part)));
    if let Some(length) = part {
        text.truncate(text.len() - length);
        text.extend_from_slice(MASK);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_of_a_value_is_masked() {
        #[track_caller]
        fn check(text: &str, value: &str, want: &str) {
            let masked = cut_part(replace_all(text.as_bytes(), value.as_bytes()), value.as_bytes());
            assert_eq!(String::from_utf8(masked).unwrap(), want);
        }
        check("a/SECRET/b", "SECRET", "a/********/b");
        check("SECRETSECRET", "SECRET", "****************");
        check("no such thing", "SECRET", "no such thing");
        check("cut off: SECR", "SECRET", "cut off: ********");
        check("cut off: SEC", "SECRET", "cut off: SEC");
        check("", "SECRET", "");
    }
}
