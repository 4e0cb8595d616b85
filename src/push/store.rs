//! Single objects by id, from wherever they lie, opened only when something asks.
//!
//! ```text
//! captured while streaming ─► quarantine ─► own loose files ─► packs, sought ─► gix
//! ```
//!
//! The first two suffice for most of a small push, a loose file costs one `open`, and what is sought
//! in a pack a few reads; gix's object database, whose start costs the more the larger the
//! repository is, comes last. Replace refs and grafts are never followed.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use gix::objs::{Exists as _, FindHeader as _};
use gix::odb::Handle;
use gix::odb::pack::Find as _;
use gix::odb::store::init::Options;

use crate::wire::{HashKind, Object, ObjectKind, Oid, UnscannedReason};

use super::commit::Commit;
use super::id;
use super::inflate::Zlib;
use super::limits::Limits;
use super::loose;
use super::pack::Pack;
use super::quarantine::Quarantine;
use super::repository::Repository;
use super::seek::Packs;
use super::sink::{Emitter, ReadError};
use super::tree::TreeEntries;

/// The longest object that is read whole, in bytes: trees and commits, and blobs that are streamed
/// from gix's memory rather than from their pack.
const WHOLE_BYTES_MAX: usize = 32 << 20;

/// The most bytes of commits, trees and tags that are kept from the stream.
const CAPTURED_BYTES_MAX: usize = 8 << 20;

/// The longest `shallow` file that is read, in bytes.
const SHALLOW_BYTES_MAX: u64 = 16 << 20;

/// What was kept while the quarantine went by.
#[derive(Default)]
pub(super) struct Captured {
    objects: HashMap<Oid, (ObjectKind, Vec<u8>)>,
    bytes: usize,
    /// All commits of the quarantine.
    pub(super) commits: Vec<Oid>,
    /// All annotated tags of the quarantine.
    pub(super) tags: Vec<Oid>,
}

impl Captured {
    /// Keeps an object that is no blob, if there is room.
    pub(super) fn offer(&mut self, object: &Object, bytes: Option<&[u8]>) {
        match object.kind {
            ObjectKind::Blob => return,
            ObjectKind::Tree => {}
            ObjectKind::Commit => self.commits.push(object.id),
            ObjectKind::Tag => self.tags.push(object.id),
        }
        if let Some(bytes) = bytes
            && self.bytes + bytes.len() <= CAPTURED_BYTES_MAX
        {
            self.bytes += bytes.len();
            self.objects.insert(object.id, (object.kind, bytes.to_vec()));
        }
    }
}

/// The objects of a push and of its repository.
pub(super) struct Store<'r> {
    repository: &'r Repository,
    quarantine: Quarantine,
    captured: Captured,
    zlib: RefCell<Zlib>,
    packed_quarantine: OnceCell<Option<Handle>>,
    sought: RefCell<Option<Vec<Packs>>>,
    outside: OnceCell<Vec<Handle>>,
    shallow: OnceCell<HashSet<Oid>>,
}

impl<'r> Store<'r> {
    pub(super) fn new(repository: &'r Repository, quarantine: Quarantine) -> Self {
        Self {
            repository,
            quarantine,
            captured: Captured::default(),
            zlib: RefCell::new(Zlib::new()),
            packed_quarantine: OnceCell::new(),
            sought: RefCell::new(None),
            outside: OnceCell::new(),
            shallow: OnceCell::new(),
        }
    }

    pub(super) fn hash(&self) -> HashKind {
        self.repository.hash
    }

    pub(super) fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    pub(super) fn captured(&self) -> &Captured {
        &self.captured
    }

    /// Streams the quarantine. Returns whether the stream went to its end.
    pub(super) fn stream_quarantine(
        &mut self,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> io::Result<bool> {
        emitter.capture();
        let whole = self.quarantine.stream(self.zlib.get_mut(), emitter, limits)?;
        self.captured = emitter.captured();
        Ok(whole)
    }

    /// Reads an object whole into `content`. What is missing, damaged or over 32 MiB is none.
    pub(super) fn read(&self, id: Oid, content: &mut Vec<u8>) -> Option<ObjectKind> {
        if let Some((kind, bytes)) = self.captured.objects.get(&id) {
            content.clear();
            content.extend_from_slice(bytes);
            return Some(*kind);
        }
        if self.quarantine.is_loose(id) {
            return self.read_loose(self.quarantine.directory(), id, content);
        }
        if self.quarantine.contains(id) {
            return find(self.packed_quarantine()?, id, content);
        }
        self.read_loose(&self.repository.objects, id, content)
            .or_else(|| self.seek(id, content))
            .or_else(|| self.outside().iter().find_map(|store| find(store, id, content)))
    }

    /// Reads a commit's edges. Shallow commits have no parents.
    pub(super) fn commit(&self, id: Oid, content: &mut Vec<u8>) -> Option<Commit> {
        if self.read(id, content)? != ObjectKind::Commit {
            return None;
        }
        let mut commit = Commit::parse(content)?;
        if self.shallow().contains(&id) {
            commit.parents.clear();
        }
        Some(commit)
    }

    /// Reads a tree into `content`; anything else leaves it empty.
    pub(super) fn tree(&self, id: Option<Oid>, content: &mut Vec<u8>) -> bool {
        let is_tree = id.is_some_and(|id| self.read(id, content) == Some(ObjectKind::Tree));
        if !is_tree {
            content.clear();
        }
        is_tree
    }

    /// Returns what stands at `path` in a tree; the tree itself at the empty path.
    pub(super) fn lookup(&self, tree: Oid, path: &[u8]) -> Option<Oid> {
        let mut content = Vec::new();
        let names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
        names.into_iter().try_fold(tree, |tree, name| {
            self.tree(Some(tree), &mut content);
            let mut entries = TreeEntries::new(&content, self.hash());
            entries.find(|entry| entry.name == name).map(|entry| entry.id)
        })
    }

    /// Tells whether an object lies outside the quarantine.
    pub(super) fn is_outside(&self, id: Oid) -> bool {
        loose::path_of(&self.repository.objects, id).is_file()
            || self.outside().iter().any(|store| store.exists(&id::to_gix(id)))
    }

    /// Streams an object from wherever it lies, in bounded memory.
    pub(super) fn stream(
        &self,
        id: Oid,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> Result<(), ReadError> {
        let outcome = self.stream_any(id, emitter, limits);
        emitter.settle(id, outcome).map(drop)
    }

    fn stream_any(
        &self,
        id: Oid,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> Result<(), ReadError> {
        if self.quarantine.contains(id) {
            return self.quarantine.stream_one(id, &mut self.zlib.borrow_mut(), emitter, limits);
        }
        let mut content = Vec::new();
        if let Some(kind) = self.read_small(id, &mut content) {
            return emitter.object(id, kind, &content);
        }
        let zlib = &mut *self.zlib.borrow_mut();
        for store in self.directories() {
            let path = loose::path_of(&store, id);
            if loose::stream(&path, id, zlib, emitter)? {
                return Ok(());
            }
            for pack in packs(&store, self.hash()) {
                if pack.stream_one(id, zlib, emitter, limits)? {
                    return Ok(());
                }
            }
        }
        Err(ReadError::Object(UnscannedReason::Missing))
    }

    /// Reads an object outside the quarantine that is short enough to be held whole.
    fn read_small(&self, id: Oid, content: &mut Vec<u8>) -> Option<ObjectKind> {
        let find_small = |store: &Handle| {
            let header = store.try_header(&id::to_gix(id)).ok()??;
            if header.size > WHOLE_BYTES_MAX as u64 { None } else { find(store, id, content) }
        };
        self.outside().iter().find_map(find_small)
    }

    /// Returns all directories that hold objects: the repository's own, and alternates.
    fn directories(&self) -> Vec<PathBuf> {
        let mut directories = Vec::new();
        for store in self.outside_directories() {
            let more = gix::odb::alternate::resolve(store.clone(), Path::new("/"));
            directories.push(store);
            directories.extend(more.unwrap_or_default());
        }
        directories
    }

    fn outside_directories(&self) -> Vec<PathBuf> {
        let repository = self.repository;
        let stores = std::iter::once(&repository.objects).chain(&repository.alternates);
        stores.cloned().collect()
    }

    fn read_loose(&self, store: &Path, id: Oid, content: &mut Vec<u8>) -> Option<ObjectKind> {
        let path = loose::path_of(store, id);
        let zlib = &mut *self.zlib.borrow_mut();
        loose::read(&path, WHOLE_BYTES_MAX as u64, zlib, content).ok()?
    }

    /// Reads an object from the packs outside the quarantine, without gix.
    fn seek(&self, id: Oid, content: &mut Vec<u8>) -> Option<ObjectKind> {
        let list = |store: PathBuf| Packs::list(&store, self.hash());
        let mut sought = self.sought.borrow_mut();
        let stores = sought.get_or_insert_with(|| {
            self.outside_directories().into_iter().map(list).collect::<Vec<_>>()
        });
        let zlib = &mut *self.zlib.borrow_mut();
        stores.iter_mut().find_map(|packs| packs.read(id, WHOLE_BYTES_MAX, zlib, content))
    }

    fn packed_quarantine(&self) -> Option<&Handle> {
        let open = || open(self.quarantine.directory(), self.hash());
        self.packed_quarantine.get_or_init(open).as_ref()
    }

    fn outside(&self) -> &[Handle] {
        self.outside.get_or_init(|| {
            let stores = self.outside_directories();
            stores.iter().filter_map(|store| open(store, self.hash())).collect()
        })
    }

    fn shallow(&self) -> &HashSet<Oid> {
        self.shallow.get_or_init(|| {
            let path = &self.repository.shallow;
            let is_short =
                std::fs::metadata(path).is_ok_and(|file| file.len() <= SHALLOW_BYTES_MAX);
            let lines = if is_short { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
            lines.split(|&byte| byte == b'\n').filter_map(Oid::from_hex).collect()
        })
    }

    /// Tells whether there is nothing but the quarantine: a first push.
    pub(super) fn is_all_there_is(&self) -> bool {
        let objects = &self.repository.objects;
        let is_empty = |directory: PathBuf| {
            std::fs::read_dir(directory).map_or(true, |mut entries| entries.next().is_none())
        };
        let has_loose = std::fs::read_dir(objects).map_or(true, |mut entries| {
            entries.any(|entry| entry.map_or(true, |entry| entry.file_name().len() == 2))
        });
        self.repository.alternates.is_empty()
            && !has_loose
            && is_empty(objects.join("pack"))
            && !objects.join("info/alternates").exists()
    }
}

fn open(directory: &Path, hash: HashKind) -> Option<Handle> {
    let options = Options { alloc_limit_bytes: Some(WHOLE_BYTES_MAX), ..Options::default() };
    let hash = id::hash_to_gix(hash);
    let mut store = gix::odb::at_opts(directory, hash, None, options).ok()?;
    // Nothing appears while git waits for us; a miss must not list the directories again.
    store.refresh_never();
    Some(store)
}

fn find(store: &Handle, id: Oid, content: &mut Vec<u8>) -> Option<ObjectKind> {
    let (found, _) = store.try_find(&id::to_gix(id), content).ok()??;
    Some(id::kind_from_gix(found.kind))
}

fn packs(store: &Path, hash: HashKind) -> impl Iterator<Item = Pack> {
    let entries = std::fs::read_dir(store.join("pack")).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let indices = paths.filter(|path| path.extension().is_some_and(|end| end == "idx"));
    indices.filter_map(move |path| Pack::open(&path, hash).ok())
}
