//! What became of each suggestion: told by the client's command, or seen from the edits that follow, for clients that tell nothing.
//! It leaves writing it down to `ledger`.

use std::collections::HashMap;
use std::sync::Mutex;

use pennyworth_core::text::{self, Change};
use ropey::Rope;
use tower_lsp::gen_lsp_types::Uri;

use crate::complete::Answer;
use crate::engine::lock;
use crate::ledger::{Kind, Outcome, SuggestionId};

/// Characters that editors put after what was typed, on their own.
pub(crate) const AUTO_CLOSED: [char; 7] = [')', ']', '}', '>', '"', '\'', '`'];
/// Suggestions that are remembered after their end, for clients that tell late.
const REMEMBERED: usize = 64;

/// A suggestion that is no longer shown, or of which a part was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which, what, and how many characters of it.
    pub outcome: Outcome,
    /// Its document and text, if the suggestion was taken.
    pub taken: Option<(Uri, String)>,
}

/// The suggestions that are shown now, one a document at most, and the last ones that were.
#[derive(Default)]
pub struct Outcomes {
    shown: Mutex<HashMap<Uri, Shown>>,
    past: Mutex<Vec<(SuggestionId, u32)>>,
}

/// A suggestion on the screen.
#[derive(Clone, Debug)]
struct Shown {
    id: SuggestionId,
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
    /// A suggestion is shown. Gives the id under which it is known: that of the suggestion it continues, if it is the rest of one; else
    /// the one under which it is written down. Of one that made way for it, what became of that.
    pub fn shown(
        &self,
        uri: &Uri,
        answer: &Answer,
        write: impl FnOnce() -> SuggestionId,
    ) -> (SuggestionId, Option<Outcome>) {
        let mut all = lock(&self.shown);
        if let Some(before) = all.get(uri).filter(|before| before.goes_on_as(answer)) {
            return (before.id, None);
        }
        let given = answer.cursor.saturating_sub(answer.start).min(answer.text.len());
        let id = write();
        let shown =
            Shown { id, start: answer.start, text: answer.text.clone(), reached: given, given, is_partly_taken: false };
        let replaced = all.insert(uri.clone(), shown);
        (id, replaced.map(|before| self.made_way(&before)))
    }

    /// A document changed; what that means for the suggestion in it.
    pub fn edited(&self, uri: &Uri, changes: &[Change], text: &Rope) -> Option<Ended> {
        let mut all = lock(&self.shown);
        let shown = all.get_mut(uri)?;
        let kind = changes.iter().find_map(|change| shown.follow(change, text))?;
        let shown = all.remove(uri)?;
        self.remember(&shown);
        let outcome = Outcome { id: shown.id, kind, chars: shown.chars(shown.reached) };
        let taken = kind.is_acceptance().then(|| (uri.clone(), shown.text));
        Some(Ended { outcome, taken })
    }

    /// A document was closed; what became of the suggestion in it.
    pub fn closed(&self, uri: &Uri) -> Option<Outcome> {
        let shown = lock(&self.shown).remove(uri);
        shown.map(|shown| self.made_way(&shown))
    }

    /// All documents are closed; what became of the suggestions in them.
    pub fn all_closed(&self) -> Vec<Outcome> {
        let all = std::mem::take(&mut *lock(&self.shown));
        all.values().map(|shown| self.made_way(shown)).collect()
    }

    /// A suggestion left the screen while nobody had done anything else. The client may still say that it was taken.
    fn made_way(&self, shown: &Shown) -> Outcome {
        self.remember(shown);
        let kind = if shown.is_partly_taken { Kind::Partly } else { Kind::Unused };
        Outcome { id: shown.id, kind, chars: shown.chars(shown.reached) }
    }

    /// The client says that a suggestion was taken; with a number, that only so many characters of it were.
    pub fn accepted(&self, id: SuggestionId, part: Option<u32>) -> Ended {
        let mut all = lock(&self.shown);
        let uri = all.iter().find(|(_, shown)| shown.id == id).map(|(uri, _)| uri.clone());
        if let (Some(chars), Some(shown)) = (part, uri.as_ref().and_then(|uri| all.get_mut(uri))) {
            // The rest is still there, and may be taken too.
            shown.is_partly_taken = true;
            return Ended { outcome: Outcome { id, kind: Kind::Partly, chars }, taken: None };
        }
        let shown = uri.and_then(|uri| all.remove_entry(&uri));
        if let Some((_, shown)) = &shown {
            self.remember(shown);
        }
        let kind = if part.is_some() { Kind::Partly } else { Kind::Accepted };
        let offered = lock(&self.past).iter().rfind(|(past, _)| *past == id).map(|(_, chars)| *chars);
        let outcome = Outcome { id, kind, chars: part.or(offered).unwrap_or_default() };
        Ended { outcome, taken: shown.map(|(uri, shown)| (uri, shown.text)) }
    }

    fn remember(&self, shown: &Shown) {
        let mut past = lock(&self.past);
        if past.len() >= REMEMBERED {
            past.remove(0);
        }
        past.push((shown.id, shown.chars(shown.text.len())));
    }
}

impl Shown {
    /// Whether an answer is the rest of this one.
    fn goes_on_as(&self, answer: &Answer) -> bool {
        let before = answer.start.checked_sub(self.start);
        before.is_some_and(|before| before <= self.reached && self.text.get(before..) == Some(answer.text.as_str()))
    }

    /// Follows a change; the fate it brings, if it brings one. `text` is the document after it.
    fn follow(&mut self, change: &Change, text: &Rope) -> Option<Kind> {
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
        // A line break with its indentation is one key.
        let is_jump = inserted.chars().count() > 1 && !inserted.trim().is_empty();
        if written == self.text {
            self.reached = self.text.len();
            return Some(if is_jump { Kind::Accepted } else { self.typed() });
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
    fn left(&self) -> Kind {
        if self.is_partly_taken { Kind::Partly } else { Kind::Dismissed }
    }

    /// The end by typing.
    fn typed(&self) -> Kind {
        if self.is_partly_taken { Kind::Partly } else { Kind::TypedThrough }
    }

    /// Characters of the text up to a byte that were not the user's own to begin with.
    fn chars(&self, to: usize) -> u32 {
        self.text.get(self.given..to).map_or(0, |text| text.chars().count() as u32)
    }
}

/// Characters of a taken suggestion that still stand in the document: those of its lines that are there as they were.
pub fn still_there(text: &Rope, taken: &str) -> u32 {
    let mut lines: HashMap<&str, u32> = HashMap::new();
    for line in taken.lines().map(str::trim).filter(|line| !line.is_empty()) {
        lines.insert(line, line.chars().count() as u32);
    }
    let mut chars = 0;
    for line in text.lines().map(|line| line.to_string()) {
        // A suggestion may begin in the middle of a line, so a line only has to contain it.
        let found: Vec<&str> = lines.keys().copied().filter(|taken| line.contains(taken)).collect();
        chars += found.iter().filter_map(|found| lines.remove(found)).sum::<u32>();
        if lines.is_empty() {
            break;
        }
    }
    chars
}

#[cfg(test)]
mod tests;
