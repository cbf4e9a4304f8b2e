//! The rules of the place where a document lies hold whatever its URI is called: what may not leave never reaches a model, is not learned, and is
//! quoted nowhere. At the protocol's boundary. It leaves what Git ignores to `ignored.rs`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, uri};
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::{Value, json};

/// Stands in each text that may not leave.
const MARKER: &str = "planted_marker";

struct Scene {
    place: tempfile::TempDir,
    provider: FakeProvider,
    editor: Editor,
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn inline() -> Value {
    json!({"textDocument": {"inlineCompletion": {}}, "window": {"workDoneProgress": true}})
}

impl Scene {
    /// A server with one model and these folders, of which each exists.
    async fn new(config: &str, make: impl Fn(&Path) -> Vec<PathBuf>) -> Scene {
        let (place, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
        let folders = make(&place.path().canonicalize().unwrap());
        let folders: Vec<Value> = folders.iter().map(|folder| json!({"uri": uri(folder), "name": "f"})).collect();
        let params = json!({"processId": null, "rootUri": null, "workspaceFolders": folders});
        Scene::begin(config, provider, place, params).await
    }

    /// A server with one model for a client that introduces itself so.
    async fn begin(config: &str, provider: FakeProvider, place: tempfile::TempDir, mut params: Value) -> Scene {
        provider.always(Answer::new(&["answer", "();"]));
        let root = place.path().canonicalize().unwrap();
        let model = format!(
            "debounce_ms = 0\nspeculate = false\n{config}\n[model.m]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = 'qwen2.5-coder'\ntier = 'cheap'\ncontext = 8000\n\
             price = {{ input = 1, output = 1, as_of = '2026-11-23' }}\n[tasks.expression]\ndeadline_ms = 30000\n",
            provider.base_url()
        );
        write(&root.join("config/config.toml"), &model);
        let ledger = Some(root.join("config/ledger.sqlite"));
        let mut editor =
            Editor::in_memory(Options { config: Some(root.join("config/config.toml")), ledger, discover: false });
        params["capabilities"] = inline();
        editor.request("initialize", params).await;
        editor.notify("initialized", json!({})).await;
        Scene { place, provider, editor }
    }

    fn root(&self) -> PathBuf {
        self.place.path().canonicalize().unwrap()
    }

    /// Opens a document with the marker, edits it, asks in it by a key, and closes it. Returns what is shown.
    async fn ask(&mut self, uri: &str, name: &str) -> Option<String> {
        let text = format!("fn {name}() {{\n    let {name} = \n    print({name});\n}}\n");
        self.editor.open(uri, "rust", 1, "\n").await;
        self.editor.change(uri, 2, json!([{"text": text}])).await;
        let position = json!({"line": 1, "character": format!("    let {name} = ").len()});
        let place = json!({"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}});
        let found = self.editor.request("textDocument/inlineCompletion", place).await;
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    /// Asks where nothing may leave.
    async fn is_silent(&mut self, uri: &str) {
        let before = self.provider.seen().len();
        assert_eq!(self.ask(uri, MARKER).await, None, "{uri}");
        assert_eq!(self.provider.seen().len(), before, "{uri}: a model was asked");
        self.editor.close(uri).await;
    }

    /// Asks where a model may be asked, and sees that no marker leaves.
    async fn is_answered(&mut self, uri: &str) {
        assert_eq!(self.ask(uri, "ordinary").await.as_deref(), Some("answer();"), "{uri}");
        for seen in self.provider.seen() {
            assert!(!seen.body.to_string().contains(MARKER), "{uri}: {}", seen.body);
        }
        self.editor.close(uri).await;
    }
}

/// A folder that is off, one in which Rust is ignored, one whose nested folder is off, and one without rules; links to and from each.
fn folders(root: &Path) -> Vec<PathBuf> {
    write(&root.join("off/.pennyworth.toml"), "enabled = false\n");
    write(&root.join("skip/.pennyworth.toml"), "ignore = ['/src/*.rs']\n");
    write(&root.join("open/nested/.pennyworth.toml"), "enabled = false\n");
    write(&root.join("open/src/a.rs"), "");
    write(&root.join("elsewhere/.pennyworth.toml"), "enabled = false\n");
    for (target, link) in [
        ("off", "link"),
        ("skip", "other-link"),
        ("../off/a.rs", "open/link.rs"),
        ("../off", "open/linked"),
        ("../open/src/a.rs", "off/out.rs"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    write(&root.join("off/a.rs"), "");
    vec![root.join("open")]
}

#[tokio::test]
async fn the_rules_of_its_place_hold_whatever_a_document_is_called() {
    let mut scene = Scene::new("", folders).await;
    let root = scene.root();
    let at = root.display().to_string();
    for silent in [
        uri(&root.join("off/a.rs")),
        uri(&root.join("off/new/deep.rs")),
        uri(&root.join("elsewhere/x/y/a.rs")),
        uri(&root.join("open/nested/a.rs")),
        uri(&root.join("open/link.rs")),
        uri(&root.join("open/linked/a.rs")),
        uri(&root.join("off/out.rs")),
        uri(&root.join("link/a.rs")),
        uri(&root.join("skip/src/a.rs")),
        uri(&root.join("other-link/src/a.rs")),
        uri(&root.join("open/.env")),
        uri(&root.join("open/.git/a.rs")),
        format!("file://{at}/o%66f/a%2Ers"),
        format!("FILE://{at}/off/./x/../a.rs"),
        format!("file://localhost{at}/off/a.rs"),
        format!("file:{at}/off/a.rs"),
        format!("{at}/off/a.rs"),
        format!("vscode-notebook-cell:{at}/off/n.ipynb#W0sZmlsZQ%3D%3D"),
        format!("vscode-remote://ssh-remote%2Bhost{at}/off/a.rs"),
        format!("untitled:{at}/off/a.rs"),
        format!("git:{at}/off/a.rs?%7B%22ref%22%3A%22~%22%7D"),
        format!("fugitive://{at}/open/nested/.git//0/a.rs"),
        format!("jar:file://{at}/off/x.jar!/a.rs"),
        format!("untitled:{at}/open/.env"),
        "untitled:.env".to_owned(),
        format!("file://{at}/open/.env?x=1"),
        format!("file://{at}/open/.env#L1"),
        format!("file://{at}/open/.env?"),
        format!("{at}/open/.env#L1"),
        format!("file://{at}/skip/src/a.rs?v=1"),
        format!("file://{at}/open/x%2F..%2Fnested/a.rs"),
        format!("{at}/open/x/../nested/a.rs"),
        format!("untitled:{}/off/a.rs", at.replace('/', "%2F")),
        format!("vscode-notebook-cell:{}%2Foff%2Fn.ipynb#x", at.replace('/', "%2F")),
    ] {
        scene.is_silent(&silent).await;
    }
    for answered in [
        uri(&root.join("open/src/a.rs")),
        uri(&root.join("skip/a.rs")),
        format!("vscode-notebook-cell:{at}/open/n.ipynb#1"),
        "untitled:Untitled-1".to_owned(),
        "file://host/share/a.rs".to_owned(),
        "file://".to_owned(),
        "jdt://contents/java.base/java.util/List.rs?=x".to_owned(),
    ] {
        scene.is_answered(&answered).await;
    }
    assert_eq!(scene.editor.shutdown().await, 0);
}

#[tokio::test]
async fn a_document_without_a_place_is_under_the_rules_of_all_folders() {
    for (rules, uris) in [
        (
            "enabled = false\n",
            &[
                "untitled:Untitled-1",
                "untitled:Untitled-1.rs",
                "vscode-vfs://github/o/r/a.rs",
                "file://host/share/a.rs",
                "file://",
                "jdt://contents/a.rs",
                "no uri",
                "inmemory://model/1",
            ][..],
        ),
        ("ignore = ['*.rs']\n", &["untitled:Untitled-1.rs", "vscode-vfs://github/o/r/a.rs", "file://host/share/a.rs"]),
        ("languages = { rust = false }\n", &["untitled:Untitled-1", "inmemory://model/1"]),
    ] {
        let make = |root: &Path| {
            write(&root.join("strict/.pennyworth.toml"), rules);
            write(&root.join("open/.pennyworth.toml"), "enabled = true\n");
            vec![root.join("open"), root.join("strict")]
        };
        let mut scene = Scene::new("", make).await;
        for uri in uris {
            scene.is_silent(uri).await;
        }
        let path = uri(&scene.root().join("open/a.rs"));
        scene.is_answered(&path).await;
        assert_eq!(scene.editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn a_cell_is_under_the_rules_of_its_notebook() {
    let mut scene = Scene::new("", folders).await;
    let root = scene.root();
    write(&root.join("skip/.pennyworth.toml"), "ignore = ['*.ipynb']\n");
    for notebook in ["off/n.ipynb", "skip/n.ipynb", "open/nested/n.ipynb"] {
        let notebook = uri(&root.join(notebook));
        for cell in [
            "cell:1",
            "jupyter-cell://abc/1",
            "untitled:cell1",
            "vscode-interactive-input:/InteractiveInput-1",
            "file:///tmp/x.rs",
        ] {
            let cells = json!([{"kind": 2, "document": cell}]);
            let document = json!({"uri": notebook, "notebookType": "jupyter-notebook", "version": 1, "cells": cells});
            let opened = json!({"notebookDocument": document, "cellTextDocuments": []});
            scene.editor.notify("notebookDocument/didOpen", opened).await;
            scene.is_silent(cell).await;
            let closed = json!({"notebookDocument": {"uri": notebook}, "cellTextDocuments": [{"uri": cell}]});
            scene.editor.notify("notebookDocument/didClose", closed).await;
        }
    }
    // What was edited in the cells is quoted nowhere.
    scene.is_answered(&uri(&root.join("open/src/a.rs"))).await;
    scene.is_answered("untitled:another").await;
    assert_eq!(scene.editor.shutdown().await, 0);
}

#[tokio::test]
async fn the_rules_of_open_folders_hold_whatever_these_are_called() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().canonicalize().unwrap();
    write(&root.join("off/.pennyworth.toml"), "enabled = false\n");
    let at = root.join("off").display().to_string();
    let folder =
        |uri: String| json!({"processId": null, "rootUri": null, "workspaceFolders": [{"uri": uri, "name": "f"}]});
    for params in [
        folder(format!("vscode-remote://ssh-remote%2Bhost{at}")),
        folder(format!("file://host{at}")),
        folder(format!("vscode-vfs://github{at}")),
        json!({"processId": null, "rootUri": null, "rootPath": at}),
    ] {
        let (own, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
        let mut scene = Scene::begin("", provider, own, params).await;
        for uri in ["untitled:U1", "vscode-notebook-cell:x#1"] {
            scene.is_silent(uri).await;
        }
        assert_eq!(scene.editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn a_document_may_lie_in_any_number_of_folders() {
    let mut scene = Scene::new("", folders).await;
    let at = scene.root().display().to_string();
    for deep in [
        format!("file://{at}/open/{}a.rs", "a/".repeat(5_000)),
        format!("file:///{}a.rs", "a/".repeat(100_000)),
        format!("untitled:/{}a.rs", "a/".repeat(10_000)),
        format!("vscode-notebook-cell:{at}/open/{}a.ipynb#1", "a/".repeat(10_000)),
        format!("untitled:{}a.rs", "%2Fa".repeat(10_000)),
        format!("untitled:{}a.rs", "a%2F".repeat(10_000)),
    ] {
        scene.is_silent(&deep).await;
    }
    scene.is_answered(&format!("{at}/open/{}src/a.rs", "a/../".repeat(10_000))).await;
    // Wrapped in itself any number of times.
    scene.ask(&format!("{}a.rs", "ab:".repeat(20_000)), "ordinary").await;
    let path = uri(&scene.root().join("open/src/a.rs"));
    scene.is_answered(&path).await;
    assert_eq!(scene.editor.shutdown().await, 0);
}

#[tokio::test]
async fn rules_that_another_program_writes_hold_once_a_document_is_saved_or_opened() {
    for name in ["open/src/.pennyworth.toml", "open/.pennyworth.toml", "open/src/.gitignore"] {
        let mut scene = Scene::new("", folders).await;
        let rules = if name.ends_with("toml") { "enabled = false\n" } else { "*.rs\n" };
        let (file, path) = (scene.root().join(name), uri(&scene.root().join("open/src/a.rs")));
        scene.is_answered(&path).await;
        write(&file, rules);
        // This client watches no files.
        scene.editor.notify("textDocument/didSave", json!({"textDocument": {"uri": path}})).await;
        while scene.ask(&path, "ordinary").await.is_some() {
            scene.editor.close(&path).await;
        }
        scene.is_silent(&path).await;
        assert_eq!(scene.editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn a_settings_file_that_is_saved_unchanged_forgets_no_key() {
    let make = |root: &Path| {
        write(&root.join("w/.pennyworth.toml"), "cap_usd_per_day = 0.4\n");
        vec![root.join("w")]
    };
    let mut scene = Scene::new("", make).await;
    let (root, path) = (scene.root(), uri(&scene.root().join("w/a.rs")));
    scene.is_answered(&path).await;
    let calls = scene.provider.seen().len();
    for _ in 0..5 {
        write(&root.join("w/.pennyworth.toml"), "cap_usd_per_day = 0.4\n");
        scene
            .editor
            .notify("textDocument/didSave", json!({"textDocument": {"uri": uri(&root.join("w/.pennyworth.toml"))}}))
            .await;
    }
    // A changed rule comes through behind them, and answers are still known.
    write(&root.join("w/.pennyworth.toml"), "cap_usd_per_day = 0.3\n");
    scene
        .editor
        .notify("textDocument/didSave", json!({"textDocument": {"uri": uri(&root.join("w/.pennyworth.toml"))}}))
        .await;
    let mut status = Value::Null;
    while status["cap_usd_per_day"] != json!(0.3) {
        status = scene.editor.request("workspace/executeCommand", json!({"command": "pennyworth.status"})).await;
    }
    scene.is_answered(&path).await;
    assert_eq!(scene.provider.seen().len(), calls, "the answer was forgotten");
    assert_eq!(scene.editor.shutdown().await, 0);
}

#[tokio::test]
async fn a_language_that_is_off_is_not_completed_inside_of_another_one() {
    let mut scene = Scene::new("languages = { javascript = false, python = false }", |root| vec![root.join("")]).await;
    let at = scene.root();
    for (name, language, text, line, is_asked) in [
        ("a.html", "html", "<p>a</p>\n<script>\nlet total = \n</script>\n", 2, false),
        ("a.md", "markdown", "# A\n\n```python\ntotal = \n```\n", 3, false),
        ("b.md", "markdown", "# A\n\n```go\ntotal := \n```\n", 3, true),
        // Where its text stands beside the cursor.
        ("c.md", "markdown", "# A\n\n```python\ntotal = 1\n```\n\n```go\ntotal := \n```\n", 7, false),
        ("a.vue", "vue", "<script>\nlet total = \n</script>\n", 1, false),
        ("b.vue", "vue", "<script lang=\"ts\">\nlet total = \n</script>\n", 1, true),
    ] {
        let document = uri(&at.join(name));
        scene.editor.open(&document, language, 1, text).await;
        let character = text.lines().nth(line).unwrap().len();
        let place = json!({"textDocument": {"uri": document}, "position": {"line": line, "character": character}, "context": {"triggerKind": 1}});
        let before = scene.provider.seen().len();
        scene.editor.request("textDocument/inlineCompletion", place).await;
        assert_eq!(scene.provider.seen().len() > before, is_asked, "{name}");
    }
    assert_eq!(scene.editor.shutdown().await, 0);
}

#[tokio::test]
async fn a_linked_root_has_one_set_of_rules_by_both_of_its_names() {
    let make = |root: &Path| {
        write(&root.join("real/.pennyworth.toml"), "enabled = false\n");
        symlink("real", root.join("linked")).unwrap();
        vec![root.join("linked")]
    };
    let mut scene = Scene::new("", make).await;
    let root = scene.root();
    for silent in [uri(&root.join("real/a.rs")), uri(&root.join("linked/a.rs")), "untitled:a".to_owned()] {
        scene.is_silent(&silent).await;
    }
    assert_eq!(scene.editor.shutdown().await, 0);
}

#[tokio::test]
async fn the_text_of_what_is_off_stands_in_no_other_prompt() {
    let make = |root: &Path| {
        write(&root.join("w/.pennyworth.toml"), "languages = { python = false, javascript = false }\n");
        write(&root.join("w/off/.pennyworth.toml"), "enabled = false\n");
        write(&root.join("w/off/b.rs"), &format!("fn {MARKER}() {{\n    print({MARKER}_by_walk);\n}}\n").repeat(9));
        write(&root.join("w/b.html"), &format!("<script>\n{}", format!("print({MARKER}_by_walk);\n").repeat(9)));
        write(&root.join("w/b.py"), &format!("def {MARKER}():\n    print({MARKER}_by_walk)\n").repeat(9));
        vec![root.join("w")]
    };
    let mut scene = Scene::new("", make).await;
    let root = scene.root();
    for (name, language, head) in [
        ("w/a.py", "python", ""),
        ("w/off/a.rs", "rust", ""),
        ("w/a.html", "html", "<script>\n"),
        ("w/a.php", "php", "<script>\n"),
        ("w/a.md", "markdown", "```python\n"),
        ("w/n.py", "python", ""),
    ] {
        let path = uri(&root.join(name));
        scene.editor.open(&path, language, 1, "\n").await;
        let text = head.to_owned() + &format!("{MARKER}({MARKER}_as_edited)\n").repeat(9);
        scene.editor.change(&path, 2, json!([{"text": text}])).await;
    }
    for name in ["one", "two", "three"] {
        let path = uri(&root.join(format!("w/{name}.rs")));
        scene.is_answered(&path).await;
    }
    // What the embedded model knows is suggested at once.
    let path = uri(&root.join("w/last.rs"));
    let text = format!("fn last() {{\n    {MARKER}(\n}}\n");
    scene.editor.open(&path, "rust", 1, &text).await;
    let place = json!({"textDocument": {"uri": path}, "position": {"line": 1, "character": MARKER.len() + 5}, "context": {"triggerKind": 2}});
    let shown = scene.editor.request("textDocument/inlineCompletion", place).await.to_string();
    assert!(!shown.contains(MARKER), "{shown}");
    assert_eq!(scene.editor.shutdown().await, 0);
}

/// A line of which the beginning leads to the rest once it is learned.
fn lesson(name: &str) -> String {
    format!("fn {name}() {{\n    {name}_engine.start_{name}_sequence({name}_parameters);\n}}\n").repeat(3)
}

/// The answer behind the beginning of a lesson's line, in a document with nothing else.
async fn recalled(editor: &mut Editor, document: &str, version: i32, name: &str) -> bool {
    let call = format!("    {name}_engine.start_{name}_sequence(");
    editor.change(document, version, json!([{"text": format!("fn new() {{\n{call}\n}}\n")}])).await;
    let position = json!({"line": 1, "character": call.len()});
    let place = json!({"textDocument": {"uri": document}, "position": position, "context": {"triggerKind": 2}});
    editor.request("textDocument/inlineCompletion", place).await.to_string().contains(&format!("{name}_parameters"))
}

/// Waits until the workspace was read this many times since the last call.
async fn read(editor: &mut Editor, times: usize) {
    for kind in ["begin", "end"].repeat(times) {
        loop {
            let note = editor.note("$/progress").await;
            if note.pointer("/value/kind").and_then(Value::as_str) == Some(kind) {
                break;
            }
        }
    }
}

async fn changed(editor: &mut Editor, paths: &[PathBuf]) {
    let changes: Vec<Value> = paths.iter().map(|path| json!({"uri": uri(path), "type": 2})).collect();
    editor.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes })).await;
}

#[tokio::test]
async fn what_is_switched_off_while_the_server_runs_is_forgotten_and_learned_again_afterwards() {
    for (file, off, on) in [
        ("w/sub/.pennyworth.toml", "enabled = false\n", "enabled = true\n"),
        ("w/.pennyworth.toml", "languages = { rust = false, lua = true }\n", ""),
        ("w/.gitignore", "/sub/\n", ""),
        ("w/sub/.gitignore", "*\n", "\n"),
    ] {
        let make = |root: &Path| {
            write(&root.join("w/sub/rocket.rs"), &lesson("rocket"));
            write(&root.join("w/other.lua"), "local x = 1\n");
            vec![root.join("w")]
        };
        let mut scene = Scene::new("", make).await;
        scene.provider.always(Answer::new(&["nothing", "();"]));
        let root = scene.root();
        let document = uri(&root.join("new.lua"));
        scene.editor.open(&document, "lua", 1, "").await;
        read(&mut scene.editor, 1).await;
        let open = uri(&root.join("w/sub/open.rs"));
        scene.editor.open(&open, "rust", 1, &lesson("opened")).await;
        let mut version = 1;
        for (text, expected) in [("", true), (off, false), (on, true)] {
            if version > 1 {
                write(&root.join(file), text);
                changed(&mut scene.editor, &[root.join(file)]).await;
                read(&mut scene.editor, 1).await;
            }
            for name in ["rocket", "opened"] {
                version += 1;
                let found = recalled(&mut scene.editor, &document, version, name).await;
                assert_eq!(found, expected, "{file} says {text:?}: {name}");
            }
        }
        assert_eq!(scene.editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn a_file_with_rules_that_is_saved_often_is_read_once_and_what_did_not_change_is_kept() {
    let make = |root: &Path| {
        write(&root.join("w/.gitignore"), "target\n");
        write(&root.join("w/a.rs"), &lesson("rocket"));
        vec![root.join("w")]
    };
    let mut scene = Scene::new("[embedded]\nindex = true\n", make).await;
    let root = scene.root();
    read(&mut scene.editor, 1).await;
    let document = uri(&root.join("w/kept.rs"));
    scene.is_answered(&document).await;
    let calls = scene.provider.seen().len();

    // Saved without a change: nothing is read and nothing forgotten.
    for _ in 0..20 {
        write(&root.join("w/.gitignore"), "target\n");
        changed(&mut scene.editor, &[root.join("w/.gitignore")]).await;
    }
    // Saved with changes: the workspace is read once, behind the last.
    for number in 0..20 {
        write(&root.join("w/.gitignore"), &format!("target\nunused-{number}\n"));
        changed(&mut scene.editor, &[root.join("w/.gitignore")]).await;
    }
    read(&mut scene.editor, 1).await;
    assert_eq!(scene.ask(&document, "ordinary").await.as_deref(), Some("answer();"));
    assert_eq!(scene.provider.seen().len(), calls, "the answer was forgotten");
    let begun = scene.editor.noted("$/progress").iter().filter(|note| note["value"]["kind"] == "begin").count();
    assert_eq!(begun, 0, "it is read again and again");
    assert_eq!(scene.editor.shutdown().await, 0);
}

#[tokio::test]
async fn two_documents_with_one_last_name_have_calls_of_their_own() {
    let mut scene = Scene::new("", |_| Vec::new()).await;
    scene.provider.always(Answer { fault: Fault::HeldAfter(0), ..Answer::new(&["answer", "();"]) });
    let uris = ["untitled:one/a.rs", "untitled:two/a.rs"];
    let mut asked = Vec::new();
    for (number, uri) in uris.iter().enumerate() {
        let text = format!("fn main_{number}() {{\n    let greeting = \n    print(greeting);\n}}\n");
        scene.editor.open(uri, "rust", 1, &text).await;
        let place = json!({"textDocument": {"uri": uri}, "position": {"line": 1, "character": 19}, "context": {"triggerKind": 1}});
        asked.push(scene.editor.send("textDocument/inlineCompletion", place).await);
        while scene.provider.seen().len() <= number {
            scene.editor.request("workspace/executeCommand", json!({"command": "pennyworth.status"})).await;
        }
    }
    for id in asked {
        scene.provider.release();
        let found = scene.editor.answer(id).await.unwrap();
        assert_eq!(found.pointer("/items/0/insertText"), Some(&json!("answer();")));
    }
    assert_eq!(scene.editor.shutdown().await, 0);
}

#[tokio::test]
async fn a_whole_disk_or_home_is_no_workspace() {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    for wide in [Some(PathBuf::from("/")), home].into_iter().flatten() {
        let mut scene = Scene::new("", |_| vec![wide.clone()]).await;
        let path = uri(&scene.root().join("a.rs"));
        scene.is_answered(&path).await;
        let sent = scene.provider.seen()[0].body.to_string();
        assert!(!sent.contains(scene.root().to_str().unwrap()), "the path is no part of the prompt: {sent}");
        // The document itself is known, soon.
        let mut status = Value::Null;
        while status.is_null() || status["files"] == json!(0) {
            status = scene.editor.request("workspace/executeCommand", json!({"command": "pennyworth.status"})).await;
        }
        assert_eq!((&status["state"], &status["files"]), (&json!("ready"), &json!(1)), "{}: {status}", wide.display());
        assert_eq!(scene.editor.shutdown().await, 0);
    }
}
