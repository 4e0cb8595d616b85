use super::fixture::{ZipEntry, end_of_zip, zip, zip_with};
use super::*;

#[test]
fn entries_come_out_by_name() {
    let zip = zip(&[ZipEntry::stored("a.env", b"plain"), ZipEntry::deflated("b/c.txt", TEXT)]);
    check_sniff(&zip, &[Format::Zip]);
    let opened = Opened::sniffed(&zip);
    assert_eq!(opened.names(), ["entry a.env", "entry b/c.txt", "names"]);
    assert_eq!(opened.part("entry a.env"), b"plain");
    assert_eq!(opened.part("entry b/c.txt"), TEXT);
    assert_eq!(opened.left_out, []);
}

#[test]
fn every_method_is_opened_or_told() {
    let lzma = |text: &[u8]| {
        let stream = fixture::lzma(text);
        [&[9, 20, 5, 0], &stream[..5], &stream[13..]].concat()
    };
    let opened = [
        (8, fixture::deflate(TEXT)),
        (12, fixture::bzip2(TEXT)),
        (14, lzma(TEXT)),
        (93, fixture::zstd(TEXT)),
        (95, fixture::xz(TEXT)),
    ];
    for (method, packed) in opened {
        let entry = ZipEntry { method, packed, flags: 2, ..ZipEntry::stored("a", TEXT) };
        let opened = Opened::sniffed(&zip(&[entry]));
        assert_eq!(opened.part("entry a"), TEXT, "method {method}");
        assert_eq!(opened.left_out, [], "method {method}");
    }
    for method in [1, 6, 9, 96, 98] {
        let opened = Opened::sniffed(&zip(&[ZipEntry { method, ..ZipEntry::stored("a", TEXT) }]));
        assert_eq!(opened.left_out, [(LeftOut::Method, "entry a".to_owned())], "method {method}");
    }
}

#[test]
fn encrypted_entries_are_told_one_by_one() {
    let secret = ZipEntry { flags: 1, ..ZipEntry::deflated("secret", b"?") };
    let strong = ZipEntry { method: 99, ..ZipEntry::stored("strong", b"?") };
    let opened = Opened::sniffed(&zip(&[secret, ZipEntry::deflated("open", TEXT), strong]));
    assert_eq!(opened.part("entry open"), TEXT);
    let told: Vec<_> = opened.left_out.iter().map(|(why, name)| (*why, name.as_str())).collect();
    assert_eq!(told, [(LeftOut::Encrypted, "entry secret"), (LeftOut::Encrypted, "entry strong")]);
}

#[test]
fn an_entry_in_one_list_alone_comes_out() {
    let hidden = |is_local, is_listed, is_streamed| ZipEntry {
        is_streamed,
        is_local,
        is_listed,
        ..ZipEntry::deflated("hidden", TEXT)
    };
    for hidden in [
        hidden(true, false, false),
        hidden(true, false, true),
        hidden(false, true, false),
        hidden(true, true, true),
    ] {
        let plain = ZipEntry::deflated("plain", b"nothing to see");
        for entries in [[hidden.clone(), plain.clone()], [plain, hidden]] {
            let opened = Opened::sniffed(&zip(&entries));
            assert_eq!(opened.part("entry hidden"), TEXT);
            assert_eq!(opened.part("entry plain"), b"nothing to see");
            assert_eq!(opened.left_out, []);
        }
    }
}

#[test]
fn headers_that_contradict_are_both_believed() {
    // The record says that two bytes are stored, the local header that all of them are deflated.
    let listed = ZipEntry { unpacked_bytes: 2, ..ZipEntry::stored("a", b"no") };
    let local = ZipEntry::deflated("a", TEXT);
    let mut bytes = zip(std::slice::from_ref(&local));
    let directory = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    let lie = zip(&[listed]);
    let record = memchr::memmem::find(&lie, b"PK\x01\x02").unwrap();
    bytes[directory..directory + 46].copy_from_slice(&lie[record..record + 46]);
    let opened = Opened::sniffed(&bytes);
    assert!(opened.has(TEXT) && opened.has(&local.packed[..2]), "{:?}", opened.names());
}

#[test]
fn a_stream_of_unknown_length_ends_at_the_next_signature() {
    let first = ZipEntry { is_streamed: true, is_listed: false, ..ZipEntry::stored("a", TEXT) };
    let opened = Opened::sniffed(&zip(&[first, ZipEntry::deflated("b", b"next")]));
    assert_eq!(opened.part("entry a"), TEXT);
    assert_eq!(opened.part("entry b"), b"next");
}

#[test]
fn a_zip_behind_anything_is_one() {
    for head in [b"\x7fELF and a program".as_slice(), &fixture::gzip(b"x"), b"BZh91AY&SY damaged"] {
        let archive = zip(&[ZipEntry::deflated("a", TEXT)]);
        let bytes = [head, &archive].concat();
        assert_eq!(sniff(&bytes).last(), Some(Format::Zip));
        let opened = Opened::of(Format::Zip, &bytes, &mut Budget::new(Limits::default()));
        assert_eq!(opened.part("entry a"), TEXT);
        assert_eq!(opened.left_out, []);
    }
}

#[test]
fn a_zip_without_a_directory_is_opened_by_its_headers() {
    let mut bytes = zip(&[ZipEntry::deflated("a", TEXT), ZipEntry::stored("b", b"also")]);
    bytes.truncate(memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap());
    let opened = Opened::sniffed(&bytes);
    assert_eq!((opened.part("entry a"), opened.part("entry b")), (TEXT, b"also".as_slice()));
}

#[test]
fn names_comments_and_extra_fields_are_text() {
    let entry = ZipEntry {
        extra: b"XX\x05\0extra".to_vec(),
        comment: "of the entry",
        ..ZipEntry::stored("name", b"plain")
    };
    let opened = Opened::sniffed(&zip_with(&[entry], b"of the archive"));
    let names = "of the archive\nname\nof the entry\nXX\x05\0extra\n";
    assert_eq!(opened.part("names"), names.as_bytes());
}

fn check_zip64(is_told_twice: bool) {
    let mut entry = ZipEntry::deflated("a", TEXT);
    let packed = entry.packed.len() as u64;
    entry.extra =
        [b"\x01\0\x10\0".as_slice(), &(TEXT.len() as u64).to_le_bytes(), &packed.to_le_bytes()]
            .concat();
    let mut bytes = zip(&[entry]);
    for (signature, at) in [(b"PK\x03\x04", 18), (b"PK\x01\x02", 20)] {
        let header = memchr::memmem::find(&bytes, signature).unwrap();
        bytes[header + at..header + at + 8].fill(0xff);
    }
    // The end record points at one of 64 bits.
    let start = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::find(&bytes, b"PK\x05\x06").unwrap();
    let mut tail = b"PK\x06\x06".to_vec();
    tail.extend([0; 36]);
    tail.extend(((end - start) as u64).to_le_bytes());
    tail.extend((start as u64).to_le_bytes());
    bytes.truncate(end);
    tail.extend(b"PK\x06\x07................");
    bytes.extend(tail);
    let told = if is_told_twice { end - start } else { u32::MAX as usize };
    bytes.extend(end_of_zip(1, told, u32::MAX as usize, b""));
    let opened = Opened::sniffed(&bytes);
    assert_eq!(opened.part("entry a"), TEXT);
    assert_eq!(opened.left_out, []);
}

#[test]
fn lengths_of_zip64_are_read() {
    check_zip64(false);
    // As Info-ZIP writes it for an entry that it reads from a pipe.
    check_zip64(true);
}

#[test]
fn overlapping_entries_are_paid_one_by_one() {
    let zeros = fixture::deflate(&vec![0; 1 << 20]);
    let mut bytes = zip(&[ZipEntry {
        method: 8,
        packed: zeros,
        unpacked_bytes: 1 << 20,
        ..ZipEntry::stored("a", b"")
    }]);
    let record_at = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    let record = bytes[record_at..record_at + 47].to_vec();
    bytes.truncate(record_at);
    for index in 0..10_000_u32 {
        // Each says another length, so that none is the same entry again.
        let mut record = record.clone();
        record[20..24].copy_from_slice(&(1 << 20 | index).to_le_bytes());
        bytes.extend(record);
    }
    bytes.extend(end_of_zip(10_000, 470_000, record_at, b""));
    let mut budget = Budget::new(Limits { bytes_max: 8 << 20, ..Limits::default() });
    let opened = Opened::of(Format::Zip, &bytes, &mut budget);
    assert_eq!(opened.left_out, [(LeftOut::Bytes, "box".to_owned())]);
    let total: usize = opened.parts.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(total <= 8 << 20, "{total}");
}
