//! A request for a completion: the document, the cursor, and how the request came about. It decides nothing.

use std::path::PathBuf;
use std::sync::Arc;

use pennyworth_core::gate::Trigger;
use pennyworth_core::task::TaskRow;
use pennyworth_core::text::Snapshot;

use super::attempts::Attempts;
use crate::documents::Cells;

/// Shortest deadline of an answer that a key asked for, in milliseconds: a user who asks waits longer than a user who types.
const INVOKED_MS: u32 = 10_000;

/// A request for a completion.
#[derive(Clone)]
pub struct Request {
    /// The document as it was when the request came.
    pub snapshot: Snapshot,
    /// The document's path.
    pub path: PathBuf,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// What stands around the document in its notebook, if it is a cell.
    pub cells: Option<Cells>,
    /// What caused the request.
    pub trigger: Trigger,
    /// Its number among the requests of an editor: the later, the higher.
    pub number: Option<u64>,
    /// The item that is selected in the editor's menu. The completion has to extend it.
    pub selected: Option<SelectedItem>,
    /// Whether only what is ready at once is wanted: no model is called.
    pub ready_only: bool,
    /// Whether a completion that is ready is still wanted after an edit. An edit still ends the wait for models.
    pub outlives_edits: bool,
    /// Whether the whole construct is shown even while the user types. Menus are not opened anew for each line.
    pub whole: bool,
    /// Texts that were shown at this place already, if the user asks for another one.
    pub not: Arc<[String]>,
    /// Whether it is made for a trial, so that nobody is shown what comes of it.
    pub is_trial: bool,
    /// Whether nobody waits for the answer, so that it is planned at the price of by tomorrow, where that is lower.
    pub by_tomorrow: bool,
    /// Receives what becomes of the request.
    pub attempts: Arc<Attempts>,
}

/// An item of the editor's menu.
#[derive(Clone, Debug)]
pub struct SelectedItem {
    /// Byte offset of the text that it replaces.
    pub start: usize,
    /// Byte offset of the end of that text.
    pub end: usize,
    /// The text that it inserts.
    pub text: String,
}

impl Request {
    /// A request at a place, caused by `trigger`. Nothing is selected, models may be called, and an edit ends it.
    pub fn new(snapshot: Snapshot, path: PathBuf, cursor: usize, trigger: Trigger) -> Request {
        Request {
            snapshot,
            path,
            cursor,
            cells: None,
            trigger,
            number: None,
            selected: None,
            ready_only: false,
            outlives_edits: false,
            whole: false,
            not: Arc::default(),
            is_trial: false,
            by_tomorrow: false,
            attempts: Arc::default(),
        }
    }

    /// Longest wait for an answer, in milliseconds.
    pub(super) fn deadline_ms(&self, row: &TaskRow) -> u32 {
        if self.trigger == Trigger::Invoked { row.deadline_ms.max(INVOKED_MS) } else { row.deadline_ms }
    }
}
