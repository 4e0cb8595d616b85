//! Scans an object longer than a piece, as it streams. Blocking, on the pool's threads.

use std::ops::Range;
use std::sync::Arc;

use super::hit::{Hit, Source, Spot};
use super::report::{HEADER_BYTES_MAX, Report};
use super::{Gate, inside, unit};
use crate::scan::{Engine, Found, GATHER_BYTES_MAX, Insides, Pieces, Spans, TokenPieces};
use crate::wire::{Object, ObjectKind, UnscannedReason};

/// The largest tree that is taken apart, in bytes. A folder of a million entries is half of it.
const TREE_BYTES_MAX: u64 = 64 << 20;

/// Returns how much of an object is held while it is scanned, in bytes.
pub(super) fn held_bytes(object: &Object) -> usize {
    let most = match object.kind {
        ObjectKind::Tree if object.size > TREE_BYTES_MAX => 0,
        ObjectKind::Tree => TREE_BYTES_MAX,
        ObjectKind::Blob | ObjectKind::Commit | ObjectKind::Tag => GATHER_BYTES_MAX as u64,
    };
    usize::try_from(object.size.min(most)).unwrap_or(usize::MAX)
}

/// An object longer than a piece, in the middle of its scan.
pub(super) struct LongObject {
    object: Object,
    source: Source,
    text: LongText,
    /// Whether nothing was found or left out so far.
    is_clean: bool,
}

/// What a long object is like.
pub(super) struct Seen {
    /// Whether it has any sign (see [`super::signs`]).
    pub(super) has_sign: bool,
    /// Whether nothing was found or left out in any part.
    pub(super) is_clean: bool,
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
    /// Whether a known secret was met, or it cannot be told.
    knows_any: bool,
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
                    knows_any: false,
                }))
            }
        };
        Self { object: object.clone(), source: Source::of(object), text, is_clean: true }
    }

    /// Scans the next bytes.
    pub(super) fn fed(mut self, gate: &Gate, bytes: &[u8], report: &mut Report) -> Self {
        match &mut self.text {
            LongText::Streamed(streamed) => streamed.feed(gate, self.source, bytes, report),
            LongText::Gathered(gathered) => gathered.extend_from_slice(bytes),
            LongText::TooLong => {}
        }
        self.is_clean &= report.remarks == 0;
        self
    }

    /// Scans what is left. Says what the whole object is like; each part has a report of its own.
    pub(super) fn finish(self, gate: &Gate, report: &mut Report) -> Seen {
        let has_sign = match self.text {
            LongText::Streamed(streamed) => streamed.finish(gate, &self.object, report),
            LongText::Gathered(bytes) => unit::scan_object(gate, &self.object, &bytes, report),
            LongText::TooLong => {
                report.leave_out(self.source, UnscannedReason::InflatedBytes);
                true
            }
        };
        Seen { has_sign, is_clean: self.is_clean && report.remarks == 0 }
    }
}

impl Streamed {
    fn feed(&mut self, gate: &Gate, source: Source, bytes: &[u8], report: &mut Report) {
        let room = HEADER_BYTES_MAX.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(room));
        self.pieces.feed(bytes, &mut |found| add(gate, source, &found, report));
        self.tokens.feed(bytes, &mut |text, body, spans| {
            self.knows_any |= look_up(gate, source, (text, body), spans, report);
        });
        self.insides.feed(bytes, &mut |text| inside::scan_one(gate, source, text, report));
    }

    fn finish(self, gate: &Gate, object: &Object, report: &mut Report) -> bool {
        let source = Source::of(object);
        let Self { pieces, tokens, insides, head, mut knows_any } = self;
        let effort = pieces.finish(&mut |found| add(gate, source, &found, report));
        if !effort.is_complete() {
            report.leave_out(source, UnscannedReason::Exhausted);
        }
        tokens.finish(&mut |text, body, spans| {
            knows_any |= look_up(gate, source, (text, body), spans, report);
        });
        let may_hold_any = insides.may_hold_any();
        let left = insides.finish(&mut |text| inside::scan_one(gate, source, text, report));
        inside::leave_out(source, &left, report);
        if object.kind != ObjectKind::Blob {
            report.read_header(0, object.kind, &head);
        }
        knows_any || may_hold_any || effort.stretches > 0
    }
}

/// Adds what a rule found in the stream.
fn add(gate: &Gate, source: Source, found: &Found<'_>, report: &mut Report) {
    let spot = Spot { source, span: found.span, layers: Vec::new() };
    report.add(Hit::of_rule(gate, spot, &found.found));
}

/// Looks up the known secrets of a stretch. Returns whether there is any, or it cannot be told.
fn look_up(
    gate: &Gate,
    source: Source,
    stretch: (&[u8], Range<usize>),
    spans: &Spans<'_>,
    report: &mut Report,
) -> bool {
    unit::look_up(gate, source, stretch, &mut |range| (spans.span(range), Vec::new()), report)
}
