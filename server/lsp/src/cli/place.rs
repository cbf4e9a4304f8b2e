//! `FILE:LINE:COL`: a place that a command of the command line is asked about, and everything needed to look at it.
//! It leaves what is done there to `complete` and `explain`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use pennyworth_core::text::{self, Encoding, Position, Snapshot};
use pennyworth_core::{gate::Trigger, syntax};
use tokio::runtime::Runtime;

use crate::complete::Ask;
use crate::current::Current;
use crate::discover;
use crate::index::learn_folder;
use crate::learn::key;
use crate::ledger::Ledger;
use crate::paths;
use crate::resources::Resources;
use crate::settings::Notice;

/// A place in a file; line and column count from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    file: PathBuf,
    line: u32,
    column: u32,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(place: &str) -> Result<Place, String> {
        let wanted = || format!("`{place}` is not FILE:LINE:COL, such as `src/main.rs:12:5`");
        // From the right: a path may hold colons.
        let mut parts = place.rsplitn(3, ':');
        let (column, line, file) = (parts.next(), parts.next(), parts.next());
        let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok());
        match (file, number(line), number(column)) {
            (Some(file), Some(line), Some(column)) if !file.is_empty() => match (line, column) {
                (0, _) | (_, 0) => Err(format!("`{place}`: LINE and COL count from 1")),
                _ => Ok(Place { file: file.into(), line, column }),
            },
            _ => Err(wanted()),
        }
    }
}

/// A place, with the document it is in and what completing takes.
pub(super) struct Opened {
    pub(super) resources: Arc<Resources>,
    pub(super) snapshot: Snapshot,
    pub(super) path: PathBuf,
    pub(super) cursor: usize,
    /// Files that the embedded model has learned for this.
    pub(super) learned: usize,
}

impl Place {
    /// Opens the file as an editor would, in the workspace it lies in, and learns that; with `retype` as if the rest of the line were not there.
    pub(super) fn open(&self, runtime: &Runtime, config: Option<&Path>, retype: bool) -> anyhow::Result<Opened> {
        let path = std::path::absolute(&self.file)?;
        let path = path.canonicalize().unwrap_or(path);
        let shown = self.file.display();
        let (settings, notices, _) = runtime.block_on(discover::gather(config));
        say(&notices);
        let size = std::fs::metadata(&path).with_context(|| format!("cannot read {shown}"))?;
        if !size.is_file() {
            bail!("{shown} is not a file");
        }
        if size.len() > settings.documents.max_bytes {
            bail!(
                "{shown} has {} bytes, more than `documents.max_bytes` = {}",
                size.len(),
                settings.documents.max_bytes
            );
        }
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
        let mut text = String::from_utf8(bytes).with_context(|| format!("{shown} is not UTF-8 text"))?;
        let first_line = text.lines().next().unwrap_or_default();
        let language = pennyworth_grammars::by_path(&path, first_line);
        let Some(language) = language else { bail!("{shown}: no language is known for this name; known: {}", known()) };
        let mut snapshot = Snapshot::of(&text, Some(language));
        let cursor = self.offset(&snapshot)?;
        if retype {
            let end = text::line_end(&snapshot.text, snapshot.text.byte_to_line(cursor));
            text.replace_range(cursor..end, "");
            snapshot = Snapshot::of(&text, Some(language));
        }
        if text.len() as u64 <= settings.documents.max_complete_bytes {
            snapshot.tree = syntax::parse(&snapshot.text, language, None, &mut || true);
        }
        let root = workspace(&path);
        let resources = Resources::new(settings.clone());
        let (ledger, notice) = Ledger::open(paths::ledger_path().as_deref());
        if let Some(notice) = notice {
            eprintln!("warning: {notice}");
        }
        resources.set_ledger(ledger);
        let (current, notices) = Current::new(1, settings, std::slice::from_ref(&root));
        say(&notices);
        resources.set_current(Arc::new(current));
        let learned = learn_folder(&resources, &root, &path);
        resources
            .embedded
            .teach(|model| model.open(&key(&path), language.name(), &pennyworth_core::prompt::normalised(&text)));
        Ok(Opened { resources: Arc::new(resources), snapshot, path, cursor, learned })
    }

    fn offset(&self, snapshot: &Snapshot) -> anyhow::Result<usize> {
        let (file, lines) = (self.file.display(), snapshot.text.len_lines());
        if self.line as usize > lines {
            bail!("{file} has {lines} lines, not {}", self.line);
        }
        let position = Position { line: self.line - 1, character: self.column - 1 };
        let offset = text::offset(&snapshot.text, position, Encoding::Utf32);
        let found = text::position(&snapshot.text, offset, Encoding::Utf32);
        if found.character < position.character {
            bail!(
                "line {} of {file} has {} characters, so COL is at most {}",
                self.line,
                found.character,
                found.character + 1
            );
        }
        Ok(offset)
    }
}

impl Opened {
    /// The question, as if it were asked with a key.
    pub(super) fn ask() -> Ask {
        Ask { trigger: Trigger::Invoked, selected: None, ready_only: false, outlives_edits: false }
    }
}

/// The folder a file is worked on in: the nearest one above it with a repository, else its own.
fn workspace(path: &Path) -> PathBuf {
    let above = path.ancestors().skip(1);
    let repository = above.clone().find(|folder| folder.join(".git").exists());
    repository.or_else(|| above.clone().next()).unwrap_or(path).to_owned()
}

fn known() -> String {
    let names: Vec<_> = pennyworth_grammars::all().iter().map(|language| language.name()).collect();
    names.join(", ")
}

/// What is wrong with the settings, for whoever runs the command; standard output is for what was asked.
fn say(notices: &[Notice]) {
    for notice in notices {
        eprintln!("{}: {notice}", notice.severity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_from_the_right() {
        let place = |file: &str, line, column| Ok(Place { file: file.into(), line, column });
        assert_eq!("a.rs:1:2".parse(), place("a.rs", 1, 2));
        assert_eq!("C:\\a.rs:10:20".parse(), place("C:\\a.rs", 10, 20));
        for wrong in
            ["", "a.rs", "a.rs:1", ":1:2", "a.rs:x:1", "a.rs:0:1", "a.rs:1:0", "a.rs:1:-1", "a.rs:99999999999:1"]
        {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
