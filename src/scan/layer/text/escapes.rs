//! The escapes of a text, in one pass over it for all their codes.
//!
//! ```text
//! text ──vectors──► signs: `\`  `%4`  `&#`  `&a`  `=4`  `=⏎`  `+A`  `"+` ──the sign's code──► piece
//! ```
//!
//! Each code begins with a sign of its own, so the order of signs is that of pieces. A sign is two to
//! four bytes, of each of which halves are looked at: what they say is the code's to judge, and where
//! there is none no code looks.

use std::sync::LazyLock;

use super::{Piece, backslash, html, joined, percent, quoted_printable, utf7};
use crate::scan::sift::{CHUNK_BYTES, Places};
use crate::scan::simd::{BLOCK_BYTES, BLOCKS, Grams, Look, Masks};

const HEX: &[u8] = b"0123456789abcdefABCDEF";
const DIGIT: &[u8] = b"0123456789xX";
const CAPITAL_HEX: &[u8] = b"0123456789ABCDEF";
const LETTER: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const QUOTE: &[u8] = b"\"'";

/// What the bytes of each sign may be; behind the last anything. Each has a bucket.
const SIGNS: &[&[&[u8]]] = &[
    &[b"\\"],
    &[b"%", HEX, HEX],
    &[b"%", b"u", HEX, HEX],
    &[b"&", b"#", DIGIT],
    &[b"&", LETTER, LETTER],
    &[b"=", CAPITAL_HEX, CAPITAL_HEX],
    &[b"=", b"\r\n"],
    &[b"+", b"A", b"CDEFGH"],
    // What may begin a joint of strings. By their halves, these quotes and a backtick together
    // would be a space as well.
    &[QUOTE, b"\t\n\x0c\r"],
    &[QUOTE, b" \"&'+."],
    &[QUOTE, b"<\\^|~"],
    &[QUOTE, b"`"],
    &[b"`", b"\t\n\x0c\r \"&'+.<\\^|~`"],
];

static LOOK: LazyLock<Look> = LazyLock::new(|| {
    let mut grams = Grams::NONE;
    for (bucket, sign) in (0..).zip(SIGNS) {
        grams.allow(bucket, sign);
    }
    Look::new(grams)
});

/// The escapes of a text.
pub struct Escapes<'t> {
    text: &'t [u8],
    /// Where the last piece ended.
    at: usize,
    /// Where the object of the last backslash ended.
    read_to: usize,
    /// The signs of the chunk that begins at `chunk`, from the one numbered `next`.
    signs: Places,
    chunk: usize,
    next: usize,
    /// Where the next chunk begins.
    ahead: usize,
}

impl<'t> Escapes<'t> {
    /// Begins a text.
    #[must_use]
    pub fn of(text: &'t [u8]) -> Self {
        Self { text, at: 0, read_to: 0, signs: Places::default(), chunk: 0, next: 0, ahead: 0 }
    }

    /// Returns where the next sign stands.
    fn sign(&mut self) -> Option<usize> {
        loop {
            if let Some(offset) = self.signs.nth(self.next) {
                self.next += 1;
                return Some(self.chunk + offset);
            }
            let rest = self.text.get(self.ahead..).filter(|rest| !rest.is_empty())?;
            let mut masks = [Masks::default(); BLOCKS];
            let masks = masks.get_mut(..rest.len().div_ceil(BLOCK_BYTES).min(BLOCKS))?;
            LOOK.at(rest, masks);
            self.signs.fill(masks.iter().map(|masks| masks.gram));
            (self.chunk, self.next) = (self.ahead, 0);
            self.ahead += CHUNK_BYTES;
        }
    }

    fn piece(&mut self, at: usize) -> Option<Piece> {
        let text = self.text;
        match text.get(at)? {
            b'\\' if at < self.read_to => None,
            b'\\' => {
                self.read_to = at + backslash::PAIR_BYTES;
                backslash::at(text, at)
            }
            b'%' => percent::at(text, at),
            b'&' => html::at(text, at),
            b'=' => quoted_printable::at(text, at),
            b'+' => utf7::at(text, at),
            b'"' | b'\'' | b'`' => joined::strings(text, at),
            _ => None,
        }
    }
}

impl Iterator for Escapes<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        while let Some(at) = self.sign() {
            if at >= self.at
                && let Some(piece) = self.piece(at)
            {
                // A piece takes a byte at least, so this comes to an end.
                self.at = piece.source.end.max(at + 1);
                return Some(piece);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Find;
    use super::*;

    /// The codes one by one, each looking at every byte: what the pass over signs is held against.
    fn by_codes(text: &[u8]) -> Vec<Piece> {
        let all: [Find; 6] = [
            |text, start| {
                let mut read_to = start;
                (start..text.len()).find_map(|at| {
                    let begins = text[at] == b'\\' && at >= read_to;
                    read_to = if begins { at + backslash::PAIR_BYTES } else { read_to };
                    begins.then(|| backslash::at(text, at))?
                })
            },
            |text, start| first(text, start, b"%", percent::at),
            |text, start| first(text, start, b"&", html::at),
            |text, start| first(text, start, b"=", quoted_printable::at),
            |text, start| first(text, start, b"+", utf7::at),
            |text, start| first(text, start, b"\"'`", joined::strings),
        ];
        let (mut pieces, mut at) = (Vec::new(), 0);
        while let Some(piece) =
            all.iter().filter_map(|find| find(text, at)).min_by_key(|piece| piece.source.start)
        {
            at = piece.source.end.max(at + 1);
            pieces.push(piece);
        }
        pieces
    }

    fn first(text: &[u8], start: usize, signs: &[u8], code: Find) -> Option<Piece> {
        let mut places = (start..text.len()).filter(|at| signs.contains(&text[*at]));
        places.find_map(|at| code(text, at))
    }

    /// Signs, parts of them, and what may stand around.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let part = prop::sample::select(
            &[
                "\\",
                "\\n",
                "\\x41",
                "\\u0041",
                "\\101",
                "\\\n",
                "%41",
                "%u0041",
                "%",
                "4",
                "&#65;",
                "&lt;",
                "&",
                "=3D",
                "=\r\n",
                "=\n",
                "=",
                "+AEE-",
                "+",
                "\"",
                "'",
                "`",
                "\" + \"",
                "'.'",
                "\" \"",
                "\"\t|| \"",
                "\"\x0c\\\n\"",
                "`~`",
                "\"<>\"",
                "a",
                "token",
                "longer_token",
                " ",
                "\n",
                "\0",
                "\u{e9}",
            ][..],
        );
        let filler = (0_usize..70).prop_map(|count| "x".repeat(count));
        let piece = prop_oneof![9 => part.prop_map(str::to_owned), 1 => filler];
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_the_codes_find(text in texts()) {
            prop_assert_eq!(Escapes::of(&text).collect::<Vec<_>>(), by_codes(&text));
        }
    }

    #[test]
    fn signs_are_found_over_the_edges_of_chunks() {
        for shift in 0..6 {
            let text = ["x".repeat(CHUNK_BYTES - shift), "%41&lt;=3D\\x41".to_owned()].concat();
            let pieces: Vec<Piece> = Escapes::of(text.as_bytes()).collect();
            assert_eq!(pieces.len(), 4, "{shift}");
            assert_eq!(pieces, by_codes(text.as_bytes()), "{shift}");
        }
    }
}
