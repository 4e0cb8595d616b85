//! Boxes that are known by their magic and stay closed: their readers are not free, not in Rust, or
//! not worth their weight in a gate. Each is told by name, never passed over in silence.

use super::bytes::slice;

/// Magic, where it stands, name.
const MAGIC: &[(&[u8], usize, &str)] = &[
    (b"Rar!\x1a\x07", 0, "rar"),
    (b"MSCF\0\0\0\0", 0, "cab"),
    // With codes of up to 16 bits, in blocks: two bytes alone may begin a text.
    (b"\x1f\x9d\x90", 0, "compress"),
    (b"\x89LZO\0\r\n\x1a\n", 0, "lzop"),
    (b"-lh5-", 2, "lha"),
    (b"-lh6-", 2, "lha"),
    (b"-lh7-", 2, "lha"),
    (b"hsqs", 0, "squashfs"),
    (b"xar!\0\x1c", 0, "xar"),
    (b"\xff\x06\0\0sNaPpY", 0, "snappy"),
    (b"MSWIM\0\0\0", 0, "wim"),
    // Legacy frames, before the format was fixed in version 0.8.
    (b"\x27\xb5\x2f\xfd", 0, "zstd-legacy"),
    (b"\x26\xb5\x2f\xfd", 0, "zstd-legacy"),
    (b"\x25\xb5\x2f\xfd", 0, "zstd-legacy"),
];

/// Returns the name of the closed format that `bytes` are.
pub(super) fn name(bytes: &[u8]) -> Option<&'static str> {
    let is = |(magic, at, _): &&(&[u8], usize, &str)| {
        slice(bytes, *at, magic.len()).is_some_and(|found| found == *magic)
    };
    MAGIC.iter().find(is).map(|(_, _, name)| *name)
}
