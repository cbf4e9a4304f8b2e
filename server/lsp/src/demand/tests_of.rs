//! Where a project keeps the tests of a file: in the file itself, or in another one. It leaves which one to `test_files`, and writing tests to a
//! model.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pennyworth_core::demand::{Part, PartKind, Source};
use pennyworth_core::mask::Masks;
use pennyworth_core::present::detect_indent;
use pennyworth_grammars::Language;

use super::about::Spot;
use super::files::{File, Refused, workspace};
use super::spots;
use super::suites;
use super::test_files::Rules;
use crate::learn::workspace_files;
use crate::settings::{Configuration, Scope};

/// Most bytes of a file of tests that is shown as a pattern.
const PATTERN: usize = 2_000;
/// The name of a new module of tests.
const NEW: &str = "tests";
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
    /// Where the tests are put.
    pub(super) spot: Spot,
    /// The class or module that they go into.
    pub(super) holder: Option<String>,
    /// Where tests are put that do not go into it.
    pub(super) outside: Option<Spot>,
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

/// The place for tests of an item of a file, which has these bytes.
pub(super) fn place(
    configuration: &Configuration,
    file: &File,
    tested: &Range<usize>,
    open: &Open,
) -> Result<Place, Refused> {
    let language = file.source.language;
    let names = &language.facts().test_files;
    if names.is_empty() {
        let nowhere = || Refused {
            path: file.path.clone(),
            why: format!("nobody knows where tests of {} belong", language.name()),
        };
        let module = language.facts().test_module.as_ref().ok_or_else(nowhere)?;
        return inside(configuration, file, tested, module, open);
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
    let holder = opened(configuration, &path, language, open)?;
    match holder.sent.text.is_empty() {
        false => Ok(added_to(path, holder)),
        true => {
            let (pattern, masks) =
                nearest().map_or((None, Masks::default()), |nearest| (pattern(&nearest.sent), nearest.masks));
            Ok(Place { pattern, masks, ..added_to(path, holder) })
        }
    }
}

/// A file as it is open, or on the disk, or empty.
fn opened(
    configuration: &Configuration,
    path: &Path,
    language: &'static Language,
    open: &Open,
) -> Result<File, Refused> {
    match open.get(path) {
        Some(text) => File::of(configuration, path, Some(language), text),
        None if path.is_file() => File::read(configuration, path),
        None => File::of(configuration, path, Some(language), ""),
    }
}

/// The place in a file of tests: the end of their class, else of the block around them, else of the file.
fn added_to(path: PathBuf, holder: File) -> Place {
    let end = spots::end(&holder.source);
    let class = spots::class(&holder.source);
    let inside = class.and_then(|class| Some((class.name.clone(), spots::inside(&holder.source, class, "")?)));
    let (class, spot, outside) = match inside.map(|(class, spot)| (spot, Some(class))).or(suites::block(&holder.source))
    {
        Some((spot, class)) => (class, spot, Some(end)),
        None => (None, end, None),
    };
    Place {
        path,
        shown: holder.sent.path.clone(),
        before: holder.source.text.clone(),
        spot,
        holder: class,
        outside,
        pattern: pattern(&holder.sent),
        masks: holder.masks,
        language: holder.source.language,
        scope: holder.scope,
    }
}

/// The place for tests in a file that holds its own: the end of their module, which may have a file of its own, else a new module at the end of the one
/// that has the item.
fn inside(
    configuration: &Configuration,
    file: &File,
    tested: &Range<usize>,
    (open, close): &(String, String),
    documents: &Open,
) -> Result<Place, Refused> {
    let (source, around) = (&file.source, spots::modules(&file.source, tested));
    let (text, language) = (&source.text, source.language);
    let common = |spot: Spot, holder: Option<&str>, pattern| Place {
        path: file.path.clone(),
        shown: file.sent.path.clone(),
        before: text.clone(),
        spot,
        holder: holder.map(str::to_owned),
        outside: None,
        pattern,
        masks: Masks::default(),
        language,
        scope: Arc::clone(&file.scope),
    };
    let outer = |place: usize| around.get(place).copied();
    let found = (0..=around.len()).find_map(|place| {
        let own = outer(place).filter(|module| spots::is_of_tests(source, module));
        Some((place, own.or_else(|| spots::module_in(source, outer(place)))?))
    });
    let opening = open.lines().nth(2).unwrap_or_default().trim();
    if let Some((place, module)) = found {
        if module.body.is_none() {
            let path = spots::file_of(&file.path, around.get(place..).unwrap_or_default(), &module.name);
            return Ok(added_to(path.clone(), opened(configuration, &path, language, documents)?));
        }
        if let Some(spot) = spots::inside(source, module, opening) {
            let lines = source.line(module.whole.start)..source.line(module.whole.end) + 1;
            let shown = head(file.sent.text.get(file.sent.lines(lines)).unwrap_or_default()).to_owned();
            let part = Part { kind: PartKind::Pattern, path: file.sent.path.clone(), line: 0, text: shown };
            return Ok(common(spot, Some(&module.name), Some(part)));
        }
    }
    let end = match around.first().and_then(|module| spots::inside(source, module, "")) {
        Some(spot) => spot,
        None => Spot {
            lead: if text.ends_with('\n') || text.is_empty() { "\n" } else { "\n\n" }.into(),
            ..spots::end(source)
        },
    };
    let holder = (!open.is_empty()).then_some(NEW);
    let unit = if open.is_empty() { String::new() } else { detect_indent(text.lines(), &language.facts().indent) };
    let deeper = |text: &str| -> String {
        let lines = text.split_inclusive('\n');
        lines
            .map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("{}{line}", end.depth) })
            .collect()
    };
    let spot = Spot {
        at: end.at,
        lead: format!("{}{}", end.lead, deeper(open)),
        tail: format!("{}{}", deeper(close), end.tail),
        depth: format!("{}{unit}", end.depth),
    };
    Ok(common(spot, holder, None))
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
