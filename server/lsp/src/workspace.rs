//! The folders and the configuration of the client: where settings come from, and what happens when they change.
//! It leaves reading and checking them to `settings`, and what they mean for a file to `current`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

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
/// Files whose change changes what is in force.
const RULES: [&str; 2] = [".gitignore", ".pennyworth.toml"];

/// What the client said about folders and settings.
#[derive(Default)]
pub struct Workspace {
    folders: Mutex<Vec<PathBuf>>,
    said: Mutex<Said>,
    /// Held while what is in force is made, so that the last change is the last to be made.
    making: Mutex<Made>,
}

/// The client's own layers of settings.
#[derive(Default)]
struct Said {
    options: Value,
    configuration: Value,
}

/// What the settings in force were made from.
#[derive(Default)]
struct Made {
    /// When the user's own file was written.
    written: Option<SystemTime>,
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
    let mut made = lock(&engine.workspace.making);
    let folders = lock(&engine.workspace.folders).clone();
    let layers = {
        let said = lock(&engine.workspace.said);
        [said.options.clone(), said.configuration.clone()]
    };
    made.written = written(engine);
    let (settings, mut notices) = Settings::gather(engine.options.config.as_deref(), &layers);
    let before = engine.current();
    let (current, found) = Current::new(before.generation + 1, settings, &folders);
    notices.extend(found);
    let current = Arc::new(current);
    engine.set_current(Arc::clone(&current));
    engine.session().limit(current.settings().documents.max_bytes);
    relearn(engine, &before, &current);
    engine.status.changed();
    tell(engine, &mut made, notices);
}

/// The same, away from the task that serves.
pub fn refresh_soon(engine: &Arc<Engine>) {
    let engine = Arc::clone(engine);
    tokio::task::spawn_blocking(move || refresh(&engine));
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

fn written(engine: &Engine) -> Option<SystemTime> {
    let path = engine.options.config.clone().or_else(crate::paths::config_path)?;
    std::fs::metadata(path).and_then(|about| about.modified()).ok()
}

/// What is learned follows what may be learned. A folder more is read in addition; after any other change all is learned anew.
fn relearn(engine: &Engine, before: &Current, now: &Current) {
    let roots = |current: &Current| -> Vec<PathBuf> {
        current.folders().iter().filter(|scope| is_read(scope)).map(|scope| scope.root.clone()).collect()
    };
    let (old, new) = (roots(before), roots(now));
    let added: Vec<PathBuf> = new.iter().filter(|root| !old.contains(root)).cloned().collect();
    let is_less = old.iter().any(|root| !new.contains(root));
    if before.generation > 0 && (is_less || rules(before) != rules(now)) {
        engine.relearn(now.settings().embedded.memory_mb);
        engine.learner.walk(new);
    } else if !added.is_empty() {
        engine.learner.walk(added);
    }
}

fn is_read(scope: &crate::current::Scope) -> bool {
    scope.settings.enabled && scope.settings.embedded.enabled && scope.settings.embedded.index
}

/// The settings that decide what is learned.
fn rules(current: &Current) -> Value {
    let of = |settings: &Settings| {
        json!([settings.enabled, settings.embedded, settings.ignore, settings.secrets, settings.languages])
    };
    current.folders().iter().map(|scope| of(&scope.settings)).chain([of(current.settings())]).collect()
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
    refresh_soon(engine);
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
    refresh_soon(engine);
}

/// Files changed on disk.
pub fn files_changed(engine: &Arc<Engine>, params: DidChangeWatchedFilesParams) {
    let paths: Vec<PathBuf> = params.changes.iter().filter_map(|change| convert::path(&change.uri)).collect();
    if paths.iter().any(|path| is_rule(path)) {
        refresh_soon(engine);
    }
    if engine.learner.files(paths) {
        let current = engine.current();
        engine.learner.walk(current.folders().iter().filter(|scope| is_read(scope)).map(|s| s.root.clone()).collect());
    }
}

fn is_rule(path: &Path) -> bool {
    path.file_name().is_some_and(|name| RULES.iter().any(|rule| name == *rule))
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
        add("workspace/didChangeWatchedFiles", json!({ "watchers": [{ "globPattern": watched() }] }));
    }
    if !registrations.is_empty() {
        let asked = engine.client.register_capability(registrations);
        let _ = tokio::time::timeout(PATIENCE, asked).await;
    }
}

/// One pattern for every file that is learned, and for those that decide which are.
fn watched() -> String {
    let facts = pennyworth_grammars::all().iter().map(|language| language.facts());
    let mut endings: Vec<String> =
        facts.flat_map(|facts| &facts.extensions).map(|ending| format!("*.{ending}")).collect();
    endings.extend(RULES.map(str::to_owned));
    endings.sort();
    endings.dedup();
    format!("**/{{{}}}", endings.join(","))
}
