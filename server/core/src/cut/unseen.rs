//! Where an answer holds a character that nobody would see: what is accepted must be what was read. It leaves what is left before it to `trim`.
//!
//! Unseen are control characters, marks of direction, separators and joins without a width, and the tags of Unicode that spell texts without a
//! glyph. U+200C and U+200D are not among them: words of Persian and of many languages of India are written with them, and so are emoji.
//! A character that stands near the cursor already is the author's own way to write, as in Hebrew and Arabic projects.

use super::around::Around;
use super::{End, Ended};

/// The end before the first unseen character that the author does not use.
pub(super) fn end(body: &str, around: &Around) -> Option<End> {
    let is_foreign = |c: char| is_unseen(c) && !around.before.contains(c) && !around.after.contains(c);
    let (at, c) = body.char_indices().find(|(_, c)| is_foreign(*c))?;
    Some(End { seen: at + c.len_utf8(), at, why: Ended::Unseen })
}

fn is_unseen(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        // Soft hyphen, Arabic letter mark, Mongolian vowel separator, byte order mark.
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        // Space without width, marks of direction.
        '\u{200b}' | '\u{200e}' | '\u{200f}' => true,
        // Separators of lines and paragraphs, embeddings and overrides of direction.
        '\u{2028}'..='\u{202e}' => true,
        // Joiner without width, invisible operators, isolates and old formats.
        '\u{2060}'..='\u{206f}' => true,
        // Tags, and selectors of variants beyond those that emoji are written with.
        '\u{e0000}'..='\u{e01ef}' => true,
        _ => c.is_control(),
    }
}
