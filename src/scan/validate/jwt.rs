//! JSON Web Tokens: three parts, the first a JSON header with an algorithm.

use super::Opinion;
use super::encoding::decode;

/// Accepts a token whose parts decode; doubts one that expired.
pub(super) fn check(secret: &[u8], now_s: u64) -> Opinion {
    match expiry(secret) {
        None => Opinion::Refuse,
        Some(Some(expires)) if expires < now_s => Opinion::Doubt("the token has expired"),
        Some(_) => Opinion::Pass("header and claims decode"),
    }
}

/// Reads the time of expiry, if the token has one; `None` where it is no token.
#[expect(clippy::option_option, reason = "the outer one is the failure")]
fn expiry(token: &[u8]) -> Option<Option<u64>> {
    let mut parts = token.split(|byte| *byte == b'.');
    let header = json(parts.next()?)?;
    let claims = json(parts.next()?)?;
    decode(parts.next()?)?;
    header.get("alg")?.as_str()?;
    claims.as_object()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
    let expires = claims.get("exp").and_then(serde_json::Value::as_f64).map(|s| s as u64);
    Some(expires)
}

fn json(part: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(&decode(part)?).ok()
}
