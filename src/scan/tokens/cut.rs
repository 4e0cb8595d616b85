//! The cuts: text → runs → atoms → values.

use std::ops::Range;

use super::{Lengths, TOKEN_BYTES_MIN, TOKEN_CONTEXT_BYTES};
use crate::scan::simd::{BLOCK_BYTES, BLOCKS, Classes};

/// Part of any value.
const PLAIN: u8 = 0;
/// A blank, a quote or a control character: ends runs.
const BLANK: u8 = 1;
/// A separator or bracket: ends atoms.
const SEPARATOR: u8 = 2;
/// `=` or `:`: a value may follow.
const ASSIGNS: u8 = 4;

/// What each byte is to the tokeniser, as a bit, so that a run knows what it holds.
static KINDS: [u8; 256] = kinds();

#[expect(clippy::indexing_slicing, reason = "a byte indexes 256 entries; const code has no get")]
const fn kinds() -> [u8; 256] {
    let mut kinds = [PLAIN; 256];
    let mut byte = 0_usize;
    while byte < kinds.len() {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let kind = match byte as u8 {
            0..=0x20 | 0x7f | b'\'' | b'"' | b'`' => BLANK,
            b',' | b';' | b'&' | b'|' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' => {
                SEPARATOR
            }
            b'=' | b':' => ASSIGNS,
            _ => PLAIN,
        };
        kinds[byte] = kind;
        byte += 1;
    }
    kinds
}

fn kind(byte: u8) -> u8 {
    KINDS.get(usize::from(byte)).copied().unwrap_or(PLAIN)
}

/// A stretch without blanks.
pub(super) struct Run {
    range: Range<usize>,
    /// The kinds of its bytes, or-ed.
    kinds: u8,
}

impl Run {
    fn new(text: &[u8], range: Range<usize>, special: bool) -> Self {
        let bytes = text.get(range.clone()).filter(|_| special).unwrap_or_default();
        Self { kinds: bytes.iter().fold(PLAIN, |kinds, byte| kinds | kind(*byte)), range }
    }
}

/// Lists the runs that are long enough to hold a token.
pub(super) fn runs(text: &[u8], sink: &mut dyn FnMut(Run)) {
    let mut masks = [[0; 2]; BLOCKS + 1];
    let mut open = None;
    for at in (0..text.len()).step_by(BLOCKS * BLOCK_BYTES) {
        let rest = text.get(at..).unwrap_or_default();
        let blocks = rest.len().div_ceil(BLOCK_BYTES).min(BLOCKS);
        // The last one is only looked ahead at.
        CLASSES.at(rest, masks.get_mut(..=blocks).unwrap_or_default());
        let pairs = masks.iter().zip(masks.iter().skip(1)).take(blocks).enumerate();
        for (number, (&[blank, special], &[next, _])) in pairs {
            let block =
                Block { at: at + number * BLOCK_BYTES, plain: !blank, special, next: !next };
            block.runs(&mut open, &mut |range, special| sink(Run::new(text, range, special)));
        }
    }
    if let Some((start, special)) = open {
        sink(Run::new(text, start..text.len(), special));
    }
}

/// Blanks, and what makes a run more than one value.
static CLASSES: Classes = Classes::of(&KINDS, [BLANK, SEPARATOR | ASSIGNS]);

/// The masks of a block of text.
struct Block {
    at: usize,
    /// What is no blank, here and in the block behind.
    plain: u64,
    next: u64,
    special: u64,
}

impl Block {
    /// Reports the runs that end here, and whether they hold anything special; `open` is the one
    /// that began before, or that goes on behind.
    fn runs(&self, open: &mut Option<(usize, bool)>, sink: &mut dyn FnMut(Range<usize>, bool)) {
        let mut plain = self.plain;
        if let Some((start, special)) = open {
            let length = plain.trailing_ones();
            *special |= self.special & first(length) != 0;
            if length == u64::BITS {
                return;
            }
            sink(*start..self.at + length as usize, *special);
            (*open, plain) = (None, plain & !first(length));
        }
        let mut begins = long(plain, self.next) & !(plain << 1);
        while begins != 0 {
            let place = begins.trailing_zeros();
            let length = (plain >> place).trailing_ones();
            let (start, special) =
                (self.at + place as usize, self.special >> place & first(length) != 0);
            if place + length == u64::BITS {
                *open = Some((start, special));
            } else {
                sink(start..start + length as usize, special);
            }
            begins &= begins - 1;
        }
    }
}

/// The first `count` bits.
fn first(count: u32) -> u64 {
    u64::MAX.checked_shr(u64::BITS - count).unwrap_or(0)
}

/// Where bits go on for [`TOKEN_BYTES_MIN`].
#[expect(clippy::cast_possible_truncation, reason = "the upper half is another block's")]
fn long(plain: u64, next: u64) -> u64 {
    const { assert!(TOKEN_BYTES_MIN == 8) };
    let one = u128::from(plain) | u128::from(next) << 64;
    let two = one & one >> 1;
    let four = two & two >> 2;
    (four & four >> 4) as u64
}

/// Cuts one run. `cuts` is scratch memory.
pub(super) fn run(
    text: &[u8],
    run: Run,
    lengths: &Lengths,
    cuts: &mut Vec<Range<usize>>,
    sink: &mut dyn FnMut(Range<usize>),
) {
    let Run { range, kinds } = run;
    if range.len() < lengths.least {
        return;
    }
    if kinds == PLAIN {
        if lengths.has(range.len()) {
            sink(range);
        }
        return;
    }
    let short = range.len() <= TOKEN_CONTEXT_BYTES;
    if short {
        values(text, range.clone(), kinds, lengths, cuts);
    }
    if kinds & SEPARATOR != 0 {
        if short {
            values(text, trimmed(text, range.clone()), kinds, lengths, cuts);
        }
        atoms(text, range, lengths.least, &mut |atom| {
            values(text, atom, kinds, lengths, cuts);
            if !short {
                flush(cuts, sink);
            }
        });
    }
    flush(cuts, sink);
}

/// Reports what was gathered, each once.
fn flush(cuts: &mut Vec<Range<usize>>, sink: &mut dyn FnMut(Range<usize>)) {
    if cuts.len() > 1 {
        cuts.sort_unstable_by_key(|cut| (cut.start, cut.end));
        cuts.dedup();
    }
    cuts.drain(..).for_each(sink);
}

/// Drops separators, such as those around an argument or at the end of a statement.
fn trimmed(text: &[u8], run: Range<usize>) -> Range<usize> {
    let bytes = text.get(run.clone()).unwrap_or_default();
    let kept = |byte: &u8| kind(*byte) != SEPARATOR;
    let Some(first) = bytes.iter().position(kept) else {
        return run.start..run.start;
    };
    let last = bytes.iter().rposition(kept).unwrap_or(first);
    run.start + first..run.start + last + 1
}

/// Lists the atoms of a run that are short enough to be looked at.
fn atoms(text: &[u8], run: Range<usize>, least: usize, sink: &mut dyn FnMut(Range<usize>)) {
    let mut start = run.start;
    let bytes = text.get(run).unwrap_or_default();
    for atom in bytes.split(|byte| kind(*byte) == SEPARATOR) {
        if (least..=TOKEN_CONTEXT_BYTES).contains(&atom.len()) {
            sink(start..start + atom.len());
        }
        start += atom.len() + 1;
    }
}

/// Gathers what in `part` could be a value: itself, what is assigned in it, and userinfo.
fn values(
    text: &[u8],
    part: Range<usize>,
    kinds: u8,
    lengths: &Lengths,
    cuts: &mut Vec<Range<usize>>,
) {
    let start = part.start;
    let mut add = |cut: Range<usize>| {
        if lengths.has(cut.len()) {
            cuts.push(start + cut.start..start + cut.end);
        }
    };
    let bytes = text.get(part).unwrap_or_default();
    add(0..bytes.len());
    if kinds & ASSIGNS != 0 {
        assigned(bytes, &mut add);
    }
}

/// Cuts at the first `=`, at the first `:`, and at userinfo, with a scheme before it or without.
fn assigned(bytes: &[u8], add: &mut dyn FnMut(Range<usize>)) {
    if let Some(equals) = memchr::memchr(b'=', bytes) {
        add(equals + 1..bytes.len());
    }
    let Some(first) = memchr::memchr(b':', bytes) else {
        return;
    };
    add(first + 1..bytes.len());
    let Some(last_at) = memchr::memrchr(b'@', bytes).filter(|at| *at > first) else {
        return;
    };
    add(first + 1..last_at);
    for colon in memchr::memchr_iter(b':', bytes) {
        let rest = bytes.get(colon..).unwrap_or_default();
        if let Some(authority) = rest.strip_prefix(b"://") {
            let from = colon + rest.len() - authority.len();
            userinfo(authority, &mut |cut| add(from + cut.start..from + cut.end));
        }
    }
}

/// Cuts user and password out of a URI's authority (RFC 3986, section 3.2.1), as they stand.
fn userinfo(authority: &[u8], add: &mut dyn FnMut(Range<usize>)) {
    let end = authority.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let authority = authority.get(..end.unwrap_or(authority.len())).unwrap_or_default();
    let Some(at) = memchr::memrchr(b'@', authority) else {
        return;
    };
    let colon = authority.get(..at).and_then(|info| memchr::memchr(b':', info));
    add(0..colon.unwrap_or(at));
    if let Some(colon) = colon {
        add(colon + 1..at);
    }
}

/// Lists what stands between two quotes of a kind, on one line, and is no run: passphrases.
pub(super) fn quotes(text: &[u8], lengths: &Lengths, sink: &mut dyn FnMut(Range<usize>)) {
    // Where each kind of quote was last seen on this line.
    let mut open: [Option<usize>; 3] = [None; 3];
    for place in memchr::memchr3_iter(b'\'', b'"', b'`', text) {
        let quote = match text.get(place) {
            Some(b'\'') => 0,
            Some(b'"') => 1,
            _ => 2,
        };
        let Some(open) = open.get_mut(quote) else {
            continue;
        };
        let inside = open.replace(place).map(|open| open + 1..place);
        if let Some(inside) = inside
            && lengths.has(inside.len())
            && text.get(inside.clone()).is_some_and(is_phrase)
        {
            sink(inside);
        }
    }
}

/// Has a blank or another quote, and no line break.
fn is_phrase(inside: &[u8]) -> bool {
    let line = !inside.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
    line && inside.iter().any(|byte| kind(*byte) == BLANK)
}
