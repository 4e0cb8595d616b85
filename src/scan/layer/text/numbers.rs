//! Lists of numbers that are bytes: `65, 75`, `0x41, 0x4b`, `41:4b`, `41 4b`, as arrays, fingerprints
//! and dumps write them. `String.fromCharCode(65, 75)` is one of them.

use std::ops::Range;

use super::runs::{self, Class, Rows};
use super::{Code, Piece, is_worth_a_look, number};
use crate::scan::layer::offsets::{Fit, Map};

/// What lists consist of.
pub(super) static LIST: Class = Class::of(b"0123456789abcdefABCDEFxX,:;- \t\r\n");

/// What numbers consist of.
pub(super) static NUMBER: Class = Class::of(b"0123456789abcdefABCDEFxX");

/// The shortest list, in bytes: fifteen of two digits and a separator. A secret is longer.
pub(super) const LIST_BYTES_MIN: usize = 44;

/// The fewest numbers of a list.
pub(super) const NUMBERS_MIN: usize = 8;

/// How numbers are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Radix {
    Decimal,
    Hex,
}

/// See [`super::Find`].
pub(super) fn find(text: &[u8], start: usize) -> Option<Piece> {
    let (mut at, mut rows) = (start, Rows::<LIST_BYTES_MIN>::new(text, start, &LIST));
    loop {
        let row = rows.next(at)?;
        at = row.end;
        if let Some(piece) = lists(text, row) {
            return Some(piece);
        }
    }
}

/// Decodes the first list in a row that is worth it.
fn lists(text: &[u8], row: Range<usize>) -> Option<Piece> {
    let mut rest = row;
    while rest.len() >= LIST_BYTES_MIN {
        let (list, next) = list(text, &rest);
        if list.numbers >= NUMBERS_MIN
            && let Some(piece) = list.decode(text)
        {
            return Some(piece);
        }
        rest.start = next;
    }
    None
}

/// Numbers in a row, all of which can be read as bytes.
struct List {
    source: Range<usize>,
    numbers: usize,
    decimal: bool,
    hex: bool,
}

/// Returns the list at the start of `rest`, and where to look for the next.
fn list(text: &[u8], rest: &Range<usize>) -> (List, usize) {
    let mut list = List { source: rest.start..rest.start, numbers: 0, decimal: true, hex: true };
    for item in items(text, rest) {
        let digits = text.get(item.clone()).unwrap_or_default();
        let decimal = list.decimal && byte(digits, Radix::Decimal).is_some();
        let hex = list.hex && byte(digits, Radix::Hex).is_some();
        if !decimal && !hex {
            // What ends a list may begin another.
            let next = if list.numbers == 0 { item.end } else { item.start };
            return (list, next);
        }
        list.add(&item);
        (list.decimal, list.hex) = (decimal, hex);
    }
    (list, rest.end)
}

/// Goes over the numbers in `range`.
pub(super) fn items(text: &[u8], range: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let text = text.get(..range.end).unwrap_or_default();
    let mut at = range.start;
    std::iter::from_fn(move || {
        let item = runs::next(text, at, &NUMBER, 1)?;
        at = item.end;
        Some(item)
    })
}

impl List {
    fn add(&mut self, item: &Range<usize>) {
        if self.numbers == 0 {
            self.source.start = item.start;
        }
        self.source.end = item.end;
        self.numbers += 1;
    }

    /// Reads the numbers in the way that gives a text. Two digits each may be either: commas stand
    /// between decimal numbers more often than not.
    fn decode(&self, text: &[u8]) -> Option<Piece> {
        let commas = memchr::memchr(b',', text.get(self.source.clone())?).is_some();
        let order =
            if commas { [Radix::Decimal, Radix::Hex] } else { [Radix::Hex, Radix::Decimal] };
        order
            .into_iter()
            .filter(|radix| self.reads(*radix))
            .find_map(|radix| self.read(text, radix))
    }

    fn reads(&self, radix: Radix) -> bool {
        match radix {
            Radix::Decimal => self.decimal,
            Radix::Hex => self.hex,
        }
    }

    fn read(&self, text: &[u8], radix: Radix) -> Option<Piece> {
        let values = items(text, &self.source).map(|item| byte(text.get(item)?, radix));
        let bytes: Vec<u8> = values.collect::<Option<_>>()?;
        let places = || self.places(text);
        is_worth_a_look(&bytes)
            .then(|| Piece::block(self.source.clone(), bytes, places(), Code::Numbers))
    }

    /// A byte stands where its number does and what parts it from the next: so numbers of one width
    /// are one segment.
    fn places(&self, text: &[u8]) -> Map {
        let mut map = Map::default();
        let mut items = items(text, &self.source).peekable();
        while let Some(item) = items.next() {
            let end = items.peek().map_or(item.end, |next| next.start);
            map.push(item.start..end, 1, Fit::Even);
        }
        map
    }
}

/// Reads the digits of one byte: `65`, `065`; `0x4b`, `4b`.
pub(super) fn byte(digits: &[u8], radix: Radix) -> Option<u8> {
    let value = match (radix, digits) {
        (Radix::Decimal, digits) => number(digits, 10).filter(|_| digits.len() <= 3),
        (Radix::Hex, [b'0', b'x' | b'X', digits @ ..]) => number(digits, 16),
        (Radix::Hex, digits) => number(digits, 16).filter(|_| digits.len() == 2),
    };
    u8::try_from(value?).ok()
}
