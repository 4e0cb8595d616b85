//! Fresh values that look like credentials. None is written down anywhere: each run makes its own.

use std::fs::File;
use std::io::Read;

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Returns `length` random letters and digits.
pub fn random(length: usize) -> String {
    let mut bytes = vec![0; length];
    File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes.iter().map(|byte| char::from(BASE62[usize::from(*byte) % 62])).collect()
}

/// Returns `digits` random hex digits.
pub fn hex(digits: usize) -> String {
    let mut bytes = vec![0; digits];
    File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{:x}", byte % 16)).collect()
}

/// Returns a GitHub token with the right checksum.
pub fn github() -> String {
    let body = random(30);
    let mut left = crc32fast::hash(body.as_bytes());
    let mut digits = Vec::new();
    for _ in 0..6 {
        digits.push(BASE62[(left % 62) as usize]);
        left /= 62;
    }
    digits.reverse();
    format!("{}_{body}{}", "ghp", String::from_utf8(digits).unwrap())
}

/// Returns a password that no rule knows by its shape.
pub fn shapeless() -> String {
    // Digits stand close together, so that no part can read like a word, and there is enough of it
    // that it never looks made up where it is assigned to a password.
    let pairs = (0..12).map(|_| format!("{}{}", random(2), random(1).as_bytes()[0] % 10));
    pairs.collect::<Vec<_>>().concat().to_lowercase()
}
