//! Code actions: tasks on demand where they make sense, and for editors without ghost text also complete, explain, show costs, check, pause. Editors
//! with ghost text have commands of their own for these, and a light bulb at every line would disturb.
//! It leaves executing the actions to `commands` and `demand`.

use pennyworth_core::task::Task;
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{
    CodeAction, CodeActionContext, CodeActionKind, CodeActionOptions, CodeActionParams, CodeActionResponse,
    CodeActionTriggerKind, Command,
};

use super::commands::{COMPLETE, PAUSE, SHOW};
use super::demand::{COMMANDS, MARK};
use crate::complete::Pauses;
use crate::documents::Documents;
use crate::wire::editor::Editor;

/// The kind of what belongs to the file and mends nothing, of what mends, and of what changes code.
const KIND: &str = "source.pennyworth";
const FIX: &str = "quickfix";
const REWRITE: &str = "refactor.rewrite";

/// The tasks on demand, with their titles and kinds. A fix is offered for diagnostics alone.
const TASKS: [(Task, &str, &str); 5] = [
    (Task::Fix, "fix this", FIX),
    (Task::Edit, "edit as the comment above says (pw: …)", REWRITE),
    (Task::Document, "document this", REWRITE),
    (Task::Tests, "write tests", REWRITE),
    (Task::Explain, "explain this", KIND),
];

/// What is announced to the client.
pub fn options() -> CodeActionOptions {
    let kinds = [KIND, FIX, REWRITE].map(kind).to_vec();
    CodeActionOptions { code_action_kinds: Some(kinds), ..CodeActionOptions::default() }
}

/// Answers `textDocument/codeAction`. `asks` says whether any model takes instructions.
pub fn actions(
    editor: &Editor,
    documents: &Documents,
    (pauses, asks): (&Pauses, bool),
    params: &CodeActionParams,
) -> Vec<CodeActionResponse> {
    let mut all = if asks { on_demand(documents, params) } else { Vec::new() };
    if !editor.inline && is_wanted(&params.context, KIND) {
        all.extend(of_the_server(documents, pauses, params));
    }
    all
}

/// The tasks on demand that make sense at a place.
fn on_demand(documents: &Documents, params: &CodeActionParams) -> Vec<CodeActionResponse> {
    let (uri, context) = (&params.text_document.uri, &params.context);
    let is_automatic = context.trigger_kind == Some(CodeActionTriggerKind::Automatic);
    let has_instruction = || {
        let snapshot = documents.session().peek(uri);
        let line = params.range.start.line as usize;
        let lines = [line.checked_sub(1), Some(line)].into_iter().flatten();
        snapshot.is_some_and(|snapshot| {
            lines.filter_map(|line| snapshot.text.get_line(line)).any(|line| line.to_string().contains(MARK))
        })
    };
    let ours = |source: &Option<String>| source.as_deref() == Some("pennyworth");
    let reported: Vec<Value> = context
        .diagnostics
        .iter()
        .filter(|found| !ours(&found.source))
        .filter_map(|found| {
            let found = serde_json::to_value(found).ok()?;
            Some(json!({"range": found.get("range")?, "message": found.get("message")?}))
        })
        .collect();
    let makes_sense = |task: Task| match task {
        Task::Fix => !reported.is_empty(),
        Task::Edit => !is_automatic && has_instruction(),
        _ => !is_automatic,
    };
    let wanted = TASKS.into_iter().filter(|(task, _, kind)| makes_sense(*task) && is_of(context, kind));
    let actions = wanted.filter_map(|(task, title, kind)| {
        let (command, _) = COMMANDS.iter().find(|(_, of)| *of == task)?;
        let asked = json!({"uri": uri, "range": params.range, "diagnostics": if task == Task::Fix { json!(reported) } else { json!([]) }});
        Some(action_of(title, command, vec![asked], kind))
    });
    actions.collect()
}

/// What the server itself offers, where an editor has no commands for it.
fn of_the_server(documents: &Documents, pauses: &Pauses, params: &CodeActionParams) -> Vec<CodeActionResponse> {
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

/// Whether the user asked for actions, and for ones of this kind. A client that asks by itself as the cursor moves only wants to know if there is
/// anything to mend.
fn is_wanted(context: &CodeActionContext, kind: &str) -> bool {
    context.trigger_kind != Some(CodeActionTriggerKind::Automatic) && is_of(context, kind)
}

/// Whether actions of a kind were asked for.
fn is_of(context: &CodeActionContext, kind: &str) -> bool {
    let holds = |wanted: &str| {
        wanted.is_empty() || kind.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let only = context.only.iter().flatten().map(|kind| serde_json::to_value(kind).unwrap_or_default());
    let mut only = only.peekable();
    only.peek().is_none() || only.any(|kind| kind.as_str().is_some_and(holds))
}

fn kind(name: &str) -> CodeActionKind {
    serde_json::from_value(json!(name)).unwrap_or(CodeActionKind::Source)
}

fn word(is_paused: bool) -> &'static str {
    if is_paused { "resume suggestions" } else { "pause suggestions" }
}

fn action(title: &str, command: &str, arguments: Vec<Value>) -> CodeActionResponse {
    action_of(title, command, arguments, KIND)
}

fn action_of(title: &str, command: &str, arguments: Vec<Value>, kind: &str) -> CodeActionResponse {
    let title = format!("Pennyworth: {title}");
    let command = Command { title: title.clone(), tooltip: None, command: command.into(), arguments: Some(arguments) };
    let kind = Some(self::kind(kind));
    CodeActionResponse::CodeAction(CodeAction { title, kind, command: Some(command), ..CodeAction::default() })
}
