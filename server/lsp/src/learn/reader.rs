//! Reads files of the workspace for the learner, on a thread of its own: a disk may never answer, and edits must be learned. A folder that does
//! not answer in time is given up, with its thread, and another thread goes on with the others.
//! It leaves which files and folders there are to `walk`, and learning them to `thread`.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pennyworth_ngram::Prepared;

use super::learner::Learner;
use super::queue::Found;
use super::walk::{self, Entry, Folders, MAX_VISITED};
use crate::settings::{Configuration, SharedConfiguration};
use crate::sync::{Crashes, lock};

/// Longest time for one folder's next entry, or for one file.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Most folders that are given up; then a walk ends. Each has a thread that waits.
const MAX_GIVEN_UP: u64 = 8;
/// Panics in a row after which a walk ends.
const MANY_PANICS: u32 = 20;
/// The thread's name for the user.
const PART: &str = "reading the workspace";

/// The reader: its work, and which thread does it.
pub(super) struct Reader {
    learner: Arc<Learner>,
    configuration: Arc<SharedConfiguration>,
    crashes: Arc<Crashes>,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    is_over: bool,
    /// The thread that reads. Earlier ones were given up.
    thread: u64,
    given_up: u64,
    files: VecDeque<PathBuf>,
    walk: Option<Walk>,
    /// The number of the last walk.
    walks: u64,
    /// What is being read, and since when.
    at: Option<(PathBuf, Instant)>,
}

/// A walk over the workspace.
struct Walk {
    folders: Folders,
    visited: usize,
}

/// The next work of a thread.
enum Work {
    File(PathBuf),
    Folder(u64, PathBuf, Option<PathBuf>),
}

impl Reader {
    /// Starts a reader, which ends with what is returned.
    pub(super) fn start(
        learner: Arc<Learner>,
        configuration: Arc<SharedConfiguration>,
        crashes: Arc<Crashes>,
    ) -> Running {
        let (state, wake) = (Mutex::default(), Condvar::new());
        let reader = Arc::new(Reader { learner, configuration, crashes, state, wake });
        spawn(&reader, 0);
        let watched = Arc::clone(&reader);
        let watching = std::thread::Builder::new().name("walks".into()).spawn(move || watched.watch());
        if let Err(error) = watching {
            tracing::error!(%error, "a thread did not start");
        }
        Running(reader)
    }

    /// Walks these folders, in place of a walk under way. Returns the walk's number.
    pub(super) fn walk(&self, folders: Folders) -> u64 {
        let mut state = lock(&self.state);
        state.walk = Some(Walk { folders, visited: 0 });
        state.walks += 1;
        self.wake.notify_all();
        state.walks
    }

    /// Ends the walk under way.
    pub(super) fn stop(&self) {
        lock(&self.state).walk = None;
    }

    /// Reads a file that was changed.
    pub(super) fn file(&self, path: PathBuf) {
        lock(&self.state).files.push_back(path);
        self.wake.notify_all();
    }

    /// Does the work, until the reader is over or this thread is given up.
    fn run(&self, thread: u64) {
        let mut panics = 0;
        while let Some(work) = self.next(thread) {
            let done = self.crashes.guard(PART, || match &work {
                Work::File(path) => {
                    let configuration = self.configuration.get();
                    let prepared = walk::changed(&configuration, path);
                    if self.rest(thread) {
                        self.found(None, path, prepared, configuration);
                    }
                }
                Work::Folder(walk, folder, known) => self.read(thread, *walk, folder, known.as_deref()),
            });
            panics = if done.is_some() { 0 } else { panics + 1 };
            if panics > MANY_PANICS {
                self.stop();
            }
        }
    }

    /// The next work; `None` at the end.
    fn next(&self, thread: u64) -> Option<Work> {
        let mut state = lock(&self.state);
        if state.thread == thread {
            state.at = None;
        }
        loop {
            if state.is_over || state.thread != thread {
                return None;
            }
            if let Some(work) = state.take() {
                let (Work::File(path) | Work::Folder(_, path, _)) = &work;
                state.at = Some((path.clone(), Instant::now()));
                self.wake.notify_all();
                return Some(work);
            }
            if state.walk.take().is_some() {
                let walk = state.walks;
                drop(state);
                self.learner.queue.walked(walk);
                state = lock(&self.state);
                continue;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Reads the files of a folder, and notes those in it.
    fn read(&self, thread: u64, walk: u64, folder: &Path, known: Option<&Path>) {
        for entry in walk::listed(&self.configuration.get(), folder) {
            let entry = entry.ok().and_then(|entry| walk::entry(&entry, known));
            let over = self.learner.progress.is_cancelled();
            if !self.visited(thread, walk, entry.as_ref(), folder, over) {
                return;
            }
            let Some(Entry::File(path)) = entry else { continue };
            let configuration = self.configuration.get();
            let prepared = walk::prepare(&configuration, &path);
            if !self.rest(thread) {
                return;
            }
            if prepared.is_some() {
                self.found(Some(walk), &path, prepared, configuration);
            }
        }
    }

    /// Counts an entry; false if the walk or this thread is to end.
    fn visited(&self, thread: u64, walk: u64, entry: Option<&Entry>, folder: &Path, is_cancelled: bool) -> bool {
        let mut state = lock(&self.state);
        if state.is_over || state.thread != thread || state.walks != walk {
            return false;
        }
        let Some(under_way) = &mut state.walk else { return false };
        under_way.visited += 1;
        if let Some(Entry::Folder(path)) = entry {
            under_way.folders.add(path.clone());
        }
        if is_cancelled || under_way.visited >= MAX_VISITED {
            under_way.folders = Folders::default();
            return false;
        }
        state.at = Some((folder.to_owned(), Instant::now()));
        true
    }

    /// The disk has answered; false if this thread was given up meanwhile.
    fn rest(&self, thread: u64) -> bool {
        let mut state = lock(&self.state);
        let is_current = state.thread == thread;
        if is_current {
            state.at = None;
        }
        is_current
    }

    /// Hands over what was read, and waits until the learner has room.
    fn found(&self, walk: Option<u64>, path: &Path, prepared: Option<Prepared>, configuration: Arc<Configuration>) {
        self.learner.queue.found(Found { walk, path: path.to_owned(), prepared, configuration });
    }

    /// Gives up what does not answer.
    fn watch(self: &Arc<Reader>) {
        let mut state = lock(&self.state);
        while !state.is_over {
            if let Some((path, thread)) = state.late(Instant::now()) {
                tracing::warn!("a folder of the workspace does not answer");
                self.learner.progress.unanswered(&path);
                spawn(self, thread);
            }
            state = match state.at {
                Some(_) => self.wake.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0,
                None if state.walk.is_some() => {
                    self.wake.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl State {
    fn take(&mut self) -> Option<Work> {
        if let Some(file) = self.files.pop_front() {
            return Some(Work::File(file));
        }
        let (folder, known) = self.walk.as_mut()?.folders.next()?;
        Some(Work::Folder(self.walks, folder, known))
    }

    /// Gives up what takes too long: the folder of it, and the number of the thread that goes on.
    fn late(&mut self, now: Instant) -> Option<(PathBuf, u64)> {
        let (path, _) = self.at.take_if(|(_, since)| now.saturating_duration_since(*since) >= PATIENCE)?;
        self.thread += 1;
        self.given_up += 1;
        if self.given_up >= MAX_GIVEN_UP {
            self.files.clear();
            if let Some(walk) = &mut self.walk {
                walk.folders = Folders::default();
            }
        }
        Some((path, self.thread))
    }
}

fn spawn(reader: &Arc<Reader>, thread: u64) {
    let working = Arc::clone(reader);
    if let Err(error) = std::thread::Builder::new().name("walk".into()).spawn(move || working.run(thread)) {
        tracing::error!(%error, "a thread did not start");
    }
}

/// A reader that runs until this is dropped.
pub(super) struct Running(Arc<Reader>);

impl std::ops::Deref for Running {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.0.state).is_over = true;
        self.0.wake.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_does_not_answer_is_given_up_and_another_thread_goes_on() {
        let mut folders = Folders::default();
        ["/w/b", "/w/a"].into_iter().for_each(|folder| folders.add(folder.into()));
        let mut state = State { walk: Some(Walk { folders, visited: 0 }), ..State::default() };
        let begun = Instant::now();
        let Some(Work::Folder(_, folder, None)) = state.take() else { panic!("a folder") };
        assert_eq!(folder, Path::new("/w/a"));
        state.at = Some((folder.clone(), begun));
        assert_eq!(state.late(begun + PATIENCE / 2), None);
        assert_eq!(state.late(begun + PATIENCE), Some((folder, 1)));
        assert_eq!((state.late(begun + PATIENCE), state.thread), (None, 1));
        assert!(matches!(state.take(), Some(Work::Folder(_, folder, None)) if folder == Path::new("/w/b")));
        assert!(state.take().is_none());
        // Not without end: each takes a thread.
        for _ in 0..MAX_GIVEN_UP {
            state.walk.as_mut().unwrap().folders.add("/w/c".into());
            state.at = Some(("/w/c".into(), begun));
            state.late(begun + PATIENCE).unwrap();
        }
        assert!(state.take().is_none());
    }
}
