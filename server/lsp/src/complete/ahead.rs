//! Asks for what follows a suggestion while the user reads it, so that the next suggestion is ready once this one is accepted. Only free models
//! are called. It leaves the stages to `stages`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pennyworth_core::gate::{Trigger, is_finished};
use pennyworth_core::text::{self, Snapshot};
use ropey::Rope;

use super::asking::models;
use super::completer::Completer;
use super::completion::Completion;
use super::cursor::accepted;
use super::failover::Cost;
use super::flights::{Partial, Target};
use super::request::{Request, SelectedItem};
use super::stages::decide_at_once;
use crate::documents::Cells;
use crate::settings::Use;

/// Asks for what follows a suggestion, in the document as it will be once the suggestion is accepted, and caches the answer. An edit that
/// does not lead to that document aborts the call.
pub fn ask_ahead(
    completer: &Arc<Completer>,
    (snapshot, cells): (&Snapshot, Option<Cells>),
    path: &Path,
    completion: &Completion,
) {
    let configuration = completer.configuration.get();
    let scope = configuration.scope(path);
    let is_wanted = scope.settings.speculate
        && scope.allows(Use::Warm, snapshot.language.name())
        && configuration.models.enabled().any(|model| model.is_free());
    if !is_wanted {
        return;
    }
    let Completion { start, end, text, .. } = completion.clone();
    let (text, cursor) = going_on(accepted(&snapshot.text, &SelectedItem { start, end, text }));
    if completer.flights.is_busy(path, &text) {
        return;
    }
    let request = Request::new(snapshot.with_text(text.clone()), path.to_owned(), cursor, Trigger::Typed);
    let request = Request { cells, ..request };
    let target = Target { text, cursor, number: None, is_ahead: true, is_billed_whole: false };
    let worker = Arc::clone(completer);
    let call = move |partial: Arc<Partial>| async move {
        // If the user types on, another suggestion is shown in a moment.
        let debounce = scope.settings.debounce_ms;
        tokio::time::sleep(Duration::from_millis(debounce.into())).await;
        let decided = decide_at_once(&worker, request).await;
        if let Some(decision) = decided.filter(|decision| !decision.is_final() && decision.cached.is_none()) {
            models(&worker, &decision, &partial, Cost::Nothing).await;
        }
    };
    drop(completer.flights.begin(path, target, call));
}

/// The text and cursor where the user continues after accepting: on the next line, indented alike, if a statement has ended.
fn going_on((mut text, cursor): (Rope, usize)) -> (Rope, usize) {
    let line = text.byte_to_line(cursor);
    let (start, end) = (text.line_to_byte(line), text::line_end(&text, line));
    let before = text::slice(&text, start, cursor);
    if !is_finished(&before, &text::slice(&text, cursor, end)) {
        return (text, cursor);
    }
    let indent: String = before.chars().take_while(|c| c.is_whitespace()).collect();
    let next = format!("{}{indent}", text::line_break(&text));
    text.insert(text.byte_to_char(cursor), &next);
    (text, cursor + next.len())
}
