//! The text around a cursor, in windows of bounded size, and its hashes.
//! It leaves comparing places with answers to `cache`.

use std::hash::{DefaultHasher, Hash, Hasher};

use ropey::Rope;

use crate::text;

/// Bytes above the cursor's line that must match.
const ABOVE: usize = 1024;
/// Bytes after the cursor that must match.
const AFTER: usize = 256;
/// Bytes of closers and indentation that an editor may have inserted between the cursor and them.
const AUTO_CLOSED: usize = 64;
/// Bytes of the cursor's line that are compared as text; in a longer line the text before them counts as above it.
const LINE: usize = 2048;

/// The text around a cursor.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    above: String,
    pub(super) line_before: String,
    pub(super) after: String,
}

impl Place {
    /// The place at a byte offset. The cost does not depend on the size of the text or of its lines.
    pub fn of(text: &Rope, offset: usize) -> Place {
        let offset = offset.min(text.len_bytes());
        let line = text.line_to_byte(text.byte_to_line(offset));
        // In a long line the window begins at a multiple of half its size, so that typing along rarely moves it.
        let half = LINE / 2;
        let start = line + (offset - line).checked_sub(LINE).map_or(0, |excess| (excess / half + 1) * half);
        Place {
            above: text::slice(text, start.saturating_sub(ABOVE), start),
            line_before: text::slice(text, start, offset),
            after: text::slice(text, offset, offset + AFTER + AUTO_CLOSED),
        }
    }

    /// A number from 0 to 1 that stays the same while the line is typed, and is spread evenly over places.
    pub fn draw(&self) -> f64 {
        self.anchor("", 0) as f64 / u64::MAX as f64
    }

    /// A hash of the text above the line.
    pub(super) fn anchor(&self, language: &str, generation: u64) -> u64 {
        anchor(self.above.as_bytes(), language, generation)
    }

    /// The anchor of the cursor's line once this text, which ends with a line break, has been typed.
    pub(super) fn anchor_after(&self, typed: &str, language: &str, generation: u64) -> u64 {
        let whole = [self.above.as_str(), &self.line_before, typed].concat();
        let mut start = whole.len().saturating_sub(ABOVE);
        while !whole.is_char_boundary(start) {
            start -= 1;
        }
        anchor(whole.as_bytes().get(start..).unwrap_or(&[]), language, generation)
    }

    /// A hash of the text after the cursor.
    pub(super) fn suffix(&self) -> u64 {
        suffix(&self.after)
    }

    /// Closers that an editor may have inserted behind the cursor while this was typed: their bytes, and a hash of the text after them.
    pub(super) fn auto_closed(&self, typed: &str) -> impl Iterator<Item = (usize, u64)> {
        let open = unclosed(typed);
        // Some editors close brackets, some quotes as well.
        let brackets = open.iter().copied().filter(|open| !matches!(open.closer, '"' | '\'' | '`')).collect::<Vec<_>>();
        [open, brackets].into_iter().filter(|open| !open.is_empty()).filter_map(|open| {
            let rest = open.iter().rev().try_fold(self.after.as_str(), |after, open| {
                let after = if open.line_broken { after.trim_start() } else { after };
                after.strip_prefix(open.closer)
            })?;
            Some((self.after.len() - rest.len(), suffix(rest)))
        })
    }
}

/// Offsets of the lines that begin inside a text.
pub(super) fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices().filter_map(|(at, c)| match c {
        '\n' => Some(at + 1),
        '\r' if !text.get(at + 1..).is_some_and(|rest| rest.starts_with('\n')) => Some(at + 1),
        _ => None,
    })
}

/// A bracket or quote that typed text leaves open.
#[derive(Clone, Copy)]
struct Open {
    closer: char,
    /// Whether a line break was typed after it: editors then move the closer to its own line.
    line_broken: bool,
}

fn unclosed(typed: &str) -> Vec<Open> {
    let mut open: Vec<Open> = Vec::new();
    for c in typed.chars() {
        let closer = match c {
            '\n' | '\r' => {
                open.iter_mut().for_each(|open| open.line_broken = true);
                continue;
            }
            _ if open.last().is_some_and(|open| open.closer == c) => {
                open.pop();
                continue;
            }
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '"' | '\'' | '`' => c,
            _ => continue,
        };
        open.push(Open { closer, line_broken: false });
    }
    open
}

fn anchor(above: &[u8], language: &str, generation: u64) -> u64 {
    hash(&(above, language, generation))
}

fn suffix(after: &str) -> u64 {
    let after = after.as_bytes();
    hash(&after.get(..AFTER).unwrap_or(after))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
