//! HTML character references (HTML standard, section 13.2.5.72): by number, or by name where the
//! name is one of ASCII. A number may lack its semicolon, as browsers have it.

use super::{Code, Piece, count_while, from, number};

/// The references by name, of the HTML standard's list, that stand for ASCII.
const NAMED: &[(&[u8], char)] = &[
    (b"amp;", '&'),
    (b"lt;", '<'),
    (b"gt;", '>'),
    (b"quot;", '"'),
    (b"apos;", '\''),
    (b"nbsp;", ' '),
    (b"equals;", '='),
    (b"colon;", ':'),
    (b"semi;", ';'),
    (b"sol;", '/'),
    (b"bsol;", '\\'),
    (b"plus;", '+'),
    (b"lowbar;", '_'),
    (b"period;", '.'),
    (b"comma;", ','),
    (b"commat;", '@'),
    (b"num;", '#'),
    (b"dollar;", '$'),
    (b"percnt;", '%'),
    (b"excl;", '!'),
    (b"quest;", '?'),
    (b"ast;", '*'),
    (b"Hat;", '^'),
    (b"grave;", '`'),
    (b"lpar;", '('),
    (b"rpar;", ')'),
    (b"lsqb;", '['),
    (b"rsqb;", ']'),
    (b"lcub;", '{'),
    (b"rcub;", '}'),
    (b"verbar;", '|'),
    (b"NewLine;", '\n'),
    (b"Tab;", '\t'),
];

/// The longest name of [`NAMED`], in bytes, without its semicolon.
const NAME_BYTES_MAX: usize = 7;

/// The most digits of a reference that are read; leading zeros may make them many.
const DIGITS_MAX: usize = 10;

/// Decodes what the `&` at `at` begins.
pub(super) fn at(text: &[u8], at: usize) -> Option<Piece> {
    let rest = from(text, at + 1);
    // Most of them are `&&`, `&self` and `&mut`: looked at once and left.
    let (len, char) = match rest.first()? {
        b'#' => numbered(from(rest, 1))?,
        byte if byte.is_ascii_alphabetic() => named(rest)?,
        _ => return None,
    };
    Some(Piece::char(at..at + 1 + len, Some(char), Code::Html))
}

fn named(rest: &[u8]) -> Option<(usize, char)> {
    let letters = count_while(rest, NAME_BYTES_MAX, |byte| byte.is_ascii_alphabetic());
    (rest.get(letters) == Some(&b';')).then_some(())?;
    let found = NAMED.iter().find(|(name, _)| rest.starts_with(name));
    found.map(|(name, char)| (name.len(), *char))
}

/// Reads `65;`, `x41;`; counts the `#` too.
fn numbered(rest: &[u8]) -> Option<(usize, char)> {
    let (radix, skip) = if matches!(rest, [b'x' | b'X', ..]) { (16, 1) } else { (10, 0) };
    let digits = from(rest, skip);
    let count = count_while(digits, DIGITS_MAX, |byte| char::from(byte).is_digit(radix));
    let char = char::from_u32(number(digits.get(..count)?, radix)?)?;
    let semicolon = usize::from(digits.get(count) == Some(&b';'));
    Some((1 + skip + count + semicolon, char))
}
