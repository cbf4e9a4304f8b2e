//! The embedded model, shared between threads: many ask it, one teaches it. It leaves what is learned, and when, to `thread`.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use pennyworth_ngram::{Limits, Model};

/// The embedded model's name in the ledger, the cache and reports.
pub const EMBEDDED: &str = "embedded";

/// The model behind a lock that prefers readers.
pub struct EmbeddedModel {
    model: RwLock<Model>,
    /// Readers that hold the lock or wait for it.
    readers: AtomicUsize,
    /// How often the model forgot something.
    generations: AtomicUsize,
}

impl EmbeddedModel {
    /// An empty model of at most `memory_mb` megabytes.
    pub fn new(memory_mb: u32) -> EmbeddedModel {
        let model = RwLock::new(Model::new(limits(memory_mb)));
        EmbeddedModel { model, readers: AtomicUsize::new(0), generations: AtomicUsize::new(0) }
    }

    /// Asks the model. This waits for less than a millisecond; still, the task that serves must not call it.
    pub fn ask<T>(&self, ask: impl FnOnce(&Model) -> T) -> T {
        let _reader = Reader::new(&self.readers);
        ask(&self.model.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number that changes when the model forgets a file or everything. Answers from before must not be cached after that.
    pub fn generation(&self) -> usize {
        self.generations.load(Ordering::SeqCst)
    }

    /// Teaches the model. `teach` must take less than a millisecond.
    pub fn teach<T>(&self, teach: impl FnOnce(&mut Model) -> T) -> T {
        // While a workspace is read, teaching never pauses. Without this, readers would seldom find the lock free.
        while self.readers.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
        }
        teach(&mut self.model.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets everything. The model takes up to `memory_mb` megabytes from now on.
    pub fn forget(&self, memory_mb: u32) {
        let fresh = Model::new(limits(memory_mb));
        let old = self.teach(|model| {
            self.generations.fetch_add(1, Ordering::SeqCst);
            std::mem::replace(model, fresh)
        });
        // Freeing it takes a while, so it is freed here, outside the lock.
        drop(old);
    }
}

impl EmbeddedModel {
    /// Forgets one path, as a document and as a file. Answers in the making are not cached either.
    pub(super) fn forget_path(&self, path: &str) {
        self.teach(|model| {
            self.generations.fetch_add(1, Ordering::SeqCst);
            model.close(path);
            model.remove(path);
        });
    }
}

/// Counts a reader until it is dropped, also by a panic.
struct Reader<'a>(&'a AtomicUsize);

impl Reader<'_> {
    fn new(count: &AtomicUsize) -> Reader<'_> {
        count.fetch_add(1, Ordering::Relaxed);
        Reader(count)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn limits(memory_mb: u32) -> Limits {
    Limits { max_bytes: memory_mb as usize * 1024 * 1024 }
}

/// The model's key for a path.
pub fn key(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
