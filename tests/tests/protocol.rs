//! The server at the protocol's edge: bad input, the end of life, many messages at once. The server goes on, and every request has one answer.

use pennyworth_tests::editor::{Editor, binary, options};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";

async fn editor() -> Editor {
    let mut editor = Editor::in_memory(options());
    editor.initialize(json!({}), Value::Null, None).await;
    editor
}

/// True if the server still answers.
async fn goes_on(editor: &mut Editor) {
    assert_eq!(editor.refused("pennyworth/nonsense", Value::Null).await, -32601);
}

fn framed(body: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn what_is_no_message_is_refused_and_the_next_one_is_read() {
    let mut editor = editor().await;
    for (bytes, code) in [
        (framed("{"), -32700),
        (framed(""), -32700),
        (framed("[]"), -32600),
        (framed("{\"jsonrpc\":\"2.0\",\"id\":[]}"), -32600),
        (b"Content-Length: 2\r\n\r\n\xff\xff".to_vec(), -32700),
        (b"Content-Length: x\r\n\r\n".to_vec(), -32700),
        (b"garbage\r\n".to_vec(), -32700),
    ] {
        editor.raw(&bytes).await;
        goes_on(&mut editor).await;
        assert_eq!(editor.refusal().await, code, "{:?}", String::from_utf8_lossy(&bytes));
    }
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn methods_nobody_knows() {
    let mut editor = editor().await;
    editor.notify("pennyworth/nonsense", json!({"x": 1})).await;
    editor.notify("$/setTrace", json!({"value": "off"})).await;
    goes_on(&mut editor).await;
    let at = json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}});
    assert_eq!(editor.refused("textDocument/hover", at).await, -32601, "not offered");
    let again = json!({"processId": null, "rootUri": null, "capabilities": {}});
    assert_eq!(editor.refused("initialize", again).await, -32600, "once is enough");
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn requests_before_the_beginning_and_after_the_end() {
    let mut editor = Editor::in_memory(options());
    assert_eq!(editor.refused("shutdown", Value::Null).await, -32002, "not begun");
    editor.initialize(json!({}), Value::Null, None).await;
    editor.request("shutdown", Value::Null).await;
    assert_eq!(editor.refused("shutdown", Value::Null).await, -32600, "ended");
    editor.notify("exit", Value::Null).await;
    assert_eq!(editor.ended().await, 0);
}

#[tokio::test]
async fn each_end_of_life_has_its_code() {
    let mut rude = editor().await;
    rude.notify("exit", Value::Null).await;
    assert_eq!(rude.ended().await, 1, "exit without shutdown");
    assert_eq!(editor().await.hang_up().await, 1, "end of input");
    let mut polite = editor().await;
    polite.request("shutdown", Value::Null).await;
    assert_eq!(polite.hang_up().await, 0, "end of input after shutdown");
}

#[tokio::test]
async fn the_real_binary_starts_and_ends() {
    let server = binary();
    // Without this variable the system would name the home of whoever runs the tests.
    let home = tempfile::tempdir().expect("a folder");
    let start = || Editor::spawn(&server, &[], &[("HOME", &home.path().to_string_lossy())]).expect("it starts");
    let mut polite = start();
    let encodings = json!({"general": {"positionEncodings": ["utf-16", "utf-8"]}});
    let can = polite.initialize(encodings, Value::Null, None).await;
    assert_eq!(can["positionEncoding"], "utf-8");
    assert_eq!(polite.shutdown().await, 0);

    let mut rude = start();
    rude.initialize(json!({}), Value::Null, None).await;
    rude.notify("exit", Value::Null).await;
    assert_eq!(rude.ended().await, 1, "though its input is still open");

    let mut silent = start();
    silent.initialize(json!({}), Value::Null, None).await;
    assert_eq!(silent.hang_up().await, 1);
}

/// A process that runs until it is told to end.
#[cfg(unix)]
fn some_process() -> std::process::Child {
    let mut process = std::process::Command::new("cat");
    process.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().expect("it starts")
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_does_not_outlive_its_editor() {
    let mut parent = some_process();
    let mut editor = Editor::in_memory(options());
    let hello = json!({"processId": parent.id(), "rootUri": null, "capabilities": {}});
    editor.request("initialize", hello).await;
    goes_on(&mut editor).await;
    parent.kill().expect("it ends");
    parent.wait().expect("it is buried");
    assert_eq!(editor.ended().await, 1, "though its input is still open");
}

#[tokio::test]
async fn calls_under_way_at_the_end_are_answered_or_dropped_but_do_not_hold_it_up() {
    let mut editor = editor().await;
    editor.open(URI, "rust", 1, "fn main() {}").await;
    let place =
        json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}, "context": {"triggerKind": 2}});
    for _ in 0..50 {
        editor.send("textDocument/inlineCompletion", place.clone()).await;
    }
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn parameters_that_make_no_sense() {
    let mut editor = editor().await;
    for (method, params) in [
        ("textDocument/inlineCompletion", json!(null)),
        ("textDocument/inlineCompletion", json!({"textDocument": 1})),
        ("textDocument/completion", json!([])),
        ("workspace/executeCommand", json!({"command": 7})),
    ] {
        assert_eq!(editor.refused(method, params).await, -32602, "{method}");
    }
    for (method, params) in [
        ("textDocument/didOpen", json!({"textDocument": {"uri": URI}})),
        ("textDocument/didChange", json!({"textDocument": {"uri": URI, "version": "one"}, "contentChanges": []})),
        ("textDocument/didChange", json!(null)),
        ("textDocument/didClose", json!({})),
        ("textDocument/didSave", json!({"textDocument": {"uri": "nobody"}})),
        ("workspace/didChangeConfiguration", json!({"settings": [1, 2]})),
        (
            "workspace/didChangeWatchedFiles",
            json!({"changes": [{"uri": "%%%", "type": 1}, {"uri": "file:///nowhere/x.rs", "type": 3}]}),
        ),
        ("workspace/didChangeWorkspaceFolders", json!({"event": {"added": [{"uri": "x", "name": ""}], "removed": []}})),
        ("window/workDoneProgress/cancel", json!({"token": 99})),
        ("$/cancelRequest", json!({"id": 99})),
        ("$/cancelRequest", json!("x")),
    ] {
        editor.notify(method, params).await;
        goes_on(&mut editor).await;
    }
    assert_eq!(editor.shutdown().await, 0);
}
