//! Whether new code is a test: it holds a test by the marks of its language, names in code what it tests, and leaves the file's other items as they
//! are. It leaves where tests belong to the server.

use pennyworth_grammars::Language;

use super::source::Source;
use super::unfit::Unfit;
use crate::lex::{self, Kind};

/// Whether some new code tests an item of this name in a file that was `old` and becomes `new`.
pub(super) fn tests(
    language: &'static Language,
    name: &str,
    written: &str,
    (old, new): (&str, &str),
) -> Result<(), Unfit> {
    let facts = language.facts();
    let tokens = lex::scan(written, facts).tokens;
    let word = name.split(|c: char| !c.is_alphanumeric() && c != '_').find(|word| !word.is_empty()).unwrap_or(name);
    let shown = |token: &lex::Token| written.get(token.start..token.end).unwrap_or_default();
    // A language without a grammar may have names that are no words.
    let is_named = tokens.iter().any(|token| token.kind == Kind::Word && shown(token) == word);
    if !is_named && (language.grammar().is_some() || !written.contains(name)) {
        return Err(Unfit::Nameless(name.to_owned()));
    }
    let comments = tokens.iter().filter(|token| matches!(token.kind, Kind::Comment { .. }));
    let mut code = written.to_owned();
    comments.for_each(|token| code.replace_range(token.start..token.end, &" ".repeat(token.end - token.start)));
    let holds = |mark: &str| match mark.strip_prefix('^') {
        Some(mark) => code.lines().any(|line| line.trim_start().starts_with(mark)),
        None => code.contains(mark),
    };
    if !facts.tests.is_empty() && !facts.tests.iter().any(|mark| holds(mark)) {
        return Err(Unfit::NoTest);
    }
    keeps_items(language, old, new)
}

/// Whether the items of a file that stand in no other one stay, and none but a module of tests joins them where tests have one.
fn keeps_items(language: &'static Language, old: &str, new: &str) -> Result<(), Unfit> {
    let names = |text: &str| -> Vec<String> {
        let source = Source::new("", language, text);
        source.items().iter().filter(|item| item.depth == 0).map(|item| item.name.clone()).collect()
    };
    let (old, new) = (names(old), names(new));
    let has_module = language.facts().test_module.as_ref().is_some_and(|(open, _)| !open.is_empty());
    let is_allowed = |name: &String| !has_module || name == "tests" || name == "test";
    let mut rest = old.iter().peekable();
    for name in &new {
        if rest.peek() == Some(&name) {
            rest.next();
        } else if !is_allowed(name) {
            return Err(Unfit::Outside);
        }
    }
    if rest.next().is_some() { Err(Unfit::Outside) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_marked_names_its_item_and_stays_where_it_is_put() {
        let old = "fn add() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
        let rust = pennyworth_grammars::by_name("rust").unwrap();
        let judge = |written: &str| {
            tests(rust, "add", written, (old, &old.replace("mod tests {\n", &format!("mod tests {{\n{written}"))))
        };
        assert_eq!(judge("#[test]\nfn adds() {\n    add();\n}\n"), Ok(()));
        assert_eq!(judge("fn helper() {\n    add();\n}\n"), Err(Unfit::NoTest));
        assert_eq!(judge("// #[test]\nfn helper() {\n    add();\n}\n"), Err(Unfit::NoTest));
        assert_eq!(judge("#[test]\nfn other() {\n    // add\n}\n"), Err(Unfit::Nameless("add".into())));
        assert_eq!(judge("#[test]\nfn adds() {\n    add();\n}\n}\nfn evil() {\n"), Err(Unfit::Outside));
        let python = pennyworth_grammars::by_name("python").unwrap();
        let judge = |written: &str| tests(python, "f", written, ("", written));
        assert_eq!(judge("def test_f():\n    assert f() == 1\n"), Ok(()));
        assert_eq!(judge("import os\nos.system(\"rm\")\nf\n"), Err(Unfit::NoTest));
    }
}
