//! A suggestion that the user dismissed: it does not come back at its place for a while, and the call that reads on behind it ends.
//! It leaves for how long, and what counts as the same text, to `core::cache`, and how a user dismisses one to `surface`.

use std::path::Path;

use pennyworth_core::cache::{Answer, Decided, Place};
use pennyworth_core::task::Tier;
use ropey::Rope;

use super::completer::Completer;
use super::decision::Decision;
use crate::documents::Cells;
use crate::ledger::Suggested;

/// A suggestion that was dismissed, and what else was seen at its place.
#[derive(Clone, Debug)]
pub struct Dismissed {
    /// Byte offset in the document where its text begins, or would begin.
    pub start: usize,
    /// Bytes of the text that are in the document.
    pub typed: usize,
    /// The text, and those that the user saw before it.
    pub texts: Vec<String>,
    /// Where it came from.
    pub suggested: Suggested,
}

/// Remembers what was dismissed in a document of this text, which may be a cell among others.
pub fn dismiss(completer: &Completer, path: &Path, (text, cells): (&Rope, Option<&Cells>), dismissed: Dismissed) {
    let Dismissed { start, typed, texts, suggested } = dismissed;
    let configuration = completer.configuration.get();
    // As the text was before the first letter of it.
    let mut before = text.clone();
    let start = start.min(text.len_bytes());
    let end = (start + typed).min(text.len_bytes());
    before.remove(text.byte_to_char(start)..text.byte_to_char(end));
    let (around, start) = cells.map_or_else(|| (before.clone(), start), |cells| cells.with(&before, start));
    let place = Place::of(&around, start);
    let model = configuration.models.get(&suggested.model);
    let decided = Decided {
        task: suggested.task,
        language: suggested.language,
        model: suggested.model,
        tier: model.map_or(Tier::Embedded, |model| model.tier),
        generation: configuration.generation,
    };
    for text in texts {
        completer.cache().put(&place, decided.clone(), Answer::Dismissed { text }, completer.now_ms());
    }
    completer.flights.closed(path);
}

/// Whether a text is not to be shown for this decision: the user asks for another, or dismissed it here.
pub(super) fn is_unwanted(completer: &Completer, decision: &Decision, text: &str) -> bool {
    let asked = decision.lookup(completer.now_ms());
    asked.not.iter().any(|not| not == text) || completer.cache().is_dismissed(&decision.place, &asked, text)
}
