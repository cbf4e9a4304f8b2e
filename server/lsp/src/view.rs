//! The place in question: the text as it will be once the editor's selected item is taken, and the windows of it that the stages are shown.
//! It leaves deciding about the place to `look`.

use std::path::Path;

use pennyworth_core::cut::Surroundings;
use pennyworth_core::present;
use pennyworth_core::prompt::normalised;
use pennyworth_core::text::{self, Snapshot};
use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::Tree;

use crate::complete::{Ask, Selected};

/// Bytes before the cursor that the embedded model and the gate are shown.
const BEFORE: usize = 4096;
/// Bytes after the cursor that they are shown.
const AFTER: usize = 1024;

/// A place in a text.
pub struct View {
    /// The text, with the selected item taken.
    pub text: Rope,
    /// The language of the file.
    pub language: &'static Language,
    /// The last full tree, where it is of this text.
    pub tree: Option<Tree>,
    /// Byte offset of the cursor in the text.
    pub cursor: usize,
    /// Line of the cursor, from zero.
    pub line: usize,
    /// Some text before the cursor, lines ended by `\n`.
    pub before: String,
    /// Some text after the cursor, lines ended by `\n`.
    pub after: String,
}

impl View {
    /// The place of a question.
    pub fn new(snapshot: &Snapshot, language: &'static Language, cursor: usize, ask: &Ask) -> View {
        let (text, cursor) = match &ask.selected {
            Some(selected) => taken(&snapshot.text, selected),
            None => (snapshot.text.clone(), cursor.min(snapshot.text.len_bytes())),
        };
        let tree = if ask.selected.is_some() { None } else { snapshot.tree.clone() };
        View {
            language,
            tree,
            cursor,
            line: text.byte_to_line(cursor),
            before: normalised(&text::slice(&text, cursor.saturating_sub(BEFORE), cursor)).into_owned(),
            after: normalised(&text::slice(&text, cursor, cursor + AFTER)).into_owned(),
            text,
        }
    }

    /// One step of the document's indentation, as the lines around the cursor show it.
    pub fn indent(&self) -> String {
        present::document_indent(&self.text, self.line, Some(self.language))
    }

    /// The text around the cursor as a cutter needs it.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings::of(&self.text, Some(self.language), self.tree.as_ref(), self.cursor)
    }
}

/// The text once an item is put in, and where the cursor is then.
pub(crate) fn taken(text: &Rope, selected: &Selected) -> (Rope, usize) {
    let mut text = text.clone();
    let end = selected.end.min(text.len_bytes());
    let (start, end) = (text.byte_to_char(selected.start.min(end)), text.byte_to_char(end));
    let at = text.char_to_byte(start);
    text.remove(start..end);
    text.insert(start, &selected.text);
    (text, at + selected.text.len())
}

/// A file's path as a model is told it: relative to the folder it is in, with slashes.
pub fn shown_path(path: &Path, root: &Path) -> String {
    let inside = path.strip_prefix(root).ok().map(Path::to_path_buf);
    let shown = inside.or_else(|| path.file_name().map(Into::into)).unwrap_or_default();
    shown.to_string_lossy().replace('\\', "/")
}
