//! The cases of `tests/cases/<language>/classify.txt`: a source with a cursor mark and the task there. `UPDATE=1` rewrites the expected tasks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the cases are files; core itself reads none")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pennyworth_core::classify::classify;
use pennyworth_core::task::Task;
use pennyworth_grammars::Language;
use ropey::Rope;

/// One case of a file.
struct Case {
    title: String,
    source: String,
    task: String,
}

fn read(file: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for part in file.split("=== ").skip(1) {
        let (title, rest) = part.split_once('\n').unwrap_or((part, ""));
        let (source, task) = rest.split_once("\n--- task\n").unwrap_or_else(|| panic!("`{title}` has no `--- task`"));
        cases.push(Case { title: title.to_owned(), source: source.to_owned(), task: task.trim().to_owned() });
    }
    cases
}

/// `\r` in a case stands for a carriage return, so that it can be seen.
fn task(language: &'static Language, source: &str) -> String {
    let source = source.replace("\\r", "\r");
    let (before, after) = source.split_once('ˇ').unwrap_or_else(|| panic!("no cursor mark in {source:?}"));
    let rope = Rope::from_str(&format!("{before}{after}"));
    classify(&rope, language, None, before.len()).task.map_or("none", Task::name).to_owned()
}

fn folder(language: &Language) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases").join(language.name())
}

#[test]
fn the_task_of_every_case_is_found() {
    let mut wrong = String::new();
    for language in pennyworth_grammars::all() {
        let path = folder(language).join("classify.txt");
        let Ok(file) = std::fs::read_to_string(&path) else { continue };
        let mut written = String::new();
        for case in read(&file) {
            let found = task(language, &case.source);
            if found != case.task {
                writeln!(wrong, "{}: {}: expected {}, found {found}", language.name(), case.title, case.task).unwrap();
            }
            write!(written, "=== {}\n{}\n--- task\n{found}\n\n", case.title, case.source).unwrap();
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, written.trim_end().to_owned() + "\n").unwrap();
        }
    }
    assert!(wrong.is_empty() || std::env::var_os("UPDATE").is_some(), "{wrong}");
}
