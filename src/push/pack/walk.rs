//! The walk along a pack's delta trees: each entry inflated once, depth first.

use crate::wire::{ObjectKind, Oid, Reach, UnscannedReason};

use super::super::content::{Content, Scratch};
use super::super::inflate::Zlib;
use super::super::limits::Limits;
use super::super::sink::{Emitter, ReadError, unreadable};
use super::Pack;
use super::known::Known;
use super::target::Target;
use super::tree::{Entry, Parent, Tree};
use super::windowed::{Sent, Windowed};

/// An entry on the way down whose deltas are being resolved.
struct Frame {
    content: Content,
    /// Which object it was to the sink, if the sink took it.
    number: Option<u32>,
    next_child: u32,
    last_child: u32,
    depth: u32,
}

/// What a delta is applied to.
#[derive(Clone, Copy)]
struct Base<'b> {
    content: &'b Content,
    number: Option<u32>,
}

impl Frame {
    fn as_base(&self) -> Base<'_> {
        Base { content: &self.content, number: self.number }
    }
}

/// A walk over all delta trees of a pack.
pub(super) struct Walk<'w, 'e> {
    pub(super) pack: &'w Pack,
    tree: &'w Tree,
    known: &'w Known,
    seen: Vec<bool>,
    /// Whether blobs that are deltas are sent as windows, once the sink says how far they have to go.
    in_windows: bool,
    windowed: Vec<Windowed>,
    pub(super) zlib: &'w mut Zlib,
    pub(super) emitter: &'w mut Emitter<'e>,
    pub(super) scratch: Scratch,
    delta_depth_max: u32,
}

impl<'w, 'e> Walk<'w, 'e> {
    pub(super) fn new(
        pack: &'w Pack,
        tree: &'w Tree,
        known: &'w Known,
        zlib: &'w mut Zlib,
        emitter: &'w mut Emitter<'e>,
        limits: &Limits,
    ) -> Self {
        Self {
            pack,
            tree,
            known,
            seen: vec![false; tree.entries.len()],
            in_windows: false,
            windowed: Vec::new(),
            zlib,
            emitter,
            scratch: Scratch::new(limits),
            delta_depth_max: limits.delta_depth_max,
        }
    }

    /// Sends blobs that are deltas as windows, if the sink takes any.
    pub(super) fn in_windows(mut self) -> Self {
        self.in_windows = true;
        self
    }

    /// Streams every entry, or reports it. Returns those that were sent as windows.
    pub(super) fn run(mut self) -> Result<Vec<Windowed>, ReadError> {
        self.roots()?;
        self.rest()?;
        Ok(self.windowed)
    }

    fn roots(&mut self) -> Result<(), ReadError> {
        for (rank, entry) in (0..).zip(&self.tree.entries) {
            match entry.parent {
                _ if self.known.is_idle(rank) => self.pass_over(rank),
                Parent::Root(kind) => self.root(rank, kind)?,
                Parent::Missing => self.give_up(rank, UnscannedReason::Missing)?,
                Parent::Damaged => self.give_up(rank, UnscannedReason::Unreadable)?,
                Parent::Base(_) => {}
            }
        }
        Ok(())
    }

    /// Reports the entries that no root leads to: cycles.
    fn rest(&mut self) -> Result<(), ReadError> {
        for (entry, seen) in self.tree.entries.iter().zip(&self.seen) {
            if !seen {
                let id = self.pack.oid(entry);
                self.emitter.unscanned(Some(id), UnscannedReason::Unreadable)?;
            }
        }
        Ok(())
    }

    /// Streams a root and, depth first, the deltas below it.
    fn root(&mut self, root: u32, kind: ObjectKind) -> Result<(), ReadError> {
        self.scratch.rewind();
        let mut stack: Vec<Frame> = self.entry(root, kind, None, 0)?.into_iter().collect();
        while let Some(frame) = stack.last_mut() {
            let child = self.tree.children.get(frame.next_child as usize).copied();
            frame.next_child += 1;
            let is_last = frame.next_child >= frame.last_child;
            let child = child.ok_or_else(unreadable)?;
            // A base is let go before the path goes on below its last delta, so that a long chain
            // holds two contents, not all.
            let below = if is_last {
                let Some(frame) = stack.pop() else { break };
                let below = self.entry(child, kind, Some(frame.as_base()), frame.depth + 1);
                self.scratch.release(frame.content);
                below?
            } else {
                self.entry(child, kind, Some(frame.as_base()), frame.depth + 1)?
            };
            stack.extend(below);
        }
        Ok(())
    }

    /// Streams one entry. Returns a frame if deltas against it are to follow.
    fn entry(
        &mut self,
        rank: u32,
        kind: ObjectKind,
        base: Option<Base<'_>>,
        depth: u32,
    ) -> Result<Option<Frame>, ReadError> {
        if self.known.is_idle(rank) {
            self.pass_over(rank);
            return Ok(None);
        }
        if depth > self.delta_depth_max {
            self.give_up(rank, UnscannedReason::DeltaDepth)?;
            return Ok(None);
        }
        self.mark(rank);
        let (next_child, last_child) = self.tree.children_of(rank);
        let has_deltas = next_child < last_child;
        let entry = self.tree.entry(rank)?;
        let id = self.pack.oid(entry);
        let outcome = self.read((rank, entry), id, kind, base, has_deltas);
        let (content, outcome) = match outcome {
            Ok(content) => (content, Ok(())),
            Err(error) => (None, Err(error)),
        };
        let reason = self.emitter.settle(id, outcome)?;
        match content {
            Some(content) if has_deltas => {
                let number = self.emitter.last_taken().filter(|_| !self.known.is_clean(rank));
                Ok(Some(Frame { content, number, next_child, last_child, depth }))
            }
            _ => {
                let reason = reason.unwrap_or(UnscannedReason::Scratch);
                self.give_up_below(rank, reason)?;
                Ok(None)
            }
        }
    }

    fn read(
        &mut self,
        (rank, entry): (u32, &Entry),
        id: Oid,
        kind: ObjectKind,
        base: Option<Base<'_>>,
        keep: bool,
    ) -> Result<Option<Content>, ReadError> {
        let head = self.pack.head(entry.start)?;
        let is_sent = !self.known.is_clean(rank);
        if let Some(Base { content: base, number: Some(number) }) = base
            && kind == ObjectKind::Blob
            && is_sent
            && let Some(reach) = self.reach()
            && let Some(sent) = self.read_windows(&head, id, base, number, &reach)?
        {
            return Ok(self.note(rank, sent, keep));
        }
        let mut target = Target::new(is_sent.then_some((&mut *self.emitter, id)));
        target.keep = keep;
        let base = base.map(|base| base.content);
        target.fill(self.pack, &head, kind, base, self.zlib, &mut self.scratch)
    }

    /// Says how far windows have to go, if there are to be any.
    fn reach(&self) -> Option<Reach> {
        self.emitter.reach().filter(|_| self.in_windows)
    }

    /// Notes what was sent as windows, and lets go of a content that no delta is applied to.
    fn note(&mut self, rank: u32, sent: Sent, keep: bool) -> Option<Content> {
        if let Some(number) = self.emitter.last_taken().filter(|_| sent.in_windows) {
            self.windowed.push(Windowed { number, rank });
        }
        if keep {
            return Some(sent.content);
        }
        self.scratch.release(sent.content);
        None
    }

    fn mark(&mut self, rank: u32) -> bool {
        let seen = self.seen.get_mut(rank as usize);
        seen.is_some_and(|seen| !std::mem::replace(seen, true))
    }

    /// Reports an entry and all deltas below it as not scanned.
    fn give_up(&mut self, rank: u32, reason: UnscannedReason) -> Result<(), ReadError> {
        self.mark(rank);
        let id = self.pack.oid(self.tree.entry(rank)?);
        self.emitter.unscanned(Some(id), reason)?;
        self.give_up_below(rank, reason)
    }

    /// Leaves out an entry and all deltas below it.
    fn pass_over(&mut self, rank: u32) {
        self.mark(rank);
        let mut pending = vec![rank];
        while let Some(rank) = pending.pop() {
            let tree = self.tree;
            for &child in tree.below(rank) {
                if self.mark(child) {
                    pending.push(child);
                }
            }
        }
    }

    fn give_up_below(&mut self, rank: u32, reason: UnscannedReason) -> Result<(), ReadError> {
        let mut pending = vec![rank];
        while let Some(rank) = pending.pop() {
            let tree = self.tree;
            for &child in tree.below(rank) {
                if self.mark(child) {
                    let id = self.pack.oid(self.tree.entry(child)?);
                    self.emitter.unscanned(Some(id), reason)?;
                    pending.push(child);
                }
            }
        }
        Ok(())
    }
}
