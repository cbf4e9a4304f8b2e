//! `FILE:LINE:COL`: the place that `complete` and `explain` take, and everything needed to complete there.
//! It leaves completing and explaining to these commands.

use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use pennyworth_core::text::{self, Encoding, Position, Snapshot};
use pennyworth_core::{gate::Trigger, syntax};
use tokio::runtime::Handle;

use crate::complete::{Completer, Request};
use crate::demand::workspace;
use crate::documents::parses::PARSES;
use crate::documents::trees::LONGEST;
use crate::learn::{key, learn_workspace};
use crate::ledger::Ledger;
use crate::models::discover;
use crate::paths;
use crate::reports::words::counted;
use crate::settings::{Closed, Configuration, Notice};

/// A place in a file; line and column count from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    file: PathBuf,
    line: u32,
    column: u32,
}

impl FromStr for Location {
    type Err = String;

    fn from_str(place: &str) -> Result<Location, String> {
        // The parser of arguments shows the value itself.
        let wanted = || "wanted: FILE:LINE:COL, such as `src/main.rs:12:5`".to_owned();
        // From the right, because a path may contain colons.
        let mut parts = place.rsplitn(3, ':');
        let (column, line, file) = (parts.next(), parts.next(), parts.next());
        let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok());
        match (file, number(line), number(column)) {
            (Some(file), Some(line), Some(column)) if !file.is_empty() => match (line, column) {
                (0, _) | (_, 0) => Err("LINE and COL count from 1".into()),
                _ => Ok(Location { file: file.into(), line, column }),
            },
            _ => Err(wanted()),
        }
    }
}

/// A request at a place of a file, as if the user asked with a key.
pub(super) struct Opened {
    pub(super) completer: Arc<Completer>,
    pub(super) request: Request,
    /// Files that the embedded model learned for it.
    pub(super) learned: usize,
}

impl Location {
    /// Opens the file as an editor would, and learns its workspace. With `retype`, the rest of the line is left out.
    pub(super) fn open(&self, runtime: &Handle, config: Option<&Path>, retype: bool) -> anyhow::Result<Opened> {
        let path = std::path::absolute(&self.file)?;
        // The rules hold for the path as it is spelled and for what it leads to, so links are kept.
        let has_dots = path.components().any(|part| part == Component::ParentDir);
        let path = if has_dots { path.canonicalize().unwrap_or(path) } else { path };
        let shown = self.file.display();
        let (settings, notices, found) = runtime.block_on(discover::gather(config));
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
        let language = pennyworth_grammars::of("", &path, first_line);
        let mut snapshot = Snapshot::of(&text, language);
        let cursor = self.offset(&snapshot)?;
        if retype {
            let end = text::line_end(&snapshot.text, snapshot.text.byte_to_line(cursor));
            text.replace_range(cursor..end, "");
            snapshot = Snapshot::of(&text, language);
        }
        let root = workspace(&path);
        let completer = Completer::new(settings.clone());
        completer.providers.found.set(&found.layer);
        keep_marks(&completer);
        if text.len() as u64 <= settings.documents.max_complete_bytes
            && completer.parses.barred(&path, language.name()).is_none()
        {
            let _mark = completer.parses.begin(&path, language.name());
            let begun = Instant::now();
            snapshot.tree = syntax::parse(&snapshot.text, language, None, &mut || begun.elapsed() < LONGEST);
        }
        completer.ledger.fill(ledger());
        let (configuration, _) = Configuration::new(1, settings, std::slice::from_ref(&root));
        let model = &completer.learner.model;
        let learned = learn_workspace(model, &configuration, &path);
        configuration.read(&path);
        say(&configuration.found_notices());
        completer.configure(Arc::new(configuration));
        model.teach(|model| model.open(&key(&path), language.name(), &pennyworth_core::prompt::normalised(&text)));
        let request = Request::new(snapshot, path, cursor, Trigger::Invoked);
        Ok(Opened { completer: Arc::new(completer), request, learned })
    }

    fn offset(&self, snapshot: &Snapshot) -> anyhow::Result<usize> {
        let (file, lines) = (self.file.display(), snapshot.text.len_lines());
        if self.line as usize > lines {
            bail!("{file} has {}, not {}", counted(lines as u64, "line"), self.line);
        }
        let position = Position { line: self.line - 1, character: self.column - 1 };
        let offset = text::offset(&snapshot.text, position, Encoding::Utf32);
        let found = text::position(&snapshot.text, offset, Encoding::Utf32);
        if found.character < position.character {
            bail!(
                "line {} of {file} has {}, so COL is at most {}",
                self.line,
                counted(found.character.into(), "character"),
                found.character + 1
            );
        }
        Ok(offset)
    }
}

/// Keeps the marks around parses where servers keep theirs.
pub(super) fn keep_marks(completer: &Completer) {
    if let Some(state) = paths::state_dir() {
        completer.parses.keep_in(state.join(PARSES));
        completer.parses.wait();
    }
}

/// Opens the ledger, and says what is wrong with it.
pub(super) fn ledger() -> Ledger {
    let (ledger, notice) = Ledger::open(paths::ledger_path().as_deref());
    if let Some(notice) = notice {
        eprintln!("warning: {notice}");
    }
    // What it learned from earlier rows decides.
    ledger.flush();
    ledger
}

/// Prints faults of the settings to stderr, because stdout is for the result.
pub(super) fn say(notices: &[Notice]) {
    for notice in notices {
        eprintln!("{}: {notice}", notice.severity);
        if notice.holds.closed() > Closed::No {
            eprintln!("  {}", notice.holds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_from_the_right() {
        let place = |file: &str, line, column| Ok(Location { file: file.into(), line, column });
        assert_eq!("a.rs:1:2".parse(), place("a.rs", 1, 2));
        assert_eq!("C:\\a.rs:10:20".parse(), place("C:\\a.rs", 10, 20));
        for wrong in
            ["", "a.rs", "a.rs:1", ":1:2", "a.rs:x:1", "a.rs:0:1", "a.rs:1:0", "a.rs:1:-1", "a.rs:99999999999:1"]
        {
            assert!(wrong.parse::<Location>().is_err(), "{wrong}");
        }
    }
}
