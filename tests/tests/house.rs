//! The order of the house, as tests: no circle among files, and in `server/lsp` no import against the order of its folders.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

use pennyworth_tests::imports::{self, Imports};

/// Every crate that is part of the program, and this one.
const CRATES: [&str; 10] = [
    "grammars/src/lib.rs",
    "server/core/src/lib.rs",
    "server/ngram/src/lib.rs",
    "server/providers/src/lib.rs",
    "server/lsp/src/lib.rs",
    "tests/src/lib.rs",
    "tests/src/bin/budget-eval/main.rs",
    "tests/src/bin/demand-eval/main.rs",
    "tests/src/bin/ngram-eval/main.rs",
    "tests/src/bin/typing-eval/main.rs",
];

fn read(crates: &[&str]) -> Imports {
    imports::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap(), crates)
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let imports = read(&CRATES);
    let mut found = String::new();
    for circle in imports::circles(&imports) {
        found.push_str(&format!("\n{} files:", circle.len()));
        for file in &circle {
            for (other, names) in imports[file].iter().filter(|(other, _)| circle.contains(other)) {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                found.push_str(&format!("\n  {file} -> {other}: {}", names.join(", ")));
            }
        }
    }
    assert!(found.is_empty(), "circles:{found}");
}

/// The folders of `server/lsp/src`, and the files that stand alone, from the lowest level to the highest. A file imports only from its own
/// folder and from lower levels.
const LEVELS: [&[&str]; 11] = [
    &["sync", "paths", "private", "signals"],
    &["wire", "settings"],
    &["logging", "documents", "ledger", "models"],
    &["learn"],
    &["complete"],
    &["demand"],
    &["trial"],
    &["jobs"],
    &["reports"],
    &["surface", "cli"],
    &["server"],
];

/// The folder of a file, or its own name; `None` for the roots of the crate, which import everything.
fn room(file: &str) -> Option<&str> {
    let path = file.strip_prefix("server/lsp/src/")?;
    let room = path.split('/').next()?.trim_end_matches(".rs");
    (!matches!(room, "lib" | "main")).then_some(room)
}

fn level(room: &str) -> usize {
    let level = LEVELS.iter().position(|rooms| rooms.contains(&room));
    level.unwrap_or_else(|| panic!("`{room}` has no level yet: add it to LEVELS in tests/tests/house.rs"))
}

#[test]
fn no_file_of_the_server_imports_against_the_order_of_the_folders() {
    let mut found = Vec::new();
    for (file, imports) in read(&["server/lsp/src/lib.rs"]) {
        let Some(from) = room(&file) else { continue };
        for (other, names) in imports {
            let Some(to) = room(&other).filter(|to| *to != from) else { continue };
            if level(to) >= level(from) {
                let names: Vec<_> = names.into_iter().collect();
                found.push(format!("{file} -> {other}: {}", names.join(", ")));
            }
        }
    }
    assert!(found.is_empty(), "imports against the order:\n  {}", found.join("\n  "));
}
