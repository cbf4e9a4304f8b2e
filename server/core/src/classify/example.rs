//! Examples: code in a fence of a documentation comment, read without the comment's marks.
//! It leaves code in files of other languages to `region`, and the meaning of the code to `classify`.

use pennyworth_grammars::{Examples, Language, by_id};
use ropey::Rope;
use serde::{Deserialize, Serialize};

use super::region::{self, Fence};
use crate::text::{line_end, slice};

/// Lines of the comment read above and below the cursor.
const REACH: usize = 200;
/// Bytes read of one line.
const LINE_BYTES: usize = 2_000;

/// The code of a fence, without the comment around it.
pub(super) struct Example {
    /// The language the fence names, or else that of the file.
    pub(super) language: &'static Language,
    /// The code.
    pub(super) text: Rope,
    /// Byte offset of the cursor in it.
    pub(super) offset: usize,
    /// What the document has around the code.
    pub(super) margin: Margin,
}

/// What the document has around the code of an example; empty for other code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Margin {
    /// The start of each line of the comment: indentation, mark and a blank.
    pub line: String,
    /// What the cursor's own line still lacks of it: the blank, or nothing.
    pub lacks: String,
    /// The fence that closes the example.
    pub fence: String,
    /// Whether none in the document closes it yet.
    pub is_open: bool,
}

/// The example around byte `offset`, if the cursor stands in one.
pub(super) fn example(text: &Rope, language: &'static Language, offset: usize) -> Option<Example> {
    let examples = language.facts().examples.as_ref()?;
    let cursor = text.byte_to_line(offset);
    let line = |number: usize| {
        let start = text.line_to_byte(number);
        slice(text, start, line_end(text, number).min(start + LINE_BYTES))
    };
    let own = line(cursor);
    let mark = examples.marks.iter().find(|mark| own.trim_start().starts_with(mark.as_str()))?;
    let column = offset - text.line_to_byte(cursor);
    let content = content(&own, mark)?;
    let hidden = hidden(content, examples);
    let lacks = own.trim_start().len() == mark.len() && column == own.len();
    let column = column.checked_sub(own.len() - content.len() + hidden)?;

    let above = (cursor.saturating_sub(REACH)..cursor).rev().map_while(|number| shown(&line(number), mark, examples));
    let mut lines: Vec<String> = above.collect();
    lines.reverse();
    let above = lines.len();
    let below = cursor..text.len_lines().min(cursor + REACH);
    lines.extend(below.map_while(|number| shown(&line(number), mark, examples)));

    let comment = Rope::from_str(&lines.join("\n"));
    let fence = region::open_fence(&comment, 0, above)?;
    let language = named(&fence, language, examples)?;
    let from = comment.line_to_byte(fence.line + 1);
    let closed = (above..lines.len()).find(|number| lines.get(*number).is_some_and(|line| fence.is_closed_by(line)));
    let to = closed.map_or(comment.len_bytes(), |number| comment.line_to_byte(number));
    let cursor = comment.line_to_byte(above) + column;
    // After the closing fence there is prose again.
    let text = (cursor <= to).then(|| Rope::from_str(&slice(&comment, from, to)))?;
    let margin = Margin {
        line: margin(&own, mark),
        lacks: if lacks { " ".to_owned() } else { String::new() },
        fence: fence.mark().to_owned(),
        is_open: closed.is_none(),
    };
    Some(Example { language, text, offset: cursor - from, margin })
}

/// The language of a fence: the first that its info string names, or the file's if it has only known attributes.
fn named(fence: &Fence, own: &'static Language, examples: &Examples) -> Option<&'static Language> {
    let words = || fence.words();
    words()
        .find_map(by_id)
        .or_else(|| words().all(|word| examples.attributes.iter().any(|own| own == word)).then_some(own))
}

/// A line of the comment without its marks, hidden code included; `None` outside the comment.
fn shown(line: &str, mark: &str, examples: &Examples) -> Option<String> {
    let content = content(line, mark)?;
    content.get(hidden(content, examples)..).map(str::to_owned)
}

/// The text after the mark and a blank.
fn content<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let content = line.trim_start().strip_prefix(mark)?;
    // The end of a block comment is not one of its lines.
    (!content.starts_with('/')).then(|| content.strip_prefix(' ').unwrap_or(content))
}

/// Bytes of the sign that hides a line.
fn hidden(content: &str, examples: &Examples) -> usize {
    examples.hidden.as_ref().filter(|hidden| content.starts_with(hidden.as_str())).map_or(0, String::len)
}

fn margin(line: &str, mark: &str) -> String {
    let blanks = line.len() - line.trim_start().len();
    [line.get(..blanks).unwrap_or_default(), mark, " "].concat()
}
