//! What a task on demand is expected to cost, for the title of its action: by what such tasks usually need and the price of the model that is asked
//! first. It reads no file and asks nobody; the plan of a task is made when it runs.

use pennyworth_core::caps::Spent;
use pennyworth_core::models::{Later, Model, Shape};
use pennyworth_core::money::Money;
use pennyworth_core::route::{Candidate, Step, Terms, route, route_by_tomorrow};
use pennyworth_core::task::{Enabled, Task, Tier};
use pennyworth_core::tokens::REFERENCE_CHARS_PER_TOKEN;

use crate::complete::Completer;
use crate::demand::{cheaper_later, flex_at};
use crate::settings::{Configuration, Scope};

/// Costs up to this one are not worth telling: a tenth of a cent.
const TOLD: Money = Money::from_pico(1_000_000_000);

/// What an action for a task can say of its models.
pub(super) enum Offer {
    /// Nothing that is worth telling.
    Plain,
    /// What it costs.
    Costs(Expected),
    /// No model may be asked, for this reason.
    None(String),
}

/// What a task is expected to cost, in words.
pub(super) struct Expected {
    /// Now, and by which model.
    pub(super) now: String,
    /// By tomorrow, if one of its models is cheaper then.
    pub(super) later: Option<Cheaper>,
}

/// What a task is expected to cost that nobody waits for, in words.
pub(super) struct Cheaper {
    /// What it costs.
    pub(super) cost: String,
    /// How it is asked.
    pub(super) how: &'static str,
    /// What share of the price that takes.
    pub(super) share: &'static str,
}

impl Cheaper {
    fn of(step: &Step) -> Cheaper {
        let (how, share) = match step.later {
            Some(Later::Batch) => ("by tomorrow", "half"),
            Some(Later::OffPeak(_)) => ("by tomorrow", "less"),
            None => ("at the flex tier", "less"),
        };
        Cheaper { cost: cents(step.expected_cost), how, share }
    }
}

/// The models that may be asked for a task, in order.
struct Routes {
    now: Vec<Step>,
    /// By tomorrow.
    later: Vec<Step>,
    /// Why there is none, if there is none.
    why_none: String,
}

/// What the first model of a task is expected to cost at a place, or why none may be asked.
pub(super) fn offer(completer: &Completer, scope: &Scope, task: Task, language: &str) -> Offer {
    if scope.tasks.row(task).enabled == Enabled::Off {
        return Offer::None(format!("`tasks.{task}.enabled` is off"));
    }
    let configuration = completer.configuration.get();
    let models = &configuration.models;
    let Routes { now, later, why_none } = routes(completer, &configuration, scope, (task, language));
    let Some(first) = now.first() else { return Offer::None(why_none) };
    if first.expected_cost <= TOLD {
        return Offer::Plain;
    }
    let is_flex = models.get(&first.model).is_some_and(Model::is_flex);
    let tier = if is_flex { ", flex tier" } else { "" };
    let told = format!("{}, {}{tier}", cents(first.expected_cost), first.model);
    // Where there is no batch, a flex tier costs as much as one. A commit does not wait.
    let flex = flex_at(&now, models).and_then(|at| now.get(at));
    let flex = flex.filter(|step| step.expected_cost < first.expected_cost);
    let cheaper = cheaper_later(&later).next().or(flex).filter(|_| task != Task::Commit);
    Offer::Costs(Expected { now: told, later: cheaper.map(Cheaper::of) })
}

fn routes(
    completer: &Completer,
    configuration: &Configuration,
    scope: &Scope,
    (task, language): (Task, &str),
) -> Routes {
    let (settings, row, models) = (&scope.settings, scope.tasks.row(task), &configuration.models);
    let terms = Terms {
        row,
        standings: &completer.standings(configuration, task, language),
        cap_left: Some(settings.caps().left(Spent::default())),
        privacy: settings.privacy(),
        pin: settings.pin(task),
        max_tokens: row.max_tokens,
        reads_on: false,
        worth: Money::ZERO,
        deadline_ms: row.deadline_ms,
        now: completer.week_hour(),
        explore: false,
    };
    let prompt_tokens = |model: &Model| match models.format(&model.format)?.shape {
        Shape::Chat => Some(tokens(row.usual.min(row.input), completer.chars_per_token(model))),
        _ => None,
    };
    let candidates = models.enabled().filter_map(|model| {
        let prompt_tokens = Ok(prompt_tokens(model)?);
        let prior = models.prior(model, task).mean;
        Some(Candidate { model, prior, prompt_tokens, room: model.context, stops: Vec::new(), stops_at_line: false })
    });
    let candidates: Vec<_> = candidates.collect();
    let any_premium = candidates.iter().any(|candidate| candidate.model.tier == Tier::Premium);
    let later = route_by_tomorrow(candidates.clone(), &terms);
    let route = route(candidates, &terms);
    let why_none = match route.skipped.first() {
        Some(skipped) => format!("{}: {}", skipped.model, skipped.why),
        None if any_premium => "only premium models are switched on, and `escalate` is false".to_owned(),
        None => "no model that takes instructions is switched on".to_owned(),
    };
    let may = |step: &Step| step.tier != Tier::Premium || settings.escalate || settings.pin(task).is_some();
    let open = |steps: Vec<Step>| steps.into_iter().filter(may).collect();
    Routes { now: open(route.steps), later: open(later.steps), why_none }
}

/// Tokens of a reference tokenizer as those of a model.
fn tokens(reference: u32, chars_per_token: f32) -> u32 {
    (reference as f32 * REFERENCE_CHARS_PER_TOKEN / chars_per_token.max(0.5)).ceil() as u32
}

/// An amount in cents, rounded up to a tenth of one.
fn cents(amount: Money) -> String {
    format!("{:.1} ¢", (amount.usd() * 1000.0).ceil() / 10.0)
}
