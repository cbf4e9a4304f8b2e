//! The form in which a file documents its items: what opens such a comment, and how its lines are laid out. It leaves which comments document to
//! `documented`.

use std::ops::Range;

use pennyworth_grammars::Facts;

use super::documented::is_directive;
use super::edit::Edit;
use super::item::Item;
use super::source::Source;
use crate::lex::{self, Kind};

/// Fewest items whose plain comments make these the file's form.
const MIN_PLAIN: usize = 2;

/// A form of documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// What opens it.
    open: String,
    /// What closes it, if anything does.
    close: Option<String>,
    /// Whether one line holds a short one.
    is_short: bool,
    /// Whether its text begins on the line of the opener, and ends on that of the closer.
    begins: bool,
    ends: bool,
    /// What stands before the other lines, and before a closer on a line of its own.
    lead: String,
    last: String,
}

impl Style {
    /// As a prompt shows it.
    pub fn shown(&self) -> String {
        match &self.close {
            None => format!("{} …", self.open),
            Some(close) if self.begins => format!("{} …\n{}…\n{}{close}", self.open, self.lead, self.last),
            Some(close) => format!("{}\n{}…\n{}{close}", self.open, self.lead, self.last),
        }
    }

    /// Lines of documentation in this form.
    fn written(&self, lines: &[String], indent: &str) -> String {
        let line = |lead: &str, text: &str| format!("{indent}{}\n", format!("{lead}{text}").trim_end());
        let Some(close) = &self.close else {
            return lines.iter().map(|text| line(&format!("{} ", self.open), text)).collect();
        };
        let (first, rest) = match lines {
            [only] if self.is_short => return line("", &format!("{} {only} {close}", self.open)),
            [first, rest @ ..] if self.begins => (format!("{} {first}", self.open), rest),
            all => (self.open.clone(), all),
        };
        let mut rest: Vec<String> = rest.iter().map(|text| format!("{}{text}", self.lead)).collect();
        match rest.last_mut().filter(|_| self.ends) {
            Some(end) => end.push_str(&format!(" {close}")),
            None => rest.push(format!("{}{close}", self.last)),
        }
        line("", &first) + &rest.iter().map(|text| line("", text)).collect::<String>()
    }
}

impl Source {
    /// The form in which the items of the file are documented: the one that most of them have. `None` if none has any.
    pub fn style(&self) -> Option<Style> {
        let facts = self.language.facts();
        let comments: Vec<String> =
            self.items().iter().filter_map(|item| above(self, item)).filter(|it| !is_directive(it)).collect();
        let openers: Vec<&str> = comments.iter().filter_map(|comment| opener(comment, facts)).collect();
        let is_doc = |open: &&&str| facts.doc_comments.is_empty() || facts.doc_comments.iter().any(|doc| doc == **open);
        let count = |open: &str| openers.iter().filter(|other| **other == open).count();
        let documented = openers.iter().filter(is_doc).max_by_key(|open| count(open));
        let wanted = self.items().iter().filter(|item| self.wants_documentation(item)).count();
        let is_plain = |open: &&&str| {
            let count = count(open);
            facts.plain_docs && count >= MIN_PLAIN && 2 * count >= wanted
        };
        let open = *documented.or_else(|| openers.iter().filter(is_plain).max_by_key(|open| count(open)))?;
        let close = facts.block_comments.iter().find(|(block, _)| open.starts_with(block.as_str()));
        let mut samples = comments.iter().map(String::as_str).filter(|comment| opener(comment, facts) == Some(open));
        Some(style(open, close.map(|(_, close)| close.as_str()), &mut samples))
    }

    /// The opener of plain comments, if they document the items of this file.
    pub(super) fn plain_opener(&self) -> Option<&str> {
        let found = self.plain.get_or_init(|| {
            let facts = self.language.facts();
            let style = if facts.plain_docs { self.style() } else { None };
            style.map(|style| style.open).filter(|open| !facts.doc_comments.contains(open))
        });
        found.as_deref()
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
        let style = style.as_ref().filter(|_| edit.range.is_empty() && !is_near(edit.range.start))?;
        let indent = edit.text.get(..edit.text.len() - edit.text.trim_start().len())?;
        let lines = content(&edit.text, facts)?;
        let is_closed =
            style.close.as_ref().is_some_and(|close| lines.iter().any(|line| line.contains(close.as_str())));
        (!is_closed && !indent.contains('\n')).then(|| style.written(&lines, indent))
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
    let moved = |line: &str| {
        let blanks = line.len() - line.trim_start().len();
        line.get(blanks.min(column)..).unwrap_or_default().to_owned()
    };
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

/// How comments of one form are laid out.
fn style(open: &str, close: Option<&str>, samples: &mut dyn Iterator<Item = &str>) -> Style {
    let (mut style, mut is_known) = (
        Style {
            open: open.to_owned(),
            close: close.map(str::to_owned),
            is_short: false,
            begins: false,
            ends: false,
            lead: " * ".into(),
            last: " ".into(),
        },
        false,
    );
    for sample in samples {
        let lines: Vec<&str> = sample.lines().collect();
        let (Some(close), [first, inner @ .., last]) = (close, lines.as_slice()) else {
            style.is_short = true;
            continue;
        };
        if is_known {
            continue;
        }
        is_known = true;
        let indent = |line: &str| line.get(..line.len() - line.trim_start().len()).unwrap_or_default().to_owned();
        let text = last.trim().trim_end_matches(close).trim();
        style.begins = first.trim().len() > open.len();
        style.ends = !text.trim_start_matches('*').is_empty();
        let filled = |line: &&&str| !line.trim().is_empty();
        if let Some(line) = inner.iter().chain(style.ends.then_some(last)).find(filled) {
            let star = if line.trim() == "*" || line.trim_start().starts_with("* ") { "* " } else { "" };
            style.lead = indent(line) + star;
        }
        if !style.ends {
            style.last = indent(last);
        }
    }
    style.is_short |= !is_known;
    style
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
            let line = |line: &str| bare(line.trim_start().strip_prefix('*').unwrap_or(line.trim_start()));
            inner.lines().map(line).collect()
        }
        None => shown.lines().map(|line| line.trim_start().strip_prefix(open).map(bare)).collect::<Option<_>>()?,
    };
    let filled = |line: &String| !line.trim().is_empty();
    let range: Range<usize> = lines.iter().position(filled)?..lines.iter().rposition(filled)? + 1;
    Some(lines.drain(range).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of documentation that is put above the function `new` of a file.
    fn check(language: &str, file: &str, answer: &str, expected: &str) {
        let source = Source::new("", pennyworth_grammars::by_name(language).unwrap(), file);
        let at = file.find("new").and_then(|at| file.get(..at)?.rfind('\n')).map_or(0, |line| line + 1);
        let found = styled(&source, vec![Edit { range: at..at, text: answer.to_owned() }]);
        assert_eq!(found.first().map(|edit| edit.text.as_str()), Some(expected), "{language}: {file}");
    }

    #[test]
    fn documentation_has_the_form_that_the_file_has() {
        let (doc, two) = ("/** New. */\n", "/**\n * New.\n *\n * More.\n */\n");
        let c = |comment: &str| {
            format!(
                "{comment}int a(void) {{\n  return 1;\n}}\n\n{comment}int b(void) {{\n  return 2;\n}}\n\nint new(void) {{\n  return 3;\n}}\n"
            )
        };
        for (sample, short, long) in [
            ("/* A. */\n", "/* New. */\n", "/*\n * New.\n *\n * More.\n */\n"),
            ("/*\n * A.\n */\n", "/*\n * New.\n */\n", "/*\n * New.\n *\n * More.\n */\n"),
            ("/* A\n * b. */\n", "/* New.\n */\n", "/* New.\n *\n * More. */\n"),
            ("/* A\n   b. */\n", "/* New.\n */\n", "/* New.\n\n   More. */\n"),
            ("/**\n * A.\n */\n", "/**\n * New.\n */\n", "/**\n * New.\n *\n * More.\n */\n"),
            ("/*!\n * A.\n */\n", "/*!\n * New.\n */\n", "/*!\n * New.\n *\n * More.\n */\n"),
            ("/// A.\n", "/// New.\n", "/// New.\n///\n/// More.\n"),
            ("//! A.\n", "//! New.\n", "//! New.\n//!\n//! More.\n"),
            ("// A.\n", "// New.\n", "// New.\n//\n// More.\n"),
            ("", doc, two),
        ] {
            for language in ["c", "cpp"] {
                check(language, &c(sample), doc, short);
                check(language, &c(sample), two, long);
            }
        }
        let js = "// A.\nfunction a() {\n}\n\n// B.\nfunction b() {\n}\n\nfunction new1() {\n}\n";
        for language in ["javascript", "typescript", "tsx"] {
            check(language, js, two, "// New.\n//\n// More.\n");
        }
        let php = "<?php\n# A.\nfunction a() {\n}\n\n# B.\nfunction b() {\n}\n\nfunction new1() {\n}\n";
        check("php", php, doc, "# New.\n");
        let java = "class A {\n    /// A.\n    void a() {\n    }\n\n    void new1() {\n    }\n}\n";
        check("java", java, "    /**\n     * New.\n     * @return it\n     */\n", "    /// New.\n    /// @return it\n");
        let plain = "class A {\n    // A.\n    void a() {\n    }\n\n    // B.\n    void b() {\n    }\n\n    void new1() {\n    }\n}\n";
        check("java", plain, "    /** New. */\n", "    /** New. */\n");
        check("rust", "// A.\nfn a() {}\n\n// B.\nfn b() {}\n\nfn new() {}\n", "/// New.\n", "/// New.\n");
        check("rust", "/** A. */\nfn a() {}\n\nfn new() {}\n", "/// New.\n", "/** New. */\n");
        check("csharp", "/// <summary>A.</summary>\nclass A {\n}\n\nclass new1 {\n}\n", "/** New. */\n", "/// New.\n");
        check("go", "/*\nA does.\n*/\nfunc A() {\n}\n\nfunc new1() {\n}\n", "// New.\n", "/*\nNew.\n*/\n");
    }
}
