//! The protocol's methods, a line or two each: a method takes a message, hands the parts that it needs to the code that handles it, and returns
//! the reply. It leaves the parts to `server/parts.rs`, and the message loop to `wire::serve`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tower_lsp::gen_lsp_types::{
    CodeActionParams, CodeActionResponse, CompletionParams, CompletionResponse, DidChangeConfigurationParams,
    DidChangeNotebookDocumentParams, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWorkspaceFoldersParams, DidCloseNotebookDocumentParams, DidCloseTextDocumentParams,
    DidOpenNotebookDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, ExecuteCommandParams,
    InitializeParams, InitializeResult, InitializedParams, InlineCompletionParams, InlineCompletionResponse, LspAny,
    NotebookCellArrayChange, TextDocumentIdentifier, Uri, WorkDoneProgressCancelParams,
};
use tower_lsp::jsonrpc::Result;
use tower_lsp::{Client, ClientSocket, LanguageServer, LspService};

use crate::documents::session::Edited;
use crate::models::keys;
use crate::signals::{EndRequest, Signal};
use crate::surface::{actions, inline, menu, status};
use crate::sync::lock;
use crate::wire::convert;
use crate::wire::editor::Editor;
use crate::wire::serve::{self, Served};

mod capabilities;
mod followers;
mod options;
mod parts;
mod sources;
mod watching;

pub use options::Options;

use capabilities::{capabilities, server_info};
use parts::Parts;

/// Time to end in order, after which the process ends as it is.
const IN_ORDER: Duration = Duration::from_secs(10);

/// Serves over standard input and output, until the client is gone or the system asks this process to end. Returns the exit code of the process.
pub async fn run(options: Options) -> u8 {
    serve::serve(tokio::io::stdin(), tokio::io::stdout(), service(options), asked_to_end()).await
}

/// Returns when the system asks this process to end, which counts as the end of the client: what runs is then ended in order.
async fn asked_to_end() {
    // Elsewhere the system does not ask, and Ctrl-C ends the process.
    let signals: &[Signal] = if cfg!(unix) { &Signal::ALL } else { &[] };
    EndRequest::listen(signals, (1, Some(IN_ORDER)), || {}, keys::end_programs).made().await
}

/// Serves the client at the other end of two streams until it is gone. Returns the exit code that the protocol requires.
pub async fn serve<I, O>(input: I, output: O, options: Options) -> u8
where
    I: AsyncRead + Unpin + Send + 'static,
    O: AsyncWrite + Unpin + Send + 'static,
{
    serve::serve(input, output, service(options), std::future::pending()).await
}

/// The server as a service, and its socket to the client.
fn service(options: Options) -> (LspService<Server>, ClientSocket) {
    LspService::build(|client| Server::new(client, options))
        .custom_method("window/workDoneProgress/cancel", Server::cancel_progress)
        .custom_method("pennyworth/viewFileText", Server::view_file_text)
        .finish()
}

/// The server: its parts, and the state that the protocol needs.
pub struct Server {
    parts: Parts,
    /// Edits that reached their handler.
    edits: AtomicU64,
    shut_down: AtomicBool,
    /// Where `initialize` sends the id of the client's process, for the loop that watches it.
    parent: Mutex<Option<oneshot::Sender<i32>>>,
}

impl Server {
    fn new(client: Client, options: Options) -> Server {
        Server {
            parts: Parts::new(client, options),
            edits: AtomicU64::new(0),
            shut_down: AtomicBool::new(false),
            parent: Mutex::default(),
        }
    }

    /// `window/workDoneProgress/cancel`, for which tower-lsp has no method.
    async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        if !self.parts.desk.demands.cancel(&params) {
            status::cancel_progress(&self.parts.completer.learner, &self.parts.status, &params);
        }
    }

    /// `pennyworth/viewFileText`: the text that the server has of a document, for tests and bug reports; `null` if it is not open.
    async fn view_file_text(&self, params: TextDocumentIdentifier) -> Result<Option<String>> {
        let snapshot = self.parts.documents.session().peek(&params.uri);
        Ok(snapshot.map(|snapshot| snapshot.text.to_string()))
    }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let editor = self.parts.begin(Editor::of(&params));
        if let (Some(process), Some(sender)) = (editor.process_id, lock(&self.parent).take()) {
            let _ = sender.send(process);
        }
        let capabilities = capabilities(self.parts.completer.configuration.get().settings(), editor);
        Ok(InitializeResult { capabilities, server_info: Some(server_info()) })
    }

    async fn initialized(&self, _: InitializedParams) {
        self.parts.run();
    }

    async fn shutdown(&self) -> Result<()> {
        self.shut_down.store(true, Ordering::Relaxed);
        // Nobody needs suggestions any more, but every request gets its reply before the exit.
        self.parts.documents.session().end_requests();
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let (uri, language) = (document.uri, String::from(document.language_id));
        let version = convert::version(document.version);
        if !self.parts.documents.session().open(uri.clone(), &language, version, &document.text) {
            tracing::info!(bytes = document.text.len(), "a document is too large to keep");
        }
        self.parts.followers.opened(&uri);
        self.parts.check_findings(&uri);
        self.parts.sources.opened(convert::document(&uri));
        self.parts.look_around();
        // What stood in the way may be gone.
        self.parts.status.changed();
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        self.edits.fetch_add(1, Ordering::Relaxed);
        self.parts.sources.edited();
        let edits = convert::edits(params.content_changes);
        let uri = params.text_document.text_document_identifier.uri;
        let version = convert::version(params.text_document.version);
        let edited = self.parts.documents.session().change(&uri, version, &edits);
        match edited {
            Some(Edited { changes, text, is_lost, is_found }) => {
                self.parts.followers.edited(&uri, &changes, &text);
                self.parts.follow_findings(&uri, &changes);
                if is_lost {
                    self.parts.lost(&convert::document(&uri));
                }
                if is_found {
                    self.parts.status.changed();
                }
            }
            None => tracing::debug!("an edit of a document that is not open"),
        }
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.parts.followers.saved(&params.text_document.uri);
        self.parts.sources.saved(&convert::document(&params.text_document.uri));
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.parts.followers.closed(&params.text_document.uri);
        self.parts.status.changed();
    }

    async fn notebook_did_open(&self, params: DidOpenNotebookDocumentParams) {
        let notebook = convert::document(&params.notebook_document.uri);
        let cells = convert::cells(&params.notebook_document.cells);
        self.parts.sources.cells(&notebook, &cells);
        self.parts.documents.session().notebooks.ordered(notebook, cells);
    }

    async fn notebook_did_change(&self, params: DidChangeNotebookDocumentParams) {
        let structure = params.change.cells.and_then(|cells| cells.structure);
        let Some(NotebookCellArrayChange { start, delete_count, cells }) = structure.map(|structure| structure.array)
        else {
            return;
        };
        let notebook = convert::document(&params.notebook_document.uri);
        let cells = convert::cells(&cells.unwrap_or_default());
        let range = (start as usize, delete_count as usize);
        self.parts.sources.cells(&notebook, &cells);
        self.parts.documents.session().notebooks.replaced(&notebook, range, cells);
    }

    async fn notebook_did_close(&self, params: DidCloseNotebookDocumentParams) {
        self.parts.documents.session().notebooks.removed(&convert::document(&params.notebook_document.uri));
    }

    async fn inline_completion(&self, params: InlineCompletionParams) -> Result<Option<InlineCompletionResponse>> {
        let Parts { client, documents, completer, suggestions, status, .. } = &self.parts;
        let Some(editor) = self.parts.editor.get() else { return Ok(None) };
        inline::inline_completion(client, editor, documents, completer, suggestions, status, params).await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let Parts { client, documents, completer, suggestions, status, .. } = &self.parts;
        let Some(editor) = self.parts.editor.get() else { return Ok(None) };
        Ok(menu::completion(client, editor, documents, completer, suggestions, status, params).await)
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<Vec<CodeActionResponse>>> {
        let Some(editor) = self.parts.editor.get() else { return Ok(None) };
        Ok(Some(actions::actions(editor, &self.parts.desk, &params).await))
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LspAny>> {
        self.parts.commands().execute(&params).await
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        self.parts.sources.configuration_changed(self.parts.editor.get(), params.settings);
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        self.parts.sources.folders_changed(&params);
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        self.parts.sources.files_changed(params);
    }
}

impl Served for Server {
    fn was_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Relaxed)
    }

    fn edits(&self) -> u64 {
        self.edits.load(Ordering::Relaxed)
    }

    fn lost_edit(&self, uri: &Uri) {
        self.parts.lost_edit(uri);
    }

    fn parent(&self) -> oneshot::Receiver<i32> {
        let (sender, receiver) = oneshot::channel();
        *lock(&self.parent) = Some(sender);
        receiver
    }

    async fn close(&self) {
        self.parts.close().await;
    }
}
