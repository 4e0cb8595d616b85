use super::*;

#[track_caller]
fn check(name: &str, bytes: &[u8], want: Option<Presence>) {
    let name = Some(name.as_bytes()).filter(|name| !name.is_empty());
    assert_eq!(presence(name, bytes), want, "{}", bytes.escape_ascii());
}

fn sequence(inside: &[u8]) -> Vec<u8> {
    let len = u16::try_from(inside.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82], len.as_slice(), inside].concat()
}

#[test]
fn files_are_told_by_their_magic() {
    check("", b"\xfe\xed\xfe\xed\0\0\0\x02\0\0", Some(Presence::JavaKeystore));
    check("", b"\xce\xce\xce\xce\0\0\0\x02\0\0", Some(Presence::JavaKeystore));
    check("", b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x01\0", Some(Presence::KeePass));
    check("", b"LUKS\xba\xbe\0\x02", Some(Presence::Luks));
    check("", b"age-encryption.org/v1\n", Some(Presence::Age));
    check("", b"$ANSIBLE_VAULT;1.1;AES256\n", Some(Presence::AnsibleVault));
    check("", b"\0GITCRYPT\0....", Some(Presence::GitCryptFile));
    check("", b"\0GITCRYPTKEY\0\0", Some(Presence::GitCryptKey));
    check("", b"PuTTY-User-Key-File-3: ssh-ed25519\n", Some(Presence::Putty));
    check("", b"-----BEGIN PGP MESSAGE-----\n", Some(Presence::OpenPgp));
    check("", b"Salted__........", Some(Presence::OpensslEnc));
}

#[test]
fn keys_are_told_by_their_der() {
    let pfx = b"\x02\x01\x03\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80";
    check("", &sequence(pfx), Some(Presence::Pkcs12));
    let pkcs_8 =
        b"\x02\x01\0\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20................................";
    check("", &sequence(pkcs_8), Some(Presence::PrivateKeyDer));
    let pkcs_1 = [b"\x02\x01\0\x02\x81\x81".as_slice(), &[1; 129], b"\x02\x03\x01\0\x01"].concat();
    check("", &sequence(&pkcs_1), Some(Presence::PrivateKeyDer));
    let sec_1 = b"\x02\x01\x01\x04\x20................................\xa0\x07";
    check("", &sequence(sec_1), Some(Presence::PrivateKeyDer));
}

#[test]
fn names_help_where_bytes_say_little() {
    check("secrets/prod.GPG", b"\x85\x01\x0c\x03", Some(Presence::OpenPgp));
    check("prod.gpg", b"plain text", None);
    check("etc/host.keytab", b"\x05\x02\0\0\0", Some(Presence::Kerberos));
    check("note.keytab", b"text", None);
}

#[test]
fn what_is_public_or_text_is_none() {
    let certificate = b"\x30\x10\xa0\x03\x02\x01\x02\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x30";
    let public = b"\x30\x05\x06\x03\x2b\x65\x70\x03\x21\0................................";
    for bytes in [b"".as_slice(), b"0", TEXT, &sequence(certificate), &sequence(public)] {
        check("a.der", bytes, None);
    }
    // A class of Java begins much like a keystore.
    check("A.class", b"\xca\xfe\xba\xbe\0\0\0\x34", None);
}
