//! A suggestion that the user dismissed does not come back at its place for a while, whoever says it; one that was only typed over does. At the
//! protocol's boundary, as each kind of editor tells it, or tells nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::{Value, json};

use Step::*;

/// What a user does, or what must hold then.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A text is inserted at the cursor, in one edit.
    Types(&'static str),
    /// The beginning of what is shown is taken, and the editor tells it.
    TakesPart(&'static str),
    /// So many bytes before the cursor are removed, in one edit.
    Erases(usize),
    /// The suggestion is dismissed, and the editor tells it.
    Dismisses,
    /// What is shown while typing.
    Shown(Option<&'static str>),
    /// What is shown to a key.
    ByKey(Option<&'static str>),
    /// So many calls were made.
    Calls(usize),
    /// Whether an explanation of the place names a dismissal.
    Explains(bool),
}

/// How an editor introduces itself, and how it counts characters.
#[derive(Clone, Copy, Debug)]
struct Client {
    name: &'static str,
    encoding: &'static str,
}

const VSCODE: Client = Client { name: "Visual Studio Code", encoding: "utf-16" };
const NEOVIM: Client = Client { name: "Neovim", encoding: "utf-8" };

struct Case {
    name: &'static str,
    language: &'static str,
    source: &'static str,
    /// What the embedded model may do, and the number of other models.
    embedded: bool,
    models: usize,
    answers: &'static [&'static [&'static str]],
    steps: &'static [Step],
}

const RUST: &str = "fn main() {\n    let s = \"🎉é\"; let greeting = ˇ\n}\n";
const LEARNED: &str = "def a(b):\n    total = compute_all(b)\n    total = compute_all(b)\n    total = compute_all(b)\n    \
                       total = compute_all(b)\n    total = compute_all(b)\n    tˇ\n";

struct Scene {
    _folder: tempfile::TempDir,
    provider: FakeProvider,
    editor: Editor,
    client: Client,
    uri: String,
    text: String,
    /// The cursor's byte offset.
    cursor: usize,
    version: i32,
}

impl Scene {
    async fn new(case: &Case, client: Client) -> Scene {
        let provider = FakeProvider::start().await.unwrap();
        case.answers.iter().for_each(|pieces| provider.answer(Answer::new(pieces)));
        let folder = tempfile::tempdir().unwrap();
        let mut config = format!("debounce_ms = 0\nexplore = 0.0\n[embedded]\nenabled = {}\n", case.embedded);
        for number in 1..=case.models {
            write!(
                config,
                "[model.m{number}]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = 'qwen2.5-coder-{number}'\nformat = 'qwen'\n\
                 tier = 'cheap'\ncontext = 8000\nprice = {{ input = {number}, output = {number}, as_of = '2026-11-29' }}\n",
                provider.base_url()
            )
            .unwrap();
        }
        let path = folder.path().join("config.toml");
        std::fs::write(&path, config).unwrap();
        let ledger = folder.path().join("ledger.sqlite");
        let mut editor = Editor::in_memory(Options { config: Some(path), ledger: Some(ledger), discover: false });
        editor.named(client.name);
        let capabilities = json!({
            "general": {"positionEncodings": [client.encoding]}, "textDocument": {"inlineCompletion": {}},
        });
        editor.initialize(capabilities, Value::Null, None).await;
        let (uri, cursor) = (format!("file:///project/a.{}", case.language), case.source.find('ˇ').unwrap());
        let text = case.source.replace('ˇ', "");
        editor.open(&uri, case.language, 1, &text).await;
        Scene { _folder: folder, provider, editor, client, uri, text, cursor, version: 1 }
    }

    fn position(&self, at: usize) -> Value {
        let before = &self.text[..at];
        let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
        let character = if self.client.encoding == "utf-8" { line.len() } else { line.encode_utf16().count() };
        json!({"line": before.matches('\n').count(), "character": character})
    }

    fn place(&self, by_key: bool) -> Value {
        let context = json!({"triggerKind": if by_key { 1 } else { 2 }});
        json!({"textDocument": {"uri": self.uri}, "position": self.position(self.cursor), "context": context})
    }

    async fn shown(&mut self, by_key: bool) -> Option<String> {
        let place = self.place(by_key);
        let found = self.editor.request("textDocument/inlineCompletion", place).await;
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    async fn edit(&mut self, erased: usize, text: &str) {
        let start = self.cursor - erased;
        let range = json!({"start": self.position(start), "end": self.position(self.cursor)});
        self.version += 1;
        self.text.replace_range(start..self.cursor, text);
        self.cursor = start + text.len();
        self.editor.change(&self.uri, self.version, json!([{"range": range, "text": text}])).await;
    }

    async fn check(&mut self, step: Step, case: &str) {
        match step {
            Types(text) => self.edit(0, text).await,
            TakesPart(text) => {
                let place = self.place(false);
                let found = self.editor.request("textDocument/inlineCompletion", place).await;
                let id = found.pointer("/items/0/command/arguments/0").cloned();
                self.edit(0, text).await;
                let command = json!({"command": "pennyworth.acceptedPart", "arguments": [id, text.chars().count()]});
                self.editor.request("workspace/executeCommand", command).await;
            }
            Erases(bytes) => self.edit(bytes, "").await,
            Dismisses => {
                let arguments = json!([self.uri, self.position(self.cursor)]);
                let command = json!({"command": "pennyworth.dismissed", "arguments": arguments});
                self.editor.request("workspace/executeCommand", command).await;
            }
            Shown(expected) => assert_eq!(self.shown(false).await.as_deref(), expected, "{case}: {:?}", self.text),
            ByKey(expected) => assert_eq!(self.shown(true).await.as_deref(), expected, "{case}: {:?}", self.text),
            Explains(expected) => {
                let arguments = json!([self.uri, self.position(self.cursor)]);
                let command = json!({"command": "pennyworth.explain", "arguments": arguments});
                let explained = self.editor.request("workspace/executeCommand", command).await;
                let names = explained["text"].as_str().is_some_and(|text| text.contains("\ndismissed   "));
                assert_eq!(names, expected, "{case}: {explained}");
            }
            Calls(expected) => assert_eq!(self.provider.seen().len(), expected, "{case}: {:?}", self.text),
        }
    }
}

async fn check(cases: &[Case], clients: &[Client]) {
    for case in cases {
        for client in clients {
            let mut scene = Scene::new(case, *client).await;
            for (number, step) in case.steps.iter().enumerate() {
                scene.check(*step, &format!("{} in {}, step {number}", case.name, client.name)).await;
            }
            scene.editor.shutdown().await;
        }
    }
}

#[tokio::test]
async fn what_was_dismissed_does_not_come_back_until_a_key_asks() {
    let model = |name, answers, steps| Case {
        name,
        language: "rust",
        source: RUST,
        embedded: false,
        models: 1,
        answers,
        steps,
    };
    let cases = [
        model(
            "an answer of a model",
            &[&["first(1);"], &["never"]],
            &[
                Shown(Some("first(1);")),
                Explains(false),
                Dismisses,
                Shown(None),
                Explains(true),
                Types("f"),
                Shown(None),
                Explains(true),
                Types("irst("),
                Shown(None),
                Erases(6),
                Shown(None),
                Calls(1),
                ByKey(Some("first(1);")),
                Explains(false),
                Types("f"),
                Shown(Some("irst(1);")),
                Calls(1),
            ],
        ),
        model(
            "something else is asked for",
            &[&["first(1);"], &["y(2);"]],
            &[Shown(Some("first(1);")), Dismisses, Types("x"), Shown(Some("y(2);")), Calls(2)],
        ),
        model(
            "a line of an answer that is read on",
            &[&["first(1);\n", "    second();\n", "    third();\n"], &["never"]],
            &[
                Shown(Some("first(1);")),
                Types("first(1);"),
                Shown(Some("\n    second();")),
                Dismisses,
                Shown(None),
                Types("\n    "),
                Shown(None),
                Calls(1),
                Types("s"),
                Shown(None),
                Calls(1),
            ],
        ),
        model(
            "the beginning of what was typed along",
            &[&["first(1);"], &["never"]],
            &[
                Shown(Some("first(1);")),
                Types("fi"),
                Shown(Some("rst(1);")),
                Dismisses,
                Erases(1),
                Shown(None),
                Calls(1),
            ],
        ),
        Case {
            models: 2,
            ..model(
                "another model says the same",
                &[&["first(1);"], &["first(1);"], &["never"]],
                &[
                    Shown(Some("first(1);")),
                    Dismisses,
                    Shown(None),
                    Calls(2),
                    Shown(None),
                    Types("f"),
                    Shown(None),
                    Calls(2),
                ],
            )
        },
        Case {
            models: 2,
            ..model(
                "another model says something else",
                &[&["first(1);"], &["other(2);"]],
                &[Shown(Some("first(1);")), Dismisses, Shown(Some("other(2);")), Types("o"), Shown(Some("ther(2);"))],
            )
        },
        Case {
            name: "the embedded model",
            language: "python",
            source: LEARNED,
            embedded: true,
            models: 0,
            answers: &[],
            steps: &[
                Shown(Some("otal = compute_all(b)")),
                Dismisses,
                Shown(None),
                Types("o"),
                Shown(None),
                Types("tal"),
                Shown(None),
                ByKey(Some(" = compute_all(b)")),
                Types(" "),
                Shown(Some("= compute_all(b)")),
            ],
        },
    ];
    check(&cases, &[VSCODE, NEOVIM]).await;
}

#[tokio::test]
async fn a_call_in_flight_that_says_what_was_dismissed_is_joined_and_not_shown() {
    let case = Case {
        name: "in flight",
        language: "rust",
        source: RUST,
        embedded: false,
        models: 2,
        answers: &[&["first(1);"]],
        steps: &[],
    };
    let mut scene = Scene::new(&case, VSCODE).await;
    scene.provider.answer(Answer::new(&["irst(", "1);"]).with(Fault::HeldAfter(1)));
    scene.provider.answer(Answer::new(&["never"]));
    for step in [Shown(Some("first(1);")), Dismisses, Types("f")] {
        scene.check(step, case.name).await;
    }
    let place = scene.place(false);
    let first = scene.editor.send("textDocument/inlineCompletion", place).await;
    while scene.provider.bill().output < 2 {
        scene.editor.request("workspace/executeCommand", json!({"command": "pennyworth.status"})).await;
    }
    scene.check(Types("i"), case.name).await;
    assert!(scene.editor.answer(first).await.is_err(), "the edit ends it");
    let place = scene.place(false);
    let second = scene.editor.send("textDocument/inlineCompletion", place).await;
    scene.provider.release();
    assert_eq!(scene.editor.answer(second).await, Ok(Value::Null));
    scene.check(Calls(2), case.name).await;
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn editors_that_tell_nothing_dismiss_by_removing_and_not_by_typing_something_else() {
    let case = |name, source, answers, steps| Case {
        name,
        language: "rust",
        source,
        embedded: false,
        models: 1,
        answers,
        steps,
    };
    let cases = [
        case(
            "typing something else is no dismissal",
            RUST,
            &[&["first(1);"], &["never"]],
            &[Shown(Some("first(1);")), Types("x"), Erases(1), Shown(Some("first(1);")), Calls(1)],
        ),
        case(
            "an undo of what was accepted is one",
            RUST,
            &[&["first(1);"], &["never"]],
            &[
                Shown(Some("first(1);")),
                Types("f"),
                Shown(Some("irst(1);")),
                Types("irst(1);"),
                Erases(8),
                Shown(None),
                Types("i"),
                Shown(None),
                Calls(1),
                ByKey(Some("rst(1);")),
            ],
        ),
        case(
            "an undo of the last of several parts that were taken is none",
            RUST,
            &[&["first(1);"], &["never"]],
            &[
                TakesPart("first"),
                Shown(Some("(1);")),
                Types("(1);"),
                Erases(4),
                Shown(Some("(1);")),
                Erases(5),
                Shown(Some("first(1);")),
                Calls(1),
            ],
        ),
        case(
            "so is deleting all of it, but not its end",
            RUST,
            &[&["first(1);"], &["never"]],
            &[
                Shown(Some("first(1);")),
                Types("first(1);"),
                Erases(4),
                Shown(Some("(1);")),
                Erases(3),
                Erases(2),
                Shown(None),
                Calls(1),
            ],
        ),
        case(
            "an undo that brings text back asks no model until a key is typed",
            "fn main() {\n    let greeting = first_valueˇ\n}\n",
            &[&["len();"]],
            &[Erases(5), Types("value"), Shown(None), Calls(0), Types("."), Shown(Some("len();")), Calls(1)],
        ),
        case(
            "nor does a redo, or an undo of many keys",
            "fn main() {\n    let greeting = first_ˇ\n}\n",
            &[&["x.len();"]],
            &[
                Types("v"),
                Types("a"),
                Erases(1),
                Erases(1),
                Types("va"),
                Shown(None),
                Calls(0),
                Types("l"),
                Shown(Some("x.len();")),
            ],
        ),
        case(
            "a letter typed anew is a key",
            "fn main() {\n    let greeting = first_valueˇ\n}\n",
            &[&["s.len();"]],
            &[Erases(1), Types("e"), Shown(Some("s.len();")), Calls(1)],
        ),
    ];
    check(&cases, &[Client { name: "an editor", encoding: "utf-16" }]).await;
}
