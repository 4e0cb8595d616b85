//! Masks secrets in the names that a refusal, a ticket and a record show.
//!
//! A path, a commit's subject, a ref name or the user of an address is the pusher's text and may hold
//! the very secret that was found, whole or cut off. Every such text passes here before it is kept or
//! shown.

use std::cell::RefCell;
use std::collections::HashMap;

use super::Gate;
use super::hit::Source;
use super::received::Received;
use super::report::Report;
use super::unit;
use crate::finding::Facts;
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
    values: Values<'a>,
    /// Names that were masked before: a push of a thousand hits has few names.
    known: RefCell<HashMap<Vec<u8>, Vec<u8>>>,
}

impl<'a> Redactor<'a> {
    pub(super) fn new(gate: &'a Gate, received: &'a Received) -> Self {
        let values = Values::new(received.hits.iter().map(|hit| hit.clear.expose().as_slice()));
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
        let masked = self.mask_hits(self.values.mask(name));
        self.known.borrow_mut().insert(name.to_vec(), masked.clone());
        masked
    }

    /// Masks every secret in what a value tells: a token may stand as the user of an address, beside
    /// the password that was found.
    pub(super) fn facts(&self, facts: &mut Facts) {
        for fact in facts.values_mut() {
            *fact = String::from_utf8_lossy(&self.bytes(fact.as_bytes())).into_owned();
        }
    }

    /// Masks what the rules find in the name by itself.
    fn mask_hits(&self, name: Vec<u8>) -> Vec<u8> {
        let mut report = Report::default();
        unit::scan_text(self.gate, Source::PushOption { option: 0 }, &name, &mut report);
        if report.hits.is_empty() {
            return name;
        }
        Values::new(report.hits.iter().map(|hit| hit.clear.expose().as_slice())).mask(&name)
    }
}

/// The values to mask, in order: a trie without a copy of any. A push may bring tens of thousands,
/// and as many names.
struct Values<'v>(Vec<&'v [u8]>);

impl<'v> Values<'v> {
    fn new(values: impl Iterator<Item = &'v [u8]>) -> Self {
        let mut values: Vec<&[u8]> = values.filter(|value| !value.is_empty()).collect();
        values.sort_unstable();
        values.dedup();
        Self(values)
    }

    /// Returns `text` with every value in it masked, and at its end the beginning of one, where the
    /// text was cut off inside it.
    fn mask(&self, text: &[u8]) -> Vec<u8> {
        let mut masked = Vec::with_capacity(text.len());
        let mut masked_to = 0;
        for (at, byte) in text.iter().enumerate() {
            let end = at + self.bytes_at(text.get(at..).unwrap_or_default());
            if end > at && at >= masked_to {
                masked.extend_from_slice(MASK);
            }
            masked_to = masked_to.max(end);
            if at >= masked_to {
                masked.push(*byte);
            }
        }
        masked
    }

    /// Returns how much at the start of `text` is a value, or all that is left of one.
    fn bytes_at(&self, text: &[u8]) -> usize {
        let (mut values, mut found) = (self.0.as_slice(), 0);
        for (depth, byte) in text.iter().enumerate() {
            let end = values.partition_point(|value| value.get(depth) <= Some(byte));
            let same = values.get(..end).unwrap_or_default();
            let start = same.partition_point(|value| value.get(depth) < Some(byte));
            values = same.get(start..).unwrap_or_default();
            match values.first() {
                None => return found,
                Some(value) if value.len() == depth + 1 => found = value.len(),
                Some(_) => {}
            }
        }
        if text.len() >= PART_BYTES_MIN { text.len() } else { found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_of_a_value_is_masked() {
        #[track_caller]
        fn check(text: &str, values: &[&str], want: &str) {
            let values = Values::new(values.iter().map(|value| value.as_bytes()));
            assert_eq!(String::from_utf8(values.mask(text.as_bytes())).unwrap(), want);
        }
        check("a/SECRET/b", &["SECRET"], "a/********/b");
        check("SECRETSECRET", &["SECRET"], "****************");
        check("no such thing", &["SECRET"], "no such thing");
        check("cut off: SECR", &["SECRET"], "cut off: ********");
        check("cut off: SEC", &["SECRET"], "cut off: SEC");
        check("", &["SECRET"], "");
        check("nothing", &[], "nothing");
        // Values that lie in or over each other leave nothing behind.
        check("xabcdey", &["abc", "bcde"], "x********y");
        check("xabcdey", &["abcde", "bc"], "x********y");
        check("one two", &["one", "two", "one"], "******** ********");
        check("SECRETSECR", &["SECRET", "OTHER"], "****************");
    }
}
