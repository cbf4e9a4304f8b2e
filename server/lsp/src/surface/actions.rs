//! Code actions for editors without ghost text: complete, explain, show costs, check, pause. Editors with ghost text have commands of their own
//! for all of this, and a light bulb at every line would disturb.
//! It leaves executing the actions to `commands`.

use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{
    CodeAction, CodeActionContext, CodeActionKind, CodeActionOptions, CodeActionParams, CodeActionResponse,
    CodeActionTriggerKind, Command,
};

use super::commands::{COMPLETE, PAUSE, SHOW};
use crate::complete::Pauses;
use crate::documents::Documents;

/// The kind of all actions: they belong to the file, and mend nothing.
const KIND: &str = "source.pennyworth";

/// What is announced to the client.
pub fn options() -> CodeActionOptions {
    CodeActionOptions { code_action_kinds: Some(vec![kind()]), ..CodeActionOptions::default() }
}

/// Answers `textDocument/codeAction`.
pub fn actions(documents: &Documents, pauses: &Pauses, params: &CodeActionParams) -> Vec<CodeActionResponse> {
    if !is_wanted(&params.context) {
        return Vec::new();
    }
    let uri = &params.text_document.uri;
    let at = json!(params.range.end);
    let language = documents.session().peek(uri).map(|snapshot| snapshot.language);
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

/// Whether the user asked for actions, and for ours. A client that asks by itself as the cursor moves only wants to know if there is anything
/// to mend.
fn is_wanted(context: &CodeActionContext) -> bool {
    let is_of = |wanted: &str| {
        wanted.is_empty() || KIND.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let only = context.only.iter().flatten().map(|kind| serde_json::to_value(kind).unwrap_or_default());
    let mut only = only.peekable();
    let is_automatic = context.trigger_kind == Some(CodeActionTriggerKind::Automatic);
    !is_automatic && (only.peek().is_none() || only.any(|kind| kind.as_str().is_some_and(is_of)))
}

fn kind() -> CodeActionKind {
    serde_json::from_value(json!(KIND)).unwrap_or(CodeActionKind::Source)
}

fn word(is_paused: bool) -> &'static str {
    if is_paused { "resume suggestions" } else { "pause suggestions" }
}

fn action(title: &str, command: &str, arguments: Vec<Value>) -> CodeActionResponse {
    let title = format!("Pennyworth: {title}");
    let command = Command { title: title.clone(), tooltip: None, command: command.into(), arguments: Some(arguments) };
    let kind = Some(kind());
    CodeActionResponse::CodeAction(CodeAction { title, kind, command: Some(command), ..CodeAction::default() })
}
