//! What a pattern demands of every match, read off its syntax tree.
//!
//! ```text
//! \b(sk-(?:live|test)-[0-9a-f]{32})\b
//!   edge · "sk-" · "live"|"test" · "-" · {0-9a-f, 1} · {0-9a-f, 31} · edge      one branch of parts
//! ```
//!
//! A pattern is a choice between *branches*, and a branch a row of *parts*, each with the bytes it
//! may hold, its least and most length, and the few strings it can be, where they are few. Letters
//! of strings are folded to lower case, as the finder compares without regard to it.
//!
//! Nothing here is exact: a part that is too rich is kept as a class with a length. What is read off
//! it may be weaker than the pattern, and is never stronger.

mod anchor;
mod bytes;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

pub(super) use anchor::{Anchor, anchor, run, run_ahead};
pub(super) use bytes::ByteSet;

/// The most branches of a pattern; where there would be more, an alternation stays one part.
const BRANCHES_MAX: usize = 64;

/// The most strings of a part, or of a row of parts.
const STRINGS_MAX: usize = 128;

/// The longest of them, in bytes.
const STRING_BYTES_MAX: usize = 64;

/// The most members of a class, letters folded, that counts as strings: the hex digits.
const MEMBERS_MAX: usize = 16;

/// A piece of a branch.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// What it matches.
    pub(super) hir: Hir,
    /// The bytes it may hold.
    pub(super) bytes: ByteSet,
    /// Its least and most length, in bytes.
    pub(super) least: usize,
    pub(super) most: Option<usize>,
    /// All that it can be, folded, where that is little.
    pub(super) strings: Option<Vec<Vec<u8>>>,
    /// Whether it lies within the secret.
    pub(super) secret: bool,
}

/// Parts in a row; branches share those that they have in common, as a pattern may have dozens.
pub(super) type Branch = Vec<Rc<Part>>;

impl Part {
    fn new(hir: Hir, secret: bool) -> Rc<Self> {
        let properties = hir.properties();
        Rc::new(Self {
            bytes: ByteSet::of(&hir),
            least: properties.minimum_len().unwrap_or(0),
            most: properties.maximum_len(),
            strings: strings(&hir),
            secret,
            hir,
        })
    }

    /// Whether what follows it begins a word: it is the start of a text or line, a word boundary, or
    /// one byte that no word has.
    pub(super) fn is_edge(&self) -> bool {
        is_edge(&self.hir)
    }
}

fn is_edge(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Look(look) => {
            matches!(look, Look::Start | Look::StartLF | Look::WordAscii | Look::WordStartAscii)
        }
        HirKind::Class(_) => ByteSet::of(hir).is_disjoint(&ByteSet::WORD),
        HirKind::Capture(capture) => is_edge(&capture.sub),
        HirKind::Alternation(choices) => choices.iter().all(is_edge),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Repetition(_) | HirKind::Concat(_) => false,
    }
}

/// Takes a pattern apart; the group of `secret_group` is the secret, 0 is the whole match.
pub(super) fn branches(pattern: &Hir, secret_group: usize) -> Vec<Branch> {
    Split { secret_group }.split(pattern, secret_group == 0)
}

struct Split {
    secret_group: usize,
}

impl Split {
    /// The parser's nest limit bounds the recursion.
    fn split(&self, hir: &Hir, secret: bool) -> Vec<Branch> {
        match hir.kind() {
            HirKind::Empty => vec![Vec::new()],
            HirKind::Capture(capture) => {
                let this = capture.index as usize == self.secret_group;
                self.split(&capture.sub, secret || this)
            }
            HirKind::Concat(row) => self.concat(row, secret),
            HirKind::Alternation(choices) => self.alternation(hir, choices, secret),
            HirKind::Repetition(repetition) => vec![repeat(hir, repetition, secret)],
            HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {
                vec![vec![Part::new(hir.clone(), secret)]]
            }
        }
    }

    fn concat(&self, row: &[Hir], secret: bool) -> Vec<Branch> {
        let mut all = vec![Branch::new()];
        for hir in row {
            let mut next = self.split(hir, secret);
            if all.len() * next.len() > BRANCHES_MAX {
                next = vec![vec![Part::new(hir.clone(), secret)]];
            }
            let join = |head: &Branch| {
                let head = head.clone();
                next.iter().map(move |tail| [head.as_slice(), tail.as_slice()].concat())
            };
            all = all.iter().flat_map(join).collect::<Vec<_>>();
        }
        all
    }

    fn alternation(&self, hir: &Hir, choices: &[Hir], secret: bool) -> Vec<Branch> {
        let whole = Part::new(hir.clone(), secret);
        // An edge, or words: branches of their own would tell no more.
        if whole.strings.is_some() || whole.most.is_some_and(|most| most <= 1) {
            return vec![vec![whole]];
        }
        let branches: Vec<Branch> =
            choices.iter().flat_map(|choice| self.split(choice, secret)).collect();
        if branches.len() > BRANCHES_MAX { vec![vec![whole]] } else { branches }
    }
}

/// Splits the first off a repeated small class: a string may go on into it.
fn repeat(hir: &Hir, repetition: &Repetition, secret: bool) -> Branch {
    let once = Part::new((*repetition.sub).clone(), secret);
    if repetition.min == 0 || once.most != Some(1) || once.strings.is_none() {
        return vec![Part::new(hir.clone(), secret)];
    }
    let rest = Repetition {
        min: repetition.min - 1,
        max: repetition.max.map(|max| max.saturating_sub(1)),
        ..repetition.clone()
    };
    vec![once, Part::new(Hir::repetition(rest), secret)]
}

/// Lists all that `hir` can be, folded; `None` where it is much.
fn strings(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let strings = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![Vec::new()],
        HirKind::Literal(literal) => vec![literal.0.to_ascii_lowercase()],
        HirKind::Class(class) => members(class, hir)?,
        HirKind::Capture(capture) => strings(&capture.sub)?,
        HirKind::Concat(row) => {
            let each = row.iter().map(strings);
            each.into_iter().try_fold(vec![Vec::new()], |all, next| product(&all, &next?))?
        }
        HirKind::Alternation(choices) => {
            choices.iter().map(strings).collect::<Option<Vec<_>>>()?.concat()
        }
        HirKind::Repetition(repetition) => repeated(repetition)?,
    };
    tidy(strings)
}

fn members(class: &Class, hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let Class::Bytes(_) = class else { return None };
    let members = ByteSet::of(hir).folded();
    (members.len() <= MEMBERS_MAX).then(|| members.into_iter().map(|byte| vec![byte]).collect())
}

fn repeated(repetition: &Repetition) -> Option<Vec<Vec<u8>>> {
    let max = repetition.max.filter(|max| *max as usize <= STRING_BYTES_MAX)?;
    let once = strings(&repetition.sub)?;
    let mut row = vec![Vec::new()];
    let mut all = if repetition.min == 0 { row.clone() } else { Vec::new() };
    for count in 1..=max {
        row = product(&row, &once)?;
        if count >= repetition.min {
            all.extend_from_slice(&row);
        }
        if all.len() > STRINGS_MAX {
            return None;
        }
    }
    Some(all)
}

/// Every string of `heads` followed by every string of `tails`.
fn product(heads: &[Vec<u8>], tails: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if heads.len() * tails.len() > STRINGS_MAX {
        return None;
    }
    let join = |head: &Vec<u8>| {
        let head = head.clone();
        tails.iter().map(move |tail| [head.as_slice(), tail.as_slice()].concat())
    };
    tidy(heads.iter().flat_map(join).collect())
}

fn tidy(mut strings: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    strings.sort();
    strings.dedup();
    let fits = strings.len() <= STRINGS_MAX
        && strings.iter().all(|string| string.len() <= STRING_BYTES_MAX);
    fits.then_some(strings)
}
