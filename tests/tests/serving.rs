//! The main job at the protocol's boundary: code in, completions out, from the embedded model that learns documents and workspace; and
//! everything that a client may change meanwhile.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use pennyworth_tests::editor::{Editor, options, uri};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";
/// Three similar lines, and the beginning of a fourth.
const SOURCE: &str = "fn main() {
    let first_total = compute_total(alpha, beta);
    let second_total = compute_total(alpha, beta);
    let third_total = compute_total(alpha, beta);
    let fourth_total = comp
}
";
/// The end of the fourth, and the text that follows in the others; a suggestion may be shorter.
const END: (u32, u32) = (4, 27);
const REST: &str = "ute_total(alpha, beta);";
const PART: &str = "ute_total";

fn is_rest(text: &str) -> bool {
    REST.starts_with(text) && text.starts_with(PART)
}

fn inline() -> Value {
    json!({"textDocument": {"inlineCompletion": {}}, "window": {"workDoneProgress": true}})
}

fn menu(client: Value) -> Value {
    json!({"textDocument": {"completion": {"completionItem": client}}})
}

fn at(uri: &str, (line, character): (u32, u32)) -> Value {
    json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}, "context": {"triggerKind": 2}})
}

fn insert((line, character): (u32, u32), text: &str) -> Value {
    let at = json!({"line": line, "character": character});
    json!([{"range": {"start": at, "end": at}, "text": text}])
}

/// Waits for an item at a place: the server learns a moment later what was just sent.
async fn item(editor: &mut Editor, uri: &str, place: (u32, u32)) -> Value {
    loop {
        let mut found = editor.request("textDocument/inlineCompletion", at(uri, place)).await;
        if let Some(item) = found.pointer_mut("/items/0") {
            return item.take();
        }
    }
}

async fn menu_item(editor: &mut Editor, place: (u32, u32)) -> Value {
    loop {
        let mut found = editor.request("textDocument/completion", at(URI, place)).await;
        assert_eq!(found.pointer("/isIncomplete"), Some(&json!(true)));
        if let Some(item) = found.pointer_mut("/items/0") {
            return item.take();
        }
    }
}

fn text<'a>(item: &'a Value, pointer: &str) -> &'a str {
    item.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

async fn started(capabilities: Value, settings: Value, folder: Option<&Path>) -> Editor {
    let mut editor = Editor::in_memory(options());
    editor.initialize(capabilities, settings, folder).await;
    editor
}

#[tokio::test]
async fn a_line_is_completed_from_the_lines_above_it_and_goes_on_as_it_is_typed() {
    let mut editor = started(inline(), Value::Null, None).await;
    editor.open(URI, "rust", 1, SOURCE).await;
    let first = item(&mut editor, URI, END).await;
    assert!(is_rest(text(&first, "/insertText")), "{first}");
    assert_eq!(first.pointer("/range/start"), Some(&json!({"line": 4, "character": 27})));

    editor.change(URI, 2, insert(END, "u")).await;
    let second = item(&mut editor, URI, (4, 28)).await;
    let id = |item: &Value| item.pointer("/command/arguments/0").cloned();
    let is_rest = text(&first, "/insertText") == format!("u{}", text(&second, "/insertText"));
    assert_eq!(id(&first) == id(&second), is_rest, "the rest of a suggestion is the same suggestion: {first} {second}");

    editor.change(URI, 3, insert((4, 28), "te_total(alpha, beta);")).await;
    let taken = json!({"command": "pennyworth.accepted", "arguments": [id(&second)]});
    assert!(editor.request("workspace/executeCommand", taken).await.is_null());
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn what_is_shown_grows_when_the_model_has_become_surer_and_never_turns_into_something_else() {
    let names = "handle stream file source";
    let before: String = names.split(' ').map(|name| format!("with open(path) as {name}:\n    pass\n\n")).collect();
    for (more, expected) in [("with open(path) as handle", "n(path) as handle:"), ("with open(other)", "n(path) as")] {
        let mut editor = started(inline(), Value::Null, None).await;
        let (here, place) = ("file:///project/a.py", (12, 7));
        editor.open(here, "python", 1, &format!("{before}with op\n{}", "# Nothing.\n".repeat(60))).await;
        let first = item(&mut editor, here, place).await;
        assert_eq!(text(&first, "/insertText").trim_end(), "en(path) as");

        let more = format!("{more}:\n    pass\n\n").repeat(60);
        editor.change(here, 2, insert((72, 0), &more)).await;
        editor.change(here, 3, insert(place, "e")).await;
        let second = item(&mut editor, here, (12, 8)).await;
        assert_eq!(text(&second, "/insertText").trim_end(), expected);
        assert_eq!(editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn the_first_request_behind_opening_a_document_is_answered() {
    for number in 0..20 {
        let mut editor = started(inline(), Value::Null, None).await;
        // Long enough that the server reads it in several steps.
        let source = "// Nothing of interest.\n".repeat(number * 500) + SOURCE;
        editor.open(URI, "rust", 1, &source).await;
        let place = (END.0 + number as u32 * 500, END.1);
        let found = editor.request("textDocument/inlineCompletion", at(URI, place)).await;
        assert!(is_rest(text(&found, "/items/0/insertText")), "{number}: {found}");
        assert_eq!(editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn documents_keep_their_own_line_breaks() {
    let mut editor = started(inline(), Value::Null, None).await;
    let source = SOURCE.replace('\n', "\r\n");
    editor.open(URI, "rust", 1, &source).await;
    let found = item(&mut editor, URI, END).await;
    assert!(is_rest(text(&found, "/insertText")), "{found}");
    let shown = editor.request("pennyworth/viewFileText", json!({ "uri": URI })).await;
    assert_eq!(shown, source);
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn clients_without_ghost_text_get_the_menu_and_others_do_not() {
    let mut with = Editor::in_memory(options());
    let can = with.initialize(inline(), Value::Null, None).await;
    assert!(can.get("completionProvider").is_none() && can.get("inlineCompletionProvider").is_some());
    assert_eq!(with.shutdown().await, 0);

    let mut off = Editor::in_memory(options());
    let can = off.initialize(menu(json!({})), json!({"completion_menu": false}), None).await;
    assert!(can.get("completionProvider").is_none(), "{can}");
    assert_eq!(off.shutdown().await, 0);

    // Clients do not say whether the user asked for the menu.
    let mut by_key = started(menu(json!({})), json!({"trigger": "invoked"}), None).await;
    by_key.open(URI, "rust", 1, SOURCE).await;
    for _ in 0..3 {
        assert!(by_key.request("textDocument/completion", at(URI, END)).await.is_null());
    }
    assert_eq!(by_key.shutdown().await, 0);

    let mut without = Editor::in_memory(options());
    let can = without.initialize(menu(json!({"snippetSupport": true})), Value::Null, None).await;
    assert!(can.get("completionProvider").is_some());
    without.open(URI, "rust", 1, SOURCE).await;
    let item = menu_item(&mut without, END).await;
    assert!(text(&item, "/textEdit/newText").strip_prefix("comp").is_some_and(is_rest), "{item}");
    assert_eq!(text(&item, "/filterText"), "comp");
    assert_eq!(item.pointer("/textEdit/range/start"), Some(&json!({"line": 4, "character": 23})));
    assert_eq!(without.shutdown().await, 0);
}

#[tokio::test]
async fn of_two_requests_for_a_document_the_older_is_cancelled() {
    let mut editor = started(inline(), Value::Null, None).await;
    editor.open(URI, "rust", 1, SOURCE).await;
    item(&mut editor, URI, END).await;
    let older = editor.send("textDocument/inlineCompletion", at(URI, END)).await;
    let newer = editor.send("textDocument/inlineCompletion", at(URI, END)).await;
    let edited = editor.send("textDocument/inlineCompletion", at("file:///project/other.rs", END)).await;
    let answers = editor.settle().await;
    // The older one may be answered before the newer one comes; then nothing supersedes it.
    if let Err(error) = &answers[&older] {
        assert_eq!(error.get("code"), Some(&json!(-32800)));
    }
    assert!(answers[&newer].as_ref().is_ok_and(|answer| !answer.is_null()));
    assert_eq!(answers[&edited], Ok(Value::Null), "a document that is not open");

    let superseded = editor.send("textDocument/inlineCompletion", at(URI, END)).await;
    editor.change(URI, 2, insert(END, "u")).await;
    if let Err(error) = editor.answer(superseded).await {
        assert_eq!(error.get("code"), Some(&json!(-32800)));
    }
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn an_edit_that_cannot_be_read_silences_its_document_until_it_is_whole_again() {
    let mut editor = started(inline(), Value::Null, None).await;
    editor.open(URI, "rust", 1, SOURCE).await;
    item(&mut editor, URI, END).await;
    let lost =
        json!([{"range": {"start": {"line": -1, "character": 0}, "end": {"line": 0, "character": 0}}, "text": "x"}]);
    editor.change(URI, 2, lost).await;
    assert!(editor.request("textDocument/inlineCompletion", at(URI, END)).await.is_null());
    editor.change(URI, 3, insert((0, 0), "// x\n")).await;
    assert!(editor.request("textDocument/inlineCompletion", at(URI, (5, 27))).await.is_null());
    while editor.note("$/pennyworth/status").await["trouble"].is_null() {}
    editor.change(URI, 4, json!([{ "text": SOURCE }])).await;
    item(&mut editor, URI, END).await;
    // What hinders a document leaves the status with its cause.
    while !editor.note("$/pennyworth/status").await["trouble"].is_null() {}
    // Edits come in the order in which they were made; a version that does not rise proves nothing.
    editor.change(URI, 4, insert((0, 0), "// x\n")).await;
    item(&mut editor, URI, (END.0 + 1, END.1)).await;
    editor.close(URI).await;
    editor.open(URI, "rust", 1, SOURCE).await;
    item(&mut editor, URI, END).await;
    assert_eq!(editor.shutdown().await, 0);
}

/// A folder of sources, of which the server should learn only some.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let source =
        |name: &str| format!("fn {name}() {{\n    {name}_engine.start_{name}_sequence({name}_parameters);\n}}\n");
    write("src/rocket.rs", source("rocket").repeat(3).as_bytes());
    write("build/ignored.rs", source("ignored").repeat(3).as_bytes());
    write(".gitignore", b"build/\n");
    write("src/generated.rs", format!("// @generated\n{}", source("generated").repeat(3)).as_bytes());
    write("src/binary.rs", b"fn binary\0() {}\n\xff\xfe");
    write("src/latin.rs", b"// caf\xe9\nfn latin() {}\n");
    write("src/huge.rs", source("huge").repeat(100_000).as_bytes());
    write("src/.env.rs", source("hidden").repeat(3).as_bytes());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path(), folder.path().join("src/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("src/dangling.rs")).unwrap();
    }
    folder
}

#[tokio::test]
async fn the_workspace_is_learned_with_progress_and_kept_fresh() {
    let folder = workspace();
    let mut editor = started(inline(), Value::Null, Some(folder.path())).await;
    let created = editor.asked("window/workDoneProgress/create").await;
    let token = created.get("token").cloned();
    let mut begun = false;
    loop {
        let note = editor.note("$/progress").await;
        assert_eq!(note.get("token").cloned(), token);
        match text(&note, "/value/kind") {
            "begin" => begun = true,
            "end" => break,
            _ => {}
        }
    }
    assert!(begun);

    let open = uri(&folder.path().join("src/new.rs"));
    let line = |name: &str| format!("fn new() {{\n    {name}_engine.start_{name}_sequence(\n}}\n");
    let end = |name: &str| (1, 4 + (name.len() * 2 + "_engine.start__sequence(".len()) as u32);
    editor.open(&open, "rust", 1, &line("rocket")).await;
    let found = item(&mut editor, &open, end("rocket")).await;
    assert!(text(&found, "/insertText").starts_with("rocket_parameters"), "{found}");
    for (version, name) in (2..).zip(["ignored", "generated", "huge", "hidden"]) {
        editor.change(&open, version, json!([{ "text": line(name) }])).await;
        let found = editor.request("textDocument/inlineCompletion", at(&open, end(name))).await;
        assert!(!found.to_string().contains(&format!("{name}_parameters")), "{name}: {found}");
    }

    let late = folder.path().join("src/late.rs");
    fs::write(&late, "fn late() {\n    late_engine.start_late_sequence(late_parameters);\n}\n".repeat(3)).unwrap();
    let changes = json!({"changes": [{"uri": uri(&late), "type": 1}]});
    editor.notify("workspace/didChangeWatchedFiles", changes).await;
    editor.change(&open, 9, json!([{ "text": line("late") }])).await;
    let found = item(&mut editor, &open, end("late")).await;
    assert!(text(&found, "/insertText").starts_with("late_parameters"), "{found}");
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn settings_change_while_it_runs() {
    let mut editor = Editor::in_memory(options());
    editor.configure(json!({"enabled": false}));
    let mut capabilities = inline();
    capabilities["workspace"] = json!({"configuration": true, "didChangeConfiguration": {"dynamicRegistration": true},
        "didChangeWatchedFiles": {"dynamicRegistration": true}});
    editor.initialize(capabilities, Value::Null, None).await;
    let registered = editor.asked("client/registerCapability").await;
    assert_eq!(registered.pointer("/registrations").and_then(Value::as_array).map(Vec::len), Some(2));
    assert_eq!(editor.asked("workspace/configuration").await.pointer("/items/0/section"), Some(&json!("pennyworth")));
    while text(&editor.note("$/pennyworth/status").await, "/state") != "off" {}
    editor.open(URI, "rust", 1, SOURCE).await;
    assert!(editor.request("textDocument/inlineCompletion", at(URI, END)).await.is_null());

    editor.configure(json!({"enabled": true}));
    editor.notify("workspace/didChangeConfiguration", json!({"settings": null})).await;
    item(&mut editor, URI, END).await;
    editor.notify("workspace/didChangeConfiguration", json!({"settings": {"languages": {"rust": false}}})).await;
    while !editor.request("textDocument/inlineCompletion", at(URI, END)).await.is_null() {}

    editor.notify("workspace/didChangeConfiguration", json!({"settings": {"pennyworth": {"no_such_key": 1}}})).await;
    while !text(&editor.note("window/showMessage").await, "/message").contains("no_such_key") {}
    item(&mut editor, URI, END).await;
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn folders_come_and_go() {
    let folder = workspace();
    // Enough that the server still reads the folder when it is removed.
    for number in 0..300 {
        fs::write(folder.path().join(format!("src/other{number}.rs")), "fn other() {}\n".repeat(50)).unwrap();
    }
    let mut editor = started(inline(), Value::Null, None).await;
    let event =
        |kind: &str| json!({"event": {"added": [], "removed": [], kind: [{"uri": uri(folder.path()), "name": "w"}]}});
    let open = uri(&folder.path().join("src/new.rs"));
    let source = "fn new() {\n    rocket_engine.start_rocket_sequence(\n}\n";
    for round in 0..3 {
        editor.notify("workspace/didChangeWorkspaceFolders", event("added")).await;
        if round == 0 {
            editor.open(&open, "rust", 1, source).await;
        }
        let found = item(&mut editor, &open, (1, 40)).await;
        assert!(text(&found, "/insertText").starts_with("rocket_parameters"), "{found}");
        editor.notify("workspace/didChangeWorkspaceFolders", event("removed")).await;
        let mut left = 20_000;
        while editor.request("textDocument/inlineCompletion", at(&open, (1, 40))).await.to_string().contains("rocket_p")
        {
            left -= 1;
            assert!(left > 0, "what was learned of a folder stays after it went, in round {round}");
        }
    }
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn commands_answer_and_refuse() {
    let mut editor = started(inline(), Value::Null, None).await;
    let run = |command: &str, arguments: Value| json!({"command": command, "arguments": arguments});
    for (command, arguments) in [
        ("pennyworth.accepted", json!([])),
        ("pennyworth.accepted", json!([{"id": 1}])),
        ("pennyworth.acceptedPart", json!(["1"])),
        ("pennyworth.acceptedPart", json!(["1", -1])),
        ("pennyworth.nonsense", json!([])),
    ] {
        assert_eq!(editor.refused("workspace/executeCommand", run(command, arguments)).await, -32602, "{command}");
    }
    assert!(editor.request("workspace/executeCommand", run("pennyworth.accepted", json!(["1"]))).await.is_null());
    let status = editor.request("workspace/executeCommand", run("pennyworth.status", json!([]))).await;
    assert_eq!(text(&status, "/state"), "ready", "{status}");

    editor.open(URI, "rust", 1, SOURCE).await;
    item(&mut editor, URI, END).await;
    let toggled = editor.request("workspace/executeCommand", run("pennyworth.toggle", json!([]))).await;
    assert_eq!(toggled, json!({"paused": true}));
    assert!(editor.request("textDocument/inlineCompletion", at(URI, END)).await.is_null());
    let mut invoked = at(URI, END);
    invoked["context"]["triggerKind"] = json!(1);
    assert!(!editor.request("textDocument/inlineCompletion", invoked).await.is_null(), "asking goes on");
    assert_eq!(editor.shutdown().await, 0);
}
