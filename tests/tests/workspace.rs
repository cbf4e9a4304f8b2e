//! Hostile workspaces: very many files, links in circles and to the outside, pipes, names and texts that are not UTF-8. Reading them
//! ends, stays inside, delays nothing else and can be stopped. It leaves ordinary workspaces to `serving.rs`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pennyworth_tests::editor::{Editor, options, uri};
use serde_json::{Value, json};

/// Small files of a workspace that takes a while to read.
const MANY: usize = 30_000;
/// Small files of one that takes long enough to be stopped.
const FEW: usize = 5_000;
/// Depth of nested folders.
const DEEP: usize = 150;
/// Bytes of a file that is too large to learn.
const HUGE: u64 = 50_000_000;
/// After this long a reading counts as hanging. No test waits for it unless something is wrong.
const HANG: Duration = Duration::from_secs(60);

fn write(path: &Path, text: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A file that teaches what follows `NAME_engine.start_NAME_sequence(`.
fn source(name: &str) -> String {
    format!("fn {name}() {{\n    {name}_engine.start_{name}_sequence({name}_parameters);\n}}\n").repeat(3)
}

fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Makes this many hard links to one small file: creating a file takes some disks half a millisecond, and a link is quick on all.
fn small_files(root: &Path, count: usize) {
    let first = root.join("many/first.rs");
    write(&first, b"fn f() {}\n");
    for name in 1..count {
        let folder = root.join(format!("many/{}", name / 100));
        if name == 1 || name % 100 == 0 {
            fs::create_dir(&folder).unwrap();
        }
        fs::hard_link(&first, folder.join(format!("{name}.rs"))).unwrap();
    }
}

/// Everything that should not be in a workspace. The server should learn only `rocket`.
fn hostile(place: &Path) -> PathBuf {
    let root = place.join("root");
    small_files(&root, MANY);
    let deep = (0..DEEP).fold(root.join("deep"), |folder, _| folder.join("d"));
    write(&deep.join("rocket.rs"), source("rocket").as_bytes());
    write(&place.join("outside/outside.rs"), source("outside").as_bytes());
    for (target, link) in [
        ("..", "links/parent"),
        ("itself", "links/itself"),
        ("other", "links/one"),
        ("one", "links/other"),
        ("../../outside", "links/outside"),
        ("../../outside/outside.rs", "links/outside.rs"),
        ("/dev/zero", "links/zero.rs"),
    ] {
        let link = root.join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, link).unwrap();
    }
    pipe(&root.join("pipes/pipe.rs"));
    pipe(&root.join("pipes/.gitignore"));
    pipe(&root.join("pipes/more/.ignore"));
    write(&root.join("endless/piped.rs"), source("piped").as_bytes());
    symlink("/dev/zero", root.join("endless/.gitignore")).unwrap();
    write(&root.join("odd/binary.rs"), &b"fn binary\0\xff() {}".repeat(5000));
    write(&root.join("odd/huge.rs"), source("huge").as_bytes());
    fs::File::options().append(true).open(root.join("odd/huge.rs")).unwrap().set_len(HUGE).unwrap();
    write(&root.join("odd/unreadable.rs"), b"fn unreadable() {}\n");
    fs::set_permissions(root.join("odd/unreadable.rs"), fs::Permissions::from_mode(0o000)).unwrap();
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt as _;
        write(&root.join("odd").join(std::ffi::OsStr::from_bytes(b"caf\xe9.rs")), b"fn nameless() {}\n");
    }
    root
}

async fn editor(root: &Path) -> Editor {
    let mut editor = Editor::in_memory(options());
    let capabilities = json!({"textDocument": {"inlineCompletion": {}}, "window": {"workDoneProgress": true}});
    editor.initialize(capabilities, Value::Null, Some(root)).await;
    editor
}

/// Waits for the next beginning or end of a progress; returns the kind and the token. Reports come as long as the server reads, so a reading
/// that hangs is not silent and needs a timeout of its own.
async fn turn(editor: &mut Editor) -> (String, Value) {
    let turn = async {
        loop {
            let mut note = editor.note("$/progress").await;
            match note.pointer("/value/kind").and_then(Value::as_str) {
                Some("report") => {}
                kind => return (kind.unwrap().to_owned(), note.pointer_mut("/token").unwrap().take()),
            }
        }
    };
    tokio::time::timeout(HANG, turn).await.expect("the reading hangs")
}

async fn status(editor: &mut Editor) -> (String, u64) {
    let command = json!({"command": "pennyworth.status", "arguments": []});
    let status = editor.request("workspace/executeCommand", command).await;
    (
        status.pointer("/state").unwrap().as_str().unwrap().to_owned(),
        status.pointer("/files").unwrap().as_u64().unwrap(),
    )
}

/// The answer behind `NAME_engine.start_NAME_sequence(`, in a document with nothing else.
async fn suggested(editor: &mut Editor, document: &str, version: i32, name: &str) -> String {
    let call = format!("    {name}_engine.start_{name}_sequence(");
    editor.change(document, version, json!([{"text": format!("fn new() {{\n{call}\n}}\n")}])).await;
    let position = json!({"line": 1, "character": call.len()});
    let place = json!({"textDocument": {"uri": document}, "position": position, "context": {"triggerKind": 2}});
    editor.request("textDocument/inlineCompletion", place).await.to_string()
}

#[tokio::test]
async fn any_workspace_is_read_to_an_end_and_nobody_waits_for_it() {
    let place = tempfile::tempdir().unwrap();
    let root = hostile(place.path());
    let mut editor = editor(&root).await;
    // The document's path leads through links; the server still reads the files near it by their real paths, and once.
    let document = uri(&root.join("links/parent/links/outside/new.rs"));
    editor.open(&document, "rust", 1, "").await;
    let (begun, token) = turn(&mut editor).await;
    suggested(&mut editor, &document, 2, "early").await;
    assert_eq!(
        (begun.as_str(), status(&mut editor).await.0.as_str()),
        ("begin", "indexing"),
        "this was answered meanwhile"
    );
    assert_eq!(turn(&mut editor).await, ("end".into(), token));

    let (state, files) = status(&mut editor).await;
    assert_eq!(state, "ready");
    assert!((MANY as u64..MANY as u64 + 6).contains(&files), "{files}: something was left out or read twice");
    let rocket = suggested(&mut editor, &document, 3, "rocket").await;
    assert!(rocket.contains("rocket_parameters"), "{rocket}");
    for (version, name) in (4..).zip(["outside", "piped", "huge"]) {
        let found = suggested(&mut editor, &document, version, name).await;
        assert!(!found.contains("_parameters"), "{name}: {found}");
    }
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn the_user_stops_the_reading_and_the_server_goes_on() {
    let place = tempfile::tempdir().unwrap();
    small_files(place.path(), FEW);
    let mut editor = editor(place.path()).await;
    let (_, token) = turn(&mut editor).await;
    editor.notify("window/workDoneProgress/cancel", json!({"token": token.clone()})).await;
    assert_eq!(turn(&mut editor).await, ("end".into(), token.clone()));
    let (state, files) = status(&mut editor).await;
    assert_eq!(state, "ready");
    assert!(files < FEW as u64, "{files}: it was read to its end");

    let document = uri(&place.path().join("new.rs"));
    editor.open(&document, "rust", 1, "").await;
    write(&place.path().join("late/late.rs"), source("late").as_bytes());
    let folder = json!({"uri": uri(&place.path().join("late")), "name": "late"});
    let more = json!({"event": {"added": [folder], "removed": []}});
    editor.notify("workspace/didChangeWorkspaceFolders", more).await;
    let (begun, next) = turn(&mut editor).await;
    assert!(begun == "begin" && next != token, "another folder is another reading: {begun} {next}");
    assert_eq!(turn(&mut editor).await, ("end".into(), next));
    let late = suggested(&mut editor, &document, 2, "late").await;
    assert!(late.contains("late_parameters"), "{late}");
    assert_eq!(editor.shutdown().await, 0);
}
