//! Answers shown line by line and read on: the first line is shown while the rest is on its way, and each further line is there when the one before
//! is taken, without another call. At the protocol's boundary, by the provider's count and the ledger's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a test fails by panicking")]

use std::time::UNIX_EPOCH;

use pennyworth::ledger::{Ledger, Row};
use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::{Value, json};

/// An editor with one document, and a model that costs money.
struct Scene {
    folder: tempfile::TempDir,
    provider: FakeProvider,
    editor: Editor,
    uri: String,
    text: String,
    /// The cursor's byte offset.
    cursor: usize,
    version: i32,
}

impl Scene {
    /// A document with its cursor at `ˇ`.
    async fn new(language: &str, source: &str, answers: Vec<Answer>, config: &str) -> Scene {
        Scene::priced((1.0, 1.0), language, source, answers, config).await
    }

    /// With the model's price in US dollars per million tokens of input and of output.
    async fn priced(price: (f64, f64), language: &str, source: &str, answers: Vec<Answer>, config: &str) -> Scene {
        let provider = FakeProvider::start().await.unwrap();
        answers.into_iter().for_each(|answer| provider.answer(answer));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let config = format!(
            "debounce_ms = 0\nexplore = 0.0\n{config}\n[embedded]\nenabled = false\n[model.m]\nprotocol = 'openai'\nbase_url = '{}'\n\
             model = 'qwen2.5-coder'\ntier = 'cheap'\ncontext = 8000\nabort_billed = 'no'\n\
             price = {{ input = {:?}, output = {:?}, as_of = '2026-11-29' }}\n",
            provider.base_url(),
            price.0,
            price.1
        );
        std::fs::write(&path, config).unwrap();
        let ledger = folder.path().join("ledger.sqlite");
        let mut editor = Editor::in_memory(Options { config: Some(path), ledger: Some(ledger), discover: false });
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        let (uri, cursor) = (format!("file:///project/a.{language}"), source.find('ˇ').unwrap());
        let text = source.replace('ˇ', "");
        editor.open(&uri, language, 1, &text).await;
        Scene { folder, provider, editor, uri, text, cursor, version: 1 }
    }

    fn position(&self, at: usize) -> Value {
        let before = &self.text[..at];
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        json!({"line": before.matches('\n').count(), "character": before[line..].encode_utf16().count()})
    }

    /// Asks at the cursor, by a key or while typing.
    async fn send(&mut self, by_key: bool) -> i64 {
        let context = json!({"triggerKind": if by_key { 1 } else { 2 }});
        let place =
            json!({"textDocument": {"uri": self.uri}, "position": self.position(self.cursor), "context": context});
        self.editor.send("textDocument/inlineCompletion", place).await
    }

    async fn answer(&mut self, id: i64) -> Option<String> {
        let found = self.editor.answer(id).await.unwrap();
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    async fn ask(&mut self) -> Option<String> {
        let id = self.send(false).await;
        self.answer(id).await
    }

    /// Inserts a text at the cursor, which then stands behind it.
    async fn types(&mut self, text: &str) {
        self.version += 1;
        let at = self.position(self.cursor);
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
        let change = json!([{"range": {"start": at, "end": at}, "text": text}]);
        self.editor.change(&self.uri, self.version, change).await;
    }

    /// Waits until a condition of the provider holds; meanwhile it asks the server for its status, so that both go on.
    async fn until(&mut self, is_so: impl Fn(&FakeProvider) -> bool) {
        while !is_so(&self.provider) {
            self.editor.request("workspace/executeCommand", json!({"command": "pennyworth.status"})).await;
        }
    }

    fn calls(&self) -> usize {
        self.provider.seen().len()
    }

    /// Ends the server; returns the ledger's total.
    async fn account(self) -> Row {
        self.editor.shutdown().await;
        let (ledger, notice) = Ledger::open(Some(&self.folder.path().join("ledger.sqlite")));
        assert_eq!(notice, None);
        ledger.report(UNIX_EPOCH).unwrap().total
    }
}

#[tokio::test]
async fn one_call_gives_line_after_line_in_every_language() {
    for (language, source, pieces, lines) in [
        (
            "rust",
            "fn main() {\n    let greeting = ˇ\n}\n",
            &["first(", "1);\n", "    second();", "\n    if greeting {\n", "        third();\n    }\n"][..],
            &["first(1);", "\n    second();", "\n    if greeting {", "\n        third();", "\n    }"][..],
        ),
        (
            "python",
            "def main():\n    greeting = ˇ\n",
            &["first(1)\n", "    for x in greeting:\n        print(x)", "\n    return 1\n", "\n\nmain()\n"][..],
            &["first(1)", "\n    for x in greeting:", "\n        print(x)", "\n    return 1"][..],
        ),
        (
            "typescript",
            "function main() {\n  const greeting = ˇ\n}\n",
            &["first({\n    a: 1,\n", "    b: 2,\n  });\n  second();\n"][..],
            &["first({", "\n    a: 1,", "\n    b: 2,", "\n  });", "\n  second();"][..],
        ),
        (
            "go",
            "package main\n\nfunc main() {\n\tgreeting := ˇ\n}\n",
            &["first()\n\tif greeting {\n\t\tsecond()\n\t}\n"][..],
            &["first()", "\n\tif greeting {", "\n\t\tsecond()", "\n\t}"][..],
        ),
        (
            "javascript",
            "const RATE = 0.9;\n\nexport function taxed(price) ˇ\n",
            &["{\n  const tax = price * RATE;\n  return price + tax;\n}"][..],
            &["{", "\n  const tax = price * RATE;", "\n  return price + tax;", "\n}"][..],
        ),
        (
            "c",
            "int main(void)\r\n{\r\n    int greeting = ˇ\r\n}\r\n",
            &["first();\n    while (greeting) {\n        second();\n    }\n"][..],
            &["first();", "\r\n    while (greeting) {", "\r\n        second();", "\r\n    }"][..],
        ),
        (
            "rust",
            "use a::b;\n\nimpl A {\n    /// ```rust\n    /// let x = f(1);\n    /// assert!(x.contains(\"flag\")ˇ\n",
            &[
                ");\n    /// assert_eq!(\n",
                "    ///     m.get(1),\n    ///     2\n    /// );\n    /// ```\n    fn f() {}\n",
            ][..],
            &[");", "\n    /// assert_eq!(", "\n    ///     m.get(1),", "\n    ///     2", "\n    /// );"][..],
        ),
        (
            "rust",
            "impl B {\n    fn f(&self) -> R {\n        let start = match x.start() {\n            Included(i) => {\n                i.cloned()\n            }\n            Unbounded => self.start().cloned(),ˇ\n                debug_assert!(\n                    c.contains(i),\n                    \"x\"\n                );\n                i.cloned()\n            }\n            Unbounded => self.end().cloned(),\n        };\n        R { start, end }\n    }\n}\n",
            &["\n        };\n        let end = match x.end() {\n            Included(i) => {\n"][..],
            &["\n        };", "\n        let end = match x.end() {", "\n            Included(i) => {"][..],
        ),
        (
            "python",
            "import a\n\nclass A(B):\n    \"\"\"Found a line without a blank in front of itˇ\n",
            &[".\"\"\"\n\nclass C(B):\n    \"\"\"A message\n    of two lines.\"\"\"\n\n\ndef f():\n    pass\n"][..],
            &[
                ".\"\"\"",
                "\n\nclass C(B):",
                "\n    \"\"\"A message",
                "\n    of two lines.\"\"\"",
                "\n\n\ndef f():",
                "\n    pass",
            ][..],
        ),
        (
            "python",
            "import a\n\ndef g():\n    pass\n\nˇ\n",
            &["\ndef f():\n    pass\n"][..],
            &["\ndef f():", "\n    pass"][..],
        ),
    ] {
        let mut scene = Scene::new(language, source, vec![Answer::new(pieces)], "").await;
        for line in lines {
            assert_eq!(scene.ask().await.as_deref(), Some(*line), "{language}: {:?}", scene.text);
            scene.types(line).await;
        }
        assert_eq!(scene.calls(), 1, "{language}");
        let account = scene.account().await;
        assert_eq!((account.calls, account.aborted, account.failed), (1, 0, 0), "{language}");
    }
}

#[tokio::test]
async fn lines_that_came_with_the_first_are_kept_where_reading_on_costs_too_much() {
    for (source, lines, has_stop) in [
        ("def shelf(name):ˇ\n", ["\n    shelf = {1: name}", "\n    return shelf"], false),
        ("def shelf(name):\n    found = ˇ\n", ["{1: name}", "\n    return found"], true),
    ] {
        for price in [(0.01, 1000.0), (1.0, 1.0), (0.0, 0.0)] {
            let whole = Answer::new(&[&(lines.concat() + "\n")]);
            let mut scene = Scene::priced(price, "python", source, vec![whole], "").await;
            for line in lines {
                assert_eq!(scene.ask().await.as_deref(), Some(line), "{price:?}");
                scene.types(line).await;
            }
            assert_eq!(scene.calls(), 1, "{price:?}");
            // A line break as stop text would end an answer that begins with one.
            let body = scene.provider.seen()[0].body.clone();
            let stops = body["stop"].as_array().unwrap();
            assert_eq!(stops.contains(&json!("\n")), has_stop && price.1 > 100.0, "{price:?}: {body}");
        }
    }
}

#[tokio::test]
async fn the_ceiling_is_explained_before_it_is_sent() {
    let source = "fn compute() {\n    ˇ\n}\n";
    for (name, price, config) in [
        ("a prompt is dear", (1.0, 1.0), ""),
        ("a line is dear", (1.0, 90.0), "worth_usd = 0.0"),
        ("it is worth much", (1.0, 90.0), "worth_usd = 10.0"),
        ("the user's ceiling", (1.0, 1.0), "[tasks.function]\nmax_tokens = 20"),
        ("nothing costs anything", (0.0, 0.0), ""),
    ] {
        let mut scene = Scene::priced(price, "rust", source, vec![Answer::new(&["first();\n"])], config).await;
        let here = json!({"command": "pennyworth.explain", "arguments": [scene.uri, scene.position(scene.cursor)]});
        let explained = scene.editor.request("workspace/executeCommand", here).await;
        let explained = explained["text"].as_str().unwrap();
        assert_eq!(scene.ask().await.as_deref(), Some("first();"), "{name}");
        let sent = scene.provider.seen()[0].body["max_tokens"].clone();
        let says = format!("typing      m: up to {sent} tokens back");
        assert!(explained.contains(&says), "{name}: {says} {explained}");
        let is_held = config.contains("max_tokens");
        assert_eq!(explained.contains("the most that the task allows"), is_held, "{name}: {explained}");
    }
}

#[tokio::test]
async fn the_first_line_is_shown_while_the_next_one_is_on_its_way_and_who_takes_it_waits_for_that() {
    let source = "fn main() {\n    let greeting = ˇ\n}\n";
    let pieces = ["first();\n", "    second();\n", "    third();\n"];
    let held = Answer::new(&pieces).with(Fault::HeldAfter(1));
    let mut scene = Scene::new("rust", source, vec![held], "").await;
    assert_eq!(scene.ask().await.as_deref(), Some("first();"), "before the answer's end");
    scene.types("first();").await;
    let next = scene.send(false).await;
    scene.provider.release();
    assert_eq!(scene.answer(next).await.as_deref(), Some("\n    second();"));
    // Letter by letter, with the line break and the indentation that the editor adds.
    for typed in ["\n    ", "sec", "ond();", "\n    ", "t"] {
        scene.types(typed).await;
        let shown = scene.ask().await;
        assert!(shown.is_some(), "behind {typed:?}");
    }
    assert_eq!((scene.ask().await.as_deref(), scene.calls()), (Some("hird();"), 1));
    assert_eq!(scene.account().await.calls, 1);
}

#[tokio::test]
async fn reading_on_ends_when_something_else_is_typed_and_what_came_of_it_is_kept() {
    let source = "fn main() {\n    let greeting = ˇ\n}\n";
    let pieces = ["first();\n", "    second();\n", "    third();\n"];
    for (typed, is_aborted) in
        [(&["first();\n", "    other"][..], true), (&["first();\n", "    second();\n", "    t"], false)]
    {
        let held = Answer::new(&pieces).with(Fault::HeldAfter(2));
        let mut scene = Scene::new("rust", source, vec![held, Answer::new(&["();\n"])], "").await;
        assert_eq!(scene.ask().await.as_deref(), Some("first();"));
        scene.until(|provider| provider.bill().output >= 2).await;
        for typed in typed {
            scene.types(typed).await;
        }
        let shown = scene.send(false).await;
        if !is_aborted {
            scene.provider.release();
        }
        let expected = if is_aborted { "();" } else { "hird();" };
        assert_eq!(scene.answer(shown).await.as_deref(), Some(expected), "{typed:?}");
        scene.provider.closed(scene.calls()).await;
        let account = scene.account().await;
        let calls = if is_aborted { 2 } else { 1 };
        assert_eq!((account.calls, account.failed), (calls, 0), "{typed:?}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_meets_its_ceiling_gives_its_whole_lines() {
    let source = "fn main() {\n    let greeting = ˇ\n}\n";
    let pieces = ["first();\n", "    second();\n", "    thi"];
    for fault in [Fault::None, Fault::CutAfter(3), Fault::ResetAfter(3), Fault::StallAfter(3), Fault::MalformedAfter(3)]
    {
        let case = format!("{fault:?}");
        let more = if matches!(fault, Fault::None) { "\n    thi" } else { "\n    third();" };
        // The fault comes behind the last piece only if another piece could come.
        let more_pieces = if matches!(fault, Fault::None) { &[][..] } else { &["never"] };
        let pieces: Vec<&str> = pieces.iter().chain(more_pieces).copied().collect();
        let answers = vec![Answer::new(&pieces).with(fault), Answer::new(&["\n    third();\n"])];
        let mut scene = Scene::new("rust", source, answers, "").await;
        for line in ["first();", "\n    second();", more] {
            assert_eq!(scene.ask().await.as_deref(), Some(line), "{case}");
            scene.types(line).await;
        }
    }
}

#[tokio::test]
async fn a_key_asks_for_the_whole_and_a_ceiling_of_the_user_holds() {
    let source = "fn compute() {\n    ˇ\n}\n";
    let whole = "let a = 1;\n    print(a);\n";
    let mut scene = Scene::new("rust", source, vec![Answer::new(&[whole])], "").await;
    let asked = scene.send(true).await;
    assert_eq!(scene.answer(asked).await.as_deref(), Some("let a = 1;\n    print(a);"));
    assert_eq!(scene.provider.seen()[0].body["max_tokens"], 184);

    for (config, ceiling, stop) in [("", 96, None), ("[tasks.function]\nmax_tokens = 20\n", 20, None)] {
        let mut scene = Scene::new("rust", source, vec![Answer::new(&[whole])], config).await;
        assert_eq!(scene.ask().await.as_deref(), Some("let a = 1;"), "{config:?}");
        let body = scene.provider.seen()[0].body.clone();
        assert!(body["max_tokens"].as_u64().unwrap() <= ceiling, "{config:?}: {body}");
        let stops: Vec<&str> = body["stop"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(stops.iter().find(|stop| stop.starts_with('\n')).copied(), stop, "{config:?}: {body}");
    }
}

#[tokio::test]
async fn a_paste_asks_nothing_until_a_key_is_typed_and_a_suggestion_is_no_paste() {
    let source = "fn main() {\n    let greeting = ˇ\n}\n";
    let pasted = "first(1);\n    let other = second(2);\n    let last = ";
    for language in ["rust", "typescript", "go"] {
        let answers = vec![Answer::new(&["third(3);\n"])];
        let mut scene = Scene::new(language, source, answers, "").await;
        scene.types(pasted).await;
        assert_eq!((scene.ask().await, scene.calls()), (None, 0), "{language}");
        scene.types("t").await;
        assert!(scene.ask().await.is_some(), "{language}");
        assert_eq!(scene.calls(), 1, "{language}");
    }
    // The whole of a suggestion, as a key asks for it.
    let source = "fn compute() {\n    ˇ\n}\n";
    let whole = "let a = 1;\n    print(a);";
    let mut scene = Scene::new("rust", source, vec![Answer::new(&[whole]), Answer::new(&["\n    b();\n"])], "").await;
    let asked = scene.send(true).await;
    assert_eq!(scene.answer(asked).await.as_deref(), Some(whole));
    scene.types(whole).await;
    assert_eq!((scene.ask().await.as_deref(), scene.calls()), (Some("\n    b();"), 2));
}

#[tokio::test]
async fn a_key_where_a_suggestion_stands_gives_another_one_with_those_before_it() {
    let source = "fn main() {\n    let greeting = ˇ\n}\n";
    let answers = ["first(1);", "other(2);", "other(2);"].map(|text| Answer::new(&[text])).to_vec();
    let mut scene = Scene::new("rust", source, answers, "").await;
    assert_eq!(scene.ask().await.as_deref(), Some("first(1);"));
    for (temperature, expected) in [(0.8, ["other(2);", "first(1);"]), (0.8, ["other(2);", "first(1);"])] {
        let asked = scene.send(true).await;
        let found = scene.editor.answer(asked).await.unwrap();
        let texts: Vec<&str> =
            found["items"].as_array().unwrap().iter().filter_map(|item| item["insertText"].as_str()).collect();
        assert_eq!(texts, expected);
        let last = scene.provider.seen().last().unwrap().body.clone();
        assert_eq!(last["temperature"], temperature, "{last}");
        // Each is another row, so that taking the second counts for the second.
        let commands: Vec<&Value> =
            found["items"].as_array().unwrap().iter().map(|item| &item["command"]["arguments"]).collect();
        assert_ne!(commands[0], commands[1]);
    }
    assert_eq!(scene.calls(), 3);
    // While typing, the newest one goes on.
    scene.types("oth").await;
    assert_eq!((scene.ask().await.as_deref(), scene.calls()), (Some("er(2);"), 3));
}

#[tokio::test]
async fn another_suggestion_is_what_is_there_already_before_it_is_paid_for() {
    let source = "fn compute() {\n    ˇ\n}\n";
    let mut scene = Scene::new("rust", source, vec![Answer::new(&["let a = 1;\n    print(a);\n"])], "").await;
    assert_eq!(scene.ask().await.as_deref(), Some("let a = 1;"));
    let asked = scene.send(true).await;
    assert_eq!(scene.answer(asked).await.as_deref(), Some("let a = 1;\n    print(a);"), "the whole construct");
    assert_eq!(scene.calls(), 1);
}
