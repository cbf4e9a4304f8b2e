//! The client's name, capabilities and folders, read once from its `initialize`.
//! It leaves acting on them to its users.

use std::borrow::Cow;
use std::path::PathBuf;

use pennyworth_core::prompt::normalised;
use pennyworth_core::text::{Counting, Encoding, LineEnds};
use serde_json::Value;
use tower_lsp::gen_lsp_types::{InitializeParams, PositionEncodingKind, Uri};

use super::convert;

/// The client.
#[derive(Clone, Debug)]
pub struct Editor {
    /// The unit of positions, as negotiated.
    pub encoding: Encoding,
    /// The same, as the protocol names it.
    pub encoding_kind: PositionEncodingKind,
    /// Whether it shows inline completions; otherwise suggestions go to its completion menu.
    pub inline: bool,
    /// How to write a menu item of several lines for it.
    pub lines: MenuLines,
    /// What it is known to do, which its capabilities do not tell.
    pub habits: Habits,
    /// Whether it applies edits that the server sends.
    pub applies_edits: bool,
    /// Whether an edit may name the version of the document that it is for.
    pub versioned_edits: bool,
    /// Whether an edit may make a file.
    pub creates_files: bool,
    /// Whether only the embedded model may be called, because the user does not trust the workspace.
    pub restricted: bool,
    /// Whether it tells which cells a notebook has.
    pub notebooks: bool,
    /// Whether it shows which actions ask a model.
    pub tags: bool,
    /// Whether it shows why an action is disabled.
    pub disables: bool,
    /// Whether it shows marks in files.
    pub diagnostics: bool,
    /// Whether it shows progress.
    pub progress: bool,
    /// Whether it answers `workspace/configuration`.
    pub configuration: bool,
    /// Whether the server can subscribe to changes of its configuration.
    pub watches_configuration: bool,
    /// Whether the server can have it watch files.
    pub watches_files: bool,
    /// Its open folders, if they are on this machine.
    pub folders: Vec<PathBuf>,
    /// The paths of its open folders that may lie on another machine.
    pub elsewhere: Vec<PathBuf>,
    /// The process whose end also ends the server.
    pub process_id: Option<i32>,
    /// The settings it sent.
    pub options: Value,
}

/// What a client does, measured with it or read in its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// Whether its menu accepts late items, or has no other items that would be held up, so that the server can wait for models.
    pub waits: bool,
    /// What ends a line when it counts lines.
    pub ends: LineEnds,
    /// The line break in text that it inserts.
    pub breaks: TextBreaks,
}

/// The line breaks in text that a client inserts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextBreaks {
    /// Those of the document.
    Documents,
    /// LF: the client writes the document's own itself, and would keep a CR as a character.
    Lf,
}

/// A client that is not known does as the protocol says.
const UNKNOWN: Habits = Habits { waits: false, ends: LineEnds::Protocol, breaks: TextBreaks::Documents };

/// The clients that are known, by names that begin like this in lower case. Editors that are not here, VS Code among them, turn each document's
/// line breaks into one kind before they send it.
#[rustfmt::skip]
const KNOWN: [(&str, Habits); 5] = [
    //           late items        lines end with                what it inserts ends lines with
    ("eglot",  Habits { waits: true,  ends: LineEnds::Lf,       breaks: TextBreaks::Documents }),
    ("emacs",  Habits { waits: false, ends: LineEnds::Lf,       breaks: TextBreaks::Documents }),
    ("helix",  Habits { waits: true,  ends: LineEnds::Lf,       breaks: TextBreaks::Documents }),
    // It takes the line breaks of `fileformat` off each line, and puts them on again when it sends the text.
    ("neovim", Habits { waits: false, ends: LineEnds::LfElseCr, breaks: TextBreaks::Lf }),
    ("nvim",   Habits { waits: false, ends: LineEnds::LfElseCr, breaks: TextBreaks::Lf }),
];

/// The habits of a client of this name.
fn habits(name: &str) -> Habits {
    KNOWN.iter().find(|(known, _)| name.starts_with(known)).map_or(UNKNOWN, |(_, habits)| *habits)
}

/// How to write a menu item of several lines. Clients differ: some insert it unchanged, some indent it once more, some insert only its first
/// line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuLines {
    /// As plain text, which the client inserts unchanged.
    Plain,
    /// As plain text in insert mode `asIs`, for clients that would indent it.
    AsIs,
    /// As a snippet without the line's own indentation, for clients that indent snippets and cut plain text to one line.
    Snippet,
    /// Not at all: only the first line.
    FirstLine,
}

impl Editor {
    /// Reads the parameters of `initialize`.
    pub fn of(params: &InitializeParams) -> Editor {
        let capabilities = &params.capabilities;
        let offered = capabilities.general.as_ref().and_then(|general| general.position_encodings.as_deref());
        let (encoding, encoding_kind) = convert::negotiate(offered);
        // The other capabilities are a few deeply nested flags; in JSON each takes one line to read.
        let capabilities = serde_json::to_value(capabilities).unwrap_or_default();
        let has = |pointer: &str| capabilities.pointer(pointer) == Some(&Value::Bool(true));
        let contains = |pointer: &str, value: Value| {
            let list = capabilities.pointer(pointer).and_then(Value::as_array);
            list.is_some_and(|list| list.contains(&value))
        };
        let name = params.client_info.as_ref().map(|info| info.name.to_lowercase()).unwrap_or_default();
        let mut options = params.initialization_options.clone().unwrap_or_default();
        // This is no setting: it applies to this session alone.
        let restricted = options.as_object_mut().and_then(|options| options.remove("restricted"));
        let restricted = restricted.is_some_and(|restricted| restricted != Value::Bool(false));
        Editor {
            encoding,
            encoding_kind,
            inline: capabilities.pointer("/textDocument/inlineCompletion").is_some_and(Value::is_object),
            lines: menu_lines(&name, &capabilities),
            notebooks: capabilities.pointer("/notebookDocument/synchronization").is_some_and(Value::is_object),
            diagnostics: capabilities.pointer("/textDocument/publishDiagnostics").is_some_and(Value::is_object),
            tags: contains("/textDocument/codeAction/tagSupport/valueSet", 1.into()),
            disables: has("/textDocument/codeAction/disabledSupport"),
            progress: has("/window/workDoneProgress"),
            configuration: has("/workspace/configuration"),
            watches_configuration: has("/workspace/didChangeConfiguration/dynamicRegistration"),
            watches_files: has("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            folders: folders(params, convert::folder),
            elsewhere: folders(params, convert::folder_elsewhere),
            process_id: params.process_id,
            habits: habits(&name),
            applies_edits: has("/workspace/applyEdit"),
            versioned_edits: has("/workspace/workspaceEdit/documentChanges"),
            creates_files: contains("/workspace/workspaceEdit/resourceOperations", "create".into()),
            restricted,
            options,
        }
    }
}

impl Editor {
    /// How the client counts positions.
    pub fn counting(&self) -> Counting {
        Counting { encoding: self.encoding, ends: self.habits.ends }
    }

    /// A text as the client inserts it.
    pub fn written<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.habits.breaks {
            TextBreaks::Documents => Cow::Borrowed(text),
            TextBreaks::Lf => normalised(text),
        }
    }
}

/// Measured with each client; its capabilities alone do not tell.
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

/// The paths of the workspace folders, or of the single root of older clients, as far as `path` knows them.
fn folders(params: &InitializeParams, path: fn(&Uri) -> Option<PathBuf>) -> Vec<PathBuf> {
    let value = serde_json::to_value(params).unwrap_or_default();
    let uri = |value: &Value| path(&Uri(value.as_str()?.to_owned()));
    let listed = value.pointer("/workspaceFolders").and_then(Value::as_array).filter(|folders| !folders.is_empty());
    let root = || ["/rootUri", "/rootPath"].iter().find_map(|root| value.pointer(root).filter(|root| root.is_string()));
    match listed {
        Some(folders) => folders.iter().filter_map(|folder| uri(folder.get("uri")?)).collect(),
        None => root().and_then(uri).into_iter().collect(),
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
        assert_eq!((&*found.folders, &*found.elsewhere), (&["/w".into()][..], &["/x".into()][..]));

        let old = editor(json!({"processId": null, "rootUri": null, "rootPath": "/r", "capabilities": {}}));
        assert_eq!(old.folders, [PathBuf::from("/r")]);

        let neovim = |snippets| {
            json!({"processId": null, "rootUri": "file:///r", "workspaceFolders": null, "clientInfo": {"name": "Neovim"},
                "capabilities": {"general": {"positionEncodings": ["utf-8", "utf-16", "utf-32"]},
                    "textDocument": {"completion": {"completionItem": {"snippetSupport": snippets}}}}})
        };
        assert_eq!(editor(neovim(true)).lines, MenuLines::Snippet);
        assert_eq!(editor(neovim(false)).lines, MenuLines::FirstLine);
        assert_eq!(editor(neovim(true)).folders, [PathBuf::from("/r")]);
        assert_eq!(editor(neovim(true)).encoding, Encoding::Utf8);

        for (name, counted, inserted) in [
            ("Neovim", LineEnds::LfElseCr, "a\nb\nc"),
            ("helix", LineEnds::Lf, "a\r\nb\rc"),
            ("Eglot", LineEnds::Lf, "a\r\nb\rc"),
            ("Visual Studio Code", LineEnds::Protocol, "a\r\nb\rc"),
            ("another", LineEnds::Protocol, "a\r\nb\rc"),
        ] {
            let client =
                editor(json!({"processId": null, "rootUri": null, "clientInfo": {"name": name}, "capabilities": {}}));
            assert_eq!((client.counting().ends, &*client.written("a\r\nb\rc")), (counted, inserted), "{name}");
        }

        let bare = editor(json!({"processId": null, "rootUri": null, "capabilities": {}}));
        assert!(!bare.inline && bare.folders.is_empty() && bare.lines == MenuLines::Plain);
    }
}
