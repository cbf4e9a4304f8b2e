//! The server at the protocol's boundary: bad input, shutdown, many messages at once. The server goes on, and every request has one answer.

use pennyworth_tests::editor::{Editor, binary, options};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";

async fn editor() -> Editor {
    let mut editor = Editor::in_memory(options());
    editor.initialize(json!({}), Value::Null, None).await;
    editor
}

/// Checks that the server still answers.
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
    assert_eq!(editor.refused("$/nonsense", json!({})).await, -32601, "requests are answered");
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
    // Without this variable the server would use the home of the user who runs the tests.
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
async fn a_process_that_cannot_be_seen_is_not_watched() {
    let mut gone = some_process();
    gone.kill().expect("it ends");
    gone.wait().expect("it is buried");
    let own = std::process::id();
    for process in [
        json!(gone.id()),
        json!(0),
        json!(-1),
        json!(-77),
        json!(i32::MAX),
        json!(own),
        json!(1_u64 << 40),
        json!("7"),
        json!(null),
    ] {
        let mut editor = Editor::in_memory(options());
        let hello = json!({"processId": process, "rootUri": null, "capabilities": {}});
        editor.request("initialize", hello).await;
        editor.notify("initialized", json!({})).await;
        for _ in 0..20 {
            goes_on(&mut editor).await;
        }
        assert_eq!(editor.shutdown().await, 0, "{process}");
    }
}

#[tokio::test]
async fn methods_without_parameters_take_any() {
    for params in [json!({}), json!([]), json!(null), json!({"x": 1})] {
        let mut editor = Editor::in_memory(options());
        editor.request("initialize", json!({"processId": null, "rootUri": null, "capabilities": {}})).await;
        editor.notify("initialized", params.clone()).await;
        // The status is sent by what `initialized` starts.
        editor.note("$/pennyworth/status").await;
        assert!(editor.request("shutdown", params.clone()).await.is_null(), "{params}");
        editor.notify("exit", params.clone()).await;
        assert_eq!(editor.ended().await, 0, "{params}");
    }
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

/// The text of the newest log file below a state directory.
#[cfg(target_os = "linux")]
fn log_of(state: &std::path::Path) -> String {
    let files = std::fs::read_dir(state.join("pennyworth/log")).into_iter().flatten().flatten();
    files.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default()).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_level_of_the_log_changes_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let environment =
        [("HOME", path("home")), ("XDG_STATE_HOME", path("state")), ("PENNYWORTH_DISCOVER", "false".into())];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut editor = Editor::spawn(&binary(), &["--config", "/dev/null"], &environment).unwrap();
    editor.initialize(json!({}), json!({"log": {"level": "warn"}}), None).await;
    goes_on(&mut editor).await;
    // The cap shows in the status, which tells that the new settings are in force.
    let settings = json!({"settings": {"log": {"level": "debug"}, "cap_usd_per_day": 0.25}});
    editor.notify("workspace/didChangeConfiguration", settings).await;
    while editor.note("$/pennyworth/status").await["cap_usd_per_day"] != 0.25 {}
    assert_eq!(editor.refused("pennyworth/other", Value::Null).await, -32601);
    assert_eq!(editor.shutdown().await, 0);
    let log = log_of(&folder.path().join("state"));
    assert!(log.contains("pennyworth/other"), "what is answered is logged at `debug`:\n{log}");
    assert_eq!(log.matches("pennyworth/nonsense").count(), 0, "and not at `warn`:\n{log}");
}
