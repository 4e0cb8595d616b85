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
use std::fs::File;
use std::io::{self, Read};
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
use super::obstacle::Obstacle;
use super::pack::Pack;
use super::quarantine::Quarantine;
use super::repository::Repository;
use super::seek::Packs;
use super::sink::{Emitter, ReadError, close, unreadable};
use super::tree::{TreeEntries, is_whole};

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
    /// The stores outside the quarantine; none for one that is there and cannot be opened.
    outside: OnceCell<Vec<Option<Handle>>>,
    shallow: OnceCell<Option<HashSet<Oid>>>,
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

    /// Streams the quarantine, but for objects of `kinds` that are known. Returns whether the stream
    /// went to its end.
    pub(super) fn stream_quarantine(
        &mut self,
        kinds: &[ObjectKind],
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> io::Result<bool> {
        emitter.capture();
        let whole = self.quarantine.stream(kinds, self.zlib.get_mut(), emitter, limits)?;
        self.captured = emitter.captured();
        Ok(whole)
    }

    /// Streams the certificate of a signed push. Errors are the sink's own.
    pub(super) fn stream_certificate(
        &self,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> io::Result<()> {
        let Some(id) = self.repository.certificate else { return Ok(()) };
        let outcome = self.stream(id, emitter, limits).map(drop);
        close(outcome, emitter).map(drop)
    }

    /// Streams the objects of these numbers, ascending, that were sent as windows.
    pub(super) fn stream_wanted(
        &self,
        numbers: &[u32],
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> io::Result<bool> {
        self.quarantine.stream_wanted(numbers, &mut self.zlib.borrow_mut(), emitter, limits)
    }

    /// Reads an object whole into `content`. None if it is nowhere.
    ///
    /// # Errors
    /// If it is there and cannot be read, or is over 32 MiB.
    pub(super) fn read(
        &self,
        id: Oid,
        content: &mut Vec<u8>,
    ) -> Result<Option<ObjectKind>, Obstacle> {
        if let Some((kind, bytes)) = self.captured.objects.get(&id) {
            content.clear();
            content.extend_from_slice(bytes);
            return Ok(Some(*kind));
        }
        if self.quarantine.is_loose(id) {
            return self.read_loose(self.quarantine.directory(), id, content);
        }
        if self.quarantine.contains(id) {
            return find(self.packed_quarantine().ok_or(Obstacle::Damaged)?, id, content);
        }
        self.read_outside(id, content)
    }

    /// Reads an object from outside the quarantine: its first copy that can be read.
    fn read_outside(&self, id: Oid, content: &mut Vec<u8>) -> Result<Option<ObjectKind>, Obstacle> {
        let mut outcome = self.read_loose(&self.repository.objects, id, content);
        if let Ok(None) = outcome {
            outcome = Ok(self.seek(id, content));
        }
        for store in self.outside() {
            if let Ok(Some(_)) = outcome {
                break;
            }
            let store = store.as_ref().ok_or(Obstacle::Damaged);
            outcome = match (outcome, store.and_then(|store| find(store, id, content))) {
                (_, Ok(Some(kind))) => Ok(Some(kind)),
                (Err(obstacle), _) | (_, Err(obstacle)) => Err(obstacle),
                (Ok(_), Ok(None)) => Ok(None),
            };
        }
        outcome
    }

    /// Reads a commit's edges. Shallow commits have no parents. None if it is nowhere, or is no
    /// commit.
    ///
    /// # Errors
    /// If it is there and its edges cannot be told.
    pub(super) fn commit(
        &self,
        id: Oid,
        content: &mut Vec<u8>,
    ) -> Result<Option<Commit>, Obstacle> {
        if self.read(id, content)? != Some(ObjectKind::Commit) {
            return Ok(None);
        }
        let mut commit = Commit::parse(content, self.hash())?;
        if self.shallow().is_some_and(|shallow| shallow.contains(&id)) {
            commit.parents.clear();
        }
        Ok(Some(commit))
    }

    /// Reads the edges of a commit that only makes other things old: what cannot be read does not,
    /// and where it cannot be told which commits are shallow, any may be.
    pub(super) fn old_commit(&self, id: Oid, content: &mut Vec<u8>) -> Option<Commit> {
        let mut commit = self.commit(id, content).unwrap_or_default()?;
        if self.shallow().is_none() {
            commit.parents.clear();
        }
        Some(commit)
    }

    /// Reads a tree into `content`, and tells whether there is one; else `content` is empty.
    ///
    /// # Errors
    /// If it is there and cannot be read to its last entry; `content` is empty then too.
    pub(super) fn tree(&self, id: Oid, content: &mut Vec<u8>) -> Result<bool, Obstacle> {
        let outcome = match self.read(id, content) {
            Ok(Some(ObjectKind::Tree)) if is_whole(content, self.hash()) => return Ok(true),
            Ok(Some(ObjectKind::Tree)) => Err(Obstacle::Damaged),
            Ok(_) => Ok(false),
            Err(obstacle) => Err(obstacle),
        };
        content.clear();
        outcome
    }

    /// Reads a tree that only makes other things old, or explains them: what cannot be read does
    /// neither, and is as good as empty.
    pub(super) fn old_tree(&self, id: Oid, content: &mut Vec<u8>) {
        if self.tree(id, content).is_err() {
            content.clear();
        }
    }

    /// Returns what stands at `path` in a tree; the tree itself at the empty path.
    pub(super) fn lookup(&self, tree: Oid, path: &[u8]) -> Result<Option<Oid>, Obstacle> {
        let mut content = Vec::new();
        let mut found = tree;
        for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            self.tree(found, &mut content)?;
            let mut entries = TreeEntries::new(&content, self.hash());
            match entries.find(|entry| entry.name == name) {
                Some(entry) => found = entry.id,
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    /// Tells whether an object lies outside the quarantine.
    pub(super) fn is_outside(&self, id: Oid) -> bool {
        loose::path_of(&self.repository.objects, id).is_file()
            || self.opened().any(|store| store.exists(&id::to_gix(id)))
    }

    /// Tells what an object is that [`read`](Self::read) may have found too long.
    pub(super) fn kind(&self, id: Oid) -> Option<ObjectKind> {
        let quarantine = self.packed_quarantine().filter(|_| self.quarantine.contains(id));
        let mut stores = quarantine.into_iter().chain(self.opened());
        let header = stores.find_map(|store| store.try_header(&id::to_gix(id)).ok().flatten());
        header.map(|header| id::kind_from_gix(header.kind))
    }

    /// Streams an object from wherever it lies, in bounded memory. Returns the reason if it could
    /// not be read, which the sink has heard.
    pub(super) fn stream(
        &self,
        id: Oid,
        emitter: &mut Emitter<'_>,
        limits: &Limits,
    ) -> Result<Option<UnscannedReason>, ReadError> {
        let outcome = self.stream_any(id, emitter, limits);
        emitter.settle(id, outcome)
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
        let (directories, mut is_all) = self.directories();
        for store in directories {
            let path = loose::path_of(&store, id);
            if loose::stream(&path, id, zlib, emitter)? {
                return Ok(());
            }
            for pack in packs(&store, self.hash()) {
                match pack {
                    Ok(pack) if pack.stream_one(id, zlib, emitter, limits)? => return Ok(()),
                    Ok(_) => {}
                    Err(_) => is_all = false,
                }
            }
        }
        // What could not be opened may hold it.
        Err(if is_all { ReadError::Object(UnscannedReason::Missing) } else { unreadable() })
    }

    /// Reads an object outside the quarantine that is short enough to be held whole.
    fn read_small(&self, id: Oid, content: &mut Vec<u8>) -> Option<ObjectKind> {
        let find_small = |store: &Handle| {
            // What is longer, or cannot be read here, is streamed from where it lies.
            let header = store.try_header(&id::to_gix(id)).ok()??;
            let is_small = header.size <= WHOLE_BYTES_MAX as u64;
            if is_small { find(store, id, content).ok()? } else { None }
        };
        self.opened().find_map(find_small)
    }

    /// Returns all directories that hold objects: the repository's own, and alternates. Tells too
    /// whether these are all of them.
    fn directories(&self) -> (Vec<PathBuf>, bool) {
        let mut directories = Vec::new();
        let mut is_all = true;
        for store in self.outside_directories() {
            let more = gix::odb::alternate::resolve(store.clone(), Path::new("/"));
            directories.push(store);
            is_all &= more.is_ok();
            directories.extend(more.unwrap_or_default());
        }
        (directories, is_all)
    }

    fn outside_directories(&self) -> Vec<PathBuf> {
        let repository = self.repository;
        let stores = std::iter::once(&repository.objects).chain(&repository.alternates);
        stores.cloned().collect()
    }

    fn read_loose(
        &self,
        store: &Path,
        id: Oid,
        content: &mut Vec<u8>,
    ) -> Result<Option<ObjectKind>, Obstacle> {
        let path = loose::path_of(store, id);
        let zlib = &mut *self.zlib.borrow_mut();
        loose::read(&path, WHOLE_BYTES_MAX as u64, zlib, content)
    }

    /// Reads an object from the packs outside the quarantine, without gix. None says nothing: gix
    /// may find it.
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

    fn outside(&self) -> &[Option<Handle>] {
        self.outside.get_or_init(|| {
            let mut stores = self.outside_directories();
            // git passes over alternates that are gone.
            stores.retain(|store| !is_absent(store));
            stores.iter().map(|store| open(store, self.hash())).collect()
        })
    }

    fn opened(&self) -> impl Iterator<Item = &Handle> {
        self.outside().iter().flatten()
    }

    /// Returns the commits that have no parents here; none if that cannot be told.
    fn shallow(&self) -> Option<&HashSet<Oid>> {
        self.shallow.get_or_init(|| read_shallow(&self.repository.shallow)).as_ref()
    }

    /// Tells whether there is nothing but the quarantine: a first push. What cannot be listed may
    /// hold anything.
    pub(super) fn is_all_there_is(&self) -> bool {
        let objects = &self.repository.objects;
        let is_empty = |directory: PathBuf| match std::fs::read_dir(directory) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let has_loose = std::fs::read_dir(objects).map_or(true, |mut entries| {
            entries.any(|entry| entry.map_or(true, |entry| entry.file_name().len() == 2))
        });
        self.repository.alternates.is_empty()
            && !has_loose
            && is_empty(objects.join("pack"))
            && is_absent(&objects.join("info/alternates"))
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

/// Reads a list of shallow commits. One that is not there is empty; None if it makes no sense.
fn read_shallow(path: &Path) -> Option<HashSet<Oid>> {
    if is_absent(path) {
        return Some(HashSet::new());
    }
    let mut bytes = Vec::new();
    let mut file = File::open(path).ok()?.take(SHALLOW_BYTES_MAX + 1);
    file.read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > SHALLOW_BYTES_MAX {
        return None;
    }
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(Oid::from_hex).collect()
}

/// Tells whether nothing stands at a path. What cannot be looked at may be there.
fn is_absent(path: &Path) -> bool {
    let found = std::fs::symlink_metadata(path);
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn find(store: &Handle, id: Oid, content: &mut Vec<u8>) -> Result<Option<ObjectKind>, Obstacle> {
    let id = id::to_gix(id);
    let found = store.try_find(&id, content).map_err(|_| {
        let header = store.try_header(&id).ok().flatten();
        let is_long = header.is_some_and(|header| header.size > WHOLE_BYTES_MAX as u64);
        if is_long { Obstacle::TooLong } else { Obstacle::Damaged }
    })?;
    Ok(found.map(|(found, _)| id::kind_from_gix(found.kind)))
}

/// Opens the packs below `store`. One that cannot be opened or listed is an error among them.
fn packs(store: &Path, hash: HashKind) -> impl Iterator<Item = Result<Pack, ReadError>> {
    let (entries, error) = match std::fs::read_dir(store.join("pack")) {
        Ok(entries) => (Some(entries), None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (None, None),
        Err(_) => (None, Some(Err(unreadable()))),
    };
    let packs = entries.into_iter().flatten().filter_map(move |entry| match entry {
        Ok(entry) => {
            let path = entry.path();
            let is_index = path.extension().is_some_and(|end| end == "idx");
            is_index.then(|| Pack::open(&path, hash))
        }
        Err(_) => Some(Err(unreadable())),
    });
    packs.chain(error)
}
