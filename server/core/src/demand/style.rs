//! The form in which a file documents its items: what opens such a comment, found by most of its items. It leaves how its lines are laid out to `layout`,
//! and which comments document to `documented`.

use std::collections::HashMap;
use std::ops::Range;

use pennyworth_grammars::Facts;

use super::documented::{has_strings, is_directive};
use super::edit::Edit;
use super::item::Item;
use super::layout::Style;
use super::source::Source;
use crate::lex::{self, Kind};
use crate::present::leading;

/// Fewest items whose plain comments make these the file's form.
const MIN_PLAIN: usize = 2;

impl Source {
    /// The form of the comments that document the items of the file: the one that most of them have. `None` if none has any, or where strings or
    /// words document.
    pub fn style(&self) -> Option<&Style> {
        self.style.get_or_init(|| self.found_style()).as_ref()
    }

    fn found_style(&self) -> Option<Style> {
        let facts = self.language.facts();
        if has_strings(self.language) || !facts.doc_words.is_empty() {
            return None;
        }
        let comments: Vec<String> =
            self.items().iter().filter_map(|item| above(self, item)).filter(|it| !is_directive(it)).collect();
        let openers: Vec<&str> = comments.iter().filter_map(|comment| opener(comment, facts)).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        openers.iter().for_each(|open| *counts.entry(open).or_default() += 1);
        let count = |open: &str| counts.get(open).copied().unwrap_or_default();
        let is_doc = |open: &&&str| facts.doc_comments.is_empty() || facts.doc_comments.iter().any(|doc| doc == **open);
        let documented = openers.iter().filter(is_doc).max_by_key(|open| count(open));
        let wanted = self.items().iter().filter(|item| self.wants_documentation(item)).count();
        let is_plain = |open: &&&str| facts.plain_docs && count(open) >= MIN_PLAIN && 2 * count(open) >= wanted;
        let open = *documented.or_else(|| openers.iter().filter(is_plain).max_by_key(|open| count(open)))?;
        let close = facts.block_comments.iter().find(|(block, _)| open.starts_with(block.as_str()));
        let mut samples = comments.iter().map(String::as_str).filter(|comment| opener(comment, facts) == Some(open));
        Some(Style::of(open, close.map(|(_, close)| close.as_str()), &mut samples))
    }

    /// The opener of plain comments, if they document the items of this file.
    pub(super) fn plain_opener(&self) -> Option<&str> {
        let facts = self.language.facts();
        let style = if facts.plain_docs { self.style() } else { None };
        style.map(|style| style.open.as_str()).filter(|open| !facts.doc_comments.iter().any(|doc| doc == open))
    }
}

/// Edits that add documentation, in the form that the file has.
pub fn styled(file: &Source, edits: Vec<Edit>) -> Vec<Edit> {
    let (facts, style) = (file.language.facts(), file.style());
    let is_near = |at: usize| {
        let before = file.text.get(..at).and_then(|text| text.lines().last()).unwrap_or_default();
        let after = file.text.get(at..).and_then(|text| text.lines().next()).unwrap_or_default();
        [before, after].iter().any(|line| opener(line.trim(), facts).is_some())
    };
    let rewritten = |edit: &Edit| {
        let style = style.filter(|_| edit.range.is_empty() && !is_near(edit.range.start))?;
        let indent = leading(&edit.text);
        let lines = content(&edit.text, facts)?;
        let is_first = edit.text.get(indent.len()..).is_some_and(|text| !text.starts_with(char::is_whitespace));
        (is_first && style.takes(&lines, facts)).then(|| style.written(&lines, indent))
    };
    edits.into_iter().map(|edit| Edit { text: rewritten(&edit).unwrap_or_else(|| edit.text.clone()), ..edit }).collect()
}

/// The comment above an item, from its opener to its end, as it would stand at the margin.
fn above(source: &Source, item: &Item) -> Option<String> {
    let text = source.text.get(item.whole.start..item.range.start)?;
    let tokens = lex::scan(text, source.language.facts()).tokens;
    let mut comments = tokens.iter().filter(|token| matches!(token.kind, Kind::Comment { .. }));
    let first = comments.next()?;
    let end = comments.next_back().unwrap_or(first).end;
    let before = text.get(..first.start).filter(|before| before.trim().is_empty())?;
    let column = before.len() - before.rfind('\n').map_or(0, |line| line + 1);
    let moved = |line: &str| line.get(leading(line).len().min(column)..).unwrap_or_default().to_owned();
    Some(text.get(first.start..end)?.split_inclusive('\n').map(moved).collect())
}

/// What opens a comment: the longest opener that it begins with, if it documents what follows.
fn opener<'f>(comment: &str, facts: &'f Facts) -> Option<&'f str> {
    let blocks = facts.block_comments.iter().map(|(open, _)| open);
    let all = facts.doc_comments.iter().chain(&facts.line_comments).chain(blocks).map(String::as_str);
    let open = all.filter(|open| comment.starts_with(open)).max_by_key(|open| open.len())?;
    let is_other = |marks: &[String]| marks.iter().any(|mark| comment.starts_with(mark.as_str()));
    (!is_other(&facts.inner_docs) && !is_other(&facts.trailing_docs)).then_some(open)
}

/// The lines of a text that is one comment, without what opens, leads and closes them.
fn content(text: &str, facts: &Facts) -> Option<Vec<String>> {
    let shown = text.trim();
    let open = opener(shown, facts)?;
    let block = facts.block_comments.iter().find(|(block, _)| open.starts_with(block.as_str()));
    let bare = |line: &str| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned();
    let mut lines: Vec<String> = match block {
        Some((_, close)) => {
            let inner = shown.get(open.len()..)?.strip_suffix(close.as_str())?;
            if inner.contains(close.as_str()) {
                return None;
            }
            inner_lines(inner).into_iter().map(bare).collect()
        }
        None => shown.lines().map(|line| line.trim_start().strip_prefix(open).map(bare)).collect::<Option<_>>()?,
    };
    let filled = |line: &String| !line.trim().is_empty();
    let range: Range<usize> = lines.iter().position(filled)?..lines.iter().rposition(filled)? + 1;
    Some(lines.drain(range).collect())
}

/// The lines inside a block comment, without the stars before and around them. One of a first line, or of some lines alone, is text.
fn inner_lines(inner: &str) -> Vec<&str> {
    let (first, rest) = inner.split_once('\n').unwrap_or((inner, ""));
    let rest: Vec<&str> = rest.lines().map(str::trim_start).collect();
    let has_stars = rest.iter().filter(|line| !line.is_empty()).all(|line| line.starts_with('*'));
    let led = rest.into_iter().map(|line| if has_stars { line.strip_prefix('*').unwrap_or(line) } else { line });
    let lines = [first.trim_start_matches('*').trim_start()].into_iter().chain(led);
    lines.map(|line| if line.trim().trim_matches('*').is_empty() { "" } else { line }).collect()
}

#[cfg(test)]
mod tests;
