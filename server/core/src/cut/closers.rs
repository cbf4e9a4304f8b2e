//! The closers after the cursor that no opener there matches, and which of the brackets open at the cursor each closes: indentation shows it, since
//! it survives broken code. It leaves what is open to `around`.

use pennyworth_grammars::{Facts, Layout};

use crate::lex;
use crate::present::{leading, width};

/// Unmatched closers after the cursor, assigned to the open brackets from the innermost.
#[derive(Clone, Default)]
pub(super) struct Closers {
    /// Whether all the text after the cursor is known.
    complete: bool,
    /// Whether bodies are closed by braces.
    braces: bool,
    strays: Vec<Stray>,
    /// The indentation of the lines in columns, the cursor's own first; `None` for lines outside the nesting of the code.
    columns: Vec<Option<usize>>,
}

#[derive(Clone, Copy)]
struct Stray {
    closer: char,
    line: usize,
    /// Whether only closers stand before it on its line.
    leading: bool,
}

impl Closers {
    /// The closers in `code`, which is the text after the cursor or, in a string, after the string. `complete` says whether that is all.
    pub(super) fn new(code: &str, after: &str, facts: &Facts, step: usize, complete: bool) -> Closers {
        let scan = lex::scan(code, facts);
        let is_closer = |c: char| c == ',' || facts.brackets.iter().any(|(_, close)| *close == c);
        let strays = scan.unopened.iter().filter_map(|index| {
            let token = scan.tokens.get(*index)?;
            let lex::Kind::Close(closer) = token.kind else { return None };
            let before = code.get(..token.start)?;
            let own = before.rsplit('\n').next()?;
            let leading = own.chars().all(|c| c.is_whitespace() || is_closer(c));
            Some(Stray { closer, line: before.matches('\n').count(), leading })
        });
        let column = |line: &str| {
            let text = line.trim_start();
            let outside = text.is_empty() || facts.directives.iter().any(|sign| text.starts_with(sign.as_str()));
            (!outside).then(|| width(leading(line), step))
        };
        let braces = facts.layout == Layout::Braces;
        Closers { complete, braces, strays: strays.collect(), columns: after.split('\n').map(column).collect() }
    }

    /// Whether a bracket with this closer, opened on a line with this indentation, is closed. The closer is used up. `outer` are the brackets
    /// around it, with the indentation of their lines.
    pub(super) fn take(&mut self, close: char, indent: usize, outer: &[(char, usize)]) -> bool {
        if self.is_of_another(close, indent, outer) {
            return false;
        }
        let unknown =
            !self.complete && self.line_at(indent).is_none() && self.columns.iter().skip(1).any(Option::is_some);
        self.find(close, indent) || (unknown && !self.on_line())
    }

    /// Whether a bracket that an answer opens is closed after the cursor, because its opener was missing.
    pub(super) fn take_surplus(&mut self, close: char, indent: usize) -> bool {
        // A body that continues below may end beyond the known text.
        let below = self.columns.iter().skip(1).flatten().next();
        let goes_on = close == '}' && self.line_at(indent).is_none() && below.is_some_and(|column| *column > indent);
        !self.on_line() && (self.find(close, indent) || goes_on)
    }

    /// Whether the next brace below is aligned with the line of an outer brace, not with that of this one.
    fn is_of_another(&self, close: char, indent: usize, outer: &[(char, usize)]) -> bool {
        let next =
            self.strays.iter().find(|stray| stray.closer == close).filter(|stray| stray.leading && stray.line > 0);
        let column = next.and_then(|stray| self.columns.get(stray.line).copied().flatten());
        self.braces && close == '}' && column.is_some_and(|column| column < indent && outer.contains(&(close, column)))
    }

    /// Whether none is left.
    pub(super) fn is_empty(&self) -> bool {
        self.strays.is_empty()
    }

    fn on_line(&self) -> bool {
        self.strays.first().is_some_and(|stray| stray.line == 0)
    }

    /// The first line below that is indented no deeper. It shows whether the author has closed a bracket: indentation survives broken code.
    fn line_at(&self, indent: usize) -> Option<usize> {
        let lines = self.columns.iter().enumerate().skip(1);
        lines.into_iter().find(|(_, column)| column.is_some_and(|column| column <= indent)).map(|(line, _)| line)
    }

    fn find(&mut self, close: char, indent: usize) -> bool {
        let last = self.line_at(indent).unwrap_or(usize::MAX);
        // A brace on a line of its own is aligned with the line of its opener.
        let (braces, own) = (self.braces, close == '}');
        let within = |stray: &Stray| match stray.leading {
            true => stray.line == last || (stray.line < last && !(braces && own)),
            false => stray.line < last,
        };
        let found = match self.strays.first() {
            Some(next) if next.line == 0 => (next.closer == close).then_some(0),
            _ => self.strays.iter().position(|stray| within(stray) && stray.closer == close),
        };
        if let Some(index) = found {
            self.strays.remove(index);
        }
        found.is_some()
    }
}
