//! Asks models: whether any may be called, the wait behind a key, and the call, which may outlive the request. It leaves the plan to `stages`, and
//! calling models one after the other to `failover`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use pennyworth_core::gate::Trigger;
use pennyworth_core::models::Format;
use pennyworth_core::route::{Skipped, Step, Why};

use super::completer::Completer;
use super::completion::Completion;
use super::cutting::{cut, cut_lines, prepare};
use super::decision::Decision;
use super::ends::Answered;
use super::failover::{Cost, Failover};
use super::flights::Partial;
use super::reading::Cutters;
use crate::ledger::{Source, Suggested, provider};
use crate::models::health::account;
use crate::settings::Settings;

/// The temperature at which a model is asked for another answer than its likeliest.
const ANOTHER: f32 = 0.8;

/// Whether models may be called: the caps leave one in the route, and the cache does not say that this place just failed. A user who asks
/// with a key may have those models called that were not asked here yet. Models whose answer the user dismissed here would say it again.
pub(super) fn may_ask(completer: &Completer, decision: &mut Decision) -> Option<bool> {
    let gave_nothing: Vec<String> = match decision.request.trigger {
        Trigger::Invoked => {
            let (cache, asked) = (completer.cache(), decision.lookup(completer.now_ms()));
            cache.gave_nothing(&decision.place, &asked).into_iter().map(str::to_owned).collect()
        }
        _ if decision.cached.is_some() => {
            decision.request.attempts.replied("earlier");
            return Some(false);
        }
        Trigger::Typed | Trigger::Deleted | Trigger::Pasted => Vec::new(),
    };
    let answered: Vec<String> = match decision.request.not.is_empty() {
        true => Vec::new(),
        false => {
            let (cache, asked) = (completer.cache(), decision.lookup(completer.now_ms()));
            cache.answered(&decision.place, &asked).into_iter().map(str::to_owned).collect()
        }
    };
    let dismissed: Vec<String> = {
        let (cache, asked) = (completer.cache(), decision.lookup(completer.now_ms()));
        cache.dismissed_of(&decision.place, &asked).into_iter().map(str::to_owned).collect()
    };
    let route = &mut decision.plan.as_mut()?.route;
    completer.set_capped(route.is_capped());
    route.steps.retain(|step| !gave_nothing.contains(&step.model) && !dismissed.contains(&step.model));
    match route.steps.iter().any(|step| !answered.contains(&step.model)) {
        true => route.steps.retain(|step| !answered.contains(&step.model)),
        // All have said what they find likeliest.
        false => decision.temperature = ANOTHER,
    }
    if route.steps.is_empty() {
        let (id, why) = (no_model_id(decision, &gave_nothing), no_model(completer, decision, &gave_nothing));
        decision.request.attempts.none(id, why);
    }
    decision.plan.as_ref().map(|plan| !plan.route.steps.is_empty())
}

/// The id of the reason why no model may be asked: what the first model that might serve the task says.
fn no_model_id(decision: &Decision, gave_nothing: &[String]) -> &'static str {
    let skipped = || decision.plan.iter().flat_map(|plan| &plan.route.skipped).map(|skipped| &skipped.why);
    let serves = |why: &&Why| !matches!(why, Why::NotPinned | Why::Tier);
    match skipped().find(|why| **why == Why::Cap).or_else(|| skipped().find(serves)).or_else(|| skipped().next()) {
        _ if !gave_nothing.is_empty() => "earlier",
        Some(why) => why.name(),
        None => "none_sure",
    }
}

/// Why no model may be asked.
fn no_model(completer: &Completer, decision: &Decision, gave_nothing: &[String]) -> String {
    let models = &decision.configuration.models;
    let earlier = gave_nothing.iter().map(|model| format!("{model}: it gave nothing here a moment ago"));
    let why = |skipped: &Skipped| {
        let model = models.get(&skipped.model).filter(|_| skipped.why == Why::Unhealthy);
        let trouble =
            model.and_then(|model| completer.providers.troubles.of(&model.name, &account(provider(model), model)));
        trouble.map_or_else(|| skipped.why.to_string(), |trouble| format!("{}: {trouble}", skipped.why))
    };
    let skipped = decision.plan.iter().flat_map(|plan| &plan.route.skipped);
    let skipped = skipped.map(|skipped| format!("{}: {}", skipped.model, why(skipped)));
    let all: Vec<String> = earlier.chain(skipped).collect();
    match all.is_empty() {
        true => only_embedded(&decision.scope().settings),
        false => format!("no model may be asked: {}", all.join("; ")),
    }
}

/// Why nothing comes where there is no model but the embedded one.
fn only_embedded(settings: &Settings) -> String {
    let embedded = if settings.embedded.enabled { "is not sure enough" } else { "is off" };
    let others = if settings.is_restricted { "this workspace is not trusted" } else { "no other model is switched on" };
    format!("the embedded model {embedded}, and {others}")
}

/// Waits for a pause in typing. A user who asks with a key does not wait, nor one who has stopped typing already.
pub(super) async fn wait(completer: &Completer, decision: &Decision, begun: Instant) {
    if decision.request.trigger != Trigger::Invoked {
        let wait = Duration::from_millis(decision.wait_ms.into());
        let left = wait.saturating_sub(begun.elapsed().max(completer.keys.since().unwrap_or_default()));
        // A timer of nothing still takes a millisecond.
        if !left.is_zero() {
            tokio::time::sleep(left).await;
        }
    }
}

/// Calls the models of the plan, in a call that may outlive this request.
pub(super) async fn ask(completer: &Arc<Completer>, decision: Arc<Decision>) -> Option<Completion> {
    let (maker, cut) = (Arc::clone(completer), Arc::clone(&decision));
    let (path, target, worker) = (decision.request.path.clone(), decision.target(), Arc::clone(completer));
    let call = move |partial: Arc<Partial>| async move { models(&worker, &decision, &partial, Cost::Capped).await };
    let waiting = completer.flights.begin(&path, target, call)?;
    // While the model thinks, what its answer is cut with is made ready.
    tokio::spawn(async move { Arc::clone(&maker).work(move || prepare(&maker, &cut)).await });
    waiting.answered().await
}

/// Calls the models of the plan until an answer fits, presents it, and reads on behind it. A panic is reported, and gives nothing.
pub(super) async fn models(completer: &Completer, decision: &Decision, partial: &Partial, cost: Cost) {
    let called = AssertUnwindSafe(called(completer, decision, partial, cost)).catch_unwind().await;
    if called.is_err() {
        completer.crashes.crashed("a call of a model");
    }
}

async fn called(completer: &Completer, decision: &Decision, partial: &Partial, cost: Cost) {
    let Some(plan) = &decision.plan else { return };
    let row = decision.scope().tasks.row(plan.task);
    let until = Instant::now() + Duration::from_millis(decision.request.deadline_ms(row).into());
    let cut = |step: &Step, format: Option<&Format>| Cutters {
        first: cut(completer, decision, plan.task, format, plan.reads_on),
        lines: plan.reads_on.then(|| cut_lines(decision, plan.task, format)),
        reads_on: step.reads_on,
    };
    let show = |step: &Step, answered: Answered| {
        let suggested = Suggested {
            call: Some(answered.call),
            truncated: answered.truncated,
            ..decision.suggested(plan.task, Source::Model, &step.model, answered.probability)
        };
        partial.answer(decision.present(&answered.cut.text, suggested));
    };
    let failover = Failover { completer, decision, plan, partial, cost, until, cut: &cut };
    failover.run(&show).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_off_is_not_unsure() {
        let mut settings = Settings::default();
        assert_eq!(
            only_embedded(&settings),
            "the embedded model is not sure enough, and no other model is switched on"
        );
        settings.embedded.enabled = false;
        settings.restrict();
        assert_eq!(only_embedded(&settings), "the embedded model is off, and this workspace is not trusted");
    }
}
