//! A server that ends in the middle of a parse, as by a fault of a grammar: the next one leaves that document to the embedded model, says so once,
//! and parses every other.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use pennyworth_tests::editor::{Editor, binary};
use serde_json::{Value, json};

const URI: &str = "file:///project/slow.html";
const OTHER: &str = "file:///project/other.html";

/// The marks of all servers with this home, without blanks.
fn marks(home: &Path) -> String {
    let folder = home.join(".local/state/pennyworth/parses");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let marks = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|name| name == "marks"));
    marks.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect::<String>().trim().to_owned()
}

async fn started(server: &Path, home: &Path) -> Editor {
    let mut editor = Editor::spawn(server, &[], &[("HOME", home.to_str().unwrap())]).unwrap();
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    editor
}

async fn run(editor: &mut Editor, command: &str, arguments: Value) -> Value {
    let params = json!({"command": format!("pennyworth.{command}"), "arguments": arguments});
    editor.request("workspace/executeCommand", params).await
}

/// A text that a parser reads for seconds.
fn slow() -> String {
    "<a>".repeat(40_000) + "\n<p>first line\n<p>second line\n<p>"
}

async fn type_in(editor: &mut Editor, uri: &str) {
    let position = json!({"line": 3, "character": 3});
    let place = json!({"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}});
    editor.request("textDocument/inlineCompletion", place).await;
}

#[tokio::test]
async fn a_document_in_which_the_server_ended_is_not_parsed_by_the_next() {
    let (server, home) = (binary(), tempfile::tempdir().unwrap());
    let home = home.path();
    let mut first = started(&server, home).await;
    first.open(URI, "html", 1, &slow()).await;
    // The parse begins once typing pauses. Each turn is a round trip.
    while !marks(home).contains(" html") {
        run(&mut first, "status", json!([])).await;
    }
    assert!(!marks(home).contains("slow"), "no path is written");
    let killed = std::process::Command::new("kill").args(["-9", &first.process_id().unwrap().to_string()]).status();
    assert!(killed.unwrap().success());
    first.ended().await;

    let mut second = started(&server, home).await;
    second.open(URI, "html", 1, &slow()).await;
    second.open(OTHER, "html", 1, "<p>a\n<p>b\n<p>c\n<p>").await;
    for uri in [URI, OTHER, URI] {
        type_in(&mut second, uri).await;
    }
    let message = second.note("window/showMessage").await;
    let told = message.pointer("/message").and_then(Value::as_str).unwrap_or_default();
    assert!(told.contains("slow.html: the server ended while it parsed this file as html"), "{told}");
    assert!(second.noted("window/showMessage").is_empty(), "it is told once");
    let status = run(&mut second, "status", json!([])).await;
    assert!(status.to_string().contains("slow.html: the server ended"), "{status}");
    for (uri, is_barred) in [(URI, true), (OTHER, false)] {
        let place = json!([uri, {"line": 3, "character": 3}]);
        let explained = run(&mut second, "explain", place).await.to_string();
        assert_eq!(explained.contains("not parsed"), is_barred, "{explained}");
    }
    assert_eq!(second.shutdown().await, 0);
    assert_eq!(marks(home), "", "a server that ends in order leaves no mark");
}

/// Editors end a server that they no longer need with a signal, in the middle of whatever it does.
#[tokio::test]
async fn a_server_that_is_asked_to_end_accuses_no_document() {
    for signal in ["-TERM"] {
        let (server, home) = (binary(), tempfile::tempdir().unwrap());
        let home = home.path();
        let mut first = started(&server, home).await;
        first.open(URI, "html", 1, &slow()).await;
        while !marks(home).contains(" html") {
            run(&mut first, "status", json!([])).await;
        }
        let asked =
            std::process::Command::new("kill").args([signal, &first.process_id().unwrap().to_string()]).status();
        assert!(asked.unwrap().success());
        first.ended().await;
        assert_eq!(marks(home), "", "{signal}");
        let mut second = started(&server, home).await;
        second.open(URI, "html", 1, &slow()).await;
        type_in(&mut second, URI).await;
        let status = run(&mut second, "status", json!([])).await;
        assert!(!status.to_string().contains("the server ended"), "{signal}: {status}");
        assert_eq!(second.shutdown().await, 0);
    }
}
