//! Asks what a trial planned: by tomorrow what is cheaper then, and the rest now. It leaves the plan and the report to `trial`, and the queue to `jobs`.

use std::collections::BTreeMap;

use pennyworth_core::money::Money;
use pennyworth_core::trial::Answer;

use super::demand::{Common, Opened, bar};
use super::interrupt::EARLY;
use super::later::send;
use crate::jobs::enqueue_hole;
use crate::ledger::{Billed, Ledger, TrialId, Tried};
use crate::reports::trial::Entrant;
use crate::reports::words::counted;
use crate::trial::{Asked, Planned};

/// Failures in a row after which a candidate is asked no more.
const FAILURES: usize = 5;
/// Why a hole is not asked about.
const SPENT: &str = "`--spend` is reached";

/// What asking takes.
pub(super) struct Asking<'a> {
    /// What may be spent.
    pub(super) common: &'a Common,
    /// The workspace.
    pub(super) opened: &'a Opened,
    /// The ledger.
    pub(super) ledger: &'a Ledger,
    /// The trial.
    pub(super) trial: TrialId,
    /// Whether the holes are in the user's own files, and not a benchmark's.
    pub(super) is_own: bool,
}

/// Asks everything, and gives each candidate its answers: those that came, and what is known of the others. False if the user ended it early.
pub(super) fn ask(asking: &Asking<'_>, planned: Vec<Planned<'_>>, entrants: &mut [Entrant]) -> bool {
    let (later, now): (Vec<_>, Vec<_>) = planned.into_iter().partition(Planned::is_later);
    asking.opened.interrupt.begin();
    let (queued, worst) = asking.queue(later, entrants);
    let is_sent = queued == 0 || send(asking.opened, asking.ledger, queued);
    let is_whole = asking.ask_now(now, worst, entrants);
    asking.ledger.flush();
    match asking.ledger.trial(Some(asking.trial)) {
        Ok(Some(kept)) => {
            for entrant in entrants {
                entrant.missing(kept.missing.get(&entrant.name));
                // A server that runs may have been faster than this.
                let came = kept.candidates.get(&entrant.name).filter(|came| came.len() > entrant.answers.len());
                entrant.answers = came.cloned().unwrap_or(std::mem::take(&mut entrant.answers));
            }
        }
        // Nothing was queued, and no answer came.
        Ok(None) => {}
        Err(error) => eprintln!("note: the ledger cannot be read: {error}"),
    }
    is_whole && is_sent
}

impl Asking<'_> {
    /// Puts holes into the queue, as long as the amount to spend and the caps allow. Returns their number, and the most that they cost.
    fn queue(&self, planned: Vec<Planned<'_>>, entrants: &mut [Entrant]) -> (usize, Money) {
        let (mut cost, mut count) = (Money::ZERO, 0);
        for planned in planned {
            let Some(entrant) = entrant(entrants, &planned) else { continue };
            if self.opened.interrupt.is_wanted() {
                entrant.unjudged(EARLY);
                continue;
            }
            if self.is_too_much(cost + planned.worst) {
                entrant.unjudged(SPENT);
                continue;
            }
            let queued = planned.waiting(self.trial, self.is_own).and_then(|waiting| {
                let queued = self.opened.runtime.block_on(enqueue_hole(self.ledger, waiting));
                queued.map_err(|why| why.to_string())
            });
            match queued {
                Ok((_, worst)) => (cost, count) = (cost + worst, count + 1),
                Err(why) => entrant.unjudged(why),
            }
        }
        if count > 0 {
            let (holes, trial) = (counted(count as u64, "request"), self.trial);
            eprintln!(
                "queued: {holes}, at most {cost}; `pennyworth jobs` asks how far they are, and `pennyworth trial --show {trial}` prints what came"
            );
        }
        (count, cost)
    }

    /// Asks one after the other, so that no answer waits for another, and keeps each answer as it comes. `cost` is that of the queue. False if
    /// the user ended it early.
    fn ask_now(&self, planned: Vec<Planned<'_>>, mut cost: Money, entrants: &mut [Entrant]) -> bool {
        let mut is_whole = !self.opened.interrupt.is_wanted();
        let mut failures = BTreeMap::<String, usize>::new();
        let bar = bar(planned.len());
        for planned in planned {
            bar.inc(1);
            let candidate = planned.candidate;
            let Some(entrant) = entrant(entrants, &planned) else { continue };
            let failed = failures.entry(candidate.name.clone()).or_default();
            let why_not = match () {
                () if !is_whole => Some(EARLY.to_owned()),
                () if self.is_too_much(cost + planned.worst) => Some(SPENT.to_owned()),
                () if *failed >= FAILURES => Some(format!("it failed {FAILURES} times in a row")),
                () => None,
            };
            if let Some(why) = why_not {
                entrant.unjudged(why);
                continue;
            }
            bar.set_message(format!("{}, {cost} so far", candidate.name));
            let asked = self.asked(planned);
            is_whole = asked.is_some();
            match asked {
                None => entrant.unjudged(EARLY),
                Some((billed, Ok(answer))) => {
                    (*failed, cost) = (0, cost + billed);
                    entrant.answers.push(answer);
                }
                Some((billed, Err(why))) => {
                    (*failed, cost) = (*failed + 1, cost + billed);
                    entrant.unjudged(why);
                }
            }
        }
        bar.finish_and_clear();
        is_whole
    }

    /// Asks a candidate, and keeps its answer. Returns what that cost, and the answer or why there is none. `None` if the user ended it early.
    fn asked(&self, planned: Planned<'_>) -> Option<(Money, Result<Answer, String>)> {
        let candidate = planned.candidate;
        let asked = self.opened.runtime.block_on(self.opened.interrupt.or(planned.ask()));
        let Some(Asked { answer, call }) = asked else {
            // The call goes on without who waits for it, until it is settled.
            self.opened.runtime.block_on(candidate.completer.flights.end());
            return None;
        };
        let Billed { cost, input, output, .. } = call.and_then(|call| self.ledger.billed(call)).unwrap_or_default();
        let answer = answer.map(|answer| Answer { input, output, cost, ..answer });
        if let Ok(answer) = &answer {
            self.ledger.tried(Tried {
                trial: self.trial,
                candidate: candidate.name.clone(),
                model: candidate.model.clone(),
                is_evidence: candidate.is_own && self.is_own,
                answer: answer.clone(),
            });
        }
        Some((cost, answer))
    }

    fn is_too_much(&self, cost: Money) -> bool {
        self.common.spend().is_some_and(|spend| cost > spend)
    }
}

fn entrant<'e>(entrants: &'e mut [Entrant], planned: &Planned<'_>) -> Option<&'e mut Entrant> {
    entrants.iter_mut().find(|entrant| entrant.name == planned.candidate.name)
}
