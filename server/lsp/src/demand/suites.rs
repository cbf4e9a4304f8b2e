//! Where new tests go in a file whose tests are calls: inside the block around them, which a call (`describe(`) or a class (`StringSpec({`) opens. It reads
//! lines and their indentation, because such blocks are no items. It leaves tests that are functions to `spots`.

use pennyworth_core::demand::{Item, Source};

use super::about::Spot;

/// What ends a line behind which more of an opening follows.
const UNFINISHED: [char; 2] = ['(', ','];
/// What a line begins with that closes a block.
const CLOSES: [&str; 3] = ["}", ")", "end"];

/// The outermost block around the last test of a file: its end, and the name of the class or module that it is, if it is one. `None` if tests stand in none.
pub(super) fn block(source: &Source) -> Option<(Spot, Option<String>)> {
    let facts = source.language.facts();
    let lines: Vec<Line<'_>> = lines(&source.text);
    let is_comment = |line: &Line<'_>| facts.line_comments.iter().any(|mark| line.shown().starts_with(mark.as_str()));
    let holds = |line: &Line<'_>, mark: &str| pennyworth_core::demand::has_mark(line.text, mark);
    let is_any = |line: &Line<'_>, marks: &[String]| !is_comment(line) && marks.iter().any(|mark| holds(line, mark));
    let opens = |line: &Line<'_>| is_any(line, &facts.suites) && !line.shown().trim_end().ends_with(UNFINISHED);
    let is_test = |line: &&Line<'_>| is_any(line, &facts.tests) && !opens(line);
    if facts.suites.is_empty() || lines.iter().filter(is_test).any(|line| line.indent().is_empty()) {
        return None;
    }
    let last = lines.iter().rposition(|line| is_test(&line) || opens(line))?;
    let opener = around(&lines, last).filter(|place| lines.get(*place).is_some_and(opens)).min()?;
    let (outer, inside) = (lines.get(opener)?, lines.get(opener + 1..)?);
    let mut inside = inside.iter().filter(|line| !line.shown().is_empty());
    let first = inside.clone().next()?;
    let close = inside.find(|line| line.indent().len() <= outer.indent().len())?;
    if !CLOSES.iter().any(|mark| close.shown().starts_with(mark)) {
        return None;
    }
    let unit = pennyworth_core::present::detect_indent(source.text.lines(), &facts.indent);
    let (depth, lead) = match first.at == close.at {
        true => (format!("{}{unit}", outer.indent()), ""),
        false => (first.indent().to_owned(), "\n"),
    };
    // The block is the item on its line that it opens, or stands in one, as Kotlin's `init {` does.
    let (line, end) = (outer.at, outer.at + outer.text.len());
    let is_around = |item: &&Item| item.head.start < end && line < item.range.end && close.at < item.range.end;
    let item = source.items().iter().rfind(is_around);
    let spot = Spot { at: close.at, lead: lead.into(), tail: String::new(), depth };
    Some((spot, item.map(|item| item.name.clone())))
}

/// A line and its first byte.
struct Line<'t> {
    at: usize,
    text: &'t str,
}

impl<'t> Line<'t> {
    fn shown(&self) -> &'t str {
        self.text.trim_start().trim_end_matches('\n')
    }

    fn indent(&self) -> &'t str {
        self.text.get(..self.text.len() - self.text.trim_start().len()).unwrap_or_default()
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let lines = text.split_inclusive('\n').scan(0, |at, text| {
        *at += text.len();
        Some(Line { at: *at - text.len(), text })
    });
    lines.collect()
}

/// A line and those that open what is around it, from the inside out.
fn around(lines: &[Line<'_>], of: usize) -> impl Iterator<Item = usize> {
    let mut depth = usize::MAX;
    (0..=of).rev().filter(move |place| {
        let Some(line) = lines.get(*place).filter(|line| !line.shown().is_empty()) else { return false };
        let is_around = line.indent().len() < depth;
        depth = depth.min(line.indent().len());
        is_around
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of tests in which `|` stands where more go, with their depth, and the class around them.
    fn check(language: &str, marked: &str, expected: Option<(usize, Option<&str>)>) {
        let (text, at) = (marked.replace('|', ""), marked.find('|'));
        let source = Source::new("", pennyworth_grammars::by_name(language).unwrap(), text);
        let found = block(&source);
        assert_eq!(found.as_ref().map(|(spot, _)| spot.at), at, "{language}: {marked}");
        let shown = found.as_ref().map(|(spot, name)| (spot.depth.len(), name.as_deref()));
        assert_eq!(shown, expected, "{language}: {marked}");
    }

    #[test]
    fn tests_go_into_the_block_around_the_others() {
        let outer = |depth: usize| Some((depth, None));
        check(
            "kotlin",
            "class T : StringSpec({\n    \"adds\" {\n        1 shouldBe 1\n    }\n|})\n",
            Some((4, Some("T"))),
        );
        check("kotlin", "class T : FunSpec({\n    test(\"a\") {\n    }\n|})\n", Some((4, Some("T"))));
        check(
            "kotlin",
            "class T : FunSpec() {\n    init {\n        test(\"a\") {\n        }\n|    }\n}\n",
            Some((8, Some("T"))),
        );
        check(
            "kotlin",
            "class T : DescribeSpec({\n    describe(\"a\") {\n        it(\"b\") {\n        }\n    }\n|})\n",
            Some((4, Some("T"))),
        );
        check("kotlin", "class T : BehaviorSpec({\n|})\n", Some((4, Some("T"))));
        check("scala", "class T extends AnyFunSuite {\n  test(\"a\") {\n  }\n|}\n", Some((2, Some("T"))));
        check(
            "scala",
            "class T extends AnyFlatSpec with Matchers {\n  \"A\" should \"b\" in {\n  }\n|}\n",
            Some((2, Some("T"))),
        );
        check("scala", "class T extends munit.FunSuite {\n  test(\"a\") {\n  }\n|}\n", Some((2, Some("T"))));
        for language in ["javascript", "typescript", "tsx"] {
            check(language, "describe('a', () => {\n  it('b', () => {\n  });\n|});\n", outer(2));
            check(language, "suite(\"a\", function () {\n  test(\"b\", () => {});\n|});\n", outer(2));
            check(
                language,
                "describe('a', () => {\n  describe('b', () => {\n    it('c', () => {});\n  });\n|});\n",
                outer(2),
            );
            check(
                language,
                "describe('a', () => {\n  it('b', () => {});\n});\n\ndescribe('c', () => {\n  it('d', () => {});\n|});\n",
                outer(2),
            );
            check(language, "it('b', () => {\n});\n", None);
            check(language, "// describe('a', () => {\nconst a = 1;\n", None);
        }
        check("ruby", "RSpec.describe A do\n  describe \"#b\" do\n    it \"c\" do\n    end\n  end\n|end\n", outer(2));
        check("ruby", "describe A do\n  it \"c\" do\n  end\n|end\n", outer(2));
        check(
            "elixir",
            "defmodule ATest do\n  use ExUnit.Case\n\n  describe \"a\" do\n    test \"b\" do\n    end\n  end\n|end\n",
            Some((2, Some("ATest"))),
        );
        check("dart", "void main() {\n  group('a', () {\n    test('b', () {});\n  });\n|}\n", Some((2, Some("main"))));
        check("lua", "describe(\"a\", function()\n  it(\"b\", function()\n  end)\n|end)\n", outer(2));
        check("powershell", "Describe 'A' {\n    It 'b' {\n    }\n|}\n", outer(4));
        check("php", "<?php\n\ndescribe('a', function () {\n    it('b', function () {\n    });\n|});\n", outer(4));
        check(
            "swift",
            "final class T: QuickSpec {\n    override class func spec() {\n        describe(\"a\") {\n            it(\"b\") {\n            }\n        }\n|    }\n}\n",
            Some((8, Some("spec"))),
        );
    }
}
