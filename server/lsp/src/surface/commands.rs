//! The commands that a client may run: completions, outcomes of suggestions, pauses, and reports. It leaves their names in menus to the
//! editors, and the content of reports to `reports`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use pennyworth_core::gate::Trigger;
use pennyworth_core::task::Task;
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{
    Edit, ExecuteCommandParams, MessageType, OptionalVersionedTextDocumentIdentifier, Position, TextDocumentEdit,
    TextDocumentIdentifier, TextEdit, Uri, WorkspaceEdit,
};
use tower_lsp::jsonrpc::{Error, Result};

use super::demand::{self, Asked};
use super::desk::Desk;
use super::findings::DismissedFindings;
use super::nothing;
use super::queue::{JOBS, Wanted};
use super::status::{self, Changes, tell_troubles};
use super::suggestions::Suggestions;
use super::texts::Texts;
use crate::complete::stages::complete;
use crate::complete::{Completer, Pauses, Request, dismiss};
use crate::documents::session::{AskedBy, STALE};
use crate::documents::{Documents, session};
use crate::ledger::SuggestionId;
use crate::reports::{check, dashboard, explain, stats};
use crate::sync::Background;
use crate::wire::editor::Editor;
use crate::wire::{convert, messages};

/// A suggestion was accepted. Takes its id.
pub const ACCEPTED: &str = "pennyworth.accepted";
/// A part of a suggestion was accepted. Takes its id, and the number of characters accepted so far.
pub const ACCEPTED_PART: &str = "pennyworth.acceptedPart";
/// The suggestion at the cursor was dismissed, as with Escape. Takes the document's URI and the cursor's position.
pub const DISMISSED: &str = "pennyworth.dismissed";
/// Inserts a completion into a document, calling models as a key would. Takes its URI and a position.
pub const COMPLETE: &str = "pennyworth.complete";
/// Pauses or resumes suggestions while typing. Returns the new state as `{"paused": true}`.
pub const TOGGLE: &str = "pennyworth.toggle";
/// Pauses or resumes. Takes `{"paused": true}`, for one language with `"language": "rust"`. Returns what is paused now.
pub const PAUSE: &str = "pennyworth.pause";
/// Returns the status, as in the notification `$/pennyworth/status`.
pub const STATUS: &str = "pennyworth.status";
/// Returns costs and gains as `{"markdown": …}`.
pub const STATS: &str = "pennyworth.stats";
/// Returns the page of `pennyworth dashboard`, as `{"html": …}`.
pub const DASHBOARD: &str = "pennyworth.dashboard";
/// Returns what every stage decides at a URI and position, as `{"text": …}`.
pub const EXPLAIN: &str = "pennyworth.explain";
/// Checks the configuration. Returns `{"text": …, "ok": true}`.
pub const CHECK: &str = "pennyworth.check";
/// Returns the paths of the configuration, the log and the ledger, each `null` if there is none.
pub const FILES: &str = "pennyworth.files";
/// Opens a report as a document: `stats`, which is the default, `check`, or `explain` with a URI and a position.
pub const SHOW: &str = "pennyworth.show";

/// Cancels the tasks on demand that run, for clients that show no button. Returns how many as `{"cancelled": 1}`.
pub const CANCEL: &str = "pennyworth.cancel";

/// Said where there is no completion.
const NOTHING: &str = "nothing here";

/// Dismisses the findings of a review at a line. Takes the document's URI and a position; with a title, only that finding.
pub const DISMISS_FINDING: &str = "pennyworth.dismissFinding";

/// The commands that are not of tasks on demand.
const OWN: [&str; 16] = [
    ACCEPTED,
    ACCEPTED_PART,
    DISMISSED,
    COMPLETE,
    TOGGLE,
    PAUSE,
    STATUS,
    STATS,
    DASHBOARD,
    EXPLAIN,
    CHECK,
    FILES,
    SHOW,
    DISMISS_FINDING,
    JOBS,
    CANCEL,
];

/// Every command.
pub fn all() -> impl Iterator<Item = &'static str> {
    OWN.into_iter().chain(demand::COMMANDS.map(|(command, _)| command))
}

/// The arguments of a command.
struct Arguments<'a>(&'a [Value]);

impl Arguments<'_> {
    /// One argument; if it is wrong, the error says that it must be `wanted`.
    fn get<T: DeserializeOwned>(&self, at: usize, wanted: &str) -> Result<T> {
        let found = self.0.get(at).and_then(|value| T::deserialize(value).ok());
        found.ok_or_else(|| Error::invalid_params(format!("argument {}: must be {wanted}", at + 1)))
    }

    fn suggestion(&self) -> Result<SuggestionId> {
        let id: String = self.get(0, "the suggestion's id")?;
        id.parse().map(SuggestionId).map_err(|_| Error::invalid_params("argument 1: must be the suggestion's id"))
    }

    fn place(&self, from: usize) -> Result<(Uri, Position)> {
        Ok((self.get(from, "a document's URI")?, self.get(from + 1, "a position")?))
    }
}

/// The parts of the server that commands use.
pub struct Commands<'a> {
    /// The client.
    pub client: &'a Client,
    /// What it can do; `None` before it introduced itself.
    pub editor: Option<&'a Editor>,
    /// The open documents.
    pub documents: &'a Documents,
    /// The state that completions share.
    pub completer: &'a Arc<Completer>,
    /// The suggestions on the screen.
    pub suggestions: &'a Suggestions,
    /// The status, which some commands change.
    pub status: &'a Arc<Changes>,
    /// Reports as documents.
    pub texts: &'a Texts,
    /// Where tasks on demand are run.
    pub desk: &'a Desk,
    /// What runs beside the client.
    pub background: &'a Background,
}

impl Commands<'_> {
    /// Answers `workspace/executeCommand`.
    pub async fn execute(&self, params: &ExecuteCommandParams) -> Result<Option<Value>> {
        let arguments = Arguments(params.arguments.as_deref().unwrap_or_default());
        let Commands { client, documents, completer, suggestions, status, .. } = *self;
        let pauses = &completer.pauses;
        let answer = match params.command.as_str() {
            ACCEPTED => {
                suggestions.accepted(arguments.suggestion()?, None);
                return Ok(None);
            }
            ACCEPTED_PART => {
                let (id, chars) = (arguments.suggestion()?, arguments.get(1, "the number of characters")?);
                suggestions.accepted(id, Some(chars));
                return Ok(None);
            }
            DISMISSED => {
                self.dismissed(&arguments.place(0)?);
                return Ok(None);
            }
            COMPLETE if self.editor.is_some_and(|editor| !editor.applies_edits) => {
                let why = "this editor takes no edits from a server, so nothing can be inserted by a command";
                messages::show(client, MessageType::Info, format!("Pennyworth: {why}"));
                return Ok(None);
            }
            COMPLETE => {
                let place = arguments.place(0)?;
                let found = self.completion_edit(place).await?;
                tell_troubles(client, &completer.providers.troubles);
                status.changed();
                match found {
                    // A client refuses the edit if the document has changed meanwhile; then nothing was accepted.
                    Inserted::Edit(edit) => drop(client.apply_edit(edit).await?),
                    Inserted::Nothing(why) => {
                        messages::show(client, MessageType::Info, format!("Pennyworth: {why}"));
                    }
                    Inserted::TooLate => {}
                }
                return Ok(None);
            }
            TOGGLE => {
                pauses.set(None, !pauses.everything());
                status.changed();
                json!({ "paused": pauses.everything() })
            }
            PAUSE => {
                let paused = pause(pauses, &arguments)?;
                status.changed();
                paused
            }
            STATUS => serde_json::to_value(status::status(completer, suggestions).await).unwrap_or_default(),
            STATS => json!({ "markdown": self.stats(stats::Form::Markdown).await.map_err(failed)? }),
            DASHBOARD => json!({ "html": self.dashboard().await.map_err(failed)? }),
            EXPLAIN => json!({ "text": explanation(documents, completer, arguments.place(0)?).await.map_err(failed)? }),
            CHECK => {
                let (text, ok) = self.check().await.map_err(failed)?;
                json!({ "text": text, "ok": ok })
            }
            FILES => self.texts.files(&completer.configuration.get()),
            SHOW => {
                self.show(&arguments).await?;
                return Ok(None);
            }
            DISMISS_FINDING => {
                let (uri, position) = arguments.place(0)?;
                let kept = completer.ledger.get().and_then(DismissedFindings::beside);
                let title = arguments.0.get(2).and_then(Value::as_str);
                self.desk.demands.findings.dismiss(client, (&uri, position.line, title), kept).await;
                return Ok(None);
            }
            CANCEL => {
                let cancelled = self.desk.demands.cancel_all();
                if cancelled == 0 {
                    messages::show(client, MessageType::Info, "Pennyworth: no task is running".to_owned());
                }
                json!({ "cancelled": cancelled })
            }
            JOBS if self.editor.is_none() => return Ok(None),
            JOBS => {
                let wanted = match arguments.0.first() {
                    Some(wanted) => Wanted::deserialize(wanted)
                        .map_err(|error| Error::invalid_params(format!("argument 1: {error}")))?,
                    None => Wanted::all(),
                };
                return self.desk.jobs(wanted).await.map(Some).map_err(failed);
            }
            other => match demand::COMMANDS.iter().find(|(command, _)| *command == other) {
                Some((_, task)) => return self.demand(*task, &arguments).await,
                None => {
                    let known = all().collect::<Vec<_>>().join(", ");
                    return Err(Error::invalid_params(format!("no command `{other}`; known: {known}")));
                }
            },
        };
        Ok(Some(answer))
    }

    /// Begins a task on demand. It is answered at once, unless the client asks for the result itself.
    async fn demand(&self, task: Task, arguments: &Arguments<'_>) -> Result<Option<Value>> {
        let folder = || self.completer.configuration.get().folders().first().and_then(|root| convert::uri(&root.path));
        let is_of_change = matches!(task, Task::Review | Task::Commit);
        let asked: Asked = match folder().filter(|_| is_of_change && arguments.0.is_empty()) {
            Some(folder) => Asked::of_folder(folder),
            None => arguments.get(0, "an object with the `uri` of a document and a `range`")?,
        };
        if self.editor.is_none() {
            return Ok(None);
        }
        if asked.returns {
            return self.desk.run(task, asked).await.map_err(failed);
        }
        let (desk, status) = (self.desk.clone(), Arc::clone(self.status));
        self.background.spawn(async move {
            if let Err(error) = desk.run(task, asked).await {
                messages::show(&desk.client, MessageType::Info, format!("Pennyworth: {error:#}"));
            }
            // Money may have been spent.
            status.changed();
        });
        Ok(None)
    }

    /// What is shown at a place does not come back there for a while.
    fn dismissed(&self, (uri, position): &(Uri, Position)) {
        let session = self.documents.session();
        let found = session.peek(uri).zip(session.path(uri)).zip(session.counting(uri));
        let Some(((snapshot, path), counting)) = found else { return };
        let cells = session.cells(&path);
        drop(session);
        let cursor = convert::cursor(&snapshot.text, *position, counting);
        if let Some(dismissed) = cursor.and_then(|cursor| self.suggestions.dismissed(uri, cursor)) {
            dismiss(self.completer, &path, (&snapshot.text, cells.as_ref()), dismissed);
        }
    }

    /// Completes at a place as a key does, and returns the edit that inserts the completion. The client's next edit shows that it was accepted.
    async fn completion_edit(&self, (uri, position): (Uri, Position)) -> Result<Inserted> {
        let Commands { documents, completer, suggestions, .. } = *self;
        let begun = documents.session().begin_request(&uri, AskedBy::Key);
        let not_open = || Error::invalid_params(format!("argument 1: {}", documents.session().why_not(&uri)));
        let session::BegunRequest { snapshot, path, cells, number, counting, superseded, .. } =
            begun.ok_or_else(not_open)?;
        if snapshot.stale {
            return Ok(Inserted::Nothing(STALE.to_owned()));
        }
        let Some(cursor) = convert::cursor(&snapshot.text, position, counting) else {
            return Ok(Inserted::Nothing(NOTHING.to_owned()));
        };
        let request = Request { cells, ..Request::new(snapshot.clone(), path, cursor, Trigger::Invoked) };
        let attempts = Arc::clone(&request.attempts);
        let completion = complete(completer, request, superseded).await;
        if !documents.session().is_current(&uri, number) {
            return Ok(Inserted::TooLate);
        }
        let Some(completion) = completion else {
            return Ok(Inserted::Nothing(nothing::line(&format!("{NOTHING}: {}", attempts.why_nothing()))));
        };
        suggestions.shown(&uri, &completion);
        let range = convert::range(&snapshot.text, completion.start, completion.end, counting);
        let new_text = self.editor.map_or(completion.text.as_str().into(), |editor| editor.written(&completion.text));
        let edit = TextEdit { range, new_text: new_text.into_owned() };
        Ok(Inserted::Edit(match self.editor.is_some_and(|editor| editor.versioned_edits) {
            true => versioned(uri, snapshot.version, edit),
            false => WorkspaceEdit { changes: Some(HashMap::from([(uri, vec![edit])])), ..WorkspaceEdit::default() },
        }))
    }

    /// Opens one of the reports as a document.
    async fn show(&self, arguments: &Arguments<'_>) -> Result<()> {
        let what: String =
            if arguments.0.is_empty() { "stats".into() } else { arguments.get(0, "the name of a report")? };
        let text = match what.as_str() {
            "stats" => self.stats(stats::Form::Text).await,
            "check" => self.check().await.map(|(text, _)| text),
            "explain" => explanation(self.documents, self.completer, arguments.place(1)?).await,
            unknown => {
                return Err(Error::invalid_params(format!(
                    "argument 1: no report `{unknown}`; known: stats, check, explain"
                )));
            }
        };
        let text = text.map_err(failed)?;
        self.texts.show(self.client, &format!("{what}.txt"), &text).await.map_err(failed)
    }

    /// Recent costs beside the caps, and the last days by task.
    async fn stats(&self, form: stats::Form) -> anyhow::Result<String> {
        // The ledger opens a moment after the server starts.
        let ledger = self.completer.ledger.opened().await.clone();
        let configuration = self.completer.configuration.get();
        tokio::task::spawn_blocking(move || stats::summary(&ledger, &configuration, form)).await?
    }

    /// The page that shows where the money goes.
    async fn dashboard(&self) -> anyhow::Result<String> {
        let ledger = self.completer.ledger.opened().await.clone();
        let configuration = self.completer.configuration.get();
        tokio::task::spawn_blocking(move || dashboard::page(Some(&ledger), configuration.settings(), (None, None)))
            .await?
    }

    /// Checks the configuration. Returns the report, and whether all is well.
    async fn check(&self) -> anyhow::Result<(String, bool)> {
        let (config, ledger) = (self.texts.config.clone(), self.texts.ledger.clone());
        let configuration = self.completer.configuration.get();
        let workspace = configuration.folders().first().map_or_else(|| PathBuf::from("."), |root| root.path.clone());
        tokio::task::spawn_blocking(move || check::checked((config.as_deref(), ledger.as_deref()), workspace)).await?
    }
}

/// What every stage decides at a place of an open document. No model is called.
async fn explanation(
    documents: &Documents,
    completer: &Arc<Completer>,
    (uri, position): (Uri, Position),
) -> anyhow::Result<String> {
    let (snapshot, path, cells, counting) = {
        let session = documents.session();
        let found = session.peek(&uri).zip(session.path(&uri)).zip(session.counting(&uri));
        let ((snapshot, path), counting) = found.ok_or_else(|| anyhow::anyhow!(session.why_not(&uri)))?;
        let cells = session.cells(&path);
        (snapshot, path, cells, counting)
    };
    let cursor = convert::cursor(&snapshot.text, position, counting).ok_or_else(|| {
        anyhow::anyhow!("the text has no line {}, only {}", u64::from(position.line) + 1, snapshot.text.len_lines())
    })?;
    let request = Request { cells, ..Request::new(snapshot, path, cursor, Trigger::Typed) };
    let scope = completer.scope(&request.path).await;
    let configuration = completer.configuration.get();
    let cap_left = completer.cap_left(&configuration, &scope).await;
    let completer = Arc::clone(completer);
    tokio::task::spawn_blocking(move || explain::explained(&completer, request, cap_left)).await?
}

/// Pauses suggestions in a language or in all of them, or resumes them.
fn pause(pauses: &Pauses, arguments: &Arguments<'_>) -> Result<Value> {
    let wanted: Value = arguments.get(0, "an object such as {\"paused\": true}")?;
    let paused = wanted.get("paused").and_then(Value::as_bool);
    let paused = paused.ok_or_else(|| Error::invalid_params("argument 1: `paused` must be true or false"))?;
    let language = match wanted.get("language").and_then(Value::as_str) {
        None => None,
        Some(name) => {
            let language = pennyworth_grammars::by_id(name).or_else(|| pennyworth_grammars::by_name(name));
            let known = || pennyworth_grammars::all().iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
            Some(language.ok_or_else(|| Error::invalid_params(format!("no language `{name}`; known: {}", known())))?)
        }
    };
    pauses.set(language.map(|language| language.name()), paused);
    Ok(json!({ "paused": pauses.everything(), "paused_languages": pauses.languages() }))
}

/// An edit for one version of a document. The client refuses it in any other.
fn versioned(uri: Uri, version: Option<i32>, edit: TextEdit) -> WorkspaceEdit {
    let text_document_identifier = TextDocumentIdentifier { uri };
    let text_document = OptionalVersionedTextDocumentIdentifier { version, text_document_identifier };
    let edit = TextDocumentEdit { text_document, edits: vec![Edit::TextEdit(edit)] };
    WorkspaceEdit { document_changes: Some(vec![edit.into()]), ..WorkspaceEdit::default() }
}

/// What became of a completion that is to be inserted.
enum Inserted {
    /// The edit that inserts it.
    Edit(WorkspaceEdit),
    /// There is none, for this reason.
    Nothing(String),
    /// The user goes on elsewhere: the document changed, or another request came.
    TooLate,
}

fn failed(error: anyhow::Error) -> Error {
    Error { message: format!("{error:#}").into(), ..Error::internal_error() }
}
