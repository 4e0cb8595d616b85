//! Asks the hook where the hits come from.
//!
//! The hook answers with the routes by which each object came into the push, then with the parents'
//! versions of those files. They are scanned like the push itself, but only counted: whether an
//! occurrence is old is a matter of how often its fingerprint stands on both sides.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::age::Counts;
use super::hit::{HeaderId, Hit};
use super::intake::Intake;
use super::link::Link;
use super::received::Received;
use super::{Deadline, Gate, HITS_MAX, SessionError, within};
use crate::wire::{
    Entry, FromDaemon, Locate, Oid, OwnersFile, Place, Route, ToDaemon, Unscanned, UnscannedReason,
};

/// The most places of one push that are kept; beyond it they are left out by name.
const PLACES_MAX: usize = 100_000;

/// Where the hits of a push come from.
#[derive(Default)]
pub(super) struct Located {
    /// For each object its routes, earliest commit first; none for what could not be located.
    pub(super) routes: HashMap<Oid, Vec<Route>>,
    /// How often each fingerprint stands in the push's objects and in the parents' versions.
    pub(super) counts: Counts,
    /// CODEOWNERS of the default branch, as it stood before the push.
    pub(super) owners: Option<OwnersFile>,
}

impl Located {
    /// Whether the hit is in an id of a real object. Git has seen that of the ids in the header of an
    /// object that a ref reaches by every route: a known secret of the same digits (anybody can have
    /// a commit's id recorded as leaked, by pushing it as a password) must not close the branch.
    /// Commits that no ref reaches have routes without a ref. The parents of a commit that begins a
    /// shallow history are ids of nothing that git has seen.
    fn is_real_id(&self, hit: &Hit) -> bool {
        let routes = hit.spot.source.object().and_then(|object| self.routes.get(&object));
        let is_by_ref = |route: &Route| match route {
            Route::ReachableBefore => true,
            Route::Commit(commit) => {
                let is_shallow = hit.touches == Some(HeaderId::Parent) && commit.topology.is_root;
                !commit.ref_name.is_empty() && !is_shallow
            }
            Route::Entry(Entry { commit, .. }) => !commit.ref_name.is_empty(),
            Route::Tag { ref_name } | Route::Ref { ref_name } => !ref_name.is_empty(),
            Route::Unreached => false,
        };
        hit.touches.is_some() && routes.is_some_and(|routes| routes.iter().all(is_by_ref))
    }
}

/// Asks where the objects with hits come from and takes the answer in.
pub(super) async fn locate<S>(
    gate: &Arc<Gate>,
    link: &mut Link<S>,
    received: &mut Received,
    deadline: Deadline,
) -> Result<Located, SessionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut located = Located::default();
    let mut objects = received.objects_with_hits();
    let mut complete = objects.len() <= Locate::OBJECTS_MAX;
    objects.truncate(Locate::OBJECTS_MAX);
    if !objects.is_empty() {
        let own = objects.iter().copied().collect();
        link.say(&FromDaemon::Locate(Locate { objects })).await?;
        let until = Deadline { base: deadline.base.saturating_mul(2), ..deadline };
        complete &= hear_answer(gate, link, &own, &mut located, until).await?;
    }
    received.hits.retain(|hit| !located.is_real_id(hit));
    located.counts.add_all(&received.hits, |_| true);
    if !complete {
        let reason = UnscannedReason::Unlocated;
        received.leave_out(Unscanned { object: None, reason });
    }
    located.routes.values_mut().for_each(|routes| routes.sort_by_key(order));
    Ok(located)
}

/// Takes the answer in; `own` are the push's own objects with hits. Returns whether it is complete.
async fn hear_answer<S>(
    gate: &Arc<Gate>,
    link: &mut Link<S>,
    own: &HashSet<Oid>,
    located: &mut Located,
    deadline: Deadline,
) -> Result<bool, SessionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut parents = Received::default();
    let mut intake = Intake::new(gate, &mut parents, HITS_MAX);
    let mut places = 0;
    let end = loop {
        match within(deadline.at(0), link.hear()).await? {
            ToDaemon::Place(Place { object, route }) => {
                places += 1;
                if places <= PLACES_MAX {
                    located.routes.entry(object).or_default().push(route);
                }
            }
            ToDaemon::LocateEnd(end) => break end,
            message => intake.object_message(message, link, deadline).await?,
        }
        // Of parents' versions only the counts matter: however many secrets they hold, few hits are
        // in memory. What the push brings as well is counted among its own objects.
        located.counts.add_all(&intake.take_hits(), |object| !own.contains(&object));
    };
    intake.settle(deadline).await?;
    located.counts.add_all(&intake.take_hits(), |object| !own.contains(&object));
    drop(intake);
    located.owners = end.owners;
    Ok(end.complete && places <= PLACES_MAX && parents.hits_dropped == 0)
}

/// Commits in their order, then what no commit brings.
pub(super) fn order(route: &Route) -> u32 {
    match route {
        Route::ReachableBefore => 0,
        Route::Entry(entry) => entry.commit.order,
        Route::Commit(commit) => commit.order,
        Route::Tag { .. } | Route::Ref { .. } | Route::Unreached => u32::MAX,
    }
}
