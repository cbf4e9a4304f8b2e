//! The ends of an answer that its lines show: the line's end, a blank line, the limit of lines, and a line that already stands below the cursor.

use super::around::Around;
use super::end::{End, Ended, Reading};
use super::head::significant;
use super::input::CutInput;
use crate::models::Shape;
use crate::present::{leading, width};
use crate::task::{Stop, Task};

/// Letters and digits that make lines a repetition of those below the cursor, and the most lines that are compared.
const MIN_SIGNIFICANT: usize = 3;
const MAX_REPEATED: usize = 3;
/// Line breaks with which an answer to the end of a line may begin.
const MAX_BLANK: usize = 2;
const MAX_BLANK_BY_LINE: usize = 4;

/// The ends that lines show: the line's end, a blank line, the limit of lines, and a line that already stands below the cursor.
pub(super) fn end(body: &str, around: &Around, input: &CutInput, reading: Reading) -> Option<End> {
    let one_line = input.by_line || input.stops.contains(&Stop::Newline) || around.mid_line();
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
            let own = width(leading(line), around.step);
            // Chats write whole lines, other models continue at the cursor.
            let at_cursor = number == 0 && !(input.shape == Shape::Chat && own >= around.indent);
            let column = own + if at_cursor { around.indent } else { 0 };
            lines.push((start, column, line.trim()));
        }
        if let Some(start) = repeated_from(&lines, around) {
            return found(start.saturating_sub(1), Ended::Repeats);
        }
        if !whole {
            return None;
        }
        number += 1;
        let below = number <= if input.by_line { MAX_BLANK_BY_LINE } else { MAX_BLANK }
            && may_begin_below(around, input.by_line)
            && body.get(..end)?.trim().is_empty();
        if one_line && !below {
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

/// Whether an answer may begin on the line below: the cursor stands behind code, or behind a text that is read line by line, with nothing after it.
fn may_begin_below(around: &Around, by_line: bool) -> bool {
    let begins_blank = by_line && around.line_before.is_empty();
    around.may_go_on() && (!around.at_line_start() || begins_blank) && (by_line || around.literal.is_none())
}

/// The offset from which the last of these lines, given with their offsets and columns, repeat those below the cursor.
fn repeated_from(lines: &[(usize, usize, &str)], around: &Around) -> Option<usize> {
    let most = if around.ends_line() { MAX_REPEATED.min(around.below.len()) } else { 0 };
    (1..=most).find_map(|count| {
        let last = lines.get(lines.len().checked_sub(count)?..)?;
        let same = |((_, column, line), below): (&(usize, usize, &str), &String)| {
            around.without_separator(line) == around.without_separator(below.trim())
                && *column == width(leading(below), around.step)
        };
        let weight: usize = last.iter().map(|(_, _, line)| significant(line)).sum();
        let repeats = weight >= MIN_SIGNIFICANT && last.iter().zip(&around.below).all(same);
        repeats.then(|| last.first().map(|(start, _, _)| *start))?
    })
}

/// Whether a line is empty; in documentation, apart from the signs of the comment.
fn is_blank(line: &str, task: Task) -> bool {
    let signs = if task == Task::DocComment { "/*#!;-%" } else { "" };
    line.chars().all(|c| c.is_whitespace() || signs.contains(c))
}
