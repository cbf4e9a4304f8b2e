//! The capabilities that the server announces to a client. It leaves the menu's options to `surface::menu`.

use tower_lsp::gen_lsp_types::{
    ChangeNotifications, CodeActionProvider, ExecuteCommandOptions, InlineCompletionProvider, Notebook,
    NotebookDocumentFilterWithNotebook, NotebookDocumentSyncOptions, Save, ServerCapabilities, ServerInfo,
    TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions, WorkspaceFoldersServerCapabilities,
    WorkspaceOptions,
};

use crate::settings::Settings;
use crate::surface::{actions, commands, menu};
use crate::wire::editor::Editor;

/// The capabilities for a client under these settings.
pub(super) fn capabilities(settings: &Settings, editor: &Editor) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(editor.encoding_kind.clone()),
        text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Incremental),
            save: Some(Save::Bool(true)),
            ..TextDocumentSyncOptions::default()
        })),
        notebook_document_sync: editor.notebooks.then(|| notebooks().into()),
        inline_completion_provider: Some(InlineCompletionProvider::Bool(true)),
        completion_provider: menu::options(settings, editor),
        code_action_provider: Some(CodeActionProvider::CodeActionOptions(actions::options())),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: commands::all().map(String::from).collect(),
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

/// All cells of all notebooks.
fn notebooks() -> NotebookDocumentSyncOptions {
    let every = NotebookDocumentFilterWithNotebook { notebook: Notebook::String("*".into()), cells: None };
    NotebookDocumentSyncOptions { notebook_selector: vec![every.into()], save: None }
}

/// The server's name and version.
pub(super) fn server_info() -> ServerInfo {
    ServerInfo { name: "Pennyworth".into(), version: Some(env!("CARGO_PKG_VERSION").into()) }
}
