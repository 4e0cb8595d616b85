//! The views of a text: what it says where a code is taken out of it, with its surroundings.
//!
//! ```text
//! text       …  password: "cGFzc3dvcmQ…"  …   200 kB   …  token=%67hp_…  …
//!               └─ around ─┘└─ piece ─┘                    └──┘└piece┘└around
//! view               password: "hunter2…"                    token=ghp_…
//! ```
//!
//! One view holds all pieces of one family of codes ([`text`]): escapes of every kind in a line are
//! read at once, so a line is not read once for each order of its kinds. Pieces that stand near
//! each other share their surroundings; what lies far from every piece is not in the view, for it
//! was read where it stands. The surroundings are there because a rule may need the name before a
//! value, and because a token may be encoded in part. A box is a view of its own, bytes alone.
//!
//! The work is linear in the text. The views of one family hold each byte of it once at most, so all
//! views together are at most three times the text, and what UTF-8 is longer than UTF-16.

use std::iter::Peekable;
use std::ops::Range;

use super::offsets::{Fit, Map};
use super::text::{self, Code, Decoded, Escapes, Find, Piece, is_token};
use super::{Budget, LeftOut};

/// The bytes before and behind a piece that its view holds: the name of a value, the rest of a line.
const AROUND_BYTES: usize = 128;

/// How much further a view goes, in bytes, so as not to cut a token: a key of 4096 bits in base64.
const TOKEN_BYTES_MAX: usize = 4096;

/// What stands between stretches of a view that stand apart in the text: no token and no line goes
/// over it, and no rule's space is a NUL.
const APART: &[u8] = b"\n\0\n";

/// The size at which a view is given away and another begun: enough to make little of the cost of
/// a scan's start, little enough to hold.
const VIEW_BYTES: usize = 1 << 20;

/// How near to fresh bytes a piece must stand to be the business of a view: what stands further off
/// stood there before, and was decoded then.
const FRESH_REACH: usize = 4;

/// A text with its codes taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The text.
    pub bytes: Vec<u8>,
    /// Which parts of it were decoded, a few bytes around included; `None` for a box, which was as a
    /// whole and is to be opened.
    pub fresh: Option<Fresh>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where the bytes of a [`Reading`] come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Where they stand in what they were decoded from.
    pub map: Map,
    /// Where stretches begin that stand apart, and which codes were taken out of each.
    stretches: Vec<(usize, Codes)>,
}

/// Parts of a text, in order and apart.
pub type Fresh = Vec<Range<usize>>;

/// A set of [`Code`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Codes(u32);

impl Codes {
    fn add(&mut self, code: Code) {
        self.0 |= 1 << code as u32;
    }

    fn has(self, code: Code) -> bool {
        self.0 & 1 << code as u32 != 0
    }
}

impl Origin {
    /// Returns the codes that were taken out of the stretches that `range` touches.
    #[must_use]
    pub fn codes(&self, range: &Range<usize>) -> Vec<Code> {
        let first = self.stretches.partition_point(|(at, _)| *at <= range.start).saturating_sub(1);
        let touched = self.stretches.iter().skip(first);
        let touched = touched.take_while(|(at, _)| *at < range.end.max(range.start + 1));
        let codes = touched.fold(Codes::default(), |all, (_, codes)| Codes(all.0 | codes.0));
        Code::ALL.iter().copied().filter(|code| codes.has(*code)).collect()
    }
}

/// Makes every view of `text`, each spending its bytes and a part.
///
/// With `fresh`, only pieces that touch it are taken out.
///
/// # Errors
/// What the budget lacks; the views before it were given.
pub fn each(
    text: &[u8],
    fresh: Option<&[Range<usize>]>,
    budget: &mut Budget,
    sink: &mut dyn FnMut(Reading),
) -> Result<(), LeftOut> {
    write(text, Pieces::new(text, text::WIDE).filter(touching(fresh)), budget, sink)?;
    write(text, Escapes::of(text).filter(touching(fresh)), budget, sink)?;
    write(text, Pieces::new(text, text::BLOCKS).filter(touching(fresh)), budget, sink)
}

fn write(
    text: &[u8],
    pieces: impl Iterator<Item = Piece>,
    budget: &mut Budget,
    sink: &mut dyn FnMut(Reading),
) -> Result<(), LeftOut> {
    Writer { text, view: Reading::default(), at: 0, budget, sink }.write(pieces.peekable())
}

/// Whether there is any view of `text`.
#[must_use]
pub fn any(text: &[u8], fresh: Option<&[Range<usize>]>) -> bool {
    let has_reason = |family| Pieces::new(text, family).filter(touching(fresh)).any(|p| p.reason);
    has_reason(text::WIDE)
        || Escapes::of(text).filter(touching(fresh)).any(|piece| piece.reason)
        || has_reason(text::BLOCKS)
}

/// Holds of pieces, which come in order, that touch `fresh`.
fn touching(fresh: Option<&[Range<usize>]>) -> impl FnMut(&Piece) -> bool {
    let mut ahead = fresh;
    move |piece| {
        let Some(ranges) = &mut ahead else {
            return true;
        };
        while let [first, rest @ ..] = *ranges
            && first.end <= piece.source.start
        {
            *ranges = rest;
        }
        ranges.first().is_some_and(|first| first.start < piece.source.end)
    }
}

/// The pieces of all codes of a family, in order; where two overlap, the one that begins first.
struct Pieces<'t> {
    text: &'t [u8],
    /// Where the last piece ended.
    at: usize,
    codes: Vec<(Find, Option<Piece>)>,
}

impl<'t> Pieces<'t> {
    fn new(text: &'t [u8], family: &[Find]) -> Self {
        let first = |find: &Find| find(text, 0).map(|piece| (*find, Some(piece)));
        Self { text, at: 0, codes: family.iter().filter_map(first).collect() }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let (text, at) = (self.text, self.at);
        self.codes.retain_mut(|(find, next)| {
            if next.as_ref().is_none_or(|piece| piece.source.start < at) {
                *next = find(text, at);
            }
            next.is_some()
        });
        let start = |piece: &Option<Piece>| piece.as_ref().map(|piece| piece.source.start);
        let (_, first) = self.codes.iter_mut().min_by_key(|(_, piece)| start(piece))?;
        let piece = first.take()?;
        // A piece takes a byte at least, so this comes to an end.
        self.at = piece.source.end.max(at + 1);
        Some(piece)
    }
}

/// Writes pieces and their surroundings into views.
struct Writer<'w> {
    text: &'w [u8],
    view: Reading,
    /// Up to where the text was written or left out.
    at: usize,
    budget: &'w mut Budget,
    sink: &'w mut dyn FnMut(Reading),
}

impl Writer<'_> {
    fn write(mut self, mut pieces: Peekable<impl Iterator<Item = Piece>>) -> Result<(), LeftOut> {
        while let Some(piece) = pieces.next() {
            if is_box(&piece) {
                self.give_box(piece)?;
            } else if piece.reason {
                self.open(piece.source.start)?;
                self.stretch(piece, &mut pieces)?;
            }
        }
        self.give()
    }

    /// Begins a stretch some way before `start`.
    fn open(&mut self, start: usize) -> Result<(), LeftOut> {
        if self.view.bytes.len() >= VIEW_BYTES {
            self.give()?;
        }
        if !self.view.bytes.is_empty() {
            self.view.origin.map.push(self.at..self.at, APART.len(), Fit::Whole);
            self.view.bytes.extend_from_slice(APART);
        }
        self.view.origin.stretches.push((self.view.bytes.len(), Codes::default()));
        // What the last stretch holds may be this one's surroundings too, but places only ascend.
        let from = reach_back(self.text, start).max(self.at);
        self.at = from;
        self.keep(start);
        Ok(())
    }

    /// Writes a piece and what follows as long as it is near, up to the end of what is around.
    fn stretch(
        &mut self,
        first: Piece,
        pieces: &mut Peekable<impl Iterator<Item = Piece>>,
    ) -> Result<(), LeftOut> {
        self.replace(first);
        loop {
            let near = self.at.saturating_add(AROUND_BYTES);
            let follows = |next: &Piece| match next.source.start {
                start if start < near => true,
                start => next.reason && start < near.saturating_add(AROUND_BYTES),
            };
            // How far the token goes is asked where no piece is near, so no byte is asked for twice.
            let next = pieces.next_if(follows).or_else(|| {
                pieces.next_if(|next| next.source.start < reach_on(self.text, self.at))
            });
            match next {
                Some(next) if is_box(&next) => {
                    self.keep(next.source.start);
                    return self.give_box(next);
                }
                Some(next) => self.replace(next),
                None => {
                    self.keep(reach_on(self.text, self.at));
                    return Ok(());
                }
            }
        }
    }

    /// Writes the text up to `end` as it is.
    fn keep(&mut self, end: usize) {
        if let Some(kept) = self.text.get(self.at..end) {
            self.view.origin.map.push(self.at..end, kept.len(), Fit::Even);
            self.view.bytes.extend_from_slice(kept);
            self.at = end;
        }
    }

    /// Writes the text up to `piece` as it is, and then what the piece says.
    fn replace(&mut self, piece: Piece) {
        self.keep(piece.source.start);
        let start = self.view.bytes.len();
        match piece.decoded {
            Decoded::Char { bytes, len } => {
                self.view.origin.map.push(piece.source.clone(), len, Fit::Even);
                self.view.bytes.extend(bytes.iter().take(len));
            }
            Decoded::Block { bytes, map } => {
                self.view.origin.map.append(&map);
                self.view.bytes.extend(bytes);
            }
        }
        self.at = piece.source.end;
        let fresh = self.view.fresh.get_or_insert_default();
        freshen(fresh, start..self.view.bytes.len());
        if let Some((_, codes)) = self.view.origin.stretches.last_mut() {
            codes.add(piece.code);
        }
    }

    /// Gives a box away, bytes alone.
    fn give_box(&mut self, piece: Piece) -> Result<(), LeftOut> {
        let at = std::mem::replace(&mut self.at, piece.source.start);
        let open = std::mem::take(&mut self.view);
        self.view.origin.stretches.push((0, Codes::default()));
        self.replace(piece);
        self.view.fresh = None;
        self.give()?;
        (self.at, self.view) = (at, open);
        Ok(())
    }

    /// Gives the view away, if there is something in it.
    fn give(&mut self) -> Result<(), LeftOut> {
        let view = std::mem::take(&mut self.view);
        if !view.bytes.is_empty() {
            self.budget.part()?;
            self.budget.spend(view.bytes.len())?;
            (self.sink)(view);
        }
        Ok(())
    }
}

fn is_box(piece: &Piece) -> bool {
    matches!(&piece.decoded, Decoded::Block { bytes, .. } if text::is_box(bytes))
}

/// Returns where the surroundings of a piece at `start` begin.
fn reach_back(text: &[u8], start: usize) -> usize {
    let near = start.saturating_sub(AROUND_BYTES);
    let ahead = text.get(near.saturating_sub(TOKEN_BYTES_MAX)..near).unwrap_or_default();
    near - ahead.iter().rev().take_while(|byte| is_token(**byte)).count()
}

/// Returns where the surroundings of a piece that ends at `end` do.
fn reach_on(text: &[u8], end: usize) -> usize {
    let near = end.saturating_add(AROUND_BYTES).min(text.len());
    let behind = text.get(near..).unwrap_or_default().iter().take(TOKEN_BYTES_MAX);
    near + behind.take_while(|byte| is_token(**byte)).count()
}

/// Adds a part, joined with the last where they meet.
fn freshen(fresh: &mut Fresh, part: Range<usize>) {
    let part = part.start.saturating_sub(FRESH_REACH)..part.end + FRESH_REACH;
    match fresh.last_mut() {
        Some(last) if part.start <= last.end => last.end = part.end,
        _ => fresh.push(part),
    }
}
