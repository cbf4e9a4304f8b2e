//! The progress of reading the workspace: the learner reports it, and the status watches it. It leaves the protocol to `status`.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use tokio::sync::watch;

use crate::sync::lock;

/// The progress at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How often reading has begun. A watcher that sees it rise also notices a reading that is already over.
    pub walks: u64,
    /// Files read since reading last began.
    pub files: usize,
    /// Whether reading is under way.
    pub is_reading: bool,
    /// Folders that do not answer.
    pub unanswered: usize,
}

/// The shared progress.
#[derive(Default)]
pub struct Watched {
    progress: watch::Sender<Progress>,
    is_cancelled: AtomicBool,
    /// Folders that do not answer, and since when.
    unanswered: Mutex<Vec<(PathBuf, SystemTime)>>,
}

impl Watched {
    /// Reading begins, in place of any reading under way.
    pub fn begin(&self) {
        self.is_cancelled.store(false, Ordering::Relaxed);
        lock(&self.unanswered).clear();
        self.progress.send_modify(|progress| {
            *progress = Progress { walks: progress.walks + 1, files: 0, is_reading: true, unanswered: 0 };
        });
    }

    /// This many files have been read.
    pub fn read(&self, files: usize) {
        self.progress.send_modify(|progress| progress.files = files);
    }

    /// A folder does not answer, and is left out.
    pub fn unanswered(&self, folder: &Path) {
        lock(&self.unanswered).push((folder.to_owned(), SystemTime::now()));
        self.progress.send_modify(|progress| progress.unanswered += 1);
    }

    /// The folders that were left out of the last reading, because they do not answer, and since when.
    pub fn all_unanswered(&self) -> Vec<(PathBuf, SystemTime)> {
        lock(&self.unanswered).clone()
    }

    /// Reading is over.
    pub fn end(&self) {
        self.progress.send_modify(|progress| progress.is_reading = false);
    }

    /// The user cancels reading.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the user cancelled reading.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// The progress, now and whenever it changes.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The progress now.
    pub fn get(&self) -> Progress {
        *self.progress.borrow()
    }
}
