//! Indentation: an answer's lines in the document's step, at the depth of the cursor's line.
//! It leaves everything after a line's first character alone, and the step to `step`.

use pennyworth_grammars::{Facts, Layout};

use super::columns::{head_column, leading, width};
use super::openers::{Opener, openers};
use crate::lex::{self, Kind, Nest};

/// The place for which an answer is indented.
pub struct Target<'a> {
    /// Text before the cursor, lines ended by `\n`.
    pub before: &'a str,
    /// One step of the document's indentation.
    pub unit: &'a str,
    /// The language's facts.
    pub facts: &'a Facts,
}

/// An answer with its lines in the document's unit and at the depth of the cursor's line. Lines inside its strings stay as they are.
pub fn reindent(text: &str, target: &Target<'_>) -> String {
    let place = CursorLine::new(target);
    let mut lines = Lines::of(text, &place, target.facts);
    lines.find_openers(text, &place, target);
    let scale = lines.scale(&place);
    let shift = lines.shift(&place, scale);
    let mut out = String::with_capacity(text.len() + 32);
    for (number, line) in lines.0.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        if number == 0 {
            out.push_str(&place.first(line, scale));
        } else if line.text.is_empty() && number + 1 < lines.0.len() {
            continue;
        } else if line.literal {
            out.push_str(line.blanks);
        } else if let Some(opener) = line.opener {
            let column = scale.apply(line.column);
            out.push_str(&place.blanks(if opener.fits(column) { column } else { opener.column }, target.unit));
        } else {
            out.push_str(&place.blanks(scale.apply(line.column).saturating_add_signed(shift), target.unit));
        }
        out.push_str(line.text);
    }
    out
}

/// The cursor's line and the one above it, in columns.
struct CursorLine<'a> {
    unit: &'a str,
    step: usize,
    /// Whether nothing but blanks stands before the cursor on its line.
    blank: bool,
    /// The white space at the start of the cursor's line.
    own: &'a str,
    column: usize,
    /// Whether the text before the cursor ends with the opener of a body.
    opens: bool,
    /// The column a line at the cursor should have, if the lines above show it.
    expected: Option<usize>,
    /// Columns of the lines above that the cursor's line is inside of.
    above: Vec<usize>,
}

impl<'a> CursorLine<'a> {
    fn new(target: &Target<'a>) -> CursorLine<'a> {
        let step = width(target.unit, 4).max(1);
        let line_start = target.before.rfind('\n').map_or(0, |at| at + 1);
        let line = target.before.get(line_start..).unwrap_or_default();
        let own = leading(line);
        let blank = own.len() == line.len();
        let above = target.before.get(..line_start).unwrap_or_default();
        let mut least = width(own, step);
        let outer = above.lines().rev().filter(|line| !line.trim().is_empty()).filter_map(|line| {
            let column = width(leading(line), step);
            (column < least).then(|| std::mem::replace(&mut least, column)).map(|_| column)
        });
        let outer: Vec<usize> = outer.collect();
        let above = above.trim_end();
        let opens_body = |line: &str| opens(line, target.facts);
        let last = above.rsplit('\n').next().unwrap_or_default();
        let head = |text: &str| head_column(text, step, target.facts);
        let expected = (blank && !above.is_empty()).then(|| head(above) + if opens_body(last) { step } else { 0 });
        let opens = opens_body(if blank { last } else { line });
        CursorLine {
            unit: target.unit,
            step,
            blank,
            own,
            column: if blank { width(own, step) } else { head(target.before) },
            opens,
            expected,
            above: outer,
        }
    }

    /// White space up to a column, in the document's unit.
    fn blanks(&self, column: usize, unit: &str) -> String {
        let spaces = if unit.starts_with('\t') { column % self.step } else { column };
        let tabs = if unit.starts_with('\t') { column / self.step } else { 0 };
        "\t".repeat(tabs) + &" ".repeat(spaces)
    }

    /// The white space before the first line's text: on a blank line the missing part, elsewhere the answer's own.
    fn first(&self, line: &Line<'_>, scale: Scale) -> String {
        if !self.blank || line.text.is_empty() {
            return line.blanks.to_owned();
        }
        let wanted = self.column_of_first(line, scale);
        // In a document that mixes tabs and spaces, the line keeps its own.
        let whole = self.blanks(wanted, self.unit);
        match whole.strip_prefix(self.own) {
            Some(missing) => missing.to_owned(),
            None => " ".repeat(wanted.saturating_sub(self.column)),
        }
    }

    /// The final column of the first line. White space of the answer counts from the cursor, unless it repeats the line's own.
    fn column_of_first(&self, line: &Line<'_>, scale: Scale) -> usize {
        let own = scale.apply(line.column);
        match self.expected {
            // A label or a closer stands where its head does.
            Some(_) if line.opener.is_some() => (self.column + own).max(line.opener.map_or(0, |opener| opener.column)),
            Some(_) if line.closes && self.column + own > 0 => self.column + own,
            Some(expected) if self.opens || own + self.column > expected => expected.max(self.column),
            _ => self.column + own,
        }
    }
}

/// Whether a line ends with the opener of a body.
fn opens(line: &str, facts: &Facts) -> bool {
    let line = line.trim_end();
    if facts.line_comments.iter().any(|sign| line.trim_start().starts_with(sign.as_str())) {
        return false;
    }
    let word = facts.openers.iter().any(|opener| {
        line.strip_suffix(opener.as_str()).is_some_and(|before| {
            !opener.ends_with(char::is_alphanumeric) || !before.ends_with(|c| lex::is_word(facts, c))
        })
    });
    word || facts.brackets.iter().any(|(open, _)| line.ends_with(*open))
}

/// A line of an answer.
struct Line<'a> {
    blanks: &'a str,
    column: usize,
    text: &'a str,
    /// Whether it begins inside a string or comment.
    literal: bool,
    /// Whether it begins with a bracket or word that closes a body.
    closes: bool,
    /// Whether a bracket around the cursor was closed above it.
    outside: bool,
    opens: bool,
    /// What it closes, if that stands before the cursor.
    opener: Option<Opener>,
}

impl Line<'_> {
    /// Whether it opens a list, whose lines may be deeper than by a step.
    fn opens_list(&self) -> bool {
        self.text.trim_end().ends_with(['(', '['])
    }
}

struct Lines<'a>(Vec<Line<'a>>);

impl<'a> Lines<'a> {
    fn of(text: &'a str, place: &CursorLine<'_>, facts: &Facts) -> Lines<'a> {
        let scan = lex::scan(text, facts);
        let inside = |at: usize| {
            let spans = |kind| matches!(kind, Kind::String);
            scan.tokens.iter().any(|token| spans(token.kind) && token.start < at && at < token.end)
        };
        let mut start = 0;
        let lines = text.split('\n').map(|line| {
            let blanks = leading(line);
            let text = line.get(blanks.len()..).unwrap_or_default();
            let literal = inside(start);
            let outside =
                scan.unopened.iter().any(|index| scan.tokens.get(*index).is_some_and(|token| token.end <= start));
            start += line.len() + 1;
            let word = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            let closes = facts.brackets.iter().any(|(_, close)| text.starts_with(*close))
                || facts.closers.iter().any(|closer| closer == word);
            Line {
                blanks,
                column: width(blanks, place.step),
                text,
                literal,
                closes,
                outside,
                opens: opens(line, facts),
                opener: None,
            }
        });
        let mut lines: Vec<Line<'_>> = lines.collect();
        for line in &mut lines {
            line.closes |= match facts.layout {
                Layout::Markup => line.text.starts_with("</"),
                // Labels are indented less.
                Layout::Braces => line.text.trim_end().ends_with(':'),
                // The items of a list stand below its name.
                Layout::Indent => line.text.starts_with("- "),
                Layout::Words => false,
            };
        }
        Lines(lines)
    }

    /// Finds what the closers at the starts of lines close, if that stands before the cursor.
    fn find_openers(&mut self, text: &str, place: &CursorLine<'_>, target: &Target<'_>) {
        if !self.0.iter().any(|line| line.closes) {
            return;
        }
        let facts = target.facts;
        let (scan, mut open, mut start) = (lex::scan(text, facts), openers(target.before, target.facts, place.step), 0);
        let mut unopened = scan.unopened.iter().filter_map(|index| scan.tokens.get(*index)).peekable();
        for line in &mut self.0 {
            let (first, end) = (start + line.blanks.len(), start + line.blanks.len() + line.text.len());
            let word = line.text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            let in_block = |text| lex::scan(text, facts).open.iter().any(|open| matches!(open.nest, Nest::Block(_)));
            if facts.closers.iter().any(|closer| closer == word)
                && facts.layout == Layout::Words
                && !in_block(text.get(..start).unwrap_or_default())
                && let Some(index) = open.iter().rposition(|opener| opener.close.is_none())
            {
                line.opener = open.get(index).copied();
                if facts.blocks.iter().any(|(_, close)| close.trim() == word) {
                    open.truncate(index);
                }
            }
            while let Some(token) = unopened.next_if(|token| token.start < end) {
                let Kind::Close(c) = token.kind else { continue };
                let Some(index) = open.iter().rposition(|opener| opener.close == Some(c)) else { continue };
                if token.start == first {
                    line.opener =
                        open.get(index).map(|opener| opener.with_statement(target.before, target.facts, place.step));
                }
                open.truncate(index);
            }
            start = end + 1;
        }
    }

    /// Lines after the first that show their own indentation.
    fn shown(&self) -> impl Iterator<Item = (usize, &Line<'a>)> {
        let shows = |line: &Line<'_>| !line.text.is_empty() && !line.literal && line.opener.is_none();
        self.0.iter().enumerate().skip(1).filter(move |(_, line)| shows(line))
    }

    /// The ratio of the answer's step to the document's, from the lines below an opener.
    fn scale(&self, place: &CursorLine<'_>) -> Scale {
        let first = self.0.first().filter(|line| !line.text.is_empty());
        let mut above = match first {
            Some(line) => (place.column + if place.blank { line.column } else { 0 }, line.opens, line.opens_list()),
            None => (place.column, place.opens, false),
        };
        let mut own: Option<usize> = None;
        let mut least = place.column;
        for (_, line) in self.shown() {
            let (column, opens, list) = above;
            // Deeper by more than a step is a line that goes on.
            let goes_on = |own: usize| (!place.blank || list) && own > place.step && own.is_multiple_of(place.step);
            if let Some(step) = line.column.checked_sub(column).filter(|step| opens && *step > 0 && !goes_on(*step)) {
                own = Some(own.map_or(step, |own| own.min(step)));
            }
            least = least.min(line.column);
            above = (line.column, line.opens, line.opens_list());
        }
        Scale { base: least, own: own.unwrap_or(place.step), step: place.step }
    }

    /// Columns by which lines after the first must move: answers may count from the cursor's line instead of the margin.
    fn shift(&self, place: &CursorLine<'_>, scale: Scale) -> isize {
        let first = self.0.first().filter(|line| !line.text.is_empty());
        let Some((number, next)) = self.shown().find(|(_, line)| !line.closes).or_else(|| self.shown().next()) else {
            return 0;
        };
        // A closer of a body around the cursor is indented less than the cursor, and so is the text after it.
        let on_blank = first.filter(|_| place.blank);
        if next.outside || (next.closes && on_blank.is_some()) {
            return 0;
        }
        let expected = on_blank.map_or(place.column, |line| place.column_of_first(line, scale));
        let opens = first.map_or(place.opens, |line| line.opens) && !next.closes && number == 1;
        let wanted = expected + if opens { place.step } else { 0 };
        let column = scale.apply(next.column);
        // A line may be deeper than the head of its body, and after a statement it may leave the body.
        let leaves = !opens && place.above.contains(&column) && (on_blank.is_none() || column > 0);
        if leaves || (on_blank.is_none() && opens && column > place.column) {
            return 0;
        }
        let own_first = on_blank.map_or(0, |line| scale.apply(line.column));
        match column < wanted {
            // They count from the first line if that has white space of its own, else from the cursor's line.
            true if own_first > 0 => expected as isize - own_first as isize,
            true => wanted as isize - column as isize,
            false => 0,
        }
    }
}

/// How columns of an answer become columns of the document.
#[derive(Clone, Copy)]
struct Scale {
    /// The column from which steps count.
    base: usize,
    own: usize,
    step: usize,
}

impl Scale {
    fn apply(self, column: usize) -> usize {
        match column.checked_sub(self.base) {
            Some(beyond) => self.base + beyond / self.own * self.step + beyond % self.own,
            None => column,
        }
    }
}
