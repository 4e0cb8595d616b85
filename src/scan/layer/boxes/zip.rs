//! Zip archives and their family, read as every reader would.
//!
//! ```text
//! [a program] { local header │ bytes │ [descriptor] } … { central record } … end of directory
//!             ▲                                         │
//!             └───────────── offset ────────────────────┘
//! ```
//!
//! There are two lists of what a zip holds, and readers that trust either: an entry may be in one and
//! not in the other, or stand in both with different sizes and methods. So the records that the
//! directory at the end lists are opened first; then what none of their bytes cover is searched for
//! local headers and for records that no directory lists; and where a local header contradicts its
//! record, the entry is opened by both. Overlapping entries are opened one by one and paid for one by
//! one.
//!
//! The crate `zip` trusts the directory alone, as a reader should; this has to see what it does not.
//!
//! Source: APPNOTE.TXT 6.3.10.

mod record;

use std::borrow::Cow;
use std::collections::HashSet;

use memchr::memmem;

use super::Label;
use super::bytes::{from, size, slice, u16_le, u32_le, u64_le, up_to};
use super::packing::Packing;
use super::sniff::last_within;
use super::streams::add_line;
use super::tray::Tray;
use crate::scan::layer::LeftOut;

use record::{Entry, Lead};

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;

/// An end record stands before a comment whose length has 16 bits.
const TAIL_BYTES: usize = END_BYTES + 0xffff;

/// What an entry costs besides its bytes: it is remembered.
const ENTRY_BYTES: usize = 512;

const STORED: u16 = 0;
const LZMA: u16 = 14;

/// Returns whether a directory ends near the end of the bytes.
pub(super) fn is_at_end(bytes: &[u8]) -> bool {
    last_within(bytes, END, TAIL_BYTES).is_some_and(|at| slice(bytes, at, END_BYTES).is_some())
}

/// Passes on every entry of either list, and all names, comments and extra fields.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let mut zip = Zip {
        bytes,
        base: 0,
        headers: HashSet::new(),
        opened: HashSet::new(),
        covered: Vec::new(),
        texts: Vec::new(),
    };
    let opened = zip.open_directory(tray).and_then(|()| zip.open_unlisted(tray));
    tray.emit(Label::new("names", 0), Cow::Owned(zip.texts))?;
    opened?;
    if zip.opened.is_empty() && !is_at_end(bytes) { Err(LeftOut::Damaged) } else { Ok(()) }
}

struct Zip<'a> {
    bytes: &'a [u8],
    /// What stands in front of the archive: offsets count from behind it.
    base: usize,
    /// Where local headers stand that have been read.
    headers: HashSet<usize>,
    /// What has been opened.
    opened: HashSet<Lead>,
    /// Where bytes of entries stand.
    covered: Vec<(usize, usize)>,
    /// Names, comments and extra fields, paid for.
    texts: Vec<u8>,
}

impl<'a> Zip<'a> {
    /// Opens what the directory lists that the last end record points at.
    fn open_directory(&mut self, tray: &mut Tray<'_>) -> Result<(), LeftOut> {
        let Some(end) = last_within(self.bytes, END, TAIL_BYTES) else { return Ok(()) };
        self.add_text(from(self.bytes, end + END_BYTES), tray)?;
        let Some((mut at, base)) = self.start(end) else { return Ok(()) };
        self.base = base;
        while let Some((entry, len)) = record::central(self.bytes, at, base) {
            self.open_listed(&entry, tray)?;
            at += len;
        }
        Ok(())
    }

    /// Returns where the directory begins, and what stands before the archive. A directory ends where
    /// its end record begins, whatever the offset says; if it does not, the offset is believed.
    fn start(&self, end: usize) -> Option<(usize, usize)> {
        let (end, len, offset) = self.end_64(end).or_else(|| {
            let number = |at| u32_le(self.bytes, at).map(size);
            Some((end, number(end + 12)?, number(end + 16)?))
        })?;
        let is_record = |at: &usize| record::central(self.bytes, *at, 0).is_some();
        let behind = end.checked_sub(len).filter(is_record);
        let behind = behind.map(|start| (start, start.saturating_sub(offset)));
        behind.or_else(|| Some(offset).filter(is_record).map(|start| (start, 0)))
    }

    /// Returns where the end record of 64 bits stands and what it says, if its locator stands in
    /// front of the other.
    fn end_64(&self, end: usize) -> Option<(usize, usize, usize)> {
        const RECORD: &[u8] = b"PK\x06\x06";
        const LOCATOR: &[u8] = b"PK\x06\x07";
        const LOCATOR_BYTES: usize = 20;
        let locator = end.checked_sub(LOCATOR_BYTES)?;
        slice(self.bytes, locator, LOCATOR.len()).filter(|found| *found == LOCATOR)?;
        let at = memmem::rfind(up_to(self.bytes, 0, locator), RECORD)?;
        let number = |at| u64_le(self.bytes, at).map(size);
        Some((at, number(at + 40)?, number(at + 48)?))
    }

    /// Opens an entry as its record says and, where they differ, as its local header says.
    fn open_listed(&mut self, entry: &Entry<'a>, tray: &mut Tray<'_>) -> Result<(), LeftOut> {
        let Some(local) = record::local(self.bytes, entry.header_at) else {
            // Without a header: where its bytes would begin if it had one like its record.
            let data_at = entry.header_at.saturating_add(30 + entry.name.len());
            return self.open_once(&Entry { data_at, ..*entry }, tray);
        };
        self.headers.insert(local.header_at);
        self.open_once(&Entry { data_at: local.data_at, ..*entry }, tray)?;
        if local.contradicts(entry) { self.open_once(&local, tray) } else { Ok(()) }
    }

    /// Opens what stands in the gaps between the bytes of listed entries.
    fn open_unlisted(&mut self, tray: &mut Tray<'_>) -> Result<(), LeftOut> {
        let mut covered = std::mem::take(&mut self.covered);
        covered.sort_unstable();
        let mut covered = covered.into_iter().peekable();
        let (bytes, mut behind) = (self.bytes, 0);
        for at in memmem::find_iter(bytes, b"PK") {
            while let Some((_, end)) = covered.next_if(|(start, _)| *start <= at) {
                behind = behind.max(end);
            }
            if at < behind {
                continue;
            }
            let Some(local) = record::local(bytes, at) else {
                self.open_stray(at, tray)?;
                continue;
            };
            if self.headers.insert(at) {
                self.open_once(&local, tray)?;
                behind = self.covered.pop().map_or(behind, |(_, end)| end);
            }
        }
        Ok(())
    }

    /// Opens a record that no directory led to. What it points at covers nothing: it may point
    /// anywhere.
    fn open_stray(&mut self, at: usize, tray: &mut Tray<'_>) -> Result<(), LeftOut> {
        match record::central(self.bytes, at, self.base) {
            Some((entry, _)) if !self.opened.contains(&entry.lead()) => {
                self.open_listed(&entry, tray)
            }
            _ => Ok(()),
        }
    }

    fn open_once(&mut self, entry: &Entry<'a>, tray: &mut Tray<'_>) -> Result<(), LeftOut> {
        tray.spend(ENTRY_BYTES)?;
        for text in [entry.name, entry.comment, entry.extra] {
            self.add_text(text, tray)?;
        }
        if !self.opened.insert(entry.lead()) {
            return Ok(());
        }
        let used = open_entry(self.bytes, entry, tray)?;
        self.covered.push((entry.data_at, entry.data_at.saturating_add(used)));
        Ok(())
    }

    fn add_text(&mut self, text: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
        tray.spend(text.len())?;
        add_line(&mut self.texts, text);
        Ok(())
    }
}

/// Passes on what the entry's bytes unpack to. Returns how many of them there are.
fn open_entry(bytes: &[u8], entry: &Entry<'_>, tray: &mut Tray<'_>) -> Result<usize, LeftOut> {
    let label = Label::new("entry", entry.data_at).named(entry.name);
    let rest = from(bytes, entry.data_at);
    let data = entry.packed.map_or(rest, |len| up_to(rest, 0, len));
    if entry.is_encrypted() {
        return tray.tell(LeftOut::Encrypted, label).map(|()| data.len());
    }
    match (entry.method, packing(entry.method)) {
        (STORED, _) => open_stored(rest, entry, label, tray),
        (LZMA, _) => match lzma(data, entry) {
            Some((packing, data)) => tray.unpack(label, packing, data),
            None => tray.tell(LeftOut::Damaged, label).map(|()| data.len()),
        },
        (_, Some(packing)) => tray.unpack(label, packing, data),
        (_, None) => tray.tell(LeftOut::Method, label).map(|()| data.len()),
    }
}

/// Passes on bytes that are not packed: as many as either length says.
fn open_stored(
    rest: &[u8],
    entry: &Entry<'_>,
    label: Label<'_>,
    tray: &mut Tray<'_>,
) -> Result<usize, LeftOut> {
    let told = entry.packed.map(|packed| packed.max(entry.unpacked.map_or(0, size)));
    let data = told.map_or_else(|| before_signature(rest), |len| up_to(rest, 0, len));
    tray.stored(label, data)?;
    if told.is_some_and(|len| data.len() < len) {
        tray.tell(LeftOut::Damaged, label)?;
    }
    Ok(data.len())
}

fn packing(method: u16) -> Option<Packing> {
    match method {
        8 => Some(Packing::Deflate),
        12 => Some(Packing::Bzip2),
        20 | 93 => Some(Packing::Zstd),
        95 => Some(Packing::Xz),
        _ => None,
    }
}

/// Reads what stands before a stream of LZMA: two bytes of version, the length of the properties,
/// one byte of them and the window.
fn lzma<'a>(data: &'a [u8], entry: &Entry<'_>) -> Option<(Packing, &'a [u8])> {
    const HAS_END_MARK: u16 = 2;
    let properties_len = usize::from(u16_le(data, 2)?);
    let packing = Packing::LzmaRaw {
        properties: *data.get(4)?,
        window_bytes: u32_le(data, 5)?,
        unpacked_bytes: match entry.unpacked {
            Some(bytes) if entry.flags & HAS_END_MARK == 0 => bytes,
            _ => u64::MAX,
        },
    };
    Some((packing, data.get(4 + properties_len..)?))
}

/// Returns what stands before the next signature: the bytes of an entry that does not say how many
/// they are.
fn before_signature(bytes: &[u8]) -> &[u8] {
    let is_signature =
        |at: &usize| matches!(slice(bytes, *at + 2, 2), Some([1, 2] | [3, 4] | [5, 6] | [7, 8]));
    let end = memmem::find_iter(bytes, b"PK").find(is_signature);
    up_to(bytes, 0, end.unwrap_or(bytes.len()))
}
