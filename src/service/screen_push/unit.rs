//! Scans one unit: an object, a name. Blocking, on the pool's threads.
//!
//! Two searches run over the same text: the rules of the engine, and the known secrets of the
//! inventory. Where both find the same bytes, the inventory's name joins the rule's finding.

use std::ops::Range;

use super::hit::{Hit, Source, Spot};
use super::report::Report;
use super::{Gate, inside};
use crate::finding::Span;
use crate::scan::layer::Layer;
use crate::scan::unit::TreeNames;
use crate::scan::{Lines, Window};
use crate::wire::{Object, ObjectKind, UnscannedReason};

/// Says where a range of a text stands in its object, and what lies around it there.
pub(super) type PlaceOf<'p> = dyn FnMut(Range<usize>) -> (Span, Vec<Layer>) + 'p;

/// Scans a whole object. Returns whether it has any sign (see [`super::signs`]).
pub(super) fn scan_object(gate: &Gate, object: &Object, bytes: &[u8], report: &mut Report) -> bool {
    let source = Source::of(object);
    let first = report.hits.len();
    match object.kind {
        ObjectKind::Blob => scan_text(gate, source, bytes, report),
        ObjectKind::Commit | ObjectKind::Tag => {
            let signs = scan_text(gate, source, bytes, report);
            report.read_header(first, object.kind, bytes);
            signs
        }
        ObjectKind::Tree => {
            if let Ok(names) = TreeNames::read(bytes, object.id.as_bytes().len()) {
                let signs = scan_text(gate, source, names.text(), report);
                report.name_entries(first, &names);
                signs
            } else {
                // What is no tree is scanned as it stands, and said to be damaged.
                report.leave_out(source, UnscannedReason::Unreadable);
                scan_text(gate, source, bytes, report)
            }
        }
    }
}

/// Scans a text that is all there, and what lies inside it. Returns whether it has any sign.
pub(super) fn scan_text(gate: &Gate, source: Source, text: &[u8], report: &mut Report) -> bool {
    let mut lines = Lines::new(text);
    let found = search(gate, source, text, &mut |range| (lines.span(range), Vec::new()), report);
    inside::scan(gate, source, text, report) || found
}

/// Searches a text that is all there by the rules and for known secrets. Returns whether a regular
/// expression had to be run or a secret is known.
pub(super) fn search(
    gate: &Gate,
    source: Source,
    text: &[u8],
    place_of: &mut PlaceOf<'_>,
    report: &mut Report,
) -> bool {
    let effort = gate.engine.scan(&Window::whole(text).at(gate.now_s()), &mut |found| {
        let (span, layers) = place_of(found.range.clone());
        report.add_once(Hit::of_rule(gate, Spot { source, span, layers }, &found));
    });
    if !effort.is_complete() {
        report.leave_out(source, UnscannedReason::Exhausted);
    }
    look_up(gate, source, (text, 0..text.len()), place_of, report) || effort.stretches > 0
}

/// Looks up the tokens that begin within a part of a text. A known secret joins the hit that a rule
/// made of the same bytes, else it is a hit of its own. Returns whether any is known or cannot be told.
pub(super) fn look_up(
    gate: &Gate,
    source: Source,
    (text, body): (&[u8], Range<usize>),
    place_of: &mut PlaceOf<'_>,
    report: &mut Report,
) -> bool {
    let Some(inventory) = &gate.inventory else {
        return false;
    };
    let mut any = false;
    let looked_up = inventory.look_up(text, body, &mut |range, known| {
        any = true;
        let value = text.get(range.clone()).unwrap_or_default();
        let (span, layers) = place_of(range);
        let spot = Spot { source, span, layers };
        match report.at(&spot, gate.key.fingerprint(value)) {
            Some(hit) => hit.know(known),
            None => report.add(Hit::of_known(gate, spot, value, known)),
        }
    });
    if looked_up.is_err() {
        report.leave_out(source, UnscannedReason::Inventory);
    }
    any || looked_up.is_err()
}

/// Tells whether a known secret stands in a text, or whether it cannot be told.
pub(super) fn knows_any(gate: &Gate, text: &[u8]) -> bool {
    let Some(inventory) = &gate.inventory else {
        return false;
    };
    let mut any = false;
    inventory.look_up(text, 0..text.len(), &mut |_, _| any = true).is_err() || any
}
