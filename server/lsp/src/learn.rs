//! What the embedded model learns, and when: edits first, then what is already read, then one more file of the workspace.
//! All of it happens on one thread, in steps, so that an edit never waits for more than one file.
//! It leaves which files are read to `index` and how anything is learned to `pennyworth-ngram`.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pennyworth_core::gate::FileKind;
use pennyworth_core::text::{self, Snapshot};
use pennyworth_ngram::Prepared;
use tokio::sync::watch;
use tower_lsp::gen_lsp_types::Uri;

use crate::engine::{Engine, lock};
use crate::index::Walk;
use crate::session::{Changed, Lines};

/// Changed lines from which on a document is learned anew: done in steps that is kinder than one long edit.
const MANY_LINES: usize = 400;
/// Size in bytes above which a document is not learned: the model would not keep it.
const LARGEST: usize = 4 << 20;
/// Changed files from which on the workspace is read anew instead.
const MANY_FILES: usize = 2000;

/// Work for the thread, in the order in which it is taken.
#[derive(Default)]
struct Pending {
    is_over: bool,
    /// Everything is to be forgotten first.
    forget: Option<u32>,
    closed: VecDeque<PathBuf>,
    changed: VecDeque<Uri>,
    settled: VecDeque<PathBuf>,
    /// The workspace is to be read: from which roots, or not at all any more.
    walk: Option<Vec<PathBuf>>,
    files: VecDeque<PathBuf>,
}

/// One piece of work.
enum Job {
    Forget(u32),
    Close(PathBuf),
    Change(Uri),
    Settle(PathBuf),
    Walk(Vec<PathBuf>),
    File(PathBuf),
}

/// The learner, as those see it who give it work. None of its methods waits.
#[derive(Default)]
pub struct Learner {
    pending: Mutex<Pending>,
    wake: Condvar,
    /// Whether open documents hold something that is not learned yet.
    is_behind: watch::Sender<bool>,
}

impl Learner {
    /// A document was opened or changed.
    pub fn changed(&self, uri: &Uri) {
        self.add(|pending| {
            // Under the lock, as where it is taken back: else it could be taken back for work that is only on its way.
            self.is_behind.send_replace(true);
            if !pending.changed.contains(uri) {
                pending.changed.push_back(uri.clone());
            }
        });
    }

    /// Whether open documents hold something that is not learned yet.
    pub fn is_behind(&self) -> bool {
        *self.is_behind.borrow()
    }

    /// Waits until open documents are learned.
    pub async fn caught_up(&self) {
        // Its sender lives as long as the learner.
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

    /// Files were created, changed or deleted on disk. True if they are so many that the workspace should be read anew.
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

    /// Reads the workspace from these folders on, in place of what was being read; without folders it reads no more.
    pub fn walk(&self, roots: Vec<PathBuf>) {
        self.add(|pending| pending.walk = Some(roots));
    }

    /// Forgets everything before anything else, and reads no further; the model may take so many megabytes afterwards.
    pub fn forget(&self, memory_mb: u32) {
        self.add(|pending| pending.forget = Some(memory_mb));
    }

    /// Ends the thread, which finishes the step it is at.
    pub fn end(&self) {
        self.add(|pending| pending.is_over = true);
    }

    fn add(&self, add: impl FnOnce(&mut Pending)) {
        add(&mut lock(&self.pending));
        self.wake.notify_one();
    }

    /// The next piece of work, `Ok(None)` if there is none for somebody who is busy with other things, `Err` at the end.
    /// Waits while there is neither.
    fn next(&self, busy: Busy) -> Result<Option<Job>, Over> {
        let mut pending = lock(&self.pending);
        loop {
            if pending.is_over {
                return Err(Over);
            }
            match pending.next(busy) {
                Some(job) => return Ok(Some(job)),
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

/// The learner is to end.
struct Over;

/// What else there is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    /// Nothing.
    No,
    /// Something that can wait.
    Yes,
    /// An opened document is being learned, and an edit of it would learn the rest in one go, which takes long.
    Opening,
}

impl Pending {
    fn next(&mut self, busy: Busy) -> Option<Job> {
        None.or_else(|| self.forget.take().map(Job::Forget))
            .or_else(|| self.closed.pop_front().map(Job::Close))
            .or_else(|| (busy != Busy::Opening).then(|| self.changed.pop_front()).flatten().map(Job::Change))
            .or_else(|| self.settled.pop_front().map(Job::Settle))
            .or_else(|| self.walk.take().map(Job::Walk))
            .or_else(|| self.files.pop_front().map(Job::File))
    }
}

/// Starts the thread.
pub fn start(engine: &Arc<Engine>) -> std::io::Result<()> {
    let engine = Arc::clone(engine);
    std::thread::Builder::new().name("learn".into()).spawn(move || run(&engine)).map(drop)
}

fn run(engine: &Engine) {
    let mut walk: Option<Walk> = None;
    let mut more = false;
    loop {
        let busy = match more || walk.is_some() {
            true if engine.resources.embedded.ask(pennyworth_ngram::Model::is_opening) => Busy::Opening,
            true => Busy::Yes,
            false => Busy::No,
        };
        let Ok(job) = engine.learner.next(busy) else { return };
        // A panic costs the one step, never the learner; what is half learned is repaired when the file is learned again.
        let step = catch_unwind(AssertUnwindSafe(|| match job {
            Some(job) => {
                begin(engine, job, &mut walk);
                true
            }
            None if more => engine.resources.embedded.teach(pennyworth_ngram::Model::advance),
            None => {
                walk.take_if(|walk| !walk.step(engine));
                true
            }
        }));
        more = step.unwrap_or_else(|_| {
            tracing::error!("learning panicked");
            walk = None;
            false
        });
    }
}

fn begin(engine: &Engine, job: Job, walk: &mut Option<Walk>) {
    match job {
        Job::Forget(memory_mb) => {
            // A walk that went on would bring back files that were just forgotten, perhaps because they may not be known any more.
            if walk.take().is_some() {
                engine.progress.end();
            }
            engine.resources.embedded.forget(memory_mb);
            // After forgetting: an answer that is on its way now is not remembered any more.
            engine.resources.cache().clear();
        }
        Job::Close(path) => {
            // Of the workspace is what lies in its folders. Without any, there is nothing else to learn from.
            let current = engine.current();
            let is_foreign = !current.folders().is_empty() && !current.is_inside(&path);
            engine.resources.embedded.teach(|model| {
                model.close(&key(&path));
                if is_foreign {
                    model.remove(&key(&path));
                }
            });
        }
        Job::Change(uri) => {
            // Taken in a statement of its own, so that the session is free while the lines are learned.
            let changed = engine.session().take_changed(&uri);
            if let Some(changed) = changed {
                learn(engine, &changed);
            }
        }
        Job::Settle(path) => engine.resources.embedded.teach(|model| model.settle(&key(&path))),
        Job::Walk(roots) => *walk = Walk::new(engine, &roots),
        Job::File(path) => crate::index::refresh(engine, &path),
    }
}

/// Learns what changed in a document.
fn learn(engine: &Engine, changed: &Changed) {
    let Changed { snapshot, path, lines } = changed;
    if !is_learned(engine, path, snapshot) {
        return;
    }
    let key = key(path);
    let Lines { first, old_end, new_end } = *lines;
    let is_new = old_end == 0 && first == 0;
    if is_new || new_end.saturating_sub(first).max(old_end.saturating_sub(first)) > MANY_LINES {
        let language = snapshot.language.map_or("", |language| language.name());
        let prepared = Prepared::document(&key, language, &normal(&snapshot.text.to_string()));
        engine.resources.embedded.teach(|model| model.open_prepared(prepared));
    } else {
        let new: Vec<String> = (first..new_end).map(|line| self::line(snapshot, line)).collect();
        engine.resources.embedded.teach(|model| {
            model.edit(&key, first, old_end.saturating_sub(first), new.iter().map(String::as_str));
        });
    }
}

fn is_learned(engine: &Engine, path: &Path, snapshot: &Snapshot) -> bool {
    let current = engine.current();
    let scope = current.scope(path);
    let language = snapshot.language.is_none_or(|language| scope.settings.is_language_on(language.name()));
    scope.settings.embedded.enabled
        && language
        && snapshot.text.len_bytes() <= LARGEST
        // Neither what is secret nor what is to be left alone is repeated elsewhere.
        && matches!(scope.kind_of_path(path), FileKind::Normal | FileKind::Generated)
}

/// The text of a line, without its break.
fn line(snapshot: &Snapshot, line: usize) -> String {
    let text = &snapshot.text;
    if line >= text.len_lines() {
        return String::new();
    }
    text::slice(text, text.line_to_byte(line), text::line_end(text, line))
}

/// A text with LF as its only line break, which is what the model knows.
pub(crate) fn normal(text: &str) -> std::borrow::Cow<'_, str> {
    pennyworth_core::prompt::normalised(text)
}

/// The name by which the model knows a path.
pub(crate) fn key(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
