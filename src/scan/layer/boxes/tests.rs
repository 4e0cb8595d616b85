mod archives;
mod compiled;
mod fixture;
mod git;
mod hostile;
mod images;
mod pdf;
mod presence;
mod sevenz;
mod sqlite;
mod streams;
mod zip;

use super::*;
use crate::scan::layer::Limits;

/// A text that no rule knows and no format has by itself.
const TEXT: &[u8] = b"the quick brown fox jumps over the lazy dog";

/// All that came out of a box.
#[derive(Default)]
struct Opened {
    parts: Vec<(String, Vec<u8>)>,
    left_out: Vec<(LeftOut, String)>,
}

impl Opened {
    /// Opens bytes as what they look like first.
    #[track_caller]
    fn sniffed(bytes: &[u8]) -> Self {
        let format = sniff(bytes).next().expect("a box");
        Self::of(format, bytes, &mut Budget::new(Limits::default()))
    }

    fn of(format: Format, bytes: &[u8], budget: &mut Budget) -> Self {
        let mut opened = Self::default();
        open(format, bytes, budget, &mut |out| opened.add(&out));
        opened
    }

    fn add(&mut self, out: &Out<'_>) {
        match out {
            Out::Part(part) => self.parts.push((named(part.label), part.bytes.to_vec())),
            Out::LeftOut { why, label } => self.left_out.push((*why, named(*label))),
        }
    }

    /// Returns the part of that name.
    #[track_caller]
    fn part(&self, name: &str) -> &[u8] {
        let found = self.parts.iter().find(|(part, _)| part == name);
        &found.unwrap_or_else(|| panic!("no `{name}` in {:?}", self.names())).1
    }

    fn names(&self) -> Vec<&str> {
        self.parts.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn has(&self, text: &[u8]) -> bool {
        self.parts.iter().any(|(_, bytes)| memchr::memmem::find(bytes, text).is_some())
    }
}

fn named(label: Label<'_>) -> String {
    match label.name {
        Some(name) => format!("{} {}", label.what, name.escape_ascii()),
        None => label.what.to_owned(),
    }
}

#[track_caller]
fn check_sniff(bytes: &[u8], want: &[Format]) {
    assert_eq!(sniff(bytes).collect::<Vec<_>>(), want, "{}", bytes.escape_ascii());
}

#[test]
fn no_text_is_taken_for_a_box() {
    check_sniff(b"", &[]);
    check_sniff(b"P", &[]);
    check_sniff(TEXT, &[]);
    check_sniff(b"PKCS is no PK zip", &[]);
    check_sniff(b"blob 12 is said here", &[]);
    check_sniff(b"BZh91 is a postcode", &[]);
    check_sniff(b"LZIP code", &[]);
    check_sniff(b"PACKAGE", &[]);
}

#[test]
fn closed_boxes_are_told_by_name() {
    for (bytes, name) in [
        (b"Rar!\x1a\x07\x01\0".as_slice(), "rar"),
        (b"MSCF\0\0\0\0....", "cab"),
        (b"\x1f\x9d\x90 compress", "compress"),
        (b"..-lh5-....", "lha"),
    ] {
        check_sniff(bytes, &[Format::Closed(name)]);
        let opened = Opened::sniffed(bytes);
        assert_eq!(opened.left_out, [(LeftOut::Method, "box".to_owned())]);
    }
}

/// Why there is no view of "strings" for every other binary: the bytes of a file are scanned as they
/// are, and what is no letter is as good a boundary as the newline that such a view would put there.
/// Where a printable byte touches a token, a list of printable runs holds the two together as well;
/// only who knows the format can part them, as is done for rows of `SQLite` and for the strings of
/// compiled Python and Java. ELF, PE, Mach-O and wasm end their strings with NUL, or run them together
/// without any trace of where one ends.
#[test]
fn a_strings_view_would_add_nothing() {
    let runs = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let is_printable = |byte: &u8| (b' '..=b'~').contains(byte);
        let runs = bytes.split(|byte| !is_printable(byte)).filter(|run| run.len() >= 6);
        runs.map(<[u8]>::to_vec).collect()
    };
    let binary = [b"\x7fELF\x02\x01".as_slice(), TEXT, b"\0\x01", TEXT, b"\xff"].concat();
    check_sniff(&binary, &[]);
    assert_eq!(runs(&binary), [TEXT, TEXT]);
    let touching = [b"\xdaV".as_slice(), TEXT, b"r\x01"].concat();
    assert_eq!(runs(&touching), [[b"V".as_slice(), TEXT, b"r"].concat()]);
}
