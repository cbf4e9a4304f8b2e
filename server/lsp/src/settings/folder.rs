//! What the rules say in one folder: its own files with rules, and what it inherits from the folders above. A folder is read once and shared
//! by all that lies in it. It leaves which places a document has, and how long reading may take, to `rules`.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix_ignore::glob::pattern::Case;
use pennyworth_core::gate::FileKind;

use super::patterns::{Patterns, below, read};
use super::repository::Repository;
use super::tighten;
use super::types::Settings;

/// The files of a folder that list ignored names. What Git's own does not ignore, the other may; it excepts nothing.
const GITIGNORE: &str = ".gitignore";
const IGNORE: &str = ".ignore";

/// A folder, with the rules that hold in it.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// The same without links.
    pub(super) real: PathBuf,
    parent: Option<Arc<Folder>>,
    /// The nearest repository; for a folder of the workspace without one, the rules that the user has for all.
    repository: Option<Arc<Repository>>,
    gitignore: Option<Patterns>,
    /// Patterns that only add, with the kind of what they match.
    adds: Vec<(Patterns, FileKind)>,
    /// The kind of everything in it.
    pub(super) kind: FileKind,
    /// Why the rules of this folder are not known.
    pub(super) unknown: Option<Arc<str>>,
    /// This folder and those above that have a `.pennyworth.toml`, the highest first.
    pub(super) tightened_in: Vec<PathBuf>,
    /// The number of the deepest folder of the workspace that holds it.
    pub(super) root: Option<usize>,
    /// Changes with what its own files say.
    pub(super) fingerprint: u64,
    /// Whether it has files with rules.
    pub(super) has_rules: bool,
}

impl Folder {
    /// Reads the rules of a folder. `settings` gives those that hold behind a chain of `.pennyworth.toml`.
    pub(super) fn read(
        path: &Path,
        parent: Option<Arc<Folder>>,
        root: impl Fn(&Path, &Path) -> Option<usize>,
        settings: impl Fn(&[PathBuf]) -> Arc<Settings>,
    ) -> Folder {
        let above = parent.as_deref();
        let real = real(path, above);
        let root = root(path, &real);
        let mut folder = Folder {
            kind: above.map_or(FileKind::Normal, |above| above.kind_inside(path, root)),
            unknown: above.and_then(|above| above.unknown.clone()),
            tightened_in: above.map(|above| above.tightened_in.clone()).unwrap_or_default(),
            repository: above.and_then(|above| above.repository.clone()),
            path: path.to_owned(),
            real,
            gitignore: None,
            adds: Vec::new(),
            root,
            fingerprint: 0,
            has_rules: false,
            parent,
        };
        let mut hasher = DefaultHasher::new();
        if let Err(why) = folder.learn(&mut hasher, settings) {
            why.hash(&mut hasher);
            folder.has_rules = true;
            folder.unknown = Some(why.into());
        }
        folder.fingerprint = hasher.finish();
        folder
    }

    fn learn(
        &mut self,
        hasher: &mut DefaultHasher,
        settings: impl Fn(&[PathBuf]) -> Arc<Settings>,
    ) -> Result<(), String> {
        let path = &self.path;
        let begins = match Repository::at(path)? {
            Some(found) => Some(found),
            None if self.root.is_some() && self.repository.is_none() => Some(Repository::none(path)?),
            None => None,
        };
        if let Some(found) = begins {
            found.fingerprint.hash(hasher);
            self.has_rules = true;
            self.repository = Some(Arc::new(found));
        }
        let text = read(&path.join(GITIGNORE))?;
        text.hash(hasher);
        self.gitignore = text.map(|text| Patterns::of(&text));
        if self.repository.is_some() {
            let text = read(&path.join(IGNORE))?;
            text.hash(hasher);
            self.adds.extend(text.map(|text| (Patterns::of(&text), FileKind::Ignored)));
        }
        if is_there(&path.join(tighten::FILE)) {
            // One that cannot be read is dealt with where it is read. Here its size and time stand for it.
            let read = read(&path.join(tighten::FILE));
            read.hash(hasher);
            let before = settings(&self.tightened_in);
            self.tightened_in.push(self.real.clone());
            let now = settings(&self.tightened_in);
            let added = |before: &[String], now: &[String]| {
                let new: Vec<&str> = now.iter().filter(|glob| !before.contains(glob)).map(String::as_str).collect();
                (!new.is_empty()).then(|| Patterns::of(new.join("\n").as_bytes()))
            };
            let secrets = added(&before.secrets, &now.secrets).map(|patterns| (patterns, FileKind::Secret));
            let ignore = added(&before.ignore, &now.ignore).map(|patterns| (patterns, FileKind::Ignored));
            self.adds.extend(secrets.into_iter().chain(ignore));
            self.has_rules = true;
        }
        self.has_rules |= self.gitignore.is_some() || !self.adds.is_empty();
        Ok(())
    }

    /// The kind of everything in a folder that lies in this one.
    fn kind_inside(&self, folder: &Path, root: Option<usize>) -> FileKind {
        let kind = self.kind_of(folder, true);
        // What a repository around another one ignores counts as long as the workspace holds both. Git itself looks at the inner one alone.
        let is_repository = || matches!(Repository::at(folder), Ok(Some(_)) | Err(_));
        let is_seen = self.root.is_some() && root.is_some();
        if kind == FileKind::Ignored && !is_seen && !self.is_added(folder) && is_repository() {
            FileKind::Normal
        } else {
            kind
        }
    }

    fn is_added(&self, path: &Path) -> bool {
        self.added(path, true) != FileKind::Normal || path.file_name().is_some_and(is_git)
    }

    /// The kind of a file or folder that lies directly in this folder, by the files with rules.
    pub(super) fn kind_of(&self, path: &Path, is_folder: bool) -> FileKind {
        if self.kind != FileKind::Normal {
            return self.kind;
        }
        if is_folder && path.file_name().is_some_and(is_git) {
            return FileKind::Ignored;
        }
        match self.added(path, is_folder) {
            FileKind::Normal if self.is_gitignored(path, is_folder) => FileKind::Ignored,
            kind => kind,
        }
    }

    /// What the patterns say that only add.
    fn added(&self, path: &Path, is_folder: bool) -> FileKind {
        let case = self.repository.as_ref().map_or(Case::Sensitive, |repository| repository.case);
        let mut at = Some(self);
        while let Some(folder) = at {
            let path = below(path, &folder.path);
            let matches = |(patterns, kind): &&(Patterns, FileKind)| {
                // A key is a key, whatever its case.
                let case = if *kind == FileKind::Secret { Case::Fold } else { case };
                patterns.said(&path, is_folder, case) == Some(true)
            };
            if let Some((_, kind)) = folder.adds.iter().find(matches) {
                return *kind;
            }
            at = folder.parent.as_deref();
        }
        FileKind::Normal
    }

    /// What Git says. The nearest `.gitignore` that matches decides, then the lists for the whole repository.
    fn is_gitignored(&self, path: &Path, is_folder: bool) -> bool {
        let Some(repository) = &self.repository else { return false };
        let mut at = Some(self);
        while let Some(folder) = at {
            let patterns = folder.gitignore.as_ref();
            let said =
                patterns.and_then(|patterns| patterns.said(&below(path, &folder.path), is_folder, repository.case));
            match said {
                Some(is_ignored) => return is_ignored,
                None if folder.path == repository.top => break,
                None => at = folder.parent.as_deref(),
            }
        }
        let path = below(path, &repository.top);
        let said = repository.excludes.iter().find_map(|patterns| patterns.said(&path, is_folder, repository.case));
        said == Some(true)
    }
}

/// The path without links, as far as it exists.
fn real(path: &Path, parent: Option<&Folder>) -> PathBuf {
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    match (path.file_name(), parent) {
        (Some(name), Some(parent)) if !is_link => parent.real.join(name),
        _ => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// Whether there is something of this name, which may be unreadable.
fn is_there(path: &Path) -> bool {
    let found = path.symlink_metadata();
    !found.is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
}

fn is_git(name: &std::ffi::OsStr) -> bool {
    name.eq_ignore_ascii_case(".git")
}
