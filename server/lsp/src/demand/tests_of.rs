//! Where a project keeps the tests of a file: in the file itself, or in another one. It leaves which one to `test_files`, and writing tests to a
//! model.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pennyworth_core::demand::{Part, PartKind, Source};
use pennyworth_core::mask::Masks;
use pennyworth_grammars::Language;

use super::files::{File, Refused, workspace};
use super::test_files::Rules;
use crate::learn::workspace_files;
use crate::settings::{Configuration, Scope};

/// Most bytes of a file of tests that is shown as a pattern.
const PATTERN: usize = 2_000;
/// Most files that are looked at for a pattern of names.
const LOOKED_AT: usize = 5_000;

/// The texts of open documents, saved or not, by path.
pub type Open = BTreeMap<PathBuf, String>;

/// A place for new tests.
pub(super) struct Place {
    /// The file.
    pub(super) path: PathBuf,
    /// Its text; empty if it is new.
    pub(super) before: String,
    /// The byte at which the tests are put.
    pub(super) at: usize,
    /// What is put before and behind them.
    pub(super) lead: String,
    pub(super) tail: String,
    /// The nearest tests, as a pattern.
    pub(super) pattern: Option<Part>,
    /// The file as prompts show it.
    pub(super) shown: String,
    /// What was masked in them.
    pub(super) masks: Masks,
    /// The file's language.
    pub(super) language: &'static Language,
    /// The rules of its place.
    pub(super) scope: Arc<Scope>,
}

/// The place for tests of a file.
pub(super) fn place(configuration: &Configuration, file: &File, open: &Open) -> Result<Place, Refused> {
    let language = file.source.language;
    let names = &language.facts().test_files;
    if names.is_empty() {
        let nowhere = || Refused {
            path: file.path.clone(),
            why: format!("nobody knows where tests of {} belong", language.name()),
        };
        return language.facts().test_module.as_ref().map(|module| inside(file, module)).ok_or_else(nowhere);
    }
    let rules = Rules::of(names, &file.path);
    let other = LazyCell::new(|| nearest(configuration, &file.path, &rules));
    // More tests of what is in a file of tests go there, too.
    let path = match rules.are_of(&file.path) {
        true => Some(file.path.clone()),
        false => rules.place(&workspace(&file.path), &file.path, || other.clone()),
    };
    let path =
        path.ok_or_else(|| Refused { path: file.path.clone(), why: "there is no place for its tests".into() })?;
    let nearest = || other.as_ref().and_then(|path| File::read(configuration, path).ok());
    let holder = match open.get(&path) {
        Some(text) => File::of(configuration, &path, Some(language), text)?,
        None if path.is_file() => File::read(configuration, &path)?,
        None => File::of(configuration, &path, Some(language), "")?,
    };
    let (pattern, masks) = match holder.sent.text.is_empty() {
        false => (pattern(&holder.sent), holder.masks),
        true => nearest().map_or((None, Masks::default()), |nearest| (pattern(&nearest.sent), nearest.masks)),
    };
    let before = holder.source.text.clone();
    let lead = if before.is_empty() {
        ""
    } else if before.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    Ok(Place {
        path,
        shown: holder.sent.path.clone(),
        at: before.len(),
        before,
        lead: lead.into(),
        tail: String::new(),
        pattern,
        masks,
        language,
        scope: holder.scope,
    })
}

/// The place in a file that holds its own tests: the end of its module of tests, else a new module at its end.
fn inside(file: &File, (open, close): &(String, String)) -> Place {
    let (text, language) = (&file.source.text, file.source.language);
    let is_tests = |name: &str| name == "tests" || name == "test";
    let module = file.source.items().iter().rev().find(|item| item.depth == 0 && is_tests(&item.name));
    let module = module.filter(|item| text.get(item.range.clone()).is_some_and(|module| module.ends_with('}')));
    let common = |at: usize, lead: String, tail: &str, pattern| Place {
        path: file.path.clone(),
        shown: file.sent.path.clone(),
        before: text.clone(),
        at,
        lead,
        tail: tail.to_owned(),
        pattern,
        masks: Masks::default(),
        language,
        scope: Arc::clone(&file.scope),
    };
    match module {
        Some(item) => {
            let lines = file.source.line(item.whole.start)..file.source.line(item.whole.end) + 1;
            let shown = file.sent.text.get(file.sent.lines(lines)).unwrap_or_default();
            let part =
                Part { kind: PartKind::Pattern, path: file.sent.path.clone(), line: 0, text: head(shown).to_owned() };
            common(item.range.end - 1, "\n".into(), "", Some(part))
        }
        None => {
            let gap = if text.ends_with('\n') || text.is_empty() { "\n" } else { "\n\n" };
            common(text.len(), format!("{gap}{open}"), close, None)
        }
    }
}

/// The nearest file of tests of other files.
fn nearest(configuration: &Configuration, path: &Path, rules: &Rules) -> Option<PathBuf> {
    workspace_files(configuration, path).take(LOOKED_AT).find(|found| found != path && rules.are_of(found))
}

/// Whether a file has a name that its language has for files of tests.
pub(super) fn holds_tests(path: &Path, language: &Language) -> bool {
    Rules::of(&language.facts().test_files, path).are_of(path)
}

fn pattern(tests: &Source) -> Option<Part> {
    let text = head(&tests.text).to_owned();
    (!text.trim().is_empty()).then(|| Part { kind: PartKind::Pattern, path: tests.path.clone(), line: 0, text })
}

fn head(text: &str) -> &str {
    pennyworth_core::prompt::head(text, PATTERN)
}
