//! From a text that fits to the editor's insertion: the document's indentation and line breaks, the range it replaces, and the item selected
//! in the completion list. It leaves the choice of the text to `cut`.

mod columns;
mod indent;
mod openers;
mod step;

pub(crate) use columns::{leading, width};
pub use indent::{Target, reindent};
pub use step::{detect_indent, document_indent};

/// Characters that editors insert behind what was typed, on their own.
pub const AUTO_CLOSED: [char; 7] = [')', ']', '}', '>', '"', '\'', '`'];

/// What an editor inserts at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// The text.
    pub text: String,
    /// Bytes after the cursor, on its line, that it replaces.
    pub replaces: usize,
}

/// A text with a document's line breaks and no blanks at the ends of its lines. The last line stays as it is, because the document goes on after it.
pub fn with_line_breaks(text: &str, line_break: &str) -> String {
    let mut presented = String::with_capacity(text.len() + 16);
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        if lines.peek().is_some() {
            // A page break is no blank.
            presented.push_str(line.trim_end_matches([' ', '\t', '\r']));
            presented.push_str(line_break);
        } else {
            presented.push_str(line);
        }
    }
    presented
}

/// Fits a cached text to the closers that an editor inserted behind the cursor: it replaces those on the cursor's line and leaves out those
/// below. `None` if it needs them elsewhere.
pub fn among_closers(text: &str, auto_closed: &str) -> Option<Insertion> {
    if !auto_closed.contains(['\n', '\r']) {
        return Some(Insertion { text: text.to_owned(), replaces: auto_closed.len() });
    }
    let text = text.strip_suffix(auto_closed).filter(|text| !text.trim().is_empty())?;
    Some(Insertion { text: text.to_owned(), replaces: 0 })
}

#[cfg(test)]
mod tests;
