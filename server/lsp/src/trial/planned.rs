//! What a trial asks: each candidate at each hole, with its cost before anything is sent, and the answer with its marks, at once or by tomorrow. It leaves
//! the order, the money that may be spent and what is shown meanwhile to the command.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pennyworth_core::money::Money;
use pennyworth_core::route::Step;
use pennyworth_core::trial::{Answer, marks};

use super::candidate::{Candidate, InQueue};
use super::hole::QueuedHole;
use super::place::Place;
use crate::complete::decision::Decision;
use crate::complete::later::{Deferred, deferred};
use crate::complete::{Completion, alone};
use crate::demand::why_now;
use crate::ledger::{CallId, OfTrial, TrialId, provider};
use crate::models::health::{Again, account};

/// Longest wait for a provider that refuses to answer for a moment, as one whose limit of requests is reached does.
const REST: Duration = Duration::from_secs(60);

/// One candidate at one hole.
pub struct Planned<'a> {
    /// The candidate.
    pub candidate: &'a Candidate,
    /// The hole.
    pub place: &'a Place,
    /// What it is expected to cost.
    pub expected: Money,
    /// The most that it can cost.
    pub worst: Money,
    /// `None` for the embedded model, which decides as it answers.
    decision: Option<Decision>,
}

/// A hole for the queue.
pub struct Waiting {
    /// What is sent.
    pub sent: Deferred,
    /// What its answer is marked by.
    pub hole: QueuedHole,
}

/// What came of it.
pub struct Asked {
    /// The answer, or why there can be none: the provider failed, or the call was not made.
    pub answer: Result<Answer, String>,
    /// The call's row in the ledger.
    pub call: Option<CallId>,
}

/// Plans what is asked. The second value counts, by candidate and reason, the holes at which a candidate is not asked. It blocks on the rules of places.
pub fn plan<'a>(
    candidates: &'a [Candidate],
    places: &'a [Place],
    cap_left: Option<Money>,
) -> (Vec<Planned<'a>>, BTreeMap<(String, String), usize>) {
    let (mut all, mut left_out) = (Vec::new(), BTreeMap::new());
    for place in places {
        for candidate in candidates {
            match planned(candidate, place, cap_left) {
                Ok(planned) => all.push(planned),
                Err(why) => *left_out.entry((candidate.name.clone(), why)).or_insert(0) += 1,
            }
        }
    }
    (all, left_out)
}

fn planned<'a>(candidate: &'a Candidate, place: &'a Place, cap_left: Option<Money>) -> Result<Planned<'a>, String> {
    let (expected, worst) = (Money::ZERO, Money::ZERO);
    let free = Planned { candidate, place, expected, worst, decision: None };
    if candidate.is_embedded() {
        return Ok(free);
    }
    let request = candidate.request(place);
    let decision = alone::planned(&candidate.completer, &candidate.configuration, request, cap_left)?;
    let plan = decision.plan.as_ref().ok_or("nothing would be asked there")?;
    let Some(step) = plan.route.steps.first() else {
        let skipped = plan.route.skipped.iter().find(|skipped| skipped.model == candidate.model);
        return Err(skipped.map_or_else(|| "it is not switched on there".to_owned(), |skipped| skipped.why.to_string()));
    };
    let (expected, worst) = (step.expected_cost, step.worst_cost);
    Ok(Planned { expected, worst, decision: Some(decision), ..free })
}

impl Planned<'_> {
    /// How it is asked; `None` for the embedded model.
    fn step(&self) -> Option<&Step> {
        self.decision.as_ref()?.plan.as_ref()?.route.steps.first()
    }

    /// Whether it is asked by tomorrow, for less.
    pub fn is_later(&self) -> bool {
        self.step().is_some_and(|step| step.later.is_some())
    }

    /// Why it is asked now in a trial whose answers may come by tomorrow. `None` for the embedded model.
    pub fn why_now(&self) -> Option<String> {
        let step = self.step()?;
        let model = self.candidate.configuration.models.get(&step.model)?;
        Some(match &self.candidate.in_queue {
            InQueue::Never(why) => why.clone(),
            InQueue::Wanted | InQueue::Unwanted => why_now(step, model),
        })
    }

    /// The same for the queue. `is_own` says that the hole is in the user's own files. The error says why it is not asked.
    pub fn waiting(&self, trial: TrialId, is_own: bool) -> Result<Waiting, String> {
        let Planned { candidate, place, decision, .. } = self;
        let decision = decision.as_ref().ok_or("nothing would be asked there")?;
        let sent = deferred(&candidate.completer, decision)?;
        let of = OfTrial { trial, candidate: candidate.name.clone() };
        let hole = QueuedHole::new(of, candidate, place, is_own, sent.awaited.clone());
        Ok(Waiting { sent, hole })
    }

    /// Asks the candidate. The cost of the answer is in the ledger's row of the call.
    pub async fn ask(self) -> Asked {
        let Planned { candidate, place, decision, .. } = self;
        match decision {
            Some(decision) => asked(candidate, place, decision).await,
            None => embedded(candidate, place),
        }
    }
}

async fn asked(candidate: &Candidate, place: &Place, decision: Decision) -> Asked {
    rested(candidate).await;
    let attempts = std::sync::Arc::clone(&decision.request.attempts);
    let begun = Instant::now();
    let completion = alone::asked(&candidate.completer, decision).await;
    let waited = begun.elapsed();
    let all = attempts.all();
    let call = all.iter().rev().find_map(|attempt| attempt.call);
    let answer = match all.last() {
        Some(attempt) if completion.is_none() && attempt.has_failed => Err(attempt.outcome.clone()),
        None if completion.is_none() => Err(attempts.why_nothing()),
        _ => Ok(answer(place, completion.as_ref(), waited)),
    };
    Asked { answer, call }
}

/// Waits while a provider rests, if that is not for long. One whose key is refused is not waited for.
async fn rested(candidate: &Candidate) {
    let Candidate { completer, configuration, model, .. } = candidate;
    let Some(row) = configuration.models.get(model) else { return };
    let account = account(provider(row), row);
    let now = Instant::now();
    if let Again::At(until) = completer.providers.health.again(&account, model, now)
        && until.saturating_duration_since(now) <= REST
    {
        tokio::time::sleep_until(until.into()).await;
    }
}

fn embedded(candidate: &Candidate, place: &Place) -> Asked {
    candidate.teach(place);
    let begun = Instant::now();
    let decision = alone::planned(&candidate.completer, &candidate.configuration, place.request(), None);
    let answer = decision.map(|decision| answer(place, alone::of_embedded(&decision).as_ref(), begun.elapsed()));
    Asked { answer, call: None }
}

fn answer(place: &Place, completion: Option<&Completion>, waited: Duration) -> Answer {
    Answer {
        hole: place.hole.id,
        task: place.task,
        language: place.language.name().to_owned(),
        shown: completion.is_some(),
        marks: marks(&place.truth, completion.map(|completion| completion.text.as_str())),
        wait_ms: Some(u32::try_from(waited.as_millis()).unwrap_or(u32::MAX)),
        input: 0,
        output: 0,
        cost: Money::ZERO,
    }
}
