use super::*;

#[test]
fn strings_of_python_stand_apart() {
    let head = b"\xcb\r\r\n\0\0\0\0........";
    let short = [b"\xda+".as_slice(), TEXT, b"r\x01\0\0\0"].concat();
    let long = [b"u+\0\0\0".as_slice(), TEXT, b"N"].concat();
    let module = [head.as_slice(), b"\xe3\0\0\0\0\x01\0\0\0", &short, &long].concat();
    check_sniff(&module, &[Format::Pyc]);
    let opened = Opened::sniffed(&module);
    assert_eq!(opened.part("strings"), [TEXT, b"\n", TEXT, b"\n"].concat());
    assert_eq!(opened.left_out, []);
}

#[test]
fn constants_of_java_stand_apart() {
    let text = TEXT.repeat(2);
    let class = [
        b"\xca\xfe\xba\xbe\0\0\0\x41\0\x05".as_slice(),
        &[5, 0, 0, 0, 0, 0, 0, 0, 1],
        &[1, 0, 86],
        &text,
        &[8, 0, 3],
        b"the rest",
    ]
    .concat();
    check_sniff(&class, &[Format::Class]);
    let opened = Opened::sniffed(&class);
    assert_eq!(opened.part("constants"), [text.as_slice(), b"\n"].concat());
    assert_eq!(opened.left_out, []);
    assert_eq!(Opened::sniffed(&class[..40]).left_out, [(LeftOut::Damaged, "box".to_owned())]);
    // A program of macOS for two processors.
    check_sniff(b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07", &[]);
}
