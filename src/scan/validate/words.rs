//! Values that are words, identifiers or paths: names of a secret, not a secret.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::Opinion;
use super::placeholder::lines;

/// Words of prose and of programs.
static DICTIONARY: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| lines(include_str!("../../../config/words/dictionary.txt")).collect());

/// Digits at the end of a name: `server2`, `20260101`.
const NUMBER_DIGITS_MAX: usize = 4;

/// A part this short says nothing.
const SHORT: usize = 2;

/// Accepts what is no word, identifier or path.
pub(super) fn refuse(secret: &[u8]) -> Opinion {
    Opinion::pass_if(!is_name(secret), "it is no word or name")
}

/// Says whether every part of the value is a word: `db_password`, `userName2`, `/etc/app/key.pem`.
pub(super) fn is_name(value: &[u8]) -> bool {
    let Some(text) = std::str::from_utf8(value).ok().filter(|text| text.is_ascii()) else {
        return false;
    };
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = parts.flat_map(humps).collect();
    let letters =
        |word: &&&str| word.len() > SHORT && !word.starts_with(|c: char| c.is_ascii_digit());
    let in_words: usize = words.iter().filter(letters).map(|word| word.len()).sum();
    let in_all: usize = words.iter().map(|word| word.len()).sum();
    // Chance makes short words and numbers out of hex; a name is mostly longer words.
    in_words * 3 > in_all * 2 && words.into_iter().all(is_word)
}

/// Splits at the humps of camel case and between letters and digits: `userName2` → user, Name, 2.
fn humps(part: &str) -> impl Iterator<Item = &str> {
    let bytes = part.as_bytes();
    let starts = (1..bytes.len()).filter(move |place| is_hump(bytes, *place));
    let ends = starts.clone().chain(std::iter::once(bytes.len()));
    std::iter::once(0).chain(starts).zip(ends).filter_map(|(start, end)| part.get(start..end))
}

/// Says whether a word begins at `place`: `userNa`, `e2`, `XMLHt`.
fn is_hump(bytes: &[u8], place: usize) -> bool {
    let Some(((left, right), next)) =
        bytes.get(place - 1).zip(bytes.get(place)).map(|pair| (pair, bytes.get(place + 1)))
    else {
        return false;
    };
    let capital = right.is_ascii_uppercase();
    let after_capitals = left.is_ascii_uppercase() && next.is_some_and(u8::is_ascii_lowercase);
    left.is_ascii_digit() != right.is_ascii_digit()
        || (capital && (left.is_ascii_lowercase() || after_capitals))
}

fn is_word(word: &str) -> bool {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.len() <= NUMBER_DIGITS_MAX;
    }
    let lower = word.to_ascii_lowercase();
    word.len() <= SHORT || DICTIONARY.contains(lower.as_str()) || reads_like_a_word(&lower)
}

/// Words that no dictionary has still mix vowels and consonants as speech does.
fn reads_like_a_word(lower: &str) -> bool {
    let vowels = lower.bytes().filter(|byte| b"aeiouy".contains(byte)).count();
    let consonants = lower.split(|c| "aeiouy".contains(c)).map(str::len).max().unwrap_or(0);
    let rare = lower.bytes().filter(|byte| b"jqxzvkw".contains(byte)).count();
    (3..=16).contains(&lower.len())
        && vowels * 4 >= lower.len()
        && vowels * 10 <= lower.len() * 6
        && consonants <= 3
        && rare * 6 <= lower.len()
}

#[cfg(test)]
mod word_tests {
    use super::*;
    use crate::rule::template;

    #[test]
    fn names_are_told_from_secrets() {
        #[track_caller]
        fn check(value: &str, want: bool) {
            assert_eq!(is_name(value.as_bytes()), want, "{value}");
        }
        check("db_password", true);
        check("userName2", true);
        check("XMLHttpRequest", true);
        check("/etc/app/private.key", true);
        check("my-secret-name", true);
        check("", false);
        check("kx9f2qpw7z", false);
        check("correct horse \u{e9}", false);
        let words = template::expand("{@words 4}").unwrap();
        check(std::str::from_utf8(&words).unwrap(), true);
    }

    #[test]
    fn random_values_are_no_names() {
        for length in [16, 20, 32, 40] {
            for template in ["{a-z:N}", "{A-Za-z0-9:N}", "{0-9a-f:N}"] {
                let value = template::expand(&template.replace('N', &length.to_string())).unwrap();
                assert!(!is_name(&value), "{}", String::from_utf8_lossy(&value));
            }
        }
    }
}
