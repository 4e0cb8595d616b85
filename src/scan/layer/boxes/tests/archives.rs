use super::fixture::{ar, cpio, tar, tar_member, tar_member_of_size};
use super::*;

#[test]
fn members_of_a_tar_come_out_by_name() {
    let tar = tar(&[("a.env", b"plain"), ("b", TEXT)]);
    check_sniff(&tar, &[Format::Tar]);
    let opened = Opened::sniffed(&tar);
    assert_eq!(opened.part("entry a.env"), b"plain");
    assert_eq!(opened.part("entry b"), TEXT);
    assert_eq!(opened.part("names"), b"a.env\nb\n");
    assert_eq!(opened.left_out, []);
}

#[test]
fn names_of_a_tar_are_whole() {
    let long = "n".repeat(150);
    let pax = format!("{} path={long}\n", 150 + 10);
    let tar = [
        tar_member(b'0', "some/directory", "file", b"1"),
        tar_member(b'L', "", "././@LongLink", format!("{long}\0").as_bytes()),
        tar_member(b'0', "", "cut", b"2"),
        tar_member(b'x', "", "PaxHeaders/cut", pax.as_bytes()),
        tar_member(b'0', "", "cut", b"3"),
    ]
    .concat();
    let opened = Opened::sniffed(&tar);
    assert_eq!(opened.part("entry some/directory/file"), b"1");
    let long = format!("entry {long}");
    let named: Vec<_> = opened.parts.iter().filter(|(name, _)| *name == long).collect();
    assert_eq!(named.iter().map(|(_, bytes)| bytes.as_slice()).collect::<Vec<_>>(), [b"2", b"3"]);
}

#[test]
fn nothing_hides_behind_the_end_of_a_tar() {
    let tar = [tar(&[("a", b"1")]), vec![0; 4096], tar(&[("b", TEXT)])].concat();
    let opened = Opened::sniffed(&tar);
    assert_eq!(opened.part("entry b"), TEXT);
    assert_eq!(opened.left_out, []);
}

#[test]
fn what_stands_between_members_of_a_tar_comes_out() {
    let mut stray = TEXT.repeat(20);
    stray.resize(1024, b'.');
    let tar = [tar(&[("a", b"1")]), stray.clone(), tar(&[("b", b"2")])].concat();
    let opened = Opened::sniffed(&tar);
    assert_eq!((opened.part("stray"), opened.part("entry b")), (stray.as_slice(), b"2".as_slice()));
    assert_eq!(opened.left_out, [(LeftOut::Damaged, "box".to_owned())]);
}

#[test]
fn sizes_of_a_tar_may_lie() {
    let base256 = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 43];
    let opened = Opened::sniffed(&tar_member_of_size(b'0', "", "a", TEXT, &base256));
    assert_eq!((opened.part("entry a"), opened.left_out.len()), (TEXT, 0));
    for size in [b"77777777777\0", &[0xff; 12]] {
        let opened = Opened::sniffed(&tar_member_of_size(b'0', "", "a", TEXT, size));
        assert!(opened.part("entry a").starts_with(TEXT));
        assert_eq!(opened.left_out, [(LeftOut::Damaged, "box".to_owned())]);
    }
}

#[test]
fn members_of_a_cpio_come_out_by_name() {
    let bytes = [cpio(&[("a", b"plain")]), vec![0; 512], cpio(&[("b/c", TEXT)])].concat();
    check_sniff(&bytes, &[Format::Cpio]);
    let opened = Opened::sniffed(&bytes);
    assert_eq!(opened.part("entry a"), b"plain");
    assert_eq!(opened.part("entry b/c"), TEXT);
    assert_eq!(opened.left_out, []);
    let cut = Opened::sniffed(&bytes[..bytes.len() - 160]);
    assert_eq!(cut.left_out, [(LeftOut::Damaged, "box".to_owned())]);
}

#[test]
fn other_dialects_of_cpio_are_read() {
    let odc = |name: &str, bytes: &[u8]| {
        let head = format!("070707{:053o}{:06o}{:011o}", 0, name.len() + 1, bytes.len());
        [head.as_bytes(), name.as_bytes(), &[0], bytes].concat()
    };
    let binary = |name: &str, bytes: &[u8]| {
        let mut member = vec![0; 26];
        member[..2].copy_from_slice(&[0xc7, 0x71]);
        member[20] = u8::try_from(name.len() + 1).unwrap();
        member[24] = u8::try_from(bytes.len()).unwrap();
        member.extend(name.bytes().chain([0]));
        member.resize(member.len().next_multiple_of(2), 0);
        member.extend(bytes);
        member.resize(member.len().next_multiple_of(2), 0);
        member
    };
    for member in [odc, binary] as [fn(&str, &[u8]) -> Vec<u8>; 2] {
        let bytes = [member("a", b"plain"), member("bc", TEXT), member("TRAILER!!!", b"")].concat();
        check_sniff(&bytes, &[Format::Cpio]);
        let opened = Opened::sniffed(&bytes);
        assert_eq!((opened.part("entry a"), opened.part("entry bc")), (b"plain".as_slice(), TEXT));
        assert_eq!(opened.left_out, []);
    }
}

#[test]
fn a_debian_package_is_an_ar_of_tars() {
    let data = fixture::xz(&tar(&[("etc/a.conf", TEXT)]));
    let deb = ar(&[("debian-binary", b"2.0\n"), ("data.tar.xz", &data)]);
    check_sniff(&deb, &[Format::Ar]);
    let opened = Opened::sniffed(&deb);
    let data = Opened::sniffed(opened.part("entry data.tar.xz"));
    assert_eq!(Opened::sniffed(data.part("stream")).part("entry etc/a.conf"), TEXT);
    assert_eq!(Opened::sniffed(&deb[..deb.len() - 40]).left_out.len(), 1);
}
