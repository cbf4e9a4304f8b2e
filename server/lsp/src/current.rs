//! The settings in force, for each folder of the workspace, and what follows from them: made as a whole, replaced as a whole.
//! It leaves where settings come from to `workspace`.

use std::path::{Path, PathBuf};

use pennyworth_core::gate::FileKind;
use pennyworth_core::models::Models;
use pennyworth_core::task::Tasks;

use crate::settings::{Ignored, Notice, Settings};

/// A root that no file lies in: outside of every folder only the patterns of the user's own settings mean anything.
const NOWHERE: &str = "\0";

/// The settings in force.
pub struct Current {
    /// Rises with every change of settings; what was made under an older one may no longer be shown.
    pub generation: u64,
    /// The models that may be asked, and all others the tables know.
    pub models: Models,
    everywhere: Scope,
    /// Deepest first.
    folders: Vec<Scope>,
}

/// What holds in one folder of the workspace, or outside of all.
pub struct Scope {
    /// The folder.
    pub root: PathBuf,
    /// The settings, tightened by the folder's own file.
    pub settings: Settings,
    /// The rows of the tasks under them.
    pub tasks: Tasks,
    ignored: Ignored,
}

impl Current {
    /// What these settings mean in these folders, and what was wrong with the folders' own files.
    pub fn new(generation: u64, settings: Settings, folders: &[PathBuf]) -> (Current, Vec<Notice>) {
        let mut notices = Vec::new();
        let mut folders: Vec<Scope> = folders
            .iter()
            .map(|folder| {
                let (tightened, found) = settings.tightened_in(folder);
                notices.extend(found);
                Scope::new(tightened, folder)
            })
            .collect();
        folders.sort_by_key(|scope| std::cmp::Reverse(scope.root.components().count()));
        let models = settings.models();
        let everywhere = Scope::new(settings, Path::new(NOWHERE));
        (Current { generation, models, everywhere, folders }, notices)
    }

    /// What holds for a file: the rules of the deepest folder it is in.
    pub fn scope(&self, path: &Path) -> &Scope {
        self.folders.iter().find(|scope| path.starts_with(&scope.root)).unwrap_or(&self.everywhere)
    }

    /// Whether a file lies in a folder of the workspace.
    pub fn is_inside(&self, path: &Path) -> bool {
        self.folders.iter().any(|scope| path.starts_with(&scope.root))
    }

    /// The folders of the workspace.
    pub fn folders(&self) -> &[Scope] {
        &self.folders
    }

    /// The user's own settings, before any folder tightens them.
    pub fn settings(&self) -> &Settings {
        &self.everywhere.settings
    }
}

impl Scope {
    fn new(settings: Settings, root: &Path) -> Scope {
        Scope { root: root.to_owned(), tasks: settings.tasks(), ignored: Ignored::new(&settings, root), settings }
    }

    /// What kind of file a document is, by its path, the head of its text and its size in bytes.
    pub fn kind(&self, path: &Path, head: &str, bytes: usize) -> FileKind {
        match self.ignored.kind_of_text(path, head) {
            FileKind::Normal if bytes as u64 > self.settings.documents.max_complete_bytes => FileKind::TooLarge,
            kind => kind,
        }
    }

    /// What kind of file a path names, by the path alone.
    pub fn kind_of_path(&self, path: &Path) -> FileKind {
        self.ignored.kind(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_folder_decides() {
        let place = tempfile::tempdir().unwrap();
        let (outer, inner) = (place.path().to_owned(), place.path().join("inner"));
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join(".pennyworth.toml"), "enabled = false\n").unwrap();
        std::fs::write(outer.join(".gitignore"), "build\n").unwrap();
        let (current, notices) = Current::new(1, Settings::default(), &[outer.clone(), inner.clone()]);
        assert!(notices.is_empty(), "{notices:?}");
        let is_on = |path: &Path| current.scope(path).settings.enabled;
        assert!(is_on(&outer.join("a.rs")) && !is_on(&inner.join("a.rs")) && is_on(Path::new("/elsewhere/a.rs")));

        let kind = |path: PathBuf, head: &str, bytes| current.scope(&path).kind(&path, head, bytes);
        for (path, head, bytes, expected) in [
            (outer.join("a.rs"), "", 0, FileKind::Normal),
            (outer.join("build/a.rs"), "", 0, FileKind::Ignored),
            (outer.join(".env"), "", 0, FileKind::Secret),
            (PathBuf::from("/elsewhere/.env"), "", 0, FileKind::Secret),
            (PathBuf::from("/elsewhere/build/a.rs"), "", 0, FileKind::Normal),
            (outer.join("a.rs"), "// @generated", 0, FileKind::Generated),
            (outer.join("a.rs"), "", 20_000_000, FileKind::TooLarge),
        ] {
            assert_eq!(kind(path.clone(), head, bytes), expected, "{path:?}");
        }
    }
}
