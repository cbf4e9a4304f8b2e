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
    let start = || Editor::spawn(&server, &[], &[]).expect("it starts");
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
