//! The worker pool: scanning happens on its threads, never on the async runtime's.
//!
//! ```text
//! sessions ──(bytes so far, job)──► heap ──► worker 1 … n
//! ```
//!
//! Jobs of pushes that have brought few bytes run first, so that a small push never waits behind a
//! whole history. The pool itself has no bound: whoever submits holds a permit for the bytes of the
//! job (see `in_flight_bytes_max`), and that is the bound.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

type Work = Box<dyn FnOnce() + Send>;

struct Job {
    /// Bytes that the job's push brought before it: fewer run first.
    bytes_before: u64,
    /// Order of submission, among equals.
    ticket: u64,
    work: Work,
}

impl Job {
    fn rank(&self) -> (u64, u64) {
        (self.bytes_before, self.ticket)
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Job {}

impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Job {
    fn cmp(&self, other: &Self) -> Ordering {
        // Reversed: the heap's top is its largest, and the smallest rank shall run first.
        other.rank().cmp(&self.rank())
    }
}

#[derive(Default)]
struct Queue {
    jobs: BinaryHeap<Job>,
    tickets: u64,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
}

impl Shared {
    fn next(&self) -> Option<Work> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = queue.jobs.pop() {
                return Some(job.work);
            }
            if queue.closed {
                return None;
            }
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A fixed number of threads that run jobs; dropping it finishes what is queued.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `workers` threads (at least one).
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(workers: usize) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let workers = (0..workers.max(1)).map(|number| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("scan-{number}")).spawn(move || {
                while let Some(work) = shared.next() {
                    run_contained(work);
                }
            })
        });
        Ok(Self { workers: workers.collect::<Result<_, _>>()?, shared })
    }

    /// Queues `work` of a push that has brought `bytes_before` bytes so far.
    pub fn submit(&self, bytes_before: u64, work: impl FnOnce() + Send + 'static) {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.tickets += 1;
        let ticket = queue.tickets;
        queue.jobs.push(Job { bytes_before, ticket, work: Box::new(work) });
        drop(queue);
        self.shared.filled.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.shared.filled.notify_all();
        for worker in self.workers.drain(..) {
            // A worker contains its jobs' panics, so joining it cannot fail with one.
            drop(worker.join());
        }
    }
}

/// Runs a job so that its panic ends the job and not the worker. The job's own channel closes
/// without an answer, which its session reports as a lost worker.
fn run_contained(work: Work) {
    drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn jobs_of_small_pushes_run_first() {
        let pool = Pool::start(1).unwrap();
        let (gate, opened) = mpsc::channel::<()>();
        let (say, heard) = mpsc::channel();
        pool.submit(0, move || opened.recv().unwrap());
        for bytes_before in [900, 5, 70] {
            let say = say.clone();
            pool.submit(bytes_before, move || say.send(bytes_before).unwrap());
        }
        gate.send(()).unwrap();
        drop((pool, say));
        assert_eq!(heard.iter().collect::<Vec<_>>(), [5, 70, 900]);
    }

    #[test]
    fn a_panic_ends_the_job_and_not_the_worker() {
        let pool = Pool::start(1).unwrap();
        let (say, heard) = mpsc::channel();
        pool.submit(0, || panic!("a job's own fault"));
        pool.submit(1, move || say.send("still here").unwrap());
        assert_eq!(heard.recv(), Ok("still here"));
    }
}
