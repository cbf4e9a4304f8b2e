//! What the server offers besides completions: pauses, reports, code actions, and models in editors that only have a menu.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, options};
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
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

/// An editor with a model that answers `"hello";`.
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
    for line in ["| today | $0.", " of $0.50 in 24 hours", "| 30 days | shown |", "| expression | 1 | 0 % | 29 |"] {
        assert!(stats.contains(line), "{line}: {stats}");
    }
    let explained = run(&mut editor, "explain", json!([URI, position()])).await;
    let explained = explained["text"].as_str().unwrap();
    assert!(explained.contains("let greeting = ˇ") && explained.contains("task        "), "{explained}");
    let behind = run(&mut editor, "explain", json!([URI, {"line": 2, "character": 20}])).await;
    for row in ["shown       line by line", "typing      fake: up to 85 tokens back: with 8 lines of 10 tokens"] {
        assert!(behind["text"].as_str().unwrap().contains(row), "{row}: {behind}");
    }
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
    let settings = json!({"restricted": true});
    let (mut editor, provider) = with_model("test", inline(), settings, home.path()).await;
    let invoked = json!({"textDocument": {"uri": URI}, "position": position(), "context": {"triggerKind": 1}});
    assert!(editor.request("textDocument/inlineCompletion", invoked).await.is_null());
    assert_eq!(run(&mut editor, "status", json!([])).await["models"], json!([]));
    let explained = run(&mut editor, "explain", json!([URI, position()])).await;
    assert!(explained["text"].as_str().unwrap().contains("this workspace is not trusted"), "{explained}");
    // Nor after the server reads the settings again.
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
    assert_eq!(titles(&actions(&mut editor).await).last(), Some(&"Pennyworth: resume suggestions in rust"));
    editor.request("workspace/executeCommand", offered[4]["command"].clone()).await;
    assert_eq!(titles(&actions(&mut editor).await).last(), Some(&"Pennyworth: resume suggestions"));
    assert_eq!(editor.shutdown().await, 0);

    let ledger = rusqlite::Connection::open(home.path().join("ledger.sqlite")).unwrap();
    let outcome: String = ledger.query_row("SELECT outcome FROM suggestions", [], |row| row.get(0)).unwrap();
    assert_eq!(outcome, "accepted", "it was put there because it was asked for");

    let mut with_ghost_text = Editor::in_memory(options());
    with_ghost_text.initialize(inline(), Value::Null, None).await;
    with_ghost_text.open(URI, "rust", 1, SOURCE).await;
    let offered = actions(&mut with_ghost_text).await;
    assert!(titles(&offered).is_empty(), "it has commands of its own: {offered}");
    assert_eq!(with_ghost_text.shutdown().await, 0);
}

#[tokio::test]
async fn actions_are_for_who_asks_for_them() {
    let home = tempfile::tempdir().unwrap();
    let (mut editor, _provider) = with_model("test", menu(), Value::Null, home.path()).await;
    let range = json!({"start": position(), "end": position()});
    for (context, offered) in [
        (json!({"diagnostics": []}), true),
        (json!({"diagnostics": [], "triggerKind": 1}), true),
        (json!({"diagnostics": [], "triggerKind": 2}), false),
        (json!({"diagnostics": [], "only": []}), true),
        (json!({"diagnostics": [], "only": [""]}), true),
        (json!({"diagnostics": [], "only": ["source"]}), true),
        (json!({"diagnostics": [], "only": ["source.pennyworth"]}), true),
        (json!({"diagnostics": [], "only": ["quickfix", "source"], "triggerKind": 1}), true),
        (json!({"diagnostics": [], "only": ["source"], "triggerKind": 2}), false),
        (json!({"diagnostics": [], "only": ["quickfix"]}), false),
        (json!({"diagnostics": [], "only": ["quickfix.x"]}), false),
        (json!({"diagnostics": [], "only": ["refactor.extract"]}), false),
        (json!({"diagnostics": [], "only": ["source.organizeImports"]}), false),
        (json!({"diagnostics": [], "only": ["source.penny"]}), false),
        (json!({"diagnostics": [], "only": ["sourc"]}), false),
    ] {
        let params = json!({"textDocument": {"uri": URI}, "range": range, "context": context});
        let found = editor.request("textDocument/codeAction", params).await;
        assert_eq!(!titles(&found).is_empty(), offered, "{context}: {found}");
        let is_ours = |action: &Value| action["kind"] == "source.pennyworth";
        assert!(found.as_array().unwrap().iter().all(is_ours), "{found}");
    }
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn a_completion_is_put_into_the_version_that_it_was_made_for() {
    for (versions, can) in [
        (true, json!({"workspace": {"workspaceEdit": {"documentChanges": true}}, "textDocument": {"completion": {}}})),
        (false, menu()),
    ] {
        let home = tempfile::tempdir().unwrap();
        let (mut editor, provider) = with_model("test", can, Value::Null, home.path()).await;
        run(&mut editor, "complete", json!([URI, position()])).await;
        let edit = editor.asked("workspace/applyEdit").await["edit"].take();
        let put = match versions {
            true => {
                assert_eq!(edit["documentChanges"][0]["textDocument"], json!({"uri": URI, "version": 1}), "{edit}");
                &edit["documentChanges"][0]["edits"][0]
            }
            false => &edit["changes"][URI][0],
        };
        assert_eq!(put["newText"], "\"hello\";", "{edit}");

        // The document moves on while the model thinks.
        provider.always(Answer::new(&["\"more\";"]).with(Fault::HeldAfter(0)));
        editor.change(URI, 2, json!([{"range": {"start": {"line": 2, "character": 4}, "end": {"line": 2, "character": 4}}, "text": "e"}])).await;
        let params = json!({"command": "pennyworth.complete", "arguments": [URI, position()]});
        let asked = editor.send("workspace/executeCommand", params).await;
        while provider.seen().len() < 2 {
            run(&mut editor, "status", json!([])).await;
        }
        editor.change(URI, 3, json!([{"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}, "text": "//\n"}])).await;
        provider.release();
        assert!(editor.answer(asked).await.unwrap().is_null());
        run(&mut editor, "status", json!([])).await;
        assert!(editor.noted("window/showMessage").is_empty(), "{:?}", editor.noted("window/showMessage"));
        assert_eq!(editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn a_request_by_a_key_is_not_ended_by_an_automatic_one() {
    for trigger in ["invoked", "automatic"] {
        for by in ["textDocument/inlineCompletion", "workspace/executeCommand"] {
            let home = tempfile::tempdir().unwrap();
            let settings = json!({"trigger": trigger});
            let (mut editor, provider) = with_model("test", inline(), settings, home.path()).await;
            provider.always(Answer::new(&["\"hello\";"]).with(Fault::HeldAfter(0)));
            let place = |kind: u8| json!({"textDocument": {"uri": URI}, "position": position(), "context": {"triggerKind": kind}});
            let params = match by {
                "workspace/executeCommand" => json!({"command": "pennyworth.complete", "arguments": [URI, position()]}),
                _ => place(1),
            };
            let by_key = editor.send(by, params).await;
            while provider.seen().is_empty() {
                run(&mut editor, "status", json!([])).await;
            }
            let automatic = editor.send("textDocument/inlineCompletion", place(2)).await;
            run(&mut editor, "status", json!([])).await;
            provider.release();
            let found = editor.answer(by_key).await.unwrap();
            let found = match by {
                "workspace/executeCommand" => {
                    editor.asked("workspace/applyEdit").await.pointer("/edit/changes").unwrap()[URI][0]["newText"]
                        .clone()
                }
                _ => found["items"][0]["insertText"].clone(),
            };
            assert_eq!(found, "\"hello\";", "{trigger}, {by}");
            let automatic = editor.answer(automatic).await.unwrap();
            assert_eq!(automatic.is_null(), trigger == "invoked", "{trigger}, {by}: {automatic}");
            assert_eq!(provider.seen().len(), 1, "{trigger}, {by}: both share a call");
            assert_eq!(editor.shutdown().await, 0);
        }
    }
}

#[tokio::test]
async fn nothing_is_asked_at_a_line_that_is_not_there() {
    let home = tempfile::tempdir().unwrap();
    let (mut editor, provider) = with_model(
        "helix",
        json!({"textDocument": {"inlineCompletion": {}, "completion": {}}}),
        Value::Null,
        home.path(),
    )
    .await;
    for line in [5_u32, 99, u32::MAX] {
        let position = json!({"line": line, "character": 0});
        for kind in [1, 2] {
            let place = json!({"textDocument": {"uri": URI}, "position": position, "context": {"triggerKind": kind}});
            assert!(editor.request("textDocument/inlineCompletion", place).await.is_null(), "{line}");
        }
        let place = json!({"textDocument": {"uri": URI}, "position": position});
        assert!(editor.request("textDocument/completion", place).await.is_null(), "{line}");
        run(&mut editor, "complete", json!([URI, position])).await;
        let params = json!({"command": "pennyworth.explain", "arguments": [URI, position]});
        assert_ne!(editor.refused("workspace/executeCommand", params).await, 0, "{line}");
    }
    assert_eq!(provider.seen().len(), 0);
    // A column behind the end of its line is the end of the line, as the protocol says.
    let place = json!({"textDocument": {"uri": URI}, "position": {"line": 1, "character": 4_000_000_000_u32}, "context": {"triggerKind": 1}});
    let found = editor.request("textDocument/inlineCompletion", place).await;
    assert_eq!(found.pointer("/items/0/range/start"), Some(&position()), "{found}");
    assert_eq!(editor.shutdown().await, 0);
}

/// Nothing is asked for what could not be inserted.
#[tokio::test]
async fn a_client_that_takes_no_edits_is_sent_none() {
    let home = tempfile::tempdir().unwrap();
    let can = json!({"workspace": {"applyEdit": false}, "textDocument": {"inlineCompletion": {}}});
    let (mut editor, provider) = with_model("test", can, Value::Null, home.path()).await;
    run(&mut editor, "complete", json!([URI, position()])).await;
    let told = editor.note("window/showMessage").await.to_string();
    assert!(told.contains("takes no edits") && provider.seen().is_empty(), "{told}");
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn line_breaks_are_those_that_each_client_inserts() {
    for (name, written) in [("Neovim", "\n"), ("Visual Studio Code", "\r\n"), ("helix", "\r\n"), ("test", "\r\n")] {
        let home = tempfile::tempdir().unwrap();
        let can = json!({"textDocument": {"inlineCompletion": {}, "completion": {"completionItem": {"snippetSupport": false}}}});
        let (mut editor, provider) = with_model(name, can, Value::Null, home.path()).await;
        provider.always(Answer::new(&["match a {\n", "        b => c,\n", "    };"]));
        let source = "fn main() {\r\n    let greeting = \r\n    print(greeting);\r\n}\r\n";
        editor.open(URI, "rust", 2, source).await;
        let place = json!({"textDocument": {"uri": URI}, "position": position(), "context": {"triggerKind": 1}});
        let found = editor.request("textDocument/inlineCompletion", place.clone()).await;
        let expected = ["match a {", "        b => c,", "    };"].join(written);
        assert_eq!(found.pointer("/items/0/insertText"), Some(&json!(expected)), "{name}: {found}");
        run(&mut editor, "complete", json!([URI, position()])).await;
        let edit = editor.asked("workspace/applyEdit").await;
        assert_eq!(edit["edit"]["changes"][URI][0]["newText"], expected, "{name}: {edit}");
        let menu = editor
            .request("textDocument/completion", json!({"textDocument": {"uri": URI}, "position": position()}))
            .await;
        let text = menu.pointer("/items/0/textEdit/newText").and_then(Value::as_str).unwrap_or_default().to_owned();
        assert!(!text.is_empty() && (!text.contains('\r') || written == "\r\n"), "{name}: {menu}");
        // Typing along over the line break is served from the cache.
        let typed = json!([{"range": {"start": position(), "end": position()}, "text": "match a {\r\n        "}]);
        editor.change(URI, 3, typed).await;
        let place = json!({"textDocument": {"uri": URI}, "position": {"line": 2, "character": 8}, "context": {"triggerKind": 2}});
        let found = editor.request("textDocument/inlineCompletion", place).await;
        assert_eq!(
            found.pointer("/items/0/insertText"),
            Some(&json!(["b => c,", "    };"].join(written))),
            "{name}: {found}"
        );
        assert_eq!(provider.seen().len(), 1, "{name}");
        assert_eq!(editor.shutdown().await, 0);
    }
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
    // Ask at another place of the same document, then end the server.
    editor.request("textDocument/inlineCompletion", ask(2, 20)).await;
    assert_eq!(editor.shutdown().await, 0);
    let ledger = rusqlite::Connection::open(home.path().join("ledger.sqlite")).unwrap();
    let mut rows = ledger.prepare("SELECT coalesce(outcome, 'none') FROM suggestions ORDER BY id").unwrap();
    let outcomes: Vec<String> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| outcome == "unused"), "{outcomes:?}");
}
