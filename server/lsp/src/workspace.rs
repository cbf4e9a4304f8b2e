//! The folders and the configuration of the client: where settings come from, and what happens when they change.
//! It leaves reading and checking them to `settings`, and what they mean for a file to `current`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use pennyworth_core::gate::FileKind;
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{
    ConfigurationItem, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams, MessageType, Registration,
};

use crate::convert;
use crate::current::Current;
use crate::editor::Editor;
use crate::engine::{Engine, lock};
use crate::settings::{Notice, Settings};

/// The section of the client's configuration that is ours.
const SECTION: &str = "pennyworth";
/// How long the client may take to answer a question.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long editors take to open their documents once the server runs.
const A_MOMENT: Duration = Duration::from_millis(100);
/// Files whose change changes what is in force.
const RULES: [&str; 2] = [".gitignore", ".pennyworth.toml"];

/// What the client said about folders and settings.
#[derive(Default)]
pub struct Workspace {
    folders: Mutex<Vec<PathBuf>>,
    said: Mutex<Said>,
    /// Whether reading has begun.
    is_read: AtomicBool,
    /// Held while what is in force is made, so that the last change is the last to be made.
    making: Mutex<Made>,
}

/// The client's own layers of settings.
#[derive(Default)]
struct Said {
    options: Value,
    configuration: Value,
    /// Models that were found on this machine.
    found: Value,
}

/// What the settings in force were made from.
#[derive(Default)]
struct Made {
    /// When the user's own file and the table of prices were written.
    written: [Option<SystemTime>; 2],
    told: Vec<Notice>,
}

impl Workspace {
    /// Takes what the client said at the beginning.
    pub fn begin(&self, editor: &Editor) {
        lock(&self.folders).clone_from(&editor.folders);
        lock(&self.said).options = editor.options.clone();
    }
}

/// Makes anew what is in force, and lets everything follow that follows from it. Reads files: not for the task that serves,
/// except at the very beginning, when there is nothing else to do.
pub fn refresh(engine: &Engine) {
    refresh_and(engine, Relearn::WhatChanged);
}

/// What is learned anew after a refresh.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relearn {
    /// What the settings now say differently.
    WhatChanged,
    /// Everything: which files are ignored is different.
    All,
}

fn refresh_and(engine: &Engine, relearn: Relearn) {
    let mut made = lock(&engine.workspace.making);
    let folders = lock(&engine.workspace.folders).clone();
    let layers = {
        let said = lock(&engine.workspace.said);
        [said.options.clone(), said.configuration.clone(), said.found.clone()]
    };
    made.written = written(engine);
    let (mut settings, mut notices) = Settings::gather(engine.options.config.as_deref(), &layers);
    if engine.editor().is_some_and(|editor| editor.restricted) {
        settings.restrict();
    }
    let before = engine.current();
    let (current, found) = Current::new(before.generation + 1, settings, &folders);
    notices.extend(found);
    let current = Arc::new(current);
    engine.set_current(Arc::clone(&current));
    engine.session().limit(current.settings().documents.max_bytes);
    self::relearn(engine, &before, &current, relearn);
    engine.status.changed();
    tell(engine, &mut made, notices);
}

/// The same, away from the task that serves.
fn refresh_soon(engine: &Arc<Engine>, relearn: Relearn) {
    let engine = Arc::clone(engine);
    tokio::task::spawn_blocking(move || refresh_and(&engine, relearn));
}

/// The same, if the user's own file was written since it was last read.
pub fn refresh_if_written(engine: &Arc<Engine>) {
    let engine = Arc::clone(engine);
    tokio::task::spawn_blocking(move || {
        let known = lock(&engine.workspace.making).written;
        if written(&engine) != known {
            refresh(&engine);
        }
    });
}

fn written(engine: &Engine) -> [Option<SystemTime>; 2] {
    let config = engine.options.config.clone();
    let paths = [config.clone().or_else(crate::paths::config_path), crate::prices::path(config.as_deref())];
    paths.map(|path| std::fs::metadata(path?).and_then(|about| about.modified()).ok())
}

/// Reads the workspace for the first time, a moment after the beginning: the document the user works on is open by then, and what is
/// near it is read first.
pub async fn begin_reading(engine: Arc<Engine>) {
    tokio::time::sleep(A_MOMENT).await;
    let begin = move || {
        // What is in force must not change between looking at it and reading by it.
        let _made = lock(&engine.workspace.making);
        engine.workspace.is_read.store(true, Ordering::Relaxed);
        read(&engine, roots(&engine.current()));
    };
    // It fails only when the server ends.
    let _ = tokio::task::spawn_blocking(begin).await;
}

fn read(engine: &Engine, roots: Vec<PathBuf>) {
    if engine.workspace.is_read.load(Ordering::Relaxed) {
        engine.learner.walk(roots);
    }
}

/// What is learned follows what may be learned. A folder more is read in addition; after any other change all is learned anew.
fn relearn(engine: &Engine, before: &Current, now: &Current, relearn: Relearn) {
    let (old, new) = (roots(before), roots(now));
    let is_same =
        |root: &PathBuf| new.contains(root) && rules(&before.scope(root).settings) == rules(&now.scope(root).settings);
    let is_more = rules(before.settings()) == rules(now.settings()) && old.iter().all(is_same);
    if relearn == Relearn::All || !is_more {
        engine.relearn(now.settings().embedded.memory_mb);
        read(engine, new);
    } else {
        let added: Vec<PathBuf> = new.into_iter().filter(|root| !old.contains(root)).collect();
        if !added.is_empty() {
            read(engine, added);
        }
    }
}

/// The folders that are to be read.
/// The folders whose files the embedded model learns.
pub fn roots(current: &Current) -> Vec<PathBuf> {
    let is_read = |settings: &Settings| settings.enabled && settings.embedded.enabled && settings.embedded.index;
    let read = current.folders().iter().filter(|scope| is_read(&scope.settings));
    read.map(|scope| scope.root.clone()).collect()
}

/// The settings that decide what is learned.
fn rules(settings: &Settings) -> Value {
    json!([settings.enabled, settings.embedded, settings.ignore, settings.secrets, settings.languages])
}

/// Says what is wrong with the settings: all of it in the log, and once to the user.
fn tell(engine: &Engine, made: &mut Made, notices: Vec<Notice>) {
    let news: Vec<String> =
        notices.iter().filter(|notice| !made.told.contains(notice)).map(ToString::to_string).collect();
    made.told = notices;
    let Some(first) = news.first() else { return };
    for notice in &news {
        tracing::warn!("{notice}");
    }
    let rest = if news.len() > 1 { format!(" (and {} more, see the log)", news.len() - 1) } else { String::new() };
    engine.say(MessageType::Warning, format!("Pennyworth: {first}{rest}"));
}

/// Asks the client for our section of its configuration, if it answers such questions.
pub async fn ask_configuration(engine: Arc<Engine>) {
    if !engine.editor().is_some_and(|editor| editor.configuration) {
        return;
    }
    let item = ConfigurationItem { section: Some(SECTION.into()), ..ConfigurationItem::default() };
    match tokio::time::timeout(PATIENCE, engine.client.configuration(vec![item])).await {
        Ok(Ok(mut answers)) if !answers.is_empty() => take_configuration(&engine, answers.swap_remove(0)),
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(code = error.code.code(), "the client has no configuration"),
        Err(_) => tracing::debug!("the client does not tell its configuration"),
    }
}

/// The client's configuration changed; some send it along, some want to be asked.
pub fn configuration_changed(engine: &Arc<Engine>, mut settings: Value) {
    // Clients that send everything name our section; those that send nothing want to be asked.
    let ours = settings.get_mut(SECTION).map(Value::take);
    let is_empty = |value: &Value| value.as_object().is_none_or(serde_json::Map::is_empty);
    match ours.or(Some(settings)).filter(|settings| !is_empty(settings)) {
        Some(settings) => take_configuration(engine, settings),
        None => drop(tokio::spawn(ask_configuration(Arc::clone(engine)))),
    }
}

fn take_configuration(engine: &Arc<Engine>, configuration: Value) {
    {
        let mut said = lock(&engine.workspace.said);
        if said.configuration == configuration {
            return;
        }
        said.configuration = configuration;
    }
    refresh_soon(engine, Relearn::WhatChanged);
}

/// Model servers were found on this machine, or those that were found are gone.
pub fn take_found(engine: &Arc<Engine>, found: Value) {
    {
        let mut said = lock(&engine.workspace.said);
        if said.found == found {
            return;
        }
        said.found = found;
    }
    refresh_soon(engine, Relearn::WhatChanged);
}

/// The user added or removed folders.
pub fn folders_changed(engine: &Arc<Engine>, params: &DidChangeWorkspaceFoldersParams) {
    {
        let mut folders = lock(&engine.workspace.folders);
        let removed: Vec<_> = params.event.removed.iter().filter_map(|folder| convert::path(&folder.uri)).collect();
        folders.retain(|folder| !removed.contains(folder));
        for added in params.event.added.iter().filter_map(|folder| convert::path(&folder.uri)) {
            if !folders.contains(&added) {
                folders.push(added);
            }
        }
    }
    refresh_soon(engine, Relearn::WhatChanged);
}

/// Files changed on disk.
pub fn files_changed(engine: &Arc<Engine>, params: DidChangeWatchedFilesParams) {
    let paths: Vec<PathBuf> = params.changes.iter().filter_map(|change| convert::path(&change.uri)).collect();
    let current = engine.current();
    if paths.iter().any(|path| is_rule(&current, path)) {
        refresh_soon(engine, Relearn::All);
    } else if engine.learner.files(paths) {
        read(engine, roots(&current));
    }
}

/// Whether a file decides which files are learned. Those of packages, which are ignored themselves, decide nothing.
fn is_rule(current: &Current, path: &Path) -> bool {
    let is_named = path.file_name().is_some_and(|name| RULES.iter().any(|rule| name == *rule));
    is_named && current.scope(path).kind_of_path(path) == FileKind::Normal
}

/// Asks the client to tell of changes, as far as it can.
pub async fn register(engine: Arc<Engine>) {
    let Some(editor) = engine.editor() else { return };
    let mut registrations = Vec::new();
    let mut add = |method: &str, options: Value| {
        let register_options = Some(options);
        registrations.push(Registration { id: method.into(), method: method.into(), register_options });
    };
    if editor.watches_configuration {
        add("workspace/didChangeConfiguration", json!({ "section": SECTION }));
    }
    if editor.watches_files {
        add("workspace/didChangeWatchedFiles", json!({ "watchers": watched() }));
    }
    if !registrations.is_empty() {
        let asked = engine.client.register_capability(registrations);
        let _ = tokio::time::timeout(PATIENCE, asked).await;
    }
}

/// Patterns for every file that is learned, and for those that decide which are. Eglot knows no star in braces.
fn watched() -> Vec<Value> {
    let facts = pennyworth_grammars::all().iter().map(|language| language.facts());
    let mut endings: Vec<&str> = facts.flat_map(|facts| &facts.extensions).map(String::as_str).collect();
    endings.sort_unstable();
    endings.dedup();
    let learned = format!("**/*.{{{}}}", endings.join(","));
    let patterns = std::iter::once(learned).chain(RULES.map(|name| format!("**/{name}")));
    patterns.map(|pattern| json!({ "globPattern": pattern })).collect()
}
