//! A part of a prompt: some lines of a file, a head, a definition, an outline, or words that stand in no file. It leaves which parts a prompt holds to
//! `context`.

use std::ops::Range;

use serde::Serialize;

use super::source::Source;
use crate::mask::Masks;
use crate::tokens::estimate;

/// What a part of a prompt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// What is to be done, in the user's words or ours.
    Instruction,
    /// What a compiler or linter reports.
    Diagnostic,
    /// Lines that changed.
    Hunk,
    /// The lines that the task is about.
    Lines,
    /// The head of an item around a hunk.
    Head,
    /// A definition of a name that occurs.
    Definition,
    /// A pattern for what is to be written.
    Pattern,
    /// The heads of a file's items.
    Outline,
}

/// A part of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its file, as prompts show it; empty for what stands in none.
    pub path: String,
    /// Its first line in the file, counted from 1; 0 for what stands in none.
    pub line: usize,
    /// Its text.
    pub text: String,
}

impl Part {
    /// A part that stands in no file.
    pub fn said(kind: PartKind, text: impl Into<String>) -> Part {
        Part { kind, path: String::new(), line: 0, text: text.into() }
    }

    /// Some bytes of a file.
    pub fn of(kind: PartKind, file: &Source, range: Range<usize>) -> Part {
        let text = file.text.get(range.clone()).unwrap_or_default().to_owned();
        Part { kind, path: file.path.clone(), line: file.line(range.start) + 1, text }
    }

    /// Masks keys and passwords in its path, and in its text if that stands in no file: a file's text is masked when it is read.
    pub fn mask(&mut self, masks: &mut Masks) {
        if self.path.is_empty() {
            // It is written for people.
            self.text = masks.masked(&self.text, "said.md").unwrap_or_default();
        }
        self.path = masks.masked(&self.path, "").unwrap_or_default();
    }

    /// The part as it stands in a prompt.
    pub fn shown(&self) -> String {
        let text = self.text.trim_end_matches('\n');
        let place = match (self.path.as_str(), self.line) {
            ("", _) => return format!("{text}\n"),
            (path, 0) => path.to_owned(),
            (path, line) => format!("{path}:{line}"),
        };
        let what = match self.kind {
            PartKind::Instruction | PartKind::Diagnostic => "",
            PartKind::Hunk => " changed (number, + new, - removed)",
            PartKind::Lines => " the lines",
            PartKind::Head => " around the change",
            PartKind::Definition => " definition",
            PartKind::Pattern => " as a pattern",
            PartKind::Outline => " outline",
        };
        let fence = "`".repeat(longest_ticks(text).max(2) + 1);
        format!("{place}{what}:\n{fence}\n{text}\n{fence}\n")
    }

    /// Its tokens.
    pub fn tokens(&self, chars_per_token: f32) -> u32 {
        estimate(&self.shown(), chars_per_token)
    }

    /// Whether another part stands in this one.
    pub(super) fn holds(&self, other: &Part) -> bool {
        self.path == other.path && self.line > 0 && self.text.contains(other.text.trim_end())
    }
}

fn longest_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        let part = Part { kind: PartKind::Lines, path: "a.md".into(), line: 1, text: "````\na\n````\n".into() };
        assert_eq!(part.shown(), "a.md:1 the lines:\n`````\n````\na\n````\n`````\n");
        assert_eq!(Part::said(PartKind::Instruction, "Do it.").shown(), "Do it.\n");
    }
}
