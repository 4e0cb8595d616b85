//! Whether an occurrence came with the push or was there before.
//!
//! An occurrence is old when its object was reachable from the repository's own refs before the
//! push, or when every parent's version of the file holds the same fingerprint at least as often.
//! Whatever cannot be shown to be old is new.

use std::collections::HashMap;

use super::hit::Hit;
use crate::finding::Age;
use crate::secret::Fingerprint;
use crate::wire::{Oid, Route};

/// How often each fingerprint stands in each object that was scanned: of the push's own objects
/// and of the parents' versions.
#[derive(Debug, Default)]
pub(super) struct Counts(HashMap<(Oid, Fingerprint), usize>);

impl Counts {
    /// Counts the hits whose object `counted` admits.
    pub(super) fn add_all(&mut self, hits: &[Hit], counted: impl Fn(Oid) -> bool) {
        for hit in hits {
            if let Some(object) = hit.spot.source.object().filter(|&object| counted(object)) {
                self.add(object, hit.finding.fingerprint, 1 + hit.more);
            }
        }
    }

    /// Counts `times` more places of `fingerprint` in `object`.
    fn add(&mut self, object: Oid, fingerprint: Fingerprint, times: usize) {
        *self.0.entry((object, fingerprint)).or_default() += times;
    }

    fn of(&self, object: Oid, fingerprint: Fingerprint) -> usize {
        self.0.get(&(object, fingerprint)).copied().unwrap_or(0)
    }

    /// Tells the age of `fingerprint` in `object`, which came into the push by `route`.
    pub(super) fn age(&self, object: Oid, fingerprint: Fingerprint, route: &Route) -> Age {
        match route {
            Route::ReachableBefore => Age::OldReachable,
            Route::Entry(entry) if !entry.parents.is_empty() => {
                let here = self.of(object, fingerprint);
                let held = |parent: &Option<Oid>| {
                    parent.is_some_and(|parent| self.of(parent, fingerprint) >= here)
                };
                if entry.parents.iter().all(held) { Age::OldInParents } else { Age::New }
            }
            Route::Entry(_)
            | Route::Commit(_)
            | Route::Tag { .. }
            | Route::Ref { .. }
            | Route::Unreached => Age::New,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::FingerprintKey;
    use crate::wire::{CommitPlace, Entry, Topology};

    fn oid(byte: u8) -> Oid {
        Oid::from_bytes(&[byte; 20]).unwrap()
    }

    fn entry(parents: &[Option<Oid>]) -> Route {
        let commit = CommitPlace {
            id: oid(99),
            order: 0,
            subject: Vec::new(),
            ref_name: Vec::new(),
            topology: Topology::default(),
        };
        Route::Entry(Entry { commit, path: b"a".to_vec(), parents: parents.to_vec() })
    }

    /// Object 1 is pushed; each other object is a parent's version with that many places.
    #[track_caller]
    fn check(places: &[(u8, usize)], route: &Route, want: Age) {
        let fingerprint = FingerprintKey::new([0; 32]).fingerprint(b"secret");
        let mut counts = Counts::default();
        for &(object, times) in places {
            counts.add(oid(object), fingerprint, times);
        }
        assert_eq!(counts.age(oid(1), fingerprint, route), want);
    }

    #[test]
    fn every_parent_must_hold_it_as_often() {
        let (two, three) = (Some(oid(2)), Some(oid(3)));
        check(&[(1, 1), (2, 1)], &entry(&[two]), Age::OldInParents);
        check(&[(1, 1), (2, 2)], &entry(&[two]), Age::OldInParents);
        check(&[(1, 2), (2, 1)], &entry(&[two]), Age::New);
        check(&[(1, 1), (2, 0)], &entry(&[two]), Age::New);
        check(&[(1, 1)], &entry(&[None]), Age::New);
        check(&[(1, 1), (2, 1), (3, 1)], &entry(&[two, three]), Age::OldInParents);
        check(&[(1, 1), (2, 1)], &entry(&[two, three]), Age::New);
        check(&[(1, 1), (2, 1)], &entry(&[two, None]), Age::New);
    }

    #[test]
    fn a_root_commit_has_no_parent_to_hold_it() {
        check(&[(1, 1)], &entry(&[]), Age::New);
    }

    #[test]
    fn only_reachability_before_the_push_makes_other_routes_old() {
        check(&[(1, 1)], &Route::ReachableBefore, Age::OldReachable);
        check(&[(1, 1)], &Route::Unreached, Age::New);
        check(&[(1, 1)], &Route::Ref { ref_name: b"refs/tags/v1".to_vec() }, Age::New);
    }
}
