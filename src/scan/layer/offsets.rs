//! Where the bytes of a decoded text stand in the text that they were decoded from.
//!
//! ```text
//! source   password=%68unter%32          decoded   password=hunter2
//!          └── kept ──┘└┬┘└kept┘└┬┘                └─ 1:1 ─┘│└1:1┘│
//!                      3:1     3:1                         3:1   3:1
//! ```
//!
//! A [`Map`] is piecewise linear: a segment says how many bytes of the source a stretch of decoded
//! bytes takes, evenly. So a megabyte of base64 is one segment. Where a code is uneven, a segment is
//! one character; where that would be too many of them, segments grow coarse and a place is told
//! wider than it is, never elsewhere.

use std::ops::Range;

/// The most segments of one map, 32 MiB of them. Beyond it places are told as wide as what is left
/// of the text: somebody who writes two million uneven escapes is shown where they begin.
const SEGMENTS_MAX: usize = 1 << 20;

/// From ranges of a decoded text to ranges of its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    segments: Vec<Segment>,
    /// Bytes of the decoded text.
    len: usize,
}

/// Decoded bytes from `at` up to the next segment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    at: usize,
    source: Range<usize>,
    fit: Fit,
}

/// How decoded bytes lie in their part of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Each byte takes the same share.
    Even,
    /// Only all of them together have a place.
    Whole,
}

impl Map {
    /// Says that the next `decoded` bytes come from `source`, which begins where earlier sources
    /// end or behind.
    pub fn push(&mut self, source: Range<usize>, decoded: usize, fit: Fit) {
        if decoded == 0 {
            return;
        }
        let at = self.len;
        self.len += decoded;
        let full = self.segments.len() >= SEGMENTS_MAX;
        if let Some(last) = self.segments.last_mut() {
            if full {
                last.source.end = last.source.end.max(source.end);
                last.fit = Fit::Whole;
                return;
            }
            if fit == Fit::Even && last.continues(at - last.at, &source, decoded) {
                last.source.end = source.end;
                return;
            }
        }
        self.segments.push(Segment { at, source, fit });
    }

    /// Adds what `other` says behind what this one says.
    pub fn append(&mut self, other: &Self) {
        for (number, segment) in other.segments.iter().enumerate() {
            self.push(segment.source.clone(), other.end_of(number) - segment.at, segment.fit);
        }
    }

    /// Returns the smallest range of the source that holds all of `range`, which counts decoded
    /// bytes. An empty map, or a range behind its end, gives an empty range.
    #[must_use]
    pub fn source(&self, range: &Range<usize>) -> Range<usize> {
        let last = range.end.saturating_sub(1).max(range.start);
        let Some((first, last)) = self.segment(range.start).zip(self.segment(last)) else {
            return 0..0;
        };
        let start = first.0.start_of(range.start - first.0.at, first.1);
        let end = last.0.end_of(range.end.saturating_sub(last.0.at), last.1);
        start..end.max(start)
    }

    /// Returns the segment of a decoded byte, and how many bytes it has.
    fn segment(&self, at: usize) -> Option<(&Segment, usize)> {
        let number = self.segments.partition_point(|segment| segment.at <= at).checked_sub(1)?;
        let segment = self.segments.get(number)?;
        Some((segment, self.end_of(number) - segment.at))
    }

    fn end_of(&self, number: usize) -> usize {
        self.segments.get(number + 1).map_or(self.len, |next| next.at)
    }
}

impl Segment {
    /// Whether `decoded` bytes from `source` go on at the same ratio as this segment's `own`.
    fn continues(&self, own: usize, source: &Range<usize>, decoded: usize) -> bool {
        let ratio = |left: usize, right: usize| left as u128 * right as u128;
        self.fit == Fit::Even
            && self.source.end == source.start
            && ratio(self.source.len(), decoded) == ratio(source.len(), own)
    }

    /// Where the byte `at` of this segment's `of` bytes begins.
    fn start_of(&self, at: usize, of: usize) -> usize {
        match self.fit {
            Fit::Even => self.source.start + share(at, self.source.len(), of, 0),
            Fit::Whole => self.source.start,
        }
    }

    /// Where the first `upto` of this segment's `of` bytes end.
    fn end_of(&self, upto: usize, of: usize) -> usize {
        match self.fit {
            Fit::Even => self.source.start + share(upto.min(of), self.source.len(), of, of - 1),
            Fit::Whole => self.source.end,
        }
    }
}

/// `at × source / of`, rounded up by `round`. Wide enough for any two lengths in memory.
fn share(at: usize, source: usize, of: usize, round: usize) -> usize {
    let wide = (at as u128 * source as u128 + round as u128) / (of as u128).max(1);
    usize::try_from(wide).unwrap_or(source)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(pushes: &[(Range<usize>, usize, Fit)]) -> Map {
        let mut map = Map::default();
        for (source, decoded, fit) in pushes {
            map.push(source.clone(), *decoded, *fit);
        }
        map
    }

    #[test]
    fn ranges_go_back_to_where_they_came_from() {
        #[track_caller]
        fn check(map: &Map, range: Range<usize>, want: Range<usize>) {
            assert_eq!(map.source(&range), want);
        }
        // `ab%63%64e`, the escapes evenly.
        let percent = map(&[(0..2, 2, Fit::Even), (2..8, 2, Fit::Even), (8..9, 1, Fit::Even)]);
        check(&percent, 0..5, 0..9);
        check(&percent, 2..3, 2..5);
        check(&percent, 3..4, 5..8);
        check(&percent, 4..5, 8..9);
        check(&percent, 5..5, 9..9);
        // Three bytes of base64 are four characters.
        let base64 = map(&[(10..18, 6, Fit::Even), (18..20, 1, Fit::Even)]);
        check(&base64, 0..1, 10..12);
        check(&base64, 1..2, 11..13);
        check(&base64, 2..3, 12..14);
        check(&base64, 3..7, 14..20);
        let whole = map(&[(0..9, 2, Fit::Whole), (20..22, 2, Fit::Even)]);
        check(&whole, 1..2, 0..9);
        check(&whole, 1..3, 0..21);
        check(&Map::default(), 3..4, 0..0);
    }

    #[test]
    fn segments_of_one_ratio_join() {
        let mut map = Map::default();
        for at in 0..1000 {
            map.push(3 * at..3 * at + 3, 1, Fit::Even);
        }
        assert_eq!(map.segments.len(), 1);
        assert_eq!(map.source(&(7..9)), 21..27);
    }

    proptest! {
        #[test]
        fn what_is_appended_keeps_its_place(
            pieces in proptest::collection::vec((0_usize..4, 1_usize..9, 1_usize..9), 1..30),
            cut in 0_usize..30,
        ) {
            let (mut whole, mut parts) = (Map::default(), [Map::default(), Map::default()]);
            let mut at = 0;
            for (number, (gap, source, decoded)) in pieces.iter().enumerate() {
                let from = at + gap;
                at = from + source;
                whole.push(from..at, *decoded, Fit::Even);
                parts[usize::from(number >= cut)].push(from..at, *decoded, Fit::Even);
            }
            let [mut joined, tail] = parts;
            joined.append(&tail);
            for start in 0..whole.len {
                for end in start + 1..=whole.len {
                    prop_assert_eq!(whole.source(&(start..end)), joined.source(&(start..end)));
                }
            }
        }
    }
}
