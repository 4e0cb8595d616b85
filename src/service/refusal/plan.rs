//! From where the secrets stand to what mends the push.
//!
//! The places are sorted by ref, for history is rewritten branch by branch, and one plan covers
//! all places of a branch: two rewrites in a row would work on commits that the first replaced.
//!
//! | the places are | plan |
//! |---|---|
//! | all in the tip commit | amend it |
//! | each file in one commit, still there at the tip | fixup commits, one rebase |
//! | all in commit messages (one, or below no merge) | reword in one rebase |
//! | one in a commit's header, as its author | squash: a new commit has a new header |
//! | anything else: gone at the tip, brought twice, in a merge, mixed | squash onto clean ground |

use std::collections::{BTreeMap, BTreeSet};

use super::names::{BRANCHES, NOTES, TAGS, name, pathspec};
use super::{Commit, Finding, Place, Reference};
use crate::finding::Container;
use crate::wire::Oid;

/// What mends one ref, or one thing that no ref holds.
#[derive(Clone, Debug)]
pub(super) struct Job<'a> {
    /// The ref; `None` for push options and objects that no ref reaches.
    pub(super) reference: Option<&'a Reference>,
    pub(super) fix: Fix<'a>,
    /// Other refs of the push that have to follow.
    pub(super) followers: Vec<Follower<'a>>,
}

/// A ref of the push that points at a commit which a job replaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower<'a> {
    pub(super) reference: &'a Reference,
    /// How many commits below the new tip its place is, where that is known; where it is not, it
    /// may as well have nothing to do with the commits.
    pub(super) below: Option<u32>,
}

/// How it is mended.
#[derive(Clone, Debug)]
pub(super) enum Fix<'a> {
    /// The tip commit is replaced.
    Amend(What<'a>),
    /// Each commit gets a fixup.
    Fixup { groups: Vec<Group<'a>>, what: What<'a>, base: Base, merges: bool },
    /// The messages of these commits are edited.
    Reword { commits: Vec<Oid>, base: Base, merges: bool },
    /// All commits above `base` become one.
    Squash { base: Base, what: What<'a>, is_gone: bool },
    /// A branch's name holds the secret.
    RenameBranch,
    /// A tag's name holds it.
    RenameTag { is_annotated: bool },
    /// A tag's message holds it.
    Retag,
    /// A tag points at an object that holds it and is no commit.
    DropTag,
    /// A note holds it.
    Note { on: String, is_gone: bool },
    /// A push option holds it; these refs are pushed again.
    WithoutOption(&'a [Reference]),
    /// An object that nothing reaches; this branch was pushed with it.
    FreshClone(Option<&'a Reference>),
}

/// What has to be changed by hand.
#[derive(Clone, Debug, Default)]
pub(super) struct What<'a> {
    pub(super) files: bool,
    pub(super) messages: bool,
    pub(super) headers: bool,
    pub(super) renames: Vec<Rename<'a>>,
}

/// A file or folder whose name holds the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rename<'a> {
    /// Its path, masked.
    pub(super) path: &'a [u8],
    /// The tree that lists it.
    pub(super) tree: Option<Oid>,
    /// Which of the tree's entries it is, from 1.
    pub(super) entry: u64,
}

impl<'a> Rename<'a> {
    /// Returns the folder that it lies in, empty for the top.
    pub(super) fn folder(&self) -> &'a [u8] {
        let end = self.path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        self.path.get(..end).unwrap_or_default()
    }
}

/// A commit and the files in it that are changed.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    pub(super) commit: Oid,
    pub(super) paths: Vec<&'a [u8]>,
}

/// The clean ground that a rewrite builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// Nothing: the first commit of all is rewritten.
    Root,
    /// The parent of this commit.
    ParentOf(Oid),
    /// Where the ref stood before the push.
    Old(Oid),
}

/// Returns what mends the push: histories first, names and tags after, each ref's jobs in a row.
pub(super) fn plan<'a>(findings: &'a [Finding], updates: &'a [Reference]) -> Vec<Job<'a>> {
    let mut jobs: Vec<Job<'_>> = histories(findings, updates).values().map(history).collect();
    let places = findings.iter().flat_map(|finding| &finding.places);
    for job in places.filter_map(|place| single(place, updates)) {
        let same = |other: &Job<'_>| {
            other.reference == job.reference
                && std::mem::discriminant(&other.fix) == std::mem::discriminant(&job.fix)
        };
        if !jobs.iter().any(same) {
            jobs.push(job);
        }
    }
    join_tag_jobs(&mut jobs);
    join_branch_jobs(&mut jobs);
    let taken: BTreeSet<&[u8]> =
        jobs.iter().filter_map(|job| job.reference).map(|r| r.name.as_slice()).collect();
    let others: Vec<_> =
        updates.iter().filter(|update| !taken.contains(update.name.as_slice())).collect();
    follow(&mut jobs, findings, &others);
    jobs
}

/// Gives each ref that no job mends to the first job that replaces what it points at.
fn follow<'a>(jobs: &mut [Job<'a>], findings: &[Finding], others: &[&'a Reference]) {
    let commits = || findings.iter().flat_map(|f| &f.places).filter_map(|p| p.commit.as_ref());
    let has_one = jobs.iter().filter(|job| job.is_history()).count() == 1;
    for reference in others {
        let below = |job: &Job<'_>| {
            let at_tip = job.reference.is_some_and(|own| own.target == reference.target);
            let mut rewritten = commits().filter(|commit| commit.id == reference.target);
            match job.fix {
                _ if at_tip => Some(0),
                Fix::Fixup { merges: false, .. } | Fix::Reword { merges: false, .. } if has_one => {
                    rewritten.next().map(|commit| commit.topology.commits_above)
                }
                Fix::Squash { .. } if has_one => rewritten.next().map(|_| 0),
                _ => None,
            }
        };
        let known = jobs.iter().position(|job| job.is_history() && below(job).is_some());
        let at = known.or_else(|| jobs.iter().position(Job::is_history));
        if let Some(job) = at.and_then(|at| jobs.get_mut(at)) {
            let below = below(job);
            job.followers.push(Follower { reference, below });
        }
    }
}

impl Job<'_> {
    /// Whether it replaces commits.
    pub(super) fn is_history(&self) -> bool {
        matches!(
            self.fix,
            Fix::Amend(_) | Fix::Fixup { .. } | Fix::Reword { .. } | Fix::Squash { .. }
        )
    }
}

/// A branch whose commits are mended under another name needs no renaming of its own.
fn join_branch_jobs(jobs: &mut Vec<Job<'_>>) {
    let mended: BTreeSet<Vec<u8>> = jobs
        .iter()
        .filter(|job| job.is_history())
        .filter_map(|job| job.reference)
        .map(|reference| reference.name.clone())
        .collect();
    jobs.retain(|job| {
        let is_mended = job.reference.is_some_and(|reference| mended.contains(&reference.name));
        !(is_mended && matches!(job.fix, Fix::RenameBranch))
    });
}

/// An annotated tag holds its own name: to rename it is to make it anew, message and all.
fn join_tag_jobs(jobs: &mut Vec<Job<'_>>) {
    let of = |jobs: &[Job<'_>], is: fn(&Fix<'_>) -> bool| -> Vec<_> {
        let names = jobs.iter().filter(|job| is(&job.fix)).filter_map(|job| job.reference);
        names.map(|reference| reference.name.clone()).collect()
    };
    let renamed = of(jobs, |fix| matches!(fix, Fix::RenameTag { .. }));
    let made_anew = of(jobs, |fix| matches!(fix, Fix::Retag));
    let is_among =
        |job: &Job<'_>, names: &[Vec<u8>]| job.reference.is_some_and(|r| names.contains(&r.name));
    let mended = of(jobs, |fix| !matches!(fix, Fix::RenameTag { .. } | Fix::Retag));
    jobs.retain(|job| {
        let again = is_among(job, &renamed) || is_among(job, &mended);
        !matches!(job.fix, Fix::Retag) || !again
    });
    for job in jobs {
        let anew = is_among(job, &made_anew);
        if let Fix::RenameTag { is_annotated } = &mut job.fix {
            *is_annotated = anew;
        }
    }
}

/// One secret in one file, or in one message or name, of a ref's new commits.
struct Item<'a> {
    container: Container,
    path: &'a [u8],
    /// The tree, where it stands in a name.
    tree: Option<Oid>,
    /// The line in the object: in a tree the entry.
    line: u64,
    /// The commit that brings it first.
    first: &'a Commit,
    /// Whether it is still there at the tip, as far as is known.
    at_tip: bool,
    /// Whether it stands in the commit's header.
    in_header: bool,
    /// Whether several commits bring it: it went and came again.
    is_brought_twice: bool,
}

/// All items of one ref; never empty.
struct History<'a> {
    reference: &'a Reference,
    items: Vec<Item<'a>>,
}

/// Tells by what ref and commit a place is mended, where rewriting a branch mends it.
fn of_history(place: &Place) -> Option<(&Reference, &Commit)> {
    let reference = place.reference.as_ref()?;
    let is_note = reference.name.starts_with(NOTES);
    (!is_note).then_some((reference, place.commit.as_ref()?))
}

fn histories<'a>(
    findings: &'a [Finding],
    updates: &'a [Reference],
) -> BTreeMap<&'a [u8], History<'a>> {
    let mut histories = BTreeMap::new();
    for finding in findings {
        for (reference, item) in items(finding) {
            let reference = branch_of(reference, updates);
            let empty = || History { reference, items: Vec::new() };
            let history = histories.entry(reference.name.as_slice()).or_insert_with(empty);
            history.items.push(item);
        }
    }
    histories
}

/// Returns a branch of the push that points where `reference` does, for people work on branches;
/// else `reference` itself.
fn branch_of<'a>(reference: &'a Reference, updates: &'a [Reference]) -> &'a Reference {
    let is_branch = |reference: &Reference| name(reference, BRANCHES).is_some();
    let same = |update: &&Reference| update.target == reference.target && is_branch(update);
    let other = updates.iter().find(same).filter(|_| !is_branch(reference));
    other.unwrap_or(reference)
}

/// Groups a finding's places: one item for each ref and file, one for each message.
fn items(finding: &Finding) -> impl Iterator<Item = (&Reference, Item<'_>)> {
    let mut items = BTreeMap::<_, (&Reference, Item<'_>)>::new();
    for place in &finding.places {
        let Some((reference, commit)) = of_history(place) else {
            continue;
        };
        let message = (place.container == Container::Commit).then_some(commit.id);
        let key = (&reference.name, place.container, &place.path, message);
        let at_tip = commit.topology.at_tip || is_on_top(commit);
        let (_, item) = items.entry(key).or_insert_with(|| {
            let (container, path, first) = (place.container, place.path.as_slice(), commit);
            let in_header = place.in_header;
            let (tree, line, is_brought_twice) = (place.object, place.line, false);
            let item =
                Item { container, path, tree, line, first, at_tip, in_header, is_brought_twice };
            (reference, item)
        });
        item.at_tip |= at_tip;
        item.in_header |= place.in_header;
        item.is_brought_twice |= place.is_new && commit.id != item.first.id;
        if commit.order < item.first.order {
            item.first = commit;
        }
    }
    items.into_values()
}

/// Whether nothing was built upon the commit: that it is a ref's tip says nothing of the others.
fn is_on_top(commit: &Commit) -> bool {
    commit.topology.is_tip && commit.topology.commits_above == 0
}

fn history<'a>(history: &History<'a>) -> Job<'a> {
    let is_at_tip = history.items.iter().all(|item| is_on_top(item.first));
    let fix = if history.items.iter().any(|item| item.in_header) {
        history.squash()
    } else if is_at_tip {
        Fix::Amend(history.what())
    } else {
        let nicest = history.reword().or_else(|| history.fixup());
        nicest.unwrap_or_else(|| history.squash())
    };
    Job { reference: Some(history.reference), fix, followers: Vec::new() }
}

impl<'a> History<'a> {
    fn what(&self) -> What<'a> {
        let renames = self.items.iter().filter(|item| item.container == Container::TreeEntry);
        let rename =
            |item: &Item<'a>| Rename { path: item.path, tree: item.tree, entry: item.line };
        let renames: BTreeSet<_> = renames.map(rename).collect();
        What {
            files: self.items.iter().any(|item| item.container == Container::Blob),
            messages: self.items.iter().any(|item| item.is_message() && !item.in_header),
            headers: self.items.iter().any(|item| item.in_header),
            renames: renames.into_iter().collect(),
        }
    }

    fn has_merges(&self) -> bool {
        self.items.iter().any(|item| item.first.topology.below_merge || item.is_merge())
    }

    fn earliest(&self) -> Option<&'a Commit> {
        self.items.iter().map(|item| item.first).min_by_key(|commit| commit.order)
    }

    /// Returns the parent of the earliest commit.
    fn base(&self) -> Base {
        match self.earliest() {
            Some(commit) if !commit.topology.is_root => Base::ParentOf(commit.id),
            _ => Base::Root,
        }
    }

    /// A message is reworded where a rebase can pick it out.
    fn reword(&self) -> Option<Fix<'a>> {
        let works = |item: &Item<'_>| item.is_message() && !item.is_merge();
        let commits: BTreeSet<_> = self.items.iter().map(|item| item.first.id).collect();
        let merges = self.has_merges();
        let can_pick = commits.len() == 1 || !merges;
        (can_pick && self.items.iter().all(works)).then(|| Fix::Reword {
            commits: commits.into_iter().collect(),
            base: self.base(),
            merges,
        })
    }

    /// Fixups work where each file was clean, then not, and is being cleaned at the tip now; a
    /// rebase does not carry what was changed in a merge commit itself.
    fn fixup(&self) -> Option<Fix<'a>> {
        let works = |item: &Item<'_>| {
            item.at_tip && !item.is_brought_twice && !item.is_message() && !item.is_merge()
        };
        if !self.items.iter().all(works) {
            return None;
        }
        let mut commits = BTreeMap::<&[u8], &Commit>::new();
        for item in &self.items {
            let known = commits.insert(item.path, item.first);
            // Two fixups of one file meet in each other's lines.
            known.is_none_or(|known| known.id == item.first.id).then_some(())?;
        }
        let what = self.what();
        let groups = groups(&commits);
        // A commit of chosen paths must name each, and cannot name what a rename removes.
        let can_choose =
            what.renames.is_empty() && commits.keys().all(|path| pathspec(path).is_some());
        (can_choose || groups.len() == 1).then_some(())?;
        Some(Fix::Fixup { groups, what, base: self.base(), merges: self.has_merges() })
    }

    /// Squashing always works. Above merges it starts from where the ref stood, for the earliest
    /// commit's parent may lie on another line than the one that the server has.
    fn squash(&self) -> Fix<'a> {
        let old = self.reference.old.filter(|_| !self.reference.is_forced);
        let base = match old {
            Some(old) if self.has_merges() => Base::Old(old),
            _ => self.base(),
        };
        let is_gone = !self.items.iter().any(|item| item.at_tip);
        Fix::Squash { base, what: self.what(), is_gone }
    }
}

impl Item<'_> {
    fn is_message(&self) -> bool {
        self.container == Container::Commit
    }

    fn is_merge(&self) -> bool {
        self.first.topology.is_merge
    }
}

/// Returns the commits in their order with their paths.
fn groups<'a>(commits: &BTreeMap<&'a [u8], &Commit>) -> Vec<Group<'a>> {
    let mut groups = BTreeMap::<(u32, Oid), Vec<&[u8]>>::new();
    for (path, commit) in commits {
        groups.entry((commit.order, commit.id)).or_default().push(path);
    }
    let group = |((_, commit), paths)| Group { commit, paths };
    groups.into_iter().map(group).collect()
}

/// Returns the job of a place that no rewriting of commits mends.
fn single<'a>(place: &'a Place, updates: &'a [Reference]) -> Option<Job<'a>> {
    let reference = place.reference.as_ref();
    let is_tag = reference.is_some_and(|reference| reference.name.starts_with(TAGS));
    let fix = match (place.container, &place.commit, reference) {
        (Container::PushOption, ..) => Fix::WithoutOption(updates),
        (Container::RefName, ..) if is_tag => Fix::RenameTag { is_annotated: false },
        (Container::RefName, ..) => Fix::RenameBranch,
        (_, Some(_), Some(reference)) if reference.name.starts_with(NOTES) => {
            let on = place.path.iter().filter(|&&byte| byte != b'/');
            let on = on.map(|&byte| char::from(byte)).collect();
            Fix::Note { on, is_gone: place.commit.as_ref().is_some_and(|c| !c.topology.at_tip) }
        }
        (_, Some(_), Some(_)) => return None,
        (Container::Tag, None, Some(_)) => Fix::Retag,
        (_, None, Some(_)) => Fix::DropTag,
        (_, _, None) => {
            Fix::FreshClone(updates.iter().find(|update| name(update, BRANCHES).is_some()))
        }
    };
    Some(Job { reference, fix, followers: Vec::new() })
}
