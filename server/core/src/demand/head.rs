//! Reads the head of some code: its imports with their names, and what stands once before them. It leaves which of them a file needs to `imports`.

use std::ops::Range;

use pennyworth_grammars::{Facts, Language};

/// Stands in a fact for any text.
const ANY: char = '…';

/// An import.
#[derive(Clone, Debug)]
pub(super) struct Import {
    /// Its bytes, with the end of its last line.
    pub(super) range: Range<usize>,
    /// Its text, without blanks around it.
    pub(super) text: String,
    /// The same for one name each.
    pub(super) singles: Vec<Single>,
}

/// An import of one name: the name, and what stands around it.
#[derive(Clone, Debug)]
pub(super) struct Single {
    pub(super) before: String,
    name: String,
    after: String,
}

impl Single {
    pub(super) fn shown(&self) -> String {
        [&*self.before, &*self.name, &*self.after].concat()
    }

    /// What is the same for two of them that mean the same.
    pub(super) fn key(&self, facts: &Facts) -> String {
        let shown = self.shown();
        let marks = facts.line_comments.iter().filter_map(|mark| shown.find(&format!(" {mark}")));
        let said = shown.get(..marks.min().unwrap_or(shown.len())).unwrap_or_default();
        let kept = said.trim_end().trim_end_matches(';').chars().filter(|c| !c.is_whitespace());
        kept.map(|c| if c == '\'' { '"' } else { c }).collect()
    }
}

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
pub(super) fn head<'t>(code: &'t str, language: &Language) -> Head<'t> {
    let facts = language.facts();
    let (mut once, mut imports, mut end) = (Vec::new(), Vec::new(), 0);
    loop {
        let at = skipped(code, end, facts);
        let line = line_at(code, at);
        if is_once(code, at, facts) {
            once.push(line.trim());
            end = at + line.len();
        } else if let Some(import) = import_at(code, at, facts) {
            end = import.range.end;
            imports.push(import);
        } else {
            return Head { once, imports, rest: code.get(end..).unwrap_or_default().trim_start_matches('\n') };
        }
    }
}

/// Whether a file has a line of another head that stands once in it.
pub(super) fn has_once(text: &str, line: &str) -> bool {
    let bare = |line: &str| line.trim().trim_end_matches([';', '{']).trim_end().to_owned();
    let wanted = bare(line);
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || "_./\\".contains(c));
    text.lines().any(|line| bare(line).strip_prefix(&wanted).is_some_and(is_end))
}

/// The import that begins at a byte.
pub(super) fn import_at(text: &str, at: usize, facts: &Facts) -> Option<Import> {
    let line = line_at(text, at);
    facts.head.imports.iter().any(|mark| begins(line, mark)).then_some(())?;
    let (mut end, mut open) = (at, 0_i32);
    for line in text.get(at..)?.split_inclusive('\n') {
        end += line.len();
        open += line.matches(['(', '[', '{']).count() as i32 - line.matches([')', ']', '}']).count() as i32;
        if open <= 0 && !line.trim_end().ends_with(['\\', ',']) {
            break;
        }
    }
    let shown = text.get(at..end)?.trim();
    Some(Import { range: at..end, text: shown.to_owned(), singles: singles(shown, facts) })
}

/// An import as imports of one name.
fn singles(text: &str, facts: &Facts) -> Vec<Single> {
    let whole = || vec![Single { before: String::new(), name: text.to_owned(), after: String::new() }];
    let is_list = |at: usize| {
        let before = text.get(..at).unwrap_or_default().trim_end();
        text.get(at..).is_some_and(|rest| rest.starts_with('{')) || before.ends_with("import")
    };
    let list = text.find(['{', '(']).filter(|at| is_list(*at));
    let close = list.and_then(|_| text.rfind(['}', ')']));
    let (mut before, names, mut after) = match (list, close) {
        (Some(open), Some(close)) if open < close => {
            let part = |range: Range<usize>| text.get(range).unwrap_or_default();
            (part(0..open).to_owned(), part(open + 1..close), part(close + 1..text.len()).to_owned())
        }
        _ if facts.head.commas && text.contains(',') => {
            let start =
                text.find(" import ").map(|at| at + " import ".len()).or(text.find(' ').map(|at| at + 1)).unwrap_or(0);
            let names = text.get(start..).unwrap_or_default();
            let bare = names.trim_end_matches(';');
            let end = names.get(bare.len()..).unwrap_or_default();
            (text.get(..start).unwrap_or_default().to_owned(), bare, end.to_owned())
        }
        _ => return whole(),
    };
    let (mut found, mut tail) = (Vec::new(), after.clone());
    // Behind a blank the braces have a meaning; else they only hold the names together.
    if list.is_some_and(|at| text.get(at..).is_some_and(|rest| rest.starts_with('{'))) && before.ends_with(' ') {
        let first = before.trim_end();
        if let Some(default) = first.strip_suffix(',') {
            found.push(Single { before: default.to_owned(), name: String::new(), after: after.clone() });
            before = format!("{} ", default.split_whitespace().next().unwrap_or_default());
        }
        (before, tail) = (format!("{before}{{ "), format!(" }}{after}"));
    }
    after = tail;
    for name in separated(names) {
        let single = Single { before: before.clone(), name: name.to_owned(), after: after.clone() };
        match name {
            // Rust's name for what the list is of.
            "self" => {
                found.push(Single { before: before.trim_end_matches(':').to_owned(), name: String::new(), ..single })
            }
            _ if name.contains('{') => found.extend(singles(&single.shown(), facts)),
            _ => found.push(single),
        }
    }
    found
}

/// The names of a list, which commas or line breaks stand between.
pub(super) fn separated(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let names = list.split(move |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0 && (c == ',' || c == '\n')
    });
    names.map(str::trim).filter(|name| !name.is_empty())
}

/// The byte of the first line from `at` on that is not blank and no comment.
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
        if line.is_empty() {
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
pub(super) fn is_once(text: &str, at: usize, facts: &Facts) -> bool {
    let line = line_at(text, at);
    let next = text.get(at + line.len()..).unwrap_or_default().trim_start();
    facts.head.once.iter().any(|mark| begins(line, mark)) && !line.trim_end().ends_with('{') && !next.starts_with('{')
}

/// Whether a line begins with a mark, in which `…` stands for any text.
fn begins(line: &str, mark: &str) -> bool {
    let line = line.trim();
    match mark.split_once(ANY) {
        Some((first, second)) => line.strip_prefix(first).is_some_and(|rest| rest.contains(second)),
        None => line.starts_with(mark) || line == mark.trim_end(),
    }
}

/// The line from a byte on, with its end.
pub(super) fn line_at(text: &str, at: usize) -> &str {
    text.get(at..).and_then(|rest| rest.split_inclusive('\n').next()).unwrap_or_default()
}
