//! `pennyworth dashboard` by the real binary, over ledgers that were made for it: where the page goes, what it may do, and what hostile names become. How
//! it looks and what a click does is tested in a browser, by `tests/editors/dashboard.sh`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pennyworth_tests::busy::{Busy, HOSTILE, configuration, fill};
use pennyworth_tests::editor::Editor;
use pennyworth_tests::paid;
use pennyworth_tests::project::Project;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

fn scene(is_hostile: bool) -> Project {
    let project = Project::new();
    project.write("config.toml", &configuration());
    fill(&paid::ledger(project.home()), Busy { calls: 4000, days: 20, is_hostile }).unwrap();
    project
}

/// What stands between two texts of a page.
fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    page.split_once(from).unwrap().1.split_once(to).unwrap().0
}

fn data(page: &str) -> Value {
    serde_json::from_str(between(page, "id=\"data\">", "</script>")).unwrap()
}

#[tokio::test]
async fn the_page_stands_beside_the_ledger_for_the_users_eyes_and_says_where() {
    let project = scene(false);
    let (code, out, notes) = project.run(&["dashboard"]).await;
    assert_eq!(code, Some(0), "{notes}");
    let path = paid::ledger(project.home()).with_file_name("dashboard.html");
    assert_eq!(out.trim_end(), path.display().to_string());
    if cfg!(target_os = "linux") {
        assert!(notes.contains("no browser was opened (there is no screen)"), "{notes}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let page = std::fs::read_to_string(path).unwrap();
    let data = data(&page);
    let calls: i64 = data["cells"]["calls"].as_array().unwrap().iter().filter_map(Value::as_i64).sum();
    assert_eq!(calls, 4000);
    assert!(!data["advice"].as_array().unwrap().is_empty(), "what `pennyworth advise` says");
    assert_eq!(data["models"].as_array().unwrap().len(), 4);
    assert!(data["learned"]["routes"].as_array().is_some_and(|routes| !routes.is_empty()));
    for output in [["dashboard", "--output", "page.html"], ["stats", "--html", "page.html"]] {
        let (code, _, notes) = project.run(&output).await;
        assert_eq!((code, notes.as_str()), (Some(0), ""), "{output:?}");
        assert!(project.read("project/page.html").contains("id=\"data\""));
        std::fs::remove_file(project.path("project/page.html")).unwrap();
    }
}

#[tokio::test]
async fn the_page_may_run_its_own_script_and_nothing_else() {
    let project = scene(true);
    let (code, _, notes) = project.run(&["stats", "--html", "page.html"]).await;
    assert_eq!(code, Some(0), "{notes}");
    let page = project.read("project/page.html");
    let hash = |text: &str| BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()));
    let script = hash(between(&page, "</script>\n<script>", "</script>"));
    let style = hash(between(&page, "<style>", "</style>"));
    let expected = format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    );
    assert_eq!(between(&page, "Content-Security-Policy\" content=\"", "\""), expected);
    let data = data(&page);
    for (name, hostile) in [("model", HOSTILE[0]), ("language", HOSTILE[1]), ("word", HOSTILE[2])] {
        assert!(data["names"][name].as_array().unwrap().contains(&hostile.into()), "{hostile}");
    }
    let figures = between(&page, "id=\"data\">", "</script>");
    assert_eq!(page.matches("alert(").count(), figures.matches("alert(").count(), "in the figures alone");
    assert!(!figures.contains('<'));
}

#[tokio::test]
async fn without_a_ledger_there_is_a_page_and_faults_are_told() {
    let project = Project::new();
    project.write("config.toml", "discover = false\n");
    let (code, _, notes) = project.run(&["dashboard", "--output", "page.html"]).await;
    assert_eq!((code, notes.as_str()), (Some(0), ""));
    assert_eq!(data(&project.read("project/page.html"))["names"]["day"], json!([]));
    let (code, _, notes) = project.run(&["dashboard", "--output", "../config.toml/page.html"]).await;
    assert!(code != Some(0) && notes.contains("cannot be written"), "{notes}");
    let (code, _, notes) = project.run(&["stats", "--html", "page.html", "--days", "3"]).await;
    assert!(code == Some(2) && notes.contains("--days"), "{notes}");
}

#[tokio::test]
async fn an_editor_has_the_same_page() {
    let mut editor = Editor::in_memory(pennyworth_tests::editor::options());
    editor.initialize(json!({}), Value::Null, None).await;
    let found = editor.request("workspace/executeCommand", json!({"command": "pennyworth.dashboard"})).await;
    assert!(found["html"].as_str().unwrap().starts_with("<!doctype html>"), "{found}");
    editor.shutdown().await;
}
