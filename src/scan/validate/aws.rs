//! AWS access key ids: base32 of the account number and more, after a four-letter kind.

use super::Opinion;
use super::placeholder;

/// The bits of the first six bytes of the body that hold the account number.
const ACCOUNT_MASK: u64 = 0x7fff_ffff_ff80;

/// Accepts key ids whose body is base32, and which no documentation uses.
pub(super) fn key_id(secret: &[u8]) -> Opinion {
    let documented = placeholder::is_documented(secret);
    Opinion::pass_if(account(secret).is_some() && !documented, "the key id decodes to an account")
}

/// Reads the twelve-digit account number out of a key id.
///
/// Ids made before 2019 or so carry none that is true; whether one does cannot be told from it.
pub(in crate::scan) fn account(key_id: &[u8]) -> Option<String> {
    let body = key_id.get(4..).filter(|body| body.len() == 16)?;
    let bits = |bits: u128, byte: &u8| Some(bits << 5 | u128::from(base32_digit(*byte)?));
    let bits = body.iter().try_fold(0_u128, bits)?;
    let first_six = u64::try_from(bits >> 32).ok()?;
    Some(format!("{:012}", (first_six & ACCOUNT_MASK) >> 7))
}

fn base32_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}
