//! Scans what lies inside a text: encoded, packed, compressed.
//!
//! The same two searches run over each such text as over the outermost one; a hit names its layers
//! and points at the place in the object that holds it.

use super::hit::Source;
use super::report::Report;
use super::{Gate, unit};
use crate::scan::layer::{self, LeftOut};
use crate::scan::{Inside, Insides};
use crate::wire::UnscannedReason;

/// Scans every text that lies inside one that is all there. Returns whether any might.
pub(super) fn scan(gate: &Gate, source: Source, text: &[u8], report: &mut Report) -> bool {
    if !layer::signs(text, true) {
        return false;
    }
    let left = Insides::of(text, gate.limits.layers, &mut |inside| {
        scan_one(gate, source, inside, report);
    });
    leave_out(source, &left, report);
    true
}

/// Scans one text that lies inside.
pub(super) fn scan_one(gate: &Gate, source: Source, inside: &Inside<'_>, report: &mut Report) {
    unit::search(gate, source, inside.bytes(), &mut |range| inside.place(range), report);
}

/// Puts on record what was not looked into.
pub(super) fn leave_out(source: Source, left: &[LeftOut], report: &mut Report) {
    for left in left {
        report.leave_out(source, reason(*left));
    }
}

fn reason(left: LeftOut) -> UnscannedReason {
    match left {
        LeftOut::Depth => UnscannedReason::LayerDepth,
        LeftOut::Bytes => UnscannedReason::LayerBytes,
        LeftOut::Parts => UnscannedReason::LayerParts,
        LeftOut::Encrypted => UnscannedReason::Encrypted,
        LeftOut::Damaged => UnscannedReason::Damaged,
        LeftOut::Method => UnscannedReason::UnknownMethod,
    }
}
