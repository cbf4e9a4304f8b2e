//! The cursor in its text, as the stages see it: with the editor's selected item accepted, and with the text just before and after it.
//! It leaves deciding anything to `stages`.

use std::sync::OnceLock;

use pennyworth_core::classify::Here;
use pennyworth_core::cut::Surroundings;
use pennyworth_core::present;
use pennyworth_core::prompt::normalised;
use pennyworth_core::text;
use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::Tree;

use super::request::{Request, SelectedItem};
use crate::documents::parses::Barred;

/// Bytes before the cursor that the gate and the embedded model see.
const BEFORE: usize = 4096;
/// Bytes after the cursor that they see.
const AFTER: usize = 1024;

/// The cursor in its text.
pub struct Cursor {
    /// The text, with the selected item accepted.
    pub text: Rope,
    /// The language of the file.
    pub language: &'static Language,
    /// The last full syntax tree, if it is of this text.
    pub tree: Option<Tree>,
    /// Why the document is not parsed, if so.
    pub barred: Option<Barred>,
    /// Byte offset in the text.
    pub offset: usize,
    /// The text with the cells of the notebook above and below it; the same text if the document is no cell. What follows from the context alone is
    /// decided in it, and what must fit, in the document's own.
    pub around: Rope,
    /// Byte offset in that.
    pub offset_around: usize,
    /// Line, from zero.
    pub line: usize,
    /// Some text before it, with `\n` as line break.
    pub before: String,
    /// Some text after it, with `\n` as line break.
    pub after: String,
    /// The excerpt around it.
    pub(super) here: Here,
    surroundings: OnceLock<Surroundings>,
}

impl Cursor {
    /// The cursor of a request in a document of this language, which is not parsed if it is barred.
    pub fn new(request: &Request, language: &'static Language, barred: Option<Barred>) -> Cursor {
        let snapshot = &request.snapshot;
        let (text, offset) = match &request.selected {
            Some(selected) => accepted(&snapshot.text, selected),
            None => (snapshot.text.clone(), request.cursor.min(snapshot.text.len_bytes())),
        };
        let tree = if request.selected.is_some() { None } else { snapshot.tree.clone() };
        let (around, offset_around) = match &request.cells {
            Some(cells) => cells.with(&text, offset),
            None => (text.clone(), offset),
        };
        let here = Here::of(&text, language, tree.as_ref().filter(|_| barred.is_none()), offset);
        let part = |start: usize, end: usize| normalised(&text::slice(&around, start, end)).into_owned();
        Cursor {
            language,
            barred,
            tree,
            offset,
            line: text.byte_to_line(offset),
            before: part(offset_around.saturating_sub(BEFORE), offset_around),
            after: part(offset_around, offset_around + AFTER),
            text,
            around,
            offset_around,
            here,
            surroundings: OnceLock::new(),
        }
    }

    /// A text with the document's line breaks.
    pub(super) fn in_line_breaks(&self, text: &str) -> String {
        present::with_line_breaks(text, text::line_break(&self.text))
    }

    /// The surroundings that a cutter needs. The first call reads them.
    pub fn surroundings(&self) -> &Surroundings {
        self.surroundings.get_or_init(|| {
            let around = Surroundings::at(&self.here, &self.text, self.offset);
            Surroundings { may_parse: self.barred.is_none(), ..around }
        })
    }
}

/// The text once an item is accepted, and the cursor's byte offset then.
pub(super) fn accepted(text: &Rope, selected: &SelectedItem) -> (Rope, usize) {
    let mut text = text.clone();
    let end = selected.end.min(text.len_bytes());
    let (start, end) = (text.byte_to_char(selected.start.min(end)), text.byte_to_char(end));
    let at = text.char_to_byte(start);
    text.remove(start..end);
    text.insert(start, &selected.text);
    (text, at + selected.text.len())
}
