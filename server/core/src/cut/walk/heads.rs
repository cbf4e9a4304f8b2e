//! Lines that open a body: the rest of a head whose body stands below the cursor, and a line that closes one body and opens the next.

use super::{Level, Walk};
use crate::lex::{Kind, Token};
use crate::present::{leading, width};

impl Walk<'_> {
    /// Whether the line goes on to open what the text below the cursor closes: `) {`, and `} else {` where the answer begins.
    pub(super) fn opens_again(&self, level: Level, token: Token, rest: &[Token]) -> bool {
        let begins = self.content_end <= self.from;
        let wanted =
            self.input.by_line || if level.close == '}' { begins } else { level.closed || self.heads_body_below() };
        wanted && self.depth() <= 0 && self.around.at_line_end() && self.opens_at_end(token, rest)
    }

    /// Whether the cursor's line is a head whose body stands below it.
    pub(super) fn heads_body_below(&self) -> bool {
        let around = self.around;
        let deeper = |line: &String| width(leading(line), around.step) > around.indent;
        around.at_line_end() && !around.at_line_start() && around.below.first().is_some_and(deeper)
    }

    /// Whether a line ends with the opener of a body or list; this token and the rest of the line are given.
    pub(super) fn opens_at_end(&self, token: Token, rest: &[Token]) -> bool {
        let line = rest.iter().take_while(|token| token.kind != Kind::Break);
        let last = line.filter(|token| !matches!(token.kind, Kind::Comment { .. })).last().copied().unwrap_or(token);
        let word = self.slice(last.start, last.end);
        matches!(last.kind, Kind::Open(_)) || self.around.facts.openers.iter().any(|opener| opener == word)
    }
}
