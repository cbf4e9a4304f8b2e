//! Collects settings from their sources, and puts changes in force: the user's file, the client's options and configuration, its folders, and
//! model servers found on this machine. It leaves reading and joining settings to `settings`, and what is watched to `watching`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{
    ConfigurationItem, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams, MessageType, Uri,
};

use super::watching::{ChangedRules, PATIENCE, SECTION, Stamp, Walks, is_rule, stamp};
use crate::complete::Completer;
use crate::documents::Documents;
use crate::models::discover::Discovery;
use crate::models::found::{Announced, Found};
use crate::paths::document;
use crate::settings::{Configuration, Layer, Notice, Opened, Settings, prices};
use crate::surface::faults;
use crate::surface::status::Changes;
use crate::sync::{Background, lock, within};
use crate::wire::editor::Editor;
use crate::wire::{convert, messages};
use crate::{logging, paths};

/// Most folders above a document that are looked at. The rules of deeper ones are not known.
const MAX_ABOVE: usize = 512;
/// Time that editors take to open their documents after the server starts.
const A_MOMENT: Duration = Duration::from_millis(100);
/// Longest wait for the user's own files before `initialize` is answered.
const FILE_PATIENCE: Duration = Duration::from_secs(1);

/// The sources of settings, and the parts that follow them.
pub(super) struct Sources {
    client: Client,
    /// The configuration to read instead of the user's own.
    config: Option<PathBuf>,
    documents: Arc<Documents>,
    completer: Arc<Completer>,
    status: Arc<Changes>,
    discovery: Discovery,
    announced: Announced,
    opened: Mutex<Opened>,
    layers: Mutex<Layers>,
    /// Whether the workspace is not trusted, so that only the embedded model may be asked.
    is_restricted: AtomicBool,
    /// Whether reading the workspace has begun.
    is_reading: AtomicBool,
    /// Whether somebody looks if the user's own files were written.
    is_looking: AtomicBool,
    changed_rules: ChangedRules,
    walks: Walks,
    /// Held while a configuration is made, so that the last change prevails.
    made: Mutex<Made>,
}

/// The layers of settings that are not files.
#[derive(Default)]
struct Layers {
    options: Value,
    configuration: Value,
    /// Models that were found on this machine.
    found: Value,
}

/// What the configuration in force was made from.
#[derive(Default)]
struct Made {
    /// The state of the user's own files: the settings and the table of prices.
    written: Vec<Option<Stamp>>,
    told: Vec<Notice>,
}

impl Sources {
    /// The sources, without layers of the client yet.
    pub(super) fn new(
        client: Client,
        (config, ledger): (Option<PathBuf>, Option<&Path>),
        documents: Arc<Documents>,
        completer: Arc<Completer>,
        status: Arc<Changes>,
    ) -> Sources {
        // Marks in a file need its whole path.
        let config = config.map(|path| std::path::absolute(&path).unwrap_or(path));
        Sources {
            client,
            config,
            documents,
            completer,
            status,
            discovery: Discovery::default(),
            announced: Announced::beside(ledger),
            opened: Mutex::default(),
            layers: Mutex::default(),
            is_restricted: AtomicBool::new(false),
            is_reading: AtomicBool::new(false),
            is_looking: AtomicBool::new(false),
            changed_rules: ChangedRules::default(),
            walks: Walks::default(),
            made: Mutex::default(),
        }
    }

    /// Takes the client's settings from `initialize`, and makes the first configuration. It reads the user's own files, and nothing of the
    /// workspace: until that is read, all places are closed.
    pub(super) fn begin(self: &Arc<Sources>, editor: &Editor) {
        let opened = {
            let mut opened = lock(&self.opened);
            opened.folders.clone_from(&editor.folders);
            opened.elsewhere.clone_from(&editor.elsewhere);
            opened.clone()
        };
        lock(&self.layers).options = Layer::meant(editor.options.clone());
        self.is_restricted.store(editor.restricted, Ordering::Relaxed);
        let sources = Arc::clone(self);
        let gathered = within(FILE_PATIENCE, move || sources.gather().0);
        let late = gathered.is_none().then(|| Notice::late(self.config.clone().or_else(paths::config_path).as_deref()));
        let settings = gathered.unwrap_or_else(|| Settings::closed(late.as_slice()));
        let before = self.completer.configuration.get();
        let mut configuration = Configuration::unread(before.generation, settings, opened);
        if let Some(late) = &late {
            self.tell_soon(late);
        }
        configuration.notices = Vec::from_iter(late);
        self.documents.session().limit(configuration.settings().documents.max_bytes);
        self.completer.configure(Arc::new(configuration));
        self.refresh_soon();
    }

    /// Reports a fault once the client has its answer to `initialize`.
    fn tell_soon(&self, notice: &Notice) {
        tracing::warn!("{notice}");
        let (client, message) = (self.client.clone(), format!("Pennyworth: {notice}; {}", notice.holds));
        tokio::spawn(async move {
            tokio::time::sleep(A_MOMENT).await;
            messages::show(&client, MessageType::Warning, message);
        });
    }

    /// The settings from all sources but the folders.
    fn gather(&self) -> (Settings, Vec<Notice>) {
        let (editor, found) = {
            let layers = lock(&self.layers);
            ([layers.options.clone(), layers.configuration.clone()], layers.found.clone())
        };
        let (mut settings, mut notices) = Settings::gather(self.config.as_deref(), &editor);
        // Settings that come later may switch off what was found before.
        let found = if settings.discover { found } else { Value::Null };
        if !found.is_null() {
            (settings, notices) = Settings::gather_found(self.config.as_deref(), &editor, &found);
        }
        self.completer.providers.found.set(&found);
        if self.is_restricted.load(Ordering::Relaxed) {
            settings.restrict();
        }
        (settings, notices)
    }

    /// Makes a new configuration and puts it in force. It blocks on files: not for the task that serves.
    fn refresh(self: &Arc<Sources>) {
        let mut made = lock(&self.made);
        let opened = lock(&self.opened).clone();
        made.written = self.written();
        let (settings, notices) = self.gather();
        let before = self.completer.configuration.get();
        let (mut configuration, _) = Configuration::of(before.generation + 1, settings, opened);
        configuration.notices = notices;
        self.read_open(&configuration);
        let configuration = Arc::new(configuration);
        logging::set_level(configuration.settings().log.level);
        self.completer.configure(Arc::clone(&configuration));
        self.documents.session().limit(configuration.settings().documents.max_bytes);
        self.relearn(&before, &configuration);
        self.status.changed();
        self.tell(&mut made, configuration.all_notices());
    }

    /// The same, on the blocking pool.
    fn refresh_soon(self: &Arc<Sources>) {
        let sources = Arc::clone(self);
        tokio::task::spawn_blocking(move || sources.refresh());
    }

    /// Makes a new configuration if the user's files were written since they were last read.
    pub(super) fn refresh_if_written(self: &Arc<Sources>) {
        let sources = Arc::clone(self);
        tokio::task::spawn_blocking(move || sources.refresh_now_if_written());
    }

    fn refresh_now_if_written(self: &Arc<Sources>) {
        let known = lock(&self.made).written.clone();
        // Before the first configuration is made from the file, there is nothing to make anew.
        if !known.is_empty() && self.written() != known {
            self.refresh();
        }
    }

    /// A document was edited, and a request will follow. Clients do not report that the user's own files were written.
    pub(super) fn edited(self: &Arc<Sources>) {
        // A disk may be slow, and keys are many.
        if self.is_looking.swap(true, Ordering::Relaxed) {
            return;
        }
        let sources = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            sources.completer.crashes.guard("reading the settings", || sources.refresh_now_if_written());
            sources.is_looking.store(false, Ordering::Relaxed);
        });
    }

    fn written(&self) -> Vec<Option<Stamp>> {
        let own = [self.config.clone().or_else(paths::config_path), prices::path(self.config.as_deref())];
        own.into_iter().map(|path| stamp(&path?)).collect()
    }

    /// Reads the workspace for the first time, a moment after the start. By then the user's document is open, so its neighbours are read first.
    pub(super) async fn begin_reading(self: Arc<Sources>) {
        tokio::time::sleep(A_MOMENT).await;
        let begin = move || {
            // The configuration must not change before the reading by it begins.
            let _made = lock(&self.made);
            self.is_reading.store(true, Ordering::Relaxed);
            self.read(self.completer.configuration.get().learned_roots());
        };
        // It fails only when the server ends.
        let _ = tokio::task::spawn_blocking(begin).await;
    }

    fn read(&self, roots: Vec<PathBuf>) {
        if self.is_reading.load(Ordering::Relaxed) {
            self.completer.learner.queue.walk(roots);
        }
    }

    /// Learns what the new configuration allows. An added folder is read in addition; after any other change, everything is learned again.
    fn relearn(self: &Arc<Sources>, before: &Configuration, now: &Configuration) {
        let (old, new) = (before.learned_roots(), now.learned_roots());
        let is_more = rules(before.settings()) == rules(now.settings()) && old.iter().all(|root| new.contains(root));
        if !before.is_read() {
            self.read(new);
        } else if !is_more {
            self.forget_learned(now.settings().embedded.memory_mb);
            self.read(new);
        } else if before.differs(now, &[]) {
            self.review();
        } else {
            let added: Vec<PathBuf> = new.into_iter().filter(|root| !old.contains(root)).collect();
            if !added.is_empty() {
                self.read(added);
            }
        }
    }

    /// Forgets what the rules of its place do not allow any more, and learns what they allow now.
    fn review(self: &Arc<Sources>) {
        let queue = &self.completer.learner.queue;
        queue.review();
        let uris = self.documents.session().forget_learned();
        uris.iter().for_each(|uri| queue.changed(uri));
        self.read_later();
    }

    /// Reads the workspace again, but not for every change of a tool that makes many.
    fn read_later(self: &Arc<Sources>) {
        let Some(pause) = self.walks.pause(Instant::now()) else { return };
        let sources = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let mut progress = sources.completer.learner.progress.watch();
            let _ = progress.wait_for(|progress| !progress.is_reading).await;
            sources.walks.begins();
            sources.read(sources.completer.configuration.get().learned_roots());
        });
    }

    /// Files with rules may have changed. They are looked at once, when nothing has been reported for a while: a checkout reports many.
    fn rules_changed(self: &Arc<Sources>, folders: Vec<PathBuf>) {
        if self.changed_rules.add(folders) {
            return;
        }
        let sources = Arc::clone(self);
        tokio::spawn(async move {
            sources.changed_rules.quiet().await;
            let _ = tokio::task::spawn_blocking(move || sources.read_rules_again()).await;
        });
    }

    /// Reads the files with rules again. Unless one says something else now, nothing happens. It blocks on files.
    fn read_rules_again(self: &Arc<Sources>) {
        let folders = self.changed_rules.take();
        let mut made = lock(&self.made);
        let before = self.completer.configuration.get();
        let now = before.again();
        if !before.differs(&now, &folders) {
            return;
        }
        self.read_open(&now);
        let now = Arc::new(now);
        // Neither keys nor answers are forgotten: the user's own settings are the same.
        self.completer.configuration.set(Arc::clone(&now));
        self.review();
        for path in self.documents.session().paths() {
            let (old, new) = (before.scope(&path), now.scope(&path));
            if old.settings != new.settings || old.kind() != new.kind() {
                // A call in flight was begun under other rules.
                self.completer.flights.closed(&path);
            }
        }
        self.status.changed();
        self.tell(&mut made, now.all_notices());
    }

    /// A document was opened. Its folders may have files with faults, which nobody has read before.
    pub(super) fn opened(self: &Arc<Sources>, path: PathBuf) {
        self.refresh_if_written();
        self.look_above(&path);
        let sources = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let configuration = sources.completer.configuration.get();
            configuration.read(&path);
            let mut made = lock(&sources.made);
            let all = configuration.all_notices();
            if all.iter().any(|notice| !made.told.contains(notice)) {
                sources.tell(&mut made, all);
                sources.status.changed();
            }
        });
    }

    /// Reads the rules of the open documents, so that they are known from the first moment of a configuration on.
    fn read_open(&self, configuration: &Configuration) {
        let (paths, begun) = (self.documents.session().paths(), Instant::now());
        for path in paths.iter().take_while(|_| begun.elapsed() < PATIENCE) {
            configuration.read(path);
        }
    }

    /// Makes the embedded model forget everything and learn the open documents again.
    fn forget_learned(&self, memory_mb: u32) {
        let queue = &self.completer.learner.queue;
        queue.forget(memory_mb);
        let uris = self.documents.session().forget_learned();
        uris.iter().for_each(|uri| queue.changed(uri));
    }

    /// Reports each fault of the settings once: all in the log, and the first to the user. Marks and the status show what still holds.
    fn tell(&self, made: &mut Made, notices: Vec<Notice>) {
        let mut new: Vec<Notice> = notices.iter().filter(|notice| !made.told.contains(notice)).cloned().collect();
        made.told = notices;
        for notice in &new {
            tracing::warn!("{notice}");
        }
        new.sort_by_key(|notice| std::cmp::Reverse((notice.holds.closed(), notice.severity)));
        let Some(first) = new.first() else { return };
        messages::show(&self.client, MessageType::Warning, faults::line(first, new.len() - 1));
    }

    /// Asks the client for our section of its configuration.
    pub(super) async fn ask_configuration(self: Arc<Sources>) {
        let item = ConfigurationItem { section: Some(SECTION.into()), ..ConfigurationItem::default() };
        match tokio::time::timeout(PATIENCE, self.client.configuration(vec![item])).await {
            Ok(Ok(mut answers)) if !answers.is_empty() => self.take_configuration(Layer::meant(answers.swap_remove(0))),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(code = error.code.code(), "the client has no configuration"),
            Err(_) => tracing::debug!("the client did not send its configuration"),
        }
    }

    /// The client's configuration changed. Some clients send it, with that of other servers; others must be asked.
    pub(super) fn configuration_changed(self: &Arc<Sources>, editor: Option<&Editor>, settings: Value) {
        match Layer::addressed(settings) {
            Some(settings) => self.take_configuration(settings),
            None if editor.is_some_and(|editor| editor.configuration) => {
                drop(tokio::spawn(Arc::clone(self).ask_configuration()));
            }
            None => {}
        }
    }

    fn take_configuration(self: &Arc<Sources>, configuration: Value) {
        self.take(|layers| &mut layers.configuration, configuration);
    }

    /// Replaces a layer, and makes a new configuration if it differs.
    fn take(self: &Arc<Sources>, layer: impl Fn(&mut Layers) -> &mut Value, value: Value) {
        {
            let mut layers = lock(&self.layers);
            let layer = layer(&mut layers);
            if *layer == value {
                return;
            }
            *layer = value;
        }
        self.refresh_soon();
    }

    /// Looks for model servers on this machine, if the settings say so.
    pub(super) fn look_around(self: &Arc<Sources>, background: &Background) {
        let configuration = self.completer.configuration.get();
        if !self.discovery.is_due(&configuration) {
            return;
        }
        let sources = Arc::clone(self);
        background.spawn(async move {
            let Some(client) = &sources.completer.providers.client else { return };
            let found = sources.discovery.look(client, &configuration.models).await;
            sources.announce(&found).await;
            sources.take(|layers| &mut layers.found, found);
        });
    }

    /// Tells the user of models that were found, before one of them is asked: once for each address, over restarts.
    async fn announce(self: &Arc<Sources>, layer: &Value) {
        let found = Found::default();
        found.set(layer);
        let sources = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || sources.announced.new_of(found.all()));
        let new = read.await.unwrap_or_default();
        for found in &new {
            messages::show(&self.client, MessageType::Info, format!("Pennyworth: {found}"));
        }
        if !new.is_empty() {
            let sources = Arc::clone(self);
            // It fails only when the server ends.
            let _ = tokio::task::spawn_blocking(move || sources.announced.add(&new)).await;
        }
    }

    /// A notebook has these cells. Its rules hold for them.
    pub(super) fn cells(self: &Arc<Sources>, notebook: &Path, cells: &[PathBuf]) {
        lock(&self.opened).cells.add(notebook, cells);
        self.look_above(notebook);
    }

    /// The user added or removed folders.
    pub(super) fn folders_changed(self: &Arc<Sources>, params: &DidChangeWorkspaceFoldersParams) {
        {
            let mut opened = lock(&self.opened);
            let Opened { folders, elsewhere, .. } = &mut *opened;
            for (known, path) in [(folders, convert::folder as fn(&Uri) -> _), (elsewhere, convert::folder_elsewhere)] {
                let removed: Vec<_> = params.event.removed.iter().filter_map(|folder| path(&folder.uri)).collect();
                known.retain(|folder| !removed.contains(folder));
                for added in params.event.added.iter().filter_map(|folder| path(&folder.uri)) {
                    if !known.contains(&added) {
                        known.push(added);
                    }
                }
            }
        }
        self.refresh_soon();
    }

    /// Files changed on disk.
    pub(super) fn files_changed(self: &Arc<Sources>, params: DidChangeWatchedFilesParams) {
        let paths: Vec<PathBuf> = params.changes.iter().filter_map(|change| convert::path(&change.uri)).collect();
        let configuration = self.completer.configuration.get();
        let (rules, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| is_rule(path));
        if !rules.is_empty() {
            self.rules_changed(rules.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect());
        }
        if self.completer.learner.queue.files(files) {
            self.read(configuration.learned_roots());
        }
    }

    /// A document was saved, which may have been a file with rules.
    pub(super) fn saved(self: &Arc<Sources>, path: &Path) {
        self.refresh_if_written();
        self.look_above(path);
    }

    /// Looks whether the rules of a document are still the same: many clients report no changes, and none those outside of the workspace.
    fn look_above(self: &Arc<Sources>, path: &Path) {
        let places = document::location(path).paths;
        let above = places.iter().flat_map(|place| place.ancestors().skip(1).take(MAX_ABOVE));
        self.rules_changed(above.map(Path::to_owned).collect());
    }
}

/// The settings that decide what is learned.
fn rules(settings: &Settings) -> Value {
    json!([settings.enabled, settings.embedded, settings.ignore, settings.secrets, settings.languages])
}
