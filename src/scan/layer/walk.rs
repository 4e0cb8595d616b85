//! The walk: every text that lies in a text, layer by layer.
//!
//! ```text
//! text ──► queue ──► a box? ──► its parts ──┐
//!            ▲  └──► its views ─────────────┼──► seen before? ──► visit ──► has layers? ─┐
//!            └──────────────────────────────┴──────────────────────────────◄─────────────┘
//! ```
//!
//! Breadth first, so that what lies shallow is seen even where the budget ends; no recursion. A text
//! that came out before is not looked into again, which also ends archives that hold themselves. A
//! text waits in the queue only if something lies in it, so that memory holds few of many parts.
//!
//! The text itself is not visited: whoever walks it scans it, perhaps as it streams.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;
use std::rc::Rc;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::boxes::{self, Format, Out};
use super::text::Code;
use super::views::{self, Fresh, Reading};
use super::{Budget, LeftOut, Limits};

/// The most things left out that are listed; one is enough to call an object unscanned.
const LEFT_MAX: usize = 64;

/// Visits every text that lies in `text`, and returns what was left out.
///
/// The same secret may be visited more than once, where surroundings hold it too: it then has the same
/// [`Place::source`].
pub fn walk(text: &[u8], limits: Limits, visit: &mut dyn FnMut(&View<'_>)) -> Vec<Left> {
    let mut walk = Walk::new(text, limits, visit);
    let mut exhausted = walk.look_into(text, None, None).is_err();
    while !exhausted && let Some(node) = walk.queue.pop_front() {
        exhausted = walk.look_into(&node.bytes, Some(&node.step), node.fresh.as_deref()).is_err();
    }
    walk.left
}

/// A text that lies in another.
#[derive(Clone, Copy, Debug)]
pub struct View<'v> {
    bytes: &'v [u8],
    step: &'v Step,
}

/// Where something in a [`View`] stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bytes of the outermost text that hold it, as they are encoded: of a box its whole.
    pub source: Range<usize>,
    /// The layers around it, outermost first.
    pub layers: Vec<Layer>,
}

/// What was not looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Where.
    pub place: Place,
    /// Why.
    pub reason: LeftOut,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// A code that it was written in.
    Code(Code),
    /// A box that it lay in.
    Part(Part),
}

/// A part of a box.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// The box's format: `zip`.
    pub format: &'static str,
    /// What the part is to the format: `entry`.
    pub what: &'static str,
    /// Its name in the box: pushed content, to be escaped before it is shown.
    pub name: Option<Vec<u8>>,
}

impl Layer {
    /// Returns what it is called: the part of a box by its own name as `show` writes it, where both
    /// give one.
    pub fn label(&self, show: impl FnOnce(&[u8]) -> Option<String>) -> String {
        let name = match self {
            Self::Part(part) => part.name.as_deref(),
            Self::Code(_) => None,
        };
        name.and_then(show).unwrap_or_else(|| self.to_string())
    }
}

/// Lists the parts of boxes among layers: what stands in different parts stands in different places,
/// though all of them point at the box; what is decoded has a place of its own.
pub fn parts(layers: &[Layer]) -> impl Iterator<Item = &Part> {
    layers.iter().filter_map(|layer| match layer {
        Layer::Part(part) => Some(part),
        Layer::Code(_) => None,
    })
}

impl fmt::Display for Layer {
    /// Writes the name of the code or the format, never a name out of a box.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code(code) => code.as_str(),
            Self::Part(part) => part.format,
        })
    }
}

impl<'v> View<'v> {
    /// Returns the text.
    #[must_use]
    pub fn bytes(&self) -> &'v [u8] {
        self.bytes
    }

    /// Says where `range` of the text stands.
    #[must_use]
    pub fn place(&self, range: Range<usize>) -> Place {
        self.step.place(range)
    }
}

/// The way from a text out to the one that it lies in.
#[derive(Debug)]
struct Step {
    outer: Option<Rc<Step>>,
    way: Way,
    depth: usize,
}

#[derive(Debug)]
enum Way {
    Decoded(views::Origin),
    Part {
        part: Part,
        /// The bytes of the box.
        len: usize,
    },
}

impl Step {
    fn new(outer: Option<&Rc<Self>>, way: Way) -> Self {
        let depth = 1 + outer.map_or(0, |outer| outer.depth);
        Self { outer: outer.cloned(), way, depth }
    }

    fn place(&self, range: Range<usize>) -> Place {
        let mut place = Place { source: range, layers: Vec::new() };
        let mut next = Some(self);
        while let Some(step) = next {
            step.way.out(&mut place);
            next = step.outer.as_deref();
        }
        place.layers.reverse();
        place
    }
}

impl Way {
    fn part(format: Format, label: boxes::Label<'_>, len: usize) -> Self {
        let name = label.name.map(<[u8]>::to_vec);
        Self::Part { part: Part { format: format.as_str(), what: label.what, name }, len }
    }

    /// Takes `place` one layer out.
    fn out(&self, place: &mut Place) {
        match self {
            Self::Decoded(origin) => {
                place.layers.extend(origin.codes(&place.source).into_iter().rev().map(Layer::Code));
                place.source = origin.map.source(&place.source);
            }
            Self::Part { part, len } => {
                place.layers.push(Layer::Part(part.clone()));
                place.source = 0..*len;
            }
        }
    }
}

/// A text in which something lies.
struct Node {
    bytes: Vec<u8>,
    step: Rc<Step>,
    /// What of it was not seen before; `None` for all.
    fresh: Option<Fresh>,
}

struct Walk<'w> {
    /// The outermost text.
    text: &'w [u8],
    limits: Limits,
    budget: Budget,
    queue: VecDeque<Node>,
    left: Vec<Left>,
    seen: Seen,
    visit: &'w mut dyn FnMut(&View<'_>),
}

/// There is nothing left in the budget.
struct Exhausted;

impl<'w> Walk<'w> {
    fn new(text: &'w [u8], limits: Limits, visit: &'w mut dyn FnMut(&View<'_>)) -> Self {
        let (queue, left, seen) = (VecDeque::new(), Vec::new(), Seen::new());
        Self { text, limits, budget: Budget::new(limits), queue, left, seen, visit }
    }

    /// Opens a text and reads it in every code.
    fn look_into(
        &mut self,
        text: &[u8],
        step: Option<&Rc<Step>>,
        fresh: Option<&[Range<usize>]>,
    ) -> Result<(), Exhausted> {
        let mut budget = self.budget.clone();
        let mut outcome = Ok(());
        // A text with its surroundings is no box, even where it begins as one.
        let formats = fresh.is_none().then(|| boxes::sniff(text)).into_iter().flatten();
        for format in formats {
            outcome = outcome.and(self.open(text, format, step, &mut budget));
        }
        if outcome.is_ok() {
            outcome =
                views::each(text, fresh, &mut budget, &mut |reading| self.read(reading, step))
                    .map_err(|why| {
                        let whole = Place { source: 0..text.len(), layers: Vec::new() };
                        self.leave_out(step.map_or(whole, |step| step.place(0..text.len())), why);
                        Exhausted
                    });
        }
        self.budget = budget;
        outcome
    }

    /// Opens a text as a box.
    fn open(
        &mut self,
        text: &[u8],
        format: Format,
        step: Option<&Rc<Step>>,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let (mut parts, mut outcome) = (0, Ok(()));
        boxes::open(format, text, budget, &mut |out| match out {
            Out::Part(part) => {
                parts += 1;
                self.part(part, format, text.len(), step);
            }
            Out::LeftOut { why: LeftOut::Damaged, .. } if parts == 0 && is_guess(step) => {}
            Out::LeftOut { why, label } => {
                let way = Way::part(format, label, text.len());
                self.leave_out(Step::new(step, way).place(0..0), why);
                if matches!(why, LeftOut::Bytes | LeftOut::Parts) {
                    outcome = Err(Exhausted);
                }
            }
        });
        outcome
    }

    fn part(&mut self, part: boxes::Part<'_>, format: Format, len: usize, step: Option<&Rc<Step>>) {
        let way = Way::part(format, part.label, len);
        self.come_out(part.bytes.into_owned(), Step::new(step, way), None);
    }

    fn read(&mut self, reading: Reading, step: Option<&Rc<Step>>) {
        let step = Step::new(step, Way::Decoded(reading.origin));
        self.come_out(reading.bytes, step, reading.fresh);
    }

    /// Visits what came out of a text, if it is new, and lets it wait if something lies in it.
    fn come_out(&mut self, bytes: Vec<u8>, step: Step, fresh: Option<Fresh>) {
        // The outermost text is compared and not hashed: in most texts lies nothing at all.
        if bytes == self.text || !self.seen.is_new(&bytes, fresh.is_none()) {
            return;
        }
        (self.visit)(&View { bytes: &bytes, step: &step });
        let is_box = fresh.is_none() && boxes::sniff(&bytes).next().is_some();
        if !is_box && !views::any(&bytes, fresh.as_deref()) {
            return;
        }
        if step.depth >= self.limits.depth_max {
            self.leave_out(step.place(0..bytes.len()), LeftOut::Depth);
        } else {
            self.queue.push_back(Node { bytes, step: Rc::new(step), fresh });
        }
    }

    fn leave_out(&mut self, place: Place, reason: LeftOut) {
        if self.left.len() < LEFT_MAX {
            self.left.push(Left { place, reason });
        }
    }
}

/// Whether it was only guessed that there is a box: bytes that were decoded out of a text look like one
/// by chance, and where nothing comes out of them there was none.
fn is_guess(step: Option<&Rc<Step>>) -> bool {
    step.is_some_and(|step| matches!(step.way, Way::Decoded(_)))
}

/// The texts that came out, by a keyed hash: nobody can make two that meet, and among the most that
/// may come out two meet by chance once in 10²⁷ objects.
struct Seen {
    key: (u64, u64),
    hashes: HashSet<u128>,
}

impl Seen {
    fn new() -> Self {
        let random = RandomState::new();
        Self { key: (random.hash_one(0), random.hash_one(1)), hashes: HashSet::new() }
    }

    /// Notes a text; returns whether it is new. `whole` tells a text of which everything is to be
    /// looked into from the same text of which parts were.
    fn is_new(&mut self, text: &[u8], whole: bool) -> bool {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        hasher.write(text);
        hasher.write_u8(u8::from(whole));
        self.hashes.insert(hasher.finish128().as_u128())
    }
}
