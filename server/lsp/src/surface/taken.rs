//! A suggestion that was accepted, as long as it stands in its document: removing all of it, as by an undo, dismisses it. This is how a user
//! rejects one in editors that report nothing. It leaves finding what was accepted to `screen`.

use pennyworth_core::present::AUTO_CLOSED;
use pennyworth_core::text::{self, Change};
use ropey::Rope;

use crate::complete::Dismissed;
use crate::ledger::Suggested;

/// An accepted suggestion in a document.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    start: usize,
    /// Bytes of its text that stood there before it was accepted.
    given: usize,
    /// Byte offset of the end of what is left of it.
    end: usize,
    /// Its text, and those that were shown before it at the same place.
    texts: Vec<String>,
    suggested: Suggested,
}

/// What a change does to an accepted suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// All or the beginning of it still stands there.
    Stays,
    /// Nothing of it is left but so many bytes that stood there before.
    Removed {
        /// The bytes.
        typed: usize,
    },
    /// It is no longer the same text.
    Changed,
}

impl Taken {
    /// A suggestion whose text begins at an offset, with so many bytes that stood there before. The first of the texts is its own.
    pub(super) fn new((start, given): (usize, usize), texts: Vec<String>, suggested: Suggested) -> Taken {
        let end = start + texts.first().map_or(0, String::len);
        Taken { start, given, end, texts, suggested }
    }

    /// Follows a change; `text` is the document after it.
    pub(super) fn follow(&mut self, change: &Change, text: &Rope) -> Fate {
        let typed = self.start + self.given;
        if change.whole {
            return Fate::Changed;
        }
        if change.start >= self.end {
            return Fate::Stays;
        }
        if change.old_end <= self.start {
            let moved = |at: usize| at - change.old_end + change.new_end;
            (self.start, self.end) = (moved(self.start), moved(self.end));
            return Fate::Stays;
        }
        if change.old_end < self.end || change.new_end < self.start {
            return Fate::Changed;
        }
        // Closers that the editor had inserted may come back.
        if text::slice(text, typed, change.new_end.max(typed)).chars().all(|c| AUTO_CLOSED.contains(&c)) {
            return Fate::Removed { typed: self.given.min(change.new_end - self.start) };
        }
        if change.new_end > change.start {
            return Fate::Changed;
        }
        self.end = change.start;
        Fate::Stays
    }

    /// It was removed but for so many bytes.
    pub(super) fn dismissed(self, typed: usize) -> Dismissed {
        Dismissed { start: self.start, typed, texts: self.texts, suggested: self.suggested }
    }
}
