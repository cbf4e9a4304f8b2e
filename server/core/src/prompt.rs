//! A prompt as parts, the windows of text that go into it, and its rendering in a model's own format: sentinels, fields or messages.
//! It leaves choosing the excerpts to the caller, the length of an answer to `budget` and the wire to `providers`.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use ropey::Rope;
use serde::{Deserialize, Serialize};

use crate::models::{Format, Shape};
use crate::task::{Stop, TaskRow};
use crate::text::slice;
use crate::tokens;

mod above;
mod breaks;
mod fit;

pub use above::above;
pub use breaks::{normalised, without_mark};

/// Most bytes of a prefix or suffix window, whatever its lines: a minified file has lines of a megabyte.
const MAX_WINDOW_BYTES: usize = 24 * 1024;

/// Most bytes just above a window that are looked at.
const MAX_ABOVE_BYTES: usize = 2 * 1024;

/// Lines of context around the cursor.
///
/// The start moves in jumps, and the end is counted from the end of the file. Most keystrokes, even a line break, then leave the beginning of
/// the prompt unchanged, which the providers' prompt caches and a local server's key-value cache need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Lines before the cursor's line, at least.
    pub before: usize,
    /// Lines after the cursor's line, at least.
    pub after: usize,
}

impl Window {
    /// The window of a task's row.
    pub fn of(row: &TaskRow) -> Window {
        Window { before: row.before as usize, after: row.after as usize }
    }

    /// The lines to send, for a cursor in line `cursor` (from 0) of `count` lines.
    pub fn lines(&self, cursor: usize, count: usize) -> Range<usize> {
        let jump = |lines: usize| (lines / 2).max(8);
        let floor = |line: usize, step: usize| line / step * step;
        let start = floor(cursor.saturating_sub(self.before), jump(self.before));
        let below = count.saturating_sub(cursor + 1).saturating_sub(self.after);
        start..count.saturating_sub(floor(below, jump(self.after)))
    }
}

/// The parts of a document around a byte offset that are in the window, lines ended by `\n`. The cost does not depend on the document's size.
pub fn around(window: Window, text: &Rope, offset: usize) -> Around {
    let offset = offset.min(text.len_bytes());
    let lines = window.lines(text.byte_to_line(offset), text.len_lines());
    let start = text.line_to_byte(lines.start.min(text.len_lines())).max(offset.saturating_sub(MAX_WINDOW_BYTES));
    let end = text.line_to_byte(lines.end.min(text.len_lines())).min(offset + MAX_WINDOW_BYTES);
    let (before, after) = (slice(text, start, offset), slice(text, offset, end.max(offset)));
    let (before, after) = (tail(&before, MAX_WINDOW_BYTES - 1), head(&after, MAX_WINDOW_BYTES - 1));
    let start = offset.saturating_sub(before.len());
    let [prefix, suffix] = [before, after].map(|part| normalised(part).into_owned());
    Around { above: above(text, start, MAX_ABOVE_BYTES), prefix, suffix }
}

/// A document's text around a place.
#[derive(Clone, PartialEq, Eq)]
pub struct Around {
    /// What stands above the window: see [`above()`].
    pub above: String,
    /// The window before the place.
    pub prefix: String,
    /// The window after it.
    pub suffix: String,
}

/// The last `most` bytes, from a line's start where the cut leaves one, else from a word's: half a key is known by no rule.
fn tail(text: &str, most: usize) -> &str {
    let Some(excess) = text.len().checked_sub(most).filter(|excess| *excess > 0) else { return text };
    let kept = (excess..text.len()).find_map(|at| text.get(at..)).unwrap_or("");
    kept.split_once('\n').map_or_else(|| kept.trim_start_matches(is_of_key), |(_, whole_lines)| whole_lines)
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-+/=.".contains(c)
}

/// The first `most` bytes, to a line's end where the cut leaves one, else to a word's.
pub fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let kept = (0..=most).rev().find_map(|at| text.get(..at)).unwrap_or("");
    kept.rfind('\n').and_then(|end| kept.get(..=end)).unwrap_or_else(|| kept.trim_end_matches(is_of_key))
}

/// Helpful text from another place: an outline, a definition, a file seen lately.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Excerpt {
    /// Its file, relative to the workspace.
    pub path: String,
    /// The text above it, which is not sent: see [`above()`].
    pub above: String,
    /// The text.
    pub text: String,
}

/// A prompt in parts. `Debug` and serialisation show sizes, never text: prompts reach neither logs nor ledger.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Prompt {
    /// The file, relative to the workspace.
    pub path: String,
    /// The language's name.
    pub language: String,
    /// Excerpts of other places, the most stable first.
    pub excerpts: Vec<Excerpt>,
    /// The text above the window, which is not sent: see [`above()`].
    pub above: String,
    /// The window before the cursor, lines ended by `\n`.
    pub prefix: String,
    /// The window after the cursor, lines ended by `\n`.
    pub suffix: String,
    /// Where the answer ends, which tells a chat how much to write.
    pub stop: Option<Stop>,
    /// Whether the lines behind the first are wanted, too.
    pub reads_on: bool,
}

/// A prompt in a model's own format. `Debug` shows sizes only.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// One text with sentinels.
    Raw {
        /// The text.
        prompt: String,
    },
    /// Prefix and suffix in separate fields.
    Fields {
        /// The text before the hole.
        prompt: String,
        /// The text after it.
        suffix: String,
        /// Excerpts, for a server that writes them into the prompt itself.
        excerpts: Vec<Excerpt>,
    },
    /// Messages.
    Chat {
        /// The system message.
        system: String,
        /// The beginning of the user's message, which keystrokes leave as it is.
        shared: String,
        /// The rest of it: the file and the request.
        user: String,
    },
}

/// A prompt ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The body to send.
    pub body: Body,
    /// Blanks before the cursor that are not sent, because models were trained on tokens that begin with the blank.
    /// The answer repeats them: see [`Realign`].
    pub held: String,
}

/// Why a prompt cannot be written in a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The marker of the format that the text contains.
    pub marker: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the text contains `{}`, a sentinel of this model", self.marker)
    }
}

impl Prompt {
    /// The prompt in a format, or the marker of the format that the text contains.
    pub fn render(&self, format: &Format) -> Result<Rendered, Refusal> {
        if let Some(marker) = format.markers.iter().find(|marker| self.contains(marker)) {
            return Err(Refusal { marker: marker.clone() });
        }
        let sent = match format.shape {
            Shape::Raw | Shape::Fields => self.prefix.trim_end_matches([' ', '\t']),
            Shape::Chat => &self.prefix,
        };
        let held = self.prefix.get(sent.len()..).unwrap_or("").to_owned();
        let excerpts = self.excerpts(format);
        let template = format.multi.as_ref().filter(|_| !excerpts.is_empty()).unwrap_or(&format.template);
        let prompt = template.render(|hole| match hole {
            "prefix" => sent,
            "suffix" => &self.suffix,
            "path" => &self.path,
            "language" => &self.language,
            "excerpts" => &excerpts,
            _ if self.reads_on => "the rest of this line, then the next few lines",
            _ => want(self.stop),
        });
        let body = match format.shape {
            Shape::Raw => Body::Raw { prompt },
            Shape::Fields => {
                let excerpts = if format.excerpt.is_some() { self.excerpts.clone() } else { Vec::new() };
                Body::Fields { prompt, suffix: self.suffix.clone(), excerpts }
            }
            Shape::Chat => {
                let shared = if template.begins_with("excerpts") { excerpts } else { String::new() };
                let user = prompt.strip_prefix(&shared).unwrap_or(&prompt).to_owned();
                Body::Chat { system: format.system.clone(), shared, user }
            }
        };
        Ok(Rendered { body, held })
    }

    /// This prompt with the latest excerpts that fit into `excerpt_tokens`, without those that contain a marker of the format.
    pub fn within(&self, format: &Format, excerpt_tokens: u32, chars_per_token: f32) -> Cow<'_, Prompt> {
        if self.excerpts.is_empty() {
            return Cow::Borrowed(self);
        }
        let is_clean = |text: &str| !format.markers.iter().any(|marker| text.contains(marker.as_str()));
        let mut left = if format.excerpt.is_some() { excerpt_tokens } else { 0 };
        let mut excerpts = Vec::new();
        for excerpt in self.excerpts.iter().rev() {
            let Some(rest) = left.checked_sub(excerpt.tokens(chars_per_token)) else { break };
            left = rest;
            if is_clean(&excerpt.text) && is_clean(&excerpt.path) {
                excerpts.push(excerpt.clone());
            }
        }
        excerpts.reverse();
        Cow::Owned(Prompt { excerpts, ..self.clone() })
    }

    /// Estimated tokens of each part, for a model of this many characters per token.
    pub fn tokens(&self, chars_per_token: f32) -> PartTokens {
        let count = |text: &str| tokens::estimate(text, chars_per_token);
        PartTokens {
            path: count(&self.path),
            excerpts: self.excerpts.iter().map(|excerpt| excerpt.tokens(chars_per_token)).sum(),
            prefix: count(&self.prefix),
            suffix: count(&self.suffix),
        }
    }

    fn contains(&self, marker: &str) -> bool {
        let own = [&self.prefix, &self.suffix, &self.path].into_iter();
        let others = self.excerpts.iter().flat_map(|excerpt| [&excerpt.text, &excerpt.path]);
        own.chain(others).any(|text| text.contains(marker))
    }

    fn excerpts(&self, format: &Format) -> String {
        let Some(template) = &format.excerpt else { return String::new() };
        let one = |excerpt: &Excerpt| {
            template.render(|hole| if hole == "path" { &excerpt.path } else { &excerpt.text }.as_str())
        };
        self.excerpts.iter().map(one).collect()
    }
}

/// The words that tell a chat how much to write.
fn want(stop: Option<Stop>) -> &'static str {
    match stop {
        Some(Stop::Newline) => "the rest of this line only",
        Some(Stop::Balanced) => "only what is missing inside these brackets, without the closing one",
        Some(Stop::Statement) => "the rest of this statement only",
        Some(Stop::Block) => "the body of this block only",
        Some(Stop::Blank) => "this paragraph only",
        Some(Stop::Item) => "one definition only",
        None => "what is missing",
    }
}

impl Excerpt {
    /// Estimated tokens, including those around it.
    pub fn tokens(&self, chars_per_token: f32) -> u32 {
        tokens::estimate(&self.text, chars_per_token) + tokens::estimate(&self.path, chars_per_token) + 3
    }
}

impl Body {
    /// Estimated tokens, including the frame.
    pub fn tokens(&self, chars_per_token: f32) -> u32 {
        let count = |text: &str| tokens::estimate(text, chars_per_token);
        // A chat's frame is three or four tokens for each message.
        match self {
            Body::Raw { prompt } => count(prompt),
            Body::Fields { prompt, suffix, excerpts } => {
                let others: u32 = excerpts.iter().map(|excerpt| excerpt.tokens(chars_per_token)).sum();
                count(prompt) + count(suffix) + others + 3
            }
            Body::Chat { system, shared, user } => count(system) + count(shared) + count(user) + 8,
        }
    }
}

/// Estimated tokens of a prompt's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PartTokens {
    /// The file's path.
    pub path: u32,
    /// Excerpts of other places.
    pub excerpts: u32,
    /// Before the cursor.
    pub prefix: u32,
    /// After the cursor.
    pub suffix: u32,
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("excerpts", &self.excerpts.len())
            .field("prefix_bytes", &self.prefix.len())
            .field("suffix_bytes", &self.suffix.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Excerpt").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Raw { prompt } => write!(f, "Raw({} bytes)", prompt.len()),
            Body::Fields { prompt, suffix, excerpts } => {
                write!(f, "Fields({} + {} bytes, {} excerpts)", prompt.len(), suffix.len(), excerpts.len())
            }
            Body::Chat { system, shared, user } => {
                write!(f, "Chat({} + {} + {} bytes)", system.len(), shared.len(), user.len())
            }
        }
    }
}

/// Removes from the head of a streamed answer the blanks that stand before the cursor but were not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Realign {
    /// The held blanks that have not come yet.
    left: String,
}

impl Realign {
    /// For an answer to this prompt.
    pub fn new(rendered: &Rendered) -> Realign {
        Realign { left: rendered.held.clone() }
    }

    /// The next piece of the answer, without the repeated blanks.
    pub fn push<'a>(&mut self, piece: &'a str) -> &'a str {
        let same = piece.bytes().zip(self.left.bytes()).take_while(|(came, held)| came == held).count();
        // Once anything else comes, the rest of the held blanks will not.
        self.left = match same == piece.len() {
            true => self.left.split_off(same),
            false => String::new(),
        };
        piece.get(same..).unwrap_or(piece)
    }
}

#[cfg(test)]
mod tests;
