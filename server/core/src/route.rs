//! Which models to ask, in which order: those that may and can, the cheapest per accepted completion first within the order of tiers of the task.
//! It leaves health, acceptance and what is left of the cap to the caller, who passes them in, and trying the steps to the server.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::models::{AbortBilled, Model, Price, WeekHour};
use crate::money::Money;
use crate::task::{Enabled, TaskRow, Tier};

/// Completions shown that weigh as much as the prior.
const PRIOR_WEIGHT: f64 = 20.0;
/// Share of a ceiling that an answer uses, where its end stops the model; unknown until the ledger says, half is the middle.
const USED: f64 = 0.5;

/// What may be had by asking another model than the usual one: a gain that is this many times dearer is not looked for.
const EXPLORED_COST: f64 = 2.0;

/// What is known about a model now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Whether it may be tried: the breaker of its provider is not open.
    pub healthy: bool,
    /// Its completions shown for this task and language, older ones counted for less.
    pub shown: f64,
    /// Those of them that were accepted, weighed alike.
    pub accepted: f64,
    /// Share of its input that was read from the provider's cache lately, 0 to 1.
    pub cached_share: f64,
    /// Milliseconds to its first text, usually; `None` until it answered.
    pub wait_ms: Option<u32>,
    /// What its provider still allows now.
    pub allowance: Allowance,
}

/// What a provider still allows now; `None` where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens, of prompts and answers together.
    pub tokens: Option<u64>,
}

impl Allowance {
    /// Whether a call with so many tokens is allowed.
    pub fn covers(&self, tokens: u64) -> bool {
        self.requests.is_none_or(|left| left > 0) && self.tokens.is_none_or(|left| left >= tokens)
    }
}

impl Default for Standing {
    fn default() -> Standing {
        let allowance = Allowance::default();
        Standing { healthy: true, shown: 0.0, accepted: 0.0, cached_share: 0.0, wait_ms: None, allowance }
    }
}

impl Standing {
    /// What a call with this prompt and ceiling will probably cost.
    pub fn expected_cost(&self, price: &Price, aborts: AbortBilled, prompt_tokens: u32, max_tokens: u32) -> Money {
        let cached = f64::from(prompt_tokens) * self.cached_share.clamp(0.0, 1.0);
        // An answer that is cut early costs its whole length where aborts are billed.
        let used = if aborts == AbortBilled::No { USED } else { 1.0 };
        let output = f64::from(max_tokens) * used;
        price.cost(prompt_tokens.into(), cached as u64, 0, output.ceil() as u64)
    }

    /// The probability that its completion is accepted: a Beta distribution over what became of those before, begun with the tier's prior.
    pub fn acceptance(&self, tier: Tier) -> Acceptance {
        // What public measurements of inline completion report, dearer models a little above.
        let prior = match tier {
            Tier::Embedded | Tier::Local => 0.25,
            Tier::Cheap => 0.30,
            Tier::Premium => 0.35,
        };
        let weight = self.shown + PRIOR_WEIGHT;
        let mean = (self.accepted.min(self.shown) + prior * PRIOR_WEIGHT) / weight;
        Acceptance { mean, deviation: (mean * (1.0 - mean) / (weight + 1.0)).sqrt() }
    }
}

/// How probably a completion is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Acceptance {
    /// The mean of what is believed, 0 to 1.
    pub mean: f64,
    /// Its standard deviation: how little is known.
    pub deviation: f64,
}

impl Acceptance {
    /// What it may well be, seen kindly.
    fn at_best(&self) -> f64 {
        (self.mean + 2.0 * self.deviation).min(1.0)
    }
}

/// What decides about a route besides the models.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The task's row: who may serve it, and the order of tiers.
    pub row: &'a TaskRow,
    /// What is known about each model, by name; without an entry a model is taken as healthy and new.
    pub standings: &'a BTreeMap<String, Standing>,
    /// What is left of the day's cap after all calls in flight.
    pub cap_left: Money,
    /// Whether code may leave this machine.
    pub privacy: Privacy,
    /// The one model to ask, by the user's word.
    pub pin: Option<&'a str>,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// Longest wait for an answer, in milliseconds.
    pub deadline_ms: u32,
    /// What prices depend on.
    pub now: WeekHour,
    /// Whether to ask the model about which most may still be learned, if it costs little more than the usual one.
    pub explore: bool,
}

/// Where code may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// To every model the configuration names.
    Named,
    /// Nowhere but this machine.
    Local,
}

/// One model to ask.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The model's name in tables.
    pub model: String,
    /// Its class of price.
    pub tier: Tier,
    /// Estimated tokens of its prompt.
    pub prompt_tokens: u32,
    /// Stop texts to send, in the provider's limit.
    pub stops: Vec<String>,
    /// What a token costs now.
    pub price: Price,
    /// What the call will probably cost.
    pub expected_cost: Money,
    /// The most it can cost: what is held back from the cap until its bill is known.
    pub worst_cost: Money,
    /// The probability that its completion is accepted.
    pub acceptance: Acceptance,
    /// What an accepted completion costs, as far as is known.
    pub per_accepted: Money,
    /// Milliseconds to its first text, usually.
    pub wait_ms: Option<u32>,
    /// Whether it stands first to learn about it, not because it is the best.
    pub explored: bool,
}

/// The models to ask in order, and why others are not asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Route {
    /// The next one is asked when the one before fails, while time and money remain.
    pub steps: Vec<Step>,
    /// Models that were looked at and left out.
    pub skipped: Vec<Skipped>,
}

impl Route {
    /// Whether a cap keeps every model from being asked that costs something.
    pub fn is_capped(&self) -> bool {
        self.skipped.iter().any(|skipped| skipped.why == Why::Cap) && self.steps.iter().all(|step| step.price.is_free())
    }
}

/// A model that is not asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its name in tables.
    pub model: String,
    /// Why.
    pub why: Why,
}

/// Why a model is not asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The user pinned another model.
    NotPinned,
    /// The task is not served by its tier.
    Tier,
    /// Code may not leave this machine.
    Private,
    /// Its provider fails or was told to stop.
    Unhealthy,
    /// Its provider allows no such call now.
    Limited,
    /// It usually answers later than the task can wait.
    TooSlow,
    /// What is left of the day's or the month's cap does not cover its worst case.
    Cap,
    /// Prompt and answer do not fit into its context.
    Context,
    /// The text contains a marker of its format, given here.
    Marker(String),
}

/// A model with the prompt's size for it, or why the prompt cannot be written for it.
pub struct Candidate<'a> {
    /// The model.
    pub model: &'a Model,
    /// Estimated tokens of the prompt in its format.
    pub prompt_tokens: Result<u32, Why>,
    /// Stop texts to send.
    pub stops: Vec<String>,
}

/// The route for these candidates on these terms.
pub fn route(candidates: Vec<Candidate<'_>>, terms: &Terms<'_>) -> Route {
    let mut route = Route::default();
    for candidate in candidates {
        let model = candidate.model;
        match step(candidate, terms) {
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

/// Puts the model first that may be the best of its tier, seen kindly: the less is known about one, the kinder. Nothing moves when that is
/// the first one anyway, or when the other costs much more.
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

fn step(candidate: Candidate<'_>, terms: &Terms<'_>) -> Result<Step, Why> {
    let Candidate { model, prompt_tokens, stops } = candidate;
    let standing = terms.standings.get(&model.name).copied().unwrap_or_default();
    let stays = model.is_on_this_machine();
    if terms.pin.is_some_and(|pin| pin != model.name) {
        return Err(Why::NotPinned);
    }
    if terms.pin.is_none() && !terms.row.route.contains(&model.tier) {
        return Err(Why::Tier);
    }
    if !stays && (terms.privacy == Privacy::Local || terms.row.enabled != Enabled::On) {
        return Err(Why::Private);
    }
    if !standing.healthy {
        return Err(Why::Unhealthy);
    }
    if standing.wait_ms.is_some_and(|wait| wait > terms.deadline_ms) && terms.pin.is_none() {
        return Err(Why::TooSlow);
    }
    let prompt_tokens = prompt_tokens?;
    if !standing.allowance.covers(u64::from(prompt_tokens) + u64::from(terms.max_tokens)) {
        return Err(Why::Limited);
    }
    if prompt_tokens.saturating_add(terms.max_tokens) > model.context {
        return Err(Why::Context);
    }
    let worst_cost = model.price.worst(margin(prompt_tokens), terms.max_tokens.into());
    if worst_cost > terms.cap_left && worst_cost > Money::ZERO {
        return Err(Why::Cap);
    }
    let price = model.price.at(terms.now);
    let expected_cost = standing.expected_cost(&price, model.abort_billed, prompt_tokens, terms.max_tokens);
    let acceptance = standing.acceptance(model.tier);
    Ok(Step {
        expected_cost,
        acceptance,
        per_accepted: per_accepted(expected_cost, acceptance.mean),
        wait_ms: standing.wait_ms,
        explored: false,
        model: model.name.clone(),
        tier: model.tier,
        prompt_tokens,
        stops,
        worst_cost,
        price,
    })
}

/// The input to hold money back for: the estimate and half of it again, since estimates were off by up to a third in one window of a hundred.
fn margin(prompt_tokens: u32) -> u64 {
    let tokens = u64::from(prompt_tokens);
    tokens + tokens / 2 + 16
}

fn per_accepted(cost: Money, acceptance: f64) -> Money {
    cost.scaled(1.0 / acceptance.max(0.001))
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::NotPinned => f.pad("another model is pinned"),
            Why::Tier => f.pad("the task is not served by its tier"),
            Why::Private => f.pad("code may not leave this machine"),
            Why::Unhealthy => f.pad("its provider fails"),
            Why::Limited => f.pad("its provider allows no such call now"),
            Why::TooSlow => f.pad("it answers too late"),
            Why::Cap => f.pad("what is left of the day's or the month's cap does not cover it"),
            Why::Context => f.pad("the prompt does not fit"),
            Why::Marker(marker) => write!(f, "the text contains `{marker}`"),
        }
    }
}

#[cfg(test)]
mod tests;
