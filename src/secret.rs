//! The clear text of a credential: one type, one door, a short life.
//!
//! ```text
//! bytes of a push ──► Match (borrowed) ──► Fingerprint (kept)
//!                                    └───► Preview     (kept, masked)
//! ```
//!
//! What persists is the keyed [`Fingerprint`] and the masked [`Preview`], never the value.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// A credential in clear. It has no `Display`, `Serialize`, `Clone` or `==`, and is wiped on drop.
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes `clear` over. Build it at its full size first: a growing `Vec` leaves copies behind.
    pub fn new(clear: T) -> Self {
        Self(Zeroizing::new(clear))
    }

    /// Opens the only door to the clear value, so that `grep '\.expose()'` is the audit.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The keyed hash of a secret: HMAC-SHA256 under the server's fingerprint key.
///
/// Equal secrets meet in it; without the key nobody can guess a short secret back from it.
/// Displays as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// Why a text is not a [`Fingerprint`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a fingerprint; it has 64 hex digits")]
pub struct FingerprintError(String);

impl Fingerprint {
    /// Wraps the 32 bytes of a fingerprint made earlier.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes, as stores keep them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(FingerprintError(text.to_owned()));
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok();
            *byte = pair
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or_else(|| FingerprintError(text.to_owned()))?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl serde::Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The server's key for fingerprints: 32 random bytes from a file that only the daemon reads.
pub struct FingerprintKey(Secret<[u8; 32]>);

impl FingerprintKey {
    /// Takes the key over.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Secret::new(key))
    }

    /// Returns the fingerprint of `clear`.
    pub fn fingerprint(&self, clear: &[u8]) -> Fingerprint {
        Fingerprint(self.mac(b"pushwarden fingerprint v1\0", clear))
    }

    /// Derives the key of the short tags that the Bloom filter holds (`SipHash` 1-3, 128-bit key).
    pub fn tag_key(&self) -> [u8; 16] {
        let derived = self.mac(b"pushwarden inventory tag v1\0", b"");
        let mut key = [0; 16];
        key.copy_from_slice(&derived[..16]);
        key
    }

    /// Derives the key under which the ledger names objects; each scope has its own.
    pub fn ledger_key(&self, scope: &[u8]) -> [u8; 16] {
        let derived = self.mac(b"pushwarden ledger v1\0", scope);
        let mut key = [0; 16];
        key.copy_from_slice(&derived[..16]);
        key
    }

    fn mac(&self, label: &[u8], message: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.expose())
            .expect("HMAC takes a key of any length");
        mac.update(label);
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

/// How much of a secret may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Masking {
    /// The first four and the last two characters of values of twelve bytes or more, as for keys
    /// whose prefix is public knowledge.
    Edges,
    /// Nothing at all, as for passwords: every character shown shortens the guess.
    Whole,
}

/// A masked picture of a secret that people may read: `AKIA************Q7`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Preview(String);

impl Preview {
    /// The longest preview, in characters; longer secrets lose stars in the middle.
    pub const CHARS_MAX: usize = 24;
    const EDGES_FROM: usize = 12;

    /// Masks `clear`. Bytes that are no printable ASCII are masked wherever they stand.
    pub fn mask(clear: &[u8], masking: Masking) -> Self {
        if masking == Masking::Whole || clear.len() < Self::EDGES_FROM {
            // A fixed length, for the length of a password is a hint too.
            return Self("*".repeat(8));
        }
        let show = |byte: &u8| {
            if byte.is_ascii_graphic() { char::from(*byte) } else { '*' }
        };
        let (head, tail) = (clear.iter().take(4), clear.iter().skip(clear.len() - 2));
        let stars = (clear.len() - 6).min(Self::CHARS_MAX - 6);
        let text = head.map(show).chain(std::iter::repeat_n('*', stars)).chain(tail.map(show));
        Self(text.collect())
    }

    /// Wraps a preview that [`Preview::mask`] made earlier, as a store gives it back.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the masked text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let secret = Secret::new(b"hunter2".to_vec());
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.expose(), b"hunter2");
    }

    #[test]
    fn equal_secrets_meet_only_under_the_same_key() {
        let (one, two) = (FingerprintKey::new([1; 32]), FingerprintKey::new([2; 32]));
        assert_eq!(one.fingerprint(b"a"), one.fingerprint(b"a"));
        assert_ne!(one.fingerprint(b"a"), one.fingerprint(b"b"));
        assert_ne!(one.fingerprint(b"a"), two.fingerprint(b"a"));
        assert_ne!(one.tag_key(), two.tag_key());
    }

    #[test]
    fn a_fingerprint_survives_text() {
        let fingerprint = FingerprintKey::new([7; 32]).fingerprint(b"x");
        assert_eq!(Fingerprint::parse(&fingerprint.to_string()).unwrap(), fingerprint);
        assert!(Fingerprint::parse("abc").is_err());
        assert!(Fingerprint::parse(&"zz".repeat(32)).is_err());
    }

    #[test]
    fn a_preview_shows_edges_of_long_values_and_nothing_of_passwords() {
        #[track_caller]
        fn check(clear: &str, masking: Masking, want: &str) {
            assert_eq!(Preview::mask(clear.as_bytes(), masking).as_str(), want);
        }
        check("abcdefghijkl", Masking::Edges, "abcd******kl");
        check("abcdefghijk", Masking::Edges, "********");
        check("abcdefghijklmnop", Masking::Whole, "********");
        check("ab\u{1b}[31mlonger-than-this", Masking::Edges, "ab*[*****************is");
        check(&"a".repeat(300), Masking::Edges, &format!("aaaa{}aa", "*".repeat(18)));
    }
}
