//! Memory for what pushes bring: how much may be held at once, and who waits for it.
//!
//! ```text
//! a push of few bytes ──► small lane, a quarter of the room ─┐
//! any other ───────────► large lane, the rest ───────────────┴► Held, given back when dropped
//! ```
//!
//! Each lane is first come, first served. Since a large push never waits or holds in the small lane,
//! however many of them are there, a small push only waits for others of its size.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::scan::SMALL_PUSH_BYTES;

/// One permit stands for this many bytes.
const PERMIT_BYTES: usize = 1 << 10;

/// Which part of the room is kept for small pushes.
const PART_FOR_SMALL: usize = 4;

/// Room for a number of bytes.
pub(super) struct Room {
    small: Lane,
    large: Lane,
}

/// A part of the room that is held until dropped.
pub(super) type Held = OwnedSemaphorePermit;

impl Room {
    /// Makes room for `bytes_max`.
    pub(super) fn new(bytes_max: usize) -> Self {
        let small = bytes_max / PART_FOR_SMALL;
        Self { small: Lane::new(small), large: Lane::new(bytes_max.saturating_sub(small)) }
    }

    /// Waits for room for `bytes` of a push that has brought `so_far`, these among them. Who wants
    /// more than there is at all gets all there is. None if there never will be room again.
    pub(super) async fn hold(&self, so_far: u64, bytes: usize) -> Option<Held> {
        let lane = if so_far <= SMALL_PUSH_BYTES { &self.small } else { &self.large };
        lane.hold(bytes).await
    }
}

/// A queue for a number of bytes.
pub(super) struct Lane {
    permits: Arc<Semaphore>,
    all: usize,
}

impl Lane {
    /// Makes a lane of `bytes_max`.
    pub(super) fn new(bytes_max: usize) -> Self {
        let all = permits(bytes_max);
        Self { permits: Arc::new(Semaphore::new(all)), all }
    }

    /// Waits for `bytes`, or for all there is. None if the lane is closed.
    pub(super) async fn hold(&self, bytes: usize) -> Option<Held> {
        let wanted = u32::try_from(permits(bytes).min(self.all)).unwrap_or(u32::MAX);
        Arc::clone(&self.permits).acquire_many_owned(wanted).await.ok()
    }
}

/// Returns how many permits `bytes` take.
fn permits(bytes: usize) -> usize {
    bytes.div_ceil(PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    const LARGE: u64 = SMALL_PUSH_BYTES + 1;

    /// Takes room that must be there without waiting.
    #[track_caller]
    fn hold(room: &Room, so_far: u64, bytes: usize) -> Held {
        let mut holding = pin!(room.hold(so_far, bytes));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match holding.as_mut().poll(&mut context) {
            std::task::Poll::Ready(held) => held.unwrap(),
            std::task::Poll::Pending => panic!("there is no room for {bytes} of {so_far}"),
        }
    }

    fn is_full(room: &Room, so_far: u64, bytes: usize) -> bool {
        let mut holding = pin!(room.hold(so_far, bytes));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        holding.as_mut().poll(&mut context).is_pending()
    }

    #[test]
    fn large_pushes_leave_room_for_small_ones() {
        let room = Room::new(4 << 20);
        let _all = hold(&room, LARGE, 64 << 20);
        assert!(is_full(&room, LARGE, 1));
        let small = hold(&room, SMALL_PUSH_BYTES, 1 << 20);
        assert!(is_full(&room, 1, 1));
        drop(small);
        drop(hold(&room, 1, 1));
    }

    #[test]
    fn who_waits_for_much_is_not_overtaken_by_its_like() {
        let room = Room::new(4 << 20);
        let held = hold(&room, LARGE, 1 << 20);
        let mut much = pin!(room.hold(LARGE, 3 << 20));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(much.as_mut().poll(&mut context).is_pending());
        assert!(is_full(&room, LARGE, 1));
        drop(held);
        assert!(much.as_mut().poll(&mut context).is_ready());
    }
}
