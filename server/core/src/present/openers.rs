//! What is open before the cursor, and in which columns its closers stand.

use pennyworth_grammars::Facts;

use super::columns::{indentation, line_start};
use crate::lex::{self, Nest};

/// The opener of a closer, before the cursor.
#[derive(Clone, Copy)]
pub(super) struct Opener {
    /// The bracket that closes it; none if a word does.
    pub(super) close: Option<char>,
    start: usize,
    /// Columns of the indentation of its line.
    pub(super) column: usize,
    /// Columns of the line on which its statement begins: a head may span lines.
    statement: usize,
}

impl Opener {
    /// Whether a closer may stand in a column: its opener's, or deeper where a document has it so.
    pub(super) fn fits(self, column: usize) -> bool {
        column == self.statement || column >= self.column
    }
}

/// What is open before the cursor, outermost first.
pub(super) fn openers(before: &str, facts: &Facts, step: usize) -> Vec<Opener> {
    let scan = lex::scan(before, facts);
    let opener = |open: &lex::Open| {
        let close = match open.nest {
            Nest::Bracket(_, close) => Some(close),
            Nest::Block(_) => None,
            _ => return None,
        };
        let column = indentation(before, open.start, step);
        Some(Opener { close, start: open.start, column, statement: column })
    };
    scan.open.iter().filter_map(opener).collect()
}

impl Opener {
    /// With the line on which its statement begins: if its own line closes brackets of lines above, where those were opened.
    pub(super) fn with_statement(self, before: &str, facts: &Facts, step: usize) -> Opener {
        let line = line_start(before, self.start);
        let head = lex::scan(before.get(line..self.start).unwrap_or_default(), facts);
        if head.unopened.is_empty() {
            return self;
        }
        let above = lex::scan(before.get(..line).unwrap_or_default(), facts);
        let statement = above.bracket().map(|(open, _)| indentation(before, open.start, step));
        Opener { statement: statement.unwrap_or(self.column), ..self }
    }
}
