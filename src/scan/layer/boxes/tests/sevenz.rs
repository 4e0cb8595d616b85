use super::fixture::sevenz;
use super::*;

const COPY: &[u8] = &[0];
const BZIP2: &[u8] = &[4, 2, 2];
const AES: &[u8] = &[6, 0xf1, 7, 1];

#[test]
fn files_come_out_by_name() {
    for (method, packed) in [(COPY, TEXT.to_vec()), (BZIP2, fixture::bzip2(TEXT))] {
        let archive = sevenz(method, "dir/a.env", &packed, 43);
        check_sniff(&archive, &[Format::SevenZ]);
        let opened = Opened::sniffed(&archive);
        assert_eq!(opened.left_out, []);
        assert_eq!(opened.part("entry dir/a.env"), TEXT);
        assert_eq!(opened.part("names"), b"dir/a.env\n");
    }
}

#[test]
fn a_header_beyond_its_limit_is_not_counted_out() {
    let header = vec![0; 2 << 20];
    let fields = [0_u64.to_le_bytes(), (header.len() as u64).to_le_bytes()].concat();
    let start = [fields, crc32fast::hash(&header).to_le_bytes().to_vec()].concat();
    let check = crc32fast::hash(&start).to_le_bytes();
    let archive = [b"7z\xbc\xaf\x27\x1c\0\x04".as_slice(), &check, &start, &header].concat();
    assert_eq!(Opened::sniffed(&archive).left_out, [(LeftOut::Method, "box".to_owned())]);
}

#[test]
fn what_stays_closed_is_told() {
    for (method, why) in [(AES, LeftOut::Encrypted), (&[0x7f, 1], LeftOut::Method)] {
        let opened = Opened::sniffed(&sevenz(method, "a", TEXT, 43));
        assert_eq!(opened.left_out, [(why, "entry a".to_owned())]);
    }
    let archive = sevenz(COPY, "a", TEXT, 43);
    for len in [6, 31, 40, archive.len() - 1] {
        assert_eq!(
            Opened::sniffed(&archive[..len]).left_out,
            [(LeftOut::Damaged, "box".to_owned())]
        );
    }
}
