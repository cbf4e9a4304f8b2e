//! Imports of every language that has some: what of them a file has already, and what joins it.

use serde::Deserialize;

use crate::demand::Unfit;
use crate::demand::imports::tests::with;

/// A file that is nothing but imports, with those of new code.
pub(in crate::demand) fn joins(language: &str, have: &str, new: &str) -> Result<String, Unfit> {
    with(language, have, None, &format!("{new}\nx\n"))
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// What a file has, what new code has, and what of that the file gets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    languages: Vec<String>,
    has: String,
    new: String,
    added: String,
}

#[test]
fn what_a_file_lacks_of_the_imports_of_new_code_joins_its_own() {
    let cases: Cases = toml::from_str(include_str!("tests/cases.toml")).unwrap();
    for Case { languages, has, new, added } in cases.case {
        for language in languages {
            assert_eq!(joins(&language, &has, &new), Ok(format!("{has}{added}")), "{language}: {new}");
        }
    }
}

#[test]
fn brackets_that_do_not_close_leave_one_line_of_an_import() {
    let broken = head_of("rust", "use a::{b,\n\nfn c() {}\n");
    assert_eq!(broken, (vec!["use a::{b,".to_owned()], "fn c() {}\n".to_owned()));
}

#[test]
fn lists_inside_lists_come_to_an_end() {
    for (language, before, after) in
        [("rust", "a::{", "}"), ("scala", "a.{", "}"), ("javascript", "{ a: ", " }"), ("python", "(", ")")]
    {
        let mark = if language == "rust" { "use " } else { "import " };
        let deep = format!("{mark}{}b{} from 'c'", before.repeat(9_000), after.repeat(9_000));
        assert_eq!(head_of(language, &format!("{deep}\nx\n")).1, "x\n", "{language}");
        let open = format!("{mark}{}b\nx\n", before.repeat(9_000));
        assert_eq!(head_of(language, &open).1, "x\n", "{language}");
    }
    // No import reads all that follows, again and again.
    let long = "const a = {\n".repeat(20_000);
    assert_eq!(head_of("javascript", &long).1, long);
    let source = crate::demand::Source::new("", pennyworth_grammars::by_name("javascript").unwrap(), long);
    assert!(crate::demand::imports::imports(&source, None).is_empty());
}

/// The imports and the rest of some code.
fn head_of(language: &str, code: &str) -> (Vec<String>, String) {
    let head = crate::demand::head::head(code, pennyworth_grammars::by_name(language).unwrap());
    (head.imports.into_iter().map(|import| import.text).collect(), head.rest.to_owned())
}

mod any;
