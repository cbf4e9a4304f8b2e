//! What a user may want to know of the server at work, as text for an editor: what was spent, what would be decided at a place, whether the
//! configuration is right, where the files are. It leaves finding that out to the commands of the command line that say the same.

use std::path::PathBuf;
use std::sync::Arc;

use pennyworth_core::gate::Trigger;
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{Position, ShowDocumentParams, Uri};

use crate::cli::Form;
use crate::complete::Ask;
use crate::engine::Engine;
use crate::look::{Depth, Question, look};
use crate::{cli, convert, logging, paths};

/// What is near beside the caps, and the last days by task.
pub(crate) async fn stats(engine: &Arc<Engine>, form: Form) -> anyhow::Result<String> {
    // The ledger opens a moment after the beginning.
    engine.resources.opened_ledger().await;
    let engine = Arc::clone(engine);
    let read = move || match engine.ledger() {
        Some(ledger) => cli::summary(ledger, engine.current().settings().caps(), form),
        None => Ok(String::new()),
    };
    tokio::task::spawn_blocking(read).await?
}

/// What every stage decides at a place of an open document. It asks no model.
pub async fn explanation(engine: &Arc<Engine>, uri: &Uri, position: Position) -> anyhow::Result<String> {
    let (snapshot, path, encoding) = {
        let session = engine.session();
        let found = session.peek(uri).zip(session.path(uri));
        let (snapshot, path) = found.ok_or_else(|| anyhow::anyhow!("{} is not open", uri.0))?;
        (snapshot, path, session.encoding())
    };
    let current = engine.current();
    let cap_left = engine.resources.cap_left(&current, current.scope(&path)).await;
    let engine = Arc::clone(engine);
    let explain = move || {
        let ask = Ask { trigger: Trigger::Typed, selected: None, ready_only: false, outlives_edits: false };
        let cursor = convert::offset(&snapshot.text, position, encoding);
        let question = Question { snapshot: &snapshot, path: &path, cursor, ask: &ask, cap_left };
        let learned = engine.resources.embedded.ask(|model| model.stats().files);
        match look(&engine.resources, &current, &question, Depth::Everything) {
            Some(look) => cli::explained(&look, learned, cap_left),
            None => Ok("suggestions are off here: `enabled` or the language is switched off\n".to_owned()),
        }
    };
    tokio::task::spawn_blocking(explain).await?
}

/// Whether the configuration is right, and what is wrong with it.
pub async fn check(engine: &Arc<Engine>) -> anyhow::Result<(String, bool)> {
    let config = engine.options.config.clone();
    let workspace = engine.current().folders().first().map_or_else(|| PathBuf::from("."), |scope| scope.root.clone());
    tokio::task::spawn_blocking(move || cli::checked(config.as_deref(), workspace)).await?
}

/// Where the files are that a user may want to open. The configuration may not be there yet.
pub fn files(engine: &Engine) -> Value {
    let config = engine.options.config.clone().or_else(paths::config_path);
    let log = engine.current().settings().log.file.then(|| logging::newest(paths::state_dir().as_deref())).flatten();
    json!({ "config": config, "log": log, "ledger": engine.options.ledger })
}

/// Opens a text in the editor, for those that have no place of their own for one. It lies in a folder that only this user can read, which is
/// gone when the server ends.
pub async fn show(engine: &Engine, name: &str, text: &str) -> anyhow::Result<()> {
    let path = engine.scratch()?.join(name);
    std::fs::write(&path, text)?;
    let uri = convert::uri(&path).ok_or_else(|| anyhow::anyhow!("{} has no URI", path.display()))?;
    engine
        .client
        .show_document(ShowDocumentParams { uri, external: None, take_focus: Some(true), selection: None })
        .await?;
    Ok(())
}
