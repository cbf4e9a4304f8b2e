//! What stands around the cursor, as far as cutting needs it: what is open before it, what of that is closed behind it, and the lines next to it.

use std::sync::LazyLock;

use pennyworth_grammars::{Facts, Language};

use super::Surroundings;
use crate::lex::{self, Nest, Scan};
use crate::present::{Target, width};
use crate::prompt::normalised;

/// The forms that a text without a known language may have.
static PLAIN: LazyLock<Facts> = LazyLock::new(|| {
    let facts =
        "name = 'text'\nids = []\nindent = '    '\nlayout = 'markup'\nbrackets = [['(', ')'], ['[', ']'], ['{', '}']]";
    #[expect(clippy::expect_used, reason = "a constant that every test reads")]
    toml::from_str(facts).expect("the facts of plain text are valid")
});

/// The place of the cursor.
pub(super) struct Around {
    pub(super) language: Option<&'static Language>,
    pub(super) facts: &'static Facts,
    /// One step of indentation.
    unit: String,
    /// All that was given of the text before the cursor.
    pub(super) before: String,
    pub(super) after: String,
    /// The cursor's line before the cursor.
    pub(super) line_before: String,
    /// The cursor's line after the cursor.
    pub(super) line_after: String,
    /// The lines below that are not blank.
    pub(super) below: Vec<String>,
    /// A short text that leaves a scanner in the state the text before the cursor leaves it in.
    pub(super) context: String,
    /// Brackets open at the cursor, outermost first.
    pub(super) brackets: Vec<Bracket>,
    /// The closers behind the cursor that close none of them.
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
pub(super) struct Bracket {
    pub(super) close: char,
    /// Whether the text after the cursor closes it.
    pub(super) closed: bool,
}

/// A string or comment the cursor is in.
pub(super) struct Literal {
    /// What closes it; empty if the end of the line does.
    pub(super) close: String,
    /// Whether the text after the cursor closes it.
    pub(super) closed: bool,
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

    /// Whether more stands after the cursor on its line than what closes something or ends it.
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

    /// What present must know to indent an answer.
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
            // Of quotes that look alike, an odd number means that the first of them closes.
            self.after.matches(&close).count() % 2 == 1 && spans_lines(&scan.literal()?.nest)
        };
        Some(Literal { close, closed })
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

/// The brackets open above the cursor's line, then that line; from its opener on if a string or comment began above.
fn context(before: &str, line_start: usize, scan: &Scan) -> String {
    let above = || scan.open.iter().take_while(|open| open.start < line_start);
    // Bodies between words are left to their indentation.
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

/// The closers after the cursor, given out to the open brackets from the innermost.
#[derive(Clone, Default)]
pub(super) struct Closers {
    on_line: Vec<char>,
    /// Of each line below: the columns of its indentation, whether it stands in the nesting of the code, and the closers it begins with.
    below: Vec<(usize, bool, Vec<char>)>,
}

impl Closers {
    fn new(around: &Around) -> Closers {
        let is_closer = |c: &char| around.facts.brackets.iter().any(|(_, close)| close == c);
        // In a string, code goes on behind its closer.
        let closed = around.literal.as_ref().and_then(|literal| around.line_after.split_once(&literal.close));
        let line = closed.map_or(around.line_after.as_str(), |(_, code)| code);
        let scan = lex::scan(line, around.facts);
        let on_line = scan.unopened.iter().rev().filter_map(|index| match scan.tokens.get(*index)?.kind {
            lex::Kind::Close(c) => Some(c),
            _ => None,
        });
        let below = around.below.iter().map(|line| {
            let text = line.trim_start();
            let mut first: Vec<char> =
                text.chars().filter(|c| !c.is_whitespace()).take_while(|c| is_closer(c) || *c == ',').collect();
            first.retain(|c| *c != ',');
            first.reverse();
            let directive = around.facts.directives.iter().any(|sign| text.starts_with(sign.as_str()));
            (width(leading(line), around.step), !directive, first)
        });
        Closers { on_line: on_line.collect(), below: below.collect() }
    }

    /// Whether a bracket with this closer, opened in a line indented so far, is closed. The closers are used up.
    fn take(&mut self, close: char, indent: usize) -> bool {
        if let Some(next) = self.on_line.last() {
            let fits = *next == close;
            if fits {
                self.on_line.pop();
            }
            return fits;
        }
        // The first line that is indented no deeper shows whether the author has closed it: indentation survives broken code.
        match self.first_at(indent) {
            Some(closers) => closers.pop_if(|next| *next == close).is_some(),
            None => !self.below.is_empty(),
        }
    }

    /// Whether a bracket that an answer opens is closed behind the cursor, because its opener was missing.
    pub(super) fn take_surplus(&mut self, close: char, indent: usize) -> bool {
        self.on_line.is_empty()
            && self.first_at(indent).is_some_and(|closers| closers.pop_if(|next| *next == close).is_some())
    }

    /// The closers of the first line below that is indented no deeper.
    fn first_at(&mut self, indent: usize) -> Option<&mut Vec<char>> {
        let line = self.below.iter_mut().find(|(column, counts, _)| *column <= indent && *counts);
        line.map(|(_, _, closers)| closers)
    }
}
