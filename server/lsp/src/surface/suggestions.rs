//! The suggestions that users see, from the moment they are shown to their row in the ledger.
//! It leaves what an edit means for a suggestion to `screen`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pennyworth_core::text::Change;
use ropey::Rope;
use tower_lsp::gen_lsp_types::Uri;

use super::screen::{Finished, Other, Screen, still_there};
use crate::complete::{Completion, Dismissed};
use crate::documents::Documents;
use crate::documents::parses::Parses;
use crate::documents::session::Hindered;
use crate::ledger::{Outcome, OutcomeKind, Slot, SuggestionId};
use crate::sync::{Background, lock};

/// Minutes after which an accepted suggestion is compared with the document again. Rows of earlier versions have 5.
const LATER_MINUTES: u32 = 1;
const LATER: Duration = Duration::from_secs(60 * LATER_MINUTES as u64);

/// What an edit was for the suggestions in its document.
pub struct Followed {
    /// Whether it put a part of the suggestion on the screen into the document.
    pub goes_on: bool,
    /// What was accepted before and is removed by it.
    pub removed: Option<Dismissed>,
}

/// The suggestions on the screen, and the model of the last one.
pub struct Suggestions {
    screen: Screen,
    last_model: Mutex<Option<String>>,
    ledger: Arc<Slot>,
    documents: Arc<Documents>,
    background: Arc<Background>,
}

impl Suggestions {
    /// No suggestions yet. Outcomes go to the ledger.
    pub fn new(ledger: Arc<Slot>, documents: Arc<Documents>, background: Arc<Background>) -> Suggestions {
        Suggestions { screen: Screen::default(), last_model: Mutex::default(), ledger, documents, background }
    }

    /// A completion is shown. Returns the id by which the client may report its outcome.
    pub fn shown(&self, uri: &Uri, completion: &Completion) -> SuggestionId {
        let write = || match self.ledger.get() {
            Some(ledger) => ledger.suggested(completion.suggested.clone()),
            None => SuggestionId::new(),
        };
        let (id, replaced) = self.screen.shown(uri, completion, write);
        self.record(replaced);
        *lock(&self.last_model) = Some(completion.suggested.model.clone());
        id
    }

    /// The open documents in which less is suggested, or nothing.
    pub fn hindered(&self, parses: &Parses) -> Vec<Hindered> {
        self.documents.session().hindered(parses)
    }

    /// The model of the last suggestion, by name; `None` before the first.
    pub fn last_model(&self) -> Option<String> {
        lock(&self.last_model).clone()
    }

    /// The suggestions that a user sees or has seen at a byte offset since the last edit, the latest first.
    pub(super) fn seen_at(&self, uri: &Uri, cursor: usize) -> Vec<Other> {
        self.screen.seen_at(uri, cursor)
    }

    /// A document changed, which may end the suggestion in it.
    pub fn edited(&self, uri: &Uri, changes: &[Change], text: &Rope) -> Followed {
        let removed = self.screen.removed(uri, changes, text);
        let (goes_on, ended) = self.screen.edited(uri, changes, text);
        if let Some(ended) = ended {
            self.ended(ended);
        }
        Followed { goes_on, removed }
    }

    /// The user dismissed what is shown at a byte offset. Returns it; `None` if nothing is shown there.
    pub fn dismissed(&self, uri: &Uri, cursor: usize) -> Option<Dismissed> {
        let (outcome, dismissed) = self.screen.dismissed(uri, cursor)?;
        self.record(Some(outcome));
        Some(dismissed)
    }

    /// The client reports that a suggestion was accepted; with a number, that only so many of its characters were.
    pub fn accepted(&self, id: SuggestionId, part: Option<u32>) {
        self.ended(self.screen.accepted(id, part));
    }

    /// A document was closed.
    pub fn closed(&self, uri: &Uri) {
        self.record(self.screen.closed(uri));
    }

    /// All documents are closed.
    pub fn all_closed(&self) {
        self.screen.all_closed().into_iter().for_each(|outcome| self.record(Some(outcome)));
    }

    /// Records the outcome of a suggestion. If it was accepted, checks later how much of it is still there.
    fn ended(&self, Finished { outcome, taken }: Finished) {
        if self.ledger.get().is_none() {
            return;
        }
        self.record(Some(outcome));
        let Some((uri, text)) = taken else { return };
        let (ledger, documents) = (Arc::clone(&self.ledger), Arc::clone(&self.documents));
        self.background.spawn(async move {
            tokio::time::sleep(LATER).await;
            let snapshot = documents.session().peek(&uri);
            if let (Some(snapshot), Some(ledger)) = (snapshot, ledger.get()) {
                let kind = OutcomeKind::StillThere(LATER_MINUTES);
                ledger.settled(Outcome { kind, chars: still_there(&snapshot.text, &text), ..outcome });
            }
        });
    }

    fn record(&self, outcome: Option<Outcome>) {
        if let (Some(outcome), Some(ledger)) = (outcome, self.ledger.get()) {
            ledger.settled(outcome);
        }
    }
}
