//! The workspace files that the embedded model learns: which there are, nearest first, and what may be learned of them.
//! It leaves on which thread they are read to `reader`.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pennyworth_core::gate::FileKind;
use pennyworth_core::prompt::normalised;
use pennyworth_ngram::Prepared;
use ropey::Rope;

use super::model::{EmbeddedModel, key};
use crate::settings::{self, Configuration, Use};

/// Most files and folders that a walk visits. Of a larger workspace, it reads the part nearest to the open document.
pub(super) const MAX_VISITED: usize = 200_000;

/// The folders below the roots, from open documents outwards. Links are not followed, so there are no loops. Hidden files are left out, and so are
/// folders that the rules close. Nothing is sorted, because a folder may hold a million files.
#[derive(Default)]
pub(super) struct Folders {
    /// Folders to walk, each with the subfolder that is walked already.
    rest: VecDeque<(PathBuf, Option<PathBuf>)>,
    /// Subfolders of the walk that is under way, the next one last.
    folders: Vec<PathBuf>,
    /// The subfolder that is walked already.
    known: Option<PathBuf>,
}

impl Folders {
    /// The folders of a walk from these roots.
    pub(super) fn new(roots: &[PathBuf], open: &[PathBuf]) -> Folders {
        let rest = roots.iter().flat_map(|root| outwards(root, open)).collect();
        Folders { rest, ..Folders::default() }
    }

    /// The next folder, and the one in it that is walked already; `None` at the end.
    pub(super) fn next(&mut self) -> Option<(PathBuf, Option<PathBuf>)> {
        let folder = match self.folders.pop() {
            Some(folder) => folder,
            None => {
                let (folder, known) = self.rest.pop_front()?;
                self.known = known;
                folder
            }
        };
        Some((folder, self.known.clone()))
    }

    /// A folder that was found in another one.
    pub(super) fn add(&mut self, folder: PathBuf) {
        self.folders.push(folder);
    }
}

/// What stands in a folder.
pub(super) enum Entry {
    /// A regular file.
    File(PathBuf),
    /// A folder to walk.
    Folder(PathBuf),
}

/// Whether something in a folder is of use.
type May = fn(&Configuration, &Path) -> bool;

/// The entries of a folder, if something in it may be learned. It waits for the disk.
pub(super) fn listed(
    configuration: &Configuration,
    folder: &Path,
) -> impl Iterator<Item = io::Result<fs::DirEntry>> + use<> {
    entries(configuration, folder, Configuration::may_hold_learned)
}

fn entries(
    configuration: &Configuration,
    folder: &Path,
    may: May,
) -> impl Iterator<Item = io::Result<fs::DirEntry>> + use<> {
    may(configuration, folder).then(|| fs::read_dir(folder).ok()).flatten().into_iter().flatten()
}

/// A regular file or a folder. Pipes and devices are never opened, because reading one may wait for ever.
pub(super) fn entry(entry: &fs::DirEntry, known: Option<&Path>) -> Option<Entry> {
    let kind = entry.file_type().ok()?;
    if entry.file_name().as_encoded_bytes().starts_with(b".") {
        return None;
    }
    let path = entry.path();
    match kind.is_dir() {
        true => (known != Some(&path)).then_some(Entry::Folder(path)),
        false => kind.is_file().then_some(Entry::File(path)),
    }
}

/// The entries of a folder that are left.
type Entries = Box<dyn Iterator<Item = io::Result<fs::DirEntry>>>;

/// All files below the folders, one after the other; `None` for other entries.
fn files(mut folders: Folders, configuration: &Configuration, may: May) -> impl Iterator<Item = Option<PathBuf>> {
    let mut under_way: Option<(Entries, Option<PathBuf>)> = None;
    std::iter::from_fn(move || {
        loop {
            if let Some((entries, known)) = &mut under_way
                && let Some(found) = entries.next()
            {
                return Some(match found.ok().and_then(|found| entry(&found, known.as_deref())) {
                    Some(Entry::File(path)) => Some(path),
                    Some(Entry::Folder(path)) => {
                        folders.add(path);
                        None
                    }
                    None => None,
                });
            }
            let (folder, known) = folders.next()?;
            under_way = Some((Box::new(entries(configuration, &folder, may)), known));
        }
    })
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
    let folders = Folders::new(&configuration.learned_roots(), &[open.to_owned()]);
    let walk = files(folders, configuration, Configuration::may_hold_learned).take(MAX_VISITED).flatten();
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

/// The files of the workspace that a walk visits, from `open` outwards.
pub fn workspace_files(configuration: &Configuration, open: &Path) -> impl Iterator<Item = PathBuf> {
    let roots: Vec<PathBuf> = configuration.folders().iter().map(|root| root.path.clone()).collect();
    files(Folders::new(&roots, &[open.to_owned()]), configuration, Configuration::is_open).take(MAX_VISITED).flatten()
}

/// The files below a folder that a walk visits.
pub fn files_below(configuration: &Configuration, folder: &Path) -> impl Iterator<Item = PathBuf> {
    files(Folders::new(&[folder.to_owned()], &[]), configuration, Configuration::is_open).take(MAX_VISITED).flatten()
}

/// Reads the rules of all folders that a walk visits, so that their faults are known.
pub fn read_rules(configuration: &Configuration) {
    let folders = Folders::new(&configuration.learned_roots(), &[]);
    files(folders, configuration, Configuration::may_hold_learned).take(MAX_VISITED).for_each(drop);
}

/// A file that was created or changed; `None` if it is none any more, or may not be learned.
pub(super) fn changed(configuration: &Configuration, path: &Path) -> Option<Prepared> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).and_then(|_| prepare(configuration, path))
}

/// Whether a file may be learned.
pub(super) fn is_learned(configuration: &Configuration, path: &Path) -> bool {
    let Some(language) = pennyworth_grammars::by_path(path, "") else { return false };
    let scope = configuration.read_file(path);
    // A generated file is learned while it is open, but not for the sake of others.
    scope.settings.embedded.index && scope.allows(Use::Learn, language.name()) && scope.kind() == FileKind::Normal
}

/// A file, prepared for the model; `None` if it may not be learned or cannot be read. A file of no known language is left out: it may hold data of
/// any kind. It is learned while it is open.
pub(super) fn prepare(configuration: &Configuration, path: &Path) -> Option<Prepared> {
    let language = pennyworth_grammars::by_path(path, "")?;
    if !is_learned(configuration, path) {
        return None;
    }
    let scope = configuration.read_file(path);
    let text = read(path, scope.settings.embedded.max_file_bytes)?;
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
                let folders = Folders { rest: [(folder, known)].into(), ..Folders::default() };
                let mut names: Vec<_> = files(folders, &configuration, Configuration::may_hold_learned)
                    .flatten()
                    .map(|path| path.strip_prefix(root).unwrap().display().to_string())
                    .collect();
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
