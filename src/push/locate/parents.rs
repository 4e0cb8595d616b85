//! The parents' versions of what was located: the daemon counts fingerprints in them, to tell what
//! a commit added from what was there.

use std::collections::HashSet;
use std::io;

use crate::wire::Oid;

use super::super::limits::Limits;
use super::super::sink::{Answers, Emitter, Sink, close};
use super::super::store::Store;

/// Streams each of `versions` once. Returns whether all could be sent in time.
pub(super) fn stream(
    versions: Vec<Oid>,
    store: &Store<'_>,
    limits: &Limits,
    sink: &mut dyn Answers,
) -> io::Result<bool> {
    let sink: &mut dyn Sink = sink;
    let mut emitter = Emitter::new(sink, limits);
    let mut sent = HashSet::new();
    for version in versions {
        if sent.insert(version) {
            // A version that cannot be read holds nothing: what came instead is new.
            let outcome = store.stream(version, &mut emitter, limits).map(drop);
            if !close(outcome, &mut emitter)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
