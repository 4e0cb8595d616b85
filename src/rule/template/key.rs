//! Private keys of the right shape and no use: random numbers where a key has its primes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::dice::Dice;
use super::{armour, der};

/// What `{@pem …}` takes, for messages.
pub(super) const PEM_KINDS: &str = "rsa, ec, pkcs8, encrypted or dsa";

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// Writes a PEM private key of the given kind.
pub(super) fn pem(kind: &str, dice: &mut Dice) -> Option<String> {
    let (label, body) = match kind {
        "rsa" => ("RSA PRIVATE KEY", rsa(dice)),
        "ec" => ("EC PRIVATE KEY", ec(dice)),
        "dsa" => ("DSA PRIVATE KEY", dsa(dice)),
        "pkcs8" => ("PRIVATE KEY", pkcs8(dice)),
        "encrypted" => ("ENCRYPTED PRIVATE KEY", encrypted(dice)),
        _ => return None,
    };
    Some(armour::pem(label, &body))
}

/// RFC 8017, A.1.2: version, n, e, d, p, q, and the three numbers of the remainder theorem.
fn rsa(dice: &mut Dice) -> Vec<u8> {
    let exponent = der::element(0x02, &[0x01, 0x00, 0x01]);
    let mut elements = vec![der::small(0), der::integer(256, dice), exponent];
    elements.push(der::integer(256, dice));
    elements.extend((0..5).map(|_| der::integer(128, dice)));
    der::sequence(&elements)
}

/// RFC 5915: version, key, curve, public key.
fn ec(dice: &mut Dice) -> Vec<u8> {
    let key = der::octets(&dice.bytes(32));
    let curve = der::element(0xa0, &der::oid(PRIME256V1));
    let point = [&[0x00, 0x04][..], &dice.bytes(64)].concat();
    let public = der::element(0xa1, &der::element(0x03, &point));
    der::sequence(&[der::small(1), key, curve, public])
}

/// The form OpenSSL gave DSA keys: version, p, q, g, y, x.
fn dsa(dice: &mut Dice) -> Vec<u8> {
    let numbers = [128, 20, 128, 128, 20].map(|bytes| der::integer(bytes, dice));
    der::sequence(&[&[der::small(0)][..], &numbers].concat())
}

/// RFC 5208: version, algorithm, the algorithm's own key.
fn pkcs8(dice: &mut Dice) -> Vec<u8> {
    let algorithm = der::sequence(&[der::oid(RSA_ENCRYPTION), vec![0x05, 0x00]]);
    der::sequence(&[der::small(0), algorithm, der::octets(&rsa(dice))])
}

/// RFC 5958, section 3, with PBES2 of RFC 8018: how it is encrypted, and the encrypted key.
fn encrypted(dice: &mut Dice) -> Vec<u8> {
    let rounds = der::element(0x02, &[0x08, 0x00]);
    let salt = der::octets(&dice.bytes(8));
    let derive = der::sequence(&[der::oid(PBKDF2), der::sequence(&[salt, rounds])]);
    let cipher = der::sequence(&[der::oid(AES_256_CBC), der::octets(&dice.bytes(16))]);
    let scheme = der::sequence(&[der::oid(PBES2), der::sequence(&[derive, cipher])]);
    der::sequence(&[scheme, der::octets(&dice.bytes(1232))])
}

/// OpenSSH's `PROTOCOL.key`: magic, cipher, KDF, its options, one public and one private key.
pub(super) fn openssh(argument: &str, dice: &mut Dice) -> Option<String> {
    let public_half = dice.bytes(32);
    let public = [ssh_string(b"ssh-ed25519"), ssh_string(&public_half)].concat();
    let (cipher, kdf, options, private) = match argument {
        "" => ("none", "none", Vec::new(), openssh_private(&public, &public_half, dice)),
        "encrypted" => {
            let options = [ssh_string(&dice.bytes(16)), 16_u32.to_be_bytes().to_vec()].concat();
            ("aes256-ctr", "bcrypt", options, dice.bytes(144))
        }
        _ => return None,
    };
    let body = [
        b"openssh-key-v1\0".to_vec(),
        ssh_string(cipher.as_bytes()),
        ssh_string(kdf.as_bytes()),
        ssh_string(&options),
        1_u32.to_be_bytes().to_vec(),
        ssh_string(&public),
        ssh_string(&private),
    ];
    Some(armour::pem("OPENSSH PRIVATE KEY", &body.concat()))
}

/// The check number twice, the key, its comment, and padding 1, 2, 3 … to whole blocks of 8.
fn openssh_private(public: &[u8], public_half: &[u8], dice: &mut Dice) -> Vec<u8> {
    let check = dice.bytes(4);
    let both = [&dice.bytes(32)[..], public_half].concat();
    let mut key =
        [&check[..], &check, public, &ssh_string(&both), &ssh_string(b"example")].concat();
    let padding = (8 - key.len() % 8) % 8;
    key.extend((1..=8).take(padding));
    key
}

fn ssh_string(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], content].concat()
}

/// RFC 4880: an unprotected version 4 secret-key packet and a user id.
pub(super) fn pgp(dice: &mut Dice) -> String {
    let mut key = vec![4, 0x5f, 0x00, 0x00, 0x00, 1];
    key.extend(mpi(256, dice));
    key.extend([0x00, 0x11, 0x01, 0x00, 0x01]);
    key.push(0);
    for bytes in [256, 128, 128, 128] {
        key.extend(mpi(bytes, dice));
    }
    key.extend(dice.bytes(2));
    let packets = [packet(5, &key), packet(13, b"Example <user@example.org>")].concat();
    armour::pgp("PGP PRIVATE KEY BLOCK", &packets)
}

/// A new-format packet with a five-byte length.
fn packet(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0xc0 | tag, 0xff][..], &length, content].concat()
}

/// A multi-precision integer: its bits, then its bytes, the highest bit set.
fn mpi(bytes: u16, dice: &mut Dice) -> Vec<u8> {
    let mut content = dice.bytes(usize::from(bytes));
    if let Some(first) = content.first_mut() {
        *first |= 0x80;
    }
    [&(bytes * 8).to_be_bytes()[..], &content].concat()
}

/// `PuTTY`'s format 3, unencrypted: an Ed25519 key.
pub(super) fn putty(dice: &mut Dice) -> String {
    let public = [ssh_string(b"ssh-ed25519"), ssh_string(&dice.bytes(32))].concat();
    let public = armour::lines(&public, 64);
    let public_lines = public.lines().count();
    let private = STANDARD.encode(ssh_string(&dice.bytes(32)));
    let mac = dice.text(b"0123456789abcdef", 64);
    let head = "PuTTY-User-Key-File";
    format!(
        "{head}-3: ssh-ed25519\nEncryption: none\nComment: example\n\
         Public-Lines: {public_lines}\n{public}\nPrivate-Lines: 1\n{private}\nPrivate-MAC: {mac}"
    )
}
