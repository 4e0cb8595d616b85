//! A few connections that callers take in turn, and do not wait for forever.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

/// Connections at rest. A pool of one is the writer's queue.
pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        Self { idle: Mutex::new(connections), returned: Condvar::new() }
    }

    /// Takes a connection; `None` if all stay taken for longer than `patience`.
    pub(super) fn take(&self, patience: Duration) -> Option<Held<'_>> {
        // A connection is never half changed while the lock is held, so poison means nothing.
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut idle, _) = self
            .returned
            .wait_timeout_while(idle, patience, |idle| idle.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        idle.pop().map(|connection| Held { connection: Some(connection), pool: self })
    }
}

/// A taken connection; it goes back when this is dropped, after a panic too.
pub(super) struct Held<'a> {
    connection: Option<Connection>,
    pool: &'a Pool,
}

impl Deref for Held<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("taken back only by drop")
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("taken back only by drop")
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.connection.take());
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_finds_no_connection_waits_only_so_long() {
        let pool = Pool::new(vec![Connection::open_in_memory().unwrap()]);
        let held = pool.take(Duration::ZERO).unwrap();
        assert!(pool.take(Duration::from_millis(1)).is_none());
        drop(held);
        assert!(pool.take(Duration::ZERO).is_some());
    }

    #[test]
    fn a_panic_gives_the_connection_back() {
        let pool = Pool::new(vec![Connection::open_in_memory().unwrap()]);
        let work = std::panic::AssertUnwindSafe(|| {
            let _held = pool.take(Duration::ZERO);
            panic!("work went wrong");
        });
        assert!(std::panic::catch_unwind(work).is_err());
        assert!(pool.take(Duration::ZERO).is_some());
    }
}
