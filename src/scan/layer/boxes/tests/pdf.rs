use super::*;

/// Writes a PDF of one stream.
pub(super) fn pdf(filter: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("%PDF-1.7\n1 0 obj\n<< /Length 9 0 R /Filter {filter} >>\nstream\n");
    [head.as_bytes(), data, b"\nendstream\nendobj\n2 0 obj (a \\(note\\) \\101) endobj\n%%EOF"]
        .concat()
}

fn ascii_hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).chain(*b">").collect()
}

fn ascii85(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for group in bytes.chunks(4) {
        let mut word = [0; 4];
        word[..group.len()].copy_from_slice(group);
        let word = u32::from_be_bytes(word);
        let digit = |power: u32| b'!' + u8::try_from(word / 85_u32.pow(power) % 85).unwrap();
        out.extend([4, 3, 2, 1, 0].map(digit).iter().take(group.len() + 1));
    }
    [out, b"~>".to_vec()].concat()
}

#[test]
fn streams_are_unpacked_by_every_filter() {
    let zlib = fixture::zlib(TEXT);
    let runs = [&[20], &TEXT[..21], &[21], &TEXT[21..], &[128]].concat();
    for (filter, data) in [
        ("/FlateDecode", zlib.clone()),
        ("[/FlateDecode]", zlib.clone()),
        ("[ /ASCII85Decode /FlateDecode ]", ascii85(&zlib)),
        ("/ASCIIHexDecode", ascii_hex(TEXT)),
        ("[/AHx/Fl]", ascii_hex(&zlib)),
        ("/RunLengthDecode", runs),
    ] {
        let bytes = pdf(filter, &data);
        check_sniff(&bytes, &[Format::Pdf]);
        let opened = Opened::sniffed(&bytes);
        assert_eq!(opened.left_out, [], "{filter}");
        assert_eq!(opened.part("stream"), TEXT, "{filter}");
        let notes = opened.parts.last().unwrap();
        assert_eq!(notes.1, b"a (note) A\n", "{filter}");
    }
}

#[test]
fn pieces_of_a_shown_text_are_joined() {
    let page = b"BT [(to) -20 (k\\145n) 3 <2d31>] TJ (next) Tj <FEFF00680069> Tj ET";
    let opened = Opened::sniffed(&pdf("/FlateDecode", &fixture::zlib(page)));
    assert_eq!(opened.part("stream"), page);
    assert_eq!(opened.part("text"), b"token-1\nnext\nhi\n");
}

#[test]
fn predictors_of_png_are_undone() {
    // Two rows of four bytes: the first less its left neighbour, the second less the row above.
    let rows = [1, b'a', 1, 1, 1, 2, 1, 1, 1, 1];
    let filter = "/FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>";
    let opened = Opened::sniffed(&pdf(filter, &fixture::zlib(&rows)));
    assert_eq!(opened.part("stream"), b"abcdbcde");
}

#[test]
fn what_stays_closed_is_told() {
    let opened = Opened::sniffed(&pdf("/LZWDecode", b"?"));
    assert_eq!(opened.left_out, [(LeftOut::Method, "stream".to_owned())]);
    let opened = Opened::sniffed(&pdf("/FlateDecode", b"no zlib"));
    assert_eq!(opened.left_out, [(LeftOut::Damaged, "stream".to_owned())]);
    let encrypted = [pdf("/FlateDecode", b"no zlib"), b"trailer << /Encrypt 3 0 R >>".to_vec()];
    let opened = Opened::sniffed(&encrypted.concat());
    assert_eq!(opened.left_out, [(LeftOut::Encrypted, "box".to_owned())]);
}

#[test]
fn a_stream_that_breaks_off_hides_none_behind_it() {
    let fake =
        [&fixture::zlib(&TEXT.repeat(9))[..20], b"/Filter /FlateDecode >> stream\n"].concat();
    let bytes = pdf("/FlateDecode", &[fake, fixture::zlib(TEXT)].concat());
    let opened = Opened::sniffed(&bytes);
    assert!(opened.parts.iter().any(|(_, bytes)| bytes == TEXT), "{:?}", opened.names());
}

#[test]
fn a_million_objects_end_at_the_budget() {
    let stream = [b" /Filter /FlateDecode >> stream\n".as_slice(), &fixture::zlib(b"")].concat();
    let bytes = [b"%PDF-1.4".to_vec(), stream.repeat(100_000)].concat();
    let mut budget = Budget::new(Limits { bytes_max: 4 << 20, ..Limits::default() });
    let opened = Opened::of(Format::Pdf, &bytes, &mut budget);
    let total: usize = opened.parts.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(total <= 4 << 20, "{total}");
    assert_eq!(opened.left_out.last().map(|(why, _)| *why), Some(LeftOut::Bytes));
}
