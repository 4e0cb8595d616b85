//! Is the secret written in the alphabet it should be, and does it decode?

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Opinion;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes base64 of either alphabet, padded or not.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let url_safe = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if url_safe { &URL_SAFE } else { &STANDARD };
    engine.decode(text).ok()
}

/// Accepts base64 of exactly `bytes` bytes.
pub(super) fn base64(secret: &[u8], bytes: usize) -> Opinion {
    let right = decode(secret).is_some_and(|decoded| decoded.len() == bytes);
    Opinion::pass_if(right, "it is base64 of the right length")
}

/// Accepts base64 of a JSON object or array.
pub(super) fn base64_json(secret: &[u8]) -> Opinion {
    let right = decode(secret).is_some_and(|decoded| {
        let structured = decoded.first().is_some_and(|first| matches!(first, b'{' | b'['));
        structured && serde_json::from_slice::<serde::de::IgnoredAny>(&decoded).is_ok()
    });
    Opinion::pass_if(right, "it is base64 of JSON")
}

/// Accepts hex digits alone.
pub(super) fn hex(secret: &[u8]) -> Opinion {
    Opinion::pass_if(secret.iter().all(u8::is_ascii_hexdigit), "it is hex")
}

/// Accepts what has both a letter and a digit.
pub(super) fn mixed(secret: &[u8]) -> Opinion {
    let letter = secret.iter().any(u8::is_ascii_alphabetic);
    let digit = secret.iter().any(u8::is_ascii_digit);
    Opinion::pass_if(letter && digit, "letters and digits are mixed")
}
