//! Finds the outcome of each suggestion: from the client's command, or from the edits that follow, for clients that report nothing.
//! It leaves recording it to `ledger`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use pennyworth_core::present::AUTO_CLOSED;
use pennyworth_core::text::{self, Change};
use ropey::Rope;
use tower_lsp::gen_lsp_types::Uri;

use super::taken::{Fate, Taken};
use crate::complete::{Completion, Dismissed};
use crate::ledger::{Outcome, OutcomeKind, Suggested, SuggestionId};
use crate::sync::lock;
use crate::wire::convert;

/// Suggestions that are remembered after their end, for clients that report late.
const REMEMBERED: usize = 64;

/// A suggestion that is no longer shown, or that was accepted in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finished {
    /// Its id, what became of it, and how many of its characters were used.
    pub(super) outcome: Outcome,
    /// Its document and text, if the suggestion was accepted.
    pub(super) taken: Option<(Uri, String)>,
}

/// The suggestions shown now, at most one per document, and the last ones shown before.
#[derive(Default)]
pub(super) struct Screen {
    /// By the path of their document.
    shown: Mutex<HashMap<PathBuf, OnScreen>>,
    /// What was accepted last in each document.
    taken: Mutex<HashMap<PathBuf, Taken>>,
    past: Mutex<Vec<(SuggestionId, u32)>>,
}

/// A suggestion on the screen.
#[derive(Clone, Debug)]
struct OnScreen {
    uri: Uri,
    id: SuggestionId,
    /// Byte offset where its text begins or would begin.
    start: usize,
    text: String,
    /// Bytes of the text that are in the document.
    reached: usize,
    /// Bytes that were there when it was shown: the user typed those.
    given: usize,
    /// Whether a part was accepted, not typed.
    is_partly_taken: bool,
    /// What was shown before it at the same place, the latest first.
    others: Vec<Other>,
    /// Where it came from.
    suggested: Suggested,
}

/// A suggestion that the user has seen, and asked for another at the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) id: SuggestionId,
    pub(super) text: String,
}

impl Screen {
    /// A suggestion is shown. Returns its id: that of the suggestion before it, if it is the rest of that; else the one that `write` gives.
    /// Also returns the outcome of a suggestion that it replaces.
    pub(super) fn shown(
        &self,
        uri: &Uri,
        completion: &Completion,
        write: impl FnOnce() -> SuggestionId,
    ) -> (SuggestionId, Option<Outcome>) {
        let path = convert::document(uri);
        let mut all = lock(&self.shown);
        if let Some(before) = all.get(&path).filter(|before| before.goes_on_as(completion)) {
            return (before.id, None);
        }
        let others = all.get(&path).map_or_else(Vec::new, |before| before.seen_at(completion.start));
        let given = completion.cursor.saturating_sub(completion.start).min(completion.text.len());
        let id = write();
        let shown = OnScreen {
            uri: uri.clone(),
            id,
            start: completion.start,
            text: completion.text.clone(),
            reached: given,
            given,
            is_partly_taken: false,
            others,
            suggested: completion.suggested.clone(),
        };
        let replaced = all.insert(path, shown);
        (id, replaced.map(|before| self.made_way(&before)))
    }

    /// The suggestions that a user sees or has seen at a byte offset since the last edit, the latest first.
    pub(super) fn seen_at(&self, uri: &Uri, cursor: usize) -> Vec<Other> {
        lock(&self.shown).get(&convert::document(uri)).map_or_else(Vec::new, |shown| shown.seen_at(cursor))
    }

    /// The user dismissed what is shown in a document at a byte offset. Returns the outcome, and what may not come back at once.
    pub(super) fn dismissed(&self, uri: &Uri, cursor: usize) -> Option<(Outcome, Dismissed)> {
        let path = convert::document(uri);
        let mut all = lock(&self.shown);
        all.get(&path).filter(|shown| shown.start + shown.reached == cursor)?;
        let shown = all.remove(&path)?;
        self.remember(&shown);
        let outcome = Outcome { id: shown.id, kind: shown.left(), chars: shown.chars(shown.reached) };
        let (start, typed) = (shown.start, shown.reached);
        Some((outcome, Dismissed { start, typed, texts: shown.texts(), suggested: shown.suggested }))
    }

    /// A document changed. Returns what was accepted in it and is removed by the change, as by an undo.
    pub(super) fn removed(&self, uri: &Uri, changes: &[Change], text: &Rope) -> Option<Dismissed> {
        let path = convert::document(uri);
        let mut all = lock(&self.taken);
        let taken = all.get_mut(&path)?;
        let fate = changes.iter().map(|change| taken.follow(change, text)).find(|fate| *fate != Fate::Stays)?;
        let taken = all.remove(&path)?;
        match fate {
            Fate::Removed { typed } => Some(taken.dismissed(typed)),
            Fate::Stays | Fate::Changed => None,
        }
    }

    /// A document changed. Returns whether the change put a part of the suggestion into it, and the suggestion if the change ends it.
    pub(super) fn edited(&self, uri: &Uri, changes: &[Change], text: &Rope) -> (bool, Option<Finished>) {
        let path = convert::document(uri);
        let mut all = lock(&self.shown);
        let Some(shown) = all.get_mut(&path) else { return (false, None) };
        let before = shown.reached;
        let mut rest = changes.iter();
        let kind = rest.find_map(|change| shown.follow(change, text));
        let goes_on = shown.reached > before;
        let Some((kind, shown)) = kind.and_then(|kind| Some((kind, all.remove(&path)?))) else {
            return (goes_on, None);
        };
        self.remember(&shown);
        let outcome = Outcome { id: shown.id, kind, chars: shown.chars(shown.reached) };
        // Who took it piece by piece and gives the last one back did not reject it.
        if kind.is_acceptance() && shown.reached == shown.text.len() && !shown.is_partly_taken {
            let mut taken = Taken::new((shown.start, before), shown.texts(), shown.suggested.clone());
            if rest.all(|change| taken.follow(change, text) == Fate::Stays) {
                lock(&self.taken).insert(path, taken);
            }
        }
        let taken = kind.is_acceptance().then(|| (uri.clone(), shown.text));
        (goes_on, Some(Finished { outcome, taken }))
    }

    /// A document was closed. Returns the outcome of the suggestion in it.
    pub(super) fn closed(&self, uri: &Uri) -> Option<Outcome> {
        let path = convert::document(uri);
        lock(&self.taken).remove(&path);
        let shown = lock(&self.shown).remove(&path);
        shown.map(|shown| self.made_way(&shown))
    }

    /// All documents are closed. Returns the outcomes of the suggestions in them.
    pub(super) fn all_closed(&self) -> Vec<Outcome> {
        lock(&self.taken).clear();
        let all = std::mem::take(&mut *lock(&self.shown));
        all.values().map(|shown| self.made_way(shown)).collect()
    }

    /// A suggestion left the screen before the user decided about it. The client may still report that it was accepted.
    fn made_way(&self, shown: &OnScreen) -> Outcome {
        self.remember(shown);
        let kind = if shown.is_partly_taken { OutcomeKind::Partly } else { OutcomeKind::Unused };
        Outcome { id: shown.id, kind, chars: shown.chars(shown.reached) }
    }

    /// The client reports that a suggestion was accepted; with a number, that only so many of its characters were.
    pub(super) fn accepted(&self, id: SuggestionId, part: Option<u32>) -> Finished {
        let mut all = lock(&self.shown);
        let path = all.iter().find(|(_, shown)| shown.id == id).map(|(path, _)| path.clone());
        if let (Some(chars), Some(shown)) = (part, path.as_ref().and_then(|path| all.get_mut(path))) {
            // The rest is still shown, and may be accepted too.
            shown.is_partly_taken = true;
            return Finished { outcome: Outcome { id, kind: OutcomeKind::Partly, chars }, taken: None };
        }
        let shown = path.and_then(|path| all.remove(&path));
        if let Some(shown) = &shown {
            self.remember(shown);
        }
        let kind = if part.is_some() { OutcomeKind::Partly } else { OutcomeKind::Accepted };
        let offered = lock(&self.past).iter().rfind(|(past, _)| *past == id).map(|(_, chars)| *chars);
        let outcome = Outcome { id, kind, chars: part.or(offered).unwrap_or_default() };
        Finished { outcome, taken: shown.map(|shown| (shown.uri, shown.text)) }
    }

    fn remember(&self, shown: &OnScreen) {
        let mut past = lock(&self.past);
        if past.len() >= REMEMBERED {
            past.remove(0);
        }
        past.push((shown.id, shown.chars(shown.text.len())));
    }
}

impl OnScreen {
    /// Whether a completion is the rest of this suggestion.
    fn goes_on_as(&self, completion: &Completion) -> bool {
        let before = completion.start.checked_sub(self.start);
        before.is_some_and(|before| before <= self.reached && self.text.get(before..) == Some(completion.text.as_str()))
    }

    /// This suggestion and those before it, if they are for a byte offset and nothing of them is in the document.
    fn seen_at(&self, cursor: usize) -> Vec<Other> {
        let is_here = self.start == cursor && self.reached == self.given;
        let own = is_here.then(|| Other { id: self.id, text: self.text.clone() });
        own.into_iter().chain(self.others.iter().filter(|_| is_here).cloned()).collect()
    }

    /// Its text, and what was shown before it at the same place.
    fn texts(&self) -> Vec<String> {
        std::iter::once(&self.text).chain(self.others.iter().map(|other| &other.text)).cloned().collect()
    }

    /// Follows a change. Returns the suggestion's fate if the change decides it. `text` is the document after the change.
    fn follow(&mut self, change: &Change, text: &Rope) -> Option<OutcomeKind> {
        let (from, cursor) = (self.start, self.start + self.reached);
        if change.whole || change.start > cursor {
            return Some(self.left());
        }
        if change.old_end < from {
            // A change above it, such as a new import.
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
            return Some(if is_jump { OutcomeKind::Accepted } else { self.typed() });
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

    /// The fate if the user writes something else.
    fn left(&self) -> OutcomeKind {
        if self.is_partly_taken { OutcomeKind::Partly } else { OutcomeKind::Dismissed }
    }

    /// The fate if the user types all of it.
    fn typed(&self) -> OutcomeKind {
        if self.is_partly_taken { OutcomeKind::Partly } else { OutcomeKind::TypedThrough }
    }

    /// Characters of the text up to a byte, without those that were there when it was shown.
    fn chars(&self, to: usize) -> u32 {
        self.text.get(self.given..to).map_or(0, |text| text.chars().count() as u32)
    }
}

/// Characters of an accepted suggestion that are still in the document: those of its unchanged lines.
pub(super) fn still_there(text: &Rope, taken: &str) -> u32 {
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
