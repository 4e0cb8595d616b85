//! The two headers of an entry.
//!
//! ```text
//! local    PK34 version 2 │ flags 2 │ method 2 │ time 4 │ crc 4 │ packed 4 │ unpacked 4 │
//!          name length 2 │ extra length 2 │ name │ extra │ bytes
//! central  PK12 made by 2 │ version 2 │ flags 2 │ method 2 │ time 4 │ crc 4 │ packed 4 │ unpacked 4 │
//!          name length 2 │ extra length 2 │ comment length 2 │ disk 2 │ attributes 6 │ offset 4 │
//!          name │ extra │ comment
//! ```

use crate::scan::layer::boxes::bytes::{size, slice, u16_le, u32_le, u64_le};

const LOCAL: u32 = u32::from_le_bytes(*b"PK\x03\x04");
const CENTRAL: u32 = u32::from_le_bytes(*b"PK\x01\x02");

const IS_ENCRYPTED: u16 = 1;
const HAS_DESCRIPTOR: u16 = 8;
const METHOD_AES: u16 = 99;

/// An entry, as one of its headers tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) extra: &'a [u8],
    pub(super) comment: &'a [u8],
    pub(super) flags: u16,
    pub(super) method: u16,
    /// Its packed length, unless that follows its bytes.
    pub(super) packed: Option<usize>,
    pub(super) unpacked: Option<u64>,
    pub(super) header_at: usize,
    pub(super) data_at: usize,
}

impl Entry<'_> {
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & IS_ENCRYPTED != 0 || self.method == METHOD_AES
    }

    /// Returns whether the two headers of one entry lead to different bytes.
    pub(super) fn contradicts(&self, listed: &Self) -> bool {
        self.method != listed.method
            || self.is_encrypted() != listed.is_encrypted()
            || self.packed.is_some_and(|packed| Some(packed) != listed.packed)
    }

    /// Returns what the entry's bytes follow from: headers of equal lead open the same.
    pub(super) fn lead(&self) -> Lead {
        Lead {
            header_at: self.header_at,
            method: self.method,
            packed: self.packed,
            is_encrypted: self.is_encrypted(),
        }
    }
}

/// Where and how an entry's bytes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lead {
    header_at: usize,
    method: u16,
    packed: Option<usize>,
    is_encrypted: bool,
}

/// Reads the local header at `at`.
pub(super) fn local(bytes: &[u8], at: usize) -> Option<Entry<'_>> {
    let head = slice(bytes, at, 30)?;
    if u32_le(head, 0)? != LOCAL {
        return None;
    }
    let name_len = usize::from(u16_le(head, 26)?);
    let extra_len = usize::from(u16_le(head, 28)?);
    let extra = slice(bytes, at + 30 + name_len, extra_len).unwrap_or_default();
    let flags = u16_le(head, 6)?;
    let (unpacked, packed, _) = lengths(extra, [u32_le(head, 22)?, u32_le(head, 18)?, 0]);
    let is_unknown = packed == 0 || packed == u64::from(u32::MAX);
    let is_behind = flags & HAS_DESCRIPTOR != 0 && is_unknown;
    Some(Entry {
        name: slice(bytes, at + 30, name_len).unwrap_or_default(),
        extra,
        comment: &[],
        flags,
        method: u16_le(head, 8)?,
        packed: (!is_behind).then(|| size(packed)),
        unpacked: (!is_behind).then_some(unpacked),
        header_at: at,
        data_at: at + 30 + name_len + extra_len,
    })
}

/// Reads the record at `at`, and returns its length with it. Offsets count from `base`.
pub(super) fn central(bytes: &[u8], at: usize, base: usize) -> Option<(Entry<'_>, usize)> {
    let head = slice(bytes, at, 46)?;
    if u32_le(head, 0)? != CENTRAL {
        return None;
    }
    let length = |at| u16_le(head, at).map(usize::from);
    let (name_len, extra_len, comment_len) = (length(28)?, length(30)?, length(32)?);
    let extra = slice(bytes, at + 46 + name_len, extra_len).unwrap_or_default();
    let comment_at = at + 46 + name_len + extra_len;
    let stored = [u32_le(head, 24)?, u32_le(head, 20)?, u32_le(head, 42)?];
    let (unpacked, packed, offset) = lengths(extra, stored);
    let entry = Entry {
        name: slice(bytes, at + 46, name_len).unwrap_or_default(),
        extra,
        comment: slice(bytes, comment_at, comment_len).unwrap_or_default(),
        flags: u16_le(head, 8)?,
        method: u16_le(head, 10)?,
        packed: Some(size(packed)),
        unpacked: Some(unpacked),
        header_at: size(offset).saturating_add(base),
        data_at: 0,
    };
    Some((entry, 46 + name_len + extra_len + comment_len))
}

/// Returns the three lengths; those that do not fit 32 bits stand in the zip64 field, in order.
fn lengths(extra: &[u8], stored: [u32; 3]) -> (u64, u64, u64) {
    let mut field = zip64(extra);
    let [unpacked, packed, offset] = stored.map(|short| {
        let long = if short == u32::MAX { u64_le(field, 0) } else { None };
        if long.is_some() {
            field = field.get(8..).unwrap_or_default();
        }
        long.unwrap_or(u64::from(short))
    });
    (unpacked, packed, offset)
}

fn zip64(mut extra: &[u8]) -> &[u8] {
    while let (Some(id), Some(len)) = (u16_le(extra, 0), u16_le(extra, 2)) {
        if id == 1 {
            return slice(extra, 4, usize::from(len)).unwrap_or_default();
        }
        extra = extra.get(4 + usize::from(len)..).unwrap_or_default();
    }
    &[]
}
