//! Private keys: does the text between BEGIN and END decode to one?
//!
//! ```text
//! -----BEGIN LABEL-----  base64, maybe with `\n` escapes, quotes, indentation  -----END LABEL-----
//!      │                   │
//!      └ which structure   └ unwrapped to bytes ──► DER │ OpenSSH │ OpenPGP
//! ```

use super::Opinion;
use super::encoding::decode;

const PASS: Opinion = Opinion::Pass("the key parses");
/// The passphrase may stand beside it, or be guessed at leisure: a person looks.
const PASS_ENCRYPTED: Opinion = Opinion::Doubt("the key parses; it is encrypted");

/// The fewest bytes of a body that is encrypted and so has no structure to look at.
const ENCRYPTED_BYTES_MIN: usize = 32;

/// Accepts text that holds a private key which parses; refuses public keys, certificates, stubs.
pub(super) fn check(matched: &[u8]) -> Opinion {
    let opinion = if find(matched, b"PuTTY-User-Key-File-").is_some() {
        putty(matched)
    } else {
        armoured(matched)
    };
    opinion.unwrap_or(Opinion::Refuse)
}

fn armoured(text: &[u8]) -> Option<Opinion> {
    let (_, rest) = split_once(text, b"-----BEGIN ")?;
    let (label, rest) = split_once(rest, b"-----")?;
    let body = split_once(rest, b"-----END").map_or(rest, |(body, _)| body);
    let body = unescape(body);
    match label {
        b"OPENSSH PRIVATE KEY" => openssh(&decode(&digits(&body))?),
        b"PGP PRIVATE KEY BLOCK" => pgp(&decode(&digits(pgp_body(&body)))?),
        b"ENCRYPTED PRIVATE KEY" => encrypted(&decode(&digits(&body))?),
        label if label.ends_with(b"PRIVATE KEY") => der_key(&body),
        _ => None,
    }
}

/// A key in DER, or in the encryption that OpenSSL put around DER before there was PKCS #8.
fn der_key(body: &[u8]) -> Option<Opinion> {
    if find(body, b"ENCRYPTED").is_some() {
        let (_, info) = split_once(body, b"DEK-Info:")?;
        let data = info.splitn(2, |byte| *byte == b'\n').nth(1)?;
        let bytes = decode(&digits(data))?;
        return (bytes.len() >= ENCRYPTED_BYTES_MIN).then_some(PASS_ENCRYPTED);
    }
    let bytes = decode(&digits(body))?;
    let (SEQUENCE, content, _) = element(&bytes)? else {
        return None;
    };
    let (INTEGER, _, rest) = element(content)? else {
        return None;
    };
    element(rest).map(|_| PASS)
}

/// RFC 5958's `EncryptedPrivateKeyInfo`: how, and what.
fn encrypted(bytes: &[u8]) -> Option<Opinion> {
    let (SEQUENCE, content, _) = element(bytes)? else {
        return None;
    };
    let (SEQUENCE, _, rest) = element(content)? else {
        return None;
    };
    let (OCTETS, data, _) = element(rest)? else {
        return None;
    };
    (data.len() >= ENCRYPTED_BYTES_MIN).then_some(PASS_ENCRYPTED)
}

/// OpenSSH's own container: magic, then the name of the cipher.
fn openssh(bytes: &[u8]) -> Option<Opinion> {
    let rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let cipher = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some(if cipher == b"none" { PASS } else { PASS_ENCRYPTED })
}

/// `OpenPGP`, RFC 4880 section 4.2: the first packet is a secret key or subkey.
fn pgp(bytes: &[u8]) -> Option<Opinion> {
    let tag = match bytes.first()? {
        new if new & 0xc0 == 0xc0 => new & 0x3f,
        old if old & 0xc0 == 0x80 => (old >> 2) & 0x0f,
        _ => return None,
    };
    (matches!(tag, 5 | 7) && bytes.len() >= ENCRYPTED_BYTES_MIN).then_some(PASS)
}

/// Cuts the armour's headers and checksum away.
fn pgp_body(body: &[u8]) -> &[u8] {
    let plain = |line: &[u8]| !line.contains(&b':') && !line.trim_ascii().is_empty();
    let headers = body.split_inclusive(|byte| *byte == b'\n').take_while(|line| !plain(line));
    let body = body.get(headers.map(<[u8]>::len).sum()..).unwrap_or_default();
    split_once(body, b"\n=").map_or(body, |(body, _)| body)
}

fn putty(text: &[u8]) -> Option<Opinion> {
    let (head, private) = split_once(text, b"Private-Lines:")?;
    let private = split_once(private, b"Private-MAC").map_or(private, |(body, _)| body);
    let data = private.splitn(2, |byte| *byte == b'\n').nth(1)?;
    let bytes = decode(&digits(data))?;
    let plain = find(head, b"Encryption: none").is_some();
    (bytes.len() >= 16).then_some(if plain { PASS } else { PASS_ENCRYPTED })
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const BITS: u8 = 0x03;

/// Says whether DER is a certificate (two SEQUENCEs first) or RFC 5280's `SubjectPublicKeyInfo`.
pub(super) fn is_public(bytes: &[u8]) -> bool {
    let public = || {
        let (SEQUENCE, content, _) = element(bytes)? else {
            return None;
        };
        let (SEQUENCE, _, rest) = element(content)? else {
            return None;
        };
        rest.first().map(|tag| matches!(*tag, SEQUENCE | BITS))
    };
    public().unwrap_or(false)
}

/// Splits one DER element off: tag, content, what follows. Lengths over four bytes are refused.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = bytes else {
        return None;
    };
    let (length, rest) = match *first {
        short @ 0..0x80 => (usize::from(short), rest),
        long => {
            let digits = usize::from(long & 0x7f);
            let (digits, rest) = rest.split_at_checked(digits).filter(|_| digits <= 4)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// Turns the escapes of one-line keys (`\n`, `\r\n`, doubled ones too) into newlines.
fn unescape(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, tail)) = rest.split_first() {
        let escape = *first == b'\\';
        let newline = escape && matches!(tail.first(), Some(b'n' | b'r'));
        match (escape, newline) {
            (false, _) => out.push(*first),
            (true, true) => out.push(b'\n'),
            (true, false) => {} // the first of a doubled one
        }
        rest = if newline { tail.get(1..).unwrap_or_default() } else { tail };
    }
    out
}

/// Keeps the digits of base64 and drops what source code puts around lines of a key.
fn digits(body: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    body.iter().copied().filter(digit).collect()
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, needle)
}

fn split_once<'t>(text: &'t [u8], at: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let place = find(text, at)?;
    Some((text.get(..place)?, text.get(place + at.len()..)?))
}
