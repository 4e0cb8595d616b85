//! Which parts of an object a delta brings, and how much around them has to be seen.
//!
//! ```text
//! base     aaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbb
//! delta    copy a…, insert X, copy b…          copy, not where the last one ended: a seam
//! result   aaaaaaaaaaaaaaaaaaaaaaaaaaXbbbbbbbbbbbb|bbbbbbbbb
//! window               └── reach ───┴── reach ────────┘
//! ```
//!
//! What lies outside of all windows stands in the base just so, with as much around it as
//! [`Reach`] says: if nothing that matters stands in the base and in no window, nothing does in the
//! result. The ends of a text count: one that is not the base's is a seam.

use std::ops::Range;

use crate::wire::Reach;

pub(crate) use super::delta::Step;

/// The most seams of one delta; an object with more is sent whole. A change of a file has a few.
const SEAMS_MAX: usize = 1_024;

/// Windows that are nearer to each other than this, in bytes, become one.
const APART_BYTES: usize = 64;

/// The parts of a delta's result that are not copied from its base in one piece.
pub(crate) struct Seams {
    /// How much of the result is there.
    at: u64,
    /// Where in the base a copy has to begin so as to go on with what is there.
    goes_on: Option<u64>,
    base_length: u64,
    ranges: Vec<Range<u64>>,
}

impl Seams {
    /// Begins with an empty result.
    pub(crate) fn new(base_length: u64) -> Self {
        Self { at: 0, goes_on: Some(0), base_length, ranges: Vec::new() }
    }

    /// Notes the next step of the delta.
    pub(crate) fn note(&mut self, step: Step) {
        match step {
            Step::Insert { size } => {
                self.add(size);
                self.goes_on = None;
            }
            Step::Copy { offset, size } => {
                if self.goes_on != Some(offset) {
                    self.add(0);
                }
                self.at += size;
                self.goes_on = offset.checked_add(size);
            }
        }
    }

    /// Adds a seam of `size` bytes that are new.
    fn add(&mut self, size: u64) {
        let (at, end) = (self.at, self.at + size);
        self.at = end;
        let is_full = self.ranges.len() > SEAMS_MAX;
        match self.ranges.last_mut() {
            Some(last) if last.end == at => last.end = end,
            _ if is_full => {}
            _ => self.ranges.push(at..end),
        }
    }

    /// Returns the seams in order; none if they are too many.
    pub(crate) fn finish(mut self) -> Option<Vec<Range<usize>>> {
        if self.goes_on != Some(self.base_length) {
            self.add(0);
        }
        let number = |at| usize::try_from(at).ok();
        let range = |seam: &Range<u64>| Some(number(seam.start)?..number(seam.end)?);
        let seams = self.ranges.iter().map(range).collect::<Option<Vec<_>>>()?;
        (seams.len() <= SEAMS_MAX).then_some(seams)
    }
}

/// Returns the windows of `text` around its seams, in order and apart; none if it is to be sent
/// whole: they would be more than `bytes_max`, or a line is longer than what is reached.
pub(crate) fn windows(
    text: &[u8],
    seams: &[Range<usize>],
    reach: &Reach,
    bytes_max: usize,
) -> Option<Vec<Range<usize>>> {
    let mut windows: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for seam in seams {
        let window = around(text, seam, reach)?;
        match windows.last_mut() {
            Some(last) if window.start <= last.end + APART_BYTES => {
                bytes += window.end.saturating_sub(last.end);
                last.end = last.end.max(window.end);
                last.start = last.start.min(window.start);
            }
            _ => {
                bytes += window.len();
                windows.push(window);
            }
        }
        if bytes > bytes_max {
            return None;
        }
    }
    Some(windows)
}

/// Returns how far around a seam is to be seen: some bytes, the lines that it touches, and the head
/// if it touches that.
fn around(text: &[u8], seam: &Range<usize>, reach: &Reach) -> Option<Range<usize>> {
    let [bytes, line_bytes, head_bytes] =
        [reach.bytes, reach.line_bytes, reach.head_bytes].map(|bytes| bytes as usize);
    let far = seam.start.saturating_sub(line_bytes);
    let before = text.get(far..seam.start)?;
    let line_start = match before.iter().rposition(|byte| *byte == b'\n') {
        Some(newline) => far + newline + 1,
        None if far == 0 => 0,
        None => return None,
    };
    let behind = text.get(seam.end..)?;
    let line_end = match behind.iter().take(line_bytes).position(|byte| *byte == b'\n') {
        Some(newline) => seam.end + newline,
        None if behind.len() <= line_bytes => text.len(),
        None => return None,
    };
    let start = line_start.min(seam.start.saturating_sub(bytes));
    let end = line_end.max((seam.end + bytes).min(text.len()));
    if seam.start < head_bytes {
        return Some(0..end.max(head_bytes.min(text.len())));
    }
    Some(start..end)
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "lists of ranges, often of one")]
mod tests {
    use super::*;

    const REACH: Reach = Reach { bytes: 4, line_bytes: 10, head_bytes: 0 };

    #[track_caller]
    fn check_seams(steps: &[Step], base_length: u64, want: &[Range<usize>]) {
        let mut seams = Seams::new(base_length);
        for step in steps {
            seams.note(*step);
        }
        assert_eq!(seams.finish().as_deref(), Some(want));
    }

    #[test]
    fn what_is_not_copied_in_one_piece_is_a_seam() {
        let copy = |offset, size| Step::Copy { offset, size };
        let insert = |size| Step::Insert { size };
        check_seams(&[copy(0, 9)], 9, &[]);
        check_seams(&[copy(0, 4), copy(4, 5)], 9, &[]);
        check_seams(&[copy(0, 4), insert(2), copy(4, 5)], 9, &[4..6]);
        check_seams(&[copy(0, 4), insert(2), insert(3), copy(4, 5)], 9, &[4..9]);
        check_seams(&[copy(0, 4), copy(6, 3)], 9, &[4..4]);
        check_seams(&[copy(1, 8)], 9, &[0..0]);
        check_seams(&[copy(0, 8)], 9, &[8..8]);
        check_seams(&[copy(0, 9), copy(0, 9)], 9, &[9..9]);
        check_seams(&[insert(1), copy(0, 9), insert(1)], 9, &[0..1, 10..11]);
        check_seams(&[], 9, &[0..0]);
        check_seams(&[], 0, &[]);
    }

    #[test]
    fn more_seams_than_the_limit_are_none() {
        let mut seams = Seams::new(9);
        (0..=SEAMS_MAX).for_each(|_| seams.note(Step::Copy { offset: 1, size: 2 }));
        assert_eq!(seams.finish(), None);
    }

    #[track_caller]
    fn check(text: &str, seams: &[Range<usize>], want: Option<&[&str]>) {
        let got = windows(text.as_bytes(), seams, &REACH, usize::MAX);
        let got = got.map(|got| got.into_iter().map(|window| &text[window]).collect::<Vec<_>>());
        assert_eq!(got.as_deref(), want, "{text}");
    }

    #[test]
    fn windows_hold_some_bytes_and_the_line_around() {
        let rest = "\nz".repeat(40);
        check(&format!("abcdefghi\nk{rest}"), &[4..5], Some(&["abcdefghi"]));
        check(&format!("abc\ndefg\nhij{rest}"), &[5..6], Some(&["bc\ndefg\nh"]));
        check(&format!("{}{rest}", "a".repeat(21)), &[10..10], None);
        check(&rest, &[80..80], Some(&["\nz\nz"]));
        check(
            &format!("{rest}{rest}{rest}"),
            &[4..4, 8..8, 150..150],
            Some(&["\nz\nz\nz\nz\nz\nz", "\nz\nz\nz\nz"]),
        );
        assert_eq!(windows(b"abcdef", &[1..1], &REACH, 4), None);
    }
}
