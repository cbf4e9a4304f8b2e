//! Where an answer ends: the stops of its task, found token by token in its brackets, statements and bodies.
//! It leaves the frame of an answer to `head`, its lines to `lines` and repetitions to `loops`.

mod heads;
mod layout;

use pennyworth_grammars::{Facts, Layout};

use super::around::{Around, Bracket};
use super::end::{End, Ended, Reading};
use super::input::CutInput;
use crate::lex::{Kind, Scan, Token};
use crate::task::{Stop, Task};

/// Characters needed to be certain of a token before them: they can turn a quote into a lifetime or a sign into a comment.
const LOOKAHEAD: usize = 3;
/// The end shown by brackets, statements, bodies and items.
pub(super) fn end(body: &str, around: &Around, input: &CutInput, reading: Reading) -> Option<End> {
    let (text, scan) = around.scan(body);
    let mut walk = Walk::new(&text, around, input);
    let (at, seen, why) = walk.run(&scan, |end| reading == Reading::Over || certain(body, around, end).is_some())?;
    let at = at.saturating_sub(around.context.len());
    let seen = seen.saturating_sub(around.context.len());
    Some(End { seen: certain(body, around, seen).unwrap_or(body.len() + 1), at, why })
}

/// The length of body that makes its tokens up to `end` certain; `None` if less is known.
fn certain(body: &str, around: &Around, end: usize) -> Option<usize> {
    let rest = body.get(end..)?;
    let line = rest.find('\n').map(|at| end + at + 1);
    let ahead = rest.char_indices().nth(LOOKAHEAD - 1).map(|(at, c)| end + at + c.len_utf8());
    // A seeming division may be a regular expression if the line has another slash.
    let ahead = ahead.filter(|ahead| {
        let known = body.get(..*ahead).unwrap_or_default();
        let own = known.rfind('\n').map_or(0, |at| at + 1);
        let before = if own == 0 { around.line_before.as_str() } else { "" };
        !around.facts.regex || !(before.contains('/') || known.get(own..).is_some_and(|line| line.contains('/')))
    });
    line.into_iter().chain(ahead).min()
}

/// The end of the line that the next tokens are on.
fn line_end(rest: &[Token], text: &str) -> usize {
    rest.iter().find(|token| token.kind == Kind::Break).map_or(text.len(), |line| line.start)
}

/// Whether closers without an opener are allowed, as in the patterns of a shell's `case`.
pub(super) fn has_patterns(facts: &Facts) -> bool {
    facts.closers.iter().any(|closer| closer == ";;")
}

/// The walk over an answer's tokens. Offsets count from the start of the context before the answer.
struct Walk<'a> {
    text: &'a str,
    around: &'a Around,
    input: &'a CutInput,
    layout: Layout,
    /// Offset of the answer.
    from: usize,
    stack: Vec<Level>,
    /// The closer below the cursor that the next bracket of the same kind needs: `}` after `} else`.
    reopens: Option<char>,
    line: Line,
    /// End of the last token that is not a line break.
    content_end: usize,
    /// Where the answer ends unless the next token continues it.
    pending: Option<(usize, Ended)>,
    /// Where the answer ends after the requested closer; more closers and the terminator may still follow.
    closing: Option<(usize, Ended)>,
    /// Least columns of a line inside the body.
    inside: Option<usize>,
    /// Columns to add to the answer's indentation if it does not count from the line's start.
    shift: usize,
    /// Whether a line of the item itself was seen, not only comments and decorators above it.
    item: bool,
    /// Columns of the answer's first line, and whether a line below is deeper.
    first: Option<usize>,
    has_body: bool,
    breaks: usize,
}

/// An open bracket.
#[derive(Clone, Copy)]
struct Level {
    close: char,
    /// Its index among the brackets around the cursor.
    outer: Option<usize>,
    /// Whether the text after the cursor closes it.
    closed: bool,
}

/// A line of the answer, while it is read.
#[derive(Clone, Copy, Default)]
struct Line {
    number: usize,
    first: Option<Token>,
    last: Option<Token>,
}

type Boundary = Option<(usize, Ended)>;

impl<'a> Walk<'a> {
    fn new(text: &'a str, around: &'a Around, input: &'a CutInput) -> Walk<'a> {
        let level = |(index, bracket): (usize, &Bracket)| Level {
            close: bracket.close,
            outer: Some(index),
            closed: bracket.closed,
        };
        let stack = around.brackets.iter().enumerate().map(level).collect();
        let from = around.context.len();
        let inside = (!around.at_line_start()).then_some(around.indent + 1);
        Walk {
            text,
            around,
            input,
            layout: around.facts.layout,
            from,
            stack,
            reopens: None,
            line: Line::default(),
            content_end: from,
            pending: None,
            closing: None,
            inside,
            shift: 0,
            item: false,
            first: None,
            has_body: false,
            breaks: 0,
        }
    }

    /// The end, and the end of the token that showed it.
    fn run(&mut self, scan: &Scan, certain: impl Fn(usize) -> bool) -> Option<(usize, usize, Ended)> {
        for (index, token) in scan.tokens.iter().enumerate() {
            if token.end <= self.from {
                continue;
            }
            if !certain(token.end - self.from) {
                return None;
            }
            let stray = scan.unopened.contains(&index);
            let literal = scan.tokens.len() == index + 1 && scan.literal().is_some();
            let rest = scan.tokens.get(index + 1..).unwrap_or_default();
            let found = match token.kind {
                Kind::Break => self.line_break(*token),
                _ => self.token(*token, stray, literal, rest),
            };
            // What a closer means is certain only with its whole line.
            let shown_by = match (found, token.kind) {
                (Some((_, Ended::Closed)), Kind::Close(_)) if self.around.at_line_end() => line_end(rest, self.text),
                (Some((_, Ended::Balanced)), _) if token.kind != Kind::Break && self.heads_body_below() => {
                    line_end(rest, self.text)
                }
                _ => token.end,
            };
            if let Some((at, why)) = found {
                return certain(shown_by - self.from).then_some((at, shown_by, why));
            }
        }
        None
    }

    /// Whether an answer ends there. One that is shown line by line ends with its line in any case.
    fn has(&self, stop: Stop) -> bool {
        !self.input.by_line && self.input.stops.contains(&stop)
    }

    /// The number of brackets open beyond those at the cursor.
    fn depth(&self) -> isize {
        self.stack.len() as isize - self.around.brackets.len() as isize
    }

    fn token(&mut self, token: Token, stray: bool, open_literal: bool, rest: &[Token]) -> Boundary {
        if token.start < self.from
            && let Some(found) = self.leave_literal(token, open_literal)
        {
            return found;
        }
        if let Some(closing) = self.closing
            && !self.goes_on_closing(token)
        {
            if !(self.heads_body_below() && self.opens_at_end(token, rest)) {
                return Some(closing);
            }
            // The rest of the head belongs to what was asked for.
            self.closing = None;
        }
        let starts_line = self.line.first.is_none();
        if starts_line {
            self.line.first = Some(token);
            if let Some(found) = self.line_start(token) {
                return Some(found);
            }
        }
        let found = match token.kind {
            Kind::Open(c) => {
                let close =
                    self.around.facts.brackets.iter().find(|(open, _)| *open == c).map_or(c, |(_, close)| *close);
                let closed = self.reopens.take_if(|closer| *closer == close).is_some();
                self.stack.push(Level { close, outer: None, closed });
                None
            }
            Kind::Close(c) => self.close(c, token, stray, rest),
            Kind::Sign(c) => self.sign(c, token),
            _ => None,
        };
        self.breaks = 0;
        self.content_end = token.end;
        if !matches!(token.kind, Kind::Comment { .. }) {
            self.line.last = Some(token);
        }
        found
    }

    /// Whether this token ends the string or comment around the cursor; `Some` means that the token is dealt with.
    fn leave_literal(&mut self, token: Token, open: bool) -> Option<Boundary> {
        let literal = self.around.literal.as_ref()?;
        let closed = !open && !literal.close.is_empty() && self.slice(token.start, token.end).ends_with(&literal.close);
        if !closed {
            return None;
        }
        if literal.closed {
            return Some(Some((token.end - literal.close.len(), Ended::Closed)));
        }
        let of_literal = matches!(self.input.task, Task::String | Task::Comment | Task::DocComment);
        if of_literal && !self.input.by_line {
            self.closing = Some((token.end, Ended::Balanced));
        }
        self.content_end = token.end;
        Some(None)
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Whether a token after the closer still belongs to it: other missing closers, and the end of the statement.
    fn goes_on_closing(&mut self, token: Token) -> bool {
        match token.kind {
            Kind::Close(c) => {
                self.stack.last().is_some_and(|level| level.close == c && level.outer.is_some() && !level.closed)
            }
            Kind::Sign(c) => {
                let opens = self.around.facts.openers.iter().any(|opener| opener.starts_with(c));
                (self.is_terminator(c) || opens) && !self.around.line_after.trim_start().starts_with(c)
            }
            _ => false,
        }
    }

    fn is_terminator(&self, c: char) -> bool {
        self.around.facts.terminator.starts_with(c)
    }

    fn close(&mut self, c: char, token: Token, stray: bool, rest: &[Token]) -> Boundary {
        let found = self.stack.iter().rposition(|level| level.close == c).filter(|_| !stray);
        let Some((index, level)) = found.and_then(|index| Some((index, *self.stack.get(index)?))) else {
            return (!has_patterns(self.around.facts)).then_some((token.start, Ended::Closed));
        };
        let innermost = index + 1 == self.around.brackets.len();
        let divides = self.opens_again(level, token, rest);
        if level.closed && !divides {
            return Some((token.start, Ended::Closed));
        }
        self.stack.truncate(index);
        if divides {
            self.reopens = Some(c).filter(|_| level.closed);
            return None;
        }
        let why = if self.has(Stop::Balanced) { Ended::Balanced } else { Ended::Block };
        let body = self.has(Stop::Block) && c == '}' && (innermost || self.opens_body());
        let closes = match level.outer {
            Some(_) => (innermost && self.has(Stop::Balanced)) || body,
            None => body && self.depth() == 0,
        };
        if closes || self.closing.is_some() {
            self.closing = Some((token.end, why));
        }
        None
    }

    /// Whether the answer must open the body itself, because the cursor stands after its head.
    fn opens_body(&self) -> bool {
        let line = self.around.line_before.trim_end();
        self.layout == Layout::Braces && !line.is_empty() && !line.ends_with('{')
    }

    fn sign(&mut self, c: char, token: Token) -> Boundary {
        self.closing = self.closing.map(|(_, why)| (token.end, why));
        if !self.is_terminator(c) || self.depth() > 0 {
            return None;
        }
        // A comma separates rather than ends: it is left out here and added again if it is missing.
        let at = if c == ',' { token.start } else { token.end };
        self.has(Stop::Statement).then_some((at, Ended::Statement))
    }

    fn line_break(&mut self, token: Token) -> Boundary {
        if self.closing.is_some() {
            return self.closing;
        }
        self.breaks += 1;
        let next = Line { number: self.line.number + 1, first: None, last: None };
        let line = std::mem::replace(&mut self.line, next);
        if self.content_end <= self.from || self.depth() > 0 {
            return None;
        }
        if let Some((_, why)) = self.pending.filter(|(_, why)| *why != Ended::Statement) {
            return Some((self.content_end, why));
        }
        if self.has(Stop::Statement) && self.ends_statement(line) {
            self.pending = Some((token.start, Ended::Statement));
        }
        if self.has(Stop::Item) && self.ends_item(line) {
            return Some((self.content_end, Ended::Item));
        }
        None
    }

    fn ends_statement(&self, line: Line) -> bool {
        let Some(last) = line.last else { return false };
        // Inside parentheses a line break means nothing.
        let enclosed = self.stack.last().is_some_and(|level| level.close != '}');
        let text = self.slice(last.start.saturating_sub(1), last.end);
        let operator = matches!(last.kind, Kind::Sign(c) if "=+-*/%&|.\\".contains(c)) && text != "++" && text != "--";
        let operator = operator || text == "|>";
        !enclosed && !operator
    }

    fn ends_item(&mut self, line: Line) -> bool {
        let above = |token: &Token| {
            let text = self.slice(token.start, self.text.len());
            matches!(token.kind, Kind::Comment { .. }) || text.starts_with('@') || text.starts_with("#[")
        };
        self.item |= line.last.is_some() && !line.first.as_ref().is_some_and(above);
        let blank = line.first.is_none() && self.breaks > 1;
        match (self.layout, line.last) {
            _ if !self.item => false,
            (Layout::Braces, Some(last)) => match last.kind {
                Kind::Close(c) => c == '}',
                // Fields are completed together, functions one by one.
                Kind::Sign(c) => self.is_terminator(c) && self.input.task != Task::TypeBody,
                _ => false,
            },
            _ => blank && (self.layout == Layout::Braces || self.is_prose()),
        }
    }

    /// Whether the answer is a paragraph rather than an element.
    fn is_prose(&self) -> bool {
        self.layout == Layout::Markup && !self.slice(self.from, self.text.len()).trim_start().starts_with('<')
    }
}
