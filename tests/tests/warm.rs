//! Warming: before anybody waits, a model server on this machine reads the beginning of the next prompts. That is what was lately edited in
//! other files, and nothing of files that no model may see.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::SystemTime;

use pennyworth::ledger::Ledger;
use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, uri};
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Seen};
use pennyworth_tests::until::until;
use serde_json::{Value, json};

async fn wait_for(provider: &FakeProvider, count: usize) -> Vec<Seen> {
    until(|| provider.seen().len() >= count).await;
    provider.seen()
}

/// The names and texts of other files in a request.
fn told(seen: &Seen) -> Vec<(String, String)> {
    let all = seen.body["input_extra"].as_array().unwrap().iter();
    all.map(|one| (one["filename"].as_str().unwrap().to_owned(), one["text"].as_str().unwrap().to_owned())).collect()
}

async fn edit(editor: &mut Editor, folder: &Path, name: &str, text: &str) {
    let uri = uri(&folder.join(name));
    editor.open(&uri, "rust", 1, "\n").await;
    editor.change(&uri, 2, json!([{ "text": text }])).await;
}

#[tokio::test]
async fn a_local_server_reads_ahead_what_was_edited_in_other_files_and_may_be_seen() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
    provider.always(Answer::new(&["two", "();"]));
    let root = folder.path().canonicalize().unwrap();
    std::fs::write(root.join(".gitignore"), "hidden.rs\n").unwrap();
    let config = format!(
        "debounce_ms = 0\n[embedded]\nindex = false\n[model.m]\nprovider = 'llamacpp'\nbase_url = '{}'\nmodel = 'qwen2.5-coder'\n",
        provider.base_url().trim_end_matches("/v1")
    );
    let place = tempfile::tempdir().unwrap();
    let (path, ledger) = (place.path().join("config.toml"), place.path().join("ledger.sqlite"));
    std::fs::write(&path, config).unwrap();
    let mut editor = Editor::in_memory(Options { config: Some(path), ledger: Some(ledger.clone()), discover: false });
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, Some(&root)).await;

    edit(&mut editor, &root, "hidden.rs", "fn hidden() {}\n").await;
    edit(&mut editor, &root, ".env", "fn secret() {}\n").await;
    edit(&mut editor, &root, "one.rs", "fn two() -> u8 { 2 }\n").await;
    let seen = wait_for(&provider, 1).await;
    assert_eq!((seen[0].line.as_str(), &seen[0].body["n_predict"]), ("POST /infill", &json!(0)), "the model is loaded");
    assert!(told(&seen[0]).is_empty());

    edit(&mut editor, &root, "main.rs", "fn main() {\n    let a = \n}\n").await;
    let seen = wait_for(&provider, 2).await;
    let one = ("one.rs".to_owned(), "fn two() -> u8 { 2 }".to_owned());
    assert_eq!(seen[1].body["n_predict"], 0);
    assert_eq!(told(&seen[1]), std::slice::from_ref(&one));

    let place = json!({"textDocument": {"uri": uri(&root.join("main.rs"))}, "position": {"line": 1, "character": 12},
        "context": {"triggerKind": 1}});
    let found = editor.request("textDocument/inlineCompletion", place).await;
    assert_eq!(found.pointer("/items/0/insertText"), Some(&json!("two();")));
    let seen = wait_for(&provider, 3).await;
    assert!(seen[2].body["n_predict"].as_u64().unwrap() > 0);
    assert_eq!(told(&seen[2]), [one], "what was read ahead");
    editor.shutdown().await;

    let (ledger, _) = Ledger::open(Some(&ledger));
    let report = ledger.report(SystemTime::UNIX_EPOCH).unwrap();
    let warming: u64 = report.rows.iter().filter(|row| row.task == "warming").map(|row| row.calls).sum();
    assert_eq!((report.total.calls, warming), (3, 2), "each has its row");
    assert!(
        seen.iter()
            .all(|seen| !seen.body.to_string().contains("secret()") && !seen.body.to_string().contains("hidden()"))
    );
}
