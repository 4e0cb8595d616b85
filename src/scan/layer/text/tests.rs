//! Each code by itself: a text, what is to be read in it, and where that stands.

use base64::prelude::*;

use crate::scan::layer::{Limits, View, walk};

/// What every text hides: no rule's token, but shaped like one.
const MARK: &str = "Zq7_secret-Kj4XwP9b2";

/// Where the mark was read: its layers, and the range of the source.
fn read(text: &[u8]) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let left = walk(text, Limits::default(), &mut |view: &View<'_>| {
        for at in memchr::memmem::find_iter(view.bytes(), MARK) {
            let place = view.place(at..at + MARK.len());
            let source = String::from_utf8_lossy(&text[place.source]).into_owned();
            found.push((place.layers.iter().map(ToString::to_string).collect(), source));
        }
    });
    assert_eq!(left, []);
    found
}

/// Asserts that the mark is read in `before`, `encoded`, `after` at just the place of `encoded`.
#[track_caller]
fn check(before: &str, encoded: impl AsRef<[u8]>, after: &str, layers: &[&str]) {
    let encoded = encoded.as_ref();
    let text = [before.as_bytes(), encoded, after.as_bytes()].concat();
    let want = String::from_utf8_lossy(encoded).into_owned();
    let found = read(&text);
    let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
    assert!(found.contains(&(layers, want)), "found {found:?}");
}

/// Asserts that nothing is read in `text` that does not stand there.
#[track_caller]
fn check_nothing(text: &str) {
    let mut views = Vec::new();
    let left = walk(text.as_bytes(), Limits::default(), &mut |view: &View<'_>| {
        views.push(String::from_utf8_lossy(view.bytes()).into_owned());
    });
    assert_eq!((views, left), (vec![], vec![]));
}

fn wide(text: &str, width: usize, little_endian: bool) -> Vec<u8> {
    let unit = |byte: u8| {
        let mut unit = vec![0; width];
        unit[if little_endian { 0 } else { width - 1 }] = byte;
        unit
    };
    text.bytes().flat_map(unit).collect()
}

fn each_byte(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

#[test]
fn wide_characters() {
    let text = format!("key: {MARK}\n");
    for (width, code) in [(2, "utf-16"), (4, "utf-32")] {
        for little_endian in [true, false] {
            let mark = wide(MARK, width, little_endian);
            check("", &mark, "", &[code]);
            // With a mark of the byte order, and in the middle of bytes of another kind.
            let around = wide(&text, width, little_endian);
            let bom = if little_endian { [0xff, 0xfe, 0, 0] } else { [0, 0, 0xfe, 0xff] };
            let bom = if little_endian { &bom[..width] } else { &bom[4 - width..] };
            assert_eq!(read(&[bom, &around].concat()).len(), 1);
            assert_eq!(
                read(&[b"\x7fELF\x01\x02binary!", &around[..], b"\x80\x81"].concat()).len(),
                1
            );
        }
    }
    // Other scripts around it, and a name before it that is not wide.
    let mixed: Vec<u8> =
        format!("пароль 密码 😀: {MARK} ü").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&mixed).len(), 1);
    check("password=\"", wide(MARK, 2, true), "\"", &["utf-16"]);
}

#[test]
fn nul_padding() {
    let padded = |step: usize| -> Vec<u8> {
        MARK.as_bytes().chunks(step).collect::<Vec<_>>().join(&[0, 0][..])
    };
    check("x = ", padded(1), "", &["nul-padded"]);
    check("x = ", padded(2), "", &["nul-padded"]);
    // One NUL is none: the rules match bytes.
    check_nothing(&format!("{MARK}\0and more"));
}

#[test]
fn base64_in_all_its_forms() {
    let text = format!("user=me\nkey={MARK}\n{}", "x".repeat(100));
    let encoded = BASE64_STANDARD.encode(MARK);
    check("data: ", encoded.trim_end_matches('='), "=\n", &["base64"]);
    check("data: ", BASE64_URL_SAFE_NO_PAD.encode(MARK), "\n", &["base64"]);
    check("Authorization: Basic ", BASE64_STANDARD_NO_PAD.encode(MARK), "\n", &["base64"]);
    // Behind three letters that are none of it, and no separator.
    for junk in ["a", "ab", "abc", "abcd"] {
        check(&format!(" {junk}"), BASE64_STANDARD_NO_PAD.encode(MARK), " ", &["base64"]);
    }
    let whole = BASE64_STANDARD.encode(&text);
    for width in [76, 64, 40, 30] {
        for indent in ["", "    ", "# "] {
            let lines: Vec<&[u8]> = whole.as_bytes().chunks(width).collect();
            let wrapped = lines.join(format!("\n{indent}").as_bytes());
            let found = read(&[b"blob: |\n".as_slice(), indent.as_bytes(), &wrapped].concat());
            assert_eq!(found.len(), 1, "{width} {indent}: {found:?}");
            let crlf = read(&lines.join(format!("\r\n{indent}").as_bytes()));
            assert_eq!(crlf.len(), 1);
        }
    }
    // A short one, as secrets of Kubernetes have.
    let mut views = Vec::new();
    let manifest = format!("data:\n  password: {}\n", BASE64_STANDARD.encode("hunter2!x"));
    walk(manifest.as_bytes(), Limits::default(), &mut |view| views.push(view.bytes().to_vec()));
    assert_eq!(views, [b"data:\n  password: hunter2!x\n"]);
}

#[test]
fn base64_over_lines_keeps_its_place() {
    let (before, behind) = ("a".repeat(57), "b".repeat(40));
    let text = BASE64_STANDARD.encode(format!("{before}{MARK}!{behind}"));
    let lines: Vec<&str> = [&text[..76], &text[76..]].to_vec();
    let found = read(format!("{}\n  {}\n", lines[0], lines[1]).as_bytes());
    let layers = vec!["base64".to_owned()];
    assert_eq!(found, [(layers, text[76..].chars().take(27).collect())]);
}

#[test]
fn lines_that_are_no_whole_groups_may_stand_alone() {
    let one = BASE64_STANDARD_NO_PAD.encode(MARK);
    let list = format!("{one}\n{one}\n");
    assert_eq!(read(list.as_bytes()).len(), 2);
}

#[test]
fn hex_in_all_its_forms() {
    let hex = |between: &str, before: &str| {
        let bytes: Vec<String> = MARK.bytes().map(|b| format!("{before}{b:02x}")).collect();
        bytes.join(between)
    };
    check("x = ", hex("", ""), "\n", &["hex"]);
    check("x = 0x", hex("", ""), "\n", &["hex"]);
    check("key_", hex("", "").to_uppercase(), "\n", &["hex"]);
    check("x = '", hex("", "\\x"), "'", &["backslash-escapes"]);
    check("[", hex(",", "0x"), "]", &["number-list"]);
    check("{ ", hex(", ", "0x"), " };", &["number-list"]);
    check("", hex(":", ""), "", &["number-list"]);
    check("", hex(" ", ""), "", &["number-list"]);
    check("", hex("-", "").to_uppercase(), "", &["number-list"]);
    let long = format!("{}{MARK}", "padding ".repeat(9));
    let lines: Vec<String> = each_byte(&long, |b| format!("{b:02x}"))
        .into_bytes()
        .chunks(60)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    assert_eq!(read(lines.join("\n").as_bytes()).len(), 1);
}

#[test]
fn escapes_of_programs() {
    let backslash = &["backslash-escapes"];
    check("s = \"", each_byte(MARK, |b| format!("\\u{b:04x}")), "\"", backslash);
    check("s = \"", each_byte(MARK, |b| format!("\\U{b:08X}")), "\"", backslash);
    check("s = \"", each_byte(MARK, |b| format!("\\u{{{b:x}}}")), "\"", backslash);
    check("s = \"", each_byte(MARK, |b| format!("\\x{{{b:x}}}")), "\"", backslash);
    check("s = \"", each_byte(MARK, |b| format!("\\{b:03o}")), "\"", backslash);
    check("s = \"", MARK.replace('s', "\\x73"), "\"", backslash);
    check("\"a\\n", MARK, "\\n\"", backslash);
    check("{\"a\":\"{\\\"password\\\":\\\"", MARK, "\\\"}\"}", backslash);
    check_nothing("printf(\"usage: %s [-v]\\n\\n\", argv[0]); /\\d+\\s*\\w/");
}

#[test]
fn escapes_of_the_web() {
    check("?q=", each_byte(MARK, |b| format!("%{b:02X}")), "&x", &["percent"]);
    check("?q=", each_byte(MARK, |b| format!("%u{b:04x}")), "&x", &["percent"]);
    check("?q=", MARK.replace('_', "%5f"), "&x", &["percent"]);
    check("<p>", each_byte(MARK, |b| format!("&#{b};")), "</p>", &["html"]);
    check("<p>", each_byte(MARK, |b| format!("&#x{b:x};")), "</p>", &["html"]);
    check("<p>", each_byte(MARK, |b| format!("&#{b:04}")), "</p>", &["html"]);
    check("<p>", MARK.replace('_', "&lowbar;"), "</p>", &["html"]);
    check("+", MARK.replace('_', "+AF8-"), "", &["utf-7"]);
    check_nothing("printf(\"%02x %08lx %s %d%%\", a && b, &self, &mut c);");
}

#[test]
fn quoted_printable() {
    let soft = format!("{}=\n{}", &MARK[..9], &MARK[9..]);
    check("p: ", &soft, "\n", &["quoted-printable"]);
    check("p: ", soft.replace('\n', "\r\n"), "\r\n", &["quoted-printable"]);
    check("p=3D", each_byte(MARK, |b| format!("={b:02X}")), "\n", &["quoted-printable"]);
    check_nothing("let x =\n    1; width=20&height=30 abc==\n");
}

#[test]
fn strings_that_are_joined() {
    let (one, two) = MARK.split_at(9);
    for joint in [
        "\" + \"",
        "\"+\"",
        "\" \"",
        "\" . \"",
        "\" .. \"",
        "\" || \"",
        "\" <> \"",
        "\" & _\r\n    \"",
        "\"\n    \"",
        "\" \\\n    \"",
        "\" +\n  \"",
        "\" + f\"",
        "\"\"",
    ] {
        check("k = \"", format!("{one}{joint}{two}"), "\"", &["joined-strings"]);
        let single = joint.replace('"', "'");
        check("k = '", format!("{one}{single}{two}"), "'", &["joined-strings"]);
    }
    check("k = \"", format!("{one}\\\n{two}"), "\"", &["joined-strings"]);
    check("k = \"", format!("{one}\\\r\n      {two}"), "\"", &["joined-strings"]);
    check_nothing("x + \" \" + y; f(\"a\", \"b\"); \"a\" == \"b\"; run --a \\\n    --b");
}

#[test]
fn lists_of_codes() {
    let list = MARK.bytes().map(|b| b.to_string()).collect::<Vec<_>>();
    check("String.fromCharCode(", list.join(","), ")", &["number-list"]);
    check("bytes([", list.join(", "), "])", &["number-list"]);
    let calls = |name: &str, end: &str, joint: &str| {
        list.iter().map(|code| format!("{name}{code}{end}")).collect::<Vec<_>>().join(joint)
    };
    check("x = ", calls("chr(", ")", " + "), "", &["character-codes"]);
    check("x = ", calls("Chr(", ")", " & "), "", &["character-codes"]);
    check("SELECT ", calls("CHAR(", ")", "||"), "", &["character-codes"]);
    check("x = ", calls("[char]", "", "+"), "", &["character-codes"]);
    check_nothing(
        "{ 0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe }",
    );
}

#[test]
fn reversed_where_the_code_says_so() {
    let reversed: String = MARK.chars().rev().collect();
    check("x = \"", &reversed, "\"[::-1]", &["reversed"]);
    check("strrev('", &reversed, "')", &["reversed"]);
    check_nothing(&format!("x = \"{reversed}\""));
}

#[test]
fn codes_within_codes() {
    let base64 = BASE64_STANDARD.encode(MARK);
    let base64 = base64.trim_end_matches('=');
    check("", each_byte(base64, |b| format!("%{b:02x}")), "%3d", &["percent", "base64"]);
    check("\"k\": \"{\\\"password\\\": \\\"", base64, "=\\\"}\"", &["backslash-escapes", "base64"]);
    let twice =
        BASE64_STANDARD.encode(format!("{}   ", BASE64_STANDARD.encode(format!("{MARK} "))));
    assert_eq!(read(twice.as_bytes())[0].0, ["base64", "base64"]);
    let command = BASE64_STANDARD.encode(wide(&format!("$p = '{MARK}'"), 2, true));
    assert_eq!(read(format!("powershell -enc {command}").as_bytes())[0].0, ["base64", "utf-16"]);
    let percent = |text: &str| text.replace('%', "%25");
    check("?q=", percent(&percent(&MARK.replace('_', "%5f"))), "", &["percent"; 3]);
    let (one, two) = base64.split_at(10);
    check("k = \"", format!("{one}\" + \"{two}"), "=\"", &["joined-strings", "base64"]);
}

#[test]
fn what_needs_no_code_has_none() {
    // Rules match bytes: whatever leaves ASCII as it is, is read as it stands.
    check_nothing(&format!("caf\u{e9}\r{MARK}\rna\u{ef}ve\r"));
    check_nothing(&format!("{} {MARK}", "long line ".repeat(1_000)));
}
