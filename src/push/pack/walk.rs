//! The walk along a pack's delta trees: each entry inflated once, depth first.

use crate::wire::{ObjectKind, Oid, UnscannedReason};

use super::super::content::{Content, Scratch};
use super::super::inflate::Zlib;
use super::super::limits::Limits;
use super::super::sink::{Emitter, ReadError, unreadable};
use super::Pack;
use super::known::Known;
use super::target::Target;
use super::tree::{Entry, Parent, Tree};

/// An entry on the way down whose deltas are being resolved.
struct Frame {
    content: Content,
    next_child: u32,
    last_child: u32,
    depth: u32,
}

/// A walk over all delta trees of a pack.
pub(super) struct Walk<'w, 'e> {
    pack: &'w Pack,
    tree: &'w Tree,
    known: &'w Known,
    seen: Vec<bool>,
    zlib: &'w mut Zlib,
    emitter: &'w mut Emitter<'e>,
    scratch: Scratch,
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
            zlib,
            emitter,
            scratch: Scratch::new(limits),
            delta_depth_max: limits.delta_depth_max,
        }
    }

    /// Streams every entry, or reports it.
    pub(super) fn run(mut self) -> Result<(), ReadError> {
        self.roots()?;
        self.rest()
    }

    fn roots(&mut self) -> Result<(), ReadError> {
        for (rank, entry) in (0..).zip(&self.tree.entries) {
            match entry.parent {
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
                let below = self.entry(child, kind, Some(&frame.content), frame.depth + 1);
                self.scratch.release(frame.content);
                below?
            } else {
                self.entry(child, kind, Some(&frame.content), frame.depth + 1)?
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
        base: Option<&Content>,
        depth: u32,
    ) -> Result<Option<Frame>, ReadError> {
        if depth > self.delta_depth_max {
            self.give_up(rank, UnscannedReason::DeltaDepth)?;
            return Ok(None);
        }
        self.mark(rank);
        if self.known.is_idle(rank) {
            self.pass_over_below(rank);
            return Ok(None);
        }
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
                Ok(Some(Frame { content, next_child, last_child, depth }))
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
        base: Option<&Content>,
        keep: bool,
    ) -> Result<Option<Content>, ReadError> {
        let head = self.pack.head(entry.start)?;
        let emitter = (!self.known.is_clean(rank)).then_some((&mut *self.emitter, id));
        let mut target = Target::new(emitter);
        target.keep = keep;
        target.fill(self.pack, &head, kind, base, self.zlib, &mut self.scratch)
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

    /// Leaves out all deltas below an entry.
    fn pass_over_below(&mut self, rank: u32) {
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
