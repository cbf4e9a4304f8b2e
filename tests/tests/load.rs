//! Many model calls in flight that are never answered. Nothing may wait for them: not edits, cancellations or cached suggestions, and not
//! the shutdown. Each request has one answer, and each call a row. It leaves the faults of a single call to `models.rs`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::SystemTime;

use pennyworth::ledger::Ledger;
use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use pennyworth_tests::until::until;
use serde_json::{Value, json};

const DOCUMENTS: usize = 100;
const SOURCE: &str = "fn main() {\n    let greeting = \n    print(greeting);\n}\n";
/// The error code of a request that was cancelled or superseded.
const CANCELLED: i64 = -32800;

fn uri(document: usize) -> String {
    format!("file:///project/{document}.rs")
}

/// A request by a key, so that the call has ten seconds; no part of the test takes as long.
fn place(uri: &str) -> Value {
    json!({"textDocument": {"uri": uri}, "position": {"line": 1, "character": 19}, "context": {"triggerKind": 1}})
}

async fn ask(editor: &mut Editor, document: usize) -> i64 {
    editor.send("textDocument/inlineCompletion", place(&uri(document))).await
}

/// Waits until the provider has this many calls.
async fn called(provider: &FakeProvider, calls: usize) {
    until(|| provider.seen().len() >= calls).await;
}

async fn assert_cancelled(editor: &mut Editor, asked: &[i64]) {
    for id in asked {
        let answer = editor.answer(*id).await;
        let code = answer.as_ref().err().map(|error| error["code"].clone());
        assert_eq!(code, Some(json!(CANCELLED)), "{answer:?}");
    }
}

#[tokio::test]
async fn calls_that_are_never_answered_hold_up_nothing() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
    provider.answer(Answer::new(&["\"hello\";"]));
    provider.always(Answer::default().with(Fault::HangBeforeFirstByte));
    let config = folder.path().join("config.toml");
    let model = format!(
        "[embedded]\nenabled = false\n[model.fake]\nprotocol = \"openai\"\nbase_url = \"{}\"\nmodel = \"qwen2.5-coder\"\n\
         tier = \"local\"\ncontext = 8000\nstop_limit = 4\nchars_per_token = 4.0\nabort_billed = \"no\"\n\
         price = {{ input = 0, cached = 0, output = 0, as_of = \"2026-11-23\" }}\n",
        provider.base_url()
    );
    std::fs::write(&config, model).unwrap();
    let account = folder.path().join("ledger.sqlite");
    let mut editor =
        Editor::in_memory(Options { config: Some(config), ledger: Some(account.clone()), discover: false });
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    let ready = "file:///project/ready.py";
    editor.open(ready, "python", 1, "def main():\n    greeting =     \n    print(greeting)\n").await;
    let first = editor.request("textDocument/inlineCompletion", place(ready)).await;
    assert!(first.pointer("/items/0/insertText").is_some(), "{first}");

    let mut rounds = Vec::new();
    for document in 0..DOCUMENTS {
        editor.open(&uri(document), "rust", 1, SOURCE).await;
    }
    // A second request at the same place waits for the same call.
    for _ in 0..2 {
        let mut asked = Vec::new();
        for document in 0..DOCUMENTS {
            asked.push(ask(&mut editor, document).await);
        }
        called(&provider, 1 + DOCUMENTS).await;
        rounds.push(asked);
    }
    assert_cancelled(&mut editor, &rounds[0]).await;

    let (edited, rest) = rounds[1].split_at(DOCUMENTS / 2);
    let (cancelled, held) = rest.split_at(DOCUMENTS / 4);
    for version in 2..6 {
        for document in 0..edited.len() {
            let start = json!({"line": 0, "character": 0});
            let change = json!([{"range": {"start": start, "end": start}, "text": format!("// {version}\n")}]);
            editor.change(&uri(document), version, change).await;
        }
    }
    for id in cancelled {
        editor.cancel(*id).await;
    }
    assert_cancelled(&mut editor, edited).await;
    assert_cancelled(&mut editor, cancelled).await;
    for document in 0..edited.len() {
        let text = editor.request("pennyworth/viewFileText", json!({"uri": uri(document)})).await;
        assert_eq!(text, json!(format!("// 5\n// 4\n// 3\n// 2\n{SOURCE}")));
    }
    let mut typing = place(ready);
    typing["context"]["triggerKind"] = json!(2);
    let again = editor.request("textDocument/inlineCompletion", typing).await;
    assert_eq!(again.pointer("/items/0/insertText"), first.pointer("/items/0/insertText"), "it is there already");
    assert!(editor.request("textDocument/inlineCompletion", place("file:///project/closed.rs")).await.is_null());

    // An answer of `null` would mean that the shutdown waited until the calls gave up.
    editor.request("shutdown", Value::Null).await;
    assert_cancelled(&mut editor, held).await;
    editor.notify("exit", Value::Null).await;
    assert_eq!(editor.ended().await, 0);
    let total = Ledger::open(Some(&account)).0.report(SystemTime::UNIX_EPOCH).unwrap().total;
    let (calls, aborted) = (1 + DOCUMENTS as u64, DOCUMENTS as u64);
    assert_eq!((total.calls, total.aborted), (calls, aborted), "{total:?}");
}
