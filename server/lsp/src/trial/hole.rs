//! A hole that a candidate is asked about in a batch: all that marking its answer takes, so that it can be kept while the file goes its own way. It leaves
//! the queue to `jobs`, and reading an answer to `complete`.

use std::fmt;

use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use pennyworth_core::trial::{Answer, marks};
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::place::Place;
use crate::complete::later::{Awaited, Came};
use crate::ledger::{CallId, OfTrial, Tried};

/// A hole in the queue, with what is missing there.
#[derive(Clone, Serialize, Deserialize)]
pub struct QueuedHole {
    /// Whose it is.
    #[serde(flatten)]
    pub of: OfTrial,
    is_evidence: bool,
    hole: u64,
    task: Task,
    language: String,
    truth: String,
    awaited: Awaited,
}

impl QueuedHole {
    /// A hole for a candidate of a trial. `is_own` says that it is in the user's own files, and not a benchmark's.
    pub(super) fn new(of: OfTrial, candidate: &Candidate, place: &Place, is_own: bool, awaited: Awaited) -> QueuedHole {
        QueuedHole {
            of,
            is_evidence: candidate.is_own && is_own,
            hole: place.hole.id,
            task: place.task,
            language: place.language.name().to_owned(),
            truth: place.truth.clone(),
            awaited,
        }
    }

    /// Marks the answer of a call, as if it had come at once, but for the wait, which is not known, and the bill, which the ledger has. The second value
    /// says in a word why the server would show none of it.
    pub fn marked(&self, (call, model): (CallId, &str), came: &Came) -> (Tried, Option<&'static str>) {
        let cutout = self.awaited.cut(call, came);
        let answer = Answer {
            hole: self.hole,
            task: self.task,
            language: self.language.clone(),
            shown: cutout.text.is_some(),
            marks: marks(&self.truth, cutout.text.as_deref()),
            wait_ms: None,
            input: 0,
            output: 0,
            cost: Money::ZERO,
        };
        let OfTrial { trial, candidate } = self.of.clone();
        (Tried { trial, candidate, model: model.to_owned(), is_evidence: self.is_evidence, answer }, cutout.why)
    }
}

impl fmt::Debug for QueuedHole {
    /// Without the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedHole").field("of", &self.of).field("hole", &self.hole).finish_non_exhaustive()
    }
}
