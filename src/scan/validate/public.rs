//! Values that look random and are meant to be seen: public keys, identifiers, ciphertext, hashes.
//!
//! The name that a value is assigned to tells more than the value does: a UUID behind `kms_key_id`
//! names a key, behind `api_token` it may be one.

use super::encoding::decode;
use super::{Evidence, Opinion, pem};

/// What a name holds whose value is of no use without another secret.
const PUBLIC_NAMES: &[&str] = &[
    "publickeytoken", // the hash of a public key that .NET puts into assembly names
    "encryptedkey",
    "wrappedkey",
    "credentialid",
    "credentialsid",
    "privatekeyid",
];

/// What a name holds whose value is meant for clients, derived from a secret, or made for a test.
const DOUBTED_NAMES: &[&str] = &[
    "public",
    "pubkey",
    "sha1",
    "sha256",
    "sha512",
    "md5",
    "hash",
    "digest",
    "checksum",
    "encrypted",
    "fake",
    "dummy",
];

/// Where a UUID divides: 8-4-4-4-12 hex digits.
const UUID_DASHES: [usize; 4] = [8, 13, 18, 23];

/// The length of a UUID, in bytes.
const UUID_BYTES: usize = 36;

/// Accepts what neither its name nor its structure says to be public.
pub(super) fn not_public(evidence: &Evidence<'_>) -> Opinion {
    let name = name(evidence);
    let holds = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let identifies = name.ends_with("keyid") && is_uuid(evidence.secret);
    if holds(PUBLIC_NAMES) || identifies || is_public_key(evidence.secret) {
        Opinion::Refuse
    } else if holds(DOUBTED_NAMES) {
        Opinion::Doubt("its name speaks of what is public, derived or made for a test")
    } else {
        Opinion::Pass("its name speaks of nothing public")
    }
}

/// The words before the secret in lower-case letters and digits alone: `Kms-Key_ID = ` → `kmskeyid`.
fn name(evidence: &Evidence<'_>) -> String {
    let before = memchr::memmem::find(evidence.matched, evidence.secret).unwrap_or(0);
    let bytes = evidence.matched.iter().take(before).filter(|byte| byte.is_ascii_alphanumeric());
    bytes.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

fn is_uuid(secret: &[u8]) -> bool {
    let fits = |(place, byte): (usize, &u8)| {
        if UUID_DASHES.contains(&place) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    secret.len() == UUID_BYTES && secret.iter().enumerate().all(fits)
}

/// Says whether the base64 of a public key or certificate in DER is what stands there.
fn is_public_key(secret: &[u8]) -> bool {
    // Each begins with a SEQUENCE of over 41 bytes: `MC` to `MI` are its first two digits.
    let likely = matches!(secret, [b'M', b'C'..=b'I', ..]);
    likely && decode(secret).is_some_and(|bytes| pem::is_public(&bytes))
}
