//! Reads the head of some code: what stands once before its imports, and these. It leaves reading one import to `import`, and which of them a file needs
//! to `imports`.

use pennyworth_grammars::{Facts, Language};

use super::import::Import;
use super::statement::{Code, begins, line_at};
use crate::lex::{self, Kind};

/// What joins the words of a name.
const JOINS: [&str; 4] = [".", "/", "\\", ":"];

/// The head of some code.
pub(super) struct Head<'t> {
    /// The lines that stand once in a file.
    pub(super) once: Vec<&'t str>,
    /// The imports.
    pub(super) imports: Vec<Import>,
    /// What follows.
    pub(super) rest: &'t str,
}

/// The head of some code. Comments belong to it if more of it follows.
pub(super) fn head<'t>(text: &'t str, language: &Language) -> Head<'t> {
    let (code, facts) = (Code::new(text, language.facts()), language.facts());
    let (mut once, mut imports, mut end) = (Vec::new(), Vec::new(), 0);
    loop {
        let at = skipped(text, end, facts);
        if let Some(line) = once_at(text, at, facts) {
            once.push(line.trim());
            end = at + line.len();
        } else if let Some(import) = code.import_at(at) {
            end = import.range.end;
            imports.push(import);
        } else {
            return Head { once, imports, rest: text.get(end..).unwrap_or_default().trim_start_matches('\n') };
        }
    }
}

/// What stands once in a file and begins at a byte: a line, or the opener of an island before other code.
pub(super) fn once_at<'t>(text: &'t str, at: usize, facts: &Facts) -> Option<&'t str> {
    let line = line_at(text, at);
    opened(line, facts).map(|(opener, _)| opener).or_else(|| is_once(text, at, facts).then_some(line))
}

/// A line as the opener of an island with which it begins, and the code behind it.
fn opened<'t>(line: &'t str, facts: &Facts) -> Option<(&'t str, &'t str)> {
    let (open, _) = facts.islands.as_ref()?;
    let inside = line.trim_start().strip_prefix(open.as_str()).filter(|inside| !inside.trim().is_empty())?;
    line.split_at_checked(line.len() - inside.len())
}

/// Whether a file has a line of another head that stands once in it.
pub(super) fn has_once(text: &str, line: &str, facts: &Facts) -> bool {
    let wanted = said(line, facts);
    // A longer name is another one.
    let is_end = |next: Option<&String>| next.is_none_or(|next| !JOINS.contains(&next.as_str()));
    let is_said = |line: &str| {
        let said = said(line, facts);
        !wanted.is_empty() && said.starts_with(&wanted) && is_end(said.get(wanted.len()))
    };
    text.lines().any(|line| {
        let (opener, rest) = opened(line, facts).unwrap_or(("", line));
        is_said(opener) || is_said(rest)
    })
}

/// What a line says, whatever its quotes, blanks and comments: its words and signs up to the end of its statement, or to the body that it opens.
fn said(line: &str, facts: &Facts) -> Vec<String> {
    let tokens = lex::scan(line, facts).tokens.into_iter().take_while(|token| {
        // A line that is nothing but a comment says what is in it.
        let is_behind = token.start > 0 && matches!(token.kind, Kind::Comment { .. });
        !is_behind && !matches!(token.kind, Kind::Sign(';') | Kind::Open('{') | Kind::Break)
    });
    tokens.filter_map(|token| Some(line.get(token.start..token.end)?.trim().replace('\'', "\""))).collect()
}

/// The byte of the first line from `at` on that is not blank and no comment, unless that comment stands once in a file.
pub(super) fn skipped(text: &str, at: usize, facts: &Facts) -> usize {
    let mut at = at;
    loop {
        let line = line_at(text, at);
        let shown = line.trim_start();
        let blocks = facts.block_comments.iter().map(|(open, close)| (open, close));
        let strings =
            facts.strings.iter().filter(|form| form.doc && form.multiline).map(|form| (&form.open, &form.close));
        let is_line = facts.line_comments.iter().any(|mark| shown.starts_with(mark.as_str()));
        let block = blocks.chain(strings).find(|(open, _)| shown.starts_with(open.as_str()));
        if line.is_empty() || is_once(text, at, facts) {
            return at;
        } else if shown.trim().is_empty() || is_line && block.is_none() {
            at += line.len();
        } else if let Some((open, close)) = block {
            let inside = at + line.len() - shown.len() + open.len();
            let Some(end) =
                text.get(inside..).and_then(|rest| rest.find(close.as_str())).map(|end| inside + end + close.len())
            else {
                return at;
            };
            let rest = line_at(text, end);
            if !rest.trim().is_empty() {
                return at;
            }
            at = end + rest.len();
        } else {
            return at;
        }
    }
}

/// Whether what stands once in a file begins at a byte. What opens a body is around other code.
fn is_once(text: &str, at: usize, facts: &Facts) -> bool {
    let line = line_at(text, at);
    let next = text.get(at + line.len()..).unwrap_or_default().trim_start();
    facts.head.once.iter().any(|mark| begins(line, mark)) && !line.trim_end().ends_with('{') && !next.starts_with('{')
}

/// Whether new code may lose a line of its head that the file does not have.
pub(super) fn is_optional(line: &str, facts: &Facts) -> bool {
    facts.head.optional.iter().any(|mark| begins(line, mark))
}

#[cfg(test)]
mod tests;
