//! Keys and passwords in code: none is in what a model elsewhere is sent, an answer that repeats a mask is not shown, and `explain` counts them.
//! It leaves what counts as a secret to `core::mask`, and secret files to the settings' own tests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, uri};
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use serde_json::{Value, json};

const PASSWORD: &str = "kanne-wolke-71";
const KEY: &str = "ghp_Ab3dEf6hIj9kLmN0pQrStUvWxYz123456789";

/// A model with a prompt format; one that costs something lies elsewhere, whatever its address.
fn model(name: &str, provider: &FakeProvider, format: &str, is_elsewhere: bool) -> String {
    let (tier, price) = match is_elsewhere {
        true => ("cheap", "price = { input = 1, cached = 1, output = 1, as_of = \"2026-11-25\" }\n"),
        false => ("local", ""),
    };
    format!(
        "[model.{name}]\nprotocol = \"openai\"\nbase_url = \"{}\"\nmodel = \"qwen2.5-coder\"\nformat = \"{format}\"\ntier = \"{tier}\"\n\
         context = 8000\nexcerpts = 2000\nstop_limit = 4\nchars_per_token = 4.0\n{price}",
        provider.base_url()
    )
}

async fn editor(folder: &Path, models: &str) -> Editor {
    let config = folder.join("config.toml");
    let deadlines = "[tasks.expression]\ndeadline_ms = 60000\n[tasks.line]\ndeadline_ms = 60000\n";
    std::fs::write(
        &config,
        format!("debounce_ms = 0\nspeculate = false\n[embedded]\nenabled = false\n{deadlines}{models}"),
    )
    .unwrap();
    let mut editor = Editor::in_memory(Options {
        config: Some(config),
        ledger: Some(folder.join("ledger.sqlite")),
        discover: false,
    });
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, Some(&folder.join("code"))).await;
    editor
}

/// What is shown at `ˇ` in a document.
async fn shown(editor: &mut Editor, path: &Path, marked: &str) -> Option<String> {
    let (before, after) = marked.split_once('ˇ').unwrap();
    let document = uri(path);
    editor.open(&document, "rust", 1, &format!("{before}{after}")).await;
    let line = before.matches('\n').count();
    let character = before.rsplit('\n').next().unwrap().chars().count();
    let place = json!({"textDocument": {"uri": document}, "position": {"line": line, "character": character}, "context": {"triggerKind": 1}});
    let found = editor.request("textDocument/inlineCompletion", place).await;
    found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_masked_in_every_part_and_format_of_a_prompt_that_leaves_this_machine() {
    for (format, is_elsewhere) in [("qwen", true), ("suffix", true), ("chat", true), ("qwen", false)] {
        let (provider, place) = (FakeProvider::start().await.unwrap(), tempfile::tempdir().unwrap());
        provider.always(Answer::new(&["connect();"]));
        let mut editor = editor(place.path(), &model("m", &provider, format, is_elsewhere)).await;
        let code = place.path().join("code");
        // The first document becomes an excerpt in the prompts of the second.
        let first = code.join("first.rs");
        shown(
            &mut editor,
            &first,
            &format!("fn settings() {{\n    let password = \"{PASSWORD}\";\n    let found = ˇ\n}}\n"),
        )
        .await;
        let edit =
            json!([{"range": {"start": {"line": 2, "character": 4}, "end": {"line": 2, "character": 4}}, "text": " "}]);
        editor.change(&uri(&first), 2, edit).await;
        let second = code.join(format!("{KEY}.rs"));
        let text = format!(
            "const DB: &str = \"postgres://me:{PASSWORD}@db/app\";\nfn open() {{\n    let connection = ˇ\n}}\nconst KEY: &str = \"{KEY}\";\n"
        );
        shown(&mut editor, &second, &text).await;
        editor.change(&uri(&second), 2, json!([{"range": {"start": {"line": 2, "character": 4}, "end": {"line": 2, "character": 4}}, "text": " "}])).await;
        shown(&mut editor, &code.join("third.rs"), "fn third() {\n    let connection = ˇ\n}\n").await;
        assert_eq!(editor.shutdown().await, 0);
        let sent: Vec<String> = provider.seen().iter().map(|seen| seen.body.to_string()).collect();
        assert!(sent.len() >= 3, "{format}: {sent:?}");
        for secret in [PASSWORD, KEY] {
            let holds = sent.iter().any(|sent| sent.contains(secret));
            assert_eq!(holds, !is_elsewhere, "{format}, elsewhere {is_elsewhere}: {sent:?}");
            let mask = "*".repeat(secret.len());
            assert_eq!(sent.iter().any(|sent| sent.contains(&mask)), is_elsewhere, "{format}: {sent:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_repeats_a_mask_is_refused_and_the_next_model_is_asked() {
    for (answer, expected) in [
        (&["open(\"", "****", "**********\");"][..], "open(here);"),
        (&["open(\"**", "*"], "open(here);"),
        (&["open(a * b);"], "open(a * b);"),
    ] {
        let (first, second) = (FakeProvider::start().await.unwrap(), FakeProvider::start().await.unwrap());
        first.always(Answer::new(answer));
        second.always(Answer::new(&["open(here);"]));
        let place = tempfile::tempdir().unwrap();
        let dearer = model("n", &second, "qwen", true).replace("= 1,", "= 2,");
        let mut editor = editor(place.path(), &(model("m", &first, "qwen", true) + &dearer)).await;
        let text = format!("fn open() {{\n    let password = \"{PASSWORD}\";\n    let connection = ˇ\n}}\n");
        let shown = shown(&mut editor, &place.path().join("code/a.rs"), &text).await;
        assert_eq!(shown.as_deref(), Some(expected), "{answer:?}");
        assert_eq!(editor.shutdown().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_cursor_stands_in_a_secret_only_a_model_that_keeps_it_here_is_asked() {
    let (elsewhere, here) = (FakeProvider::start().await.unwrap(), FakeProvider::start().await.unwrap());
    elsewhere.always(Answer::new(&[".len()"]));
    here.always(Answer::new(&[".len()"]));
    let place = tempfile::tempdir().unwrap();
    let mut editor =
        editor(place.path(), &(model("m", &elsewhere, "qwen", true) + &model("n", &here, "qwen", false))).await;
    shown(&mut editor, &place.path().join("code/a.rs"), "fn open() {\n    let key = AKIAZ7Q3LMKP4RTX2WVBˇ;\n}\n").await;
    assert_eq!(editor.shutdown().await, 0);
    let counts =
        [&elsewhere, &here].map(|provider| provider.seen().iter().filter(|seen| seen.line.starts_with("POST")).count());
    assert_eq!(counts[0], 0);
    assert!(counts[1] > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_counts_what_is_masked() {
    let provider = FakeProvider::start().await.unwrap();
    let place = tempfile::tempdir().unwrap();
    let mut editor = editor(place.path(), &model("m", &provider, "qwen", true)).await;
    let path = place.path().join("code/a.rs");
    for (text, masked) in [
        (
            format!("fn f() {{\n    let password = \"{PASSWORD}\";\n    let key = \"{KEY}\";\n    let x = ;\n}}\n"),
            "masked      2 keys or passwords",
        ),
        ("fn f() {\n    let x = 1;\n    let y = 2;\n    let x = ;\n}\n".to_owned(), ""),
    ] {
        editor.open(&uri(&path), "rust", 1, &text).await;
        let arguments = json!([uri(&path), {"line": 3, "character": 12}]);
        let command = json!({"command": "pennyworth.explain", "arguments": arguments});
        let explained = editor.request("workspace/executeCommand", command).await;
        let text = explained["text"].as_str().unwrap();
        assert_eq!(text.contains("masked"), !masked.is_empty(), "{text}");
        assert!(text.contains(masked) && !text.contains(PASSWORD), "{text}");
        editor.close(&uri(&path)).await;
    }
    assert_eq!(editor.shutdown().await, 0);
    assert!(provider.seen().is_empty());
}
