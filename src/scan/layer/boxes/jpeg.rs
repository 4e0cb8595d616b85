//! What a JPEG says beside its pixels.
//!
//! ```text
//! FF D8  { FF marker │ length 2 │ bytes } …  FF DA … pixels … FF D9  [whatever follows]
//! ```
//!
//! Comments and application segments (EXIF, XMP, IPTC) come out; the pieces of an XMP packet that is
//! longer than a segment come out joined. Pixels do not.
//!
//! Source: ITU-T T.81, annex B; XMP Specification Part 3, section 1.1.3.1.

use memchr::memchr;

use super::Label;
use super::bytes::{from, slice, u16_be, up_to};
use super::tray::Tray;
use crate::scan::layer::LeftOut;

/// What an application segment that continues an XMP packet begins with: then a digest of 32 bytes,
/// the packet's length and the place of this piece in it.
const EXTENDED_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const EXTENDED_XMP_BYTES: usize = EXTENDED_XMP.len() + 32 + 8;

/// Passes on every segment that may hold text, and what follows the image.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let (mut at, mut packet) = (2, Vec::new());
    let end = loop {
        let Some(marker) = next_marker(bytes, &mut at) else { break None };
        match marker {
            0xd9 => break Some(at),
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let Some(len) = u16_be(bytes, at).map(usize::from).filter(|&len| len >= 2) else {
            break None;
        };
        let Some(data) = slice(bytes, at + 2, len - 2) else { break None };
        if let Some(what) = what(marker) {
            tray.stored(Label::new(what, at + 2), data)?;
        }
        if data.starts_with(EXTENDED_XMP) {
            packet.extend_from_slice(from(data, EXTENDED_XMP_BYTES));
        }
        at += len;
    };
    tray.made(Label::new("XMP", 0), packet)?;
    let at = end.ok_or(LeftOut::Damaged)?;
    tray.stored(Label::new("trailing", at), from(bytes, at))
}

fn what(marker: u8) -> Option<&'static str> {
    match marker {
        0xe0..=0xef => Some("APP"),
        0xfe => Some("COM"),
        _ => None,
    }
}

/// Steps over pixels and filling to the next marker and behind it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += memchr(0xff, from(bytes, *at))? + 1;
        match up_to(bytes, *at, 1).first()? {
            0 | 0xff => {}
            &marker => {
                *at += 1;
                return Some(marker);
            }
        }
    }
}
