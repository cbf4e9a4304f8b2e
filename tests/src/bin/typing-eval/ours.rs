//! Pennyworth's server as a helper, behind a pipe in memory, asked after each key as VS Code does it.

use std::path::Path;

use anyhow::Context as _;
use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use serde_json::{Value, json};

use crate::report::{PRICES, Prices};
use crate::text::Text;
use crate::typist::Helper;

const URI: &str = "file:///project/document";

pub(crate) struct Ours {
    editor: Editor,
    _folder: tempfile::TempDir,
    version: i32,
    asked: Option<i64>,
    /// The command of the last suggestion.
    command: Option<Value>,
}

impl Ours {
    /// A server with these lines of configuration, with or without the embedded model. It has its own ledger if none is named.
    pub(crate) async fn new(
        text: &Text,
        base_url: &str,
        config: &str,
        (embedded, ledger): (bool, Option<&Path>),
    ) -> anyhow::Result<Ours> {
        let Prices { input, cached, output } = PRICES;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("config.toml");
        let config = format!(
            "cap_usd_per_day = 900\ncap_usd_per_month = 9000\n{config}\n[embedded]\nenabled = {embedded}\n[model.m]\nprotocol = \"openai\"\n\
             base_url = \"{base_url}\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\ncontext = 8000\nstop_limit = 4\nchars_per_token = 4.0\n\
             abort_billed = \"no\"\nprice = {{ input = {input}, cached = {cached}, output = {output}, as_of = \"2026-11-28\" }}\n"
        );
        std::fs::write(&path, config)?;
        let ledger = ledger.map_or_else(|| folder.path().join("ledger.sqlite"), Path::to_owned);
        let mut editor = Editor::in_memory(Options { config: Some(path), ledger: Some(ledger), discover: false });
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        let (before, after) = (text.truth.get(..text.start), text.truth.get(text.end..));
        let source =
            before.zip(after).map(|(before, after)| format!("{before}{after}")).context("a part of the text")?;
        editor.open(URI, text.language, 0, &source).await;
        Ok(Ours { editor, _folder: folder, version: 0, asked: None, command: None })
    }
}

/// A position of the protocol.
fn position(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    json!({"line": before.matches('\n').count(), "character": before[line..].encode_utf16().count()})
}

impl Helper for Ours {
    async fn typed(&mut self, text: &Text, from: usize, to: usize) {
        if let Some(asked) = self.asked.take() {
            self.editor.cancel(asked).await;
            let _ = self.editor.answer(asked).await;
        }
        self.version += 1;
        let at = position(&text.truth, from);
        let change = json!([{"range": {"start": at, "end": at}, "text": text.truth[from..to]}]);
        self.editor.change(URI, self.version, change).await;
        let place =
            json!({"textDocument": {"uri": URI}, "position": position(&text.truth, to), "context": {"triggerKind": 2}});
        self.asked = Some(self.editor.send("textDocument/inlineCompletion", place).await);
    }

    async fn offered(&mut self) -> Option<String> {
        let found = self.editor.answer(self.asked?).await;
        self.asked = None;
        let found = found.ok()?;
        let item = found.pointer("/items/0")?;
        self.command = Some(item["command"].clone());
        item["insertText"].as_str().map(str::to_owned)
    }

    /// An editor runs the command of a suggestion that was taken as a whole. It says nothing of one that was taken in part.
    async fn taken(&mut self, whole: bool) {
        if let Some(command) = self.command.take_if(|_| whole) {
            let params = json!({"command": command["command"], "arguments": command["arguments"]});
            self.editor.request("workspace/executeCommand", params).await;
        }
    }

    async fn end(mut self) {
        if let Some(asked) = self.asked {
            self.editor.cancel(asked).await;
            let _ = self.editor.answer(asked).await;
        }
        self.editor.shutdown().await;
    }
}
