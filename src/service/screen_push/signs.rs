//! Which of the objects that came as windows have to be seen whole.
//!
//! ```text
//! windows of an object: any sign? ─┐
//! its base: any sign, or wanted? ──┴─ no:  nothing is in it
//!                                     yes: Want ──► the hook sends it whole, and it is scanned
//! ```
//!
//! A *sign* is what every finding, and everything that is left unscanned, comes with: a stretch in
//! which a pattern may match, a code or box that something may lie in, a known secret. What shows a
//! sign lies within the reach that the hook was told (`Reach`), and so either in a window or, copied
//! whole, in the base. No finding is ever made of a window: it only says that there is none.

use super::{Gate, unit};
use crate::scan::Engine;
use crate::scan::layer;
use crate::scan::layer::text::SIGN_BYTES_MAX;
use crate::store::LedgerRow;
use crate::wire::{Reach, Windows};

/// The longest line that windows are made in, in bytes. On a longer one a known secret or a row of
/// base64 may begin out of sight. Twice what the tokens of known secrets need.
const LINE_BYTES: usize = 2 * crate::scan::TOKEN_CONTEXT_BYTES;

/// The farthest that windows are made to go, in bytes: with rules that need more there are none, as
/// they would hold most of what changes.
const REACH_BYTES_MAX: usize = 1_024;

/// Derives from the rules how far windows have to go. None where it is too far.
pub(super) fn reach(engine: &Engine) -> Option<Reach> {
    let bytes = engine.sign_bytes().max(SIGN_BYTES_MAX);
    let number = |bytes: usize| u32::try_from(bytes).ok();
    Some(Reach {
        bytes: number(bytes).filter(|_| bytes <= REACH_BYTES_MAX)?,
        line_bytes: number(LINE_BYTES)?,
        head_bytes: number(layer::HEAD_BYTES)?,
    })
}

/// Tells whether any window has a sign.
pub(super) fn show_in(gate: &Gate, windows: &Windows) -> bool {
    let mut texts = windows.texts.iter();
    texts.any(|(offset, text)| {
        shows(&gate.engine, text, *offset == 0) || unit::knows_any(gate, text)
    })
}

/// Tells whether a text, or with `is_head` the beginning of one, has a sign besides known secrets.
fn shows(engine: &Engine, text: &[u8], is_head: bool) -> bool {
    engine.may_match(text) || layer::signs(text, is_head)
}

/// An object that came as windows.
struct Link {
    number: u32,
    base: u32,
    /// What the ledger shall know if nothing is in it.
    row: Option<LedgerRow>,
}

/// What is known of the signs of a push's objects, by their numbers.
#[derive(Default)]
pub(super) struct Signs {
    /// A bit for each object that has one.
    bits: Vec<u64>,
    /// Each object that came as windows, in order.
    links: Vec<Link>,
    /// How many of them are decided.
    decided: usize,
}

impl Signs {
    /// Notes that an object has a sign, or was not looked at.
    pub(super) fn add(&mut self, number: u32) {
        let word = number as usize / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if let Some(word) = self.bits.get_mut(word) {
            *word |= 1 << (number % 64);
        }
    }

    fn has(&self, number: u32) -> bool {
        self.bits.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Notes an object that came as windows on `base`, which came before it. Returns false where it
    /// did not.
    #[must_use]
    pub(super) fn link(&mut self, number: u32, base: u32, row: Option<LedgerRow>) -> bool {
        self.links.push(Link { number, base, row });
        base < number
    }

    /// Returns how many objects came as windows.
    pub(super) fn windowed(&self) -> usize {
        self.links.len()
    }

    /// Returns the next objects, at most `objects_max`, that have to be seen whole, and passes the
    /// rows of those on that have not. To be asked when all windows were looked at.
    pub(super) fn decide(
        &mut self,
        objects_max: usize,
        clean: &mut dyn FnMut(LedgerRow),
    ) -> Vec<u32> {
        let mut wanted = Vec::new();
        while wanted.len() < objects_max
            && let Some(&Link { number, base, row }) = self.links.get(self.decided)
        {
            self.decided += 1;
            if self.has(number) || self.has(base) {
                self.add(number);
                wanted.push(number);
            } else {
                row.into_iter().for_each(&mut *clean);
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests;
