//! Documents at the protocol's boundary: after any messages in any order, the server knows the text or knows that it does not.

use pennyworth_tests::editor::{Editor, options};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";
/// Notifications of the long run.
const EDITS: usize = 10_000;

async fn editor(encoding: &str) -> Editor {
    let mut editor = Editor::in_memory(options());
    let capabilities = json!({"general": {"positionEncodings": [encoding]}, "textDocument": {"inlineCompletion": {}}});
    let can = editor
        .initialize(capabilities, json!({"embedded": {"index": false}, "documents": {"max_bytes": 55_000_000}}), None)
        .await;
    assert_eq!(can.get("positionEncoding"), Some(&json!(encoding)));
    editor
}

async fn text(editor: &mut Editor, uri: &str) -> Value {
    editor.request("pennyworth/viewFileText", json!({ "uri": uri })).await
}

fn range(from: (u32, u32), to: (u32, u32)) -> Value {
    json!({"start": {"line": from.0, "character": from.1}, "end": {"line": to.0, "character": to.1}})
}

fn ask(line: u32, character: u32) -> Value {
    json!({"textDocument": {"uri": URI}, "position": {"line": line, "character": character}, "context": {"triggerKind": 2}})
}

#[tokio::test]
async fn edits_in_each_encoding() {
    for (encoding, column) in [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)] {
        let mut editor = editor(encoding).await;
        editor.open(URI, "rust", 1, "\u{feff}one\r\n😀two\rthree").await;
        let changes = json!([
            {"range": range((1, column), (1, column)), "text": "2 "},
            {"range": range((2, 0), (2, 1)), "text": "T"},
            {"range": range((0, 99), (0, 99)), "text": "!"},
        ]);
        editor.change(URI, 2, changes).await;
        assert_eq!(text(&mut editor, URI).await, "\u{feff}one!\r\n😀2 two\rThree", "{encoding}");
        assert_eq!(editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn ranges_that_make_no_sense_are_read_as_well_as_can_be() {
    let mut editor = editor("utf-16").await;
    editor.open(URI, "rust", 1, "abc\ndef").await;
    for (version, change, expected) in [
        (2, json!({"range": range((9, 9), (9, 9)), "text": "!"}), "abc\ndef!"),
        (3, json!({"range": range((1, 3), (0, 2)), "text": "-"}), "ab-!"),
        (4, json!({"range": range((0, 4294967295), (4294967295, 0)), "text": "."}), "ab-!."),
        (5, json!({"text": "whole"}), "whole"),
        (6, json!({"range": range((0, 0), (0, 5)), "text": ""}), ""),
    ] {
        editor.change(URI, version, json!([change])).await;
        assert_eq!(text(&mut editor, URI).await, expected, "{change}");
        assert!(editor.request("textDocument/inlineCompletion", ask(7, 7)).await.is_null());
    }
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn edits_are_applied_in_their_order_whatever_their_versions() {
    let mut editor = editor("utf-16").await;
    editor.open(URI, "rust", 5, "abc").await;
    for (version, expected) in [
        (json!(5), "xabc"),
        (json!(5), "xxabc"),
        (json!(99), "xxxabc"),
        (json!(3), "xxxxabc"),
        (json!(null), "xxxxxabc"),
        (json!(-1), "xxxxxxabc"),
        (json!(1_u64 << 40), "xxxxxxxabc"),
        (json!("one"), "xxxxxxxxabc"),
    ] {
        let change = json!([{"range": range((0, 0), (0, 0)), "text": "x"}]);
        let params = json!({"textDocument": {"uri": URI, "version": version}, "contentChanges": change});
        editor.notify("textDocument/didChange", params).await;
        assert_eq!(text(&mut editor, URI).await, expected, "{version}");
    }
    let document = json!({"uri": "file:///project/b.rs", "version": null, "text": "b"});
    editor.notify("textDocument/didOpen", json!({ "textDocument": document })).await;
    assert_eq!(text(&mut editor, "file:///project/b.rs").await, "b", "it is opened without a version and a language");
    let status = status(&mut editor).await;
    assert_eq!(status["trouble"], Value::Null, "{status}");
    assert_eq!(editor.shutdown().await, 0);
}

async fn status(editor: &mut Editor) -> Value {
    editor.request("workspace/executeCommand", json!({"command": "pennyworth.status"})).await
}

async fn explain(editor: &mut Editor) -> String {
    let command = json!({"command": "pennyworth.explain", "arguments": [URI, {"line": 0, "character": 0}]});
    let found = editor.request("workspace/executeCommand", command).await;
    found.get("text").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_edit_that_cannot_be_placed_is_said_until_the_whole_text_comes() {
    let lost = [
        json!({"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"range": range((40, 0), (40, 0)), "text": "x"}]}),
        json!({"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"range": "everywhere", "text": "x"}]}),
    ];
    for params in lost {
        let mut editor = editor("utf-16").await;
        editor.open(URI, "rust", 1, "fn main() {\n    let a = \n}\n").await;
        assert!(!explain(&mut editor).await.contains("document "));
        editor.notify("textDocument/didChange", params.clone()).await;
        let said = loop {
            let said = editor.note("window/showMessage").await;
            if !said["message"].as_str().unwrap_or_default().contains("ledger") {
                break said;
            }
        };
        for told in
            [said["message"].clone(), status(&mut editor).await["trouble"].clone(), json!(explain(&mut editor).await)]
        {
            let told = told.as_str().unwrap_or_default().to_owned();
            assert!(
                told.contains("did not fit") && told.contains("close the file and open it again"),
                "{params}: {told}"
            );
        }
        // Said once, however many follow.
        editor.notify("textDocument/didChange", params.clone()).await;
        editor.change(URI, 3, json!([{"range": range((0, 0), (0, 0)), "text": "x"}])).await;
        assert!(editor.request("textDocument/inlineCompletion", ask(1, 12)).await.is_null());
        let said = editor.noted("window/showMessage");
        assert!(
            said.iter().all(|said| said["message"].as_str().unwrap_or_default().contains("ledger")),
            "{params}: {said:?}"
        );
        editor.close(URI).await;
        editor.open(URI, "rust", 1, "fn main() {}\n").await;
        assert_eq!(status(&mut editor).await["trouble"], Value::Null, "{params}");
        assert!(!explain(&mut editor).await.contains("document "));
        assert_eq!(editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn lines_are_counted_as_each_client_counts_them() {
    // The edit appends `!` behind `two`, as the client counts.
    for (name, source, line, expected) in [
        ("Neovim", "a\rb\none\ntwo\n", 2, "a\rb\none\ntwo!\n"),
        ("Neovim", "a\rb\r\none\r\ntwo\r\n", 2, "a\rb\r\none\r\ntwo!\r\n"),
        ("Neovim", "a\rone\rtwo\r", 2, "a\rone\rtwo!\r"),
        ("Neovim", "a\none\r\ntwo\n", 2, "a\none\r\ntwo!\n"),
        ("helix", "a\rb\none\ntwo\n", 2, "a\rb\none\ntwo!\n"),
        ("Eglot", "a\rb\none\ntwo\n", 2, "a\rb\none\ntwo!\n"),
        ("Visual Studio Code", "a\rone\ntwo\n", 2, "a\rone\ntwo!\n"),
        ("another", "a\rone\r\ntwo\n", 2, "a\rone\r\ntwo!\n"),
    ] {
        let mut editor = Editor::in_memory(options());
        editor.named(name);
        editor.initialize(json!({"general": {"positionEncodings": ["utf-8"]}}), Value::Null, None).await;
        editor.open(URI, "rust", 1, source).await;
        editor.change(URI, 2, json!([{"range": range((line, 3), (line, 3)), "text": "!"}])).await;
        assert_eq!(text(&mut editor, URI).await, expected, "{name} {source:?}");
        // A CR that is typed into a line later counts as well.
        editor.open(URI, "rust", 3, "one\ntwo\nthree\n").await;
        editor.change(URI, 4, json!([{"range": range((0, 1), (0, 1)), "text": "\r"}])).await;
        let below = if ["Neovim", "helix", "Eglot"].contains(&name) { 2 } else { 3 };
        editor.change(URI, 5, json!([{"range": range((below, 5), (below, 5)), "text": "!"}])).await;
        assert_eq!(text(&mut editor, URI).await, "o\rne\ntwo\nthree!\n", "{name}");
        assert_eq!(editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn documents_never_opened_closed_or_not_files() {
    let mut editor = editor("utf-16").await;
    editor.change(URI, 1, json!([{"text": "x"}])).await;
    editor.close(URI).await;
    assert!(text(&mut editor, URI).await.is_null());
    assert!(editor.request("textDocument/inlineCompletion", ask(0, 0)).await.is_null());
    for uri in ["untitled:Untitled-1", "git:/a.rs?x", "", "not a uri", "file://host/share/a.rs"] {
        editor.open(uri, "rust", 1, "here").await;
        editor.change(uri, 2, json!([{"range": range((0, 0), (0, 0)), "text": "I am "}])).await;
        assert_eq!(text(&mut editor, uri).await, "I am here", "{uri}");
        editor.close(uri).await;
        assert!(text(&mut editor, uri).await.is_null(), "{uri}");
    }
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn a_very_large_document_is_kept_and_not_completed() {
    let mut editor = editor("utf-8").await;
    let line = "let total = compute(alpha, beta);\n";
    let large = line.repeat(50_000_000 / line.len());
    editor.open(URI, "rust", 1, &large).await;
    editor.change(URI, 2, json!([{"range": range((0, 0), (0, 0)), "text": "let total = comp"}])).await;
    assert!(editor.request("textDocument/inlineCompletion", ask(0, 16)).await.is_null());
    let known = text(&mut editor, URI).await;
    assert_eq!(known.as_str().map(str::len), Some(large.len() + 16));
    editor.open("file:///project/b.rs", "rust", 1, &"x".repeat(55_000_001)).await;
    assert!(text(&mut editor, "file:///project/b.rs").await.is_null(), "above the limit it is not even kept");
    assert_eq!(editor.shutdown().await, 0);
}

/// A small pseudo-random generator, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Makes the next edit, with UTF-8 positions, and applies it to a plain string.
fn edit(plain: &mut String, dice: &mut Dice) -> Value {
    const PIECES: [&str; 8] = ["a", "fn f(", ")", "\n", "let x = 1;\n", "é😀", "\"", ""];
    let boundary = |plain: &str, mut at: usize| {
        while !plain.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = boundary(plain, dice.roll(plain.len() + 1));
    let end = boundary(plain, (start + dice.roll(6)).min(plain.len())).max(start);
    let piece = PIECES.get(dice.roll(PIECES.len())).copied().unwrap_or_default();
    let position = |at: usize| {
        let before = plain.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() as u32;
        (line, (at - before.rfind('\n').map_or(0, |at| at + 1)) as u32)
    };
    let change = json!({"range": range(position(start), position(end)), "text": piece});
    plain.replace_range(start..end, piece);
    change
}

#[tokio::test]
async fn ten_thousand_edits_with_requests_and_cancels_between() {
    let mut editor = editor("utf-8").await;
    let (mut plain, mut dice) = (String::from("fn main() {}\n"), Dice(7));
    editor.open(URI, "rust", 0, &plain).await;
    let mut views = Vec::new();
    let mut asked = Vec::new();
    for version in 1..=EDITS {
        let change = edit(&mut plain, &mut dice);
        editor.change(URI, version as i32, json!([change])).await;
        if plain.len() > 2000 {
            plain = String::from("fn main() {}\n");
            // The whole text is a notification of its own, so its version must rise.
            let all = json!([{"range": range((0, 0), (100_000, 0)), "text": &plain}]);
            editor.change(URI, (EDITS + version) as i32, all).await;
            editor.close(URI).await;
            editor.open(URI, "rust", 0, &plain).await;
        }
        if version % 10 == 0 {
            views.push((editor.send("pennyworth/viewFileText", json!({ "uri": URI })).await, plain.clone()));
        }
        if version % 7 == 0 {
            let id =
                editor.send("textDocument/inlineCompletion", ask(dice.roll(20) as u32, dice.roll(40) as u32)).await;
            asked.push(id);
            if dice.roll(3) == 0 {
                editor.cancel(id).await;
            }
        }
    }
    let answers = editor.settle().await;
    for (id, expected) in views {
        assert_eq!(answers[&id], Ok(json!(expected)));
    }
    for id in asked {
        if let Err(error) = &answers[&id] {
            assert_eq!(error["code"], -32800, "{error}");
        }
    }
    assert_eq!(text(&mut editor, URI).await, plain);
    assert_eq!(editor.shutdown().await, 0);
}
