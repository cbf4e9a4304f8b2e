//! Calls in flight while the user types on: typing along is served by the call in flight, typing something else aborts it, and the text
//! after a suggestion may be asked for before it is accepted. At the protocol's boundary, by the provider's count and the ledger's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::UNIX_EPOCH;

use pennyworth::ledger::{Ledger, Row};
use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";
const SOURCE: &str = "fn main() {\n    let greeting = \n    print(greeting);\n}\n";
/// Behind the `=`.
const CURSOR: (u32, u32) = (1, 19);
/// The protocol's code for a request that was cancelled.
const CANCELLED: i64 = -32800;

/// An editor and a model.
struct Scene {
    folder: tempfile::TempDir,
    provider: FakeProvider,
    editor: Editor,
    version: i32,
}

/// A model's row.
fn model(name: &str, provider: &FakeProvider, price: u32, abort_billed: &str) -> String {
    let tier = if price == 0 { "local" } else { "cheap" };
    format!(
        "[model.{name}]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = 'qwen2.5-coder'\ntier = '{tier}'\ncontext = 8000\n\
         abort_billed = '{abort_billed}'\nprice = {{ input = {price}, output = {price}, as_of = '2026-11-23' }}\n",
        provider.base_url()
    )
}

impl Scene {
    async fn new(provider: FakeProvider, config: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let wait = if config.contains("debounce_ms") { "" } else { "debounce_ms = 0\n" };
        let head = format!("{wait}explore = 0.0\n");
        let tail =
            "[embedded]\nenabled = false\n[tasks.expression]\ndeadline_ms = 30000\n[tasks.line]\ndeadline_ms = 30000\n";
        std::fs::write(&path, format!("{head}{config}{tail}")).unwrap();
        let ledger = folder.path().join("ledger.sqlite");
        let options = Options { config: Some(path), ledger: Some(ledger), discover: false };
        let mut editor = Editor::in_memory(options);
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        editor.open(URI, "rust", 1, SOURCE).await;
        Scene { folder, provider, editor, version: 1 }
    }

    async fn ask(&mut self, (line, character): (u32, u32)) -> i64 {
        let place = json!({
            "textDocument": {"uri": URI}, "position": {"line": line, "character": character},
            "context": {"triggerKind": 2}
        });
        self.editor.send("textDocument/inlineCompletion", place).await
    }

    async fn answer(&mut self, id: i64) -> Option<String> {
        let found = self.editor.answer(id).await.unwrap();
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    /// Waits until the provider has this many calls.
    async fn asked(&mut self, calls: usize) {
        self.until(|provider| provider.seen().len() >= calls).await;
    }

    /// Waits until a condition of the provider holds; meanwhile it asks the server for its status, so that both go on.
    async fn until(&mut self, is_so: impl Fn(&FakeProvider) -> bool) {
        while !is_so(&self.provider) {
            self.editor.request("workspace/executeCommand", json!({"command": "pennyworth.status"})).await;
        }
    }

    async fn replace(&mut self, from: (u32, u32), to: (u32, u32), text: &str) {
        self.version += 1;
        let at = |(line, character): (u32, u32)| json!({"line": line, "character": character});
        let change = json!([{"range": {"start": at(from), "end": at(to)}, "text": text}]);
        self.editor.change(URI, self.version, change).await;
    }

    /// Ends the server; returns the ledger's total.
    async fn account(self) -> Row {
        self.editor.shutdown().await;
        let (ledger, notice) = Ledger::open(Some(&self.folder.path().join("ledger.sqlite")));
        assert_eq!(notice, None);
        ledger.report(UNIX_EPOCH).unwrap().total
    }
}

/// What the user does while a call is in flight.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Inserts a text at the cursor, which then stands behind this many characters of it.
    Types(&'static str, u32),
    /// Deletes the blank before the cursor.
    Deletes,
    /// Writes into another line.
    Elsewhere,
    /// Cancels the request without an edit, and asks again.
    Cancels,
}

#[tokio::test]
async fn the_wait_behind_a_key_is_the_one_that_gains_most_and_the_next_key_ends_it() {
    for (name, price, worth, expected) in [
        ("a call that costs nothing", 0, 0.02, 0),
        ("worth much more than it costs", 1, 100.0, 0),
        ("worth nothing", 1, 0.0, 10_000),
    ] {
        let provider = FakeProvider::start().await.unwrap();
        provider.answer(Answer::new(&["irst();\n"]));
        let model = model("m", &provider, price, "no");
        let config = format!("debounce_ms = 10000\nworth_usd = {worth:?}\n{model}");
        let mut scene = Scene::new(provider, &config).await;
        let here = json!({"command": "pennyworth.explain", "arguments": [URI, {"line": 1, "character": 19}]});
        let explained = scene.editor.request("workspace/executeCommand", here).await;
        let explained = explained["text"].as_str().unwrap();
        let wait = format!("a wait of {expected} ms behind a key, of at most 10000 ms");
        assert!(explained.contains(&wait), "{name}: {explained}");

        scene.replace(CURSOR, CURSOR, "f").await;
        let asked = scene.ask((1, 20)).await;
        if expected == 0 {
            assert_eq!(scene.answer(asked).await.as_deref(), Some("irst();"), "{name}");
        } else {
            scene.replace((1, 20), (1, 20), "o").await;
            assert_eq!(scene.editor.answer(asked).await.unwrap_err()["code"], CANCELLED, "{name}");
        }
        let account = scene.account().await;
        assert_eq!(account.calls, u64::from(expected == 0), "{name}");
    }
}

#[tokio::test]
async fn a_call_goes_on_while_its_answer_may_be_what_is_typed() {
    let (first, other) = (&["first", "();"][..], "other();");
    for (pieces, held, billed, does, calls, aborted, shown) in [
        (first, 1, "no", Does::Types("", 0), 1, Some(0), Some("first();")),
        (first, 1, "no", Does::Types("f", 1), 1, Some(0), Some("irst();")),
        (first, 1, "no", Does::Types("first(", 6), 1, Some(0), Some(");")),
        (first, 0, "no", Does::Types("f", 1), 1, Some(0), Some("irst();")),
        (first, 1, "no", Does::Types("x", 1), 2, Some(1), Some(other)),
        // The call may have ended before its text diverged.
        (first, 0, "no", Does::Types("x", 1), 2, None, Some(other)),
        (first, 1, "yes", Does::Types("x", 1), 2, Some(0), Some(other)),
        (first, 1, "no", Does::Deletes, 1, Some(1), None),
        (first, 1, "no", Does::Elsewhere, 2, Some(1), Some(other)),
        (first, 1, "no", Does::Cancels, 1, Some(0), Some("first();")),
        // The editor closes the bracket.
        (&["(1", ", 2);"][..], 1, "no", Does::Types("()", 1), 1, Some(0), Some("1, 2);")),
    ] {
        let case = format!("{pieces:?} held after {held}, billed {billed}, {does:?}");
        let provider = FakeProvider::start().await.unwrap();
        provider.answer(Answer::new(pieces).with(Fault::HeldAfter(held)));
        provider.always(Answer::new(&[other]));
        let row = model("m", &provider, 1, billed);
        let mut scene = Scene::new(provider, &row).await;
        let before = scene.ask(CURSOR).await;
        scene.asked(1).await;
        let mut cursor = CURSOR;
        match does {
            Does::Types("", _) => {}
            Does::Types(text, length) => {
                scene.replace(CURSOR, CURSOR, text).await;
                cursor.1 += length;
            }
            Does::Deletes => {
                cursor.1 -= 1;
                scene.replace(cursor, CURSOR, "").await;
            }
            Does::Elsewhere => scene.replace((2, 4), (2, 4), "e").await,
            Does::Cancels => scene.editor.cancel(before).await,
        }
        let after = scene.ask(cursor).await;
        assert_eq!(scene.editor.answer(before).await.unwrap_err()["code"], CANCELLED, "{case}");
        if held > 0 {
            // Its text so far is enough for the next call to start before the rest comes.
            scene.asked(calls).await;
        }
        scene.provider.release();
        assert_eq!(scene.answer(after).await.as_deref(), shown, "{case}");
        if aborted == Some(0) {
            // The server reads the whole answer even if nobody waits for it any more.
            let all = (pieces.len() + calls - 1) as u64;
            scene.until(|provider| provider.bill().output >= all).await;
        }
        scene.provider.closed(calls).await;
        assert_eq!(scene.provider.seen().len(), calls, "{case}");
        let account = scene.account().await;
        let expected = (calls as u64, aborted.unwrap_or(account.aborted), 0);
        assert_eq!((account.calls, account.aborted, account.failed), expected, "{case}");
    }
}

#[tokio::test]
async fn a_call_ends_when_nobody_waits_and_with_its_document_and_the_server() {
    for (ends, billed) in
        [("by itself", "no"), ("with its document", "no"), ("with the server", "no"), ("with the server", "yes")]
    {
        let provider = FakeProvider::start().await.unwrap();
        provider.always(Answer::new(&["first();"]).with(Fault::HangBeforeFirstByte));
        let row = model("m", &provider, 1, billed);
        let mut scene = Scene::new(provider, &row).await;
        let before = scene.ask(CURSOR).await;
        scene.asked(1).await;
        match ends {
            "by itself" => scene.editor.cancel(before).await,
            "with its document" => scene.editor.close(URI).await,
            _ => {}
        }
        if ends != "with the server" {
            scene.provider.closed(1).await;
        }
        scene.editor.request("shutdown", Value::Null).await;
        assert_eq!(scene.editor.answer(before).await.unwrap_err()["code"], CANCELLED);
        scene.editor.notify("exit", Value::Null).await;
        assert_eq!(scene.editor.ended().await, 0);
        let (ledger, _) = Ledger::open(Some(&scene.folder.path().join("ledger.sqlite")));
        let total = ledger.report(UNIX_EPOCH).unwrap().total;
        assert_eq!((total.calls, total.aborted), (1, 1), "{ends}, billed {billed}");
    }
}

#[tokio::test]
async fn no_further_model_is_asked_for_nobody() {
    for waits in [true, false] {
        let (provider, next) = (FakeProvider::start().await.unwrap(), FakeProvider::start().await.unwrap());
        provider.always(Answer::new(&["first", "();"]).with(Fault::HeldAfter(0)));
        next.always(Answer::new(&["second();"]));
        // The first answer does not fit: it only repeats the text behind the cursor.
        provider.answer(Answer::new(&["\n    print(greeting);"]).with(Fault::HeldAfter(0)));
        let rows = model("a", &provider, 1, "no") + &model("b", &next, 2, "no");
        let mut scene = Scene::new(provider, &rows).await;
        let before = scene.ask(CURSOR).await;
        scene.asked(1).await;
        if !waits {
            scene.editor.cancel(before).await;
            assert_eq!(scene.editor.answer(before).await.unwrap_err()["code"], CANCELLED);
        }
        scene.provider.release();
        scene.provider.closed(1).await;
        if waits {
            assert_eq!(scene.answer(before).await.as_deref(), Some("second();"));
        }
        let account = scene.account().await;
        assert_eq!((account.calls, next.seen().len()), if waits { (2, 1) } else { (1, 0) });
    }
}

#[tokio::test]
async fn what_follows_a_suggestion_is_there_when_it_is_taken_if_it_costs_nothing() {
    for (price, speculate, ahead) in [(0, true, true), (0, false, false), (1, true, false)] {
        let case = format!("price {price}, speculate = {speculate}");
        let provider = FakeProvider::start().await.unwrap();
        provider.answer(Answer::new(&["first();"]));
        provider.always(Answer::new(&["second(greeting);"]));
        let config = format!("speculate = {speculate}\n{}", model("m", &provider, price, "no"));
        let mut scene = Scene::new(provider, &config).await;
        let asked = scene.ask(CURSOR).await;
        assert_eq!(scene.answer(asked).await.as_deref(), Some("first();"), "{case}");
        if ahead {
            scene.asked(2).await;
        }
        // The user first types along, then accepts, then goes on to the next line.
        scene.replace(CURSOR, CURSOR, "f").await;
        let along = scene.ask((1, 20)).await;
        assert_eq!(scene.answer(along).await.as_deref(), Some("irst();"), "{case}");
        scene.replace((1, 20), (1, 20), "irst();").await;
        scene.replace((1, 27), (1, 27), "\n    ").await;
        assert_eq!(scene.provider.seen().len(), if ahead { 2 } else { 1 }, "{case}");
        let next = scene.ask((2, 4)).await;
        assert_eq!(scene.answer(next).await.as_deref(), Some("second(greeting);"), "{case}");
        // Then the text after that suggestion is asked for in turn.
        let calls = if ahead { 3 } else { 2 };
        scene.asked(calls).await;
        let prompts = scene.provider.seen();
        let prompt = prompts[1].body["prompt"].as_str().unwrap();
        assert!(prompt.contains("let greeting = first();\n<|fim_suffix|>"), "{case}: {prompt}");
        let account = scene.account().await;
        assert_eq!((account.calls, account.failed), (calls as u64, 0), "{case}");
    }
}
