//! Notebooks: the cells above a cell, in the notebook's order, come before it in a prompt, and those below behind it, whether the client sends
//! notebooks or only their cells. At the protocol's boundary, by what the provider is sent.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use serde_json::{Value, json};

const NOTEBOOK: &str = "file:///w/n.ipynb";

struct Scene {
    _folder: tempfile::TempDir,
    provider: FakeProvider,
    editor: Editor,
    capabilities: Value,
}

fn cell(name: &str) -> String {
    format!("vscode-notebook-cell:/w/n.ipynb#{name}")
}

fn document(name: &str, language: &str, text: &str) -> Value {
    json!({"uri": cell(name), "languageId": language, "version": 1, "text": text})
}

/// Cells of a notebook, by their names.
fn listed(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({"kind": 2, "document": cell(name)})).collect()
}

fn insertion(text: &str) -> Value {
    let start = json!({"line": 0, "character": 0});
    json!([{"range": {"start": start, "end": start}, "text": text}])
}

impl Scene {
    async fn new(sends_notebooks: bool) -> Scene {
        let provider = FakeProvider::start().await.unwrap();
        provider.always(Answer::new(&["compute()"]));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let config = format!(
            "debounce_ms = 0\nexplore = 0.0\n[embedded]\nenabled = false\n[model.m]\nprotocol = 'openai'\nbase_url = '{}'\n\
             model = 'qwen2.5-coder'\nformat = 'qwen'\ntier = 'cheap'\ncontext = 8000\n\
             price = {{ input = 1, output = 1, as_of = '2026-11-29' }}\n",
            provider.base_url()
        );
        std::fs::write(&path, config).unwrap();
        let ledger = folder.path().join("ledger.sqlite");
        let mut editor = Editor::in_memory(Options { config: Some(path), ledger: Some(ledger), discover: false });
        let mut capabilities = json!({"textDocument": {"inlineCompletion": {}}});
        if sends_notebooks {
            capabilities["notebookDocument"] = json!({"synchronization": {}});
        }
        let capabilities = editor.initialize(capabilities, Value::Null, None).await;
        Scene { _folder: folder, provider, editor, capabilities }
    }

    /// Opens a notebook of these cells: a name, a language and a text each.
    async fn open(&mut self, cells: &[(&str, &str, &str)]) {
        if !self.sends_notebooks() {
            for (name, language, text) in cells {
                self.editor.open(&cell(name), language, 1, text).await;
            }
            return;
        }
        let names: Vec<&str> = cells.iter().map(|(name, ..)| *name).collect();
        let texts: Vec<Value> = cells.iter().map(|(name, language, text)| document(name, language, text)).collect();
        let notebook =
            json!({"uri": NOTEBOOK, "notebookType": "jupyter-notebook", "version": 1, "cells": listed(&names)});
        let params = json!({"notebookDocument": notebook, "cellTextDocuments": texts});
        self.editor.notify("notebookDocument/didOpen", params).await;
    }

    fn sends_notebooks(&self) -> bool {
        self.capabilities.get("notebookDocumentSync").is_some()
    }

    async fn change(&mut self, cells: Value) {
        let notebook = json!({"uri": NOTEBOOK, "version": 2});
        let params = json!({"notebookDocument": notebook, "change": {"cells": cells}});
        self.editor.notify("notebookDocument/didChange", params).await;
    }

    /// Replaces cells from a number on by those of these names, of which some are new and some of the others are closed.
    async fn replace(&mut self, start: usize, count: usize, by: &[&str], opened: Vec<Value>, closed: &[&str]) {
        let closed: Vec<Value> = closed.iter().map(|name| json!({"uri": cell(name)})).collect();
        let array = json!({"start": start, "deleteCount": count, "cells": listed(by)});
        self.change(json!({"structure": {"array": array, "didOpen": opened, "didClose": closed}})).await;
    }

    /// Asks at a place in the first line of a cell. Returns the item that is shown, and what is sent before and after the cursor.
    async fn asked(&mut self, name: &str, character: usize) -> (Value, String, String) {
        let position = json!({"line": 0, "character": character});
        let place = json!({"textDocument": {"uri": cell(name)}, "position": position, "context": {"triggerKind": 1}});
        let found = self.editor.request("textDocument/inlineCompletion", place).await;
        let prompt = self.provider.seen().last().unwrap().body["prompt"].as_str().unwrap().to_owned();
        let (_, prompt) = prompt.split_once("<|fim_prefix|>").unwrap();
        let (before, after) = prompt.split_once("<|fim_suffix|>").unwrap();
        (found["items"][0].clone(), before.to_owned(), after.trim_end_matches("<|fim_middle|>").to_owned())
    }

    /// What is shown at a place while the user types.
    async fn shown(&mut self, name: &str, character: usize) -> Option<String> {
        let position = json!({"line": 0, "character": character});
        let place = json!({"textDocument": {"uri": cell(name)}, "position": position, "context": {"triggerKind": 2}});
        let found = self.editor.request("textDocument/inlineCompletion", place).await;
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    /// Checks what is sent before and after a cursor, and that the answer is shown there in the cell, whatever stands above it.
    async fn check(&mut self, name: &str, character: usize, before: &str, after: &str) {
        let (item, sent_before, sent_after) = self.asked(name, character).await;
        assert_eq!((sent_before.as_str(), sent_after.as_str()), (before, after), "{name}");
        assert_eq!((&item["insertText"], &item["range"]["start"]["line"]), (&json!("compute()"), &json!(0)), "{name}");
        assert_eq!(item["range"]["start"]["character"], character, "{name}");
    }
}

const CELLS: [(&str, &str, &str); 5] = [
    ("a", "python", "import os"),
    ("m", "markdown", "# Prose"),
    ("b", "python", "rows = os.listdir()\n"),
    ("s", "sql", "SELECT 1"),
    ("c", "python", "total = 🎉"),
];

#[tokio::test]
async fn the_cells_above_come_first_in_the_notebooks_order() {
    for sends_notebooks in [true, false] {
        let mut scene = Scene::new(sends_notebooks).await;
        assert_eq!(scene.sends_notebooks(), sends_notebooks);
        scene.open(&CELLS).await;
        scene.check("c", 10, "import os\n\nrows = os.listdir()\n\ntotal = 🎉", "").await;
        let (_, before, after) = scene.asked("b", 19).await;
        assert_eq!((before.as_str(), after.as_str()), ("import os\n\nrows = os.listdir()", "\n\n\ntotal = 🎉"));
        assert!(scene.shown("c", 10).await.is_some(), "what a key asked for");
        let dismissed =
            json!({"command": "pennyworth.dismissed", "arguments": [cell("c"), {"line": 0, "character": 10}]});
        scene.editor.request("workspace/executeCommand", dismissed).await;
        assert_eq!((scene.shown("c", 10).await, scene.provider.seen().len()), (None, 2), "what was dismissed");
        scene.editor.shutdown().await;
    }
}

#[tokio::test]
async fn the_order_follows_what_is_inserted_moved_edited_and_removed() {
    let mut scene = Scene::new(true).await;
    scene.open(&CELLS).await;
    scene.replace(1, 0, &["d"], vec![document("d", "python", "import re")], &[]).await;
    scene.check("c", 10, "import os\n\nimport re\n\nrows = os.listdir()\n\ntotal = 🎉", "").await;
    // `b` is moved to the top; nothing is opened or closed by it.
    scene.replace(0, 4, &["b", "a", "d", "m"], Vec::new(), &[]).await;
    scene.check("c", 10, "rows = os.listdir()\n\nimport os\n\nimport re\n\ntotal = 🎉", "").await;
    let edited = json!([{"document": {"uri": cell("a"), "version": 2}, "changes": insertion("import io\n")}]);
    scene.change(json!({ "textContent": edited })).await;
    scene.check("c", 10, "rows = os.listdir()\n\nimport io\nimport os\n\nimport re\n\ntotal = 🎉", "").await;
    scene.replace(0, 1, &[], Vec::new(), &["b"]).await;
    scene.check("c", 10, "import io\nimport os\n\nimport re\n\ntotal = 🎉", "").await;
    let closed: Vec<Value> = ["a", "d", "m", "s", "c"].iter().map(|name| json!({"uri": cell(name)})).collect();
    let params = json!({"notebookDocument": {"uri": NOTEBOOK}, "cellTextDocuments": closed});
    scene.editor.notify("notebookDocument/didClose", params).await;
    scene.open(&[("c", "python", "value = first")]).await;
    scene.check("c", 13, "value = first", "").await;
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn without_notebooks_the_order_is_that_of_opening_and_edits_and_closing_are_followed() {
    let mut scene = Scene::new(false).await;
    scene.open(&CELLS).await;
    scene.editor.change(&cell("a"), 2, insertion("import io\n")).await;
    scene.check("c", 10, "import io\nimport os\n\nrows = os.listdir()\n\ntotal = 🎉", "").await;
    scene.editor.close(&cell("b")).await;
    scene.check("c", 10, "import io\nimport os\n\ntotal = 🎉", "").await;
    // Another notebook is no context.
    let other = "vscode-notebook-cell:/w/other.ipynb#c";
    scene.editor.open(other, "python", 1, "other = 1").await;
    scene.check("c", 10, "import io\nimport os\n\ntotal = 🎉", "").await;
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn an_empty_cell_below_others_is_completed_and_what_other_cells_hold_is_masked_in_what_leaves() {
    let secret = "hunter2-correct-horse";
    let above = format!("import db\npassword = \"{secret}\"\n");
    for sends_notebooks in [true, false] {
        let mut scene = Scene::new(sends_notebooks).await;
        scene.open(&[("a", "python", &above), ("b", "python", "")]).await;
        let (_, before, _) = scene.asked("b", 0).await;
        let masked = above.replace(secret, &"*".repeat(secret.len()));
        assert_eq!(before, format!("{masked}\n"));
        scene.editor.shutdown().await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_of_a_notebook_costs_its_order_and_nothing_else() {
    let mut scene = Scene::new(true).await;
    scene.open(&CELLS).await;
    for params in
        [json!(null), json!({"change": 7}), json!({"notebookDocument": {"uri": NOTEBOOK}, "change": {"cells": []}})]
    {
        scene.editor.notify("notebookDocument/didChange", params).await;
    }
    scene.replace(90, 90, &["gone"], Vec::new(), &["never"]).await;
    scene.check("c", 10, "import os\n\nrows = os.listdir()\n\ntotal = 🎉", "").await;
    // An edit that cannot be placed makes its cell stale, and the cell is left out.
    let edit =
        json!([{"document": {"uri": cell("b"), "version": 2}, "changes": [{"range": {"start": 7}, "text": "x"}]}]);
    scene.change(json!({ "textContent": edit })).await;
    scene.check("c", 10, "import os\n\ntotal = 🎉", "").await;
    scene.editor.shutdown().await;
}
