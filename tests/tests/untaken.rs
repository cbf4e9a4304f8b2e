//! A task whose suggestions a user hardly takes in a language is switched off there while typing, says so, and comes back. At the protocol's
//! boundary, with a ledger of what the user did before.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use pennyworth::ledger::{Ledger, Outcome, OutcomeKind, Source, Suggested};
use pennyworth::server::Options;
use pennyworth_core::task::Task;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use serde_json::{Value, json};

/// Suggestions of a task, language and model: how many were dismissed, and how many taken.
type Before = (Task, &'static str, &'static str, usize, usize);

struct Scene {
    _folder: tempfile::TempDir,
    provider: FakeProvider,
    editor: Editor,
    opened: usize,
}

impl Scene {
    async fn new(before: &[Before], config: &str) -> Scene {
        let provider = FakeProvider::start().await.unwrap();
        provider.always(Answer::new(&["all values"]));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let config = format!(
            "debounce_ms = 0\n{config}\n[embedded]\nenabled = false\n[model.m]\nprotocol = 'openai'\nbase_url = '{}'\n\
             model = 'qwen2.5-coder'\ntier = 'cheap'\ncontext = 8000\nprice = {{ input = 1, output = 1, as_of = '2026-11-29' }}\n",
            provider.base_url()
        );
        std::fs::write(&path, config).unwrap();
        let ledger = folder.path().join("ledger.sqlite");
        remember(&ledger, before);
        let mut editor = Editor::in_memory(Options { config: Some(path), ledger: Some(ledger), discover: false });
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        // The ledger opens after `initialize`, and this waits for it.
        editor.request("workspace/executeCommand", json!({"command": "pennyworth.stats"})).await;
        Scene { _folder: folder, provider, editor, opened: 0 }
    }

    /// What is shown at the mark of a new document.
    async fn shown(&mut self, language: &str, source: &str, by_key: bool) -> Option<String> {
        let (uri, position) = self.open(language, source).await;
        let context = json!({"triggerKind": if by_key { 1 } else { 2 }});
        let place = json!({"textDocument": {"uri": uri}, "position": position, "context": context});
        let found = self.editor.request("textDocument/inlineCompletion", place).await;
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    async fn open(&mut self, language: &str, source: &str) -> (String, Value) {
        self.opened += 1;
        let uri = format!("file:///project/a{}.{language}", self.opened);
        let (before, after) = source.split_once('ˇ').unwrap();
        self.editor.open(&uri, language, 1, &[before, after].concat()).await;
        let line = before.lines().last().unwrap();
        (uri, json!({"line": before.lines().count() - 1, "character": line.len()}))
    }

    async fn command(&mut self, command: &str, arguments: Value) -> Value {
        self.editor.request("workspace/executeCommand", json!({"command": command, "arguments": arguments})).await
    }
}

fn remember(path: &std::path::Path, before: &[Before]) {
    let (ledger, _) = Ledger::open(Some(path));
    for (task, language, model, dismissed, taken) in before {
        for number in 0..dismissed + taken {
            let id = ledger.suggested(Suggested {
                source: Source::Model,
                model: (*model).into(),
                call: None,
                task: *task,
                language: (*language).into(),
                chars: 9,
                tokens: 3,
                truncated: false,
                probability: None,
            });
            let kind = if number < *dismissed { OutcomeKind::Dismissed } else { OutcomeKind::Accepted };
            ledger.settled(Outcome { id, kind, chars: 0 });
        }
    }
    assert!(ledger.flush());
}

const PYTHON: &str = "import os\n\n# Compute the total of ˇ\n";
const NOBODY: Before = (Task::Comment, "python", "m", 100, 0);

#[tokio::test]
async fn a_task_is_switched_off_in_the_language_in_which_hardly_any_is_taken_and_a_key_asks_anyway() {
    let rust = "use std::fs;\n\n// Compute the total of ˇ\n";
    let other = "import os\n\ndef total():\n    value = ˇ\n";
    for (name, before, config, language, source, is_shown) in [
        ("nobody took one", &[NOBODY][..], "", "python", PYTHON, false),
        ("in another language", &[NOBODY], "", "rust", rust, true),
        ("another task", &[NOBODY], "", "python", other, true),
        ("the user says so", &[NOBODY], "[tasks.comment]\nenabled = 'on'", "python", PYTHON, true),
        ("too few to know", &[(Task::Comment, "python", "m", 20, 0)], "", "python", PYTHON, true),
        ("a tenth is taken", &[(Task::Comment, "python", "m", 90, 10)], "", "python", PYTHON, true),
        ("a few that were taken since", &[(Task::Comment, "python", "m", 100, 6)], "", "python", PYTHON, true),
        ("a model that is gone", &[(Task::Comment, "python", "gone", 100, 0)], "", "python", PYTHON, true),
        ("the embedded one", &[(Task::Comment, "python", "embedded", 100, 0)], "", "python", PYTHON, false),
        ("one that is taken", &[NOBODY, (Task::Comment, "python", "embedded", 5, 5)], "", "python", PYTHON, true),
    ] {
        let mut scene = Scene::new(before, &format!("explore = 0.0\n{config}")).await;
        let shown = scene.shown(language, source, false).await;
        assert_eq!((shown.is_some(), scene.provider.seen().len()), (is_shown, usize::from(is_shown)), "{name}");
        assert!(scene.shown(language, source, true).await.is_some(), "{name}, by key");
        scene.editor.shutdown().await;
    }
}

#[tokio::test]
async fn explain_and_stats_say_it_with_the_figures_and_the_way_back() {
    for (config, is_off) in [("", true), ("[tasks.comment]\nenabled = 'on'", false)] {
        let mut scene = Scene::new(&[NOBODY], &format!("explore = 0.0\n{config}")).await;
        let (uri, position) = scene.open("python", PYTHON).await;
        let explained = scene.command("pennyworth.explain", json!([uri, position])).await;
        let explained = explained["text"].as_str().unwrap();
        assert_eq!(explained.contains("silent: you take hardly any"), is_off, "{explained}");
        let stats = scene.command("pennyworth.stats", json!([])).await;
        let stats = stats["markdown"].as_str().unwrap();
        assert_eq!(
            stats.contains("* `comment` in python: 0 of 79 taken, so at most 4.6 % are wanted"),
            is_off,
            "{stats}"
        );
        assert_eq!(stats.contains("`enabled = \"on\"` under `[tasks.comment]`"), is_off, "{stats}");
        scene.editor.shutdown().await;
    }
}

#[tokio::test]
async fn it_is_tried_at_few_places_as_long_as_the_user_explores() {
    for (explore, may_be) in [(0.0, 0..1), (0.2, 1..30)] {
        let mut scene = Scene::new(&[NOBODY], &format!("explore = {explore:?}")).await;
        let mut shown = 0;
        for number in 0..60 {
            let source = format!("import os\nvalue_{number} = {number}\n\n# Compute the total of ˇ\n");
            let is_shown = scene.shown("python", &source, false).await.is_some();
            let again = scene.shown("python", &source, false).await.is_some();
            assert_eq!(is_shown, again, "it stays while its line is typed");
            shown += usize::from(is_shown);
        }
        assert!(may_be.contains(&shown), "explore = {explore}: {shown} of 60");
        scene.editor.shutdown().await;
    }
}
