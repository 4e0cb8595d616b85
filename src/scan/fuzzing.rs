//! Fuzzed: what an object's content is read by. Each entry point takes any bytes, and panics where a
//! promise is broken.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::layer::boxes::{self, Format, Out};
use super::layer::text::{self, Decoded, Escapes, Piece};
use super::layer::{self, Budget, Limits};
use super::unit::{TreeNames, commit_ids, tag_ids};
use super::{Engine, Found, Insides, Lines, Pieces, Window};
use crate::finding::Span;
use crate::rule::Ruleset;

/// A small budget, so that it is reached.
const LIMITS: Limits = Limits { depth_max: 4, bytes_max: 1 << 20, parts_max: 2_000 };

/// Opens a box, of the kind that the first byte says.
pub(crate) fn container(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    let Some(&format) = Format::ALL.get(usize::from(kind) % Format::ALL.len()) else { return };
    let present = boxes::presence(Some(b"id.p12"), bytes);
    assert!(present.is_none_or(|found| !found.as_str().is_empty()), "a presence has a name");
    let sniffed: Vec<Format> = boxes::sniff(bytes).collect();
    assert!(sniffed.len() <= Format::ALL.len(), "no format is named for ever");
    let mut budget = Budget::new(LIMITS);
    let (mut parts, mut out) = (0_usize, 0_u64);
    boxes::open(format, bytes, &mut budget, &mut |opened| {
        parts += 1;
        if let Out::Part(part) = opened {
            out += part.bytes.len() as u64;
            assert!(part.label.at <= bytes.len(), "a part stands in its box");
        }
    });
    assert!(out <= LIMITS.bytes_max, "the budget is kept");
    // What is left out is told as well.
    assert!(parts <= 2 * LIMITS.parts_max + 16, "the budget is kept");
}

/// Decodes a text by each code.
pub(crate) fn codes(bytes: &[u8]) {
    for find in [text::WIDE, text::BLOCKS].into_iter().flatten() {
        let mut from = 0;
        while let Some(piece) = find(bytes, from) {
            from = sound(&piece, from, bytes);
        }
    }
    Escapes::of(bytes).fold(0, |from, piece| sound(&piece, from, bytes));
}

/// Checks a piece that was looked for from `from` on; returns where it ends.
fn sound(piece: &Piece, from: usize, bytes: &[u8]) -> usize {
    let Range { start, end } = piece.source;
    assert!(from <= start && start < end && end <= bytes.len(), "pieces go on");
    let len = match &piece.decoded {
        Decoded::Char { len, .. } => *len,
        Decoded::Block { bytes, .. } => bytes.len(),
    };
    assert!(len <= (end - start) * 3 / 2 + 1, "no code makes more of less");
    end
}

/// Takes a text apart, layer by layer.
pub(crate) fn layers(bytes: &[u8]) {
    let mut visited = 0_u64;
    let left = layer::walk(bytes, LIMITS, &mut |view| {
        let len = view.bytes().len();
        visited += len as u64;
        let place = view.place(len / 2..len);
        assert!(place.source.start <= place.source.end, "a place is a range");
        assert!(place.source.end <= bytes.len(), "a place is in the outermost text");
        assert!(!place.layers.is_empty(), "it lies inside");
    });
    assert!(visited <= LIMITS.bytes_max, "the budget is kept");
    drop(left);
    let mut insides = Insides::new(LIMITS);
    let mut streamed = 0_u64;
    for piece in bytes.chunks(1_000) {
        insides.feed(piece, &mut |inside| streamed += inside.bytes().len() as u64);
    }
    drop(insides.finish(&mut |inside| streamed += inside.bytes().len() as u64));
    assert_eq!(streamed, visited, "how a text comes makes no difference");
}

/// Reads the heads of commits and tags, and the names of trees.
pub(crate) fn units(bytes: &[u8]) {
    for ids in [commit_ids(bytes), tag_ids(bytes)] {
        assert!(ids.iter().all(|id| bytes.get(id.clone()).is_some()), "ids stand in the head");
    }
    for id_bytes in [20, 32] {
        let Ok(names) = TreeNames::read(bytes, id_bytes) else { continue };
        let text = names.text();
        assert!(text.len() <= bytes.len(), "names are part of their tree");
        for at in 0..text.len() {
            let entry = names.entry(at).and_then(|entry| names.name(entry));
            assert!(entry.is_some(), "each byte belongs to an entry");
        }
    }
}

/// Scans a text with all rules, whole and in pieces.
pub(crate) fn scan(bytes: &[u8]) {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| {
        let ruleset = Ruleset::shipped().unwrap_or_else(|errors| panic!("{errors:?}"));
        Engine::new(Arc::new(ruleset)).expect("the shipped rules compile")
    });
    let mut lines = Lines::new(bytes);
    let mut whole: Vec<(String, Span)> = Vec::new();
    let effort = engine.scan(&Window::whole(bytes), &mut |found| {
        whole.push((found.rule.id.to_string(), lines.span(found.range)));
    });
    let mut pieces = Pieces::gathering(engine, 0, 64);
    let mut streamed: Vec<(String, Span)> = Vec::new();
    let mut sink = |found: Found<'_>| {
        streamed.push((found.found.rule.id.to_string(), found.span));
    };
    bytes.chunks(37).for_each(|piece| pieces.feed(piece, &mut sink));
    if pieces.finish(&mut sink).is_complete() && effort.is_complete() {
        assert_eq!(streamed, whole, "how a text comes makes no difference");
    }
}
