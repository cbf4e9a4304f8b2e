//! The configuration in force: the settings, what follows from them, and the rules of each place. It is built and replaced as a whole.
//! It leaves the sources of settings to `gather` and the server, and finding the rules of a place to `rules`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use pennyworth_core::caps::Caps;
use pennyworth_core::models::Models;
use tokio::sync::watch;

use super::notice::Notice;
use super::opened::Opened;
use super::rules::{Root, Rules};
use super::scope::Scope;
use super::types::Settings;
use crate::sync::lock;

/// Longest wait for the first configuration whose rules were read.
const PATIENCE: Duration = Duration::from_secs(1);

/// The configuration in force.
pub struct Configuration {
    /// Rises with each change of the settings. Answers of an older generation are not shown.
    pub generation: u64,
    /// The models that are switched on, and all others in the tables.
    pub models: Models,
    /// What could not be used as written, in all sources but the files of folders.
    pub notices: Vec<Notice>,
    rules: Arc<Rules>,
    /// The roots of the folders whose files the embedded model learns.
    learned_roots: Vec<PathBuf>,
}

impl Configuration {
    /// Applies settings to the workspace's folders. The notices are faults in the folders' own files. It waits for the disk, but not for ever.
    pub fn new(generation: u64, settings: Settings, folders: &[PathBuf]) -> (Configuration, Vec<Notice>) {
        Configuration::of(generation, settings, Opened::folders(folders))
    }

    /// The same for all that the editor has open.
    pub fn of(generation: u64, settings: Settings, opened: Opened) -> (Configuration, Vec<Notice>) {
        Configuration::with(generation, settings.models(), Rules::new(settings, opened))
    }

    /// The same without a look at the disk. Until it is replaced, the rules of all places are unknown, and nothing is done with their texts.
    pub fn unread(generation: u64, settings: Settings, opened: Opened) -> Configuration {
        Configuration::with(generation, settings.models(), Rules::unread(settings, opened)).0
    }

    /// The same configuration with rules that are read again.
    pub fn again(&self) -> Configuration {
        let (now, _) = Configuration::with(self.generation, self.models.clone(), self.rules.again());
        Configuration { notices: self.notices.clone(), ..now }
    }

    fn with(generation: u64, models: Models, rules: Arc<Rules>) -> (Configuration, Vec<Notice>) {
        let is_learned = |root: &&Root| {
            let settings = rules.settings_in(&root.path);
            settings.enabled && settings.embedded.enabled && settings.embedded.index
        };
        let learned_roots = rules.roots().iter().filter(is_learned).map(|root| root.path.clone()).collect();
        let found = rules.notices();
        (Configuration { generation, models, notices: Vec::new(), rules, learned_roots }, found)
    }

    /// The rules of a document, if they are known; else rules under which nothing is done with it. This never waits.
    pub fn scope(&self, path: &Path) -> Arc<Scope> {
        self.known(path).unwrap_or_else(|| self.rules.unknown(path, "they are being read"))
    }

    /// The rules of a document, if they are known. This never waits.
    pub fn known(&self, path: &Path) -> Option<Arc<Scope>> {
        self.rules.known(path)
    }

    /// The rules of a document, read if they are not known yet. It waits for the disk, but not for ever: not for the task that serves.
    pub fn read(&self, path: &Path) -> Arc<Scope> {
        self.rules.read(path)
    }

    /// The same for a regular file that is not open.
    pub fn read_file(&self, path: &Path) -> Arc<Scope> {
        self.rules.read_file(path)
    }

    /// Whether something in a folder may be learned, as far as the folder's rules tell. It waits like [`Configuration::read`].
    pub fn may_hold_learned(&self, folder: &Path) -> bool {
        self.rules.may_hold_learned(folder)
    }

    /// Whether something in a folder may be read at all, as far as the folder's rules tell. It waits like [`Configuration::read`].
    pub fn is_open(&self, folder: &Path) -> bool {
        self.rules.is_open(folder)
    }

    /// Whether the rules of places may be read.
    pub fn is_read(&self) -> bool {
        self.rules.is_read()
    }

    /// Whether files with rules say something else in `now`: those that were read, and those of these folders. It waits for the disk.
    pub fn differs(&self, now: &Configuration, folders: &[PathBuf]) -> bool {
        self.rules.differ(&now.rules, folders)
    }

    /// Faults in the files of folders, as far as these were read.
    pub fn found_notices(&self) -> Vec<Notice> {
        self.rules.notices()
    }

    /// All that could not be used as written.
    pub fn all_notices(&self) -> Vec<Notice> {
        self.notices.iter().cloned().chain(self.rules.notices()).collect()
    }

    /// The roots of the folders whose files the embedded model learns.
    pub fn learned_roots(&self) -> Vec<PathBuf> {
        self.learned_roots.clone()
    }

    /// The caps of each folder of the workspace whose rules are known.
    pub fn caps(&self) -> impl Iterator<Item = Caps> {
        self.rules.known_settings().into_iter().map(|settings| settings.caps())
    }

    /// The folders of the workspace, the deepest first.
    pub fn folders(&self) -> &[Root] {
        self.rules.roots()
    }

    /// The settings of a folder of the workspace. It waits like [`Configuration::read`].
    pub fn settings_in(&self, root: &Path) -> Arc<Settings> {
        self.rules.settings_in(root)
    }

    /// The user's own settings, before any folder tightens them.
    pub fn settings(&self) -> &Settings {
        self.rules.settings()
    }
}

/// The configuration in force, shared by all its users.
pub struct SharedConfiguration {
    now: watch::Sender<Arc<Configuration>>,
    /// Whether a configuration with rules has been in force.
    was_read: Mutex<bool>,
    read: Condvar,
}

impl SharedConfiguration {
    /// Starts with these settings, before anything is read.
    pub fn new(settings: Settings) -> SharedConfiguration {
        let first = Configuration::unread(0, settings, Opened::default());
        SharedConfiguration {
            now: watch::Sender::new(Arc::new(first)),
            was_read: Mutex::new(false),
            read: Condvar::new(),
        }
    }

    /// The configuration now. A caller that keeps it sees one state throughout.
    pub fn get(&self) -> Arc<Configuration> {
        Arc::clone(&self.now.borrow())
    }

    /// Puts a configuration in force.
    pub fn set(&self, configuration: Arc<Configuration>) {
        let is_read = configuration.is_read();
        self.now.send_replace(configuration);
        *lock(&self.was_read) |= is_read;
        self.read.notify_all();
    }

    /// The configuration once its rules may be read, or as it is after a while.
    pub async fn read(&self) -> Arc<Configuration> {
        let mut configuration = self.now.subscribe();
        let _ = tokio::time::timeout(PATIENCE, configuration.wait_for(|configuration| configuration.is_read())).await;
        self.get()
    }

    /// Blocks the thread until there is a configuration whose rules may be read.
    pub fn wait(&self) {
        let mut was_read = lock(&self.was_read);
        while !*was_read {
            was_read = self.read.wait(was_read).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use pennyworth_core::gate::FileKind;

    use super::*;

    #[test]
    fn the_rules_of_all_folders_above_hold() {
        let place = tempfile::tempdir().unwrap();
        let (outer, inner) = (place.path().to_owned(), place.path().join("inner"));
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join(".pennyworth.toml"), "enabled = false\n").unwrap();
        std::fs::write(outer.join(".gitignore"), "build\n").unwrap();
        let (configuration, notices) = Configuration::new(1, Settings::default(), std::slice::from_ref(&outer));
        assert!(notices.is_empty(), "{notices:?}");
        let is_on = |path: &Path| configuration.read(path).settings.enabled;
        assert!(is_on(&outer.join("a.rs")) && !is_on(&inner.join("a.rs")) && is_on(Path::new("/elsewhere/a.rs")));

        let kind = |path: PathBuf, head: &str, bytes| configuration.read(&path).kind_by(head, bytes);
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
