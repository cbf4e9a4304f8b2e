//! The files whose items may want documentation. It leaves which items have none to `core::demand`.

use std::path::PathBuf;

use super::files::{File, Refused};
use super::tests_of::holds_tests;
use crate::learn::files_below;
use crate::settings::Configuration;

/// The files at some paths whose items may want documentation, in their order: files as they are, and of folders those of code that hold no tests.
/// `refused` receives the named files that go into no prompt. It blocks.
pub fn documentable(configuration: &Configuration, paths: &[PathBuf], refused: &mut Vec<Refused>) -> Vec<File> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            match File::read(configuration, path) {
                Ok(file) => found.push(file),
                Err(why) => refused.push(why),
            }
            continue;
        }
        let has_grammar =
            |path: &PathBuf| pennyworth_grammars::by_path(path, "").is_some_and(|it| it.grammar().is_some());
        let mut below: Vec<PathBuf> = files_below(configuration, path).filter(has_grammar).collect();
        below.sort();
        let read = below.iter().filter_map(|path| File::read(configuration, path).ok());
        found.extend(read.filter(|file| !holds_tests(&file.path, file.source.language)));
    }
    found
}
