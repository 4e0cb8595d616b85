//! What a push is: ref updates, the objects it brings, and where they come from.
//!
//! ```text
//! stdin ───► stdin::parse ──► ref updates ─┐
//! environment ► Repository ────────────────┼─► Push ─► stream ──► Sink (quarantine, then outside)
//!                                          │      └──► locate ─► Sink (places, parents' versions)
//! ```
//!
//! The unit is the object, never the diff: `quarantine` streams every object that git received,
//! whether a ref reaches it or not, and `outside` those that a ref will newly reach though they
//! lay in the store already. Last comes the certificate of a signed push, which git stores by itself.
//! What cannot be read, or not in time, is an [`Unscanned`] with its reason. All bytes are hostile; memory is bounded whatever their size.
//!
//! Deliberately absent: the repository's configuration, replace refs, grafts and attributes (a push
//! may change them); any write; any decision about what a hit means.
//!
//! [`Unscanned`]: crate::wire::Unscanned

mod commit;
mod commits;
mod content;
mod delta;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(any(all(test, feature = "daemon"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod history;
mod id;
mod inflate;
mod limits;
mod locate;
mod loose;
mod obstacle;
mod outside;
mod owners;
mod pack;
mod quarantine;
mod refs;
mod repository;
mod seek;
mod sink;
pub mod stdin;
mod store;
#[cfg(test)]
mod tests;
mod tree;
pub(crate) mod windows;

pub use limits::Limits;
pub use repository::{Repository, RepositoryError};
pub use sink::{Answers, Sink};

use std::io;
use std::path::Path;

use crate::wire::{ObjectKind, Oid, OwnersFile, RefUpdate};

use commits::NewCommits;
use quarantine::Quarantine;
use refs::Refs;
use sink::Emitter;
use store::Store;

/// A push, ready to be streamed as often as need be.
pub struct Push<'a> {
    updates: &'a [RefUpdate],
    limits: Limits,
    refs: Refs,
    store: Store<'a>,
    commits: Option<NewCommits>,
}

impl<'a> Push<'a> {
    /// Looks at the quarantine's directory; opens nothing else yet.
    pub fn new(repository: &'a Repository, updates: &'a [RefUpdate], limits: Limits) -> Self {
        let quarantine = Quarantine::open(repository.quarantine.as_deref(), repository.hash);
        Self {
            updates,
            limits,
            refs: Refs::new(repository, updates),
            store: Store::new(repository, quarantine),
            commits: None,
        }
    }

    /// Looks at a push that was let in earlier: what its ref updates brought is new, although refs
    /// reach it by now. What stood before is what the updates say, not what the ref store holds.
    pub fn landed(repository: &'a Repository, updates: &'a [RefUpdate], limits: Limits) -> Self {
        let old = updates.iter().map(|update| update.old).filter(|old| !old.is_null());
        Self {
            refs: Refs::as_of(repository, old.collect()),
            ..Self::new(repository, updates, limits)
        }
    }

    /// Streams all objects that the push brings or newly reaches. Errors are the sink's own.
    pub fn stream(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let mut emitter = Emitter::new(sink, &self.limits);
        let is_all = outside::has_nothing(self.updates, &self.store);
        // Trees that are followed pass by here, whether they are known or not.
        let kinds =
            if is_all { &[ObjectKind::Blob, ObjectKind::Tree][..] } else { &[ObjectKind::Blob] };
        if !self.store.stream_quarantine(kinds, &mut emitter, &self.limits)? {
            return Ok(());
        }
        if !is_all {
            let (store, refs) = (&self.store, &mut self.refs);
            let commits = outside::stream(self.updates, store, refs, &mut emitter, &self.limits)?;
            self.commits = Some(commits);
        }
        self.store.stream_certificate(&mut emitter, &self.limits)
    }

    /// Returns the ref updates, with no old id but those that refs have. A client may claim any, and
    /// what is said to have stood there before is not looked at when a push is scanned later.
    pub fn believed(&mut self) -> Vec<RefUpdate> {
        let refs = &mut self.refs;
        let believed = self.updates.iter().map(|update| {
            let is_true = update.old.is_null() || refs.is_tip(update.old);
            let old = if is_true { update.old } else { update.old.to_null() };
            RefUpdate { old, ..update.clone() }
        });
        believed.collect()
    }

    /// Streams the objects of these numbers, ascending, whole: numbers count the objects that the sink
    /// took from 0, and each was taken as windows. Errors are the sink's own.
    pub fn stream_wanted(&self, numbers: &[u32], sink: &mut dyn Sink) -> io::Result<()> {
        let mut emitter = Emitter::new(sink, &self.limits);
        self.store.stream_wanted(numbers, &mut emitter, &self.limits)?;
        Ok(())
    }

    /// Says where `objects` come from. Errors are the sink's own.
    pub fn locate(&mut self, objects: &[Oid], sink: &mut dyn Answers) -> io::Result<()> {
        let commits = match self.commits.take() {
            Some(commits) => commits,
            None => {
                NewCommits::discover(self.updates, &self.store, &mut self.refs, &|| sink.is_late())
            }
        };
        let limits = &self.limits;
        locate::answer(objects, self.updates, &self.store, &mut self.refs, &commits, limits, sink)?;
        self.commits = Some(commits);
        Ok(())
    }
}

/// Returns the names of the refs that point at `tip`, at most `names_max`.
pub fn ref_names(repository: &Repository, tip: Oid, names_max: usize) -> Vec<Vec<u8>> {
    Refs::new(repository, &[]).names_of(tip, names_max)
}

/// Reads CODEOWNERS of the default branch of the repository at `path`, bare or with a work tree.
///
/// # Errors
/// If there is no repository, or the file cannot be read.
pub fn owners_file(path: &Path) -> io::Result<Option<OwnersFile>> {
    let repository = Repository::at(path)?;
    let refs = Refs::new(&repository, &[]);
    let store = Store::new(&repository, Quarantine::open(None, repository.hash));
    let unreadable = |_| io::Error::other("CODEOWNERS cannot be read");
    owners::read(&store, &refs).map_err(unreadable)
}
