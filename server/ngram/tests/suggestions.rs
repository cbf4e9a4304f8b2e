//! Cases of suggestions: each is some learned text, a cursor (`ˇ`) in a document, and the text expected there.

use pennyworth_ngram::{Limits, Model, Query};

const PATH: &str = "src/here.rs";

/// A model that has learned the files and has the cursor's document open.
fn model(files: &[(&str, &str)], document: &str) -> Model {
    let mut model = Model::new(Limits { max_bytes: 8 << 20 });
    for (path, text) in files {
        assert!(model.index(path, "rust", text), "{path} was refused");
    }
    model.open(PATH, "rust", &document.replace('ˇ', ""));
    model
}

fn ask(model: &Model, document: &str, max_lines: usize, indent: &str) -> Option<String> {
    let (before, after) = document.split_once('ˇ').expect("a cursor");
    let query = Query {
        path: PATH,
        language: "rust",
        before,
        after,
        line: before.matches('\n').count(),
        min_probability: 0.3,
        min_chars: 1,
        max_tokens: 24,
        max_lines,
        indent,
        word_chars: "",
    };
    model.suggest(&query).map(|found| found.text)
}

/// Asks a model that has learned `learned` three times, so that the evidence is clear.
fn check(learned: &str, document: &str, max_lines: usize, indent: &str, expected: Option<&str>) {
    let files: Vec<(String, String)> = (0..3).map(|n| (format!("src/{n}.rs"), learned.to_owned())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let found = ask(&model(&files, document), document, max_lines, indent);
    assert_eq!(found.as_deref(), expected, "in {document:?}");
}

const LOOP: &str = "fn run() {\n    for item in items.iter() {\n        total.push(item.clone());\n    }\n}\n";

#[test]
fn the_rest_of_a_line_follows() {
    check(LOOP, "fn other() {\n    for itemˇ", 1, "    ", Some(" in items.iter() {"));
    check(LOOP, "fn other() {\n    for ˇ", 1, "    ", Some("item in items.iter() {"));
    check(LOOP, "fn other() {\r\n    for ˇ\r\n}\r\n", 1, "    ", Some("item in items.iter() {"));
}

#[test]
fn a_word_is_completed_from_its_first_letters() {
    check(LOOP, "fn other() {\n    for item in items.itˇ", 1, "    ", Some("er() {"));
    check("fn frobnicate() {}\nfn a() { frobnicate(); }\n", "use x;\nfn b() {\n    frobnˇ", 1, "    ", Some("icate"));
}

#[test]
fn several_lines_are_indented_like_the_document() {
    let body = " in items.iter() {\n        total.push(item.clone());\n    }";
    check(&LOOP.repeat(4), "fn other() {\n    for itemˇ", 3, "    ", Some(body));
    let deeper = " in items.iter() {\n\t\t\ttotal.push(item.clone());\n\t\t}";
    check(&LOOP.repeat(4), "mod a {\n\tfn other() {\n\t\tfor itemˇ", 3, "\t", Some(deeper));
    let two = " in items.iter() {\n      total.push(item.clone());\n    }";
    check(&LOOP.repeat(4), "mod a {\n  fn other() {\n    for itemˇ", 3, "  ", Some(two));
}

#[test]
fn an_empty_line_gets_its_indentation() {
    check(LOOP, "fn run() {\n    for item in items.iter() {\nˇ", 1, "    ", Some("        total.push(item.clone());"));
    check(LOOP, "fn run() {\n    for item in items.iter() {\n        ˇ", 1, "    ", Some("total.push(item.clone());"));
}

#[test]
fn what_follows_the_cursor_is_not_repeated() {
    check(LOOP, "fn other() {\n    for itemˇ {\n", 8, "    ", Some(" in items.iter()"));
    check(
        LOOP,
        "fn other() {\n    for item in items.iter() {\n        total.push(ˇ);\n",
        8,
        "    ",
        Some("item.clone()"),
    );
    check(
        LOOP,
        "fn other() {\n    for item in items.iter() {\n        total.pushˇ)",
        8,
        "    ",
        Some("(item.clone())"),
    );
    let next = "fn other() {\n    for itemˇ\n        total.push(item.clone());\n    }\n";
    check(LOOP, next, 8, "    ", Some(" in items.iter() {"));
    let same = "fn other() {\n    for item in items.iter() {\n        ˇ\n        total.push(item.clone());\n";
    check(LOOP, same, 1, "    ", None);
}

#[test]
fn a_line_does_not_predict_itself() {
    let document = "fn only() {\n    let unique = ˇcompute(alpha);\n}\n";
    let found = ask(&model(&[], document), document, 1, "    ");
    assert_eq!(found, None);
}

#[test]
fn nothing_known_gives_nothing() {
    check("", "fn ˇ", 4, "    ", None);
    check(LOOP, "ˇ", 0, "", None);
    check(LOOP, "zebra giraffe ˇ", 4, "    ", None);
}

#[test]
fn the_document_counts_before_the_workspace() {
    let elsewhere = "fn a() {\n    log::warn(message);\n}\n".repeat(4);
    let files = [("far/a.rs", elsewhere.as_str()), ("far/b.rs", elsewhere.as_str())];
    let document = "fn a() {\n    log::info(event);\n    log::info(event);\n    log::info(event);\n    log::ˇ";
    assert_eq!(ask(&model(&files, document), document, 1, "    ").as_deref(), Some("info(event);"));
}

#[test]
fn edits_are_known_at_once_and_closing_keeps_them() {
    let other = "fn a() {\n    let needle = thread(spool);\n    let needle = thread(spool);\n}\n";
    let document = "fn b() {\n    let needle = ˇ";
    let mut model = model(&[], document);
    assert_eq!(ask(&model, document, 1, "    "), None);
    model.open("src/other.rs", "rust", "");
    model.edit("src/other.rs", 0, 1, other.split('\n'));
    model.settle("src/other.rs");
    assert_eq!(ask(&model, document, 1, "    ").as_deref(), Some("thread(spool);"));
    model.close("src/other.rs");
    while model.advance() {}
    assert_eq!(model.stats().files, 1);
    assert_eq!(ask(&model, document, 1, "    ").as_deref(), Some("thread(spool);"));
    model.remove("src/other.rs");
    assert_eq!(ask(&model, document, 1, "    "), None);
}

#[test]
fn an_open_document_stands_for_its_file() {
    let on_disk = "fn a() {\n    let needle = thread(spool);\n    let needle = thread(spool);\n}\n";
    let document = "fn b() {\n    let needle = ˇ";
    let mut model = model(&[("src/other.rs", on_disk)], document);
    assert_eq!(ask(&model, document, 1, "    ").as_deref(), Some("thread(spool);"));
    model.open("src/other.rs", "rust", "");
    assert_eq!(ask(&model, document, 1, "    "), None);
    model.close("src/other.rs");
    while model.advance() {}
    assert_eq!(ask(&model, document, 1, "    ").as_deref(), Some("thread(spool);"));
}
