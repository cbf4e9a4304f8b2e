//! The commands a client may run: what became of a suggestion, and pausing. It leaves their names in menus to the editors.

use std::sync::Arc;

use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::ExecuteCommandParams;
use tower_lsp::jsonrpc::{Error, Result};

use crate::engine::Engine;
use crate::ledger::SuggestionId;
use crate::status;

/// A suggestion was taken: its id.
pub const ACCEPTED: &str = "pennyworth.accepted";
/// A part of a suggestion was taken: its id, and the characters taken so far.
pub const ACCEPTED_PART: &str = "pennyworth.acceptedPart";
/// Pauses suggestions while typing, or goes on: whether they are paused now, as `{"paused": true}`.
pub const TOGGLE: &str = "pennyworth.toggle";
/// The state of the server, as in the notification `pennyworth/status`.
pub const STATUS: &str = "pennyworth.status";

/// Every command.
pub const ALL: [&str; 4] = [ACCEPTED, ACCEPTED_PART, TOGGLE, STATUS];

/// Runs one.
pub async fn execute(engine: &Arc<Engine>, params: &ExecuteCommandParams) -> Result<Option<Value>> {
    let argument = |at: usize| params.arguments.as_ref().and_then(|arguments| arguments.get(at));
    let id = || {
        let id = argument(0).and_then(Value::as_str).and_then(|id| id.parse().ok());
        id.map(SuggestionId).ok_or_else(|| Error::invalid_params("wanted: the suggestion's id"))
    };
    match params.command.as_str() {
        ACCEPTED => engine.settled(engine.outcomes.accepted(id()?, None)),
        ACCEPTED_PART => {
            let chars = argument(1).and_then(Value::as_u64).and_then(|chars| u32::try_from(chars).ok());
            let chars = chars.ok_or_else(|| Error::invalid_params("wanted: the number of characters"))?;
            engine.settled(engine.outcomes.accepted(id()?, Some(chars)));
        }
        TOGGLE => return Ok(Some(json!({ "paused": engine.toggle() }))),
        STATUS => return Ok(serde_json::to_value(status::status(engine).await).ok()),
        unknown => return Err(Error::invalid_params(format!("no command `{unknown}`; known: {}", ALL.join(", ")))),
    }
    Ok(None)
}
