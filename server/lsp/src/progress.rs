//! How far reading the workspace is: told by the learner, watched by whoever shows it. It leaves the protocol's side to `status`.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is being read.
    #[default]
    Idle,
    /// The workspace is being read.
    Reading {
        /// Files read so far.
        files: usize,
    },
}

/// The place where it is told and watched.
pub struct Watched {
    progress: watch::Sender<Progress>,
    is_cancelled: AtomicBool,
}

impl Default for Watched {
    fn default() -> Watched {
        Watched { progress: watch::Sender::new(Progress::Idle), is_cancelled: AtomicBool::new(false) }
    }
}

impl Watched {
    /// Tells how far it is; a new beginning forgets that an older one was cancelled.
    pub fn set(&self, progress: Progress) {
        if progress == (Progress::Reading { files: 0 }) {
            self.is_cancelled.store(false, Ordering::Relaxed);
        }
        self.progress.send_replace(progress);
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
