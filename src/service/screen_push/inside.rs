//! Scans what lies inside a text: encoded, packed, compressed.
//!
//! The same two searches run over each such text as over the outermost one; a hit names its layers
//! and points at the place in the object that holds it.

use super::Gate;
use super::unit::{Hit, Report, Source, Spot, from_rule, merge_known};
use crate::scan::layer::LeftOut;
use crate::scan::{Inside, Insides, Window};
use crate::wire::UnscannedReason;

/// Scans every text that lies inside one that is all there.
pub(super) fn scan(gate: &Gate, source: Source, text: &[u8], report: &mut Report) {
    let left = Insides::of(text, gate.limits.layers, &mut |inside| {
        scan_one(gate, source, inside, report);
    });
    leave_out(source, &left, report);
}

/// Scans one text that lies inside.
pub(super) fn scan_one(gate: &Gate, source: Source, inside: &Inside<'_>, report: &mut Report) {
    let text = inside.bytes();
    let spot = |range| {
        let (span, layers) = inside.place(range);
        Spot { source, span, layers }
    };
    let effort = gate.engine.scan(&Window::whole(text).at(gate.now_s()), &mut |found| {
        let hit: Hit = from_rule(gate, spot(found.range.clone()), &found);
        report.add_once(hit);
    });
    if !effort.is_complete() {
        report.leave_out(source, UnscannedReason::Exhausted);
    }
    let Some(inventory) = &gate.inventory else {
        return;
    };
    let looked_up = inventory.look_up(text, 0..text.len(), &mut |range, known| {
        let value = text.get(range.clone()).unwrap_or_default();
        merge_known(gate, spot(range), value, known, report);
    });
    if looked_up.is_err() {
        report.leave_out(source, UnscannedReason::Inventory);
    }
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
