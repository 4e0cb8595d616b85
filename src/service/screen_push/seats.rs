//! Which pushes are screened now, and which wait for their turn.
//!
//! ```text
//! a push ──► its pusher's line ──► its repository's line ──► everybody's line ──► Seat
//!               └ too many wait, or it waited too long: NoSeat, and the hook hears `busy`
//! ```
//!
//! A push takes its places in this order, so that whoever waits for a place of their own holds none
//! that others could have. Pushers are told apart only where the server vouches for their name: an
//! account that everybody pushes by is nobody's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Limits;
use crate::wire::{Begin, FailureCode, Pusher, Trust};

/// Why a push is not screened now. The pusher reads the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoSeat {
    /// The pusher's own pushes have all the places that one pusher may have.
    #[error("you have as many pushes at once as it takes of one; wait for those to end")]
    Pusher,
    /// The same for the repository.
    #[error("this repository has as many pushes at once as it takes of one; wait for those to end")]
    Repository,
    /// The same for all pushes.
    #[error("every place is taken by other pushes")]
    Everybody,
    /// The daemon is going down.
    #[error("it is going down")]
    Closed,
}

impl NoSeat {
    pub(super) fn code(self) -> FailureCode {
        match self {
            Self::Pusher | Self::Repository | Self::Everybody => FailureCode::Busy,
            Self::Closed => FailureCode::ShuttingDown,
        }
    }
}

/// A push's places; given back when dropped.
pub(super) struct Seat {
    _places: Vec<Place>,
}

/// A place in a line, which stays known as long as somebody has one.
struct Place {
    _permit: OwnedSemaphorePermit,
    _line: Arc<Line>,
}

/// The places of all lines.
pub(super) struct Seats {
    pushers: Lines,
    repositories: Lines,
    everybody: Arc<Line>,
    timeout: Duration,
}

impl Seats {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            pushers: Lines::new(limits.pushes_per_pusher_max, limits.waiting_per_pusher_max),
            repositories: Lines::new(
                limits.pushes_per_repository_max,
                limits.waiting_per_repository_max,
            ),
            everybody: Arc::new(Line::new(limits.pushes_max, limits.pushes_waiting_max)),
            timeout: limits.waiting_timeout,
        }
    }

    /// Waits for a place in each line that the push belongs to, within one time limit for all.
    pub(super) async fn take(&self, begin: &Begin) -> Result<Seat, NoSeat> {
        let until = Instant::now() + self.timeout;
        let pusher = vouched(&begin.pusher).map(|name| self.pushers.of(name));
        let repository = self.repositories.of(begin.repository.clone());
        let lines = [
            (NoSeat::Pusher, pusher),
            (NoSeat::Repository, Some(repository)),
            (NoSeat::Everybody, Some(Arc::clone(&self.everybody))),
        ];
        // Wherever it waits, it is one of all that do.
        let mut waiting = None;
        let mut places = Vec::with_capacity(lines.len());
        for (full, line) in lines {
            let Some(line) = line else { continue };
            let free = Arc::clone(&line.places).try_acquire_owned();
            let permit = if let Ok(permit) = free {
                permit
            } else {
                if waiting.is_none() {
                    waiting = Some(self.everybody.wait().ok_or(NoSeat::Everybody)?);
                }
                line.take(full, until).await?
            };
            places.push(Place { _permit: permit, _line: line });
        }
        Ok(Seat { _places: places })
    }
}

/// Returns who pushes, where that is more than the word of an account that may be shared.
fn vouched(pusher: &Pusher) -> Option<Vec<u8>> {
    let name = pusher.name.as_ref().filter(|_| pusher.trust >= Trust::Server)?;
    Some([pusher.source.as_str(), name].join("\0").into_bytes())
}

/// One line for each name: of the same length, and forgotten when nobody stands in it.
struct Lines {
    places: usize,
    waiting_max: usize,
    by_name: Mutex<HashMap<Vec<u8>, Weak<Line>>>,
}

impl Lines {
    fn new(places: usize, waiting_max: usize) -> Self {
        Self { places, waiting_max, by_name: Mutex::default() }
    }

    fn of(&self, name: Vec<u8>) -> Arc<Line> {
        let mut lines = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&name).and_then(Weak::upgrade) {
            return line;
        }
        // There are no more lines than pushes, which everybody's line bounds.
        lines.retain(|_, line| line.strong_count() > 0);
        let line = Arc::new(Line::new(self.places, self.waiting_max));
        lines.insert(name, Arc::downgrade(&line));
        line
    }
}

/// A number of places, and a number of pushes that may wait for one, first come, first served.
struct Line {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Line {
    fn new(places: usize, waiting_max: usize) -> Self {
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self { places, waiting: AtomicUsize::new(0), waiting_max }
    }

    /// Waits for a place until then; `full` where too many do, or it takes too long.
    async fn take(&self, full: NoSeat, until: Instant) -> Result<OwnedSemaphorePermit, NoSeat> {
        // Everybody's line has counted it already.
        let _waiting =
            if full == NoSeat::Everybody { None } else { Some(self.wait().ok_or(full)?) };
        let place = Arc::clone(&self.places).acquire_owned();
        let place = tokio::time::timeout_at(until, place).await.map_err(|_| full)?;
        place.map_err(|_| NoSeat::Closed)
    }

    /// Joins those who wait, unless they are too many.
    fn wait(&self) -> Option<Waiting<'_>> {
        let waiting = Waiting(&self.waiting);
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        (before < self.waiting_max).then_some(waiting)
    }
}

/// One of those who wait, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
