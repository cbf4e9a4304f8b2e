//! Whether an edited file may be shown: the edit stays in its scope, parses no worse and is what its task allows. It leaves reading the edit to
//! `edit`.

use std::collections::BTreeSet;
use std::ops::Range;

use pennyworth_grammars::Language;

use super::comments;
use super::edit::Edit;
use super::markers::marker;
use super::tested;
use super::unfit::{Unfit, is_hostile};
use crate::syntax;
use crate::task::Task;

/// Reports of the parser after which a file is not judged by its tree.
const MAX_STEPS: usize = 4_000;

/// Words that a scope has at least for what replaces it to have one of them.
const FEW_WORDS: usize = 2;

/// Where and how a file may be edited.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// The task, which may allow comments only.
    pub task: Task,
    /// The file's language.
    pub language: &'static Language,
    /// The file's text.
    pub text: &'a str,
    /// The bytes inside which an edit must stay.
    pub within: Range<usize>,
    /// The bytes of the diagnostic that must not stay as they are, for a fix.
    pub wrong: Option<Range<usize>>,
    /// A name that new code must hold, for tests. The last edit puts them there, and those before it what they import.
    pub names: Option<&'a str>,
    /// What edits may hold besides what the file holds, as `permitted` tells of other texts.
    pub known: &'a str,
}

/// The whole text with the edits, if they fit; they are sorted by their places.
pub fn fits(scope: &Scope<'_>, edits: &[Edit]) -> Result<String, Unfit> {
    let new = applied(scope, edits)?;
    if new == scope.text {
        return Err(Unfit::Same);
    }
    let written: String = edits.iter().map(|edit| edit.text.as_str()).collect();
    let known = format!("{}\n{}", scope.text, scope.known);
    if is_hostile(&written, &known) {
        return Err(Unfit::Unseen);
    }
    if let Some(marker) = marker(&written, &known) {
        return Err(Unfit::Marker(marker.to_owned()));
    }
    if scope.task == Task::Document {
        comments::documents_only(scope.language, &scope.within, (scope.text, &new))?;
    }
    let is_in = |edit: &Edit, wrong: &Range<usize>| match edit.range.is_empty() {
        true => wrong.start < edit.range.start && edit.range.start < wrong.end,
        false => edit.range.start < wrong.end && wrong.start < edit.range.end,
    };
    let touches = |wrong: &Range<usize>| edits.iter().any(|edit| is_in(edit, wrong));
    // What was reported is mended by code.
    let mends = |wrong: &Range<usize>| touches(wrong) && !comments::is_same_code(scope.language, (scope.text, &new));
    if scope.wrong.as_ref().is_some_and(|wrong| !mends(wrong)) {
        return Err(Unfit::Unmended);
    }
    if let (Some(name), Some((tests, imports))) = (scope.names, edits.split_last()) {
        let only_adds = edits.iter().all(|edit| edit.range.is_empty());
        if !only_adds {
            return Err(Unfit::Outside);
        }
        let added: usize = imports.iter().map(|edit| edit.text.len()).sum();
        tested::tests(scope.language, name, (tests.range.start + added, &tests.text), (scope.text, &new))?;
    }
    if errors(&new, scope.language) > errors(scope.text, scope.language) {
        return Err(Unfit::Broken);
    }
    if matches!(scope.task, Task::Fix | Task::Edit) && is_foreign(scope, &new) {
        return Err(Unfit::Foreign);
    }
    Ok(new)
}

/// Whether the lines of the scope have no word in common with what they were: then something else altogether was written there, which may well parse.
/// Lines that were taken away are nothing else.
fn is_foreign(scope: &Scope<'_>, new: &str) -> bool {
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.chars().count() > 1);
        words.map(str::to_owned).collect()
    };
    let behind = scope.text.len().saturating_sub(scope.within.end);
    let old = scope.text.get(scope.within.clone()).map(words).unwrap_or_default();
    let new = new.get(scope.within.start..new.len().saturating_sub(behind)).unwrap_or_default();
    !new.trim().is_empty() && old.len() >= FEW_WORDS && old.is_disjoint(&words(new))
}

fn applied(scope: &Scope<'_>, edits: &[Edit]) -> Result<String, Unfit> {
    let (mut new, mut at) = (String::new(), 0);
    for edit in edits {
        if edit.range.start < scope.within.start || edit.range.end > scope.within.end || edit.range.start < at {
            return Err(Unfit::Outside);
        }
        new.push_str(scope.text.get(at..edit.range.start).unwrap_or_default());
        new.push_str(&edit.text);
        at = edit.range.end;
    }
    new.push_str(scope.text.get(at..).unwrap_or_default());
    Ok(new)
}

/// The errors in a text's tree; the same for both texts if there is no tree, so that nothing is said of them.
pub(super) fn errors(text: &str, language: &'static Language) -> usize {
    let mut steps = MAX_STEPS;
    syntax::parse_excerpt(text, language, None, &mut steps).map_or(0, |tree| syntax::errors(&tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: &str = "use a;\n\nfn add(a: u8) -> u8 {\n    a + 1\n}\n\nfn other() {}\n";

    fn judged(
        task: Task,
        language: &str,
        text: &str,
        (old, new): (&str, &str),
        wrong: Option<&str>,
    ) -> Result<String, Unfit> {
        let start = text.find(old).unwrap();
        let place = |what: &str| text.find(what).map(|at| at..at + what.len());
        let within = place("fn add(a: u8) -> u8 {\n    a + 1\n}").unwrap_or(0..text.len());
        let language = pennyworth_grammars::by_name(language).unwrap();
        let wrong = wrong.and_then(place);
        let scope = Scope { task, language, text, within, wrong, names: None, known: "" };
        fits(&scope, &[Edit { range: start..start + old.len(), text: new.to_owned() }])
    }

    #[test]
    fn an_edit_stays_in_its_scope_and_parses_no_worse() {
        let rust = |old, new| judged(Task::Edit, "rust", RUST, (old, new), None);
        assert_eq!(rust("a + 1", "a + 2"), Ok(RUST.replace("a + 1", "a + 2")));
        assert_eq!(rust("a + 1", "a + 1"), Err(Unfit::Same));
        assert_eq!(rust("a + 1", "(a + 2"), Err(Unfit::Broken));
        assert_eq!(rust("fn add(a: u8) -> u8 {\n    a + 1\n}", "[1, 2];"), Err(Unfit::Foreign));
        assert!(rust("fn add(a: u8) -> u8 {\n    a + 1\n}", "use other::add;").is_ok());
        assert!(rust("fn add(a: u8) -> u8 {\n    a + 1\n}", "").is_ok(), "it is taken away");
        assert_eq!(rust("    a + 1\n}", ""), Err(Unfit::Broken));
        assert_eq!(rust("other", "another"), Err(Unfit::Outside));
        assert_eq!(rust("a + 1", "a + 2 // \u{202e}"), Err(Unfit::Unseen));
        let broken = "fn add(a: u8) -> u8 {\n    a + 1\n}\nfn (\n";
        assert!(judged(Task::Edit, "rust", broken, ("a + 1", "a + 2"), None).is_ok(), "it was broken before");
    }

    #[test]
    fn a_marker_is_refused_unless_the_file_or_what_was_shown_has_it() {
        let edit = |text: &str, new: &str, known: &str| {
            let at = text.find("row").unwrap();
            let language = pennyworth_grammars::by_name("rust").unwrap();
            let scope =
                Scope { task: Task::Edit, language, text, within: 0..text.len(), wrong: None, names: None, known };
            fits(&scope, &[Edit { range: at..at, text: new.to_owned() }]).map(drop)
        };
        let (rust, refused) = ("fn a() {\n    row;\n}\n", |marker: &str| Err(Unfit::Marker(marker.to_owned())));
        assert_eq!(edit(rust, "row[PREFIX]; // [SUFFIX]\n    ", ""), Ok(()));
        for marker in ["<|im_end|>", "<fim_pad>", "<file_sep>", "<PRE>", "<eos>", "<[fim-suffix]>", "[/INST]"] {
            let new = format!("f(\"{marker}\");\n    ");
            assert_eq!(edit(rust, &new, ""), refused(marker));
            assert_eq!(edit(rust, &new, &super::super::permitted(&format!("// {marker}"))), Ok(()), "{marker}");
            assert_eq!(edit(&format!("{rust}// {marker}\n"), &new, ""), Ok(()), "{marker}");
        }
        assert_eq!(edit(rust, "f(\"\u{200b}\");\n    ", ""), Err(Unfit::Unseen));
        assert_eq!(edit(rust, "f(\"\u{200b}\");\n    ", &super::super::permitted("a\u{200b}")), Ok(()));
    }

    #[test]
    fn documentation_changes_no_code() {
        let rust = |old, new| judged(Task::Document, "rust", RUST, (old, new), None);
        assert!(rust("fn add", "/// Adds one.\nfn add").is_ok());
        assert_eq!(rust("a + 1", "a + 2 // more"), Err(Unfit::Code));
        let python = "def add(a):\n    return a + 1\n";
        let judge = |new| judged(Task::Document, "python", python, ("def add(a):\n", new), None);
        assert!(judge("def add(a):\n    \"\"\"Adds one.\n\n    Nothing else.\"\"\"\n").is_ok());
        assert_eq!(judge("# Adds one.\ndef add(a):\n"), Err(Unfit::Undocumented));
        assert_eq!(judge("def add(a):\n    \"\"\"Adds one.\"\"\"\n    a = 2\n"), Err(Unfit::Code));
        assert_eq!(judge("if x:\n  def add(a):\n"), Err(Unfit::Code));
        let elixir =
            |new| judged(Task::Document, "elixir", "def add(a) do\n  a + 1\nend\n", ("def add(a) do\n", new), None);
        assert!(elixir("@doc \"\"\"\nAdds one.\n\"\"\"\ndef add(a) do\n").is_ok());
        assert_eq!(elixir("@doc false\ndef add(a) do\n"), Err(Unfit::Code));
    }

    #[test]
    fn a_fix_touches_what_was_wrong() {
        let fix = |new, wrong| judged(Task::Fix, "rust", RUST, new, Some(wrong));
        assert!(fix(("a + 1", "a + 2"), "1").is_ok());
        assert_eq!(fix(("a + 1", "a + 2"), "u8"), Err(Unfit::Unmended));
        assert_eq!(
            fix(("fn add(a: u8) -> u8 {\n", "fn add(a: u8) -> u16 {\n"), "    a + 1\n"),
            Err(Unfit::Unmended),
            "beside it"
        );
        assert_eq!(fix(("a + 1", "a + 1 // allow"), "a + 1"), Err(Unfit::Unmended), "a comment alone");
    }

    #[test]
    fn new_tests_replace_nothing() {
        let scope = |task| Scope {
            task,
            language: pennyworth_grammars::by_name("rust").unwrap(),
            text: RUST,
            within: 0..RUST.len(),
            wrong: None,
            names: Some("add"),
            known: "",
        };
        let at = RUST.find("fn other").unwrap();
        let judge = |range: Range<usize>, text: &str| {
            fits(&scope(Task::Tests), &[Edit { range, text: text.to_owned() }]).map(|_| ())
        };
        assert_eq!(
            judge(at..at, "#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        add(1);\n    }\n}\n\n"),
            Ok(())
        );
        assert_eq!(judge(at..at, "mod tests {}\n"), Err(Unfit::Nameless("add".into())));
        assert_eq!(judge(at..RUST.len(), "mod tests {}\n"), Err(Unfit::Outside), "whatever it is");
    }
}
