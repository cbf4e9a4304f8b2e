//! Inline completion: from the protocol's request to the item that the editor shows as ghost text. Each request gets exactly one reply.
//! It leaves completing to `complete`, and clients without ghost text to `menu`.

use std::path::Path;
use std::sync::Arc;

use pennyworth_core::gate::Trigger;
use pennyworth_core::text::{Counting, Snapshot};
use serde_json::json;
use tokio::task::JoinHandle;
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{
    Command, InlineCompletionItem, InlineCompletionList, InlineCompletionParams, InlineCompletionResponse,
    InlineCompletionTriggerKind, InsertText,
};
use tower_lsp::jsonrpc::{Error, Result};

use super::commands::ACCEPTED;
use super::nothing;
use super::status::{Changes, tell_troubles};
use super::suggestions::Suggestions;
use crate::complete::ahead::ask_ahead;
use crate::complete::stages::complete;
use crate::complete::{Completer, Request, SelectedItem};
use crate::documents::session::AskedBy;
use crate::documents::{Documents, session};
use crate::ledger::SuggestionId;
use crate::settings;
use crate::wire::convert;
use crate::wire::editor::Editor;

/// Answers `textDocument/inlineCompletion`. Everything up to the first `await` sees the document as it was when the message came.
pub async fn inline_completion(
    client: &Client,
    editor: &Editor,
    documents: &Documents,
    completer: &Arc<Completer>,
    suggestions: &Suggestions,
    status: &Changes,
    params: InlineCompletionParams,
) -> Result<Option<InlineCompletionResponse>> {
    let place = params.text_document_position_params;
    let uri = place.text_document.uri;
    let invoked = params.context.trigger_kind == InlineCompletionTriggerKind::Invoked;
    let by_key_only =
        |path: &Path| completer.configuration.get().scope(path).settings.trigger == settings::TriggerMode::Invoked;
    // Asked before the request begins, because a request ends the one before it.
    let path = documents.session().path(&uri);
    if !invoked && path.is_none_or(|path| by_key_only(&path)) {
        return Ok(None);
    }
    let by = if invoked { AskedBy::Key } else { AskedBy::Typing };
    let begun = documents.session().begin_request(&uri, by);
    let nothing = |why: &str| {
        if invoked {
            nothing::tell(client, uri.clone(), why);
        }
        Ok(None)
    };
    let Some(session::BegunRequest { snapshot, path, cells, trigger, number, counting, superseded }) = begun else {
        let why = documents.session().why_not(&uri);
        return nothing(&why);
    };
    let Some(cursor) = convert::cursor(&snapshot.text, place.position, counting) else {
        return nothing("the text has no such line");
    };
    let offset = |at| convert::offset(&snapshot.text, at, counting);
    let trigger = if invoked { Trigger::Invoked } else { trigger };
    let selected = params.context.selected_completion_info.map(|info| SelectedItem {
        start: offset(info.range.start),
        end: offset(info.range.end).max(offset(info.range.start)),
        text: info.text,
    });
    // A user who asks where a suggestion stands asks for another one.
    let seen = if invoked { suggestions.seen_at(&uri, cursor) } else { Vec::new() };
    let not = seen.iter().map(|seen| seen.text.clone()).collect();
    let beside = cells.clone();
    let request = Request::new(snapshot.clone(), path.clone(), cursor, trigger);
    let request = Request { selected, not, cells, number: Some(number), ..request };
    let attempts = Arc::clone(&request.attempts);
    let task = {
        let completer = Arc::clone(completer);
        Guarded::spawn(async move { complete(&completer, request, superseded).await })
    };
    let completion = task.await;
    tell_troubles(client, &completer.providers.troubles);
    // Money may have been spent, or a cap reached.
    status.changed();
    if !documents.session().is_current(&uri, number) {
        return Err(Error::request_cancelled());
    }
    let written = |(start, end), text: &str, id| item(editor, &snapshot, counting, (start, end), text, id);
    let others = |range| seen.iter().map(move |seen| written(range, &seen.text, seen.id));
    let Some(completion) = completion else {
        if invoked && seen.is_empty() {
            return nothing(&attempts.why_nothing());
        }
        // There is no other one, so what stands there stays.
        let items: Vec<InlineCompletionItem> = others((cursor, cursor)).collect();
        return Ok((!items.is_empty()).then(|| InlineCompletionList { items }.into()));
    };
    let id = suggestions.shown(&uri, &completion);
    status.changed();
    ask_ahead(completer, (&snapshot, beside), &path, &completion);
    let range = (completion.start, completion.end);
    let items = std::iter::once(written(range, &completion.text, id)).chain(others(range)).collect();
    Ok(Some(InlineCompletionList { items }.into()))
}

/// The item of a text that replaces a range of bytes. Its command reports that it was accepted.
fn item(
    editor: &Editor,
    snapshot: &Snapshot,
    counting: Counting,
    (start, end): (usize, usize),
    text: &str,
    id: SuggestionId,
) -> InlineCompletionItem {
    let range = convert::range(&snapshot.text, start, end, counting);
    InlineCompletionItem {
        insert_text: InsertText::String(editor.written(text).into_owned()),
        filter_text: None,
        range: Some(range),
        command: Some(accepted(id)),
    }
}

/// The command by which a client reports that a suggestion was accepted.
pub(crate) fn accepted(id: SuggestionId) -> Command {
    Command {
        title: "Accept".into(),
        tooltip: None,
        command: ACCEPTED.into(),
        arguments: Some(vec![json!(id.0.to_string())]),
    }
}

/// A task that is aborted when it is dropped. If it panics, that is logged, and it returns nothing.
struct Guarded<T>(JoinHandle<Option<T>>);

impl<T: Send + 'static> Guarded<T> {
    fn spawn(work: impl Future<Output = Option<T>> + Send + 'static) -> Guarded<T> {
        Guarded(tokio::spawn(work))
    }
}

impl<T> Future for Guarded<T> {
    type Output = Option<T>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Option<T>> {
        std::pin::Pin::new(&mut self.0).poll(context).map(|ended| {
            ended.unwrap_or_else(|_| {
                tracing::error!("a completion panicked");
                None
            })
        })
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
