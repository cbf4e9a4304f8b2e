//! New tests as they join the file that has others: without the head that the file has already, and without the class or module around them that
//! it has, too. It leaves judging the edited file to `tested`.

use pennyworth_grammars::{Language, Layout};

use super::item::Item;
use super::source::Source;
use super::unfit::Unfit;

/// What the lines at the head of a file begin with.
const HEADS: [&str; 12] = [
    "package ",
    "import ",
    "import(",
    "from ",
    "using ",
    "use ",
    "namespace ",
    "<?php",
    "declare(",
    "require ",
    "require_once ",
    "@testable import ",
];
/// Those of them that stand once in a file, whatever its language.
const SINGLE: [&str; 4] = ["package ", "namespace ", "<?php", "declare("];
/// Languages in which all imports stand at the head of a file.
const EARLY: [&str; 5] = ["go", "java", "kotlin", "csharp", "dart"];

/// New tests, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Their code.
    pub code: String,
    /// Whether they go behind the class or module that holds the others, because they have one of their own or need none.
    pub outside: bool,
}

/// New tests for a file that is `before` and has its tests in a class or module of this name, if in any. The error says what of the answer belongs
/// elsewhere.
pub fn joined(code: &str, language: &'static Language, before: &str, holder: Option<&str>) -> Result<Joined, Unfit> {
    let has_module = language.facts().test_module.is_some();
    let (mut code, mut strange) = headless(code, before);
    let mut outside = false;
    if let Some(name) = holder {
        match inner(&code, language, name) {
            Some(body) => {
                let (rest, more) = headless(&body, before);
                strange.extend(more);
                code = rest;
            }
            None => outside = !has_module && stands_alone(&code, language),
        }
    }
    let is_early = EARLY.contains(&language.name()) || holder.is_some() && !outside && !has_module;
    let is_misplaced = |line: &&String| is_early || SINGLE.iter().any(|head| line.starts_with(head));
    if let Some(line) = strange.iter().find(is_misplaced) {
        return Err(Unfit::Form(format!("`{line}` belongs at the head of the file")));
    }
    if code.trim().is_empty() {
        return Err(Unfit::NoTest);
    }
    let kept: String = strange.iter().map(|line| format!("{line}\n")).collect();
    let gap = if kept.is_empty() { "" } else { "\n" };
    Ok(Joined { code: format!("{kept}{gap}{code}"), outside })
}

/// Code without the head of a file before it, and what of that head a text does not have.
fn headless(code: &str, before: &str) -> (String, Vec<String>) {
    let bare = |line: &str| line.trim().trim_end_matches(';').trim_start_matches("import ").trim().to_owned();
    let known: Vec<String> = before.lines().map(bare).collect();
    let (mut strange, mut at) = (Vec::new(), 0);
    let mut lines = code.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let shown = line.trim();
        if !shown.is_empty() && !HEADS.iter().any(|head| shown == head.trim() || shown.starts_with(head)) {
            break;
        }
        at += line.len();
        let Some(close) = [('(', ')'), ('{', '}')].into_iter().find(|(open, _)| shown.ends_with(*open)) else {
            if !shown.is_empty() && !known.contains(&bare(shown)) {
                strange.push(shown.to_owned());
            }
            continue;
        };
        // A list of several lines.
        let (mut whole, mut is_known) = (line.to_owned(), true);
        for more in lines.by_ref() {
            at += more.len();
            whole.push_str(more);
            if more.contains(close.1) {
                break;
            }
            is_known &= more.trim().is_empty() || known.contains(&bare(more));
        }
        if !is_known {
            strange.push(whole.trim_end().to_owned());
        }
    }
    (code.get(at..).unwrap_or_default().to_owned(), strange)
}

/// What stands inside the only item of some code, if that is a type or module of this name.
fn inner(code: &str, language: &'static Language, name: &str) -> Option<String> {
    let source = parsed(code, language);
    let text = &source.text;
    let (only, rest) = top(&source).split_first().map(|(only, rest)| ((*only).clone(), rest.len()))?;
    let behind = text.get(only.range.end..)?.trim();
    if rest > 0 || !behind.is_empty() || only.name != name || !only.is_type {
        return None;
    }
    let body = text.get(only.body?..only.range.end)?;
    match language.facts().layout {
        Layout::Indent => {
            let line = text.get(..only.body?)?.rfind('\n').map_or(0, |line| line + 1);
            Some(text.get(line..only.range.end)?.to_owned())
        }
        _ => {
            let inside = body.strip_prefix('{').unwrap_or(body);
            let inside = inside.strip_suffix('}').or(inside.strip_suffix("end"))?;
            Some(inside.trim_start_matches('\n').trim_end().to_owned())
        }
    }
}

/// Whether some code needs no class around it: it has one, or it has functions without the first parameter of a method.
fn stands_alone(code: &str, language: &'static Language) -> bool {
    let source = parsed(code, language);
    let is_method = |item: &Item| {
        let head = source.text.get(item.head.clone()).unwrap_or_default();
        ["self", "cls"].iter().any(|first| head.contains(first))
    };
    let needs_first = language.facts().layout == Layout::Indent;
    top(&source).iter().any(|item| item.is_type || needs_first && item.body.is_some() && !is_method(item))
}

/// Code as a file of its language.
fn parsed(code: &str, language: &'static Language) -> Source {
    let open = language.facts().islands.as_ref().filter(|(open, _)| !code.contains(open.as_str()));
    Source::new("", language, open.map_or(code.to_owned(), |(open, _)| format!("{open}\n{code}")))
}

fn top(source: &Source) -> Vec<&Item> {
    source.items().iter().filter(|item| item.depth == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(language: &str, code: &str, before: &str, holder: Option<&str>) -> Result<(String, bool), Unfit> {
        let language = pennyworth_grammars::by_name(language).unwrap();
        joined(code, language, before, holder).map(|joined| (joined.code.trim_end().to_owned(), joined.outside))
    }

    #[test]
    fn what_the_file_has_around_its_tests_does_not_come_twice() {
        let go = "package a\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n";
        let java = "package x;\n\nimport org.Test;\n\nclass ATest {\n}\n";
        let (method, class) = ("@Test\nvoid add() {\n}", "class ATest {\n@Test\nvoid add() {\n}\n}\n");
        let rust = "fn add() {}\n\nmod tests {\n    use super::*;\n}\n";
        let test = "#[test]\nfn adds() {}";
        let unittest = "import unittest\n\n\nclass ATest(unittest.TestCase):\n    pass\n";
        let def = "    def test_add(self):\n        pass";
        for (language, code, before, holder, expected, outside) in [
            ("go", "package a\n\nimport \"testing\"\n\nfunc TestAdd() {}".into(), go, None, "func TestAdd() {}", false),
            ("go", "import (\n\t\"testing\"\n)\n\nfunc TestAdd() {}".into(), go, None, "func TestAdd() {}", false),
            ("java", format!("package x;\n\nimport org.Test;\n\n{class}"), java, Some("ATest"), method, false),
            ("java", method.to_owned(), java, Some("ATest"), method, false),
            ("java", "class BTest {\n}".into(), java, Some("ATest"), "class BTest {\n}", true),
            (
                "rust",
                format!("#[cfg(test)]\nmod tests {{\nuse super::*;\n\n{test}\n}}\n"),
                rust,
                Some("tests"),
                test,
                false,
            ),
            ("rust", test.into(), rust, Some("tests"), test, false),
            (
                "rust",
                format!("use std::fs;\n\n{test}"),
                rust,
                Some("tests"),
                "use std::fs;\n\n#[test]\nfn adds() {}",
                false,
            ),
            ("python", format!("class ATest(unittest.TestCase):\n{def}\n"), unittest, Some("ATest"), def, false),
            ("python", def.into(), unittest, Some("ATest"), def, false),
            ("python", "def test_add():\n    pass".into(), unittest, Some("ATest"), "def test_add():\n    pass", true),
            (
                "php",
                "<?php\n\nclass BTest {\n}".into(),
                "<?php\nclass ATest {\n}\n",
                Some("ATest"),
                "class BTest {\n}",
                true,
            ),
        ] {
            let expected = Ok((expected.to_owned(), outside));
            assert_eq!(judged(language, &code, before, holder), expected, "{language}: {code}");
        }
    }

    #[test]
    fn what_belongs_elsewhere_is_said() {
        for (language, code, before, holder) in [
            ("go", "package b\n\nfunc TestAdd() {}", "package a\n", None),
            ("go", "import \"os\"\n\nfunc TestAdd() {}", "package a\n", None),
            ("java", "import org.B;\n\n@Test\nvoid add() {\n}", "class ATest {\n}\n", Some("ATest")),
            ("python", "import os\n\ndef test_add(self):\n    pass", "class ATest:\n    pass\n", Some("ATest")),
        ] {
            let found = judged(language, code, before, holder);
            assert!(matches!(&found, Err(Unfit::Form(why)) if why.contains("head of the file")), "{code}: {found:?}");
        }
    }
}
