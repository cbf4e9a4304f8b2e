//! The queue of work for the learner's thread: edits come before files of the workspace.
//! It leaves doing the work to `thread`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pennyworth_ngram::Prepared;
use tokio::sync::watch;
use tower_lsp::gen_lsp_types::Uri;

use crate::settings::Configuration;
use crate::sync::lock;

/// Changed files above which the whole workspace is read again instead.
const MANY_FILES: usize = 2000;

/// Files that are read ahead of learning.
const MANY_FOUND: usize = 2;

/// Work for the thread, in the order in which it is done.
#[derive(Default)]
struct Pending {
    is_over: bool,
    /// Forget everything; the model then takes up to this many megabytes.
    forget: Option<u32>,
    /// Forget what may not be known any more.
    review: bool,
    closed: VecDeque<PathBuf>,
    changed: VecDeque<Uri>,
    settled: VecDeque<PathBuf>,
    /// Read the workspace from these roots. Without roots, stop reading it.
    walk: Option<Vec<PathBuf>>,
    files: VecDeque<PathBuf>,
    /// What was read, of which the last is the end of a walk.
    found: VecDeque<Found>,
    walked: Option<u64>,
}

/// What was read.
pub(super) struct Found {
    /// The walk that read it; `None` for a changed file.
    pub(super) walk: Option<u64>,
    pub(super) path: PathBuf,
    /// `None` if it may not be learned or is not there.
    pub(super) prepared: Option<Prepared>,
    /// The rules by which it may be learned.
    pub(super) configuration: Arc<Configuration>,
}

/// One piece of work.
pub(super) enum Job {
    Forget(u32),
    Review,
    Close(PathBuf),
    Change(Uri),
    Settle(PathBuf),
    Walk(Vec<PathBuf>),
    File(PathBuf),
    Found(Found),
    Walked(u64),
}

/// The work for the learner's thread. No public method waits, except [`Queue::caught_up`].
#[derive(Default)]
pub struct Queue {
    pending: Mutex<Pending>,
    wake: Condvar,
    /// Notified when there is room for what was read.
    room: Condvar,
    /// Whether open documents have text that is not learned yet.
    is_behind: watch::Sender<bool>,
}

impl Queue {
    /// A document was opened or changed.
    pub fn changed(&self, uri: &Uri) {
        self.add(|pending| {
            // Set under the lock, because `next` clears it under the lock. Otherwise it could be cleared before this work is queued.
            self.is_behind.send_replace(true);
            if !pending.changed.contains(uri) {
                pending.changed.push_back(uri.clone());
            }
        });
    }

    /// Whether open documents have text that is not learned yet.
    pub fn is_behind(&self) -> bool {
        *self.is_behind.borrow()
    }

    /// Waits until open documents are learned.
    pub async fn caught_up(&self) {
        // The sender lives as long as the learner.
        let _ = self.is_behind.subscribe().wait_for(|is_behind| !is_behind).await;
    }

    /// A document was saved.
    pub fn settled(&self, path: PathBuf) {
        self.add(|pending| pending.settled.push_back(path));
    }

    /// A document was closed.
    pub fn closed(&self, path: PathBuf) {
        self.add(|pending| pending.closed.push_back(path));
    }

    /// Files were created, changed or deleted on disk. True if there are so many that the workspace should be read again.
    pub fn files(&self, paths: Vec<PathBuf>) -> bool {
        let mut pending = lock(&self.pending);
        if pending.files.len() + paths.len() > MANY_FILES {
            pending.files.clear();
            return true;
        }
        pending.files.extend(paths);
        drop(pending);
        self.wake.notify_one();
        false
    }

    /// Reads the workspace from these roots, in place of any reading under way. Without roots, reading stops.
    pub fn walk(&self, roots: Vec<PathBuf>) {
        self.add(|pending| pending.walk = Some(roots));
    }

    /// Forgets everything before any other work, and stops reading. The model then takes up to `memory_mb` megabytes.
    pub fn forget(&self, memory_mb: u32) {
        self.add(|pending| pending.forget = Some(memory_mb));
    }

    /// Forgets what the rules do not allow any more, before any other work.
    pub fn review(&self) {
        self.add(|pending| pending.review = true);
    }

    /// Ends the thread after its current step.
    pub fn end(&self) {
        self.add(|pending| pending.is_over = true);
        self.room.notify_all();
    }

    /// A file was read. Waits until there is room: it must not be the learner's thread that calls it.
    pub(super) fn found(&self, found: Found) {
        let is_full = |pending: &mut Pending| pending.found.len() >= MANY_FOUND && !pending.is_over;
        let mut pending = self.room.wait_while(lock(&self.pending), is_full).unwrap_or_else(PoisonError::into_inner);
        pending.found.push_back(found);
        drop(pending);
        self.wake.notify_one();
    }

    /// A walk is over, and all that it read is queued.
    pub(super) fn walked(&self, walk: u64) {
        self.add(|pending| pending.walked = Some(walk));
    }

    fn add(&self, add: impl FnOnce(&mut Pending)) {
        add(&mut lock(&self.pending));
        self.wake.notify_one();
    }

    /// The next piece of work. `Ok(None)` if there is none and the thread is busy with other work, `Err` at the end.
    /// Otherwise it waits.
    pub(super) fn next(&self, busy: Busy) -> Result<Option<Job>, Over> {
        let mut pending = lock(&self.pending);
        loop {
            if pending.is_over {
                return Err(Over);
            }
            match pending.next(busy) {
                Some(job) => {
                    self.room.notify_all();
                    return Ok(Some(job));
                }
                None if busy == Busy::Opening => return Ok(None),
                None => {
                    self.is_behind.send_if_modified(|is_behind| std::mem::replace(is_behind, false));
                    if busy == Busy::Yes {
                        return Ok(None);
                    }
                    pending = self.wait(pending);
                }
            }
        }
    }

    fn wait<'a>(&self, pending: MutexGuard<'a, Pending>) -> MutexGuard<'a, Pending> {
        self.wake.wait(pending).unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread must end.
pub(super) struct Over;

/// The other work that the thread has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    /// Nothing.
    No,
    /// Work that can wait.
    Yes,
    /// An opened document is being learned. Edits wait, because an edit would learn the rest of it in one long step.
    Opening,
}

impl Pending {
    fn next(&mut self, busy: Busy) -> Option<Job> {
        None.or_else(|| self.forget.take().map(Job::Forget))
            .or_else(|| std::mem::take(&mut self.review).then_some(Job::Review))
            .or_else(|| self.closed.pop_front().map(Job::Close))
            .or_else(|| (busy != Busy::Opening).then(|| self.changed.pop_front()).flatten().map(Job::Change))
            .or_else(|| self.settled.pop_front().map(Job::Settle))
            .or_else(|| self.walk.take().map(Job::Walk))
            .or_else(|| self.files.pop_front().map(Job::File))
            .or_else(|| (busy == Busy::No).then(|| self.found.pop_front()).flatten().map(Job::Found))
            .or_else(|| (busy == Busy::No).then(|| self.walked.take()).flatten().map(Job::Walked))
    }
}
