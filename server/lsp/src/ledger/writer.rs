//! The handle to the writer thread: it queues work for the store, and gives access to the memory and the telemetry collector.
//! It leaves rows to `store`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use pennyworth_core::task::Task;

use super::clock::Clock;
use super::collector::Collector;
use super::memory::Memory;
use super::replies::{Unwritten, WRITTEN_AFTER};
use super::span::CallSpan;
use super::store::Store;
use super::trouble::{Condition, Trouble};

/// Work for the writer thread.
type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// A handle to the writer thread, which ends with the last handle.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: Sender<Job>,
    memory: Arc<RwLock<Memory>>,
    condition: Arc<Condition>,
    collector: Arc<RwLock<Option<Arc<Collector>>>>,
    replies: Arc<Unwritten>,
}

impl Writer {
    /// Starts the thread with a file.
    pub(super) fn start(path: Option<&Path>, clock: Clock) -> Writer {
        let (memory, condition) = (Arc::<RwLock<Memory>>::default(), Arc::<Condition>::default());
        let replies = Arc::<Unwritten>::default();
        let store = Store::open(path, clock, Arc::clone(&memory), Arc::clone(&condition), Arc::clone(&replies));
        let (jobs, queue) = mpsc::channel::<Job>();
        let (watched, waiting) = (Arc::clone(&condition), Arc::clone(&replies));
        let work = move || work(store, &queue, &watched, &waiting);
        let worker = std::thread::Builder::new().name("ledger".into()).spawn(work);
        if let Err(error) = worker {
            // Without the thread every call is refused, so no model is called.
            let why = format!("cannot be kept: its thread does not start ({error})");
            condition.set(Some(Trouble::new(path, why, "Start the server again.")));
        }
        Writer { jobs, memory, condition, collector: Arc::default(), replies }
    }

    pub(super) fn send(&self, job: impl FnOnce(&mut Store) + Send + 'static) {
        // This fails only if the thread could not start; a caller that waits for a reply then gets none.
        let _ = self.jobs.send(Box::new(job));
    }

    /// Counts what a request got. The first count after a write wakes the thread, so that it is written in time.
    pub(super) fn replied(&self, task: Option<Task>, language: &'static str, reply: &'static str) {
        if self.replies.add(task, language, reply) {
            self.send(|_| ());
        }
    }

    pub(super) fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Sends a call to the collector, if there is one.
    pub(super) fn collect(&self, call: &CallSpan<'_>) {
        let collector = self.collector.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(collector) = collector {
            collector.send(call);
        }
    }

    /// Replaces the collector and returns the old one.
    pub(super) fn set_collector(&self, collector: Option<Arc<Collector>>) -> Option<Arc<Collector>> {
        std::mem::replace(&mut *self.collector.write().unwrap_or_else(PoisonError::into_inner), collector)
    }
}

/// Does the work until the last handle is gone, and writes what was counted meanwhile. A panic ends one piece of work: the books are opened again, and
/// the next one begins.
fn work(store: Store, queue: &Receiver<Job>, condition: &Condition, replies: &Unwritten) {
    let mut store = Some(store);
    let mut was_told = false;
    let mut done = |work: &mut dyn FnMut(&mut Store)| {
        let ended = catch_unwind(AssertUnwindSafe(|| store.as_mut().map(&mut *work)));
        if ended.is_ok() {
            return;
        }
        store = catch_unwind(AssertUnwindSafe(|| store.take().map(Store::reopened))).unwrap_or_default();
        if !std::mem::replace(&mut was_told, true) {
            condition.happened(
                "the ledger's thread failed and was started again: please report this (the log has more)".into(),
            );
        }
    };
    done(&mut Store::load);
    let mut write_at: Option<Instant> = None;
    loop {
        let next = match write_at {
            Some(at) => queue.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => queue.recv().map_err(RecvTimeoutError::from),
        };
        let is_over = matches!(next, Err(RecvTimeoutError::Disconnected));
        if let Ok(job) = next {
            let mut job = Some(job);
            done(&mut |store| {
                if let Some(job) = job.take() {
                    job(store);
                }
            });
        }
        if is_over || write_at.is_some_and(|at| at <= Instant::now()) {
            done(&mut Store::write_replies);
            write_at = None;
        } else if write_at.is_none() && !replies.is_empty() {
            write_at = Some(Instant::now() + WRITTEN_AFTER);
        }
        if is_over {
            return;
        }
    }
}
