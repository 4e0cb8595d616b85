//! Makes names that a pusher chose safe to print: in a terminal, on one line, in a bounded width.
//!
//! ```text
//! bytes ──► units (a printable character, or an escape) ──► line   "evil\x1b[31m.env"
//!                                                      └──► shell  'it'\''s.env', or nothing
//! ```
//!
//! Paths, ref names, subjects and tag names arrive as bytes of the pusher's choice. Printed as they
//! are they could move the cursor, recolour the terminal, reverse the reading order or begin a line
//! of their own that looks like ours. The escapes (`\x1b`, `\u{202e}`) are for eyes: a backslash in
//! a name stays one backslash, so they cannot be read back.

use std::collections::VecDeque;
use std::fmt;

/// What stands where text was left out.
const GAP: &str = "...";

/// Printable by their Unicode category, yet blank on the screen: Hangul fillers and the empty
/// Braille pattern.
const BLANKS: [char; 5] = ['\u{115f}', '\u{1160}', '\u{2800}', '\u{3164}', '\u{ffa0}'];

/// Ranges of characters that fill two columns of a terminal (Unicode TR11, wide and full width),
/// coarse on the safe side: a narrow one among them only makes a line shorter.
const WIDE: [(char, char); 8] = [
    ('\u{1100}', '\u{115f}'),
    ('\u{2e80}', '\u{a4cf}'),
    ('\u{ac00}', '\u{d7a3}'),
    ('\u{f900}', '\u{faff}'),
    ('\u{fe30}', '\u{fe6f}'),
    ('\u{ff00}', '\u{ffe6}'),
    ('\u{16fe0}', '\u{1faff}'),
    ('\u{20000}', '\u{3fffd}'),
];

/// Returns `bytes` as one printable line of at most `columns_max` columns (and characters).
///
/// Control characters, line ends, bidirectional controls, zero-width and combining characters,
/// odd spaces, unassigned characters and bytes that are not UTF-8 become visible escapes. ASCII
/// letters, digits, punctuation and the space stay as they are. What is too long loses its middle
/// (`services/...ment.env`): the end of a path says most. Takes time in proportion to `bytes` and
/// memory in proportion to `columns_max`.
pub fn line(bytes: &[u8], columns_max: usize) -> String {
    whole(bytes, columns_max).unwrap_or_else(|| cut(bytes, columns_max))
}

/// Returns `bytes` as one word of a POSIX shell command that a person may copy, or `None` where
/// they hold something that [`line()`] would have to escape.
///
/// Words of harmless characters stay bare; all others stand in single quotes. A word that begins
/// with `-` is still an option to most programs: put `--` before it.
pub fn shell(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    if !text.chars().all(is_shown) {
        return None;
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || "_./@%+=:,-".contains(c);
    if !text.is_empty() && text.chars().all(bare) {
        return Some(text.to_owned());
    }
    Some(format!("'{}'", text.replace('\'', r"'\''")))
}

/// Counts the columns that printable `text` fills in a terminal.
pub fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn whole(bytes: &[u8], columns_max: usize) -> Option<String> {
    let mut text = String::new();
    let mut used = 0;
    for unit in units(bytes) {
        used += unit.columns();
        if used > columns_max {
            return None;
        }
        text.push_str(&unit.to_string());
    }
    Some(text)
}

fn cut(bytes: &[u8], columns_max: usize) -> String {
    let Some(room) = columns_max.checked_sub(GAP.len()) else {
        return GAP.chars().take(columns_max).collect();
    };
    let head_max = room / 2;
    let mut head = whole_prefix(bytes, head_max);
    head.push_str(GAP);
    head.push_str(&whole_suffix(bytes, room - head_max));
    head
}

fn whole_prefix(bytes: &[u8], columns_max: usize) -> String {
    let mut used = 0;
    units(bytes)
        .take_while(|unit| {
            used += unit.columns();
            used <= columns_max
        })
        .map(|unit| unit.to_string())
        .collect()
}

fn whole_suffix(bytes: &[u8], columns_max: usize) -> String {
    let mut kept = VecDeque::new();
    let mut used = 0;
    for unit in units(bytes) {
        used += unit.columns();
        kept.push_back(unit);
        while used > columns_max {
            used -= kept.pop_front().map_or(used, Unit::columns);
        }
    }
    kept.iter().map(Unit::to_string).collect()
}

/// What is printed in one piece and never cut in two.
#[derive(Clone, Copy)]
enum Unit {
    Shown(char),
    /// A character by its number.
    Number(char),
    /// A byte: ASCII controls, and what is no UTF-8.
    Byte(u8),
}

impl Unit {
    fn columns(self) -> usize {
        match self {
            Self::Shown(c) => width(c),
            Self::Number(_) | Self::Byte(_) => self.to_string().len(),
        }
    }
}

impl From<char> for Unit {
    fn from(c: char) -> Self {
        match u8::try_from(c) {
            _ if is_shown(c) => Self::Shown(c),
            Ok(byte) if byte.is_ascii() => Self::Byte(byte),
            _ => Self::Number(c),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(c) => write!(f, "{c}"),
            Self::Number(c) => write!(f, "\\u{{{:x}}}", u32::from(*c)),
            Self::Byte(byte) => write!(f, "\\x{byte:02x}"),
        }
    }
}

fn units(bytes: &[u8]) -> impl Iterator<Item = Unit> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let characters = chunk.valid().chars().map(Unit::from);
        characters.chain(chunk.invalid().iter().copied().map(Unit::Byte))
    })
}

/// Tells whether `c` may be printed. The standard library's `escape_debug` knows which characters
/// are printable and which combine with the one before; quotes and the backslash it escapes for
/// another reason.
fn is_shown(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic() || c == ' ';
    }
    !BLANKS.contains(&c) && c.escape_debug().eq([c])
}

fn width(c: char) -> usize {
    let wide = WIDE.iter().any(|&(first, last)| (first..=last).contains(&c));
    if wide { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_act_on_a_terminal_becomes_visible() {
        #[track_caller]
        fn check(bytes: &[u8], want: &str) {
            assert_eq!(line(bytes, 80), want);
        }
        check(b"", "");
        check(b"deploy/prod.env", "deploy/prod.env");
        check("données/秘密.txt".as_bytes(), "données/秘密.txt");
        check(b"a\x1b[31mb", r"a\x1b[31mb");
        check(b"a\r\nerror: all is well", r"a\x0d\x0aerror: all is well");
        check(b"nul\0tab\tdel\x7f", r"nul\x00tab\x09del\x7f");
        check(b"c1 \x9b raw, \xc2\x9b coded", r"c1 \x9b raw, \u{9b} coded");
        check("a\u{202e}gpj.exe".as_bytes(), r"a\u{202e}gpj.exe");
        check("\u{2066}\u{200f}\u{61c}".as_bytes(), r"\u{2066}\u{200f}\u{61c}");
        check("\u{200b}\u{feff}\u{ad}".as_bytes(), r"\u{200b}\u{feff}\u{ad}");
        check("\u{2028}\u{2029}\u{a0}".as_bytes(), r"\u{2028}\u{2029}\u{a0}");
        check("e\u{301}\u{3164}\u{e0041}".as_bytes(), r"e\u{301}\u{3164}\u{e0041}");
        check(b"latin1 \xe9\xff", r"latin1 \xe9\xff");
        check(br#"C:\a "b" 'c'"#, r#"C:\a "b" 'c'"#);
    }

    #[test]
    fn what_is_too_long_loses_its_middle() {
        #[track_caller]
        fn check(bytes: &[u8], columns_max: usize, want: &str) {
            assert_eq!(line(bytes, columns_max), want);
        }
        check(b"services/payment/production.env", 20, "services...ction.env");
        check(b"abcdef", 6, "abcdef");
        check(b"abcdefg", 6, "a...fg");
        check(b"abcdefg", 3, "...");
        check(b"abcdefg", 2, "..");
        check(b"abcdefg", 0, "");
        // An escape is kept whole or not at all, and a wide character counts twice.
        check(b"ab\x1bcdefghijklmno", 10, "ab...lmno");
        check("秘密秘密秘密".as_bytes(), 10, "秘...秘密");
    }

    #[test]
    fn a_shell_word_is_quoted_or_refused() {
        #[track_caller]
        fn check(bytes: &[u8], want: Option<&str>) {
            assert_eq!(shell(bytes).as_deref(), want);
        }
        check(b"deploy/prod.env", Some("deploy/prod.env"));
        check(b"", Some("''"));
        check(b"a b", Some("'a b'"));
        check(b"it's", Some(r"'it'\''s'"));
        check(b"$(reboot);`x`!\\", Some(r"'$(reboot);`x`!\'"));
        check(b"~root", Some("'~root'"));
        check("clé".as_bytes(), Some("'clé'"));
        check(b"a\nb", None);
        check(b"a\xff", None);
        check("a\u{202e}b".as_bytes(), None);
    }

    fn is_one_printable_line(text: &str) -> bool {
        text.chars().all(|c| !c.is_control() && (c.is_ascii() || c.escape_debug().count() == 1))
    }

    proptest! {
        #[test]
        fn every_byte_string_becomes_one_printable_line(
            bytes: Vec<u8>, text: String, columns_max in 0_usize..100,
        ) {
            for input in [bytes.as_slice(), text.as_bytes()] {
                let shown = line(input, columns_max);
                prop_assert!(is_one_printable_line(&shown), "{shown:?}");
                prop_assert!(columns(&shown) <= columns_max, "{shown:?}");
                prop_assert!(shown.chars().count() <= columns_max, "{shown:?}");
            }
        }

        #[test]
        fn ascii_text_stays_as_it_is(text in "[ -~]{0,60}") {
            prop_assert_eq!(line(text.as_bytes(), 60), text);
        }

        #[test]
        fn a_shell_word_is_one_printable_line(bytes: Vec<u8>, text in "\\PC*") {
            for input in [bytes.as_slice(), text.as_bytes()] {
                if let Some(word) = shell(input) {
                    prop_assert!(is_one_printable_line(&word), "{word:?}");
                }
            }
        }

        #[test]
        fn a_shell_reads_the_same_bytes_back(text in "[ -~]{0,40}") {
            let word = shell(text.as_bytes()).expect("printable ASCII can be shown");
            let script = format!("printf %s {word}");
            let out = std::process::Command::new("sh").args(["-c", &script]).output()?;
            prop_assert_eq!(out.stdout, text.into_bytes());
        }
    }
}
