//! All that a request needs, decided before any IO: gate, ceiling, stops, deadline, prompt and route. Printable, so that `explain` can show it.
//! It leaves doing it to the server.

use std::fmt;

use serde::Serialize;

use crate::budget::{Budget, Feedback, budget};
use crate::gate::{Gate, Moment, gate};
use crate::models::{Format, Model, Models};
use crate::prompt::{PartTokens, Prompt, Refusal, Rendered};
use crate::route::{Candidate, Route, Terms, Why, route};
use crate::task::{Stop, Task};
use crate::tokens::REFERENCE_CHARS_PER_TOKEN;

/// What a request needs. Serialised it holds sizes, never text.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What is missing at the cursor.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// Whether models may be asked.
    pub gate: Gate,
    /// The limits of an answer.
    #[serde(flatten)]
    pub budget: Budget,
    /// Where the answer ends.
    pub stops: Vec<Stop>,
    /// Longest wait, in milliseconds.
    pub deadline_ms: u32,
    /// Estimated tokens of the prompt's parts, by the reference tokenizer.
    pub prompt_tokens: PartTokens,
    /// The prompt.
    #[serde(skip)]
    pub prompt: Prompt,
    /// The models to ask; empty when the gate is silent.
    pub route: Route,
}

/// What a plan is made from, besides the models.
pub struct Inputs<'a> {
    /// What is missing at the cursor.
    pub task: Task,
    /// Facts about the moment.
    pub moment: Moment<'a>,
    /// The prompt, its windows cut and its line breaks normalised.
    pub prompt: Prompt,
    /// What the ledger knows about accepted lengths.
    pub feedback: Option<Feedback>,
    /// What decides about the route; its `max_tokens` is set here.
    pub terms: Terms<'a>,
    /// Characters per token of a model, its calibration included.
    pub chars_per_token: &'a dyn Fn(&Model) -> f32,
}

/// Makes the plan.
pub fn plan(models: &Models, inputs: Inputs<'_>) -> Plan {
    let Inputs { task, moment, mut prompt, feedback, terms, chars_per_token } = inputs;
    let gate = gate(&moment);
    let budget = budget(terms.row, feedback);
    let terms = Terms { max_tokens: budget.max_tokens, ..terms };
    prompt.stop = prompt.stop.or(terms.row.stop.first().copied());
    let route = match gate {
        Gate::Silent(_) => Route::default(),
        Gate::Ask => {
            let candidate = |model| candidate(models, model, &prompt, &terms.row.stop, chars_per_token);
            route(models.enabled().map(candidate).collect(), &terms)
        }
    };
    Plan {
        task,
        language: prompt.language.clone(),
        gate,
        budget,
        stops: terms.row.stop.clone(),
        deadline_ms: terms.row.deadline_ms,
        prompt_tokens: prompt.tokens(REFERENCE_CHARS_PER_TOKEN),
        prompt,
        route,
    }
}

impl Plan {
    /// The prompt in a model's own format.
    pub fn render(&self, models: &Models, model: &Model) -> Result<Rendered, Why> {
        render(models, model, &self.prompt)
    }
}

/// A prompt in a model's own format, with the excerpts its row has room for.
pub fn render(models: &Models, model: &Model, prompt: &Prompt) -> Result<Rendered, Why> {
    // Loading a row checked that its format exists.
    let format = models.format(&model.format).ok_or_else(|| Why::Marker(model.format.clone()))?;
    // The row's own estimate, so that what was planned and what is sent hold the same excerpts whatever is learned in between.
    let prompt = prompt.within(format, model.excerpts, model.chars_per_token);
    prompt.render(format).map_err(|Refusal { marker }| Why::Marker(marker))
}

fn candidate<'a>(
    models: &Models,
    model: &'a Model,
    prompt: &Prompt,
    stops: &[Stop],
    chars_per_token: &dyn Fn(&Model) -> f32,
) -> Candidate<'a> {
    let rendered = render(models, model, prompt);
    Candidate {
        model,
        prompt_tokens: rendered.map(|rendered| rendered.body.tokens(chars_per_token(model))),
        stops: models
            .format(&model.format)
            .map_or_else(Vec::new, |format| stop_texts(stops, format, model.stop_limit.into())),
    }
}

/// The texts that stop a model: those of the task first, because they save money, then those of the format, in the provider's limit.
///
/// Only a line break and a blank line can be said as text; the other stops of a task are found while the answer is read.
pub fn stop_texts(stops: &[Stop], format: &Format, limit: usize) -> Vec<String> {
    let of_task = stops.iter().find_map(|stop| match stop {
        Stop::Newline => Some("\n"),
        Stop::Blank => Some("\n\n"),
        Stop::Balanced | Stop::Statement | Stop::Block | Stop::Item => None,
    });
    of_task.into_iter().chain(format.stops.iter().map(String::as_str)).take(limit).map(str::to_owned).collect()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PartTokens { path, excerpts, prefix, suffix } = self.prompt_tokens;
        let total = path + excerpts + prefix + suffix;
        writeln!(f, "task        {} ({})", self.task, self.language)?;
        writeln!(f, "gate        {}", self.gate)?;
        writeln!(f, "max_tokens  {}", self.budget.max_tokens)?;
        writeln!(f, "stops       {}", self.stops.iter().map(stop_name).collect::<Vec<_>>().join(", "))?;
        writeln!(f, "deadline    {} ms", self.deadline_ms)?;
        writeln!(f, "prompt      ≈{total} tokens: path {path}, excerpts {excerpts}, prefix {prefix}, suffix {suffix}")?;
        for (number, step) in self.route.steps.iter().enumerate() {
            writeln!(
                f,
                "route {:<5} {}: ≈{} prompt tokens, {} expected, {} at most, accepted {:.0} ± {:.0} %, {} per accepted{}{}",
                number + 1,
                step.model,
                step.prompt_tokens,
                step.expected_cost,
                step.worst_cost,
                step.acceptance.mean * 100.0,
                step.acceptance.deviation * 100.0,
                step.per_accepted,
                step.wait_ms.map(|wait| format!(", usually after {wait} ms")).unwrap_or_default(),
                if step.explored { ", to learn about it" } else { "" },
            )?;
        }
        if self.route.steps.is_empty() {
            writeln!(f, "route       no model is asked")?;
        }
        for skipped in &self.route.skipped {
            writeln!(f, "not asked   {}: {}", skipped.model, skipped.why)?;
        }
        Ok(())
    }
}

fn stop_name(stop: &Stop) -> &'static str {
    match stop {
        Stop::Newline => "newline",
        Stop::Balanced => "balanced",
        Stop::Statement => "statement",
        Stop::Block => "block",
        Stop::Blank => "blank",
        Stop::Item => "item",
    }
}

#[cfg(test)]
mod tests;
