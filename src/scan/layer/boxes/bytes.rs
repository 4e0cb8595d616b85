//! Numbers and ranges of hostile bytes: what is not there is `None`.

/// Returns the `len` bytes from `at` on.
pub(super) fn slice(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(len)?)
}

/// Returns at most `len` bytes from `at` on: fewer where the bytes end before.
pub(super) fn up_to(bytes: &[u8], at: usize, len: usize) -> &[u8] {
    let rest = from(bytes, at);
    rest.get(..len).unwrap_or(rest)
}

/// Returns all bytes from `at` on: none if that is behind the end.
pub(super) fn from(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

/// Returns the bytes before the first `end`, or all of them.
pub(super) fn until(bytes: &[u8], end: u8) -> &[u8] {
    let len = memchr::memchr(end, bytes).unwrap_or(bytes.len());
    up_to(bytes, 0, len)
}

pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    slice(bytes, at, N)?.try_into().ok()
}

pub(super) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(super) fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(super) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(super) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

pub(super) fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// Returns a length that the format stores in more bits than a box can have bytes: what is too
/// large for memory is behind its end as well.
pub(super) fn size(stored: impl TryInto<usize>) -> usize {
    stored.try_into().unwrap_or(usize::MAX)
}

/// Reads a number written in digits of `radix`, in a field that blanks or NULs fill up.
pub(super) fn number(field: &[u8], radix: u32) -> Option<u64> {
    let is_fill = |byte: &&u8| matches!(byte, b' ' | 0);
    let lead = field.iter().take_while(is_fill).count();
    let digits = from(field, lead);
    let tail = digits.iter().rev().take_while(is_fill).count();
    let digits = digits.get(..digits.len() - tail)?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}
