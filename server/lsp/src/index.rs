//! The files of the workspace that the embedded model learns: walked nearest first, one at a time, and again one by one when they change.
//! It leaves learning to `learn`'s thread, on which all of this runs, and showing progress to `progress`.

use std::collections::VecDeque;
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
/// Files of patterns, which the walk reads in each folder.
const PATTERNS: [&str; 3] = [".gitignore", ".ignore", ".git/info/exclude"];
/// Bytes of one of them above which its folder is left alone.
const MAX_PATTERNS_BYTES: u64 = 1_000_000;

/// A walk over the workspace, taken in steps.
pub(crate) struct Walk {
    files: Files,
    visited: usize,
    read: usize,
    refused: usize,
    /// The file that was handed over last.
    last: Option<String>,
}

impl Walk {
    /// A walk from these folders on; `None` without folders.
    pub(crate) fn new(engine: &Engine, roots: &[PathBuf]) -> Option<Walk> {
        if roots.is_empty() {
            engine.progress.end();
            return None;
        }
        let files = Files::new(roots, &engine.session().paths());
        engine.progress.begin();
        Some(Walk { files, visited: 0, read: 0, refused: 0, last: None })
    }

    /// Looks at one more file or folder; false when that was all.
    pub(crate) fn step(&mut self, engine: &Engine) -> bool {
        self.count_refused(engine);
        let is_over = self.visited >= MAX_VISITED || self.refused >= ENOUGH_REFUSED || engine.progress.is_cancelled();
        let Some(entry) = (!is_over).then(|| self.files.next()).flatten() else {
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

/// The files and folders below some roots, from open documents outwards.
struct Files {
    /// Folders still to be walked, and in each the part that was walked already.
    rest: VecDeque<(PathBuf, Option<PathBuf>)>,
    walk: Option<ignore::Walk>,
}

impl Files {
    fn new(roots: &[PathBuf], open: &[PathBuf]) -> Files {
        Files { rest: roots.iter().flat_map(|root| outwards(root, open)).collect(), walk: None }
    }
}

impl Iterator for Files {
    type Item = Result<DirEntry, ignore::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.walk.as_mut().and_then(Iterator::next) {
                return Some(entry);
            }
            let (folder, known) = self.rest.pop_front()?;
            // Those above are read as well.
            self.walk = folder.ancestors().all(is_readable).then(|| walk(&folder, known));
        }
    }
}

/// The folders from that of an open document up to the root, each with the one before, which it need not walk again. A folder that is reached
/// through a link is not begun with: it may lie outside, or be one of those above.
fn outwards(root: &Path, open: &[PathBuf]) -> Vec<(PathBuf, Option<PathBuf>)> {
    let nearest = open.iter().find(|path| path.starts_with(root)).and_then(|path| path.parent()).unwrap_or(root);
    let mut upwards: Vec<&Path> = nearest.ancestors().take_while(|folder| folder.starts_with(root)).collect();
    if let Some(link) = upwards.iter().rposition(|folder| *folder != root && folder.is_symlink()) {
        upwards.drain(..=link);
    }
    let mut known = None;
    upwards.into_iter().map(|folder| (folder.to_owned(), known.replace(folder.to_owned()))).collect()
}

/// The files below a folder. Links are not followed, so there are no loops. Hidden files and what `.gitignore` names are left out, with or
/// without Git. Nothing is sorted: a folder of a million files is read as it comes.
fn walk(folder: &Path, known: Option<PathBuf>) -> ignore::Walk {
    let is_wanted = move |entry: &DirEntry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        known.as_deref() != Some(entry.path()) && (!is_folder || is_readable(entry.path()))
    };
    WalkBuilder::new(folder).follow_links(false).require_git(false).filter_entry(is_wanted).build()
}

/// Whether the files of patterns in a folder can be read to an end: the walk would wait for ever for a pipe, and read a device for ever.
fn is_readable(folder: &Path) -> bool {
    let is_fine = |about: fs::Metadata| about.is_dir() || (about.is_file() && about.len() <= MAX_PATTERNS_BYTES);
    PATTERNS.iter().all(|name| fs::metadata(folder.join(name)).map_or(true, is_fine))
}

/// Learns a folder at once, for a command that has nothing else to do: from `open` outwards, as far as the model has room. `open` itself is
/// left out: what stands in a document must not tell what it continues with.
pub(crate) fn learn_folder(resources: &Resources, root: &Path, open: &Path) -> usize {
    let walk = Files::new(&[root.to_owned()], &[open.to_owned()]).take(MAX_VISITED).flatten();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_go_from_the_open_document_outwards_and_see_everything_once() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        for file in ["a/b/1.rs", "a/b/c/2.rs", "a/3.rs", "4.rs", "d/5.rs", "a/.hidden/6.rs"] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = |open: &[PathBuf]| -> Vec<String> {
            let walks = outwards(root, open).into_iter().map(|(folder, known)| {
                let files = walk(&folder, known).map(|entry| entry.unwrap()).filter(is_file);
                let mut names: Vec<_> =
                    files.map(|file| file.path().strip_prefix(root).unwrap().display().to_string()).collect();
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
    fn folders_whose_patterns_have_no_end_are_left_alone() {
        let place = tempfile::tempdir().unwrap();
        for (name, bytes, expected) in [("fine", 10, true), ("large", MAX_PATTERNS_BYTES + 1, false)] {
            let folder = place.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::File::create(folder.join(".gitignore")).unwrap().set_len(bytes).unwrap();
            assert_eq!(is_readable(&folder), expected, "{name}");
        }
        assert!(is_readable(place.path()), "none at all");
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
