//! Regions: text of one language inside a file of another, such as a script in HTML, a fence in Markdown or code in PHP.
//! They are found from the tags and fences around the cursor, so that no tree of the whole file is needed.

use pennyworth_grammars::{Injection, Language, by_id, by_name};
use ropey::Rope;

use crate::text::{line_end, slice};

/// Lines searched above and below the cursor.
const REACH: usize = 1_500;

/// A stretch of one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// The language.
    pub(super) language: &'static Language,
    /// Byte offset where it begins.
    pub(super) from: usize,
    /// Byte offset where it ends.
    pub(super) to: usize,
    /// Text that a parser needs before it.
    pub(super) prelude: &'static str,
}

/// The innermost region around a cursor.
pub(super) fn region(text: &Rope, language: &'static Language, offset: usize) -> Region {
    let mut region = Region { language, from: 0, to: text.len_bytes(), prelude: "" };
    // Text in PHP is HTML, which may hold a script: there are at most three levels.
    for _ in 0..3 {
        let facts = region.language.facts();
        let inner = if let Some((open, close)) = &facts.islands {
            island(text, region, (open, close), offset)
        } else if facts.injections.iter().any(|injection| injection.named_by.is_some()) {
            fence(text, region, offset)
        } else {
            facts.injections.iter().find_map(|injection| element(text, region, injection, offset))
        };
        match inner {
            Some(inner) if inner.language != region.language => region = inner,
            Some(inner) => return inner,
            None => break,
        }
    }
    region
}

/// Code between marks in a file of text; outside the marks the language of the first injection holds.
fn island(text: &Rope, outer: Region, (open, close): (&str, &str), offset: usize) -> Option<Region> {
    let before = window_before(text, outer.from, offset);
    // A mark at the start of a string is text: `eval('?>' . $code)`.
    let bare = |at: &usize| !before.1.get(..*at).unwrap_or_default().ends_with(['\'', '"']);
    let last = |mark: &str| before.1.rmatch_indices(mark).map(|(at, _)| at).find(bare);
    let (opened, closed) = (last("<?"), last(close));
    let is_code = match (opened, closed) {
        (Some(opened), Some(closed)) => opened > closed,
        (Some(_), None) => true,
        // No mark in the window: a region longer than the window is code.
        (None, None) => before.0 > outer.from,
        (None, Some(_)) => false,
    };
    if is_code {
        let from = opened.map_or(before.0, |at| {
            let tag = before.1.get(at..).unwrap_or_default();
            let length =
                if tag.starts_with(open) { open.len() } else { tag.find(char::is_whitespace).unwrap_or(2).min(3) };
            before.0 + at + length
        });
        return Some(Region { from: from.min(offset), prelude: "<?php\n", ..outer });
    }
    let language =
        outer.language.facts().injections.iter().find_map(|injection| by_name(injection.language.as_deref()?))?;
    Some(Region { language, from: closed.map_or(outer.from, |at| before.0 + at + close.len()), ..outer })
}

/// The content of an element in another language, by its tag: the injection's `within` is `<tag>_element`.
fn element(text: &Rope, outer: Region, injection: &Injection, offset: usize) -> Option<Region> {
    let tag = injection.within.as_deref()?.strip_suffix("_element")?;
    let language = by_name(injection.language.as_deref()?)?;
    let (start, before) = window_before(text, outer.from, offset);
    let lower = before.to_ascii_lowercase();
    let opened = lower.rfind(&format!("<{tag}"))?;
    if lower.rfind(&format!("</{tag}")).is_some_and(|closed| closed > opened) {
        return None;
    }
    let head = lower.get(opened..)?;
    let content = opened + head.find('>')? + 1;
    // A template or data block is not a script.
    let kind = head.get(..head.find('>')?)?;
    if kind.contains("type=")
        && !["javascript", "module", "babel", "ecmascript", "css"].iter().any(|known| kind.contains(known))
    {
        return None;
    }
    let to = window_after(text, offset, outer.to, |line| line.to_ascii_lowercase().find(&format!("</{tag}")));
    Some(Region { language, from: start + content, to, prelude: "" })
}

/// A fenced block whose info string names a known language.
fn fence(text: &Rope, outer: Region, offset: usize) -> Option<Region> {
    let fence = open_fence(text, text.byte_to_line(outer.from), text.byte_to_line(offset))?;
    let language = by_id(fence.words().next()?)?;
    let to = window_after(text, offset, outer.to, |line| fence.is_closed_by(line).then_some(0));
    Some(Region { language, from: text.line_to_byte(fence.line + 1), to, prelude: "" })
}

/// An open fence.
pub(super) struct Fence {
    mark: String,
    info: String,
    /// The line that opens it.
    pub(super) line: usize,
}

impl Fence {
    /// The words of the info string; the first names the language.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let words = self.info.split([' ', ',', '{', '}']).filter(|word| !word.is_empty());
        words.map(|word| word.trim_start_matches('.'))
    }

    /// The mark that opens it, and closes it.
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// Whether a line closes it.
    pub(super) fn is_closed_by(&self, line: &str) -> bool {
        fence_mark(line).is_some_and(|(mark, info)| mark.starts_with(&self.mark) && info.is_empty())
    }
}

/// The fence that is open at the start of a line, judged by the lines from `first` on.
pub(super) fn open_fence(text: &Rope, first: usize, cursor: usize) -> Option<Fence> {
    let first = first.max(cursor.saturating_sub(REACH));
    let mut open: Option<Fence> = None;
    for (line, content) in (first..cursor).zip(text.lines_at(first)) {
        let content: String = content.chars().take(80).collect();
        let Some((mark, info)) = fence_mark(&content) else { continue };
        open = match open {
            Some(fence) if fence.is_closed_by(&content) => None,
            Some(fence) => Some(fence),
            None => Some(Fence { mark, info, line }),
        };
    }
    open
}

/// The mark of a fence and the info string after it.
fn fence_mark(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let length = line.len() - info.len();
    (length >= 3 && !info.contains('`')).then(|| (mark.to_string().repeat(length), info.trim().to_owned()))
}

/// Text above the cursor, and the byte offset where it begins.
fn window_before(text: &Rope, from: usize, offset: usize) -> (usize, String) {
    let first = text.byte_to_line(offset).saturating_sub(REACH);
    let start = text.line_to_byte(first).max(from).max(offset.saturating_sub(64 * REACH));
    let start = text.char_to_byte(text.byte_to_char(start));
    (start, slice(text, start, offset))
}

/// The byte offset where a line below the cursor ends the region; `end` if no near one does.
fn window_after(text: &Rope, offset: usize, end: usize, ends: impl Fn(&str) -> Option<usize>) -> usize {
    let cursor = text.byte_to_line(offset);
    for number in cursor..text.len_lines().min(cursor + REACH) {
        let start = text.line_to_byte(number).max(offset);
        let line = slice(text, start, line_end(text, number).min(start + 400));
        if let Some(at) = ends(&line) {
            return (start + at).min(end);
        }
    }
    end
}
