//! The commands a client may run: what became of a suggestion, pauses, and what a user wants to know. It leaves their names in menus to the
//! editors, and finding things out to `about`.

use std::collections::HashMap;
use std::sync::Arc;

use pennyworth_core::gate::Trigger;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{ExecuteCommandParams, MessageType, Position, TextEdit, Uri, WorkspaceEdit};
use tower_lsp::jsonrpc::{Error, Result};

use crate::cli::Form;
use crate::complete::Ask;
use crate::engine::Engine;
use crate::ledger::SuggestionId;
use crate::{about, convert, session, status};

/// A suggestion was taken: its id.
pub const ACCEPTED: &str = "pennyworth.accepted";
/// A part of a suggestion was taken: its id, and the characters taken so far.
pub const ACCEPTED_PART: &str = "pennyworth.acceptedPart";
/// Puts a completion into a document, asking models as a key would: its URI, and the position.
pub const COMPLETE: &str = "pennyworth.complete";
/// Pauses suggestions while typing, or goes on: whether they are paused now, as `{"paused": true}`.
pub const TOGGLE: &str = "pennyworth.toggle";
/// Pauses or goes on, `{"paused": true}`, in one language with `"language": "rust"`: what is paused now.
pub const PAUSE: &str = "pennyworth.pause";
/// The state of the server, as in the notification `$/pennyworth/status`.
pub const STATUS: &str = "pennyworth.status";
/// What was spent and what for, as `{"markdown": …}`.
pub const STATS: &str = "pennyworth.stats";
/// What every stage decides at a place, given by URI and position, as `{"text": …}`.
pub const EXPLAIN: &str = "pennyworth.explain";
/// Whether the configuration is right, as `{"text": …, "ok": true}`.
pub const CHECK: &str = "pennyworth.check";
/// The paths of the configuration, the log and the ledger, `null` where there is none.
pub const FILES: &str = "pennyworth.files";
/// Opens one of these texts as a document: `stats`, which it is without an argument, `check`, or `explain` with a URI and a position.
pub const SHOW: &str = "pennyworth.show";

/// Every command.
pub const ALL: [&str; 11] =
    [ACCEPTED, ACCEPTED_PART, COMPLETE, TOGGLE, PAUSE, STATUS, STATS, EXPLAIN, CHECK, FILES, SHOW];

/// What a command is about.
struct Arguments<'a>(&'a [Value]);

impl Arguments<'_> {
    /// One of them; `wanted` says what it should be.
    fn get<T: DeserializeOwned>(&self, at: usize, wanted: &str) -> Result<T> {
        let found = self.0.get(at).and_then(|value| T::deserialize(value).ok());
        found.ok_or_else(|| Error::invalid_params(format!("argument {}: wanted {wanted}", at + 1)))
    }

    fn suggestion(&self) -> Result<SuggestionId> {
        let id: String = self.get(0, "the suggestion's id")?;
        id.parse().map(SuggestionId).map_err(|_| Error::invalid_params("argument 1: wanted the suggestion's id"))
    }

    fn place(&self, from: usize) -> Result<(Uri, Position)> {
        Ok((self.get(from, "a document's URI")?, self.get(from + 1, "a position")?))
    }
}

/// Runs one.
pub async fn execute(engine: &Arc<Engine>, params: &ExecuteCommandParams) -> Result<Option<Value>> {
    let arguments = Arguments(params.arguments.as_deref().unwrap_or_default());
    let answer = match params.command.as_str() {
        ACCEPTED => {
            engine.settled(engine.outcomes.accepted(arguments.suggestion()?, None));
            return Ok(None);
        }
        ACCEPTED_PART => {
            let (id, chars) = (arguments.suggestion()?, arguments.get(1, "the number of characters")?);
            engine.settled(engine.outcomes.accepted(id, Some(chars)));
            return Ok(None);
        }
        COMPLETE => {
            let (uri, position) = arguments.place(0)?;
            put(engine, uri, position).await?;
            return Ok(None);
        }
        TOGGLE => {
            engine.pause(None, !engine.resources.pauses.everything());
            json!({ "paused": engine.resources.pauses.everything() })
        }
        PAUSE => pause(engine, &arguments)?,
        STATUS => serde_json::to_value(status::status(engine).await).unwrap_or_default(),
        STATS => json!({ "markdown": about::stats(engine, Form::Markdown).await.map_err(failed)? }),
        EXPLAIN => {
            let (uri, position) = arguments.place(0)?;
            json!({ "text": about::explanation(engine, &uri, position).await.map_err(failed)? })
        }
        CHECK => {
            let (text, ok) = about::check(engine).await.map_err(failed)?;
            json!({ "text": text, "ok": ok })
        }
        FILES => about::files(engine),
        SHOW => {
            show(engine, &arguments).await?;
            return Ok(None);
        }
        unknown => return Err(Error::invalid_params(format!("no command `{unknown}`; known: {}", ALL.join(", ")))),
    };
    Ok(Some(answer))
}

fn failed(error: anyhow::Error) -> Error {
    Error { message: format!("{error:#}").into(), ..Error::internal_error() }
}

fn pause(engine: &Engine, arguments: &Arguments<'_>) -> Result<Value> {
    let wanted: Value = arguments.get(0, "an object such as {\"paused\": true}")?;
    let paused = wanted.get("paused").and_then(Value::as_bool);
    let paused = paused.ok_or_else(|| Error::invalid_params("argument 1: `paused` is true or false"))?;
    let language = match wanted.get("language").and_then(Value::as_str) {
        None => None,
        Some(name) => {
            let language = pennyworth_grammars::by_id(name).or_else(|| pennyworth_grammars::by_name(name));
            let known = || pennyworth_grammars::all().iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
            Some(language.ok_or_else(|| Error::invalid_params(format!("no language `{name}`; known: {}", known())))?)
        }
    };
    engine.pause(language.map(|language| language.name()), paused);
    let pauses = &engine.resources.pauses;
    Ok(json!({ "paused": pauses.everything(), "paused_languages": pauses.languages() }))
}

async fn show(engine: &Arc<Engine>, arguments: &Arguments<'_>) -> Result<()> {
    let what: String = if arguments.0.is_empty() { "stats".into() } else { arguments.get(0, "the name of a text")? };
    let text = match what.as_str() {
        "stats" => about::stats(engine, Form::Text).await,
        "check" => about::check(engine).await.map(|(text, _)| text),
        "explain" => {
            let (uri, position) = arguments.place(1)?;
            about::explanation(engine, &uri, position).await
        }
        unknown => {
            return Err(Error::invalid_params(format!(
                "argument 1: no text `{unknown}`; known: stats, check, explain"
            )));
        }
    };
    about::show(engine, &format!("{what}.txt"), &text.map_err(failed)?).await.map_err(failed)
}

/// Asks as a key does, and puts the answer into the document. That it was taken is seen from the edit.
async fn put(engine: &Arc<Engine>, uri: Uri, position: Position) -> Result<()> {
    let (asked, encoding) = {
        let mut session = engine.session();
        (session.ask(&uri), session.encoding())
    };
    let wanted = || Error::invalid_params(format!("argument 1: {} is not open", uri.0));
    let session::Ask { snapshot, path, superseded, .. } = asked.ok_or_else(wanted)?;
    let cursor = convert::offset(&snapshot.text, position, encoding);
    let ask = Ask { trigger: Trigger::Invoked, selected: None, ready_only: false, outlives_edits: false };
    let answer = engine.complete(snapshot.clone(), path, cursor, ask, superseded).await;
    engine.tell_troubles();
    let Some(answer) = answer else {
        engine.say(MessageType::Info, "Pennyworth: nothing to suggest here".to_owned());
        return Ok(());
    };
    engine.shown(&uri, &answer);
    let range = convert::range(&snapshot.text, answer.start, answer.end, encoding);
    let edit = TextEdit { range, new_text: answer.text };
    let edit = WorkspaceEdit { changes: Some(HashMap::from([(uri, vec![edit])])), ..WorkspaceEdit::default() };
    // A client that refuses it has the document changed meanwhile; then nothing was taken.
    engine.client.apply_edit(edit).await.map(drop)
}
