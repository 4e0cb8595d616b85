//! The commits of a push, ancestors first, and how each stands in it.
//!
//! A commit belongs to the push if it lies in the quarantine, reached by a new tip or not, or if a
//! new tip newly reaches it in the store (a fork's alternates). The walk ends at commits that own
//! refs reached before.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::wire::{ObjectKind, Oid, RefUpdate, Topology};

use super::commit::{Commit, tag_target};
use super::history::Ancestry;
use super::obstacle::Obstacle;
use super::refs::Refs;
use super::store::Store;

/// The most commits of a push: about 200 bytes each.
const COMMITS_MAX: usize = 2_000_000;

/// The most parents of all commits together, about 40 bytes each: the largest public histories have
/// some two million, and deltas pack thousands into a few bytes.
const PARENTS_MAX: usize = 8_000_000;

/// The most tags that are followed from one to the next.
const TAG_DEPTH_MAX: usize = 64;

/// All commits of a push.
#[derive(Default)]
pub(super) struct NewCommits {
    /// The commits, ancestors before descendants.
    pub(super) list: Vec<NewCommit>,
    /// For each commit, where it stands in the list.
    pub(super) ranks: HashMap<Oid, usize>,
    /// Commits and tags of the push that lie outside the quarantine.
    pub(super) outside: Vec<Oid>,
    /// For each ref update, what its new tip is once tags are followed.
    pub(super) tips: Vec<Option<(ObjectKind, Oid)>>,
    /// Commits and tags that could not be followed to what they name.
    pub(super) obstacles: BTreeMap<Oid, Obstacle>,
    /// What ended the search before all commits were found.
    pub(super) halted: Option<Obstacle>,
}

/// A commit of the push.
pub(super) struct NewCommit {
    pub(super) id: Oid,
    pub(super) commit: Commit,
    /// The first ref update whose tip reaches it.
    pub(super) update: Option<usize>,
    /// Everything but `at_tip`, which depends on the object.
    ///
    /// `commits_above` counts along the longest way up, which in a history without merges is the
    /// number of commits above.
    pub(super) topology: Topology,
}

impl NewCommits {
    /// Finds the commits of the push.
    pub(super) fn discover(
        updates: &[RefUpdate],
        store: &Store<'_>,
        refs: &mut Refs,
        is_late: &dyn Fn() -> bool,
    ) -> Self {
        let mut found = Discovery {
            store,
            refs,
            is_late,
            ancestry: Ancestry::default(),
            commits: HashMap::new(),
            old: HashSet::new(),
            outside: Vec::new(),
            obstacles: BTreeMap::new(),
            parents: 0,
            peeled: HashMap::new(),
            content: Vec::new(),
        };
        let (tips, outcome) = found.run(updates);
        let Discovery { commits, outside, obstacles, .. } = found;
        let mut new = Self { outside, tips, obstacles, halted: outcome.err(), ..Self::default() };
        new.sort(commits, store.captured().commits.iter().copied());
        new.set_topology();
        new.set_forced(updates);
        new
    }

    /// Tells whether these are all commits of the push.
    pub(super) fn is_complete(&self) -> bool {
        self.halted.is_none() && self.obstacles.is_empty()
    }

    /// Returns the commit `id`, if it is of the push.
    pub(super) fn get(&self, id: Oid) -> Option<(usize, &NewCommit)> {
        let rank = *self.ranks.get(&id)?;
        self.list.get(rank).map(|commit| (rank, commit))
    }

    /// Puts ancestors first: from each tip in the client's order, then from the commits that no
    /// tip reaches, and last from those that only such tags lead to.
    fn sort(&mut self, mut commits: HashMap<Oid, Commit>, unreached: impl Iterator<Item = Oid>) {
        let tips = self.tips.clone();
        for (update, tip) in tips.iter().enumerate() {
            if let Some((ObjectKind::Commit, id)) = tip {
                self.sort_below(*id, Some(update), &mut commits);
            }
        }
        for id in unreached {
            self.sort_below(id, None, &mut commits);
        }
        let mut rest: Vec<Oid> = commits.keys().copied().collect();
        rest.sort_unstable();
        for id in rest {
            self.sort_below(id, None, &mut commits);
        }
    }

    /// Lists `root` after all its ancestors, on a stack of our own.
    fn sort_below(&mut self, root: Oid, update: Option<usize>, commits: &mut HashMap<Oid, Commit>) {
        let mut stack: Vec<(Oid, Commit, usize)> = Vec::new();
        stack.extend(commits.remove(&root).map(|commit| (root, commit, 0)));
        while let Some((_, commit, next)) = stack.last_mut() {
            if let Some(&parent) = commit.parents.get(*next) {
                *next += 1;
                stack.extend(commits.remove(&parent).map(|commit| (parent, commit, 0)));
            } else if let Some((id, commit, _)) = stack.pop() {
                self.ranks.insert(id, self.list.len());
                let topology = Topology::default();
                self.list.push(NewCommit { id, commit, update, topology });
            }
        }
    }

    /// Carries what lies above each commit down to its parents.
    fn set_topology(&mut self) {
        let is_commit = |tip: &Option<(ObjectKind, Oid)>| tip.map(|(_, id)| id);
        let tips: HashSet<Oid> = self.tips.iter().filter_map(is_commit).collect();
        for rank in (0..self.list.len()).rev() {
            let Some(new) = self.list.get_mut(rank) else {
                continue;
            };
            new.topology.is_tip = tips.contains(&new.id);
            new.topology.is_root = new.commit.parents.is_empty();
            new.topology.is_merge = new.commit.parents.len() > 1;
            let above = new.topology;
            for parent in new.commit.parents.clone() {
                let rank = self.ranks.get(&parent);
                if let Some(parent) = rank.and_then(|&rank| self.list.get_mut(rank)) {
                    let below = &mut parent.topology;
                    below.below_merge |= above.is_merge || above.below_merge;
                    below.commits_above =
                        below.commits_above.max(above.commits_above.saturating_add(1));
                }
            }
        }
    }

    /// Marks the commits of refs that leave behind what they pointed at. A ref that goes on from
    /// there by way of commits that another ref had counts too: to be told to force such a push
    /// does no harm, and a walk of the history to find out would cost.
    fn set_forced(&mut self, updates: &[RefUpdate]) {
        let parents = self.list.iter().flat_map(|new| new.commit.parents.iter().copied());
        let built_upon: HashSet<Oid> = parents.collect();
        let is_forced =
            |update: &RefUpdate| !update.old.is_null() && !built_upon.contains(&update.old);
        let forced: Vec<bool> = updates.iter().map(is_forced).collect();
        for new in &mut self.list {
            let update = new.update.and_then(|update| forced.get(update));
            new.topology.is_forced = update.copied().unwrap_or(false);
        }
    }
}

struct Discovery<'d, 'r> {
    store: &'d Store<'r>,
    refs: &'d mut Refs,
    is_late: &'d dyn Fn() -> bool,
    ancestry: Ancestry,
    commits: HashMap<Oid, Commit>,
    old: HashSet<Oid>,
    outside: Vec<Oid>,
    obstacles: BTreeMap<Oid, Obstacle>,
    /// How many parents `commits` have.
    parents: usize,
    /// What tips lead to: thousands of refs may name one object, which is read once.
    peeled: HashMap<Oid, Option<(ObjectKind, Oid)>>,
    content: Vec<u8>,
}

type Tips = Vec<Option<(ObjectKind, Oid)>>;

impl Discovery<'_, '_> {
    fn run(&mut self, updates: &[RefUpdate]) -> (Tips, Result<(), Obstacle>) {
        let mut tips = Vec::with_capacity(updates.len());
        let mut outcome = Ok(());
        for update in updates {
            let tip = if update.new.is_null() { None } else { self.peel(update.new) };
            tips.push(tip);
            if let Some((ObjectKind::Commit, id)) = tip {
                outcome = outcome.and_then(|()| self.walk(id));
            }
        }
        let captured = self.store.captured();
        for &tag in &captured.tags {
            if let Some((ObjectKind::Commit, id)) = self.peel(tag) {
                outcome = outcome.and_then(|()| self.walk(id));
            }
        }
        for &id in &captured.commits {
            outcome = outcome.and_then(|()| self.walk(id));
        }
        (tips, outcome)
    }

    fn peel(&mut self, id: Oid) -> Option<(ObjectKind, Oid)> {
        if let Some(&target) = self.peeled.get(&id) {
            return target;
        }
        let target = match self.follow(id) {
            Ok(target) => Some(target),
            Err(obstacle) => {
                self.obstacles.insert(id, obstacle);
                None
            }
        };
        self.peeled.insert(id, target);
        target
    }

    /// Follows tags. Those that lie outside the quarantine and that no ref names are of the push.
    fn follow(&mut self, mut id: Oid) -> Result<(ObjectKind, Oid), Obstacle> {
        for _ in 0..TAG_DEPTH_MAX {
            if self.commits.contains_key(&id) {
                return Ok((ObjectKind::Commit, id));
            }
            let read = self.store.read(id, &mut self.content);
            let kind = match read {
                // `outside` finds out that it is missing.
                Ok(kind) => kind.unwrap_or(ObjectKind::Blob),
                Err(obstacle) => self.store.kind(id).ok_or(obstacle)?,
            };
            if kind != ObjectKind::Tag {
                return Ok((kind, id));
            }
            if !self.store.quarantine().contains(id) && !self.refs.is_tip(id) {
                self.outside.push(id);
            }
            read?;
            id = tag_target(&self.content, self.store.hash())?;
        }
        Err(Obstacle::TagDepth)
    }

    /// Collects the commits of the push that `root` reaches.
    fn walk(&mut self, root: Oid) -> Result<(), Obstacle> {
        let mut pending = vec![root];
        while let Some(id) = pending.pop() {
            let is_known = self.commits.contains_key(&id) || self.old.contains(&id);
            if is_known || self.obstacles.contains_key(&id) {
                continue;
            }
            if (self.is_late)() {
                return Err(Obstacle::Late);
            }
            if self.commits.len() == COMMITS_MAX || self.parents > PARENTS_MAX {
                return Err(Obstacle::TooMany);
            }
            let is_outside = !self.store.quarantine().contains(id);
            if is_outside && self.is_old(id)? {
                self.old.insert(id);
                continue;
            }
            if is_outside {
                self.outside.push(id);
            }
            match self.store.commit(id, &mut self.content) {
                Ok(Some(commit)) => {
                    self.parents += commit.parents.len();
                    pending.extend(&commit.parents);
                    self.commits.insert(id, commit);
                }
                // It is streamed for what it is, or missed there.
                Ok(None) => {}
                Err(obstacle) => drop(self.obstacles.insert(id, obstacle)),
            }
        }
        Ok(())
    }

    fn is_old(&mut self, id: Oid) -> Result<bool, Obstacle> {
        if self.refs.is_tip(id) {
            return Ok(true);
        }
        self.ancestry.contains(id, self.store, self.refs, self.is_late)
    }
}
