//! The files of the workspace that the embedded model learns: walked nearest first, one at a time, and again one by one when they change.
//! It leaves learning to `learn`'s thread, on which all of this runs, and showing progress to `progress`.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};
use pennyworth_core::gate::FileKind;
use pennyworth_ngram::Prepared;

use crate::engine::Engine;
use crate::learn::{key, normal};
use crate::resources::Resources;

/// Files and folders that are looked at, at most. A larger workspace is read as far as that, from where the user works outwards.
const MAX_VISITED: usize = 200_000;
/// Files in a row that found no room in the model before the rest is left alone.
const ENOUGH_REFUSED: usize = 200;
/// Files after which progress is told.
const TELL_EVERY: usize = 50;

/// A walk over the workspace, taken in steps.
pub(crate) struct Walk {
    walk: ignore::Walk,
    visited: usize,
    read: usize,
    refused: usize,
    /// The file that was handed over last.
    last: Option<String>,
}

impl Walk {
    /// A walk from these folders on; `None` without folders.
    pub(crate) fn new(engine: &Engine, roots: &[PathBuf]) -> Option<Walk> {
        let Some((first, rest)) = roots.split_first() else {
            engine.progress.end();
            return None;
        };
        let walk = files(first, rest, engine.session().paths());
        engine.progress.begin();
        Some(Walk { walk, visited: 0, read: 0, refused: 0, last: None })
    }

    /// Looks at one more file or folder; false when that was all.
    pub(crate) fn step(&mut self, engine: &Engine) -> bool {
        self.count_refused(engine);
        let is_over = self.visited >= MAX_VISITED || self.refused >= ENOUGH_REFUSED || engine.progress.is_cancelled();
        let Some(entry) = self.walk.next().filter(|_| !is_over) else {
            tracing::info!(visited = self.visited, files = self.read, "the workspace is read");
            engine.progress.read(self.read);
            engine.progress.end();
            return false;
        };
        self.visited += 1;
        // What cannot be looked at is not part of what can be learned.
        if let Ok(entry) = entry
            && is_file(&entry)
            && let Some(prepared) = prepare(&engine.resources, entry.path())
        {
            engine.resources.embedded.teach(|model| model.index_prepared(prepared));
            self.last = Some(key(entry.path()));
            self.read += 1;
            if self.read.is_multiple_of(TELL_EVERY) {
                engine.progress.read(self.read);
            }
        }
        true
    }

    /// Counts the files in a row that were handed over and not kept: as the walk goes from near to far, what follows would not be kept either.
    fn count_refused(&mut self, engine: &Engine) {
        if let Some(last) = self.last.take() {
            let is_kept = engine.resources.embedded.ask(|model| model.knows(&last));
            self.refused = if is_kept { 0 } else { self.refused + 1 };
        }
    }
}

/// The files and folders below some roots, those that lead to open documents first. Links are not followed, so there are no loops. Hidden
/// files and what `.gitignore` names are left out, with or without Git.
fn files(first: &Path, rest: &[PathBuf], open: Vec<PathBuf>) -> ignore::Walk {
    let mut builder = WalkBuilder::new(first);
    rest.iter().for_each(|root| {
        builder.add(root);
    });
    builder.follow_links(false).require_git(false).sort_by_file_path(move |a, b| {
        let leads = |path: &Path| open.iter().any(|open| open.starts_with(path));
        leads(b).cmp(&leads(a)).then_with(|| a.cmp(b))
    });
    builder.build()
}

/// Learns a folder at once, for a command that has nothing else to do: from `open` outwards, as far as the model has room. `open` itself is
/// left out: what stands in a document must not tell what it continues with.
pub(crate) fn learn_folder(resources: &Resources, root: &Path, open: &Path) -> usize {
    let walk = files(root, &[], vec![open.to_owned()]).take(MAX_VISITED).flatten();
    let mut learned = 0;
    for entry in walk.filter(|entry| is_file(entry) && entry.path() != open) {
        if let Some(prepared) = prepare(resources, entry.path()) {
            resources.embedded.teach(|model| model.index_prepared(prepared));
            learned += 1;
        }
    }
    while resources.embedded.teach(pennyworth_ngram::Model::advance) {}
    learned
}

/// Learns a file that was created or changed, and forgets one that was deleted or is to be left alone.
pub(crate) fn refresh(engine: &Engine, path: &Path) {
    let about = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
    match about.and_then(|_| prepare(&engine.resources, path)) {
        Some(prepared) => engine.resources.embedded.teach(|model| model.index_prepared(prepared)),
        None => engine.resources.embedded.teach(|model| model.remove(&key(path))),
    }
}

/// Pipes and devices are never opened: reading one may wait for ever.
fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_file())
}

/// A file as the model learns it; `None` if it is not to be learned, or cannot be read.
fn prepare(resources: &Resources, path: &Path) -> Option<Prepared> {
    let language = pennyworth_grammars::by_path(path, "")?.name();
    let current = resources.current();
    let scope = current.scope(path);
    let settings = &scope.settings;
    if !settings.embedded.enabled || !settings.embedded.index || !settings.is_language_on(language) {
        return None;
    }
    if scope.kind_of_path(path) != FileKind::Normal {
        return None;
    }
    let text = read(path, settings.embedded.max_file_bytes)?;
    let text = normal(&text);
    if crate::settings::is_generated(&text) {
        return None;
    }
    Prepared::new(&key(path), language, &text).ok()
}

/// The text of a file of at most so many bytes. One byte in a thousand may be of another encoding.
fn read(path: &Path, max_bytes: u64) -> Option<String> {
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path).ok()?;
    // The size on disk may be a lie (`/proc`), or grow while it is read.
    file.by_ref().take(max_bytes + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > max_bytes {
        return None;
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
