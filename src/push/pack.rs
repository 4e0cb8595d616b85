//! A pack, read entry by entry along its delta trees.
//!
//! ```text
//! .idx: id → offset        entries in offset order, each:
//! .pack: entries             root  (kind, zlib)          ─► streamed as it inflates
//!                            delta (base, zlib)          ─► applied to its base, depth first
//! ```
//!
//! Every entry that the index names is streamed, reached by a ref or not; each is inflated once.
//! The walk keeps only the contents on the path from the root, on a stack of its own: a chain of
//! thousands of deltas, as a hostile pack may hold, costs no recursion. What belongs to a cycle,
//! to a base that is not there or to a damaged base is reported id by id.

mod known;
mod target;
mod tree;
mod walk;
mod windowed;

use std::path::Path;

use gix::odb::pack::data::entry::Header;
use gix::odb::pack::{data, index};

use crate::wire::{HashKind, ObjectKind, Oid, UnscannedReason};

use super::content::Scratch;
use super::id;
use super::inflate::Zlib;
use super::limits::Limits;
use super::sink::{Emitter, ReadError, unreadable};

use known::Known;
use target::Target;
use tree::{Entry, Parent, Tree};
use walk::Walk;
use windowed::Windowed;

/// A pack and its index, mapped by gix.
pub(super) struct Pack {
    index: index::File,
    data: data::File,
    hash: gix::hash::Kind,
    /// What was sent as windows, and the tree to find it in; none if nothing was.
    windowed: Option<(Tree, Vec<Windowed>)>,
}

impl Pack {
    /// Opens the pack that `index` (a path ending in `.idx`) belongs to.
    pub(super) fn open(index: &Path, hash: HashKind) -> Result<Self, ReadError> {
        let hash = id::hash_to_gix(hash);
        let pack = index.with_extension("pack");
        let index = index::File::at(index, hash).map_err(|_| unreadable())?;
        let data = data::File::at(pack, hash).map_err(|_| unreadable())?;
        if index.num_objects() != data.num_objects() {
            return Err(unreadable());
        }
        Ok(Self { index, data, hash, windowed: None })
    }

    pub(super) fn contains(&self, id: Oid) -> bool {
        self.index.lookup(id::to_gix(id)).is_some()
    }

    /// Streams all objects: blobs that are deltas as windows, if the sink takes any. Of a large pack,
    /// those of `kinds` are left out that are known.
    pub(super) fn stream(
        &mut self,
        kinds: &[ObjectKind],
        zlib: &mut Zlib,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> Result<(), ReadError> {
        if u64::from(self.index.num_objects()) > limits.objects_max {
            return Err(ReadError::Push(UnscannedReason::ObjectCount));
        }
        let tree = Tree::new(self.entries());
        let known = if self.is_worth_an_offer(limits) {
            Known::ask(self, &tree, kinds, emitter)?
        } else {
            Known::default()
        };
        let walk = Walk::new(self, &tree, &known, zlib, emitter, limits);
        let windowed = walk.in_windows().run()?;
        self.windowed = (!windowed.is_empty()).then_some((tree, windowed));
        Ok(())
    }

    /// Streams the objects of these numbers, ascending, that were sent as windows; what is not
    /// wanted is read only where it leads to one that is.
    pub(super) fn stream_wanted(
        &self,
        numbers: &[u32],
        zlib: &mut Zlib,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> Result<(), ReadError> {
        let Some((tree, windowed)) = &self.windowed else { return Ok(()) };
        let is_wanted = |entry: &&Windowed| numbers.binary_search(&entry.number).is_ok();
        let ranks: Vec<u32> = windowed.iter().filter(is_wanted).map(|entry| entry.rank).collect();
        if ranks.is_empty() {
            return Ok(());
        }
        let known = Known::all_but(&ranks, tree);
        Walk::new(self, tree, &known, zlib, emitter, limits).run().map(drop)
    }

    fn is_worth_an_offer(&self, limits: &Limits) -> bool {
        self.index.num_objects() >= limits.offer_objects_min
            || self.data.pack_end() as u64 >= limits.offer_bytes_min
    }

    /// Streams object `id`, wherever in a delta chain it stands.
    ///
    /// Returns false if the pack does not hold it.
    pub(super) fn stream_one(
        &self,
        id: Oid,
        zlib: &mut Zlib,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> Result<bool, ReadError> {
        let Some(number) = self.index.lookup(id::to_gix(id)) else {
            return Ok(false);
        };
        let (kind, chain) = self.chain(self.index.pack_offset_at_index(number), limits)?;
        let mut scratch = Scratch::new(limits);
        let mut base = None;
        for (step, entry) in chain.iter().rev().enumerate() {
            let is_last = step + 1 == chain.len();
            let mut target = Target::new(if is_last { Some((&mut *emitter, id)) } else { None });
            let content = target.fill(self, entry, kind, base.as_ref(), zlib, &mut scratch)?;
            if let Some(base) = std::mem::replace(&mut base, content) {
                scratch.release(base);
            }
            if base.is_none() && !is_last {
                return Err(ReadError::Object(UnscannedReason::Scratch));
            }
        }
        Ok(true)
    }

    /// Returns the entries from the one at `start` to the root of its chain, and the root's kind.
    fn chain(
        &self,
        mut start: u64,
        limits: &Limits,
    ) -> Result<(ObjectKind, Vec<data::Entry>), ReadError> {
        let mut chain = Vec::new();
        loop {
            if chain.len() > limits.delta_depth_max as usize {
                return Err(ReadError::Object(UnscannedReason::DeltaDepth));
            }
            let entry = self.head(start)?;
            let base = self.base_of(&entry);
            chain.push(entry);
            match base {
                Base::None(kind) => return Ok((kind, chain)),
                Base::At(offset) => start = offset,
                Base::Missing => return Err(ReadError::Object(UnscannedReason::Missing)),
                Base::Damaged => return Err(unreadable()),
            }
        }
    }

    fn oid(&self, entry: &Entry) -> Oid {
        id::from_gix(self.index.oid_at_index(entry.number))
    }

    /// Reads the head of the entry at `start`.
    fn head(&self, start: u64) -> Result<data::Entry, ReadError> {
        let end = self.data.pack_end() as u64;
        let bytes = self.data.entry_slice(start..end).ok_or_else(unreadable)?;
        data::Entry::from_bytes(bytes, start, self.hash).map_err(|_| unreadable())
    }

    /// Returns the deflated bytes from `start` to the end of the pack.
    fn deflated(&self, start: u64) -> Result<&[u8], ReadError> {
        let end = self.data.pack_end() as u64;
        self.data.entry_slice(start..end).ok_or_else(unreadable)
    }

    fn base_of(&self, entry: &data::Entry) -> Base {
        match entry.header {
            Header::OfsDelta { base_distance } => {
                let base = entry.checked_base_pack_offset(base_distance);
                base.map_or(Base::Damaged, Base::At)
            }
            Header::RefDelta { base_id } => match self.index.lookup(base_id) {
                Some(number) => Base::At(self.index.pack_offset_at_index(number)),
                None => Base::Missing,
            },
            Header::Commit => Base::None(ObjectKind::Commit),
            Header::Tree => Base::None(ObjectKind::Tree),
            Header::Blob => Base::None(ObjectKind::Blob),
            Header::Tag => Base::None(ObjectKind::Tag),
        }
    }

    /// Returns all entries in offset order.
    fn entries(&self) -> Vec<Entry> {
        let mut starts: Vec<(u64, u32)> = (0..self.index.num_objects())
            .map(|number| (self.index.pack_offset_at_index(number), number))
            .collect();
        starts.sort_unstable();
        let parent = |start| match self.head(start).map(|entry| self.base_of(&entry)) {
            Ok(Base::None(kind)) => Parent::Root(kind),
            Ok(Base::At(base)) => rank(&starts, base).map_or(Parent::Missing, Parent::Base),
            Ok(Base::Missing) => Parent::Missing,
            Ok(Base::Damaged) | Err(_) => Parent::Damaged,
        };
        let entry = |&(start, number)| Entry { start, number, parent: parent(start) };
        starts.iter().map(entry).collect()
    }
}

/// Where an entry's base is.
enum Base {
    None(ObjectKind),
    At(u64),
    Missing,
    Damaged,
}

fn rank(starts: &[(u64, u32)], start: u64) -> Option<u32> {
    let found = starts.binary_search_by_key(&start, |&(start, _)| start).ok()?;
    u32::try_from(found).ok()
}
