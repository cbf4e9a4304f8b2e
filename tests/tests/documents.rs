//! Documents at the protocol's boundary: whatever is sent, in whatever order, the server knows the text or knows that it does not.

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

/// A small generator of numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// The next edit of a plain string by bytes, as UTF-8 positions; applies it.
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
            // A whole text has the version of its own notification, so the count goes on.
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
