//! Cuts a text into the tokens that a known secret could stand as.
//!
//! A secret of the inventory has no shape, so it is looked up by its value: every token's tag
//! against a filter. One pass over the bytes finds *runs* (no blank, no quote); a run is cut into
//! *atoms* (no `,;&` or bracket); both are cut at assignments and userinfo.
//!
//! ```text
//! url = "amqp://app:PASSWORD@mq/x?a=b&c=d";
//!        └──────────────────────────────┘   run
//!        └──────────────────────────┘ └─┘   atoms
//!               └─┘ └──────┘                userinfo: user, password
//!                                   └ └     assigned
//! ```
//!
//! A value that holds blanks is found between quotes alone. No token depends on bytes further away
//! than [`TOKEN_CONTEXT_BYTES`], each byte is in at most a dozen tokens, and the work is linear in
//! the text, whatever the text.

mod cut;
mod settings;

use std::ops::Range;

pub use settings::{Setting, Tokenisable, tokenisable};

/// The shortest token, in bytes: shorter values are guessed, not looked up.
pub const TOKEN_BYTES_MIN: usize = 8;

/// The longest token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 256;

/// How far around a token the text matters, in bytes. With as much context on both sides of a body
/// its tokens are those of the whole text. A run or atom that is longer is cut into its parts and
/// not looked at as one.
pub const TOKEN_CONTEXT_BYTES: usize = 2 * TOKEN_BYTES_MAX;

/// Which lengths tokens are wanted of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lengths {
    wanted: [u64; TOKEN_BYTES_MAX / 64 + 1],
    least: usize,
}

impl Lengths {
    /// No length at all.
    pub const NONE: Self = Self { wanted: [0; TOKEN_BYTES_MAX / 64 + 1], least: usize::MAX };

    /// Every length that a token may have.
    pub fn all() -> Self {
        let mut all = Self::NONE;
        (TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).for_each(|bytes| all.add(bytes));
        all
    }

    /// Wants tokens of `bytes` too; what no token has changes nothing.
    pub fn add(&mut self, bytes: usize) {
        if let Some(wanted) = self.wanted.get_mut(bytes / 64)
            && (TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&bytes)
        {
            *wanted |= 1 << (bytes % 64);
            self.least = self.least.min(bytes);
        }
    }

    fn has(&self, bytes: usize) -> bool {
        self.wanted.get(bytes / 64).is_some_and(|wanted| wanted >> (bytes % 64) & 1 == 1)
    }
}

/// Reports every token whose first byte lies in `body`, each range once.
pub fn tokens(text: &[u8], body: Range<usize>, sink: &mut dyn FnMut(Range<usize>)) {
    tokens_of(text, body, &Lengths::all(), sink);
}

/// Reports those that have one of `lengths`.
pub fn tokens_of(
    text: &[u8],
    body: Range<usize>,
    lengths: &Lengths,
    sink: &mut dyn FnMut(Range<usize>),
) {
    // What reaches further than this from the body is longer than the context anyhow.
    let start = body.start.saturating_sub(TOKEN_CONTEXT_BYTES + 1);
    let end = body.end.saturating_add(TOKEN_CONTEXT_BYTES + 1).min(text.len());
    let near = text.get(start..end).unwrap_or_default();
    let mut report = |token: Range<usize>| {
        let token = token.start + start..token.end + start;
        if body.contains(&token.start) {
            sink(token);
        }
    };
    let mut cuts = Vec::new();
    cut::runs(near, &mut |run| cut::run(near, run, lengths, &mut cuts, &mut report));
    cut::quotes(near, lengths, &mut report);
}

#[cfg(test)]
mod tests;
