//! New tests as they join the file that has others: without what that file has already, such as its head and the class or module around its tests, and
//! with the imports that it does not have. It leaves reading its head to `head`, the place of imports to `added`, and judging the edited file to `tested`.

use pennyworth_grammars::{Language, Layout};

use super::added::added;
use super::edit::Edit;
use super::head::{has_once, head, is_optional};
use super::import::Import;
use super::imports;
use super::item::Item;
use super::source::Source;
use super::unfit::Unfit;

/// A file that new tests join.
#[derive(Clone, Copy, Debug)]
pub struct Joining<'a> {
    /// The file as it is.
    pub file: &'a Source,
    /// The byte where they go.
    pub at: usize,
    /// What is put before them there.
    pub lead: &'a str,
    /// The name of the class or module that has the others, if one has.
    pub holder: Option<&'a str>,
}

/// New tests, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Their code.
    pub code: String,
    /// Whether they go behind the class or module that holds the others, because they have one of their own or need none.
    pub outside: bool,
    /// The edits that add what they import and the file does not.
    pub imports: Vec<Edit>,
}

/// New tests for a file. The error says what of the answer the file cannot have.
pub fn joined(code: &str, joining: &Joining<'_>) -> Result<Joined, Unfit> {
    let (language, facts) = (joining.file.language, joining.file.language.facts());
    let mut bare = Bare::of(code, language);
    let mut outside = false;
    if joining.holder.is_some() && !bare.unwrap(joining) {
        outside = facts.test_module.is_none() && stands_alone(&bare.code, language);
    }
    if let Some(line) = bare.once.iter().find(|line| !joining.has(line) && !is_optional(line, facts)) {
        return Err(Unfit::Form(format!("`{line}` belongs at the head of the file")));
    }
    if bare.code.trim().is_empty() {
        return Err(Unfit::NoTest);
    }
    let is_inside = facts.head.inside && joining.holder.is_some() && !outside;
    let holder = joining.holder().filter(|_| is_inside);
    let missing = imports::missing(&bare.imports, joining.file, holder, joining.lead)?;
    let is_new = is_inside && (holder.is_none() || imports::has_any(joining.lead, language));
    let edits = match missing.is_empty() || is_new {
        true => None,
        false => added(&missing, joining.file, holder),
    };
    // Where a module begins with them they stand before the tests.
    let lines: Vec<&str> = missing.iter().map(|import| import.text.as_str()).collect();
    let before = if edits.is_none() && !lines.is_empty() { lines.join("\n") + "\n\n" } else { String::new() };
    Ok(Joined { code: before + &bare.code, outside, imports: edits.unwrap_or_default() })
}

impl Joining<'_> {
    /// The item that has the other tests.
    fn holder(&self) -> Option<&Item> {
        let is_around =
            |item: &&Item| self.holder == Some(&item.name) && item.range.start <= self.at && self.at <= item.range.end;
        self.file.items().iter().rfind(is_around)
    }

    /// Whether the file has a line that stands once in a file.
    fn has(&self, line: &str) -> bool {
        let facts = self.file.language.facts();
        has_once(&self.file.text, line, facts) || has_once(self.lead, line, facts)
    }
}

/// Code without its head.
struct Bare {
    code: String,
    /// What its head has that stands once in a file.
    once: Vec<String>,
    imports: Vec<Import>,
}

impl Bare {
    fn of(code: &str, language: &Language) -> Bare {
        let head = head(code, language);
        let once = head.once.into_iter().map(str::to_owned).collect();
        Bare { code: head.rest.to_owned(), once, imports: head.imports }
    }

    /// Takes the class or module of the file's tests from around the code, with the namespaces around it that the file has, too. False if it is not there.
    fn unwrap(&mut self, joining: &Joining<'_>) -> bool {
        let source = parsed(&self.code, joining.file.language);
        let Some((item, inner)) = only(&source).and_then(|item| Some((item, inner(&source, item)?))) else {
            return false;
        };
        let is_holder = item.is_type && Some(&*item.name) == joining.holder;
        let head = source.text.get(item.head.clone()).and_then(|head| head.lines().next()).unwrap_or_default();
        let is_namespace = item.is_extension && joining.has(head);
        if !(is_holder || is_namespace) {
            return false;
        }
        let mut body = Bare::of(&inner, joining.file.language);
        let is_found = is_holder || body.unwrap(joining);
        if is_found {
            self.code = body.code;
            self.once.extend(body.once);
            self.imports.extend(body.imports);
        }
        is_found
    }
}

/// The only item of some code, if there is nothing else.
fn only(source: &Source) -> Option<&Item> {
    let (only, rest) = top(source).split_first().map(|(only, rest)| (*only, rest.len()))?;
    let behind = source.text.get(only.range.end..)?.trim();
    (rest == 0 && behind.is_empty()).then_some(only)
}

/// What stands inside an item.
fn inner(source: &Source, item: &Item) -> Option<String> {
    let (text, facts) = (&source.text, source.language.facts());
    let Some(start) = item.body else {
        // A block that is an argument: `class T : StringSpec({ … })`.
        let whole = text.get(item.range.clone())?;
        let (open, close) = (whole.find("({")? + 2, whole.rfind("})")?);
        return Some(whole.get(open..close)?.trim_start_matches('\n').trim_end().to_owned());
    };
    let body = text.get(start..item.range.end)?;
    match facts.layout {
        Layout::Indent => {
            let line = text.get(..start)?.rfind('\n').map_or(0, |line| line + 1);
            Some(text.get(line..item.range.end)?.to_owned())
        }
        _ => {
            let openers = facts.openers.iter().map(String::as_str).chain(["{"]);
            let inside = openers.filter_map(|opener| body.strip_prefix(opener)).next().unwrap_or(body);
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
        let file = Source::new("", pennyworth_grammars::by_name(language).unwrap(), before);
        let at = before.rfind('}').unwrap_or(before.len());
        let joined = joined(code, &Joining { file: &file, at, lead: "", holder })?;
        Ok((joined.code.trim_end().to_owned(), joined.outside))
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
            ("rust", format!("use std::fs;\n\n{test}"), rust, Some("tests"), test, false),
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
            ("php", "<?php\n\nnamespace B;\n\nit('adds', function () {});", "<?php\n\nnamespace A;\n", None),
        ] {
            let found = judged(language, code, before, holder);
            assert!(matches!(&found, Err(Unfit::Form(why)) if why.contains("head of the file")), "{code}: {found:?}");
        }
    }
}
