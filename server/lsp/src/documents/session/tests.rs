//! Documents as clients treat them in practice: reopened, never opened, edited out of order, too large.

use pennyworth_core::text::Encoding;

use super::*;
use pennyworth_core::text::Position;

const LIMIT: u64 = 64;

fn uri(name: &str) -> Uri {
    Uri(format!("file:///{name}"))
}

fn insert(line: u32, character: u32, text: &str) -> Edit {
    let at = Position { line, character };
    Edit { range: Some((at, at)), text: text.into() }
}

fn text(session: &Session, uri: &Uri) -> Option<String> {
    session.peek(uri).map(|snapshot| snapshot.text.to_string())
}

#[test]
fn documents_open_change_close_and_open_again() {
    let mut session = Session::new(Encoding::Utf16, LIMIT);
    let uri = uri("a.rs");
    assert!(session.change(&uri, 1, &[insert(0, 0, "x")]).is_none(), "never opened");
    assert!(session.open(uri.clone(), "rust", 1, "fn a() {}"));
    session.change(&uri, 2, &[insert(0, 9, "\n"), insert(1, 0, "fn b() {}")]);
    assert_eq!(text(&session, &uri).as_deref(), Some("fn a() {}\nfn b() {}"));
    assert_eq!(session.close(&uri).as_deref(), Some("/a.rs".as_ref()));
    assert!(session.peek(&uri).is_none() && session.close(&uri).is_none());
    assert!(session.open(uri.clone(), "rust", 1, "again"));
    assert!(session.open(uri.clone(), "rust", 1, "and again"), "opened twice: the newer text counts");
    assert_eq!(text(&session, &uri).as_deref(), Some("and again"));
}

#[test]
fn a_document_is_stale_until_it_is_whole_again() {
    let mut session = Session::new(Encoding::Utf16, LIMIT);
    let uri = uri("a.rs");
    let stale = |session: &Session| session.peek(&uri).is_some_and(|snapshot| snapshot.stale);
    session.open(uri.clone(), "rust", 5, "a");
    session.change(&uri, 7, &[insert(0, 0, "b")]);
    assert!(!stale(&session), "versions may skip numbers");
    session.change(&uri, 7, &[insert(0, 0, "c")]);
    assert!(!stale(&session), "versions may repeat");
    session.change(&uri, 8, &[insert(9, 0, "x")]);
    assert!(stale(&session), "there is no such line");
    session.change(&uri, 8, &[insert(0, 0, "d")]);
    assert!(stale(&session), "an edit does not heal it");
    session.change(&uri, 9, &[Edit { range: None, text: "whole".into() }]);
    assert!(!stale(&session), "the whole text heals it");
    assert_eq!(session.lost_edit(&uri), Some("/a.rs".into()));
    assert!(stale(&session));
    assert_eq!(session.lost_edit(&uri), None, "the user knows");
    session.open(uri.clone(), "rust", 1, "a");
    assert!(!stale(&session), "opening it again heals it");
}

#[test]
fn too_large_a_document_is_not_kept() {
    let mut session = Session::new(Encoding::Utf16, LIMIT);
    let uri = uri("a.rs");
    assert!(session.open(uri.clone(), "rust", 1, "small"));
    assert!(!session.open(uri.clone(), "rust", 2, &"x".repeat(65)));
    assert!(session.peek(&uri).is_none() && session.change(&uri, 3, &[insert(0, 0, "x")]).is_none());
}

#[test]
fn a_newer_request_or_an_edit_supersedes() {
    let mut session = Session::new(Encoding::Utf16, LIMIT);
    let (a, b) = (uri("a.rs"), uri("b.rs"));
    session.open(a.clone(), "rust", 1, "");
    session.open(b.clone(), "rust", 1, "");
    let over = |request: &mut BegunRequest| request.superseded.try_recv() == Err(oneshot::error::TryRecvError::Closed);
    let mut first = session.begin_request(&a, AskedBy::Typing).expect("open");
    let mut other = session.begin_request(&b, AskedBy::Typing).expect("open");
    assert!(!over(&mut first) && session.is_current(&a, first.number));
    let mut second = session.begin_request(&a, AskedBy::Typing).expect("open");
    assert!(over(&mut first) && !session.is_current(&a, first.number) && !over(&mut second));
    let mut by_key = session.begin_request(&a, AskedBy::Key).expect("open");
    assert!(over(&mut second) && !session.is_current(&a, second.number));
    let mut second = session.begin_request(&a, AskedBy::Typing).expect("open");
    assert!(!over(&mut by_key) && session.is_current(&a, by_key.number) && session.is_current(&a, second.number));
    session.change(&a, 2, &[insert(0, 0, "x")]);
    assert!(over(&mut by_key) && !session.is_current(&a, by_key.number));
    assert!(over(&mut second) && !session.is_current(&a, second.number));
    assert!(!over(&mut other), "another document's request goes on");
    session.close(&b);
    assert!(over(&mut other));
}

#[test]
fn deleting_and_pasting_are_told_from_typing() {
    let mut session = Session::new(Encoding::Utf16, LIMIT);
    let uri = uri("a.rs");
    session.open(uri.clone(), "rust", 1, "hello");
    let range = |from, to| Some((Position { line: 0, character: from }, Position { line: 0, character: to }));
    for (version, edit, expected) in [
        (2, Edit { range: range(4, 5), text: String::new() }, Trigger::Deleted),
        (3, Edit { range: range(4, 4), text: "p".into() }, Trigger::Typed),
        (4, Edit { range: range(0, 2), text: "x".into() }, Trigger::Typed),
        (5, Edit { range: range(0, 0), text: String::new() }, Trigger::Typed),
        (6, Edit { range: range(0, 0), text: "if x {\n    }\n".into() }, Trigger::Pasted),
        (7, Edit { range: range(0, 0), text: "\n\n    x".into() }, Trigger::Typed),
        (8, Edit { range: range(0, 0), text: "x".repeat(81) }, Trigger::Pasted),
        (9, Edit { range: range(0, 3), text: "forEach(item => {})".into() }, Trigger::Typed),
    ] {
        session.change(&uri, version, std::slice::from_ref(&edit));
        assert_eq!(
            session.begin_request(&uri, AskedBy::Typing).map(|request| request.trigger),
            Some(expected),
            "{edit:?}"
        );
    }
    session.change(&uri, 10, &[Edit { range: range(0, 0), text: "a();\nb();\n".into() }]);
    session.taken(&uri);
    let trigger = session.begin_request(&uri, AskedBy::Typing).map(|request| request.trigger);
    assert_eq!(trigger, Some(Trigger::Typed), "a suggestion is no paste");
}

#[test]
fn languages_by_id_then_by_path_then_by_the_first_line() {
    let mut session = Session::new(Encoding::Utf16, LIMIT);
    for (name, id, text, expected) in [
        ("a.rs", "rust", "", "rust"),
        ("a.rs", "python", "", "python"),
        ("a.py", "unknown", "", "python"),
        ("a.kt", "plaintext", "", "kotlin"),
        ("a.cob", "cobol", "", "text"),
        ("script", "", "#!/usr/bin/env python3\n", "python"),
        ("script", "", "", "text"),
    ] {
        session.open(uri(name), id, 1, text);
        let language = session.peek(&uri(name)).map(|snapshot| snapshot.language);
        assert_eq!(language.map(Language::name), Some(expected), "{name} {id}");
    }
}

/// Applies the result of `take_changed` to a copy of the lines after every `every` edits, and compares the copy with the text.
fn check_lines(every: usize, edits: &[Edit]) {
    let mut session = Session::new(Encoding::Utf16, u64::MAX);
    let uri = uri("a.txt");
    session.open(uri.clone(), "", 0, "one\ntwo\nthree\nfour\nfive");
    let mut known: Vec<String> = Vec::new();
    for (version, edit) in (1..).zip(edits) {
        session.change(&uri, version, std::slice::from_ref(edit));
        if (version as usize).is_multiple_of(every) {
            let Some(changed) = session.take_changed(&uri) else { continue };
            let all: Vec<String> = changed.snapshot.text.lines().map(|line| line.to_string()).collect();
            let Lines { first, old_end, new_end } = changed.lines;
            known.splice(first..old_end, all[first..new_end].iter().cloned());
            assert_eq!(known, all, "after {edit:?}, {:?}", changed.lines);
        }
    }
}

#[test]
fn changed_lines_keep_a_copy_in_step() {
    let range = |a: (u32, u32), b: (u32, u32), text: &str| Edit {
        range: Some((Position { line: a.0, character: a.1 }, Position { line: b.0, character: b.1 })),
        text: text.into(),
    };
    let edits = [
        insert(2, 0, "x"),
        insert(0, 3, "\nnew\nlines"),
        range((1, 0), (3, 0), ""),
        insert(9, 9, "\nend\n"),
        range((0, 0), (2, 1), "a\nb\nc\nd"),
        range((4, 0), (4, 2), "\r\n"),
        Edit { range: None, text: "short".into() },
        insert(0, 0, "\n\n\n"),
        range((0, 0), (9, 0), ""),
        insert(0, 0, "last"),
    ];
    for every in 1..=edits.len() {
        check_lines(every, &edits);
    }
}

#[test]
fn each_document_is_one_and_itself() {
    let mut session = Session::new(Encoding::Utf16, LIMIT);
    let spelled = |uri: &str| Uri(uri.into());
    session.open(spelled("file:///w/a%20b.rs"), "rust", 1, "one");
    session.change(&spelled("file://localhost/w/%61 b.rs"), 2, &[insert(0, 3, "!")]);
    assert_eq!(text(&session, &spelled("FILE:///w/a%20b.rs")).as_deref(), Some("one!"), "one under each spelling");
    let others = [
        "untitled:x/a.rs",
        "untitled:y/a.rs",
        "vscode-notebook-cell:/w/n.ipynb#1",
        "vscode-notebook-cell:/w/n.ipynb#2",
        "file://",
        "file:///a.rs",
    ];
    for name in others {
        session.open(spelled(name), "rust", 1, name);
    }
    for name in others {
        assert_eq!(text(&session, &spelled(name)).as_deref(), Some(name));
    }
    let paths: std::collections::HashSet<_> = session.paths().into_iter().collect();
    assert_eq!(paths.len(), others.len() + 1);
    assert!(session.close(&spelled("file:///w/a%20b.r%73")).is_some());
    assert!(text(&session, &spelled("file:///w/a%20b.rs")).is_none());
}

#[test]
fn a_cell_stands_among_those_of_its_language_that_lie_in_its_notebook() {
    let mut session = Session::new(Encoding::Utf16, LIMIT);
    let cells = [
        ("vscode-notebook-cell:/w/n.ipynb#a", "python", "a"),
        ("vscode-notebook-cell:/elsewhere/n.ipynb#b", "python", "b"),
        ("vscode-notebook-cell:/w/n.ipynb#c", "markdown", "c"),
        ("vscode-notebook-cell:/w/n.ipynb#d", "python", "d"),
        ("vscode-notebook-cell:/w/n.ipynb#never", "python", ""),
        ("vscode-notebook-cell:/w/n.ipynb#e", "python", "e"),
    ];
    let paths = cells.iter().map(|(name, ..)| convert::document(&Uri((*name).into()))).collect();
    session.notebooks.ordered("/w/n.ipynb".into(), paths);
    for (name, language, text) in cells.iter().filter(|(.., text)| !text.is_empty()) {
        session.open(Uri((*name).into()), language, 1, text);
    }
    let around = |session: &Session, name: &str| {
        let (path, text) = (convert::document(&Uri(name.into())), Rope::from_str("|"));
        session.cells(&path).map(|cells| cells.with(&text, 0).0.to_string())
    };
    assert_eq!(around(&session, cells[3].0).as_deref(), Some("a\n\n|\n\ne"));
    assert_eq!(around(&session, cells[1].0).as_deref(), Some("|"));
    assert_eq!(around(&session, "file:///w/a.py"), None);
    session.lost_edit(&Uri(cells[0].0.into()));
    assert_eq!(around(&session, cells[3].0).as_deref(), Some("|\n\ne"), "nobody knows the text of a stale one");
}
