//! The filters that a stream went through.

use std::iter;

use memchr::memmem;

use super::super::bytes::{from, number, size, up_to};
use super::super::packing::Packing;
use super::super::tray::Tray;
use crate::scan::layer::LeftOut;

/// How many filters one stream may have gone through: writers use two, a bomb would use hundreds.
const FILTERS_MAX: usize = 8;

/// What came out, how much went in, and why not all of it did.
type Filtered = (Vec<u8>, usize, Option<LeftOut>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Ascii85,
    AsciiHex,
    Flate,
    RunLength,
}

impl Filter {
    /// Returns the filters that a dictionary names, in the order in which they are undone. Those of
    /// pictures end the list: what they give are pixels.
    pub(super) fn list(dictionary: &[u8]) -> Result<Vec<Self>, LeftOut> {
        let mut filters = Vec::new();
        for name in names(dictionary) {
            match name {
                b"FlateDecode" | b"Fl" => filters.push(Self::Flate),
                b"ASCII85Decode" | b"A85" => filters.push(Self::Ascii85),
                b"ASCIIHexDecode" | b"AHx" => filters.push(Self::AsciiHex),
                b"RunLengthDecode" | b"RL" => filters.push(Self::RunLength),
                b"DCTDecode" | b"DCT" | b"JPXDecode" | b"JBIG2Decode" | b"CCITTFaxDecode"
                | b"CCF" => break,
                _ => return Err(LeftOut::Method),
            }
            if filters.len() > FILTERS_MAX {
                return Err(LeftOut::Method);
            }
        }
        Ok(filters)
    }

    /// Undoes the filter.
    pub(super) fn apply(self, data: &[u8], dictionary: &[u8], tray: &mut Tray<'_>) -> Filtered {
        match self {
            Self::Flate => {
                let mut out = Vec::new();
                let unpacked = tray.pour(Packing::Zlib, data, &mut out);
                (unpredicted(out, dictionary), unpacked.used, unpacked.fault)
            }
            Self::Ascii85 => paid(until_mark(data, b"~>"), tray, ascii85),
            Self::AsciiHex => paid(until_mark(data, b">"), tray, ascii_hex),
            Self::RunLength => run_length(data, tray),
        }
    }
}

/// Returns the names behind `/Filter`: one, or a list in brackets.
fn names(dictionary: &[u8]) -> impl Iterator<Item = &[u8]> {
    let at = memmem::rfind(dictionary, b"/Filter").map(|at| at + b"/Filter".len());
    let value = at.map_or(&[][..], |at| from(dictionary, at)).trim_ascii_start();
    let (list, count) = match value.strip_prefix(b"[") {
        Some(list) => (super::super::bytes::until(list, b']'), usize::MAX),
        None => (value, 1),
    };
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"/[]<>()%".contains(byte);
    let name = move |piece: &'_ [u8]| piece.iter().position(is_end).unwrap_or(piece.len());
    list.split(|&byte| byte == b'/')
        .skip(1)
        .take(count)
        .map(move |piece| up_to(piece, 0, name(piece)))
}

/// Returns the data before its end mark, or all of it, with how long it is mark included.
fn until_mark<'d>(data: &'d [u8], mark: &[u8]) -> (&'d [u8], usize) {
    match memmem::find(data, mark) {
        Some(len) => (up_to(data, 0, len), len + mark.len()),
        None => (data, data.len()),
    }
}

/// Undoes a filter that never gives more than it takes.
fn paid(
    (data, used): (&[u8], usize),
    tray: &mut Tray<'_>,
    undo: fn(&[u8]) -> Option<Vec<u8>>,
) -> Filtered {
    if let Err(why) = tray.spend(4 * data.len()) {
        return (vec![], 0, Some(why));
    }
    undo(data).map_or((vec![], used, Some(LeftOut::Damaged)), |out| (out, used, None))
}

fn ascii_hex(data: &[u8]) -> Option<Vec<u8>> {
    let digits = data.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != 0);
    let digits: Option<Vec<u8>> = digits.map(|&digit| hex(digit)).collect();
    Some(pairs(&digits?))
}

/// Returns bytes of two digits each, the last filled up with zero.
pub(super) fn pairs(digits: &[u8]) -> Vec<u8> {
    let byte =
        |pair: &[u8]| pair.iter().chain(&[0]).take(2).fold(0, |byte, digit| byte << 4 | digit);
    digits.chunks(2).map(byte).collect()
}

pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Five digits of base 85 are four bytes, `z` is four zeros, and the last group may be short.
fn ascii85(data: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut group) = (Vec::new(), Vec::new());
    for &byte in data.strip_prefix(b"<~").unwrap_or(data) {
        match byte {
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(byte - b'!'),
            byte if byte.is_ascii_whitespace() || byte == 0 => {}
            _ => return None,
        }
        if group.len() == 5 {
            out.extend(base85(&group));
            group.clear();
        }
    }
    out.extend(up_to(&base85(&group), 0, group.len().saturating_sub(1)));
    Some(out)
}

fn base85(group: &[u8]) -> [u8; 4] {
    let digits = group.iter().copied().chain(iter::repeat(84)).take(5);
    digits.fold(0_u32, |sum, digit| sum.wrapping_mul(85).wrapping_add(digit.into())).to_be_bytes()
}

/// A length below 128 is that many bytes and one, above it a byte repeated, 128 the end.
fn run_length(data: &[u8], tray: &mut Tray<'_>) -> Filtered {
    let (mut out, mut at) = (Vec::new(), 0);
    loop {
        let before = out.len();
        let step = match data.get(at) {
            None | Some(128) => return (out, at + 1, None),
            Some(&len @ 0..128) => {
                out.extend(up_to(data, at + 1, usize::from(len) + 1));
                usize::from(len) + 2
            }
            Some(&len) => {
                let repeated = data.get(at + 1).into_iter();
                out.extend(repeated.flat_map(|byte| iter::repeat_n(byte, 257 - usize::from(len))));
                2
            }
        };
        at += step;
        if let Err(why) = tray.spend((out.len() - before).max(step)) {
            out.truncate(before);
            return (out, at, Some(why));
        }
    }
}

/// Undoes the predictors of PNG: each row begins with a byte that says what was subtracted from it.
///
/// Source: ISO 32000-1, section 7.4.4.4; PNG Specification, section 9.
fn unpredicted(mut rows: Vec<u8>, dictionary: &[u8]) -> Vec<u8> {
    if value(dictionary, b"/Predictor").is_none_or(|predictor| predictor < 10) {
        return rows;
    }
    let of = |key, default| value(dictionary, key).unwrap_or(default).clamp(1, 1 << 20);
    let bits = of(b"/Colors", 1).saturating_mul(of(b"/BitsPerComponent", 8));
    let pixel = bits.div_ceil(8);
    let width = bits.saturating_mul(of(b"/Columns", 1)).div_ceil(8);
    let mut out: Vec<u8> = Vec::with_capacity(rows.len());
    for row in rows.chunks_mut(width.saturating_add(1)) {
        let Some((&mut kind, row)) = row.split_first_mut() else { continue };
        let above = from(&out, out.len().saturating_sub(width)).to_vec();
        for index in 0..row.len() {
            let at = |row: &[u8], back: usize| {
                index.checked_sub(back).and_then(|at| row.get(at)).copied().unwrap_or(0)
            };
            let (left, up, corner) = (at(row, pixel), at(&above, 0), at(&above, pixel));
            let guess = predict(kind, left, up, corner);
            if let Some(byte) = row.get_mut(index) {
                *byte = byte.wrapping_add(guess);
            }
        }
        out.extend_from_slice(row);
    }
    out
}

fn predict(kind: u8, left: u8, up: u8, corner: u8) -> u8 {
    match kind {
        1 => left,
        2 => up,
        3 => left.midpoint(up),
        4 => {
            let guess = i16::from(left) + i16::from(up) - i16::from(corner);
            let distance = |byte: &u8| (guess - i16::from(*byte)).abs();
            [left, up, corner].into_iter().min_by_key(distance).unwrap_or(0)
        }
        _ => 0,
    }
}

/// Returns the number behind a key.
fn value(dictionary: &[u8], key: &[u8]) -> Option<usize> {
    let rest = from(dictionary, memmem::rfind(dictionary, key)? + key.len()).trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    number(up_to(rest, 0, digits), 10).map(size)
}
