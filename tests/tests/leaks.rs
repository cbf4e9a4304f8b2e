//! Nothing of an excluded file, and no planted password, reaches a model, a log, a ledger or a collector, whatever is opened, edited and asked.
//! The fake editor and the fake provider watch in every test of this folder; here is the test that tries hardest, and the test of the watch itself.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;

use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, uri};
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault, door};
use pennyworth_tests::planted;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Files that are excluded, with their language, each for a reason of its own.
const EXCLUDED: [(&str, &str); 20] = [
    (".env", "shellscript"),
    (".ENV.local.bak", "shellscript"),
    ("config/Secrets.json", "json"),
    ("config/terraform.tfvars.json", "json"),
    ("config/credentials.yml", "yaml"),
    ("google-services.json", "json"),
    ("wp-config.php", "php"),
    (".ssh/tools.rs", "rust"),
    ("id_rsa", "rust"),
    (".bash_history", "shellscript"),
    (".git/hooks.rs", "rust"),
    ("team.vault", "rust"),
    ("ignored/a.rs", "rust"),
    ("src/ignored/deep/a.rs", "rust"),
    ("src/scratch.rs", "rust"),
    ("excluded/a.rs", "rust"),
    ("private/a.rs", "rust"),
    ("src/schema.pb.go", "go"),
    ("src/bundle.min.js", "javascript"),
    ("src/generated.rs", "rust"),
];

fn model(name: &str, provider: &FakeProvider, more: &str) -> String {
    format!(
        "[model.{name}]\nprotocol = \"openai\"\nbase_url = \"{}\"\nmodel = \"qwen2.5-coder\"\ncontext = 8000\nexcerpts = 4000\n\
         stop_limit = 4\nchars_per_token = 4.0\n{more}\n",
        provider.base_url()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_excluded_and_no_password_leaves_whatever_is_opened_edited_and_asked() {
    let [elsewhere, here, collector] = [
        FakeProvider::start().await.unwrap(),
        FakeProvider::start().await.unwrap(),
        FakeProvider::start().await.unwrap(),
    ];
    elsewhere.always(Answer::new(&["open();"]));
    here.always(Answer::new(&["close();"]));
    collector.always(Answer::default().with(Fault::Status(200, Vec::new(), json!({}))));
    let place = tempfile::tempdir().unwrap();
    let code = place.path().join("code");
    for (path, text) in [
        (".gitignore", "ignored/\n/src/scratch.rs\n"),
        (".git/info/exclude", "excluded/\n"),
        (".pennyworth.toml", "ignore = [\"private/\"]\n"),
    ] {
        fs::create_dir_all(code.join(path).parent().unwrap()).unwrap();
        fs::write(code.join(path), text).unwrap();
    }
    let text = |path: &str, language: &str| {
        let is_generated = language == "go" || path.ends_with("min.js") || path.ends_with("generated.rs");
        let head = if path.ends_with("generated.rs") { "// @generated\n" } else { "" };
        // The embedded model learns a generated file that is open, so its text may be suggested, and is not sent.
        head.to_owned() + &planted::text(language, if is_generated { "generated" } else { "file" })
    };
    for (path, language) in EXCLUDED {
        fs::create_dir_all(code.join(path).parent().unwrap()).unwrap();
        fs::write(code.join(path), text(path, language)).unwrap();
    }
    let config = place.path().join("config.toml");
    let endpoint = collector.base_url().trim_end_matches("/v1").to_owned();
    let settings = format!(
        "debounce_ms = 0\nspeculate = true\nsecrets = [\"*.vault\"]\n[log]\nlevel = \"trace\"\n[telemetry]\nendpoint = \"{endpoint}\"\n\
         [tasks.expression]\ndeadline_ms = 60000\n[tasks.line]\ndeadline_ms = 60000\n"
    );
    let price = "tier = \"cheap\"\nprice = { input = 1, cached = 1, output = 1, as_of = \"2026-11-25\" }";
    fs::write(&config, settings + &model("elsewhere", &elsewhere, price) + &model("here", &here, "tier = \"local\""))
        .unwrap();

    let ledger = Some(place.path().join("ledger.sqlite"));
    let mut editor = Editor::in_memory(Options { config: Some(config), ledger, discover: false });
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, Some(&code)).await;
    let mut shown = Vec::new();
    for (number, (path, language)) in EXCLUDED.into_iter().enumerate() {
        let excluded = uri(&code.join(path));
        editor.open(&excluded, language, 1, &text(path, language)).await;
        let place = json!({"line": 1, "character": 4});
        editor.change(&excluded, 2, json!([{"range": {"start": place, "end": place}, "text": "x"}])).await;
        let asked = json!({"textDocument": {"uri": excluded}, "position": place, "context": {"triggerKind": 1}});
        editor.request("textDocument/inlineCompletion", asked).await;
        // Then an ordinary document, whose prompts may hold excerpts of what was edited before.
        let ordinary = uri(&code.join(format!("src/a{number}.rs")));
        let text = format!("fn a{number}() {{\n    file_engine.start(\n    let value{number} = \n}}\n");
        editor.open(&ordinary, "rust", 1, &text).await;
        for (line, character) in [(1, 22), (2, 17 + number.to_string().len() as u64)] {
            let asked = json!({"textDocument": {"uri": ordinary}, "position": {"line": line, "character": character}, "context": {"triggerKind": 1}});
            shown.push(editor.request("textDocument/inlineCompletion", asked).await.to_string());
        }
        editor.change(&ordinary, 2, json!([{"range": {"start": place, "end": place}, "text": " "}])).await;
    }
    assert_eq!(editor.shutdown().await, 0);
    assert!(shown.iter().all(|shown| door::leaks("", shown.as_bytes()).is_empty()), "{shown:?}");
    // The watch has something to look at; dropping the editor and the providers fails the test if it saw anything.
    for provider in [&elsewhere, &here, &collector] {
        assert!(!provider.seen().is_empty());
    }
}

#[tokio::test]
async fn the_watch_sees_a_marker_in_any_byte_of_a_request() {
    let marker = door::marker("test");
    for request in [
        format!(
            "POST /v1/completions HTTP/1.1\r\ncontent-length: {}\r\n\r\n{{\"prompt\":\"{marker}\"}}",
            marker.len() + 13
        ),
        format!("POST /{marker} HTTP/1.1\r\ncontent-length: 0\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nx-title: {marker}\r\ncontent-length: 0\r\n\r\n"),
        format!("GET /v1/models?x={marker} HTTP/1.1\r\n\r\n"),
    ] {
        let provider = FakeProvider::start().await.unwrap();
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", provider.port())).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_u8().await.unwrap();
        assert_eq!(provider.leaks().len(), 1, "{request}");
    }
    assert_eq!(door::leaks("a log", format!("é {marker} é").as_bytes()).len(), 1);
    assert!(door::leaks("a log", b"planted7 leak").is_empty());
}
