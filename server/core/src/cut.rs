//! Cuts a model's raw answer to the text that fits at the cursor. It ends the stream once the requested text is closed, then trims it to what is
//! missing, in the document's own indentation, or rejects it. It leaves line breaks and ranges to `present`.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::mask::Masks;
use crate::models::Shape;
use crate::present;
use crate::task::Stop;

mod around;
mod closers;
mod end;
mod head;
mod input;
mod lines;
mod loops;
mod margin;
mod parse;
mod trim;
mod unfinished;
mod unseen;
mod walk;

use around::Around;
pub use end::Ended;
use end::{End, Reading};
pub use input::{CutInput, Surroundings};
use loops::Loops;
use parse::Without;
use trim::Closing;
pub(crate) use unseen::is_unseen;

/// Bytes up to which an answer is looked at with each piece. Beyond, it grows by a share before the next look, since each look reads all of it.
const SHORT: usize = 512;
/// That share, as a divisor.
const SHARE: usize = 64;

/// Whether more of the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Read on.
    More,
    /// The requested text is closed; the stream can be aborted.
    Done,
}

/// How the stream ended, if the cutter did not end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model ended, or met a stop text.
    Stop,
    /// The model ended where it was no longer sure. What is open there stays open, for nobody knows what belongs into it.
    Unsure,
    /// The token ceiling cut it.
    Length,
    /// An error or the deadline cut it.
    CutOff,
}

/// A text that fits. `Debug` shows its size only.
#[derive(Clone, PartialEq, Eq)]
pub struct Cut {
    /// What to insert at the cursor, in the document's indentation, lines ended by `\n`.
    pub text: String,
    /// Why it ends there.
    pub ended: Ended,
}

/// An answer as far as it has come, for the places that follow its cursor. `Debug` shows its size only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Its whole lines, in the document's indentation, each ended by `\n` but for the last of an answer that ended. Nothing is added to them and
    /// nothing is closed.
    pub text: String,
    /// Whether no more of it is wanted.
    pub is_over: bool,
}

/// Why an answer is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The answer adds nothing.
    Empty,
    /// All of it already follows the cursor.
    Repeats,
    /// It repeats itself from the start.
    Loops,
    /// It begins with a sentinel.
    Marker,
    /// It repeats the mask of a key or a password.
    Masked,
    /// An invisible character left no whole part of it.
    Unseen,
    /// The ceiling or an error left no whole part of it.
    Truncated,
    /// It would leave brackets or quotes unbalanced.
    Unbalanced,
    /// The code would parse worse with it than without.
    WorseParse,
}

/// Reads an answer piece by piece. How the pieces are split makes no difference.
#[derive(Clone)]
pub struct Cutter {
    input: CutInput,
    around: Around,
    raw: String,
    /// Bytes of the answer at the last look for its end.
    looked: usize,
    after_cr: bool,
    loops: Loops,
    masks: Masks,
    end: Option<End>,
    watch: Option<Watch>,
    without: Option<Without>,
}

/// Runs before an answer is parsed. What it returns is dropped after the parse.
pub type Watch = Arc<dyn Fn() -> Box<dyn Any> + Send + Sync>;

impl Cutter {
    /// A cutter for one answer.
    pub fn new(input: CutInput) -> Cutter {
        let around = Around::new(&input.surroundings, input.by_line);
        Cutter {
            input,
            around,
            raw: String::new(),
            looked: 0,
            after_cr: false,
            loops: Loops::default(),
            masks: Masks::default(),
            end: None,
            watch: None,
            without: None,
        }
    }

    /// Does what can be done before an answer comes: the text without one is parsed.
    pub fn prepare(&mut self) {
        if self.without.is_none() && parse::is_judged(&self.around) {
            let _watched = self.watch.as_ref().map(|watch| watch());
            self.without = Some(parse::without(&self.around));
        }
    }

    /// The same cutter for answers of this shape, with these sentinels.
    pub fn for_format(mut self, shape: Shape, markers: Vec<String>) -> Cutter {
        (self.input.shape, self.input.markers) = (shape, markers);
        self
    }

    /// Refuses an answer that repeats what was masked in its prompt.
    pub fn refusing(self, masks: Masks) -> Cutter {
        Cutter { masks, ..self }
    }

    /// Has each parse of the answer watched.
    pub fn watched(self, watch: Watch) -> Cutter {
        Cutter { watch: Some(watch), ..self }
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
            let grown = self.raw.len() - self.looked;
            if self.raw.len() < SHORT || grown >= self.raw.len() / SHARE {
                self.looked = self.raw.len();
                self.end = self.find_end(Reading::On);
            }
        }
        if self.end.is_some() { Progress::Done } else { Progress::More }
    }

    /// The text to insert, or why there is none.
    pub fn finish(mut self, finish: Finish) -> Result<Cut, Rejection> {
        let end = self.end.or_else(|| self.find_end(Reading::Over));
        let margin = &self.input.surroundings.margin;
        let raw = margin::without(&self.raw, margin);
        let body = body(&raw, &self.around, &self.input, Reading::Over).unwrap_or_default();
        if end.is_some_and(|end| end.why == Ended::Masked) {
            return Err(Rejection::Masked);
        }
        if let Some(text) = margin::closing(body, margin) {
            return Ok(Cut { text, ended: Ended::Fence });
        }
        let (kept, ended) = match (end, finish) {
            (Some(End { at, why: Ended::Unseen, .. }), _) => {
                (trim::to_whole(body.get(..at).unwrap_or_default(), &self.around), Ended::Unseen)
            }
            (Some(end), _) => (body.get(..end.at).unwrap_or(body), end.why),
            (None, Finish::Stop | Finish::Unsure) => (body, Ended::Model),
            (None, Finish::Length) => (trim::to_whole(body, &self.around), Ended::Length),
            (None, Finish::CutOff) => (trim::to_whole(body, &self.around), Ended::CutOff),
        };
        let fitted = trim::fit(kept, &self.around).ok_or_else(|| reason(ended, kept))?;
        let unsure = finish == Finish::Unsure && ended == Ended::Model;
        let closing = match unsure {
            true => Closing::Line,
            false => self.closing(ended, fitted.trim().contains('\n')),
        };
        // White space in strings and comments is text.
        let indented = match self.around.literal {
            Some(_) => fitted,
            None => present::reindent(&fitted, &self.around.target()),
        };
        let closed = trim::close(&indented, closing, &self.around).ok_or(Rejection::Truncated)?;
        if self.input.markers.iter().any(|marker| closed.text.contains(marker.as_str())) {
            return Err(Rejection::Marker);
        }
        if !trim::is_balanced(&closed, &self.around) {
            return Err(Rejection::Unbalanced);
        }
        let _watched = self.watch.as_ref().map(|watch| watch());
        let bare = self.input.by_line || unsure;
        let text = parse::no_worse(closed, ended, bare, &self.around, self.without).ok_or(Rejection::WorseParse)?;
        if text.trim().is_empty() {
            return Err(Rejection::Empty);
        }
        let text = margin::with(&text, margin);
        Ok(Cut { text, ended })
    }

    /// What becomes of that which an answer leaves open, by its end and whether it has several lines.
    fn closing(&self, ended: Ended, has_lines: bool) -> Closing {
        let by_line = self.input.by_line;
        match ended {
            // Of several lines the whole ones are left, of one line a part.
            Ended::Length | Ended::CutOff if by_line || !has_lines => Closing::Part,
            _ if by_line => Closing::Line,
            Ended::Newline => Closing::Line,
            Ended::Length | Ended::CutOff => Closing::Lines,
            // The line's end is a stop text of its task, so the model may have had more to say.
            Ended::Model if self.input.stops.contains(&Stop::Newline) => Closing::Lines,
            _ => Closing::Filled,
        }
    }

    /// The answer so far, without a line that may go on. `finish` says how the stream ended, if it did.
    pub fn so_far(&self, finish: Option<Finish>) -> SoFar {
        let margin = &self.input.surroundings.margin;
        let raw = margin::without(&self.raw, margin);
        let body = body(&raw, &self.around, &self.input, Reading::Over).unwrap_or_default();
        let over = || finish.and_then(|_| self.clone().find_end(Reading::Over));
        let kept = match (self.end.or_else(over), finish) {
            (Some(end), _) => body.get(..end.at).unwrap_or(body),
            (None, Some(Finish::Stop | Finish::Unsure)) => body,
            (None, _) => body.rfind('\n').and_then(|at| body.get(..=at)).unwrap_or_default(),
        };
        let (code, outside) = kept.split_at(margin::outside(kept, margin).unwrap_or(kept.len()));
        let (lines, end) = code.strip_suffix('\n').map_or((code, ""), |lines| (lines, "\n"));
        let lines = match self.around.literal {
            Some(_) => lines.to_owned(),
            None => present::reindent(lines, &self.around.target()),
        };
        let text = margin::with(&[&lines, end, outside].concat(), margin);
        SoFar { text, is_over: self.end.is_some() || finish.is_some() }
    }

    /// The first certain end, if there is one.
    fn find_end(&mut self, reading: Reading) -> Option<End> {
        let raw = margin::without(&self.raw, &self.input.surroundings.margin);
        let body = body(&raw, &self.around, &self.input, reading)?;
        let marker = self.input.markers.iter().filter_map(|marker| {
            let at = body.find(marker.as_str())?;
            Some(End { seen: at + marker.len(), at, why: Ended::Marker })
        });
        let closed = margin::outside(body, &self.input.surroundings.margin).filter(|_| !self.input.reads_on());
        let closed = closed.map(|at| End { seen: body.len(), at: at.saturating_sub(1), why: Ended::Fence });
        let mask = self.masks.find(body, reading == Reading::Over);
        let mask = mask.map(|found| End { seen: found.end, at: found.start, why: Ended::Masked });
        let ends = [
            mask,
            closed,
            head::fence_end(body, self.input.shape, self.around.facts),
            self.loops.end(body),
            unseen::end(body, &self.around),
            lines::end(body, &self.around, &self.input, reading),
            // What an answer that is read on closes is looked at when it is shown.
            if self.input.reads_on() { None } else { walk::end(body, &self.around, &self.input, reading) },
        ];
        marker.chain(ends.into_iter().flatten()).min()
    }
}

/// The answer without what precedes its body.
fn body<'a>(raw: &'a str, around: &Around, input: &CutInput, reading: Reading) -> Option<&'a str> {
    raw.get(head::body_start(raw, around, input, reading)?..)
}

/// Why nothing is left of an answer, by its end and the text kept.
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

impl fmt::Debug for SoFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoFar({} bytes, over: {})", self.text.len(), self.is_over)
    }
}

impl Rejection {
    /// Every reason.
    pub const ALL: [Rejection; 9] = [
        Rejection::Empty,
        Rejection::Repeats,
        Rejection::Loops,
        Rejection::Marker,
        Rejection::Masked,
        Rejection::Unseen,
        Rejection::Truncated,
        Rejection::Unbalanced,
        Rejection::WorseParse,
    ];

    /// The name used in the ledger and in cases.
    pub fn name(self) -> &'static str {
        match self {
            Rejection::Empty => "empty",
            Rejection::Repeats => "repeats",
            Rejection::Loops => "loops",
            Rejection::Marker => "marker",
            Rejection::Masked => "masked",
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
