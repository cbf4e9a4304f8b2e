//! Inline completion: a request becomes a question for `complete`, and its answer an item. Exactly one answer, whatever happens.
//! It leaves what is suggested to `complete`, and the menu of clients without ghost text to `menu`.

use std::sync::Arc;

use pennyworth_core::gate::Trigger;
use pennyworth_core::text::{Encoding, Snapshot};
use serde_json::json;
use tokio::task::JoinHandle;
use tower_lsp::gen_lsp_types::{
    Command, InlineCompletionItem, InlineCompletionList, InlineCompletionParams, InlineCompletionResponse,
    InlineCompletionTriggerKind, InsertText,
};
use tower_lsp::jsonrpc::{Error, Result};

use crate::command::ACCEPTED;
use crate::complete::{Answer, Ask, Selected, look_ahead};
use crate::convert;
use crate::engine::Engine;
use crate::ledger::SuggestionId;
use crate::session;
use crate::settings;

/// Answers `textDocument/inlineCompletion`. Everything up to the first `await` sees the document as it was when the message came.
pub async fn inline(engine: &Arc<Engine>, params: InlineCompletionParams) -> Result<Option<InlineCompletionResponse>> {
    let place = params.text_document_position_params;
    let uri = place.text_document.uri;
    let (asked, encoding) = {
        let mut session = engine.session();
        let Some(asked) = session.ask(&uri) else { return Ok(None) };
        (asked, session.encoding())
    };
    let session::Ask { snapshot, path, trigger, turn, superseded } = asked;
    let invoked = params.context.trigger_kind == InlineCompletionTriggerKind::Invoked;
    if !invoked && engine.current().scope(&path).settings.trigger == settings::Trigger::Invoked {
        return Ok(None);
    }
    let offset = |at| convert::offset(&snapshot.text, at, encoding);
    let selected = params.context.selected_completion_info;
    let ask = Ask {
        trigger: if invoked { Trigger::Invoked } else { trigger },
        selected: selected.map(|info| Selected {
            start: offset(info.range.start),
            end: offset(info.range.end).max(offset(info.range.start)),
            text: info.text,
        }),
        ready_only: false,
        outlives_edits: false,
    };
    let cursor = offset(place.position);
    let task = {
        let (engine, snapshot, path) = (Arc::clone(engine), snapshot.clone(), path.clone());
        Guarded::spawn(async move { engine.complete(snapshot, path, cursor, ask, superseded).await })
    };
    let answer = task.await;
    engine.tell_troubles();
    // Money may have been spent, or a cap reached.
    engine.status.changed();
    if !engine.session().is_current(&uri, turn) {
        return Err(Error::request_cancelled());
    }
    let Some(answer) = answer else { return Ok(None) };
    let id = engine.shown(&uri, &answer);
    look_ahead(&engine.resources, &snapshot, &path, &answer);
    Ok(Some(item(&snapshot, encoding, answer, id).into()))
}

/// The item of an answer. Its command tells when it was taken.
fn item(snapshot: &Snapshot, encoding: Encoding, answer: Answer, id: SuggestionId) -> InlineCompletionList {
    let range = convert::range(&snapshot.text, answer.start, answer.end, encoding);
    let item = InlineCompletionItem {
        insert_text: InsertText::String(answer.text),
        filter_text: None,
        range: Some(range),
        command: Some(accepted(id)),
    };
    InlineCompletionList { items: vec![item] }
}

/// The command by which a client says that an answer was taken.
pub(crate) fn accepted(id: SuggestionId) -> Command {
    Command {
        title: "Accept".into(),
        tooltip: None,
        command: ACCEPTED.into(),
        arguments: Some(vec![json!(id.0.to_string())]),
    }
}

/// A task that ends when nobody waits for it any more, and whose panic is silence.
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
