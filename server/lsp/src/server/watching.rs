//! What changes on disk: which files the client is asked to watch, reports of changed files with rules, and when a file was written.
//! It leaves what follows from a change to `sources`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use pennyworth_grammars::Facts;
use serde_json::{Value, json};
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::Registration;

use crate::settings::FILE;
use crate::sync::lock;
use crate::wire::editor::Editor;

/// Our section of the client's configuration.
pub(super) const SECTION: &str = "pennyworth";
/// Longest wait for an answer of the client.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Files whose change needs a new configuration.
const RULES: [&str; 3] = [".gitignore", FILE, ".ignore"];
/// A pause in the reports of changed files with rules after which they are read, and the most such pauses.
const QUIET: Duration = Duration::from_millis(300);
const MOST_QUIETS: u32 = 20;
/// Pauses before the workspace is read again, and the time after which they begin anew.
const PAUSES: [Duration; 4] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10)];
const FORGOTTEN: Duration = Duration::from_secs(30);

/// Reports of changed files with rules that nobody has looked at.
#[derive(Default)]
pub(super) struct ChangedRules(Mutex<Reports>);

#[derive(Default)]
struct Reports {
    folders: Vec<PathBuf>,
    /// How many came.
    count: u64,
    /// Whether a task waits for the last of them.
    is_awaited: bool,
}

impl ChangedRules {
    /// Adds a report. Whether a task waits for the last one already.
    pub(super) fn add(&self, folders: Vec<PathBuf>) -> bool {
        let mut reports = lock(&self.0);
        reports.folders.extend(folders);
        reports.count += 1;
        std::mem::replace(&mut reports.is_awaited, true)
    }

    /// Waits until nothing has been reported for a while.
    pub(super) async fn quiet(&self) {
        let mut count = 0;
        for _ in 0..MOST_QUIETS {
            let now = lock(&self.0).count;
            if std::mem::replace(&mut count, now) == now {
                break;
            }
            tokio::time::sleep(QUIET).await;
        }
    }

    /// Takes the folders whose files with rules changed.
    pub(super) fn take(&self) -> Vec<PathBuf> {
        let mut reports = lock(&self.0);
        reports.is_awaited = false;
        std::mem::take(&mut reports.folders)
    }
}

/// When the workspace is read again because its rules changed. A tool that writes such a file again and again makes the pauses longer, and no
/// reading begins while another one runs. What the rules forbid is forgotten at once.
#[derive(Default)]
pub(super) struct Walks(Mutex<Begun>);

#[derive(Default)]
struct Begun {
    /// Readings that began shortly after each other, and when the last one is due or began.
    count: usize,
    last: Option<Instant>,
    is_awaited: bool,
}

impl Walks {
    /// The pause before the next reading; `None` if one is to begin already.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let mut begun = lock(&self.0);
        if std::mem::replace(&mut begun.is_awaited, true) {
            return None;
        }
        if begun.last.is_none_or(|last| now.saturating_duration_since(last) > FORGOTTEN) {
            begun.count = 0;
        }
        let pause = PAUSES.get(begun.count).or(PAUSES.last()).copied().unwrap_or_default();
        begun.count += 1;
        begun.last = Some(now + pause);
        Some(pause)
    }

    /// The reading begins.
    pub(super) fn begins(&self) {
        lock(&self.0).is_awaited = false;
    }
}

/// When a file was written, and when its permissions or its name changed, where the system knows that.
pub(super) type Stamp = (SystemTime, (i64, i64));

/// The stamp of a file; `None` if it cannot be had.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let changed =
        (std::os::unix::fs::MetadataExt::ctime(&metadata), std::os::unix::fs::MetadataExt::ctime_nsec(&metadata));
    #[cfg(not(unix))]
    let changed = (0, 0);
    Some((metadata.modified().ok()?, changed))
}

/// Whether a file may hold rules for others, by its name.
pub(super) fn is_rule(path: &Path) -> bool {
    let is_named = path.file_name().is_some_and(|name| RULES.iter().any(|rule| name == *rule));
    is_named || path.components().any(|part| part.as_os_str() == ".git")
}

/// Patterns for every file that is learned, by its ending or its name, and for those that decide which are. Eglot does not support a star in braces.
fn watched() -> Vec<Value> {
    let one_of = |words: fn(&Facts) -> &Vec<String>| {
        let facts = pennyworth_grammars::all().iter().map(|language| language.facts());
        let all: BTreeSet<&str> = facts.flat_map(words).map(String::as_str).collect();
        format!("{{{}}}", all.into_iter().collect::<Vec<_>>().join(","))
    };
    let learned =
        [format!("**/*.{}", one_of(|facts| &facts.extensions)), format!("**/{}", one_of(|facts| &facts.filenames))];
    let patterns = learned.into_iter().chain(RULES.map(|name| format!("**/{name}")));
    patterns.map(|pattern| json!({ "globPattern": pattern })).collect()
}

/// Asks the client to report changes, as far as it can.
pub(super) async fn register(client: Client, editor: Editor) {
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
        let asked = client.register_capability(registrations);
        let _ = tokio::time::timeout(PATIENCE, asked).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_changes_of_rules_are_a_few_readings() {
        let (walks, begun) = (Walks::default(), Instant::now());
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let (mut due, mut readings) = (None, Vec::new());
        for ms in (0..20).map(|save| save * 400) {
            if let Some(when) = due.filter(|due| *due <= at(ms)) {
                walks.begins();
                readings.push(when);
                due = None;
            }
            due = due.or(walks.pause(at(ms)).map(|pause| at(ms) + pause));
        }
        assert_eq!((readings.len(), due.is_some()), (3, true));
        walks.begins();
        assert_eq!(walks.pause(at(100_000)), Some(Duration::ZERO));
    }
}
