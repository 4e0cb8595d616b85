//! Repeatable dice: the same seed throws the same numbers on every machine.

/// A `SplitMix64` generator: tiny, well mixed from any seed, and no good for keys.
pub(super) struct Dice(u64);

impl Dice {
    /// Seeds the dice with the FNV-1a hash of `text`.
    pub(super) fn seeded(text: &[u8]) -> Self {
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(text.iter().fold(0xcbf2_9ce4_8422_2325, mix))
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws a number below `bound`; 0 where `bound` is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.throw()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// Draws one of `from`; 0 where there are none.
    pub(super) fn pick(&mut self, from: &[u8]) -> u8 {
        from.get(self.below(from.len())).copied().unwrap_or(0)
    }

    /// Draws `count` of `from`, with repeats.
    pub(super) fn text(&mut self, from: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(self.pick(from))).collect()
    }

    /// Draws bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.throw().to_le_bytes()[0]).collect()
    }

    /// Draws `count` of `from`, each as rarely again as can be: the entropy is the highest there is.
    pub(super) fn spread(&mut self, from: &[u8], count: usize) -> String {
        let mut left = Vec::new();
        let mut draw = || {
            if left.is_empty() {
                left = from.to_vec();
            }
            let at = self.below(left.len());
            char::from(left.swap_remove(at))
        };
        (0..count).map(|_| draw()).collect()
    }
}
