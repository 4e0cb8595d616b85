//! Packs that no git would write, indexed by hand: every object reported, nothing believed.

use std::fs;

use crate::push::Limits;
use crate::push::fixture::{Collected, Fixture};
use crate::push::inflate::tests::deflated;
use crate::wire::{ObjectKind, Oid, Reach, RefUpdate, UnscannedReason};

const BLOB: u8 = 3;
const OFS_DELTA: u8 = 6;
const REF_DELTA: u8 = 7;

fn id(byte: u8) -> Oid {
    Oid::from_bytes(&[byte; 20]).expect("20 bytes")
}

/// An entry: type, claimed size, what stands between head and data, and the inflated data.
fn entry(kind: u8, mut size: usize, base: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | u8::try_from(size & 15).expect("four bits")];
    size >>= 4;
    while size > 0 {
        *bytes.last_mut().expect("a byte") |= 0x80;
        bytes.push(u8::try_from(size & 127).expect("seven bits"));
        size >>= 7;
    }
    [&bytes, base, &deflated(data)].concat()
}

fn blob(data: &[u8]) -> Vec<u8> {
    entry(BLOB, data.len(), &[], data)
}

fn delta(base: u8, data: &[u8]) -> Vec<u8> {
    entry(REF_DELTA, data.len(), &[base; 20], data)
}

/// Streams a pack of these entries, whose ids are 0x00…, 0x01… and so on.
fn stream(entries: &[Vec<u8>]) -> Collected {
    let fixture = Fixture::new();
    let quarantine = fixture.server().join("objects/tmp_objdir-incoming-x");
    fs::create_dir_all(quarantine.join("pack")).expect("a directory");
    let count = u32::try_from(entries.len()).expect("few");
    let mut pack = [b"PACK", &2_u32.to_be_bytes()[..], &count.to_be_bytes()].concat();
    let mut offsets = Vec::new();
    for entry in entries {
        offsets.extend(u32::try_from(pack.len()).expect("short").to_be_bytes());
        pack.extend(entry);
    }
    pack.extend([0; 20]);
    let fan = (0..256_u32).flat_map(|byte| count.min(byte + 1).to_be_bytes());
    let ids = (0..count).flat_map(|n| [n.to_le_bytes()[0]; 20]);
    let index: Vec<u8> = b"\xfftOc\0\0\0\x02"
        .iter()
        .copied()
        .chain(fan)
        .chain(ids)
        .chain(vec![0; entries.len() * 4])
        .chain(offsets)
        .chain([0; 40])
        .collect();
    fs::write(quarantine.join("pack/pack-x.pack"), pack).expect("written");
    fs::write(quarantine.join("pack/pack-x.idx"), index).expect("written");
    let update = RefUpdate { old: id(0), new: id(1), name: b"refs/heads/main".to_vec() };
    let received = fixture.received(vec![update], &quarantine);
    let limits = Limits { memory_bytes_max: 1000, scratch_bytes_max: 5000, ..Limits::default() };
    let whole = received.stream(&limits);
    let reach = Reach { bytes: 2, line_bytes: 50, head_bytes: 0 };
    let (windowed, wanted) = received.windows(&limits, reach, |streamed| {
        streamed.windows.iter().map(|(number, _, _)| *number).collect()
    });
    assert_eq!(windowed.objects, whole.objects, "windows change nothing else");
    assert_eq!(windowed.unscanned, whole.unscanned);
    let in_windows = windowed.windows.iter().map(|(at, _, _)| &windowed.objects[*at as usize]);
    assert!(wanted.objects.iter().eq(in_windows), "what is wanted comes whole");
    whole
}

/// The blobs that are sent, and what becomes of the others.
#[track_caller]
fn check(entries: &[Vec<u8>], sent: &[(u8, &[u8])], not_sent: &[(u8, UnscannedReason)]) {
    let mut got = stream(entries);
    // The tip is no object that could be walked.
    got.unscanned.retain(|&(object, _)| object.is_some_and(|object| object.as_bytes()[0] < 100));
    got.unscanned.sort();
    got.unscanned.dedup();
    got.objects.sort();
    let sent: Vec<_> =
        sent.iter().map(|&(n, bytes)| (id(n), ObjectKind::Blob, bytes.to_vec())).collect();
    got.objects.dedup();
    assert_eq!(got.objects, sent);
    let mut not_sent: Vec<_> = not_sent.iter().map(|&(n, reason)| (Some(id(n)), reason)).collect();
    not_sent.sort();
    assert_eq!(got.unscanned, not_sent);
}

use UnscannedReason::{Missing, Scratch, Unreadable};

/// The instructions "copy all of a base of five bytes, then insert one".
const GOOD: &[u8] = &[5, 6, 0x90, 5, 1, b'!'];

#[test]
fn crafted_packs_read_like_gits() {
    check(
        &[blob(b"12345"), delta(0, GOOD), blob(b"")],
        &[(0, b"12345"), (1, b"12345!"), (2, b"")],
        &[],
    );
}

#[test]
fn cycles_are_no_loops() {
    check(&[delta(1, GOOD), delta(0, GOOD)], &[], &[(0, Unreadable), (1, Unreadable)]);
    check(&[delta(0, GOOD), blob(b"x")], &[(1, b"x")], &[(0, Unreadable)]);
}

#[test]
fn bases_that_are_not_there_take_their_deltas_along() {
    check(&[delta(99, GOOD), delta(0, GOOD)], &[], &[(0, Missing), (1, Missing)]);
    let nowhere = entry(OFS_DELTA, GOOD.len(), &[3], GOOD);
    check(&[blob(b"12345"), nowhere], &[(0, b"12345")], &[(1, Missing)]);
    let before_the_pack = entry(OFS_DELTA, GOOD.len(), &[0x80, 0x7f], GOOD);
    check(&[before_the_pack, blob(b"x")], &[(1, b"x")], &[(0, Unreadable)]);
}

#[test]
fn instructions_that_lie_are_not_believed() {
    let base = || blob(b"12345");
    let lies: [&[u8]; 9] = [
        &[5, 6, 0x90, 6],             // copies more than the base has
        &[5, 6, 0x91, 4, 5, 1, b'!'], // copies past its end
        &[4, 6, 0x90, 5, 1, b'!'],    // names another base size
        &[5, 7, 0x90, 5, 1, b'!'],    // promises more than it gives
        &[5, 5, 0x90, 5, 1, b'!'],    // gives more than it promises
        &[5, 6, 0x90, 5, 0, b'!'],    // uses the reserved instruction
        &[5, 6, 0x90, 5, 9, b'!'],    // ends inside an insert
        &[5, 6, 0x90],                // ends inside a copy
        &[5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // a size of 70 bits
    ];
    for lie in lies {
        check(&[base(), delta(0, lie)], &[(0, b"12345")], &[(1, Unreadable)]);
        let below = [base(), delta(0, lie), delta(1, GOOD)];
        check(&below, &[(0, b"12345")], &[(1, Unreadable), (2, Unreadable)]);
    }
}

#[test]
fn sizes_that_lie_cost_nothing() {
    let long = entry(BLOB, 4, &[], b"12345");
    let short = entry(BLOB, 6, &[], b"12345");
    let huge = entry(BLOB, usize::MAX >> 1, &[], b"12345");
    let unknown = entry(5, 1, &[], b"x");
    let lies = [long, short, huge, unknown, blob(b"12345")];
    let not_sent = [0, 1, 2, 3].map(|n| (n, Unreadable));
    check(&lies, &[(4, b"12345")], &not_sent);
}

#[test]
fn a_base_without_room_takes_only_its_deltas_along() {
    let base = vec![b'x'; 10_000];
    // copy 0x2710 bytes
    let copy_all = [0x90, 0x4e, 0x90, 0x4e, 0xb0, 0x10, 0x27];
    check(&[blob(&base), delta(0, &copy_all)], &[(0, &base)], &[(1, Scratch)]);
}

#[test]
fn bombs_of_copies_stop_at_what_they_promise() {
    let copies: Vec<u8> = [5, 6].into_iter().chain([0x90, 5].repeat(10_000)).collect();
    check(&[blob(b"12345"), delta(0, &copies)], &[(0, b"12345")], &[(1, Unreadable)]);
}
