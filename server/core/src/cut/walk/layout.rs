//! The ends shown by the indentation of an answer's lines and by the words at their starts.

use pennyworth_grammars::Layout;

use super::{Boundary, Walk};
use crate::cut::end::Ended;
use crate::lex::{Kind, Token};
use crate::models::Shape;
use crate::present::{leading, width};
use crate::task::{Stop, Task};

impl Walk<'_> {
    /// Takes the first token of a line, which shows its indentation.
    pub(super) fn line_start(&mut self, token: Token) -> Boundary {
        let start = self.slice(0, token.start).rfind('\n').map_or(0, |at| at + 1);
        let own = width(leading(self.slice(start, token.end)), self.around.step);
        let column = if self.line.number == 0 { own } else { self.absolute(own) };
        if self.line.number > 0
            && let Some((at, why)) = self.pending.take()
            && !self.continues(token, column)
        {
            return Some((at, why));
        }
        if !self.input.by_line && self.leaves_comment(token) {
            return Some((self.content_end, Ended::Block));
        }
        let inside = *self.inside.get_or_insert_with(|| match &self.around.above {
            Some((_, above)) if column > *above => above + 1,
            _ => column,
        });
        let first = *self.first.get_or_insert(column);
        if self.line.number == 0 || self.content_end <= self.from || self.depth() > 0 {
            return None;
        }
        let by_indent = self.layout != Layout::Braces || self.after_label();
        if self.has(Stop::Block) && by_indent && column < inside {
            return self.leave_body(token);
        }
        // Fields are completed together: a list of members ends with the first member that has a body.
        let of_members = self.input.task == Task::TypeBody;
        let base = match self.around.at_line_start() {
            _ if of_members => first,
            true => inside,
            false => self.around.indent,
        };
        let complete = self.item && (self.has_body || !of_members);
        if self.has(Stop::Item) && complete && self.layout != Layout::Braces && !self.is_prose() && column <= base {
            return self.leave_item(token);
        }
        self.has_body |= column > base;
        None
    }

    /// The column of an answer's line. Chats tend to count from the cursor's column instead of the line's start.
    fn absolute(&mut self, own: usize) -> usize {
        let around = self.around;
        let counts_from_cursor =
            around.at_line_start() && self.slice(self.from, self.text.len()).starts_with(|c| c != ' ' && c != '\t');
        if self.shift == 0
            && self.input.shape == Shape::Chat
            && counts_from_cursor
            && self.line.number > 0
            && own < around.indent
        {
            self.shift = around.indent;
        }
        own + self.shift
    }

    /// Whether indentation closes the body although the language has braces, as in the branches of a `switch`.
    fn after_label(&self) -> bool {
        let label = |line: &str| line.trim_end().ends_with(':');
        match self.around.at_line_start() {
            true => self.around.above.as_ref().is_some_and(|(line, _)| label(line)),
            false => label(&self.around.line_before),
        }
    }

    /// Documentation in line comments ends with the last of them.
    fn leaves_comment(&self, token: Token) -> bool {
        let of_lines = self.around.literal.as_ref().is_some_and(|literal| literal.close.is_empty());
        self.input.task == Task::DocComment
            && of_lines
            && self.line.number > 0
            && !matches!(token.kind, Kind::Comment { .. })
    }

    /// Whether a line continues the statement above it.
    fn continues(&self, token: Token, column: usize) -> bool {
        let text = self.slice(token.start, self.text.len());
        let facts = self.around.facts;
        let operators = ["&&", "||", "|>", "??", "? ", ": ", "+ "];
        let joined = facts.member_operators.iter().any(|operator| text.starts_with(operator.as_str()))
            || operators.iter().any(|operator| text.starts_with(operator));
        // A block opened by a word is indented, and its closing word is not.
        let block = self.layout == Layout::Words
            && (column > self.around.indent
                || (self.line.number > 1 && column == self.around.indent && self.is_closer(token)));
        joined || block
    }

    fn is_closer(&self, token: Token) -> bool {
        let word = self.slice(token.start, token.end);
        let tag = self.layout == Layout::Markup && self.slice(token.start, self.text.len()).starts_with("</");
        tag || self.around.facts.closers.iter().any(|closer| closer == word)
    }

    /// Whether a closer ends its body; others (`else`) only divide it.
    fn is_final(&self, token: Token) -> bool {
        let word = self.slice(token.start, token.end);
        word == "}" || self.around.facts.blocks.iter().any(|(_, close)| close.split_whitespace().next() == Some(word))
    }

    /// Takes a line indented less than the body.
    fn leave_body(&mut self, token: Token) -> Boundary {
        let before = Some((self.content_end, Ended::Block));
        if self.layout != Layout::Words || !self.is_closer(token) || self.body_is_closed() {
            return before;
        }
        if self.is_final(token) {
            self.closing = Some((token.end, Ended::Block));
        }
        None
    }

    /// Whether a word below the cursor closes the body.
    fn body_is_closed(&self) -> bool {
        let inside = self.inside.unwrap_or(0);
        let next = self.around.below.iter().find(|line| width(leading(line), self.around.step) < inside);
        let word = |line: &String| {
            line.trim_start().split(|c: char| !c.is_alphanumeric() && c != '}').next().unwrap_or_default().to_owned()
        };
        match next {
            Some(line) => self.around.facts.closers.contains(&word(line)),
            None => !self.around.below.is_empty(),
        }
    }

    /// Takes a line indented no deeper than the item.
    fn leave_item(&mut self, token: Token) -> Boundary {
        if !self.is_closer(token) {
            return Some((self.content_end, Ended::Item));
        }
        if self.is_final(token) || self.layout == Layout::Markup {
            self.pending = Some((token.end, Ended::Item));
        }
        None
    }
}
