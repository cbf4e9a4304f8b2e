//! Where a project keeps the tests of a file: in the file itself, or in another one by the pattern of names that its language has and the project
//! uses. It leaves which names there are to `language.toml`, and writing tests to a model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pennyworth_core::demand::{Part, PartKind, Source};
use pennyworth_core::mask::Masks;
use pennyworth_grammars::Language;

use super::files::{File, Refused, workspace};
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
    let candidates = candidates(&file.path, names);
    let existing = candidates.iter().find(|path| path.is_file());
    // Without tests of this file, another file's tell how the project names them.
    let alike = || named_alike(configuration, &file.path, names);
    let path = existing.cloned().or_else(alike).or_else(|| candidates.into_iter().next());
    let path =
        path.ok_or_else(|| Refused { path: file.path.clone(), why: "there is no place for its tests".into() })?;
    let other = match open.get(&path) {
        Some(text) => File::of(configuration, &path, Some(language), text)?,
        None if path.is_file() => File::read(configuration, &path)?,
        None => File::of(configuration, &path, Some(language), "")?,
    };
    let (pattern, masks) = match other.sent.text.is_empty() {
        false => (pattern(&other.sent), other.masks),
        true => nearest(configuration, &file.path, names)
            .and_then(|path| File::read(configuration, &path).ok())
            .map_or((None, Masks::default()), |nearest| (pattern(&nearest.sent), nearest.masks)),
    };
    let before = other.source.text.clone();
    let lead = if before.is_empty() {
        ""
    } else if before.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    Ok(Place {
        path,
        at: before.len(),
        before,
        lead: lead.into(),
        tail: String::new(),
        pattern,
        masks,
        language,
        scope: other.scope,
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

/// The files that may hold a file's tests, by the names of its language: beside it, in folders below, and from each folder above.
fn candidates(path: &Path, names: &[String]) -> Vec<PathBuf> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    let named = |name: &String| name.replace("{stem}", &stem).replace("{ext}", &extension);
    let top = workspace(path);
    let folders: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&top)).collect();
    let beside = names.iter().filter(|name| !name.starts_with('/'));
    let mut found: Vec<PathBuf> = beside.filter_map(|name| Some(folders.first()?.join(named(name)))).collect();
    // `/tests/…` is tried from each folder above.
    let above = names.iter().filter_map(|name| name.strip_prefix('/')).map(str::to_owned);
    found
        .extend(above.flat_map(|name| folders.iter().map(move |folder| folder.join(named(&name))).collect::<Vec<_>>()));
    found
}

/// The file for the tests of a file by the name that another file's tests have.
fn named_alike(configuration: &Configuration, path: &Path, names: &[String]) -> Option<PathBuf> {
    let other = nearest(configuration, path, names)?;
    let candidates = candidates(path, names);
    let (folder, pattern) = (other.parent()?, names.iter().find(|name| matches(&other, name))?);
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    let name = pattern.rsplit('/').next()?.replace("{stem}", &stem).replace("{ext}", &extension);
    let beside = candidates
        .iter()
        .find(|path| path.file_name().is_some_and(|found| *found == *name) && path.parent() == other.parent());
    Some(beside.cloned().unwrap_or_else(|| match pattern.contains('/') {
        true => folder.join(name),
        false => path.with_file_name(name),
    }))
}

/// The nearest file of tests.
fn nearest(configuration: &Configuration, path: &Path, names: &[String]) -> Option<PathBuf> {
    let mut files = workspace_files(configuration, path).take(LOOKED_AT);
    files.find(|found| {
        found != path && found.extension() == path.extension() && names.iter().any(|name| matches(found, name))
    })
}

/// Whether a file has a name that its language has for files of tests.
pub(super) fn holds_tests(path: &Path, language: &Language) -> bool {
    language.facts().test_files.iter().any(|pattern| matches(path, pattern))
}

/// Whether a file has a name of this pattern.
fn matches(path: &Path, pattern: &str) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let pattern = pattern.rsplit('/').next().unwrap_or_default();
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    let pattern = pattern.replace("{ext}", &extension);
    let Some((before, after)) = pattern.split_once("{stem}") else { return name == pattern };
    name.len() > before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
}

fn pattern(tests: &Source) -> Option<Part> {
    let text = head(&tests.text).to_owned();
    (!text.trim().is_empty()).then(|| Part { kind: PartKind::Pattern, path: tests.path.clone(), line: 0, text })
}

fn head(text: &str) -> &str {
    pennyworth_core::prompt::head(text, PATTERN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_tests_are_known_by_their_names() {
        for (name, pattern, expected) in [
            ("/a/b_test.go", "{stem}_test.go", true),
            ("/a/_test.go", "{stem}_test.go", false),
            ("/a/test_b.py", "/tests/test_{stem}.py", true),
            ("/a/b.test.ts", "{stem}.test.{ext}", true),
            ("/a/b.ts", "{stem}.test.{ext}", false),
        ] {
            assert_eq!(matches(Path::new(name), pattern), expected, "{name}");
        }
    }

    #[test]
    fn candidates_stand_beside_a_file_and_from_each_folder_above() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("src/a")).unwrap();
        std::fs::create_dir_all(folder.path().join(".git")).unwrap();
        let found = candidates(
            &folder.path().join("src/a/b.py"),
            &["test_{stem}.py".into(), "/tests/test_{stem}.{ext}".into()],
        );
        let found: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect();
        assert_eq!(found, ["src/a/test_b.py", "src/a/tests/test_b.py", "src/tests/test_b.py", "tests/test_b.py"]);
    }
}
