//! A file as it was read for a task: its text, its language and its items, which are found when they are first asked for. It leaves reading it to
//! the server.

use std::ops::Range;
use std::sync::OnceLock;

use pennyworth_grammars::Language;

use super::item::{self, Defined, Item, Member};
use super::layout::Style;
use crate::syntax;
use crate::task::Task;

/// A file. Its line breaks are `\n`.
#[derive(Debug)]
pub struct Source {
    /// Its path as prompts show it: below the workspace, with slashes.
    pub path: String,
    /// Its language.
    pub language: &'static Language,
    /// Its text.
    pub text: String,
    defined: OnceLock<Defined>,
    /// The form in which its items are documented.
    pub(super) style: OnceLock<Option<Style>>,
    /// The text before keys and passwords in it were masked, if it is another one.
    unmasked: Option<String>,
}

impl Source {
    /// A file with this text.
    pub fn new(path: impl Into<String>, language: &'static Language, text: impl Into<String>) -> Source {
        let (defined, style) = (OnceLock::new(), OnceLock::new());
        Source { path: path.into(), language, text: text.into(), defined, style, unmasked: None }
    }

    /// The same file with this text, in which keys and passwords are masked. What it defines is found in the text as it is, because a mask may end a
    /// bracket that opens before it.
    pub fn masked(&self, text: impl Into<String>) -> Source {
        let text = text.into();
        // Only a mask of as many bytes leaves everything at its place.
        let is_aligned = text.len() == self.text.len() && text != self.text;
        let unmasked = is_aligned.then(|| self.text.clone());
        Source { unmasked, ..Source::new(self.path.clone(), self.language, text) }
    }

    /// Whether its language has functions.
    pub(super) fn is_code(&self) -> bool {
        let mut marks = syntax::queries(self.language).into_iter().flat_map(|queries| queries.marks.iter().flatten());
        marks.any(|mark| mark.task == Task::Function)
    }

    /// Its items.
    pub fn items(&self) -> &[Item] {
        &self.defined().items
    }

    /// The parts of its types that are no items, such as fields.
    pub(super) fn members(&self) -> &[Member] {
        &self.defined().members
    }

    fn defined(&self) -> &Defined {
        self.defined.get_or_init(|| {
            let mut defined = item::defined(self.unmasked.as_ref().unwrap_or(&self.text), self.language);
            // What has a masked name has none.
            let holds =
                |range: &Range<usize>, name: &str| self.text.get(range.clone()).is_some_and(|text| text.contains(name));
            defined.items.retain(|item| holds(&item.range, &item.name));
            defined.members.retain(|member| self.unmasked.is_none() || holds(&member.line, &member.name));
            defined
        })
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

    /// Whether a line, which is counted from 0, stands in an item.
    pub fn has_item(&self, line: usize) -> bool {
        let at = self.lines(line..line + 1);
        self.items().iter().any(|item| !item.is_extension && item.whole.start < at.end && at.start < item.whole.end)
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

    #[test]
    fn a_mask_takes_no_item_away_but_those_whose_name_it_hides() {
        let text = "def a():\n    return Login(password=pair[1])\n\ndef b():\n    pass\n\ndef c(): pass\n";
        let masked = text.replace("pair[1])", "********").replace("def c(", "def *(");
        let source = Source::new("a.py", pennyworth_grammars::by_name("python").unwrap(), text).masked(&*masked);
        let shown: Vec<String> = source.items().iter().map(|item| item.shown(&source.text)).collect();
        assert_eq!((source.text.as_str(), shown), (&*masked, vec!["def a() …".to_owned(), "def b() …".to_owned()]));
    }
}
