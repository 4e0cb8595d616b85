//! The worker pool: scanning happens on its threads, never on the async runtime's.
//!
//! ```text
//! sessions ──(bytes so far, job)──► heap ──┬──► worker 1 … n
//!                                         └──► the small pushes' own: their jobs alone
//! ```
//!
//! Jobs of pushes that have brought few bytes run first, so that a small push never waits behind a
//! whole history. Nor does it wait until a worker is done with a large push's job, which may take
//! long: one thread more than the workers serves small pushes alone. The pool itself has no bound:
//! whoever submits holds room for the bytes of the job (see `in_flight_bytes_max`), and that is the
//! bound.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A push is small as long as it has brought at most this many bytes: most pushes ever are, and a
/// few dozen of them at once are little memory and little work.
pub const SMALL_PUSH_BYTES: u64 = 4 << 20;

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

    fn is_small(&self) -> bool {
        self.bytes_before <= SMALL_PUSH_BYTES
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

/// Which jobs a thread takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Serves {
    All,
    Small,
}

#[derive(Default)]
struct Queue {
    jobs: BinaryHeap<Job>,
    tickets: u64,
    closed: bool,
    /// Whether the small pushes' own thread has nothing to do.
    is_spare: bool,
}

impl Queue {
    /// Takes the next job out for a thread.
    fn pop(&mut self, serves: Serves) -> Option<Job> {
        let next = self.jobs.peek_mut()?;
        (serves == Serves::All || next.is_small()).then(|| PeekMut::pop(next))
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Tells the workers.
    filled: Condvar,
    /// Tells the small pushes' own thread.
    filled_small: Condvar,
}

impl Shared {
    fn next(&self, serves: Serves) -> Option<Work> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = queue.pop(serves) {
                return Some(job.work);
            }
            if queue.closed {
                return None;
            }
            let told = match serves {
                Serves::All => &self.filled,
                Serves::Small => &self.filled_small,
            };
            queue.is_spare |= serves == Serves::Small;
            queue = told.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Queues a job, and wakes the thread that shall take it.
    fn push(&self, bytes_before: u64, work: Work) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.tickets += 1;
        let job = Job { bytes_before, ticket: queue.tickets, work };
        // Told once: until it waits again, the next small job wakes a worker.
        let is_for_spare = job.is_small() && std::mem::take(&mut queue.is_spare);
        queue.jobs.push(job);
        drop(queue);
        if is_for_spare {
            self.filled_small.notify_one();
        } else {
            self.filled.notify_one();
        }
    }
}

/// A fixed number of threads that run jobs; dropping it finishes what is queued.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `workers` threads (at least one), and one for small pushes alone.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(workers: usize) -> std::io::Result<Self> {
        let mut pool = Self { shared: Arc::default(), threads: Vec::new() };
        for number in 0..workers.max(1) {
            pool.add(format!("scan-{number}"), Serves::All)?;
        }
        pool.add("scan-small".to_owned(), Serves::Small)?;
        Ok(pool)
    }

    fn add(&mut self, name: String, serves: Serves) -> std::io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            while let Some(work) = shared.next(serves) {
                run_contained(work);
            }
        });
        self.threads.push(thread?);
        Ok(())
    }

    /// Queues `work` of a push that has brought `bytes_before` bytes so far.
    pub fn submit(&self, bytes_before: u64, work: impl FnOnce() + Send + 'static) {
        self.shared.push(bytes_before, Box::new(work));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.shared.filled.notify_all();
        self.shared.filled_small.notify_all();
        for thread in self.threads.drain(..) {
            // A thread contains its jobs' panics, so joining it cannot fail with one.
            drop(thread.join());
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

    const LARGE: u64 = SMALL_PUSH_BYTES + 1;

    /// Returns the order in which jobs of these ranks run where a single thread serves them.
    fn order(ranks: [u64; 3]) -> Vec<u64> {
        let pool = Pool::start(1).unwrap();
        let (say, heard) = mpsc::channel();
        // Both threads are busy until all jobs are there; then one is free.
        let (one, opened_one) = mpsc::channel::<()>();
        let (other, opened_other) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        for opened in [opened_one, opened_other] {
            let begun = begun.clone();
            pool.submit(0, move || {
                begun.send(()).unwrap();
                opened.recv().ok();
            });
            has_begun.recv().unwrap();
        }
        for rank in ranks {
            let say = say.clone();
            pool.submit(rank, move || say.send(rank).unwrap());
        }
        drop(one);
        let heard = heard.iter().take(ranks.len()).collect();
        drop(other);
        heard
    }

    #[test]
    fn jobs_of_small_pushes_run_first() {
        assert_eq!(order([900, 5, 70]), [5, 70, 900]);
    }

    #[test]
    fn a_small_push_waits_for_no_large_one() {
        let pool = Pool::start(1).unwrap();
        let (gate, opened) = mpsc::channel::<()>();
        let (say, heard) = mpsc::channel();
        pool.submit(LARGE, move || opened.recv().unwrap_or_default());
        for _ in 0..2 {
            let say = say.clone();
            pool.submit(SMALL_PUSH_BYTES, move || say.send("small").unwrap());
            assert_eq!(heard.recv(), Ok("small"));
        }
        drop(gate);
    }

    #[test]
    fn a_large_push_is_served_by_workers_alone() {
        let pool = Pool::start(1).unwrap();
        let (say, heard) = mpsc::channel();
        for _ in 0..20 {
            let say = say.clone();
            pool.submit(LARGE, move || {
                say.send(std::thread::current().name().map(str::to_owned)).unwrap();
            });
        }
        drop((pool, say));
        assert!(heard.iter().all(|name| name.as_deref() == Some("scan-0")));
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
