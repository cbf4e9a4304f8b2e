//! From a text that fits to what the editor inserts: the document's indentation and line breaks, the range it replaces, and the item selected
//! in the completion list. It leaves what the text is to `cut`.

mod indent;

pub use indent::{Target, detect_indent, reindent, width};

/// What an editor inserts.
#[derive(Clone, PartialEq, Eq)]
pub struct Insertion {
    /// The text, in the document's line breaks.
    pub text: String,
    /// Bytes after the cursor, on its line, that it replaces.
    pub replaces: usize,
}

/// A text with the document's line breaks, without blanks at the ends of its lines.
///
/// If the text brings closers that stand behind the cursor already (an editor put them there while the text was typed along), they are replaced.
pub fn present(text: &str, line_after: &str, line_break: &str) -> Insertion {
    let mut lines = text.split('\n').peekable();
    let mut presented = String::with_capacity(text.len() + 16);
    while let Some(line) = lines.next() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match lines.peek() {
            Some(_) => {
                presented.push_str(line.trim_end());
                presented.push_str(line_break);
            }
            None => presented.push_str(line),
        }
    }
    let replaces = covered(&presented, line_after);
    Insertion { text: presented, replaces }
}

/// Bytes of closers after the cursor that a text closes itself, in this order and besides those it opens.
fn covered(text: &str, line_after: &str) -> usize {
    let mut open: Vec<char> = Vec::new();
    let mut closed = String::new();
    for c in text.chars() {
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.last() == Some(&c) => {
                open.pop();
            }
            ')' | ']' | '}' if open.is_empty() => closed.push(c),
            _ => {}
        }
    }
    let same = closed.chars().zip(line_after.chars()).take_while(|(own, there)| own == there);
    same.map(|(own, _)| own.len_utf8()).sum()
}

/// What to insert in place of an editor's selected item, whose text would replace `replaced` (from the item's start to the cursor): the item
/// first, then what the model adds. `None` if the model wants something else.
///
/// `text` continues what stands before the cursor, so `replaced` followed by it must begin with the item's text.
pub fn extend_selected(selected: &str, replaced: &str, text: &str) -> Option<String> {
    let whole = [replaced, text].concat();
    (whole.starts_with(selected) && whole.len() > selected.len()).then_some(whole)
}
