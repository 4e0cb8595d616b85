//! PDF: its streams, unpacked, and the texts in them, joined.
//!
//! ```text
//! << dictionary >> stream … endstream ──filters──► bytes ──► Out::Part "stream"
//!                                                    └─strings──► Out::Part "text"
//! what stands between streams ──strings──► Out::Part "text"
//! ```
//!
//! Streams are found by their keyword, whether or not a table or a tree leads to them, and end where
//! their packing ends: the length that the dictionary tells is looked at only where nothing else
//! tells it. Object streams hold dictionaries and strings without any length of their own, so they
//! need no reading beyond this.
//!
//! Text on a page is a list of pieces with the distances between them, `[(to) -20 (ken)] TJ`: the
//! strings of one array are joined, so that a token set in a proportional font is whole again.
//! Fonts that number their glyphs anew are not followed, nor are pictures looked at.
//!
//! Source: ISO 32000-1, sections 7.3.4 (strings), 7.3.8 (streams), 7.4 (filters), 9.4.3 (showing).

mod filter;
mod text;

use std::borrow::Cow;

use memchr::memmem;

use super::Label;
use super::bytes::{from, up_to};
use super::tray::Tray;
use crate::scan::layer::LeftOut;

use filter::Filter;

/// How far behind its first byte a PDF may begin: readers look for its mark in one kilobyte.
const HEAD_BYTES: usize = 1024;

/// How far in front of its stream a dictionary may begin.
const DICTIONARY_BYTES: usize = 4096;

/// What a stream costs besides its bytes: its dictionary is searched for.
const STREAM_BYTES: usize = 1024;

const STREAM: &[u8] = b"stream";
const END: &[u8] = b"endstream";

pub(super) fn is(bytes: &[u8]) -> bool {
    memmem::find(up_to(bytes, 0, HEAD_BYTES), b"%PDF-").is_some()
}

/// Passes on every stream, and the texts inside and outside of them.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let is_encrypted = memmem::find(bytes, b"/Encrypt").is_some();
    let (mut at, mut outside) = (0, Vec::new());
    while let Some(found) = memmem::find(from(bytes, at), STREAM) {
        let keyword = at + found;
        let data_at = keyword + STREAM.len() + line_end(from(bytes, keyword + STREAM.len()));
        text::add(up_to(bytes, at, found), &mut outside);
        if up_to(bytes, 0, keyword).ends_with(b"end") || data_at == keyword + STREAM.len() {
            at = keyword + STREAM.len();
            continue;
        }
        tray.spend(STREAM_BYTES)?;
        let stream = Stream::new(bytes, keyword, data_at);
        at = data_at + stream.open(is_encrypted, tray)?;
    }
    text::add(from(bytes, at), &mut outside);
    tray.made(Label::new("text", 0), outside)?;
    if is_encrypted { Err(LeftOut::Encrypted) } else { Ok(()) }
}

/// Returns the length of the line's end that has to follow the keyword.
fn line_end(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\n' | b'\r', ..] => 1,
        _ => 0,
    }
}

struct Stream<'a> {
    dictionary: &'a [u8],
    data: &'a [u8],
    at: usize,
}

impl<'a> Stream<'a> {
    fn new(bytes: &'a [u8], keyword: usize, at: usize) -> Self {
        let start = keyword.saturating_sub(DICTIONARY_BYTES);
        let before = from(up_to(bytes, 0, keyword), start);
        let start = memmem::rfind(before, b"obj").unwrap_or(0);
        Self { dictionary: from(before, start), data: from(bytes, at), at }
    }

    /// Passes on what the stream holds. Returns how many of its bytes were read.
    fn open(&self, is_encrypted: bool, tray: &mut Tray<'_>) -> Result<usize, LeftOut> {
        let label = Label::new("stream", self.at);
        let filters = match Filter::list(self.dictionary) {
            Ok(filters) => filters,
            Err(why) => {
                tray.tell(why, label)?;
                vec![]
            }
        };
        let Some((first, rest)) = filters.split_first() else {
            return self.open_plain(tray);
        };
        let (mut out, used, mut fault) = first.apply(self.data, self.dictionary, tray);
        for filter in rest {
            let (next, _, damage) = filter.apply(&out, self.dictionary, tray);
            fault = fault.or(damage);
            out = next;
        }
        self.pass_on(&out, tray)?;
        match fault {
            // Without the key everything looks damaged, and is told once for all.
            Some(LeftOut::Damaged) if is_encrypted => {}
            Some(why) => tray.tell(why, label)?,
            None => {}
        }
        // What broke off is looked through again, as it may be no stream at all, and is paid for.
        if fault.is_some() {
            tray.spend(used)?;
            return Ok(0);
        }
        Ok(used)
    }

    /// Passes on the texts of a stream that is not packed: its bytes stand in the file. A picture's
    /// are a part, since a JPEG has texts of its own.
    fn open_plain(&self, tray: &mut Tray<'_>) -> Result<usize, LeftOut> {
        let len = memmem::find(self.data, END).unwrap_or(self.data.len());
        let data = up_to(self.data, 0, len);
        tray.stored(Label::new("stream", self.at), data)?;
        self.pass_on_text(data, tray)?;
        Ok(len)
    }

    fn pass_on(&self, out: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
        tray.emit(Label::new("stream", self.at), Cow::Borrowed(out))?;
        self.pass_on_text(out, tray)
    }

    fn pass_on_text(&self, bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
        let mut texts = Vec::new();
        text::add(bytes, &mut texts);
        tray.made(Label::new("text", self.at), texts)
    }
}
