//! Just enough DER (X.690) to write private keys of the right shape with random numbers.

use super::dice::Dice;

/// Writes one element: tag, length, content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits = length.iter().skip_while(|byte| **byte == 0).copied().collect::<Vec<u8>>();
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            out.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
            out.extend(digits);
        }
    }
    out.extend_from_slice(content);
    out
}

/// Writes a SEQUENCE of elements.
pub(super) fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &elements.concat())
}

/// Writes a small INTEGER.
pub(super) fn small(value: u8) -> Vec<u8> {
    element(0x02, &[value])
}

/// Writes a positive random INTEGER of `bytes` bytes.
pub(super) fn integer(bytes: usize, dice: &mut Dice) -> Vec<u8> {
    let mut content = dice.bytes(bytes);
    if let Some(first) = content.first_mut() {
        *first = 0x40 | (*first & 0x3f); // positive, and no leading zero
    }
    element(0x02, &content)
}

/// Writes an OBJECT IDENTIFIER from its encoded arcs.
pub(super) fn oid(arcs: &[u8]) -> Vec<u8> {
    element(0x06, arcs)
}

/// Writes an OCTET STRING.
pub(super) fn octets(content: &[u8]) -> Vec<u8> {
    element(0x04, content)
}
