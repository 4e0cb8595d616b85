//! Files whose being there is the finding: keystores, private keys, and what is encrypted.
//!
//! A keystore holds credentials whether or not its password can be guessed, and no rule sees into
//! it. What is told here is only what a file is; whether that is wrong is for a policy to say: an
//! archive that is encrypted on purpose is good practice in one repository and a leak in another.
//!
//! Private keys in PEM have rules of their own, since they have text to match.

use memchr::memmem;

use super::bytes::{from, slice, u32_be, up_to};

/// How far into a file its kind is looked for, in bytes.
const HEAD_BYTES: usize = 512;

/// A kind of file that is a finding by being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Presence {
    /// A file that age encrypted, binary or in its armour.
    Age,
    /// A file that Ansible Vault encrypted.
    AnsibleVault,
    /// A key of git-crypt, exported.
    GitCryptKey,
    /// A file that git-crypt encrypted.
    GitCryptFile,
    /// A store of Java: JKS or JCEKS.
    JavaKeystore,
    /// A database of `KeePass`.
    KeePass,
    /// A credential cache or key table of Kerberos.
    Kerberos,
    /// A header of LUKS.
    Luks,
    /// A keychain of macOS.
    Keychain,
    /// A message or a secret key of `OpenPGP`.
    OpenPgp,
    /// A file that `openssl enc` encrypted with a password.
    OpensslEnc,
    /// A store by PKCS #12: `.p12`, `.pfx`.
    Pkcs12,
    /// A private key in DER, without any armour: PKCS #1, PKCS #8 or SEC 1.
    PrivateKeyDer,
    /// A private key of `PuTTY`.
    Putty,
}

impl Presence {
    /// Returns the name that records and JSON use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age-encrypted",
            Self::AnsibleVault => "ansible-vault",
            Self::GitCryptKey => "git-crypt-key",
            Self::GitCryptFile => "git-crypt-encrypted",
            Self::JavaKeystore => "java-keystore",
            Self::KeePass => "keepass-database",
            Self::Kerberos => "kerberos-credentials",
            Self::Luks => "luks-header",
            Self::Keychain => "macos-keychain",
            Self::OpenPgp => "openpgp",
            Self::OpensslEnc => "openssl-encrypted",
            Self::Pkcs12 => "pkcs12-keystore",
            Self::PrivateKeyDer => "private-key-der",
            Self::Putty => "putty-private-key",
        }
    }

    /// Returns whether nobody can read it without another secret. The others are secrets themselves,
    /// or give theirs to whoever guesses a password.
    #[must_use]
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Age | Self::AnsibleVault | Self::GitCryptFile | Self::OpensslEnc)
    }
}

/// Magic, and what begins with it.
const MAGIC: &[(&[u8], Presence)] = &[
    (b"age-encryption.org/", Presence::Age),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", Presence::Age),
    (b"$ANSIBLE_VAULT;", Presence::AnsibleVault),
    (b"\0GITCRYPTKEY", Presence::GitCryptKey),
    (b"\0GITCRYPT\0", Presence::GitCryptFile),
    (b"\xfe\xed\xfe\xed\0\0\0", Presence::JavaKeystore),
    (b"\xce\xce\xce\xce\0\0\0", Presence::JavaKeystore),
    (b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5", Presence::KeePass),
    (b"\x03\xd9\xa2\x9a\x66\xfb\x4b\xb5", Presence::KeePass),
    (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", Presence::KeePass),
    (b"LUKS\xba\xbe", Presence::Luks),
    (b"SKUL\xba\xbe", Presence::Luks),
    (b"kych\0\x01", Presence::Keychain),
    (b"-----BEGIN PGP MESSAGE-----", Presence::OpenPgp),
    (b"Salted__", Presence::OpensslEnc),
    // The same in base64, as `openssl enc -a` writes it.
    (b"U2FsdGVkX1", Presence::OpensslEnc),
    (b"PuTTY-User-Key-File-", Presence::Putty),
];

/// Returns what the file is, by its content or, for what has none to tell it by, by name and content.
///
/// `name` is its path or the name its box gives it.
#[must_use]
pub fn presence(name: Option<&[u8]>, bytes: &[u8]) -> Option<Presence> {
    let by_magic = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    by_magic
        .map(|(_, presence)| *presence)
        .or_else(|| by_der(bytes))
        .or_else(|| by_name(name?, bytes))
}

/// Tells by the outermost elements of DER: a whole sequence of the file's length, then what is said
/// to be in it.
fn by_der(bytes: &[u8]) -> Option<Presence> {
    // PFX { version 3, authSafe { contentType data or signedData (1.2.840.113549.1.7.1, .2)
    const PFX: &[u8] = b"\x02\x01\x03\x30";
    const PKCS_7: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07";
    // PrivateKeyInfo { version 0, AlgorithmIdentifier { OID
    const PKCS_8: &[u8] = b"\x02\x01\x00\x30";
    // ECPrivateKey { version 1, OCTET STRING of 28 to 66 bytes
    const SEC_1: &[u8] = b"\x02\x01\x01\x04";
    let inside = sequence(bytes)?;
    let head = up_to(inside, 0, 32);
    if head.starts_with(PFX) && memmem::find(head, PKCS_7).is_some() {
        return Some(Presence::Pkcs12);
    }
    let is_pkcs_8 =
        head.starts_with(PKCS_8) && memmem::find(head, b"\x06").is_some_and(|at| at < 8);
    let is_sec_1 = head.starts_with(SEC_1) && matches!(head.get(4), Some(28..=66));
    (is_pkcs_8 && has_octets(inside) || is_sec_1 || is_pkcs_1(inside))
        .then_some(Presence::PrivateKeyDer)
}

/// Returns whether a key in octets follows the algorithm.
fn has_octets(inside: &[u8]) -> bool {
    let algorithm = inside.get(4).map_or(0, |len| usize::from(*len));
    inside.get(5 + algorithm) == Some(&4)
}

/// `RSAPrivateKey`: version 0, a modulus of at least 512 bits, and an exponent as small as they are.
fn is_pkcs_1(inside: &[u8]) -> bool {
    let modulus = match inside {
        [2, 1, 0, 2, 0x81, len, ..] => 6 + usize::from(*len),
        [2, 1, 0, 2, 0x82, high, low, ..] => 7 + usize::from(u16::from_be_bytes([*high, *low])),
        [2, 1, 0, 2, len @ 0x40..=0x7f, ..] => 5 + usize::from(*len),
        _ => return false,
    };
    matches!(slice(inside, modulus, 2), Some([2, 1..=8]))
}

/// Returns what is in a sequence that is as long as the bytes. Some writers use an open length.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    let (len, head) = match bytes {
        [0x30, 0x80, ..] => (bytes.len() - 2, 2),
        [0x30, 0x81, len, ..] => (usize::from(*len), 3),
        [0x30, 0x82, high, low, ..] => (usize::from(u16::from_be_bytes([*high, *low])), 4),
        [0x30, 0x83, ..] => (usize::try_from(u32_be(bytes, 1)? & 0x00ff_ffff).ok()?, 5),
        [0x30, len @ 0..=0x7f, ..] => (usize::from(*len), 2),
        _ => return None,
    };
    (bytes.len() == head + len).then(|| from(bytes, head))
}

/// Tells what a name and a few bytes tell together.
fn by_name(name: &[u8], bytes: &[u8]) -> Option<Presence> {
    let is = |ends: &[&[u8]]| {
        let name = name.to_ascii_lowercase();
        ends.iter().any(|end| name.ends_with(end))
    };
    // A packet of `OpenPGP` has its first bit set.
    let is_packet = bytes.first().is_some_and(|first| first & 0x80 != 0);
    if is_packet && is(&[b".gpg", b".pgp", b"secring.gpg"]) {
        return Some(Presence::OpenPgp);
    }
    let is_kerberos = matches!(bytes, [5, 1..=4, 0, ..]);
    if is_kerberos && (is(&[b".keytab", b".ccache"]) || memmem::find(name, b"krb5cc").is_some()) {
        return Some(Presence::Kerberos);
    }
    let head = up_to(bytes, 0, HEAD_BYTES);
    let is_armoured = memmem::find(head, b"-----BEGIN PGP MESSAGE-----").is_some();
    (is_armoured && is(&[b".asc", b".gpg", b".pgp"])).then_some(Presence::OpenPgp)
}
