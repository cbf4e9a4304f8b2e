//! The text around the cursor, as cutting needs it: what is open before it, what of that is closed after it, and the lines next to it.

use pennyworth_grammars::{Facts, Language};

use super::closers::Closers;
use super::input::Surroundings;
use crate::lex::{self, Nest, Scan};
use crate::present::{Target, leading, width};
use crate::prompt::normalised;

/// The place of the cursor.
#[derive(Clone)]
pub(super) struct Around {
    pub(super) language: &'static Language,
    /// Whether code may be parsed.
    pub(super) may_parse: bool,
    pub(super) facts: &'static Facts,
    /// One step of indentation.
    unit: String,
    /// All the given text before the cursor.
    pub(super) before: String,
    pub(super) after: String,
    /// The cursor's line before the cursor.
    pub(super) line_before: String,
    /// The cursor's line after the cursor.
    pub(super) line_after: String,
    /// The lines below that are not blank.
    pub(super) below: Vec<String>,
    /// A short text that leaves a scanner in the same state as the text before the cursor.
    pub(super) context: String,
    /// Brackets open at the cursor, outermost first.
    pub(super) brackets: Vec<Bracket>,
    /// The closers after the cursor that close none of them.
    pub(super) surplus: Closers,
    /// The string or comment the cursor is in.
    pub(super) literal: Option<Literal>,
    /// Whether `after` reaches the end of the text.
    pub(super) complete: bool,
    /// Whether the answer is shown line by line.
    by_line: bool,
    /// Columns of one step of indentation.
    pub(super) step: usize,
    /// Columns of the indentation of the cursor's line.
    pub(super) indent: usize,
    /// The nearest line above that is not blank, and the columns of its indentation.
    pub(super) above: Option<(String, usize)>,
}

/// A bracket open at the cursor.
#[derive(Clone)]
pub(super) struct Bracket {
    pub(super) close: char,
    /// Whether the text after the cursor closes it.
    pub(super) closed: bool,
}

/// A string or comment the cursor is in.
#[derive(Clone)]
pub(super) struct Literal {
    /// What closes it; empty if the end of the line does.
    pub(super) close: String,
    /// Whether the text after the cursor closes it.
    pub(super) closed: bool,
    /// Whether it spans lines.
    spans_lines: bool,
}

impl Around {
    pub(super) fn new(input: &Surroundings, by_line: bool) -> Around {
        let language = input.language;
        let facts = language.facts();
        let before = normalised(&input.before).into_owned();
        let after = normalised(&input.after).into_owned();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_before = before.get(line_start..).unwrap_or_default().to_owned();
        let mut lines = after.split('\n');
        let line_after = lines.next().unwrap_or_default().to_owned();
        let below: Vec<String> = lines.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        let above = before.get(..line_start).unwrap_or_default().lines().rfind(|line| !line.trim().is_empty());

        let scan = lex::scan(&before, facts);
        let step = width(&input.indent, 4).max(1);
        // A closer on the cursor's line may close what was open above it.
        let closes = line_before.contains(|c| facts.brackets.iter().any(|(_, close)| *close == c));
        let above_line = closes.then(|| lex::scan(before.get(..line_start).unwrap_or_default(), facts));
        let context = context(&before, line_start, above_line.as_ref().unwrap_or(&scan));
        let mut around = Around {
            language,
            may_parse: input.may_parse,
            facts,
            complete: input.complete,
            by_line,
            unit: input.indent.clone(),
            indent: width(leading(&line_before), step),
            above: above.map(|line| (line.to_owned(), width(leading(line), step))),
            literal: None,
            brackets: Vec::new(),
            surplus: Closers::default(),
            context,
            line_before,
            line_after,
            below,
            step,
            before,
            after,
        };
        around.literal = around.find_literal(&scan);
        if by_line && around.lacks_lines(&scan, line_start) {
            around.after.truncate(around.line_after.len());
        }
        (around.brackets, around.surplus) = around.find_brackets(&scan);
        around
    }

    /// Whether lines are still missing between the cursor's line, which ends a statement, and the one below: that is indented deeper, and nothing
    /// opens it. What stands below then closes nothing that is open here.
    fn lacks_lines(&self, scan: &Scan, line_start: usize) -> bool {
        let line = self.line_before.trim_end();
        let ends = line.ends_with(['}', ',', ';'])
            || (!self.facts.terminator.is_empty() && line.ends_with(&self.facts.terminator));
        let opens = scan.open.iter().any(|open| open.start >= line_start);
        let goes_on = |below: &str| self.facts.member_operators.iter().any(|sign| below.starts_with(sign.as_str()));
        let deeper = |below: &String| width(leading(below), self.step) > self.indent && !goes_on(below.trim_start());
        self.at_line_end() && self.literal.is_none() && ends && !opens && self.below.first().is_some_and(deeper)
    }

    /// Whether nothing but blanks stands before the cursor on its line.
    pub(super) fn at_line_start(&self) -> bool {
        self.line_before.trim().is_empty()
    }

    /// Whether nothing but blanks stands after the cursor on its line.
    pub(super) fn at_line_end(&self) -> bool {
        self.line_after.trim().is_empty()
    }

    /// Whether a line of an answer may go on in the next, which is still to come: nothing follows the cursor on its line, or what would close
    /// what several lines will fill.
    pub(super) fn may_go_on(&self) -> bool {
        self.at_line_end() || (self.by_line && self.literal.is_none() && !self.mid_line())
    }

    /// Whether the text after the cursor is read as part of a string or comment that nothing closes.
    pub(super) fn runs_away(&self) -> bool {
        self.literal.as_ref().is_some_and(|literal| !literal.closed && literal.spans_lines)
    }

    /// Whether closers after the cursor close brackets that no known text before it opens.
    pub(super) fn lacks_openers(&self) -> bool {
        self.before.trim().is_empty() && self.brackets.is_empty() && !self.surplus.is_empty()
    }

    /// Whether only separators follow the cursor on its line.
    pub(super) fn ends_line(&self) -> bool {
        self.line_after.trim().chars().all(|c| c == ',' || self.facts.terminator.contains(c))
    }

    /// A line without the comma or terminator at its end: the last item of a list often lacks it.
    pub(super) fn without_separator<'a>(&self, line: &'a str) -> &'a str {
        let separator = |c: char| c == ',' || self.facts.terminator.contains(c);
        line.strip_suffix(separator).map_or(line, str::trim_end)
    }

    /// Whether more than closers and separators follows the cursor on its line.
    pub(super) fn mid_line(&self) -> bool {
        let ends = |c: char| {
            c.is_whitespace() || ";,:\"'`".contains(c) || self.facts.brackets.iter().any(|(_, close)| *close == c)
        };
        !self.line_after.chars().all(ends)
    }

    /// Scans the context and a text that follows it.
    pub(super) fn scan(&self, text: &str) -> (String, Scan) {
        let whole = [self.context.as_str(), text].concat();
        let scan = lex::scan(&whole, self.facts);
        (whole, scan)
    }

    /// The closers of the brackets and the string that were open before the cursor, are open after this text, and are closed nowhere.
    pub(super) fn missing_closers(&self, text: &str) -> String {
        let (_, scan) = self.scan(text);
        let open = scan.open.iter().filter(|open| open.start < self.context.len());
        let brackets = open.clone().filter(|open| matches!(open.nest, Nest::Bracket(..))).count();
        let mut closers = String::new();
        if let (Some(literal), Some(_)) =
            (&self.literal, open.clone().find(|open| matches!(open.nest, Nest::String { .. })))
        {
            closers.push_str(if literal.closed { "" } else { &literal.close });
        }
        let inner = self.brackets.iter().take(brackets).rev();
        closers.extend(inner.take_while(|bracket| !bracket.closed).map(|bracket| bracket.close));
        closers
    }

    /// What `present` needs to indent an answer.
    pub(super) fn target(&self) -> Target<'_> {
        Target { before: &self.before, unit: &self.unit, facts: self.facts }
    }

    fn find_literal(&self, scan: &Scan) -> Option<Literal> {
        let (close, comment) = match &scan.literal()?.nest {
            Nest::Comment { close, .. } => (close.clone(), true),
            Nest::String { close, .. } => (close.clone(), false),
            _ => return None,
        };
        let on_line = self.line_after.contains(&close);
        let closed = if close.is_empty() || on_line {
            true
        } else if comment {
            let open =
                self.facts.block_comments.iter().find(|(_, other)| *other == close).map(|(open, _)| open.as_str());
            let opened = open.and_then(|open| self.after.find(open));
            match self.after.find(&close) {
                Some(at) => opened.is_none_or(|opened| at < opened),
                None => opened.is_none() && !self.complete && !self.leaves_stars(),
            }
        } else {
            // If opener and closer look alike, an odd number of them means that the first one closes.
            self.after.matches(&close).count() % 2 == 1 && spans_lines(&scan.literal()?.nest)
        };
        let spans_lines = comment || spans_lines(&scan.literal()?.nest);
        Some(Literal { close, closed, spans_lines })
    }

    /// Whether the text after the cursor ends a comment that an answer opens.
    pub(super) fn ends_comment(&self, close: &str) -> bool {
        let open = self.facts.block_comments.iter().find(|(_, other)| other == close).map(|(open, _)| open.as_str());
        let opened = open.and_then(|open| self.after.find(open));
        self.literal.is_none() && self.after.find(close).is_some_and(|at| opened.is_none_or(|opened| at < opened))
    }

    /// Whether the cursor's line is one of a comment in stars and the next line is not.
    fn leaves_stars(&self) -> bool {
        let has_star = |line: &str| line.trim_start().starts_with('*');
        has_star(&self.line_before) && self.below.first().is_some_and(|line| !has_star(line))
    }

    fn find_brackets(&self, scan: &Scan) -> (Vec<Bracket>, Closers) {
        // In a string, code continues after its closer.
        let literal = self.literal.as_ref().filter(|literal| self.line_after.contains(&literal.close));
        let inside = literal.and_then(|literal| self.after.find(&literal.close).map(|at| at + literal.close.len()));
        let code = inside.and_then(|end| self.after.get(end..)).unwrap_or(&self.after);
        let mut closers = Closers::new(code, &self.after, self.facts, self.step, self.complete);
        let open = scan.open.iter().rev().filter_map(|open| match open.nest {
            Nest::Bracket(_, close) => Some((close, open.start)),
            _ => None,
        });
        let column = |start: usize| {
            let line = self.before.get(..start).unwrap_or_default().rfind('\n').map_or(0, |at| at + 1);
            width(leading(self.before.get(line..).unwrap_or_default()), self.step)
        };
        let open: Vec<(char, usize)> = open.map(|(close, start)| (close, column(start))).collect();
        let mut brackets: Vec<Bracket> = Vec::with_capacity(open.len());
        for (index, (close, indent)) in open.iter().enumerate() {
            let outer = open.get(index + 1..).unwrap_or_default();
            brackets.push(Bracket { close: *close, closed: closers.take(*close, *indent, outer) });
        }
        brackets.reverse();
        (brackets, closers)
    }
}

fn spans_lines(nest: &Nest) -> bool {
    matches!(nest, Nest::String { multiline: true, .. })
}

/// The brackets open above the cursor's line, then that line; if a string or comment began above, from its opener on.
fn context(before: &str, line_start: usize, scan: &Scan) -> String {
    let above = || scan.open.iter().take_while(|open| open.start < line_start);
    // Bodies between words are judged by their indentation.
    let code = |nest: &Nest| matches!(nest, Nest::Bracket(..) | Nest::Block(_));
    let mut text: String = above()
        .take_while(|open| code(&open.nest))
        .filter_map(|open| match open.nest {
            Nest::Bracket(opener, _) => Some(opener),
            _ => None,
        })
        .flat_map(|opener| [opener, ' '])
        .collect();
    text.push('\n');
    let start = match above().find(|open| !code(&open.nest)) {
        // A here-document is announced on the line above its text.
        Some(open) if matches!(&open.nest, Nest::String { close, .. } if close.starts_with('\n')) => {
            let announced = before.get(..open.start.saturating_sub(1)).unwrap_or_default();
            announced.rfind('\n').map_or(0, |at| at + 1)
        }
        Some(open) => open.start,
        None => line_start,
    };
    text.push_str(before.get(start..).unwrap_or_default());
    text
}
