//! What a collector gets of each call, once the user's own file names one: figures under OpenTelemetry's names, and no code.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";

/// The spans that a collector got, each as its name and attributes.
fn spans(collector: &FakeProvider) -> Vec<(String, BTreeMap<String, Value>)> {
    let mut spans = Vec::new();
    for seen in collector.seen() {
        assert_eq!(seen.line, "POST /v1/traces");
        for span in seen.body.pointer("/resourceSpans/0/scopeSpans/0/spans").unwrap().as_array().unwrap() {
            let attributes = span["attributes"].as_array().unwrap().iter();
            let value = |value: &Value| value.as_object().unwrap().values().next().unwrap().clone();
            let attributes = attributes.map(|one| (one["key"].as_str().unwrap().to_owned(), value(&one["value"])));
            spans.push((span["name"].as_str().unwrap().to_owned(), attributes.collect()));
        }
    }
    spans
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_is_sent_a_span_of_each_call_and_no_code() {
    let (provider, collector) = (FakeProvider::start().await.unwrap(), FakeProvider::start().await.unwrap());
    collector.always(Answer::default().with(Fault::Status(200, Vec::new(), json!({}))));
    provider.answer(Answer::new(&["secret_answer", "();"]));
    provider.answer(Answer::default().with(Fault::Status(503, Vec::new(), json!({"error": {"message": "down"}}))));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let config = |telemetry: &str| {
        format!(
            "{telemetry}\n[model.m]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = 'qwen2.5-coder'\ntier = 'local'\n",
            provider.base_url()
        )
    };
    let endpoint = collector.base_url().trim_end_matches("/v1").to_owned();
    std::fs::write(&path, config(&format!("[telemetry]\nendpoint = '{endpoint}'"))).unwrap();
    let mut editor = Editor::in_memory(Options { config: Some(path), ledger: None, discover: false });
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    for version in 1..=2 {
        let text = format!("fn main() {{\n    let secret_code = \n    print{version}();\n}}\n");
        editor.open(URI, "rust", version, &text).await;
        let place = json!({"textDocument": {"uri": URI}, "position": {"line": 1, "character": 22}, "context": {"triggerKind": 1}});
        editor.request("textDocument/inlineCompletion", place).await;
    }
    assert_eq!(editor.shutdown().await, 0);
    let spans = spans(&collector);
    assert_eq!(spans.len(), 2, "{spans:?}");
    let (name, done) = &spans[0];
    assert_eq!(name, "text_completion m");
    for (key, expected) in [
        ("gen_ai.operation.name", json!("text_completion")),
        ("gen_ai.request.model", json!("m")),
        ("gen_ai.usage.output_tokens", json!("2")),
        ("pennyworth.task", json!("expression")),
        ("pennyworth.language", json!("rust")),
        ("pennyworth.usage.estimated", json!(false)),
    ] {
        assert_eq!(done.get(key), Some(&expected), "{key}: {done:?}");
    }
    assert_eq!(spans[1].1.get("error.type"), Some(&json!("Server 503")), "{spans:?}");
    let sent = collector.seen().iter().map(|seen| seen.body.to_string()).collect::<String>();
    assert!(!sent.contains("secret") && !sent.contains("main"), "{sent}");
}

#[tokio::test]
async fn an_editor_cannot_name_a_collector() {
    let collector = FakeProvider::start().await.unwrap();
    let endpoint = collector.base_url();
    let mut editor = Editor::in_memory(Options::default());
    let options = json!({"telemetry": {"endpoint": endpoint}});
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), options, None).await;
    // Without a ledger there is a message about that, too.
    while !editor.note("window/showMessage").await.to_string().contains("telemetry.endpoint: is refused") {}
    editor.shutdown().await;
    assert_eq!(collector.connections(), 0);
}
