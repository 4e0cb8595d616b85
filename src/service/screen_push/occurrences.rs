//! Where a finding stands: a hit and the routes of its object become occurrences.
//!
//! Everything that is kept or shown of the pusher's own names is masked here.

use super::hit::{Hit, Source};
use super::places::{Located, order};
use super::received::Received;
use super::redact::Redactor;
use crate::finding::{Age, Container, Occurrence};
use crate::wire::{RefUpdate, Route};

/// The most places of a hit that are kept and shown, new ones before others. A hook names more where
/// the age of each had to be told.
const PLACES_MAX: usize = 50;

/// One place, with the route by which it came.
pub(super) struct JudgedPlace {
    pub(super) source: Source,
    pub(super) occurrence: Occurrence,
    /// Whether it stands in the header of a commit or tag.
    pub(super) in_header: bool,
    pub(super) route: Option<Route>,
    /// The path in git's bytes with secrets masked.
    pub(super) path: Vec<u8>,
    /// The commit's subject in git's bytes with secrets masked.
    pub(super) subject: Vec<u8>,
    /// The name of the ref that brings it, in git's bytes with secrets masked.
    pub(super) reference: Vec<u8>,
}

/// Tells whether the push brings any place of a hit.
pub(super) fn is_new(hit: &Hit, received: &Received, located: &Located) -> bool {
    let Some(object) = hit.spot.source.object() else {
        return age_of_name(hit, received) == Age::New;
    };
    let routes = located.routes.get(&object).map(Vec::as_slice).unwrap_or_default();
    let is_new = |route| located.counts.age(object, hit.finding.fingerprint, route) == Age::New;
    routes.is_empty() || routes.iter().any(is_new)
}

/// The name of a ref that existed is old; a push option always comes with the push.
fn age_of_name(hit: &Hit, received: &Received) -> Age {
    let existed = update_of(hit, received).is_some_and(|update| !update.old.is_null());
    if existed { Age::OldReachable } else { Age::New }
}

fn update_of<'r>(hit: &Hit, received: &'r Received) -> Option<&'r RefUpdate> {
    match hit.spot.source {
        Source::Ref { update } => received.updates.get(update),
        Source::Object { .. } | Source::PushOption { .. } => None,
    }
}

/// Turns a hit and the routes of its object into occurrences.
pub(super) struct Placer<'p, 'a> {
    pub(super) located: &'p Located,
    pub(super) received: &'p Received,
    pub(super) redactor: &'p Redactor<'a>,
}

impl Placer<'_, '_> {
    /// Returns the places of a finding, earliest commit first.
    pub(super) fn all(&self, hits: &[&Hit]) -> Vec<JudgedPlace> {
        let mut places: Vec<JudgedPlace> = hits.iter().flat_map(|hit| self.places(hit)).collect();
        places.sort_by_key(|place| place.route.as_ref().map_or(u32::MAX, order));
        places
    }

    /// Returns the places of a hit; one that could not be located is new, and nowhere.
    fn places(&self, hit: &Hit) -> Vec<JudgedPlace> {
        let Some(object) = hit.spot.source.object() else {
            return vec![self.named(hit)];
        };
        let none = Vec::new();
        let routes = self.located.routes.get(&object).unwrap_or(&none);
        if routes.is_empty() {
            return vec![self.place(hit, None, Age::New)];
        }
        let age = |route| self.located.counts.age(object, hit.finding.fingerprint, route);
        let mut aged: Vec<(&Route, Age)> = routes.iter().map(|route| (route, age(route))).collect();
        if aged.len() > PLACES_MAX {
            aged.sort_by_key(|(_, age)| *age != Age::New);
            aged.truncate(PLACES_MAX);
        }
        aged.into_iter().map(|(route, age)| self.place(hit, Some(route), age)).collect()
    }

    /// The name of a ref or a push option: there is nothing to locate.
    fn named(&self, hit: &Hit) -> JudgedPlace {
        let update = update_of(hit, self.received);
        let age = age_of_name(hit, self.received);
        let name = update.map(|update| update.name.as_slice()).unwrap_or_default();
        let mut place = self.place(hit, None, age);
        place.path = self.redactor.bytes(name);
        place.occurrence.path = update.map(|_| self.redactor.line(name));
        place
    }

    fn place(&self, hit: &Hit, route: Option<&Route>, age: Age) -> JudgedPlace {
        let commit = match route {
            Some(Route::Entry(entry)) => Some(&entry.commit),
            Some(Route::Commit(commit)) => Some(commit),
            _ => None,
        };
        let path = path_of(hit, route);
        let subject = commit.map(|commit| commit.subject.as_slice()).unwrap_or_default();
        let occurrence = Occurrence {
            container: hit.spot.source.container(),
            object: hit.spot.source.object().map(|id| id.to_string()).unwrap_or_default(),
            commit: commit.map(|commit| commit.id.to_string()),
            subject: commit.map(|_| self.redactor.line(subject)),
            path: path.as_deref().map(|path| self.redactor.line(path)),
            span: hit.spot.span,
            in_header: hit.in_header,
            layers: hit
                .spot
                .layers
                .iter()
                .map(|layer| layer.label(|name| Some(self.redactor.line(name))))
                .collect(),
            age,
        };
        JudgedPlace {
            source: hit.spot.source,
            occurrence,
            in_header: hit.in_header,
            route: route.cloned(),
            path: self.redactor.bytes(path.as_deref().unwrap_or_default()),
            subject: self.redactor.bytes(subject),
            reference: self.redactor.bytes(commit.map_or(&[][..], |commit| &commit.ref_name)),
        }
    }
}

/// The path of a place in git's bytes: of the file, of the named entry, or the ref's name.
fn path_of(hit: &Hit, route: Option<&Route>) -> Option<Vec<u8>> {
    let entry = hit.entry.as_deref();
    match route? {
        Route::Entry(place) if hit.spot.source.container() == Container::TreeEntry => {
            let mut path = place.path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(entry.unwrap_or_default());
            Some(path)
        }
        Route::Entry(place) => Some(place.path.clone()),
        Route::Tag { ref_name } | Route::Ref { ref_name } => Some(ref_name.clone()),
        Route::ReachableBefore | Route::Commit(_) | Route::Unreached => entry.map(<[u8]>::to_vec),
    }
}
