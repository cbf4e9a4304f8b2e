//! The rules that hold at each place: found on disk when a place is first asked for, kept, and shared. A document's rules come from where it lies,
//! whatever its URI is called: from the folders of its path and, behind links, of its real path. A document that lies nowhere, or perhaps not
//! on this machine, is under the rules of all folders of the workspace.
//!
//! A disk may be slow or never answer, so each reading runs on a thread of its own. Until it is over, the rules are unknown, and the caller goes on
//! without the text. It leaves one folder to `folder`, and what follows from rules to `scope`.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use pennyworth_core::gate::FileKind;
use pennyworth_core::task::Tasks;

use super::folder::Folder;
use super::ignored::Ignored;
use super::notice::{Holds, Notice, Severity};
use super::opened::Opened;
use super::scope::Scope;
use super::types::Settings;
use crate::paths::{self, document};
use crate::sync::{lock, within};

/// A root that contains no file.
const NOWHERE: &str = "\0";
/// A file that stands for all files of a folder.
const ANY: &str = "\u{1}";
/// Longest wait for a disk.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most folders above a document. No system opens a file much deeper, and a URI may name any number.
const MAX_DEPTH: usize = 512;
/// Longest wait for all files with rules when they are read again.
const READ_AGAIN: Duration = Duration::from_secs(10);
/// Most readings at a time. More are not begun, since each takes a thread and the disk does not answer.
const MAX_READINGS: usize = 64;
/// Most folders that are named because their disk does not answer.
const MAX_LATE: usize = 3;
/// Most folders and documents that are kept. A workspace has fewer; a hostile one must not fill the memory.
const MAX_KEPT: usize = 20_000;

/// A folder of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its path, as the client names it.
    pub path: PathBuf,
    /// The same without links.
    pub real: PathBuf,
}

/// The rules of all places under some settings.
pub(super) struct Rules {
    everywhere: InForce,
    named: Ignored,
    /// The folders of the workspace, the deepest first.
    roots: Vec<Root>,
    /// Open folders that hold more than a workspace. They are none, but their rules hold for documents without a place, too.
    wide: Vec<PathBuf>,
    opened: Opened,
    /// Whether a disk may be read. Before that, all rules are unknown.
    is_read: bool,
    store: Mutex<Store>,
    arrived: Condvar,
}

/// What is known so far.
#[derive(Default)]
struct Store {
    folders: HashMap<PathBuf, Arc<Folder>>,
    /// By the path of the document and those of its notebooks.
    scopes: HashMap<Vec<PathBuf>, Arc<Scope>>,
    /// By the folders whose `.pennyworth.toml` tighten them, in order.
    tightened: HashMap<Vec<PathBuf>, InForce>,
    /// The same for several such chains together.
    united: HashMap<Vec<PathBuf>, InForce>,
    /// Documents that are being read; true if somebody waited in vain.
    readings: HashMap<Vec<PathBuf>, bool>,
    notices: Vec<Notice>,
}

/// Settings and what follows from them.
#[derive(Clone)]
struct InForce {
    settings: Arc<Settings>,
    tasks: Arc<Tasks>,
}

impl InForce {
    fn new(settings: Settings) -> InForce {
        InForce { tasks: Arc::new(settings.tasks()), settings: Arc::new(settings) }
    }
}

/// A place of a document, and the folder that holds it.
struct Place {
    path: PathBuf,
    folder: Arc<Folder>,
}

impl Rules {
    /// The rules under these settings in a workspace. Roots that hold more than a workspace are none.
    pub(super) fn new(settings: Settings, opened: Opened) -> Arc<Rules> {
        let real = |path: &PathBuf| {
            within_patience({
                let path = path.clone();
                move || fs::canonicalize(path).ok()
            })
        };
        let roots = opened.folders.iter().map(|path| {
            let real = real(path).flatten().unwrap_or_else(|| path.clone());
            Root { path: path.clone(), real }
        });
        let roots = roots.collect();
        let home = paths::home();
        let homes: Vec<PathBuf> = home.iter().filter_map(&real).flatten().chain(home.clone()).collect();
        Arc::new(Rules::with(settings, opened, roots, &homes, true))
    }

    /// The same before a disk was read: all rules are unknown.
    pub(super) fn unread(settings: Settings, opened: Opened) -> Arc<Rules> {
        let roots = opened.folders.iter().map(|path| Root { path: path.clone(), real: path.clone() }).collect();
        Arc::new(Rules::with(settings, opened, roots, &Vec::from_iter(paths::home()), false))
    }

    fn with(settings: Settings, opened: Opened, mut roots: Vec<Root>, homes: &[PathBuf], is_read: bool) -> Rules {
        let is_wide = |root: &mut Root| is_too_wide(&root.path, homes) || is_too_wide(&root.real, homes);
        let wide = roots.extract_if(.., is_wide).map(|root| root.path).collect();
        roots.sort_by_key(|root| std::cmp::Reverse(root.path.components().count()));
        let named = Ignored::new(&settings);
        let everywhere = InForce::new(settings);
        Rules { everywhere, named, roots, wide, opened, is_read, store: Mutex::default(), arrived: Condvar::new() }
    }

    /// The same rules, to be read again.
    pub(super) fn again(&self) -> Arc<Rules> {
        Rules::new((*self.everywhere.settings).clone(), self.opened.clone())
    }

    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    /// The folders of the workspace, the deepest first.
    pub(super) fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The user's own settings, before any folder tightens them.
    pub(super) fn settings(&self) -> &Settings {
        &self.everywhere.settings
    }

    /// The settings of each place whose rules are known.
    pub(super) fn known_settings(&self) -> Vec<Arc<Settings>> {
        lock(&self.store).tightened.values().map(|in_force| Arc::clone(&in_force.settings)).collect()
    }

    /// Faults in files with rules, as far as these were read.
    pub(super) fn notices(&self) -> Vec<Notice> {
        let store = lock(&self.store);
        store.notices.iter().cloned().chain(store.late()).collect()
    }

    /// The rules of a document, if they are known.
    pub(super) fn known(&self, path: &Path) -> Option<Arc<Scope>> {
        lock(&self.store).scopes.get(&self.opened.cells.with(path)).map(Arc::clone)
    }

    /// The rules of a document while they are unknown.
    pub(super) fn unknown(&self, path: &Path, why: &str) -> Arc<Scope> {
        let InForce { settings, tasks } = self.everywhere.clone();
        let (kind, shown) = (FileKind::Unread, document::name(path));
        Arc::new(Scope { root: NOWHERE.into(), settings, tasks, shown, unknown: Some(why.into()), kind })
    }

    /// Reads the rules of a document, if they are not known yet. It waits for the disk, but not for ever.
    pub(super) fn read(self: &Arc<Rules>, path: &Path) -> Arc<Scope> {
        if !self.is_read {
            return self.unknown(path, "they are being read");
        }
        let all = self.opened.cells.with(path);
        if all.iter().any(|path| is_deep(path)) {
            return self.unknown(path, "it lies in too many folders");
        }
        let mut store = lock(&self.store);
        if let Some(known) = store.scopes.get(&all) {
            return Arc::clone(known);
        }
        match store.readings.get(&all) {
            Some(true) => return self.unknown(path, "the disk does not answer"),
            Some(false) => {}
            None if store.readings.len() >= MAX_READINGS => return self.unknown(path, "the disk does not answer"),
            None => {
                store.readings.insert(all.clone(), false);
                self.begin(all.clone());
            }
        }
        let is_reading = |store: &mut Store| store.readings.contains_key(&all);
        let waited = self.arrived.wait_timeout_while(store, PATIENCE, is_reading);
        let (mut store, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = store.scopes.get(&all) {
            return Arc::clone(known);
        }
        store.readings.entry(all).and_modify(|is_late| *is_late = true);
        self.unknown(path, "the disk does not answer")
    }

    /// The rules of a regular file that is not open. They are not kept, those of its folder are.
    pub(super) fn read_file(self: &Arc<Rules>, path: &Path) -> Arc<Scope> {
        let folder = path.parent().and_then(|folder| lock(&self.store).folders.get(folder).map(Arc::clone));
        match folder {
            Some(folder) if self.is_read && !self.opened.cells.is_one(path) => {
                Arc::new(self.judged(path, &self.places_in(path, folder, false)))
            }
            _ => self.read(path),
        }
    }

    /// Whether a file in a folder may be learned, as far as the folder's rules tell.
    pub(super) fn may_hold_learned(self: &Arc<Rules>, folder: &Path) -> bool {
        let scope = self.read_file(&folder.join(ANY));
        let embedded = &scope.settings.embedded;
        embedded.enabled && embedded.index && self.is_open(folder)
    }

    /// Whether a file in a folder may be read at all, as far as the folder's rules tell.
    pub(super) fn is_open(self: &Arc<Rules>, folder: &Path) -> bool {
        let scope = self.read_file(&folder.join(ANY));
        let is_normal = |folder: &Arc<Folder>| folder.kind == FileKind::Normal && folder.unknown.is_none();
        let is_open = lock(&self.store).folders.get(folder).is_some_and(is_normal);
        scope.settings.enabled && is_open
    }

    fn begin(self: &Arc<Rules>, all: Vec<PathBuf>) {
        let rules = Arc::clone(self);
        let work = move || {
            let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| rules.judge(&all)));
            let mut store = lock(&rules.store);
            store.readings.remove(&all);
            if let Ok(scope) = judged {
                if let Some(why) = &scope.unknown {
                    store.notice(why);
                }
                if store.scopes.len() >= MAX_KEPT {
                    store.scopes.clear();
                }
                store.scopes.insert(all, Arc::new(scope));
            }
            drop(store);
            rules.arrived.notify_all();
        };
        if let Err(error) = std::thread::Builder::new().name("rules".into()).spawn(work) {
            tracing::error!(%error, "a thread did not start");
        }
    }

    /// The rules of a document, which comes first, and of its notebooks.
    fn judge(&self, all: &[PathBuf]) -> Scope {
        let path = all.first().map_or(Path::new(""), PathBuf::as_path);
        let places: Vec<Place> = all.iter().flat_map(|path| self.all_places(path)).collect();
        self.judged(path, &places)
    }

    /// The places of a document. One that lies nowhere, or perhaps not on this machine, has one in each open folder, too.
    fn all_places(&self, path: &Path) -> Vec<Place> {
        let document::Location { paths, is_certain } = document::location(path);
        let mut places: Vec<Place> = paths.iter().flat_map(|path| self.places(path)).collect();
        if !is_certain && places.iter().all(|place| place.folder.root.is_none()) {
            let names = document::relative(path);
            let names = if names.file_name().is_some() { names } else { PathBuf::from("untitled") };
            places.extend(self.open_folders().flat_map(|folder| self.places(&folder.join(&names))));
        }
        places
    }

    /// All open folders, also those that are no workspace here.
    fn open_folders(&self) -> impl Iterator<Item = &Path> {
        let others = self.wide.iter().chain(&self.opened.elsewhere);
        self.roots.iter().map(|root| root.path.as_path()).chain(others.map(PathBuf::as_path))
    }

    /// The places of a path: as it is spelled and, if links lead elsewhere, where it really lies.
    fn places(&self, path: &Path) -> Vec<Place> {
        let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        path.parent().map_or_else(Vec::new, |folder| self.places_in(path, self.folder(folder), is_link))
    }

    fn places_in(&self, path: &Path, folder: Arc<Folder>, is_link: bool) -> Vec<Place> {
        let real = match path.file_name() {
            _ if is_link => fs::canonicalize(path).ok(),
            Some(name) => Some(folder.real.join(name)),
            None => None,
        };
        let mut places = vec![Place { path: path.to_owned(), folder }];
        if let Some((real, folder)) =
            real.as_deref().filter(|real| *real != path).and_then(|real| Some((real, real.parent()?)))
        {
            places.push(Place { path: real.to_owned(), folder: self.folder(folder) });
        }
        places
    }

    /// The rules of all places together: the strictest of each.
    fn judged(&self, path: &Path, places: &[Place]) -> Scope {
        let chains: Vec<&[PathBuf]> = places.iter().map(|place| place.folder.tightened_in.as_slice()).collect();
        let InForce { settings, tasks } = self.united(&chains);
        let unknown = places.iter().find_map(|place| place.folder.unknown.clone());
        let root = places.iter().find_map(|place| self.root_of(place));
        let kinds = places.iter().map(|place| self.kind(place));
        let kind = match &unknown {
            Some(_) => FileKind::Unread,
            None => {
                kinds.min_by_key(|kind| openness(*kind)).unwrap_or_else(|| self.named.kind(&document::relative(path)))
            }
        };
        let shown = match &root {
            Some((_, inside)) => inside.to_string_lossy().replace(MAIN_SEPARATOR, "/"),
            None => document::name(path),
        };
        let root = root.map_or_else(|| NOWHERE.into(), |(root, _)| root.path.clone());
        Scope { root, settings, tasks, shown, unknown, kind }
    }

    /// The folder of the workspace that holds a place, and the path in it.
    fn root_of<'a>(&'a self, place: &'a Place) -> Option<(&'a Root, &'a Path)> {
        let root = self.roots.get(place.folder.root?)?;
        let inside = place.path.strip_prefix(&root.path).or_else(|_| place.path.strip_prefix(&root.real)).ok()?;
        Some((root, inside))
    }

    fn kind(&self, place: &Place) -> FileKind {
        // The user's patterns for the workspace mean nothing outside of it, but a key is secret anywhere.
        let inside = self.root_of(place).map_or(place.path.as_path(), |(_, inside)| inside);
        let kinds = [self.named.kind(inside), place.folder.kind_of(&place.path, false)];
        kinds.into_iter().min_by_key(|kind| openness(*kind)).unwrap_or(FileKind::Unread)
    }

    /// A folder, read if it is not known yet. This waits for the disk.
    fn folder(&self, path: &Path) -> Arc<Folder> {
        if let Some(known) = lock(&self.store).folders.get(path) {
            return Arc::clone(known);
        }
        let parent = path.parent().map(|parent| self.folder(parent));
        let folder = Arc::new(Folder::read(
            path,
            parent,
            |path, real| self.root_holding(path, real),
            |folders| self.tightened(folders).settings,
        ));
        let mut store = lock(&self.store);
        if store.folders.len() >= MAX_KEPT {
            store.folders.clear();
        }
        store.folders.insert(path.to_owned(), Arc::clone(&folder));
        folder
    }

    fn root_holding(&self, path: &Path, real: &Path) -> Option<usize> {
        let holds =
            |root: &Root| path.starts_with(&root.path) || path.starts_with(&root.real) || real.starts_with(&root.real);
        self.roots.iter().position(holds)
    }

    /// The settings, tightened by the files of these folders in order.
    fn tightened(&self, folders: &[PathBuf]) -> InForce {
        let Some((last, above)) = folders.split_last() else { return self.everywhere.clone() };
        if let Some(known) = lock(&self.store).tightened.get(folders) {
            return known.clone();
        }
        let (settings, notices) = self.tightened(above).settings.tightened_in(last);
        let in_force = InForce::new(settings);
        let mut store = lock(&self.store);
        for notice in notices {
            if !store.notices.contains(&notice) {
                store.notices.push(notice);
            }
        }
        store.tightened.insert(folders.to_vec(), in_force.clone());
        in_force
    }

    /// The strictest of the settings that hold behind these chains. Each file is read as if it stood behind all others, which never loosens.
    fn united(&self, chains: &[&[PathBuf]]) -> InForce {
        let Some((first, rest)) = chains.split_first() else { return self.everywhere.clone() };
        let mut folders = first.to_vec();
        for folder in rest.iter().copied().flatten() {
            if !folders.contains(folder) {
                folders.push(folder.clone());
            }
        }
        if folders.len() == first.len() {
            return self.tightened(first);
        }
        if let Some(known) = lock(&self.store).united.get(&folders) {
            return known.clone();
        }
        // This finds the faults of each chain. A file that is looser than one of another chain has none.
        let closed = chains.iter().map(|chain| self.tightened(chain).settings.closed).max();
        let start = Settings::clone(&self.everywhere.settings);
        let mut settings = folders.iter().fold(start, |settings, folder| settings.tightened_in(folder).0);
        settings.closed = closed.unwrap_or(settings.closed);
        let united = InForce::new(settings);
        lock(&self.store).united.insert(folders, united.clone());
        united
    }

    /// Whether files with rules say something else now: those that were read before, and those of these folders. This waits for the disk, but
    /// not for ever.
    pub(super) fn differ(&self, now: &Arc<Rules>, folders: &[PathBuf]) -> bool {
        let known: Vec<Arc<Folder>> = {
            let store = lock(&self.store);
            let named: Vec<_> = folders.iter().filter_map(|folder| store.folders.get(folder).map(Arc::clone)).collect();
            named.into_iter().chain(store.folders.values().filter(|folder| folder.has_rules).map(Arc::clone)).collect()
        };
        let now = Arc::clone(now);
        let differs = move || known.iter().any(|before| now.folder(&before.path).fingerprint != before.fingerprint);
        within(READ_AGAIN, differs).unwrap_or(false)
    }

    /// The settings of a folder of the workspace.
    pub(super) fn settings_in(self: &Arc<Rules>, root: &Path) -> Arc<Settings> {
        Arc::clone(&self.read(&root.join(ANY)).settings)
    }
}

impl Store {
    /// Folders whose disk somebody waited for in vain, until it answers.
    fn late(&self) -> Vec<Notice> {
        let late = self.readings.iter().filter(|(_, is_late)| **is_late);
        let folders: BTreeSet<&Path> = late.filter_map(|(paths, _)| paths.first()?.parent()).collect();
        let notice = |folder: &Path| Notice {
            severity: Severity::Error,
            file: folder.display().to_string(),
            line: None,
            key: String::new(),
            message: "its disk does not answer, so its rules are not known; nothing is suggested or learned there"
                .into(),
            holds: Holds::Everything,
        };
        folders.into_iter().take(MAX_LATE).map(notice).collect()
    }

    fn notice(&mut self, why: &Arc<str>) {
        let message = format!("{why}; nothing is suggested or learned where its rules would hold");
        let (file, key, holds) = (String::from("rules"), String::new(), Holds::Everything);
        let notice = Notice { severity: Severity::Error, file, line: None, key, message, holds };
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }
}

/// Whether a document may lie in more folders than are read. Encoded slashes separate names only where it lies.
fn is_deep(path: &Path) -> bool {
    let is_deep = |path: &Path| path.components().nth(MAX_DEPTH).is_some();
    // One that is no longer than this has no more folders.
    path.as_os_str().len() > MAX_DEPTH
        && (is_deep(path)
            || is_deep(&document::relative(path))
            || document::location(path).paths.iter().any(|path| is_deep(path)))
}

/// The less open a kind is, the lower.
fn openness(kind: FileKind) -> u8 {
    match kind {
        FileKind::Unread => 0,
        FileKind::Secret => 1,
        FileKind::Ignored => 2,
        FileKind::Generated => 3,
        FileKind::TooLarge => 4,
        FileKind::Normal => 5,
    }
}

/// Folders in which the kernel shows itself as files without end.
const SYSTEM: [&str; 2] = ["/proc", "/sys"];

/// Whether a root holds more than a workspace, or something else: a whole disk, or the home of a user with everything in it.
fn is_too_wide(root: &Path, homes: &[PathBuf]) -> bool {
    // Windows' own disks, as Linux sees them there.
    let is_drive = || root.parent() == Some(Path::new("/mnt")) && root.file_name().is_some_and(|name| name.len() == 1);
    let is_system = || cfg!(unix) && SYSTEM.iter().any(|system| root.starts_with(system));
    root.parent().is_none() || homes.iter().any(|home| home.starts_with(root)) || is_drive() || is_system()
}

/// Runs work that waits for a disk, for as long as it may take; `None` if it takes longer.
fn within_patience<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    within(PATIENCE, work)
}
