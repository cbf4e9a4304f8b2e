//! What became of each suggestion: told by the client's command, or seen from the edits that follow, for clients that tell nothing.
//! It leaves writing it down to `ledger`.

use std::collections::HashMap;
use std::sync::Mutex;

use pennyworth_core::text::{self, Change};
use ropey::Rope;
use tower_lsp::gen_lsp_types::Uri;

use crate::complete::Answer;
use crate::engine::lock;

/// Characters that editors put after what was typed, on their own.
const AUTO_CLOSED: [char; 7] = [')', ']', '}', '>', '"', '\'', '`'];
/// Suggestions that are remembered after their end, for clients that tell late.
const REMEMBERED: usize = 64;

/// What became of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The user went another way.
    Dismissed,
    /// The user typed what it said, to the end.
    TypedThrough,
    /// A part of it was taken.
    Partly,
    /// It was taken.
    Accepted,
}

/// A suggestion and its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The suggestion's id.
    pub id: String,
    /// What became of it.
    pub fate: Fate,
    /// Characters of it that were taken or typed.
    pub chars: u32,
}

/// The suggestions that are shown now, one a document at most, and the last ones that were.
#[derive(Default)]
pub struct Outcomes {
    shown: Mutex<HashMap<Uri, Shown>>,
    past: Mutex<Vec<(String, u32)>>,
}

/// A suggestion on the screen.
#[derive(Clone, Debug)]
struct Shown {
    id: String,
    /// Byte offset where its text begins or would begin.
    start: usize,
    text: String,
    /// Bytes of the text that stand in the document.
    reached: usize,
    /// Bytes that stood there when it was shown: those are the user's own.
    given: usize,
    /// Whether a part was taken at once.
    is_partly_taken: bool,
}

impl Outcomes {
    /// A suggestion is shown. Gives the id under which it is known: that of the suggestion it continues, if it is the rest of one.
    pub fn shown(&self, uri: &Uri, answer: &Answer) -> String {
        let mut all = lock(&self.shown);
        if let Some(before) = all.get(uri).filter(|before| before.goes_on_as(answer)) {
            return before.id.clone();
        }
        let given = answer.cursor.saturating_sub(answer.start).min(answer.text.len());
        let shown = Shown {
            id: answer.id.clone(),
            start: answer.start,
            text: answer.text.clone(),
            reached: given,
            given,
            is_partly_taken: false,
        };
        if let Some(before) = all.insert(uri.clone(), shown) {
            self.remember(&before);
        }
        answer.id.clone()
    }

    /// A document changed; what that means for the suggestion in it.
    pub fn edited(&self, uri: &Uri, changes: &[Change], text: &Rope) -> Option<Outcome> {
        let mut all = lock(&self.shown);
        let shown = all.get_mut(uri)?;
        let fate = changes.iter().find_map(|change| shown.follow(change, text))?;
        let shown = all.remove(uri)?;
        self.remember(&shown);
        Some(shown.outcome(fate))
    }

    /// A document was closed: nobody will know what became of the suggestion in it.
    pub fn closed(&self, uri: &Uri) {
        lock(&self.shown).remove(uri);
    }

    /// The client says that a suggestion was taken; with a number, that only so many characters of it were.
    pub fn accepted(&self, id: &str, part: Option<u32>) -> Outcome {
        let mut all = lock(&self.shown);
        let uri = all.iter().find(|(_, shown)| shown.id == id).map(|(uri, _)| uri.clone());
        if let (Some(part), Some(shown)) = (part, uri.as_ref().and_then(|uri| all.get_mut(uri))) {
            // The rest is still there, and may be taken too.
            shown.is_partly_taken = true;
            return Outcome { id: id.into(), fate: Fate::Partly, chars: part };
        }
        if let Some(shown) = uri.and_then(|uri| all.remove(&uri)) {
            self.remember(&shown);
        }
        let fate = if part.is_some() { Fate::Partly } else { Fate::Accepted };
        let known = lock(&self.past).iter().find(|(past, _)| past == id).map(|(_, chars)| *chars);
        Outcome { id: id.into(), fate, chars: part.or(known).unwrap_or_default() }
    }

    fn remember(&self, shown: &Shown) {
        let mut past = lock(&self.past);
        if past.len() >= REMEMBERED {
            past.remove(0);
        }
        past.push((shown.id.clone(), shown.offered()));
    }
}

impl Shown {
    /// Whether an answer is the rest of this one.
    fn goes_on_as(&self, answer: &Answer) -> bool {
        let before = answer.start.checked_sub(self.start);
        before.is_some_and(|before| before <= self.reached && self.text.get(before..) == Some(answer.text.as_str()))
    }

    /// Follows a change; the fate it brings, if it brings one. `text` is the document after it.
    fn follow(&mut self, change: &Change, text: &Rope) -> Option<Fate> {
        let (from, cursor) = (self.start, self.start + self.reached);
        if change.whole || change.start > cursor {
            return Some(self.left());
        }
        if change.old_end < from {
            // Somewhere above: an import that came along, say.
            self.start = from - change.old_end + change.new_end;
            return None;
        }
        if change.new_end < from {
            return Some(self.left());
        }
        let written = text::slice(text, from, change.new_end);
        let inserted = text::slice(text, change.start, change.new_end);
        let is_jump = inserted.chars().count() > 1 && !inserted.starts_with(['\n', '\r']);
        if written == self.text {
            self.reached = self.text.len();
            return Some(if is_jump { Fate::Accepted } else { self.typed() });
        }
        let typed = if self.text.starts_with(&written) {
            self.is_partly_taken |= is_jump && written.len() > self.reached;
            written.as_str()
        } else {
            written.trim_end_matches(AUTO_CLOSED)
        };
        if self.text.starts_with(typed) {
            self.reached = typed.len();
            return None;
        }
        Some(self.left())
    }

    /// The end by another way.
    fn left(&self) -> Fate {
        if self.is_partly_taken { Fate::Partly } else { Fate::Dismissed }
    }

    /// The end by typing.
    fn typed(&self) -> Fate {
        if self.is_partly_taken { Fate::Partly } else { Fate::TypedThrough }
    }

    fn outcome(&self, fate: Fate) -> Outcome {
        Outcome { id: self.id.clone(), fate, chars: self.chars(self.reached) }
    }

    /// Characters of the text up to a byte that were not the user's own to begin with.
    fn chars(&self, to: usize) -> u32 {
        self.text.get(self.given..to).map_or(0, |text| text.chars().count() as u32)
    }

    fn offered(&self) -> u32 {
        self.chars(self.text.len())
    }
}

#[cfg(test)]
mod tests;
