//! Delta instructions, on bytes at hand.
//!
//! ```text
//! size of the base, size of the result        7 bits a byte, lowest first
//! 1xxxxxxx  copy: offset and size bytes follow as the low seven bits say
//! 0nnnnnnn  insert: the next n bytes; n = 0 is reserved
//! ```
//!
//! The sizes are stepped over: a result is as long as its instructions make it.

use crate::scan::layer::LeftOut;
use crate::scan::layer::boxes::bytes::{from, slice};
use crate::scan::layer::boxes::streams::add_line;
use crate::scan::layer::boxes::tray::Tray;

/// The size that a copy of "zero" bytes means.
const COPY_BYTES_DEFAULT: usize = 0x1_0000;

/// What an instruction costs besides the bytes it makes.
const INSTRUCTION_BYTES: usize = 1;

enum Instruction<'a> {
    Copy { offset: usize, size: usize },
    Insert(&'a [u8]),
}

/// Adds what the instructions make of `base` to `out`.
pub(super) fn apply(
    base: &[u8],
    delta: &[u8],
    out: &mut Vec<u8>,
    tray: &mut Tray<'_>,
) -> Result<(), LeftOut> {
    let mut rest = instructions(delta);
    while !rest.is_empty() {
        let (instruction, len) = next(rest).ok_or(LeftOut::Damaged)?;
        let bytes = match instruction {
            Instruction::Copy { offset, size } => slice(base, offset, size),
            Instruction::Insert(bytes) => Some(bytes),
        };
        let bytes = bytes.ok_or(LeftOut::Damaged)?;
        tray.spend(bytes.len() + INSTRUCTION_BYTES)?;
        out.extend_from_slice(bytes);
        rest = from(rest, len);
    }
    Ok(())
}

/// Returns what a delta on an unknown base adds to it, each text on a line of its own.
pub(super) fn inserted(delta: &[u8]) -> Vec<u8> {
    let (mut rest, mut lines) = (instructions(delta), Vec::new());
    while let Some((instruction, len)) = next(rest) {
        if let Instruction::Insert(bytes) = instruction {
            add_line(&mut lines, bytes);
        }
        rest = from(rest, len);
    }
    lines
}

/// Steps over the two sizes.
fn instructions(delta: &[u8]) -> &[u8] {
    let mut rest = delta;
    for _ in 0..2 {
        let more = rest.iter().take_while(|&&byte| byte & 0x80 != 0).count();
        rest = from(rest, more + 1);
    }
    rest
}

/// Reads an instruction. Returns its length as well.
fn next(rest: &[u8]) -> Option<(Instruction<'_>, usize)> {
    let first = *rest.first()?;
    if first & 0x80 == 0 {
        let bytes = slice(rest, 1, usize::from(first)).filter(|bytes| !bytes.is_empty())?;
        return Some((Instruction::Insert(bytes), 1 + bytes.len()));
    }
    let mut len = 1;
    let mut number = |bits: std::ops::Range<u32>| {
        bits.clone().filter(|bit| first >> bit & 1 != 0).try_fold(0, |number, bit| {
            let byte = usize::from(*rest.get(len)?);
            len += 1;
            Some(number | byte << (8 * (bit - bits.start)))
        })
    };
    let (offset, size) = (number(0..4)?, number(4..7)?);
    let size = if size == 0 { COPY_BYTES_DEFAULT } else { size };
    Some((Instruction::Copy { offset, size }, len))
}
