//! The text around a cursor as a cutter needs it, taken from a document at a cost that does not grow with it.
//! It leaves where an excerpt may begin to `classify`, which needs the same.

use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::Tree;

use crate::classify;
use crate::present;
use crate::text::{line_end, slice};

/// Lines after the cursor's line that are looked at.
const AFTER_LINES: usize = 20;
/// Bytes before and after the cursor at most.
const MAX_BEFORE: usize = 8 * 1024;
const MAX_AFTER: usize = 2 * 1024;

/// The text around a cursor. Line breaks of any kind are taken.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// The language at the cursor; without one only the brackets most languages share are known.
    pub language: Option<&'static Language>,
    /// Text before the cursor that begins at a line's start in code of the language: heads of the enclosing bodies and the lines above.
    pub before: String,
    /// The rest of the cursor's line and some lines below.
    pub after: String,
    /// Whether `after` reaches the end of the text.
    pub complete: bool,
    /// One step of the document's indentation, as [`present::document_indent`] finds it.
    pub indent: String,
    /// What each further line of an answer begins with in the document: the mark of the comment that the code is an example in; else empty.
    pub margin: String,
}

impl Surroundings {
    /// What stands around byte `offset`. `tree` is the last full tree, if there is one; it may be of an older text that was moved along.
    pub fn of(text: &Rope, language: Option<&'static Language>, tree: Option<&Tree>, offset: usize) -> Surroundings {
        let offset = text.char_to_byte(text.byte_to_char(offset.min(text.len_bytes())));
        let line = text.byte_to_line(offset);
        let Some(language) = language else {
            let before = tail(slice(text, text.line_to_byte(line.saturating_sub(AFTER_LINES)), offset));
            let (after, complete) = after(text, offset, text.len_bytes());
            let indent = present::document_indent(text, line, None);
            return Surroundings { before, after, complete, indent, ..Surroundings::default() };
        };
        let here = classify::here(text, language, tree, offset);
        let (after, complete) = after(&here.text, here.offset, here.to);
        Surroundings {
            language: Some(here.language),
            before: tail(here.excerpt.before),
            after,
            complete,
            indent: present::document_indent(text, line, Some(here.language)),
            margin: here.margin,
        }
    }
}

/// Some lines from byte `offset` on, and whether they reach the end at byte `to`.
fn after(text: &Rope, offset: usize, to: usize) -> (String, bool) {
    let last = (text.byte_to_line(offset) + AFTER_LINES).min(text.len_lines().saturating_sub(1));
    let end = line_end(text, last).min(offset + MAX_AFTER).min(to).max(offset);
    (slice(text, offset, end), end >= to)
}

/// The end of a text, from a line's start where it has one.
fn tail(text: String) -> String {
    let Some(excess) = text.len().checked_sub(MAX_BEFORE).filter(|excess| *excess > 0) else { return text };
    let kept = (excess..text.len()).find_map(|at| text.get(at..)).unwrap_or_default();
    kept.split_once('\n').map_or(kept, |(_, lines)| lines).to_owned()
}
