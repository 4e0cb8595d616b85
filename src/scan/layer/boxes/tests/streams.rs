use super::*;

/// A way to pack a text.
type Pack = fn(&[u8]) -> Vec<u8>;

const KINDS: [(Format, Pack); 8] = [
    (Format::Bzip2, fixture::bzip2),
    (Format::Gzip, fixture::gzip),
    (Format::Lz4, fixture::lz4),
    (Format::Lzip, fixture::lzip),
    (Format::Lzma, fixture::lzma),
    (Format::Xz, fixture::xz),
    (Format::Zlib, fixture::zlib),
    (Format::Zstd, fixture::zstd),
];

#[test]
fn every_stream_gives_its_text() {
    let long = TEXT.repeat(10_000);
    for (format, pack) in KINDS {
        for text in [TEXT, &long] {
            let packed = pack(text);
            check_sniff(&packed, &[format]);
            let opened = Opened::sniffed(&packed);
            assert!(opened.left_out.is_empty(), "{format:?}: {:?}", opened.left_out);
            assert!(opened.part("stream") == text, "{format:?}");
            assert_eq!(opened.parts.len(), 1, "{format:?}: {:?}", opened.names());
        }
    }
}

#[test]
fn members_are_one_text_and_what_follows_is_another() {
    for (format, pack) in KINDS {
        if matches!(format, Format::Zlib | Format::Lzma) {
            continue;
        }
        let (left, right) = TEXT.split_at(20);
        let two = [pack(left), pack(right)].concat();
        let opened = Opened::sniffed(&two);
        assert_eq!(opened.part("stream"), TEXT, "{format:?}");
        assert!(opened.left_out.is_empty(), "{format:?}: {:?}", opened.left_out);
        if format == Format::Lzip {
            continue;
        }
        let opened = Opened::sniffed(&[two, vec![0; 4], b"trail".to_vec()].concat());
        assert_eq!(opened.part("trailing"), b"trail", "{format:?}");
        assert!(opened.left_out.is_empty(), "{format:?}: {:?}", opened.left_out);
    }
}

#[test]
fn what_is_cut_off_gives_what_it_has_and_is_told() {
    let text: Vec<u8> =
        (0..200_000_u32).flat_map(|n| (n.wrapping_mul(n) >> 5).to_string().into_bytes()).collect();
    for (format, pack) in KINDS {
        let packed = pack(&text);
        let opened = Opened::sniffed(&packed[..packed.len() * 3 / 4]);
        assert_eq!(opened.left_out, [(LeftOut::Damaged, "stream".to_owned())], "{format:?}");
        let part = opened.parts.first().map_or(&[][..], |(_, bytes)| bytes);
        assert!(text.starts_with(part) && part.len() > 1000, "{format:?}: {}", part.len());
    }
}

#[test]
fn the_header_of_gzip_is_text_too() {
    let packed = flate2::GzBuilder::new()
        .filename("a name")
        .comment("a comment")
        .extra(b"an extra".to_vec())
        .write(Vec::new(), flate2::Compression::fast())
        .finish()
        .unwrap();
    assert_eq!(Opened::sniffed(&packed).part("names"), b"an extra\na name\na comment\n");
}

#[test]
fn a_text_that_looks_like_zlib_is_no_damage() {
    let opened = Opened::sniffed(b"x^2 + y^2 = z^2 has no solution but the known ones");
    assert_eq!(opened.left_out, []);
}

#[test]
fn frames_to_skip_hide_nothing_behind_them() {
    let skipped = [0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, b'p', b'l', b'a', b'n'];
    let opened = Opened::sniffed(&[skipped.as_slice(), &fixture::zstd(TEXT), &skipped].concat());
    assert_eq!(opened.part("stream"), TEXT);
    assert_eq!(opened.left_out, []);
}

#[test]
fn a_window_beyond_ours_is_not_allocated() {
    // A frame whose descriptor asks for a window of 2 GiB.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 1, 0, 0];
    assert_eq!(Opened::sniffed(&zstd).left_out, [(LeftOut::Method, "stream".to_owned())]);

    let mut lzma = fixture::lzma(TEXT);
    lzma[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Opened::sniffed(&lzma).left_out, [(LeftOut::Method, "stream".to_owned())]);

    // A block whose header asks for the largest window: 40 stands for 4 GiB less one.
    let mut xz = fixture::xz(TEXT);
    let property = xz[12..24].windows(2).position(|pair| pair == [0x21, 0x01]).unwrap() + 12 + 2;
    xz[property] = 40;
    let header_end = 12 + (usize::from(xz[12]) + 1) * 4 - 4;
    let check = crc32fast::hash(&xz[12..header_end]).to_le_bytes();
    xz[header_end..header_end + 4].copy_from_slice(&check);
    assert_eq!(Opened::sniffed(&xz).left_out, [(LeftOut::Method, "stream".to_owned())]);
}
