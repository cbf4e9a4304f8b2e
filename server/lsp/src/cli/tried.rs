//! Asks what a trial planned: by tomorrow what is cheaper then, and the rest now. It leaves the plan and the report to `trial`, and the queue to `jobs`.

use std::collections::BTreeMap;

use pennyworth_core::money::Money;
use pennyworth_core::trial::Answer;

use super::demand::{Common, Opened, bar};
use super::interrupt::EARLY;
use super::later::tell_ended_early;
use crate::jobs::{Looker, Pace, When, enqueue_hole};
use crate::ledger::{Ledger, TrialId, Tried};
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
    let (later, now): (Vec<_>, Vec<_>) = planned.into_iter().partition(|planned| planned.is_later);
    asking.opened.interrupt.begin();
    let (queued, worst) = asking.queue(later, entrants);
    let is_sent = queued == 0 || asking.send(queued);
    let is_whole = asking.ask_now(now, worst, entrants);
    asking.ledger.flush();
    if let Ok(Some(kept)) = asking.ledger.trial(Some(asking.trial)) {
        for entrant in entrants {
            entrant.missing(kept.missing.get(&entrant.name));
            // A server that runs may have been faster than this.
            let came = kept.candidates.get(&entrant.name).filter(|came| came.len() > entrant.answers.len());
            entrant.answers = came.cloned().unwrap_or(std::mem::take(&mut entrant.answers));
        }
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

    /// Sends what is queued. What cannot be sent now is sent by the next command or server that looks after the queue. False if the user ended it early.
    fn send(&self, queued: usize) -> bool {
        let (providers, settings) = (&self.opened.completer.providers, self.opened.own.clone());
        let looker = Looker { ledger: self.ledger, providers, settings, pace: Pace::default(), asks: false };
        match self.opened.runtime.block_on(self.opened.interrupt.or(looker.look(When::Due))) {
            Some(Ok(looked)) => looked.notes.iter().for_each(|note| eprintln!("note: {note}")),
            Some(Err(why)) => eprintln!("note: nothing is sent yet: {why}"),
            None => {
                tell_ended_early(self.ledger, queued);
                return false;
            }
        }
        true
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
            if self.is_too_much(cost + planned.worst) {
                entrant.unjudged(SPENT);
                continue;
            }
            if !is_whole {
                entrant.unjudged(EARLY);
                continue;
            }
            if *failed >= FAILURES {
                entrant.unjudged(format!("it failed {FAILURES} times in a row"));
                continue;
            }
            bar.set_message(format!("{}, {cost} so far", candidate.name));
            let Some(Asked { answer, call }) = self.opened.runtime.block_on(self.opened.interrupt.or(planned.ask()))
            else {
                is_whole = false;
                entrant.unjudged(EARLY);
                continue;
            };
            let billed = call.and_then(|call| self.ledger.billed(call)).unwrap_or_default();
            cost += billed.cost;
            match answer {
                Ok(answer) => {
                    *failed = 0;
                    let answer = Answer { input: billed.input, output: billed.output, cost: billed.cost, ..answer };
                    self.ledger.tried(Tried {
                        trial: self.trial,
                        candidate: candidate.name.clone(),
                        model: candidate.model.clone(),
                        is_evidence: candidate.is_own && self.is_own,
                        answer: answer.clone(),
                    });
                    entrant.answers.push(answer);
                }
                Err(why) => {
                    *failed += 1;
                    entrant.unjudged(why);
                }
            }
        }
        bar.finish_and_clear();
        is_whole
    }

    fn is_too_much(&self, cost: Money) -> bool {
        self.common.spend().is_some_and(|spend| cost > spend)
    }
}

fn entrant<'e>(entrants: &'e mut [Entrant], planned: &Planned<'_>) -> Option<&'e mut Entrant> {
    entrants.iter_mut().find(|entrant| entrant.name == planned.candidate.name)
}
