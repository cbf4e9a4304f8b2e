//! The text around a cursor as a cutter needs it, taken from a document at a cost that does not grow with it, and the request there.
//! It leaves where an excerpt may begin to `classify`, which needs the same.

use pennyworth_grammars::Language;
use ropey::Rope;
use serde::{Deserialize, Serialize};
use tree_sitter::Tree;

use crate::classify::{Here, Margin};
use crate::models::Shape;
use crate::present;
use crate::task::{Stop, Task};
use crate::text::{line_end, slice};

/// Lines read after the cursor's line.
const AFTER_LINES: usize = 20;
/// Most bytes before and after the cursor.
const MAX_BEFORE: usize = 8 * 1024;
const MAX_AFTER: usize = 2 * 1024;

/// The place and the request, as a cutter needs them. All of it can be kept, for an answer that comes when the place is long gone.
#[derive(Clone, Serialize, Deserialize)]
pub struct CutInput {
    /// The text around the cursor.
    pub surroundings: Surroundings,
    /// The task.
    pub task: Task,
    /// Where the answer ends. Without any, it is read on: all its lines are wanted, to be cut at their own places.
    pub stops: Vec<Stop>,
    /// The prompt's shape: chats fence and repeat what they are shown.
    pub shape: Shape,
    /// The sentinels of the format in use; an answer is cut there.
    pub markers: Vec<String>,
    /// Most lines of an answer.
    pub max_lines: usize,
    /// Whether only the first line that holds something is wanted: the answer is shown line by line.
    pub by_line: bool,
}

impl CutInput {
    /// Whether all lines of the answer are wanted.
    pub(super) fn reads_on(&self) -> bool {
        self.stops.is_empty() && !self.by_line
    }

    /// Whether lines come one by one, so that a blank line is one of them.
    pub(super) fn is_line_wise(&self) -> bool {
        self.stops.is_empty() || self.by_line
    }
}

/// The text around a cursor, with line breaks of any kind.
#[derive(Clone, Serialize, Deserialize)]
pub struct Surroundings {
    /// The language at the cursor.
    #[serde(with = "named")]
    pub language: &'static Language,
    /// Whether code may be parsed, if the language has a grammar.
    pub may_parse: bool,
    /// Text before the cursor, from the start of a line of code: heads of the enclosing bodies and the lines above.
    pub before: String,
    /// The rest of the cursor's line and some lines below.
    pub after: String,
    /// Whether `after` reaches the end of the text.
    pub complete: bool,
    /// One step of the document's indentation, as [`present::document_indent`] finds it.
    pub indent: String,
    /// What the document has around the code if it is an example in a comment; else nothing.
    pub margin: Margin,
}

/// A language as its name.
mod named {
    use pennyworth_grammars::Language;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(language: &&'static Language, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(language.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Language, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(pennyworth_grammars::by_name_or_text(&name))
    }
}

impl Surroundings {
    /// The text around byte `offset`. `tree` is the last full tree, if any; it may be of an older text, adjusted by the edits since.
    pub fn of(text: &Rope, language: &'static Language, tree: Option<&Tree>, offset: usize) -> Surroundings {
        Surroundings::at(&Here::of(text, language, tree, offset), text, offset)
    }

    /// The text around a place of which the excerpt is known. `text` is the document, and `offset` the place's byte offset in it.
    pub fn at(here: &Here, text: &Rope, offset: usize) -> Surroundings {
        let line = text.byte_to_line(offset.min(text.len_bytes()));
        let (after, complete) = after(&here.text, here.offset, here.to);
        Surroundings {
            language: here.language,
            may_parse: true,
            before: tail(&here.excerpt.before).to_owned(),
            after,
            complete,
            indent: present::document_indent(text, line, here.language),
            margin: here.margin.clone(),
        }
    }
}

/// Some lines from byte `offset` on, and whether they reach the end at byte `to`.
fn after(text: &Rope, offset: usize, to: usize) -> (String, bool) {
    let last = (text.byte_to_line(offset) + AFTER_LINES).min(text.len_lines().saturating_sub(1));
    let end = line_end(text, last).min(offset + MAX_AFTER).min(to).max(offset);
    (slice(text, offset, end), end >= to)
}

/// The end of a text, from a line's start if it has one.
fn tail(text: &str) -> &str {
    let Some(excess) = text.len().checked_sub(MAX_BEFORE).filter(|excess| *excess > 0) else { return text };
    let kept = (excess..text.len()).find_map(|at| text.get(at..)).unwrap_or_default();
    kept.split_once('\n').map_or(kept, |(_, lines)| lines)
}
