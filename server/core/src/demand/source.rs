//! A file as it was read for a task: its text, its language and its items, which are found when they are first asked for. It leaves reading it to
//! the server.

use std::ops::Range;
use std::sync::OnceLock;

use pennyworth_grammars::Language;

use super::item::{self, Item};

/// A file. Its line breaks are `\n`.
#[derive(Debug)]
pub struct Source {
    /// Its path as prompts show it: below the workspace, with slashes.
    pub path: String,
    /// Its language.
    pub language: &'static Language,
    /// Its text.
    pub text: String,
    items: OnceLock<Vec<Item>>,
}

impl Source {
    /// A file with this text.
    pub fn new(path: impl Into<String>, language: &'static Language, text: impl Into<String>) -> Source {
        Source { path: path.into(), language, text: text.into(), items: OnceLock::new() }
    }

    /// Its items.
    pub fn items(&self) -> &[Item] {
        self.items.get_or_init(|| item::items(&self.text, self.language))
    }

    /// The bytes of lines, which are counted from 0.
    pub fn lines(&self, lines: Range<usize>) -> Range<usize> {
        let start = |line: usize| match line {
            0 => 0,
            _ => self.text.match_indices('\n').nth(line - 1).map_or(self.text.len(), |(at, _)| at + 1),
        };
        let first = start(lines.start);
        first..start(lines.end).max(first)
    }

    /// The line of a byte, counted from 0.
    pub fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset.min(self.text.len())).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The innermost item around some bytes; else their lines.
    pub fn scope(&self, part: &Range<usize>) -> Range<usize> {
        let around = self.items().iter().filter(|item| item.whole.start <= part.start && part.end <= item.whole.end);
        let innermost = around.max_by_key(|item| (item.depth, item.whole.start));
        innermost.map_or_else(|| self.lines(self.line(part.start)..self.line(part.end) + 1), |item| item.whole.clone())
    }

    /// The lines of the innermost item around some lines; else these. Lines are counted from 0.
    pub fn item_lines(&self, lines: Range<usize>) -> Range<usize> {
        let bytes = self.lines(lines);
        let item = self.scope(&(bytes.start..bytes.end.saturating_sub(1).max(bytes.start)));
        self.line(item.start)..self.line(item.end.saturating_sub(1).max(item.start)) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_the_item_around_or_the_lines() {
        let text = "use a;\nuse b;\n\nfn c() {\n    d\n}\n";
        let source = Source::new("a.rs", pennyworth_grammars::by_name("rust").unwrap(), text);
        let at = |needle: &str| text.find(needle).unwrap();
        let scope = |part: Range<usize>| text.get(source.scope(&part)).unwrap();
        assert_eq!(scope(at("d\n")..at("d\n")), "fn c() {\n    d\n}");
        assert_eq!(scope(at("b")..at("b")), "use b;\n");
        assert_eq!(scope(0..text.len()), text);
        assert_eq!((source.item_lines(4..5), source.item_lines(1..2)), (3..6, 1..2));
        assert_eq!((source.lines(1..2), source.lines(9..10), source.line(999)), (7..14, 32..32, 6));
    }
}
