//! Values that a provider marks as good for nothing but tests.
//!
//! Test systems hold data too: the confidence falls, and a person looks.

use super::Opinion;

/// Parts of a value by which providers mark the keys of their test systems.
const TEST_PARTS: &[&[u8]] = &[b"sandbox", b"sbx", b"sdbx", b"SBX", b"SANDBOX"];

/// Accepts what bears no mark of a test system.
pub(super) fn check(secret: &[u8]) -> Opinion {
    let mut parts = secret.split(|byte| matches!(byte, b'_' | b'-'));
    if parts.any(|part| TEST_PARTS.contains(&part)) {
        Opinion::Doubt("it is marked as a test system's")
    } else {
        Opinion::Pass("it bears no mark of a test system")
    }
}
