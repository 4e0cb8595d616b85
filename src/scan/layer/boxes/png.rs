//! What a PNG says beside its pixels.
//!
//! ```text
//! signature 8  { length 4 │ kind 4 │ bytes │ crc 4 } … IEND  [whatever follows]
//! ```
//!
//! Chunks of text come unpacked, other chunks as they are: the check behind a chunk is four bytes of
//! any value, and touches what the chunk ends with. Pixels stay packed: to unpack every image of a
//! push for a message in its pixels costs more than all else that is done to it.
//!
//! Source: PNG Specification (Third Edition), sections 5.3 and 11.3.

use super::Label;
use super::bytes::{from, size, slice, u32_be, until, up_to};
use super::packing::Packing;
use super::tray::Tray;
use crate::scan::layer::LeftOut;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// Passes on every chunk that is no pixels, and what follows the last.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let mut at = SIGNATURE.len();
    while let (Some(len), Some(kind)) = (u32_be(bytes, at), slice(bytes, at + 4, 4)) {
        at += 8;
        let Some(data) = slice(bytes, at, size(len)) else {
            tray.stored(Label::new("trailing", at), from(bytes, at))?;
            return Err(LeftOut::Damaged);
        };
        open_chunk(kind, data, at, tray)?;
        at += data.len() + 4;
        if kind == b"IEND" {
            return tray.stored(Label::new("trailing", at), from(bytes, at));
        }
    }
    Err(LeftOut::Damaged)
}

fn open_chunk(kind: &[u8], data: &[u8], at: usize, tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let behind_key = from(data, until(data, 0).len() + 1);
    let (what, packed) = match kind {
        b"IDAT" | b"fdAT" | b"PLTE" | b"IHDR" | b"IEND" => return Ok(()),
        b"zTXt" => ("zTXt", Some(from(behind_key, 1))),
        b"iCCP" => ("iCCP", Some(from(behind_key, 1))),
        b"iTXt" => ("iTXt", international(behind_key)),
        b"tEXt" => ("tEXt", None),
        b"eXIf" => ("eXIf", None),
        _ => ("chunk", None),
    };
    let label = Label::new(what, at);
    tray.stored(label, if packed.is_some() { until(data, 0) } else { data })?;
    packed.map_or(Ok(()), |packed| tray.unpack(label, Packing::Zlib, packed).map(drop))
}

/// Returns the text of an iTXt chunk if it is packed: it stands behind a language and a key in it.
fn international(behind_key: &[u8]) -> Option<&[u8]> {
    if behind_key.first() != Some(&1) {
        return None;
    }
    let language = from(behind_key, 2);
    let key = from(language, until(language, 0).len() + 1);
    Some(up_to(key, until(key, 0).len() + 1, usize::MAX))
}
