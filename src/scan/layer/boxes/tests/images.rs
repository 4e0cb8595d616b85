use super::fixture::{png, png_chunk};
use super::*;

#[test]
fn texts_of_a_png_come_out() {
    let packed = [b"key\0\0".as_slice(), &fixture::zlib(TEXT)].concat();
    let international = [b"key\0\x01\0en\0Wort\0".as_slice(), &fixture::zlib(TEXT)].concat();
    for (kind, chunk) in [
        ("tEXt", png_chunk(b"tEXt", &[b"key\0".as_slice(), TEXT].concat())),
        ("zTXt", png_chunk(b"zTXt", &packed)),
        ("iTXt", png_chunk(b"iTXt", &[b"key\0\0\0en\0Wort\0".as_slice(), TEXT].concat())),
        ("iTXt", png_chunk(b"iTXt", &international)),
        ("eXIf", png_chunk(b"eXIf", TEXT)),
        ("chunk", png_chunk(b"prVt", TEXT)),
    ] {
        let image = png(&[png_chunk(b"IDAT", b"pixels"), chunk]);
        check_sniff(&image, &[Format::Png]);
        let opened = Opened::sniffed(&image);
        assert!(opened.has(TEXT), "{kind}: {:?}", opened.names());
        assert!(opened.parts.iter().all(|(what, _)| what == kind));
        assert_eq!(opened.left_out, []);
    }
    let opened = Opened::sniffed(&[png(&[]), TEXT.to_vec()].concat());
    assert_eq!(opened.part("trailing"), TEXT);
}

#[test]
fn a_chunk_whose_length_lies_hides_nothing() {
    let mut image = png(&[png_chunk(b"tEXt", TEXT)]);
    let at = memchr::memmem::find(&image, b"tEXt").unwrap() - 4;
    image[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    let opened = Opened::sniffed(&image);
    assert!(opened.has(TEXT));
    assert_eq!(opened.left_out, [(LeftOut::Damaged, "box".to_owned())]);
}

#[test]
fn segments_of_a_jpeg_come_out() {
    let segment = |marker: u8, bytes: &[u8]| {
        let len = u16::try_from(bytes.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], len.as_slice(), bytes].concat()
    };
    let piece = |text: &[u8]| {
        segment(
            0xe1,
            &[b"http://ns.adobe.com/xmp/extension/\0".as_slice(), &[b'0'; 40], text].concat(),
        )
    };
    let (left, right) = TEXT.split_at(9);
    let image = [
        &[0xff, 0xd8],
        segment(0xfe, b"a comment").as_slice(),
        &piece(left),
        &piece(right),
        &segment(0xda, &[0; 6]),
        b"\x12\xff\x00\x34\xff\xd0pixels",
        &[0xff, 0xd9],
        b"trail",
    ]
    .concat();
    check_sniff(&image, &[Format::Jpeg]);
    let opened = Opened::sniffed(&image);
    assert_eq!(opened.part("COM"), b"a comment");
    assert_eq!(opened.part("XMP"), TEXT);
    assert_eq!(opened.part("trailing"), b"trail");
    assert_eq!(opened.left_out, []);
    assert_eq!(Opened::sniffed(&image[..80]).left_out.len(), 1);
}

#[test]
fn comments_of_a_gif_are_joined() {
    let long = [b'c'; 300];
    let image = [
        b"GIF89a".as_slice(),
        &[1, 0, 1, 0, 0x80, 0, 0],
        &[0; 6],
        &[0x21, 0xfe, 255],
        &long[..255],
        &[45],
        &long[255..],
        &[0],
        &[0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0],
        &[0x3b],
        b"trail",
    ]
    .concat();
    check_sniff(&image, &[Format::Gif]);
    let opened = Opened::sniffed(&image);
    assert_eq!(
        (opened.part("extension"), opened.part("trailing")),
        (long.as_slice(), b"trail".as_slice())
    );
    assert_eq!(opened.left_out, []);
}

#[test]
fn chunks_of_a_webp_come_out() {
    let chunks = [b"VP8 \x02\0\0\0..XMP ".as_slice(), &43_u32.to_le_bytes(), TEXT, b"\0"].concat();
    let len = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
    let image = [b"RIFF".as_slice(), &len, b"WEBP", &chunks, b"trail"].concat();
    check_sniff(&image, &[Format::Riff]);
    let opened = Opened::sniffed(&image);
    assert_eq!((opened.part("chunk"), opened.part("trailing")), (TEXT, b"trail".as_slice()));
    assert_eq!(opened.left_out, []);
}
