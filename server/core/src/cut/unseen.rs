//! Where an answer holds an invisible character: the text accepted must be the text read. It leaves the text before it to `trim`.
//!
//! Invisible are control characters, direction marks, zero-width separators and joiners, and Unicode's tags, which spell texts without a glyph.
//! U+200C and U+200D are not among them: Persian and many languages of India need them, and so do emoji.
//! A character that already stands near the cursor is the author's own, as in Hebrew and Arabic projects.

use super::around::Around;
use super::end::{End, Ended};

/// The end before the first invisible character that the author does not use.
pub(super) fn end(body: &str, around: &Around) -> Option<End> {
    let is_foreign = |c: char| is_unseen(c) && !around.before.contains(c) && !around.after.contains(c);
    let (at, c) = body.char_indices().find(|(_, c)| is_foreign(*c))?;
    Some(End { seen: at + c.len_utf8(), at, why: Ended::Unseen })
}

/// Whether nobody sees a character.
pub(crate) fn is_unseen(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        // A page break, as Python's and GNU's sources have it between items.
        '\u{c}' => false,
        // Soft hyphen, Arabic letter mark, Mongolian vowel separator, byte order mark.
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        // Zero-width space, direction marks.
        '\u{200b}' | '\u{200e}' | '\u{200f}' => true,
        // Line and paragraph separators, direction embeddings and overrides.
        '\u{2028}'..='\u{202e}' => true,
        // Word joiner, invisible operators, isolates and old formats.
        '\u{2060}'..='\u{206f}' => true,
        // Tags, and variation selectors beyond those of emoji.
        '\u{e0000}'..='\u{e01ef}' => true,
        _ => c.is_control(),
    }
}
