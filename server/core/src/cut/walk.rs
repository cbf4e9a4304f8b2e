//! Where an answer ends: the stops of its task, found in its lines and, token by token, in its brackets, statements and bodies.
//! It leaves what frames an answer to `head` and what repeats itself to `loops`.

use pennyworth_grammars::{Facts, Layout};

use super::around::{Around, leading};
use super::head::significant;
use super::{CutInput, End, Ended, Reading};
use crate::lex::{Kind, Scan, Token};
use crate::models::Shape;
use crate::present::width;
use crate::task::{Stop, Task};

/// Characters after a token that make it certain: what follows can still turn a quote into a lifetime or a sign into a comment.
const LOOKAHEAD: usize = 3;
/// Letters and digits from which lines count as a repetition of those below the cursor, and how many lines are compared.
const MIN_SIGNIFICANT: usize = 3;
const MAX_REPEATED: usize = 3;

/// The ends that lines show: the line's end, a blank line, the most lines, and a line that stands below the cursor already.
pub(super) fn line_end(body: &str, around: &Around, input: &CutInput, reading: Reading) -> Option<End> {
    let one_line = input.stops.contains(&Stop::Newline) || around.mid_line();
    let blank_line = input.stops.contains(&Stop::Blank);
    let (mut start, mut number, mut lines) = (0, 0, Vec::new());
    loop {
        let rest = body.get(start..)?;
        let line = rest.split('\n').next().unwrap_or_default();
        let (end, whole) = (start + line.len(), line.len() < rest.len());
        if !whole && reading == Reading::On {
            return None;
        }
        let found = |at, why| Some(End { seen: end + 1, at, why });
        if !line.trim().is_empty() && (number > 0 || around.at_line_start()) {
            let column = width(leading(line), around.step) + if number == 0 { around.indent } else { 0 };
            lines.push((start, column, line.trim()));
        }
        if let Some(start) = repeated_from(&lines, around) {
            return found(start.saturating_sub(1), Ended::Repeats);
        }
        if !whole {
            return None;
        }
        number += 1;
        if one_line {
            return found(end, Ended::Newline);
        }
        let content = body.get(..start).is_some_and(|before| !before.trim().is_empty());
        if blank_line && content && is_blank(line, input.task) {
            return found(start.saturating_sub(1), Ended::Blank);
        }
        if number >= input.max_lines {
            return found(end, Ended::Lines);
        }
        start = end + 1;
    }
}

/// Where the last of these lines, given with their offsets and columns, begin to be those below the cursor.
fn repeated_from(lines: &[(usize, usize, &str)], around: &Around) -> Option<usize> {
    let most = if around.ends_line() { MAX_REPEATED.min(around.below.len()) } else { 0 };
    (1..=most).find_map(|count| {
        let last = lines.get(lines.len().checked_sub(count)?..)?;
        let same = |((_, column, line), below): (&(usize, usize, &str), &String)| {
            *line == below.trim() && *column == width(leading(below), around.step)
        };
        let weight: usize = last.iter().map(|(_, _, line)| significant(line)).sum();
        let repeats = weight >= MIN_SIGNIFICANT && last.iter().zip(&around.below).all(same);
        repeats.then(|| last.first().map(|(start, _, _)| *start))?
    })
}

/// Whether a line says nothing; in documentation the signs of the comment say nothing either.
fn is_blank(line: &str, task: Task) -> bool {
    let signs = if task == Task::DocComment { "/*#!;-%" } else { "" };
    line.chars().all(|c| c.is_whitespace() || signs.contains(c))
}

/// The end that brackets, statements, bodies and items show.
pub(super) fn end(body: &str, around: &Around, input: &CutInput, reading: Reading) -> Option<End> {
    let (text, scan) = around.scan(body);
    let mut walk = Walk::new(&text, around, input);
    let (at, seen, why) = walk.run(&scan, |end| reading == Reading::Over || certain(body, around, end).is_some())?;
    let at = at.saturating_sub(around.context.len());
    let seen = seen.saturating_sub(around.context.len());
    Some(End { seen: certain(body, around, seen).unwrap_or(body.len() + 1), at, why })
}

/// How much of a body must be known before its tokens up to `end` are certain; `None` if that much is not.
fn certain(body: &str, around: &Around, end: usize) -> Option<usize> {
    let rest = body.get(end..)?;
    let line = rest.find('\n').map(|at| end + at + 1);
    let ahead = rest.char_indices().nth(LOOKAHEAD - 1).map(|(at, c)| end + at + c.len_utf8());
    // What looks like a division is a regular expression if the line has another slash.
    let ahead = ahead.filter(|ahead| {
        let known = body.get(..*ahead).unwrap_or_default();
        let own = known.rfind('\n').map_or(0, |at| at + 1);
        let before = if own == 0 { around.line_before.as_str() } else { "" };
        !around.facts.regex || !(before.contains('/') || known.get(own..).is_some_and(|line| line.contains('/')))
    });
    line.into_iter().chain(ahead).min()
}

/// Whether brackets may be closed that nobody opened: the patterns of a shell's `case`.
pub(super) fn has_patterns(facts: &Facts) -> bool {
    facts.closers.iter().any(|closer| closer == ";;")
}

/// The walk over an answer's tokens. Offsets count from the start of the context that stands before the answer.
struct Walk<'a> {
    text: &'a str,
    around: &'a Around,
    input: &'a CutInput,
    layout: Layout,
    /// Offset of the answer.
    from: usize,
    /// Brackets open here: their closers, and which of the brackets around the cursor each is.
    stack: Vec<(char, Option<usize>)>,
    line: Line,
    /// End of the last token that is not a line break.
    content_end: usize,
    /// Where the answer ends unless the next token goes on with it.
    pending: Option<(usize, Ended)>,
    /// The answer has closed what it was to close; more closers and the terminator may still follow.
    closing: Option<(usize, Ended)>,
    /// Columns from which a line is inside the body.
    inside: Option<usize>,
    /// Columns that the answer's indentation is short of, where it does not count from the line's start.
    shift: usize,
    /// Whether a line of the item itself, not only of comments and decorators above it, was seen.
    item: bool,
    /// Columns of the answer's first line, and whether one below stands deeper.
    first: Option<usize>,
    has_body: bool,
    breaks: usize,
}

/// A line of the answer, while it is read.
#[derive(Clone, Copy, Default)]
struct Line {
    number: usize,
    first: Option<Token>,
    last: Option<Token>,
}

type Found = Option<(usize, Ended)>;

impl<'a> Walk<'a> {
    fn new(text: &'a str, around: &'a Around, input: &'a CutInput) -> Walk<'a> {
        let stack = around.brackets.iter().enumerate().map(|(index, bracket)| (bracket.close, Some(index))).collect();
        let from = around.context.len();
        let inside = (!around.at_line_start()).then_some(around.indent + 1);
        Walk {
            text,
            around,
            input,
            layout: around.facts.layout,
            from,
            stack,
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
            let found = match token.kind {
                Kind::Break => self.line_break(*token),
                _ => self.token(*token, stray, literal),
            };
            if let Some((at, why)) = found {
                return Some((at, token.end, why));
            }
        }
        None
    }

    fn has(&self, stop: Stop) -> bool {
        self.input.stops.contains(&stop)
    }

    /// Brackets open beyond those at the cursor.
    fn depth(&self) -> isize {
        self.stack.len() as isize - self.around.brackets.len() as isize
    }

    fn token(&mut self, token: Token, stray: bool, open_literal: bool) -> Found {
        if token.start < self.from
            && let Some(found) = self.leave_literal(token, open_literal)
        {
            return found;
        }
        if let Some(closing) = self.closing
            && !self.goes_on_closing(token)
        {
            return Some(closing);
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
                self.stack.push((close, None));
                None
            }
            Kind::Close(c) => self.close(c, token, stray),
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

    /// The string or comment the cursor is in ends with this token: `Some` ends the walk over the token.
    fn leave_literal(&mut self, token: Token, open: bool) -> Option<Found> {
        let literal = self.around.literal.as_ref()?;
        let closed = !open && !literal.close.is_empty() && self.slice(token.start, token.end).ends_with(&literal.close);
        if !closed {
            return None;
        }
        if literal.closed {
            return Some(Some((token.end - literal.close.len(), Ended::Closed)));
        }
        let of_literal = matches!(self.input.task, Task::String | Task::Comment | Task::DocComment);
        if of_literal {
            self.closing = Some((token.end, Ended::Balanced));
        }
        self.content_end = token.end;
        Some(None)
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Whether a token after the closer still belongs to it: other closers that are missing, and what ends the statement.
    fn goes_on_closing(&mut self, token: Token) -> bool {
        match token.kind {
            Kind::Close(c) => self
                .stack
                .last()
                .is_some_and(|(close, outer)| *close == c && outer.is_some_and(|index| !self.is_closed(index))),
            Kind::Sign(c) => {
                let opens = self.around.facts.openers.iter().any(|opener| opener.starts_with(c));
                (self.is_terminator(c) || opens) && !self.around.line_after.trim_start().starts_with(c)
            }
            _ => false,
        }
    }

    fn is_closed(&self, index: usize) -> bool {
        self.around.brackets.get(index).is_none_or(|bracket| bracket.closed)
    }

    fn is_terminator(&self, c: char) -> bool {
        self.around.facts.terminator.starts_with(c)
    }

    fn close(&mut self, c: char, token: Token, stray: bool) -> Found {
        let Some(index) = self.stack.iter().rposition(|(close, _)| *close == c).filter(|_| !stray) else {
            return (!has_patterns(self.around.facts)).then_some((token.start, Ended::Closed));
        };
        let innermost = index + 1 == self.around.brackets.len();
        let outer = self.stack.get(index).and_then(|(_, outer)| *outer);
        if outer.is_some_and(|outer| self.is_closed(outer)) {
            return Some((token.start, Ended::Closed));
        }
        self.stack.truncate(index);
        let why = if self.has(Stop::Balanced) { Ended::Balanced } else { Ended::Block };
        let body = self.has(Stop::Block) && c == '}' && (innermost || self.opens_body());
        let closes = match outer {
            Some(_) => (innermost && self.has(Stop::Balanced)) || body,
            None => body && self.depth() == 0,
        };
        if closes || self.closing.is_some() {
            self.closing = Some((token.end, why));
        }
        None
    }

    /// Whether the answer has to open the body itself, because the cursor stands behind the head of it.
    fn opens_body(&self) -> bool {
        let line = self.around.line_before.trim_end();
        self.layout == Layout::Braces && !line.is_empty() && !line.ends_with('{')
    }

    fn sign(&mut self, c: char, token: Token) -> Found {
        self.closing = self.closing.map(|(_, why)| (token.end, why));
        if !self.is_terminator(c) || self.depth() > 0 {
            return None;
        }
        // A comma separates more than it ends: it is added again where it is missing.
        let at = if c == ',' { token.start } else { token.end };
        self.has(Stop::Statement).then_some((at, Ended::Statement))
    }

    fn line_break(&mut self, token: Token) -> Found {
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
        let enclosed = self.stack.last().is_some_and(|(close, _)| *close != '}');
        let text = self.slice(last.start.saturating_sub(1), last.end);
        let operator = matches!(last.kind, Kind::Sign(c) if "=+-*/%&|.\\".contains(c)) && text != "++" && text != "--";
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
                // Fields are written together, functions one by one.
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

    /// The first token of a line, which shows its indentation.
    fn line_start(&mut self, token: Token) -> Found {
        let start = self.slice(0, token.start).rfind('\n').map_or(0, |at| at + 1);
        let own = width(leading(self.slice(start, token.end)), self.around.step);
        let column = if self.line.number == 0 { own } else { self.absolute(own) };
        if self.line.number > 0
            && let Some((at, why)) = self.pending.take()
            && !self.continues(token, column)
        {
            return Some((at, why));
        }
        if self.leaves_comment(token) {
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
        // Fields are written together: what ends a list of members is the end of the first that has a body.
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

    /// Whether the body is closed by its indentation although the language has braces: the branches of a `switch`.
    fn after_label(&self) -> bool {
        let label = |line: &str| line.trim_end().ends_with(':');
        match self.around.at_line_start() {
            true => self.around.above.as_ref().is_some_and(|(line, _)| label(line)),
            false => label(&self.around.line_before),
        }
    }

    /// A documentation of line comments ends with the last of them.
    fn leaves_comment(&self, token: Token) -> bool {
        let of_lines = self.around.literal.as_ref().is_some_and(|literal| literal.close.is_empty());
        self.input.task == Task::DocComment
            && of_lines
            && self.line.number > 0
            && !matches!(token.kind, Kind::Comment { .. })
    }

    /// Whether a line goes on with the statement above it.
    fn continues(&self, token: Token, column: usize) -> bool {
        let text = self.slice(token.start, self.text.len());
        let facts = self.around.facts;
        let operators = ["&&", "||", "|>", "??", "? ", ": ", "+ "];
        let joined = facts.member_operators.iter().any(|operator| text.starts_with(operator.as_str()))
            || operators.iter().any(|operator| text.starts_with(operator));
        // A block that the statement opens by a word is indented, and its closing word is not.
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

    /// Whether a closer ends its body, where others (`else`) only divide it.
    fn is_final(&self, token: Token) -> bool {
        let word = self.slice(token.start, token.end);
        word == "}" || self.around.facts.blocks.iter().any(|(_, close)| close.split_whitespace().next() == Some(word))
    }

    /// A line indented less than the body.
    fn leave_body(&mut self, token: Token) -> Found {
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

    /// A line indented no deeper than the item.
    fn leave_item(&mut self, token: Token) -> Found {
        if !self.is_closer(token) {
            return Some((self.content_end, Ended::Item));
        }
        if self.is_final(token) || self.layout == Layout::Markup {
            self.pending = Some((token.end, Ended::Item));
        }
        None
    }
}
