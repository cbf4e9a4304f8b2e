//! A completion: the text, the range that it replaces, and what the ledger records of it. It leaves how it is shown to `surface`.

use crate::ledger::Suggested;

/// A completion that may be shown.
#[derive(Clone, Debug)]
pub struct Completion {
    /// Byte offset of the text that it replaces.
    pub start: usize,
    /// Byte offset of the end of that text.
    pub end: usize,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// The text to insert, with the document's own line breaks.
    pub text: String,
    /// The ledger's row once it is shown: task, source, probability.
    pub suggested: Suggested,
}

#[cfg(test)]
impl Completion {
    /// A completion of a line of Rust by the embedded model, which replaces the text from `start` to the cursor.
    pub(crate) fn embedded(start: usize, cursor: usize, text: &str) -> Completion {
        let suggested = Suggested {
            source: crate::ledger::Source::Embedded,
            model: crate::learn::EMBEDDED.into(),
            call: None,
            task: pennyworth_core::task::Task::Line,
            language: "rust".into(),
            chars: 0,
            tokens: 0,
            truncated: false,
            probability: None,
        };
        Completion { start, end: cursor, cursor, text: text.into(), suggested }
    }
}
