//! The embedded model as it is shared: many who ask, one who teaches. It leaves what is learned when to `learn`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use pennyworth_ngram::{Limits, Model};

/// The model behind a lock that lets those who ask go first.
pub struct Embedded {
    model: RwLock<Model>,
    /// Those who ask or wait to.
    asking: AtomicUsize,
    /// How often everything was forgotten.
    lives: AtomicUsize,
}

impl Embedded {
    /// A model that knows nothing, in so many megabytes.
    pub fn new(memory_mb: u32) -> Embedded {
        let model = RwLock::new(Model::new(limits(memory_mb)));
        Embedded { model, asking: AtomicUsize::new(0), lives: AtomicUsize::new(0) }
    }

    /// Asks the model something. Waits for less than a millisecond; not on the task that serves all the same.
    pub fn ask<T>(&self, ask: impl FnOnce(&Model) -> T) -> T {
        let _asking = Asking::new(&self.asking);
        ask(&self.model.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number that changes when everything is forgotten: what was said before is then not to be remembered.
    pub fn life(&self) -> usize {
        self.lives.load(Ordering::SeqCst)
    }

    /// Teaches the model something that takes less than a millisecond.
    pub(crate) fn teach<T>(&self, teach: impl FnOnce(&mut Model) -> T) -> T {
        // Teaching goes on and on while a workspace is read; without this, who asks would seldom find the lock free.
        while self.asking.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
        }
        teach(&mut self.model.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets everything, and takes so many megabytes from now on.
    pub(crate) fn forget(&self, memory_mb: u32) {
        let fresh = Model::new(limits(memory_mb));
        let old = self.teach(|model| {
            self.lives.fetch_add(1, Ordering::SeqCst);
            std::mem::replace(model, fresh)
        });
        // Freeing it takes a while, so it happens here and not under the lock.
        drop(old);
    }
}

/// Counts one who asks for as long as it lives, a panic included.
struct Asking<'a>(&'a AtomicUsize);

impl Asking<'_> {
    fn new(count: &AtomicUsize) -> Asking<'_> {
        count.fetch_add(1, Ordering::Relaxed);
        Asking(count)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn limits(memory_mb: u32) -> Limits {
    Limits { max_bytes: memory_mb as usize * 1024 * 1024 }
}
