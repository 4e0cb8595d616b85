//! Base64 (RFC 4648), standard and URL-safe, padded or not, in one line or many (RFC 2045, RFC 7468).
//!
//! A row may begin in the middle of a word (`basic/dXNlcjpw…`), so all four places in a group are
//! tried. That is cheap: in base64 of text every fourth character is one of 27.

use std::ops::Range;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::*;

use super::runs::Class;
use super::{Code, Decoded, Piece, count_while, from, is_text, is_worth_a_look};
use crate::scan::layer::offsets::{Fit, Map};

/// Base64 as it is written by hand: without padding, with bits left over.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The first characters of groups of text: those whose byte is a tab, a line end, ASCII that prints,
/// or the NUL of UTF-16.
const HEADS: Class = Class::of(b"ACDIJKLMNOPQRSTUVWXYZabcdef");

/// The groups whose first characters are looked at before a row is decoded.
const HEADS_TRIED: usize = 4;

/// The length from which a row is decoded without a look at its heads: it may hold bytes that are no
/// text, such as a gzip, and names are not as long.
const LONG_ROW_BYTES: usize = 64;

/// Decodes what is written in `lines`.
pub(super) fn read(text: &[u8], lines: &[Range<usize>]) -> Option<Piece> {
    let row = lines.first()?;
    if row.len() < LONG_ROW_BYTES && lines.len() == 1 {
        return (0..4).map(|skip| row.start + skip..row.end).find_map(|row| short(text, &row));
    }
    let whole = decode(text, lines);
    // Lines that are no whole groups may be wrapped at an odd place, or stand each for itself.
    if lines.len() > 1 && row.len() % 4 != 0 {
        return [whole, each(text, lines)].into_iter().flatten().max_by_key(text_bytes);
    }
    if whole.is_some() {
        return whole;
    }
    (1..4).find_map(|skip| short(text, &(row.start + skip..row.end)))
}

/// Counts the bytes of text that a piece gives.
fn text_bytes(piece: &Piece) -> usize {
    match &piece.decoded {
        Decoded::Block { bytes, .. } => bytes.iter().filter(|byte| is_text(**byte)).count(),
        Decoded::Char { len, .. } => *len,
    }
}

/// Decodes one row, if its heads are those of text.
fn short(text: &[u8], row: &Range<usize>) -> Option<Piece> {
    let bytes = text.get(row.clone())?;
    let mut heads = bytes.iter().step_by(4).take(HEADS_TRIED);
    let plausible = heads.all(|head| HEADS.has(*head)) || begins_a_box(bytes);
    plausible.then(|| decode(text, std::slice::from_ref(row)))?
}

/// Whether a row begins as a box does that is too short to be a long row.
fn begins_a_box(bytes: &[u8]) -> bool {
    let begins: [&[u8]; 8] = [b"H4sI", b"UEsD", b"eJ", b"eNo", b"QlpoO", b"/Td6", b"KLUv", b"N3q8"];
    begins.iter().any(|begin| bytes.starts_with(begin))
}

/// Decodes `lines` as one text.
fn decode(text: &[u8], lines: &[Range<usize>]) -> Option<Piece> {
    let mut digits = Vec::with_capacity(lines.iter().map(Range::len).sum());
    for line in lines {
        digits.extend(text.get(line.clone())?.iter().copied().map(standard));
    }
    // One character over says nothing.
    digits.truncate(digits.len() - usize::from(digits.len() % 4 == 1));
    let bytes = LENIENT.decode(digits).ok().filter(|bytes| is_worth_a_look(bytes))?;
    let source = lines.first()?.start..lines.last()?.end;
    Some(Piece::block(padded(text, source), bytes, places(lines), Code::Base64))
}

/// Decodes `lines` as a text each.
fn each(text: &[u8], lines: &[Range<usize>]) -> Option<Piece> {
    let (mut bytes, mut map) = (Vec::new(), Map::default());
    for line in lines {
        if let Some(piece) = decode(text, std::slice::from_ref(line))
            && let Decoded::Block { bytes: decoded, map: places } = piece.decoded
        {
            map.append(&places);
            map.push(line.end..line.end, 1, Fit::Whole);
            bytes.extend(decoded);
            bytes.push(b'\n');
        }
    }
    let source = lines.first()?.start..lines.last()?.end;
    (!bytes.is_empty()).then(|| Piece::block(padded(text, source), bytes, map, Code::Base64))
}

/// Takes the padding behind a source into it, so that it does not stand behind what was decoded.
fn padded(text: &[u8], source: Range<usize>) -> Range<usize> {
    source.start..source.end + count_while(from(text, source.end), 2, |byte| byte == b'=')
}

/// Turns a character of the URL-safe alphabet into that of the standard one.
fn standard(char: u8) -> u8 {
    match char {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

/// Says where the bytes of `lines` stand: evenly in whole groups, roughly in one that a line's end
/// parts.
fn places(lines: &[Range<usize>]) -> Map {
    let mut map = Map::default();
    // Where a group began that is not whole yet, and how many characters it has.
    let (mut begun, mut has) = (0, 0);
    for line in lines {
        let mut start = line.start;
        if has > 0 {
            let rest = line.len().min(4 - has);
            start += rest;
            has += rest;
            if has == 4 {
                map.push(begun..start, 3, Fit::Whole);
                has = 0;
            }
        }
        if has == 0 {
            let groups = (line.end - start) / 4;
            map.push(start..start + 4 * groups, 3 * groups, Fit::Even);
            begun = start + 4 * groups;
            has = line.end - begun;
        }
    }
    let end = lines.last().map_or(0, |line| line.end);
    map.push(
        begun..end,
        has.saturating_sub(1),
        if end - begun == has { Fit::Even } else { Fit::Whole },
    );
    map
}
