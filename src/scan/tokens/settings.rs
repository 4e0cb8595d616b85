//! Would the tokeniser find this value? Asked when a value enters the inventory.

use super::{TOKEN_BYTES_MAX, TOKEN_BYTES_MIN, tokens};

/// How a value may stand in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Between blanks.
    Bare,
    /// Between quotes.
    Quoted,
    /// After `=` or `:`, quoted or not.
    Assigned,
    /// As the password of a URI.
    Uri,
}

/// Whether [`tokens`] finds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tokenisable {
    /// In every [`Setting`].
    Yes,
    /// In these alone (maybe in none): it holds blanks, quotes or separators, and would be cut.
    OnlyIn(Vec<Setting>),
    /// Never: it is shorter than [`TOKEN_BYTES_MIN`].
    TooShort,
    /// Never: it is longer than [`TOKEN_BYTES_MAX`].
    TooLong,
}

/// What stands before and after the value in each setting; all must find it.
const SETTINGS: &[(Setting, &[(&str, &str)])] = &[
    (Setting::Bare, &[("", ""), (" ", "\n")]),
    (Setting::Quoted, &[("\"", "\""), ("('", "')")]),
    (Setting::Assigned, &[("key=", "\n"), ("key = \"", "\";"), ("key: ", "\n"), ("key:", ",")]),
    (Setting::Uri, &[("amqp://user:", "@host/")]),
];

/// Says whether [`tokens`] would find `value`.
pub fn tokenisable(value: &[u8]) -> Tokenisable {
    if value.len() < TOKEN_BYTES_MIN {
        return Tokenisable::TooShort;
    }
    if value.len() > TOKEN_BYTES_MAX {
        return Tokenisable::TooLong;
    }
    let found = |(_, frames): &&(Setting, &[(&str, &str)])| {
        frames.iter().all(|(before, after)| is_found(before, value, after))
    };
    let settings: Vec<Setting> =
        SETTINGS.iter().filter(found).map(|(setting, _)| *setting).collect();
    if settings.len() == SETTINGS.len() { Tokenisable::Yes } else { Tokenisable::OnlyIn(settings) }
}

fn is_found(before: &str, value: &[u8], after: &str) -> bool {
    let text = zeroize::Zeroizing::new([before.as_bytes(), value, after.as_bytes()].concat());
    let want = before.len()..before.len() + value.len();
    let mut found = false;
    tokens(&text, 0..text.len(), &mut |token| found |= token == want);
    found
}
