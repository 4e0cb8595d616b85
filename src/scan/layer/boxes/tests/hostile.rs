use std::io::Write;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::fixture::{self, PackEntry, ZipEntry};
use super::*;

/// One valid box of each kind.
static VALID: LazyLock<Vec<(Format, Vec<u8>)>> = LazyLock::new(valid);

fn valid() -> Vec<(Format, Vec<u8>)> {
    let text = TEXT.repeat(20);
    let zip = fixture::zip(&[ZipEntry::deflated("a", &text), ZipEntry::stored("b", TEXT)]);
    let (pack, _) = fixture::pack(&[PackEntry { kind: 3, base: vec![], bytes: &text }]);
    let chunk = fixture::png_chunk(b"zTXt", &[b"k\0\0".as_slice(), &fixture::zlib(&text)].concat());
    vec![
        (Format::Ar, fixture::ar(&[("a", TEXT), ("b", TEXT)])),
        (Format::Bzip2, fixture::bzip2(&text)),
        (Format::Cpio, fixture::cpio(&[("a", TEXT)])),
        (Format::GitPack, pack),
        (Format::Gzip, fixture::gzip(&text)),
        (Format::Jpeg, b"\xff\xd8\xff\xfe\0\x0acomment.\xff\xd9".to_vec()),
        (Format::Lz4, fixture::lz4(&text)),
        (Format::Lzip, fixture::lzip(&text)),
        (Format::Lzma, fixture::lzma(&text)),
        (
            Format::Pdf,
            super::pdf::pdf("/FlateDecode", &fixture::zlib(b"[(a) -2 (b)] TJ <4142> Tj")),
        ),
        (Format::Png, fixture::png(&[chunk])),
        (Format::SevenZ, fixture::sevenz(&[4, 2, 2], "a", &fixture::bzip2(TEXT), 43)),
        (Format::Tar, fixture::tar(&[("a", TEXT)])),
        (Format::Xz, fixture::xz(&text)),
        (Format::Zip, zip),
        (Format::Zlib, fixture::zlib(&text)),
        (Format::Zstd, fixture::zstd(&text)),
    ]
}

/// Opens on a small budget, and sees that what comes out stays within it.
fn check_bounded(format: Format, bytes: &[u8], limits: Limits) -> Result<(), TestCaseError> {
    let mut budget = Budget::new(limits);
    let opened = Opened::of(format, bytes, &mut budget);
    let total: usize = opened.parts.iter().map(|(_, bytes)| bytes.len()).sum();
    prop_assert!(total as u64 <= limits.bytes_max, "{format:?} gave {total} bytes");
    prop_assert!(opened.parts.len() <= limits.parts_max, "{format:?}: {}", opened.parts.len());
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_bounded(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        for format in Format::ALL {
            check_bounded(format, &bytes, Limits { bytes_max: 100_000, parts_max: 50, depth_max: 1 })?;
        }
    }

    #[test]
    fn damaged_boxes_are_bounded(
        index in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
        bytes_max in prop::sample::select(vec![0_u64, 100, 5_000, 1 << 20]),
    ) {
        let (format, mut bytes) = VALID[index.index(VALID.len())].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        check_bounded(format, &bytes, Limits { bytes_max, parts_max: 20, depth_max: 1 })?;
    }
}

#[test]
fn every_cut_of_a_valid_box_is_told_or_whole() {
    for (format, bytes) in VALID.iter() {
        for len in 0..bytes.len() {
            check_bounded(*format, &bytes[..len], Limits::default()).unwrap();
        }
    }
}

#[test]
fn a_gigabyte_of_zeros_costs_its_budget() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..64 {
        encoder.write_all(&zeros).unwrap();
    }
    // The same member again and again: 4 GiB in all.
    let bomb = encoder.finish().unwrap().repeat(64);
    let mut budget = Budget::new(Limits { bytes_max: 3 << 20, ..Limits::default() });
    let opened = Opened::of(Format::Gzip, &bomb, &mut budget);
    assert_eq!(opened.left_out, [(LeftOut::Bytes, "box".to_owned())]);
    assert!(opened.part("stream").len() <= 3 << 20);
}

#[test]
fn members_of_nothing_are_paid_for() {
    let empty = fixture::gzip(b"").repeat(100_000);
    let mut budget = Budget::new(Limits { bytes_max: 10 << 20, ..Limits::default() });
    let opened = Opened::of(Format::Gzip, &empty, &mut budget);
    assert_eq!(opened.left_out.first().map(|(why, _)| *why), Some(LeftOut::Bytes));
}

#[test]
fn streams_that_give_nothing_are_paid_for() {
    // Empty stored blocks of five bytes each: much to read, nothing to show.
    let nothing = [0, 0, 0, 0xff, 0xff].repeat(100_000);
    let entry = ZipEntry { method: 8, packed: nothing, ..ZipEntry::stored("a", b"") };
    let bytes = fixture::zip(&[entry]);
    let mut budget = Budget::new(Limits { bytes_max: 1 << 20, ..Limits::default() });
    let before = budget.bytes();
    drop(Opened::of(Format::Zip, &bytes, &mut budget));
    assert!(before - budget.bytes() >= 500_000);
}

#[test]
fn records_that_share_their_names_are_paid_for() {
    let record = |index: u16| {
        let mut record = [0xff; 46];
        record[..4].copy_from_slice(b"PK\x01\x02");
        record[20..22].copy_from_slice(&index.to_le_bytes());
        record
    };
    let bytes: Vec<u8> = (0..2_000).flat_map(record).collect();
    let mut budget = Budget::new(Limits { bytes_max: 1 << 20, ..Limits::default() });
    let opened = Opened::of(Format::Zip, &bytes, &mut budget);
    assert_eq!(opened.left_out.last().map(|(why, _)| *why), Some(LeftOut::Bytes));
}
