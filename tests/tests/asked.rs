//! A user asks with a key or on the command line: what is printed where, what each model did and cost, and why there is nothing.
//! The real binary runs against a fake provider.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Output, Stdio};

use pennyworth_tests::editor::{Editor, binary};
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use pennyworth_tests::paid;
use pennyworth_tests::until::until;
use serde_json::{Value, json};
use tokio::process::Command;

/// A folder with a configuration of one paid model and a file with a place to complete.
fn machine(base_url: &str, cap: f64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    paid::configure(folder.path(), base_url, cap, "").unwrap();
    let source = "fn main() {\n    let greeting = \n    print(greeting);\n}\n";
    std::fs::write(folder.path().join("a.rs"), source).unwrap();
    folder
}

async fn complete(folder: &Path, more: &[&str]) -> Output {
    complete_in(folder, "a.rs:2:20", more).await
}

async fn complete_in(folder: &Path, place: &str, more: &[&str]) -> Output {
    let place = folder.join(place).display().to_string();
    let mut command = Command::new(binary());
    command.arg("--config").arg(folder.join("config.toml")).args(["complete", &place]).args(more);
    command.env_clear().env("HOME", folder).output().await.unwrap()
}

/// An editor that asks for completions there.
async fn edits(folder: &Path) -> Editor {
    let (config, home) = (folder.join("config.toml"), folder.to_string_lossy());
    let mut editor = Editor::spawn(&binary(), &["--config", &config.to_string_lossy()], &[("HOME", &*home)]).unwrap();
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    editor
}

#[tokio::test]
async fn the_text_alone_is_on_standard_output_and_the_rest_beside_it() {
    let fake = FakeProvider::start().await.unwrap();
    fake.always(Answer::new(&["\"hi\"", ";"]));
    let folder = machine(&fake.base_url(), 1.0);
    let output = complete(folder.path(), &[]).await;
    let (text, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), text.as_str()), (Some(0), "\"hi\";\n"), "{notes}");
    let cost = paid::cost(fake.bill()).to_string();
    assert!(notes.contains(&format!("-- fake: the answer fits; {cost}\n")), "{notes}");
    assert!(notes.ends_with(&format!("from the model fake; {cost} spent\n")), "{notes}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_request_that_is_ended_early_settles_its_call() {
    let fake = FakeProvider::start().await.unwrap();
    fake.always(Answer::default().with(Fault::HangAfterHead));
    let folder = machine(&fake.base_url(), 1.0);
    let mut command = Command::new(binary());
    command.arg("--config").arg(folder.path().join("config.toml")).args(["complete", "a.rs:2:20"]);
    command.current_dir(folder.path()).env_clear().env("HOME", folder.path());
    let asks = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| fake.bill().calls > 0).await;
    let kill = std::process::Command::new("kill").args(["-INT", &asks.id().unwrap().to_string()]).status();
    let output = asks.wait_with_output().await.unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(kill.unwrap().success() && output.status.code() == Some(130), "{:?} {notes}", output.status);
    assert!(notes.contains("no completion: you ended it early; the estimated cost of a call"), "{notes}");
    let ledger = rusqlite::Connection::open(paid::ledger(folder.path())).unwrap();
    let query = "SELECT count(*) FILTER (WHERE status = 'open'), count(*) FROM calls";
    let calls: (i64, i64) = ledger.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(calls, (0, 1));
}

#[tokio::test]
async fn a_file_of_no_known_language_is_plain_text() {
    let fake = FakeProvider::start().await.unwrap();
    fake.always(Answer::new(&["the first.\n", "And."]));
    let folder = machine(&fake.base_url(), 1.0);
    std::fs::write(folder.path().join("notes.abc"), "Some words.\n\nThis is \n").unwrap();
    let output = complete_in(folder.path(), "notes.abc:3:9", &[]).await;
    let (text, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), text.as_str()), (Some(0), "the first.\n"), "{notes}");
    assert!(notes.contains("-- line (text): "), "{notes}");
}

#[tokio::test]
async fn without_a_completion_each_model_is_named_with_what_became_of_it() {
    let fake = FakeProvider::start().await.unwrap();
    for (what, answer, cap, expected) in [
        ("the server fails", Answer::new(&[]).with(Fault::Status(500, vec![], json!({}))), 1.0, "-- fake: "),
        ("it does not fit", Answer::new(&[")))"]), 1.0, "-- fake: the answer does not fit: "),
        (
            "at the cap",
            Answer::new(&["\"hi\";"]),
            0.0,
            "no completion: no model may be asked: fake: the rest of the day's",
        ),
    ] {
        fake.always(answer);
        fake.forget();
        let folder = machine(&fake.base_url(), cap);
        let output = complete(folder.path(), &[]).await;
        let notes = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{what}: {notes}");
        assert!(notes.contains(expected), "{what}: {notes}");
        let json = complete(folder.path(), &["--json"]).await;
        let json: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert!(json["text"].is_null() && json["why_nothing"].is_string(), "{what}: {json}");
    }
    // A port on which nobody listens.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = machine(&format!("http://{nobody}/v1"), 1.0);
    let output = complete(folder.path(), &[]).await;
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("-- fake: ") && output.status.code() == Some(1), "{notes}");
}

#[tokio::test]
async fn a_cap_that_is_reached_is_told_once_with_its_figures_and_stays_in_the_status() {
    let fake = FakeProvider::start().await.unwrap();
    fake.always(Answer::new(&["\"hi\";"]));
    let folder = machine(&fake.base_url(), 0.001);
    let mut editor = edits(folder.path()).await;
    assert_eq!(editor.shown_in("main", 1).await, None);
    let told = editor.note("window/showMessage").await;
    let message = told["message"].as_str().unwrap();
    assert!(
        message.contains("the rest of the cap ($0.0010) does not cover a call: $0.00 of $0.001 spent"),
        "{message}"
    );
    while editor.note("$/pennyworth/status").await["state"] != "capped" {}
    assert_eq!(editor.shown_in("other", 1).await, None);
    let again = editor.noted("window/showMessage");
    assert!(again.is_empty(), "{again:?}");
}

#[tokio::test]
async fn an_editor_is_told_why_a_key_gave_nothing() {
    let fake = FakeProvider::start().await.unwrap();
    fake.always(Answer::new(&[")))"]));
    let folder = machine(&fake.base_url(), 1.0);
    let mut editor = edits(folder.path()).await;
    assert_eq!(editor.shown_in("main", 1).await, None);
    let nothing = editor.note("$/pennyworth/nothing").await;
    let reason = nothing["reason"].as_str().unwrap();
    assert!(reason.starts_with("fake: the answer does not fit"), "{nothing}");
}

#[tokio::test]
async fn answers_that_never_fit_are_a_trouble_until_one_fits() {
    let fake = FakeProvider::start().await.unwrap();
    fake.always(Answer::new(&[")))"]));
    let folder = machine(&fake.base_url(), 1.0);
    let mut editor = edits(folder.path()).await;
    for number in 0..8 {
        assert_eq!(editor.shown_in(&format!("f{number}"), 1).await, None);
    }
    let told = editor.note("window/showMessage").await;
    let expected = "model.fake: none of its last 8 answers fitted; check `format` in its row";
    assert_eq!(told["message"], format!("Pennyworth: {expected}"));
    while editor.note("$/pennyworth/status").await["trouble"] != expected {}
    fake.always(Answer::new(&["\"hi\";"]));
    assert_eq!(editor.shown_in("fits", 1).await.as_deref(), Some("\"hi\";"));
    while editor.note("$/pennyworth/status").await["trouble"] != Value::Null {}
}

#[tokio::test]
async fn a_second_key_is_told_why_the_model_is_not_asked() {
    let fake = FakeProvider::start().await.unwrap();
    fake.always(Answer { fault: Fault::Status(401, Vec::new(), Value::Null), ..Answer::default() });
    let folder = machine(&fake.base_url(), 1.0);
    let mut editor = edits(folder.path()).await;
    for (document, expected) in [
        ("first", "fake: the API key is missing, wrong or not allowed (HTTP 401)"),
        ("second", "fake: its provider fails: the API key is missing, wrong or not allowed (HTTP 401)"),
    ] {
        assert_eq!(editor.shown_in(document, 1).await, None);
        let nothing = editor.note("$/pennyworth/nothing").await;
        assert!(nothing["reason"].as_str().unwrap().contains(expected), "{nothing}");
    }
}
