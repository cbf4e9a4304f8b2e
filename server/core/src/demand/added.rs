//! Where imports go that a file does not have: to the others, or above its code; those that come before all others, above these. It leaves which they are
//! to `imports`.

use super::documented::is_directive;
use super::edit::Edit;
use super::head::{once_at, skipped};
use super::import::Import;
use super::imports::{Missing, imports, inner_indent, opened, parts};
use super::item::Item;
use super::source::Source;
use super::statement::{begins, line_at};
use crate::present::leading;

/// The edits that add imports to those of a file, or to those of `holder`. `None` where they have no place.
pub(super) fn added(missing: &[Missing], source: &Source, holder: Option<&Item>) -> Option<Vec<Edit>> {
    let there = imports(source, holder);
    let first = parts(source, holder).map(|item| item.whole.start).min();
    let early: Vec<&Import> =
        there.iter().filter(|import| first.is_none_or(|first| import.range.end <= first)).collect();
    let (marks, text) = (&source.language.facts().head.first, source.text.as_str());
    let rank = |text: &str| marks.iter().position(|mark| begins(text, mark)).unwrap_or(marks.len());
    let (mut edits, mut before): (Vec<Edit>, Vec<&Missing>) = (Vec::new(), Vec::new());
    for now in 0..=marks.len() {
        let these: Vec<&Missing> = missing.iter().filter(|import| rank(&import.text) == now).collect();
        match early.iter().rfind(|import| rank(&import.text) <= now) {
            _ if these.is_empty() => {}
            Some(last) => edits.push(block(last, &these, source).unwrap_or_else(|| behind(last, &these, text))),
            None => before.extend(these),
        }
    }
    if !before.is_empty() {
        edits.insert(0, above(&before, source, holder, early.first().copied())?);
    }
    Some(edits)
}

/// Adds lines above all imports of a file, or of an item of it. `first` is the first of them.
fn above(missing: &[&Missing], source: &Source, holder: Option<&Item>, first: Option<&Import>) -> Option<Edit> {
    let text = &source.text;
    let (at, indent) = match holder {
        Some(holder) => (opened(text, holder)?, inner_indent(source, holder)),
        None => (top(source), String::new()),
    };
    let (before, rest) = text.split_at_checked(at)?;
    let is_blank = |line: Option<&str>| line.is_none_or(|line| line.trim().is_empty());
    let lead = match before {
        "" => "",
        before if !before.ends_with('\n') => "\n\n",
        before if holder.is_some() || is_blank(before.lines().last()) => "",
        _ => "\n",
    };
    let is_next = first.is_some_and(|first| first.range.start == at);
    let tail = if is_next || is_blank(rest.lines().next()) { "" } else { "\n" };
    Some(Edit { range: at..at, text: format!("{lead}{}{tail}", indented(missing, &indent)) })
}

/// Adds names to a block that has each on a line of its own (Go's).
fn block(last: &Import, missing: &[&Missing], source: &Source) -> Option<Edit> {
    let (at, indent) = last.block.as_ref()?;
    let names = missing.iter().flat_map(|import| &import.names);
    // What no form of the language fits is no name, but a whole import.
    let is_name = |name: &&String| !source.language.facts().head.imports.iter().any(|mark| begins(name, mark));
    let names: Option<Vec<String>> =
        names.map(|name| Some(name).filter(is_name).map(|name| format!("{indent}{name}\n"))).collect();
    Some(Edit { range: *at..*at, text: names?.concat() })
}

/// Adds lines behind an import.
fn behind(last: &Import, missing: &[&Missing], text: &str) -> Edit {
    let indent = leading(line_at(text, last.range.start));
    let lead = if text.get(..last.range.end).is_some_and(|before| before.ends_with('\n')) { "" } else { "\n" };
    Edit { range: last.range.end..last.range.end, text: format!("{lead}{}", indented(missing, indent)) }
}

fn indented(missing: &[&Missing], indent: &str) -> String {
    missing.iter().flat_map(|import| import.text.lines()).map(|line| format!("{indent}{line}\n")).collect()
}

/// Where the first imports of a file go: behind what stands once, else above all code with the comments that belong to it.
fn top(source: &Source) -> usize {
    let (text, facts) = (source.text.as_str(), source.language.facts());
    let mut end = 0;
    loop {
        let at = skipped(text, end, facts);
        let Some(line) = once_at(text, at, facts) else { break };
        end = at + line.len();
    }
    if end > 0 {
        return end;
    }
    let code = skipped(text, 0, facts);
    let first = source.items().iter().find(|item| item.whole.start <= code && code < item.range.end);
    let at = first.map_or(code, |item| item.whole.start.min(code));
    // Some comments are for what comes before all imports.
    let is_first = |line: &str| {
        let shown = line.trim_start();
        shown.starts_with("#!")
            || is_directive(shown) && at == 0
            || facts.inner_docs.iter().any(|mark| shown.starts_with(mark.as_str()))
    };
    let lines = text.get(at..code).unwrap_or_default().split_inclusive('\n').take_while(|line| is_first(line));
    at + lines.map(str::len).sum::<usize>()
}

#[cfg(test)]
mod tests;
