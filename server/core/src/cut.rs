//! From a model's raw answer to the text that fits at the cursor. The stream ends as soon as what was asked for is closed; what was read is then
//! trimmed to what is missing, in the document's own indentation, or rejected. It leaves line breaks and ranges to `present`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::models::Shape;
use crate::present;
use crate::task::{Stop, Task};

mod around;
mod head;
mod lines;
mod loops;
mod margin;
mod parse;
mod place;
mod trim;
mod unseen;
mod walk;

use around::Around;
use loops::Loops;
pub use place::Surroundings;

/// What a cutter must know of the place and of what was asked.
#[derive(Clone)]
pub struct CutInput {
    /// The text around the cursor.
    pub surroundings: Surroundings,
    /// What is missing.
    pub task: Task,
    /// Where the answer ends.
    pub stops: Vec<Stop>,
    /// How the model was asked: chats fence and repeat what they are shown.
    pub shape: Shape,
    /// The sentinels of the format in use; an answer is cut there.
    pub markers: Vec<String>,
    /// Lines of an answer at most.
    pub max_lines: usize,
}

/// Whether more of the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Read on.
    More,
    /// What was asked for is closed; the stream can be dropped.
    Done,
}

/// How the stream ended, if the cutter did not end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done, or met a stop text.
    Stop,
    /// The token ceiling cut it.
    Length,
    /// An error or the deadline cut it.
    CutOff,
}

/// Why an answer ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// At the end of the line.
    Newline,
    /// At the closer of the bracket the cursor stands in.
    Balanced,
    /// At the end of the statement.
    Statement,
    /// Where the body closes.
    Block,
    /// At a blank line.
    Blank,
    /// After one item.
    Item,
    /// Before a bracket or quote that is closed behind the cursor already.
    Closed,
    /// Before what follows the cursor already.
    Repeats,
    /// Where it began to repeat itself.
    Loops,
    /// At a sentinel.
    Marker,
    /// Before a character that nobody would see.
    Unseen,
    /// At the end of the fence around the code.
    Fence,
    /// At the most lines allowed.
    Lines,
    /// The model was done.
    Model,
    /// The token ceiling cut it.
    Length,
    /// The stream broke off.
    CutOff,
}

/// A text that fits. `Debug` shows its size only.
#[derive(Clone, PartialEq, Eq)]
pub struct Cut {
    /// What to insert at the cursor, in the document's indentation, lines ended by `\n`.
    pub text: String,
    /// Byte offset where the closers begin that were added to a text which opens a body; else the text's end.
    pub caret: usize,
    /// Why it ends there.
    pub ended: Ended,
}

/// Why nothing of an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The answer adds nothing.
    Empty,
    /// All of it follows the cursor already.
    Repeats,
    /// It repeats itself from the start.
    Loops,
    /// It begins with a sentinel.
    Marker,
    /// A character that nobody would see left no whole part of it.
    Unseen,
    /// The ceiling or an error left no whole part of it.
    Truncated,
    /// It would leave brackets or quotes unbalanced.
    Unbalanced,
    /// The code would parse worse with it than without.
    WorseParse,
}

/// Reads an answer piece by piece. How the pieces are split makes no difference.
pub struct Cutter {
    input: CutInput,
    around: Around,
    raw: String,
    after_cr: bool,
    loops: Loops,
    end: Option<End>,
}

/// An end found in the answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    /// Bytes of the body after which it is certain. Of several ends the one certain first counts, so that the pieces' sizes do not matter.
    seen: usize,
    /// Where the body ends.
    at: usize,
    why: Ended,
}

impl Cutter {
    /// A cutter for one answer.
    pub fn new(input: CutInput) -> Cutter {
        let around = Around::new(&input.surroundings);
        Cutter { input, around, raw: String::new(), after_cr: false, loops: Loops::default(), end: None }
    }

    /// Takes the next piece of the answer.
    pub fn push(&mut self, piece: &str) -> Progress {
        if self.end.is_none() {
            for c in piece.chars() {
                // `\r\n` and a lone `\r` are line breaks like any other.
                if !(c == '\n' && self.after_cr) {
                    self.raw.push(if c == '\r' { '\n' } else { c });
                }
                self.after_cr = c == '\r';
            }
            self.end = self.find_end(Reading::On);
        }
        if self.end.is_some() { Progress::Done } else { Progress::More }
    }

    /// The text to insert, or why there is none.
    pub fn finish(mut self, finish: Finish) -> Result<Cut, Rejection> {
        let end = self.end.or_else(|| self.find_end(Reading::Over));
        let margin = self.input.surroundings.margin.as_str();
        let raw = margin::without(&self.raw, margin);
        let body = body(&raw, &self.around, &self.input, Reading::Over).unwrap_or_default();
        let (kept, ended) = match (end, finish) {
            (Some(End { at, why: Ended::Unseen, .. }), _) => {
                (trim::to_whole(body.get(..at).unwrap_or_default(), &self.around), Ended::Unseen)
            }
            (Some(end), _) => (body.get(..end.at).unwrap_or(body), end.why),
            (None, Finish::Stop) => (body, Ended::Model),
            (None, Finish::Length) => (trim::to_whole(body, &self.around), Ended::Length),
            (None, Finish::CutOff) => (trim::to_whole(body, &self.around), Ended::CutOff),
        };
        let fitted = trim::fit(kept, &self.around).ok_or_else(|| reason(ended, kept))?;
        // White space in strings and comments is text.
        let indented = match self.around.literal {
            Some(_) => fitted,
            None => present::reindent(&fitted, &self.around.target()),
        };
        let closed = trim::close(&indented, &self.around).ok_or(Rejection::Truncated)?;
        if self.input.markers.iter().any(|marker| closed.text.contains(marker.as_str())) {
            return Err(Rejection::Marker);
        }
        if !trim::is_balanced(&closed, &self.around) {
            return Err(Rejection::Unbalanced);
        }
        let caret = closed.caret;
        let text = parse::no_worse(closed.text, ended, &self.around).ok_or(Rejection::WorseParse)?;
        if text.trim().is_empty() {
            return Err(Rejection::Empty);
        }
        // A word that closes the body is as much behind the caret as a bracket; what ends a statement is not.
        let opens_body =
            text.get(caret..).is_some_and(|added| added.contains(|c| c == '\n' || trim::is_closer(c, &self.around)));
        let caret = if opens_body { caret } else { text.len() };
        let (text, caret) = margin::with(text, caret, margin);
        Ok(Cut { text, caret, ended })
    }

    /// The end that is certain first, if one is.
    fn find_end(&mut self, reading: Reading) -> Option<End> {
        let raw = margin::without(&self.raw, &self.input.surroundings.margin);
        let body = body(&raw, &self.around, &self.input, reading)?;
        let marker = self.input.markers.iter().filter_map(|marker| {
            let at = body.find(marker.as_str())?;
            Some(End { seen: at + marker.len(), at, why: Ended::Marker })
        });
        let ends = [
            head::fence_end(body, self.input.shape, self.around.facts),
            self.loops.end(body),
            unseen::end(body, &self.around),
            lines::end(body, &self.around, &self.input, reading),
            walk::end(body, &self.around, &self.input, reading),
        ];
        marker.chain(ends.into_iter().flatten()).min()
    }
}

/// The answer without what stands in front of it.
fn body<'a>(raw: &'a str, around: &Around, input: &CutInput, reading: Reading) -> Option<&'a str> {
    raw.get(head::body_start(raw, around, input.shape, reading)?..)
}

/// Whether more of the answer may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    On,
    Over,
}

/// Why nothing is left of an answer of which this was kept.
fn reason(ended: Ended, kept: &str) -> Rejection {
    match ended {
        _ if !kept.trim().is_empty() => Rejection::Repeats,
        Ended::Repeats => Rejection::Repeats,
        Ended::Loops => Rejection::Loops,
        Ended::Marker => Rejection::Marker,
        Ended::Unseen => Rejection::Unseen,
        Ended::Length | Ended::CutOff => Rejection::Truncated,
        _ => Rejection::Empty,
    }
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cut({} bytes, {:?})", self.text.len(), self.ended)
    }
}

impl Rejection {
    /// The name used in the ledger and in cases.
    pub fn name(self) -> &'static str {
        match self {
            Rejection::Empty => "empty",
            Rejection::Repeats => "repeats",
            Rejection::Loops => "loops",
            Rejection::Marker => "marker",
            Rejection::Unseen => "unseen",
            Rejection::Truncated => "truncated",
            Rejection::Unbalanced => "unbalanced",
            Rejection::WorseParse => "worse_parse",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
