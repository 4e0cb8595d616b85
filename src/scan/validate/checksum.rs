//! Checksums that tokens carry, so that scanners can tell them from noise.

use super::Opinion;
use crate::rule::Argument;

/// Digits of the checksum at a token's end.
const DIGITS: usize = 6;

/// Letters and digits before the checksum.
const BODY: usize = 30;

/// Checks by the scheme that the rule names.
pub(super) fn check(secret: &[u8], scheme: &Argument) -> Opinion {
    let right = match scheme {
        Argument::Text(scheme) if scheme == "github" => github(secret),
        _ => None,
    };
    Opinion::pass_if(right == Some(true), "the checksum is right")
}

/// GitHub's and npm's scheme: after the prefix and its `_` stand 30 characters, then their CRC-32 as six
/// digits of base 62, zero padded.
fn github(secret: &[u8]) -> Option<bool> {
    let (body, digits) = secret.split_at_checked(secret.len().checked_sub(DIGITS)?)?;
    let body = body.get(body.len().checked_sub(BODY)?..)?;
    let value = |value: u64, digit: &u8| Some(value * 62 + u64::from(base62_digit(*digit)?));
    let sum = digits.iter().try_fold(0_u64, value)?;
    Some(sum == u64::from(crc32fast::hash(body)))
}

fn base62_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 36),
        _ => None,
    }
}
