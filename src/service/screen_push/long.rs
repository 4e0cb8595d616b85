//! Scans an object longer than a piece, as it streams. Blocking, on the pool's threads.

use std::ops::Range;
use std::sync::Arc;

use super::unit::{HEADER_BYTES_MAX, Report, Source, Spot, from_rule, merge_known, scan_object};
use super::{Gate, inside};
use crate::finding::Span;
use crate::scan::{Engine, GATHER_BYTES_MAX, Insides, Pieces, TokenPieces};
use crate::wire::{Object, ObjectKind, UnscannedReason};

/// The largest tree that is taken apart, in bytes. A folder of a million entries is half of it.
const TREE_BYTES_MAX: u64 = 64 << 20;

/// Returns how much of an object is held while it is scanned, in bytes.
pub(super) fn held_bytes(object: &Object) -> usize {
    usize::try_from(object.size).map_or(GATHER_BYTES_MAX, |size| size.min(GATHER_BYTES_MAX))
}

/// An object longer than a piece, in the middle of its scan.
pub(super) struct LongObject {
    object: Object,
    source: Source,
    text: LongText,
}

/// How the text of a long object is scanned.
enum LongText {
    /// As it streams.
    Streamed(Box<Streamed>),
    /// Whole: a tree is taken apart before its names are scanned.
    Gathered(Vec<u8>),
    /// Not at all: a tree that is too large.
    TooLong,
}

struct Streamed {
    pieces: Pieces<Arc<Engine>>,
    tokens: TokenPieces,
    insides: Insides,
    /// The beginning, in which a commit's or tag's header stands.
    head: Vec<u8>,
}

impl LongObject {
    pub(super) fn new(gate: &Gate, object: &Object) -> Self {
        let text = match object.kind {
            ObjectKind::Tree if object.size > TREE_BYTES_MAX => LongText::TooLong,
            ObjectKind::Tree => LongText::Gathered(Vec::new()),
            ObjectKind::Blob | ObjectKind::Commit | ObjectKind::Tag => {
                LongText::Streamed(Box::new(Streamed {
                    pieces: Pieces::new(Arc::clone(&gate.engine), gate.now_s()),
                    tokens: TokenPieces::default(),
                    insides: Insides::new(gate.limits.layers),
                    head: Vec::new(),
                }))
            }
        };
        Self { object: object.clone(), source: Source::of(object), text }
    }

    /// Scans the next bytes.
    pub(super) fn fed(mut self, gate: &Gate, bytes: &[u8], report: &mut Report) -> Self {
        match &mut self.text {
            LongText::Streamed(streamed) => streamed.feed(gate, self.source, bytes, report),
            LongText::Gathered(gathered) => gathered.extend_from_slice(bytes),
            LongText::TooLong => {}
        }
        self
    }

    /// Scans what is left.
    pub(super) fn finish(self, gate: &Gate, report: &mut Report) {
        match self.text {
            LongText::Streamed(streamed) => streamed.finish(gate, &self.object, report),
            LongText::Gathered(bytes) => scan_object(gate, &self.object, &bytes, report),
            LongText::TooLong => report.leave_out(self.source, UnscannedReason::InflatedBytes),
        }
    }
}

impl Streamed {
    fn feed(&mut self, gate: &Gate, source: Source, bytes: &[u8], report: &mut Report) {
        let room = HEADER_BYTES_MAX.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(room));
        self.pieces.feed(bytes, &mut |found| {
            report.add(from_rule(gate, spot(source, found.span), &found.found));
        });
        let mut failed = false;
        self.tokens.feed(bytes, &mut |text, body, spans| {
            failed |= look_up_piece(gate, source, text, body, spans, report);
        });
        if failed {
            report.leave_out(source, UnscannedReason::Inventory);
        }
        self.insides.feed(bytes, &mut |text| inside::scan_one(gate, source, text, report));
    }

    fn finish(self, gate: &Gate, object: &Object, report: &mut Report) {
        let source = Source::of(object);
        let Self { pieces, tokens, insides, head } = self;
        let effort = pieces.finish(&mut |found| {
            report.add(from_rule(gate, spot(source, found.span), &found.found));
        });
        if !effort.is_complete() {
            report.leave_out(source, UnscannedReason::Exhausted);
        }
        let mut failed = false;
        tokens.finish(&mut |text, body, spans| {
            failed |= look_up_piece(gate, source, text, body, spans, report);
        });
        if failed {
            report.leave_out(source, UnscannedReason::Inventory);
        }
        let left = insides.finish(&mut |text| inside::scan_one(gate, source, text, report));
        inside::leave_out(source, &left, report);
        if object.kind != ObjectKind::Blob {
            report.read_header(0, object.kind, &head);
        }
    }
}

/// Looks up the known secrets of a stretch; returns whether that failed.
fn look_up_piece(
    gate: &Gate,
    source: Source,
    text: &[u8],
    body: Range<usize>,
    spans: &crate::scan::Spans<'_>,
    report: &mut Report,
) -> bool {
    let Some(inventory) = &gate.inventory else {
        return false;
    };
    let looked_up = inventory.look_up(text, body, &mut |range, known| {
        let span = spans.span(range.clone());
        let value = text.get(range).unwrap_or_default();
        merge_known(gate, spot(source, span), value, known, report);
    });
    looked_up.is_err()
}

fn spot(source: Source, span: Span) -> Spot {
    Spot { source, span, layers: Vec::new() }
}
