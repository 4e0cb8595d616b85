//! Loose objects: one zlib stream each, a header and the content.
//!
//! ```text
//! objects/ab/cdef…   =   deflate( "blob 1234\0" + content )
//! ```

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use crate::wire::{ObjectKind, Oid};

use super::inflate::{Inflating, Zlib};
use super::obstacle::Obstacle;
use super::sink::{Emitter, ReadError, unreadable};

/// The longest header: a kind, a space, 20 digits and a NUL.
const HEADER_BYTES_MAX: usize = 32;

/// How much of a file is read at a time, in bytes.
const READ_BYTES: usize = 8 << 10;

/// Returns where object `id` would lie in `store`.
pub(super) fn path_of(store: &Path, id: Oid) -> PathBuf {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    let mut hex = String::with_capacity(1 + 2 * id.as_bytes().len());
    for (index, byte) in id.as_bytes().iter().enumerate() {
        if index == 1 {
            hex.push('/');
        }
        hex.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    store.join(hex)
}

/// Streams the object at `path`. Returns false if there is no such file.
pub(super) fn stream(
    path: &Path,
    id: Oid,
    zlib: &mut Zlib,
    emitter: &mut Emitter<'_>,
) -> Result<bool, ReadError> {
    let Some(mut file) = open(path)? else {
        return Ok(false);
    };
    let mut bytes = zlib.open(&mut file);
    let (kind, size) = read_header(&mut bytes)?;
    emitter.begin(id, kind, size)?;
    bytes.drain(|more| emitter.push(more))?;
    emitter.finish()?;
    Ok(true)
}

/// Reads a whole object of at most `bytes_max` bytes into `content`.
pub(super) fn read(
    path: &Path,
    bytes_max: u64,
    zlib: &mut Zlib,
    content: &mut Vec<u8>,
) -> Result<Option<ObjectKind>, Obstacle> {
    let Some(mut file) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = zlib.open(&mut file);
    let (kind, size) = read_header(&mut bytes)?;
    if size > bytes_max {
        return Err(Obstacle::TooLong);
    }
    content.clear();
    bytes.drain(|more| {
        content.extend_from_slice(more);
        if content.len() as u64 > size { Err(unreadable()) } else { Ok(()) }
    })?;
    if content.len() as u64 != size {
        return Err(Obstacle::Damaged);
    }
    Ok(Some(kind))
}

fn open(path: &Path) -> Result<Option<BufReader<File>>, ReadError> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::with_capacity(READ_BYTES, file))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(_) => Err(unreadable()),
    }
}

fn read_header(bytes: &mut Inflating<'_>) -> Result<(ObjectKind, u64), ReadError> {
    let mut header = Vec::with_capacity(HEADER_BYTES_MAX);
    loop {
        match bytes.byte()? {
            0 => return parse_header(&header).ok_or_else(unreadable),
            _ if header.len() == HEADER_BYTES_MAX => return Err(unreadable()),
            byte => header.push(byte),
        }
    }
}

fn parse_header(header: &[u8]) -> Option<(ObjectKind, u64)> {
    let (kind, size) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    let kind = *ObjectKind::ALL.iter().find(|known| known.as_str() == kind)?;
    if !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((kind, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, want: Option<(ObjectKind, u64)>) {
        assert_eq!(parse_header(header.as_bytes()), want, "{header}");
    }

    #[test]
    fn headers_name_kind_and_size() {
        check("blob 0", Some((ObjectKind::Blob, 0)));
        check("commit 18446744073709551615", Some((ObjectKind::Commit, u64::MAX)));
        check("commit 18446744073709551616", None);
        check("tree -1", None);
        check("tree +1", None);
        check("blob", None);
        check("blob ", None);
        check("Blob 1", None);
        check("delta 1", None);
    }
}
