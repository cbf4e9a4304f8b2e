//! Whether the code parses no worse with an answer than without, in an excerpt around the cursor and a bounded number of steps.
//! It leaves brackets to `trim`, and adds the end of a statement, which only a parser misses.

use tree_sitter::Tree;

use super::around::Around;
use super::end::Ended;
use crate::{lex, syntax};

/// Bytes of the excerpt before and after the cursor.
const MAX_BEFORE: usize = 4 * 1024;
const MAX_AFTER: usize = 1024;
/// Progress reports of the parser, each some hundred of its operations, after which it stops and the answer gets the benefit of the doubt.
const MAX_STEPS: usize = 300;

/// The text, with its statement ended if needed, if the code parses no worse with it than without.
pub(super) fn no_worse(text: String, ended: Ended, around: &Around) -> Option<String> {
    let Some(language) = around.language else { return Some(text) };
    // Text after an open string was read as a part of it and cannot be compared.
    if around.runs_away() {
        return Some(text);
    }
    let (before, after) = (tail(&around.before), head(&around.after));
    let mut last: Option<(Tree, usize)> = None;
    let mut steps = MAX_STEPS;
    let mut faults = |middle: &str| {
        // Brackets open beside the answer say nothing about it, but would hide its errors.
        let mut whole = [before, middle, &around.missing_closers(middle), after].concat();
        whole.push_str(&lex::scan(&whole, around.facts).closers(0));
        // All texts begin alike, so each after the first is parsed from where it differs.
        let old = last.as_ref().map(|(tree, length)| syntax::moved(tree, before.len(), *length, whole.len()));
        let tree = syntax::parse_excerpt(&whole, language, old.as_ref(), &mut steps)?;
        let faults = syntax::errors(&tree);
        last = Some((tree, whole.len()));
        Some(faults)
    };
    let Some(without) = faults("") else { return Some(text) };
    let Some(own) = faults(&text) else { return Some(text) };
    let terminator = &around.facts.terminator;
    // A separator of members may be missing, however broken the rest is.
    let enough = if terminator == "," { without.min(own.saturating_sub(1)) } else { without };
    if own <= enough {
        return Some(text);
    }
    if let Some(shorter) = text.strip_suffix(',').filter(|_| terminator == ",")
        && faults(shorter).is_some_and(|faults| faults <= without)
    {
        return Some(shorter.to_owned());
    }
    let whole_statement = !matches!(ended, Ended::Balanced | Ended::Closed);
    if whole_statement && around.at_line_end() && !terminator.is_empty() && !text.ends_with(terminator) {
        let ended = [text.as_str(), terminator].concat();
        if faults(&ended).is_some_and(|faults| faults <= enough) {
            return Some(ended);
        }
    }
    (own <= without).then_some(text)
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
