//! The workspace files that the embedded model learns. A walk reads them one at a time, nearest first; a changed file is read again.
//! It leaves the order of work to `thread`, on which all of this runs, and publishing progress to `progress`.

use std::collections::VecDeque;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use pennyworth_core::gate::FileKind;
use pennyworth_core::prompt::normalised;
use pennyworth_ngram::Prepared;
use ropey::Rope;

use super::learner::Learner;
use super::model::{EmbeddedModel, key};
use super::progress::Watched;
use crate::settings::{self, Configuration, Use};

/// Most files and folders that a walk visits. Of a larger workspace, it reads the part nearest to the open document.
const MAX_VISITED: usize = 200_000;
/// Files in a row without room in the model after which a walk ends.
const ENOUGH_REFUSED: usize = 200;
/// Files between two reports of progress.
const REPORT_EVERY: usize = 50;
/// A walk over the workspace, taken in steps.
pub(super) struct Walk {
    files: Files,
    visited: usize,
    read: usize,
    refused: usize,
    /// The file that the model was last given.
    last: Option<String>,
}

impl Walk {
    /// A walk from these roots; `None` without roots.
    pub(super) fn new(progress: &Watched, open: &[PathBuf], roots: &[PathBuf]) -> Option<Walk> {
        if roots.is_empty() {
            progress.end();
            return None;
        }
        let files = Files::new(roots, open);
        progress.begin();
        Some(Walk { files, visited: 0, read: 0, refused: 0, last: None })
    }

    /// Visits one more file or folder; false at the end of the walk.
    pub(super) fn step(&mut self, learner: &Learner, configuration: &Configuration) -> bool {
        let Learner { model, progress, .. } = learner;
        self.count_refused(model);
        let is_over = self.visited >= MAX_VISITED || self.refused >= ENOUGH_REFUSED || progress.is_cancelled();
        let Some(path) = (!is_over).then(|| self.files.next(configuration)).flatten() else {
            tracing::info!(visited = self.visited, files = self.read, "the workspace is read");
            progress.read(self.read);
            progress.end();
            return false;
        };
        self.visited += 1;
        if let Some(path) = path
            && let Some(prepared) = prepare(configuration, &path)
        {
            model.teach(|model| model.index_prepared(prepared));
            self.last = Some(key(&path));
            self.read += 1;
            if self.read.is_multiple_of(REPORT_EVERY) {
                progress.read(self.read);
            }
        }
        true
    }

    /// Counts the files in a row that the model did not keep. The walk goes from near to far, so it would not keep the following ones either.
    fn count_refused(&mut self, model: &EmbeddedModel) {
        if let Some(last) = self.last.take() {
            let is_kept = model.ask(|model| model.knows(&last));
            self.refused = if is_kept { 0 } else { self.refused + 1 };
        }
    }
}

/// The files below the roots, from open documents outwards. Links are not followed, so there are no loops. Hidden files are left out, and so are
/// folders that the rules close. Nothing is sorted, because a folder may hold a million files.
struct Files {
    /// Folders to walk, each with the subfolder that is walked already.
    rest: VecDeque<(PathBuf, Option<PathBuf>)>,
    /// Subfolders of the walk that is under way, the next one last.
    folders: Vec<PathBuf>,
    /// The subfolder that is walked already.
    known: Option<PathBuf>,
    entries: Option<fs::ReadDir>,
}

impl Files {
    fn new(roots: &[PathBuf], open: &[PathBuf]) -> Files {
        let rest = roots.iter().flat_map(|root| outwards(root, open)).collect();
        Files { rest, folders: Vec::new(), known: None, entries: None }
    }

    /// The next entry, if it is a file; `None` at the end. Entries that cannot be read are left out.
    fn next(&mut self, configuration: &Configuration) -> Option<Option<PathBuf>> {
        loop {
            if let Some(entry) = self.entries.as_mut().and_then(Iterator::next) {
                return Some(entry.ok().and_then(|entry| self.file(&entry)));
            }
            let folder = match self.folders.pop() {
                Some(folder) => folder,
                None => {
                    let (folder, known) = self.rest.pop_front()?;
                    self.known = known;
                    folder
                }
            };
            self.entries = configuration.may_hold_learned(&folder).then(|| fs::read_dir(&folder).ok()).flatten();
        }
    }

    /// The path of a regular file. Pipes and devices are never opened, because reading one may wait for ever. A folder is walked later.
    fn file(&mut self, entry: &fs::DirEntry) -> Option<PathBuf> {
        let kind = entry.file_type().ok()?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            return None;
        }
        let path = entry.path();
        if kind.is_dir() && self.known.as_ref() != Some(&path) {
            self.folders.push(path);
            return None;
        }
        kind.is_file().then_some(path)
    }
}

/// The folders from that of an open document up to the root, each with the one before it, which is not walked again. Folders reached through
/// a link are left out: they may lie outside the root, or be one of the folders above.
fn outwards(root: &Path, open: &[PathBuf]) -> Vec<(PathBuf, Option<PathBuf>)> {
    let nearest = open.iter().find(|path| path.starts_with(root)).and_then(|path| path.parent()).unwrap_or(root);
    let mut upwards: Vec<&Path> = nearest.ancestors().take_while(|folder| folder.starts_with(root)).collect();
    if let Some(link) = upwards.iter().rposition(|folder| *folder != root && folder.is_symlink()) {
        upwards.drain(..=link);
    }
    let mut known = None;
    upwards.into_iter().map(|folder| (folder.to_owned(), known.replace(folder.to_owned()))).collect()
}

/// Learns the workspace at once, for a command that has no other work: from `open` outwards, as far as the model has room. `open` itself is left
/// out, because its text would give away how it continues.
pub fn learn_workspace(model: &EmbeddedModel, configuration: &Configuration, open: &Path) -> usize {
    let mut files = Files::new(&configuration.learned_roots(), &[open.to_owned()]);
    let walk = std::iter::from_fn(|| files.next(configuration)).take(MAX_VISITED).flatten();
    let mut learned = 0;
    for path in walk.filter(|path| path != open) {
        if let Some(prepared) = prepare(configuration, &path) {
            model.teach(|model| model.index_prepared(prepared));
            learned += 1;
        }
    }
    while model.teach(pennyworth_ngram::Model::advance) {}
    learned
}

/// Reads the rules of all folders that a walk visits, so that their faults are known.
pub fn read_rules(configuration: &Configuration) {
    let mut files = Files::new(&configuration.learned_roots(), &[]);
    std::iter::from_fn(|| files.next(configuration)).take(MAX_VISITED).for_each(drop);
}

/// Learns a file that was created or changed, and forgets one that was deleted or may not be learned.
pub(super) fn refresh(model: &EmbeddedModel, configuration: &Configuration, path: &Path) {
    let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
    match metadata.and_then(|_| prepare(configuration, path)) {
        Some(prepared) => model.teach(|model| model.index_prepared(prepared)),
        None => model.teach(|model| model.remove(&key(path))),
    }
}

/// A file, prepared for the model; `None` if it may not be learned or cannot be read. A file of no known language is left out: it may hold data of
/// any kind. It is learned while it is open.
fn prepare(configuration: &Configuration, path: &Path) -> Option<Prepared> {
    let language = pennyworth_grammars::by_path(path, "")?;
    let scope = configuration.read_file(path);
    let embedded = &scope.settings.embedded;
    // A generated file is learned while it is open, but not for the sake of others.
    if !embedded.index || !scope.allows(Use::Learn, language.name()) || scope.kind() != FileKind::Normal {
        return None;
    }
    let text = read(path, embedded.max_file_bytes)?;
    let text = normalised(&text);
    if settings::is_generated(&text) || scope.holds_off(language, &Rope::from_str(&text), 0..text.len()) {
        return None;
    }
    Prepared::new(&key(path), language.name(), &text).ok()
}

/// The text of a file of at most `max_bytes` bytes. Bytes that are not UTF-8 are replaced.
fn read(path: &Path, max_bytes: u64) -> Option<String> {
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path).ok()?;
    // The size on disk may be wrong (`/proc`), or grow during the read.
    file.by_ref().take(max_bytes + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > max_bytes {
        return None;
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn walks_go_from_the_open_document_outwards_and_see_everything_once() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        for file in ["a/b/1.rs", "a/b/c/2.rs", "a/3.rs", "4.rs", "d/5.rs", "a/.hidden/6.rs"] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let (configuration, _) = Configuration::new(1, Settings::default(), &[root.to_owned()]);
        let found = |open: &[PathBuf]| -> Vec<String> {
            let walks = outwards(root, open).into_iter().map(|(folder, known)| {
                let mut files =
                    Files { rest: [(folder, known)].into(), folders: Vec::new(), known: None, entries: None };
                let files = std::iter::from_fn(|| files.next(&configuration)).flatten();
                let mut names: Vec<_> =
                    files.map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect();
                names.sort();
                names.join(" ")
            });
            walks.collect()
        };
        assert_eq!(found(&[root.join("a/b/1.rs")]), ["a/b/1.rs a/b/c/2.rs", "a/3.rs", "4.rs d/5.rs"]);
        for elsewhere in [&[][..], &[PathBuf::from("/elsewhere/x.rs")]] {
            assert_eq!(found(elsewhere), ["4.rs a/3.rs a/b/1.rs a/b/c/2.rs d/5.rs"]);
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("..", root.join("a/up")).unwrap();
            let through_links = root.join("a/up/a/b/1.rs");
            assert_eq!(found(&[through_links]), ["a/3.rs a/b/1.rs a/b/c/2.rs", "4.rs d/5.rs"]);
        }
    }

    #[test]
    fn files_are_read_up_to_their_limit_and_in_any_encoding() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.rs");
        fs::write(&path, b"caf\xe9").unwrap();
        assert_eq!(read(&path, 5).as_deref(), Some("caf\u{fffd}"));
        assert_eq!(read(&path, 3), None);
        assert_eq!(read(place.path(), 100), None, "a folder");
        assert_eq!(read(&place.path().join("none"), 100), None);
    }
}
