//! Which imports of new code a file does not have, and where they go in it. It leaves reading them to `head`, and what else new code holds to `joined`.

use std::collections::BTreeSet;
use std::ops::Range;

use pennyworth_grammars::Language;

use super::documented::is_directive;
use super::edit::Edit;
use super::head::{Import, Single, import_at, is_once, line_at, separated, skipped};
use super::item::Item;
use super::source::Source;
use crate::lex::{self, Kind};
use crate::present::detect_indent;

/// Whether a text has an import.
pub(super) fn has_any(text: &str, language: &Language) -> bool {
    text.lines().any(|line| import_at(line.trim_start(), 0, language.facts()).is_some())
}

/// What is to be added of some imports to a file that has its tests in `holder`: those of their names that it does not have, each as a line. `above` is what
/// else will stand there.
pub(super) fn missing(new: &[Import], source: &Source, holder: Option<&Item>, above: &str) -> Vec<String> {
    let facts = source.language.facts();
    let there = imports(source, holder);
    let above = above.lines().filter_map(|line| import_at(line.trim_start(), 0, facts));
    let key = |single: &Single| single.key(facts);
    let mut known: BTreeSet<String> =
        there.into_iter().chain(above).flat_map(|import| import.singles).map(|single| key(&single)).collect();
    let mut lines = Vec::new();
    for import in new {
        let fresh: Vec<&Single> = import.singles.iter().filter(|single| known.insert(key(single))).collect();
        match fresh.len() == import.singles.len() {
            true => lines.push(import.text.clone()),
            false => lines.extend(fresh.into_iter().map(Single::shown)),
        }
    }
    lines
}

/// The edit that adds lines to the imports of a file, or to those of `holder`. `None` where they have no place.
pub(super) fn added(lines: &[String], source: &Source, holder: Option<&Item>) -> Option<Edit> {
    let (text, there) = (&source.text, imports(source, holder));
    let first = parts(source, holder).map(|item| item.whole.start).min();
    let early = there.iter().rfind(|import| first.is_none_or(|first| import.range.end <= first));
    if let Some(last) = early {
        return Some(block(last, lines, text).unwrap_or_else(|| behind(last, lines, text)));
    }
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
    let tail = if is_blank(rest.lines().next()) { "" } else { "\n" };
    Some(Edit { range: at..at, text: format!("{lead}{}{tail}", indented(lines, &indent)) })
}

/// The imports that stand directly in a file, or in an item of it.
fn imports(source: &Source, holder: Option<&Item>) -> Vec<Import> {
    let (text, facts) = (source.text.as_str(), source.language.facts());
    let tokens = lex::scan(text, facts).tokens;
    let is_code = |at: usize| {
        let place = tokens.binary_search_by_key(&at, |token| token.start);
        place
            .ok()
            .and_then(|place| tokens.get(place))
            .is_some_and(|token| !matches!(token.kind, Kind::String | Kind::Comment { .. }))
    };
    let parts: Vec<Range<usize>> = parts(source, holder).map(|item| item.range.clone()).collect();
    let (mut at, end) = match holder {
        Some(holder) => (opened(text, holder).unwrap_or(holder.range.end), holder.range.end),
        None => (0, text.len()),
    };
    let (mut found, mut conditions) = (Vec::new(), 0_usize);
    while at < end {
        let line = line_at(text, at);
        let start = at + line.len() - line.trim_start().len();
        let next = at + line.len();
        let begins = |mark: &String| line.trim_start().starts_with(mark.as_str());
        at = next;
        if let Some(part) = parts.iter().find(|part| part.contains(&start)) {
            at = text.get(part.end..).and_then(|rest| rest.find('\n')).map_or(end, |line| part.end + line + 1);
        } else if facts.head.conditions.iter().any(|(open, _)| begins(open)) {
            conditions += 1;
        } else if facts.head.conditions.iter().any(|(_, close)| begins(close)) {
            conditions = conditions.saturating_sub(1);
        } else if conditions == 0 && is_code(start) && (holder.is_some() || !line.starts_with([' ', '\t'])) {
            let import = import_at(text, next - line.len(), facts);
            at = import.as_ref().map_or(next, |import| import.range.end);
            found.extend(import);
        }
    }
    found
}

/// The items with a body that stand in a file, or in an item of it.
fn parts<'s>(source: &'s Source, holder: Option<&'s Item>) -> impl Iterator<Item = &'s Item> {
    let is_in = move |item: &&Item| {
        holder.is_none_or(|holder| holder.range.start < item.range.start && item.range.end <= holder.range.end)
    };
    source.items().iter().filter(|item| item.body.is_some()).filter(is_in)
}

/// Adds names to a block that has each on a line of its own (Go's).
fn block(last: &Import, lines: &[String], text: &str) -> Option<Edit> {
    let before = &last.singles.first()?.before;
    let names = text.get(last.range.clone())?;
    let is_block = names.lines().next()?.trim_end().ends_with('(') && !names.contains(',') && !before.is_empty();
    let close = is_block.then(|| names.trim_end().rfind('\n')).flatten()? + 1;
    let entry = names.lines().rfind(|line| line.starts_with([' ', '\t']))?;
    let indent = entry.get(..entry.len() - entry.trim_start().len())?;
    let whole = lines.iter().map(|line| {
        let inside = line.strip_prefix(before.as_str())?;
        let inside = inside.strip_prefix('(').and_then(|list| list.trim_end().strip_suffix(')')).unwrap_or(inside);
        Some(separated(inside).map(|name| format!("{indent}{name}\n")).collect::<String>())
    });
    let at = last.range.start + close;
    Some(Edit { range: at..at, text: whole.collect::<Option<String>>()? })
}

/// Adds lines behind an import.
fn behind(last: &Import, lines: &[String], text: &str) -> Edit {
    let line = line_at(text, last.range.start);
    let indent = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
    let lead = if text.get(..last.range.end).is_some_and(|before| before.ends_with('\n')) { "" } else { "\n" };
    Edit { range: last.range.end..last.range.end, text: format!("{lead}{}", indented(lines, indent)) }
}

fn indented(lines: &[String], indent: &str) -> String {
    let lines = lines.iter().flat_map(|import| import.lines());
    lines.map(|line| format!("{indent}{line}\n")).collect()
}

/// The byte behind the line on which the body of an item opens, if it does not close there, too.
fn opened(text: &str, holder: &Item) -> Option<usize> {
    let body = holder.body?;
    let line = body + text.get(body..holder.range.end)?.find('\n')? + 1;
    Some(line)
}

/// The indentation of what stands in an item.
fn inner_indent(source: &Source, holder: &Item) -> String {
    let text = source.text.as_str();
    let indent = |at: usize| {
        let line = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |line| line + 1);
        let line = line_at(text, line);
        line.get(..line.len() - line.trim_start().len()).unwrap_or_default().to_owned()
    };
    let first = parts(source, Some(holder)).next().map(|item| indent(item.range.start));
    first.unwrap_or_else(|| indent(holder.range.start) + &detect_indent(text.lines(), &source.language.facts().indent))
}

/// Where the first imports of a file go: behind what stands once, else above all code with the comments that belong to it.
fn top(source: &Source) -> usize {
    let (text, facts) = (source.text.as_str(), source.language.facts());
    let mut end = 0;
    loop {
        let at = skipped(text, end, facts);
        if !is_once(text, at, facts) {
            break;
        }
        end = at + line_at(text, at).len();
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
    let kept: usize = text
        .get(at..code)
        .unwrap_or_default()
        .split_inclusive('\n')
        .take_while(|line| is_first(line))
        .map(str::len)
        .sum();
    at + kept
}

#[cfg(test)]
mod tests;
