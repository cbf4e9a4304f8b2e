//! Suggestions and the edits that follow them, as editors send them.

use pennyworth_core::text::{Document, Edit, Encoding, Position};

use super::*;

fn uri() -> Uri {
    Uri("file:///a.rs".into())
}

fn completion(start: usize, cursor: usize, text: &str) -> Completion {
    Completion::embedded(start, cursor, text)
}

const ID: fn() -> SuggestionId = || SuggestionId(1);

/// An edit on line 1: from a column, to a column, and the new text.
type On = (u32, u32, &'static str);

/// Shows `text` at the end of `line`, the second line of a document, from column `start` on, and applies edits one by one.
/// Returns the first outcome and the number of edits until then.
fn fate(line: &str, start: usize, text: &str, edits: &[On]) -> Option<(OutcomeKind, u32, usize)> {
    let head = "use a;\n";
    let mut document = Document::new(&format!("{head}{line}\nend"), pennyworth_grammars::text(), 0);
    let screen = Screen::default();
    screen.shown(&uri(), &completion(head.len() + start, head.len() + line.len(), text), ID);
    for (count, (from, to, inserted)) in (1..).zip(edits) {
        let at = |character| Position { line: 1, character };
        let edit = Edit { range: Some((at(*from), at(*to))), text: (*inserted).into() };
        let changes = document.apply(count, &[edit], Encoding::Utf16);
        if let Some(Finished { outcome, .. }) = screen.edited(&uri(), &changes, document.text()).1 {
            return Some((outcome.kind, outcome.chars, count as usize));
        }
    }
    None
}

#[test]
fn fates_seen_from_edits() {
    use OutcomeKind::*;
    for (name, line, start, text, edits, expected) in [
        ("taken at once", "let x", 5, " = 1;", &[(5, 5, " = 1;")][..], Some((Accepted, 5, 1))),
        ("taken by replacing the word", "let x", 4, "xylo", &[(4, 5, "xylo")], Some((Accepted, 3, 1))),
        ("taken by inserting the rest of the word", "let x", 4, "xylo", &[(5, 5, "ylo")], Some((Accepted, 3, 1))),
        ("taken in two lines", "if x", 4, " {\n    y", &[(4, 4, " {\n    y")], Some((Accepted, 8, 1))),
        ("typed to the end", "a", 1, "bc", &[(1, 1, "b"), (2, 2, "c")], Some((TypedThrough, 2, 2))),
        ("typed half, then taken", "a", 1, "bcd", &[(1, 1, "b"), (2, 2, "cd")], Some((Accepted, 3, 2))),
        ("a word taken, then the rest", "a", 1, "bb cc", &[(1, 1, "bb"), (3, 3, " cc")], Some((Accepted, 5, 2))),
        ("a word taken, then another way", "a", 1, "bb cc", &[(1, 1, "bb"), (3, 3, ";")], Some((Partly, 2, 2))),
        ("a word taken, then typed", "a", 1, "bb c", &[(1, 1, "bb"), (3, 3, " "), (4, 4, "c")], Some((Partly, 4, 3))),
        ("another way at once", "a", 1, "bc", &[(1, 1, "x")], Some((Dismissed, 0, 1))),
        ("another way after a while", "a", 1, "bc", &[(1, 1, "b"), (2, 2, "x")], Some((Dismissed, 1, 2))),
        ("deleted before it", "ab", 2, "cd", &[(0, 2, "")], Some((Dismissed, 0, 1))),
        ("typed, deleted, typed", "a", 1, "bc", &[(1, 1, "b"), (1, 2, ""), (1, 1, "b")], None),
        ("a pair closed by the editor", "f", 1, "(x)", &[(1, 1, "()"), (2, 2, "x")], None),
        ("taken with its line break", "{", 1, "\n    a", &[(1, 1, "\n    a")], Some((Accepted, 6, 1))),
        ("a line break with its indentation", "{", 1, "\n    a", &[(1, 1, "\n    ")], None),
        ("elsewhere below", "a", 1, "bc", &[(1, 1, "b"), (9, 9, "")], None),
    ] {
        assert_eq!(fate(line, start, text, edits), expected, "{name}");
    }
}

#[test]
fn an_edit_above_moves_the_place_and_one_below_leaves_it() {
    let mut document = Document::new("one\ntwo\nthree\n", pennyworth_grammars::text(), 0);
    let screen = Screen::default();
    screen.shown(&uri(), &completion(7, 7, " = 2"), ID);
    let at = |line, character| Position { line, character };
    let edits = [
        Edit { range: Some((at(0, 0), at(0, 0))), text: "use x;\n".into() },
        Edit { range: Some((at(2, 3), at(2, 3))), text: " = 2".into() },
    ];
    let changes = document.apply(1, &edits, Encoding::Utf16);
    let (_, found) = screen.edited(&uri(), &changes, document.text());
    assert_eq!(found.map(|ended| ended.outcome.kind), Some(OutcomeKind::Accepted));

    screen.shown(&uri(), &completion(7, 7, "x"), ID);
    let edit = Edit { range: Some((at(3, 0), at(3, 1))), text: String::new() };
    let changes = document.apply(2, &[edit], Encoding::Utf16);
    let (_, found) = screen.edited(&uri(), &changes, document.text());
    assert_eq!(found.map(|ended| ended.outcome.kind), Some(OutcomeKind::Dismissed));
}

#[test]
fn the_rest_of_a_suggestion_is_the_same_suggestion() {
    let screen = Screen::default();
    let shown = |id, answer| {
        let (SuggestionId(id), replaced) = screen.shown(&uri(), &answer, || SuggestionId(id));
        (id, replaced.map(|outcome| (outcome.id.0, outcome.kind, outcome.chars)))
    };
    assert_eq!(shown(1, completion(0, 0, "abc")), (1, None));
    assert_eq!(shown(2, completion(0, 0, "abc")), (1, None), "asked again");
    let mut document = Document::new("", pennyworth_grammars::text(), 0);
    let start = Position::default();
    let changes = document.apply(1, &[Edit { range: Some((start, start)), text: "a".into() }], Encoding::Utf16);
    assert_eq!(screen.edited(&uri(), &changes, document.text()).1, None);
    assert_eq!(shown(3, completion(1, 1, "bc")), (1, None), "typed along");
    assert_eq!(shown(4, completion(1, 1, "bx")), (4, Some((1, OutcomeKind::Unused, 1))), "another one");
    let closed = screen.closed(&uri()).map(|outcome| (outcome.id.0, outcome.kind));
    assert_eq!((closed, screen.all_closed()), (Some((4, OutcomeKind::Unused)), vec![]));
}

#[test]
fn clients_that_tell_are_believed_even_when_they_are_late() {
    let screen = Screen::default();
    let reported = |id, part| {
        let Outcome { kind, chars, .. } = screen.accepted(SuggestionId(id), part).outcome;
        (kind, chars)
    };
    screen.shown(&uri(), &completion(0, 0, "abc"), ID);
    assert_eq!(reported(1, Some(1)), (OutcomeKind::Partly, 1));
    assert_eq!(reported(1, None), (OutcomeKind::Accepted, 3));
    assert_eq!(reported(1, None), (OutcomeKind::Accepted, 3), "twice");
    assert_eq!(reported(7, None), (OutcomeKind::Accepted, 0), "never shown");
}

#[test]
fn what_still_stands_is_counted_by_lines() {
    for (text, taken, expected) in [
        ("let x = foo(1);\n", " = foo(1);", 9),
        ("fn a() {\n        b();\n    c\n}", " {\n    b();\n    c();\n}", 6),
        ("", "abc", 0),
        ("abc", "\n\n", 0),
    ] {
        assert_eq!(still_there(&Rope::from_str(text), taken), expected, "{taken:?} in {text:?}");
    }
}
