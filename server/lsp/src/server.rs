//! The protocol's methods, a line or two each: what came, whose affair it is, what goes back.
//! It leaves documents to `session`, and when anything runs to `serve`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use tower_lsp::gen_lsp_types::{
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, InitializeParams,
    InitializeResult, ServerCapabilities, ServerInfo, TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions,
    Uri,
};
use tower_lsp::jsonrpc::Result;
use tower_lsp::{Client, ClientSocket, LanguageServer, LspService};

use crate::convert;
use crate::editor::Editor;
use crate::engine::{Engine, lock};

/// How the server is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The configuration to read instead of the user's own.
    pub config: Option<PathBuf>,
    /// The folder for what must survive a restart; without one nothing does.
    pub state: Option<PathBuf>,
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
    LspService::build(|client| Server::new(client, options)).finish()
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
        tracing::warn!("an edit could not be read; its document rests until it is sent whole");
    }

    /// Gives the parent's process once it is known.
    pub(crate) fn parent(&self) -> oneshot::Receiver<i32> {
        let (sender, receiver) = oneshot::channel();
        *lock(&self.parent) = Some(sender);
        receiver
    }

    /// Ends what still runs and writes what is not yet written.
    pub(crate) async fn close(&self) {}
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let editor = self.engine.meet(Editor::of(&params));
        if let (Some(process), Some(sender)) = (editor.process_id, lock(&self.parent).take()) {
            let _ = sender.send(process);
        }
        Ok(InitializeResult { capabilities: capabilities(editor), server_info: Some(server_info()) })
    }

    async fn shutdown(&self) -> Result<()> {
        self.shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let language = String::from(document.language_id);
        if !self.engine.session().open(document.uri, &language, document.version, &document.text) {
            tracing::info!(bytes = document.text.len(), "a document is too large to keep");
        }
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        self.edits.fetch_add(1, Ordering::Relaxed);
        let edits = convert::edits(params.content_changes);
        let uri = params.text_document.text_document_identifier.uri;
        if self.engine.session().change(&uri, params.text_document.version, &edits).is_none() {
            tracing::debug!("an edit of a document that is not open");
        }
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.engine.session().close(&params.text_document.uri);
    }
}

fn capabilities(editor: &Editor) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(editor.encoding_kind.clone()),
        text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Incremental),
            ..TextDocumentSyncOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

fn server_info() -> ServerInfo {
    ServerInfo { name: "Pennyworth".into(), version: Some(env!("CARGO_PKG_VERSION").into()) }
}
