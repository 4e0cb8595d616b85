//! The codes that text is written in: each finds the next piece that it can decode.
//!
//! ```text
//! text, from ──► find ──► Piece { source: where it stands, decoded: what it says }
//! ```
//!
//! A code is one function `fn(text, from) -> Option<Piece>` without state, which looks no further
//! back than `from` for what it decodes, never panics, and gives at most one and a half times the
//! bytes that it takes; or, of the escapes, `fn(text, at)`, which decodes what its sign begins. Three families, because what one leaves behind another reads:
//!
//! | family | codes | what stands there |
//! |---|---|---|
//! | [`WIDE`] | UTF-16, UTF-32, NUL padding | bytes that no other code can read |
//! | [`Escapes`] | backslash, percent, HTML, quoted-printable, UTF-7, joined strings | marks within a text |
//! | [`BLOCKS`] | base64, hex, lists of numbers, character codes, reversed | a text within a text |
//!
//! No code is needed for Latin-1 and its relatives, for CR-only lines and for long lines: rules match
//! bytes, and all of these leave ASCII as it is. None is needed for PEM without its newlines: the
//! rules for keys take a space or a `\n` in their place.

mod backslash;
mod base64;
mod blocks;
mod char_codes;
mod escapes;
mod hex;
mod html;
mod joined;
mod numbers;
mod percent;
mod quoted_printable;
mod reversed;
mod runs;
mod signs;
mod utf7;
mod wide;
mod words;

#[cfg(test)]
mod tests;

pub use signs::{SIGN_BYTES_MAX, signs};

use std::ops::Range;

use super::offsets::Map;

pub use escapes::Escapes;

/// Finds the next piece at or behind `from` that a code can decode.
pub type Find = fn(text: &[u8], from: usize) -> Option<Piece>;

/// Codes of two and four bytes a character.
pub const WIDE: &[Find] = &[wide::find];

/// Codes that hold a text of its own.
pub const BLOCKS: &[Find] = &[blocks::find, numbers::find, words::find];

/// What a text was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// UTF-16 of either byte order.
    Utf16,
    /// UTF-32 of either byte order.
    Utf32,
    /// NUL bytes between the characters, in no order that has a name.
    NulPadded,
    /// `\x41`, `\u0041`, `\101`, `\"`, `\n`.
    Backslash,
    /// `%41`, `%u0041`.
    Percent,
    /// `&#65;`, `&#x41;`, `&quot;`.
    Html,
    /// `=41`, and lines that end in `=`.
    QuotedPrintable,
    /// `+AEE-`.
    Utf7,
    /// `"AK" + "IA"`, and lines that end in `\`.
    Joined,
    /// Base64, either alphabet, padded or not, in one line or many.
    Base64,
    /// Hex digits in a row.
    Hex,
    /// `65, 75`, `0x41, 0x4b`, `41:4b`.
    Numbers,
    /// `chr(65) + chr(75)`.
    CharCodes,
    /// From right to left, where the code beside it says so.
    Reversed,
}

impl Code {
    /// Every code, in the order in which a finding names them.
    pub const ALL: &[Self] = &[
        Self::Utf16,
        Self::Utf32,
        Self::NulPadded,
        Self::Backslash,
        Self::Percent,
        Self::Html,
        Self::QuotedPrintable,
        Self::Utf7,
        Self::Joined,
        Self::Base64,
        Self::Hex,
        Self::Numbers,
        Self::CharCodes,
        Self::Reversed,
    ];

    /// Returns the name that findings show.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
            Self::NulPadded => "nul-padded",
            Self::Backslash => "backslash-escapes",
            Self::Percent => "percent",
            Self::Html => "html",
            Self::QuotedPrintable => "quoted-printable",
            Self::Utf7 => "utf-7",
            Self::Joined => "joined-strings",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Numbers => "number-list",
            Self::CharCodes => "character-codes",
            Self::Reversed => "reversed",
        }
    }
}

/// A stretch of text that a code can decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it stands.
    pub source: Range<usize>,
    /// What it says.
    pub decoded: Decoded,
    /// The code.
    pub code: Code,
    /// Whether it is reason enough to look at the text around it, or only worth decoding where a
    /// reason is near: source code is full of `\n`.
    pub reason: bool,
}

/// What a piece says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// One character, or none: the first `len` of the bytes.
    Char {
        /// The bytes.
        bytes: [u8; 4],
        /// How many.
        len: usize,
    },
    /// A text, and where its bytes stand.
    Block {
        /// The text.
        bytes: Vec<u8>,
        /// Its places.
        map: Map,
    },
}

impl Piece {
    /// A character, or with `None` nothing, in the place of `source`.
    fn char(source: Range<usize>, char: Option<char>, code: Code) -> Self {
        let mut bytes = [0; 4];
        let len = char.map_or(0, |char| char.encode_utf8(&mut bytes).len());
        Self { source, decoded: Decoded::Char { bytes, len }, code, reason: true }
    }

    /// A byte in the place of `source`.
    fn byte(source: Range<usize>, byte: u8, code: Code) -> Self {
        let decoded = Decoded::Char { bytes: [byte, 0, 0, 0], len: 1 };
        Self { source, decoded, code, reason: true }
    }

    /// A text in the place of `source`.
    fn block(source: Range<usize>, bytes: Vec<u8>, map: Map, code: Code) -> Self {
        Self { source, decoded: Decoded::Block { bytes, map }, code, reason: true }
    }
}

/// Whether `byte` stands in texts: ASCII that prints, tab, line ends.
fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

/// Whether `byte` stands in tokens: what a secret is mostly made of.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b'~')
}

/// The text in a row that makes decoded bytes worth a look. Of random bytes one in 10⁵ begins such
/// a row, so a hash in hex is left alone.
const TEXT_ROW_MIN: usize = 12;

/// Whether decoded bytes may hold a secret: they are text, or have a row of it, or look like UTF-16
/// or a box.
fn is_worth_a_look(bytes: &[u8]) -> bool {
    if is_box(bytes) || starts_wide(bytes) {
        return true;
    }
    if bytes.len() < TEXT_ROW_MIN {
        return bytes.iter().copied().all(is_text);
    }
    has_text_row(bytes) || std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'))
}

/// The smallest box, in bytes: a gzip of eight letters. Fewer bytes look like one too easily.
const BOX_BYTES_MIN: usize = 24;

/// Whether decoded bytes are to be opened rather than read.
pub(super) fn is_box(bytes: &[u8]) -> bool {
    bytes.len() >= BOX_BYTES_MIN && super::boxes::sniff(bytes).next().is_some()
}

/// Whether [`TEXT_ROW_MIN`] bytes in a row are text. Looks at the last of them first, so that it skips
/// over most of what is no text.
fn has_text_row(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(row) = bytes.get(at..at + TEXT_ROW_MIN) {
        match row.iter().rposition(|byte| !is_text(*byte)) {
            Some(bad) => at += bad + 1,
            None => return true,
        }
    }
    false
}

/// Whether the first characters are wide, of either byte order, with or without a mark of it.
fn starts_wide(bytes: &[u8]) -> bool {
    let bytes = match bytes {
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] => rest,
        other => other,
    };
    // The NULs of UTF-32, or those that are left of it behind a mark of UTF-16's size.
    let bytes = bytes.strip_prefix(&[0, 0]).unwrap_or(bytes);
    let head = bytes.get(..2 * TEXT_ROW_MIN).unwrap_or(bytes);
    head.len() >= TEXT_ROW_MIN
        && [2, 4].into_iter().any(|width| {
            (0..width).any(|place| {
                let is_right = |(at, byte): (usize, &u8)| {
                    if at % width == place { is_text(*byte) } else { *byte == 0 }
                };
                head.iter().enumerate().all(is_right)
            })
        })
}

/// Reads `digits` hex digits at the start of `text` as a number.
fn hex_number(text: &[u8], digits: usize) -> Option<u32> {
    number(text.get(..digits)?, 16)
}

/// Reads all of `text` as a number of the radix.
fn number(text: &[u8], radix: u32) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u32, |number, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        number.checked_mul(radix)?.checked_add(digit)
    })
}

/// Counts the bytes at the start of `text` that `is` holds of, but no more than `most`.
fn count_while(text: &[u8], most: usize, is: impl Fn(u8) -> bool) -> usize {
    text.iter().take(most).take_while(|byte| is(**byte)).count()
}

/// Returns the text from `at` on; nothing where it is shorter.
fn from(text: &[u8], at: usize) -> &[u8] {
    text.get(at..).unwrap_or_default()
}

/// Returns the byte before `at`.
fn before(text: &[u8], at: usize) -> Option<u8> {
    text.get(at.checked_sub(1)?).copied()
}
