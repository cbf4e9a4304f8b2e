//! Which models to ask, and in which order: those that may and can serve the task, by its order of tiers, then by cost per accepted completion.
//! It leaves measuring health, acceptance and the rest of the cap to the caller, and trying the steps to the server.

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::standing::{Acceptance, Allowance, Standing};
pub use self::why::{Skipped, Why};
use crate::models::{Later, Model, Price, WeekHour};
use crate::money::Money;
use crate::read_on::ReadOn;
use crate::task::{Enabled, TaskRow, Tier};

mod standing;
mod why;

/// Tokens of a long line.
const LONG_LINE: u32 = 32;

/// Exploration never picks a model that costs more than this many times the best one.
const EXPLORED_COST: f64 = 2.0;

/// The terms of a route, besides the models.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The task's row: which models may serve it, and the order of tiers.
    pub row: &'a TaskRow,
    /// The standing of each model by name; a model without one counts as healthy and new.
    pub standings: &'a BTreeMap<String, Standing>,
    /// What is left of the caps after all calls in flight; `None` if the ledger cannot be kept, so that nothing may cost money.
    pub cap_left: Option<Money>,
    /// Whether code may leave this machine.
    pub privacy: Privacy,
    /// The one model to ask, if the user pinned one.
    pub pin: Option<&'a str>,
    /// The task's own output ceiling, in tokens.
    pub max_tokens: u32,
    /// Whether the answer is shown line by line, so that a model is read on as far as it pays.
    pub reads_on: bool,
    /// What 1,000 accepted characters are worth to the user.
    pub worth: Money,
    /// Longest wait for an answer, in milliseconds.
    pub deadline_ms: u32,
    /// The hour, on which prices depend.
    pub now: WeekHour,
    /// Whether to explore: to put first the model that may prove best, if it costs little more than the usual one.
    pub explore: bool,
}

/// Where code may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// To every model the configuration names.
    Named,
    /// Only to this machine.
    Local,
    /// The same, until a fault in the user's own settings is mended.
    Faulty,
    /// To no model but the embedded one.
    Embedded,
}

/// One model to ask.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The model's name in tables.
    pub model: String,
    /// Its price tier.
    pub tier: Tier,
    /// Estimated tokens of its prompt.
    pub prompt_tokens: u32,
    /// Tokens that its prompt may have, in the estimate of its row; a longer one is cut.
    #[serde(skip)]
    pub room: u32,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// The same where the answer is shown line by line, as while the user types.
    pub max_tokens_while_typing: u32,
    /// How far it is read on there.
    pub read_on: ReadOn,
    /// Whether it is read on behind the line that is shown first.
    pub reads_on: bool,
    /// Stop texts to send, within the provider's limit.
    pub stops: Vec<String>,
    /// Whether the code of its prompt stays on this machine.
    pub code_stays_here: bool,
    /// What a token costs now.
    pub price: Price,
    /// The expected cost of the call.
    pub expected_cost: Money,
    /// The most it can cost, reserved from the cap until its bill is known.
    pub worst_cost: Money,
    /// The probability that its completion is accepted.
    pub acceptance: Acceptance,
    /// The expected cost per accepted completion.
    pub per_accepted: Money,
    /// Usual TTFT in milliseconds.
    pub wait_ms: Option<u32>,
    /// The milliseconds within which nine of ten of its answers begin.
    pub needs_ms: Option<u32>,
    /// Whether exploration put it first, not its cost.
    pub explored: bool,
    /// How it is asked by tomorrow, if nobody waits and that is cheaper; its costs are those of then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later: Option<Later>,
}

/// The models to ask in order, and why others are not asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Route {
    /// Each is asked when the one before fails, while time and money remain.
    pub steps: Vec<Step>,
    /// The models left out.
    pub skipped: Vec<Skipped>,
}

impl Route {
    /// Whether a cap excludes every model that costs something.
    pub fn is_capped(&self) -> bool {
        self.skipped.iter().any(|skipped| skipped.why == Why::Cap)
            && self.steps.iter().all(|step| step.worst_cost <= Money::ZERO)
    }
}

/// A model with the prompt's size in its format, or the reason why the prompt cannot be written.
#[derive(Clone)]
pub struct Candidate<'a> {
    /// The model.
    pub model: &'a Model,
    /// The share of its completions that is expected to be accepted, before any was shown.
    pub prior: f64,
    /// Estimated tokens of the prompt in its format.
    pub prompt_tokens: Result<u32, Why>,
    /// Tokens that its prompt may have, in the estimate of its row.
    pub room: u32,
    /// Stop texts to send.
    pub stops: Vec<String>,
    /// Whether a line break may end the answer: not where the answer may begin with one.
    pub stops_at_line: bool,
}

/// The route for these candidates on these terms.
pub fn route(candidates: Vec<Candidate<'_>>, terms: &Terms<'_>) -> Route {
    routed(candidates, terms, false)
}

/// The same where nobody waits for the answer: for models that are cheaper by tomorrow, at the price of then.
pub fn route_by_tomorrow(candidates: Vec<Candidate<'_>>, terms: &Terms<'_>) -> Route {
    routed(candidates, terms, true)
}

fn routed(candidates: Vec<Candidate<'_>>, terms: &Terms<'_>, by_tomorrow: bool) -> Route {
    let mut route = Route::default();
    for candidate in candidates {
        let model = candidate.model;
        match step(candidate, terms, by_tomorrow) {
            Ok(step) => route.steps.push(step),
            Err(why) => route.skipped.push(Skipped { model: model.name.clone(), why }),
        }
    }
    let place = |tier: Tier| terms.row.route.iter().position(|listed| *listed == tier);
    route.steps.sort_by(|a, b| {
        place(a.tier)
            .cmp(&place(b.tier))
            .then(a.per_accepted.cmp(&b.per_accepted))
            .then(b.acceptance.mean.total_cmp(&a.acceptance.mean))
            .then(a.model.cmp(&b.model))
    });
    if terms.explore {
        explore(&mut route.steps);
    }
    route
}

/// Puts the model first that may be the best of its tier by an optimistic estimate: the less is known about a model, the more optimistic.
/// Nothing moves when that is the first one anyway or costs much more.
fn explore(steps: &mut [Step]) {
    let Some(first) = steps.first() else { return };
    let (tier, most) = (first.tier, first.expected_cost.scaled(EXPLORED_COST));
    let of_tier = steps.iter().take_while(|step| step.tier == tier).filter(|step| step.expected_cost <= most);
    let at_best = |step: &Step| per_accepted(step.expected_cost, step.acceptance.at_best());
    let best = of_tier.enumerate().min_by(|(_, a), (_, b)| {
        at_best(a).cmp(&at_best(b)).then(b.acceptance.at_best().total_cmp(&a.acceptance.at_best()))
    });
    let Some(name) = best.filter(|(at, _)| *at > 0).map(|(_, step)| step.model.clone()) else { return };
    let Some(at) = steps.iter().position(|step| step.model == name) else { return };
    if let Some(moved) = steps.get_mut(..=at) {
        moved.rotate_right(1);
    }
    if let Some(first) = steps.first_mut() {
        first.explored = true;
    }
}

fn step(candidate: Candidate<'_>, terms: &Terms<'_>, by_tomorrow: bool) -> Result<Step, Why> {
    let Candidate { model, prior, prompt_tokens, room, mut stops, stops_at_line } = candidate;
    let standing = terms.standings.get(&model.name).copied().unwrap_or_default();
    let stays = model.code_stays_here();
    if terms.privacy == Privacy::Embedded {
        return Err(Why::Closed);
    }
    if terms.pin.is_some_and(|pin| pin != model.name) {
        return Err(Why::NotPinned);
    }
    if terms.pin.is_none() && !terms.row.route.contains(&model.tier) {
        return Err(Why::Tier);
    }
    if !stays && terms.privacy == Privacy::Faulty {
        return Err(Why::Faulty);
    }
    if !stays && (terms.privacy == Privacy::Local || terms.row.enabled != Enabled::On) {
        return Err(Why::Private);
    }
    let later = model.later(terms.now).filter(|_| by_tomorrow);
    // How a provider does now says little about tomorrow.
    let is_now = later.is_none();
    if is_now && !standing.healthy {
        return Err(Why::Unhealthy);
    }
    if is_now && standing.wait_ms.is_some_and(|wait| wait > terms.deadline_ms) && terms.pin.is_none() {
        return Err(Why::TooSlow);
    }
    let prompt_tokens = prompt_tokens?;
    let (later, price) = later.map_or_else(|| (None, model.price.at(terms.now)), |(how, price)| (Some(how), price));
    let read_on = standing.read_on(&price, prompt_tokens, terms.worth);
    let reads_on = terms.reads_on && read_on.lines > 1;
    let max_tokens_while_typing = while_typing(terms, &read_on);
    let max_tokens = if terms.reads_on { max_tokens_while_typing } else { terms.max_tokens };
    if terms.reads_on && !reads_on && stops_at_line {
        stops.insert(0, "\n".to_owned());
        stops.truncate(model.stop_limit.into());
    }
    if is_now && !standing.allowance.covers(u64::from(prompt_tokens) + u64::from(max_tokens)) {
        return Err(Why::Limited);
    }
    if prompt_tokens.saturating_add(max_tokens) > model.context {
        return Err(Why::Context);
    }
    let worst_cost = match later {
        None => model.worst_cost(margin(prompt_tokens), max_tokens.into()),
        Some(_) => worst_at(model, &price, prompt_tokens, max_tokens),
    };
    match terms.cap_left {
        _ if worst_cost <= Money::ZERO => {}
        None => return Err(Why::Unbooked),
        Some(left) if worst_cost > left => return Err(Why::Cap),
        Some(_) => {}
    }
    let expected_cost = standing.expected_cost(&price, model.abort_billed, prompt_tokens, max_tokens);
    let acceptance = standing.acceptance(prior);
    Ok(Step {
        expected_cost,
        acceptance,
        per_accepted: per_accepted(expected_cost, acceptance.mean),
        wait_ms: standing.wait_ms,
        needs_ms: standing.needs_ms,
        explored: false,
        model: model.name.clone(),
        tier: model.tier,
        code_stays_here: stays,
        prompt_tokens,
        room,
        max_tokens,
        max_tokens_while_typing,
        read_on,
        reads_on,
        stops,
        worst_cost,
        price,
        later,
    })
}

/// The output ceiling where the answer is shown line by line. A long line is not cut off.
fn while_typing(terms: &Terms<'_>, read_on: &ReadOn) -> u32 {
    let line = terms.max_tokens.min(LONG_LINE);
    match terms.row.read_on {
        0 => terms.max_tokens,
        most if read_on.lines > 1 => read_on.ceiling().max(line).min(most),
        _ => line,
    }
}

/// The most that a call of a model costs at another price than that of its row.
pub fn worst_at(model: &Model, price: &Price, prompt_tokens: u32, max_tokens: u32) -> Money {
    let priced = Model { price: price.clone(), ..model.clone() };
    priced.worst_cost(margin(prompt_tokens), max_tokens.into())
}

/// The input tokens to reserve money for: one and a half times the estimate, since one window in a hundred was off by up to a third.
fn margin(prompt_tokens: u32) -> u64 {
    let tokens = u64::from(prompt_tokens);
    tokens + tokens / 2 + 16
}

fn per_accepted(cost: Money, acceptance: f64) -> Money {
    cost.scaled(1.0 / acceptance.max(0.001))
}

#[cfg(test)]
mod tests;
