//! Tasks on demand in an editor: actions where they make sense, edits of the version that was read, findings that follow their lines, and a task that
//! is cancelled. It leaves what is valid to `demand`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::PathBuf;

use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, uri};
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use pennyworth_tests::until::until;
use serde_json::{Value, json};
use tokio::process::Command;

const SOURCE: &str = "fn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n\n// pw: return one\nfn one() -> u8 {\n    2\n}\n";

/// An editor with an open document in a repository, and a model that takes instructions.
struct Scene {
    fake: FakeProvider,
    editor: Editor,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new(can: Value) -> Scene {
        Scene::with(can, "", "").await
    }

    /// With lines at the head of the configuration, and more of the model's row.
    async fn with(can: Value, head: &str, row: &str) -> Scene {
        let (fake, folder) = (FakeProvider::start().await.unwrap(), tempfile::tempdir().unwrap());
        let config = format!(
            "discover = false\n{head}\n[embedded]\nenabled = false\n[model.m]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = 'm'\nformat = 'chat'\n\
             tier = 'cheap'\ncontext = 32000\n{row}\nprice = {{ input = 1, output = 2, as_of = '2026-11-25' }}\n",
            fake.base_url()
        );
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        let root = folder.path().join("project");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("a.rs"), SOURCE).unwrap();
        for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "a: one"]] {
            let mut git = Command::new("git");
            git.current_dir(&root).args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(arguments);
            assert!(git.status().await.unwrap().success());
        }
        let mut editor = Editor::in_memory(options(&folder));
        editor.initialize(can, Value::Null, Some(&root)).await;
        let mut scene = Scene { fake, editor, folder };
        let uri = scene.uri();
        scene.editor.open(&uri, "rust", 1, SOURCE).await;
        scene
    }

    /// Another server of the same user, whose document holds this.
    async fn restart(&mut self, text: &str) {
        let old = std::mem::replace(&mut self.editor, Editor::in_memory(options(&self.folder)));
        old.shutdown().await;
        self.editor.initialize(can(), Value::Null, Some(&self.folder.path().join("project"))).await;
        let uri = self.uri();
        self.editor.open(&uri, "rust", 1, text).await;
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("project/a.rs")
    }

    fn uri(&self) -> String {
        uri(&self.path())
    }

    fn says(&self, answer: &str) {
        self.fake.answer(Answer::new(&[answer]));
    }

    async fn actions(&mut self, line: u32, context: Value) -> Vec<Value> {
        let range = json!({"start": {"line": line, "character": 0}, "end": {"line": line, "character": 1}});
        let params = json!({"textDocument": {"uri": self.uri()}, "range": range, "context": context});
        self.editor.request("textDocument/codeAction", params).await.as_array().unwrap().clone()
    }

    async fn run(&mut self, command: &str, more: Value) -> Value {
        let mut asked = json!({"uri": self.uri()});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let params = json!({"command": format!("pennyworth.{command}"), "arguments": [asked]});
        self.editor.request("workspace/executeCommand", params).await
    }
}

fn options(folder: &tempfile::TempDir) -> Options {
    Options {
        config: Some(folder.path().join("config.toml")),
        ledger: Some(folder.path().join("ledger.sqlite")),
        discover: false,
    }
}

/// A document of so many lines.
fn lines_of(count: u32) -> Value {
    json!({"start": {"line": 0, "character": 0}, "end": {"line": count, "character": 0}})
}

fn can() -> Value {
    json!({"textDocument": {"inlineCompletion": {}, "publishDiagnostics": {}},
        "workspace": {"applyEdit": true, "workspaceEdit": {"documentChanges": true}}, "window": {"workDoneProgress": true}})
}

fn at(line: u32) -> Value {
    json!({"range": {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 1}}})
}

fn titles(actions: &[Value]) -> Vec<&str> {
    actions.iter().map(|action| action["title"].as_str().unwrap().trim_start_matches("Pennyworth: ")).collect()
}

#[tokio::test]
async fn actions_are_offered_where_they_make_sense() {
    let mut scene = Scene::new(can()).await;
    let of = |actions: Vec<Value>| titles(&actions).join(", ");
    let price = |task: &str, cents: &str| format!("{task} (≈ {cents} ¢, m)");
    let (document, tests, explain) =
        (price("document this", "0.2"), price("write tests", "0.5"), price("explain this", "0.2"));
    let all = format!("{document}, {tests}, {explain}");
    assert_eq!(of(scene.actions(1, json!({"diagnostics": []})).await), all, "what is worth telling is told");
    let edit = format!("{}, {all}", price("edit as the comment above says (pw: …)", "0.3"));
    assert_eq!(of(scene.actions(5, json!({"diagnostics": []})).await), edit);
    assert_eq!(of(scene.actions(1, json!({"diagnostics": [], "triggerKind": 2})).await), "");
    let found = json!([{"range": at(1)["range"], "message": "overflow", "source": "rustc"}]);
    let fix = price("fix this", "0.2");
    assert_eq!(of(scene.actions(1, json!({"diagnostics": found, "triggerKind": 2})).await), fix);
    let only = |kind: &str| json!({"diagnostics": found, "only": [kind]});
    assert_eq!(of(scene.actions(1, only("quickfix")).await), fix);
    assert_eq!(of(scene.actions(1, only("refactor")).await), format!("{document}, {tests}"));
    assert_eq!(of(scene.actions(1, only("source.organizeImports")).await), "");
    let own = json!([{"range": at(1)["range"], "message": "found", "source": "pennyworth"}]);
    assert_eq!(
        of(scene.actions(1, json!({"diagnostics": own, "triggerKind": 2})).await),
        "",
        "a finding of ours is no fault of the code"
    );
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn an_edit_is_of_the_version_that_was_read() {
    let mut scene = Scene::new(can()).await;
    scene.says("```rust\n/// Adds.\nfn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n```");
    assert_eq!(scene.run("document", at(1)).await, Value::Null, "it is answered at once");
    let change = scene.editor.asked("workspace/applyEdit").await["edit"]["documentChanges"][0].take();
    assert_eq!(change["textDocument"], json!({"uri": scene.uri(), "version": 1}));
    let start = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}});
    assert_eq!(change["edits"], json!([{"range": start, "newText": "/// Adds.\n"}]));

    scene.says("```rust\nfn one() -> u8 {\n    1\n}\n```");
    scene.run("edit", at(5)).await;
    let edits = scene.editor.asked("workspace/applyEdit").await["edit"]["documentChanges"][0]["edits"].take();
    let texts: Vec<_> = edits.as_array().unwrap().iter().map(|edit| edit["newText"].clone()).collect();
    assert_eq!(texts, [json!(""), json!("    1\n")], "the comment with the instruction goes");
    let asked = scene.fake.seen().last().unwrap().body.to_string();
    assert!(asked.contains("return one") && !asked.contains("pw:"), "no model can keep it: {asked}");
    scene.says("```rust\nfn add(a: u8, b: u8) -> u8 {\n    a.saturating_add(b)\n}\n```");
    let told = scene.run("fix", json!({"range": at(1)["range"], "returns": true, "diagnostics": [{"range": at(1)["range"], "message": "overflow"}]})).await;
    assert!(
        told["text"].as_str().unwrap().contains("saturating_add") && told["cost_usd"].as_f64().unwrap() > 0.0,
        "{told}"
    );
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn the_comment_with_an_instruction_goes_wherever_it_stands() {
    let mut scene = Scene::new(can()).await;
    for (text, line, answer, first, last) in [
        ("fn a() -> u8 {\n    // pw: one\n    // more\n    2\n}\n", 1, "fn a() -> u8 {\n    3\n}", (1, 0), (4, 0)),
        ("/*\n * pw: one more\n */\nfn a() -> u8 {\n    2\n}\n", 3, "fn a() -> u8 {\n    3\n}", (0, 0), (5, 0)),
        ("static A: u8 = 2; // pw: one more\n", 0, "static A: u8 = 3;", (0, 0), (1, 0)),
    ] {
        scene.restart(text).await;
        scene.says(&format!("```rust\n{answer}\n```"));
        scene.run("edit", at(line)).await;
        let edits = scene.editor.asked("workspace/applyEdit").await["edit"]["documentChanges"][0]["edits"].take();
        let edits = edits.as_array().unwrap();
        let place = |line: u32, character: u32| json!({"line": line, "character": character});
        assert_eq!(edits.first().unwrap()["range"]["start"], place(first.0, first.1), "{text}");
        assert_eq!(edits.last().unwrap()["range"]["end"], place(last.0, last.1), "{text}");
        assert!(edits.iter().all(|edit| !edit["newText"].as_str().unwrap().contains("pw:")), "{edits:?}");
    }
    scene.restart("// pw:\nfn a() {}\n").await;
    let actions = scene.actions(1, json!({"diagnostics": []})).await;
    assert!(titles(&actions).iter().all(|title| !title.contains("pw:")), "no words are no instruction: {actions:?}");
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn tests_may_need_a_new_file() {
    let mut can = can();
    can["workspace"]["workspaceEdit"]["resourceOperations"] = json!(["create", "rename"]);
    let mut scene = Scene::new(can).await;
    let (source, of) = ("def add(a, b):\n    return a + b\n", scene.path().with_file_name("sums.py"));
    std::fs::write(&of, source).unwrap();
    scene.editor.open(&uri(&of), "python", 1, source).await;
    scene.says("```python\nfrom sums import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n```");
    scene.run("tests", json!({"uri": uri(&of), "range": at(0)["range"]})).await;
    let changes = scene.editor.asked("workspace/applyEdit").await["edit"]["documentChanges"].take();
    let file = json!({"kind": "create", "uri": changes[1]["textDocument"]["uri"], "options": {"ignoreIfExists": true}});
    assert_eq!(changes[0], file, "it is made before it is written");
    assert!(changes[1]["edits"][0]["newText"].as_str().unwrap().starts_with("from sums"), "{changes}");
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn a_message_goes_into_the_buffer_of_its_commit() {
    let mut scene = Scene::new(json!({"workspace": {"applyEdit": true}})).await;
    std::fs::write(scene.path(), "fn three() {}\n").unwrap();
    let params = json!({"command": "pennyworth.commit"});
    scene.editor.request("workspace/executeCommand", params).await;
    let said = scene.editor.note("window/showMessage").await;
    assert_eq!(said["message"], "Pennyworth: nothing is staged", "without an argument it is about the folder");
    let mut git = Command::new("git");
    assert!(git.current_dir(scene.path().parent().unwrap()).args(["add", "."]).status().await.unwrap().success());
    let uri = uri(&scene.path().with_file_name("COMMIT_EDITMSG"));
    scene.editor.open(&uri, "gitcommit", 1, "\n# Changes\n").await;
    let range = at(0)["range"].clone();
    let params = json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": []}});
    let actions = scene.editor.request("textDocument/codeAction", params).await;
    let of = |title: &str| {
        let title = format!("Pennyworth: {title}");
        actions.as_array().unwrap().iter().find(move |action| action["title"] == title).cloned()
    };
    assert!(of("review the changes").is_none(), "a message is not reviewed: {actions}");
    let command = of("write this commit message (≈ 0.2 ¢, m)").unwrap()["command"].clone();
    scene.says("a: three\n");
    let params = json!({"command": command["command"], "arguments": command["arguments"]});
    scene.editor.request("workspace/executeCommand", params).await;
    let edit = scene.editor.asked("workspace/applyEdit").await["edit"]["changes"][&uri].take();
    let start = json!({"line": 0, "character": 0});
    assert_eq!(edit, json!([{"range": {"start": start, "end": start}, "newText": "a: three\n"}]));
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn findings_follow_their_lines_and_vanish_with_them() {
    let mut scene = Scene::new(can()).await;
    // It is not saved, and a review is of what the user sees.
    let whole = json!([{"text": SOURCE.replace("a + b", "a - b")}]);
    scene.editor.change(&scene.uri(), 2, whole).await;
    scene.says(r#"{"findings": [{"file": "a.rs", "line": 2, "severity": "high", "title": "It may underflow", "why": "b may be larger.", "fix": null}]}"#);
    scene.run("review", json!({})).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!((&shown["uri"], &shown["diagnostics"][0]["range"]["start"]["line"]), (&json!(scene.uri()), &json!(1)));
    assert_eq!(shown["diagnostics"][0]["message"], "It may underflow\nb may be larger.");
    let place = |line: u32| json!({"line": line, "character": 0});
    let uri = scene.uri();
    let insert = json!([{"range": {"start": place(0), "end": place(0)}, "text": "\n\n"}]);
    scene.editor.change(&uri, 3, insert).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!(shown["diagnostics"][0]["range"]["start"]["line"], 3);
    scene.editor.change(&uri, 4, json!([{"range": {"start": place(3), "end": place(3)}, "text": "x"}])).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!(shown["diagnostics"], json!([]));
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn a_review_goes_on_without_a_file_that_may_go_nowhere() {
    let mut scene = Scene::new(can()).await;
    let root = scene.folder.path().join("project");
    std::fs::create_dir(root.join("local")).unwrap();
    std::fs::write(root.join("local/.pennyworth.toml"), "local_only = true\n").unwrap();
    std::fs::write(root.join("local/x.rs"), "fn local_alone() {}\n").unwrap();
    std::fs::write(scene.path(), SOURCE.replace("a + b", "a - b")).unwrap();
    let added = Command::new("git").current_dir(&root).args(["add", "a.rs", "local/x.rs"]).status().await;
    assert!(added.unwrap().success());
    scene.says(r#"{"findings": [{"file": "a.rs", "line": 2, "severity": "Critical", "title": "It may underflow", "why": "So."}]}"#);
    let told = scene.run("review", json!({"staged": true, "returns": true})).await;
    assert_eq!(told["findings"][0]["severity"], "high", "{told}");
    let said = scene.editor.note("window/showMessage").await["message"].to_string();
    assert!(said.contains("left out: local/x.rs: no model may be asked: m: code may not leave this machine"), "{said}");
    assert!(scene.fake.seen().iter().all(|seen| !seen.body.to_string().contains("local_alone")));
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn a_finding_is_applied_dismissed_or_explained() {
    let mut can = can();
    can["textDocument"]["codeAction"] = json!({"tagSupport": {"valueSet": [1]}});
    let mut scene = Scene::new(can).await;
    let changed = SOURCE.replace("a + b", "a - b").replace("    2", "    3");
    std::fs::write(scene.path(), &changed).unwrap();
    let uri = scene.uri();
    let end = json!({"line": 9, "character": 0});
    let whole = json!([{"range": {"start": {"line": 0, "character": 0}, "end": end}, "text": changed}]);
    scene.editor.change(&uri, 2, whole).await;
    let finding = |line: u32, title: &str, fix: Value| json!({"file": "a.rs", "line": line, "severity": "high", "title": title, "why": "So.", "fix": fix});
    let fix = json!({"first": 2, "last": 2, "text": "    a.saturating_sub(b)"});
    let found = json!({"findings": [finding(2, "It may underflow", fix), finding(7, "Not one", Value::Null)]});
    scene.says(&found.to_string());
    scene.run("review", json!({})).await;
    scene.editor.note("textDocument/publishDiagnostics").await;

    let actions = scene.actions(1, json!({"diagnostics": [], "only": ["quickfix"], "triggerKind": 2})).await;
    let all = ["apply: It may underflow", "dismiss: It may underflow", "explain more: It may underflow"];
    assert_eq!(titles(&actions), all, "also for a client that asks by itself");
    let edit = &actions[0]["edit"]["documentChanges"][0];
    assert_eq!(edit["textDocument"], json!({"uri": uri, "version": 2}));
    let lines = json!({"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 0}});
    assert_eq!(edit["edits"], json!([{"range": lines, "newText": "    a.saturating_sub(b)\n"}]));
    assert_eq!(
        (&actions[0]["isPreferred"], &actions[0]["tags"], &actions[2]["tags"]),
        (&json!(true), &Value::Null, &json!([1]))
    );
    assert_eq!(actions[0]["diagnostics"][0]["message"], "It may underflow\nSo.");

    let text = json!([{"range": lines, "text": "    a.saturating_sub(b)\n"}]);
    scene.editor.change(&uri, 3, text).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!(shown["diagnostics"].as_array().unwrap().len(), 1, "what was applied is gone: {shown}");

    let actions = scene.actions(6, json!({"diagnostics": [], "only": ["quickfix"]})).await;
    assert_eq!(
        titles(&actions),
        ["dismiss: Not one", "explain more: Not one"],
        "without a fix there is nothing to apply"
    );
    scene.says("It returns three.");
    let mut asked = actions[1]["command"]["arguments"][0].clone();
    asked["returns"] = json!(true);
    let params = json!({"command": actions[1]["command"]["command"], "arguments": [asked]});
    let told = scene.editor.request("workspace/executeCommand", params).await;
    assert_eq!(told["markdown"], "It returns three.");
    let prompt = scene.fake.seen().last().unwrap().body.to_string();
    assert!(prompt.contains("Not one") && prompt.contains("So."), "{prompt}");

    let command = &actions[0]["command"];
    let params = json!({"command": command["command"], "arguments": command["arguments"]});
    scene.editor.request("workspace/executeCommand", params).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!(shown["diagnostics"], json!([]));

    // After a restart, the same finding is not shown for the same text, and another one there is.
    scene.restart(&changed).await;
    let found = json!({"findings": [finding(7, "Not one", Value::Null), finding(7, "Another", Value::Null)]});
    scene.says(&found.to_string());
    let told = scene.run("review", json!({})).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    let marks = shown["diagnostics"].as_array().unwrap();
    assert!(marks.len() == 1 && marks[0]["message"] == "Another\nSo.", "{shown} {told}");
    // With other text on its line it is.
    let whole = json!([{"range": lines_of(9), "text": changed.replace("    3", "    3 + 0")}]);
    scene.editor.change(&uri, 2, whole).await;
    scene.editor.note("textDocument/publishDiagnostics").await;
    scene.says(&found.to_string());
    scene.run("review", json!({})).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!(shown["diagnostics"].as_array().unwrap().len(), 2, "{shown}");
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn findings_of_a_document_are_known_however_its_uri_is_spelled() {
    let mut scene = Scene::new(can()).await;
    let folder = scene.folder.path().join("project/@scope/(app)");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("[id].rs");
    std::fs::write(&path, "fn one() -> u8 {\n    2\n}\n").unwrap();
    let spelled = ["@", "(", ")", "[", "]"].into_iter().zip(["%40", "%28", "%29", "%5B", "%5D"]);
    let spelled = spelled.fold(uri(&path), |uri, (plain, escaped)| uri.replace(plain, escaped));
    scene.editor.open(&spelled, "rust", 1, "fn one() -> u8 {\n    2\n}\n").await;
    let finding = |title: &str| json!({"file": "@scope/(app)/[id].rs", "line": 2, "severity": "high", "title": title, "why": "So.", "fix": null});
    scene.says(&json!({"findings": [finding("It is two"), finding("No name for it")]}).to_string());
    let git = Command::new("git").current_dir(scene.folder.path().join("project")).args(["add", "."]).status().await;
    assert!(git.unwrap().success());
    scene.run("review", json!({})).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!(shown["diagnostics"].as_array().unwrap().len(), 2, "{shown}");
    let actions = |line: u32| json!({"textDocument": {"uri": spelled}, "range": at(line)["range"], "context": {"diagnostics": [], "only": ["quickfix"]}});
    let found = scene.editor.request("textDocument/codeAction", actions(1)).await;
    let found = found.as_array().unwrap().clone();
    let all =
        ["dismiss: It is two", "explain more: It is two", "dismiss: No name for it", "explain more: No name for it"];
    assert_eq!(titles(&found), all);
    // The range of a mark ends where the next line begins, and has nothing of that.
    let mut mark = actions(0);
    mark["range"]["end"] = json!({"line": 1, "character": 0});
    assert_eq!(scene.editor.request("textDocument/codeAction", mark).await, json!([]));
    // One of two on a line is dismissed alone, and the other follows its line.
    let params = json!({"command": found[0]["command"]["command"], "arguments": found[0]["command"]["arguments"]});
    scene.editor.request("workspace/executeCommand", params).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!(shown["diagnostics"].as_array().unwrap().len(), 1, "{shown}");
    let top = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}});
    scene.editor.change(&spelled, 2, json!([{"range": top, "text": "// Above.\n"}])).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!(shown["diagnostics"][0]["range"]["start"]["line"], 2, "{shown}");
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn a_review_from_a_folder_of_a_repository_shows_findings_of_all_of_it() {
    let mut scene = Scene::new(can()).await;
    let below = scene.folder.path().join("project/below");
    std::fs::create_dir_all(&below).unwrap();
    std::fs::write(scene.path(), SOURCE.replace("a + b", "a - b")).unwrap();
    let old = std::mem::replace(&mut scene.editor, Editor::in_memory(options(&scene.folder)));
    old.shutdown().await;
    scene.editor.initialize(can(), Value::Null, Some(&below)).await;
    scene.says(r#"{"findings": [{"file": "a.rs", "line": 2, "severity": "high", "title": "It may underflow", "why": "So.", "fix": null}]}"#);
    scene.run("review", json!({})).await;
    let shown = scene.editor.note("textDocument/publishDiagnostics").await;
    assert_eq!((&shown["uri"], shown["diagnostics"].as_array().unwrap().len()), (&json!(scene.uri()), 1), "{shown}");
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn a_client_without_a_button_cancels_what_runs_by_a_command() {
    let mut scene = Scene::new(can()).await;
    let cancel = json!({"command": "pennyworth.cancel"});
    for (running, said) in [(0, "no task is running"), (2, "cancelled")] {
        for _ in 0..running {
            scene.fake.answer(Answer::new(&["It "]).with(Fault::HangAfterHead));
            scene.run("explainCode", at(1)).await;
        }
        until(|| scene.fake.seen().len() >= running).await;
        let answer = scene.editor.request("workspace/executeCommand", cancel.clone()).await;
        assert_eq!(answer, json!({"cancelled": running}));
        assert_eq!(scene.editor.note("window/showMessage").await["message"], format!("Pennyworth: {said}"));
    }
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn a_task_is_cancelled_and_one_without_a_result_says_why() {
    let mut scene = Scene::new(can()).await;
    scene.fake.answer(Answer::new(&["It "]).with(Fault::HangAfterHead));
    scene.run("explainCode", at(1)).await;
    let token = scene.editor.asked("window/workDoneProgress/create").await["token"].clone();
    until(|| !scene.fake.seen().is_empty()).await;
    scene.editor.notify("window/workDoneProgress/cancel", json!({"token": token})).await;
    loop {
        let progress = scene.editor.note("$/progress").await;
        if progress["token"] == token && progress["value"]["kind"] == "end" {
            break;
        }
    }
    scene.says("");
    scene.run("explainCode", at(1)).await;
    let said = scene.editor.note("window/showMessage").await;
    assert_eq!(said["message"], "Pennyworth: no explain: m: the answer is empty");
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn a_user_who_is_asked_when_and_does_not_say_later_has_it_now() {
    for choice in ["Now", ""] {
        let mut scene = Scene::with(can(), "tasks.explain.queue = 'ask'", "batch = 'openai'").await;
        scene.says("It adds.");
        scene.editor.chooses(choice);
        let range = json!({"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 1}});
        scene.run("explainCode", json!({"range": range})).await;
        scene.editor.asked("window/showMessageRequest").await;
        scene.editor.asked("window/showDocument").await;
        assert_eq!(scene.fake.seen().len(), 1, "{choice}");
    }
}

#[tokio::test]
async fn findings_of_a_document_that_changed_meanwhile_stand_at_their_lines_or_nowhere() {
    for (change, expected) in [
        (
            json!([{"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}, "text": "// 1\n// 2\n"}]),
            Some(3),
        ),
        (json!([{"text": "fn other() {}\n"}]), None),
    ] {
        let mut scene = Scene::new(can()).await;
        let uri = scene.uri();
        scene.editor.change(&uri, 2, json!([{"text": SOURCE.replace("a + b", "a - b")}])).await;
        let found = r#"{"findings": [{"file": "a.rs", "line": 2, "severity": "high", "title": "T", "why": "W.", "fix": {"first": 2, "last": 2, "text": "    x"}}]}"#;
        scene.fake.answer(Answer::new(&["", found]).with(Fault::HeldAfter(1)));
        scene.run("review", json!({})).await;
        until(|| !scene.fake.seen().is_empty()).await;
        scene.editor.change(&uri, 3, change).await;
        scene.fake.release();
        match expected {
            Some(line) => {
                let shown = scene.editor.note("textDocument/publishDiagnostics").await;
                assert_eq!(shown["diagnostics"][0]["range"]["start"]["line"], line);
                let actions = scene.actions(line, json!({"diagnostics": [], "only": ["quickfix"]})).await;
                let range = &actions[0]["edit"]["documentChanges"][0]["edits"][0]["range"];
                assert_eq!(range["start"]["line"], line, "{actions:?}");
            }
            None => {
                let said = scene.editor.note("window/showMessage").await;
                assert!(said["message"].as_str().unwrap().contains("1 of what the review found is left out"), "{said}");
            }
        }
        scene.editor.shutdown().await;
    }
}

#[tokio::test]
async fn a_client_that_knows_no_versions_gets_no_edit_for_a_text_that_is_gone() {
    let mut can = can();
    can["workspace"] = json!({"applyEdit": true});
    let mut scene = Scene::new(can).await;
    let uri = scene.uri();
    scene.fake.answer(
        Answer::new(&["", "```rust\nfn add(a: u8, b: u8) -> u8 {\n    b + a\n}\n```\n"]).with(Fault::HeldAfter(1)),
    );
    let asked = json!({"range": at(1)["range"], "instruction": "Swap."});
    scene.run("edit", asked).await;
    until(|| !scene.fake.seen().is_empty()).await;
    scene.editor.change(&uri, 2, json!([{"text": format!("// 1\n// 2\n{SOURCE}")}])).await;
    scene.fake.release();
    let said = scene.editor.note("window/showMessage").await;
    assert!(said["message"].as_str().unwrap().contains("the document has changed"), "{said}");
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn tests_are_added_to_the_open_document_as_it_is() {
    let mut scene = Scene::new(can()).await;
    let root = scene.path().parent().unwrap().to_owned();
    std::fs::write(root.join("b.py"), "def f(a):\n    return a\n").unwrap();
    std::fs::write(root.join("test_b.py"), "def test_old():\n    pass\n").unwrap();
    let (code, tests) = (uri(&root.join("b.py")), uri(&root.join("test_b.py")));
    scene.editor.open(&code, "python", 1, "def f(a):\n    return a\n").await;
    // It is not saved, and its lines end otherwise.
    scene.editor.open(&tests, "python", 7, "# One.\r\n# Two.\r\n\r\ndef test_old():\r\n    pass\r\n").await;
    scene.says("```python\ndef test_f():\n    assert f(1) == 1\n```\n");
    let asked = json!({"uri": code, "range": at(0)["range"]});
    let params = json!({"command": "pennyworth.tests", "arguments": [asked]});
    scene.editor.request("workspace/executeCommand", params).await;
    let edit = scene.editor.asked("workspace/applyEdit").await["edit"]["documentChanges"][0].take();
    assert_eq!(edit["textDocument"], json!({"uri": tests, "version": 7}));
    assert_eq!(edit["edits"][0]["range"]["start"], json!({"line": 5, "character": 0}));
    let text = edit["edits"][0]["newText"].as_str().unwrap();
    assert!(text.contains("def test_f():\r\n") && !text.replace("\r\n", "").contains('\n'), "{text:?}");
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn an_action_says_why_it_cannot_run_and_is_not_offered_where_there_is_nothing() {
    for disables in [true, false] {
        let mut can = can();
        can["textDocument"]["codeAction"] = json!({"disabledSupport": disables});
        let mut scene = Scene::with(can, "local_only = true", "").await;
        let actions = scene.actions(1, json!({"diagnostics": []})).await;
        let action = actions.iter().find(|action| action["title"].as_str().unwrap().contains("document this")).unwrap();
        let reason = "m: code may not leave this machine";
        match disables {
            true => assert_eq!(action["disabled"]["reason"], reason, "{action}"),
            false => assert_eq!(action["title"], format!("Pennyworth: document this (cannot run: {reason})")),
        }
        let nowhere = scene.actions(3, json!({"diagnostics": []})).await;
        assert!(!titles(&nowhere).iter().any(|title| title.contains("document this")), "{nowhere:?}");
        scene.editor.shutdown().await;
    }
}
