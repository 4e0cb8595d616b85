//! This repository's own refs, as they stand before the push.
//!
//! The old ids on standard input are what the client claims; only what the ref store holds counts.
//! A ref or a store that cannot be read names nothing: what only it reached is not old, the safe side.

mod tables;

use std::collections::HashSet;

use gix::refs::file::Store;
use gix::refs::{FullName, Target};

use crate::wire::{Oid, RefUpdate};

use super::id;
use super::repository::Repository;

use tables::Tables;

/// How many symbolic refs are followed from `HEAD`.
const SYMBOLIC_DEPTH_MAX: usize = 5;

/// The refs, read as they are needed.
pub(super) struct Refs {
    store: RefStore,
    updated_names: Vec<Vec<u8>>,
    updated: Option<HashSet<Oid>>,
    all: Option<Vec<Oid>>,
    all_set: HashSet<Oid>,
}

/// How a repository keeps its refs.
enum RefStore {
    Files(Store),
    Tables(Tables),
}

impl RefStore {
    fn of(repository: &Repository) -> Self {
        let git_dir = &repository.git_dir;
        Tables::of(git_dir).map_or_else(
            || Self::Files(Store::at(git_dir.clone(), id::hash_to_gix(repository.hash))),
            Self::Tables,
        )
    }
}

impl Refs {
    pub(super) fn new(repository: &Repository, updates: &[RefUpdate]) -> Self {
        let existing = updates.iter().filter(|update| !update.old.is_null());
        Self {
            store: RefStore::of(repository),
            updated_names: existing.map(|update| update.name.clone()).collect(),
            updated: None,
            all: None,
            all_set: HashSet::new(),
        }
    }

    /// Takes `tips` for all refs that there are, except for the default branch.
    pub(super) fn as_of(repository: &Repository, tips: Vec<Oid>) -> Self {
        let all_set: HashSet<Oid> = tips.iter().copied().collect();
        Self {
            all: Some(tips),
            updated: Some(all_set.clone()),
            all_set,
            ..Self::new(repository, &[])
        }
    }

    /// Tells whether a ref points at `id`. The refs that the push updates are asked first.
    pub(super) fn is_tip(&mut self, id: Oid) -> bool {
        let (store, names) = (&self.store, &self.updated_names);
        let updated = self.updated.get_or_insert_with(|| match store {
            RefStore::Files(store) => {
                names.iter().filter_map(|name| target_of(store, name, SYMBOLIC_DEPTH_MAX)).collect()
            }
            // All of them come at once.
            RefStore::Tables(_) => HashSet::new(),
        });
        if updated.contains(&id) {
            return true;
        }
        self.all();
        self.all_set.contains(&id)
    }

    /// Returns the ids that all refs and a detached `HEAD` point at.
    pub(super) fn all(&mut self) -> &[Oid] {
        let (store, set) = (&self.store, &mut self.all_set);
        self.all.get_or_insert_with(|| {
            let all = match store {
                RefStore::Files(store) => list(store),
                RefStore::Tables(tables) => tables.tips(),
            };
            set.extend(all.iter().copied());
            all
        })
    }

    /// Returns the names of the refs that point at `tip`, at most `names_max`.
    pub(super) fn names_of(&self, tip: Oid, names_max: usize) -> Vec<Vec<u8>> {
        let store = match &self.store {
            RefStore::Files(store) => store,
            RefStore::Tables(tables) => return tables.names_of(tip, names_max),
        };
        let (Ok(platform), tip) = (store.iter(), Target::Object(id::to_gix(tip))) else {
            return Vec::new();
        };
        let Ok(refs) = platform.all() else {
            return Vec::new();
        };
        let there = refs.filter_map(Result::ok).filter(|reference| reference.target == tip);
        there.map(|reference| reference.name.as_bstr().to_vec()).take(names_max).collect()
    }

    /// Returns what the default branch points at.
    pub(super) fn default_branch(&self) -> Option<Oid> {
        match &self.store {
            RefStore::Files(store) => target_of(store, b"HEAD", SYMBOLIC_DEPTH_MAX),
            RefStore::Tables(tables) => tables.head(),
        }
    }
}

fn list(store: &Store) -> Vec<Oid> {
    let mut ids = HashSet::new();
    ids.extend(target_of(store, b"HEAD", 0));
    if let Ok(platform) = store.iter()
        && let Ok(refs) = platform.all()
    {
        for reference in refs.filter_map(Result::ok) {
            if let Target::Object(target) = &reference.target {
                ids.insert(id::from_gix(target));
            }
        }
    }
    ids.into_iter().collect()
}

/// Follows the ref `name` to an object.
fn target_of(store: &Store, name: &[u8], mut depth_left: usize) -> Option<Oid> {
    let mut name = FullName::try_from(gix::bstr::BString::from(name)).ok()?;
    loop {
        let found = store.try_find(name.as_ref()).ok()??;
        match found.target {
            Target::Object(target) => return Some(id::from_gix(&target)),
            Target::Symbolic(next) => {
                depth_left = depth_left.checked_sub(1)?;
                name = next;
            }
        }
    }
}
