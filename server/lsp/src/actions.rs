//! What can be done at a place, for editors without a surface of ours: a completion from a model, why there is none, what was spent, a pause.
//! It leaves doing it to `command`. Editors with ghost text have their own commands for all of this, and a light bulb at every line would disturb.

use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{CodeAction, CodeActionKind, CodeActionParams, CodeActionResponse, Command};

use crate::command::{COMPLETE, PAUSE, SHOW};
use crate::engine::Engine;

/// Answers `textDocument/codeAction`.
pub fn actions(engine: &Engine, params: &CodeActionParams) -> Vec<CodeActionResponse> {
    let uri = &params.text_document.uri;
    let (at, pauses) = (json!(params.range.end), &engine.resources.pauses);
    let language = engine.session().peek(uri).and_then(|snapshot| snapshot.language);
    let place = [json!(uri), at];
    let with_place = |what: &str| [json!(what)].into_iter().chain(place.clone()).collect();
    let mut all = vec![
        action("complete here", COMPLETE, place.to_vec()),
        action("explain what would be suggested here", SHOW, with_place("explain")),
        action("show what was spent", SHOW, vec![json!("stats")]),
        action("check the configuration", SHOW, vec![json!("check")]),
    ];
    let is_paused = pauses.everything();
    all.push(action(word(is_paused), PAUSE, vec![json!({ "paused": !is_paused })]));
    if let Some(language) = language.map(|language| language.name()).filter(|_| !is_paused) {
        let is_paused = pauses.languages().contains(&language);
        let title = format!("{} in {language}", word(is_paused));
        all.push(action(&title, PAUSE, vec![json!({ "paused": !is_paused, "language": language })]));
    }
    all
}

fn word(is_paused: bool) -> &'static str {
    if is_paused { "go on with suggestions" } else { "pause suggestions" }
}

fn action(title: &str, command: &str, arguments: Vec<Value>) -> CodeActionResponse {
    let title = format!("Pennyworth: {title}");
    let command = Command { title: title.clone(), tooltip: None, command: command.into(), arguments: Some(arguments) };
    let kind = Some(CodeActionKind::Source);
    CodeActionResponse::CodeAction(CodeAction { title, kind, command: Some(command), ..CodeAction::default() })
}
