//! Code actions: what to do about the findings of a review, tasks on demand where they make sense, and for editors without ghost text also complete, explain, show costs, check, pause. Editors
//! with ghost text have commands of their own for these, and a light bulb at every line would disturb.
//! It leaves executing the actions to `commands` and `demand`.

use std::cell::LazyCell;

use pennyworth_core::demand::{Finding, MARK, Source, instruction};
use pennyworth_core::present;
use pennyworth_core::task::Task;
use pennyworth_core::text::{self, Counting};
use ropey::Rope;
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{
    CodeAction, CodeActionContext, CodeActionDisabled, CodeActionKind, CodeActionOptions, CodeActionParams,
    CodeActionResponse, CodeActionTag, CodeActionTriggerKind, Command, TextEdit,
};

use super::commands::{COMPLETE, DISMISS_FINDING, PAUSE, SHOW};
use super::demand::{COMMANDS, MESSAGE};
use super::desk::Desk;
use super::findings::mark;
use super::price::{self, Cheaper, Expected, Offer};
use super::results::edit_of;
use crate::complete::Pauses;
use crate::demand::mending;
use crate::documents::Documents;
use crate::wire::convert;
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

/// The tasks of the whole workspace.
const REVIEW_TASK: (Task, &str, &str) = (Task::Review, "review the changes", KIND);
const MESSAGE_TASK: (Task, &str, &str) = (Task::Commit, "write this commit message", KIND);

/// Most lines above a place at which the comment just above it may begin.
const LINES: usize = 20;

/// What is announced to the client.
pub fn options() -> CodeActionOptions {
    let kinds = [KIND, FIX, REWRITE].map(kind).to_vec();
    CodeActionOptions { code_action_kinds: Some(kinds), ..CodeActionOptions::default() }
}

/// Answers `textDocument/codeAction`.
pub async fn actions(editor: &Editor, desk: &Desk, params: &CodeActionParams) -> Vec<CodeActionResponse> {
    let mut all = of_findings(editor, desk, params);
    if desk.completer.configuration.get().models.any_chat() {
        all.extend(on_demand(editor, desk, params).await);
    }
    if !editor.inline && is_wanted(&params.context, KIND) {
        all.extend(of_the_server(&desk.documents, &desk.completer.pauses, params));
    }
    all
}

/// What can be done about the findings of a review at a place.
fn of_findings(editor: &Editor, desk: &Desk, params: &CodeActionParams) -> Vec<CodeActionResponse> {
    if !is_of(&params.context, FIX) {
        return Vec::new();
    }
    let (uri, range) = (&params.text_document.uri, &params.range);
    let document = desk.documents.session().peek(uri);
    let mut all = Vec::new();
    for finding in desk.demands.findings.at(uri, &convert::lines(range)) {
        let (title, mark) = (&finding.title, mark(&finding));
        let of = |action: CodeAction| CodeAction { diagnostics: Some(vec![mark.clone()]), ..action };
        let edit = document.as_ref().and_then(|document| {
            let edit = suggested(&finding, &document.text, editor.counting())?;
            Some(edit_of((uri.clone(), document.version), vec![edit], editor.versioned_edits))
        });
        if edit.is_some() {
            let plain = named(&format!("apply: {title}"), FIX);
            all.push(of(CodeAction { edit, is_preferred: Some(true), ..plain }));
        }
        let dismissed = vec![json!(uri), json!(mark.range.start), json!(finding.title)];
        all.push(of(calls(&format!("dismiss: {title}"), DISMISS_FINDING, dismissed, FIX)));
        if let Some((command, _)) = COMMANDS.iter().find(|(_, task)| *task == Task::Explain) {
            let said = json!({"range": mark.range, "message": format!("{title}\n{}", finding.why)});
            let asked = json!({"uri": uri, "range": mark.range, "diagnostics": [said]});
            all.push(of(asks(editor, calls(&format!("explain more: {title}"), command, vec![asked], FIX))));
        }
    }
    all.into_iter().map(CodeActionResponse::CodeAction).collect()
}

/// The edit that a finding suggests, as a client takes it.
fn suggested(finding: &Finding, text: &Rope, counting: Counting) -> Option<TextEdit> {
    let edit = mending(finding.fix.as_ref()?, &finding.file, text)?;
    let range = convert::range(text, edit.range.start, edit.range.end, counting);
    Some(TextEdit { range, new_text: present::with_line_breaks(&edit.text, text::line_break(text)) })
}

/// The tasks on demand that make sense at a place.
async fn on_demand(editor: &Editor, desk: &Desk, params: &CodeActionParams) -> Vec<CodeActionResponse> {
    let (uri, context) = (&params.text_document.uri, &params.context);
    let (snapshot, path) = {
        let session = desk.documents.session();
        (session.peek(uri), session.path(uri))
    };
    let is_automatic = context.trigger_kind == Some(CodeActionTriggerKind::Automatic);
    let has_instruction = || {
        let line = params.range.start.line as usize;
        snapshot.as_ref().is_some_and(|snapshot| {
            let mut near = (line.saturating_sub(LINES)..=line).filter_map(|line| snapshot.text.get_line(line));
            let may = near.any(|line| line.to_string().contains(MARK));
            may && instruction(&Source::new("", snapshot.language, snapshot.text.to_string()), line..line + 1).is_some()
        })
    };
    let scope = match path {
        Some(path) => Some(desk.completer.scope(&path).await),
        None => None,
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
    // Two tasks ask, and some clients ask for actions whenever the cursor rests.
    let has_item = LazyCell::new(|| {
        let line = params.range.start.line as usize;
        snapshot.as_ref().is_some_and(|snapshot| {
            let is_blank = snapshot.text.get_line(line).is_none_or(|line| line.to_string().trim().is_empty());
            let source = || Source::new("", snapshot.language, snapshot.text.to_string());
            !is_blank && source().has_item(line)
        })
    });
    let makes_sense = |task: Task| match task {
        Task::Document | Task::Tests => !is_automatic && *has_item,
        Task::Fix => !reported.is_empty(),
        Task::Edit => !is_automatic && has_instruction(),
        _ => !is_automatic,
    };
    let wanted = TASKS.into_iter().filter(|(task, _, kind)| makes_sense(*task) && is_of(context, kind));
    // Of the whole workspace, where an editor has no commands for it.
    let is_message = snapshot.as_ref().is_some_and(|snapshot| snapshot.language.name() == MESSAGE);
    let of_all = if is_message { MESSAGE_TASK } else { REVIEW_TASK };
    let of_all = Some(of_all).filter(|_| !editor.inline && is_wanted(context, KIND));
    let place = scope.as_deref().zip(snapshot.as_ref());
    let actions = wanted.chain(of_all).flat_map(|(task, title, kind)| {
        let asked = match task {
            Task::Review | Task::Commit => json!({ "uri": uri }),
            Task::Fix => json!({"uri": uri, "range": params.range, "diagnostics": reported}),
            _ => json!({"uri": uri, "range": params.range, "diagnostics": []}),
        };
        let offer = place.map_or(Offer::Plain, |(scope, snapshot)| {
            price::offer(&desk.completer, scope, task, snapshot.language.name())
        });
        offered(editor, offer, (task, title, kind), asked, is_automatic)
    });
    actions.map(CodeActionResponse::CodeAction).collect()
}

/// The actions for a task: now, and by tomorrow where that costs less.
fn offered(
    editor: &Editor,
    offer: Offer,
    (task, title, kind): (Task, &str, &str),
    asked: Value,
    is_automatic: bool,
) -> Vec<CodeAction> {
    let Some((command, _)) = COMMANDS.iter().find(|(_, of)| *of == task) else { return Vec::new() };
    let of = |title: &str, asked: Value| asks(editor, calls(title, command, vec![asked], kind));
    let Expected { now, later } = match offer {
        Offer::Plain => return vec![of(title, asked)],
        Offer::Costs(expected) => expected,
        // A client that shows why an action is disabled says it there.
        Offer::None(reason) if editor.disables => {
            return vec![CodeAction { disabled: Some(CodeActionDisabled { reason }), ..of(title, asked) }];
        }
        Offer::None(reason) => return vec![of(&format!("{title} (cannot run: {reason})"), asked)],
    };
    let Some(Cheaper { cost, how, share }) = later else { return vec![of(&format!("{title} (≈ {now})"), asked)] };
    let mut both = vec![of(&format!("{title} (≈ {now}; ≈ {cost} {how})"), asked.clone())];
    if !is_automatic {
        let queued = and(asked, "later", json!(true));
        both.push(of(&format!("{title} {how}, for {share} (≈ {cost})"), queued));
    }
    both
}

/// An object with another field.
fn and(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
    object
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
    CodeActionResponse::CodeAction(calls(title, command, arguments, KIND))
}

/// An action that calls a command.
fn calls(title: &str, command: &str, arguments: Vec<Value>, kind: &str) -> CodeAction {
    let action = named(title, kind);
    let title = action.title.clone();
    let command = Some(Command { title, tooltip: None, command: command.into(), arguments: Some(arguments) });
    CodeAction { command, ..action }
}

/// An action that does nothing yet.
fn named(title: &str, kind: &str) -> CodeAction {
    CodeAction { title: format!("Pennyworth: {title}"), kind: Some(self::kind(kind)), ..CodeAction::default() }
}

/// An action that asks a model, which some clients show.
fn asks(editor: &Editor, action: CodeAction) -> CodeAction {
    CodeAction { tags: editor.tags.then(|| vec![CodeActionTag::LLMGenerated]), ..action }
}
