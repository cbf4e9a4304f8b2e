//! Whether the code parses no worse with an answer than without, judged on an excerpt around the cursor within a bounded number of steps.
//! It leaves lexical repairs to `trim`; what only the parser shows to be missing is added here.

use std::ops::ControlFlow;

use pennyworth_grammars::Layout;
use tree_sitter::{ParseOptions, Parser, TreeCursor};

use super::around::{Around, leading};
use super::{CutInput, walk};

/// Bytes of the excerpt before and after the cursor.
const MAX_BEFORE: usize = 6 * 1024;
const MAX_AFTER: usize = 2 * 1024;
/// Times the parser reports progress (each some hundred steps) before it is stopped and the answer gets the benefit of the doubt.
const MAX_REPORTS: u32 = 2_000;

/// The text, with its statement or body ended where that is needed, if the code parses no worse with it than without.
pub(super) fn no_worse(text: String, around: &Around, input: &CutInput) -> Option<String> {
    let Some(language) = input.language else { return Some(text) };
    let mut parser = Parser::new();
    if parser.set_language(language.parser()).is_err() {
        return Some(text);
    }
    let (before, after) = (tail(&around.before), head(&around.after));
    let mut faults = |middle: &str| faults(&mut parser, &[before, middle, after].concat());
    let Some(without) = faults("") else { return Some(text) };
    for candidate in std::iter::once(String::new()).chain(endings(&text, around)) {
        let with = [text.as_str(), &candidate].concat();
        match faults(&with) {
            Some(faults) if faults > without => {}
            _ => return Some(with),
        }
    }
    None
}

/// What may be missing at the end of an answer that was cut at a line's end: the statement's terminator, or the word that closes the body it opens.
fn endings(text: &str, around: &Around) -> Vec<String> {
    let facts = around.facts;
    let mut endings = Vec::new();
    if !around.at_line_end() {
        return endings;
    }
    if !facts.terminator.is_empty() && !text.trim_end().ends_with(&facts.terminator) {
        endings.push(facts.terminator.clone());
    }
    if facts.layout == Layout::Words {
        let words = facts.closers.iter().filter(|word| walk::FINAL.contains(&word.as_str()) && *word != "}");
        endings.extend(words.map(|word| format!("\n{}{word}", leading(&around.line_before))));
    }
    endings
}

/// Errors and missing tokens in a text; `None` if it takes too long to tell.
fn faults(parser: &mut Parser, text: &str) -> Option<usize> {
    let mut reports = 0;
    let mut limit = |_: &_| {
        reports += 1;
        if reports > MAX_REPORTS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let bytes = text.as_bytes();
    let options = ParseOptions::new().progress_callback(&mut limit);
    parser.reset();
    let tree = parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))?;
    Some(count(&mut tree.walk()))
}

fn count(cursor: &mut TreeCursor<'_>) -> usize {
    let mut faults = 0;
    loop {
        let node = cursor.node();
        faults += usize::from(node.is_error() || node.is_missing());
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return faults;
            }
        }
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
