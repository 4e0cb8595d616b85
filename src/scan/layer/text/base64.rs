//! Base64 (RFC 4648), standard and URL-safe, padded or not, in one line or many (RFC 2045, RFC 7468).
//!
//! A row may begin within a word (`basic/dXNlcjpw…`), so it is tried from wherever groups of text
//! could begin. That is cheap: of three characters in four half are ruled out where it says text.

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

/// Which characters stand first, second and third in a group of text: those by which its bytes are
/// ASCII that prints, a tab, a line end, or the NUL of UTF-16. The fourth may be any.
const GROUP: [Class; 3] = [
    Class::of(b"ACDIJKLMNOPQRSTUVWXYZabcdef"),
    Class::of(b"ACDEFGHQSTUVWXgijklmnwyz0123"),
    Class::of(b"ABEFIJMNQRUVYZcdghklopstwx014589"),
];

/// The groups that are looked at before a short row is decoded, in bytes: one name in two thousand
/// passes.
const GROUPS_BYTES: usize = 12;

/// How far into a row its base64 may begin, in bytes: any place in a group, or behind one.
const SKIP_BYTES_MAX: usize = 5;

/// The length from which a row is decoded without a look at its heads: it may hold bytes that are no
/// text, such as a gzip, and names are not as long.
const LONG_ROW_BYTES: usize = 64;

/// Decodes what is written in `lines`.
pub(super) fn read(text: &[u8], lines: &[Range<usize>]) -> Option<Piece> {
    let row = lines.first()?;
    if row.len() < LONG_ROW_BYTES && lines.len() == 1 {
        return short(text, row);
    }
    let whole = decode(text, lines);
    // Lines that are no whole groups may be wrapped at an odd place, or stand each for itself.
    if lines.len() > 1 && row.len() % 4 != 0 {
        return [whole, each(text, lines)].into_iter().flatten().max_by_key(text_bytes);
    }
    whole.or_else(|| short(text, row))
}

/// Counts the bytes of text that a piece gives.
fn text_bytes(piece: &Piece) -> usize {
    match &piece.decoded {
        Decoded::Block { bytes, .. } => bytes.iter().filter(|byte| is_text(**byte)).count(),
        Decoded::Char { len, .. } => *len,
    }
}

/// Decodes one row from where its characters are those of text.
fn short(text: &[u8], row: &Range<usize>) -> Option<Piece> {
    let bytes = text.get(row.clone())?;
    let from = |skip: usize| decode(text, std::slice::from_ref(&(row.start + skip..row.end)));
    if begins_a_box(bytes)
        && let Some(piece) = from(0)
    {
        return Some(piece);
    }
    for (skip, groups) in bytes.windows(GROUPS_BYTES).take(SKIP_BYTES_MAX).enumerate() {
        if is_plausible(groups)
            && let Some(piece) = from(skip)
        {
            return Some(piece);
        }
    }
    None
}

/// Whether the three groups could be those of text.
fn is_plausible(groups: &[u8]) -> bool {
    let &[a0, a1, a2, _, b0, b1, b2, _, c0, c1, c2, _] = groups else {
        return false;
    };
    let [first, second, third] = &GROUP;
    let all = |class: &Class, chars: [u8; 3]| chars.into_iter().all(|char| class.has(char));
    all(first, [a0, b0, c0]) && all(second, [a1, b1, c1]) && all(third, [a2, b2, c2])
}

/// Whether a row begins as a box does that is too short to be a long row: gzip, zip, zlib, bzip2, xz,
/// Zstandard, 7z.
fn begins_a_box(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [b'H', b'4', b's', b'I', ..]
            | [b'U', b'E', b's', b'D', ..]
            | [b'e', b'J', b'w', ..]
            | [b'e', b'N', b'o', ..]
            | [b'e', b'A', b'E', ..]
            | [b'e', b'F', b'4', ..]
            | [b'Q', b'l', b'p', b'o', b'O', ..]
            | [b'/', b'T', b'd', b'6', ..]
            | [b'K', b'L', b'U', b'v', ..]
            | [b'N', b'3', b'q', b'8', ..]
    )
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
