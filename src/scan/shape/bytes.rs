//! Sets of bytes.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scan) struct ByteSet([u64; 4]);

impl ByteSet {
    const EMPTY: Self = Self([0; 4]);
    const ALL: Self = Self([u64::MAX; 4]);

    /// `[A-Za-z0-9_]`.
    pub(in crate::scan) const WORD: Self = Self::ascii(b"_", true);

    /// `[A-Za-z0-9_+/~-]`: what [`super::super::simd::Masks`] calls a run.
    pub(in crate::scan) const RUN: Self = Self::ascii(b"_+/~-", true);

    /// `[0-9]`.
    pub(in crate::scan) const DIGIT: Self = Self::ascii(b"0123456789", false);

    const fn ascii(others: &[u8], alphanumeric: bool) -> Self {
        let mut set = [0_u64; 4];
        let mut byte = 0_u8;
        while byte < 128 {
            let mut is_in = alphanumeric && byte.is_ascii_alphanumeric();
            let mut rest = others;
            while let [other, more @ ..] = rest {
                is_in |= *other == byte;
                rest = more;
            }
            if is_in {
                let [low, high, ..] = &mut set;
                *(if byte < 64 { low } else { high }) |= 1 << (byte % 64);
            }
            byte += 1;
        }
        Self(set)
    }

    /// Collects the bytes that matches of `hir` may hold.
    pub(in crate::scan) fn of(hir: &Hir) -> Self {
        let mut set = Self::EMPTY;
        set.add(hir);
        set
    }

    /// The parser's nest limit bounds the recursion.
    fn add(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => {
                for byte in &literal.0 {
                    self.insert(*byte);
                }
            }
            HirKind::Class(Class::Bytes(class)) => {
                for range in class.iter() {
                    for byte in range.start()..=range.end() {
                        self.insert(byte);
                    }
                }
            }
            HirKind::Class(Class::Unicode(_)) => *self = Self::ALL,
            HirKind::Repetition(repetition) => self.add(&repetition.sub),
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(parts) | HirKind::Alternation(parts) => {
                for part in parts {
                    self.add(part);
                }
            }
        }
    }

    fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte / 64)) {
            *word |= 1 << (byte % 64);
        }
    }

    /// Whether `byte` is one of them.
    pub(in crate::scan) fn contains(self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|word| word >> (byte % 64) & 1 == 1)
    }

    /// Whether all its bytes are in `other`.
    pub(in crate::scan) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| mine & !theirs == 0)
    }

    /// Whether none of its bytes is in `other`.
    pub(in crate::scan) fn is_disjoint(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| mine & theirs == 0)
    }

    /// Lists its bytes, letters in lower case.
    pub(in crate::scan) fn folded(self) -> Vec<u8> {
        let is_in = |byte: &u8| {
            !byte.is_ascii_uppercase()
                && (self.contains(*byte) || self.contains(byte.to_ascii_uppercase()))
        };
        (0..=u8::MAX).filter(is_in).collect()
    }
}
