//! What a task on demand results in, once it is valid. It leaves showing it to `cli` and `surface`.

use std::path::PathBuf;

use pennyworth_core::demand::{Edit, Finding};
use pennyworth_core::prompt::{normalised, without_mark};
use pennyworth_core::text;
use ropey::Rope;
use serde::Serialize;

/// A valid answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Markdown for a person.
    Prose(String),
    /// A commit message.
    Message(String),
    /// A file with edits.
    Edited(Edited),
    /// Findings of a review.
    Findings(Findings),
}

/// A file with edits. Line breaks are `\n` in all texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    /// Where it lies.
    pub path: PathBuf,
    /// Its text when it was read; empty for a new file.
    pub before: String,
    /// Its text with the edits.
    pub now: String,
    /// The edits, in the order of their places.
    pub edits: Vec<Edit>,
}

impl Edited {
    /// The same with the edits of another answer about the same text. What lies within edits that are there already is left out.
    pub fn merge(&mut self, other: Edited) {
        for edit in other.edits {
            let overlaps = |known: &Edit| known.range.start < edit.range.end && edit.range.start < known.range.end;
            if !self.edits.iter().any(overlaps) {
                self.edits.push(edit);
            }
        }
        self.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        self.now = self.written(&self.before).unwrap_or_default();
    }

    /// A text that differs from `before` in nothing but its line breaks and a byte order mark, with the edits. `None` if it differs in more: then the
    /// edits fit no longer.
    pub fn written(&self, original: &str) -> Option<String> {
        let (whole, original) = (original, without_mark(original));
        if normalised(original) != self.before {
            return None;
        }
        let line_break = text::line_break(&Rope::from_str(original));
        let mark = whole.strip_suffix(original).unwrap_or_default();
        // Where each break of the normalised text ends in the original one.
        let (mut written, mut at, mut seen) = (mark.to_owned(), 0, 0);
        for edit in &self.edits {
            let start = forward(original, &mut at, &mut seen, edit.range.start);
            written.push_str(start);
            written.push_str(&edit.text.replace('\n', line_break));
            forward(original, &mut at, &mut seen, edit.range.end);
        }
        written.push_str(original.get(at..)?);
        Some(written)
    }
}

/// The part of an original text up to a byte of the normalised one. `at` is a byte of the original, and `seen` the same of the normalised one.
fn forward<'t>(original: &'t str, at: &mut usize, seen: &mut usize, until: usize) -> &'t str {
    let start = *at;
    let mut rest = original.get(start..).unwrap_or_default();
    while *seen < until {
        let Some(c) = rest.chars().next() else { break };
        let length = if rest.starts_with("\r\n") { 2 } else { c.len_utf8() };
        *seen += if c == '\r' { 1 } else { length };
        *at += length;
        rest = rest.get(length..).unwrap_or_default();
    }
    original.get(start..*at).unwrap_or_default()
}

/// Findings of a review.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Findings {
    /// Those that name a line of the change.
    pub findings: Vec<Finding>,
    /// Why others count for nothing.
    pub dropped: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_keep_the_line_breaks_of_the_rest() {
        let edited = |original: &str| {
            let before = normalised(without_mark(original)).into_owned();
            let start = before.find('b').unwrap();
            let edits = vec![Edit { range: start..start + 2, text: "x\ny\n".into() }];
            Edited { path: PathBuf::new(), now: String::new(), before, edits }
        };
        for (original, expected) in [
            ("a\nb\nc\n", "a\nx\ny\nc\n"),
            ("a\r\nb\r\nc\r\n", "a\r\nx\r\ny\r\nc\r\n"),
            ("\u{feff}b\r\nc\n", "\u{feff}x\r\ny\r\nc\n"),
            ("\u{1f600}\r\nb\r\nc\n", "\u{1f600}\r\nx\r\ny\r\nc\n"),
        ] {
            assert_eq!(edited(original).written(original).as_deref(), Some(expected));
        }
        assert_eq!(edited("a\nb\n").written("a\nb\nc\n"), None, "it changed meanwhile");
    }
}
