//! What a user asks of the server besides completions: pauses, reports, code actions, and models in editors that only have a menu.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, options};
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";
const SOURCE: &str = "fn main() {\n    let greeting = \n    print(greeting);\n}\n";
/// Behind the `=`.
const PLACE: (u32, u32) = (1, 19);

fn inline() -> Value {
    json!({"textDocument": {"inlineCompletion": {}}})
}

fn menu() -> Value {
    json!({"textDocument": {"completion": {"completionItem": {"snippetSupport": true}}}})
}

fn position() -> Value {
    json!({"line": PLACE.0, "character": PLACE.1})
}

async fn run(editor: &mut Editor, command: &str, arguments: Value) -> Value {
    let params = json!({"command": format!("pennyworth.{command}"), "arguments": arguments});
    editor.request("workspace/executeCommand", params).await
}

/// An editor that may ask a model which says `"hello";`.
async fn with_model(name: &'static str, capabilities: Value, settings: Value, home: &Path) -> (Editor, FakeProvider) {
    let provider = FakeProvider::start().await.unwrap();
    provider.always(Answer::new(&["\"hel", "lo\"", ";"]));
    let config = format!(
        "discover = false\ndebounce_ms = 0\n[embedded]\nenabled = false\n\
         [model.fake]\nprotocol = \"openai\"\nbase_url = \"{}\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\ncontext = 8000\n\
         price = {{ input = 0.1, output = 0.5, as_of = \"2026-11-25\" }}\n",
        provider.base_url()
    );
    std::fs::write(home.join("config.toml"), config).unwrap();
    let config = Some(home.join("config.toml"));
    let mut editor = Editor::in_memory(Options { config, ledger: Some(home.join("ledger.sqlite")), discover: false });
    editor.named(name);
    editor.initialize(capabilities, settings, None).await;
    editor.open(URI, "rust", 1, SOURCE).await;
    (editor, provider)
}

fn titles(actions: &Value) -> Vec<&str> {
    let actions = actions.as_array().map(Vec::as_slice).unwrap_or_default();
    actions.iter().filter_map(|action| action["title"].as_str()).collect()
}

async fn actions(editor: &mut Editor) -> Value {
    let range = json!({"start": position(), "end": position()});
    let params = json!({"textDocument": {"uri": URI}, "range": range, "context": {"diagnostics": []}});
    editor.request("textDocument/codeAction", params).await
}

#[tokio::test]
async fn a_language_is_paused_by_itself_and_the_status_says_so() {
    let home = tempfile::tempdir().unwrap();
    let (mut editor, provider) = with_model("test", inline(), Value::Null, home.path()).await;
    let paused = run(&mut editor, "pause", json!([{"paused": true, "language": "rust"}])).await;
    assert_eq!(paused, json!({"paused": false, "paused_languages": ["rust"]}));
    let typed = json!({"textDocument": {"uri": URI}, "position": position(), "context": {"triggerKind": 2}});
    assert!(editor.request("textDocument/inlineCompletion", typed.clone()).await.is_null());
    assert_eq!(run(&mut editor, "status", json!([])).await["paused_languages"], json!(["rust"]));
    assert_eq!(provider.seen().len(), 0);
    run(&mut editor, "pause", json!([{"paused": false, "language": "rust"}])).await;
    let found = editor.request("textDocument/inlineCompletion", typed).await;
    assert_eq!(found.pointer("/items/0/insertText"), Some(&json!("\"hello\";")), "{found}");
    let status = run(&mut editor, "status", json!([])).await;
    assert_eq!(
        (&status["model"], &status["asking"], &status["trouble"]),
        (&json!("fake"), &json!(false), &Value::Null)
    );
    assert!(status["spent_today_usd"].as_f64().unwrap() > 0.0, "{status}");

    for wrong in [json!([]), json!([{}]), json!([{"paused": 1}]), json!([{"paused": true, "language": "klingon"}])] {
        let params = json!({"command": "pennyworth.pause", "arguments": wrong});
        assert_eq!(editor.refused("workspace/executeCommand", params).await, -32602);
    }
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn reports_are_texts_for_the_editor() {
    let home = tempfile::tempdir().unwrap();
    let (mut editor, provider) = with_model("test", inline(), Value::Null, home.path()).await;
    let place = json!({"textDocument": {"uri": URI}, "position": position(), "context": {"triggerKind": 2}});
    editor.request("textDocument/inlineCompletion", place).await;
    let stats = run(&mut editor, "stats", json!([])).await;
    let stats = stats["markdown"].as_str().unwrap();
    for line in ["| today | $0.", "| $0.50 | 1 | 0 |", "| 30 days | shown |", "| expression | 1 | 0 % | 29 |"] {
        assert!(stats.contains(line), "{line}: {stats}");
    }
    let explained = run(&mut editor, "explain", json!([URI, position()])).await;
    let explained = explained["text"].as_str().unwrap();
    assert!(explained.contains("let greeting = ˇ") && explained.contains("task        "), "{explained}");
    let behind = run(&mut editor, "explain", json!([URI, {"line": 2, "character": 20}])).await;
    assert!(behind["text"].as_str().unwrap().contains("silent: the statement is finished"), "{behind}");
    let check = run(&mut editor, "check", json!([])).await;
    assert!(check["ok"] == true && check["text"].as_str().unwrap().contains("models: "), "{check}");
    let files = run(&mut editor, "files", json!([])).await;
    assert!(files["config"].as_str().unwrap().ends_with("config.toml"), "{files}");
    assert_eq!(provider.seen().len(), 1, "reports ask no model");
    let params = json!({"command": "pennyworth.explain", "arguments": ["file:///project/other.rs", position()]});
    assert_ne!(editor.refused("workspace/executeCommand", params).await, 0, "it is not open");
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn nobody_but_the_model_inside_is_asked_where_the_workspace_is_not_trusted() {
    let home = tempfile::tempdir().unwrap();
    let settings = json!({"restricted": true, "model": {"local": {"base_url": "http://127.0.0.1:9/v1", "model": "qwen2.5-coder"}}});
    let (mut editor, provider) = with_model("test", inline(), settings, home.path()).await;
    let invoked = json!({"textDocument": {"uri": URI}, "position": position(), "context": {"triggerKind": 1}});
    assert!(editor.request("textDocument/inlineCompletion", invoked).await.is_null());
    assert_eq!(run(&mut editor, "status", json!([])).await["models"], json!([]));
    // Nor after the settings were read again.
    editor.notify("workspace/didChangeConfiguration", json!({"settings": {"speculate": false}})).await;
    assert_eq!(run(&mut editor, "status", json!([])).await["models"], json!([]));
    assert_eq!(provider.seen().len(), 0);
    assert!(editor.noted("window/showMessage").is_empty(), "{:?}", editor.noted("window/showMessage"));
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn actions_are_offered_where_there_is_no_ghost_text_and_do_what_they_say() {
    let home = tempfile::tempdir().unwrap();
    let (mut editor, _provider) = with_model("test", menu(), Value::Null, home.path()).await;
    let offered = actions(&mut editor).await;
    let expected = [
        "Pennyworth: complete here",
        "Pennyworth: explain what would be suggested here",
        "Pennyworth: show what was spent",
        "Pennyworth: check the configuration",
        "Pennyworth: pause suggestions",
        "Pennyworth: pause suggestions in rust",
    ];
    assert_eq!(titles(&offered), expected);

    let command = offered[0]["command"].clone();
    editor.request("workspace/executeCommand", command).await;
    let edit = editor.asked("workspace/applyEdit").await["edit"]["changes"][URI][0].clone();
    assert_eq!((&edit["newText"], &edit["range"]["start"]), (&json!("\"hello\";"), &position()));
    let change = json!([{"range": edit["range"], "text": edit["newText"]}]);
    editor.change(URI, 2, change).await;

    for (index, expected) in [(1, "let greeting = "), (2, "today"), (3, "models: ")] {
        editor.request("workspace/executeCommand", offered[index]["command"].clone()).await;
        let shown = editor.asked("window/showDocument").await["uri"].as_str().unwrap().to_owned();
        let path = shown.strip_prefix("file://").unwrap();
        assert!(std::fs::read_to_string(path).unwrap().contains(expected), "{shown}");
    }
    editor.request("workspace/executeCommand", offered[5]["command"].clone()).await;
    assert_eq!(titles(&actions(&mut editor).await).last(), Some(&"Pennyworth: go on with suggestions in rust"));
    editor.request("workspace/executeCommand", offered[4]["command"].clone()).await;
    assert_eq!(titles(&actions(&mut editor).await).last(), Some(&"Pennyworth: go on with suggestions"));
    assert_eq!(editor.shutdown().await, 0);

    let ledger = rusqlite::Connection::open(home.path().join("ledger.sqlite")).unwrap();
    let outcome: String = ledger.query_row("SELECT outcome FROM suggestions", [], |row| row.get(0)).unwrap();
    assert_eq!(outcome, "accepted", "it was put there because it was asked for");

    let mut with_ghost_text = Editor::in_memory(options());
    let can = with_ghost_text.initialize(inline(), Value::Null, None).await;
    assert!(can.get("codeActionProvider").is_none(), "{can}");
    assert_eq!(with_ghost_text.shutdown().await, 0);
}

#[tokio::test]
async fn a_menu_that_takes_late_items_gets_what_a_model_says() {
    for (name, expected) in [("helix", Some("\"hello\";")), ("test", None)] {
        let home = tempfile::tempdir().unwrap();
        let (mut editor, provider) = with_model(name, menu(), Value::Null, home.path()).await;
        let place = json!({"textDocument": {"uri": URI}, "position": position()});
        let found = editor.request("textDocument/completion", place).await;
        let text = found.pointer("/items/0/textEdit/newText").and_then(Value::as_str);
        assert_eq!((text, provider.seen().len()), (expected, usize::from(expected.is_some())), "{name}: {found}");
        assert_eq!(editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn every_suggestion_that_was_shown_has_an_outcome_at_the_end() {
    let home = tempfile::tempdir().unwrap();
    let (mut editor, provider) = with_model("test", inline(), Value::Null, home.path()).await;
    let ask = |line: u32, character: u32| {
        let position = json!({"line": line, "character": character});
        json!({"textDocument": {"uri": URI}, "position": position, "context": {"triggerKind": 1}})
    };
    editor.request("textDocument/inlineCompletion", ask(1, 19)).await;
    provider.always(Answer::new(&["(more)"]));
    // Another place of the same document, then the end of the server.
    editor.request("textDocument/inlineCompletion", ask(2, 20)).await;
    assert_eq!(editor.shutdown().await, 0);
    let ledger = rusqlite::Connection::open(home.path().join("ledger.sqlite")).unwrap();
    let mut rows = ledger.prepare("SELECT coalesce(outcome, 'none') FROM suggestions ORDER BY id").unwrap();
    let outcomes: Vec<String> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| outcome == "unused"), "{outcomes:?}");
}
