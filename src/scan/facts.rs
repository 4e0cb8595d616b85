//! What a match tells about its credential: groups of the pattern, decoded.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::validate::aws_account;

/// Turns a group's bytes into a fact; `None` where they are not what the decoder reads.
pub(super) type Decode = fn(&[u8]) -> Option<String>;

/// The longest fact, in bytes: facts go into tickets, and are copied from hostile text.
const FACT_BYTES_MAX: usize = 512;

const DECODERS: &[(&str, Decode)] = &[
    ("aws-account", aws_account),
    ("base64", base64),
    ("jwt-expires", |token| claim(token, "exp")),
    ("jwt-issuer", |token| claim(token, "iss")),
    ("jwt-subject", |token| claim(token, "sub")),
    ("lower", |bytes| plain(bytes).map(|text| text.to_ascii_lowercase())),
    ("percent", percent),
];

/// Finds a decoder; no name takes the bytes as they are.
pub(super) fn decoder(name: Option<&str>) -> Option<Decode> {
    let Some(name) = name else { return Some(plain) };
    let (_, decode) = DECODERS.iter().find(|(known, _)| *known == name)?;
    Some(*decode)
}

/// Takes printable text as it is: facts are shown, and control characters move cursors.
fn plain(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let shown = text.len() <= FACT_BYTES_MAX && !text.chars().any(char::is_control);
    (shown && !text.is_empty()).then(|| text.to_owned())
}

fn base64(bytes: &[u8]) -> Option<String> {
    plain(&STANDARD.decode(bytes).ok()?)
}

/// Reads a claim from a JWT, or from its payload alone.
fn claim(token: &[u8], name: &str) -> Option<String> {
    let mut parts = token.split(|byte| *byte == b'.');
    let first = parts.next()?;
    let payload = URL_SAFE_NO_PAD.decode(parts.next().unwrap_or(first)).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    match claims.get(name)? {
        serde_json::Value::String(text) => plain(text.as_bytes()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Undoes percent-encoding, as in the userinfo of a URI.
fn percent(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        let escape = tail.get(..2).filter(|_| *first == b'%').and_then(hex_pair);
        out.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { tail.get(2..)? } else { tail };
    }
    plain(&out)
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{template, vocabulary};

    #[test]
    fn the_registry_is_the_vocabulary() {
        let names: Vec<&str> = DECODERS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, vocabulary::DECODERS);
    }

    #[test]
    fn decoders_decode() {
        #[track_caller]
        fn check(name: &str, bytes: &[u8], want: Option<&str>) {
            assert_eq!(decoder(Some(name)).unwrap()(bytes).as_deref(), want);
        }
        check("lower", b"AbC", Some("abc"));
        check("percent", b"a%40b%", Some("a@b%"));
        check("percent", b"a%1bb", None);
        check("base64", b"aGVsbG8=", Some("hello"));
        check("base64", b"%", None);
        check("aws-account", b"AKIA", None);
        let token = template::expand("{@jwt}").unwrap();
        check("jwt-issuer", &token, Some("https://login.example.org"));
        check("jwt-expires", &token, Some("4102444800"));
        check("jwt-subject", b"a.b.c", None);
        assert_eq!(decoder(None).unwrap()(b"a\nb"), None);
    }
}
