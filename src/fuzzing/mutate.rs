//! A small mutator, so that each test run tries inputs of its own without a fuzzer. The same seed
//! makes the same inputs.

/// The longest input, in bytes.
const INPUT_BYTES_MAX: usize = 8 << 10;

/// The most changes of one input.
const CHANGES_MAX: usize = 8;

/// Numbers that readers go wrong at.
const EDGES: &[u32] = &[0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, u32::MAX];

/// Makes inputs out of others.
pub(super) struct Mutator {
    state: u64,
}

impl Mutator {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed | 1 }
    }

    /// The next number (xorshift64, Marsaglia 2003).
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// A number below `end`, or 0.
    fn below(&mut self, end: usize) -> usize {
        let end = end.max(1) as u64;
        usize::try_from((self.next() >> 8) % end).unwrap_or(0)
    }

    /// Picks one of several things.
    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// Makes an input out of one of the corpus.
    pub(super) fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.pick(corpus).cloned().unwrap_or_default();
        for _ in 0..=self.below(CHANGES_MAX) {
            self.change(&mut bytes, corpus);
        }
        bytes.truncate(INPUT_BYTES_MAX);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let (at, len) = (self.below(bytes.len() + 1), self.below(32) + 1);
        let end = (at + len).min(bytes.len());
        let from = at.min(end);
        match self.below(7) {
            0 => {
                let bit = 1 << self.below(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bit;
                }
            }
            1 => {
                let byte = self.next().to_le_bytes()[0];
                bytes.splice(from..from, std::iter::repeat_n(byte, len));
            }
            2 => drop(bytes.drain(from..end)),
            3 => bytes.truncate(at),
            4 => {
                let again: Vec<u8> = bytes.get(from..end).unwrap_or_default().to_vec();
                bytes.splice(end..end, again);
            }
            5 => {
                let edge = self.pick(EDGES).copied().unwrap_or_default();
                let edge = if self.below(2) == 0 { edge.to_le_bytes() } else { edge.to_be_bytes() };
                let width = [1, 2, 4].get(self.below(3)).copied().unwrap_or(4);
                let edge = edge.get(4 - width..).unwrap_or_default();
                bytes.splice(from..(from + width).min(bytes.len()), edge.iter().copied());
            }
            _ => {
                let other = self.pick(corpus).cloned().unwrap_or_default();
                let cut = self.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(other.get(cut..).unwrap_or_default());
            }
        }
    }
}
