//! The files that the program leaves on the disk: only their user can read them, old ones are tightened when a server starts, what a killed server
//! left is removed, and a panic's message is not written. It leaves what stands in them to `secrets.rs` and the ledger's own tests.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pennyworth_tests::editor::{Editor, binary, uri};
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use pennyworth_tests::until::until;
use serde_json::{Value, json};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// All files and folders below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { [vec![path.clone()], below(&path)].concat() } else { vec![path] })
        .collect()
}

async fn editor(home: &Path, state: &Path, config: &Path) -> Editor {
    let (home, state, config) = (home.to_string_lossy(), state.to_string_lossy(), config.to_string_lossy());
    let environment = [("HOME", &*home), ("XDG_STATE_HOME", &*state)];
    let mut editor = Editor::spawn(&binary(), &["--config", &config], &environment).unwrap();
    let capabilities = json!({"textDocument": {"inlineCompletion": {}}, "window": {"showDocument": {"support": true}}});
    editor.initialize(capabilities, Value::Null, None).await;
    editor
}

/// Opens a report as a document; returns its path.
async fn opened(editor: &mut Editor) -> PathBuf {
    let document = uri(Path::new("/project/main.rs"));
    editor.open(&document, "rust", 1, "fn main() {\n    let code = 1;\n}\n").await;
    let arguments = json!(["explain", document, {"line": 1, "character": 15}]);
    editor.request("workspace/executeCommand", json!({"command": "pennyworth.show", "arguments": arguments})).await;
    let shown = editor.asked("window/showDocument").await;
    PathBuf::from(shown.pointer("/uri").and_then(Value::as_str).unwrap().strip_prefix("file://").unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_user_can_read_what_is_kept_and_what_a_killed_server_left_is_removed() {
    let provider = FakeProvider::start().await.unwrap();
    provider.always(Answer::new(&["greet();"]));
    let place = tempfile::tempdir().unwrap();
    let (home, state) = (place.path().join("home"), place.path().join("state"));
    let ours = state.join("pennyworth");
    fs::create_dir_all(ours.join("log")).unwrap();
    fs::create_dir_all(home.join(".config/other")).unwrap();
    for folder in [&home, &home.join(".config"), &home.join(".config/other"), &state, &ours, &ours.join("log")] {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
    for old in ["ledger.sqlite.damaged-1", "log/pennyworth.2026-01-01.log"] {
        fs::write(ours.join(old), "").unwrap();
        fs::set_permissions(ours.join(old), Permissions::from_mode(0o644)).unwrap();
    }
    let config = place.path().join("config.toml");
    let model = format!(
        "[model.m]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = 'qwen2.5-coder'\ntier = 'cheap'\n\
         price = {{ input = 1, cached = 1, output = 1, as_of = '2026-11-25' }}\n",
        provider.base_url()
    );
    fs::write(&config, format!("debounce_ms = 0\ndiscover = false\n[log]\nfile = true\nlevel = 'debug'\n{model}"))
        .unwrap();

    let mut first = editor(&home, &state, &config).await;
    first.shown_in("first", 1).await;
    let left = opened(&mut first).await;
    assert!(fs::read_to_string(&left).unwrap().contains("let code"), "{}", left.display());
    let all = below(&ours);
    for path in all.iter().chain([&ours]) {
        assert_eq!(mode(path), if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
    let names: Vec<_> = all.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "log", "scratch"] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
    for other in [&home, &home.join(".config"), &home.join(".config/other"), &state] {
        assert_eq!(mode(other), 0o755, "{} is not ours", other.display());
    }

    let killed = first.process_id().unwrap();
    assert!(std::process::Command::new("kill").args(["-9", &killed.to_string()]).status().unwrap().success());
    first.forgive();
    first.ended().await;
    assert!(left.exists());
    let mut second = editor(&home, &state, &config).await;
    // The ledger opens before the folders are swept; a document is opened after both.
    second.shown_in("second", 1).await;
    let kept = opened(&mut second).await;
    until(|| !left.exists()).await;
    assert!(kept.exists(), "its own folder stays");
    assert_eq!(second.shutdown().await, 0);
    assert!(!kept.exists(), "a folder goes with its server");
}

#[test]
fn what_init_writes_is_private() {
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("config/pennyworth/config.toml");
    let mut init = std::process::Command::new(binary());
    init.args(["--config"]).arg(&config).arg("init").env_clear().env("HOME", place.path());
    let output = init.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!((mode(&config), mode(config.parent().unwrap())), (0o600, 0o700));
}
