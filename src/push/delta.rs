//! Delta instructions, applied as they inflate.
//!
//! ```text
//! size of the base, size of the result        7 bits a byte, lowest first
//! 1xxxxxxx  copy: offset and size bytes follow as the low seven bits say
//! 0nnnnnnn  insert: the next n bytes; n = 0 is reserved
//! ```
//!
//! Source: gitformat-pack(5), "Deltified representation".

use super::content::Content;
use super::inflate::Inflating;
use super::sink::{ReadError, unreadable};

/// The size that a copy of "zero" bytes means.
const COPY_BYTES_DEFAULT: u64 = 0x1_0000;

/// Reads the two sizes that a delta begins with: of its base, of its result.
pub(super) fn read_sizes(delta: &mut Inflating<'_>) -> Result<(u64, u64), ReadError> {
    Ok((read_size(delta)?, read_size(delta)?))
}

/// One instruction of a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Bytes of the base follow.
    Copy {
        /// Where they stand there.
        offset: u64,
        /// How many.
        size: u64,
    },
    /// Bytes of the delta's own follow.
    Insert {
        /// How many.
        size: u64,
    },
}

/// Passes the result of the instructions that are left on to `take`, piece by piece. Each is told to
/// `note` before its bytes come.
pub(super) fn apply(
    base: &Content,
    delta: &mut Inflating<'_>,
    mut note: impl FnMut(Step),
    mut take: impl FnMut(&[u8]) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    while !delta.fill()?.is_empty() {
        match delta.byte()? {
            0 => return Err(unreadable()),
            copy if copy & 0x80 != 0 => {
                let (offset, size) = read_copy(delta, copy)?;
                note(Step::Copy { offset, size });
                base.copy(offset, size, unreadable, &mut take)?;
            }
            insert => {
                note(Step::Insert { size: u64::from(insert) });
                pass_insert(delta, usize::from(insert), &mut take)?;
            }
        }
    }
    Ok(())
}

fn read_size(delta: &mut Inflating<'_>) -> Result<u64, ReadError> {
    let mut size = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = delta.byte()?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            break;
        }
        size |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(unreadable())
}

fn read_copy(delta: &mut Inflating<'_>, flags: u8) -> Result<(u64, u64), ReadError> {
    let (mut offset, mut size) = (0, 0);
    for index in 0..4 {
        if flags & (1 << index) != 0 {
            offset |= u64::from(delta.byte()?) << (8 * index);
        }
    }
    for index in 0..3 {
        if flags & (0x10 << index) != 0 {
            size |= u64::from(delta.byte()?) << (8 * index);
        }
    }
    Ok((offset, if size == 0 { COPY_BYTES_DEFAULT } else { size }))
}

fn pass_insert(
    delta: &mut Inflating<'_>,
    mut count: usize,
    take: &mut impl FnMut(&[u8]) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    while count > 0 {
        let bytes = delta.fill()?;
        let bytes = bytes.get(..count).unwrap_or(bytes);
        if bytes.is_empty() {
            return Err(unreadable());
        }
        let taken = bytes.len();
        take(bytes)?;
        delta.consume(taken);
        count -= taken;
    }
    Ok(())
}
