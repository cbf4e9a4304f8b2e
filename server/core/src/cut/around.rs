//! The text around the cursor, as cutting needs it: what is open before it, what of that is closed after it, and the lines next to it.

use std::sync::LazyLock;

use pennyworth_grammars::{Facts, Language, Layout};

use super::input::Surroundings;
use crate::lex::{self, Nest, Scan};
use crate::present::{Target, width};
use crate::prompt::normalised;

/// The facts of a text without a known language.
static PLAIN: LazyLock<Facts> = LazyLock::new(|| {
    let facts =
        "name = 'text'\nids = []\nindent = '    '\nlayout = 'markup'\nbrackets = [['(', ')'], ['[', ']'], ['{', '}']]";
    #[expect(clippy::expect_used, reason = "a constant that every test reads")]
    toml::from_str(facts).expect("the facts of plain text are valid")
});

/// The place of the cursor.
#[derive(Clone)]
pub(super) struct Around {
    pub(super) language: Option<&'static Language>,
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
    pub(super) fn new(input: &Surroundings) -> Around {
        let language = input.language;
        let facts = language.map_or(&*PLAIN, |language| language.facts());
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
        let context = context(&before, line_start, &scan);
        let mut around = Around {
            language,
            facts,
            complete: input.complete,
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
        (around.brackets, around.surplus) = around.find_brackets(&scan);
        around
    }

    /// Whether nothing but blanks stands before the cursor on its line.
    pub(super) fn at_line_start(&self) -> bool {
        self.line_before.trim().is_empty()
    }

    /// Whether nothing but blanks stands after the cursor on its line.
    pub(super) fn at_line_end(&self) -> bool {
        self.line_after.trim().is_empty()
    }

    /// Whether the text after the cursor is read as part of a string or comment that nothing closes.
    pub(super) fn runs_away(&self) -> bool {
        self.literal.as_ref().is_some_and(|literal| !literal.closed && literal.spans_lines)
    }

    /// Whether only separators follow the cursor on its line.
    pub(super) fn ends_line(&self) -> bool {
        self.line_after.trim().chars().all(|c| c == ',' || self.facts.terminator.contains(c))
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
                None => opened.is_none() && !self.complete,
            }
        } else {
            // If opener and closer look alike, an odd number of them means that the first one closes.
            self.after.matches(&close).count() % 2 == 1 && spans_lines(&scan.literal()?.nest)
        };
        let spans_lines = comment || spans_lines(&scan.literal()?.nest);
        Some(Literal { close, closed, spans_lines })
    }

    fn find_brackets(&self, scan: &Scan) -> (Vec<Bracket>, Closers) {
        let mut closers = Closers::new(self);
        let open = scan.open.iter().rev().filter_map(|open| match open.nest {
            Nest::Bracket(_, close) => Some((close, open.start)),
            _ => None,
        });
        let mut brackets: Vec<Bracket> = open
            .map(|(close, start)| {
                let line = self.before.get(..start).unwrap_or_default().rfind('\n').map_or(0, |at| at + 1);
                let indent = width(leading(self.before.get(line..).unwrap_or_default()), self.step);
                Bracket { close, closed: closers.take(close, indent) }
            })
            .collect();
        brackets.reverse();
        (brackets, closers)
    }
}

/// The white space a line begins with.
pub(super) fn leading(line: &str) -> &str {
    line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
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

/// Unmatched closers after the cursor, assigned to the open brackets from the innermost.
#[derive(Clone, Default)]
pub(super) struct Closers {
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
    fn new(around: &Around) -> Closers {
        let facts = around.facts;
        // In a string, code continues after its closer.
        let literal = around.literal.as_ref().filter(|literal| around.line_after.contains(&literal.close));
        let inside = literal.and_then(|literal| around.after.find(&literal.close).map(|at| at + literal.close.len()));
        let code = inside.and_then(|end| around.after.get(end..)).unwrap_or(&around.after);
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
            (!outside).then(|| width(leading(line), around.step))
        };
        let braces = facts.layout == Layout::Braces;
        Closers { braces, strays: strays.collect(), columns: around.after.split('\n').map(column).collect() }
    }

    /// Whether a bracket with this closer, opened on a line with this indentation, is closed. The closer is used up.
    fn take(&mut self, close: char, indent: usize) -> bool {
        let unknown = self.line_at(indent).is_none() && self.columns.iter().skip(1).any(Option::is_some);
        self.find(close, indent) || (unknown && !self.on_line())
    }

    /// Whether a bracket that an answer opens is closed after the cursor, because its opener was missing.
    pub(super) fn take_surplus(&mut self, close: char, indent: usize) -> bool {
        // A body that continues below may end beyond the known text.
        let below = self.columns.iter().skip(1).flatten().next();
        let goes_on = close == '}' && self.line_at(indent).is_none() && below.is_some_and(|column| *column > indent);
        !self.on_line() && (self.find(close, indent) || goes_on)
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
