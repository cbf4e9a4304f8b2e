//! The step of a document's indentation, as its lines show it. It leaves reindenting to `indent`.

use std::borrow::Cow;

use pennyworth_grammars::Language;
use ropey::Rope;

use super::columns::leading;

/// Lines, and characters of each, from which a document's step is read.
const SAMPLE: usize = 200;
const SAMPLE_CHARS: usize = 80;
/// Most columns of a step; more are an alignment.
const MAX_STEP: usize = 8;

/// Lines one blank deeper than the line above that make a step of it.
const MIN_SINGLE: usize = 4;

/// What a line below the opener of a body shows more than another: that may be the second of a statement.
const BELOW_OPENER: usize = 3;

/// How often lines are so many blanks deeper than the line above.
#[derive(Clone, Copy, Default)]
struct Increases {
    count: usize,
    weight: usize,
}

/// One step of indentation as the lines show it: a tab, or the most frequent increase in spaces from one line to the next; `usual` if they show
/// none.
pub fn detect_indent<'a>(lines: impl IntoIterator<Item = &'a str>, usual: &str) -> String {
    let (mut tabs, mut spaces, mut above) = (0, [Increases::default(); MAX_STEP + 1], (0, false));
    for line in lines {
        let text = line.trim_start_matches([' ', '\t']);
        if text.trim().is_empty() {
            continue;
        }
        let blanks = line.len() - text.len();
        if line.starts_with('\t') {
            tabs += 1;
            continue;
        }
        // The stars of a block comment stand one column to the right of its opener.
        if text.starts_with('*') {
            continue;
        }
        let (column, opens) = above;
        if let Some(step) = blanks.checked_sub(column).filter(|step| *step > 0).and_then(|step| spaces.get_mut(step)) {
            step.count += 1;
            step.weight += if opens { BELOW_OPENER } else { 1 };
        }
        above = (blanks, text.trim_end().ends_with(['{', ':']));
    }
    let of = |step: usize| spaces.get(step).copied().unwrap_or_default();
    let step = (2..=MAX_STEP).max_by_key(|step| (of(*step).weight, std::cmp::Reverse(*step))).unwrap_or(0);
    let count = of(step).count;
    // A single blank is mostly an alignment.
    let single = Some(of(1).count).filter(|single| *single >= MIN_SINGLE && *single > 2 * count);
    let (step, count) = single.map_or((step, count), |single| (1, single));
    match (tabs, count) {
        (0, 0) => usual.to_owned(),
        _ if tabs > count => "\t".to_owned(),
        _ => " ".repeat(step),
    }
}

/// One step of a document's indentation, from the lines around one of them.
pub fn document_indent(text: &Rope, line: usize, language: &Language) -> String {
    let first = line.min(text.len_lines()).saturating_sub(SAMPLE / 2);
    let lines =
        text.lines_at(first).take(SAMPLE).map(|line| Cow::from(line.slice(..line.len_chars().min(SAMPLE_CHARS))));
    // Nearly every line is borrowed: this runs at each key.
    let lines: Vec<Cow<'_, str>> = lines.collect();
    let usual = &language.facts().indent;
    let shown = detect_indent(lines.iter().map(AsRef::as_ref), "");
    if !shown.is_empty() {
        return shown;
    }
    // The first line of a body that a user or an editor has indented shows the step before it holds anything.
    let own = line.checked_sub(first).and_then(|own| lines.get(own)).map(|line| leading(line)).unwrap_or_default();
    let begun = format!("{own}.");
    let lines = lines.iter().enumerate().map(|(number, text)| match number + first == line && text.trim().is_empty() {
        true => begun.as_str(),
        false => text.as_ref(),
    });
    detect_indent(lines, usual)
}
