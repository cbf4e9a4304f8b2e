//! From a text that fits to what the editor inserts: the document's indentation and line breaks, the range it replaces, and the item selected
//! in the completion list. It leaves what the text is to `cut`.

mod indent;

pub(crate) use indent::width;
pub use indent::{Target, detect_indent, document_indent, reindent};

/// What an editor inserts at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// The text.
    pub text: String,
    /// Bytes after the cursor, on its line, that it replaces.
    pub replaces: usize,
}

/// A text in a document's line breaks, without blanks at the ends of its lines; the last line, which goes on behind the cursor, stays as it is.
pub fn with_line_breaks(text: &str, line_break: &str) -> String {
    let mut presented = String::with_capacity(text.len() + 16);
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        if lines.peek().is_some() {
            presented.push_str(line.trim_end());
            presented.push_str(line_break);
        } else {
            presented.push_str(line);
        }
    }
    presented
}

/// A text from the cache among the closers that an editor has put behind the cursor by itself: it replaces those on the cursor's line, and
/// leaves out those below. `None` if it needs them elsewhere.
pub fn among_closers(text: &str, auto_closed: &str) -> Option<Insertion> {
    if !auto_closed.contains(['\n', '\r']) {
        return Some(Insertion { text: text.to_owned(), replaces: auto_closed.len() });
    }
    let text = text.strip_suffix(auto_closed).filter(|text| !text.trim().is_empty())?;
    Some(Insertion { text: text.to_owned(), replaces: 0 })
}

/// What to insert in place of an editor's selected item, whose text would replace `replaced` (from the item's start to the cursor): the item
/// first, then what the model adds. `None` if the model wants something else.
///
/// `text` continues what stands before the cursor, so `replaced` followed by it must begin with the item's text.
pub fn extend_selected(selected: &str, replaced: &str, text: &str) -> Option<String> {
    let whole = [replaced, text].concat();
    (whole.starts_with(selected) && whole.len() > selected.len()).then_some(whole)
}

#[cfg(test)]
mod tests;
