//! How far reading the workspace is: told by the learner, watched by whoever shows it. It leaves the protocol's side to `status`.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How often reading has begun. Who sees it rise knows of a reading that is already over, too.
    pub walks: u64,
    /// Files read since it last began.
    pub files: usize,
    /// Whether it is not yet over.
    pub is_reading: bool,
}

/// The place where it is told and watched.
#[derive(Default)]
pub struct Watched {
    progress: watch::Sender<Progress>,
    is_cancelled: AtomicBool,
}

impl Watched {
    /// Reading begins, in place of what was being read.
    pub fn begin(&self) {
        self.is_cancelled.store(false, Ordering::Relaxed);
        self.progress.send_modify(|progress| {
            *progress = Progress { walks: progress.walks + 1, files: 0, is_reading: true };
        });
    }

    /// So many files have been read.
    pub fn read(&self, files: usize) {
        self.progress.send_modify(|progress| progress.files = files);
    }

    /// Reading is over.
    pub fn end(&self) {
        self.progress.send_modify(|progress| progress.is_reading = false);
    }

    /// The user wants no more of it.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the user wants no more of it.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// How far it is, now and whenever that changes.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// How far it is.
    pub fn get(&self) -> Progress {
        *self.progress.borrow()
    }
}
