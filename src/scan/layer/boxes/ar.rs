//! Unix archives, and Debian packages with them.
//!
//! ```text
//! "!<arch>\n"  { name 16 │ mtime 12 │ uid 6 │ gid 6 │ mode 8 │ size 10 │ "`\n" │ bytes │ pad to 2 }
//! ```
//!
//! A name ends with `/` (GNU), stands in a table that the member `//` holds (GNU, `/12`), or stands
//! before the bytes (BSD, `#1/20`). Tables and symbols come out as entries like any other: names are
//! then text to scan as well.
//!
//! Source: ar(5) of FreeBSD and of binutils.

use super::Label;
use super::bytes::{from, number, slice, up_to};
use super::tray::Tray;
use crate::scan::layer::LeftOut;

const MAGIC: &[u8] = b"!<arch>\n";
const HEADER_BYTES: usize = 60;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Passes on every member.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let mut at = MAGIC.len();
    while let Some(header) = slice(bytes, at, HEADER_BYTES) {
        let Some(size) = size(header) else { break };
        at += HEADER_BYTES;
        let label = Label::new("entry", at).named(up_to(header, 0, 16).trim_ascii_end());
        let data = up_to(bytes, at, size);
        tray.stored(label, data)?;
        at += data.len();
        if data.len() < size {
            return Err(LeftOut::Damaged);
        }
        at += at % 2;
    }
    let rest = from(bytes, at).trim_ascii();
    tray.stored(Label::new("trailing", at), rest)?;
    if rest.is_empty() { Ok(()) } else { Err(LeftOut::Damaged) }
}

fn size(header: &[u8]) -> Option<usize> {
    let size = number(slice(header, 48, 10)?, 10)?;
    header.ends_with(b"`\n").then(|| super::bytes::size(size))
}
