//! The protocol's methods, a line or two each: what came, whose affair it is, what goes back.
//! It leaves documents to `session`, and when anything runs to `serve`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use tower_lsp::gen_lsp_types::{
    ChangeNotifications, CodeActionParams, CodeActionProvider, CodeActionResponse, CompletionParams,
    CompletionResponse, DidChangeConfigurationParams, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    ExecuteCommandOptions, ExecuteCommandParams, InitializeParams, InitializeResult, InitializedParams,
    InlineCompletionParams, InlineCompletionProvider, InlineCompletionResponse, LspAny, Save, ServerCapabilities,
    ServerInfo, TextDocumentIdentifier, TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions, Uri,
    WorkDoneProgressCancelParams, WorkspaceFoldersServerCapabilities, WorkspaceOptions,
};
use tower_lsp::jsonrpc::Result;
use tower_lsp::{Client, ClientSocket, LanguageServer, LspService};

use crate::editor::Editor;
use crate::engine::{Engine, lock};
use crate::{actions, command, convert, discover, inline, learn, menu, parse, status, warm, workspace};

/// How the server is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The configuration to read instead of the user's own.
    pub config: Option<PathBuf>,
    /// The file of the ledger; without one it is kept in memory and forgotten at the end.
    pub ledger: Option<PathBuf>,
    /// Whether model servers on this machine may be looked for, if the settings say so as well.
    pub discover: bool,
}

/// The server, as the protocol sees it.
pub struct Server {
    engine: Arc<Engine>,
    /// Edits that reached their handler.
    edits: AtomicU64,
    shut_down: AtomicBool,
    /// Where `initialize`, which learns the parent's process, tells it to whoever watches it.
    parent: Mutex<Option<oneshot::Sender<i32>>>,
}

/// The server as a service, and its end of the talk with the client.
pub(crate) fn service(options: Options) -> (LspService<Server>, ClientSocket) {
    LspService::build(|client| Server::new(client, options))
        .custom_method("window/workDoneProgress/cancel", Server::cancel_progress)
        .custom_method("pennyworth/viewFileText", Server::view_file_text)
        .finish()
}

impl Server {
    fn new(client: Client, options: Options) -> Server {
        Server {
            engine: Arc::new(Engine::new(client, options)),
            edits: AtomicU64::new(0),
            shut_down: AtomicBool::new(false),
            parent: Mutex::default(),
        }
    }

    /// Whether the client asked to shut down.
    pub(crate) fn was_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Relaxed)
    }

    /// Edits that reached their handler so far.
    pub(crate) fn edits(&self) -> u64 {
        self.edits.load(Ordering::Relaxed)
    }

    /// An edit came that could not be read.
    pub(crate) fn lost_edit(&self, uri: &Uri) {
        self.engine.session().lost_edit(uri);
        if let Some(path) = self.engine.session().path(uri) {
            self.engine.resources.flights.closed(&path);
        }
        tracing::warn!("an edit could not be read; its document rests until it is sent whole");
    }

    /// Gives the parent's process once it is known.
    pub(crate) fn parent(&self) -> oneshot::Receiver<i32> {
        let (sender, receiver) = oneshot::channel();
        *lock(&self.parent) = Some(sender);
        receiver
    }

    /// Ends what still runs and writes what is not yet written.
    pub(crate) async fn close(&self) {
        self.engine.resources.flights.end().await;
        let engine = Arc::clone(&self.engine);
        let _ = tokio::task::spawn_blocking(move || engine.end()).await;
    }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let editor = self.engine.meet(Editor::of(&params));
        self.engine.workspace.begin(editor);
        workspace::refresh(&self.engine);
        for started in [learn::start(&self.engine), parse::start(&self.engine)] {
            if let Err(error) = started {
                tracing::error!(%error, "a thread did not start");
            }
        }
        if let (Some(process), Some(sender)) = (editor.process_id, lock(&self.parent).take()) {
            let _ = sender.send(process);
        }
        Ok(InitializeResult { capabilities: capabilities(&self.engine, editor), server_info: Some(server_info()) })
    }

    async fn initialized(&self, _: InitializedParams) {
        let engine = || Arc::clone(&self.engine);
        let opening = engine();
        tokio::task::spawn_blocking(move || opening.open_ledger());
        self.engine.spawn(status::tell(engine()));
        self.engine.spawn(status::show_progress(engine()));
        self.engine.spawn(workspace::begin_reading(engine()));
        self.engine.spawn(workspace::register(engine()));
        self.engine.spawn(workspace::ask_configuration(engine()));
        discover::look_around(&self.engine);
    }

    async fn shutdown(&self) -> Result<()> {
        self.shut_down.store(true, Ordering::Relaxed);
        // Nobody waits for suggestions any more, but every request has its answer before the end.
        self.engine.session().end_requests();
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let (uri, language) = (document.uri, String::from(document.language_id));
        if !self.engine.session().open(uri.clone(), &language, document.version, &document.text) {
            tracing::info!(bytes = document.text.len(), "a document is too large to keep");
        }
        self.changed(&uri);
        workspace::refresh_if_written(&self.engine);
        discover::look_around(&self.engine);
        if let Some(path) = self.engine.session().path(&uri) {
            // It may be a document that was open already, with another text.
            self.engine.resources.flights.closed(&path);
            warm::warm(&self.engine, &path, false);
        }
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        self.edits.fetch_add(1, Ordering::Relaxed);
        let edits = convert::edits(params.content_changes);
        let uri = params.text_document.text_document_identifier.uri;
        let changed = self.engine.session().change(&uri, params.text_document.version, &edits);
        let Some((changes, text)) = changed else {
            tracing::debug!("an edit of a document that is not open");
            return;
        };
        if let Some(ended) = self.engine.outcomes.edited(&uri, &changes, &text) {
            self.engine.settled(ended);
        }
        let path = self.engine.session().path(&uri);
        if let (Some(last), Some(path)) = (changes.last(), path) {
            self.engine.resources.flights.edited(&path, &text);
            let is_new = self.engine.resources.edited(&path, &text, last.first_line + last.new_lines);
            warm::warm(&self.engine, &path, is_new);
        }
        self.changed(&uri);
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        if let Some(path) = self.engine.session().path(&params.text_document.uri) {
            self.engine.learner.settled(path);
        }
        workspace::refresh_if_written(&self.engine);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        if let Some(path) = self.engine.session().close(&uri) {
            self.engine.resources.flights.closed(&path);
            self.engine.learner.closed(path);
        }
        self.engine.closed(&uri);
    }

    async fn inline_completion(&self, params: InlineCompletionParams) -> Result<Option<InlineCompletionResponse>> {
        inline::inline(&self.engine, params).await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        Ok(menu::menu(&self.engine, params).await)
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<Vec<CodeActionResponse>>> {
        Ok(Some(actions::actions(&self.engine, &params)))
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LspAny>> {
        command::execute(&self.engine, &params).await
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        workspace::configuration_changed(&self.engine, params.settings);
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        workspace::folders_changed(&self.engine, &params);
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        workspace::files_changed(&self.engine, params);
    }
}

impl Server {
    /// `window/workDoneProgress/cancel`, for which tower-lsp has no method.
    async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        status::cancel(&self.engine, &params);
    }

    /// `pennyworth/viewFileText`: a document as the server knows it, for tests and for reports of faults; `null` if it is not open.
    async fn view_file_text(&self, params: TextDocumentIdentifier) -> Result<Option<String>> {
        let snapshot = self.engine.session().peek(&params.uri);
        Ok(snapshot.map(|snapshot| snapshot.text.to_string()))
    }

    /// Those who follow a document learn that there is something new in it.
    fn changed(&self, uri: &Uri) {
        self.engine.learner.changed(uri);
        self.engine.parser.changed(uri);
    }
}

fn capabilities(engine: &Engine, editor: &Editor) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(editor.encoding_kind.clone()),
        text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Incremental),
            save: Some(Save::Bool(true)),
            ..TextDocumentSyncOptions::default()
        })),
        inline_completion_provider: Some(InlineCompletionProvider::Bool(true)),
        completion_provider: menu::options(engine, editor),
        code_action_provider: (!editor.inline).then_some(CodeActionProvider::Bool(true)),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: command::ALL.map(String::from).to_vec(),
            ..ExecuteCommandOptions::default()
        }),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(ChangeNotifications::Bool(true)),
            }),
            ..WorkspaceOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}

fn server_info() -> ServerInfo {
    ServerInfo { name: "Pennyworth".into(), version: Some(env!("CARGO_PKG_VERSION").into()) }
}
