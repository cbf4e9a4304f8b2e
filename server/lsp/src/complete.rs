//! From a request to an answer: the one place where the order of stages stands.
//! It leaves what a stage does to core and the models, and what an answer looks like to `inline` and `menu`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pennyworth_core::classify::{Context, classify};
use pennyworth_core::gate::{Gate, Moment, Trigger, gate};
use pennyworth_core::present;
use pennyworth_core::task::Stop;
use pennyworth_core::text::{self, Snapshot};
use pennyworth_ngram::{Query, Suggestion};
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::learn::{key, normal};
use crate::ledger::{Source, Suggested};

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

/// The name of the embedded model in the ledger.
const EMBEDDED: &str = "embedded";

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
#[derive(Clone, Debug)]
pub struct Answer {
    /// Byte offset of what is replaced.
    pub start: usize,
    /// Byte offset of the end of what is replaced.
    pub end: usize,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// What is put there, in the document's own line breaks.
    pub text: String,
    /// What the ledger says of it once it is shown: its task, where it comes from, how probably it is right.
    pub suggested: Suggested,
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
fn embedded(engine: &Engine, snapshot: &Snapshot, path: &Path, cursor: usize, ask: &Ask) -> Option<Answer> {
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
    let indent = present::document_indent(&snapshot.text, around.line, Some(context.language));
    let query = Query {
        path: &key(path),
        language: context.language.name(),
        before: &around.before,
        after: &around.after,
        line: around.line,
        min_probability: row.show,
        min_chars: MIN_CHARS,
        max_tokens: row.max_tokens as usize,
        max_lines: if row.stop.contains(&Stop::Newline) { 1 } else { MAX_LINES },
        indent: &indent,
    };
    let suggestion = engine.embedded.ask(|model| model.suggest(&query))?;
    answer(snapshot, cursor, ask, &context, suggestion)
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

/// The suggestion as an edit, in place of the selected item if there is one.
fn answer(snapshot: &Snapshot, cursor: usize, ask: &Ask, context: &Context, suggestion: Suggestion) -> Option<Answer> {
    let suggested = Suggested {
        source: Source::Embedded,
        model: EMBEDDED.into(),
        call: None,
        task: context.task?,
        language: context.language.name().into(),
        chars: suggestion.text.chars().count() as u32,
        tokens: suggestion.tokens.len() as u32,
        truncated: false,
        probability: Some(suggestion.probability),
    };
    let text = present::with_line_breaks(&suggestion.text, text::line_break(&snapshot.text));
    let (start, end, text) = match &ask.selected {
        Some(selected) => (selected.start, selected.end, selected.text.clone() + &text),
        None => (cursor, cursor, text),
    };
    Some(Answer { start, end, cursor, text, suggested })
}
