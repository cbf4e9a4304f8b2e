//! One place, decided and asked as the stages would if there were one model: without a wait behind a key, the cache, or another model's answer. It
//! leaves the stages to `stages`, and what is made of the answers to trials.

use std::sync::Arc;

use pennyworth_core::cut::Finish;
use pennyworth_core::gate::Gate;
use pennyworth_core::money::Money;

use super::asking::ask;
use super::completer::Completer;
use super::completion::Completion;
use super::cutting::cut;
use super::decision::{Decision, Depth};
use super::request::Request;
use super::stages::{OFF, decide, weigh};
use crate::learn::EMBEDDED;
use crate::ledger::Source;
use crate::settings::Configuration;

/// What the stages decide at a place, as far as the plan. The error says why nothing is asked there. It blocks on the rules of the place.
pub fn planned(
    completer: &Completer,
    configuration: &Arc<Configuration>,
    request: Request,
    cap_left: Option<Money>,
) -> Result<Decision, String> {
    let mut decision =
        decide(completer, Arc::clone(configuration), request, Depth::Everything).ok_or_else(|| OFF.to_owned())?;
    match (decision.context.task, decision.gate) {
        (None, _) => return Err("no task is known there".into()),
        (_, Gate::Silent(why)) => return Err(why.to_string()),
        (Some(_), Gate::Ask) => weigh(completer, &mut decision, cap_left, Depth::Everything),
    }
    Ok(decision)
}

/// Asks the models of the plan, and says what the server would show. What was asked is in the request's attempts.
pub async fn asked(completer: &Arc<Completer>, decision: Decision) -> Option<Completion> {
    ask(completer, Arc::new(decision)).await
}

/// What the server would show of the embedded model's answer.
pub fn of_embedded(decision: &Decision) -> Option<Completion> {
    let (task, (cut, probability)) = (decision.context.task?, decision.embedded.as_ref()?);
    decision.present(&cut.text, decision.suggested(task, Source::Embedded, EMBEDDED, Some(*probability)))
}

/// What the server would show of the right answer: all of it, or what comes before the end of the task. `None` if that is refused.
pub fn shown_of(completer: &Completer, decision: &Decision, truth: &str) -> Option<String> {
    let mut cutter = cut(completer, decision, decision.context.task?, None, false);
    cutter.push(truth);
    cutter.finish(Finish::Stop).ok().map(|cut| cut.text)
}
