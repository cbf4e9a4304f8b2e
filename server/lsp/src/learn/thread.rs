//! The learner's thread. It learns edits first, then files it has already begun, then one more file of the workspace. It works in steps, so
//! that an edit never waits for more than one file. It reads no file itself.
//! It leaves the order of work to `queue`, reading files to `reader`, and learning itself to `pennyworth-ngram`.

use std::sync::Arc;

use pennyworth_core::prompt::normalised;
use pennyworth_core::text::{self, Snapshot};
use pennyworth_ngram::Prepared;

use super::learner::Learner;
use super::model::{EmbeddedModel, key};
use super::queue::{Busy, Found, Job};
use super::reader::{Reader, Running};
use super::walk::{self, Folders};
use crate::documents::Documents;
use crate::documents::session::{Changed, Lines};
use crate::paths::document;
use crate::settings::{Configuration, SharedConfiguration, Use};
use crate::sync::Crashes;

/// Changed lines above which the whole document is learned again: many short steps are better than one long edit.
const MANY_LINES: usize = 400;
/// Size in bytes above which a document is not learned: the model would not keep it.
const LARGEST: usize = 4 << 20;
/// Files in a row without room in the model after which a walk ends.
const ENOUGH_REFUSED: usize = 200;
/// Files between two reports of progress.
const REPORT_EVERY: usize = 50;
/// Panics in a row after which the workspace is not read on.
const MANY_PANICS: u32 = 20;
/// The thread's name for the user.
const PART: &str = "learning";

/// What the thread works with.
pub struct Thread {
    /// The queue, the model and the progress of reading.
    pub learner: Arc<Learner>,
    /// The documents whose edits are learned.
    pub documents: Arc<Documents>,
    /// The rules for what may be learned.
    pub configuration: Arc<SharedConfiguration>,
    /// Where a panic is reported.
    pub crashes: Arc<Crashes>,
    /// Runs after the model forgot something, so that cached answers are forgotten as well.
    pub forgotten: Box<dyn Fn(Forgotten) + Send>,
}

/// What the model forgot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// Everything.
    All,
    /// Some documents or files.
    Some,
}

/// Starts the thread.
pub fn start(thread: Thread) -> std::io::Result<()> {
    std::thread::Builder::new().name("learn".into()).spawn(move || thread.crashes.keep(PART, || run(&thread))).map(drop)
}

fn run(thread: &Thread) {
    let learner = &thread.learner;
    // Before that nobody knows what may be learned.
    thread.configuration.wait();
    let reader = Reader::start(Arc::clone(learner), Arc::clone(&thread.configuration), Arc::clone(&thread.crashes));
    let mut walk: Option<Walk> = None;
    let (mut more, mut panics) = (false, 0);
    loop {
        let busy = match more {
            true if learner.model.ask(pennyworth_ngram::Model::is_opening) => Busy::Opening,
            true => Busy::Yes,
            false => Busy::No,
        };
        let Ok(job) = learner.queue.next(busy) else { return };
        // A panic ends the step, not the thread. A half-learned file is repaired when it is learned again.
        let step = thread.crashes.guard(PART, || match job {
            Some(job) => {
                begin(thread, job, &reader, &mut walk);
                true
            }
            None => learner.model.teach(pennyworth_ngram::Model::advance),
        });
        panics = if step.is_some() { 0 } else { panics + 1 };
        // A walk goes on behind the file that it failed at, unless it fails at every one.
        if panics > MANY_PANICS {
            stop(learner, &reader, &mut walk);
        }
        more = step.unwrap_or(false);
    }
}

/// A walk under way, as far as it is learned.
struct Walk {
    number: u64,
    read: usize,
    refused: usize,
    /// The file that the model was last given.
    last: Option<String>,
}

impl Walk {
    /// Counts the files in a row that the model did not keep. The walk goes from near to far, so it would not keep the following ones either.
    fn count_refused(&mut self, model: &EmbeddedModel) {
        if let Some(last) = self.last.take() {
            let is_kept = model.ask(|model| model.knows(&last));
            self.refused = if is_kept { 0 } else { self.refused + 1 };
        }
    }
}

/// Ends the walk under way, if there is one.
fn stop(learner: &Learner, reader: &Running, walk: &mut Option<Walk>) {
    reader.stop();
    if walk.take().is_some() {
        learner.progress.end();
    }
}

/// Learns a file that was read. Rules may have changed since, and a walk may have been ended.
fn found(thread: &Thread, found: Found, reader: &Running, walk: &mut Option<Walk>) {
    let Learner { model, progress, .. } = &*thread.learner;
    let Found { walk: of, path, prepared, configuration } = found;
    let now = thread.configuration.get();
    let prepared = prepared.filter(|_| Arc::ptr_eq(&now, &configuration) || walk::is_learned(&now, &path));
    let Some(number) = of else {
        return match prepared {
            Some(prepared) => model.teach(|model| model.index_prepared(prepared)),
            None => model.teach(|model| model.remove(&key(&path))),
        };
    };
    let (Some(under_way), Some(prepared)) = (walk.as_mut().filter(|walk| walk.number == number), prepared) else {
        return;
    };
    under_way.count_refused(model);
    if under_way.refused >= ENOUGH_REFUSED {
        progress.read(under_way.read);
        return stop(&thread.learner, reader, walk);
    }
    model.teach(|model| model.index_prepared(prepared));
    under_way.last = Some(key(&path));
    under_way.read += 1;
    if under_way.read.is_multiple_of(REPORT_EVERY) {
        progress.read(under_way.read);
    }
}

fn begin(thread: &Thread, job: Job, reader: &Running, walk: &mut Option<Walk>) {
    let Thread { learner, documents, configuration, forgotten, .. } = thread;
    let Learner { model, progress, .. } = &**learner;
    match job {
        Job::Forget(memory_mb) => {
            // A walk that continued would learn forgotten files again, perhaps ones that must stay forgotten.
            stop(learner, reader, walk);
            model.forget(memory_mb);
            // After the model forgets, so that an answer in the making is not cached either.
            forgotten(Forgotten::All);
        }
        Job::Review => {
            if review(model, &configuration.get()) > 0 {
                forgotten(Forgotten::Some);
            }
        }
        Job::Close(path) => {
            // Files outside of every folder are forgotten when closed. Without folders they are kept: there is nothing else to learn from.
            let configuration = configuration.get();
            let is_inside = || configuration.folders().iter().any(|root| root.path == configuration.read(&path).root);
            let is_foreign = !configuration.folders().is_empty() && !is_inside();
            model.teach(|model| {
                model.close(&key(&path));
                if is_foreign {
                    model.remove(&key(&path));
                }
            });
        }
        Job::Change(uri) => {
            // A separate statement unlocks the session before the lines are learned.
            let changed = documents.session().take_changed(&uri);
            if let Some(changed) = changed {
                learn(model, &configuration.get(), &changed);
            }
        }
        Job::Settle(path) => model.teach(|model| model.settle(&key(&path))),
        Job::Walk(roots) if roots.is_empty() => {
            reader.stop();
            *walk = None;
            progress.end();
        }
        Job::Walk(roots) => {
            let folders = Folders::new(&roots, &documents.session().paths());
            progress.begin();
            *walk = Some(Walk { number: reader.walk(folders), read: 0, refused: 0, last: None });
        }
        Job::File(path) => reader.file(path),
        Job::Found(file) => found(thread, file, reader, walk),
        Job::Walked(number) => {
            if let Some(walk) = walk.take_if(|walk| walk.number == number) {
                tracing::info!(files = walk.read, "the workspace is read");
                progress.read(walk.read);
                progress.end();
            }
        }
    }
}

/// Learns what changed in a document.
fn learn(model: &EmbeddedModel, configuration: &Configuration, changed: &Changed) {
    let Changed { snapshot, path, lines } = changed;
    let scope = configuration.read(path);
    let language = snapshot.language;
    if snapshot.text.len_bytes() > LARGEST || !scope.allows(Use::Learn, language.name()) {
        return;
    }
    let key = key(path);
    let may_hold_off = scope.may_hold_off(language);
    if may_hold_off && scope.holds_off(language, &snapshot.text, 0..snapshot.text.len_bytes()) {
        return model.forget_path(&key);
    }
    let Lines { first, old_end, new_end } = *lines;
    let is_new = old_end == 0 && first == 0;
    // While it held a language that is off, it was not learned.
    let was_left_out = may_hold_off && !model.ask(|model| model.is_open(&key));
    if is_new || was_left_out || new_end.saturating_sub(first).max(old_end.saturating_sub(first)) > MANY_LINES {
        let prepared = Prepared::document(&key, language.name(), &normalised(&snapshot.text.to_string()));
        model.teach(|model| model.open_prepared(prepared));
    } else {
        let new: Vec<String> = (first..new_end).map(|line| self::line(snapshot, line)).collect();
        model.teach(|model| {
            model.edit(&key, first, old_end.saturating_sub(first), new.iter().map(String::as_str));
        });
    }
}

/// Forgets each document and file that may not be learned any more. Returns how many.
fn review(model: &EmbeddedModel, configuration: &Configuration) -> usize {
    let is_forbidden = |path: &String| {
        let language = pennyworth_grammars::of("", document::name(path.as_ref()).as_ref(), "");
        let scope = configuration.read_file(path.as_ref());
        // What holds no language that is off is learned again.
        !scope.allows(Use::Learn, language.name()) || scope.may_hold_off(language)
    };
    let forbidden: Vec<String> = model.ask(pennyworth_ngram::Model::paths).into_iter().filter(is_forbidden).collect();
    forbidden.iter().for_each(|path| model.forget_path(path));
    forbidden.len()
}

/// The text of a line, without its break.
fn line(snapshot: &Snapshot, line: usize) -> String {
    let text = &snapshot.text;
    if line >= text.len_lines() {
        return String::new();
    }
    text::slice(text, text.line_to_byte(line), text::line_end(text, line))
}
