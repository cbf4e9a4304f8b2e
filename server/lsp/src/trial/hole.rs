//! A hole that a candidate is asked about in a batch: all that marking its answer takes, so that it can be kept while the file goes its own way. It leaves
//! the queue to `jobs`, and reading an answer to `complete`.

use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use pennyworth_core::trial::{Answer, marks};
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::place::Place;
use crate::complete::later::{Awaited, Came};
use crate::ledger::{CallId, OfTrial, Tried};

/// A hole with what is missing there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hole {
    /// Whose it is.
    #[serde(flatten)]
    pub of: OfTrial,
    model: String,
    is_evidence: bool,
    hole: u64,
    task: Task,
    language: String,
    truth: String,
    awaited: Awaited,
}

impl Hole {
    /// A hole for a candidate of a trial. `is_own` says that it is in the user's own files, and not a benchmark's.
    pub(super) fn new(of: OfTrial, candidate: &Candidate, place: &Place, is_own: bool, awaited: Awaited) -> Hole {
        Hole {
            of,
            model: candidate.model.clone(),
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
    pub fn marked(&self, call: CallId, came: &Came) -> (Tried, Option<&'static str>) {
        let shown = self.awaited.shown(call, came);
        let answer = Answer {
            hole: self.hole,
            task: self.task,
            language: self.language.clone(),
            shown: shown.text.is_some(),
            marks: marks(&self.truth, shown.text.as_deref()),
            wait_ms: None,
            input: 0,
            output: 0,
            cost: Money::ZERO,
        };
        let OfTrial { trial, candidate } = self.of.clone();
        (Tried { trial, candidate, model: self.model.clone(), is_evidence: self.is_evidence, answer }, shown.why)
    }
}
