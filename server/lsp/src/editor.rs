//! What the client at the other end is and can do, read once from its `initialize`.
//! It leaves acting on it to those who ask.

use std::path::PathBuf;

use pennyworth_core::text::Encoding;
use serde_json::Value;
use tower_lsp::gen_lsp_types::{InitializeParams, PositionEncodingKind, Uri};

use crate::convert;

/// The client.
#[derive(Clone, Debug)]
pub struct Editor {
    /// The unit of positions, as negotiated.
    pub encoding: Encoding,
    /// The same, as the protocol names it.
    pub encoding_kind: PositionEncodingKind,
    /// Whether it shows inline completions; otherwise suggestions go to its completion menu.
    pub inline: bool,
    /// How several lines reach it through the menu.
    pub lines: MenuLines,
    /// Whether its menu takes items that come late, so that models can be waited for.
    pub waits: bool,
    /// Whether only the embedded model may be asked, because nobody trusts the workspace.
    pub restricted: bool,
    /// Whether it shows progress.
    pub progress: bool,
    /// Whether it answers `workspace/configuration`.
    pub configuration: bool,
    /// Whether it can be asked to tell of changed configuration.
    pub watches_configuration: bool,
    /// Whether it can be asked to watch files.
    pub watches_files: bool,
    /// The folders it has open, as far as they are folders of this machine.
    pub folders: Vec<PathBuf>,
    /// The process whose end is the end of the server.
    pub process_id: Option<i32>,
    /// The settings it sent along.
    pub options: Value,
}

/// Clients that add late items to a menu, or have no others in it and hold up nobody, by name. Measured with each.
const WAITING: [&str; 2] = ["eglot", "helix"];

/// How a menu item of several lines must be written. Clients differ: some insert it as it stands, some indent it once more,
/// some take its first line alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuLines {
    /// As plain text, which is inserted as it stands.
    Plain,
    /// As plain text that asks to be inserted as it stands, for clients that would indent it.
    AsIs,
    /// As a snippet without the line's own indentation, for clients that indent snippets and cut plain text.
    Snippet,
    /// Not at all: one line only.
    FirstLine,
}

impl Editor {
    /// Reads what the client said.
    pub fn of(params: &InitializeParams) -> Editor {
        let capabilities = &params.capabilities;
        let offered = capabilities.general.as_ref().and_then(|general| general.position_encodings.as_deref());
        let (encoding, encoding_kind) = convert::negotiate(offered);
        // The rest is a handful of flags deep inside: as JSON they read in one line each.
        let capabilities = serde_json::to_value(capabilities).unwrap_or_default();
        let has = |pointer: &str| capabilities.pointer(pointer) == Some(&Value::Bool(true));
        let name = params.client_info.as_ref().map(|info| info.name.to_lowercase()).unwrap_or_default();
        let mut options = params.initialization_options.clone().unwrap_or_default();
        // Not a setting: it is the client's word for this one session.
        let restricted = options.as_object_mut().and_then(|options| options.remove("restricted"));
        let restricted = restricted.is_some_and(|restricted| restricted != Value::Bool(false));
        Editor {
            encoding,
            encoding_kind,
            inline: capabilities.pointer("/textDocument/inlineCompletion").is_some_and(Value::is_object),
            lines: menu_lines(&name, &capabilities),
            progress: has("/window/workDoneProgress"),
            configuration: has("/workspace/configuration"),
            watches_configuration: has("/workspace/didChangeConfiguration/dynamicRegistration"),
            watches_files: has("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            folders: folders(params),
            process_id: params.process_id,
            waits: WAITING.contains(&name.as_str()),
            restricted,
            options,
        }
    }
}

/// Measured with each client; the protocol alone does not say.
fn menu_lines(name: &str, capabilities: &Value) -> MenuLines {
    let item = |pointer: &str| capabilities.pointer(&format!("/textDocument/completion/completionItem{pointer}"));
    let modes = item("/insertTextModeSupport/valueSet").and_then(Value::as_array);
    if modes.is_some_and(|modes| modes.contains(&Value::from(1))) {
        MenuLines::AsIs
    } else if !name.contains("neovim") {
        MenuLines::Plain
    } else if item("/snippetSupport") == Some(&Value::Bool(true)) {
        MenuLines::Snippet
    } else {
        MenuLines::FirstLine
    }
}

/// The workspace folders, or the one root of older clients.
fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    let value = serde_json::to_value(params).unwrap_or_default();
    let uri = |value: &Value| convert::path(&Uri(value.as_str()?.to_owned()));
    let listed = value.pointer("/workspaceFolders").and_then(Value::as_array).filter(|folders| !folders.is_empty());
    match listed {
        Some(folders) => folders.iter().filter_map(|folder| uri(folder.get("uri")?)).collect(),
        None => value.pointer("/rootUri").and_then(uri).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn editor(value: Value) -> Editor {
        Editor::of(&serde_json::from_value(value).expect("initialize params"))
    }

    #[test]
    fn clients_as_they_introduce_themselves() {
        let vscode = json!({"processId": 7, "rootUri": null, "clientInfo": {"name": "Visual Studio Code"},
            "workspaceFolders": [{"uri": "file:///w", "name": "w"}, {"uri": "vscode-remote:///x", "name": "x"}],
            "capabilities": {"general": {"positionEncodings": ["utf-16"]}, "window": {"workDoneProgress": true},
                "workspace": {"configuration": true, "didChangeWatchedFiles": {"dynamicRegistration": true}},
                "textDocument": {"inlineCompletion": {"dynamicRegistration": true},
                    "completion": {"completionItem": {"snippetSupport": true, "insertTextModeSupport": {"valueSet": [1, 2]}}}}}});
        let found = editor(vscode);
        assert!(found.inline && found.progress && found.configuration && found.watches_files);
        assert!(!found.watches_configuration);
        assert_eq!((found.encoding, found.lines, found.process_id), (Encoding::Utf16, MenuLines::AsIs, Some(7)));
        assert_eq!(found.folders, [PathBuf::from("/w")]);

        let neovim = |snippets| {
            json!({"processId": null, "rootUri": "file:///r", "workspaceFolders": null, "clientInfo": {"name": "Neovim"},
                "capabilities": {"general": {"positionEncodings": ["utf-8", "utf-16", "utf-32"]},
                    "textDocument": {"completion": {"completionItem": {"snippetSupport": snippets}}}}})
        };
        assert_eq!(editor(neovim(true)).lines, MenuLines::Snippet);
        assert_eq!(editor(neovim(false)).lines, MenuLines::FirstLine);
        assert_eq!(editor(neovim(true)).folders, [PathBuf::from("/r")]);
        assert_eq!(editor(neovim(true)).encoding, Encoding::Utf8);

        let bare = editor(json!({"processId": null, "rootUri": null, "capabilities": {}}));
        assert!(!bare.inline && bare.folders.is_empty() && bare.lines == MenuLines::Plain);
    }
}
