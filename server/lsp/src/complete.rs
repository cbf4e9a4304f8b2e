//! From a request to an answer: the one place where the order of stages stands.
//! It leaves what a stage does to core and the models, and what an answer looks like to `inline` and `menu`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pennyworth_core::classify::{Context, classify};
use pennyworth_core::gate::{Gate, Moment, Trigger, gate};
use pennyworth_core::task::{Task, TaskRow};
use pennyworth_core::text::{self, Snapshot};
use pennyworth_ngram::{Query, Suggestion};
use tokio::sync::oneshot;

use crate::current::Scope;
use crate::engine::Engine;
use crate::learn::{key, normal};

/// Bytes before the cursor that the embedded model and the gate are shown.
const BEFORE: usize = 4096;
/// Bytes after the cursor that they are shown.
const AFTER: usize = 1024;
/// Bytes at the head of a file that may say that a program wrote it.
const HEAD: usize = 1024;
/// Characters below which a suggestion saves nothing.
const MIN_CHARS: usize = 2;
/// Lines of a suggestion of several.
const MAX_LINES: usize = 12;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// How the request came about.
    pub trigger: Trigger,
    /// The item that is selected in the editor's menu, which the answer has to extend.
    pub selected: Option<Selected>,
    /// Whether only what is ready at once is wanted.
    pub ready_only: bool,
}

/// An item of the editor's menu.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Byte offset of what it replaces.
    pub start: usize,
    /// Byte offset of the end of what it replaces.
    pub end: usize,
    /// What it puts there.
    pub text: String,
}

/// What is suggested.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The name by which the editor says what became of it.
    pub id: String,
    /// The task at the cursor.
    pub task: Task,
    /// The language at the cursor.
    pub language: &'static str,
    /// Byte offset of what is replaced.
    pub start: usize,
    /// Byte offset of the end of what is replaced.
    pub end: usize,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// What is put there, in the document's own line breaks.
    pub text: String,
    /// The name of the model it comes from.
    pub source: String,
    /// Probability of being right, 0 to 1.
    pub probability: f32,
}

/// Answers a request, or suggests nothing. It ends early, with nothing, when `superseded` does.
pub async fn complete(
    engine: &Arc<Engine>,
    snapshot: Snapshot,
    path: PathBuf,
    cursor: usize,
    ask: Ask,
    superseded: oneshot::Receiver<()>,
) -> Option<Answer> {
    if snapshot.stale {
        return None;
    }
    let worker = Arc::clone(engine);
    let embedded = tokio::task::spawn_blocking(move || embedded(&worker, &snapshot, &path, cursor, &ask));
    tokio::select! {
        biased;
        _ = superseded => None,
        answer = embedded => answer.unwrap_or_else(|_| {
            tracing::error!("a completion panicked");
            None
        }),
    }
}

/// What the embedded model answers, in the time that it takes to look it up.
fn embedded(engine: &Engine, snapshot: &Snapshot, path: &std::path::Path, cursor: usize, ask: &Ask) -> Option<Answer> {
    let current = engine.current();
    let scope = current.scope(path);
    let language = snapshot.language?;
    if !scope.settings.enabled || !scope.settings.embedded.enabled || !scope.settings.is_language_on(language.name()) {
        return None;
    }
    let context = classify(&snapshot.text, language, snapshot.tree.as_ref(), cursor);
    let task = context.task?;
    let row = scope.tasks.row(task);
    let around = Around::new(snapshot, cursor, ask);
    let head = text::slice(&snapshot.text, 0, HEAD);
    let moment = Moment {
        trigger: ask.trigger,
        file: scope.kind(path, &head, snapshot.text.len_bytes()),
        enabled: row.enabled,
        paused: engine.is_paused(),
        has_local_model: true,
        prefix: &around.before,
        suffix: &around.after,
    };
    if let Gate::Silent(why) = gate(&moment) {
        tracing::debug!(%why, %task, "silent");
        return None;
    }
    let suggestion = suggest(engine, scope, &context, &around, &key(path), row)?;
    Some(answer(snapshot, cursor, ask, task, context.language.name(), suggestion))
}

/// The text around the cursor, as it will be once the selected item is taken.
struct Around {
    before: String,
    after: String,
    line: usize,
}

impl Around {
    fn new(snapshot: &Snapshot, cursor: usize, ask: &Ask) -> Around {
        let text = &snapshot.text;
        let (start, end) = ask.selected.as_ref().map_or((cursor, cursor), |selected| (selected.start, selected.end));
        let mut before = text::slice(text, start.saturating_sub(BEFORE), start);
        if let Some(selected) = &ask.selected {
            before.push_str(&selected.text);
        }
        Around {
            before: normal(&before).into_owned(),
            after: normal(&text::slice(text, end, end + AFTER)).into_owned(),
            line: text.byte_to_line(start.min(text.len_bytes())),
        }
    }
}

fn suggest(
    engine: &Engine,
    scope: &Scope,
    context: &Context,
    around: &Around,
    path: &str,
    row: &TaskRow,
) -> Option<Suggestion> {
    use pennyworth_core::task::Stop;
    let query = Query {
        path,
        language: context.language.name(),
        before: &around.before,
        after: &around.after,
        line: around.line,
        min_probability: row.show,
        min_chars: MIN_CHARS,
        max_tokens: row.max_tokens as usize,
        max_lines: if row.stop.contains(&Stop::Newline) { 1 } else { MAX_LINES },
        indent: &context.language.facts().indent,
    };
    debug_assert!(scope.settings.embedded.enabled);
    engine.embedded.ask(|model| model.suggest(&query))
}

fn answer(
    snapshot: &Snapshot,
    cursor: usize,
    ask: &Ask,
    task: Task,
    language: &'static str,
    suggestion: Suggestion,
) -> Answer {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let line_break = text::line_break(&snapshot.text);
    let suggested = suggestion.text.replace('\n', line_break);
    let (start, end, text) = match &ask.selected {
        Some(selected) => (selected.start, selected.end, selected.text.clone() + &suggested),
        None => (cursor, cursor, suggested),
    };
    Answer {
        id: NEXT.fetch_add(1, Ordering::Relaxed).to_string(),
        task,
        language,
        start,
        end,
        cursor,
        text,
        source: "embedded".into(),
        probability: suggestion.probability,
    }
}
