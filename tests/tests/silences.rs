//! What requests got is counted in the ledger: where suggestions came from, and why nothing was suggested. At the protocol's boundary, and as
//! `pennyworth stats` prints it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use pennyworth::ledger::Ledger;
use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use pennyworth_tests::paid;
use pennyworth_tests::project::Project;
use serde_json::{Value, json};

/// A request at the mark of a new document, by typing.
async fn ask(editor: &mut Editor, name: &str, source: &str) -> bool {
    let uri = format!("file:///project/{name}.rs");
    let (before, after) = source.split_once('ˇ').unwrap();
    editor.open(&uri, "rust", 1, &[before, after].concat()).await;
    let position = json!({"line": before.matches('\n').count(), "character": before.lines().last().unwrap().len()});
    let place = json!({"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 2}});
    let found = editor.request("textDocument/inlineCompletion", place.clone()).await;
    let again = editor.request("textDocument/inlineCompletion", place).await;
    assert_eq!(found.is_null(), again.is_null(), "{name}");
    !found.is_null()
}

#[tokio::test]
async fn each_request_counts_by_what_it_got() {
    let provider = FakeProvider::start().await.unwrap();
    let project = Project::new();
    let config = format!("debounce_ms = 0\nexplore = 0.0\n{}", paid::row("m", &provider.base_url()));
    project.write("config.toml", &format!("discover = false\n{config}\n[embedded]\nenabled = false\n"));
    let path = paid::ledger(project.home());
    let options = Options { config: Some(project.path("config.toml")), ledger: Some(path.clone()), discover: false };
    let mut editor = Editor::in_memory(options);
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    // The ledger opens after `initialize`, and this waits for it.
    editor.request("workspace/executeCommand", json!({"command": "pennyworth.stats"})).await;
    provider.always(Answer::new(&["1 + 2;"]));
    assert!(ask(&mut editor, "a", "fn total() -> u32 {\n    let sum = ˇ\n}\n").await);
    assert!(!ask(&mut editor, "b", "fn total() -> u32 {\n    let sum = toˇtal;\n}\n").await);
    provider.always(Answer::new(&[""]));
    assert!(!ask(&mut editor, "c", "fn other() -> u32 {\n    let number = ˇ\n}\n").await);
    editor.shutdown().await;

    let (ledger, _) = Ledger::open(Some(&path));
    let mut found: BTreeMap<(String, String), u64> = BTreeMap::new();
    for replies in ledger.replies("").unwrap() {
        assert_eq!(replies.language, "rust");
        *found.entry((replies.reply, replies.task)).or_default() += replies.count;
    }
    let found: Vec<(&str, u64)> = found.iter().map(|((reply, _), count)| (reply.as_str(), *count)).collect();
    assert_eq!(found, [("cache", 1), ("earlier", 1), ("empty", 1), ("mid_word", 2), ("model", 1)]);
    drop(ledger);

    let (code, out, notes) = project.run(&["stats"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(out.contains("4 of 6 requests got no suggestion"), "{out}");
    assert!(out.contains("50 % the cursor was in the middle of a word"), "{out}");
    let (_, out, _) = project.run(&["stats", "--json"]).await;
    let stats: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(stats["silences"]["silent"], 4, "{out}");
}
