//! How random do the bytes look?

use super::Opinion;

/// Accepts secrets of at least `bits` bits for each byte.
pub(super) fn at_least(secret: &[u8], bits: f64) -> Opinion {
    Opinion::pass_if(shannon(secret) >= bits, "the entropy is high")
}

/// Shannon entropy of the bytes' frequencies, in bits for each byte.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn shannon(bytes: &[u8]) -> f64 {
    let mut counts = [0_usize; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = bytes.len() as f64;
    let share = |count: &usize| {
        let share = *count as f64 / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(share).sum()
}
