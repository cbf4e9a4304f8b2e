//! A planned model call, and why the ledger refuses one. It leaves writing rows to `store`.

use std::time::Duration;

use pennyworth_core::caps::Broken;
use pennyworth_core::models::{AbortBilled, Model, Price};
use pennyworth_core::money::Money;
use pennyworth_core::plan::Plan;
use pennyworth_core::route::Step;
use pennyworth_core::task::Task;

use super::ids;
use super::trouble::Trouble;

/// The id of a call's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(pub(super) i64);

impl CallId {
    /// A new one.
    pub(super) fn fresh() -> CallId {
        CallId(ids::fresh())
    }
}

#[cfg(test)]
impl CallId {
    /// An id that stands in no ledger.
    pub(crate) const fn of_a_test() -> CallId {
        CallId(0)
    }
}

/// A planned model call.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The provider: host and port of the model's address.
    pub provider: String,
    /// The model's name in tables.
    pub model: String,
    /// The task; `None` for a call that only warms its model.
    pub task: Option<Task>,
    /// The language's name.
    pub language: String,
    /// Estimated tokens of the prompt.
    pub prompt_tokens: u32,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// Characters per token of the model's row, to estimate the tokens of an aborted answer.
    pub chars_per_token: f32,
    /// The most it can cost. This much counts against the caps until the call is settled.
    pub worst_cost: Money,
    /// The prices of its tokens at that hour.
    pub price: Price,
    /// Whether the provider bills an aborted call in full.
    pub abort_billed: AbortBilled,
    /// Longest time the call may take.
    pub deadline: Duration,
    /// Whether it is made for a trial.
    pub is_trial: bool,
}

impl Entry {
    /// A step of a plan's route.
    pub fn new(plan: &Plan, step: &Step, model: &Model) -> Entry {
        Entry {
            provider: provider(model).to_owned(),
            model: model.name.clone(),
            task: Some(plan.task),
            language: plan.language.clone(),
            prompt_tokens: step.prompt_tokens,
            max_tokens: step.max_tokens,
            chars_per_token: model.chars_per_token,
            worst_cost: step.worst_cost,
            price: step.price.clone(),
            abort_billed: model.abort_billed,
            deadline: Duration::from_millis(plan.deadline_ms.into()),
            is_trial: false,
        }
    }

    /// A call for a task on demand, as a step of its route. One in the queue counts as lost if nobody hears of it for as long as its deadline says.
    pub fn on_demand((task, language): (Task, &str), step: &Step, model: &Model, deadline: Duration) -> Entry {
        Entry {
            provider: provider(model).to_owned(),
            model: model.name.clone(),
            task: Some(task),
            language: language.to_owned(),
            prompt_tokens: step.prompt_tokens,
            max_tokens: step.max_tokens,
            chars_per_token: model.chars_per_token,
            worst_cost: step.worst_cost,
            price: step.price.clone(),
            abort_billed: model.abort_billed,
            deadline,
            is_trial: false,
        }
    }

    /// A call that only warms a model with the beginning of its prompts.
    pub fn warming(model: &Model, prompt_tokens: u32, max_tokens: u32, deadline: Duration) -> Entry {
        Entry {
            provider: provider(model).to_owned(),
            model: model.name.clone(),
            task: None,
            language: String::new(),
            prompt_tokens,
            max_tokens,
            chars_per_token: model.chars_per_token,
            worst_cost: model.worst_cost(prompt_tokens.into(), max_tokens.into()),
            price: model.price.clone(),
            abort_billed: model.abort_billed,
            deadline,
            is_trial: false,
        }
    }
}

/// Host and port of a model's address, without user name and password.
pub fn provider(model: &Model) -> &str {
    let rest = model.base_url.split_once("://").map_or(model.base_url.as_str(), |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// Why the ledger refuses a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its worst cost would exceed the cap of the day or month.
    #[error("{0}")]
    Cap(Broken),
    /// It costs money, and there is no ledger that would last.
    #[error("{0}")]
    Unbooked(Trouble),
    /// Its row could not be written, and no call is made without a row.
    #[error("the ledger cannot be written: {0}")]
    Unwritten(String),
}
