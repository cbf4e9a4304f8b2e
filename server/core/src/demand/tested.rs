//! Whether new code is a test: it holds a test by the marks of its language, names in code what it tests, and leaves the file's other items as they
//! are. It leaves where tests belong to the server.

use std::ops::Range;

use pennyworth_grammars::Language;

use super::item::Item;
use super::source::Source;
use super::unfit::Unfit;
use crate::lex::{self, Kind};

/// First words of values that are functions.
const FUNCTIONS: [&str; 5] = ["fn", "func", "function", "lambda", "proc"];

/// Whether some new code tests an item of this name in a file that was `old` and becomes `new` by putting the code at a byte.
pub(super) fn tests(
    language: &'static Language,
    name: &str,
    (at, written): (usize, &str),
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
    if !facts.tests.is_empty() && !facts.tests.iter().any(|mark| has_mark(&code, mark)) {
        return Err(Unfit::NoTest);
    }
    let new = Source::new("", language, new);
    keeps_items(&Source::new("", language, old), &new)?;
    let added = at..at + written.len();
    match known(&new, &added).or(defined_anew(&new, name, &added)) {
        Some(name) => Err(Unfit::Known(name)),
        None => Ok(()),
    }
}

/// Whether a text holds a mark of tests. Behind `^` a mark must begin a line.
pub fn has_mark(text: &str, mark: &str) -> bool {
    match mark.strip_prefix('^') {
        Some(mark) => text.lines().any(|line| line.trim_start().starts_with(mark)),
        None => text.contains(mark),
    }
}

/// The name of what is tested, if added code defines it itself, outside of classes: then its tests say nothing of the code that is there.
fn defined_anew(new: &Source, name: &str, added: &Range<usize>) -> Option<String> {
    let has_modules = new.language.facts().test_module.is_some();
    let is_around =
        |outer: &Item, item: &Item| outer.range.start < item.range.start && item.range.end <= outer.range.end;
    // A module of tests hides nothing that is in it.
    let hides = |outer: &&Item, item: &Item| is_around(outer, item) && !(has_modules && new.is_test(outer));
    let is_own = |item: &Item| added.contains(&item.range.start) && item.name == name && is_defined(new, item);
    let is_again = |item: &&Item| is_own(item) && !item.is_extension && !new.is_test(item);
    let mut again = new.items().iter().filter(is_again);
    let found = again.find(|item| !new.items().iter().any(|outer| hides(&outer, item)))?;
    Some(found.name.clone())
}

/// Whether an item says what its name does, and not only that it is there: it has a body, or its value is a function.
fn is_defined(source: &Source, item: &Item) -> bool {
    item.body.is_some() || source.text.get(item.range.clone()).is_some_and(|text| is_function(text, source.language))
}

/// Whether a definition without a body of its own is one of a function: `const a = (b) => c`, `a <- function(b) c`, `def a(b), do: c`.
fn is_function(definition: &str, language: &Language) -> bool {
    let outer = without_brackets(definition, language);
    let value = outer.match_indices(['=', '<']).find_map(|(at, _)| {
        let (before, after) = outer.split_at_checked(at)?;
        let after = after.strip_prefix("<-").or(after.strip_prefix('='))?;
        (!after.starts_with(['=', '>']) && !before.ends_with(['=', '!', '<', '>'])).then(|| after.trim_start())
    });
    match value {
        Some(value) => {
            let value = value.strip_prefix("async ").unwrap_or(value);
            let word = value.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            value.contains("=>") || FUNCTIONS.contains(&word) || value.starts_with(['|', '\\'])
        }
        None => outer.contains('{') || outer.contains(" do:"),
    }
}

/// Code without comments and texts, and without what its brackets hold.
fn without_brackets(code: &str, language: &Language) -> String {
    let (mut outer, mut depth, mut at) = (String::new(), 0_usize, 0);
    for token in lex::scan(code, language.facts()).tokens {
        let shown = |range: Range<usize>| code.get(range).unwrap_or_default();
        outer.push_str(if depth == 0 { shown(at..token.start) } else { "" });
        at = token.end;
        depth = depth.saturating_sub(usize::from(matches!(token.kind, Kind::Close(_))));
        let is_code = !matches!(token.kind, Kind::Comment { .. } | Kind::String);
        outer.push_str(if depth == 0 && is_code { shown(token.start..token.end) } else { "" });
        depth += usize::from(matches!(token.kind, Kind::Open(_)));
    }
    outer
}

/// A name of added code that an item beside it has, too. In most languages the later one takes the place of the earlier one.
fn known(new: &Source, added: &Range<usize>) -> Option<String> {
    let is_added = |item: &Item| added.start <= item.range.start && item.range.end <= added.end;
    let around = |item: &&Item| item.range.start < added.start && added.end <= item.range.end && !is_added(item);
    let outer = new.items().iter().filter(around).max_by_key(|item| item.depth);
    let depth = outer.map_or(0, |outer| outer.depth + 1);
    let is_beside = |item: &&Item| {
        let is_in = outer.is_none_or(|outer| outer.range.contains(&item.range.start));
        is_in && item.depth == depth && is_defined(new, item) && !item.is_extension
    };
    let (own, others): (Vec<&Item>, Vec<&Item>) = new.items().iter().filter(is_beside).partition(|item| is_added(item));
    // Macros such as `TEST(Sum, adds)` are told apart by what they are given.
    let head = |item: &Item| new.text.get(item.head.clone()).unwrap_or_default().to_owned();
    let is_macro = |item: &Item| item.name.chars().all(|c| c.is_uppercase() || c == '_');
    let is_same = |a: &Item, b: &Item| a.name == b.name && (!is_macro(a) || head(a) == head(b));
    let found = own.iter().find(|item| others.iter().any(|other| is_same(item, other)))?;
    Some(found.name.clone())
}

/// Whether the items of a file that stand in no other one stay, and none but a module of tests joins them where tests have one. A file that is such a
/// module itself takes others.
fn keeps_items(old: &Source, new: &Source) -> Result<(), Unfit> {
    let names = |source: &Source| -> Vec<String> {
        source.items().iter().filter(|item| item.depth == 0).map(|item| item.name.clone()).collect()
    };
    let is_module = |name: &str| name == "tests" || name == "test";
    let is_alone = |item: &Item| item.depth == 0 && !is_module(&item.name) && old.is_test(item);
    let is_of_tests = old.text.trim().is_empty() || old.items().iter().any(is_alone);
    let has_module =
        old.language.facts().test_module.as_ref().is_some_and(|(open, _)| !open.is_empty()) && !is_of_tests;
    let (old, new) = (names(old), names(new));
    let is_allowed = |name: &String| !has_module || is_module(name);
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
            let at = old.rfind('}').unwrap();
            let mut new = old.to_owned();
            new.insert_str(at, written);
            tests(rust, "add", (at, written), (old, &new))
        };
        assert_eq!(judge("#[test]\nfn adds() {\n    add();\n}\n"), Ok(()));
        assert_eq!(judge("fn helper() {\n    add();\n}\n"), Err(Unfit::NoTest));
        assert_eq!(judge("// #[test]\nfn helper() {\n    add();\n}\n"), Err(Unfit::NoTest));
        assert_eq!(judge("#[test]\nfn other() {\n    // add\n}\n"), Err(Unfit::Nameless("add".into())));
        assert_eq!(judge("#[test]\nfn adds() {\n    add();\n}\n}\nfn evil() {\n"), Err(Unfit::Outside));
        let python = pennyworth_grammars::by_name("python").unwrap();
        let judge = |written: &str| tests(python, "f", (0, written), ("", written));
        assert_eq!(judge("def test_f():\n    assert f() == 1\n"), Ok(()));
        assert_eq!(judge("import os\nos.system(\"rm\")\nf\n"), Err(Unfit::NoTest));
    }

    #[test]
    fn a_name_that_the_file_has_already_is_not_taken() {
        for (language, old, written, expected) in [
            ("python", "def test_f():\n    pass\n", "def test_f():\n    f()\n", Some("test_f")),
            ("python", "def test_f():\n    pass\n", "def test_f_too():\n    f()\n", None),
            ("python", "class A:\n    def test_f(self): pass\n", "def test_f():\n    f()\n", None),
            ("cpp", "TEST(F, a) {\n  f();\n}\n", "TEST(F, b) {\n  f();\n}\n", None),
            ("cpp", "TEST(F, a) {\n  f();\n}\n", "TEST(F, a) {\n  f();\n}\n", Some("TEST")),
            ("rust", "#[test]\nfn old() {}\n", "#[test]\nfn new() {\n    f();\n}\n", None),
            ("rust", "#[test]\nfn old() {}\n", "fn f() {}\n\n#[test]\nfn new() {\n    f();\n}\n", Some("f")),
            ("python", "import a\n", "def f():\n    pass\n\n\ndef test_f():\n    f()\n", Some("f")),
            ("javascript", "let a;\n", "const f = (a) => a;\ntest('f', () => f(1));\n", Some("f")),
            (
                "javascript",
                "let a;\n",
                "const f = async (a) => {\n  return a;\n};\ntest('f', () => f(1));\n",
                Some("f"),
            ),
            (
                "javascript",
                "let a;\n",
                "const f = function (a) {\n  return a;\n};\ntest('f', () => f(1));\n",
                Some("f"),
            ),
            ("javascript", "let a;\n", "const f = load('./f', { g: () => 1 });\ntest('f', () => f(1));\n", None),
            ("javascript", "let a;\n", "const f = all.find((g) => g.h === 1);\ntest('f', () => f(1));\n", None),
            ("javascript", "const g = () => 1;\n", "const g = () => 2;\ntest('f', () => f(g()));\n", Some("g")),
            ("typescript", "let a;\n", "const f = <T>(a: T): T => a;\ntest('f', () => f(1));\n", Some("f")),
            ("typescript", "let a;\n", "const f: (a: number) => number = load('f');\ntest('f', () => f(1));\n", None),
            ("typescript", "let a;\n", "declare function f(a: number): number;\ntest('f', () => f(1));\n", None),
            ("tsx", "let a;\n", "const f = ({ a }: P) => <b>{a}</b>;\ntest('f', () => f(1));\n", Some("f")),
            ("python", "import a\n", "f = lambda a: a\n\ndef test_f():\n    f()\n", Some("f")),
            ("python", "import a\n", "f = a.load('f', key=lambda a: a)\n\ndef test_f():\n    f()\n", None),
            ("lua", "local a = 1\n", "local f = function(a) return a end\nit(\"f\", function() f() end)\n", Some("f")),
            ("r", "a <- 1\n", "f <- function(a) a\ntest_that(\"f\", { f() })\n", Some("f")),
            ("r", "a <- 1\n", "f <- \\(a) a\ntest_that(\"f\", { f() })\n", Some("f")),
            (
                "go",
                "package a\n",
                "var f = func(a int) int { return a }\n\nfunc TestF(t *testing.T) {\n\tf()\n}\n",
                Some("f"),
            ),
            (
                "go",
                "package a\n",
                "var f = load(func(a int) int { return a })\n\nfunc TestF(t *testing.T) {\n\tf()\n}\n",
                None,
            ),
            ("kotlin", "val a = 1\n", "fun f(a: Int) = a\n\n@Test\nfun t() {\n    f()\n}\n", Some("f")),
            ("powershell", "$a = 1\n", "function f {\n  1\n}\nDescribe 'a' {\n  It 'f' { f }\n}\n", Some("f")),
            ("python", "import a\n", "class Fake:\n    def f(self):\n        pass\n\n\ndef test_f():\n    f()\n", None),
        ] {
            let judged = tests(
                pennyworth_grammars::by_name(language).unwrap(),
                "f",
                (old.len(), written),
                (old, &format!("{old}{written}")),
            );
            assert_eq!(judged, expected.map_or(Ok(()), |name| Err(Unfit::Known(name.to_owned()))), "{old}{written}");
        }
    }
}
