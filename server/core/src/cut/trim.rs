//! Fits the end of an answer to the text around it: removes a part cut short and text that already follows the cursor, and closes open brackets.
//! It leaves indentation to `present`.

use pennyworth_grammars::Layout;

use super::around::Around;
use super::unfinished::is_unfinished;
use super::walk::has_patterns;
use crate::lex::{self, Kind, Nest, Scan, Token};
use crate::present::{leading, width};

/// An answer cut short, without the line or token that may be incomplete.
pub(super) fn to_whole<'a>(body: &'a str, around: &Around) -> &'a str {
    let lines = body.rfind('\n').and_then(|at| body.get(..at));
    if let Some(lines) = lines.filter(|lines| !lines.trim().is_empty()) {
        return without_empty_body(lines, around);
    }
    let (text, scan) = around.scan(body);
    let from = around.context.len();
    if scan.literal().is_some_and(|open| open.start < from) {
        return body.trim_end_matches(|c: char| !c.is_whitespace());
    }
    let mut tokens = scan.tokens.iter().filter(|token| token.end > from).rev().peekable();
    if let Some(Token { kind: Kind::Comment { .. }, end, .. }) = tokens.peek()
        && *end == text.len()
    {
        return body.trim_end_matches(|c: char| !c.is_whitespace());
    }
    let partial = |kind| matches!(kind, Kind::Word) || (kind == Kind::String && scan.literal().is_some());
    tokens.next_if(|token| token.end == text.len() && partial(token.kind));
    let whole = end_of(tokens, from, around).filter(|end| is_enough(*end, body));
    whole.and_then(|end| body.get(..end)).unwrap_or_default()
}

/// Whether so many bytes are at least half of a text: less would not say the same.
fn is_enough(bytes: usize, text: &str) -> bool {
    bytes * 2 >= text.len()
}

/// The lines without heads of bodies at the end: an indented body that has not begun cannot be closed.
fn without_empty_body<'a>(lines: &'a str, around: &Around) -> &'a str {
    let text = lines.trim_end();
    let opens = around.facts.openers.iter().any(|opener| text.ends_with(opener.as_str()));
    match text.rfind('\n').and_then(|at| text.get(..at)) {
        Some(above) if opens && around.facts.layout == Layout::Indent => without_empty_body(above, around),
        _ => lines,
    }
}

/// The end of the last token that may end an answer: no operator, and no open bracket with the name before it. The tokens come last first.
fn end_of<'t>(tokens: impl Iterator<Item = &'t Token>, from: usize, around: &Around) -> Option<usize> {
    let mut name = false;
    let mut wants_more = |token: &&Token| match token.kind {
        Kind::Sign(c) => !around.facts.terminator.contains(c) && !matches!(c, '?' | '!'),
        Kind::Open(_) => {
            name = true;
            true
        }
        Kind::Word => std::mem::take(&mut name),
        _ => false,
    };
    let mut tokens = tokens.skip_while(|token| wants_more(token));
    tokens.next().map(|token| token.end.saturating_sub(from))
}

/// An answer without text that already follows the cursor and without trailing blanks; `None` if nothing is left.
pub(super) fn fit(kept: &str, around: &Around) -> Option<String> {
    let text = match around.at_line_end() {
        true => without_lines_below(kept.trim_end(), around),
        false => without_rest_of_line(kept, around),
    };
    let trimmed = text.trim_end();
    if trimmed.trim().is_empty() {
        return None;
    }
    let blanks = text.get(trimmed.len()..).unwrap_or_default();
    let next = around.line_after.chars().next();
    let closer = around.line_after.trim_start().chars().next().filter(|c| is_closer(*c, around));
    let mut fitted = trimmed.to_owned();
    match (blanks.rfind('\n'), next) {
        (_, None) => {}
        // A closer after the cursor goes to a line of its own if the answer put it there.
        (Some(at), Some(_)) if closer.is_some() => fitted.push_str(blanks.get(at..).unwrap_or_default()),
        (None, Some(_))
            if closer == Some('}')
                && !around.may_go_on()
                && trimmed.trim_start_matches([' ', '\t']).starts_with('\n') =>
        {
            fitted.push('\n');
            fitted.push_str(leading(&around.line_before));
        }
        (None, Some(c)) if !c.is_whitespace() && closer.is_none() && !",;".contains(c) => fitted.push_str(blanks),
        _ => {}
    }
    Some(fitted)
}

pub(super) fn is_closer(c: char, around: &Around) -> bool {
    around.facts.brackets.iter().any(|(_, close)| *close == c)
}

/// The text without the lines at its end that already stand below the cursor.
fn without_lines_below<'a>(text: &'a str, around: &Around) -> &'a str {
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let most = starts.len().min(around.below.len());
    for count in (1..=most).rev() {
        let Some(start) = starts.get(starts.len() - count).copied() else { continue };
        let (Some(tail), Some(kept)) = (text.get(start..), text.get(..start)) else { continue };
        let same = tail
            .split('\n')
            .zip(&around.below)
            .all(|(line, below)| around.without_separator(line.trim()) == around.without_separator(below.trim()));
        if !same || (start == 0 && !around.at_line_start()) {
            continue;
        }
        let own = width(leading(tail), around.step) + if start == 0 { around.indent } else { 0 };
        let below = around.below.first().map_or(0, |line| width(leading(line), around.step));
        if own == below && (is_whole(kept, around) || is_unfinished(kept, around)) {
            return kept;
        }
    }
    text
}

/// The text without its end that already follows the cursor on its line.
fn without_rest_of_line<'a>(text: &'a str, around: &Around) -> &'a str {
    let rest = around.line_after.trim_end();
    let is_word = |c: char| lex::is_word(around.facts, c);
    for (at, last) in rest.char_indices().rev() {
        let (overlap, beyond) = rest.split_at(at + last.len_utf8());
        let Some(kept) = text.strip_suffix(overlap) else { continue };
        let starts_word = overlap.starts_with(is_word);
        let starts_whole = !starts_word || (!kept.ends_with(is_word) && overlap.len() >= 3);
        let ends_whole = !(is_word(last) && beyond.starts_with(is_word));
        if starts_whole && ends_whole && is_whole(kept, around) {
            return kept;
        }
    }
    text
}

/// Whether the brackets around the cursor are as balanced with a text between them as without.
pub(super) fn is_balanced(closed: &Closed, around: &Around) -> bool {
    let faults = |text: &str| {
        let scan = lex::scan(&[around.before.as_str(), text, &around.after].concat(), around.facts);
        let stray = if has_patterns(around.facts) { 0 } else { scan.unopened.len() };
        scan.open.iter().filter(|open| wants_closer(&open.nest)).count() + stray
    };
    let without = faults("");
    // After an open string, quotes and code have changed places. If the whole is balanced anyway, it was no string but a regular expression with a
    // quote, or the cursor is between the two signs of `*/`.
    if around.runs_away() && without > 0 {
        return true;
    }
    // If the text goes on beyond the known part, what seems balanced may lack an opener.
    let reopened = if around.complete && without == 0 { 0 } else { closed.reopened };
    faults(&closed.text) <= without + reopened.max(closed.left_open)
}

/// Whether a text leaves nothing open that was not open before it.
fn is_whole(text: &str, around: &Around) -> bool {
    let (_, scan) = around.scan(text);
    scan.open.iter().all(|open| open.start < around.context.len() || is_line_comment(&open.nest))
}

/// Whether an open item needs a sign to close it.
fn wants_closer(nest: &Nest) -> bool {
    !matches!(nest, Nest::Block(_)) && !is_line_comment(nest)
}

fn is_line_comment(nest: &Nest) -> bool {
    matches!(nest, Nest::Comment { close, .. } if close.is_empty())
}

/// A text with its brackets closed.
pub(super) struct Closed {
    pub(super) text: String,
    /// Openers whose closers stand after the cursor.
    reopened: usize,
    /// Openers left for the user to fill.
    pub(super) left_open: usize,
}

/// A text to which nothing is added: openers in it stay open, and the user, or the next line of the same answer, will close them.
pub(super) fn left_open(text: &str, around: &Around) -> Closed {
    let (_, scan) = around.scan(text);
    let open = scan.open.iter().filter(|open| open.start >= around.context.len() && wants_closer(&open.nest));
    Closed { text: text.to_owned(), reopened: 0, left_open: open.count() }
}

/// What becomes of that which a text leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// It is closed where the text has filled it, and so is a string or comment around the cursor.
    Filled,
    /// It is closed where the text has filled it: more lines were to come.
    Lines,
    /// All stays open: the line is whole, and more was to come.
    Line,
    /// All stays open but a string: the line may be cut.
    Part,
}

/// Closes what a text opens and fills; an open string is removed unless it spans lines.
pub(super) fn close(text: &str, closing: Closing, around: &Around) -> Option<Closed> {
    let from = around.context.len();
    let (whole, mut scan) = around.scan(text);
    let mut text = text.to_owned();
    // An open string and a comment that would swallow the rest of the line cannot stay.
    let goes_on = closing == Closing::Line && around.may_go_on();
    let unwanted = |nest: &Nest| match nest {
        // Some end with the line.
        Nest::String { close, multiline, .. } => !((*multiline || close.trim().is_empty()) && goes_on),
        Nest::Interpolation(_) => !goes_on,
        _ => is_line_comment(nest) && !around.at_line_end(),
    };
    if let Some(open) = scan.open.iter().find(|open| open.start >= from && unwanted(&open.nest)) {
        let before = scan.tokens.iter().filter(|token| token.end > from && token.end <= open.start).rev();
        let enough = |end: &usize| *end > 0 && is_enough(*end, &text);
        let end = end_of(before, from, around).filter(enough)?;
        text.truncate(end);
        scan = around.scan(&text).1;
    }
    if closing == Closing::Filled
        && let Some(close) = missing_close(&text, &scan, around)
    {
        text.push_str(&close);
        return Some(Closed { text, reopened: 0, left_open: 0 });
    }
    if around.may_go_on() && (!matches!(closing, Closing::Filled | Closing::Lines) || is_unfinished(&text, around)) {
        return Some(left_open(&text, around));
    }
    let (mut surplus, mut reopened) = (around.surplus.clone(), 0);
    for open in scan.open.iter().rev().take_while(|open| open.start >= from) {
        let line = whole.get(..open.start).unwrap_or_default().rfind('\n').map_or(0, |at| at + 1);
        let blanks = leading(whole.get(line..).unwrap_or_default());
        match &open.nest {
            Nest::Comment { close, .. } if !close.is_empty() && !around.ends_comment(close) => {
                text.push_str(&format!(" {close}"));
            }
            Nest::Bracket(opener, close) => {
                if surplus.take_surplus(*close, width(blanks, around.step)) {
                    reopened += 1;
                    continue;
                }
                let after = text.get(open.start - from + opener.len_utf8()..).unwrap_or_default();
                if own_line(*opener, after, around) {
                    text.push_str(&format!("\n{blanks}"));
                }
                text.push(*close);
            }
            // A closing word that something must follow cannot be added.
            Nest::Block(close)
                if close.split_whitespace().count() == 1 && !closes_below(close.trim(), blanks, around) =>
            {
                text.push_str(&format!("\n{blanks}{}", close.trim()));
            }
            _ => {}
        }
    }
    Some(Closed { text, reopened, left_open: 0 })
}

/// Whether the first line below with no deeper indentation closes a body by this word.
fn closes_below(word: &str, blanks: &str, around: &Around) -> bool {
    let indent = width(blanks, around.step);
    let line = around.below.iter().find(|line| width(leading(line), around.step) <= indent);
    line.is_some_and(|line| {
        let first = line.split(|c: char| c.is_whitespace() || c == '(').find(|word| !word.is_empty());
        let divides = first.is_some_and(|first| around.facts.closers.iter().any(|closer| closer == first));
        (first == Some(word) || divides) && width(leading(line), around.step) == indent
    })
}

/// The closer of the string or comment around the cursor, if the text fills it and nothing else closes it.
fn missing_close(text: &str, scan: &Scan, around: &Around) -> Option<String> {
    let literal = around.literal.as_ref().filter(|literal| !literal.closed && around.at_line_end())?;
    let open = scan.literal().filter(|open| open.start < around.context.len())?;
    let comment = matches!(open.nest, Nest::Comment { .. });
    let blanks = leading(&around.line_before);
    Some(match text.contains('\n') {
        true => format!("\n{blanks}{}", literal.close),
        false if comment => format!(" {}", literal.close),
        false => literal.close.clone(),
    })
}

/// Whether a closer belongs on a line of its own, by its opener and the text after that.
fn own_line(opener: char, after: &str, around: &Around) -> bool {
    let first = after.split('\n').next().unwrap_or_default();
    let broken = after.contains('\n') && first.trim().is_empty();
    // In languages with neither statements nor members, braces hold values.
    let statements = !around.facts.terminator.is_empty() || !around.facts.member_operators.is_empty();
    let body = opener == '{' && after.trim().is_empty() && statements;
    around.at_line_end() && (broken || body)
}
