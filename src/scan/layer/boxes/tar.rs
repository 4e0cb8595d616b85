//! Tape archives: v7, ustar, pax, GNU.
//!
//! ```text
//! { header 512 │ bytes │ pad to 512 } … two blocks of NULs, and often more
//!   name 100 │ mode 8 │ uid 8 │ gid 8 │ size 12 │ mtime 12 │ check 8 │ kind 1 │ link 100 │
//!   magic 8 │ user 32 │ group 32 │ device 16 │ prefix 155
//! ```
//!
//! A member of kind `L` or `K` (GNU) holds the name or link target of the next, one of kind `x` or
//! `g` (pax) holds `length key=value` lines, of which `path` and `size` count here. A sparse member's
//! bytes come out as they are stored, without the holes. Members after the end mark, which
//! `tar --ignore-zeros` reads, come out too; a block that is no header comes out as it is, and is told.
//!
//! The crate `tar` reads from a stream, ends at the first bad block and hands out no offsets; from
//! bytes in memory a member is two slices, so this reads them itself.
//!
//! Source: tar(5) of FreeBSD; POSIX.1-2017, pax, "ustar Interchange Format".

use super::Label;
use super::bytes::{array, from, number, size, slice, until, up_to};
use super::streams::add_line;
use super::tray::Tray;
use crate::scan::layer::LeftOut;

const BLOCK_BYTES: usize = 512;

/// What the members before one say about it.
#[derive(Default)]
struct Ahead<'a> {
    name: Option<&'a [u8]>,
    size: Option<usize>,
}

pub(super) fn is(bytes: &[u8]) -> bool {
    up_to(bytes, 0, BLOCK_BYTES).first().is_some_and(|first| *first != 0)
        && slice(bytes, 0, BLOCK_BYTES).is_some_and(is_header)
}

/// Passes on every member, and all names.
pub(super) fn open(bytes: &[u8], tray: &mut Tray<'_>) -> Result<(), LeftOut> {
    let (mut at, mut names, mut is_damaged) = (0, Vec::new(), false);
    let mut ahead = Ahead::default();
    while at < bytes.len() {
        let header = up_to(bytes, at, BLOCK_BYTES);
        if !is_header(header) {
            let stray = stray(from(bytes, at));
            tray.stored(Label::new("stray", at), stray)?;
            is_damaged |= !stray.is_empty();
            at += stray.len().max(BLOCK_BYTES);
            continue;
        }
        at += BLOCK_BYTES;
        let member = Member::read(header, &ahead);
        let data = up_to(bytes, at, member.size);
        is_damaged |= data.len() < member.size;
        member.add_names(&mut names);
        ahead = member.ahead(data);
        tray.stored(Label::new("entry", at).named(&member.name), data)?;
        at += data.len().next_multiple_of(BLOCK_BYTES);
    }
    tray.made(Label::new("names", 0), names)?;
    if is_damaged { Err(LeftOut::Damaged) } else { Ok(()) }
}

/// Returns the blocks that are neither header nor end mark: whatever stands between members.
fn stray(bytes: &[u8]) -> &[u8] {
    let is_stray = |block: &&[u8]| block.iter().any(|&byte| byte != 0) && !is_header(block);
    let blocks = bytes.chunks(BLOCK_BYTES).take_while(is_stray).count();
    up_to(bytes, 0, blocks * BLOCK_BYTES)
}

struct Member<'a> {
    header: &'a [u8],
    kind: u8,
    name: Vec<u8>,
    size: usize,
}

impl<'a> Member<'a> {
    fn read(header: &'a [u8], ahead: &Ahead<'a>) -> Self {
        let kind = header.get(156).copied().unwrap_or(0);
        let name = ahead.name.map_or_else(|| path(header), <[u8]>::to_vec);
        // Links, devices and directories have no bytes, whatever their size says, except that pax
        // allows them for hard links: then the size is theirs.
        let has_data = !matches!(kind, b'2'..=b'6');
        let size = ahead.size.or_else(|| stored_size(header)).filter(|_| has_data).unwrap_or(0);
        Self { header, kind, name, size }
    }

    /// Adds the path, the link target, the user and the group.
    fn add_names(&self, names: &mut Vec<u8>) {
        add_line(names, &self.name);
        for (field_at, len) in [(157, 100), (265, 32), (297, 32)] {
            add_line(names, until(up_to(self.header, field_at, len), 0));
        }
    }

    /// Returns what this member says about the next.
    fn ahead<'d>(&self, data: &'d [u8]) -> Ahead<'d> {
        match self.kind {
            b'L' => Ahead { name: Some(until(data, 0)), size: None },
            b'x' => Ahead {
                name: pax(data, b"path"),
                size: pax(data, b"size").and_then(|value| number(value, 10)).map(size),
            },
            _ => Ahead::default(),
        }
    }
}

/// Returns prefix and name.
fn path(header: &[u8]) -> Vec<u8> {
    let name = until(up_to(header, 0, 100), 0);
    let is_ustar = slice(header, 257, 6) == Some(b"ustar\0".as_slice());
    let prefix = until(up_to(header, 345, 155), 0);
    if is_ustar && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
}

/// Returns the size, in octal digits or, if the first bit is set, in base 256.
fn stored_size(header: &[u8]) -> Option<usize> {
    let field: [u8; 12] = array(header, 124)?;
    if field.first()? & 0x80 == 0 {
        return number(&field, 8).map(size);
    }
    let low = array(&field, 4).map(u64::from_be_bytes)?;
    let is_small = field.get(1..4)?.iter().all(|&byte| byte == 0);
    Some(if is_small { size(low) } else { usize::MAX })
}

/// Returns the value of the last line with that key.
fn pax<'a>(mut lines: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut found = None;
    while let Some(len) = number(until(lines, b' '), 10).map(size).filter(|&len| len > 0) {
        let line = up_to(lines, 0, len);
        let text = from(line, until(line, b' ').len() + 1);
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        if let Some(value) = text.strip_prefix(key).and_then(|rest| rest.strip_prefix(b"=")) {
            found = Some(value);
        }
        lines = from(lines, len);
    }
    found
}

/// Returns whether the block's check is the sum of its bytes, the check itself taken for blanks.
fn is_header(block: &[u8]) -> bool {
    let Some(stored) = slice(block, 148, 8).and_then(|field| number(field, 8)) else {
        return false;
    };
    let sum = |count: fn(u8) -> i64| -> i64 {
        let blanks = 8 * i64::from(b' ');
        let check: i64 = up_to(block, 148, 8).iter().copied().map(count).sum();
        block.iter().copied().map(count).sum::<i64>() - check + blanks
    };
    // Some old writers sum bytes as signed.
    let stored = i64::try_from(stored).ok();
    block.len() == BLOCK_BYTES
        && (stored == Some(sum(i64::from)) || stored == Some(sum(|byte| byte.cast_signed().into())))
}
