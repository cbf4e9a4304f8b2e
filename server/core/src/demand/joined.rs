//! New tests as they join the file that has others: without what that file has already, such as its head and the class or module around its tests, and
//! with the imports that it does not have. It leaves what stands around them to `bare`, the place of imports to `added`, and judging the edited file to
//! `tested`.

use super::added::added;
use super::bare::Bare;
use super::edit::Edit;
use super::head::is_optional;
use super::imports;
use super::joining::Joining;
use super::unfit::Unfit;

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
        outside = facts.test_module.is_none() && bare.stands_alone(language);
    }
    if !outside {
        bare.open(joining)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::Source;

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
        let alone = "@mark.use(\n    self_check(1)\n)\ndef test_itself(cls_name):\n    pass";
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
            ("python", alone.into(), unittest, Some("ATest"), alone, true),
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
