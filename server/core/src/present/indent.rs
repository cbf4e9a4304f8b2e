//! Indentation: the step of a document, and reindenting an answer to it.
//! It leaves everything after a line's first character alone.

use pennyworth_grammars::{Facts, Language, Layout};
use ropey::Rope;

use crate::lex::{self, Kind};

/// Lines, and characters of each, from which a document's step is read.
const SAMPLE: usize = 200;
const SAMPLE_CHARS: usize = 80;
/// The step of a document that shows none and has no known language.
const PLAIN: &str = "    ";
/// Most columns of a step; more are an alignment.
const MAX_STEP: usize = 8;

/// The place for which an answer is indented.
pub struct Target<'a> {
    /// Text before the cursor, lines ended by `\n`.
    pub before: &'a str,
    /// One step of the document's indentation.
    pub unit: &'a str,
    /// The language's facts.
    pub facts: &'a Facts,
}

/// One step of indentation as the lines show it: a tab, or the most frequent increase in spaces from one line to the next; `usual` if they show
/// none.
pub fn detect_indent<'a>(lines: impl IntoIterator<Item = &'a str>, usual: &str) -> String {
    let (mut tabs, mut spaces, mut above) = (0, [0_usize; MAX_STEP + 1], 0);
    for line in lines {
        let text = line.trim_start_matches([' ', '\t']);
        // The stars of a block comment stand one column to the right of its opener.
        if text.trim().is_empty() || text.starts_with('*') {
            continue;
        }
        let blanks = line.len() - text.len();
        if line.starts_with('\t') {
            tabs += 1;
            continue;
        }
        if let Some(count) = blanks.checked_sub(above).filter(|step| *step > 1).and_then(|step| spaces.get_mut(step)) {
            *count += 1;
        }
        above = blanks;
    }
    let step = (1..=MAX_STEP).max_by_key(|step| (spaces.get(*step).copied(), std::cmp::Reverse(*step))).unwrap_or(0);
    let count = spaces.get(step).copied().unwrap_or(0);
    match (tabs, count) {
        (0, 0) => usual.to_owned(),
        _ if tabs > count => "\t".to_owned(),
        _ => " ".repeat(step),
    }
}

/// One step of a document's indentation, from the lines around one of them.
pub fn document_indent(text: &Rope, line: usize, language: Option<&Language>) -> String {
    let first = line.min(text.len_lines()).saturating_sub(SAMPLE / 2);
    let lines = text.lines_at(first).take(SAMPLE).map(|line| line.chars().take(SAMPLE_CHARS).collect::<String>());
    let lines: Vec<String> = lines.collect();
    detect_indent(lines.iter().map(String::as_str), language.map_or(PLAIN, |language| &language.facts().indent))
}

/// The columns of white space; a tab counts as a whole step.
pub(crate) fn width(blanks: &str, step: usize) -> usize {
    blanks.chars().map(|c| if c == '\t' { step } else { 1 }).sum()
}

/// An answer with its lines in the document's unit and at the depth of the cursor's line. Lines inside its strings stay as they are.
pub fn reindent(text: &str, target: &Target<'_>) -> String {
    let place = CursorLine::new(target);
    let lines = Lines::of(text, &place, target.facts);
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
}

impl<'a> CursorLine<'a> {
    fn new(target: &Target<'a>) -> CursorLine<'a> {
        let step = width(target.unit, 4).max(1);
        let line_start = target.before.rfind('\n').map_or(0, |at| at + 1);
        let line = target.before.get(line_start..).unwrap_or_default();
        let own = leading(line);
        let blank = own.len() == line.len();
        let above = target.before.get(..line_start).unwrap_or_default();
        let above = above.lines().rfind(|line| !line.trim().is_empty()).filter(|_| blank);
        let opens_body = |line: &str| opens(line, target.facts);
        let expected = above.map(|line| width(leading(line), step) + if opens_body(line) { step } else { 0 });
        let opens = if blank { above.is_some_and(opens_body) } else { opens_body(line) };
        CursorLine { unit: target.unit, step, blank, own, column: width(own, step), opens, expected }
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
            Some(expected) if self.opens || own + self.column > expected => expected.max(self.column),
            _ => self.column + own,
        }
    }
}

/// Whether a line ends with the opener of a body.
fn opens(line: &str, facts: &Facts) -> bool {
    let line = line.trim_end();
    let word = facts.openers.iter().any(|opener| {
        line.strip_suffix(opener.as_str()).is_some_and(|before| {
            !opener.ends_with(char::is_alphanumeric) || !before.ends_with(|c| lex::is_word(facts, c))
        })
    });
    word || facts.brackets.iter().any(|(open, _)| line.ends_with(*open))
}

fn leading(line: &str) -> &str {
    line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
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
            }
        });
        let mut lines: Vec<Line<'_>> = lines.collect();
        for line in &mut lines {
            line.closes |= match facts.layout {
                Layout::Markup => line.text.starts_with("</"),
                // Labels are indented less.
                Layout::Braces => line.text.trim_end().ends_with(':'),
                Layout::Indent | Layout::Words => false,
            };
        }
        Lines(lines)
    }

    /// Lines after the first that show their own indentation.
    fn shown(&self) -> impl Iterator<Item = (usize, &Line<'a>)> {
        self.0.iter().enumerate().skip(1).filter(|(_, line)| !line.text.is_empty() && !line.literal)
    }

    /// The ratio of the answer's step to the document's, from the lines below an opener.
    fn scale(&self, place: &CursorLine<'_>) -> Scale {
        let first = self.0.first().filter(|line| !line.text.is_empty());
        let mut above = match first {
            Some(line) => (place.column + if place.blank { line.column } else { 0 }, line.opens),
            None => (place.column, place.opens),
        };
        let mut own: Option<usize> = None;
        let mut least = place.column;
        for (_, line) in self.shown() {
            let (column, opens) = above;
            if let Some(step) = line.column.checked_sub(column).filter(|step| opens && *step > 0) {
                own = Some(own.map_or(step, |own| own.min(step)));
            }
            least = least.min(line.column);
            above = (line.column, line.opens);
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
