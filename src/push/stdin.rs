//! The hook's standard input: one line for each ref update, in the order the client sent them.
//!
//! ```text
//! <old id> SP <new id> SP <ref name> LF        40 or 64 hex digits, zeros for "nothing"
//! ```
//!
//! Source: githooks(5), pre-receive. The name is the rest of the line, in bytes: git forbids spaces
//! and controls in it, but allows quotes, dollars and bytes that are no UTF-8. A line that does not
//! parse refuses the push: a ref update that was not understood was not scanned.

use std::fmt;

use crate::wire::{Oid, REF_UPDATES_MAX, RefUpdate};

/// The longest line, in bytes. git sends names in packets of at most 65,520 bytes.
pub const LINE_BYTES_MAX: usize = 65_536;

/// The longest input, in bytes: what the hook keeps, so that a chained hook reads the same.
pub const INPUT_BYTES_MAX: usize = 256 << 20;

/// Why the ref updates make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdinError {
    /// There is none.
    Empty,
    /// More than [`INPUT_BYTES_MAX`] bytes.
    TooLong,
    /// More than [`REF_UPDATES_MAX`] lines.
    TooMany,
    /// The line is longer than [`LINE_BYTES_MAX`].
    LineTooLong(usize),
    /// The input ends inside the line.
    NoNewline(usize),
    /// The line does not begin with two object ids and two spaces.
    Ids(usize),
    /// The line's ids differ in length from each other or from those before.
    MixedHash(usize),
    /// Both ids of the line are zeros: nothing becomes nothing.
    NoChange(usize),
    /// The line names no ref, or one with a NUL byte.
    Name(usize),
}

impl fmt::Display for StdinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("git named no ref update"),
            Self::TooLong => write!(f, "the ref updates are over {INPUT_BYTES_MAX} bytes"),
            Self::TooMany => write!(f, "there are over {REF_UPDATES_MAX} ref updates"),
            Self::LineTooLong(line) => {
                write!(f, "ref update {line} is over {LINE_BYTES_MAX} bytes")
            }
            Self::NoNewline(line) => write!(f, "ref update {line} is cut off"),
            Self::Ids(line) => write!(f, "ref update {line} has no two object ids"),
            Self::MixedHash(line) => write!(f, "ref update {line} mixes hash functions"),
            Self::NoChange(line) => write!(f, "ref update {line} changes nothing"),
            Self::Name(line) => write!(f, "ref update {line} has no valid ref name"),
        }
    }
}

impl std::error::Error for StdinError {}

/// Parses all ref updates of `input`.
pub fn parse(input: &[u8]) -> Result<Vec<RefUpdate>, StdinError> {
    if input.len() > INPUT_BYTES_MAX {
        return Err(StdinError::TooLong);
    }
    let mut updates = Vec::new();
    for (index, line) in input.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if index == REF_UPDATES_MAX {
            return Err(StdinError::TooMany);
        }
        updates.push(parse_line(line, index + 1, updates.first())?);
    }
    if updates.is_empty() {
        return Err(StdinError::Empty);
    }
    Ok(updates)
}

fn parse_line(
    line: &[u8],
    number: usize,
    first: Option<&RefUpdate>,
) -> Result<RefUpdate, StdinError> {
    if line.len() > LINE_BYTES_MAX {
        return Err(StdinError::LineTooLong(number));
    }
    let line = line.strip_suffix(b"\n").ok_or(StdinError::NoNewline(number))?;
    let mut fields = line.splitn(3, |&byte| byte == b' ');
    let mut id = || fields.next().and_then(Oid::from_hex).ok_or(StdinError::Ids(number));
    let (old, new) = (id()?, id()?);
    let length = first.map_or(old, |first| first.old).as_bytes().len();
    if old.as_bytes().len() != length || new.as_bytes().len() != length {
        return Err(StdinError::MixedHash(number));
    }
    if old.is_null() && new.is_null() {
        return Err(StdinError::NoChange(number));
    }
    let name = fields.next().filter(|name| !name.is_empty() && !name.contains(&0));
    let name = name.ok_or(StdinError::Name(number))?.to_vec();
    Ok(RefUpdate { old, new, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digit: char, length: usize) -> String {
        digit.to_string().repeat(length)
    }

    fn line(old: char, new: char, name: &str) -> String {
        format!("{} {} {name}\n", hex(old, 40), hex(new, 40))
    }

    #[track_caller]
    fn check(input: &str, want: &[(char, char, &str)]) {
        let updates = parse(input.as_bytes()).expect("parses");
        let id = |digit| Oid::from_hex(hex(digit, 40).as_bytes()).expect("40 digits");
        let want: Vec<_> = want
            .iter()
            .map(|&(old, new, name)| RefUpdate {
                old: id(old),
                new: id(new),
                name: name.as_bytes().to_vec(),
            })
            .collect();
        assert_eq!(updates, want);
    }

    #[track_caller]
    fn refused(input: impl AsRef<[u8]>, want: StdinError) {
        assert_eq!(parse(input.as_ref()), Err(want));
    }

    #[test]
    fn every_line_is_a_ref_update() {
        check(&line('0', 'a', "refs/heads/new"), &[('0', 'a', "refs/heads/new")]);
        check(
            &[line('b', '0', "refs/heads/old"), line('0', 'a', "refs/tags/v1")].concat(),
            &[('b', '0', "refs/heads/old"), ('0', 'a', "refs/tags/v1")],
        );
        check(&line('1', '2', "refs/heads/a\"$(id)`x`"), &[('1', '2', "refs/heads/a\"$(id)`x`")]);
    }

    #[test]
    fn names_are_bytes_and_ids_may_have_64_digits() {
        let mut input = format!("{} {} refs/heads/", hex('0', 64), hex('c', 64)).into_bytes();
        input.extend_from_slice(b"caf\xe9\n");
        let updates = parse(&input).expect("parses");
        assert_eq!(updates[0].name, b"refs/heads/caf\xe9");
        assert_eq!(updates[0].new.as_bytes(), [0xcc; 32]);
    }

    #[test]
    fn what_does_not_parse_is_named_by_its_line() {
        let good = line('0', 'a', "refs/heads/x");
        refused("", StdinError::Empty);
        refused("\n", StdinError::Ids(1));
        refused(good.trim_end(), StdinError::NoNewline(1));
        refused([&good, "garbage\n"].concat(), StdinError::Ids(2));
        refused(good.replace(' ', "\t"), StdinError::Ids(1));
        refused(good.replacen('a', "g", 1), StdinError::Ids(1));
        refused(line('0', '0', "refs/heads/x"), StdinError::NoChange(1));
        refused(line('0', 'a', ""), StdinError::Name(1));
        refused(line('0', 'a', "refs/\0"), StdinError::Name(1));
        let long = format!("{} {} refs/heads/x\n", hex('0', 64), hex('c', 64));
        refused([good, long].concat(), StdinError::MixedHash(2));
        refused(line('0', 'a', &"n".repeat(LINE_BYTES_MAX)), StdinError::LineTooLong(1));
    }

    #[test]
    fn the_number_of_ref_updates_is_bounded() {
        let input = line('0', 'a', "r").repeat(REF_UPDATES_MAX);
        assert_eq!(parse(input.as_bytes()).expect("parses").len(), REF_UPDATES_MAX);
        refused([input, line('0', 'a', "r")].concat(), StdinError::TooMany);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_parse_or_are_refused(input: Vec<u8>) {
            drop(parse(&input));
        }
    }
}
