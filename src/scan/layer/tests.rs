//! The walk as a whole: places, depth, budgets, hostile texts.

use base64::prelude::*;
use proptest::prelude::*;

use super::*;
use crate::rule::{Ruleset, template};

const MARK: &str = "Zq7_secret-Kj4XwP9b2";

/// What came out of a walk.
#[derive(Debug, Default)]
struct Out {
    views: usize,
    bytes: usize,
    depth: usize,
    /// Where the mark stands: layers and source.
    marks: Vec<(String, Vec<u8>)>,
    left: Vec<LeftOut>,
}

fn out(text: &[u8], limits: Limits) -> Out {
    let mut out = Out::default();
    let left = walk(text, limits, &mut |view| {
        out.views += 1;
        out.bytes += view.bytes().len();
        out.depth = out.depth.max(view.place(0..0).layers.len());
        for at in memchr::memmem::find_iter(view.bytes(), MARK) {
            let place = view.place(at..at + MARK.len());
            let layers: Vec<String> = place.layers.iter().map(ToString::to_string).collect();
            out.marks.push((layers.join(" › "), text[place.source].to_vec()));
        }
    });
    out.left = left.into_iter().map(|left| left.reason).collect();
    out
}

/// How a text may be written in a test.
#[derive(Clone, Copy, Debug)]
enum Coat {
    Base64,
    Base64Url,
    Hex,
    Percent,
    Html,
    Unicode,
    Utf16,
    Utf32,
    Numbers,
}

const COATS: [Coat; 9] = [
    Coat::Base64,
    Coat::Base64Url,
    Coat::Hex,
    Coat::Percent,
    Coat::Html,
    Coat::Unicode,
    Coat::Utf16,
    Coat::Utf32,
    Coat::Numbers,
];

impl Coat {
    fn put_on(self, text: &[u8]) -> Vec<u8> {
        let each = |write: &dyn Fn(u8) -> String| {
            text.iter().flat_map(|byte| write(*byte).into_bytes()).collect()
        };
        match self {
            Self::Base64 => BASE64_STANDARD.encode(text).into_bytes(),
            Self::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(text).into_bytes(),
            Self::Hex => each(&|byte| format!("{byte:02x}")),
            Self::Percent => each(&|byte| format!("%{byte:02X}")),
            Self::Html => each(&|byte| format!("&#{byte};")),
            Self::Unicode => each(&|byte| format!("\\u{byte:04x}")),
            Self::Utf16 => text.iter().flat_map(|byte| [*byte, 0]).collect(),
            Self::Utf32 => text.iter().flat_map(|byte| [*byte, 0, 0, 0]).collect(),
            Self::Numbers => each(&|byte| format!("{byte}, ")),
        }
    }

    /// Where the byte `at` of a text begins when it is written so; `upto` where the bytes before end.
    fn place(self, text: &[u8], range: std::ops::Range<usize>) -> std::ops::Range<usize> {
        match self {
            Self::Base64 | Self::Base64Url => range.start * 4 / 3..(range.end * 4).div_ceil(3),
            _ => {
                let len = |upto: usize| self.put_on(&text[..upto]).len();
                len(range.start)..len(range.end)
            }
        }
    }
}

fn coats() -> impl Strategy<Value = Coat> {
    proptest::sample::select(COATS.to_vec())
}

proptest! {
    #[test]
    fn a_mark_in_a_coat_is_found_in_its_place(
        before in "[ -~\n]{0,60}",
        behind in "[ -~\n]{0,60}",
        coat in coats(),
        around in "[a-z]{3,8}",
    ) {
        let inner = format!("{before} {MARK} {behind}");
        let at = before.len() + 1;
        let place = coat.place(inner.as_bytes(), at..at + MARK.len());
        let encoded = coat.put_on(inner.as_bytes());
        let text = [format!("{around} = ").as_bytes(), &encoded, b"\n\x01"].concat();
        let out = out(&text, Limits::default());
        let source = &encoded[place];
        prop_assert!(
            out.marks.iter().any(|(_, found)| found == source),
            "{:?} has no {:?}", out, String::from_utf8_lossy(source)
        );
    }

    #[test]
    fn coats_over_coats_come_off(worn in proptest::collection::vec(coats(), 1..4)) {
        // Nobody writes wide characters in wide characters: their NULs would be characters too.
        let is_wide = |coat: &Coat| matches!(coat, Coat::Utf16 | Coat::Utf32);
        prop_assume!(!worn.windows(2).any(|pair| pair.iter().all(is_wide)));
        let mut text = format!("a text with {MARK} in it").into_bytes();
        for coat in &worn {
            text = coat.put_on(&text);
        }
        let out = out(&text, Limits::default());
        prop_assert!(!out.marks.is_empty(), "{:?}", out);
    }

    #[test]
    fn no_text_breaks_it(pieces in proptest::collection::vec(scraps(), 0..200)) {
        let text = pieces.concat();
        let out = out(&text, Limits { depth_max: 4, bytes_max: 1 << 20, parts_max: 100 });
        prop_assert!(out.bytes <= 1 << 20 && out.views <= 100);
    }
}

/// Bytes that codes begin, go on and end with.
fn scraps() -> impl Strategy<Value = Vec<u8>> {
    let begun: Vec<&[u8]> = vec![
        b"\\",
        b"\\u",
        b"\\u{",
        b"\\ud83d",
        b"\\ude00",
        b"\\x4",
        b"\\10",
        b"%",
        b"%u00",
        b"%4",
        b"&#",
        b"&#x",
        b"&lt",
        b"=",
        b"=\n",
        b"=\r\n",
        b"=3D=",
        b"+AEE",
        b"\"",
        b"\" + \"",
        b"' . '",
        b"a\\\n  b",
        b"\0",
        b"\0\0\0",
        b"A\0B\0",
        b"\0A\0B",
        b"0x41,",
        b"65, 66,",
        b"41:",
        b"chr(65)+",
        b"[::-1]",
        b"strrev(\"",
        b"QUtJQUlPU0ZPRE5O",
        b"\n    ",
        b"\r\n# ",
        b"==",
        b"414b4941494f53464f444e4e",
        b"x",
        b"\xff\xfe",
        b"\xc3",
        b"\xd8\x3d",
    ];
    prop_oneof![
        9 => proptest::sample::select(begun).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..9),
    ]
}

#[test]
fn a_place_in_several_layers_is_the_outermost() {
    let inner = BASE64_STANDARD.encode(format!("api = {MARK}\n"));
    // No row between two escapes is long enough to be decoded by itself.
    let escape = |(number, char): (usize, char)| match number % 8 {
        7 => format!("\\u{:04x}", u32::from(char)),
        _ => char.to_string(),
    };
    let escaped: String = inner.char_indices().map(escape).collect();
    let text = format!("head\n{{\"file\": \"{escaped}\"}}\ntail {}", "x".repeat(600));
    let out = out(text.as_bytes(), Limits::default());
    let [(layers, source)] = out.marks.as_slice() else { panic!("{out:?}") };
    assert_eq!(layers, "backslash-escapes › base64");
    // The mark is bytes 6 to 26: characters 8 to 35 of the base64, of which three are escaped.
    let want = &escaped.as_bytes()[8 + 5..];
    assert_eq!(source, &want[..35 - 8 + 3 * 5]);
}

#[test]
fn depth_is_bounded_and_told() {
    let mut text = format!("{MARK} {MARK}");
    for _ in 0..50 {
        text = BASE64_STANDARD.encode(text);
        // What is inside is as long as it is: enough for the budget of bytes.
        if text.len() > 200_000 {
            break;
        }
    }
    let limits = Limits { depth_max: 5, ..Limits::default() };
    let out = out(text.as_bytes(), limits);
    assert_eq!((out.depth, out.left, out.views), (5, vec![LeftOut::Depth], 5));
}

#[test]
fn bytes_and_parts_are_bounded_and_told() {
    let text = format!("{}\n", BASE64_STANDARD.encode("some text that is in base64")).repeat(2_000);
    let few = Limits { bytes_max: 10_000, ..Limits::default() };
    let cut = out(text.as_bytes(), few);
    assert_eq!((cut.bytes, cut.left), (0, vec![LeftOut::Bytes]));
    let none = Limits { parts_max: 0, ..Limits::default() };
    assert_eq!(out(text.as_bytes(), none).left, [LeftOut::Parts]);
}

#[test]
fn the_same_text_is_looked_into_once() {
    let inner = BASE64_STANDARD.encode(format!("{MARK} {}", "in a long text ".repeat(20)));
    let apart = "\n".repeat(2_000);
    let text = format!("{inner}{apart}{inner}{apart}");
    // Both stand in one view, as what is apart is taken together; and nothing is in there.
    assert_eq!(out(text.as_bytes(), Limits::default()).views, 1);
    let twice = format!("{}{apart}", BASE64_STANDARD.encode(&text));
    assert_eq!(out(twice.as_bytes(), Limits::default()).depth, 2);
}

#[test]
fn hostile_texts_cost_no_more_than_their_size() {
    /// Asserts that all that comes out of `text` is at most `times` its bytes.
    #[track_caller]
    fn check(text: &[u8], times: usize) {
        let out = out(text, Limits::default());
        let bytes_max = times * text.len();
        assert!(out.bytes <= bytes_max && out.views <= 2_000, "{} of {}", out.bytes, text.len());
        assert!(out.left.iter().all(|left| *left == LeftOut::Depth), "{:?}", out.left);
    }
    const SIZE: usize = 200_000;
    let repeat = |unit: &str| unit.repeat(SIZE / unit.len()).into_bytes();
    check(&repeat("A"), 0);
    check(&repeat("\0"), 0);
    check(&repeat("%25"), 2);
    check(&repeat("%2525"), 3);
    check(&repeat("&#38;#38;"), 3);
    check(&repeat("\\u005cu005c"), 3);
    check(&repeat("\\"), 8);
    check(&repeat("=\n"), 1);
    check(&repeat("=3D"), 1);
    check(&repeat("a\0"), 1);
    check(&repeat("\0a\0"), 2);
    check(&repeat("\"a\"+"), 1);
    check(&repeat("abcdefgh\" + \"ijklmnop"), 2);
    check(&repeat("chr(65)+"), 1);
    check(&repeat("65,"), 1);
    check(&repeat("+AEE"), 2);
    check(&repeat("\"[::-1]abcdefghijklmnopq\""), 8);
    check(&repeat("QUtJQUlPU0ZPRE5O"), 2);
    check(&repeat("QUtJQUlPU0ZPRE5O\n"), 2);
    check(&repeat("QUtJQUlPU0ZPRE5OQ\n"), 2);
    // Something of everything, so far apart that each has all of its surroundings.
    let sparse = format!("{}%25252541{}", "a b".repeat(90), "QUtJQUlPU0ZPRE5O".repeat(2));
    check(&repeat(&sparse), 12);
    let all: Vec<u8> = (0..=255).cycle().take(SIZE).collect();
    check(&all, 3);
    let mut nested = "a text in many layers".repeat(5_000).into_bytes();
    while nested.len() < SIZE {
        nested = Coat::Base64.put_on(&nested);
    }
    check(&nested, 8);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn boxes_and_codes_lie_in_each_other() {
    #[track_caller]
    fn check(text: &[u8], layers: &str, source: &[u8]) {
        let out = out(text, Limits::default());
        assert_eq!(out.marks, [(layers.to_owned(), source.to_vec())]);
        assert_eq!(out.left, []);
    }
    let secret = format!("first line\nkey = {MARK}\n");
    let packed = gzip(secret.as_bytes());
    check(&packed, "gzip", &packed);
    let encoded = BASE64_STANDARD.encode(&packed);
    let manifest = format!("data:\n  config.gz: {encoded}\n");
    check(manifest.as_bytes(), "base64 › gzip", encoded.trim_end_matches('=').as_bytes());
    let again = gzip(&gzip(manifest.as_bytes()));
    check(&again, "gzip › gzip › base64 › gzip", &again);
    // What stands around a box in a text is a view of its own: a box begins with its magic.
    let both = format!("{manifest}{}\n", BASE64_STANDARD.encode("and a text beside the box"));
    assert_eq!(out(both.as_bytes(), Limits::default()).marks.len(), 1);
    let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let packed = gzip(&wide);
    check(&packed, "gzip › utf-16", &packed);
}

#[test]
fn a_bomb_ends_where_the_budget_does() {
    let bomb = gzip(&gzip(&vec![b' '; 64 << 20]));
    let text = BASE64_STANDARD.encode(bomb);
    let out = out(text.as_bytes(), Limits { bytes_max: 8 << 20, ..Limits::default() });
    assert!(out.bytes <= 8 << 20, "{out:?}");
    assert_eq!(out.left, [LeftOut::Bytes]);
}

#[test]
fn what_does_not_open_is_told_with_its_place() {
    let mut packed = gzip(format!("a line\n{MARK}\n").repeat(99).as_bytes());
    packed.truncate(packed.len() / 2);
    let text = format!("blob: {}\n", BASE64_STANDARD.encode(&packed));
    let left = walk(text.as_bytes(), Limits::default(), &mut |_| {});
    let [left] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!(left.reason, LeftOut::Damaged);
    assert_eq!(left.place.source, 6..text.trim_end_matches(['=', '\n']).len());
    let layers: Vec<String> = left.place.layers.iter().map(ToString::to_string).collect();
    assert_eq!(layers, ["base64", "gzip"]);
}

#[test]
fn a_text_that_only_begins_as_a_box_is_none() {
    // The view of the padding holds its surroundings, and so the magic of an archive.
    let padded: Vec<u8> = MARK.bytes().flat_map(|byte| [byte, 0, 0]).collect();
    let text = [b"!<arch>\n".as_slice(), &padded, b"\n"].concat();
    let left = walk(&text, Limits::default(), &mut |_| {});
    assert!(left.iter().all(|left| left.place.layers.len() == 1), "{left:?}");
    // Base64 of what has the two bytes of zlib and is not: no box, and nothing left out.
    let text = BASE64_STANDARD.encode([&[0x78, 0x9c][..], &[0xff; 80]].concat());
    assert_eq!(out(text.as_bytes(), Limits::default()).left, []);
}

#[test]
fn a_key_without_its_line_breaks_needs_no_layer() {
    let engine = crate::scan::Engine::new(Ruleset::shipped().unwrap().into()).unwrap();
    let key = String::from_utf8(template::expand("{@pem rsa}").unwrap()).unwrap();
    for joint in ["\n", "\r\n", "\r", " ", "\\n", "\\r\\n", ""] {
        let text = format!("key = \"{}\"\n", key.trim().replace('\n', joint));
        let mut found = Vec::new();
        let whole = crate::scan::Window::whole(text.as_bytes());
        assert!(engine.scan(&whole, &mut |m| found.push(m.rule.id.to_string())).is_complete());
        assert_eq!(found, ["private-key-pem"], "{joint:?}");
    }
}
