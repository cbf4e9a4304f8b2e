//! The path of a model at the protocol's boundary: a configuration names one, a fake provider plays it, and the tests compare what is shown,
//! sent, billed and recorded. The provider keeps its own bill.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::SystemTime;

use pennyworth::ledger::Ledger;
use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use pennyworth_tests::until::until;
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";
const SOURCE: &str = "fn main() {\n    let greeting = \n    print(greeting);\n}\n";
/// Behind `greeting = `.
const PLACE: (u32, u32) = (1, 19);

/// A configuration with one model at an address; `more` are lines of its table, `head` lines before it.
fn config(folder: &Path, head: &str, base_url: &str, more: &str) -> Options {
    let path = folder.join("config.toml");
    let text = format!(
        "{head}\n[model.fake]\nprotocol = \"openai\"\nbase_url = \"{base_url}\"\nmodel = \"qwen2.5-coder\"\ntier = \"local\"\n\
         context = 8000\nstop_limit = 4\nchars_per_token = 4.0\nabort_billed = \"no\"\n{more}\n"
    );
    std::fs::write(&path, text).unwrap();
    Options { config: Some(path), ledger: Some(folder.join("ledger.sqlite")), discover: false }
}

const FREE: &str = "price = { input = 0, cached = 0, output = 0, as_of = \"2026-11-23\" }";
const PRICED: &str = "price = { input = 100.0, cached = 100.0, output = 1000.0, as_of = \"2026-11-23\" }";

async fn editor(options: Options) -> Editor {
    let mut editor = Editor::in_memory(options);
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    editor.open(URI, "rust", 1, SOURCE).await;
    editor
}

fn place(kind: u32) -> Value {
    let (line, character) = PLACE;
    json!({
        "textDocument": {"uri": URI}, "position": {"line": line, "character": character},
        "context": {"triggerKind": kind}
    })
}

/// What is shown for a request by a key.
async fn shown(editor: &mut Editor) -> Option<String> {
    let found = editor.request("textDocument/inlineCompletion", place(1)).await;
    found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
}

/// The ledger's total, once everything is written.
fn total(folder: &Path) -> pennyworth::ledger::Row {
    let (ledger, notice) = Ledger::open(Some(&folder.join("ledger.sqlite")));
    assert_eq!(notice, None);
    ledger.report(SystemTime::UNIX_EPOCH).unwrap().total
}

#[tokio::test]
async fn a_model_is_asked_once_cut_to_what_fits_and_written_down() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
    provider.always(Answer::new(&["\"hel", "lo\";", "\n    print(greeting);\n}\n"]));
    let mut editor = editor(config(folder.path(), "cap_usd_per_day = 5.0", &provider.base_url(), PRICED)).await;
    assert_eq!(shown(&mut editor).await.as_deref(), Some("\"hello\";"), "nothing that follows already");
    let again = editor.request("textDocument/inlineCompletion", place(2)).await;
    assert_eq!(again.pointer("/items/0/insertText").and_then(Value::as_str), Some("\"hello\";"));
    let seen = provider.seen();
    assert_eq!(seen.len(), 1, "the second time it is there already");
    assert_eq!(seen[0].line, "POST /v1/completions");
    let most = seen[0].body.get("max_tokens").and_then(Value::as_u64).expect("every call has a ceiling");
    assert!(most <= 256, "{most}");
    assert!(seen[0].body["prompt"].as_str().unwrap().contains("let greeting ="));
    editor.shutdown().await;
    let account = total(folder.path());
    assert_eq!((account.calls, account.failed), (1, 0), "{account:?}");
    assert!(account.cost.usd() > 0.0 && account.shown >= 1, "{account:?}");
}

#[tokio::test]
async fn at_the_cap_nothing_is_sent() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
    provider.always(Answer::new(&["1;"]));
    let mut editor = editor(config(folder.path(), "cap_usd_per_day = 0.000001", &provider.base_url(), PRICED)).await;
    assert_eq!(shown(&mut editor).await, None);
    assert_eq!(provider.seen().len(), 0);
    editor.shutdown().await;
    assert_eq!(total(folder.path()).calls, 0);
}

#[tokio::test]
async fn what_a_provider_does_wrong_is_silence_and_a_row() {
    let faults = [
        Fault::Status(500, Vec::new(), json!({"error": {"message": "down"}})),
        Fault::ResetAfter(0),
        Fault::Html,
        Fault::MalformedAfter(0),
    ];
    for fault in faults {
        let (folder, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
        let name = format!("{fault:?}");
        provider.always(Answer::new(&["\"x\";"]).with(fault));
        let mut editor = editor(config(folder.path(), "", &provider.base_url(), FREE)).await;
        assert_eq!(shown(&mut editor).await, None, "{name}");
        let text = editor.request("pennyworth/viewFileText", json!({"uri": URI})).await;
        assert_eq!(text, json!(SOURCE), "the server goes on after {name}");
        editor.shutdown().await;
        let account = total(folder.path());
        assert_eq!((account.calls, account.failed), (1, 1), "{name}: {account:?}");
    }
}

#[tokio::test]
async fn an_answer_that_only_repeats_what_follows_is_not_shown_and_not_paid_twice() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
    provider.always(Answer::new(&["   \n"]));
    let mut editor = editor(config(folder.path(), "", &provider.base_url(), FREE)).await;
    assert_eq!(shown(&mut editor).await, None);
    assert_eq!(shown(&mut editor).await, None);
    assert_eq!(provider.seen().len(), 1);
    editor.shutdown().await;
    assert_eq!(total(folder.path()).calls, 1);
}

#[tokio::test]
async fn an_edit_ends_the_call_and_the_row_says_so() {
    let (folder, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
    provider.always(Answer::new(&["\"x\";"]).with(Fault::HangAfterHead));
    let mut editor = editor(config(folder.path(), "", &provider.base_url(), FREE)).await;
    let asked = editor.send("textDocument/inlineCompletion", place(1)).await;
    until(|| !provider.seen().is_empty()).await;
    let change =
        json!([{"range": {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 0}}, "text": "x"}]);
    editor.change(URI, 2, change).await;
    let answered = editor.answer(asked).await;
    assert!(answered.as_ref().is_ok_and(Value::is_null) || answered.is_err(), "{answered:?}");
    provider.closed(1).await;
    editor.shutdown().await;
    let account = total(folder.path());
    assert_eq!((account.calls, account.aborted), (1, 1), "{account:?}");
}

#[tokio::test]
async fn without_a_row_in_the_configuration_nobody_is_asked() {
    let provider = FakeProvider::start().await.unwrap();
    let mut editor = editor(pennyworth_tests::editor::options()).await;
    assert_eq!(shown(&mut editor).await, None);
    assert_eq!((provider.seen().len(), provider.connections()), (0, 0));
    editor.shutdown().await;
}

#[tokio::test]
async fn a_server_on_this_machine_is_found_and_used() {
    let provider = FakeProvider::start().await.unwrap();
    provider.always(Answer::new(&["format", "(\"hi\")", ";"]));
    let folder = tempfile::tempdir().unwrap();
    for (name, models, is_found) in [
        ("one that no format fits is not asked", &["llama-4-chat"][..], false),
        ("the first that a format fits is asked", &["llama-4-chat", "qwen2.5-coder"], true),
    ] {
        provider.lists(models);
        let ports = format!(
            "[provider.vllm]\nports = [{}]\n[provider.ollama]\nports = []\n[provider.llamacpp]\nports = []\n[provider.lmstudio]\nports = []\n",
            provider.port()
        );
        std::fs::write(folder.path().join("config.toml"), ports).unwrap();
        let options = Options { config: Some(folder.path().join("config.toml")), ledger: None, discover: true };
        let asked = || provider.seen().iter().filter(|seen| seen.line.starts_with("GET")).count();
        let before = asked();
        let mut editor = editor(options).await;
        until(|| asked() != before).await;
        let mut found = None;
        for _ in 0..if is_found { 5000 } else { 3 } {
            found = shown(&mut editor).await;
            if found.is_some() {
                break;
            }
        }
        assert_eq!(found.as_deref(), is_found.then_some("format(\"hi\");"), "{name}");
        assert_eq!(editor.shutdown().await, 0);
    }
}
