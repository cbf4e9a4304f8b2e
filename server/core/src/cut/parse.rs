//! Whether the code parses no worse with an answer than without, in an excerpt around the cursor and a bounded number of steps.
//! It leaves brackets to `trim`, and adds the end of a statement, which only a parser misses.

use tree_sitter::Tree;

use super::around::Around;
use super::end::Ended;
use super::trim::Closed;
use super::unfinished;
use crate::{lex, syntax};

/// Bytes of the excerpt before and after the cursor.
const MAX_BEFORE: usize = 4 * 1024;
const MAX_AFTER: usize = 1024;
/// Progress reports of the parser, each some hundred of its operations, after which it stops and the answer gets the benefit of the doubt.
const MAX_STEPS: usize = 300;
/// Ends of a construct that are tried behind a line that may go on.
const MAX_TAILS: usize = 4;

/// The text, with its statement ended if needed, if the code parses no worse with it than without. Nothing is added to a line that goes on in the
/// next, and to none if the text is to stay `bare`.
pub(super) fn no_worse(
    closed: Closed,
    ended: Ended,
    bare: bool,
    around: &Around,
    without: Option<Without>,
) -> Option<String> {
    if !is_judged(around) {
        return Some(closed.text);
    }
    let at_end = around.may_go_on();
    if at_end && (closed.left_open > 0 || unfinished::is_comment(&closed.text, around)) {
        return Some(closed.text);
    }
    let text = closed.text;
    let below = head(&around.after);
    let Without { faults, last, steps } = without.unwrap_or_else(|| self::without(around));
    let mut parses = Parses { around, last, steps };
    let Some(without) = faults else { return Some(text) };
    let Some(own) = parses.faults(&text, "", below) else { return Some(text) };
    let terminator = &around.facts.terminator;
    // A separator of members may be missing, however broken the rest is.
    let enough = if terminator == "," && !bare { without.min(own.saturating_sub(1)) } else { without };
    if own <= enough {
        return Some(text);
    }
    if let Some(shorter) = text.strip_suffix(',').filter(|_| terminator == "," && !bare)
        && parses.faults(shorter, "", below).is_some_and(|faults| faults <= without)
    {
        return Some(shorter.to_owned());
    }
    let unfinished = at_end && unfinished::is_unfinished(&text, around);
    // A name that was cut behind may go on.
    let is_cut = matches!(ended, Ended::Length | Ended::CutOff) && text.ends_with(char::is_alphanumeric);
    let whole_statement = !is_cut && !matches!(ended, Ended::Balanced | Ended::Closed);
    if whole_statement && at_end && !unfinished && !terminator.is_empty() && !text.ends_with(terminator) {
        let ended = [text.as_str(), terminator].concat();
        if parses.faults(&ended, "", below).is_some_and(|faults| faults <= enough) {
            return Some(if bare { text } else { ended });
        }
    }
    let whole_lines = at_end && !matches!(ended, Ended::Unseen | Ended::Marker | Ended::Loops);
    (own <= without || unfinished || (whole_lines && parses.may_go_on(&text))).then_some(text)
}

/// Whether answers are judged by a parse here. Text after an open string was read as a part of it and cannot be compared, nor can text whose openers
/// are not known.
pub(super) fn is_judged(around: &Around) -> bool {
    let has_grammar = around.language.grammar().is_some() && !around.facts.dialects;
    around.may_parse && has_grammar && !around.runs_away() && !around.lacks_openers()
}

/// The parse of the text around the cursor without any answer.
#[derive(Clone)]
pub(super) struct Without {
    /// The errors; `None` if the parser gave up.
    faults: Option<usize>,
    last: Option<(Tree, String)>,
    steps: usize,
}

/// Parses the text around the cursor without any answer.
pub(super) fn without(around: &Around) -> Without {
    let mut parses = Parses { around, last: None, steps: MAX_STEPS };
    let faults = parses.faults("", "", head(&around.after));
    Without { faults, last: parses.last, steps: parses.steps }
}

/// Parses of an answer between the text before the cursor and the text after it. They begin and end alike, so each after the first is parsed where
/// it differs.
struct Parses<'a> {
    around: &'a Around,
    last: Option<(Tree, String)>,
    steps: usize,
}

impl Parses<'_> {
    /// The errors with an answer, with more behind it, and with a text below; `None` if the parser gave up.
    fn faults(&mut self, middle: &str, behind: &str, below: &str) -> Option<usize> {
        let before = tail(&self.around.before);
        // Brackets open beside the answer say nothing about it, but would hide its errors.
        let mut whole = [before, middle, behind, &self.around.missing_closers(middle), below].concat();
        whole.push_str(&lex::scan(&whole, self.around.facts).closers(0));
        let old = self.last.as_ref().map(|(tree, text)| syntax::rebased(tree, text, &whole));
        let tree = syntax::parse_excerpt(&whole, self.around.language, old.as_ref(), &mut self.steps)?;
        let faults = syntax::errors(&tree);
        self.last = Some((tree, whole));
        Some(faults)
    }

    /// Whether the text up to the answer's end is the beginning of code without an error: what stands below may belong to what the user is in
    /// the middle of writing, such as the body of a head.
    fn may_go_on(&mut self, text: &str) -> bool {
        let facts = self.around.facts;
        let Some(without) = self.faults("", "", "") else { return true };
        let tails = facts.tails.iter().map(String::as_str).take(MAX_TAILS);
        let member = if text.ends_with('.') { "x" } else { "" };
        let ends = [member, facts.terminator.as_str()].into_iter().chain(tails);
        let text = if facts.terminator == "," { self.around.without_separator(text) } else { text };
        ends.into_iter().any(|end| self.faults(text, end, "").is_none_or(|faults| faults <= without))
    }
}

/// The end of a text, from a line's start.
fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(MAX_BEFORE);
    let cut = (start..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default();
    if start == 0 { text } else { cut.split_once('\n').map_or("", |(_, lines)| lines) }
}

/// The beginning of a text, to a line's end.
fn head(text: &str) -> &str {
    if text.len() <= MAX_AFTER {
        return text;
    }
    let cut = (0..=MAX_AFTER).rev().find_map(|at| text.get(..at)).unwrap_or_default();
    cut.rsplit_once('\n').map_or("", |(lines, _)| lines)
}
